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

KEYPOINTS = (*BODY, *(f"{side}_{name}" for side in SIDES for name in HAND if name != "wrist"), *FACE)
"""Every keypoint by its name; a wrist is the body's and its hand's at once."""


@dataclass
class PersonKeypoints:
    """World positions of one person's keypoints, in metres; rows of NaN are absent points."""

    name: str
    """The armature's name."""
    body: np.ndarray
    """(18, 3)"""
    hands: dict[Side, np.ndarray] = field(default_factory=lambda: {side: np.full((21, 3), np.nan) for side in SIDES})
    """(21, 3) per side"""
    face: np.ndarray = field(default_factory=lambda: np.full((70, 3), np.nan))
    """(70, 3)"""
