# SPDX-License-Identifier: GPL-3.0-or-later
"""The HandDiff entry of the Render menu, which is where F3 finds every operator, and the shortcuts."""

from __future__ import annotations

import bpy

from ..operators.generate import (
    HANDDIFF_OT_cancel,
    HANDDIFF_OT_generate,
    HANDDIFF_OT_new_seed,
    HANDDIFF_OT_responsible_use,
)
from ..operators.history import (
    HANDDIFF_OT_delete_picture,
    HANDDIFF_OT_open_comparison,
    HANDDIFF_OT_restore_from_file,
    HANDDIFF_OT_restore_settings,
    HANDDIFF_OT_same_new_seed,
)
from ..operators.passes import HANDDIFF_OT_render_passes
from ..operators.results import (
    HANDDIFF_OT_apply_layer,
    HANDDIFF_OT_apply_texture,
    HANDDIFF_OT_export_glb,
    HANDDIFF_OT_open_folder,
    HANDDIFF_OT_open_image,
    HANDDIFF_OT_remove_layer,
    HANDDIFF_OT_restore_materials,
)

GROUPS = (
    (HANDDIFF_OT_generate, HANDDIFF_OT_cancel, HANDDIFF_OT_new_seed, HANDDIFF_OT_render_passes),
    (HANDDIFF_OT_open_image, HANDDIFF_OT_open_folder, HANDDIFF_OT_open_comparison),
    (HANDDIFF_OT_apply_texture, HANDDIFF_OT_restore_materials, HANDDIFF_OT_apply_layer, HANDDIFF_OT_remove_layer,
     HANDDIFF_OT_export_glb),
    (HANDDIFF_OT_restore_settings, HANDDIFF_OT_same_new_seed, HANDDIFF_OT_restore_from_file,
     HANDDIFF_OT_delete_picture),
    (HANDDIFF_OT_responsible_use,),
)  # fmt: skip

SHORTCUTS = ((HANDDIFF_OT_generate, "F12"), (HANDDIFF_OT_open_image, "F11"))
"""With Ctrl and Shift: beside Blender's own F12 to render and F11 to look at the render."""

_keys: list[tuple[bpy.types.KeyMap, bpy.types.KeyMapItem]] = []


class HANDDIFF_MT_render(bpy.types.Menu):
    """Pictures of posed people, hands first"""

    bl_label = "HandDiff"
    bl_idname = "HANDDIFF_MT_render"

    def draw(self, _context: bpy.types.Context) -> None:
        self.layout.operator_context = "INVOKE_DEFAULT"
        for number, group in enumerate(GROUPS):
            if number:
                self.layout.separator()
            for operator in group:
                self.layout.operator(operator.bl_idname)


def _draw_entry(self: bpy.types.Menu, _context: bpy.types.Context) -> None:
    self.layout.separator()
    self.layout.menu(HANDDIFF_MT_render.bl_idname, icon="VIEW_PAN")


def register() -> None:
    bpy.utils.register_class(HANDDIFF_MT_render)
    bpy.types.TOPBAR_MT_render.append(_draw_entry)
    config = bpy.context.window_manager.keyconfigs.addon
    if config is not None:  # there is none without a window
        keymap = config.keymaps.new(name="Screen", space_type="EMPTY")
        for operator, key in SHORTCUTS:
            _keys.append((keymap, keymap.keymap_items.new(operator.bl_idname, key, "PRESS", ctrl=True, shift=True)))


def unregister() -> None:
    for keymap, item in _keys:
        keymap.keymap_items.remove(item)
    _keys.clear()
    bpy.types.TOPBAR_MT_render.remove(_draw_entry)
    bpy.utils.unregister_class(HANDDIFF_MT_render)
