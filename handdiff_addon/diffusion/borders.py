# SPDX-License-Identifier: GPL-3.0-or-later
"""What convolutions see beyond a picture's border."""

from __future__ import annotations

import torch


def continue_at_borders(network: torch.nn.Module) -> None:
    """Let a network's convolutions see the border's pixels go on beyond it.

    Zeros, which are usual, are like nothing that a picture shows: small networks paint a frame along them.
    """
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d) and any(module.padding):
            module.padding_mode = "replicate"
