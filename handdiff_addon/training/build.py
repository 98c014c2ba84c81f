# SPDX-License-Identifier: GPL-3.0-or-later
"""A person's build: where shoulders, chest, hips and face are, and how far the body reaches around its middle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..request import SIDES, Side
from ..rig.bones import Bone
from ..rig.fingers import hand_frame
from ..rig.rotations import across, unit

_SLICE = 0.02
"""Height of a slice through the body, metres"""
_ARM = 0.52
"""Length of an adult's arm without the hand, metres"""


def body_frame(rest: Mapping[str, Bone]) -> np.ndarray:
    """(3, 3) columns left, up, forward of the person at rest, in armature space."""
    up = unit(rest["neck"].head - rest["hips"].head)
    left = across(rest["left_upper_arm"].head - rest["right_upper_arm"].head, up)
    return np.stack([left, up, np.cross(left, up)], axis=1)


@dataclass(frozen=True)
class Build:
    """A person at rest.  Points are (left, up, forward) in metres, from the armature's origin in the body's frame."""

    rest: Mapping[str, Bone]
    """Canonical bones at rest, in armature space; five fingers on each hand"""
    frame: np.ndarray
    """(3, 3) columns left, up, forward, in armature space"""
    slices: np.ndarray
    """(K, 4) of the body without arms, from below: up, half width, back, front"""
    nose: np.ndarray
    """(3,) its tip"""

    @classmethod
    def measure(cls, rest: Mapping[str, Bone], body: np.ndarray) -> Build:
        """A build from what is known of a person.

        Args:
            rest: canonical bones at rest, in armature space.
            body: (N, 3) points all over the skin and the clothes without the arms, at rest, in armature space.
        """
        frame = body_frame(rest)
        points = body @ frame
        head = points[points[:, 1] > (rest["head"].head @ frame)[1]]
        low, high = points[:, 1].min(), points[:, 1].max()
        rows = []
        for up in np.arange(low, high, _SLICE):
            within = points[np.abs(points[:, 1] - up) <= 0.75 * _SLICE]
            if len(within) >= 6:
                wide = np.quantile(np.abs(within[:, 0]), 0.97)
                rows.append((up, wide, *np.quantile(within[:, 2], (0.02, 0.98))))
        return cls(rest, frame, np.array(rows), head[int(np.argmax(head[:, 2]))])

    def local(self, point: np.ndarray) -> np.ndarray:
        """Armature space to (left, up, forward)."""
        return point @ self.frame

    def hand(self, side: Side) -> np.ndarray:
        """(3, 3) columns of the hand at rest: along the fingers, to the thumb's side, out of the palm; body's frame."""
        return self.frame.T @ hand_frame(self.rest, side)

    @property
    def shoulder(self) -> np.ndarray:
        """(outward, up, forward) of the shoulder joints"""
        return np.abs(self.local(self.rest["left_upper_arm"].head)) * (1, 1, 0) + (
            0,
            0,
            float(np.mean([self.local(self.rest[f"{side}_upper_arm"].head)[2] for side in SIDES])),
        )

    @property
    def arm(self) -> float:
        """Length of the arm without the hand"""
        joints = [self.rest[f"left_{name}"].head for name in ("upper_arm", "forearm", "hand")]
        return float(sum(np.linalg.norm(np.diff(joints, axis=0), axis=1)))

    @property
    def scale(self) -> float:
        """1 for an adult of average size"""
        return self.arm / _ARM

    @property
    def hips(self) -> float:
        """Height of the hip joints"""
        return float(self.local(self.rest["left_thigh"].head)[1])

    @property
    def waist(self) -> float:
        return self.hips + 0.35 * (float(self.shoulder[1]) - self.hips)

    @property
    def chest(self) -> float:
        """Height of the breastbone's middle"""
        return self.hips + 0.80 * (float(self.shoulder[1]) - self.hips)

    def half_width(self, up: float) -> float:
        return float(np.interp(up, self.slices[:, 0], self.slices[:, 1]))

    def back(self, up: float) -> float:
        return float(np.interp(up, self.slices[:, 0], self.slices[:, 2]))

    def middle(self, up: float) -> float:
        return (self.back(up) + float(np.interp(up, self.slices[:, 0], self.slices[:, 3]))) / 2

    def front(self, up: float, sideways: float) -> float:
        """How far forward the body reaches at a height, ``sideways`` from its midline."""
        deepest = float(np.interp(up, self.slices[:, 0], self.slices[:, 3]))
        share = min(abs(sideways) / self.half_width(up), 0.95)
        return self.middle(up) + (deepest - self.middle(up)) * float(np.sqrt(1.0 - share**2))

    def depth(self, points: np.ndarray) -> np.ndarray:
        """(N,) how deep points (N, 3) lie inside the body, metres; negative outside."""
        up = points[:, 1]
        half, back, front = (np.interp(up, self.slices[:, 0], self.slices[:, column]) for column in (1, 2, 3))
        middle, reach = (back + front) / 2, (front - back) / 2
        radius = np.hypot(points[:, 0] / half, (points[:, 2] - middle) / reach)
        inside = (1.0 - radius) * np.minimum(half, reach)
        beyond = np.maximum(up - self.slices[-1, 0], self.slices[0, 0] - up)
        return np.where(beyond > 0, -np.maximum(beyond, -inside), inside)
