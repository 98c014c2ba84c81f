# SPDX-License-Identifier: GPL-3.0-or-later
"""Faces: OpenPose's 70 points on rigs whose face bones have known names, and a template for heads without any.

A known face is data: for each point the bone that carries it and where it lies in the rest pose, as a mean of places
along bones.  Layout of the points: ``keypoints.FACE``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from ..request import SIDES
from .bones import Bone
from .families import FAMILIES
from .keypoints import FACE_ACROSS
from .matching import RigMatch

Places = tuple[tuple[str, float | None], ...]
"""Bones, and how far along each: 0 is the head, 1 the tail.  The first one carries the point; where its share is None,
it does no more than that."""


@dataclass(frozen=True)
class FaceRig:
    """How one kind of rig names the bones of a face."""

    prefixes: tuple[str, ...]
    """What may stand before every name, best first"""
    points: Mapping[int, Places]
    """Face point to its places; points that the rig cannot tell are left out"""


def _both_sides(right: Mapping[int, Places]) -> dict[int, Places]:
    """A whole face from its middle and its right half, whose bones carry an ``R`` between dots."""

    def left(places: Places) -> Places:
        return tuple((".".join("L" if part == "R" else part for part in name.split(".")), at) for name, at in places)

    return {**{FACE_ACROSS[index]: left(places) for index, places in right.items()}, **right}


# The bones of Rigify's human run along a face's features, as one line each for either lip, lid and brow.
_RIGIFY = FaceRig(
    prefixes=("DEF-", "ORG-", ""),
    points=_both_sides(
        {
            # From beside the ear down to the jaw's angle, then to the chin.
            0: (("jaw.R", 0.0),),
            1: (("jaw.R", 1 / 3),),
            2: (("jaw.R", 2 / 3),),
            3: (("jaw.R", 1.0),),
            4: (("jaw.R.001", 1 / 3),),
            5: (("jaw.R.001", 2 / 3),),
            6: (("jaw.R.001", 1.0),),
            7: (("jaw", 1.0), ("jaw.R.001", 1.0)),
            8: (("jaw", 1.0),),
            # Brow, from the outside inwards.
            17: (("brow.T.R.001", 0.0),),
            18: (("brow.T.R.001", 0.5),),
            19: (("brow.T.R.001", 1.0),),
            20: (("brow.T.R.002", 0.5),),
            21: (("brow.T.R.002", 1.0),),
            # Nose: its bridge from between the eyes to the tip, then its base from the right wing to the left.
            27: (("nose", 0.0),),
            28: (("nose", 0.5),),
            29: (("nose", 1.0),),
            30: (("nose.001", 1.0),),
            31: (("nose.R", 1.0),),
            32: (("nose.R", 1.0), ("nose.003", 1.0)),
            33: (("nose.003", 1.0),),
            # Eye: outer corner, upper lid, inner corner, lower lid.
            36: (("lid.T.R", 0.0),),
            37: (("lid.T.R.001", 0.6),),
            38: (("lid.T.R.002", 1.0),),
            39: (("lid.T.R.003", 1.0),),
            40: (("lid.B.R.001", 0.25),),
            41: (("lid.B.R.002", 0.35),),
            68: (("eye.R", 1.0),),
            # Lips: the bones' line is the outer one; the inner one lies, with the mouth shut, midway between the two.
            48: (("lip.T.R.001", 1.0),),
            49: (("lip.T.R.001", 0.0),),
            50: (("lip.T.R", 0.5),),
            51: (("lip.T.R", 0.0),),
            57: (("lip.B.R", 0.0),),
            58: (("lip.B.R", 0.5),),
            59: (("lip.B.R.001", 0.0),),
            60: (("lip.T.R.001", 0.75), ("lip.B.R.001", 0.75)),
            61: (("lip.T.R", 0.6), ("lip.B.R", 0.6)),
            62: (("nose.004", None), ("lip.T.R", 0.0), ("lip.B.R", 0.0)),
            66: (("chin.001", None), ("lip.T.R", 0.0), ("lip.B.R", 0.0)),
            67: (("lip.B.R", 0.6), ("lip.T.R", 0.6)),
        }
    ),
)

FACE_RIGS = (_RIGIFY,)


def face_places(bones: Collection[str]) -> dict[int, Places]:
    """Where the face's points lie on a rig, by its own bone names; empty where its face bones are not known."""
    return max((dict(_found(rig, bones)) for rig in FACE_RIGS), key=len)


def _found(rig: FaceRig, bones: Collection[str]) -> Iterator[tuple[int, Places]]:
    for index, places in rig.points.items():
        named = [next((p + name for p in rig.prefixes if p + name in bones), None) for name, _ in places]
        if None not in named:
            yield index, tuple((str(name), at) for name, (_, at) in zip(named, places))


NOSE_FROM_EYES = (0.0, 1.5, -1.3)
"""The nose's tip from the point between the eyes: (to the side, forward, up) in half eye distances."""
EAR_FROM_EYES = (2.8, -2.9, -0.8)
# Both measured on MakeHuman's meshes; from eyes they hold for any head bone.


def head_points(match: RigMatch, rest: Mapping[str, Bone]) -> dict[str, np.ndarray]:
    """Nose, eyes and ears in the rest pose as the head's template has them, (3,) each; none where nothing tells which
    way the head faces.

    Args:
        match: which bone is which.
        rest: every bone at rest, by its name.
    """
    family = FAMILIES[match.family]
    ends = {name: rest[bone].tail if name in family.tails else rest[bone].head for name, bone in match.bones.items()}
    frame = _head_frame(match, rest, ends, family.head.length)
    if frame is None:
        return {}
    origin, axes, length = frame
    offsets = {"nose": family.head.nose, "eye": family.head.eye, "ear": family.head.ear}
    if "left_eye" in match.bones and "right_eye" in match.bones:
        left, right = (rest[match.bones[f"{side}_eye"]].head for side in SIDES)
        origin, length = (left + right) / 2, float(np.linalg.norm(left - right)) / 2
        offsets |= {"nose": NOSE_FROM_EYES, "ear": EAR_FROM_EYES}
    points = {}
    for name in ("nose", *(f"{side}_{part}" for side in SIDES for part in ("eye", "ear"))):
        outwards, forward, up = offsets[name.split("_")[-1]]
        points[name] = origin + length * (np.array([-outwards if "right" in name else outwards, forward, up]) @ axes)
    return points


def _head_frame(
    match: RigMatch, rest: Mapping[str, Bone], ends: Mapping[str, np.ndarray], length_in_arms: float
) -> tuple[np.ndarray, np.ndarray, float] | None:
    """Origin, axes (rows: to the person's left, forward, up) and unit of the head template in the rest pose."""

    def across(names: tuple[str, ...]) -> list[tuple[np.ndarray, np.ndarray]]:
        pairs = [tuple(ends.get(f"{side}_{name}") for side in SIDES) for name in names]
        return [(left, right) for left, right in pairs if left is not None and right is not None]

    elbows = [side for side in SIDES if f"{side}_forearm" in ends and f"{side}_upper_arm" in ends]
    arms = [float(np.linalg.norm(ends[f"{side}_forearm"] - ends[f"{side}_upper_arm"])) for side in elbows]
    sides, hips = across(("upper_arm", "clavicle", "eye", "thigh")), across(("thigh",))
    arm = max(arms, default=0.0)
    if "head" not in match.bones or not (arm and sides and hips):
        return None
    bone = rest[match.bones["head"]]
    left = sides[0][0] - sides[0][1]
    body_up = _unit(bone.head - (hips[0][0] + hips[0][1]) / 2)
    up = bone.tail - bone.head
    length = float(np.linalg.norm(up))
    if not 0.4 <= length / arm <= 1.5 or up @ body_up < 0.7 * length:
        up, length = body_up, length_in_arms * arm
    up = _unit(up)
    left = _unit(left - (left @ up) * up)
    return bone.head, np.stack([left, np.cross(left, up), up]), length


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)
