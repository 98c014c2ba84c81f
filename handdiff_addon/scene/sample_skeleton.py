# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample human's joints and bones, in metres.

Facing -y, z up, 1.75 m tall, arms 45 degrees down; the person's left is +x.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import sample_hand
from . import sample_shapes as shapes

# the left side and the middle; right joints are mirrored
HIP, KNEE, ANKLE = np.array((0.092, 0.005, 0.915)), np.array((0.100, 0.000, 0.495)), np.array((0.106, 0.020, 0.085))
BALL, TOE = np.array((0.116, -0.105, 0.028)), np.array((0.120, -0.175, 0.022))
_CLAVICLE, SHOULDER = np.array((0.022, 0.000, 1.410)), np.array((0.172, 0.018, 1.392))
ELBOW, WRIST = np.array((0.374, 0.030, 1.190)), np.array((0.550, -0.010, 1.010))
_SPINE = [np.array(point) for point in ((0, 0.015, 0.955), (0, 0.015, 1.065), (0, 0.018, 1.175), (0, 0.022, 1.295))]
_NECK, _SKULL, _CROWN = np.array((0, 0.024, 1.448)), np.array((0, 0.006, 1.540)), np.array((0, 0.000, 1.750))
EYE = np.array((0.0315, -0.0735, 1.6390))
EYE_RADIUS = 0.0122


@dataclass(frozen=True)
class Joint:
    """A bone of the armature: head, tail and the direction (3,) of its z axis, towards which x turns it."""

    parent: str | None
    head: np.ndarray
    tail: np.ndarray
    z: np.ndarray


def hand_frame() -> tuple[np.ndarray, np.ndarray]:
    """Axes (3, 3) as columns and origin (3,) of the left hand's frame in the rest pose."""
    along = shapes.unit(WRIST - ELBOW)
    thumb = np.array((0.10, -1.0, 0.0))
    thumb = shapes.unit(thumb - along * (thumb @ along))
    return np.stack([along, thumb, np.cross(along, thumb)], axis=1), WRIST


def _left_bones() -> dict[str, Joint]:
    forward, palm = np.array((0.0, -1.0, 0.0)), hand_frame()[0][:, 2]
    frame, origin = hand_frame()
    knuckle = origin + frame @ sample_hand.finger_joints()["Middle"][0]
    bones = {
        "Shoulder": Joint("Spine2", _CLAVICLE, SHOULDER, forward),
        "Arm": Joint("LeftShoulder", SHOULDER, ELBOW, forward),
        "ForeArm": Joint("LeftArm", ELBOW, WRIST, forward),
        "Hand": Joint("LeftForeArm", WRIST, knuckle, palm),
        "UpLeg": Joint("Hips", HIP, KNEE, forward),
        "Leg": Joint("LeftUpLeg", KNEE, ANKLE, forward),
        "Foot": Joint("LeftLeg", ANKLE, BALL, np.array((0.0, 0.0, 1.0))),
        "ToeBase": Joint("LeftFoot", BALL, TOE, np.array((0.0, 0.0, 1.0))),
        "Eye": Joint("Head", EYE, EYE - np.array((0.0, 0.03, 0.0)), np.array((0.0, 0.0, 1.0))),
    }
    for name, points in sample_hand.finger_joints().items():
        points = origin + points @ frame.T
        # a thumb folds across the palm, towards the little finger
        z = shapes.unit(palm - 0.9 * frame[:, 1]) if name == "Thumb" else palm
        for k in range(3):
            parent = f"LeftHand{name}{k}" if k else "LeftHand"
            bones[f"Hand{name}{k + 1}"] = Joint(parent, points[k], points[k + 1], z)
    return {f"Left{name}": bone for name, bone in bones.items()}


def other_side(name: str) -> str:
    return "Right" + name[4:] if name.startswith("Left") else name


def skeleton() -> dict[str, Joint]:
    """All bones, parents before their children, named as Mixamo names them, without a prefix."""
    forward = np.array((0.0, -1.0, 0.0))
    trunk = [*_SPINE, _NECK, _SKULL, _CROWN]
    names = ["Hips", "Spine", "Spine1", "Spine2", "Neck", "Head"]
    bones = {name: Joint(names[i - 1] if i else None, trunk[i], trunk[i + 1], forward) for i, name in enumerate(names)}
    flip = np.array((-1.0, 1.0, 1.0))
    left = _left_bones()
    bones.update(left)
    for name, bone in left.items():
        assert bone.parent is not None
        bones[other_side(name)] = Joint(other_side(bone.parent), bone.head * flip, bone.tail * flip, bone.z * flip)
    return bones
