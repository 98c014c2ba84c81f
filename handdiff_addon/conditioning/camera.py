# SPDX-License-Identifier: GPL-3.0-or-later
"""A pinhole or orthographic camera as two matrices, and what it sees of points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Camera:
    """A camera for one frame.

    ``view`` (4, 4) takes world to camera space (metres; x right, y up, looking along -z, Blender's and OpenGL's).
    ``projection`` (4, 4) takes camera space to clip space, with lens shift, sensor fit and pixel aspect inside, as
    Blender's ``Object.calc_matrix_camera`` gives it.  ``width`` and ``height`` are the picture's size in pixels.
    """

    view: np.ndarray
    projection: np.ndarray
    width: int
    height: int
    name: str = "Camera"
    far: float = np.inf
    """Distance of the far clipping plane in metres; beyond it nothing is seen"""

    @property
    def near(self) -> float:
        """Distance of the near clipping plane in metres (negative where an orthographic camera sees behind itself)."""
        a, b = self.projection[2, 2], self.projection[2, 3]
        perspective = self.projection[3, 2] != 0
        return float(b / (a - 1.0)) if perspective else float((b + 1.0) / a)

    @property
    def mirrored(self) -> bool:
        """Whether a negative scale of the camera mirrors its picture."""
        return bool(np.linalg.det(self.view[:3, :3]) < 0)

    def pixel_size(self, depth: np.ndarray) -> np.ndarray:
        """Metres that one pixel spans at a depth, on the longer side of pixels that are not square."""
        spans = 2.0 / (np.array([self.width, self.height]) * np.abs([self.projection[0, 0], self.projection[1, 1]]))
        perspective = self.projection[3, 2] != 0
        return spans.max() * (np.asarray(depth) if perspective else np.ones_like(depth))

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pixels and depths of world points.

        Args:
            points: (..., 3) world positions in metres; NaN rows stay NaN.

        Returns:
            pixels (..., 2) with the origin at the picture's top left corner, y down, pixel centres at half integers;
            depth (...) as distance along the viewing direction in metres, positive in front.  Pixels of points at or
            behind the camera's own plane are NaN.
        """
        points = np.asarray(points, dtype=np.float64)
        homogeneous = np.concatenate([points, np.ones_like(points[..., :1])], axis=-1)
        camera = homogeneous @ self.view.T
        clip = camera @ self.projection.T
        with np.errstate(divide="ignore", invalid="ignore"):
            ndc = np.where(clip[..., 3:4] > 1e-9, clip[..., :2] / clip[..., 3:4], np.nan)
        pixels = np.stack([(ndc[..., 0] + 1.0) * 0.5 * self.width, (1.0 - ndc[..., 1]) * 0.5 * self.height], axis=-1)
        return pixels, -camera[..., 2]
