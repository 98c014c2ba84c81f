# SPDX-License-Identifier: GPL-3.0-or-later
"""Cameras without Blender."""

from __future__ import annotations

import numpy as np

from handdiff_addon.conditioning.camera import Camera


def looking_down(size: int = 100, near: float = 0.1, far: float = 10.0) -> Camera:
    """From (0, 0, 5) along -z, orthographic, 2 units wide: a wall at height z has depth 5 - z."""
    projection = np.diag([1.0, 1.0, -2.0 / (far - near), 1.0])
    projection[2, 3] = -(far + near) / (far - near)
    view = np.eye(4)
    view[2, 3] = -5.0
    return Camera(view, projection, size, size)
