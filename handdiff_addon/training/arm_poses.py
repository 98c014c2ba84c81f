# SPDX-License-Identifier: GPL-3.0-or-later
"""Random poses of one arm with its hand, fitted to a person's build.

Points and directions are (outward, up, forward) in the person's own frame: outward is away from the body's midline on
the hand's own side, up counts from the armature's origin, forward is where the face looks.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..rig.gestures import ABDUCTIONS, GESTURES, Finger, HandPose, Thumb, blend
from .build import Build
from .poses import ArmPose, HandShape

RELAXED = HandPose(
    Thumb(38, 32, -8, 14, 14),
    Finger(16, 20, 10, 2),
    Finger(20, 24, 12, 0),
    Finger(24, 28, 14, 2),
    Finger(28, 30, 16, 6),
)
FLAT, FIST = GESTURES["stop"].hand, GESTURES["fist"].hand

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
FACING = (*_HELD, *(name.removesuffix("_inverted") for name in _HELD if name.endswith("_inverted")))
"""Those, and those that would be another gesture from behind"""

Vector = tuple[float, float, float]


def sample_shape(rng: np.random.Generator) -> HandShape:
    """One of the gestures, as steady as people hold them."""
    return _shape(rng, str(rng.choice(list(GESTURES))))


def _shape(rng: np.random.Generator, name: str) -> HandShape:
    hand = RELAXED if name == "relaxed" else GESTURES[name].hand
    if rng.random() < 0.3:
        hand = blend(hand, RELAXED, float(rng.uniform(0.0, 0.2)))
    return played(rng, name, hand)


def played(rng: np.random.Generator, name: str | None, hand: HandPose, spread: float = 3.5) -> HandShape:
    """With a little play in every joint; less where fingers hold on to each other."""
    angles = hand.angles()
    angles[ABDUCTIONS] *= rng.uniform(0.6, 1.3)
    play = rng.normal(0.0, 0.6 * spread if hand.touch or hand.together else spread, len(angles))
    return HandShape(name, hand.with_angles(angles + play))


def free(hand: HandPose) -> HandPose:
    """A hand whose angles alone count."""
    return replace(hand, touch=None, together=())


def _bent(rng: np.random.Generator) -> HandShape:
    """A hand that makes no gesture."""
    between = blend(RELAXED, FIST, float(rng.uniform(-0.3, 0.7)))
    return played(rng, None, free(between), 8.0)


def _either(rng: np.random.Generator) -> HandShape:
    return _shape(rng, "relaxed") if rng.random() < 0.6 else _bent(rng)


def raised(rng: np.random.Generator, build: Build) -> tuple[ArmPose, HandShape]:
    shape = sample_shape(rng) if rng.random() < 0.88 else _bent(rng)
    if shape.name == "mute":
        return _hush(rng, build), shape
    gesture = GESTURES[shape.name or "palm"]
    fingers, palm = np.array(gesture.fingers), np.array(gesture.palm)
    ranges = _HELD.get(str(shape.name), _ANYHOW)
    reach, elbow = rng.uniform(*ranges[:2]), rng.uniform(*ranges[2:])
    if shape.name not in FACING and rng.random() < 0.25:  # edge on or from behind, as hands are seen in passing
        palm = np.array([(-1.0, 0.1, rng.uniform(-0.3, 0.9)), (-0.3, 0.0, -1.0)][int(rng.integers(2))])
    lean = 0.08 if shape.name in FACING else 0.25
    if shape.name == "palm" and rng.random() < 0.35:  # waving
        fingers = np.array((rng.uniform(-0.5, 0.7), 1.0, 0.1))
    return (
        arm_pose(
            "raised",
            build.shoulder + build.arm * reach,
            elbow,
            fingers=fingers + rng.normal(0.0, lean, 3),
            palm=palm + rng.normal(0.0, lean, 3),
        ),
        shape,
    )


def overhead(rng: np.random.Generator, build: Build) -> tuple[ArmPose, HandShape]:
    shape = sample_shape(rng) if rng.random() < 0.6 else _either(rng)
    if shape.name in (*_HELD, "mute"):
        shape = _shape(rng, "palm")
    return (
        arm_pose(
            "overhead",
            build.shoulder + build.arm * rng.uniform((0.05, 0.68, -0.05), (0.55, 0.95, 0.3)),
            elbow=rng.uniform((0.6, -0.5, -0.5), (1.0, 0.2, 0.1)),
            fingers=rng.normal((0.0, 1.0, 0.0), (0.3, 0.0, 0.2)),
            palm=(float(rng.uniform(-0.9, 0.1)), 0.0, 1.0),
        ),
        shape,
    )


def in_front(rng: np.random.Generator, build: Build) -> tuple[ArmPose, HandShape]:
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
            arm_pose("front", goal, elbow, fingers + rng.normal(0, 0.12, 3), palm + rng.normal(0, 0.12, 3)),
            shape,
        )
    fingers = rng.uniform((-1.0, -0.4, 0.2), (0.0, 0.6, 1.0))
    palm = rng.uniform((-1.0, -0.5, -1.0), (-0.1, 0.9, 0.3))
    return arm_pose("front", goal, elbow, fingers, palm), _either(rng)


def on_chest(rng: np.random.Generator, build: Build) -> tuple[ArmPose, HandShape]:
    up = build.chest + float(rng.uniform(-0.09, 0.03))
    out = float(rng.uniform(-0.07, 0.05))
    return (
        arm_pose(
            "chest",
            (out, up, build.front(up, out) + 0.010),
            elbow=rng.uniform((0.5, -1.0, -0.2), (1.0, -0.5, 0.2)),
            fingers=rng.uniform((-1.0, 0.1, -0.05), (-1.0, 0.8, 0.05)),
            palm=(0.0, 0.0, -1.0),
            anchor="palm",
        ),
        played(rng, None, FLAT),
    )


def _hush(rng: np.random.Generator, build: Build) -> ArmPose:
    """Index finger before the lips."""
    lips = build.nose + np.array((0.0, -0.030 * build.scale, 0.004))
    return arm_pose(
        "face",
        lips + np.array((0.0, 0.02, 0.0)),
        elbow=rng.uniform((0.4, -1.0, -0.1), (0.9, -0.7, 0.2)),
        fingers=(float(rng.uniform(-0.35, -0.1)), 1.0, float(rng.uniform(-0.05, 0.15))),
        palm=(-1.0, 0.0, float(rng.uniform(-0.5, -0.1))),
        anchor="index",
    )


def at_face(rng: np.random.Generator, build: Build, both: bool = False) -> tuple[ArmPose, HandShape]:
    """Hand at the cheek or the chin."""
    scale, nose = build.scale, build.nose
    if both or rng.random() < 0.5:
        up = float(nose[1] - rng.uniform(0.015, 0.045) * scale)
        out = 0.060 * scale
        return (
            arm_pose(
                "face",
                (out + 0.010, up, float(nose[2]) - float(rng.uniform(0.065, 0.085)) * scale),
                elbow=rng.uniform((0.3, -1.0, 0.0), (0.8, -0.8, 0.4)),
                fingers=(float(rng.uniform(-0.1, 0.25)), 1.0, float(rng.uniform(-0.25, 0.1))),
                palm=(-1.0, float(rng.uniform(0.0, 0.3)), float(rng.uniform(-0.6, -0.2))),
                anchor="palm",
            ),
            played(rng, None, blend(FLAT, RELAXED, float(rng.uniform(0.2, 0.8)))),
        )
    chin = (0.005, float(nose[1]) - 0.075 * scale, float(nose[2]) - 0.022 * scale)
    fist = blend(RELAXED, FIST, float(rng.uniform(0.2, 0.9)))
    return (
        arm_pose(
            "face",
            chin,
            elbow=rng.uniform((0.2, -1.0, 0.0), (0.7, -0.8, 0.4)),
            fingers=(float(rng.uniform(-0.9, -0.3)), 0.8, float(rng.uniform(-0.2, 0.1))),
            palm=(float(rng.uniform(-0.6, -0.2)), 0.4, -1.0),
            anchor="palm",
        ),
        played(rng, None, free(fist)),
    )


def on_hip(rng: np.random.Generator, build: Build) -> tuple[ArmPose, HandShape]:
    up = build.hips + float(rng.uniform(0.03, 0.10))
    fist = rng.random() < 0.25
    hand = FIST if fist else blend(FLAT, RELAXED, float(rng.uniform(0.0, 0.8)))
    return (
        arm_pose(
            "hip",
            (build.half_width(up) + 0.012, up, build.middle(up) + float(rng.uniform(0.0, 0.05))),
            elbow=(1.0, float(rng.uniform(-0.2, 0.2)), float(rng.uniform(-0.6, -0.2))),
            fingers=(-0.25, float(rng.uniform(-0.9, -0.3)), 0.8),
            palm=(-1.0, -0.1, float(rng.uniform(-0.2, 0.1))),
            anchor="palm",
        ),
        played(rng, None, free(hand)),
    )


def down(rng: np.random.Generator, build: Build) -> tuple[ArmPose, HandShape]:
    return (
        arm_pose(
            "down",
            build.shoulder + build.arm * rng.uniform((0.10, -0.95, -0.06), (0.42, -0.84, 0.20)),
            elbow=rng.uniform((0.1, -0.2, -1.0), (0.5, 0.1, -1.0)),
            fingers=(0.0, -1.0, float(rng.uniform(0.0, 0.3))),
            palm=(-1.0, 0.0, float(rng.normal(-0.1, 0.3))),
        ),
        _shape(rng, "relaxed") if rng.random() < 0.75 else _bent(rng),
    )


def aside(rng: np.random.Generator, build: Build) -> tuple[ArmPose, HandShape]:
    """Stretched out to the side: pointing, greeting, or spread."""
    pointing = rng.random() < 0.45
    return (
        arm_pose(
            "aside",
            build.shoulder + build.arm * rng.uniform((0.68, -0.35, -0.02), (0.93, 0.35, 0.30)),
            elbow=rng.uniform((0.0, -1.0, -0.6), (0.4, -0.6, -0.1)),
            fingers=rng.normal((1.0, 0.15, 0.1), (0.0, 0.25, 0.2)),
            palm=rng.uniform((-0.2, -1.0, 0.0), (0.2, 0.5, 1.0)),
        ),
        _shape(rng, "one" if pointing else str(rng.choice(["palm", "stop", "fist", "relaxed"]))),
    )


def reaching(rng: np.random.Generator, build: Build) -> tuple[ArmPose, HandShape]:
    """Towards the camera: pointing at it, stopping it, offering a hand."""
    kind = str(rng.choice(["one", "stop", "palm", "relaxed"], p=[0.35, 0.25, 0.2, 0.2]))
    fingers: np.ndarray = rng.normal((0.0, 0.1, 1.0), (0.15, 0.12, 0.0))
    palm = rng.uniform((-1.0, -1.0, -0.2), (0.0, 0.6, 0.2))
    if kind in ("stop", "palm"):
        fingers, palm = rng.normal((0.0, 1.0, 0.25), (0.15, 0.0, 0.1)), np.array((0.0, 0.0, 1.0))
    return (
        arm_pose(
            "reaching",
            build.shoulder + build.arm * rng.uniform((-0.15, -0.25, 0.68), (0.25, 0.22, 0.93)),
            elbow=rng.uniform((0.4, -1.0, -0.2), (1.0, -0.5, 0.0)),
            fingers=fingers,
            palm=palm,
        ),
        _shape(rng, kind),
    )


def behind(rng: np.random.Generator, build: Build) -> tuple[ArmPose, HandShape]:
    up = float(rng.uniform(build.hips, build.waist))
    return (
        arm_pose(
            "behind",
            (float(rng.uniform(0.0, 0.06)), up, build.back(up) - float(rng.uniform(0.03, 0.06))),
            elbow=(0.8, -0.2, -1.0),
            fingers=(-1.0, -0.4, -0.1),
            palm=(0.0, 0.0, -1.0),
            anchor="palm",
        ),
        _shape(rng, "relaxed"),
    )


def arm_pose(
    place: str,
    goal: np.ndarray | Vector,
    elbow: np.ndarray | Vector,
    fingers: np.ndarray | Vector,
    palm: np.ndarray | Vector,
    anchor: str = "wrist",
) -> ArmPose:
    return ArmPose(place, vector(goal), vector(elbow), vector(fingers), vector(palm), anchor)


def vector(values: np.ndarray | Vector) -> Vector:
    x, y, z = (float(value) for value in values)
    return x, y, z
