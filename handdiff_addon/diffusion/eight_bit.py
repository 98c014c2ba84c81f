# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights of eight bits: what networks paint whose weights are stored in half the bytes of float16."""

from __future__ import annotations

from collections.abc import Iterable

import torch

_LEVELS = 127
"""On each side of zero"""


@torch.no_grad()
def round_to_eight_bits(networks: Iterable[torch.nn.Module]) -> None:
    """Round the weights of layers, in place, to 255 evenly spaced values for each output channel.

    The values are symmetric and reach to the channel's largest weight (Nagel et al. 2021).  Biases and the scales of
    norms, which are few, stay as they are.
    """
    for network in networks:
        for weight in network.parameters():
            if weight.dim() > 1:
                channels = weight.flatten(1)
                step = channels.abs().amax(1, keepdim=True).clamp_min(torch.finfo(weight.dtype).tiny) / _LEVELS
                weight.copy_(((channels / step).round() * step).view_as(weight))
