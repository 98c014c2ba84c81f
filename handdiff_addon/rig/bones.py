# SPDX-License-Identifier: GPL-3.0-or-later
"""The canonical humanoid: bone names that every rig family is matched to, and a bone's place in the world.

Names are ``hips, spine, chest, neck, head, nose`` and, per side, ``left_`` or ``right_`` with ``clavicle, upper_arm,
forearm, hand, thigh, shin, foot, toe, eye, ear`` and the fingers ``thumb_1`` to ``thumb_3`` (base to tip; the thumb's
first is its metacarpal) with an optional ``thumb_tip``, likewise ``index, middle, ring, little``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..request import SIDES
from .keypoints import FINGERS


@dataclass(frozen=True)
class Bone:
    """One bone in world space."""

    name: str
    parent: str | None
    head: np.ndarray
    """(3,) metres"""
    tail: np.ndarray
    """(3,) metres"""
    matrix: np.ndarray
    """(4, 4) bone's own space to world, with the object's scale; origin at the head"""
    deform: bool = True
    """Whether it moves skin; controls and helpers do not"""


TIP_LENGTH = 0.85
"""A fingertip segment's length in lengths of the one before it, where the rig does not say."""


def fingertip(before: Bone, last: Bone, length: float = TIP_LENGTH, longest: float = 1.6) -> np.ndarray:
    """(3,) where a finger ends: at its last bone's tail, or where importers invented that, on from the phalanx before.

    A tail is trusted within 60 degrees of the phalanx before, and from 0.3 to ``longest`` times as far; else the tip
    is ``length`` times as far.
    """
    phalanx, own = last.head - before.head, last.tail - last.head
    before_length, own_length = np.linalg.norm(phalanx), np.linalg.norm(own)
    straight = own @ phalanx >= 0.5 * own_length * before_length
    if straight and 0.3 * before_length <= own_length <= longest * before_length:
        return last.tail
    return last.head + length * phalanx


def _parents() -> dict[str, str | None]:
    parents: dict[str, str | None] = {
        "hips": None, "spine": "hips", "chest": "spine", "neck": "chest", "head": "neck", "nose": "head",
    }  # fmt: skip
    for side in SIDES:
        chain = {"clavicle": "chest", "thigh": "hips", "eye": "head", "ear": "head"}
        parents |= {f"{side}_{name}": parent for name, parent in chain.items()}
        chain = {
            "upper_arm": "clavicle", "forearm": "upper_arm", "hand": "forearm",
            "shin": "thigh", "foot": "shin", "toe": "foot",
        }  # fmt: skip
        for finger in FINGERS:
            chain |= {
                f"{finger}_1": "hand", f"{finger}_2": f"{finger}_1", f"{finger}_3": f"{finger}_2",
                f"{finger}_tip": f"{finger}_3",
            }  # fmt: skip
        parents |= {f"{side}_{name}": f"{side}_{parent}" for name, parent in chain.items()}
    return parents


PARENTS = _parents()
"""Every canonical bone and the canonical bone it hangs from."""

REQUIRED = (
    "head",
    *(f"{side}_{name}" for side in SIDES for name in ("upper_arm", "forearm", "thigh", "shin")),
)
"""Bones without which an armature is no humanoid."""


def other_side(name: str) -> str:
    """The canonical name on the other side of the body; names of the middle stay."""
    side, _, rest = name.partition("_")
    return f"{SIDES[1 - SIDES.index(side)]}_{rest}" if side in SIDES else name
