# SPDX-License-Identifier: GPL-3.0-or-later
"""Render passes: skeleton, hand masks, person mask, depth and pose of the current frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..handdiff_addon.jobs.store import RunFolder
from . import people, session
from .base import Refusing
from .preferences import results_folder
from .settings import to_skeleton

if TYPE_CHECKING:
    from ..handdiff_addon.conditioning.frame import Conditioning


def render(context: bpy.types.Context, frame: int | None = None, with_picture: bool = False) -> Conditioning:
    """The passes of the settings' people and camera."""
    from ..handdiff_addon.scene.passes import render_passes

    armatures, camera = people.names(context)
    return render_passes(
        context.scene,
        armatures=armatures,
        camera=camera,
        frame=frame,
        skeleton=to_skeleton(context.scene.handdiff),
        with_picture=with_picture,
    )


class HANDDIFF_OT_render_passes(Refusing, bpy.types.Operator):
    """Render skeleton, hand masks, person mask, depth and pose of this frame, without painting"""

    bl_idname = "handdiff.render_passes"
    bl_label = "Render Passes"

    @classmethod
    def problem(cls, context: bpy.types.Context) -> str:
        return people.scene_problem(context)

    def run(self, context: bpy.types.Context) -> None:
        from ..handdiff_addon.conditioning.pass_files import write_passes

        folder = RunFolder(results_folder() / "passes")
        conditioning = render(context)
        write_passes(conditioning, folder.start())
        for warning in conditioning.warnings:
            self.report({"WARNING"}, warning)
        self.report({"INFO"}, f"Passes saved in {folder.folder}")
        session.redraw()


def register() -> None:
    bpy.utils.register_class(HANDDIFF_OT_render_passes)


def unregister() -> None:
    bpy.utils.unregister_class(HANDDIFF_OT_render_passes)
