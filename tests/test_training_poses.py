# SPDX-License-Identifier: GPL-3.0-or-later
"""Random poses are anatomically sound on any rest pose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from handdiff_addon.rig.bones import PARENTS, Bone
from handdiff_addon.rig.fingers import hand_frame
from handdiff_addon.rig.gestures import GESTURES
from handdiff_addon.training.poses import (
    SHAPES,
    ArmPose,
    BodyPose,
    HandShape,
    body_frame,
    sample_pose,
    sample_shape,
    solve,
)

DOWN = ArmPose((0.3, -0.9, 0.1), (0.3, 0.0, -1.0), (0.0, -1.0, 0.0), (-1.0, 0.0, 0.0), "down")
RAISED = ArmPose((0.4, 0.1, 0.5), (0.5, -1.0, 0.0), (0.0, 1.0, 0.1), (0.0, 0.0, 1.0), "raised")


def _rest(droop: float) -> dict[str, Bone]:
    """A rest pose that faces -y, arms ``droop`` radians under the horizontal, palms down and a little forward."""
    points: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    heights = {"hips": 0.95, "spine": 1.05, "chest": 1.2, "neck": 1.45, "head": 1.55}
    for name, z in heights.items():
        points[name] = (np.array([0.0, 0.0, z]), np.array([0.0, 0.0, z + 0.1]))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        out = np.array([sign * np.cos(droop), 0.0, -np.sin(droop)])
        front = np.array([0.0, -1.0, 0.0])
        shoulder = np.array([sign * 0.18, 0.0, 1.4])
        elbow = shoulder + 0.27 * out
        wrist = elbow + 0.25 * (out + 0.15 * front) / np.linalg.norm(out + 0.15 * front)
        points[f"{side}_clavicle"] = (np.array([sign * 0.03, 0.0, 1.4]), shoulder)
        points[f"{side}_upper_arm"] = (shoulder, elbow)
        points[f"{side}_forearm"] = (elbow, wrist)
        points[f"{side}_hand"] = (wrist, wrist + 0.08 * out)
        for row, finger in enumerate(("index", "middle", "ring", "little")):
            base = wrist + 0.09 * out + front * (0.035 - 0.022 * row)
            for joint in range(3):
                points[f"{side}_{finger}_{joint + 1}"] = (base + 0.03 * joint * out, base + 0.03 * (joint + 1) * out)
        thumb = (out + front) / np.sqrt(2)
        for joint in range(3):
            start = wrist + 0.02 * front + 0.03 * joint * thumb
            points[f"{side}_thumb_{joint + 1}"] = (start, start + 0.03 * thumb)
        for name, top, low in (("thigh", 0.92, 0.5), ("shin", 0.5, 0.1), ("foot", 0.1, 0.02)):
            points[f"{side}_{name}"] = (np.array([sign * 0.1, 0.0, top]), np.array([sign * 0.1, 0.0, low]))
    return {name: Bone(name, PARENTS[name], *ends, np.eye(4)) for name, ends in points.items()}


def _posed(rest: Mapping[str, Bone], rotations: Mapping[str, np.ndarray]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Heads and tails after forward kinematics."""
    posed: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    turned: dict[str, np.ndarray] = {}
    for name in (name for name in PARENTS if name in rest):
        parent, bone = PARENTS[name], rest[name]
        before = turned[parent] if parent else np.eye(3)
        turned[name] = rotations.get(name, before)
        head = posed[parent][0] + before @ (bone.head - rest[parent].head) if parent else bone.head
        posed[name] = (head, head + turned[name] @ (bone.tail - bone.head))
    return posed


def _pose(arm: ArmPose, shape: str = "palm") -> BodyPose:
    hand = HandShape(shape, SHAPES[shape])
    return BodyPose("test", {"left": arm, "right": arm}, {"left": hand, "right": hand})


@pytest.fixture(params=[0.0, 0.8], ids=["t-pose", "a-pose"])
def rest(request: pytest.FixtureRequest) -> dict[str, Bone]:
    return _rest(request.param)


def test_frames_are_the_persons_own(rest: dict[str, Bone]) -> None:
    assert np.allclose(body_frame(rest), np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]]).T, atol=1e-6)
    for side in ("left", "right"):
        along, thumb, palm = hand_frame(rest, side).T
        assert thumb[1] < -0.9, "the thumb's side is in front"
        assert palm[2] < -0.5, "the palms look down"
        assert abs(along @ palm) < 1e-9


@pytest.mark.parametrize("seed", range(25))
def test_every_rotation_is_a_rotation(rest: dict[str, Bone], seed: int) -> None:
    for name, matrix in solve(sample_pose(np.random.default_rng(seed)), rest).items():
        assert np.allclose(matrix @ matrix.T, np.eye(3), atol=1e-6), name
        assert np.linalg.det(matrix) > 0, name


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_raised_hand_shows_its_palm_and_points_up(rest: dict[str, Bone], side: str) -> None:
    rotations = solve(_pose(RAISED), rest)
    posed = _posed(rest, rotations)
    shoulder, wrist = posed[f"{side}_upper_arm"][0], posed[f"{side}_hand"][0]
    assert wrist[2] > shoulder[2] - 0.02 and wrist[1] < shoulder[1] - 0.15
    along, thumb, palm = (rotations[f"{side}_hand"] @ hand_frame(rest, side)).T  # type: ignore[arg-type]
    assert palm[1] < -0.85, "the palm faces forward"
    assert along[2] > 0.6, "the fingers point up"
    assert thumb[0] * (1 if side == "left" else -1) < -0.5, "the thumb points to the head"


def test_the_wrist_arrives_where_it_should(rest: dict[str, Bone]) -> None:
    posed = _posed(rest, solve(_pose(RAISED), rest))
    shoulder, elbow, wrist = (posed[f"left_{name}"][0] for name in ("upper_arm", "forearm", "hand"))
    length = 0.27 + 0.25
    assert np.allclose(wrist - shoulder, length * np.array([0.4, -0.5, 0.1]), atol=1e-6)
    assert np.isclose(np.linalg.norm(elbow - shoulder), 0.27) and np.isclose(np.linalg.norm(wrist - elbow), 0.25)


def test_fingers_close_towards_the_palm(rest: dict[str, Bone]) -> None:
    for side in ("left", "right"):
        for shape, near in (("palm", False), ("fist", True)):
            rotations = solve(_pose(RAISED, shape), rest)
            posed = _posed(rest, rotations)
            along, _, palm = (rotations[f"{side}_hand"] @ hand_frame(rest, side)).T  # type: ignore[arg-type]
            for finger in ("index", "middle", "ring", "little"):
                base, tip = posed[f"{side}_{finger}_1"][0], posed[f"{side}_{finger}_3"][1]
                assert ((tip - base) @ along < 0.03) == near
                middle = posed[f"{side}_{finger}_3"][0]
                if near:
                    assert (middle - base) @ palm > 0.015, "curled to the palm's side, not backwards"


def test_pointing_leaves_the_index_finger_straight_alone(rest: dict[str, Bone]) -> None:
    posed = _posed(rest, solve(_pose(RAISED, "one"), rest))

    def reach(finger: str) -> float:
        return float(np.linalg.norm(posed[f"left_{finger}_3"][1] - posed[f"left_{finger}_1"][0]))

    assert reach("index") > 0.085
    assert max(reach(finger) for finger in ("middle", "ring", "little")) < 0.07


def test_mirrored_arms_are_mirrored(rest: dict[str, Bone]) -> None:
    posed = _posed(rest, solve(_pose(DOWN, "three"), rest))
    for name, (head, tail) in posed.items():
        if name.startswith("left_") and "clavicle" not in name:
            other = posed[name.replace("left_", "right_")]
            assert np.allclose(head * (-1, 1, 1), other[0], atol=1e-6), name
            assert np.allclose(tail * (-1, 1, 1), other[1], atol=1e-6), name


def test_no_forearm_turns_all_the_way_round(rest: dict[str, Bone]) -> None:
    met = []
    for angle in np.linspace(0.0, 2 * np.pi, 12, endpoint=False):
        wanted = (float(np.sin(angle)), 0.0, float(np.cos(angle)))  # outward, up, forward
        rotations = solve(_pose(replace(RAISED, palm=wanted)), rest)
        palm = (rotations["left_hand"] @ hand_frame(rest, "left"))[:, 2]
        met.append(palm @ np.array([wanted[0], -wanted[2], wanted[1]]))
    assert max(met) > 0.9 and min(met) < 0.3


def test_kinds_come_in_their_shares() -> None:
    rng = np.random.default_rng(0)
    poses = [sample_pose(rng) for _ in range(1500)]
    kinds = [pose.kind for pose in poses]
    for kind, share in (("one raised", 0.45), ("both raised", 0.20), ("front", 0.15), ("other", 0.20)):
        assert abs(kinds.count(kind) / len(kinds) - share) < 0.05
    one = [pose for pose in poses if pose.kind == "one raised"]
    left = np.mean([pose.arms["left"].place == "raised" for pose in one])
    assert 0.42 < left < 0.58
    assert {pose.hands["left"].name for pose in poses} == set(SHAPES)


def test_gestures_are_shown_as_they_are_meant(rest: dict[str, Bone]) -> None:
    """An inverted hand shows its back, a liked one its thumb on top: not always exactly, but nearly so."""
    forward, up = np.array([0.0, -1.0, 0.0]), np.array([0.0, 0.0, 1.0])
    met: dict[str, list[float]] = {}
    rng = np.random.default_rng(3)
    for _ in range(300):
        pose = sample_pose(rng)
        rotations = solve(pose, rest)
        for side, arm in pose.arms.items():
            name = pose.hands[side].name
            _, thumb, palm = (rotations[f"{side}_hand"] @ hand_frame(rest, side)).T
            if arm.place == "raised" and f"{name}_inverted" in GESTURES:
                met.setdefault("palm", []).append(palm @ forward)
            elif name.endswith("_inverted"):
                met.setdefault("back", []).append(-palm @ forward)
            elif name in ("like", "dislike"):
                met.setdefault(name, []).append(thumb @ up * (1 if name == "like" else -1))
    assert set(met) == {"palm", "back", "like", "dislike"}
    for name, values in met.items():
        assert np.median(values) > 0.85, name
        assert np.percentile(values, 10) > 0.6, name


def test_hand_shapes_have_play_and_keep_their_meaning(rest: dict[str, Bone]) -> None:
    rng = np.random.default_rng(5)
    drawn = [sample_shape(rng, ["peace"]) for _ in range(20)]
    assert len({shape.pose for shape in drawn}) == 20
    for shape in drawn:
        pose = BodyPose("test", {"left": RAISED, "right": RAISED}, {"left": shape, "right": shape})
        posed = _posed(rest, solve(pose, rest))
        reach = {
            finger: np.linalg.norm(posed[f"left_{finger}_3"][1] - posed[f"left_{finger}_1"][0])
            for finger in ("index", "middle", "ring", "little")
        }
        assert min(reach["index"], reach["middle"]) > 0.083 > 0.06 > max(reach["ring"], reach["little"])
