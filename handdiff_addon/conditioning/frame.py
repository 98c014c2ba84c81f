# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``Conditioning`` of one frame: the plain object that crosses from ``scene`` to ``diffusion``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..request import SIDES, Side
from .camera import Camera

Visibility = Literal["visible", "occluded", "outside", "behind", "absent"]


@dataclass
class PersonPose:
    """One person's keypoints in the picture."""

    name: str
    body: np.ndarray
    """(18, 2) pixels, origin top left, y down; NaN where absent or behind.  May lie outside the frame."""
    body_visibility: list[Visibility]
    hands: dict[Side, np.ndarray]
    """(21, 2) pixels per side"""
    hand_visibility: dict[Side, list[Visibility]]

    def __post_init__(self) -> None:
        """A point that is absent or behind has no place in the picture, whatever the projection gave."""
        self.body = _placed(self.body, self.body_visibility)
        self.hands = {side: _placed(points, self.hand_visibility[side]) for side, points in self.hands.items()}


@dataclass
class Conditioning:
    """Everything the models see of one frame, at the frame's size.  Masks are bool (H, W)."""

    camera: Camera
    frame: int
    people: list[PersonPose]
    """In depth order, nearest first; the first is the one that stage 1 paints hands for."""
    skeleton: np.ndarray
    """(H, W, 3) uint8 RGB"""
    hand_masks: dict[Side, np.ndarray]
    """What the camera sees of each hand of the first person"""
    person_mask: np.ndarray
    depth: np.ndarray
    """(H, W) uint8, near = 255, background 0"""
    warnings: list[str]
    picture: np.ndarray | None = None
    """(H, W, 3) uint8 sRGB, the scene as rendered; only where a request paints the person alone"""

    @property
    def width(self) -> int:
        return self.camera.width

    @property
    def height(self) -> int:
        return self.camera.height

    @property
    def hands_mask(self) -> np.ndarray:
        """Both hands, bool (H, W)."""
        return self.hand_masks["left"] | self.hand_masks["right"]

    def usable_hands(self, least_pixels: int = 16) -> list[Side]:
        """Sides that stage 1 can paint: the camera sees so many of the hand's pixels, and its points are known."""
        pose = self.people[0]
        return [
            side
            for side in SIDES
            if self.hand_masks[side].sum() >= least_pixels and np.isfinite(pose.hands[side]).all(axis=1).sum() >= 5
        ]


def _placed(points: np.ndarray, words: list[Visibility]) -> np.ndarray:
    nowhere = np.array([word in ("absent", "behind") for word in words])
    return np.where(nowhere[:, None], np.nan, points)
