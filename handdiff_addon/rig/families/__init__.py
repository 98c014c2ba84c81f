# SPDX-License-Identifier: GPL-3.0-or-later
"""The rig families that HandDiff knows, one data module each."""

from __future__ import annotations

from . import (
    auto_rig_pro,
    biped,
    cats,
    character_creator,
    cmu,
    daz,
    human_generator,
    makehuman,
    mixamo,
    mmd,
    openpose,
    rigify_generated,
    rigify_metarig,
    rokoko,
    smpl,
    unnamed,
    unreal,
    vrm,
    vroid,
)
from .family import Family

FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        mixamo.FAMILY,
        unreal.FAMILY,
        rigify_generated.FAMILY,
        rigify_metarig.FAMILY,
        human_generator.FAMILY,
        vrm.VRM1,
        vrm.VRM0,
        vroid.FAMILY,
        makehuman.FAMILY,
        openpose.FAMILY,
        smpl.FAMILY,
        auto_rig_pro.FAMILY,
        daz.GENESIS,
        daz.GENESIS_9,
        character_creator.FAMILY,
        biped.FAMILY,
        mmd.FAMILY,
        cats.FAMILY,
        cmu.FAMILY,
        rokoko.FAMILY,
        unnamed.FAMILY,
    )
}
"""By name; where two fit an armature equally well, the earlier one is taken."""
