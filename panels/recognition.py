# SPDX-License-Identifier: GPL-3.0-or-later
"""What was recognised in a rig, in words."""

from __future__ import annotations

import bpy

from ..operators import people
from ..operators.text import wrapped
from ..operators.translations import translated
from . import overlay

NAMED = 6
"""So many missing keypoints are named"""


def draw(layout: bpy.types.UILayout, context: bpy.types.Context, armature: bpy.types.Object) -> None:
    """Family, keypoints and what is missing of one armature, in a box."""
    found, match = overlay.seen(armature, context), people.match(armature)
    box = layout.box().column(align=True)
    if found.problem:
        wrapped(box, context, found.problem, icon="ERROR", alert=True)
        return
    row = box.row()
    row.label(text=f"{armature.name}: {match.family}", icon="CHECKMARK", translate=False)
    shown = context.window_manager.handdiff_overlay
    row.prop(context.window_manager, "handdiff_overlay", text="", icon="HIDE_OFF" if shown else "HIDE_ON", emboss=False)
    counts = found.recognition
    _count(box, "Body", counts.body, 18)
    _count(box, "Left Hand", counts.hands["left"], 21)
    _count(box, "Right Hand", counts.hands["right"], 21)
    if missing := [translated(name) for name in counts.missing]:
        names = translated(", ").join(missing[:NAMED])
        text = f"Missing: {names}" if len(missing) <= NAMED else f"Missing: {names} and {len(missing) - NAMED} more"
        wrapped(box, context, text, icon="ERROR")


def _count(layout: bpy.types.UILayout, name: str, found: int, whole: int) -> None:
    split = layout.split(factor=0.5)
    split.label(text=name, icon="BLANK1")
    split.label(text=translated(f"{found} of {whole} points"), icon="NONE" if found == whole else "ERROR")
