# SPDX-License-Identifier: GPL-3.0-or-later
"""Bone names to canonical bones: families, prefixes, order and refusals."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from handdiff_addon.errors import SceneError
from handdiff_addon.rig.bones import PARENTS, Bone, other_side
from handdiff_addon.rig.families import FAMILIES
from handdiff_addon.rig.matching import hand_bones, match_rig


def bones(parents: Mapping[str, str | None]) -> dict[str, Bone]:
    """A rest skeleton of that hierarchy, with all bones at the origin, so that names alone can tell."""
    return {name: Bone(name, parent, np.zeros(3), np.zeros(3), np.eye(4)) for name, parent in parents.items()}


def skeleton(family: str, prefix: str = "", without: tuple[str, ...] = ()) -> dict[str, str | None]:
    """Parents of a rig with all of a family's bones."""
    names = {bone: prefix + spelt[0] for bone, spelt in FAMILIES[family].bones.items() if bone not in without}
    parents: dict[str, str | None] = {}
    for bone, name in names.items():
        if name in parents:  # one bone may be two: OpenPose's neck is all the head that there is
            continue
        above = PARENTS[bone]
        while above is not None and above not in names:
            above = PARENTS[above]
        parents[name] = names[above] if above else None
    return parents


@pytest.mark.parametrize("family", [name for name, family in FAMILIES.items() if family.bones])
def test_each_family_is_recognised_whole(family: str) -> None:
    match = match_rig(bones(skeleton(family)))
    assert match.family == family
    assert match.bones == {bone: spelt[0] for bone, spelt in FAMILIES[family].bones.items()}
    assert match.has_hand("left") and match.has_hand("right")


@pytest.mark.parametrize("prefix", ["mixamorig:", "mixamorig1:", "mixamorig_", "Armature|mixamorig:"])
def test_mixamo_under_any_prefix(prefix: str) -> None:
    match = match_rig(bones(skeleton("mixamo", prefix)))
    assert match.bones["left_index_2"] == f"{prefix}LeftHandIndex2"


def test_the_family_with_more_bones_in_order_wins() -> None:
    # A Mixamo rig to which somebody parented a few bones with Unreal names.
    parents = skeleton("mixamo") | {"pelvis": None, "head": "pelvis", "thigh_l": "pelvis", "thigh_r": "pelvis"}
    assert match_rig(bones(parents)).family == "mixamo"


def test_a_generated_rig_is_matched_by_its_deforming_bones() -> None:
    # The whole metarig is in there as well, under the controls' names.
    both = skeleton("rigify_metarig") | skeleton("rigify_generated")
    match = match_rig(bones(both))
    assert match.family == "rigify_generated"
    assert match.bones["left_forearm"] == "DEF-forearm.L"


def test_bones_in_the_wrong_order_are_not_taken() -> None:
    parents = skeleton("mixamo")
    parents["LeftHandIndex3"] = "LeftHand"
    match = match_rig(bones(parents))
    assert "left_index_3" not in match.bones
    assert not match.has_hand("left") and match.has_hand("right")


def test_a_rig_without_fingers_is_a_humanoid() -> None:
    fingers = tuple(bone for bone in PARENTS if bone[-2:] in ("_1", "_2", "_3") or bone.endswith("_tip"))
    match = match_rig(bones(skeleton("unreal", without=fingers)))
    assert match.family == "unreal" and not match.has_hand("left")


@pytest.mark.parametrize(
    "parents",
    [
        {},
        {"Bone": None, "Bone.001": "Bone"},
        dict.fromkeys(skeleton("mixamo")),  # right names, no hierarchy
        {name: parent for name, parent in skeleton("unreal").items() if not name.startswith("thigh")},
    ],
)
def test_what_is_no_humanoid_is_refused_with_the_remedy(parents: dict[str, str | None]) -> None:
    with pytest.raises(SceneError, match="use a rig with Mixamo"):
        match_rig(bones(parents))


def test_hand_bones_hold_palm_and_tips_but_no_weapon() -> None:
    parents = skeleton("unreal") | {"index_metacarpal_l": "hand_l", "weapon_l": "hand_l", "index_04_l": "index_03_l"}
    parents["index_01_l"] = "index_metacarpal_l"
    found = hand_bones(match_rig(bones(parents)), parents, "left")
    assert {"hand_l", "index_metacarpal_l", "index_01_l", "index_04_l", "thumb_03_l"} <= found
    assert not found & {"weapon_l", "lowerarm_l", "hand_r", "index_01_r"}


def test_hand_bones_of_a_mitten_are_all_that_hangs_from_the_hand() -> None:
    fingers = tuple(bone for bone in PARENTS if bone[-2:] in ("_1", "_2", "_3") or bone.endswith("_tip"))
    parents = skeleton("unreal", without=fingers) | {"mitten_l": "hand_l"}
    assert hand_bones(match_rig(bones(parents)), parents, "left") == {"hand_l", "mitten_l"}


def test_mirroring_swaps_sides_and_only_them() -> None:
    match = match_rig(bones(skeleton("mixamo")))
    assert match.mirrored().bones["right_hand"] == "LeftHand"
    assert match.mirrored().bones["head"] == "Head"
    assert match.mirrored().mirrored() == match
    assert other_side("left_index_1") == "right_index_1"
