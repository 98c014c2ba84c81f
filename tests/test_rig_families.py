# SPDX-License-Identifier: GPL-3.0-or-later
"""Every rig that HandDiff knows: all its bones are told, whatever else is there, is spelt another way or is missing."""

from __future__ import annotations

import re
from collections.abc import Mapping

import bpy
import numpy as np
import pytest

from handdiff_addon.rig.bones import Bone
from handdiff_addon.rig.families import FAMILIES
from handdiff_addon.rig.keypoints import BODY_INDEX, FINGERS
from handdiff_addon.rig.matching import hand_bones, match_rig
from handdiff_addon.scene.passes import depsgraph_of
from handdiff_addon.scene.rigs import match_armature, read_person, rest_bones
from tests.builders import add_bones
from tests.published_rigs import LIMBS, RIGS

NAMES = list(RIGS)
"""Names, not rigs: what a parameter leads to outlives Blender's module, which then never lets the interpreter end."""


def plain(bones: Mapping[str, tuple[np.ndarray, np.ndarray, str | None]]) -> dict[str, Bone]:
    return {name: Bone(name, parent, head, tail, np.eye(4)) for name, (head, tail, parent) in bones.items()}


@pytest.mark.parametrize("name", NAMES)
def test_every_bone_of_a_rig_is_told(empty_scene: bpy.types.Scene, name: str) -> None:
    rig = RIGS[name]
    armature = add_bones(rig.bones() | {"Weapon": (np.zeros(3), np.ones(3), rig.limbs[3])})
    match = match_armature(armature)
    assert match.family == rig.family
    assert match.bones == rig.expected()
    rest = rest_bones(armature)
    assert all(rest[match.bones[f"left_{name}"]].head[0] > 0 for name in LIMBS)
    assert all(rest[match.bones[f"right_{name}"]].head[0] < 0 for name in LIMBS)
    for finger in (finger for finger, names in zip(FINGERS, rig.fingers, strict=True) if names):
        wrist, *joints = (
            rest[match.bones[name]].head
            for name in ("left_hand", *(f"left_{finger}_{k}" for k in (1, 2, 3)))
            if name in match.bones
        )
        reach = [np.linalg.norm(joint - wrist) for joint in joints]
        assert reach == sorted(reach)
    parents = {name: bone.parent for name, bone in rest.items()}
    found = hand_bones(match, parents, "left")
    own = {bone for name, bone in rig.expected().items() if re.match(f"left_({'|'.join(FINGERS)}|hand)", name)}
    assert own | set(rig.hand_too) <= found
    if any(rig.fingers):
        assert "Weapon" not in found
    assert not found & ({rig.expected()["left_forearm"]} | hand_bones(match, parents, "right"))


@pytest.mark.parametrize("name", NAMES)
def test_another_spelling_and_a_prefix_change_nothing(name: str) -> None:
    rig = RIGS[name]

    def respelt(name: str) -> str:
        return "Person 2|" + re.sub(r"[ _.:-]", lambda gap: {"_": ".", ".": "_"}.get(gap[0], "_"), name)

    armature = {respelt(name): (*ends, parent and respelt(parent)) for name, (*ends, parent) in rig.bones().items()}
    match = match_rig(plain(armature))
    assert match.family == rig.family
    assert match.bones == {name: respelt(bone) for name, bone in rig.expected().items()}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("absent", ["_3", "thumb", "little", "eye", "clavicle", "chest", "neck", "toe"])
def test_what_is_missing_costs_nothing_else(name: str, absent: str) -> None:
    rig = RIGS[name]
    expected = rig.expected()
    gone = {bone for name, bone in expected.items() if absent in name}
    bones = rig.bones()
    left = {}
    for name, (head, tail, parent) in bones.items():
        while parent in gone:
            parent = bones[parent][2]
        if name not in gone:
            left[name] = head, tail, parent
    match = match_rig(plain(left))
    if absent != "thumb" or not rig.family.startswith("vrm"):  # whose versions differ in the thumb alone
        assert match.family == rig.family
    # Another bone of the family's may take the place, such as ``Spine1`` that of ``Spine2``.
    assert {name: bone for name, bone in match.bones.items() if absent not in name} == {
        name: bone for name, bone in expected.items() if absent not in name
    }


def test_the_thighs_of_a_biped_may_hang_from_its_spine() -> None:
    rig = RIGS["Biped"]
    bones = rig.bones()
    for side in ("L", "R"):
        head, tail, _ = bones[f"Bip001 {side} Thigh"]
        bones[f"Bip001 {side} Thigh"] = head, tail, "Bip001 Spine"
    assert match_rig(plain(bones)).bones == rig.expected()


def test_openpose_bones_end_at_their_keypoints(empty_scene: bpy.types.Scene) -> None:
    points = {
        "MidHip": (0, 0, 0.87), "Neck": (0, 0, 1.32), "Nose": (0, -0.16, 1.51), "LEye": (0.03, -0.13, 1.55),
        "LEar": (0.08, -0.04, 1.53), "LShoulder": (0.17, 0, 1.32), "LElbow": (0.33, 0, 1.14),
        "LWrist": (0.45, -0.18, 1.0),
        "LHip": (0.1, 0, 0.87), "LKnee": (0.14, 0, 0.48), "LAnkle": (0.18, -0.02, 0.07), "LBigToe": (0.16, -0.2, 0.01),
        "LHeel": (0.18, 0.02, 0.01), "LSmallToe": (0.22, -0.17, 0.01),
    }  # fmt: skip
    # A bone's end to where it starts, and the bone that it hangs from.
    starts = {
        "LEye": ("Nose", "Neck"), "LEar": ("LEye", "LEye"), "LShoulder": ("Neck", "MidHip"),
        "LElbow": ("LShoulder", "LShoulder"), "LWrist": ("LElbow", "LElbow"), "LHip": ("MidHip", None),
        "LKnee": ("LHip", "LHip"), "LAnkle": ("LKnee", "LKnee"), "LBigToe": ("LAnkle", "LAnkle"),
        "LHeel": ("LAnkle", "LAnkle"), "LSmallToe": ("LBigToe", "LBigToe"),
    }  # fmt: skip
    mirrored = {name: np.array(point) * (-1, 1, 1) for name, point in points.items()}
    bones = {
        "MidHip": (np.array(points["MidHip"]), np.array(points["Neck"]), None),
        "Neck": (np.array(points["Neck"]), np.array(points["Nose"]), "MidHip"),
    }
    for name, (start, parent) in starts.items():
        bones[name] = np.array(points[start]), np.array(points[name]), parent
        right = parent and re.sub("^L", "R", parent)
        bones[f"R{name[1:]}"] = mirrored[start], mirrored[name], right
    armature = add_bones(bones)
    assert match_armature(armature).family == "openpose"
    person = read_person(armature, depsgraph_of(empty_scene))
    for point, name in {
        "nose": "Nose", "neck": "Neck", "left_shoulder": "LShoulder", "left_elbow": "LElbow", "left_wrist": "LWrist",
        "left_hip": "LHip", "left_knee": "LKnee", "left_ankle": "LAnkle", "left_eye": "LEye", "left_ear": "LEar",
    }.items():  # fmt: skip
        np.testing.assert_allclose(person.body[BODY_INDEX[point]], points[name], atol=1e-5)
        if point.startswith("left"):
            right = person.body[BODY_INDEX[point.replace("left", "right")]]
            np.testing.assert_allclose(right, mirrored[name], atol=1e-5)
    assert np.isnan(person.hands["left"][1:]).all()


@pytest.mark.parametrize("metacarpals", [True, False])
def test_the_first_of_four_finger_bones_is_the_metacarpal_where_it_lies_in_the_palm(metacarpals: bool) -> None:
    bones = RIGS["Ready Player Me"].bones()
    if metacarpals:
        for side in ("Left", "Right"):
            wrist = bones[f"{side}Hand"][0]
            for finger in ("Index", "Middle", "Ring", "Pinky"):
                names = [f"{side}Hand{finger}{k}" for k in (1, 2, 3, 4)]
                heads = [bones[name][0] for name in names]
                heads = [wrist + 0.25 * (heads[0] - wrist), *heads[:3]]
                for name, head, tail in zip(names, heads, [*heads[1:], 2 * heads[3] - heads[2]], strict=True):
                    bones[name] = head, tail, bones[name][2]
    match = match_rig(plain(bones))
    first = 2 if metacarpals else 1
    for side, word in (("left", "Left"), ("right", "Right")):
        for finger, name in (("index", "Index"), ("little", "Pinky")):
            assert [match.bones[f"{side}_{finger}_{k}"] for k in (1, 2, 3)] == [
                f"{word}Hand{name}{first + k}" for k in range(3)
            ]
            assert (f"{side}_{finger}_tip" in match.bones) is not metacarpals
        assert match.bones[f"{side}_thumb_1"] == f"{word}HandThumb1"
        assert match.bones[f"{side}_thumb_tip"] == f"{word}HandThumb4"
    parents = {name: parent for name, (_, _, parent) in bones.items()}
    assert {f"LeftHandIndex{k}" for k in (1, 2, 3, 4)} <= hand_bones(match, parents, "left")


def test_every_family_has_a_rig_here() -> None:
    assert {rig.family for rig in RIGS.values()} | {"openpose", "unnamed"} == set(FAMILIES)
