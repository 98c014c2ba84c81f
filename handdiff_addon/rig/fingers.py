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
from .bones import Bone, fingertip
from .gestures import Finger, HandPose, Thumb, Touch
from .keypoints import FINGERS
from .rotations import across, swing, unit

ALONG, THUMB_SIDE, PALM = np.eye(3)

THICKNESS = 0.078
"""Half of a finger's thickness, in lengths from the wrist to the middle finger's knuckle"""
CLEARANCE = 0.13
"""How far a curled fingertip's bone stays above the plane of the palm's bones, in the same lengths"""

_RANGE = np.array(
    [(-25, 75), (0, 65), (-60, 80), (-12, 65), (-20, 85), (0, 92), (0, 110), (0, 80), (-10, 25)], dtype=float
)
"""Of a thumb's and a finger's angles in a touch, degrees"""
_EASE = np.array([30, 30, 45, 35, 35, 15, 15, 12, 6], dtype=float)
"""By how many degrees each of them may leave its own for a touch at about equal cost"""


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
    for finger in angles:
        if finger in chains:
            angles[finger] = _closed(angles[finger], finger, chains[finger], size)
    thumb = hand.thumb
    if hand.touch is not None and {"thumb", hand.touch.finger} <= set(chains):
        touched = hand.touch.finger
        if hand.touch.phalanx - 1 in chains[touched].numbers:
            thumb, angles[touched] = _touching(hand.touch, thumb, angles[touched], chains, size)
    result = {}
    for finger, chain in chains.items():
        posture = _thumb(np.array(thumb)) if finger == "thumb" else _finger(np.array(angles[finger]), finger)
        for bone, posed, rest_frame in zip(
            chain.bones, chain.frames(posture), _rest_frames(finger, chain), strict=True
        ):
            result[bone] = frame @ posed @ rest_frame.T @ frame.T
    return result


def fingertips(rest: Mapping[str, Bone], side: Side) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """The last phalanx of each finger at rest: where it begins, where it ends, and the way its pulp faces, which its
    nail faces away from; (3,) each, in armature space.

    Raises:
        SceneError: for a hand whose palm cannot be told.
    """
    frame = hand_frame(rest, side)
    wrist = rest[f"{side}_hand"].head
    chains = {finger: _chain(rest, f"{side}_{finger}", wrist, frame) for finger in FINGERS}
    return {
        finger: (
            wrist + frame @ chain.points[-2],
            wrist + frame @ chain.points[-1],
            frame @ _rest_frames(finger, chain)[-1][:, 1],
        )
        for finger, chain in chains.items()
        if chain is not None
    }


@dataclass(frozen=True)
class _Posture:
    """Where the three bones of a finger or a thumb point; leading axes are many postures at once."""

    directions: np.ndarray
    """(..., 3, 3) one row per bone"""
    pulps: np.ndarray
    """(..., 3, 3) at right angles to them, where the pulp is"""


@dataclass(frozen=True)
class _Chain:
    """One finger at rest, in the hand's coordinates."""

    bones: list[str]
    """Canonical names"""
    numbers: list[int]
    """Which phalanx each bone is, 0 to 2; a thumb's first is its metacarpal"""
    points: np.ndarray
    """(bones + 1, 3) joints and the tip"""

    def posed(self, posture: _Posture) -> np.ndarray:
        """(..., bones + 1, 3) where joints and tip go."""
        lengths = np.linalg.norm(np.diff(self.points, axis=0), axis=1)
        steps = np.cumsum(lengths[:, None] * posture.directions[..., self.numbers, :], axis=-2)
        return self.points[0] + np.concatenate([np.zeros_like(steps[..., :1, :]), steps], axis=-2)

    def frames(self, posture: _Posture) -> list[np.ndarray]:
        """One frame per bone, see :func:`_frame`."""
        return [_frame(posture.directions[number], posture.pulps[number]) for number in self.numbers]


def _chain(rest: Mapping[str, Bone], finger: str, wrist: np.ndarray, frame: np.ndarray) -> _Chain | None:
    numbers = [k for k in range(3) if f"{finger}_{k + 1}" in rest]
    bones = [f"{finger}_{k + 1}" for k in numbers]
    if not bones:
        return None
    points = [rest[bone].head for bone in bones]
    last = rest[bones[-1]]
    tip = last.tail
    if f"{finger}_tip" in rest:
        tip = rest[f"{finger}_tip"].head
    elif len(points) > 1:
        tip = fingertip(rest[bones[-2]], last)
    return _Chain(bones, numbers, (np.array([*points, tip]) - wrist) @ frame)


# --- postures ---------------------------------------------------------------------------------------------------------


def _frame(direction: np.ndarray, pulp: np.ndarray) -> np.ndarray:
    """(3, 3) columns along a bone, to its pulp's side, and their cross product."""
    return np.stack([direction, pulp, np.cross(direction, pulp)], axis=1)


def _flexed(direction: np.ndarray, pulp: np.ndarray, flexion: np.ndarray) -> _Posture:
    """Bones that turn from a direction towards the pulp, in one plane.

    Args:
        direction: (..., 3)
        pulp: (..., 3)
        flexion: (..., 3) of each bone, counted from ``direction``, radians
    """
    cosine, sine = np.cos(flexion)[..., None], np.sin(flexion)[..., None]
    direction, pulp = direction[..., None, :], pulp[..., None, :]
    return _Posture(cosine * direction + sine * pulp, cosine * pulp - sine * direction)


def _finger(angles: np.ndarray, name: str) -> _Posture:
    """``angles`` (..., 4) as in :class:`Finger`."""
    abduction = np.radians(angles[..., 3:]) * (-1.0 if name in ("ring", "little") else 1.0)
    direction = np.cos(abduction) * ALONG + np.sin(abduction) * THUMB_SIDE
    return _flexed(direction, np.broadcast_to(PALM, direction.shape), np.cumsum(np.radians(angles[..., :3]), axis=-1))


def _thumb(angles: np.ndarray) -> _Posture:
    """``angles`` (..., 5) as in :class:`Thumb`."""
    mcp, ip = np.radians(angles[..., 3]), np.radians(angles[..., 4])
    return _flexed(*_thumb_base(*np.moveaxis(angles[..., :3], -1, 0)), np.stack([0.0 * mcp, mcp, mcp + ip], axis=-1))


def _thumb_base(radial: np.ndarray, palmar: np.ndarray, opposition: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Direction and pulp of a thumb's metacarpal, each (..., 3); angles (...) in degrees."""
    radial, palmar, opposition = (np.radians(angle)[..., None] for angle in (radial, palmar, opposition))
    outward = np.cos(radial) * ALONG + np.sin(radial) * THUMB_SIDE
    to_little = np.sin(radial) * ALONG - np.cos(radial) * THUMB_SIDE
    direction = np.cos(palmar) * outward + np.sin(palmar) * PALM
    to_palm = np.sin(palmar) * outward - np.cos(palmar) * PALM
    return direction, np.cos(opposition) * to_little + np.sin(opposition) * to_palm


def _rest_frames(finger: str, chain: _Chain) -> list[np.ndarray]:
    """Frames at rest.  The pulp's side cannot be read from bones; it is where anatomy has it in such a hand."""
    directions: list[np.ndarray] = []
    for step in np.diff(chain.points, axis=0):
        # A bone without a length goes on as the one before.
        directions.append(unit(step) if np.linalg.norm(step) > 1e-6 else directions[-1] if directions else ALONG)
    if finger == "thumb":
        whole = directions[-1]
        radial, palmar = np.degrees(np.arctan2(whole[1], whole[0])), np.degrees(np.arcsin(np.clip(whole[2], -1, 1)))
        # A thumb turns its pulp to the fingers as it leaves the palm's plane.
        _, pulp = _thumb_base(radial, palmar, np.clip(-50.0 + 1.2 * palmar, -50.0, 60.0))
    else:
        whole = unit(np.sum(directions, axis=0))
        pulp = across(PALM if whole[2] < 0.95 else -ALONG, whole)
    return [_frame(direction, across(swing(whole, direction) @ pulp, direction)) for direction in directions]


def _closed(finger: Finger, name: str, chain: _Chain, size: float) -> Finger:
    """A finger's angles; one that would go through the palm is bent less at its outer joints until it lies on it."""
    for share in np.linspace(1.0, 0.4, 31):
        bent = finger._replace(pip=share * finger.pip, dip=share * finger.dip)
        base, *_, tip = chain.posed(_finger(np.array(bent), name))
        if tip[2] >= CLEARANCE * size or tip[0] > base[0]:
            break
    return bent


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


# --- the thumb's touch ------------------------------------------------------------------------------------------------


def _touching(
    touch: Touch, thumb: Thumb, finger: Finger, chains: Mapping[str, _Chain], size: float
) -> tuple[Thumb, Finger]:
    """Angles near the given ones that lay the thumb's pulp on a finger, skin to skin.

    Damped least squares over distance, facing and ease (Gauss-Newton), mostly by the thumb.
    """
    chain, number = chains[touch.finger], touch.phalanx - 1
    at, skin = chain.numbers.index(number), THICKNESS * size

    def residuals(angles: np.ndarray) -> np.ndarray:
        posture = _finger(angles[..., 5:], touch.finger)
        points, normal = chain.posed(posture), posture.pulps[..., number, :] * (-1.0 if touch.back else 1.0)
        goal = (1.0 - touch.along) * points[..., at, :] + touch.along * points[..., at + 1, :] + skin * normal
        posture = _thumb(angles[..., :5])
        points, facing = chains["thumb"].posed(posture), posture.pulps[..., 2, :]
        pulp = 0.3 * points[..., -2, :] + 0.7 * points[..., -1, :] + skin * facing
        parts = [(pulp - goal) / (0.01 * size), 0.6 * (facing + normal), 0.5 * (angles - start) / _EASE]
        return np.concatenate(parts, axis=-1)

    start = np.array([*thumb, *finger], dtype=float)
    low, high = np.minimum(_RANGE[:, 0], start), np.maximum(_RANGE[:, 1], start)
    if touch.phalanx == 1:  # at the palm, and no reason for the finger to move
        low[5:] = high[5:] = start[5:]
    angles, nudges = start, np.concatenate([np.zeros((1, 9)), 0.01 * np.eye(9)])
    for _ in range(40):
        now, *nudged = residuals(angles + nudges)
        slope = (np.array(nudged) - now).T / 0.01
        change = _step(slope, now)
        # Joints at their ends leave the work to the others.
        stuck = ((angles <= low) & (change < 0)) | ((angles >= high) & (change > 0))
        change = np.where(stuck, 0.0, _step(np.where(stuck, 0.0, slope), now))
        before, angles = angles, np.clip(angles + np.clip(change, -15.0, 15.0), low, high)
        if np.abs(angles - before).max() < 0.05:
            break
    return Thumb(*map(float, angles[:5])), Finger(*map(float, angles[5:]))


def _step(slope: np.ndarray, residuals: np.ndarray) -> np.ndarray:
    """The Gauss-Newton step, by conjugate gradients: for a few unknowns far quicker than a call of LAPACK."""
    matrix, rest = slope.T @ slope + 1e-6 * np.eye(slope.shape[1]), -slope.T @ residuals
    step, direction = np.zeros_like(rest), rest
    for _ in range(2 * len(rest)):
        along = matrix @ direction
        share = float(rest @ rest) / max(float(direction @ along), 1e-30)
        step, left = step + share * direction, rest - share * along
        rest, direction = left, left + float(left @ left) / max(float(rest @ rest), 1e-30) * direction
    return step
