# SPDX-License-Identifier: GPL-3.0-or-later
"""Render passes: skeleton, masks, depth and pose of the current frame, or of all frames as image sequences."""

from __future__ import annotations

from collections.abc import Generator
from functools import partial
from typing import TYPE_CHECKING, Any

import bpy

from ..handdiff_addon.errors import UsageError
from ..handdiff_addon.jobs.store import RunFolder
from ..handdiff_addon.request import PASSES, Pass
from . import people, session
from .preferences import check_results, results_folder
from .scene_request import to_skeleton
from .stepping import Stepping

if TYPE_CHECKING:
    from ..handdiff_addon.conditioning.frame import Conditioning
    from ..handdiff_addon.jobs.batch import Waiting
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


def render(context: bpy.types.Context) -> Conditioning:
    """The passes of the current frame's people and camera, as the settings name them."""
    from ..handdiff_addon.scene.passes import render_passes

    return render_passes(context.scene, **options(context))


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


class HANDDIFF_OT_render_passes(Stepping, bpy.types.Operator):
    """Render skeleton, masks, depth and pose of this frame or of all frames, without painting"""

    bl_idname = "handdiff.render_passes"
    bl_label = "Render Passes"
    escape = True

    @classmethod
    def problem(cls, context: bpy.types.Context) -> str:
        return "Passes are being rendered: wait, or press Esc." if progress else people.scene_problem(context)

    def stopped(self) -> str:
        return f"Stopped: the frames made so far are in {self._folder.folder}"

    def steps(self, context: bpy.types.Context, *, meanwhile: bool) -> Generator[Waiting, None, None]:
        global progress
        from ..handdiff_addon.conditioning.pass_files import SequenceWriter, write_passes
        from ..handdiff_addon.jobs.batch import until
        from ..handdiff_addon.scene.images import encode_images, keep_images
        from ..handdiff_addon.scene.passes import pass_steps
        from ..handdiff_addon.scene.sequence import find_scene, frame_steps

        passes, scene = chosen(context), context.scene
        wanted = {**options(context), "with_normals": "normal" in passes}
        check_results()
        self._folder = RunFolder(results_folder() / "passes")
        frames = range(scene.frame_start, scene.frame_end + 1, scene.frame_step)
        name, in_range, images = scene.name, scene.handdiff.frame_range, scene.handdiff.images
        try:
            if in_range:
                writer = SequenceWriter(self._folder.start, passes, wanted["skeleton"])
                for number, frame in enumerate(frames):
                    progress = (number, len(frames))
                    seen = yield from session.by_turns(frame_steps(find_scene(name), frame, **wanted))
                    yield from until(session.aside(partial(writer.add, seen)))
                warnings = writer.finish()
            else:
                progress = (0, 1)
                seen = yield from session.by_turns(pass_steps(scene, **wanted))
                write = partial(write_passes, seen, self._folder.start(), passes, wanted["skeleton"])
                yield from until(session.aside(write))
                kept, warnings = "", seen.warnings
                if images:
                    encoded = yield from until(session.aside(partial(encode_images, seen, passes)))
                    kept = f", {len(keep_images(encoded))} of them as images as well"
                    if bpy.ops.ed.undo_push.poll():
                        bpy.ops.ed.undo_push(message="HandDiff Passes as Images")
        finally:
            progress = None
        for warning in warnings:
            self.tell("WARNING", warning)
        if in_range:
            self.tell("INFO", f"Passes of {len(frames)} frames saved in {self._folder.folder}")
        else:
            self.tell("INFO", f"Passes saved in {self._folder.folder}{kept}")


register, unregister = bpy.utils.register_classes_factory((HANDDIFF_OT_render_passes,))
