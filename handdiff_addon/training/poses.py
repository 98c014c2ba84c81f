# SPDX-License-Identifier: GPL-3.0-or-later
"""Poses as directions in the person's own frame, and the rotations that take a rig there.

A pose says where limbs, palms and fingers point, never how a rig's bones are rolled, so that one pose fits every rig.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ..request import SIDES, Side
from ..rig.fingers import solve_fingers
from ..rig.gestures import HandPose
from ..rig.rotations import across, limit, rotation, swing, twist_about, unit
from .build import Build

_WRIST_BEND = 0.95
"""How far a hand bends away from its forearm, radians"""
_FOREARM_TURN = 1.65
"""How far a forearm turns to either side of its middle, radians"""
_CLOSEST, _FARTHEST = 0.30, 0.985
"""How near to the shoulder a wrist comes, and how far from it, in lengths of the arm"""
_PALM = 0.016
"""From the palm's bones to its skin, metres"""
_ANCHOR_STEPS = 5


@dataclass(frozen=True)
class HandShape:
    """A hand's pose, and the name of the gesture that it makes, None for no particular one."""

    name: str | None
    pose: HandPose


@dataclass(frozen=True)
class ArmPose:
    """One arm.  Vectors are (outward, up, forward), mirrored per side; outward is away from the body's midline."""

    place: str
    """One of :data:`~handdiff_addon.training.captions.PLACES`"""
    goal: tuple[float, float, float]
    """Where ``anchor`` is to be, metres; too far away, the arm is stretched towards it"""
    elbow: tuple[float, float, float]
    """Where the elbow points"""
    fingers: tuple[float, float, float]
    """Where the hand points; bent back towards the forearm as far as a wrist can"""
    palm: tuple[float, float, float]
    """Where the palm faces; turned as far as a forearm can"""
    anchor: str = "wrist"
    """What arrives at the goal: ``wrist``, ``palm`` (its skin) or ``index`` (the fingertip)"""


@dataclass(frozen=True)
class BodyPose:
    """Angles in radians: (pitch forward, roll to the left, yaw to the left)."""

    kind: str
    arms: dict[Side, ArmPose]
    hands: dict[Side, HandShape]
    torso: tuple[float, float, float] = (0.0, 0.0, 0.0)
    head: tuple[float, float, float] = (0.0, 0.0, 0.0)
    legs: dict[Side, tuple[float, float]] = field(default_factory=lambda: dict.fromkeys(SIDES, (0.0, 0.0)))
    """(outward, forward) swing of each leg"""


@dataclass(frozen=True)
class SolvedArm:
    """One arm with the chest at rest; points and rotations in the body's frame (left, up, forward)."""

    clavicle: np.ndarray
    upper_arm: np.ndarray
    forearm: np.ndarray
    hand: np.ndarray
    """(3, 3) rotations from rest, parents included"""
    elbow: np.ndarray
    wrist: np.ndarray
    miss: float = np.inf
    """How far what is to touch something stays away from it, metres; not set where nothing is"""


def other(side: Side) -> Side:
    return SIDES[1 - SIDES.index(side)]


def solve(pose: BodyPose, build: Build) -> dict[str, np.ndarray]:
    """Rotations that take the rest pose to ``pose``.

    Returns:
        canonical bone -> (3, 3) rotation of the bone from its rest orientation, in armature space (parents included).
    """
    left, up, forward = np.eye(3)

    def turn(angles: tuple[float, float, float], share: float) -> np.ndarray:
        pitch, roll, yaw = (angle * share for angle in angles)
        return rotation(up, yaw) @ rotation(left, pitch) @ rotation(forward, roll)

    chest = turn(pose.torso, 1.0)
    result = {"hips": np.eye(3), "spine": turn(pose.torso, 0.5), "chest": chest}
    result["neck"] = chest @ turn(pose.head, 0.4)
    result["head"] = chest @ turn(pose.head, 1.0)
    for side in SIDES:
        outward, swung = pose.legs[side]
        thigh = swing(-up, -up + left * (outward if side == "left" else -outward) + forward * swung)
        result |= {f"{side}_thigh": thigh, f"{side}_shin": thigh, f"{side}_foot": np.eye(3)}
        arm = solve_arm(pose.arms[side], build, side, pose.hands[side])
        for name in ("clavicle", "upper_arm", "forearm", "hand"):
            result[f"{side}_{name}"] = chest @ getattr(arm, name)
    result = {name: build.frame @ matrix @ build.frame.T for name, matrix in result.items()}
    for side in SIDES:
        fingers = solve_fingers(pose.hands[side].pose, build.rest, side)
        result |= {name: result[f"{side}_hand"] @ matrix for name, matrix in fingers.items()}
    return result


def solve_arm(arm: ArmPose, build: Build, side: Side, hand: HandShape) -> SolvedArm:
    """One arm with the chest at rest; where the hand is to touch something, the wrist is moved until it does."""
    mirror = np.array([1.0 if side == "left" else -1.0, 1.0, 1.0])
    goal = np.array(arm.goal) * mirror
    wrist = goal
    best = _solve_wrist(arm, wrist, build, side, mirror)
    if arm.anchor == "wrist":
        return best
    solved = best
    for _ in range(_ANCHOR_STEPS):
        away = goal - _anchor(arm.anchor, solved, build, side)
        solved = replace(solved, miss=float(np.linalg.norm(away)))
        best = min(best, solved, key=lambda tried: tried.miss)
        wrist = wrist + away
        solved = _solve_wrist(arm, wrist, build, side, mirror)
    return best


def hand_points(arm: SolvedArm, build: Build, side: Side, hand: HandShape) -> np.ndarray:
    """(3, 3) middle of the palm, of the knuckles, and of the fingertips, roughly, as far as fingers are bent."""
    along, _, palm = (arm.hand @ build.hand(side)).T
    wrist, middle = (build.local(build.rest[f"{side}_{name}"].head) for name in ("hand", "middle_1"))
    length = float(np.linalg.norm(middle - wrist))
    knuckles = arm.wrist + arm.hand @ (middle - wrist)
    fingers = np.array([hand.pose.index, hand.pose.middle, hand.pose.ring, hand.pose.little])
    bent = np.radians(np.median(np.cumsum(fingers[:, :3], axis=1), axis=0))
    reach = length * np.array([0.5, 0.3, 0.24])
    tips = knuckles + along * float(reach @ np.cos(bent)) + palm * float(reach @ np.sin(bent))
    return np.array([(arm.wrist + knuckles) / 2, knuckles, tips])


def _anchor(anchor: str, arm: SolvedArm, build: Build, side: Side) -> np.ndarray:
    wrist = build.local(build.rest[f"{side}_hand"].head)
    along, _, palm = (arm.hand @ build.hand(side)).T
    if anchor == "palm":
        centre = build.local(build.rest[f"{side}_middle_1"].head) - wrist
        return arm.wrist + 0.75 * arm.hand @ centre + _PALM * palm
    base = build.local(build.rest[f"{side}_index_1"].head) - wrist
    length = np.linalg.norm(build.rest[f"{side}_index_3"].tail - build.rest[f"{side}_index_1"].head)
    return arm.wrist + arm.hand @ base + along * float(length)


def _solve_wrist(arm: ArmPose, target: np.ndarray, build: Build, side: Side, mirror: np.ndarray) -> SolvedArm:
    """The arm with its wrist at ``target`` where it can reach that."""
    outward, up = np.eye(3)[0] * mirror, np.eye(3)[1]
    base, shoulder, elbow, wrist = (
        build.local(build.rest[f"{side}_{name}"].head) for name in ("clavicle", "upper_arm", "forearm", "hand")
    )
    upper, lower = float(np.linalg.norm(elbow - shoulder)), float(np.linalg.norm(wrist - elbow))
    # The collar bone follows an arm that is lifted, and moves the shoulder.
    lift = 0.30 * max(0.0, float(unit(target - shoulder) @ up)) + 0.03
    clavicle = rotation(np.cross(outward, up), lift)
    moved = base + clavicle @ (shoulder - base)

    reach = float(np.clip(np.linalg.norm(target - moved), _CLOSEST * (upper + lower), _FARTHEST * (upper + lower)))
    goal = unit(target - moved)
    bend = across(np.array(arm.elbow) * mirror, goal)
    cosine = np.clip((upper**2 + reach**2 - lower**2) / (2 * upper * reach), -1.0, 1.0)
    upper_to = goal * cosine + bend * np.sqrt(1.0 - cosine**2)
    lower_to = unit(goal * reach - upper_to * upper)

    hinge = across(np.cross(upper_to, lower_to), lower_to) * (1.0 if side == "left" else -1.0)
    along = limit(np.array(arm.fingers) * mirror, lower_to, _WRIST_BEND)
    palm = np.array(arm.palm) * mirror
    # With the palm along the hinge the forearm is half way between its ends, which lie some 95 degrees to either side.
    sideways = across(palm, lower_to)
    twist = float(np.arctan2(sideways @ np.cross(lower_to, hinge), sideways @ hinge))
    sideways = rotation(lower_to, float(np.clip(twist, -_FOREARM_TURN, _FOREARM_TURN))) @ hinge
    palm = across(sideways - along * float(sideways @ along), along)
    thumb_side = np.cross(palm, along) * (1.0 if side == "left" else -1.0)
    hand = np.stack([along, thumb_side, palm], axis=1) @ build.hand(side).T

    upper_rotation = swing(elbow - shoulder, upper_to)
    lower_rotation = swing(upper_rotation @ unit(wrist - elbow), lower_to) @ upper_rotation
    # What the hand still turns about the forearm is shared, or the skin of the wrist would be wrung.
    turn = twist_about(hand @ lower_rotation.T, lower_to)
    return SolvedArm(
        clavicle,
        rotation(upper_to, 0.15 * turn) @ upper_rotation,
        rotation(lower_to, 0.65 * turn) @ lower_rotation,
        hand,
        elbow=moved + upper * upper_to,
        wrist=moved + upper * upper_to + lower * lower_to,
    )
