# SPDX-License-Identifier: GPL-3.0-or-later
"""A pinhole or orthographic camera as two matrices, and what it sees of points."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np


def transformed(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Many points or directions through a small matrix.

    NumPy's ``@`` and ``linalg.inv`` start threads that afterwards spin for a while, on cores that paint meanwhile;
    this and :func:`inverse` do not.

    Args:
        points: (..., 3).
        matrix: (R, 3), or (R, 4) whose last column is added.

    Returns:
        (..., R) in the wider type of both.
    """
    points = points.astype(np.result_type(points, matrix), copy=False)
    x, y, z = np.moveaxis(points, -1, 0)
    result = np.empty((*points.shape[:-1], len(matrix)), points.dtype)
    for k, row in enumerate(matrix):
        result[..., k] = row[0] * x + row[1] * y + row[2] * z + (row[3] if len(row) > 3 else 0)
    return result


def inverse(matrix: np.ndarray) -> np.ndarray:
    """The inverse of a (3, 3) matrix that has one."""
    a, b, c = matrix
    return np.stack([np.cross(b, c), np.cross(c, a), np.cross(a, b)], axis=1) / (a * np.cross(b, c)).sum()


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

    @cached_property
    def to_world(self) -> np.ndarray:
        """(4, 4) from camera to world space: columns are the camera's axes and its place."""
        result = np.eye(4)
        result[:3, :3] = inverse(self.view[:3, :3])
        result[:3, 3] = -transformed(self.view[:3, 3], result[:3, :3])
        return result

    def towards(self, points: np.ndarray) -> np.ndarray:
        """Directions (..., 3) from world points to the camera, in perspective as long as the way."""
        if self.projection[3, 2] == 0:
            return np.broadcast_to(self.to_world[:3, 2], points.shape)
        return self.to_world[:3, 3] - points

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
        camera = transformed(points, self.view[:3])
        clip = transformed(camera, self.projection)
        with np.errstate(divide="ignore", invalid="ignore"):
            ndc = np.where(clip[..., 3:4] > 1e-9, clip[..., :2] / clip[..., 3:4], np.nan)
        pixels = np.stack([(ndc[..., 0] + 1.0) * 0.5 * self.width, (1.0 - ndc[..., 1]) * 0.5 * self.height], axis=-1)
        return pixels, -camera[..., 2]
