# SPDX-License-Identifier: GPL-3.0-or-later
"""Random body poses and hand shapes, as directions in the person's own anatomical frame.

The frame is right-handed and rests on the armature: ``left`` (the person's left), ``up``, ``forward`` (where the face
looks).  A pose says where limbs, palms and fingers point, never how a rig's bones are rolled, so that one pose fits
every rig: :func:`solve` turns it into one rotation per canonical bone, in armature space, from rest positions alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..request import SIDES, Side
from ..rig.bones import Bone
from ..rig.fingers import hand_frame, solve_fingers
from ..rig.gestures import GESTURES, Finger, HandPose, Thumb, blend
from ..rig.rotations import across, limit, rotation, swing, twist_about, unit

SHAPES: dict[str, HandPose] = {
    **{name: gesture.hand for name, gesture in GESTURES.items()},
    "relaxed": HandPose(
        Thumb(38, 32, -8, 14, 14),
        Finger(16, 20, 10, 2),
        Finger(20, 24, 12, 0),
        Finger(24, 28, 14, 2),
        Finger(28, 30, 16, 6),
    ),
    "bent": HandPose(
        Thumb(40, 25, -15, 10, 10),
        Finger(20, 28, 14, 5),
        Finger(20, 28, 14, 0),
        Finger(20, 28, 14, 5),
        Finger(20, 28, 14, 10),
    ),
}
"""Hand shapes by name: the gestures, and hands that make none.  ``bent`` stands for a random bend of each finger."""

_HELD = ("like", "dislike", "mute", *(name for name in GESTURES if name.endswith("_inverted")))
"""Gestures that are none unless the hand is held as they ask"""


@dataclass(frozen=True)
class HandShape:
    """``name`` is one of :data:`SHAPES`; ``pose`` is that shape with some play."""

    name: str
    pose: HandPose


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


def sample_shape(rng: np.random.Generator, names: Sequence[str] = tuple(SHAPES)) -> HandShape:
    """A random hand shape with a little play in every joint, now and then on its way from or to another one.

    Args:
        rng: the source of chance.
        names: the shapes to choose from.
    """
    weights = np.array([{"relaxed": 2.0, "bent": 3.0}.get(name, 1.0) for name in names])
    name = str(rng.choice(names, p=weights / weights.sum()))
    pose = SHAPES[name]
    if name == "bent":
        first, second = (SHAPES[str(other)] for other in rng.choice(list(GESTURES), 2, replace=False))
        pose = blend(pose, blend(first, second, float(rng.uniform(0.3, 0.7))), float(rng.uniform(0.1, 0.8)))
        pose = replace(pose, touch=None, together=())
    elif rng.random() < 0.3:
        pose = blend(pose, SHAPES["relaxed"], float(rng.uniform(0.0, 0.25)))
    play = rng.normal(0.0, 4.0 if pose.touch is None else 2.5, 21)
    return HandShape(name, pose.with_angles(pose.angles() + play))


def _raised(rng: np.random.Generator, shape: str) -> ArmPose:
    if shape in _HELD:
        return _held(rng, shape)
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


def _held(rng: np.random.Generator, shape: str) -> ArmPose:
    """A raised hand that is held as its gesture asks; a mute one at the lips."""
    gesture = GESTURES[shape]
    at_lips = shape == "mute"
    low, high = ((-0.42, -0.16, 0.26), (-0.34, -0.06, 0.34)) if at_lips else ((-0.08, -0.28, 0.32), (0.6, 0.3, 0.72))
    wrist = rng.uniform(low, high)
    fingers, palm = (np.array(way) + rng.normal(0.0, 0.15, 3) for way in (gesture.fingers, gesture.palm))
    return ArmPose(
        wrist=_vector(wrist),
        elbow=(float(rng.uniform(0.25, 1.0)), float(rng.uniform(-1.0, -0.35)), float(rng.uniform(-0.4, 0.2))),
        fingers=_vector(fingers),
        palm=_vector(palm),
        place="raised",
    )


def _vector(values: np.ndarray) -> tuple[float, float, float]:
    x, y, z = map(float, values)
    return x, y, z


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
    shapes = {side: sample_shape(rng) for side in SIDES}
    if kind == "one raised":
        side = SIDES[int(rng.integers(2))]
        rest = _down(rng) if rng.random() < 0.75 else _front(rng)
        arms = {side: _raised(rng, shapes[side].name), _other_side(side): rest}
    elif kind == "both raised":
        arms = {side: _raised(rng, shapes[side].name) for side in SIDES}
    elif kind == "front":
        arms = {side: _front(rng) if rng.random() < 0.8 else _down(rng) for side in SIDES}
    else:
        arms = {side: _other(rng) if rng.random() < 0.6 else _down(rng) for side in SIDES}
    for side in SIDES:
        if arms[side].place == "down" and rng.random() < 0.7:
            shapes[side] = HandShape("relaxed", SHAPES["relaxed"])
        elif arms[side].place != "raised" and shapes[side].name in _HELD:
            shapes[side] = sample_shape(rng, [name for name in SHAPES if name not in _HELD])
    return BodyPose(
        kind,
        {side: arms[side] for side in SIDES},
        shapes,
        torso=(float(rng.normal(0.0, 0.05)), float(rng.normal(0.0, 0.05)), float(rng.normal(0.0, 0.10))),
        head=(float(rng.normal(0.02, 0.10)), float(rng.normal(0.0, 0.08)), float(rng.normal(0.0, 0.25))),
        legs={side: (float(rng.normal(0.0, 0.05)), float(rng.normal(0.0, 0.06))) for side in SIDES},
    )


def _other_side(side: Side) -> Side:
    return SIDES[1 - SIDES.index(side)]


# --- geometry ---------------------------------------------------------------------------------------------------------


def body_frame(rest: Mapping[str, Bone]) -> np.ndarray:
    """(3, 3) columns left, up, forward of the person at rest, in armature space."""
    up = unit(rest["neck"].head - rest["hips"].head)
    left = across(rest["left_upper_arm"].head - rest["right_upper_arm"].head, up)
    return np.stack([left, up, np.cross(left, up)], axis=1)


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
    goal = unit(goal)
    # The collar bone follows an arm that is lifted.
    lift = 0.30 * max(0.0, float(goal @ up)) + 0.03
    clavicle = rotation(np.cross(outward, up), lift)
    bend = across(frame @ np.array(arm.elbow), goal)
    cosine = np.clip((upper**2 + reach**2 - lower**2) / (2 * upper * reach), -1.0, 1.0)
    upper_to = goal * cosine + bend * np.sqrt(1.0 - cosine**2)
    lower_to = unit(goal * reach - upper_to * upper)

    hinge = across(np.cross(upper_to, lower_to), lower_to) * (1.0 if side == "left" else -1.0)
    along = limit(frame @ np.array(arm.fingers), lower_to, 0.85)
    palm = frame @ np.array(arm.palm)
    # With the palm along the hinge the forearm is half way between its ends, which lie some 95 degrees to either side.
    sideways = across(palm, lower_to)
    twist = float(np.arctan2(sideways @ np.cross(lower_to, hinge), sideways @ hinge))
    sideways = rotation(lower_to, float(np.clip(twist, -1.65, 1.65))) @ hinge
    palm = across(sideways, along)
    thumb_side = np.cross(palm, along) * (1.0 if side == "left" else -1.0)

    rest_hand = hand_frame(rest, side)
    hand = np.stack([along, thumb_side, palm], axis=1) @ rest_hand.T

    upper_rotation = swing(elbow - shoulder, upper_to)
    lower_rotation = swing(upper_rotation @ unit(wrist - elbow), lower_to) @ upper_rotation
    # What the hand still turns about the forearm is shared, or the skin of the wrist would be wrung.
    turn = twist_about(hand @ lower_rotation.T, lower_to)
    upper_rotation = rotation(upper_to, 0.15 * turn) @ upper_rotation
    lower_rotation = rotation(lower_to, 0.65 * turn) @ lower_rotation
    result[f"{side}_clavicle"] = chest @ clavicle
    result[f"{side}_upper_arm"] = chest @ upper_rotation
    result[f"{side}_forearm"] = chest @ lower_rotation
    result[f"{side}_hand"] = chest @ hand
    fingers = solve_fingers(pose.hands[side].pose, rest, side)
    result.update({bone: result[f"{side}_hand"] @ turn for bone, turn in fingers.items()})
