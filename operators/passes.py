# SPDX-License-Identifier: GPL-3.0-or-later
"""Render passes: skeleton, masks, depth and pose of the current frame, or of all frames as image sequences."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import bpy

from ..handdiff_addon.errors import HandDiffError, UsageError
from ..handdiff_addon.jobs.store import RunFolder
from ..handdiff_addon.request import PASSES, Pass
from . import people, session
from .base import Refusing
from .preferences import results_folder
from .settings import to_skeleton

if TYPE_CHECKING:
    from ..handdiff_addon.conditioning.frame import Conditioning
    from ..handdiff_addon.scene.passes import Steps

progress: tuple[int, int] | None = None
"""Frames done and wanted, while a range is being rendered."""


def options(context: bpy.types.Context) -> dict[str, Any]:
    """The settings' people, camera and skeleton, as ``render_passes`` takes them."""
    armatures, camera = people.names(context)
    settings = context.scene.handdiff
    return {
        "armatures": armatures,
        "camera": camera,
        "skeleton": to_skeleton(settings),
        "max_people": settings.max_people,
    }


def render(context: bpy.types.Context, frame: int | None = None, **more: Any) -> Conditioning:
    """The passes of the settings' people and camera; ``more`` goes to ``render_passes`` as well."""
    from ..handdiff_addon.scene.passes import render_passes

    return render_passes(context.scene, frame=frame, **options(context), **more)


def chosen(context: bpy.types.Context) -> tuple[Pass, ...]:
    """The passes that the settings name.

    Raises:
        UsageError: where they name none.
    """
    names = tuple(name for name in PASSES if name in context.scene.handdiff.passes)
    if not names:
        raise UsageError("No pass is chosen: choose at least one in the Passes panel.")
    return names


def turns(context: bpy.types.Context, **more: Any) -> Steps:
    """The same of the current frame, in turns that leave the window alive; see ``pass_steps``."""
    from ..handdiff_addon.scene.passes import pass_steps

    return pass_steps(context.scene, **options(context), **more)


class HANDDIFF_OT_render_passes(Refusing, bpy.types.Operator):
    """Render skeleton, masks, depth and pose of this frame or of all frames, without painting"""

    bl_idname = "handdiff.render_passes"
    bl_label = "Render Passes"

    @classmethod
    def problem(cls, context: bpy.types.Context) -> str:
        return "Passes are being rendered: wait, or press Esc." if progress else people.scene_problem(context)

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        if not context.scene.handdiff.frame_range:
            return self.execute(context)
        try:
            self._steps = self._sequence(context)
        except HandDiffError as error:
            self.tell("ERROR", str(error))
            return {"CANCELLED"}
        manager = context.window_manager
        manager.progress_begin(0, 100)
        context.workspace.status_text_set("Rendering passes: Esc stops")
        self._timer = manager.event_timer_add(0.01, window=context.window)
        manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """One frame per tick; all else waits, so that nobody changes the scene in between."""
        if event.type == "ESC" and event.value == "PRESS":
            self.cancel(context)
            self.tell("WARNING", f"Stopped: the frames made so far are in {self._folder.folder}")
            return {"CANCELLED"}
        if event.type != "TIMER":
            return {"RUNNING_MODAL"}
        try:
            next(self._steps)
        except StopIteration:
            self.cancel(context)
            return {"FINISHED"}
        except (HandDiffError, ReferenceError) as error:
            gone = "The scene has gone while its passes were rendered: start again."
            self.tell("ERROR", str(error) if isinstance(error, HandDiffError) else gone)
            self.cancel(context)
            return {"CANCELLED"}
        if progress:
            context.window_manager.progress_update(100 * progress[0] // progress[1])
        session.redraw()
        return {"RUNNING_MODAL"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Clean up; Blender calls this as well, when it ends the operator."""
        with contextlib.suppress(ReferenceError):  # of a scene that is gone
            self._steps.close()
        context.window_manager.event_timer_remove(self._timer)
        context.window_manager.progress_end()
        if context.workspace is not None:
            context.workspace.status_text_set(None)
        session.redraw()

    def run(self, context: bpy.types.Context) -> None:
        if context.scene.handdiff.frame_range:
            for _ in self._sequence(context):
                pass
            return
        from ..handdiff_addon.conditioning.pass_files import write_passes

        passes = chosen(context)
        folder = RunFolder(results_folder() / "passes")
        conditioning = render(context, with_normals="normal" in passes)
        write_passes(conditioning, folder.start(), passes, to_skeleton(context.scene.handdiff))
        kept = ""
        if context.scene.handdiff.images:
            from ..handdiff_addon.scene.images import keep_images

            kept = f", {len(keep_images(conditioning, passes))} of them as images as well"
            if bpy.ops.ed.undo_push.poll():
                bpy.ops.ed.undo_push(message="HandDiff Passes as Images")
        self._tell(conditioning.warnings, f"Passes saved in {folder.folder}{kept}")

    def _sequence(self, context: bpy.types.Context) -> Iterator[None]:
        """Checks everything, and gives steps that render one frame each."""
        passes = chosen(context)
        self._folder = RunFolder(results_folder() / "passes")
        return self._frames(context.scene, passes, {**options(context), "with_normals": "normal" in passes})

    def _frames(self, scene: bpy.types.Scene, passes: tuple[Pass, ...], wanted: dict[str, Any]) -> Iterator[None]:
        global progress
        from ..handdiff_addon.conditioning.pass_files import SequenceWriter
        from ..handdiff_addon.scene.sequence import render_sequence

        frames = range(scene.frame_start, scene.frame_end + 1, scene.frame_step)
        writer = SequenceWriter(self._folder.start, passes, wanted["skeleton"])
        sequence = render_sequence(scene, frames, **wanted)
        try:
            progress = (0, len(frames))
            for number, conditioning in enumerate(sequence, start=1):
                writer.add(conditioning)
                progress = (number, len(frames))
                yield
            self._tell(writer.finish(), f"Passes of {len(frames)} frames saved in {self._folder.folder}")
        finally:
            progress = None
            sequence.close()

    def _tell(self, warnings: list[str], done: str) -> None:
        for warning in warnings:
            self.tell("WARNING", warning)
        self.tell("INFO", done)
        session.redraw()


def register() -> None:
    bpy.utils.register_class(HANDDIFF_OT_render_passes)


def unregister() -> None:
    bpy.utils.unregister_class(HANDDIFF_OT_render_passes)
