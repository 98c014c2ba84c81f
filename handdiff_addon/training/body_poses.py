# SPDX-License-Identifier: GPL-3.0-or-later
"""Random poses that real people take, fitted to a person's build: hands reach hips, chest and face, not through them.

Points and directions are (outward, up, forward) in the person's own frame: outward is away from the body's midline on
the hand's own side, up counts from the armature's origin, forward is where the face looks.  One pose fits every rig:
:func:`~handdiff_addon.training.poses.solve` turns it into rotations from rest positions alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from ..request import SIDES, Side
from ..rig.gestures import ABDUCTIONS, GESTURES, Finger, HandPose, Thumb, blend
from .build import Build
from .poses import ArmPose, BodyPose, HandShape, SolvedArm, hand_points, other, solve_arm

RELAXED = HandPose(
    Thumb(38, 32, -8, 14, 14),
    Finger(16, 20, 10, 2),
    Finger(20, 24, 12, 0),
    Finger(24, 28, 14, 2),
    Finger(28, 30, 16, 6),
)
_FLAT, _FIST = GESTURES["stop"].hand, GESTURES["fist"].hand

_BACK_HELD = ((-0.15, -0.10, 0.35), (0.20, 0.30, 0.65), (0.0, -1.0, -0.3), (0.4, -0.5, 0.3))
_HELD = {
    "like": ((-0.08, -0.28, 0.32), (0.60, 0.30, 0.72), (0.25, -1.0, -0.4), (1.0, -0.35, 0.2)),
    "dislike": ((-0.05, -0.20, 0.35), (0.50, 0.30, 0.70), (0.3, -0.4, -0.5), (0.9, 0.3, 0.2)),
    "peace_inverted": _BACK_HELD,
    "stop_inverted": _BACK_HELD,
    "two_up_inverted": _BACK_HELD,
}
"""Gestures that are none unless the hand is held as they ask: least and most of where the wrist is, from the shoulder
in lengths of the arm, then of where the elbow points, so that an arm can hold it there"""
_ANYHOW = ((-0.10, -0.30, 0.30), (0.58, 0.42, 0.70), (0.25, -1.0, -0.4), (1.0, -0.35, 0.2))
"""The same for other gestures"""
_FACING = (*_HELD, *(name.removesuffix("_inverted") for name in _HELD if name.endswith("_inverted")))
"""Those, and those that would be another gesture from behind"""

_ROOM = 0.02
"""How deep arms may press into the body or each other, metres"""
_TRIES = 16

Vector = tuple[float, float, float]


def sample_pose(rng: np.random.Generator, build: Build) -> BodyPose:
    """A random pose in which the arms keep clear of the body and of each other.

    Args:
        rng: draws it.
        build: the person.
    """
    kind = str(rng.choice(list(_KINDS), p=_WEIGHTS))
    best, least = None, np.inf
    for _ in range(_TRIES):
        arms, hands = _KINDS[kind](rng, build)
        overlap = clash(arms, hands, build)
        if best is None or overlap < least:
            best, least = (arms, hands), overlap
        if overlap <= _ROOM:
            break
    assert best is not None
    still = 0.25 if any(arm.place == "face" for arm in best[0].values()) else 1.0
    return BodyPose(
        kind,
        *best,
        torso=_vector(rng.normal(0.0, (0.05, 0.05, 0.10))),
        head=_vector(still * rng.normal((0.02, 0.0, 0.0), (0.10, 0.08, 0.25))),
        legs={
            side: (float(abs(rng.normal(0.02, 0.05))), float(rng.normal(0.0, 0.07)))
            if rng.random() < 0.8
            else (float(rng.uniform(0.05, 0.22)), float(rng.normal(0.0, 0.12)))
            for side in SIDES
        },
    )


# --- keeping clear ----------------------------------------------------------------------------------------------------


def clash(arms: Mapping[Side, ArmPose], hands: Mapping[Side, HandShape], build: Build) -> float:
    """How deep arms go into the body or each other, or how far they miss what they are to touch, metres.

    0 or less where all is well, infinite where a gesture is not held as it must be.
    """
    solved = {side: solve_arm(arms[side], build, side, hands[side]) for side in SIDES}
    if any(_misheld(solved[side], arms[side], hands[side], build, side) for side in SIDES):
        return np.inf
    points = {side: _arm_points(solved[side], hands[side], build, side) for side in SIDES}
    worst = max(float((build.depth(points[side]) + _RADII).max()) for side in SIDES)
    worst = max([worst, *(solved[side].miss for side in SIDES if arms[side].anchor != "wrist")])
    if arms["left"].place == "crossed":
        return worst
    between = np.linalg.norm(points["left"][:, None] - points["right"][None], axis=2)
    near = _RADII[:, None] + _RADII[None] - between
    if arms["left"].place in _TOUCHING:
        near[_HAND:, _HAND:] = -1.0
    return max(worst, float(near.max()))


def _misheld(solved: SolvedArm, arm: ArmPose, hand: HandShape, build: Build, side: Side) -> bool:
    """Whether an arm's limits turn a gesture into another one."""
    if hand.name not in _FACING or arm.place not in ("raised", "front"):
        return False
    mirror = (1.0 if side == "left" else -1.0, 1.0, 1.0)
    palm, wanted = (solved.hand @ build.hand(side))[:, 2], np.array(GESTURES[hand.name].palm) * mirror
    return float(palm @ wanted) < 0.6


_RADII = np.array([0.040, 0.040, 0.036, 0.032, 0.028, 0.020, 0.018, 0.010])
_TOUCHING = ("folded", "clapping", "praying")
"""Both hands at once, made to touch; crossed arms lie on each other as a whole"""
_HAND = 5
"""From here on the points of :func:`_arm_points` lie on the hand"""


def _arm_points(arm: SolvedArm, hand: HandShape, build: Build, side: Side) -> np.ndarray:
    """(8, 3) elbow, along the forearm, wrist, palm, knuckles and fingertips, as (left, up, forward)."""
    forearm = [arm.elbow + share * (arm.wrist - arm.elbow) for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
    return np.array([*forearm, *hand_points(arm, build, side, hand)])


# --- arms -------------------------------------------------------------------------------------------------------------

Arms = tuple[dict[Side, ArmPose], dict[Side, HandShape]]
Single = Callable[[np.random.Generator, Build], tuple[ArmPose, HandShape]]


def sample_shape(rng: np.random.Generator) -> HandShape:
    """One of the gestures, as steady as people hold them."""
    return _shape(rng, str(rng.choice(list(GESTURES))))


def _shape(rng: np.random.Generator, name: str) -> HandShape:
    hand = RELAXED if name == "relaxed" else GESTURES[name].hand
    if rng.random() < 0.3:
        hand = blend(hand, RELAXED, float(rng.uniform(0.0, 0.2)))
    return _played(rng, name, hand)


def _played(rng: np.random.Generator, name: str | None, hand: HandPose, spread: float = 3.5) -> HandShape:
    """With a little play in every joint; less where fingers hold on to each other."""
    angles = hand.angles()
    angles[ABDUCTIONS] *= rng.uniform(0.6, 1.3)
    play = rng.normal(0.0, 0.6 * spread if hand.touch or hand.together else spread, len(angles))
    return HandShape(name, hand.with_angles(angles + play))


def _free(hand: HandPose) -> HandPose:
    """A hand whose angles alone count."""
    return replace(hand, touch=None, together=())


def _bent(rng: np.random.Generator) -> HandShape:
    """A hand that makes no gesture."""
    between = blend(RELAXED, _FIST, float(rng.uniform(-0.3, 0.7)))
    return _played(rng, None, _free(between), 8.0)


def _either(rng: np.random.Generator) -> HandShape:
    return _shape(rng, "relaxed") if rng.random() < 0.6 else _bent(rng)


def _raised(rng: np.random.Generator, build: Build) -> tuple[ArmPose, HandShape]:
    shape = sample_shape(rng) if rng.random() < 0.88 else _bent(rng)
    if shape.name == "mute":
        return _hush(rng, build), shape
    gesture = GESTURES[shape.name or "palm"]
    fingers, palm = np.array(gesture.fingers), np.array(gesture.palm)
    ranges = _HELD.get(str(shape.name), _ANYHOW)
    reach, elbow = rng.uniform(*ranges[:2]), rng.uniform(*ranges[2:])
    if shape.name not in _FACING and rng.random() < 0.25:  # edge on or from behind, as hands are seen in passing
        palm = np.array([(-1.0, 0.1, rng.uniform(-0.3, 0.9)), (-0.3, 0.0, -1.0)][int(rng.integers(2))])
    lean = 0.08 if shape.name in _FACING else 0.25
    if shape.name == "palm" and rng.random() < 0.35:  # waving
        fingers = np.array((rng.uniform(-0.5, 0.7), 1.0, 0.1))
    return (
        _arm(
            "raised",
            build.shoulder + build.arm * reach,
            elbow,
            fingers=fingers + rng.normal(0.0, lean, 3),
            palm=palm + rng.normal(0.0, lean, 3),
        ),
        shape,
    )


def _overhead(rng: np.random.Generator, build: Build) -> tuple[ArmPose, HandShape]:
    shape = sample_shape(rng) if rng.random() < 0.6 else _either(rng)
    if shape.name in (*_HELD, "mute"):
        shape = _shape(rng, "palm")
    return (
        _arm(
            "overhead",
            build.shoulder + build.arm * rng.uniform((0.05, 0.68, -0.05), (0.55, 0.95, 0.3)),
            elbow=rng.uniform((0.6, -0.5, -0.5), (1.0, 0.2, 0.1)),
            fingers=rng.normal((0.0, 1.0, 0.0), (0.3, 0.0, 0.2)),
            palm=(float(rng.uniform(-0.9, 0.1)), 0.0, 1.0),
        ),
        shape,
    )


def _front(rng: np.random.Generator, build: Build) -> tuple[ArmPose, HandShape]:
    """Before belly or chest, a gesture now and then."""
    up = float(rng.uniform(build.waist, build.chest))
    out = float(rng.uniform(-0.02, 0.30))
    goal = (out, up, build.front(up, 0.0) + float(rng.uniform(0.10, 0.30)))
    elbow = rng.uniform((0.5, -1.0, -0.6), (1.0, -0.4, 0.0))
    if rng.random() < 0.6:
        shape = sample_shape(rng)
        if shape.name == "mute":
            shape = _shape(rng, "like")
        gesture = GESTURES[str(shape.name)]
        fingers, palm = np.array(gesture.fingers), np.array(gesture.palm)
        return (
            _arm("front", goal, elbow, fingers + rng.normal(0, 0.12, 3), palm + rng.normal(0, 0.12, 3)),
            shape,
        )
    fingers = rng.uniform((-1.0, -0.4, 0.2), (0.0, 0.6, 1.0))
    palm = rng.uniform((-1.0, -0.5, -1.0), (-0.1, 0.9, 0.3))
    return _arm("front", goal, elbow, fingers, palm), _either(rng)


def _chest(rng: np.random.Generator, build: Build) -> tuple[ArmPose, HandShape]:
    up = build.chest + float(rng.uniform(-0.09, 0.03))
    out = float(rng.uniform(-0.07, 0.05))
    return (
        _arm(
            "chest",
            (out, up, build.front(up, out) + 0.010),
            elbow=rng.uniform((0.5, -1.0, -0.2), (1.0, -0.5, 0.2)),
            fingers=rng.uniform((-1.0, 0.1, -0.05), (-1.0, 0.8, 0.05)),
            palm=(0.0, 0.0, -1.0),
            anchor="palm",
        ),
        _played(rng, None, _FLAT),
    )


def _hush(rng: np.random.Generator, build: Build) -> ArmPose:
    """Index finger before the lips."""
    lips = build.nose + np.array((0.0, -0.030 * build.scale, 0.004))
    return _arm(
        "face",
        lips + np.array((0.0, 0.02, 0.0)),
        elbow=rng.uniform((0.4, -1.0, -0.1), (0.9, -0.7, 0.2)),
        fingers=(float(rng.uniform(-0.35, -0.1)), 1.0, float(rng.uniform(-0.05, 0.15))),
        palm=(-1.0, 0.0, float(rng.uniform(-0.5, -0.1))),
        anchor="index",
    )


def _face(rng: np.random.Generator, build: Build, both: bool = False) -> tuple[ArmPose, HandShape]:
    """Hand at the cheek or the chin."""
    scale, nose = build.scale, build.nose
    if both or rng.random() < 0.5:
        up = float(nose[1] - rng.uniform(0.015, 0.045) * scale)
        out = 0.060 * scale
        return (
            _arm(
                "face",
                (out + 0.010, up, float(nose[2]) - float(rng.uniform(0.065, 0.085)) * scale),
                elbow=rng.uniform((0.3, -1.0, 0.0), (0.8, -0.8, 0.4)),
                fingers=(float(rng.uniform(-0.1, 0.25)), 1.0, float(rng.uniform(-0.25, 0.1))),
                palm=(-1.0, float(rng.uniform(0.0, 0.3)), float(rng.uniform(-0.6, -0.2))),
                anchor="palm",
            ),
            _played(rng, None, blend(_FLAT, RELAXED, float(rng.uniform(0.2, 0.8)))),
        )
    chin = (0.005, float(nose[1]) - 0.075 * scale, float(nose[2]) - 0.022 * scale)
    fist = blend(RELAXED, _FIST, float(rng.uniform(0.2, 0.9)))
    return (
        _arm(
            "face",
            chin,
            elbow=rng.uniform((0.2, -1.0, 0.0), (0.7, -0.8, 0.4)),
            fingers=(float(rng.uniform(-0.9, -0.3)), 0.8, float(rng.uniform(-0.2, 0.1))),
            palm=(float(rng.uniform(-0.6, -0.2)), 0.4, -1.0),
            anchor="palm",
        ),
        _played(rng, None, _free(fist)),
    )


def _hip(rng: np.random.Generator, build: Build) -> tuple[ArmPose, HandShape]:
    up = build.hips + float(rng.uniform(0.03, 0.10))
    fist = rng.random() < 0.25
    hand = _FIST if fist else blend(_FLAT, RELAXED, float(rng.uniform(0.0, 0.8)))
    return (
        _arm(
            "hip",
            (build.half_width(up) + 0.012, up, build.middle(up) + float(rng.uniform(0.0, 0.05))),
            elbow=(1.0, float(rng.uniform(-0.2, 0.2)), float(rng.uniform(-0.6, -0.2))),
            fingers=(-0.25, float(rng.uniform(-0.9, -0.3)), 0.8),
            palm=(-1.0, -0.1, float(rng.uniform(-0.2, 0.1))),
            anchor="palm",
        ),
        _played(rng, None, _free(hand)),
    )


def _down(rng: np.random.Generator, build: Build) -> tuple[ArmPose, HandShape]:
    return (
        _arm(
            "down",
            build.shoulder + build.arm * rng.uniform((0.10, -0.95, -0.06), (0.42, -0.84, 0.20)),
            elbow=rng.uniform((0.1, -0.2, -1.0), (0.5, 0.1, -1.0)),
            fingers=(0.0, -1.0, float(rng.uniform(0.0, 0.3))),
            palm=(-1.0, 0.0, float(rng.normal(-0.1, 0.3))),
        ),
        _shape(rng, "relaxed") if rng.random() < 0.75 else _bent(rng),
    )


def _aside(rng: np.random.Generator, build: Build) -> tuple[ArmPose, HandShape]:
    """Stretched out to the side: pointing, greeting, or spread."""
    pointing = rng.random() < 0.45
    return (
        _arm(
            "aside",
            build.shoulder + build.arm * rng.uniform((0.68, -0.35, -0.02), (0.93, 0.35, 0.30)),
            elbow=rng.uniform((0.0, -1.0, -0.6), (0.4, -0.6, -0.1)),
            fingers=rng.normal((1.0, 0.15, 0.1), (0.0, 0.25, 0.2)),
            palm=rng.uniform((-0.2, -1.0, 0.0), (0.2, 0.5, 1.0)),
        ),
        _shape(rng, "one" if pointing else str(rng.choice(["palm", "stop", "fist", "relaxed"]))),
    )


def _reaching(rng: np.random.Generator, build: Build) -> tuple[ArmPose, HandShape]:
    """Towards the camera: pointing at it, stopping it, offering a hand."""
    kind = str(rng.choice(["one", "stop", "palm", "relaxed"], p=[0.35, 0.25, 0.2, 0.2]))
    fingers: np.ndarray = rng.normal((0.0, 0.1, 1.0), (0.15, 0.12, 0.0))
    palm = rng.uniform((-1.0, -1.0, -0.2), (0.0, 0.6, 0.2))
    if kind in ("stop", "palm"):
        fingers, palm = rng.normal((0.0, 1.0, 0.25), (0.15, 0.0, 0.1)), np.array((0.0, 0.0, 1.0))
    return (
        _arm(
            "reaching",
            build.shoulder + build.arm * rng.uniform((-0.15, -0.25, 0.68), (0.25, 0.22, 0.93)),
            elbow=rng.uniform((0.4, -1.0, -0.2), (1.0, -0.5, 0.0)),
            fingers=fingers,
            palm=palm,
        ),
        _shape(rng, kind),
    )


def _behind(rng: np.random.Generator, build: Build) -> tuple[ArmPose, HandShape]:
    up = float(rng.uniform(build.hips, build.waist))
    return (
        _arm(
            "behind",
            (float(rng.uniform(0.0, 0.06)), up, build.back(up) - float(rng.uniform(0.03, 0.06))),
            elbow=(0.8, -0.2, -1.0),
            fingers=(-1.0, -0.4, -0.1),
            palm=(0.0, 0.0, -1.0),
            anchor="palm",
        ),
        _shape(rng, "relaxed"),
    )


def _arm(
    place: str,
    goal: np.ndarray | Vector,
    elbow: np.ndarray | Vector,
    fingers: np.ndarray | Vector,
    palm: np.ndarray | Vector,
    anchor: str = "wrist",
) -> ArmPose:
    return ArmPose(place, _vector(goal), _vector(elbow), _vector(fingers), _vector(palm), anchor)


def _vector(values: np.ndarray | Vector) -> Vector:
    x, y, z = (float(value) for value in values)
    return x, y, z


# --- both arms --------------------------------------------------------------------------------------------------------


def _pair(first: Single, second: Single, rng: np.random.Generator, build: Build) -> Arms:
    """``first`` on either side, ``second`` on the other."""
    side = SIDES[int(rng.integers(2))]
    made = {side: first(rng, build), other(side): second(rng, build)}
    return {side: made[side][0] for side in SIDES}, {side: made[side][1] for side in SIDES}


def _one(first: Single, rng: np.random.Generator, build: Build) -> Arms:
    """``first`` on either side, the other arm at rest."""
    rest = (_down, _hip, _front, _behind)[int(rng.choice(4, p=[0.66, 0.16, 0.14, 0.04]))]
    return _pair(first, rest, rng, build)


def _both(single: Single, rng: np.random.Generator, build: Build) -> Arms:
    """The same with both arms, mostly the same hand shape too."""
    arms, hands = _pair(single, single, rng, build)
    if rng.random() < 0.5:
        arms["right"], hands["right"] = arms["left"], hands["left"]
    return arms, hands


def _crossed(rng: np.random.Generator, build: Build) -> Arms:
    """Before the chest, one forearm over the other."""
    over = SIDES[int(rng.integers(2))]
    up = build.chest - float(rng.uniform(0.10, 0.16)) * build.scale
    arms, hands = {}, {}
    for side in SIDES:
        ahead, higher = (0.128, 0.025) if side == over else (0.064, -0.025)
        arms[side] = _arm(
            "crossed",
            (-0.085 * build.scale, up + higher, build.front(up, 0.05) + ahead * build.scale),
            elbow=(0.75, -1.0, 0.1),
            fingers=(-1.0, 0.25 if side == over else 0.1, -0.35),
            palm=(0.1, -0.15, -1.0),
        )
        hand = blend(_FLAT, RELAXED, float(rng.uniform(0.0, 1.0)))
        hands[side] = _played(rng, None, hand)
    return {side: arms[side] for side in SIDES}, hands


def _folded(rng: np.random.Generator, build: Build) -> Arms:
    """Hands in each other before the belly, or hanging low."""
    low = rng.random() < 0.35
    up = build.hips - 0.06 * build.scale if low else float(rng.uniform(build.waist - 0.04, build.chest - 0.10))
    ahead = build.front(up, 0.0) + float(rng.uniform(0.05, 0.09) if low else rng.uniform(0.07, 0.16))
    down = -1.0 if low else float(rng.uniform(-0.2, 0.5))
    over = SIDES[int(rng.integers(2))]
    arms, hands = {}, {}
    for side in SIDES:
        first = side == over
        arms[side] = _arm(
            "folded",
            (0.010, up, ahead + (0.022 if first else -0.012)),
            elbow=(0.9, -0.7, -0.5),
            fingers=(-0.75, down, 0.45) if first else (-0.75, down, 0.2),
            palm=(-0.35, 0.1, -1.0) if first else (-0.6, 0.2, 0.8),
            anchor="palm",
        )
        hand = blend(_FLAT, _FIST, 0.42 if first else 0.30)
        hands[side] = _played(rng, None, _free(hand), 2.0)
    return arms, hands


def _palms(place: str, rng: np.random.Generator, build: Build) -> Arms:
    """Palms to each other: touching in prayer, apart in clapping."""
    gap = 0.0 if place == "praying" else float(rng.uniform(0.03, 0.22))
    up = float(rng.uniform(build.waist + 0.08, build.chest + 0.04))
    ahead = build.front(up, 0.0) + float(rng.uniform(0.08, 0.2) if place == "praying" else rng.uniform(0.14, 0.28))
    tilt = float(rng.uniform(0.0, 0.5) if place == "praying" else rng.uniform(0.2, 1.2))
    spread = _FLAT if place == "praying" else blend(_FLAT, GESTURES["palm"].hand, float(rng.uniform(0.0, 0.8)))
    hand = _played(rng, None, _free(spread), 1.5)
    arm = _arm(
        place,
        (0.003 + gap / 2, up, ahead),
        elbow=(1.0, -0.7, -0.3),
        fingers=(-0.02 if place == "praying" else -0.1, 1.0, tilt),
        palm=(-1.0, 0.0, 0.0),
        anchor="palm",
    )
    return dict.fromkeys(SIDES, arm), dict.fromkeys(SIDES, hand)


_KINDS: dict[str, Callable[[np.random.Generator, Build], Arms]] = {
    "one raised": partial(_one, _raised),
    "both raised": partial(_both, _raised),
    "one overhead": partial(_one, _overhead),
    "both overhead": partial(_both, _overhead),
    "one in front": partial(_one, _front),
    "both in front": partial(_both, _front),
    "hand on the chest": partial(_one, _chest),
    "hand at the face": partial(_one, _face),
    "both at the face": partial(_both, partial(_face, both=True)),
    "hand on the hip": partial(_pair, _hip, _raised),
    "hands on hips": partial(_both, _hip),
    "arms down": partial(_both, _down),
    "arm aside": partial(_one, _aside),
    "arms spread": partial(_both, _aside),
    "reaching": partial(_one, _reaching),
    "reaching with both": partial(_both, _reaching),
    "arms behind": partial(_both, _behind),
    "arms crossed": _crossed,
    "hands folded": _folded,
    "clapping": partial(_palms, "clapping"),
    "praying": partial(_palms, "praying"),
}
_WEIGHTS = np.array([22, 10, 5, 5, 8, 4, 4, 6, 2.5, 3, 4, 4, 4, 2, 6, 2, 1, 6, 5, 3.5, 3.5])
_WEIGHTS /= _WEIGHTS.sum()
"""Of the kinds, in their order"""
