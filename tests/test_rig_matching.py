# SPDX-License-Identifier: GPL-3.0-or-later
"""Bone names to canonical bones: families, prefixes, spellings, order, other add-ons' names and refusals."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handdiff_addon.errors import SceneError
from handdiff_addon.request import SIDES, Side
from handdiff_addon.rig.bones import PARENTS, Bone, other_side
from handdiff_addon.rig.families import FAMILIES
from handdiff_addon.rig.keypoints import FINGERS
from handdiff_addon.rig.matching import RigMatch, hand_bones, match_rig


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


def whole_hand(match: RigMatch, side: Side) -> bool:
    """Whether the hand has five fingers of three bones."""
    return all(f"{side}_{name}" in match.bones for name in ("hand", *(f"{f}_{k}" for f in FINGERS for k in (1, 2, 3))))


@pytest.mark.parametrize("family", [name for name, family in FAMILIES.items() if family.bones])
def test_each_family_is_recognised_whole(family: str) -> None:
    match = match_rig(bones(skeleton(family)))
    assert match.family == family
    assert match.bones == {bone: spelt[0] for bone, spelt in FAMILIES[family].bones.items()}
    for side in SIDES:
        assert whole_hand(match, side) is (family not in ("cmu", "openpose"))


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


def test_the_bone_that_is_spelt_right_goes_before_another_spelling() -> None:
    # Whatever comes first: a control in capitals, the joint itself, a control with other separators.
    parents = skeleton("rigify_metarig")
    controls = {"HAND.L": "forearm.L", "F_Index.01.L": "HAND.L", "upper-arm.R": "shoulder.R", "Spine 006": "spine.004"}
    for both in (controls | parents, parents | controls):
        assert match_rig(bones(both)).bones == match_rig(bones(parents)).bones


def test_the_first_of_two_prefixes_that_fit_alike_is_the_shorter() -> None:
    one, other = skeleton("mixamo", "a:"), skeleton("mixamo", "control:")
    for both in (one | other, other | one):
        assert match_rig(bones(both)).bones["head"] == "a:Head"


def test_bones_that_hang_from_the_wrong_place_are_not_taken() -> None:
    parents = skeleton("mixamo")
    parents["LeftHandIndex1"] = "RightHand"
    parents["LeftHandRing1"] = None
    match = match_rig(bones(parents))
    assert "left_index_1" not in match.bones and "left_ring_1" not in match.bones
    assert not whole_hand(match, "left") and whole_hand(match, "right")


def test_bones_may_skip_the_ones_between() -> None:
    parents = skeleton("mixamo") | {"LeftHandIndex3": "LeftHand", "LeftShoulder": "Hips", "RightUpLeg": "Spine"}
    match = match_rig(bones(parents))
    assert match.bones.keys() == FAMILIES["mixamo"].bones.keys()


def test_what_another_add_on_calls_the_bones_wins_over_their_names() -> None:
    parents = skeleton("vrm1", "Bone_")
    assert match_rig(bones(parents)).bones["left_index_1"] == "Bone_leftIndexProximal"
    swap = {"Index": "Middle", "Middle": "Index"}
    aliases = {
        f"Bone_{name}": re.sub("Index|Middle", lambda finger: swap[finger[0]], name) for name in skeleton("vrm1")
    }
    match = match_rig(bones(parents), aliases)
    assert match.family == "vrm1" and whole_hand(match, "left")
    assert match.bones["left_index_1"] == "Bone_leftMiddleProximal"


def test_meaningless_names_do_not_matter_beside_those_of_another_add_on() -> None:
    parents = skeleton("mmd")
    new = {name: f"Bone.{number:03}" for number, name in enumerate(parents)}
    renamed = {new[name]: parent and new[parent] for name, parent in parents.items()}
    match = match_rig(bones(renamed), {bone: name for name, bone in new.items()} | {"no such bone": "頭"})
    assert match.family == "mmd"
    assert match.bones == {name: new[spelt[0]] for name, spelt in FAMILIES["mmd"].bones.items()}


def test_names_tell_what_another_add_on_leaves_out() -> None:
    parents = skeleton("mixamo")
    table = FAMILIES["vrm0"].bones
    body = [name for name in match_rig(bones(parents)).bones if name in table and name[-2:] not in ("_1", "_2", "_3")]
    aliases = {FAMILIES["mixamo"].bones[name][0]: table[name][0] for name in body}
    match = match_rig(bones(parents), aliases)
    assert (
        match.family.startswith("vrm")
        and whole_hand(match, "left")
        and match.bones["left_index_tip"] == "LeftHandIndex4"
    )
    # So few that they make no humanoid count for nothing.
    assert match_rig(bones(parents), {"LeftHand": "leftHand", "Head": "leftFoot"}).family == "mixamo"


def test_a_rig_without_fingers_is_a_humanoid() -> None:
    fingers = tuple(bone for bone in PARENTS if bone[-2:] in ("_1", "_2", "_3") or bone.endswith("_tip"))
    match = match_rig(bones(skeleton("unreal", without=fingers)))
    assert match.family == "unreal" and not whole_hand(match, "left")


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
    with pytest.raises(SceneError, match=r"rename them to a known convention.*or assign the keypoints by hand"):
        match_rig(bones(parents))


def test_hand_bones_hold_palm_and_tips_but_no_weapon() -> None:
    parents = skeleton("unreal") | {"index_metacarpal_l": "hand_l", "weapon_l": "hand_l", "index_04_l": "index_03_l"}
    parents["index_01_l"] = "index_metacarpal_l"
    found = hand_bones(match_rig(bones(parents)), parents, "left")
    assert {"hand_l", "index_metacarpal_l", "index_01_l", "index_04_l", "thumb_03_l"} <= found
    assert not found & {"weapon_l", "lowerarm_l", "hand_r", "index_01_r"}


def test_hand_bones_hold_metacarpals_without_a_finger_and_twist_bones() -> None:
    parents = skeleton("unreal", without=("left_index_1", "left_index_2", "left_index_3"))
    parents |= {"index_metacarpal_l": "hand_l", "hand_twist_01_l": "hand_l", "hand_controller_l": "hand_l"}
    found = hand_bones(match_rig(bones(parents)), parents, "left")
    assert {"index_metacarpal_l", "hand_twist_01_l"} <= found and "hand_controller_l" not in found


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


NAMES = sorted({name for family in FAMILIES.values() for spelt in family.bones.values() for name in spelt})


@settings(max_examples=100)
@given(st.data())
def test_any_skeleton_is_matched_or_refused(data: st.DataObject) -> None:
    words = data.draw(st.lists(st.one_of(st.sampled_from(NAMES), st.text(max_size=12)), max_size=80, unique=True))
    if data.draw(st.booleans()):  # often enough a humanoid
        family = data.draw(st.sampled_from([name for name, family in FAMILIES.items() if family.bones]))
        words = list(dict.fromkeys([*skeleton(family), *words]))
    # A parent comes before its children, or is no bone of the armature's.
    parents = {
        name: data.draw(st.sampled_from([None, "gone", *words[: min(place, 3)], *words[max(place - 3, 0) : place]]))
        for place, name in enumerate(words)
    }
    place = st.floats(width=32)
    rest = {
        name: Bone(name, parent, np.array(data.draw(st.tuples(place, place, place))), np.zeros(3), np.eye(4))
        for name, parent in parents.items()
    }
    aliases = data.draw(st.dictionaries(st.sampled_from(words or ["x"]), st.sampled_from(NAMES), max_size=20))
    try:
        match = match_rig(rest, aliases)
    except SceneError:
        return
    assert match.bones.keys() <= PARENTS.keys() and set(match.bones.values()) <= rest.keys()
    for side in SIDES:
        assert hand_bones(match, parents, side) <= rest.keys()
