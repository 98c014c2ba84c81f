# SPDX-License-Identifier: GPL-3.0-or-later
"""VRM's humanoid bones: what the VRM add-on assigns to any rig, the names of the rig that it makes itself
(``upper_arm.L``), and Unity's ``HumanBodyBones``, which are VRM 0's with a capital letter.

VRM 1 calls the thumb's three bones metacarpal, proximal and distal, VRM 0 proximal, intermediate and distal.
"""

from __future__ import annotations

from .family import Family, both_sides, phalanges
from .mixamo import HEAD

_FINGERS = {"index": "Index", "middle": "Middle", "ring": "Ring", "little": "Little"}
_THUMB = {"thumb": "Thumb"}

BODY = {
    "hips": "hips",
    "spine": "spine",
    "chest": "upperChest|chest",
    "neck": "neck",
    "head": "head",
    "clavicle": "{side}Shoulder",
    "upper_arm": "{side}UpperArm",
    "forearm": "{side}LowerArm",
    "hand": "{side}Hand",
    "thigh": "{side}UpperLeg",
    "shin": "{side}LowerLeg",
    "foot": "{side}Foot",
    "toe": "{side}Toes",
    "eye": "{side}Eye",
    **phalanges("{side}{finger}{joint}", _FINGERS, ("Proximal", "Intermediate", "Distal")),
}


def _family(name: str, label: str, thumb: tuple[str, str, str]) -> Family:
    names = BODY | phalanges("{side}{finger}{joint}", _THUMB, thumb)
    return Family(name=name, label=label, bones=both_sides(names, {"left": "left", "right": "right"}), head=HEAD)


VRM1 = _family("vrm1", "VRM 1", ("Metacarpal", "Proximal", "Distal"))
VRM0 = _family("vrm0", "VRM 0 or Unity", ("Proximal", "Intermediate", "Distal"))
