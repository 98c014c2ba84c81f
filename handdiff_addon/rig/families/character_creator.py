# SPDX-License-Identifier: GPL-3.0-or-later
"""Reallusion's Character Creator, iClone and AccuRig; with numbered or with named fingers.

Its game base has Unreal's names and counts as that.
"""

from __future__ import annotations

from .family import Family, both_sides, phalanges
from .mixamo import HEAD

_FINGERS = {"thumb": "Thumb", "index": "Index", "middle": "Mid", "ring": "Ring", "little": "Pinky"}
_named = phalanges("CC_Base_{side}_{finger}{joint}", _FINGERS)
_numbered = phalanges(
    "CC_Base_{side}_Finger{finger}{joint}", {finger: str(n) for n, finger in enumerate(_FINGERS)}, ("0", "1", "2")
)

FAMILY = Family(
    name="character_creator",
    label="Character Creator",
    bones=both_sides(
        {
            "hips": "CC_Base_Hip",
            "spine": "CC_Base_Waist",
            "chest": "CC_Base_Spine02|CC_Base_Spine01",
            "neck": "CC_Base_NeckTwist01",
            "head": "CC_Base_Head",
            "clavicle": "CC_Base_{side}_Clavicle",
            "upper_arm": "CC_Base_{side}_Upperarm",
            "forearm": "CC_Base_{side}_Forearm",
            "hand": "CC_Base_{side}_Hand",
            "thigh": "CC_Base_{side}_Thigh",
            "shin": "CC_Base_{side}_Calf",
            "foot": "CC_Base_{side}_Foot",
            "toe": "CC_Base_{side}_ToeBase",
            "eye": "CC_Base_{side}_Eye",
            **{name: f"{pattern}|{_numbered[name]}" for name, pattern in _named.items()},
        },
        {"left": "L", "right": "R"},
    ),
    head=HEAD,
)
