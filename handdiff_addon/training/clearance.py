# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether arms keep clear of the body and of each other, reach what they are to touch, and hold gestures as meant."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..request import SIDES, Side
from ..rig.gestures import GESTURES
from .arm_poses import FACING
from .build import Build
from .poses import ArmPose, HandShape, SolvedArm, hand_points, solve_arm

_RADII = np.array([0.040, 0.040, 0.036, 0.032, 0.028, 0.020, 0.018, 0.010])
"""Of the arm at the points of :func:`_arm_points`, metres"""
_HAND = 5
"""From here on those points lie on the hand"""
_TOUCHING = ("folded", "clapping", "praying")
"""Both hands at once, made to touch; crossed arms lie on each other as a whole"""


def clash(arms: Mapping[Side, ArmPose], hands: Mapping[Side, HandShape], build: Build) -> float:
    """How deep arms go into the body or each other, or how far they miss what they are to touch, metres.

    0 or less where all is well, infinite where a gesture is not held as it must be.
    """
    solved = {side: solve_arm(arms[side], build, side, hands[side]) for side in SIDES}
    if any(_misheld(solved[side], arms[side], hands[side], build, side) for side in SIDES):
        return np.inf
    points = {side: _arm_points(solved[side], hands[side], build, side) for side in SIDES}
    worst = max(float((build.depth(points[side]) + _RADII).max()) for side in SIDES)
    worst = max([worst, *(solved[side].miss for side in SIDES if arms[side].anchor != "wrist")])
    if arms["left"].place == "crossed":
        return worst
    between = np.linalg.norm(points["left"][:, None] - points["right"][None], axis=2)
    near = _RADII[:, None] + _RADII[None] - between
    if arms["left"].place in _TOUCHING:
        near[_HAND:, _HAND:] = -1.0
    return max(worst, float(near.max()))


def _misheld(solved: SolvedArm, arm: ArmPose, hand: HandShape, build: Build, side: Side) -> bool:
    """Whether an arm's limits turn a gesture into another one."""
    if hand.name not in FACING or arm.place not in ("raised", "front"):
        return False
    mirror = (1.0 if side == "left" else -1.0, 1.0, 1.0)
    palm, wanted = (solved.hand @ build.hand(side))[:, 2], np.array(GESTURES[hand.name].palm) * mirror
    return float(palm @ wanted) < 0.6


def _arm_points(arm: SolvedArm, hand: HandShape, build: Build, side: Side) -> np.ndarray:
    """(8, 3) elbow, along the forearm, wrist, palm, knuckles and fingertips, as (left, up, forward)."""
    forearm = [arm.elbow + share * (arm.wrist - arm.elbow) for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
    return np.array([*forearm, *hand_points(arm, build, side, hand)])
