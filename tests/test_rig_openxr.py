# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenXR hand joints against the conventions of XR_EXT_hand_tracking, restated here.

Right-handed space, Y up, -Z forward.  A joint's +Z runs along its bone away from the fingertip, its +Y out of the back
of the hand (out of the nail on a thumb), +X follows.  The palm lies in the middle of the middle metacarpal and turns
with it; the wrist's +Z runs from the middle metacarpal's base to the wrist.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from handdiff_addon.request import SIDES
from handdiff_addon.rig.bones import PARENTS, Bone
from handdiff_addon.rig.keypoints import FINGERS, PersonKeypoints
from handdiff_addon.rig.matching import RigMatch
from handdiff_addon.rig.openxr import JOINTS, hand_joints, to_openxr
from tests.builders import bone_table, keypoints

TO_OPENXR = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]])
"""Blender's world, Z up, to OpenXR's: up goes to +Y, Blender's +Y to -Z."""


def turn(axis: tuple[float, float, float], degrees: float, about: np.ndarray) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_rotvec(np.radians(degrees) * np.array(axis)).as_matrix()
    matrix[:3, 3] = about - matrix[:3, :3] @ about
    return matrix


def person(
    turns: dict[str, tuple[tuple[float, float, float], float]] | None = None,
    move: np.ndarray | None = None,
    palms: dict[str, np.ndarray] | None = None,
    without: tuple[str, ...] = (),
) -> PersonKeypoints:
    """The canonical human, T-posed with its palms down, with some bones turned about their heads, each carrying all
    that hangs from it; ``palms`` puts bones of the palm before knuckles."""
    table = {name: ends for name, ends in bone_table().items() if not name.startswith(without or "-")}
    parents = {name: PARENTS[name] for name in table}
    for knuckle, base in (palms or {}).items():
        table[f"palm of {knuckle}"] = base, table[knuckle][0]
        parents[f"palm of {knuckle}"], parents[knuckle] = parents[knuckle], f"palm of {knuckle}"

    def above(name: str | None) -> np.ndarray:
        if name is None or name not in table:
            return np.eye(4) if move is None else move
        own = turn(*turns[name], table[name][0]) if turns and name in turns else np.eye(4)
        return above(parents[name]) @ own

    rest, pose = {}, {}
    for name, (head, tail) in table.items():
        own = np.eye(4)
        own[:3, 3] = head
        rest[name] = Bone(name, parents[name], head, tail, own)
        whole = above(name)
        ends = ((whole @ np.append(end, 1.0))[:3] for end in (head, tail))
        pose[name] = Bone(name, parents[name], *ends, whole @ own)
    match = RigMatch("mixamo", {name: name for name in table if name in PARENTS})
    return keypoints(match, pose, rest)


def named(values: np.ndarray) -> dict[str, np.ndarray]:
    return dict(zip(JOINTS, values, strict=True))


def check_frames(made: PersonKeypoints, side: str) -> None:
    """Every frame is a rotation, and runs along the bones between the joints' own places."""
    places, axes = hand_joints(made, side)
    np.testing.assert_allclose(axes @ axes.transpose(0, 2, 1), np.broadcast_to(np.eye(3), axes.shape), atol=1e-9)
    np.testing.assert_allclose(np.linalg.det(axes), 1.0)
    position, frame = named(places), named(axes)
    for first, second in pairwise(JOINTS[2:]):
        if first.split("_")[0] == second.split("_")[0]:
            bone = position[second] - position[first]
            np.testing.assert_allclose(frame[first][:, 2], -bone / np.linalg.norm(bone), atol=1e-9)
    for finger in FINGERS:
        np.testing.assert_allclose(frame[f"{finger}_tip"], frame[f"{finger}_distal"])
    base, knuckle = position["middle_metacarpal"], position["middle_proximal"]
    np.testing.assert_allclose(position["palm"], (base + knuckle) / 2)
    np.testing.assert_allclose(frame["palm"][:, 2], (base - knuckle) / np.linalg.norm(base - knuckle), atol=1e-9)
    to_wrist = position["wrist"] - base
    np.testing.assert_allclose(frame["wrist"][:, 2], to_wrist / np.linalg.norm(to_wrist), atol=1e-9)


def test_the_joints_are_the_specifications_in_its_order() -> None:
    assert len(JOINTS) == 26
    assert JOINTS[:7] == (
        "palm", "wrist", "thumb_metacarpal", "thumb_proximal", "thumb_distal", "thumb_tip", "index_metacarpal",
    )  # fmt: skip
    assert JOINTS[21:] == ("little_metacarpal", "little_proximal", "little_intermediate", "little_distal", "little_tip")


@pytest.mark.parametrize("side", SIDES)
def test_a_flat_hand(side: str) -> None:
    made = person()
    check_frames(made, side)
    places, axes = hand_joints(made, side)
    position, frame = named(places), named(axes)
    out = np.array([1.0, 0, 0]) if side == "left" else np.array([-1.0, 0, 0])  # where the arm points
    for name in JOINTS:
        if not name.startswith("thumb"):
            assert frame[name][:, 1] @ [0, 1, 0] > 0.9, name  # palm down: the back is up
            assert frame[name][:, 2] @ out < -0.85, name
    # Looking along the fingers, the person's front (+Z here) is to the right of the left arm and to the left of the
    # right one.
    front = np.array([0, 0, 1.0]) if side == "left" else np.array([0, 0, -1.0])
    np.testing.assert_allclose(frame["index_proximal"][:, 0], front, atol=0.01)
    for name, row in (("wrist", 0), ("thumb_metacarpal", 1), ("index_proximal", 5), ("little_tip", 20)):
        np.testing.assert_allclose(position[name], TO_OPENXR @ made.hands[side][row])
    # The thumb points forwards and outwards; its nail faces away from the fingers and a little upwards.
    nail = frame["thumb_distal"][:, 1]
    assert nail @ out < -0.5 and nail @ [0, 0, 1] > 0.5 and 0.1 < nail[1] < 0.5


def test_identity() -> None:
    # A right hand before the viewer that points forwards with its palm down: the joints of its straight fingers are
    # not turned at all.
    made = person(move=turn((0, 0, 1), -90, np.zeros(3)))  # the right arm, along -X, comes to point along +Y
    _, axes = hand_joints(made, "right")
    for name, frame in named(axes).items():
        if name.endswith(("proximal", "intermediate", "distal", "tip")) and not name.startswith("thumb"):
            np.testing.assert_allclose(frame, np.eye(3), atol=0.02)
    joint = to_openxr([made], 1)["people"][0]["hands"]["right"]["joints"]["middle_distal"]
    np.testing.assert_allclose(joint["orientation"], [0, 0, 0, 1], atol=0.01)


@pytest.mark.parametrize("side", SIDES)
def test_bent_fingers_turn_about_their_own_right(side: str) -> None:
    flat = named(hand_joints(person(), side)[1])
    sign = 1.0 if side == "left" else -1.0
    bend = {f"{side}_{finger}_{k}": ((0.0, sign, 0.0), 80.0) for finger in FINGERS[1:] for k in (1, 2, 3)}
    made = person(bend)
    check_frames(made, side)
    bent = named(hand_joints(made, side)[1])
    for finger in FINGERS[1:]:
        for count, joint in enumerate(("proximal", "intermediate", "distal"), 1):
            # Bending is a turn about +X by a negative angle: -Z, to the tip, goes towards -Y, out of the palm.
            wanted = flat[f"{finger}_{joint}"] @ Rotation.from_euler("x", -80 * count, degrees=True).as_matrix()
            np.testing.assert_allclose(bent[f"{finger}_{joint}"], wanted, atol=0.05)
        np.testing.assert_allclose(bent[f"{finger}_metacarpal"], flat[f"{finger}_metacarpal"], atol=1e-9)


@pytest.mark.parametrize("side", SIDES)
def test_a_turned_forearm_turns_the_whole_hand(side: str) -> None:
    axis, angle = (0.3, -0.5, 0.8), 67.0
    axis = tuple(np.array(axis) / np.linalg.norm(axis))
    before, after = (hand_joints(p, side)[1] for p in (person(), person({f"{side}_forearm": (axis, angle)})))
    turned = TO_OPENXR @ Rotation.from_rotvec(math.radians(angle) * np.array(axis)).as_matrix() @ TO_OPENXR.T
    np.testing.assert_allclose(after, turned @ before, atol=1e-9)


def test_a_mirrored_person_has_right_handed_frames() -> None:
    mirror = np.diag([1.0, -1, 1, 1])
    made = person(move=mirror)
    for side in SIDES:
        check_frames(made, side)
        assert named(hand_joints(made, side)[1])["palm"][:, 1] @ [0, 1, 0] > 0.9


def test_metacarpals_are_read_where_the_rig_has_them_and_told_by_proportion_where_not() -> None:
    base = np.array([0.71, 0.004, 1.41])
    made = person(palms={"left_middle_1": base})
    position = named(hand_joints(made, "left")[0])
    np.testing.assert_allclose(position["middle_metacarpal"], TO_OPENXR @ base)
    wrist, knuckle = made.hands["left"][[0, 5]]
    np.testing.assert_allclose(position["index_metacarpal"], TO_OPENXR @ (wrist + 0.3 * (knuckle - wrist)))
    check_frames(made, "left")


def test_absent_fingers_are_not_valid_and_the_palm_follows_another() -> None:
    data = to_openxr([person(without=("left_middle", "left_ring"))], 7)
    assert data["frame"] == 7 and data["schema_version"] == 1
    left, right = (data["people"][0]["hands"][side] for side in SIDES)
    assert left["is_active"] and list(left["joints"]) == list(JOINTS)
    for name, joint in left["joints"].items():
        there = not name.startswith(("middle", "ring"))
        assert joint["position_valid"] == joint["orientation_valid"] == there
        assert (joint["position"] is not None) == there and (joint["radius"] is not None) == there
    assert all(joint["orientation_valid"] for joint in right["joints"].values())
    json.dumps(data, allow_nan=False)


def test_a_person_without_hands_has_none() -> None:
    body = person(without=tuple(f"{side}_{part}" for side in SIDES for part in ("hand", *FINGERS)))
    for hand in to_openxr([body], 1)["people"][0]["hands"].values():
        assert not hand["is_active"] and not any(joint["position_valid"] for joint in hand["joints"].values())


def test_radii_are_positive_and_grow_with_the_hand() -> None:
    small, large = (
        to_openxr([person(move=np.diag([scale, scale, scale, 1.0]))], 1)["people"][0]["hands"]["left"]["joints"]
        for scale in (1.0, 2.0)
    )
    for name in JOINTS:
        assert 0.003 < small[name]["radius"] < 0.03
        assert large[name]["radius"] == pytest.approx(2 * small[name]["radius"], abs=2e-6)


@given(st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda q: sum(v * v for v in q) > 1e-3))
def test_orientations_are_quaternions_of_the_frames(q: tuple[float, float, float, float]) -> None:
    rotation = Rotation.from_quat(q)
    move = np.eye(4)
    move[:3, :3] = rotation.as_matrix()
    made = person(move=move)
    joints = to_openxr([made], 1)["people"][0]["hands"]["right"]["joints"]
    for name, frame in named(hand_joints(made, "right")[1]).items():
        np.testing.assert_allclose(Rotation.from_quat(joints[name]["orientation"]).as_matrix(), frame, atol=1e-5)


def test_people_keep_their_names() -> None:
    people = [replace(person(), name=name) for name in ("Ann", "Bob")]
    assert [entry["armature"] for entry in to_openxr(people, 1)["people"]] == ["Ann", "Bob"]
