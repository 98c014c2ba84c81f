# SPDX-License-Identifier: GPL-3.0-or-later
"""Overlapping tiles of a large picture, and the picture blended from them.  numpy only."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..conditioning.crops import Box

OVERLAP = 0.125
"""Of a tile's side, at least"""


def tile_boxes(width: int, height: int, side: int, cell: int) -> list[Box]:
    """Tiles of at most ``side`` pixels that cover a picture, row by row, on the grid of latent cells.

    Args:
        width, height: of the picture in pixels, multiples of ``cell``.
        side: of a tile in pixels, a multiple of ``cell``.
    """
    return [
        (left, top, left + min(side, width), top + min(side, height))
        for top in _starts(height, side, cell)
        for left in _starts(width, side, cell)
    ]


def blend(tiles: Sequence[np.ndarray], boxes: Sequence[Box], width: int, height: int) -> np.ndarray:
    """The picture (height, width, 3) uint8 of its tiles, each fading out towards its rim where others overlap it."""
    total = np.zeros((height, width, 3), np.float32)
    weights = np.zeros((height, width, 1), np.float32)
    for tile, (left, top, right, bottom) in zip(tiles, boxes, strict=True):
        weight = (_fade(bottom - top)[:, None] * _fade(right - left)[None, :])[..., None]
        total[top:bottom, left:right] += tile * weight
        weights[top:bottom, left:right] += weight
    return np.rint(total / weights).astype(np.uint8)


def _starts(length: int, side: int, cell: int) -> list[int]:
    if length <= side:
        return [0]
    count = math.ceil((length - side * OVERLAP) / (side * (1.0 - OVERLAP)))
    return [round(index * (length - side) / (count - 1) / cell) * cell for index in range(count)]


def _fade(length: int) -> np.ndarray:
    """Weights (length,) that rise from each end over the overlap."""
    middles = np.arange(length) + 0.5
    return np.clip(np.minimum(middles, length - middles) / (length * OVERLAP), 1e-3, 1.0).astype(np.float32)
