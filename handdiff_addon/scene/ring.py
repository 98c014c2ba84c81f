# SPDX-License-Identifier: GPL-3.0-or-later
"""A ring of cameras around people, for textures from all sides; and cameras as objects of a scene, for a while."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import bpy
import numpy as np
from mathutils import Matrix

from ..conditioning.camera import Camera
from ..errors import SceneError
from .passes import at_frame, depsgraph_of
from .rigs import find_humanoids
from .surfaces import read_surfaces

ELEVATIONS = (10.0, -35.0, 35.0, -35.0)
"""Degrees above the middle of the person, in turn around the ring: from above one sees shoulders and the tops of arms
and feet, from below chin and the undersides of arms; faces look best from nearly level"""
VIEWS = 10
_FIELD = np.radians(30.0)  # angle of view: narrow enough that near parts do not hide what lies behind them
_MARGIN = 1.06


def ring(
    scene: bpy.types.Scene,
    armatures: Iterable[str] = (),
    frame: int | None = None,
    *,
    count: int = VIEWS,
    size: tuple[int, int] = (1024, 1024),
) -> list[Camera]:
    """Cameras all around the people, each of which sees them whole; the first faces them, the second their backs (of an
    odd number, nearly), and later ones fill in between.

    Args:
        scene: posed.
        armatures: names; by default every humanoid of the scene.
        frame: evaluated at this frame; by default as the scene stands.
        count: how many.
        size: width and height of the pictures in pixels.

    Raises:
        SceneError: where the people have no mesh.
    """
    with at_frame(scene, frame):
        people = find_humanoids(scene, tuple(armatures))
        surfaces = read_surfaces(depsgraph_of(scene), people)
        facing = np.array(people[0].matrix_world, dtype=np.float64)[:3, :3] @ (0.0, -1.0, 0.0)
    points = [surface.vertices for surface in surfaces if surface.person >= 0]
    if not points:
        raise SceneError("The person has no mesh to look at: bind a mesh to the armature, or choose another armature.")
    front = np.arctan2(facing[0], -facing[1])
    turns = 2 * np.pi * np.arange(count) / count
    cameras = [
        camera_around(np.concatenate(points), front + turn, np.radians(ELEVATIONS[i % len(ELEVATIONS)]), size)
        for i, turn in enumerate(turns)
    ]
    return [cameras[index] for index in _apart(count)]


def _apart(count: int) -> list[int]:
    """Places around a ring, the first one and then always the farthest from those before: later views fill in."""
    chosen = [0]
    while len(chosen) < count:
        gaps = [min(min((i - j) % count, (j - i) % count) for j in chosen) for i in range(count)]
        chosen.append(int(np.argmax(gaps)))
    return chosen


def camera_around(points: np.ndarray, azimuth: float, elevation: float, size: tuple[int, int]) -> Camera:
    """A camera that sees points (N, 3) as large as they fit.

    Args:
        points: metres.
        azimuth: radians around the vertical; 0 looks from -y, and positive from +x.
        elevation: radians above the points' middle.
        size: width and height in pixels.
    """
    back = np.array([np.sin(azimuth) * np.cos(elevation), -np.cos(azimuth) * np.cos(elevation), np.sin(elevation)])
    right = np.array([np.cos(azimuth), np.sin(azimuth), 0.0])
    axes = np.stack([right, np.cross(back, right), back])
    seen = points[np.isfinite(points).all(axis=1)] @ axes.T
    width, height = size
    tangent = np.tan(_FIELD / 2) * np.array([width, height]) / max(size)
    centre = (seen.min(axis=0) + seen.max(axis=0)) / 2
    local = seen - centre
    distance = float((np.abs(local[:, :2]) * _MARGIN / tangent + local[:, 2:]).max())
    near, far = 0.05 * distance, 4.0 * distance
    view = np.eye(4)
    view[:3, :3] = axes
    view[:3, 3] = -centre - np.array([0.0, 0.0, distance])
    projection = np.zeros((4, 4))
    projection[0, 0], projection[1, 1] = 1.0 / tangent
    projection[2, 2:] = (near + far) / (near - far), 2.0 * near * far / (near - far)
    projection[3, 2] = -1.0
    return Camera(view, projection, width, height, "Ring", far)


@contextmanager
def placed(scene: bpy.types.Scene, cameras: Sequence[Camera]) -> Iterator[list[bpy.types.Object]]:
    """Perspective cameras with square pixels as objects of the scene; they go again at the end."""
    objects = []
    try:
        for camera in cameras:
            data = bpy.data.cameras.new(f"HandDiff {camera.name}")
            thing = bpy.data.objects.new(data.name, data)
            objects.append(thing)
            scene.collection.objects.link(thing)
            thing.matrix_world = Matrix(camera.to_world.tolist())
            wide = camera.width >= camera.height
            axis, longer = (0, camera.width) if wide else (1, camera.height)
            data.sensor_fit = "HORIZONTAL" if wide else "VERTICAL"
            sensor = data.sensor_width if wide else data.sensor_height
            data.lens = float(camera.projection[axis, axis] * sensor / 2)
            data.shift_x = float(camera.projection[0, 2] / 2 * camera.width / longer)
            data.shift_y = float(camera.projection[1, 2] / 2 * camera.height / longer)
            data.clip_start = camera.near
            data.clip_end = camera.far
        depsgraph_of(scene).update()
        yield objects
    finally:
        for thing in objects:
            data = thing.data
            bpy.data.objects.remove(thing)
            bpy.data.cameras.remove(data)
