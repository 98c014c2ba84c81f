# SPDX-License-Identifier: GPL-3.0-or-later
"""Daz Genesis: 1, 2, 3 and 8, which write the side as a small letter before the name, and 9.

From Genesis 3 on, limbs bend in one bone and twist in the next; the first starts at the joint.  ``lCarpal1`` to ``4``
and ``l_indexmetacarpal`` are the palm's.  Genesis 3 and 8 have a ``Nose`` as well; it is not known where it lies.
"""

from __future__ import annotations

from .family import Family, both_sides, phalanges
from .mixamo import HEAD

_FINGERS = {"thumb": "Thumb", "index": "Index", "middle": "Mid", "ring": "Ring", "little": "Pinky"}

GENESIS = Family(
    name="daz",
    label="Daz Genesis 1 to 8",
    bones=both_sides(
        {
            "hips": "hip",
            "spine": "abdomenLower|abdomen",
            "chest": "chestUpper|chest",
            "neck": "neckLower|neck",
            "head": "head",
            "clavicle": "{side}Collar",
            "upper_arm": "{side}ShldrBend|{side}Shldr",
            "forearm": "{side}ForearmBend|{side}ForeArm",
            "hand": "{side}Hand",
            "thigh": "{side}ThighBend|{side}Thigh",
            "shin": "{side}Shin",
            "foot": "{side}Foot",
            "toe": "{side}Toe",
            "eye": "{side}Eye",
            "ear": "{side}Ear",
            **phalanges("{side}{finger}{joint}", _FINGERS),
        },
        {"left": "l", "right": "r"},
    ),
    head=HEAD,
)

GENESIS_9 = Family(
    name="daz_9",
    label="Daz Genesis 9",
    bones=both_sides(
        {
            "hips": "hip",
            "spine": "spine1",
            "chest": "spine4|spine3",
            "neck": "neck1",
            "head": "head",
            "clavicle": "{side}_shoulder",
            "upper_arm": "{side}_upperarm",
            "forearm": "{side}_forearm",
            "hand": "{side}_hand",
            "thigh": "{side}_thigh",
            "shin": "{side}_shin",
            "foot": "{side}_foot",
            "toe": "{side}_toes",
            "eye": "{side}_eye",
            "ear": "{side}_ear",
            **phalanges("{side}_{finger}{joint}", {ours: theirs.lower() for ours, theirs in _FINGERS.items()}),
        },
        {"left": "l", "right": "r"},
    ),
    head=HEAD,
)
