# SPDX-License-Identifier: GPL-3.0-or-later
"""The frame as Blender's own engine renders it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import bpy
import numpy as np
from PIL import Image

from ..errors import Cancelled, SceneError, first_line
from .interrupts import interrupts_wait

MARK = "handdiff_render"


class FrameRender:
    """A render of the current frame with the scene's own engine and look.

    A copy of the scene, which shares its objects, carries the changed settings, so the user's stay as they are; it goes
    when the context ends.
    """

    def __init__(
        self, scene: bpy.types.Scene, camera: bpy.types.Object, size: tuple[int, int], *, meanwhile: bool = False
    ):
        """
        Args:
            scene: the scene, at the frame wanted.
            camera: the camera object.
            size: width and height in pixels.
            meanwhile: let Blender render while its window goes on, and :attr:`going` says until when: whoever waits
                has to go back to Blender's own loop in between.  Else all is done when this returns.

        Raises:
            SceneError: where Blender cannot render it, or, meanwhile, renders something else.
        """
        if meanwhile and bpy.app.is_job_running("RENDER"):
            raise SceneError("Blender is rendering already: wait for that, or stop it, and generate again.")
        self._folder = tempfile.TemporaryDirectory(prefix="handdiff-", ignore_cleanup_errors=True)
        self._path = Path(self._folder.name) / "frame.png"
        copy = scene.copy()
        copy.name, copy[MARK] = "HandDiff Render", True
        self._copy = copy.name
        try:
            _set_up(copy, camera, size, self._path)
            if meanwhile:
                _invoke(copy)
            else:
                with interrupts_wait():
                    bpy.ops.render.render(write_still=True, scene=copy.name)
        except BaseException as error:
            self.close()
            if isinstance(error, RuntimeError):
                raise _cannot(error) from error
            raise

    @property
    def going(self) -> bool:
        """Whether Blender still renders."""
        return bpy.app.is_job_running("RENDER")

    def check(self) -> None:
        """Refuse a render that was not brought to its end.

        Raises:
            Cancelled: the user stopped it, or undid a step or opened another file meanwhile, which stops it as well.
        """
        if not self._path.exists() or (self._copy, None) not in bpy.data.scenes:
            raise Cancelled("The render of the frame was stopped; nothing was painted.")

    def picture(self) -> np.ndarray:
        """(H, W, 3) uint8 sRGB, as the file of the render holds it; needs no Blender.

        Raises:
            SceneError: the picture cannot be read.
        """
        try:
            return np.array(Image.open(self._path).convert("RGB"))
        except OSError as error:
            raise _cannot(error) from error

    def close(self) -> None:
        """Stop what goes on, and remove the copy, where an undone step or another file has not taken it away."""
        copy = bpy.data.scenes.get((self._copy, None))
        if copy is not None and MARK in copy:
            if self.going:
                with bpy.context.temp_override(scene=copy):
                    bpy.ops.scene.delete()  # stops the scene's render first
            else:
                bpy.data.scenes.remove(copy)
        self._folder.cleanup()

    def __enter__(self) -> FrameRender:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def remove_leftovers() -> None:
    """Remove copies that came back with an undone step or with a file that was saved during a render."""
    for copy in [scene for scene in bpy.data.scenes if MARK in scene]:
        bpy.data.scenes.remove(copy)


def _set_up(copy: bpy.types.Scene, camera: bpy.types.Object, size: tuple[int, int], path: Path) -> None:
    copy.camera = camera
    for marker in copy.timeline_markers:
        marker.camera = None
    render = copy.render
    render.resolution_x, render.resolution_y = size
    render.resolution_percentage = 100
    render.use_border = render.use_sequencer = render.use_compositing = False
    render.film_transparent = render.use_stamp = False
    render.image_settings.file_format = "PNG"
    render.image_settings.color_mode = "RGB"
    render.image_settings.color_depth = "8"
    render.filepath = str(path)


def _invoke(copy: bpy.types.Scene) -> None:
    """Start a render job that opens no window of its own."""
    preferences = bpy.context.preferences
    shown, changed = preferences.view.render_display_type, preferences.is_dirty
    preferences.view.render_display_type = "NONE"
    try:
        bpy.ops.render.render("INVOKE_DEFAULT", write_still=True, scene=copy.name)
    finally:
        preferences.view.render_display_type, preferences.is_dirty = shown, changed


def _cannot(error: Exception) -> SceneError:
    return SceneError(
        f"Blender cannot render this frame ({first_line(error)}): render it once by hand, or paint everything."
    )
