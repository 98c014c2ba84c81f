# SPDX-License-Identifier: GPL-3.0-or-later
"""Pixels from what lies around them: (B, C, H, W) to the same shape, continued beyond the picture's edge."""

from __future__ import annotations

import torch
from torch.nn import functional


def grown(mask: torch.Tensor, around: int) -> torch.Tensor:
    """The greatest value within so many pixels across and down."""
    width = 2 * around + 1
    grown = functional.max_pool2d(mask, (width, 1), 1, (around, 0))
    return functional.max_pool2d(grown, (1, width), 1, (0, around))


def blurred(pixels: torch.Tensor, around: int) -> torch.Tensor:
    """The mean within so many pixels across and down."""
    width = 2 * around + 1
    padded = functional.pad(pixels, (around,) * 4, mode="replicate")
    return functional.avg_pool2d(functional.avg_pool2d(padded, (width, 1), 1), (1, width), 1)
