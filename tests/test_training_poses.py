# SPDX-License-Identifier: GPL-3.0-or-later
"""Random poses are anatomically sound, keep clear of the body, and reach what they are to touch, on any rest pose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from handdiff_addon.request import SIDES
from handdiff_addon.rig.bones import PARENTS, Bone
from handdiff_addon.rig.fingers import hand_frame
from handdiff_addon.rig.gestures import GESTURES
from handdiff_addon.training.arm_poses import RELAXED
from handdiff_addon.training.body_poses import sample_pose
from handdiff_addon.training.build import Build, body_frame
from handdiff_addon.training.captions import PLACES, SHAPES
from handdiff_addon.training.clearance import clash
from handdiff_addon.training.poses import ArmPose, BodyPose, HandShape, solve

SHOULDER = np.array((0.18, 1.4, 0.0))
ARM = 0.27 + 0.25
DOWN = ArmPose("down", (0.33, 0.94, 0.05), (0.3, 0.0, -1.0), (0.0, -1.0, 0.0), (-1.0, 0.0, 0.0))
RAISED = ArmPose("raised", (0.38, 1.45, 0.26), (0.5, -1.0, 0.0), (0.0, 1.0, 0.1), (0.0, 0.0, 1.0))


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


def _body() -> np.ndarray:
    """Points on a body without arms: an elliptic trunk, a round head with a nose, legs."""
    turn = np.arange(48) * 2 * np.pi / 48
    rings = [(z, 0.17, 0.11) for z in np.arange(0.5, 1.44, 0.01)] + [
        (z, 0.06, 0.06) for z in np.arange(1.44, 1.52, 0.01)
    ]
    rings += [(z, 0.08, 0.10) for z in np.arange(1.52, 1.76, 0.01)] + [
        (z, 0.16, 0.08) for z in np.arange(0.0, 0.5, 0.01)
    ]
    points = [(w * np.cos(t), -d * np.sin(t), z) for z, w, d in rings for t in turn]
    return np.array([*points, (0.0, -0.125, 1.62)])


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


def _hand(name: str) -> HandShape:
    return HandShape(name, GESTURES[name].hand)


def _pose(arm: ArmPose, shape: str = "palm") -> BodyPose:
    return BodyPose("test", dict.fromkeys(SIDES, arm), dict.fromkeys(SIDES, _hand(shape)))


@pytest.fixture(params=[0.0, 0.8], ids=["t-pose", "a-pose"])
def build(request: pytest.FixtureRequest) -> Build:
    return Build.measure(_rest(request.param), _body())


def test_a_build_is_measured_from_bones_and_skin(build: Build) -> None:
    assert np.allclose(body_frame(build.rest), np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]]).T, atol=1e-6)
    assert np.allclose(build.shoulder, SHOULDER, atol=1e-6) and np.isclose(build.arm, ARM)
    assert np.allclose(build.nose, (0.0, 1.62, 0.125), atol=1e-6)
    assert build.hips < build.waist < build.chest < build.shoulder[1]
    assert np.isclose(build.half_width(1.2), 0.17, atol=0.01) and np.isclose(build.front(1.2, 0.0), 0.11, atol=0.01)
    inside, outside, above = build.depth(np.array([(0.0, 1.2, 0.0), (0.3, 1.2, 0.0), (0.0, 2.0, 0.0)]))
    assert np.isclose(inside, 0.11, atol=0.01) and outside < -0.05 and above < -0.2


@pytest.mark.parametrize("seed", range(12))
def test_random_poses_are_rotations_and_keep_clear(build: Build, seed: int) -> None:
    pose = sample_pose(np.random.default_rng(seed), build)
    for name, matrix in solve(pose, build).items():
        assert np.isfinite(matrix).all() and np.allclose(matrix @ matrix.T, np.eye(3), atol=1e-6), name
        assert np.linalg.det(matrix) > 0, name
    assert {arm.place for arm in pose.arms.values()} <= set(PLACES)
    assert {hand.name for hand in pose.hands.values()} <= {*SHAPES, None}
    assert clash(pose.arms, pose.hands, build) < 0.05


def test_a_hand_in_the_body_is_found(build: Build) -> None:
    through = ArmPose("front", (0.0, 1.15, 0.0), (1.0, -0.5, 0.0), (-1.0, 0.0, 0.0), (0.0, 0.0, -1.0))
    before = replace(through, goal=(0.05, 1.15, 0.25))
    arms = {"left": before, "right": replace(DOWN, goal=(0.3, 0.94, 0.05))}
    hands = dict.fromkeys(SIDES, HandShape("relaxed", RELAXED))
    assert clash(arms, hands, build) < 0.02
    assert clash({**arms, "left": through}, hands, build) > 0.08
    both = dict.fromkeys(SIDES, replace(before, goal=(-0.08, 1.15, 0.25)))
    assert clash(both, hands, build) > 0.03, "forearms go through each other"


def test_every_kind_of_pose_and_all_gestures_occur() -> None:
    build = Build.measure(_rest(0.8), _body())
    rng = np.random.default_rng(0)
    poses = [sample_pose(rng, build) for _ in range(500)]
    places = [pose.arms[side].place for pose in poses for side in SIDES]
    assert set(places) == set(PLACES)
    assert 0.15 < places.count("raised") / len(places) < 0.45
    assert {pose.hands[side].name for pose in poses for side in SIDES} >= set(GESTURES)
    alone = [pose for pose in poses if [arm.place for arm in pose.arms.values()].count("raised") == 1]
    assert 0.4 < np.mean([pose.arms["left"].place == "raised" for pose in alone]) < 0.6
    clear = [clash(pose.arms, pose.hands, build) < 0.025 for pose in poses]
    assert np.mean(clear) > 0.95


def test_gestures_are_shown_as_they_are_meant(build: Build) -> None:
    """An inverted hand shows its back, its twin its palm; a thumb up is up."""
    forward, up = np.array([0.0, -1.0, 0.0]), np.array([0.0, 0.0, 1.0])
    met: dict[str, list[float]] = {}
    rng = np.random.default_rng(3)
    for _ in range(250):
        pose = sample_pose(rng, build)
        turned = solve(replace(pose, torso=(0.0, 0.0, 0.0)), build)
        for side, arm in pose.arms.items():
            name = str(pose.hands[side].name)
            _, thumb, palm = (turned[f"{side}_hand"] @ hand_frame(build.rest, side)).T  # type: ignore[operator]
            if arm.place in ("raised", "front") and f"{name}_inverted" in GESTURES:
                met.setdefault("palm", []).append(palm @ forward)
            elif name.endswith("_inverted"):
                met.setdefault("back", []).append(-palm @ forward)
            elif name in ("like", "dislike"):
                met.setdefault(name, []).append(thumb @ up * (1 if name == "like" else -1))
    assert set(met) == {"palm", "back", "like", "dislike"}
    for name, values in met.items():
        assert np.median(values) > 0.8 and np.percentile(values, 10) > 0.55, name


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_raised_hand_shows_its_palm_and_points_up(build: Build, side: str) -> None:
    rotations = solve(_pose(RAISED), build)
    posed = _posed(build.rest, rotations)
    shoulder, wrist = posed[f"{side}_upper_arm"][0], posed[f"{side}_hand"][0]
    assert wrist[2] > shoulder[2] - 0.02 and wrist[1] < shoulder[1] - 0.15
    along, thumb, palm = (rotations[f"{side}_hand"] @ hand_frame(build.rest, side)).T  # type: ignore[arg-type, operator]
    assert palm[1] < -0.85, "the palm faces forward"
    assert along[2] > 0.6, "the fingers point up"
    assert thumb[0] * (1 if side == "left" else -1) < -0.5, "the thumb points to the head"


def test_the_wrist_arrives_where_it_should(build: Build) -> None:
    posed = _posed(build.rest, solve(_pose(RAISED), build))
    shoulder, elbow, wrist = (posed[f"left_{name}"][0] for name in ("upper_arm", "forearm", "hand"))
    outward, up, forward = RAISED.goal
    assert np.allclose(wrist, (outward, -forward, up), atol=1e-6)
    assert np.isclose(np.linalg.norm(elbow - shoulder), 0.27) and np.isclose(np.linalg.norm(wrist - elbow), 0.25)


def test_a_palm_is_laid_on_what_it_touches(build: Build) -> None:
    chest = ArmPose("chest", (0.0, 1.25, 0.12), (0.8, -1.0, 0.1), (-1.0, 0.4, 0.0), (0.0, 0.0, -1.0), anchor="palm")
    rotations = solve(_pose(chest, "stop"), build)
    posed = _posed(build.rest, rotations)
    for side in SIDES:
        wrist, knuckle = posed[f"{side}_hand"][0], posed[f"{side}_middle_1"][0]
        _, _, palm = (rotations[f"{side}_hand"] @ hand_frame(build.rest, side)).T  # type: ignore[operator]
        skin = wrist + 0.75 * (knuckle - wrist) + 0.016 * palm
        assert np.linalg.norm(skin - (0.0, -0.12, 1.25)) < 0.005
        assert palm[1] > 0.7, "it faces the body"


def test_mirrored_arms_are_mirrored(build: Build) -> None:
    posed = _posed(build.rest, solve(_pose(DOWN, "three"), build))
    for name, (head, tail) in posed.items():
        if name.startswith("left_"):
            twin = posed[name.replace("left_", "right_")]
            assert np.allclose(head * (-1, 1, 1), twin[0], atol=1e-6), name
            assert np.allclose(tail * (-1, 1, 1), twin[1], atol=1e-6), name


def test_no_forearm_turns_all_the_way_round(build: Build) -> None:
    met = []
    for angle in np.linspace(0.0, 2 * np.pi, 12, endpoint=False):
        wanted = (float(np.sin(angle)), 0.0, float(np.cos(angle)))  # outward, up, forward
        rotations = solve(_pose(replace(RAISED, palm=wanted)), build)
        palm = (rotations["left_hand"] @ hand_frame(build.rest, "left"))[:, 2]  # type: ignore[operator]
        met.append(palm @ np.array([wanted[0], -wanted[2], wanted[1]]))
    assert max(met) > 0.9 and min(met) < 0.3
