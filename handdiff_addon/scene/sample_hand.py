# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample human's left hand: joints, shape and skin weights, in the hand's own frame.

The frame: origin at the wrist joint; x towards the knuckles, y towards the thumb, z out of the palm; metres.
Proportions are those of an adult's hand 19 cm long (anthropometric averages, rounded).
"""

from __future__ import annotations

import numpy as np

from . import sample_shapes as shapes

FINGERS = ("Thumb", "Index", "Middle", "Ring", "Pinky")

# knuckle position, phalanx lengths, direction as degrees towards the thumb, thickness
_FINGERS = {
    "Index": ((0.090, 0.0265, 0.000), (0.044, 0.026, 0.0225), 8.0, 1.0),
    "Middle": ((0.094, 0.0045, -0.003), (0.048, 0.030, 0.0235), 1.0, 1.02),
    "Ring": ((0.088, -0.0170, -0.001), (0.044, 0.028, 0.0235), -7.0, 0.97),
    "Pinky": ((0.078, -0.0360, 0.003), (0.034, 0.021, 0.0205), -16.0, 0.85),
}
_FLEXION = (6.0, 8.0, 6.0)
"""Degrees by which each joint of a resting finger is bent"""


def finger_joints() -> dict[str, np.ndarray]:
    """Joints of every finger in the hand's frame: (4, 3), base to tip."""
    joints = {
        "Thumb": np.array([(0.020, 0.019, 0.010), (0.053, 0.048, 0.021), (0.079, 0.069, 0.026), (0.103, 0.085, 0.028)])
    }
    for name, (base, lengths, spread, _) in _FINGERS.items():
        points, flexion = [np.array(base)], 0.0
        for length, bend in zip(lengths, _FLEXION, strict=True):
            flexion += bend
            along, down = np.cos(np.radians(flexion)), np.sin(np.radians(flexion))
            turn = np.radians(spread)
            points.append(points[-1] + length * np.array([along * np.cos(turn), along * np.sin(turn), down]))
        joints[name] = np.array(points)
    return joints


def _finger(p: np.ndarray, name: str, joints: np.ndarray) -> np.ndarray:
    """One finger: joints a little thicker than the bones between them, a rounded tip."""
    if name == "Thumb":
        stops, radii = [0.0, 1.0, 1.5, 2.0, 2.5, 3.0], [0.0150, 0.0130, 0.0115, 0.0117, 0.0110, 0.0082]
    else:
        size = _FINGERS[name][3]
        stops, radii = [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0], [0.0108, 0.0098, 0.0097, 0.0087, 0.0086, 0.0080, 0.0067]
        radii = [radius * size for radius in radii]
    where = np.stack([np.interp(stops, range(4), joints[:, axis]) for axis in range(3)], axis=1)
    where[-1] += (where[-2] - where[-1]) * radii[-1] / np.linalg.norm(where[-2] - where[-1])
    return shapes.tube(p, where, radii, 0.002)


def hand_field(p: np.ndarray) -> np.ndarray:
    """Signed distance of the hand and a stub of forearm (to x = -0.08)."""
    joints = finger_joints()
    carpus = {"Index": 0.013, "Middle": 0.005, "Ring": -0.005, "Pinky": -0.014}
    palm = shapes.loft(
        p,
        (-0.08, 0.0, 0.0),
        (1.0, 0.0, 0.0),
        (0.0, 1.0, 0.0),
        [
            (0.0, 0.0, 0.029, 0.022, 0.022),
            (0.05, 0.0, 0.0275, 0.019, 0.019),
            (0.08, 0.0, 0.0275, 0.0175, 0.018),
            (0.105, 0.0, 0.029, 0.016, 0.017),
        ],
    )
    for name, y in carpus.items():
        size = _FINGERS[name][3]
        bone = np.array([(0.008, y, -0.001), joints[name][0] * (0.5, 0.62, 0.5), joints[name][0]])
        palm = shapes.union(palm, shapes.tube(p, bone, [0.0135, 0.0130 * size, 0.0116 * size]), 0.016)
    thumb = joints["Thumb"]
    thenar = shapes.tube(p, np.array([(0.014, 0.012, 0.006), (0.036, 0.029, 0.013), thumb[1]]), [0.014, 0.0175, 0.0128])
    edge = np.array([(0.014, -0.016, 0.004), (0.045, -0.028, 0.006), (0.066, -0.031, 0.004)])
    heel = shapes.tube(p, edge, [0.014, 0.0145, 0.011])
    palm = shapes.union(shapes.union(palm, heel, 0.012), thenar, 0.014)
    # the web between thumb and index
    web = shapes.tube(p, np.array([(0.048, 0.030, 0.006), (0.062, 0.034, 0.006)]), [0.011, 0.006])
    palm = shapes.union(palm, web, 0.014)
    fingers = None
    for name in FINGERS[1:]:
        finger = _finger(p, name, joints[name])
        fingers = finger if fingers is None else shapes.union(fingers, finger, 0.003)
    assert fingers is not None
    whole = shapes.union(palm, fingers, 0.007)
    whole = shapes.union(whole, _finger(p, "Thumb", thumb), 0.009)
    hollow = shapes.ellipsoid(p, (0.058, -0.002, 0.030), (0.030, 0.022, 0.0185))
    return shapes.cut(whole, hollow, 0.012)


def hand_mesh() -> tuple[np.ndarray, np.ndarray]:
    """Vertices (N, 3) and quads (M, 4) of the hand."""
    spacing = 0.0050
    xs = shapes.graded(-0.09, 0.205, (-0.09, 0.0, 0.009), (0.0, 1.0, spacing))
    return shapes.polygonise(hand_field, xs, np.arange(-0.085, 0.105, spacing), np.arange(-0.034, 0.054, spacing))


def hand_weights(p: np.ndarray) -> dict[str, np.ndarray]:
    """Skin weights of points (N, 3): ``ForeArm``, ``Hand`` and ``HandThumb1`` ... ``HandPinky3``, adding up to one."""
    joints = finger_joints()
    names = list(FINGERS)
    distances = []
    for name in names:
        start = np.array((0.0, joints[name][0][1] * 0.4, 0.0))
        distances.append(shapes.tube(p, np.vstack([start, joints[name]]), [0.009] * 5))
    closeness = np.exp(-np.stack(distances) / 0.0022)
    closeness /= closeness.sum(axis=0)

    arm = 1.0 - shapes.smoothstep(p[:, 0], -0.03, 0.012)
    weights = {"ForeArm": arm, "Hand": np.zeros(len(p))}
    for share, name in zip(closeness, names, strict=True):
        points = joints[name]
        left = share * (1.0 - arm)
        for k in range(3):
            before = points[k] - (points[k - 1] if k else np.zeros(3))
            normal = shapes.unit(shapes.unit(points[k + 1] - points[k]) + shapes.unit(before))
            half = (0.014 if name == "Thumb" else 0.010) if k == 0 else 0.0062
            passed = shapes.smoothstep((p - points[k]) @ normal, -half, half)
            bone = "Hand" if k == 0 else f"Hand{name}{k}"
            weights[bone] = weights.get(bone, 0.0) + left * (1.0 - passed)
            left = left * passed
        weights[f"Hand{name}3"] = left
    return weights
