# SPDX-License-Identifier: GPL-3.0-or-later
"""SMPL, SMPL-H and SMPL-X: bones are named for the joint at their head."""

from __future__ import annotations

from .family import PINKY, Family, both_sides, phalanges
from .mixamo import HEAD

FAMILY = Family(
    name="smpl",
    label="SMPL",
    bones=both_sides(
        {
            "hips": "pelvis",
            "spine": "spine1",
            "chest": "spine3|spine2",
            "neck": "neck",
            "head": "head",
            "clavicle": "{side}_collar",
            "upper_arm": "{side}_shoulder",
            "forearm": "{side}_elbow",
            "hand": "{side}_wrist",
            "thigh": "{side}_hip",
            "shin": "{side}_knee",
            "foot": "{side}_ankle",
            "toe": "{side}_foot",
            "eye": "{side}_eye_smplhf",
            **phalanges("{side}_{finger}{joint}", PINKY),
        },
        {"left": "left", "right": "right"},
    ),
    head=HEAD,
)
