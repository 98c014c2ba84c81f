# SPDX-License-Identifier: GPL-3.0-or-later
"""The rig families that HandDiff knows, one data module each."""

from __future__ import annotations

from . import mixamo, rigify_generated, rigify_metarig, unnamed, unreal
from .family import Family

FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (mixamo.FAMILY, unreal.FAMILY, rigify_generated.FAMILY, rigify_metarig.FAMILY, unnamed.FAMILY)
}
"""By name; where two fit an armature equally well, the earlier one is taken."""
