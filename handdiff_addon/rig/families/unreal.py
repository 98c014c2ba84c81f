# SPDX-License-Identifier: GPL-3.0-or-later
"""Unreal Engine's mannequins (4 and 5) and what copies their names, such as MakeHuman's game engine rig."""

from __future__ import annotations

from .family import Family, HeadTemplate, both_sides

_FINGERS = {"thumb": "thumb", "index": "index", "middle": "middle", "ring": "ring", "little": "pinky"}

FAMILY = Family(
    name="unreal",
    label="Unreal",
    bones=both_sides(
        {
            "hips": "pelvis",
            "spine": "spine_01",
            "chest": "spine_05|spine_03|spine_02",
            "neck": "neck_01",
            "head": "head",
            "clavicle": "clavicle_{side}",
            "upper_arm": "upperarm_{side}",
            "forearm": "lowerarm_{side}",
            "hand": "hand_{side}",
            "thigh": "thigh_{side}",
            "shin": "calf_{side}",
            "foot": "foot_{side}",
            "toe": "ball_{side}",
            **{f"{ours}_{k}": f"{theirs}_0{k}_{{side}}" for ours, theirs in _FINGERS.items() for k in (1, 2, 3)},
        },
        {"left": "l", "right": "r"},
    ),
    # Measured on MakeHuman's meshes under the game engine rig.
    head=HeadTemplate(nose=(0.0, 0.81, 0.02), eye=(0.185, 0.62, 0.255), ear=(0.52, -0.07, 0.12), length=0.68),
    any_prefix=True,
)
