# SPDX-License-Identifier: GPL-3.0-or-later
"""Keypoints as places in the spaces of bones, which carry them through every pose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..request import SIDES, Side
from .bones import Bone
from .keypoints import BODY, BODY_INDEX, FACE, FINGERS, HAND, PersonKeypoints
from .overrides import BoneEnd

_PER_SIDE = (len(HAND), len(HAND), len(FINGERS) - 1)
_ROWS = (len(BODY), *_PER_SIDE * len(SIDES), len(FACE))
FACE_ROW = sum(_ROWS) - len(FACE)

_VOTERS = ("nose", "left_shoulder", "right_shoulder", "left_hip", "right_hip")
"""Points whose bones tell whether a person is mirrored as a whole"""


def hand_rows(side: Side) -> tuple[int, int, int]:
    """Where a hand's points, their directions out of its back, and its metacarpals begin."""
    first = len(BODY) + SIDES.index(side) * sum(_PER_SIDE)
    return first, first + len(HAND), first + 2 * len(HAND)


@dataclass(frozen=True)
class Attachment:
    """All keypoints of one person, fixed to bones.

    Rows: body, then for either side hand, backs and metacarpals, then face, as in ``PersonKeypoints``.
    """

    bones: tuple[str, ...]
    """Names of the bones that carry keypoints"""
    carrier: np.ndarray
    """(N,) index of each row's bone, -1 where the rig has no such point"""
    local: np.ndarray
    """(N, 4) homogeneous, in the bone's space"""
    neck_between_shoulders: bool

    def place(self, matrices: np.ndarray, name: str) -> PersonKeypoints:
        """The keypoints of a pose, left and right being the person's own even where a negative scale mirrors it.

        What hangs from bones that are scaled to nothing or not finite is absent.

        Args:
            matrices: (bones, 4, 4) each bone's space to world, in the order of ``bones``.
            name: the armature's name.
        """
        finite, whole = np.isfinite(matrices).all(axis=(1, 2)), whole_bones(matrices)
        # A joint of the body still is where its bone begins, even if nothing is left of that bone.
        body_row = np.arange(len(self.carrier)) < len(BODY)
        known = (self.carrier >= 0) & np.where(body_row, finite[self.carrier], whole[self.carrier])
        rows = np.full((len(known), 3), np.nan)
        rows[known] = np.einsum("nij,nj->ni", matrices[self.carrier[known], :3], self.local[known])
        body, *hands, face = np.split(rows, np.cumsum(_ROWS)[:-1])
        if self.neck_between_shoulders:
            body[BODY_INDEX["neck"]] = (body[BODY_INDEX["left_shoulder"]] + body[BODY_INDEX["right_shoulder"]]) / 2
        points, backs, metacarpals = (dict(zip(SIDES, hands[part :: len(_PER_SIDE)])) for part in range(3))
        backs = {side: _units(directions) for side, directions in backs.items()}
        person = PersonKeypoints(name, body, points, face, backs, metacarpals)
        return person.mirrored() if self.is_mirrored(matrices) else person

    def is_mirrored(self, matrices: np.ndarray) -> bool:
        """Whether a negative scale, of the object or of bones, mirrors the person as a whole.

        Args:
            matrices: as :meth:`place` takes them.
        """
        voters = [index for name in _VOTERS if (index := self.carrier[BODY_INDEX[name]]) >= 0]
        turned = np.linalg.det(np.nan_to_num(matrices[voters, :3, :3], posinf=0.0, neginf=0.0))
        return bool((turned < 0).sum() > (turned > 0).sum())


def whole_bones(matrices: np.ndarray) -> np.ndarray:
    """Which bones have a place and a size: bool (N,), false where a matrix is not finite or scales to nothing.

    Args:
        matrices: (N, 4, 4)
    """
    finite = np.isfinite(matrices).all(axis=(1, 2))
    size = np.zeros(len(matrices))
    size[finite] = np.abs(matrices[finite, :3, :3]).max(axis=(1, 2))
    return size > 1e-5 * (np.median(size[size > 0]) if (size > 0).any() else 1.0)


class Builder:
    """Makes an :class:`Attachment` from places in the rest pose."""

    def __init__(self, rest: Mapping[str, Bone]) -> None:
        self._rest = rest
        self._bones: dict[str, int] = {}
        self._carrier = np.full(sum(_ROWS), -1)
        self._at = np.full((sum(_ROWS), 4), np.nan)

    def point(self, row: int, bone: str, at: np.ndarray) -> None:
        """Fix a row to a bone; ``at`` (3,) is its place in the rest pose."""
        self._set(row, bone, at, 1.0)

    def end(self, row: int, place: BoneEnd | None) -> None:
        """Fix a row to the end of a bone; None changes nothing."""
        if place is not None:
            self.point(row, place.bone, end_of(self._rest, place))

    def direction(self, row: int, bone: str, along: np.ndarray) -> None:
        """Fix a direction (3,) of the rest pose to a bone."""
        self._set(row, bone, along, 0.0)

    def points(self, start: int, count: int) -> tuple[np.ndarray, list[str]]:
        """Rows' places in the rest pose, (count, 3), and the bones that carry them, empty for rows that have none."""
        names = [*self._bones, ""]
        return self._at[start : start + count, :3].copy(), [names[i] for i in self._carrier[start : start + count]]

    def clear(self, start: int, count: int) -> None:
        """Let rows be absent."""
        self._carrier[start : start + count] = -1

    def finish(self, *, neck_between_shoulders: bool) -> Attachment:
        known = self._carrier >= 0
        local = np.zeros_like(self._at)
        if known.any():
            inverse = np.linalg.inv(np.stack([self._rest[name].matrix for name in self._bones]))
            local[known] = np.einsum("nij,nj->ni", inverse[self._carrier[known]], self._at[known])
        return Attachment(tuple(self._bones), self._carrier, local, neck_between_shoulders)

    def _set(self, row: int, bone: str, at: np.ndarray, weight: float) -> None:
        self._carrier[row] = self._bones.setdefault(bone, len(self._bones))
        self._at[row] = *at, weight


def end_of(bones: Mapping[str, Bone], place: BoneEnd) -> np.ndarray:
    """Where a bone's end is, (3,)."""
    bone = bones[place.bone]
    return bone.head if place.end == "head" else bone.tail


def _units(directions: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(directions, axis=1, keepdims=True)
    return directions / np.where(lengths > 0, lengths, np.nan)
