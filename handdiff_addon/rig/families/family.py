# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rig family's data module says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ...request import SIDES
from ..bones import PARENTS


@dataclass(frozen=True)
class HeadTemplate:
    """Where the face's keypoints lie, from the head bone's head, in units of its length: (to the side, forward, up).

    Up runs along the bone, forward to the face, the side outwards; the nose lies in the middle.
    """

    nose: tuple[float, float, float]
    eye: tuple[float, float, float]
    ear: tuple[float, float, float]
    length: float
    """The head bone's length in upper-arm lengths, for rigs whose head bone has no trustworthy tail."""


@dataclass(frozen=True)
class Family:
    """One way of naming a humanoid's bones."""

    name: str
    label: str
    """As the user knows it"""
    bones: Mapping[str, tuple[str, ...]]
    """Canonical name to the names used for it, most telling first; every rig may put one prefix before them all"""
    head: HeadTemplate
    tails: frozenset[str] = field(default_factory=frozenset)
    """Canonical bones whose tail is the keypoint, where others have it at the head."""
    layers: tuple[str, ...] = ()
    """Prefixes of parallel copies of the skeleton; a copy's bone stands for its namesake in the order of parents."""
    metacarpal_first: bool = False
    """A finger's four bones may be the metacarpal and the phalanges, not the phalanges and the tip."""
    marks: tuple[str, ...] = ()
    """Bones that give no keypoint and that tell this family from one with nearly the same names."""


PINKY = {"thumb": "thumb", "index": "index", "middle": "middle", "ring": "ring", "little": "pinky"}
"""Most rigs' words for the fingers"""


def phalanges(pattern: str, fingers: Mapping[str, str], joints: Sequence[str] = ("1", "2", "3")) -> dict[str, str]:
    """Names of finger bones for :func:`both_sides`.

    Args:
        pattern: the rig's name, with ``{finger}`` and ``{joint}`` in it.
        fingers: canonical finger to the rig's word for it.
        joints: the rig's words for a finger's first, second and third bone.
    """
    return {
        f"{finger}_{number}": pattern.replace("{finger}", word).replace("{joint}", joint)
        for finger, word in fingers.items()
        for number, joint in enumerate(joints, 1)
    }


def tips(pattern: str, fingers: Mapping[str, str]) -> dict[str, str]:
    """Names of the bones at the fingers' ends, likewise."""
    return {f"{finger}_tip": pattern.replace("{finger}", word) for finger, word in fingers.items()}


def both_sides(names: Mapping[str, str], sides: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Spell out a family's names.

    Args:
        names: canonical name, or canonical name without its side, to the rig's names, separated by ``|`` and with
            ``{side}`` where the rig writes the side.
        sides: what the rig writes for ``left`` and ``right``.
    """
    spelt: dict[str, tuple[str, ...]] = {}
    for canonical, pattern in names.items():
        if canonical in PARENTS:
            spelt[canonical] = tuple(pattern.split("|"))
        else:
            for side in SIDES:
                spelt[f"{side}_{canonical}"] = tuple(pattern.replace("{side}", sides[side]).split("|"))
    return spelt
