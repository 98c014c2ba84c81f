# SPDX-License-Identifier: GPL-3.0-or-later
"""Depth as ControlNets were trained on it: inverse depth, nearest white, background black."""

from __future__ import annotations

import numpy as np

_DARKEST = 26  # farthest person pixel: told apart from the background, which is 0


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
