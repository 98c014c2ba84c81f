# SPDX-License-Identifier: GPL-3.0-or-later
"""Under Result: texture, render layer and preview, each with its settings."""

from __future__ import annotations

import bpy

from ..operators import results
from ..operators.outputs import outputs
from ..operators.results import (
    HANDDIFF_OT_apply_layer,
    HANDDIFF_OT_apply_texture,
    HANDDIFF_OT_cancel_views,
    HANDDIFF_OT_export_glb,
    HANDDIFF_OT_remove_layer,
    HANDDIFF_OT_restore_materials,
)
from ..operators.translations import translated
from .sidebar import HandDiffPanel


class _Output(HandDiffPanel):
    bl_parent_id = "HANDDIFF_PT_result"
    bl_options = {"DEFAULT_CLOSED"}

    def column(self) -> bpy.types.UILayout:
        """Where settings go."""
        column = self.layout.column()  # type: ignore[attr-defined]
        column.use_property_split = True
        column.use_property_decorate = False
        return column


class HANDDIFF_PT_texture(_Output, bpy.types.Panel):
    bl_label = "Texture"
    bl_idname = "HANDDIFF_PT_texture"
    bl_options = set()

    def draw(self, context: bpy.types.Context) -> None:
        chosen, column = outputs(context), self.column()
        column.prop(chosen, "views")
        column.prop(chosen, "closeups")
        column.prop(chosen, "uv_map", placeholder="Active, or a new one")
        column.prop(chosen, "texture_size")
        column.row().prop(chosen, "look", expand=True)
        column.prop(chosen, "texture_files")
        row = self.layout.row(align=True)
        if results.views is not None:
            done, wanted = results.views
            row.progress(factor=done / wanted, text=translated(f"{done} of {wanted} views"))
            row.operator(HANDDIFF_OT_cancel_views.bl_idname, text="", icon="X")
        else:
            row.operator(HANDDIFF_OT_apply_texture.bl_idname, icon="TEXTURE")
            row.operator(HANDDIFF_OT_restore_materials.bl_idname, text="", icon="LOOP_BACK")


class HANDDIFF_PT_layer(_Output, bpy.types.Panel):
    bl_label = "Render Layer"
    bl_idname = "HANDDIFF_PT_layer"

    def draw(self, context: bpy.types.Context) -> None:
        chosen, column = outputs(context), self.column()
        column.row().prop(chosen, "layer_from", expand=True)
        column.row().prop(chosen, "layer_place", expand=True)
        column.row().prop(chosen, "layer_mask", expand=True)
        column.prop(chosen, "layer_feather")
        column.prop(chosen, "layer_match")
        row = self.layout.row(align=True)
        row.operator(HANDDIFF_OT_apply_layer.bl_idname, icon="NODE_COMPOSITING")
        row.operator(HANDDIFF_OT_remove_layer.bl_idname, text="", icon="LOOP_BACK")


class HANDDIFF_PT_preview(_Output, bpy.types.Panel):
    bl_label = "AR/VR Preview"
    bl_idname = "HANDDIFF_PT_preview"

    def draw(self, context: bpy.types.Context) -> None:
        chosen, column = outputs(context), self.column()
        column.prop(chosen, "form")
        column.prop(chosen, "preset")
        also = column.column(heading="Also")
        also.prop(chosen, "page")
        also.prop(chosen, "turntable")
        self.layout.operator(HANDDIFF_OT_export_glb.bl_idname, icon="EXPORT")


CLASSES = (HANDDIFF_PT_texture, HANDDIFF_PT_layer, HANDDIFF_PT_preview)

register, unregister = bpy.utils.register_classes_factory(CLASSES)
