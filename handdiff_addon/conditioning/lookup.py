# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures looked up between their pixels."""

from __future__ import annotations

import numpy as np


def sample(picture: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Bilinear samples (N, C) of a picture (H, W, C) at pixels (N, 2), whose centres lie at half integers."""
    height, width = picture.shape[:2]
    x = np.clip(pixels[:, 0] - 0.5, 0, width - 1)
    y = np.clip(pixels[:, 1] - 0.5, 0, height - 1)
    left, top = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    x, y = (x - left)[:, None], (y - top)[:, None]
    upper = picture[top, left] * (1 - x) + picture[top, right] * x
    lower = picture[bottom, left] * (1 - x) + picture[bottom, right] * x
    return upper * (1 - y) + lower * y
