# SPDX-License-Identifier: GPL-3.0-or-later
"""Poses of the list: free of anybody's measures, and fitted to whoever is drawn.

Where a hand goes is told by the part of the body that it goes to: in arm's lengths from the shoulder, or as an offset
from the nose or from the body's surface at a height between hips and shoulders.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...request import SIDES
from ...rig.gestures import Finger, HandPose, Thumb, Touch
from ...training.build import Build
from ...training.poses import ArmPose, BodyPose, HandShape

_FROM = {
    "raised": "shoulder", "overhead": "shoulder", "down": "shoulder", "aside": "shoulder", "reaching": "shoulder",
    "face": "nose", "hip": "flank", "behind": "back",
    "front": "front", "chest": "front", "crossed": "front", "folded": "front", "clapping": "front", "praying": "front",
}  # fmt: skip
"""A hand's place to what its goal is measured from"""


def free_pose(pose: BodyPose, build: Build) -> dict[str, Any]:
    """A pose of one person as JSON-ready data that fits others."""
    return {
        "kind": pose.kind,
        "arms": {side: _free_arm(pose.arms[side], build) for side in SIDES},
        "hands": {side: _free_hand(pose.hands[side]) for side in SIDES},
        "torso": list(pose.torso),
        "head": list(pose.head),
        "legs": {side: list(pose.legs[side]) for side in SIDES},
    }


def fit_pose(data: Mapping[str, Any], build: Build) -> BodyPose:
    """What :func:`free_pose` gave, on a person of another build."""
    return BodyPose(
        data["kind"],
        {side: _fit_arm(data["arms"][side], build) for side in SIDES},
        {side: _fit_hand(data["hands"][side]) for side in SIDES},
        torso=_triple(data["torso"]),
        head=_triple(data["head"]),
        legs={side: (data["legs"][side][0], data["legs"][side][1]) for side in SIDES},
    )


def _free_arm(arm: ArmPose, build: Build) -> dict[str, Any]:
    out, up, forward = goal = np.array(arm.goal)
    origin = _FROM[arm.place]
    if origin == "shoulder":
        free = (goal - build.shoulder) / build.arm
    elif origin == "nose":
        free = (goal - build.nose * (0, 1, 1)) / build.scale
    else:
        base_out, base_forward = _surface(origin, out, up, build)
        height = (up - build.hips) / (build.shoulder[1] - build.hips)
        free = np.array([(out - base_out) / build.scale, height, (forward - base_forward) / build.scale])
    return {
        "place": arm.place,
        "anchor": arm.anchor,
        "from": origin,
        "goal": free.tolist(),
        "elbow": list(arm.elbow),
        "fingers": list(arm.fingers),
        "palm": list(arm.palm),
    }


def _fit_arm(data: Mapping[str, Any], build: Build) -> ArmPose:
    free, origin = np.array(data["goal"]), data["from"]
    if origin == "shoulder":
        goal = build.shoulder + build.arm * free
    elif origin == "nose":
        goal = build.nose * (0, 1, 1) + build.scale * free
    else:
        up = build.hips + free[1] * (build.shoulder[1] - build.hips)
        out = build.scale * free[0] + (build.half_width(up) if origin == "flank" else 0.0)
        goal = np.array([out, up, _surface(origin, out, up, build)[1] + build.scale * free[2]])
    return ArmPose(
        data["place"],
        _triple(goal.tolist()),
        _triple(data["elbow"]),
        _triple(data["fingers"]),
        _triple(data["palm"]),
        data["anchor"],
    )


def _surface(origin: str, out: float, up: float, build: Build) -> tuple[float, float]:
    """How far (outward, forward) lies what a goal is measured from, at a height."""
    if origin == "flank":
        return build.half_width(up), build.middle(up)
    return 0.0, build.back(up) if origin == "back" else build.front(up, out)


def _free_hand(hand: HandShape) -> dict[str, Any]:
    touch = hand.pose.touch
    return {
        "gesture": hand.name,
        "angles": hand.pose.angles().tolist(),
        "touch": None if touch is None else list(touch),
    }


def _fit_hand(data: Mapping[str, Any]) -> HandShape:
    angles = np.array(data["angles"])
    thumb = Thumb(*map(float, angles[:5]))
    index, middle, ring, little = (Finger(*map(float, row)) for row in angles[5:].reshape(4, 4))
    return HandShape(
        data["gesture"], HandPose(thumb, index, middle, ring, little, Touch(*data["touch"]) if data["touch"] else None)
    )


def _triple(values: list[float]) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    return x, y, z
