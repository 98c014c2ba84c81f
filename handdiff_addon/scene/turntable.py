# SPDX-License-Identifier: GPL-3.0-or-later
"""The person turning once around, as an animated picture: drawn in numpy from its parts, without a render."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ..conditioning.camera import Camera
from ..conditioning.raster import rasterise
from ..conditioning.shots import sample
from ..files import write_bytes
from .model import Part
from .ring import camera_around

_BACKGROUND = (236, 236, 236)
_SIZE = 320  # of the square picture, pixels
_PICTURES = 36  # of a turn
_SECONDS = 4.0  # that a turn takes
_FINER = 2  # pixels drawn along each side of a pixel
_SHADE = 0.35  # how much darker a surface gets that turns away from the eye


def write_turntable(path: Path, parts: Sequence[Part]) -> None:
    """Write a GIF that loops, or an animated PNG or WebP by the path's ending.

    Args:
        path: the file.
        parts: from ``read_parts``.

    Raises:
        OutputError: where the file cannot be written.
    """
    points = np.concatenate([part.mesh.vertices[np.unique(part.mesh.triangles)] for part in parts])
    turns = np.arange(_PICTURES) * 2 * np.pi / _PICTURES
    # From one distance all around: the farthest one needed.
    cameras = [camera_around(_swept(points), turn, 0.12, (_SIZE, _SIZE)) for turn in turns]
    first, *others = (Image.fromarray(draw(parts, camera)) for camera in cameras)
    buffer = io.BytesIO()
    kind = {".webp": "WEBP", ".png": "PNG"}.get(Path(path).suffix.lower(), "GIF")
    first.save(buffer, kind, save_all=True, append_images=others, duration=round(1000 * _SECONDS / _PICTURES), loop=0)
    write_bytes(Path(path), buffer.getvalue())


def draw(parts: Sequence[Part], camera: Camera) -> np.ndarray:
    """What a camera sees of parts, lit from the eye, as (H, W, 3) uint8 sRGB on light grey."""
    starts = np.cumsum([0, *(len(part.mesh.triangles) for part in parts)])
    offsets = np.cumsum([0, *(len(part.mesh.vertices) for part in parts)])
    large = Camera(camera.view, camera.projection, camera.width * _FINER, camera.height * _FINER, far=camera.far)
    raster = rasterise(
        np.concatenate([part.mesh.vertices for part in parts]),
        np.concatenate([part.mesh.triangles + offset for part, offset in zip(parts, offsets)]),
        large,
    )
    picture = np.full((*raster.triangle.shape, 3), _BACKGROUND, dtype=np.float64)
    eye = camera.to_world[:3, 3]
    for part, start, end in zip(parts, starts, starts[1:]):
        own = (raster.triangle >= start) & (raster.triangle < end)
        triangle, corners = raster.triangle[own] - start, raster.barycentric[own].astype(np.float64)
        mesh = part.mesh
        colour = np.tile(np.array(part.colour), (len(triangle), 1))
        if part.picture is not None:
            uv = np.einsum("nk,nkc->nc", corners, mesh.uv[triangle])
            pixels = np.stack([uv[:, 0], 1.0 - uv[:, 1]], axis=1) * part.picture.size
            colour = sample(np.asarray(part.picture), pixels)
        if not part.unlit:
            towards = eye - np.einsum("nk,nkc->nc", corners, mesh.vertices[mesh.triangles[triangle]])
            normals = np.einsum("nk,nkc->nc", corners, mesh.normals[triangle])
            lengths = np.linalg.norm(towards, axis=1) * np.linalg.norm(normals, axis=1)
            facing = np.abs((towards * normals).sum(axis=1)) / np.maximum(lengths, 1e-12)
            colour = colour * (1.0 - _SHADE * (1.0 - facing))[:, None]
        picture[own] = colour
    small = picture.reshape(camera.height, _FINER, camera.width, _FINER, 3).mean(axis=(1, 3))
    return np.rint(small).astype(np.uint8)


def _swept(points: np.ndarray) -> np.ndarray:
    """Points on the rims of the cylinder that points sweep when they turn around the vertical."""
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    radius = np.linalg.norm((points - middle)[:, :2], axis=1).max()
    angles = np.arange(36) * np.pi / 18
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1) * radius + middle[:2]
    heights = points[:, 2].min(), points[:, 2].max()
    return np.concatenate([np.column_stack([circle, np.full(len(circle), height)]) for height in heights])
