# SPDX-License-Identifier: GPL-3.0-or-later
"""3ds Max's Biped under its prefix (``Bip001 L Hand``, ``Bip01 L Hand``); so have Microsoft Rocketbox and, with
``Head1``, Valve's Source (``ValveBiped.Bip01_L_Hand``).

The thumb is ``Finger0``, ``Finger01``, ``Finger02``, the index finger ``Finger1``, ``Finger11``, ``Finger12``.
"""

from __future__ import annotations

from .family import Family, both_sides, phalanges, tips
from .mixamo import HEAD

_FINGERS = {"thumb": "0", "index": "1", "middle": "2", "ring": "3", "little": "4"}

FAMILY = Family(
    name="biped",
    label="3ds Max Biped",
    bones=both_sides(
        {
            "hips": "Pelvis",
            "spine": "Spine",
            "chest": "Spine2|Spine1",
            "neck": "Neck|Neck1",
            "head": "Head|Head1",
            "clavicle": "{side} Clavicle",
            "upper_arm": "{side} UpperArm",
            "forearm": "{side} Forearm",
            "hand": "{side} Hand",
            "thigh": "{side} Thigh",
            "shin": "{side} Calf",
            "foot": "{side} Foot",
            "toe": "{side} Toe0",
            "eye": "{side}Eye",
            **phalanges("{side} Finger{finger}{joint}", _FINGERS, ("", "1", "2")),
            **tips("{side} Finger{finger}Nub", _FINGERS),
        },
        {"left": "L", "right": "R"},
    ),
    head=HEAD,
)
