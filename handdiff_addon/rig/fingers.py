# SPDX-License-Identifier: GPL-3.0-or-later
"""Fingers from joint angles: which rotation each finger bone needs on a given hand, whatever its rest pose.

Inside, the hand's own coordinates are used: along the fingers, to the thumb's side, out of the palm.  In them left and
right hands are alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..errors import SceneError
from ..request import Side
from .bones import Bone
from .gestures import Finger, HandPose, Touch
from .keypoints import FINGERS
from .rotations import across, swing, unit

ALONG, THUMB_SIDE, PALM = np.eye(3)

TIP_LENGTH = 0.85
"""A fingertip segment's length in lengths of the one before it, where the rig does not say."""
THICKNESS = 0.078
"""Half of a finger's thickness, in lengths from the wrist to the middle finger's knuckle"""
CLEARANCE = 0.13
"""How far a curled fingertip's bone stays above the plane of the palm's bones, in the same lengths"""

_THUMB_RANGE = np.radians([(-15.0, 75.0), (0.0, 65.0), (-60.0, 80.0), (-12.0, 65.0), (-20.0, 85.0)])
_THUMB_EASE = np.radians([30.0, 30.0, 45.0, 35.0, 35.0])
"""By how much each of the thumb's angles may leave its own for a touch at about equal cost"""


def hand_frame(rest: Mapping[str, Bone], side: Side) -> np.ndarray:
    """(3, 3) columns of the hand at rest: along the fingers, to the thumb's side, out of the palm; armature space.

    Raises:
        SceneError: for a hand whose palm cannot be told: one without a wrist, or with fewer than two fingers.
    """
    bases = {finger: rest[f"{side}_{finger}_1"].head for finger in FINGERS[1:] if f"{side}_{finger}_1" in rest}
    thumb = [rest[name].head for k in (1, 2, 3) if (name := f"{side}_thumb_{k}") in rest]
    if f"{side}_hand" not in rest or not bases or len(bases) + bool(thumb) < 2:
        raise SceneError(f"The {side} hand has too few finger bones to be posed: use a rig with jointed fingers.")
    wrist = rest[f"{side}_hand"].head
    knuckles = list(bases.values())
    along = unit(bases.get("middle", np.mean(knuckles, axis=0)) - wrist)
    across_palm = knuckles[0] - knuckles[-1] if len(knuckles) > 1 else thumb[-1] - knuckles[0]
    thumb_side = across(across_palm, along)
    palm = np.cross(along, thumb_side)
    return np.stack([along, thumb_side, palm if side == "left" else -palm], axis=1)


def solve_fingers(hand: HandPose, rest: Mapping[str, Bone], side: Side) -> dict[str, np.ndarray]:
    """Rotations that bring one hand's fingers from the rest pose to a hand pose.

    Angles count from straight fingers, so that a rest pose with bent or spread fingers, and the roll of the bones, make
    no difference.  Where a hand lacks bones or fingers, the others take their angles all the same.

    Args:
        hand: the joint angles.
        rest: canonical bones at rest, in armature space.
        side: which hand.

    Returns:
        canonical finger bone -> (3, 3) rotation from its rest orientation, in armature space, parents included, as long
        as the hand itself stays at rest.

    Raises:
        SceneError: for a hand whose palm cannot be told.
    """
    frame = hand_frame(rest, side)
    wrist = rest[f"{side}_hand"].head
    chains = {f: chain for f in FINGERS if (chain := _chain(rest, f"{side}_{f}", wrist, frame)) is not None}
    size = float(np.mean([np.linalg.norm(chain.points[0]) for name, chain in chains.items() if name != "thumb"]))
    angles = _side_by_side(hand, chains, size)
    joints = {finger: _closed(angles[finger], finger, chains[finger], size) for finger in angles if finger in chains}
    if "thumb" in chains:
        thumb = np.radians(hand.thumb)
        if hand.touch is not None and hand.touch.finger in chains and len(chains[hand.touch.finger].bones) == 3:
            target = _target(hand.touch, chains[hand.touch.finger], joints[hand.touch.finger], size)
            thumb = _reach(thumb, chains["thumb"], *target, size)
        joints["thumb"] = _thumb_joints(thumb)
    result = {}
    for finger, chain in chains.items():
        for number, bone, at_rest in zip(chain.numbers, chain.bones, _rest_joints(finger, chain), strict=True):
            result[bone] = frame @ joints[finger][number - 1] @ at_rest.T @ frame.T
    return result


@dataclass(frozen=True)
class _Chain:
    """One finger at rest, in the hand's coordinates."""

    bones: list[str]
    """Canonical names"""
    numbers: list[int]
    """Which phalanx each bone is, 1 to 3; a thumb's first is its metacarpal"""
    points: np.ndarray
    """(bones + 1, 3) joints and the tip"""

    @property
    def directions(self) -> list[np.ndarray]:
        return [unit(step) for step in np.diff(self.points, axis=0)]

    def posed(self, joints: list[np.ndarray]) -> np.ndarray:
        """The points when each bone points where its joint's frame (columns: direction, pulp, side) says."""
        lengths = np.linalg.norm(np.diff(self.points, axis=0), axis=1)
        steps = [length * joints[number - 1][:, 0] for length, number in zip(lengths, self.numbers, strict=True)]
        return self.points[0] + np.concatenate([np.zeros((1, 3)), np.cumsum(steps, axis=0)])


def _chain(rest: Mapping[str, Bone], finger: str, wrist: np.ndarray, frame: np.ndarray) -> _Chain | None:
    numbers = [k for k in (1, 2, 3) if f"{finger}_{k}" in rest]
    bones = [f"{finger}_{k}" for k in numbers]
    if not bones:
        return None
    points = [rest[bone].head for bone in bones]
    last = rest[bones[-1]]
    tip = last.tail
    if f"{finger}_tip" in rest:
        tip = rest[f"{finger}_tip"].head
    elif len(points) > 1:
        before, own = points[-1] - points[-2], last.tail - last.head
        # Importers invent tails for last bones: trusted within 60 degrees of the phalanx before, at a finger's length.
        size = float(np.linalg.norm(before))
        if not 0.3 * size <= np.linalg.norm(own) <= 1.6 * size or unit(own) @ unit(before) < 0.5:
            tip = last.head + TIP_LENGTH * before
    return _Chain(bones, numbers, (np.array([*points, tip]) - wrist) @ frame)


# --- joints: frames (3, 3), columns along the bone, to its pulp's side, and their cross product -----------------------


def _joint(direction: np.ndarray, pulp: np.ndarray) -> np.ndarray:
    return np.stack([direction, pulp, np.cross(direction, pulp)], axis=1)


def _bent(joint: np.ndarray, angle: float) -> np.ndarray:
    """A joint's frame after flexion, in radians: the direction turns towards the pulp."""
    direction, pulp, side = joint.T
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.stack([cosine * direction + sine * pulp, cosine * pulp - sine * direction, side], axis=1)


def _rest_joints(finger: str, chain: _Chain) -> list[np.ndarray]:
    """Frames at rest.  The pulp's side cannot be read from bones; it is where anatomy has it in such a hand."""
    directions = chain.directions
    if finger == "thumb":
        whole = directions[-1]
        radial, palmar = np.arctan2(whole[1], whole[0]), np.arcsin(np.clip(whole[2], -1.0, 1.0))
        # A thumb turns its pulp to the fingers as it leaves the palm's plane.
        opposition = np.clip(np.radians(-50.0) + 1.2 * palmar, np.radians(-50.0), np.radians(60.0))
        pulp = _thumb_base(np.array([radial, palmar, opposition]))[:, 1]
    else:
        whole = unit(chain.points[-1] - chain.points[0])
        pulp = across(PALM if whole[2] < 0.95 else -ALONG, whole)
    return [_joint(direction, across(swing(whole, direction) @ pulp, direction)) for direction in directions]


def _finger_joints(finger: Finger, name: str) -> list[np.ndarray]:
    mcp, pip, dip, abduction = np.radians(finger)
    if name in ("ring", "little"):
        abduction = -abduction
    joints = [_bent(_joint(np.cos(abduction) * ALONG + np.sin(abduction) * THUMB_SIDE, PALM), mcp)]
    for angle in (pip, dip):
        joints.append(_bent(joints[-1], angle))
    return joints


def _closed(finger: Finger, name: str, chain: _Chain, size: float) -> list[np.ndarray]:
    """A finger's joints; one that would go through the palm is bent less at its outer joints until it lies on it."""
    joints = _finger_joints(finger, name)
    for less in np.linspace(0.98, 0.4, 30):
        points = chain.posed(joints)
        if points[-1][2] >= CLEARANCE * size or points[-1][0] > points[0][0]:
            break
        joints = _finger_joints(finger._replace(pip=less * finger.pip, dip=less * finger.dip), name)
    return joints


def _side_by_side(hand: HandPose, chains: Mapping[str, _Chain], size: float) -> dict[str, Finger]:
    """The fingers' angles, with those that lie together turned to the next finger until their sides touch."""
    angles = {finger: getattr(hand, finger) for finger in FINGERS[1:]}
    for finger in hand.together:
        inner, outward = ("ring", -1.0) if finger == "little" else ("middle", 1.0 if finger == "index" else -1.0)
        if finger in chains and inner in chains:
            # Of the middle finger itself, abduction is towards the thumb.
            turned = np.radians(angles[inner].abduction) * (outward if inner == "middle" else 1.0)
            base = chains[finger].points[0] - chains[inner].points[0]
            apart = float(outward * base[1] * np.cos(turned) - base[0] * np.sin(turned))
            length = float(np.linalg.norm(np.diff(chains[finger].points, axis=0), axis=1).sum())
            closer = np.arcsin(np.clip((apart - 2.0 * THICKNESS * size) / (0.7 * length), -0.2, 0.2))
            abduction = angles[finger].abduction + float(np.degrees(turned - closer))
            angles[finger] = angles[finger]._replace(abduction=abduction)
    return angles


def _thumb_base(angles: np.ndarray) -> np.ndarray:
    radial, palmar, opposition = angles[:3]
    direction = np.array([np.cos(palmar) * np.cos(radial), np.cos(palmar) * np.sin(radial), np.sin(palmar)])
    to_little = np.array([np.sin(radial), -np.cos(radial), 0.0])
    to_palm = np.cross(direction, to_little)
    return _joint(direction, np.cos(opposition) * to_little + np.sin(opposition) * to_palm)


def _thumb_joints(angles: np.ndarray) -> list[np.ndarray]:
    """``angles`` as in :class:`Thumb`, radians."""
    joints = [_thumb_base(angles)]
    for angle in angles[3:]:
        joints.append(_bent(joints[-1], float(angle)))
    return joints


# --- the thumb's touch ------------------------------------------------------------------------------------------------


def _target(touch: Touch, chain: _Chain, joints: list[np.ndarray], size: float) -> tuple[np.ndarray, np.ndarray]:
    """The point on a finger's skin that the thumb touches, and where the skin faces there."""
    points = chain.posed(joints)
    start, end = points[touch.phalanx - 1 : touch.phalanx + 1]
    normal = joints[touch.phalanx - 1][:, 1] * (-1.0 if touch.back else 1.0)
    return start + touch.along * (end - start) + THICKNESS * size * normal, normal


def _reach(start: np.ndarray, chain: _Chain, point: np.ndarray, normal: np.ndarray, size: float) -> np.ndarray:
    """Thumb angles near ``start`` that lay the thumb's pulp on a point whose skin faces ``normal``.

    Damped least squares over distance, facing and ease (Gauss-Newton).
    """

    def residuals(angles: np.ndarray) -> np.ndarray:
        joints = _thumb_joints(angles)
        points = chain.posed(joints)
        pulp = points[-2] + 0.7 * (points[-1] - points[-2]) + THICKNESS * size * joints[-1][:, 1]
        ease = (angles - start) / _THUMB_EASE
        return np.concatenate([(pulp - point) / (0.01 * size), 0.6 * (joints[-1][:, 1] + normal), 0.5 * ease])

    angles, step = start.copy(), 1e-4
    for _ in range(30):
        now = residuals(angles)
        slope = np.stack([(residuals(angles + step * axis) - now) / step for axis in np.eye(5)], axis=1)
        change = np.linalg.solve(slope.T @ slope + 1e-3 * np.eye(5), -slope.T @ now)
        angles = np.clip(angles + np.clip(change, -0.3, 0.3), *_THUMB_RANGE.T)
    return angles
