# SPDX-License-Identifier: GPL-3.0-or-later
"""The passes of a range of frames, one after the other."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import bpy

from ..conditioning.frame import Conditioning
from ..conditioning.pass_files import nobody
from ..errors import SceneError
from .cameras import read_camera, scene_camera
from .motion import Motion
from .passes import depsgraph_of, render_passes


def render_sequence(
    scene: bpy.types.Scene,
    frames: Sequence[int],
    *,
    camera: str = "",
    size: tuple[int, int] | None = None,
    motion: Motion | None = None,
    **options: Any,
) -> Generator[Conditioning, None, None]:
    """Go through frames once, and give each frame's passes.

    A frame that cannot be used, as when nobody is in view, is empty, and the reason is its warning.

    The scene stands at the frame last given, and comes back to its own when the iterator ends or is closed.

    Args:
        scene: the scene.
        frames: frame numbers, in the order wanted.
        camera, size, options: as :func:`render_passes` takes them.
        motion: also tells each frame's motion since the frames that it names.

    Raises:
        SceneError: where there is no camera.
        UsageError: a size that 8 does not divide.
    """

    def passes(frame: int) -> Conditioning:
        scene.frame_set(frame)
        try:
            return render_passes(scene, camera=camera, size=size, motion=motion, **options)
        except SceneError as error:
            view = read_camera(scene, depsgraph_of(scene), scene_camera(scene, camera), size)
            if motion is not None:
                motion.skip(frame)
            return nobody(view, frame, str(error))

    current, subframe, active = scene.frame_current, scene.frame_subframe, scene.camera
    try:
        for frame in frames:
            for source in motion.missing(frame) if motion is not None else ():
                passes(source)
            yield passes(frame)
    finally:
        scene.frame_set(current, subframe=subframe)
        scene.camera = active
