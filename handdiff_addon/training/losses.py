# SPDX-License-Identifier: GPL-3.0-or-later
"""The losses of predicted masks and of the colour sketch, and what counts how much in a picture."""

from __future__ import annotations

import torch
from torch.nn import functional

_WEIGHT = 0.1
_SHADES = 16
"""Of each colour of the body map, to count places by"""
_FLAT = 1e-4
"""Rounds off the tip of the absolute distance (Charbonnier et al. 1994)"""
_PERSON, _BARE = 4.0, 16.0
"""How much more a pixel counts of the person, and of head and hands, than one of the backdrop, much of which nothing
tells: skin and hair are named as often as clothes, and cover far less"""
_RAREST, _BACKDROP = 2e-5, 8.0
"""Share of the cells under which a place counts no more for being rarer; what one of the backdrop counts, where a place
that all cells showed would count 1"""
NECK, _WRIST = 218 / 255, 28 / 255
"""Colours of :func:`~handdiff_addon.conditioning.body_map.body_map`: green above, red this near to either end"""


def mask_loss(logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Cross-entropy and Dice of masks (N, H, W), together a tenth as heavy as the picture's loss.

    They count the same at all noise: where no picture can be seen yet, the heatmaps tell.  The paper's own form and
    weight are not known.
    """
    chance = logits.sigmoid()
    dice = 1.0 - (2.0 * (chance * truth).sum((1, 2)) + 1.0) / (chance.sum((1, 2)) + truth.sum((1, 2)) + 1.0)
    return _WEIGHT * (functional.binary_cross_entropy_with_logits(logits, truth) + dice.mean())


def sketch_loss(sketched: torch.Tensor, pictures: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """The distance of the sketch's colours from the pictures', which wants the likeliest of several, not their mean.

    Dots, and where a sleeve or the hair ends, are not known: a mean there is a colour that nobody named.

    Args:
        sketched: (B, 3, h, w) sRGB in 0..1, a colour for each cell.
        pictures: (B, 3, H, W) in -1..1.
        weights: (B, 1, h, w), how much each cell counts.
    """
    cell = pictures.shape[2] // sketched.shape[2]
    off = 2.0 * sketched - 1.0 - functional.avg_pool2d(pictures, cell)
    return ((off.square() + _FLAT).sqrt() * weights).mean()


def pixel_weights(person: torch.Tensor, body_map: torch.Tensor) -> torch.Tensor:
    """How much each pixel of a canvas counts: backdrop, body, head and hands.

    Args:
        person: (B, 1, s, s) 0 or 1.
        body_map: (B, 3, s, s) in 0..1; black where nothing tells the place.

    Returns:
        (B, 1, s, s) float32.
    """
    red, green = body_map[:, :1], body_map[:, 1:2]
    known = body_map.amax(1, keepdim=True) > 0
    bare = known & (person > 0) & ((green > NECK) | (red < _WRIST) | (red > 1.0 - _WRIST))
    return torch.where(bare, _BARE, 1.0 + (_PERSON - 1.0) * person)


def place_weights(person: torch.Tensor, body_map: torch.Tensor) -> torch.Tensor:
    """How much each cell counts where every place of the body is to be learned: by the root of how rare it is.

    Args:
        person: (B, 1, h, w) in 0..1, how much of the cell is the person's.
        body_map: (B, 3, h, w) in 0..1.

    Returns:
        (B, 1, h, w) float32 with mean 1.
    """
    shades = (body_map * _SHADES).long().clamp(max=_SHADES - 1)
    place = (shades[:, 0] * _SHADES + shades[:, 1]) * _SHADES + shades[:, 2]
    share = torch.bincount(place.flatten(), minlength=_SHADES**3)[place][:, None] / place.numel()
    weights = torch.where(person > 0.5, share.clamp_min(_RAREST).rsqrt(), _BACKDROP)
    return weights / weights.mean()
