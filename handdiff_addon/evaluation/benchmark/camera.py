# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the camera of an entry stands, for a person of any size: a recipe, worked out on the posed bones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from ...errors import UsageError
from ...request import SIDES
from ...rig.bones import Bone

Framing = Literal["full body", "upper body", "close-up", "hands"]
SENSOR = 36.0
"""Sensor width in millimetres, as Blender's default camera's"""


@dataclass(frozen=True)
class CameraRecipe:
    """A square picture of a person that stands on the ground and faces -y."""

    framing: Framing
    """What must be in the picture: all; head to thighs with both hands; head and chest with the hands above it; the
    hands and forearms that are not hanging down, else both"""
    azimuth: float
    """Radians around the person, 0 in front, positive to the picture's right"""
    elevation: float
    roll: float
    lens: float
    """Millimetres"""
    margin: float
    """Side of the picture in units of what must be in it, 1 or more"""
    shift: tuple[float, float]
    """Where in the spare room the needed part sits, right and up, -0.5 to 0.5"""

    def __post_init__(self) -> None:
        if self.framing not in get_args(Framing):
            raise UsageError(f"framing is {self.framing!r}: choose one of {', '.join(get_args(Framing))}.")


@dataclass(frozen=True)
class CameraPlace:
    """Metres, world, z up."""

    position: np.ndarray
    target: np.ndarray


def place_camera(recipe: CameraRecipe, bones: Mapping[str, Bone]) -> CameraPlace:
    """Where the camera stands and what it looks at.

    Args:
        recipe: of the entry.
        bones: canonical bones of the pose, in world space.
    """
    azimuth, elevation = recipe.azimuth, recipe.elevation
    # The camera's axes: from target to camera, to the picture's right, up.
    back = np.array([np.sin(azimuth) * np.cos(elevation), -np.cos(azimuth) * np.cos(elevation), np.sin(elevation)])
    right = np.array([np.cos(azimuth), np.sin(azimuth), 0.0])
    up = np.cross(back, right)

    points = _needed(recipe.framing, bones)
    across, high = points @ right, points @ up
    size = (max(np.ptp(across), np.ptp(high)) + 0.10) * recipe.margin
    target = (
        right * ((across.min() + across.max()) / 2 - recipe.shift[0] * max(0.0, size - np.ptp(across) - 0.10))
        + up * ((high.min() + high.max()) / 2 - recipe.shift[1] * max(0.0, size - np.ptp(high) - 0.10))
        + back * float(points.mean(axis=0) @ back)
    )
    half = SENSOR / 2 / recipe.lens
    # Far enough for every point: what lies before the target looks larger.
    from_target = points - target
    sideways = np.maximum(np.abs(from_target @ right), np.abs(from_target @ up)) + 0.03
    distance = max(size / 2 / half, float((sideways / half + from_target @ back).max()))
    return CameraPlace(target + back * distance, target)


def _needed(framing: Framing, bones: Mapping[str, Bone]) -> np.ndarray:
    head, hips, chest = bones["head"], bones["hips"], bones["chest"]
    crown = head.head + 1.15 * (head.tail - head.head)
    shoulders = [bones[f"{side}_upper_arm"].head for side in SIDES]
    hands = {side: _hand_ends(side, bones) for side in SIDES}
    both = hands["left"] + hands["right"]
    if framing == "full body":
        needed = [crown, *shoulders, *both, *(bones[f"{side}_foot"].tail for side in SIDES)]
    elif framing == "upper body":
        knees = sum(bones[f"{side}_shin"].head for side in SIDES) / 2
        needed = [crown, *shoulders, hips.head + 0.3 * (knees - hips.head), *both]
    elif framing == "close-up":
        needed = [crown, *shoulders, chest.head, *(end for end in both if end[2] > chest.head[2])]
    else:
        lifted = [side for side in SIDES if bones[f"{side}_hand"].head[2] > hips.head[2]] or list(SIDES)
        needed = [point for side in lifted for point in (*hands[side], bones[f"{side}_forearm"].head)]
    return np.array(needed)


def _hand_ends(side: str, bones: Mapping[str, Bone]) -> list[np.ndarray]:
    tips = [bone.tail for name, bone in bones.items() if name.startswith(side) and name.endswith("_3")]
    return [bones[f"{side}_hand"].head, *(tips or [bones[f"{side}_hand"].tail])]
