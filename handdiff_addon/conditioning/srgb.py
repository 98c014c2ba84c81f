# SPDX-License-Identifier: GPL-3.0-or-later
"""sRGB and linear light (IEC 61966-2-1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def to_linear(srgb: ArrayLike) -> np.ndarray:
    """sRGB (...) in 0..1 as linear light, float64 in 0..1."""
    values = np.asarray(srgb, dtype=np.float64)
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def to_srgb(linear: ArrayLike) -> np.ndarray:
    """Linear light (...) in 0..1 as sRGB, float64 in 0..1."""
    values = np.asarray(linear, dtype=np.float64)
    return np.where(values <= 0.0031308, values * 12.92, 1.055 * values ** (1 / 2.4) - 0.055)
