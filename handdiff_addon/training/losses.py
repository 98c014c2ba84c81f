# SPDX-License-Identifier: GPL-3.0-or-later
"""The loss of predicted masks, for hand generators of every kind, and what counts how much in a picture."""

from __future__ import annotations

import torch
from torch.nn import functional

_WEIGHT = 0.1
_PERSON, _BARE = 4.0, 16.0
"""How much more a pixel counts of the person, and of head and hands, than one of the backdrop, much of which nothing
tells: skin and hair are named as often as clothes, and cover far less"""
_NECK, _WRIST = 218 / 255, 28 / 255
"""Colours of :func:`~handdiff_addon.conditioning.body_map.body_map`: green above, red this near to either end"""


def mask_loss(logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Cross-entropy and Dice of masks (N, H, W), together a tenth as heavy as the picture's loss.

    They count the same at all noise: where no picture can be seen yet, the heatmaps tell.  The paper's own form and
    weight are not known.
    """
    chance = logits.sigmoid()
    dice = 1.0 - (2.0 * (chance * truth).sum((1, 2)) + 1.0) / (chance.sum((1, 2)) + truth.sum((1, 2)) + 1.0)
    return _WEIGHT * (functional.binary_cross_entropy_with_logits(logits, truth) + dice.mean())


def pixel_weights(person: torch.Tensor, body_map: torch.Tensor) -> torch.Tensor:
    """How much each pixel of a canvas counts: backdrop, body, head and hands.

    Args:
        person: (B, 1, s, s) 0 or 1.
        body_map: (B, 3, s, s) in 0..1; black throughout where it was left out, when nothing tells head and hands.

    Returns:
        (B, 1, s, s) float32.
    """
    red, green = body_map[:, :1], body_map[:, 1:2]
    known = body_map.amax((1, 2, 3), keepdim=True) > 0
    bare = known & (person > 0) & ((green > _NECK) | (red < _WRIST) | (red > 1.0 - _WRIST))
    return torch.where(bare, _BARE, 1.0 + (_PERSON - 1.0) * person)
