# SPDX-License-Identifier: GPL-3.0-or-later
"""The presets' menus, one for each kind, in the headers of the panels whose settings they change."""

from __future__ import annotations

import bpy

from ..handdiff_addon.presets import Kind, find_presets
from ..operators import scene_request
from ..operators.presets import (
    HANDDIFF_OT_apply_preset,
    HANDDIFF_OT_delete_preset,
    HANDDIFF_OT_save_preset,
    folder,
)
from ..operators.translations import translated


class _Menu:
    kind: Kind

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout  # type: ignore[attr-defined]
        layout.operator_context = "INVOKE_DEFAULT"
        own = scene_request.own_model(context.scene.handdiff)
        found = find_presets(self.kind, folder(), own_model=own)
        if own and self.kind == "style":
            layout.label(text="This model knows no styles, stock models do", icon="INFO")
        for preset in found:
            button = layout.operator(
                HANDDIFF_OT_apply_preset.bl_idname, text=preset.name, icon="USER" if preset.own else "NONE"
            )
            button.kind, button.preset = self.kind, preset.name
        layout.separator()
        layout.operator(HANDDIFF_OT_save_preset.bl_idname, text="Save as Preset...", icon="ADD").kind = self.kind
        for preset in found:
            if preset.own:
                button = layout.operator(
                    HANDDIFF_OT_delete_preset.bl_idname, text=translated(f"Delete {preset.name}"), icon="TRASH"
                )
                button.kind, button.preset = self.kind, preset.name


class HANDDIFF_MT_style(_Menu, bpy.types.Menu):
    """Style presets: what follows the prompt, what to keep out, guidance"""

    bl_label = "Style Presets"
    bl_idname = "HANDDIFF_MT_style"
    kind = "style"


class HANDDIFF_MT_quality(_Menu, bpy.types.Menu):
    """Quality presets: time against finish"""

    bl_label = "Quality Presets"
    bl_idname = "HANDDIFF_MT_quality"
    kind = "quality"


class HANDDIFF_MT_blending(_Menu, bpy.types.Menu):
    """Blending presets: how the hands are held while the body is painted around them"""

    bl_label = "Blending Presets"
    bl_idname = "HANDDIFF_MT_blending"
    kind = "blending"


def draw(layout: bpy.types.UILayout, context: bpy.types.Context, kind: Kind) -> None:
    """The button of a kind's menu; it shows the preset that the settings are, if any."""
    now = scene_request.values(context.scene.handdiff)
    name = next((preset.name for preset in find_presets(kind, folder()) if not preset.changes(now)), "")
    layout.menu(f"HANDDIFF_MT_{kind}", text=name, icon="PRESET")
    layout.separator()


CLASSES = (HANDDIFF_MT_style, HANDDIFF_MT_quality, HANDDIFF_MT_blending)

register, unregister = bpy.utils.register_classes_factory(CLASSES)
