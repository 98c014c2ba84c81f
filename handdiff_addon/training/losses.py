# SPDX-License-Identifier: GPL-3.0-or-later
"""The loss of predicted masks, for hand generators of every kind."""

from __future__ import annotations

import torch
from torch.nn import functional

_WEIGHT = 0.1


def mask_loss(logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Cross-entropy and Dice of masks (N, H, W), together a tenth as heavy as the picture's loss.

    They count the same at all noise: where no picture can be seen yet, the heatmaps tell.  The paper's own form and
    weight are not known.
    """
    chance = logits.sigmoid()
    dice = 1.0 - (2.0 * (chance * truth).sum((1, 2)) + 1.0) / (chance.sum((1, 2)) + truth.sum((1, 2)) + 1.0)
    return _WEIGHT * (functional.binary_cross_entropy_with_logits(logits, truth) + dice.mean())
