# SPDX-License-Identifier: GPL-3.0-or-later
"""Unreal Engine's mannequins (4 and 5) and what copies their names, such as MakeHuman's game engine rig.

Unreal 5 puts a metacarpal (``index_metacarpal_l``) before each finger but the thumb; keypoints skip it.
"""

from __future__ import annotations

from .family import PINKY, Family, HeadTemplate, both_sides, phalanges

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
            **phalanges("{finger}_0{joint}_{side}", PINKY),
        },
        {"left": "l", "right": "r"},
    ),
    # Measured on MakeHuman's meshes under the game engine rig.
    head=HeadTemplate(nose=(0.0, 0.81, 0.02), eye=(0.185, 0.62, 0.255), ear=(0.52, -0.07, 0.12), length=0.68),
)
