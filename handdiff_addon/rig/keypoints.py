# SPDX-License-Identifier: GPL-3.0-or-later
"""The keypoints of a person: COCO-18 body, two 21-point hands (OpenPose order, which is MediaPipe's for hands) and
OpenPose's 70-point face.

Left and right are the person's own.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..request import SIDES, Side

BODY = (
    "nose", "neck",
    "right_shoulder", "right_elbow", "right_wrist",
    "left_shoulder", "left_elbow", "left_wrist",
    "right_hip", "right_knee", "right_ankle",
    "left_hip", "left_knee", "left_ankle",
    "right_eye", "left_eye", "right_ear", "left_ear",
)  # fmt: skip
BODY_INDEX = {name: index for index, name in enumerate(BODY)}

FINGERS = ("thumb", "index", "middle", "ring", "little")
"""Finger ``f`` holds hand points ``1 + 4 f`` to ``4 + 4 f``, base to tip; point 0 is the wrist."""
HAND = ("wrist", *(f"{finger}_{joint}" for finger in FINGERS for joint in (1, 2, 3, "tip")))

FACE = tuple(f"face_{index}" for index in range(70))
"""OpenPose's face: 0-16 jaw from the person's right ear to the left, 17-26 brows, 27-35 nose, 36-47 eyes, 48-67 mouth,
68 right and 69 left pupil."""


def _face_across(index: int) -> int:
    """The face point on the other side: the parts run from the right to the left, but for the eyes."""
    for first, last in ((0, 16), (17, 26), (31, 35), (48, 54), (55, 59), (60, 64), (65, 67), (68, 69)):
        if first <= index <= last:
            return first + last - index
    return {36: 45, 37: 44, 38: 43, 39: 42, 40: 47, 41: 46, 42: 39, 43: 38, 44: 37, 45: 36, 46: 41, 47: 40}.get(
        index, index
    )


FACE_ACROSS = tuple(_face_across(index) for index in range(len(FACE)))
"""For each face point the one that takes its place in a mirror"""

KEYPOINTS = (*BODY, *(f"{side}_{name}" for side in SIDES for name in HAND if name != "wrist"), *FACE)
"""Every keypoint by its name; a wrist is the body's and its hand's at once."""


@dataclass
class PersonKeypoints:
    """World positions of one person's keypoints, in metres; rows of NaN are absent points."""

    name: str
    """The armature's name."""
    body: np.ndarray
    """(18, 3)"""
    hands: dict[Side, np.ndarray] = field(default_factory=lambda: _per_side(len(HAND)))
    """(21, 3) per side"""
    face: np.ndarray = field(default_factory=lambda: np.full((len(FACE), 3), np.nan))
    """(70, 3)"""
    backs: dict[Side, np.ndarray] = field(default_factory=lambda: _per_side(len(HAND)))
    """(21, 3) per side: unit vectors out of the hand's back, on fingers out of the nail's side"""
    metacarpals: dict[Side, np.ndarray] = field(default_factory=lambda: _per_side(len(FINGERS) - 1))
    """(4, 3) per side: where the bones of the palm begin that lead to index, middle, ring and little finger"""

    def mirrored(self) -> PersonKeypoints:
        """The same person with left and right swapped, for one that a negative scale mirrors."""
        swap = {"left": "right", "right": "left"}
        across = [
            BODY_INDEX[name if side not in swap else f"{swap[side]}_{joint}"]
            for name in BODY
            for side, _, joint in [name.partition("_")]
        ]
        hands, backs, metacarpals = (
            {side: points[swap[side]] for side in SIDES}  # type: ignore[index]
            for points in (self.hands, self.backs, self.metacarpals)
        )
        return PersonKeypoints(self.name, self.body[across], hands, self.face[list(FACE_ACROSS)], backs, metacarpals)


def _per_side(count: int) -> dict[Side, np.ndarray]:
    return {side: np.full((count, 3), np.nan) for side in SIDES}
