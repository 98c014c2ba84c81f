# SPDX-License-Identifier: GPL-3.0-or-later
"""The passes of a range of frames, one after the other."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from typing import Any

import bpy

from ..conditioning.frame import Conditioning
from ..conditioning.pass_files import nobody
from ..errors import SceneError
from .cameras import read_camera, scene_camera
from .motion import Motion
from .passes import SceneChanged, Steps, at_frame, at_once, depsgraph_of, pass_steps


def frame_steps(
    scene: bpy.types.Scene, frame: int | None = None, *, motion: Motion | None = None, **options: Any
) -> Steps:
    """One frame's passes in turns.

    A frame that cannot be used, as when nobody is in view, is empty, and the reason is its warning.  One whose meshes
    change between two turns is begun again.

    Args:
        scene, frame, options: as :func:`pass_steps` takes them.
        motion: also tells the motion since the frames that it names, which are looked at where they were not yet.

    Raises:
        SceneError: where there is no camera, or the scene has gone.
        Cancelled: the render was stopped.
        UsageError: a size that 8 does not divide.
    """
    name = scene.name
    if motion is not None:
        for source in motion.missing(scene.frame_current if frame is None else frame):
            yield from _one_frame(name, source, motion, **{**options, "with_normals": False, "with_picture": False})
    return (yield from _one_frame(name, frame, motion, **options))


def _one_frame(
    name: str,
    frame: int | None,
    motion: Motion | None,
    *,
    camera: str = "",
    size: tuple[int, int] | None = None,
    **options: Any,
) -> Steps:
    while True:
        # Each frame renders by itself: another render, of the user's, goes before.
        while options.get("with_picture") and options.get("meanwhile") and bpy.app.is_job_running("RENDER"):
            yield lambda: time.sleep(0.05)
        try:
            return (
                yield from pass_steps(find_scene(name), frame=frame, camera=camera, size=size, motion=motion, **options)
            )
        except SceneChanged:
            continue
        except SceneError as error:
            scene = find_scene(name)
            with at_frame(scene, frame):
                view = read_camera(scene, depsgraph_of(scene), scene_camera(scene, camera), size)
                if motion is not None:
                    motion.skip(scene.frame_current)
                return nobody(view, scene.frame_current, str(error))


def find_scene(name: str) -> bpy.types.Scene:
    """The scene of that name in this file.

    Raises:
        SceneError: where it has gone.
    """
    scene = bpy.data.scenes.get((name, None))
    if scene is None:
        raise SceneError(f'The scene "{name}" has gone while its passes were made: bring it back and start again.')
    return scene


def render_sequence(
    scene: bpy.types.Scene, frames: Sequence[int], **options: Any
) -> Generator[Conditioning, None, None]:
    """Go through frames once, and give each frame's passes, as :func:`frame_steps` makes them.

    The scene stands at the frame last given, and comes back to its own when the iterator ends or is closed.

    Args:
        scene: the scene.
        frames: frame numbers, in the order wanted.
        options: as :func:`pass_steps` takes them.

    Raises:
        SceneError: where there is no camera.
        UsageError: a size that 8 does not divide.
    """

    current, subframe, active = scene.frame_current, scene.frame_subframe, scene.camera
    try:
        for frame in frames:
            scene.frame_set(frame)
            yield at_once(frame_steps(scene, **options))
    finally:
        scene.frame_set(current, subframe=subframe)
        scene.camera = active
