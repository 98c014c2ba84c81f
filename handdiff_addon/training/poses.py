# SPDX-License-Identifier: GPL-3.0-or-later
"""Random body poses and hand shapes, as directions in the person's own anatomical frame.

The frame is right-handed and rests on the armature: ``left`` (the person's left), ``up``, ``forward`` (where the face
looks).  A pose says where limbs, palms and fingers point, never how a rig's bones are rolled, so that one pose fits
every rig: :func:`solve` turns it into one rotation per canonical bone, in armature space, from rest positions alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ..request import SIDES, Side
from ..rig.bones import Bone

FINGERS = ("index", "middle", "ring", "little")

SHAPES: dict[str, tuple[tuple[float, float, float, float], str]] = {
    # Curl of index, middle, ring and little finger (0 straight, 1 fist), and what the thumb does.
    "open palm": ((0.0, 0.0, 0.0, 0.0), "out"),
    "relaxed hand": ((0.25, 0.3, 0.35, 0.4), "rest"),
    "fist": ((1.0, 1.0, 1.0, 1.0), "over"),
    "pointing finger": ((0.0, 0.95, 1.0, 1.0), "over"),
    "peace sign": ((0.0, 0.0, 1.0, 1.0), "over"),
    "thumb up": ((1.0, 1.0, 1.0, 1.0), "up"),
    "ok sign": ((0.55, 0.12, 0.05, 0.0), "pinch"),
    "three fingers": ((0.0, 0.0, 0.0, 1.0), "over"),
    "four fingers": ((0.0, 0.0, 0.0, 0.0), "over"),
    "rock sign": ((0.0, 1.0, 1.0, 0.0), "over"),
    "bent fingers": ((0.3, 0.3, 0.3, 0.3), "out"),
}
"""``bent fingers`` stands for a random curl of each finger."""

_THUMBS = {
    # Directions of the thumb's three bones in the hand's frame: along the fingers, to the thumb's side, from the palm.
    "out": ((0.62, 0.70, 0.30), (0.72, 0.66, 0.18), (0.78, 0.60, 0.14)),
    "rest": ((0.70, 0.50, 0.50), (0.82, 0.36, 0.44), (0.88, 0.22, 0.42)),
    "over": ((0.66, 0.36, 0.66), (0.74, -0.20, 0.64), (0.52, -0.72, 0.46)),
    "up": ((0.44, 0.84, 0.30), (0.22, 0.97, 0.08), (0.06, 1.00, -0.04)),
    "pinch": ((0.62, 0.40, 0.68), (0.84, 0.12, 0.54), (0.94, -0.04, 0.34)),
}
_FAN = {"index": 0.20, "middle": 0.0, "ring": -0.16, "little": -0.36}
"""Spread of straight fingers towards the thumb's side, radians."""


@dataclass(frozen=True)
class HandShape:
    """``name`` is one of :data:`SHAPES`; ``curl`` per finger 0 to 1; ``spread`` scales the fan of the fingers."""

    name: str
    curl: tuple[float, float, float, float]
    thumb: str
    spread: float = 1.0


@dataclass(frozen=True)
class ArmPose:
    """One arm.  Vectors are (outward, up, forward), mirrored per side; outward is away from the body's midline."""

    wrist: tuple[float, float, float]
    """From the shoulder, in units of the arm's length; under 1 long, so that the elbow bends."""
    elbow: tuple[float, float, float]
    """Where the elbow points."""
    fingers: tuple[float, float, float]
    """Where the hand points; bent back towards the forearm as far as a wrist can."""
    palm: tuple[float, float, float]
    """Where the palm faces; turned as far as a forearm can."""
    place: str
    """``raised``, ``front``, ``down`` or ``other``"""


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


def sample_shape(rng: np.random.Generator) -> HandShape:
    """A random hand shape with a little play in every joint."""
    names = list(SHAPES)
    weights = np.array([0.24, 0.10, 0.09, 0.10, 0.09, 0.07, 0.06, 0.06, 0.06, 0.05, 0.08])
    name = str(rng.choice(names, p=weights / weights.sum()))
    usual, thumb = SHAPES[name]
    play = rng.normal(0.0, 0.05, 4)
    if name == "bent fingers":
        play = rng.uniform(-0.25, 0.6, 4)
        thumb = str(rng.choice(["out", "rest", "over"]))
    index, middle, ring, little = (float(value) for value in np.clip(np.array(usual) + play, -0.06, 1.0))
    return HandShape(name, (index, middle, ring, little), thumb, float(rng.uniform(0.35, 1.35)))


def _raised(rng: np.random.Generator) -> ArmPose:
    toward = rng.random()
    if toward < 0.72:  # palm to the camera
        palm = (rng.normal(0, 0.25), rng.normal(0, 0.15), 1.0)
    elif toward < 0.88:  # edge on, palm to the head
        palm = (-1.0, rng.normal(0, 0.2), rng.uniform(-0.3, 0.9))
    else:  # back of the hand to the camera
        palm = (rng.normal(-0.3, 0.3), rng.normal(0, 0.2), -1.0)
    return ArmPose(
        wrist=(float(rng.uniform(-0.08, 0.60)), float(rng.uniform(-0.28, 0.45)), float(rng.uniform(0.32, 0.72))),
        elbow=(float(rng.uniform(0.25, 1.0)), float(rng.uniform(-1.0, -0.35)), float(rng.uniform(-0.4, 0.2))),
        fingers=(float(rng.normal(0.0, 0.35)), 1.0, float(rng.normal(0.15, 0.3))),
        palm=palm,
        place="raised",
    )


def _front(rng: np.random.Generator) -> ArmPose:
    return ArmPose(
        wrist=(float(rng.uniform(-0.28, 0.4)), float(rng.uniform(-0.72, -0.2)), float(rng.uniform(0.5, 0.7))),
        elbow=(float(rng.uniform(0.5, 1.0)), float(rng.uniform(-0.8, -0.3)), float(rng.uniform(-0.6, -0.1))),
        fingers=(float(rng.uniform(-1.0, 0.1)), float(rng.uniform(-0.5, 0.9)), float(rng.uniform(0.1, 0.7))),
        palm=(float(rng.uniform(-1.0, 0.0)), float(rng.uniform(-0.4, 0.8)), float(rng.uniform(-1.0, 0.7))),
        place="front",
    )


def _down(rng: np.random.Generator) -> ArmPose:
    return ArmPose(
        wrist=(float(rng.uniform(0.24, 0.5)), float(rng.uniform(-0.92, -0.8)), float(rng.uniform(-0.02, 0.22))),
        elbow=(float(rng.uniform(0.1, 0.5)), float(rng.uniform(-0.2, 0.1)), -1.0),
        fingers=(0.0, -1.0, float(rng.uniform(0.0, 0.3))),
        palm=(-1.0, 0.0, float(rng.normal(-0.1, 0.3))),
        place="down",
    )


def _other(rng: np.random.Generator) -> ArmPose:
    side = rng.random()
    if side < 0.4:  # reaching to the camera or aside
        wrist = (rng.uniform(0.0, 0.5), rng.uniform(-0.3, 0.2), rng.uniform(0.6, 0.85))
        fingers = (rng.normal(0, 0.3), rng.uniform(0.0, 1.2), 0.8)
    elif side < 0.7:  # out to the side
        wrist = (rng.uniform(0.65, 0.92), rng.uniform(-0.4, 0.25), rng.uniform(-0.05, 0.3))
        fingers = (1.0, rng.normal(0.2, 0.5), rng.normal(0.1, 0.3))
    else:  # overhead
        wrist = (rng.uniform(0.15, 0.5), rng.uniform(0.6, 0.9), rng.uniform(0.0, 0.3))
        fingers = (rng.normal(0, 0.3), 1.0, rng.normal(0, 0.2))
    return ArmPose(
        wrist=wrist,
        elbow=(float(rng.uniform(0.5, 1.0)), float(rng.uniform(-1.0, -0.2)), float(rng.uniform(-0.6, 0.1))),
        fingers=fingers,
        palm=(float(rng.normal(-0.2, 0.4)), float(rng.normal(0.0, 0.4)), 1.0),
        place="other",
    )


def sample_pose(rng: np.random.Generator) -> BodyPose:
    """A random pose: 45 % one hand raised, 20 % both, 15 % hands in front of the trunk, 20 % arms down or elsewhere."""
    kind = str(rng.choice(["one raised", "both raised", "front", "other"], p=[0.45, 0.20, 0.15, 0.20]))
    if kind == "one raised":
        side = SIDES[int(rng.integers(2))]
        rest = _down(rng) if rng.random() < 0.75 else _front(rng)
        arms = {side: _raised(rng), _other_side(side): rest}
    elif kind == "both raised":
        arms = {side: _raised(rng) for side in SIDES}
    elif kind == "front":
        arms = {side: _front(rng) if rng.random() < 0.8 else _down(rng) for side in SIDES}
    else:
        arms = {side: _other(rng) if rng.random() < 0.6 else _down(rng) for side in SIDES}
    hands = {
        side: sample_shape(rng)
        if arms[side].place != "down" or rng.random() < 0.3
        else HandShape("relaxed hand", SHAPES["relaxed hand"][0], "rest", 0.6)
        for side in SIDES
    }
    return BodyPose(
        kind,
        {side: arms[side] for side in SIDES},
        hands,
        torso=(float(rng.normal(0.0, 0.05)), float(rng.normal(0.0, 0.05)), float(rng.normal(0.0, 0.10))),
        head=(float(rng.normal(0.02, 0.10)), float(rng.normal(0.0, 0.08)), float(rng.normal(0.0, 0.25))),
        legs={side: (float(rng.normal(0.0, 0.05)), float(rng.normal(0.0, 0.06))) for side in SIDES},
    )


def _other_side(side: Side) -> Side:
    return SIDES[1 - SIDES.index(side)]


# --- geometry ---------------------------------------------------------------------------------------------------------


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.linalg.norm(vector)), 1e-9)


def _across(vector: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """The unit part of ``vector`` at right angles to the unit ``axis``."""
    return _unit(vector - axis * float(vector @ axis))


def rotation(axis: np.ndarray, angle: float) -> np.ndarray:
    """(3, 3) right-handed rotation about a unit axis, radians (Rodrigues' formula)."""
    x, y, z = axis
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.eye(3) + np.sin(angle) * cross + (1.0 - np.cos(angle)) * (cross @ cross)


def swing(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(3, 3) smallest rotation that takes one direction to another."""
    source, target = _unit(source), _unit(target)
    axis = np.cross(source, target)
    sine, cosine = float(np.linalg.norm(axis)), float(source @ target)
    if sine < 1e-9:
        if cosine > 0:
            return np.eye(3)
        axis = np.cross(source, np.eye(3)[int(np.argmin(np.abs(source)))])
    return rotation(_unit(axis), float(np.arctan2(sine, cosine)))


def _limit(direction: np.ndarray, centre: np.ndarray, most: float) -> np.ndarray:
    """``direction``, bent to at most ``most`` radians away from ``centre``."""
    direction, centre = _unit(direction), _unit(centre)
    angle = float(np.arccos(np.clip(direction @ centre, -1.0, 1.0)))
    if angle <= most:
        return direction
    return rotation(_unit(np.cross(centre, direction)), most) @ centre


def body_frame(rest: Mapping[str, Bone]) -> np.ndarray:
    """(3, 3) columns left, up, forward of the person at rest, in armature space."""
    up = _unit(rest["neck"].head - rest["hips"].head)
    left = _across(rest["left_upper_arm"].head - rest["right_upper_arm"].head, up)
    return np.stack([left, up, np.cross(left, up)], axis=1)


def hand_frame(rest: Mapping[str, Bone], side: Side) -> np.ndarray:
    """(3, 3) columns of the hand at rest: along the fingers, to the thumb's side, out of the palm; armature space."""
    wrist = rest[f"{side}_hand"].head
    index, middle, little = (rest[f"{side}_{finger}_1"].head for finger in ("index", "middle", "little"))
    along = _unit(middle - wrist)
    thumb_side = _across(index - little, along)
    palm = np.cross(along, thumb_side)
    return np.stack([along, thumb_side, palm if side == "left" else -palm], axis=1)


def solve(pose: BodyPose, rest: Mapping[str, Bone]) -> dict[str, np.ndarray]:
    """Rotations that take the rest pose to ``pose``.

    Args:
        rest: canonical bones at rest, in armature space (metres); without finger bones the hands stay stiff.

    Returns:
        canonical bone -> (3, 3) rotation of the bone from its rest orientation, in armature space (parents included).
    """
    frame = body_frame(rest)
    left, up, forward = frame.T

    def turn(angles: tuple[float, float, float], share: float) -> np.ndarray:
        pitch, roll, yaw = (angle * share for angle in angles)
        return rotation(up, yaw) @ rotation(left, pitch) @ rotation(forward, roll)

    result: dict[str, np.ndarray] = {"hips": np.eye(3)}
    result["spine"] = turn(pose.torso, 0.5)
    result["chest"] = turn(pose.torso, 1.0)
    result["neck"] = result["chest"] @ turn(pose.head, 0.4)
    result["head"] = result["chest"] @ turn(pose.head, 1.0)
    for side in SIDES:
        outward = left if side == "left" else -left
        _solve_leg(result, pose.legs[side], side, outward, forward)
        _solve_arm(result, pose, rest, side, np.stack([outward, up, forward], axis=1))
    return result


def _solve_leg(
    result: dict[str, np.ndarray], leg: tuple[float, float], side: Side, outward: np.ndarray, forward: np.ndarray
) -> None:
    up = np.cross(forward, outward) if side == "left" else np.cross(outward, forward)
    thigh = swing(-up, -up + outward * leg[0] + forward * leg[1])
    result[f"{side}_thigh"] = result[f"{side}_shin"] = thigh
    result[f"{side}_foot"] = np.eye(3)


def _solve_arm(
    result: dict[str, np.ndarray], pose: BodyPose, rest: Mapping[str, Bone], side: Side, frame: np.ndarray
) -> None:
    """One arm, solved in the chest's rest space and carried along by the chest."""
    arm, chest = pose.arms[side], result["chest"]
    outward, up, _ = frame.T
    shoulder, elbow = rest[f"{side}_upper_arm"].head, rest[f"{side}_forearm"].head
    wrist = rest[f"{side}_hand"].head
    upper, lower = float(np.linalg.norm(elbow - shoulder)), float(np.linalg.norm(wrist - elbow))

    goal = frame @ np.array(arm.wrist)
    reach = float(np.clip(np.linalg.norm(goal), 0.42, 0.97)) * (upper + lower)
    goal = _unit(goal)
    # The collar bone follows an arm that is lifted.
    lift = 0.30 * max(0.0, float(goal @ up)) + 0.03
    clavicle = rotation(np.cross(outward, up), lift)
    bend = _across(frame @ np.array(arm.elbow), goal)
    cosine = np.clip((upper**2 + reach**2 - lower**2) / (2 * upper * reach), -1.0, 1.0)
    upper_to = goal * cosine + bend * np.sqrt(1.0 - cosine**2)
    lower_to = _unit(goal * reach - upper_to * upper)

    hinge = _across(np.cross(upper_to, lower_to), lower_to) * (1.0 if side == "left" else -1.0)
    along = _limit(frame @ np.array(arm.fingers), lower_to, 0.85)
    palm = frame @ np.array(arm.palm)
    # With the palm along the hinge the forearm is half way between its ends, which lie some 95 degrees to either side.
    across = _across(palm, lower_to)
    twist = float(np.arctan2(across @ np.cross(lower_to, hinge), across @ hinge))
    across = rotation(lower_to, float(np.clip(twist, -1.65, 1.65))) @ hinge
    palm = _across(across - along * float(across @ along), along)
    thumb_side = np.cross(palm, along) * (1.0 if side == "left" else -1.0)

    rest_hand = hand_frame(rest, side)
    hand = np.stack([along, thumb_side, palm], axis=1) @ rest_hand.T

    upper_rotation = swing(elbow - shoulder, upper_to)
    lower_rotation = swing(upper_rotation @ _unit(wrist - elbow), lower_to) @ upper_rotation
    # What the hand still turns about the forearm is shared, or the skin of the wrist would be wrung.
    turn = _twist_about(hand @ lower_rotation.T, lower_to)
    upper_rotation = rotation(upper_to, 0.15 * turn) @ upper_rotation
    lower_rotation = rotation(lower_to, 0.65 * turn) @ lower_rotation
    result[f"{side}_clavicle"] = chest @ clavicle
    result[f"{side}_upper_arm"] = chest @ upper_rotation
    result[f"{side}_forearm"] = chest @ lower_rotation
    result[f"{side}_hand"] = chest @ hand
    if f"{side}_index_3" in rest:
        _solve_fingers(result, pose.hands[side], rest, side, rest_hand)


def _twist_about(matrix: np.ndarray, axis: np.ndarray) -> float:
    """Angle of the part of a rotation that turns about ``axis``, -pi to pi (swing-twist decomposition)."""
    vector = np.array([matrix[2, 1] - matrix[1, 2], matrix[0, 2] - matrix[2, 0], matrix[1, 0] - matrix[0, 1]])
    trace = float(np.trace(matrix))
    if trace > -0.99:  # the quaternion (1 + trace, vector) up to scale
        return _wrap(2.0 * float(np.arctan2(vector @ axis, 1.0 + trace)))
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    return float(np.pi * np.sign(vectors[:, int(np.argmax(values))] @ axis))


def _wrap(angle: float) -> float:
    return float((angle + np.pi) % (2 * np.pi) - np.pi)


def _solve_fingers(
    result: dict[str, np.ndarray], shape: HandShape, rest: Mapping[str, Bone], side: Side, frame: np.ndarray
) -> None:
    """Fingers as directions in the hand's frame; each bone swings from where its parent carries it."""
    hand = result[f"{side}_hand"]

    def bend(name: str, parent: np.ndarray, direction: np.ndarray) -> np.ndarray:
        bone = rest[name]
        result[name] = swing(parent @ (bone.tail - bone.head), hand @ frame @ _unit(direction)) @ parent
        return result[name]

    for finger, curl in zip(FINGERS, shape.curl, strict=True):
        fan = _FAN[finger] * shape.spread * (1.0 - max(0.0, curl)) + 0.10 * _FAN[finger]
        pinching = shape.thumb == "pinch" and finger == "index"
        steps = (1.0, 0.75, 0.35) if pinching else (1.40, 1.70, 0.85)
        angle, parent = 0.0, hand
        for joint, step in enumerate(steps, start=1):
            angle += step * (curl / 0.55 if pinching else curl) + (0.04 if curl >= 0 else 0.0)
            direction = np.array([np.cos(angle) * np.cos(fan), np.cos(angle) * np.sin(fan), np.sin(angle)])
            parent = bend(f"{side}_{finger}_{joint}", parent, direction)
    parent = hand
    for joint, towards in enumerate(_THUMBS[shape.thumb], start=1):
        parent = bend(f"{side}_thumb_{joint}", parent, np.array(towards))
