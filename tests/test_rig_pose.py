# SPDX-License-Identifier: GPL-3.0-or-later
"""Bones to keypoints: joints, fingertips and faces."""

from __future__ import annotations

import numpy as np
import pytest

from handdiff_addon.rig.bones import PARENTS, Bone
from handdiff_addon.rig.families import FAMILIES
from handdiff_addon.rig.keypoints import BODY_INDEX, PersonKeypoints
from handdiff_addon.rig.matching import RigMatch
from handdiff_addon.rig.pose import keypoints
from tests.builders import bone_table

Table = dict[str, tuple[np.ndarray, np.ndarray]]


def person(table: Table, move: np.ndarray | None = None) -> PersonKeypoints:
    """Keypoints of a rig whose pose is its rest pose, moved as a whole."""
    move = np.eye(4) if move is None else move

    def bones(matrix: np.ndarray) -> dict[str, Bone]:
        made = {}
        for name, (head, tail) in table.items():
            own = np.eye(4)
            own[:3, 3] = head
            ends = [(matrix @ np.append(end, 1.0))[:3] for end in (head, tail)]
            made[name] = Bone(name, PARENTS[name], *ends, matrix @ own)
        return made

    match = RigMatch("mixamo", {name: name for name in table}, 1.0)
    return keypoints(match, bones(move), bones(np.eye(4)), "Rig")


def test_joints_are_where_the_bones_begin() -> None:
    table = bone_table()
    body = person(table).body
    for joint, bone in (
        ("shoulder", "upper_arm"),
        ("elbow", "forearm"),
        ("wrist", "hand"),
        ("hip", "thigh"),
        ("ankle", "foot"),
    ):
        for side in ("left", "right"):
            np.testing.assert_allclose(body[BODY_INDEX[f"{side}_{joint}"]], table[f"{side}_{bone}"][0])
    shoulders = (table["left_upper_arm"][0] + table["right_upper_arm"][0]) / 2
    np.testing.assert_allclose(body[BODY_INDEX["neck"]], shoulders)


def test_a_good_tail_is_the_fingertip_and_a_bad_one_is_extended() -> None:
    table = bone_table()
    head, tail = table["left_middle_3"]
    before = head - table["left_middle_2"][0]
    np.testing.assert_allclose(person(table).hands["left"][12], tail)
    for bad in (head + np.array([0, 0, 0.03]), head + 3 * before, head + 0.1 * before, head - before):
        table["left_middle_3"] = head, bad
        np.testing.assert_allclose(person(table).hands["left"][12], head + 0.85 * before)
    head, _ = table["left_thumb_3"]
    table["left_thumb_3"] = head, head + np.array([0, 0, 0.03])
    np.testing.assert_allclose(person(table).hands["left"][4], head + 0.7 * (head - table["left_thumb_2"][0]))


def test_a_tip_bone_goes_before_the_tail() -> None:
    table = bone_table()
    table["left_ring_tip"] = np.array([0.9, 0.0, 1.3]), np.array([0.9, 0.0, 1.2])
    np.testing.assert_allclose(person(table).hands["left"][16], [0.9, 0.0, 1.3])


def test_a_hand_with_a_missing_phalanx_is_absent_and_its_wrist_stays() -> None:
    table = bone_table()
    del table["right_ring_2"]
    made = person(table)
    assert np.isnan(made.hands["right"]).all() and np.isfinite(made.hands["left"]).all()
    assert np.isfinite(made.body[BODY_INDEX["right_wrist"]]).all()


def test_a_forearm_without_a_hand_bone_ends_at_the_wrist() -> None:
    table = {name: ends for name, ends in bone_table().items() if not name.startswith(("left_hand", "left_foot"))}
    body = person(table).body
    np.testing.assert_allclose(body[BODY_INDEX["left_wrist"]], table["left_forearm"][1])
    np.testing.assert_allclose(body[BODY_INDEX["left_ankle"]], table["left_shin"][1])


def check_face(body: np.ndarray, forward: np.ndarray, left: np.ndarray, head: np.ndarray, scale: float = 1.0) -> None:
    points = {
        name: (body[BODY_INDEX[name]] - head) / scale
        for name in ("nose", "left_eye", "right_eye", "left_ear", "right_ear")
    }
    assert points["nose"] @ forward > points["left_eye"] @ forward > points["left_ear"] @ forward
    assert points["left_ear"] @ left > points["left_eye"] @ left > 0.01 > abs(points["nose"] @ left)
    assert points["right_ear"] @ left < points["right_eye"] @ left < -0.01
    for point in points.values():
        assert np.linalg.norm(point) < 0.22


@pytest.mark.parametrize("tail", [(0, -0.01, 1.7), (0, -0.01, 1.505), (0, 0.3, 1.5), (0, -0.01, 2.9)])
def test_a_face_without_bones_looks_forward_whatever_the_head_bone_is(tail: tuple[float, float, float]) -> None:
    table = bone_table()
    table["head"] = table["head"][0], np.array(tail)
    check_face(person(table).body, np.array([0, -1.0, 0]), np.array([1.0, 0, 0]), table["head"][0])


def test_a_face_turns_with_the_head_and_grows_with_the_object() -> None:
    table = bone_table()
    move = np.array([[0, -2.0, 0, 5], [2, 0, 0, 1], [0, 0, 2, 0], [0, 0, 0, 1]])  # a quarter turn, twice as large
    head = (move @ np.append(table["head"][0], 1.0))[:3]
    check_face(person(table, move).body, np.array([1.0, 0, 0]), np.array([0, 1.0, 0]), head, scale=2.0)


def test_a_mirrored_face_looks_forward() -> None:
    # What a mirrored match sees: space mirrored, and the names of the sides swapped.
    swapped = {}
    for name, (head, tail) in bone_table().items():
        swapped[name] = head * (1, -1, 1), tail * (1, -1, 1)
    mirrored = {
        name.replace("left_", "*").replace("right_", "left_").replace("*", "right_"): ends
        for name, ends in swapped.items()
    }
    check_face(person(mirrored).body, np.array([0, 1.0, 0]), np.array([-1.0, 0, 0]), mirrored["head"][0])


def test_eye_bones_place_the_nose_and_the_ears() -> None:
    table = bone_table()
    for side, sign in (("left", 1), ("right", -1)):
        eye = np.array([sign * 0.032, -0.09, 1.58])
        table[f"{side}_eye"] = eye, eye + np.array([0, 0, 0.1])
    body = person(table).body
    np.testing.assert_allclose(body[BODY_INDEX["left_eye"]], [0.032, -0.09, 1.58])
    check_face(body, np.array([0, -1.0, 0]), np.array([1.0, 0, 0]), table["head"][0])
    assert 0.02 < 1.58 - body[BODY_INDEX["nose"]][2] < 0.06


def test_families_name_only_canonical_bones() -> None:
    for family in FAMILIES.values():
        assert set(family.bones) <= set(PARENTS) and family.tails <= set(PARENTS)
