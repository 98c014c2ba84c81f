# SPDX-License-Identifier: GPL-3.0-or-later
"""Rigs whose names say nothing: their bones are told from the skeleton's structure."""

from __future__ import annotations

from .family import Family, HeadTemplate

FAMILY = Family(
    name="unnamed",
    label="Unnamed bones",
    bones={},
    # Where a head bone begins differs from family to family.  This lies between Mixamo's, the game engine rig's and
    # Rigify's templates, at most 1.6 % of the body's height from each.
    head=HeadTemplate(nose=(0.0, 0.81, 0.18), eye=(0.22, 0.61, 0.41), ear=(0.48, -0.01, 0.26), length=0.7),
)
