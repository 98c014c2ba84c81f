# SPDX-License-Identifier: GPL-3.0-or-later
"""Mixamo (any prefix, such as ``mixamorig:`` or ``mixamorig1:``, or none: Ready Player Me, the sample human)."""

from __future__ import annotations

from .family import Family, HeadTemplate, both_sides

_FINGERS = {"thumb": "Thumb", "index": "Index", "middle": "Middle", "ring": "Ring", "little": "Pinky"}

FAMILY = Family(
    name="mixamo",
    label="Mixamo",
    bones=both_sides(
        {
            "hips": "Hips",
            "spine": "Spine",
            "chest": "Spine2|Spine1",
            "neck": "Neck",
            "head": "Head",
            "clavicle": "{side}Shoulder",
            "upper_arm": "{side}Arm",
            "forearm": "{side}ForeArm",
            "hand": "{side}Hand",
            "thigh": "{side}UpLeg",
            "shin": "{side}Leg",
            "foot": "{side}Foot",
            "toe": "{side}ToeBase",
            "eye": "{side}Eye",
            **{f"{ours}_{k}": f"{{side}}Hand{theirs}{k}" for ours, theirs in _FINGERS.items() for k in (1, 2, 3)},
            **{f"{ours}_tip": f"{{side}}Hand{theirs}4" for ours, theirs in _FINGERS.items()},
        },
        {"left": "Left", "right": "Right"},
    ),
    # Measured on MakeHuman's meshes under Mixamo bones.
    head=HeadTemplate(nose=(0.0, 0.70, 0.25), eye=(0.135, 0.57, 0.44), ear=(0.40, 0.09, 0.30), length=0.8),
    any_prefix=True,
)
