# SPDX-License-Identifier: GPL-3.0-or-later
"""MPFB's OpenPose rig, whose bones are named for the keypoint at their tail.

So ``LElbow`` is the upper arm, ``LAnkle`` the shin, and both eyes' bones start at the nose.  It has no hands.
"""

from __future__ import annotations

from .family import Family, both_sides
from .makehuman import HEAD

FAMILY = Family(
    name="openpose",
    label="MPFB OpenPose",
    bones=both_sides(
        {
            # From the pelvis to the neck.  The hips' bones hang from nothing.
            "spine": "MidHip",
            # From the neck to the nose: all the head that there is.
            "head": "Neck",
            "nose": "Neck",
            "clavicle": "{side}Shoulder",
            "upper_arm": "{side}Elbow",
            "forearm": "{side}Wrist",
            "thigh": "{side}Knee",
            "shin": "{side}Ankle",
            "foot": "{side}BigToe",
            "eye": "{side}Eye",
            "ear": "{side}Ear",
        },
        {"left": "L", "right": "R"},
    ),
    head=HEAD,
    tails=frozenset({"nose", "left_eye", "right_eye", "left_ear", "right_ear"}),
    marks=("MidHip", "LHip", "RHip", "LHeel", "RHeel"),
)
