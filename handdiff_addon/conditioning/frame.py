# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``Conditioning`` of one frame: the plain object that crosses from ``scene`` to ``diffusion``."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

from ..request import SIDES, Side
from ..rig.keypoints import FACE, PersonKeypoints
from .body_map import body_map
from .camera import Camera
from .depth import depth_picture
from .flow import Flow, static_points

Visibility = Literal["visible", "occluded", "outside", "behind", "absent"]

_LEAST_PIXELS = 16
"""Of a hand, for stage 1 to paint it"""


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
    face: np.ndarray = field(default_factory=lambda: np.full((len(FACE), 2), np.nan))
    """(70, 2) pixels"""
    face_visibility: list[Visibility] = field(default_factory=lambda: ["absent"] * len(FACE))

    def __post_init__(self) -> None:
        """A point that is absent or behind has no place in the picture, whatever the projection gave."""
        self.body = _placed(self.body, self.body_visibility)
        self.hands = {side: _placed(points, self.hand_visibility[side]) for side, points in self.hands.items()}
        self.face = _placed(self.face, self.face_visibility)


@dataclass
class PersonMasks:
    """What the camera sees of one person, bool (H, W) each."""

    person: np.ndarray
    hands: dict[Side, np.ndarray]
    arms: np.ndarray | None = None
    """From the shoulders to the wrists; None where nobody knows"""


@dataclass(frozen=True)
class Held:
    """A picture that both stages hold on to, from the latents on, such as earlier frames carried along, or what other
    views painted."""

    picture: np.ndarray
    """(H, W, 3) uint8 sRGB"""
    mask: np.ndarray
    """(H, W) bool, where"""
    flow: Flow | None = None
    """Motion since the frame whose noise moves along, None: noise of its own"""


@dataclass
class Conditioning:
    """Everything the models see of one frame, at the frame's size.  Masks are bool (H, W)."""

    camera: Camera
    frame: int
    people: list[PersonPose]
    """In depth order, nearest first"""
    masks: list[PersonMasks]
    """One per person, in the same order"""
    keypoints: list[PersonKeypoints]
    """The people in world space, in the same order; empty where the poses come from a file"""
    skeleton: np.ndarray
    """(H, W, 3) uint8 RGB"""
    metric_depth: np.ndarray
    """(H, W) float32 metres along the viewing direction, inf where nothing is seen"""
    warnings: list[str]
    normals: np.ndarray | None = None
    """(H, W, 3) float32 unit normals in camera space (x right, y up, z to the camera), 0 where nothing is seen; only
    where asked for"""
    picture: np.ndarray | None = None
    """(H, W, 3) uint8 sRGB, the scene as rendered; only where a request paints the person alone"""
    held: Held | None = None
    """What is painted already, where something is"""
    earlier: dict[int, Flow] = field(default_factory=dict)
    """Motion since earlier frames of the same animation, by frame; those come first whose picture counts more"""
    materials: np.ndarray | None = None
    """(H, W) int32 number of the material that each pixel shows, -1 where nothing is seen; None where nobody knows"""

    @property
    def width(self) -> int:
        return self.camera.width

    @property
    def height(self) -> int:
        return self.camera.height

    def hand_mask(self, side: Side) -> np.ndarray:
        """Everybody's hands of one side, bool (H, W)."""
        return self._together([masks.hands[side] for masks in self.masks])

    @cached_property
    def hands_mask(self) -> np.ndarray:
        """Everybody's hands, bool (H, W)."""
        return self.hand_mask("left") | self.hand_mask("right")

    @cached_property
    def person_mask(self) -> np.ndarray:
        """Everybody, bool (H, W)."""
        return self._together([masks.person for masks in self.masks])

    @cached_property
    def depth(self) -> np.ndarray:
        """(H, W) uint8 as MiDaS gives it: near = 255, background 0."""
        return depth_picture(self.metric_depth, self.person_mask)

    @cached_property
    def body_map(self) -> np.ndarray:
        """(H, W, 3) uint8, which place of the body each pixel shows; black where the people's keypoints are unknown."""
        return body_map(
            static_points(self.metric_depth, self.camera),
            self.keypoints,
            [masks.person for masks in self.masks[: len(self.keypoints)]],
            [masks.hands for masks in self.masks[: len(self.keypoints)]],
        )

    def usable_hands(self, person: int = 0) -> list[Side]:
        """Sides that stage 1 can paint: the camera sees enough of the hand's pixels, and its points are known."""
        pose, masks = self.people[person], self.masks[person]
        return [
            side
            for side in SIDES
            if masks.hands[side].sum() >= _LEAST_PIXELS and np.isfinite(pose.hands[side]).all(axis=1).sum() >= 5
        ]

    def _together(self, masks: list[np.ndarray]) -> np.ndarray:
        return np.logical_or.reduce([np.zeros((self.height, self.width), bool), *masks])


def _placed(points: np.ndarray, words: list[Visibility]) -> np.ndarray:
    nowhere = np.array([word in ("absent", "behind") for word in words])
    return np.where(nowhere[:, None], np.nan, points)
