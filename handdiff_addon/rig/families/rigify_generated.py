# SPDX-License-Identifier: GPL-3.0-or-later
"""A rig that Rigify generated: its deforming bones, which all controls end in.

Limbs are deformed by two bones each, of which the first starts at the joint.  The eyes have no deforming bone.
"""

from __future__ import annotations

from .family import Family, both_sides
from .rigify_metarig import HEAD, NAMES, SIDES, TAILS

FAMILY = Family(
    name="rigify_generated",
    label="Rigify",
    bones=both_sides({name: f"DEF-{theirs}|ORG-{theirs}" for name, theirs in NAMES.items()}, SIDES),
    head=HEAD,
    tails=TAILS,
    layers=("DEF-", "ORG-", "MCH-"),
)
