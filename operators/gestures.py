# SPDX-License-Identifier: GPL-3.0-or-later
"""Gestures for the chosen person's hands."""

from __future__ import annotations

import bpy
from bpy.props import EnumProperty

from ..handdiff_addon.request import SIDES
from ..handdiff_addon.rig.gestures import GESTURES
from . import people
from .base import Refusing

_SIDES = (
    ("left", "Left", "The person's left hand"),
    ("right", "Right", "The person's right hand"),
    ("both", "Both", "Both hands"),
)


def armature_of(context: bpy.types.Context) -> bpy.types.Object | None:
    """The armature that the settings name, or else the active one, or else the only person in the scene."""
    active, found = context.active_object, people.people(context)
    if (chosen := people.chosen(context)) is not None:
        return chosen
    if active is not None and active.type == "ARMATURE":
        return active
    return found[0] if len(found) == 1 else None


class HANDDIFF_OT_apply_gesture(Refusing, bpy.types.Operator):
    """Pose the fingers of a hand; wrist and arm stay as they are"""

    bl_idname = "handdiff.apply_gesture"
    bl_label = "Apply Gesture"
    bl_options = {"REGISTER", "UNDO"}

    gesture: EnumProperty(  # type: ignore[valid-type]
        name="Gesture",
        items=tuple((name, gesture.label, gesture.description) for name, gesture in GESTURES.items()),
    )
    side: EnumProperty(name="Hand", items=_SIDES, default="both")  # type: ignore[valid-type]

    @classmethod
    def description(cls, _context: bpy.types.Context, properties: HANDDIFF_OT_apply_gesture) -> str:
        return f"{GESTURES[properties.gesture].description}. Wrist and arm stay as they are"

    @classmethod
    def problem(cls, context: bpy.types.Context) -> str:
        armature = armature_of(context)
        if armature is None:
            return "There is no armature to pose: select one, or choose it under Pose."
        return people.match(armature).problem

    def run(self, context: bpy.types.Context) -> None:
        from ..handdiff_addon.scene.gestures import apply_gesture, insert_keys

        armature = armature_of(context)
        sides = SIDES if self.side == "both" else (self.side,)
        changed = apply_gesture(armature, GESTURES[self.gesture].hand, sides, context.view_layer)
        settings = context.scene.tool_settings
        if settings.use_keyframe_insert_auto:
            insert_keys(armature, changed, settings)


def register() -> None:
    bpy.utils.register_class(HANDDIFF_OT_apply_gesture)
    bpy.types.WindowManager.handdiff_gesture_side = EnumProperty(
        name="Hand", description="Which hands a gesture poses", items=_SIDES, default="both"
    )


def unregister() -> None:
    del bpy.types.WindowManager.handdiff_gesture_side
    bpy.utils.unregister_class(HANDDIFF_OT_apply_gesture)
