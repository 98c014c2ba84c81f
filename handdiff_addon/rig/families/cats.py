# SPDX-License-Identifier: GPL-3.0-or-later
"""Models that the CATS add-on has fixed for VRChat: mmd_tools' English limbs on a body with Unity's names."""

from __future__ import annotations

from .family import Family, both_sides
from .mixamo import HEAD
from .mmd import ENGLISH_LIMBS, ENGLISH_SIDES

FAMILY = Family(
    name="cats",
    label="CATS",
    bones=both_sides(
        {
            "hips": "Hips",
            "spine": "Spine",
            "chest": "Upper Chest|Chest",
            "neck": "Neck",
            "head": "Head",
            "toe": "Toe.{side}",
            **ENGLISH_LIMBS,
        },
        ENGLISH_SIDES,
    ),
    head=HEAD,
)
