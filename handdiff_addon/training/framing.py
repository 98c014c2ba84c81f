# SPDX-License-Identifier: GPL-3.0-or-later
"""Random cameras that frame a posed person, most of them as portraits that keep the hands in the picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..request import SIDES
from ..rig.bones import Bone

SENSOR = 36.0
"""Sensor width in millimetres, as Blender's default camera's."""


@dataclass(frozen=True)
class Shot:
    """A camera: where it stands and what it looks at, in metres (world, z up)."""

    framing: str
    """``upper body``, ``full body`` or ``close-up``"""
    position: np.ndarray
    target: np.ndarray
    roll: float
    """Radians"""
    lens: float
    """Focal length in millimetres"""


def sample_shot(rng: np.random.Generator, bones: Mapping[str, Bone]) -> Shot:
    """A random square-format shot of a person that stands on the ground and faces -y.

    Args:
        bones: canonical bones of the pose, in world space.
    """
    framing = str(rng.choice(["upper body", "full body", "close-up"], p=[0.70, 0.15, 0.15]))
    azimuth = float(np.clip(rng.normal(0.0, 0.25), -0.61, 0.61))
    elevation = float(np.clip(rng.normal(0.03, 0.12), -0.30, 0.50))
    lens = float(rng.uniform(32.0, 85.0))
    # The camera's axes: from target to camera, to the picture's right, up.
    back = np.array([np.sin(azimuth) * np.cos(elevation), -np.cos(azimuth) * np.cos(elevation), np.sin(elevation)])
    right = np.array([np.cos(azimuth), np.sin(azimuth), 0.0])
    up = np.cross(back, right)

    head, hips = bones["head"], bones["hips"]
    crown = head.head + 1.15 * (head.tail - head.head)
    knees = [bones[f"{side}_shin"].head for side in SIDES]
    hands = [bone.tail for name, bone in bones.items() if name.endswith("_3")] or [
        bones[f"{side}_hand"].tail for side in SIDES
    ]
    shoulders = [bones[f"{side}_upper_arm"].head for side in SIDES]
    needed = [crown, *shoulders]
    if framing == "full body":
        needed += [*hands, *(bones[f"{side}_foot"].tail for side in SIDES)]
    elif framing == "upper body":
        share = rng.uniform(-0.25, 0.55)
        needed += [hips.head + share * (knees[0] + knees[1] - 2 * hips.head) / 2]
        needed += hands if rng.random() < 0.92 else [hand for hand in hands if hand[2] > hips.head[2]]
    else:
        chest = bones["chest"].head
        needed += [chest, *(hand for hand in hands if hand[2] > chest[2])]

    points = np.array(needed)
    across, high = points @ right, points @ up
    size = max(np.ptp(across) + 0.08, np.ptp(high) + 0.08) * rng.uniform(1.0, 1.16)
    spare_across, spare_high = (max(0.0, size - np.ptp(values) - 0.1) for values in (across, high))
    target = (
        right * ((across.min() + across.max()) / 2 + rng.uniform(-0.28, 0.28) * spare_across)
        + up * ((high.min() + high.max()) / 2 + rng.uniform(-0.30, 0.15) * spare_high)
        + back * float(shoulders[0] @ back)
    )
    half = SENSOR / 2 / lens
    distance = size / 2 / half
    for _ in range(12):  # hands before the body look larger: step back until all that is needed is in the frame
        from_camera = points - (target + back * distance)
        depth = -(from_camera @ back)
        if np.abs(np.stack([from_camera @ right, from_camera @ up])).max(axis=0).max() == 0:
            break
        if (np.maximum(np.abs(from_camera @ right), np.abs(from_camera @ up)) < 0.96 * half * depth).all():
            break
        distance *= 1.06
    return Shot(framing, target + back * distance, target, float(rng.normal(0.0, 0.02)), lens)
