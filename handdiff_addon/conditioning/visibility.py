# SPDX-License-Identifier: GPL-3.0-or-later
"""A person's keypoints in the picture, each with what the camera sees of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..request import SIDES
from ..rig.keypoints import BODY as BODY_NAMES
from ..rig.keypoints import HAND, PersonKeypoints
from .camera import Camera
from .capsules import size_of
from .frame import PersonPose, Visibility
from .masks import BODY, HAND_PART, NOTHING, classify_keypoints
from .raster import Raster

# Depth of a joint under its limb's skin in metres, for an adult: between what the skin in front of a joint was measured
# to reach and where other limbs began, over 90 poses and views of MakeHuman's people.
_BODY_RADII = {
    "nose": 0.04, "neck": 0.18, "shoulder": 0.16, "elbow": 0.12, "wrist": 0.09, "hip": 0.22, "knee": 0.12,
    "ankle": 0.09, "eye": 0.028, "ear": 0.05,
}  # fmt: skip
_FINGER_RADII = {"1": 0.038, "2": 0.03, "3": 0.025, "tip": 0.02}
_HAND_RADII = {"wrist": _BODY_RADII["wrist"], "thumb_1": 0.07, "thumb_2": 0.05, "thumb_3": 0.03}
_FACE_RADIUS = 0.015  # face points lie on the skin


def see_person(
    points: PersonKeypoints,
    index: int,
    camera: Camera,
    raster: Raster,
    triangle_part: np.ndarray,
    triangle_person: np.ndarray,
) -> PersonPose:
    """Project one person's keypoints and tell which of them the camera sees.

    Args:
        points: in world space.
        index: the person's number in ``triangle_person``.
        camera: the camera.
        raster: what it sees of the whole scene.
        triangle_part, triangle_person: (M,) of each triangle of the raster, as ``classify_keypoints`` takes them.
    """
    scale = size_of(points)

    def seen(
        positions: np.ndarray, radii: Sequence[float], parts: Sequence[int]
    ) -> tuple[np.ndarray, list[Visibility]]:
        pixels, depths = camera.project(positions)
        words = classify_keypoints(
            pixels,
            depths,
            np.array(radii) * scale,
            np.array(parts),
            index,
            raster,
            triangle_part,
            triangle_person,
            near=camera.near,
        )
        return pixels, words

    body = seen(
        points.body,
        [_BODY_RADII[name.split("_")[-1]] for name in BODY_NAMES],
        [NOTHING if name.endswith("wrist") else BODY for name in BODY_NAMES],
    )
    # The wrist and the thumb's base lie on the border between forearm and hand.
    hands = {
        side: seen(
            points.hands[side],
            [_HAND_RADII.get(name) or _FINGER_RADII[name.split("_")[1]] for name in HAND],
            [NOTHING if name in {"wrist", "thumb_1"} else HAND_PART[side] for name in HAND],
        )
        for side in SIDES
    }
    face = seen(points.face, [_FACE_RADIUS] * len(points.face), [BODY] * len(points.face))
    return PersonPose(
        points.name,
        *body,
        {side: pixels for side, (pixels, _) in hands.items()},
        {side: words for side, (_, words) in hands.items()},
        *face,
    )
