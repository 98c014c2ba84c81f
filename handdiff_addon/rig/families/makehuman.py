# SPDX-License-Identifier: GPL-3.0-or-later
"""MakeHuman's and MPFB's default rig.

Limbs are two bones each, of which the first starts at the joint; ``metacarpal1`` to ``4`` stand before the fingers.
"""

from __future__ import annotations

from .family import Family, HeadTemplate, both_sides, phalanges

_FINGERS = {"thumb": "finger1", "index": "finger2", "middle": "finger3", "ring": "finger4", "little": "finger5"}

# From the base mesh and the rig's own numbers: the head bone is 0.148 m, the upper arm 0.242 m.
HEAD = HeadTemplate(nose=(0.0, 0.777, 0.004), eye=(0.20, 0.60, 0.25), ear=(0.538, -0.045, 0.117), length=0.61)

FAMILY = Family(
    name="makehuman",
    label="MakeHuman",
    bones=both_sides(
        {
            "hips": "root",
            "spine": "spine05",
            "chest": "spine01",
            "neck": "neck01",
            "head": "head",
            "clavicle": "clavicle.{side}",
            "upper_arm": "upperarm01.{side}",
            "forearm": "lowerarm01.{side}",
            "hand": "wrist.{side}",
            "thigh": "upperleg01.{side}",
            "shin": "lowerleg01.{side}",
            "foot": "foot.{side}",
            "toe": "toe1-1.{side}",
            # From the middle of the ball; the tail lies two centimetres before the eye.
            "eye": "eye.{side}",
            **phalanges("{finger}-{joint}.{side}", _FINGERS),
        },
        {"left": "L", "right": "R"},
    ),
    head=HEAD,
)
