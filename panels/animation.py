# SPDX-License-Identifier: GPL-3.0-or-later
"""The Animation panel: the frames to paint, how far it is, and what to do with them."""

from __future__ import annotations

import bpy

from ..operators import animate
from ..operators.animate import (
    HANDDIFF_OT_add_strip,
    HANDDIFF_OT_animate,
    HANDDIFF_OT_cancel_animation,
    HANDDIFF_OT_write_movie,
)
from ..operators.translations import translated
from .sidebar import HandDiffPanel


class HANDDIFF_PT_animation(HandDiffPanel, bpy.types.Panel):
    bl_label = "Animation"
    bl_idname = "HANDDIFF_PT_animation"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        scene, layout = context.scene, self.layout
        column = layout.column(align=True)
        column.use_property_split = True
        column.use_property_decorate = False
        column.enabled = animate.progress is None
        column.prop(scene, "frame_start", text="Frame Start")
        column.prop(scene, "frame_end", text="End")
        column.prop(scene, "frame_step", text="Step")
        column.separator()
        column.prop(scene.handdiff, "steady")
        row = layout.row(align=True)
        if animate.progress is not None:
            done, wanted = animate.progress
            row.progress(factor=animate.share_done(), text=translated(f"{done} of {wanted} frames"))
            row.operator(HANDDIFF_OT_cancel_animation.bl_idname, text="", icon="X")
        else:
            row.operator(HANDDIFF_OT_animate.bl_idname, icon="RENDER_ANIMATION")
            row.operator(HANDDIFF_OT_animate.bl_idname, text="", icon="FILE_REFRESH").restart = True
        row = layout.row(align=True)
        row.operator(HANDDIFF_OT_add_strip.bl_idname, icon="SEQ_SEQUENCER")
        row.operator(HANDDIFF_OT_write_movie.bl_idname, icon="FILE_MOVIE")


register, unregister = bpy.utils.register_classes_factory((HANDDIFF_PT_animation,))
