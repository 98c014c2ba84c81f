# SPDX-License-Identifier: GPL-3.0-or-later
"""Sequential mask expansion: which latent cells keep the given hands at each denoising step.

The outpainted region expands, so the kept region shrinks: it starts as the hands with a generous rim, loses cells in
steps, and is released at the end, when the model sees hands and body together and melts the seam.  The paper gives the
idea; its schedule is not known, and the settings here are ours.  numpy only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..request import ExpansionSettings


def kept_regions(
    hands_mask: np.ndarray, cell: int, settings: ExpansionSettings, progress: Sequence[float]
) -> list[np.ndarray | None]:
    """The kept region after each denoising step.

    Args:
        hands_mask: bool (H, W), the given hands in pixels; H and W are multiples of ``cell``.
        cell: side of a latent cell in pixels.
        settings: when and how far the region shrinks.
        progress: per step, the part of the denoising that is done after it; 1 after the last.

    Returns:
        one bool (H / cell, W / cell) per step; None where there is no hand and in the free phase, which are the steps
        that begin at ``settings.end`` or later.  The region never grows, and until the free phase it holds every cell
        that a hand fills by half or more, so no finger is lost.
    """
    if not hands_mask.any():
        return [None] * len(progress)
    height, width = hands_mask.shape
    coverage = hands_mask.reshape(height // cell, cell, width // cell, cell).mean((1, 3))
    core = coverage >= 0.5
    regions = [dilate(coverage > 0, settings.rim)]
    for _ in range(settings.expansions):
        regions.append(erode(regions[-1], settings.cells) | core)
    kept: list[np.ndarray | None] = []
    for begun, done in zip([0.0, *progress[:-1]], progress, strict=True):
        if begun >= settings.end < 1.0:  # with an end of 1, a last step at no noise is not free either
            kept.append(None)
        elif done <= settings.start:
            kept.append(regions[0])
        else:
            share = (min(done, settings.end) - settings.start) / max(settings.end - settings.start, 1e-9)
            kept.append(regions[math.ceil(share * settings.expansions)])
    return kept


def dilate(region: np.ndarray, cells: int) -> np.ndarray:
    """Grow a bool region by its eight neighbours, ``cells`` times, in a time that does not depend on how many."""
    for axis in (0, 1):
        room = [(0, 0), (0, 0)]
        room[axis] = (cells + 1, cells)
        before = np.cumsum(np.pad(region, room), axis=axis, dtype=np.int32)
        count = region.shape[axis]
        until, since = (np.take(before, range(first, first + count), axis) for first in (2 * cells + 1, 0))
        region = until > since
    return region


def erode(region: np.ndarray, cells: int) -> np.ndarray:
    """Shrink a bool region by its eight neighbours, ``cells`` times; beyond the picture counts as inside."""
    return ~dilate(~region, cells)
