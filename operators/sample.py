# SPDX-License-Identifier: GPL-3.0-or-later
"""Add > Armature > HandDiff Sample Human."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty

from .base import Refusing


class HANDDIFF_OT_add_sample_human(Refusing, bpy.types.Operator):
    """Add a rigged person with five jointed fingers on each hand, to try HandDiff on"""

    bl_idname = "handdiff.add_sample_human"
    bl_label = "HandDiff Sample Human"
    bl_options = {"REGISTER", "UNDO"}

    stage: BoolProperty(  # type: ignore[valid-type]
        name="Camera and Lights",
        description="Pose the person at the origin, with lights and a camera that frames it at 512 x 512, "
        "and look through it",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def problem(cls, context: bpy.types.Context) -> str:
        return "" if context.mode == "OBJECT" else "Objects can be added in Object Mode only: leave this mode first."

    def run(self, context: bpy.types.Context) -> None:
        from ..handdiff_addon.scene.sample_human import create_sample_human, create_sample_scene

        if self.stage:
            armature = create_sample_scene(context.scene)
            if context.space_data is not None and context.space_data.type == "VIEW_3D":
                context.space_data.region_3d.view_perspective = "CAMERA"
        else:
            armature = create_sample_human(context.scene)
            armature.location = context.scene.cursor.location
        for item in context.selected_objects:
            item.select_set(False)
        armature.select_set(True)
        context.view_layer.objects.active = armature


def _draw_menu(self: bpy.types.Menu, _context: bpy.types.Context) -> None:
    self.layout.operator(HANDDIFF_OT_add_sample_human.bl_idname, icon="ARMATURE_DATA")


def register() -> None:
    bpy.utils.register_class(HANDDIFF_OT_add_sample_human)
    bpy.types.VIEW3D_MT_armature_add.append(_draw_menu)


def unregister() -> None:
    bpy.types.VIEW3D_MT_armature_add.remove(_draw_menu)
    bpy.utils.unregister_class(HANDDIFF_OT_add_sample_human)
