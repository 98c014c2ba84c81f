# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's Rigify human metarig, before it is generated."""

from __future__ import annotations

from .family import Family, HeadTemplate, both_sides, phalanges

FINGERS = {"thumb": "thumb", "index": "f_index", "middle": "f_middle", "ring": "f_ring", "little": "f_pinky"}

NAMES = {
    "hips": "spine",
    "spine": "spine.001",
    "chest": "spine.003",
    "neck": "spine.004",
    "head": "spine.006",
    "nose": "nose.001",
    "clavicle": "shoulder.{side}",
    "upper_arm": "upper_arm.{side}",
    "forearm": "forearm.{side}",
    "hand": "hand.{side}",
    "thigh": "thigh.{side}",
    "shin": "shin.{side}",
    "foot": "foot.{side}",
    "toe": "toe.{side}",
    "eye": "eye.{side}",
    "ear": "ear.{side}",
    **phalanges("{finger}.0{joint}.{side}", FINGERS),
}

# Measured on the metarig's own face bones, for rigs that were made without them.
HEAD = HeadTemplate(nose=(0.0, 0.866, 0.321), eye=(0.26, 0.607, 0.569), ear=(0.46, 0.03, 0.41), length=0.69)

# The nose's bones run down its bridge to the tip, the eyes' from the centre of the ball to its surface.
TAILS = frozenset({"nose", "left_eye", "right_eye"})

SIDES = {"left": "L", "right": "R"}

FAMILY = Family(
    name="rigify_metarig",
    label="Rigify metarig",
    bones=both_sides(NAMES, SIDES),
    head=HEAD,
    tails=TAILS,
)
