# SPDX-License-Identifier: GPL-3.0-or-later
"""Put keypoints at bones by hand, where the rig's own are wrong or missing."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.props import EnumProperty, PointerProperty, StringProperty
from bpy_extras.io_utils import ExportHelper, ImportHelper

from ..handdiff_addon.errors import SceneError
from ..handdiff_addon.rig.keypoints import KEYPOINTS
from ..handdiff_addon.rig.overrides import BoneEnd, label
from . import people
from .base import Refusing

_KEYPOINTS = tuple((name, label(name), "") for name in KEYPOINTS)
_ENDS = (("head", "Head", "Where the bone begins"), ("tail", "Tail", "Where the bone ends"))


def target(context: bpy.types.Context) -> bpy.types.Object | None:
    """The armature whose keypoints are shown: the active one, the one that the settings name, or the only person."""
    active = context.object
    if active is not None and active.type == "ARMATURE":
        return active
    found = people.people(context)
    return found[0] if len(found) == 1 else None


def current(armature: bpy.types.Object, keypoint: str) -> BoneEnd | None:
    """Where a keypoint is read from; None where no one bone gives it.

    Raises:
        SceneError: where the armature is no humanoid, or its overrides cannot be used.
    """
    from ..handdiff_addon.rig.pose import source
    from ..handdiff_addon.scene.rigs import match_person

    return source(match_person(armature), keypoint)


def by_hand(armature: bpy.types.Object) -> dict[str, BoneEnd]:
    """What was put by hand, bones that are gone included.

    Raises:
        SceneError: where what the armature keeps was damaged.
    """
    from ..handdiff_addon.scene.overrides import read_overrides

    return read_overrides(armature, check_bones=False)


def _keep(armature: bpy.types.Object, overrides: dict[str, BoneEnd]) -> None:
    from ..handdiff_addon.scene.overrides import write_overrides

    write_overrides(armature, overrides)


def _keypoint_chosen(self: HandDiffKeypoint, context: bpy.types.Context) -> None:
    """Show the new keypoint's bone."""
    armature = target(context)
    try:
        place = by_hand(armature).get(self.keypoint) or current(armature, self.keypoint) if armature else None
    except SceneError:
        place = None
    self.bone, self.end = (place.bone, place.end) if place else ("", "head")


class HandDiffKeypoint(bpy.types.PropertyGroup):
    """What the panel shows: a keypoint and the bone that it is to be put at."""

    keypoint: EnumProperty(  # type: ignore[valid-type]
        name="Keypoint", items=_KEYPOINTS, default="left_index_tip", update=_keypoint_chosen
    )
    bone: StringProperty(name="Bone", description="The bone to put the keypoint at")  # type: ignore[valid-type]
    end: EnumProperty(name="End", items=_ENDS, description="Which end of the bone")  # type: ignore[valid-type]


class OfArmature(Refusing):
    """Mix-in of the operators below."""

    @classmethod
    def problem(cls, context: bpy.types.Context) -> str:
        return "" if target(context) else "There is no one armature to set keypoints of: select one."


class HANDDIFF_OT_choose_keypoint(bpy.types.Operator):
    """Choose the keypoint to look at"""

    bl_idname = "handdiff.choose_keypoint"
    bl_label = "Choose Keypoint"
    bl_options = {"INTERNAL"}
    bl_property = "keypoint"

    keypoint: EnumProperty(name="Keypoint", items=_KEYPOINTS)  # type: ignore[valid-type]

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        context.window_manager.invoke_search_popup(self)
        return {"INTERFACE"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        context.window_manager.handdiff_keypoint.keypoint = self.keypoint
        if context.area:
            context.area.tag_redraw()
        return {"FINISHED"}


class HANDDIFF_OT_set_keypoint(OfArmature, bpy.types.Operator):
    """Put the keypoint at this end of the bone, or of the active pose bone where none is named"""

    bl_idname = "handdiff.set_keypoint"
    bl_label = "Set Keypoint"
    bl_options = {"REGISTER", "UNDO"}

    keypoint: EnumProperty(name="Keypoint", items=_KEYPOINTS, options={"SKIP_SAVE"})  # type: ignore[valid-type]
    bone: StringProperty(name="Bone", options={"SKIP_SAVE"})  # type: ignore[valid-type]
    end: EnumProperty(name="End", items=_ENDS, options={"SKIP_SAVE"})  # type: ignore[valid-type]

    def run(self, context: bpy.types.Context) -> None:
        armature, active = target(context), context.active_pose_bone
        if not self.bone and (active is None or active.id_data != armature):
            raise SceneError(f'No bone was named: choose one of "{armature.name}", or make one active in Pose Mode.')
        bone = self.bone or active.name
        if bone not in armature.data.bones:
            raise SceneError(f'"{armature.name}" has no bone "{bone}": choose another.')
        _keep(armature, {**by_hand(armature), self.keypoint: BoneEnd(bone, self.end)})
        shown = context.window_manager.handdiff_keypoint
        if shown.keypoint == self.keypoint:
            shown.bone, shown.end = bone, self.end


class HANDDIFF_OT_reset_keypoint(OfArmature, bpy.types.Operator):
    """Read the keypoint from the rig's own bone again"""

    bl_idname = "handdiff.reset_keypoint"
    bl_label = "Reset Keypoint"
    bl_options = {"REGISTER", "UNDO"}

    keypoint: EnumProperty(name="Keypoint", items=_KEYPOINTS, options={"SKIP_SAVE"})  # type: ignore[valid-type]

    def run(self, context: bpy.types.Context) -> None:
        armature = target(context)
        overrides = by_hand(armature)
        if overrides.pop(self.keypoint, None) is None:
            raise SceneError(f"{label(self.keypoint)} was not put by hand: there is nothing to reset.")
        _keep(armature, overrides)
        _keypoint_chosen(context.window_manager.handdiff_keypoint, context)


class HANDDIFF_OT_reset_keypoints(OfArmature, bpy.types.Operator):
    """Read all keypoints from the rig's own bones again"""

    bl_idname = "handdiff.reset_keypoints"
    bl_label = "Reset All Keypoints"
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context: bpy.types.Context) -> None:
        _keep(target(context), {})
        _keypoint_chosen(context.window_manager.handdiff_keypoint, context)


class HANDDIFF_OT_import_keypoints(OfArmature, bpy.types.Operator, ImportHelper):
    """Put keypoints where a file has them, in place of all that were put by hand before"""

    bl_idname = "handdiff.import_keypoints"
    bl_label = "Import Keypoints"
    bl_options = {"REGISTER", "UNDO"}

    filename_ext = ".json"
    filter_glob: StringProperty(default="*.json", options={"HIDDEN"})  # type: ignore[valid-type]

    def run(self, context: bpy.types.Context) -> None:
        from ..handdiff_addon.scene.overrides import import_overrides

        count = import_overrides(target(context), Path(self.filepath))
        _keypoint_chosen(context.window_manager.handdiff_keypoint, context)
        self.tell("INFO", f"Keypoints put by hand: {count}")


class HANDDIFF_OT_export_keypoints(OfArmature, bpy.types.Operator, ExportHelper):
    """Save the keypoints that were put by hand as JSON"""

    bl_idname = "handdiff.export_keypoints"
    bl_label = "Export Keypoints"

    filename_ext = ".json"
    filter_glob: StringProperty(default="*.json", options={"HIDDEN"})  # type: ignore[valid-type]

    def run(self, context: bpy.types.Context) -> None:
        from ..handdiff_addon.scene.overrides import export_overrides

        export_overrides(target(context), Path(self.filepath))
        self.tell("INFO", f"Keypoints saved in {self.filepath}")


CLASSES = (
    HandDiffKeypoint,
    HANDDIFF_OT_choose_keypoint,
    HANDDIFF_OT_set_keypoint,
    HANDDIFF_OT_reset_keypoint,
    HANDDIFF_OT_reset_keypoints,
    HANDDIFF_OT_import_keypoints,
    HANDDIFF_OT_export_keypoints,
)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.WindowManager.handdiff_keypoint = PointerProperty(type=HandDiffKeypoint, options={"SKIP_SAVE"})


def unregister() -> None:
    del bpy.types.WindowManager.handdiff_keypoint
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
