# SPDX-License-Identifier: GPL-3.0-or-later
"""A person's keypoints as coloured lines and points in the world, in the colours of the skeleton picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..request import SIDES
from ..rig.keypoints import PersonKeypoints
from .skeleton import HAND_COLOURS, HAND_EDGES, LIMBS, RAINBOW


@dataclass(frozen=True)
class Wireframe:
    """Single precision, as graphics cards take them."""

    lines: np.ndarray
    """(2 L, 3) ends of lines in metres, two by two"""
    line_colours: np.ndarray
    """(2 L, 4) RGBA, 0 to 1, in the interface's colours (sRGB)"""
    joints: np.ndarray
    """(J, 3) joints of bodies"""
    joint_colours: np.ndarray
    """(J, 4)"""
    fingers: np.ndarray
    """(F, 3) joints of hands, without the wrists"""
    finger_colours: np.ndarray
    """(F, 4)"""


def wireframe(person: PersonKeypoints) -> Wireframe:
    """Limbs, finger bones and joints of a person; absent keypoints take their lines with them."""
    lines = [person.body[np.array(LIMBS)]]
    colours = [np.array(RAINBOW[: len(LIMBS)])]
    fingers, finger_colours = [], []
    for side in SIDES:
        lines.append(person.hands[side][np.array(HAND_EDGES)])
        colours.append(np.array(HAND_COLOURS))
        fingers.append(person.hands[side][1:])
        finger_colours.append(np.array(HAND_COLOURS))  # edge i ends at joint i + 1
    ends, shades = np.concatenate(lines), _rgba(np.concatenate(colours))
    whole = np.isfinite(ends).all(axis=(1, 2))
    joints, tips = person.body, np.concatenate(fingers)
    found, found_tips = np.isfinite(joints).all(axis=1), np.isfinite(tips).all(axis=1)
    return Wireframe(
        ends[whole].reshape(-1, 3).astype(np.float32),
        np.repeat(shades[whole], 2, axis=0),
        joints[found].astype(np.float32),
        _rgba(np.array(RAINBOW))[found],
        tips[found_tips].astype(np.float32),
        _rgba(np.concatenate(finger_colours))[found_tips],
    )


def _rgba(colours: np.ndarray) -> np.ndarray:
    """(N, 3) bytes as (N, 4) from 0 to 1"""
    return np.concatenate([colours / 255.0, np.ones((len(colours), 1))], axis=1).astype(np.float32)
