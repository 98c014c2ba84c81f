# SPDX-License-Identifier: GPL-3.0-or-later
"""Mixamo (any prefix, such as ``mixamorig:`` or ``mixamorig1:``, or none: Ready Player Me, MotionBuilder, the sample
human).

Exports with four bones per finger number them from the metacarpal or from the knuckle; positions tell.
"""

from __future__ import annotations

from .family import Family, HeadTemplate, both_sides, phalanges, tips

_FINGERS = {"thumb": "Thumb", "index": "Index", "middle": "Middle", "ring": "Ring", "little": "Pinky"}

BODY = {
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
}
SIDES = {"left": "Left", "right": "Right"}

# Measured on MakeHuman's meshes under Mixamo bones.
HEAD = HeadTemplate(nose=(0.0, 0.70, 0.25), eye=(0.135, 0.57, 0.44), ear=(0.40, 0.09, 0.30), length=0.8)

FAMILY = Family(
    name="mixamo",
    label="Mixamo",
    bones=both_sides(
        BODY | phalanges("{side}Hand{finger}{joint}", _FINGERS) | tips("{side}Hand{finger}4", _FINGERS), SIDES
    ),
    head=HEAD,
    metacarpal_first=True,
)
