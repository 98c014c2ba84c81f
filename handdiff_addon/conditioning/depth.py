# SPDX-License-Identifier: GPL-3.0-or-later
"""Depth as pictures: as ControlNets were trained on it (nearest white, background black), and in millimetres."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_DARKEST = 26  # farthest person pixel: told apart from the background, which is 0
_HAND_DARKEST = 51  # a hand's farthest pixel in HandRefiner's pictures: 255 * (1 - 0.8)


def depth_picture(depth: np.ndarray, subject: np.ndarray | None = None) -> np.ndarray:
    """Metric depth as a grey picture whose brightness grows with 1 / depth, as that of MiDaS does.

    The range is that of the subject: its nearest point is 255, its farthest 26.  What stands before it is 255 as well;
    what lies farther darkens to black, and empty pixels are 0.

    Args:
        depth: (H, W) metres along the viewing direction, inf where nothing is seen.
        subject: bool (H, W), the pixels that set the range, such as the person mask; None or empty: all that is seen.

    Returns:
        (H, W) uint8
    """
    seen = np.isfinite(depth)
    picture = np.zeros(depth.shape, dtype=np.uint8)
    if not seen.any():
        return picture
    ranged = seen & subject if subject is not None and (seen & subject).any() else seen
    nearest, farthest = float(depth[ranged].min()), float(depth[ranged].max())
    if nearest <= 0:  # an orthographic camera may see behind its own plane: measure from the nearest point
        depth, nearest, farthest = depth - nearest + 1.0, 1.0, farthest - nearest + 1.0
    spread = 1.0 / nearest - 1.0 / farthest
    if spread < 1e-9:
        picture[seen] = np.where(depth[seen] <= nearest, 255, _DARKEST)
        return picture
    near_share = (1.0 / np.maximum(depth[seen], 1e-6) - 1.0 / farthest) / spread
    picture[seen] = np.rint(np.clip(_DARKEST + (255 - _DARKEST) * near_share, 0, 255))
    return picture


def hand_depth_picture(metric_depth: np.ndarray, hands: Sequence[np.ndarray]) -> np.ndarray:
    """Hands alone, as HandRefiner's ControlNet was trained on them.

    Each hand has its own range, linear in metres: its nearest pixel is 255, its farthest 51.  A flat hand is 255.
    Where masks overlap, the nearer hand (by its median) is painted over the farther one.

    Args:
        metric_depth: (H, W) metres along the viewing direction, inf where nothing is seen.
        hands: bool (H, W), one per hand of every person; empty ones are passed over.

    Returns:
        (H, W) uint8, 0 outside the hands.

    Source: HandRefiner (Lu et al. 2023), ``preprocessor/meshgraphormer.py``.
    """
    picture = np.zeros(metric_depth.shape, dtype=np.uint8)
    seen = [mask & np.isfinite(metric_depth) for mask in hands]
    seen = [mask for mask in seen if mask.any()]
    for mask in sorted(seen, key=lambda mask: -float(np.median(metric_depth[mask]))):
        depth = metric_depth[mask].astype(np.float64)
        nearest = depth.min()
        share = (depth - nearest) / max(depth.max() - nearest, 1e-6)
        picture[mask] = np.rint(255 - (255 - _HAND_DARKEST) * share)
    return picture


def metric_depth_picture(metric_depth: np.ndarray) -> np.ndarray:
    """Depth in whole millimetres, as depth cameras and RGB-D data sets store it in 16-bit PNG files.

    Args:
        metric_depth: (H, W) metres along the viewing direction, inf where nothing is seen.

    Returns:
        (H, W) uint16; 0 where nothing is seen, else 1 to 65535: what is nearer than 1 mm (or behind an orthographic
        camera's plane) is 1, what is farther than 65.535 m is 65535.
    """
    seen = np.isfinite(metric_depth)
    millimetres = np.rint(np.where(seen, metric_depth, 0.0) * 1000.0)
    return np.where(seen, np.clip(millimetres, 1, 65535), 0).astype(np.uint16)
