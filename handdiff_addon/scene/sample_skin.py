# SPDX-License-Identifier: GPL-3.0-or-later
"""Skin weights of the sample human: points (N, 3) at rest to weights (N,) by bone, adding up to one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from . import sample_shapes as shapes
from .sample_clothes import sleeve_field, torso_field
from .sample_skeleton import ANKLE, BALL, ELBOW, HIP, KNEE, SHOULDER, TOE, WRIST, other_side


def _chain(passed: Mapping[str, np.ndarray], first: str) -> dict[str, np.ndarray]:
    """Weights along a chain of bones: ``first`` up to the next bone's hinge, and so on.

    ``passed`` maps each further bone, in order, to how far a point lies beyond its hinge, 0 to 1.
    """
    weights, left, bone = {}, np.ones(len(next(iter(passed.values())))), first
    for following, share in passed.items():
        weights[bone] = left * (1.0 - share)
        left, bone = left * share, following
    weights[bone] = left
    return weights


def _hinge(p: np.ndarray, before: np.ndarray, joint: np.ndarray, after: np.ndarray, half: float) -> np.ndarray:
    normal = shapes.unit(shapes.unit(joint - before) + shapes.unit(after - joint))
    return shapes.smoothstep((p - joint) @ normal, -half, half)


def _both(q_left: np.ndarray, weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Weights of left bones, computed on folded points, given to the side that each point lies on."""
    result = {}
    for name, weight in weights.items():
        if name.startswith("Left"):
            result[name] = weight * q_left
            result[other_side(name)] = weight * (1.0 - q_left)
        else:
            result[name] = weight
    return result


def top_weights(p: np.ndarray) -> dict[str, np.ndarray]:
    """Weights of the shirt on trunk, clavicles, arms, and of its hem on the thighs."""
    q = shapes.fold(p)
    z = q[:, 2]
    trunk = _chain(
        {
            "Spine": shapes.smoothstep(z, 1.005, 1.115),
            "Spine1": shapes.smoothstep(z, 1.125, 1.225),
            "Spine2": shapes.smoothstep(z, 1.235, 1.345),
            "Neck": 0.5 * shapes.smoothstep(z, 1.435, 1.485),
        },
        "Hips",
    )
    clavicle = shapes.smoothstep(q[:, 0], 0.03, 0.14) * shapes.smoothstep(z, 1.27, 1.38)
    member = shapes.smoothstep(torso_field(q) - sleeve_field(q), -0.055, 0.055)
    arm = _chain(
        {
            "LeftForeArm": _hinge(q, SHOULDER, ELBOW, WRIST, 0.034),
        },
        "LeftArm",
    )
    weights = {name: weight * (1.0 - clavicle) * (1.0 - member) for name, weight in trunk.items()}
    weights["LeftShoulder"] = clavicle * (1.0 - member)
    weights.update({name: weight * member for name, weight in arm.items()})
    # the hem goes along with the thighs
    hem = weights["Hips"] * _thigh(q)
    weights["Hips"] = weights["Hips"] - hem
    result = _both((p[:, 0] > 0).astype(float), weights)
    return result | _both(shapes.smoothstep(p[:, 0], -0.08, 0.08), {"LeftUpLeg": hem})


def _thigh(q: np.ndarray) -> np.ndarray:
    """How far folded points follow the thigh rather than the hips."""
    return shapes.smoothstep(-q[:, 2] + 0.25 * (q[:, 0] - 0.09), -0.985, -0.835)


def trousers_weights(p: np.ndarray) -> dict[str, np.ndarray]:
    """Weights of the trousers on hips and legs."""
    q = shapes.fold(p)
    z = q[:, 2]
    weights = _chain(
        {
            "LeftUpLeg": _thigh(q),
            "LeftLeg": _hinge(q, HIP, KNEE, ANKLE, 0.065),
            "LeftFoot": 0.6 * shapes.smoothstep(-z, -0.115, -0.075),
        },
        "Hips",
    )
    return _both(shapes.smoothstep(p[:, 0], -0.02, 0.02), weights)


def shoe_weights(p: np.ndarray) -> dict[str, np.ndarray]:
    """Weights of the left shoe on shin, foot and toes."""
    return _chain(
        {"LeftFoot": shapes.smoothstep(-p[:, 2], -0.13, -0.07), "LeftToeBase": _hinge(p, ANKLE, BALL, TOE, 0.025)},
        "LeftLeg",
    )


def head_weights(p: np.ndarray) -> dict[str, np.ndarray]:
    """Weights of neck and head."""
    along = p[:, 2] - 0.25 * (p[:, 1] - 0.006)
    return _chain(
        {"Neck": shapes.smoothstep(along, 1.425, 1.470), "Head": shapes.smoothstep(along, 1.505, 1.560)}, "Spine2"
    )


def rigid(bone: str, p: np.ndarray) -> dict[str, np.ndarray]:
    """All weight on one bone."""
    return {bone: np.ones(len(p))}
