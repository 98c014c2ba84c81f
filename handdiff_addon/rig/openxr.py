# SPDX-License-Identifier: GPL-3.0-or-later
"""Hands as the 26 joints of OpenXR's hand tracking (``XR_EXT_hand_tracking``), for AR and VR.

Space: OpenXR's, right-handed with Y up and -Z forward, in metres.  Blender's world has Z up; its (x, y, z) is
(x, z, -y) here, so a person who faces Blender's -Y faces OpenXR's +Z.

Orientation of a joint, alike for both hands: -Z runs along its bone to the fingertip, +Y out of the back of the hand or
finger, for a thumb out of the nail's side, and +X to the right of both.  A tip turns with its last bone, the palm with
the middle finger's metacarpal, and the wrist looks to where that begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..request import SIDES, Side
from .keypoints import FINGERS, PersonKeypoints

SCHEMA_VERSION = 1

JOINTS = (
    "palm", "wrist",
    "thumb_metacarpal", "thumb_proximal", "thumb_distal", "thumb_tip",
    *(f"{finger}_{joint}" for finger in FINGERS[1:]
      for joint in ("metacarpal", "proximal", "intermediate", "distal", "tip")),
)  # fmt: skip
"""In the order of the enumeration ``XrHandJointEXT``"""

METACARPAL_BASE = 0.3
"""Where a metacarpal begins between wrist and knuckle on rigs without bones in the palm; 0.2 to 0.4 on those with."""

_RADII = {
    "palm": 18, "wrist": 22, "thumb_metacarpal": 19, "thumb_proximal": 13, "thumb_distal": 11, "thumb_tip": 9,
    "metacarpal": 18, "proximal": 11, "intermediate": 9, "distal": 8, "tip": 7,
}  # fmt: skip
"""From joint to skin, millimetres, on an adult's hand whose knuckles are _KNUCKLES metres from the wrist"""
_KNUCKLES = 0.09


def to_openxr(people: Sequence[PersonKeypoints], frame: int) -> dict[str, Any]:
    """Everybody's hands as JSON-ready data.

    A joint holds ``position`` (x, y, z in metres), ``orientation`` (quaternion x, y, z, w) and ``radius`` (metres),
    each null where its flag ``position_valid`` or ``orientation_valid`` is false, as on rigs that lack the finger.

    Args:
        people: keypoints in Blender's world space.
        frame: the frame's number.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "frame": frame,
        "space": "OpenXR: right-handed, y up, -z forward, metres",
        "people": [
            {"armature": person.name, "hands": {side: _hand(person, side) for side in SIDES}} for person in people
        ],
    }


def _hand(person: PersonKeypoints, side: Side) -> dict[str, Any]:
    positions, axes = hand_joints(person, side)
    wrist = positions[JOINTS.index("wrist")]
    knuckles = positions[[index for index, name in enumerate(JOINTS) if name.endswith("proximal")][1:]]
    reach = np.linalg.norm(knuckles - wrist, axis=1)
    size = np.nanmean(reach) / _KNUCKLES if np.isfinite(reach).any() else 1.0
    joints = {}
    for name, position, rotation in zip(JOINTS, positions, axes):
        radius = size * _RADII.get(name, _RADII[name.split("_")[-1]]) / 1000
        placed, turned = bool(np.isfinite(position).all()), bool(np.isfinite(rotation).all())
        joints[name] = {
            "position": _rounded(position) if placed else None,
            "orientation": _rounded(_quaternion(rotation)) if turned else None,
            "radius": round(float(radius), 6) if placed else None,
            "position_valid": placed,
            "orientation_valid": turned,
        }
    return {"is_active": any(joint["position_valid"] for joint in joints.values()), "joints": joints}


def hand_joints(person: PersonKeypoints, side: Side) -> tuple[np.ndarray, np.ndarray]:
    """Where a hand's joints are and how they are turned, in OpenXR's space.

    Returns:
        positions (26, 3) in metres and rotation matrices (26, 3, 3), whose columns are the joint's axes; NaN where the
        rig does not tell.
    """
    points, backs, bases = (_y_up(values[side]) for values in (person.hands, person.backs, person.metacarpals))
    positions, axes = np.full((len(JOINTS), 3), np.nan), np.full((len(JOINTS), 3, 3), np.nan)
    wrist, out = points[0], backs[0]
    row = 2
    middle = None
    for finger in range(len(FINGERS)):
        chain, backs_of = points[1 + 4 * finger : 5 + 4 * finger], backs[1 + 4 * finger : 5 + 4 * finger]
        if finger > 0:
            base = bases[finger - 1]
            if not np.isfinite(base).all():
                base = wrist + METACARPAL_BASE * (chain[0] - wrist)
            chain, backs_of = np.vstack([base, chain]), np.vstack([out, backs_of])
            # The palm follows the middle finger, or the next one that there is.
            if np.isfinite(chain[:2]).all() and (middle is None or FINGERS[finger] == "middle"):
                middle = chain[:2]
        count = len(chain)
        positions[row : row + count] = chain
        for joint in range(count - 1):
            axes[row + joint] = _axes(chain[joint + 1] - chain[joint], backs_of[joint])
        axes[row + count - 1] = axes[row + count - 2]
        row += count
    if middle is not None:
        positions[0], axes[0] = middle.mean(axis=0), _axes(middle[1] - middle[0], out)
        axes[1] = _axes(middle[0] - wrist, out)
    positions[1] = wrist
    return positions, axes


def _y_up(points: np.ndarray) -> np.ndarray:
    """Blender's world to OpenXR's, (N, 3)."""
    return points[:, [0, 2, 1]] * (1.0, 1.0, -1.0)


def _axes(along: np.ndarray, out: np.ndarray) -> np.ndarray:
    """The rotation (3, 3) whose -Z runs along a bone and whose +Y points out of the back; NaN where they are one."""
    with np.errstate(divide="ignore", invalid="ignore"):
        z = -along / np.linalg.norm(along)
        y = out - z * (out @ z)
        y = y / np.linalg.norm(y)
    return np.stack([np.cross(y, z), y, z], axis=1)


def _quaternion(rotation: np.ndarray) -> np.ndarray:
    """x, y, z, w of a rotation matrix, with w >= 0."""
    # The largest of the four is told first, from the diagonal, so that nothing is divided by a small number.
    x, y, z = np.diag(rotation)
    squares = np.array([1 + x - y - z, 1 - x + y - z, 1 - x - y + z, 1 + x + y + z])
    largest = int(np.argmax(squares))
    r = rotation
    quaternion = np.array(
        [
            [squares[0], r[0, 1] + r[1, 0], r[0, 2] + r[2, 0], r[2, 1] - r[1, 2]],
            [r[0, 1] + r[1, 0], squares[1], r[1, 2] + r[2, 1], r[0, 2] - r[2, 0]],
            [r[0, 2] + r[2, 0], r[1, 2] + r[2, 1], squares[2], r[1, 0] - r[0, 1]],
            [r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1], squares[3]],
        ]
    )[largest]
    quaternion = quaternion / np.linalg.norm(quaternion)
    return -quaternion if quaternion[3] < 0 else quaternion


def _rounded(values: np.ndarray) -> list[float]:
    return [round(float(value), 6) + 0.0 for value in values]
