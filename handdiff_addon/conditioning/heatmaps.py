# SPDX-License-Identifier: GPL-3.0-or-later
"""Keypoint heatmaps of the hands: what the hand generator sees of a pose.

Eleven channels: one for each finger of each hand, so that touching fingers stay apart, and one for both wrists.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..request import Side
from ..rig.keypoints import FINGERS

CHANNELS = 11
WRISTS = 10
SIGMA = 1.0
"""Of the Gaussians, in pixels of the heatmaps"""
_FIRST_CHANNEL: dict[Side, int] = {"right": 0, "left": 5}


def hand_heatmaps(hands: Mapping[Side, np.ndarray], crop_size: float, size: int) -> np.ndarray:
    """Heatmaps of one square crop.

    Channels 0-4 are the right hand's thumb, index, middle, ring and little finger, 5-9 the left hand's, 10 both wrists.
    A finger's channel shows its four points as Gaussians, the strongest at each pixel, scaled so that its maximum is 1.
    A channel whose points all lie outside the crop keeps only what their tails reach.

    Args:
        hands: (21, 2) keypoints per side in the crop's pixels (origin top left, y down, pixel centres at half
            integers); NaN rows and missing sides are left out.
        crop_size: side of the square that those pixels count, in pixels.
        size: side of the heatmaps in pixels.

    Returns:
        (11, size, size) float32 in 0..1.
    """
    heatmaps = np.zeros((CHANNELS, size, size), dtype=np.float32)
    inside = np.zeros(CHANNELS, dtype=bool)
    for side, points in hands.items():
        scaled = np.asarray(points, dtype=np.float64) * (size / crop_size)
        for finger in range(len(FINGERS)):
            channel = _FIRST_CHANNEL[side] + finger
            inside[channel] |= _splat(heatmaps[channel], scaled[1 + 4 * finger : 5 + 4 * finger])
        inside[WRISTS] |= _splat(heatmaps[WRISTS], scaled[:1])
    peak = heatmaps.max(axis=(1, 2))
    peak = np.where(inside & (peak > 0), peak, 1.0)
    return heatmaps / peak[:, None, None].astype(np.float32)


def _splat(channel: np.ndarray, points: np.ndarray) -> bool:
    """Raise ``channel`` (S, S) to Gaussians at ``points`` (K, 2), in place; whether any of them lies inside."""
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        return False
    centres = np.arange(len(channel)) + 0.5
    falloff = np.exp(-((centres - points[..., None]) ** 2) / (2.0 * SIGMA**2))  # (K, 2, S)
    np.maximum(channel, (falloff[:, 1, :, None] * falloff[:, 0, None, :]).max(axis=0), out=channel)
    return bool(((points >= 0) & (points < len(channel))).all(axis=1).any())
