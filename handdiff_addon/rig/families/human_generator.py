# SPDX-License-Identifier: GPL-3.0-or-later
"""Human Generator (HumGen3D): Rigify's names, but for the neck and what stands on it."""

from __future__ import annotations

from .family import Family, both_sides
from .rigify_metarig import HEAD, NAMES, SIDES

# Its face is driven by shape keys, so that there are eyeballs and a jaw, but neither nose nor ears.
_OWN = {"chest": "spine.003|spine.002", "neck": "neck", "head": "head", "eye": "eyeball.{side}"}

FAMILY = Family(
    name="human_generator",
    label="Human Generator",
    bones=both_sides({name: theirs for name, theirs in (NAMES | _OWN).items() if name not in ("nose", "ear")}, SIDES),
    head=HEAD,
)
