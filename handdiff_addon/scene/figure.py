# SPDX-License-Identifier: GPL-3.0-or-later
"""A plain figure of capsules that stands in for a person whose armature moves no mesh."""

from __future__ import annotations

import numpy as np

from ..conditioning.capsules import body_capsules, hand_capsules
from ..conditioning.masks import BODY, HAND_PART
from ..request import SIDES
from ..rig.keypoints import PersonKeypoints
from .owners import Owner
from .surfaces import Surface

_FINGERS_SHARE = 0.65  # of the capsules that hold a hand's skin with room to spare


def figure(points: PersonKeypoints, person: int) -> Surface:
    """Head, trunk, limbs and hands around a person's keypoints, as a surface that is told apart into parts.

    Args:
        points: in world space.
        person: the person's number.
    """
    pieces = [(BODY, body_capsules(points).mesh())]
    pieces += [(HAND_PART[side], hand_capsules(points, side).grown(_FINGERS_SHARE).mesh()) for side in SIDES]
    offsets = np.cumsum([0, *(len(vertices) for _, (vertices, _) in pieces)])
    return Surface(
        points.name,
        np.concatenate([vertices for _, (vertices, _) in pieces]),
        np.concatenate([triangles + offset for (_, (_, triangles)), offset in zip(pieces, offsets)]).astype(np.int32),
        [Owner(person)],
        part=np.concatenate([np.full(len(triangles), part, dtype=np.int8) for part, (_, triangles) in pieces]),
    )
