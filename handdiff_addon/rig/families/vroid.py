# SPDX-License-Identifier: GPL-3.0-or-later
"""VRoid Studio, and the names that the VRM add-on's symmetrised import gives it (``UpperArm_L``)."""

from __future__ import annotations

from .family import Family, both_sides, phalanges, tips
from .mixamo import HEAD

_FINGERS = {"thumb": "Thumb", "index": "Index", "middle": "Middle", "ring": "Ring", "little": "Little"}
_LIMBS = {
    "clavicle": "Shoulder",
    "upper_arm": "UpperArm",
    "forearm": "LowerArm",
    "hand": "Hand",
    "thigh": "UpperLeg",
    "shin": "LowerLeg",
    "foot": "Foot",
    "toe": "ToeBase",
    **phalanges("{finger}{joint}", _FINGERS),
    # Not every import keeps the ends.
    **tips("{finger}3_end", _FINGERS),
}
_MIDDLE = {
    "hips": ("Hips",),
    "spine": ("Spine",),
    "chest": ("UpperChest", "Chest"),
    "neck": ("Neck",),
    "head": ("Head",),
}

FAMILY = Family(
    name="vroid",
    label="VRoid",
    bones=both_sides(
        {name: "|".join([f"J_Bip_C_{word}" for word in words] + list(words)) for name, words in _MIDDLE.items()}
        | {name: f"J_Bip_{{side}}_{word}|{word}_{{side}}" for name, word in _LIMBS.items()}
        | {"eye": "J_Adj_{side}_FaceEye|FaceEye_{side}"},
        {"left": "L", "right": "R"},
    ),
    head=HEAD,
)
