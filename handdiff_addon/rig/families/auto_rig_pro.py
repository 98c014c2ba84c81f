# SPDX-License-Identifier: GPL-3.0-or-later
"""Auto-Rig Pro, the whole rig and its exports.

The joints are best read from ``arm.l``, ``forearm.l``, ``thigh.l`` and ``leg.l``, which exports leave out.  There the
upper arm is ``c_arm_twist_offset.l`` and then ``arm_stretch.l``, which starts half-way down, and the leg likewise.
``c_index1_base.l`` is the palm's.
"""

from __future__ import annotations

from .family import PINKY, Family, both_sides, phalanges
from .mixamo import HEAD

FAMILY = Family(
    name="auto_rig_pro",
    label="Auto-Rig Pro",
    bones=both_sides(
        {
            "hips": "root.x",
            "spine": "spine_01.x",
            "chest": "spine_05.x|spine_04.x|spine_03.x|spine_02.x",
            "neck": "neck.x",
            "head": "head.x",
            "clavicle": "shoulder.{side}",
            "upper_arm": "arm.{side}|c_arm_twist_offset.{side}|arm_twist.{side}|arm_stretch.{side}",
            "forearm": "forearm.{side}|forearm_stretch.{side}",
            "hand": "hand.{side}",
            "thigh": "thigh.{side}|thigh_twist.{side}|thigh_stretch.{side}",
            "shin": "leg.{side}|leg_stretch.{side}",
            "foot": "foot.{side}",
            "toe": "toes_01.{side}",
            # Not confirmed on a file: that these two lie where their names say.
            "eye": "c_eye.{side}",
            "ear": "c_ear_01.{side}",
            **phalanges("{finger}{joint}.{side}|c_{finger}{joint}.{side}", PINKY),
        },
        {"left": "l", "right": "r"},
    ),
    head=HEAD,
    layers=("c_",),
)
