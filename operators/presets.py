# SPDX-License-Identifier: GPL-3.0-or-later
"""Apply a preset, after showing what it would change; save and delete the user's own."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.props import EnumProperty, StringProperty

from ..handdiff_addon.errors import UsageError
from ..handdiff_addon.jobs.history import move_homes
from ..handdiff_addon.places import user_folder
from ..handdiff_addon.presets import SETTINGS, Kind, Preset, delete_preset, find_presets, save_preset
from . import scene_request
from .base import Refusing
from .preferences import ROOT_PACKAGE
from .translations import translated

KINDS = (
    ("style", "Style", "How the picture looks: what follows the prompt, what to keep out, guidance"),
    ("quality", "Quality", "Steps and tries: time against finish"),
    ("blending", "Blending", "How the hands are held while the body is painted around them"),
)


def folder() -> Path:
    """Where the user's presets lie: outside Blender's folders, which go with the extension when it is uninstalled."""
    return user_folder() / "presets"


def find(kind: Kind, name: str) -> Preset | None:
    """A preset by its name."""
    return next((preset for preset in find_presets(kind, folder()) if preset.name == name), None)


def changes(context: bpy.types.Context, preset: Preset) -> list[str]:
    """What a preset would change of the scene's settings, each as a line such as ``Body Steps: 8 → 20``."""
    found = preset.changes(scene_request.values(context.scene.handdiff))
    return [f"{translated(scene_request.label(name))}: {_said(now)} → {_said(then)}" for name, now, then in found]


def _said(value: object) -> str:
    if isinstance(value, bool):
        return translated("on") if value else translated("off")
    if value is None:
        return translated("as the model likes")
    return f"{value:g}" if isinstance(value, float) else str(value) or translated("nothing")


class _OfKind(Refusing):
    """Mix-in of operators on a preset."""

    kind: EnumProperty(name="Kind", items=KINDS, options={"SKIP_SAVE"})  # type: ignore[valid-type]
    preset: StringProperty(name="Name", description="The preset's name", options={"SKIP_SAVE"})  # type: ignore[valid-type]


class HANDDIFF_OT_apply_preset(_OfKind, bpy.types.Operator):
    """Set some settings at once; what would change is shown first"""

    bl_idname = "handdiff.apply_preset"
    bl_label = "Apply Preset"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def description(cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        preset = find(properties.kind, properties.preset)
        if preset is None:
            return cls.__doc__ or ""
        return (
            "\n".join([translated("Would change:"), *changes(context, preset)])
            if changes(context, preset)
            else translated("Changes nothing")
        )

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        preset = find(self.kind, self.preset)
        if preset is None or not changes(context, preset):
            return self.execute(context)
        return context.window_manager.invoke_props_dialog(self, width=380, title=self.preset, confirm_text="Apply")

    def draw(self, context: bpy.types.Context) -> None:
        preset = find(self.kind, self.preset)
        column = self.layout.column(align=True)
        for line in changes(context, preset) if preset else ():
            column.label(text=line, icon="DOT", translate=False)

    def run(self, context: bpy.types.Context) -> None:
        preset = find(self.kind, self.preset)
        if preset is None:
            known = ", ".join(each.name for each in find_presets(self.kind, folder()))
            raise UsageError(f'There is no {self.kind} preset "{self.preset}": choose one of {known}.')
        if not changes(context, preset):
            self.tell("INFO", f"The settings are those of {preset.name} already")
        scene_request.set_values(context.scene.handdiff, preset.settings)


class HANDDIFF_OT_save_preset(_OfKind, bpy.types.Operator):
    """Keep the present settings of this kind under a name, for every file"""

    bl_idname = "handdiff.save_preset"
    bl_label = "Save Preset"

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        return context.window_manager.invoke_props_dialog(self, title="Save Preset", confirm_text="Save")

    def draw(self, context: bpy.types.Context) -> None:
        self.layout.activate_init = True
        self.layout.prop(self, "preset")
        column = self.layout.column(align=True)
        for name, value in self._settings(context).items():
            column.label(text=f"{translated(scene_request.label(name))}: {_said(value)}", icon="DOT", translate=False)

    def _settings(self, context: bpy.types.Context) -> dict[str, object]:
        now = scene_request.values(context.scene.handdiff)
        return {name: now[name] for name in SETTINGS[self.kind]}

    def run(self, context: bpy.types.Context) -> None:
        path = save_preset(Preset(self.preset.strip(), self.kind, self._settings(context)), folder())
        self.tell("INFO", f"Saved {path}")


class HANDDIFF_OT_delete_preset(_OfKind, bpy.types.Operator):
    """Delete a preset of your own"""

    bl_idname = "handdiff.delete_preset"
    bl_label = "Delete Preset"

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return context.window_manager.invoke_confirm(
            self, event, title=translated(f"Delete {self.preset}?"), confirm_text="Delete"
        )

    def run(self, context: bpy.types.Context) -> None:
        delete_preset(self.kind, self.preset, folder())


CLASSES = (HANDDIFF_OT_apply_preset, HANDDIFF_OT_save_preset, HANDDIFF_OT_delete_preset)


def _rescue() -> None:
    """Bring presets over from where earlier versions kept them, in the extension's own user folder."""
    move_homes(Path(bpy.utils.extension_path_user(ROOT_PACKAGE, path="presets")), folder())


def register() -> None:
    _rescue()
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
