# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture menu of gestures."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..handdiff_addon.rig.gestures import GESTURES
from ..operators.gestures import HANDDIFF_OT_apply_gesture
from .sidebar import HandDiffPanel
from .thumbnails import icon

PICTURES = Path(__file__).parent / "pictures"


class HANDDIFF_PT_gestures(HandDiffPanel, bpy.types.Panel):
    bl_label = "Gestures"
    bl_idname = "HANDDIFF_PT_gestures"
    bl_parent_id = "HANDDIFF_PT_pose"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.row().prop(context.window_manager, "handdiff_gesture_side", expand=True)
        columns = max(2, int(context.region.width / context.preferences.system.ui_scale / 90))
        grid = layout.grid_flow(row_major=True, columns=columns, even_columns=True, even_rows=True, align=False)
        for name, gesture in GESTURES.items():
            cell = grid.column(align=True)
            cell.template_icon(icon(PICTURES / f"{name}.png"), scale=3.6)
            button = cell.operator(HANDDIFF_OT_apply_gesture.bl_idname, text=gesture.label)
            button.gesture, button.side = name, context.window_manager.handdiff_gesture_side


register, unregister = bpy.utils.register_classes_factory((HANDDIFF_PT_gestures,))
