# SPDX-License-Identifier: GPL-3.0-or-later
"""Capsules around a person's keypoints: where the flesh is, when no mesh says so.

Lengths scale with the person's arms, so that children and giants fit alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..request import SIDES, Side
from ..rig.keypoints import BODY_INDEX, FINGERS, PersonKeypoints

_ARM = 0.26
"""Metres from shoulder to elbow of the adult that all radii are given for"""
_FINGER, _ROOT, _PALM, _STUMP = 0.016, 0.022, 0.028, 0.045
"""Beyond the skin by a little, so that all of it lies inside"""
_SIDES, _RINGS = 16, 4
"""Corners around a capsule's mesh, and rings of each cap"""


@dataclass(frozen=True)
class Capsules:
    """Cylinders with round ends, in world space (metres)."""

    starts: np.ndarray
    """(S, 3)"""
    ends: np.ndarray
    """(S, 3)"""
    radii: np.ndarray
    """(S,)"""

    def offsets(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Each point's nearest capsule (N,), by distance in radii, and its offset (N, 3) from that capsule's axis, in
        radii: shorter than 1 inside."""
        axis = self.ends - self.starts
        long = np.maximum((axis**2).sum(axis=1), 1e-18)
        relative = points[:, None] - self.starts
        along = np.clip((relative * axis).sum(axis=2) / long, 0.0, 1.0)
        offset = (relative - along[..., None] * axis) / self.radii[:, None]
        nearest = (offset**2).sum(axis=2).argmin(axis=1)
        return nearest, offset[np.arange(len(points)), nearest]

    def contain(self, points: np.ndarray) -> np.ndarray:
        """Which of the points (N, 3) lie in one of the capsules, bool (N,)."""
        inside = np.zeros(len(points), dtype=bool)
        if not len(self.radii):
            return inside
        reach = self.radii[:, None]
        low = np.minimum(self.starts, self.ends) - reach
        high = np.maximum(self.starts, self.ends) + reach
        near = np.flatnonzero(((points >= low.min(axis=0)) & (points <= high.max(axis=0))).all(axis=1))
        for chunk in np.array_split(near, len(near) // 8192 + 1):
            inside[chunk] = np.linalg.norm(self.offsets(points[chunk])[1], axis=1) <= 1.0
        return inside

    def mesh(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The capsules as closed meshes: vertices (N, 3), their unit normals (N, 3) and triangles (M, 3) int32."""
        circle = np.linspace(0.0, 2 * np.pi, _SIDES, endpoint=False)
        bow = np.linspace(0.0, np.pi / 2, _RINGS + 1)
        # Rings from the start's pole to the end's: how far out, and how far beyond the start or the end.
        out = np.concatenate([np.sin(bow), np.cos(bow)])
        beyond = np.concatenate([-np.cos(bow), np.sin(bow)])
        at_end = np.repeat([0.0, 1.0], _RINGS + 1)
        axis = self.ends - self.starts
        length = np.linalg.norm(axis, axis=1, keepdims=True)
        along = np.where(length > 1e-9, axis / np.maximum(length, 1e-9), (0.0, 0.0, 1.0))
        aside = np.cross(along, np.eye(3)[np.abs(along).argmin(axis=1)])
        aside /= np.linalg.norm(aside, axis=1, keepdims=True)
        third = np.cross(along, aside)
        around = np.cos(circle)[:, None] * aside[:, None] + np.sin(circle)[:, None] * third[:, None]  # (S, sides, 3)
        normals = beyond[:, None, None] * along[:, None, None] + out[:, None, None] * around[:, None]
        middles = self.starts[:, None, None] + at_end[:, None, None] * axis[:, None, None]
        vertices = middles + self.radii[:, None, None, None] * normals
        ring, corner = np.meshgrid(np.arange(2 * _RINGS + 1), np.arange(_SIDES), indexing="ij")
        a, b = ring * _SIDES + corner, ring * _SIDES + (corner + 1) % _SIDES
        faces = np.stack([a, b, b + _SIDES, a, b + _SIDES, a + _SIDES], axis=-1).reshape(-1, 3)
        per_capsule = 2 * (_RINGS + 1) * _SIDES
        triangles = faces + per_capsule * np.arange(len(self.radii))[:, None, None]
        return vertices.reshape(-1, 3), normals.reshape(-1, 3), triangles.reshape(-1, 3).astype(np.int32)

    def grown(self, factor: float) -> Capsules:
        """The same with larger radii."""
        return Capsules(self.starts, self.ends, self.radii * factor)


def size_of(person: PersonKeypoints) -> float:
    """How large a person is in sizes of the adult that radii are given for, by the upper arms."""
    arms = [person.body[BODY_INDEX[f"{side}_elbow"]] - person.body[BODY_INDEX[f"{side}_shoulder"]] for side in SIDES]
    return float(np.nanmean(np.linalg.norm(arms, axis=1))) / _ARM


def hand_capsules(person: PersonKeypoints, side: Side) -> Capsules:
    """The hand from the wrist to the fingertips, of the fingers that are there; without any, a stump or mitten."""
    unit = size_of(person)
    points = person.hands[side]
    elbow, wrist = (person.body[BODY_INDEX[f"{side}_{joint}"]] for joint in ("elbow", "wrist"))
    found = []
    for finger in range(len(FINGERS)):
        joints = points[1 + 4 * finger : 5 + 4 * finger]
        joints = joints[np.isfinite(joints).all(axis=1)]
        radii = [_PALM, _ROOT, _FINGER, _FINGER]
        if finger == FINGERS.index("thumb"):
            radii[1] = _PALM
        found += list(zip([wrist, *joints[:-1]], joints, radii, strict=False))
    # Across the palm, from knuckle to knuckle
    knuckles = [points[1 + 4 * finger] for finger in range(1, len(FINGERS))]
    knuckles = [knuckle for knuckle in knuckles if np.isfinite(knuckle).all()]
    found += [(one, other, _PALM) for one, other in pairwise(knuckles)]
    if not found:
        found = [(wrist, wrist + 0.5 * (wrist - elbow), _STUMP)]
    return _made(found, unit)


def body_capsules(person: PersonKeypoints) -> Capsules:
    """Head, trunk and limbs without the hands."""
    unit = size_of(person)

    def joint(name: str) -> np.ndarray:
        return person.body[BODY_INDEX[name]]

    neck = joint("neck")
    hips = (joint("left_hip") + joint("right_hip")) / 2
    up = (neck - hips) / max(float(np.linalg.norm(neck - hips)), 1e-9)
    head = (joint("left_ear") + joint("right_ear")) / 2
    found = [
        (neck, head, 0.055),
        (head - 0.03 * unit * up, head + 0.04 * unit * up, 0.09),
        (joint("left_shoulder"), joint("right_shoulder"), 0.065),
        (joint("left_hip"), joint("right_hip"), 0.1),
        (neck - 0.1 * unit * up, hips, 0.115),
    ]
    found += _arms(person)
    for side in SIDES:
        found += [
            (0.8 * joint(f"{side}_shoulder") + 0.2 * neck - 0.06 * unit * up, joint(f"{side}_hip"), 0.095),
            (joint(f"{side}_hip"), joint(f"{side}_knee"), 0.08),
            (joint(f"{side}_knee"), joint(f"{side}_ankle"), 0.055),
        ]
    return _made(found, unit)


def arm_capsules(person: PersonKeypoints) -> Capsules:
    """Both arms from shoulder to wrist, as :func:`body_capsules` has them too."""
    return _made(_arms(person), size_of(person))


def _arms(person: PersonKeypoints) -> list[tuple[np.ndarray, np.ndarray, float]]:
    found = []
    for side in SIDES:
        shoulder, elbow, wrist = (person.body[BODY_INDEX[f"{side}_{name}"]] for name in ("shoulder", "elbow", "wrist"))
        found += [(shoulder, elbow, 0.05), (elbow, wrist, 0.035)]
    return found


def _made(found: list[tuple[np.ndarray, np.ndarray, float]], unit: float) -> Capsules:
    known = [(start, end, radius) for start, end, radius in found if np.isfinite([start, end]).all()]
    return Capsules(
        np.array([start for start, _, _ in known]).reshape(-1, 3),
        np.array([end for _, end, _ in known]).reshape(-1, 3),
        np.array([radius for _, _, radius in known]) * unit,
    )
