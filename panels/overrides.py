# SPDX-License-Identifier: GPL-3.0-or-later
"""Keypoints put at bones by hand: a panel within Pose."""

from __future__ import annotations

import bpy

from ..handdiff_addon.errors import SceneError
from ..handdiff_addon.rig.overrides import label
from ..handdiff_addon.scene.overrides import PROPERTY
from ..operators.overrides import (
    HANDDIFF_OT_choose_keypoint,
    HANDDIFF_OT_export_keypoints,
    HANDDIFF_OT_import_keypoints,
    HANDDIFF_OT_reset_keypoint,
    HANDDIFF_OT_reset_keypoints,
    HANDDIFF_OT_set_keypoint,
    by_hand,
    current,
    target,
)
from ..operators.text import wrapped
from .sidebar import HANDDIFF_PT_pose, HandDiffPanel


class HANDDIFF_PT_keypoints(HandDiffPanel, bpy.types.Panel):
    bl_label = "Keypoints"
    bl_idname = "HANDDIFF_PT_keypoints"
    bl_parent_id = HANDDIFF_PT_pose.bl_idname
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        armature = target(context)
        if armature is None:
            wrapped(layout, context, "Select an armature to put its keypoints at bones by hand.", icon="INFO")
            return
        shown = context.window_manager.handdiff_keypoint
        layout.label(text=armature.name, icon="ARMATURE_DATA")
        layout.operator(HANDDIFF_OT_choose_keypoint.bl_idname, text=label(shown.keypoint), icon="VIEWZOOM")
        overrides = {}
        try:
            overrides = by_hand(armature)
            place = current(armature, shown.keypoint)
            text = f"{place.bone}, {place.end}" if place else "No bone of its own"
            layout.label(text=f"{text} (by hand)" if shown.keypoint in overrides else text, icon="BONE_DATA")
        except SceneError as error:
            wrapped(layout, context, str(error), icon="ERROR", alert=True)

        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop_search(shown, "bone", armature.data, "bones")
        column.row().prop(shown, "end", expand=True)
        row = layout.row(align=True)
        row.enabled = bool(shown.bone)
        self._set(row, shown, shown.bone, "Set", "CHECKMARK")
        active = context.active_pose_bone
        row = layout.row(align=True)
        row.enabled = active is not None and active.id_data == armature
        self._set(row, shown, "", "Set to Active Bone", "BONE_DATA")

        row = layout.row(align=True)
        own = row.row(align=True)
        own.enabled = shown.keypoint in overrides
        own.operator(HANDDIFF_OT_reset_keypoint.bl_idname, text="Reset", icon="LOOP_BACK").keypoint = shown.keypoint
        every = row.row(align=True)
        every.enabled = PROPERTY in armature
        every.operator(HANDDIFF_OT_reset_keypoints.bl_idname, text=f"Reset All ({len(overrides)})")
        row = layout.row(align=True)
        row.operator(HANDDIFF_OT_import_keypoints.bl_idname, text="Import", icon="IMPORT")
        row.operator(HANDDIFF_OT_export_keypoints.bl_idname, text="Export", icon="EXPORT")

    @staticmethod
    def _set(row: bpy.types.UILayout, shown: bpy.types.PropertyGroup, bone: str, text: str, icon: str) -> None:
        operator = row.operator(HANDDIFF_OT_set_keypoint.bl_idname, text=text, icon=icon)
        operator.keypoint, operator.bone, operator.end = shown.keypoint, bone, shown.end


register, unregister = bpy.utils.register_classes_factory((HANDDIFF_PT_keypoints,))
