# SPDX-License-Identifier: GPL-3.0-or-later
"""Cameras of a scene as matrices, exactly as the render sees through them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import bpy
import numpy as np

from ..conditioning.camera import Camera
from ..errors import SceneError


def scene_camera(scene: bpy.types.Scene, name: str = "") -> bpy.types.Object:
    """The camera that renders the current frame.

    Args:
        scene: its timeline markers and active camera decide.
        name: take this camera instead.

    Raises:
        SceneError: where there is no camera, or none of that name.
    """
    cameras = sorted(thing.name for thing in scene.objects if thing.type == "CAMERA")
    if name:
        if name not in cameras:
            instead = f"choose one of {', '.join(cameras)}" if cameras else "add a camera"
            raise SceneError(f'The scene holds no camera named "{name}": {instead}.')
        return scene.objects[name]
    camera = _marked_camera(scene, scene.frame_current) or scene.camera
    if camera is None or camera.type != "CAMERA":
        remedy = f"make {cameras[0]} the scene's camera" if cameras else "add a camera that sees the person"
        raise SceneError(f'The scene "{scene.name}" has no active camera: {remedy}.')
    return camera


def render_size(scene: bpy.types.Scene) -> tuple[int, int]:
    """Width and height in pixels that the scene renders at: resolution times percentage, at least 1."""
    render = scene.render
    width, height = render.resolution_x, render.resolution_y
    return max(1, width * render.resolution_percentage // 100), max(1, height * render.resolution_percentage // 100)


def read_camera(
    scene: bpy.types.Scene,
    depsgraph: bpy.types.Depsgraph,
    camera_object: bpy.types.Object,
    size: tuple[int, int] | None = None,
) -> Camera:
    """A camera's matrices with lens shift, sensor fit and pixel aspect.

    Args:
        scene: gives the pixel aspect and, without ``size``, the picture's size.
        depsgraph: evaluates the camera, its constraints and animation.
        camera_object: the camera.
        size: width and height in pixels.

    Raises:
        SceneError: for a panoramic camera, which no matrix describes, and one that is scaled to nothing or nowhere.
    """
    evaluated = camera_object.evaluated_get(depsgraph)
    world = np.array(evaluated.matrix_world, dtype=np.float64)
    if not np.isfinite(world).all() or np.linalg.matrix_rank(world[:3, :3]) < 3:
        raise SceneError(
            f'The camera "{camera_object.name}" is scaled to nothing or stands nowhere: give it, and what it hangs'
            " from, a location, rotation and scale that are numbers, and no scale of 0."
        )
    if evaluated.data.type not in {"PERSP", "ORTHO"}:
        raise SceneError(f'The camera "{camera_object.name}" is panoramic: make it perspective or orthographic.')
    width, height = size or render_size(scene)
    projection = evaluated.calc_matrix_camera(
        depsgraph,
        x=width,
        y=height,
        scale_x=scene.render.pixel_aspect_x,
        scale_y=scene.render.pixel_aspect_y,
    )
    # A camera's scale does not count, as in the render.
    view = evaluated.matrix_world.normalized().inverted()
    # Blender 5 would give float32.
    view, projection = (np.array(matrix, dtype=np.float64) for matrix in (view, projection))
    return Camera(view, projection, width, height, camera_object.name, evaluated.data.clip_end)


def takes(scene: bpy.types.Scene, frames: Sequence[int], name: str = "") -> list[list[int]]:
    """Frames in order, parted where timeline markers cut to another camera; ``name``: one camera takes them all."""
    cuts = groupby(frames, lambda frame: None if name else _marked_camera(scene, frame))
    return [list(take) for _, take in cuts]


def _marked_camera(scene: bpy.types.Scene, frame: int) -> bpy.types.Object | None:
    """The camera of the last marker up to a frame, or else of the first marker, as Blender chooses."""
    markers = [marker for marker in scene.timeline_markers if marker.camera and not marker.camera.hide_render]
    past = [marker for marker in markers if marker.frame <= frame]
    if past:
        return max(past, key=lambda marker: marker.frame).camera
    return min(markers, key=lambda marker: marker.frame).camera if markers else None
