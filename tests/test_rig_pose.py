# SPDX-License-Identifier: GPL-3.0-or-later
"""Bones to keypoints: joints, hands of every kind, fingertips and faces, mirrored people."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from handdiff_addon.rig.bones import PARENTS, Bone
from handdiff_addon.rig.families import FAMILIES
from handdiff_addon.rig.keypoints import BODY_INDEX, FINGERS, PersonKeypoints
from handdiff_addon.rig.matching import RigMatch
from tests.builders import bone_table, keypoints

Table = dict[str, tuple[np.ndarray, np.ndarray]]


def person(
    table: Table, move: np.ndarray | None = None, family: str = "mixamo", **moves: np.ndarray
) -> PersonKeypoints:
    """Keypoints of a rig whose pose is its rest pose, moved as a whole, and bones by matrices of their own."""
    move = np.eye(4) if move is None else move

    def bones(matrix: np.ndarray) -> dict[str, Bone]:
        made = {}
        for name, (head, tail) in table.items():
            own = np.eye(4)
            own[:3, 3] = head
            ends = [(matrix @ np.append(end, 1.0))[:3] for end in (head, tail)]
            made[name] = Bone(name, PARENTS[name], *ends, matrix @ own)
        return made

    pose = bones(move)
    for name, own in moves.items():
        pose[name] = replace(pose[name], matrix=pose[name].matrix @ own)

    match = RigMatch(family, {name: name for name in table})
    return keypoints(match, pose, bones(np.eye(4)))


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


def points_of(hand: np.ndarray, *fingers: str) -> np.ndarray:
    """Which of a hand's points are there, of the named fingers."""
    rows = [row for finger in fingers for row in range(1 + 4 * FINGERS.index(finger), 5 + 4 * FINGERS.index(finger))]
    return np.isfinite(hand[rows]).all(axis=1)


def without(*bones: str) -> Table:
    return {name: ends for name, ends in bone_table().items() if not name.startswith(bones)}


def test_a_missing_phalanx_is_absent_and_the_rest_stays() -> None:
    hands = person(without("right_ring_2")).hands
    assert np.isfinite(hands["left"]).all()
    assert points_of(hands["right"], "ring").tolist() == [True, False, True, True]
    assert points_of(hands["right"], "thumb", "index", "middle", "little").all()


def test_a_hand_of_three_fingers_has_three_fingers() -> None:
    hand = person(without("left_ring", "left_little")).hands["left"]
    assert np.isfinite(hand[0]).all() and points_of(hand, "thumb", "index", "middle").all()
    assert not points_of(hand, "ring", "little").any()


def test_a_missing_thumb_leaves_the_fingers() -> None:
    hand = person(without("left_thumb")).hands["left"]
    assert not points_of(hand, "thumb").any() and points_of(hand, *FINGERS[1:]).all()


def test_a_finger_of_two_phalanges_bends_where_three_would() -> None:
    table = without(*(f"left_{finger}_3" for finger in FINGERS))
    for finger in FINGERS:
        head, _ = table[f"left_{finger}_2"]
        table[f"left_{finger}_2"] = head, head + 1.5 * (head - table[f"left_{finger}_1"][0])
    hand = person(table).hands["left"]
    for number, finger in enumerate(FINGERS):
        knuckle, joint, last, tip = hand[1 + 4 * number : 5 + 4 * number]
        np.testing.assert_allclose(knuckle, table[f"left_{finger}_1"][0])
        np.testing.assert_allclose(joint, table[f"left_{finger}_2"][0])
        np.testing.assert_allclose(tip, table[f"left_{finger}_2"][1])
        np.testing.assert_allclose(last, joint + 0.6 * (tip - joint))


def test_the_tip_of_two_phalanges_is_extended_where_the_tail_makes_no_sense() -> None:
    table = without("left_index_3")
    head, _ = table["left_index_2"]
    table["left_index_2"] = head, head + np.array([0, 0, 0.03])
    hand = person(table).hands["left"]
    np.testing.assert_allclose(hand[8] - hand[6], 1.2 * (hand[6] - hand[5]))


def test_a_finger_of_one_bone_is_a_knuckle() -> None:
    # One bone that stands for a whole finger, as in motion capture, says nothing about its joints.
    hand = person(without("left_index_2", "left_index_3")).hands["left"]
    assert points_of(hand, "index").tolist() == [True, False, False, False]


def test_a_thumb_without_metacarpal_begins_on_the_way_to_its_knuckle() -> None:
    table = without("left_thumb_1")
    hand = person(table).hands["left"]
    wrist, knuckle = table["left_hand"][0], table["left_thumb_2"][0]
    np.testing.assert_allclose(hand[1], wrist + 0.55 * (knuckle - wrist))
    assert points_of(hand, "thumb").all()


def test_prosthetics_are_drawn_as_far_as_they_go() -> None:
    # A hook for the left hand, an arm that ends above the elbow, a leg that ends above the knee.
    fingers = tuple(f"left_{finger}" for finger in FINGERS)
    gone = ("left_hand", *fingers, "right_forearm", "right_hand", *(name.replace("left", "right") for name in fingers))
    table = without(*gone, "left_shin", "left_foot", "left_toe")
    made = person(table)
    body = {name: made.body[index] for name, index in BODY_INDEX.items()}
    np.testing.assert_allclose(body["left_wrist"], table["left_forearm"][1])
    np.testing.assert_allclose(body["right_elbow"], table["right_upper_arm"][1])
    np.testing.assert_allclose(body["left_knee"], table["left_thigh"][1])
    for absent in ("right_wrist", "left_ankle"):
        assert np.isnan(body[absent]).all()
    assert np.isnan(made.hands["left"]).all() and np.isnan(made.hands["right"]).all()
    check_face(made.body, np.array([0, -1.0, 0]), np.array([1.0, 0, 0]), table["head"][0])


def test_an_arm_that_is_gone_altogether_leaves_the_neck() -> None:
    fingers = tuple(f"right_{finger}" for finger in FINGERS)
    table = without("right_upper_arm", "right_forearm", "right_hand", *fingers)
    body = person(table).body
    np.testing.assert_allclose(body[BODY_INDEX["right_shoulder"]], table["right_clavicle"][1])
    del table["right_clavicle"]
    body = person(table).body
    assert np.isnan(body[BODY_INDEX["right_shoulder"]]).all()
    np.testing.assert_allclose(body[BODY_INDEX["neck"]], table["neck"][0])
    assert np.isfinite(body[BODY_INDEX["nose"]]).all()


def test_a_family_may_have_any_keypoint_at_a_tail(monkeypatch: pytest.MonkeyPatch) -> None:
    tails = frozenset({"left_upper_arm", "left_forearm", "left_thigh", "left_index_3"})
    monkeypatch.setitem(FAMILIES, "by tails", replace(FAMILIES["mixamo"], tails=tails))
    table = bone_table()
    made = person(table, family="by tails")
    for joint, bone in (("shoulder", "upper_arm"), ("elbow", "forearm"), ("hip", "thigh")):
        np.testing.assert_allclose(made.body[BODY_INDEX[f"left_{joint}"]], table[f"left_{bone}"][1])
        np.testing.assert_allclose(made.body[BODY_INDEX[f"right_{joint}"]], table[f"right_{bone}"][0])
    np.testing.assert_allclose(made.hands["left"][7], table["left_index_3"][1])
    assert np.isnan(made.hands["left"][8]).all()  # that tail is spoken for


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


MIRROR = np.diag([-1.0, 1, 1, 1])


def test_a_mirrored_person_has_left_and_right_of_its_own() -> None:
    plain, mirrored = person(bone_table()), person(bone_table(), MIRROR)
    # The table is symmetric, so that mirroring puts the bones of the left where those of the right were.
    np.testing.assert_allclose(mirrored.body, plain.body, atol=1e-12)
    for side in ("left", "right"):
        np.testing.assert_allclose(mirrored.hands[side], plain.hands[side], atol=1e-12)
        np.testing.assert_allclose(mirrored.backs[side], plain.backs[side], atol=1e-12)
    check_face(mirrored.body, np.array([0, -1.0, 0]), np.array([1.0, 0, 0]), bone_table()["head"][0])


def test_two_negative_axes_are_a_turn() -> None:
    turned = person(bone_table(), np.diag([-1.0, -1, 1, 1]))
    np.testing.assert_allclose(turned.body, person(bone_table()).body * (-1, -1, 1), atol=1e-12)


def test_one_mirrored_limb_makes_no_mirrored_person() -> None:
    made = person(bone_table(), left_upper_arm=MIRROR, left_forearm=MIRROR, left_hand=MIRROR)
    assert made.body[BODY_INDEX["left_shoulder"]][0] > 0


def test_what_hangs_from_nothing_is_absent() -> None:
    gone = {f"left_{finger}_{k}": np.diag([0, 0, 0, 1.0]) for finger in FINGERS for k in (1, 2, 3)}
    made = person(bone_table(), left_hand=np.diag([0, 0, 0, 1.0]), **gone)
    assert np.isnan(made.hands["left"]).all() and np.isfinite(made.hands["right"]).all()
    assert np.isfinite(made.body[BODY_INDEX["left_wrist"]]).all()
    broken = person(bone_table(), left_forearm=np.full((4, 4), np.nan))
    assert np.isnan(broken.body[BODY_INDEX["left_elbow"]]).all() and np.isfinite(broken.body).all(axis=1).sum() == 17


def test_bones_without_length_fail_nothing() -> None:
    table = {name: (head, head) for name, (head, _) in bone_table().items()}
    made = person(table)
    np.testing.assert_allclose(made.body[BODY_INDEX["left_elbow"]], table["left_forearm"][0])
    for finger in range(5):  # their tips are extended
        assert np.isfinite(made.hands["left"][1 + 4 * finger : 5 + 4 * finger]).all()
    every = {name: (np.zeros(3), np.zeros(3)) for name in table}
    assert np.isfinite(person(every).body[BODY_INDEX["left_elbow"]]).all()


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
