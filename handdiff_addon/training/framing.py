# SPDX-License-Identifier: GPL-3.0-or-later
"""Random cameras that frame a posed person, from the hands alone to the whole body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..request import SIDES, Side
from ..rig.bones import Bone

SENSOR = 36.0
"""Sensor width in millimetres, as Blender's default camera's."""

_NEAREST = 0.25
"""Metres from the camera to what is to be seen"""
_SHARES = {"hands": 0.34, "close-up": 0.11, "upper body": 0.40, "full body": 0.15}


@dataclass(frozen=True)
class Shot:
    """A camera: where it stands and what it looks at, in metres (world, z up)."""

    framing: str
    """``hands``, ``close-up``, ``upper body`` or ``full body``"""
    position: np.ndarray
    target: np.ndarray
    roll: float
    """Radians"""
    lens: float
    """Focal length in millimetres"""


def sample_framing(rng: np.random.Generator) -> str:
    """``hands`` for a third of the pictures, most of the others portraits."""
    return str(rng.choice(list(_SHARES), p=list(_SHARES.values())))


def sample_shot(rng: np.random.Generator, bones: Mapping[str, Bone], framing: str) -> Shot:
    """A random square-format shot of a person that stands on the ground and faces -y.

    Args:
        bones: canonical bones of the pose, in world space.
        framing: one of :func:`sample_framing`'s.
    """
    wide = 0.45 if framing == "hands" else 0.28
    azimuth = float(np.clip(rng.normal(0.0, wide), -0.95, 0.95))
    elevation = float(np.clip(rng.normal(0.04, 0.17), -0.40, 0.60))
    wide_angle = framing != "hands" and rng.random() < 0.35
    lens = float(rng.uniform(28.0, 50.0) if wide_angle else rng.uniform(50.0, 100.0))
    # The camera's axes: from target to camera, to the picture's right, up.
    back = np.array([np.sin(azimuth) * np.cos(elevation), -np.cos(azimuth) * np.cos(elevation), np.sin(elevation)])
    right = np.array([np.cos(azimuth), np.sin(azimuth), 0.0])
    up = np.cross(back, right)

    points = _hand_points(rng, bones) if framing == "hands" else _body_points(rng, bones, framing)
    across, high = points @ right, points @ up
    if framing == "hands":
        size = (max(np.ptp(across), np.ptp(high)) + 0.04) * rng.uniform(1.05, 1.75)
    else:
        size = max(np.ptp(across) + 0.08, np.ptp(high) + 0.08) * rng.uniform(1.0, 1.16)
    spare_across, spare_high = (max(0.0, size - np.ptp(values) - 0.1) for values in (across, high))
    shoulders = bones["left_upper_arm"].head if framing != "hands" else points.mean(axis=0)
    target = (
        right * ((across.min() + across.max()) / 2 + rng.uniform(-0.28, 0.28) * spare_across)
        + up * ((high.min() + high.max()) / 2 + rng.uniform(-0.30, 0.15) * spare_high)
        + back * float(shoulders @ back)
    )
    half = SENSOR / 2 / lens
    distance = size / 2 / half
    for _ in range(12):  # hands before the body look larger: step back until all that is needed is in the frame
        from_camera = points - (target + back * distance)
        depth = -(from_camera @ back)
        inside = np.maximum(np.abs(from_camera @ right), np.abs(from_camera @ up)) < 0.96 * half * depth
        if (inside & (depth > _NEAREST)).all():
            break
        distance *= 1.06
    roll = float(rng.normal(0.0, 0.02) if rng.random() < 0.85 else rng.normal(0.0, 0.09))
    return Shot(framing, target + back * distance, target, roll, lens)


def _hand_points(rng: np.random.Generator, bones: Mapping[str, Bone]) -> np.ndarray:
    """Both hands where they are near each other, or else one of them; those that hang are the rarer choice."""
    hands = {side: _hand(bones, side) for side in SIDES}
    centres = {side: points.mean(axis=0) for side, points in hands.items()}
    if np.linalg.norm(centres["left"] - centres["right"]) < 0.32 and rng.random() < 0.85:
        return np.concatenate(list(hands.values()))
    hips = float(bones["hips"].head[2])
    weights = np.array([3.0 if centres[side][2] > hips else 1.0 for side in SIDES])
    return hands[SIDES[int(rng.choice(2, p=weights / weights.sum()))]]


def _hand(bones: Mapping[str, Bone], side: Side) -> np.ndarray:
    """(N, 3) wrist, knuckles and fingertips."""
    ends = [bone.tail for name, bone in bones.items() if name.startswith(side) and name.endswith(("_1", "_3"))]
    return np.array([bones[f"{side}_hand"].head, bones[f"{side}_hand"].tail, *ends])


def _body_points(rng: np.random.Generator, bones: Mapping[str, Bone], framing: str) -> np.ndarray:
    head, hips, chest = bones["head"], bones["hips"].head, bones["chest"].head
    crown = head.head + 1.15 * (head.tail - head.head)
    hands = [point for side in SIDES for point in _hand(bones, side)]
    points = [crown, *(bones[f"{side}_upper_arm"].head for side in SIDES)]
    if framing == "full body":
        points += [*hands, *(bones[f"{side}_foot"].tail for side in SIDES)]
    elif framing == "upper body":
        knees = (bones["left_shin"].head + bones["right_shin"].head) / 2
        points += [hips + rng.uniform(-0.25, 0.55) * (knees - hips)]
        points += hands if rng.random() < 0.92 else [hand for hand in hands if hand[2] > hips[2]]
    else:
        points += [chest, *(hand for hand in hands if hand[2] > chest[2])]
    return np.array(points)
