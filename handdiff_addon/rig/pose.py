# SPDX-License-Identifier: GPL-3.0-or-later
"""Keypoints of a matched, posed rig."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..request import SIDES, Side
from .bones import Bone
from .families import FAMILIES
from .keypoints import BODY_INDEX, FINGERS, PersonKeypoints
from .matching import RigMatch

TIP_LENGTH = 0.85
"""A fingertip segment's length in lengths of the one before it, where the rig does not say."""
THUMB_TIP_LENGTH = 0.7

NOSE_FROM_EYES = (0.0, 1.5, -1.3)
"""The nose's tip from the point between the eyes: (to the side, forward, up) in half eye distances."""
EAR_FROM_EYES = (2.8, -2.9, -0.8)
# Both measured on MakeHuman's meshes; from eyes they hold for any head bone.


def keypoints(match: RigMatch, pose: Mapping[str, Bone], rest: Mapping[str, Bone], name: str) -> PersonKeypoints:
    """COCO-18 body and two 21-point hands in world space.

    The neck is the midpoint of the shoulders.  A fingertip is the tip bone's head, or the last phalanx's tail, or
    where that makes no sense in the rest pose (importers invent tails for last bones), an extension of the phalanx
    before.  Eyes, ears and nose come from bones, and those that have none from the family's head template.

    Args:
        match: which bone is which.
        pose: the evaluated pose in world space, by bone name.
        rest: the rest pose in world space, by bone name.
        name: the armature's name.
    """
    reader = _Reader(match, pose, rest)
    person = PersonKeypoints(name, np.full((18, 3), np.nan))
    for side in SIDES:
        joints = {
            "shoulder": reader.head(f"{side}_upper_arm"),
            "elbow": reader.head(f"{side}_forearm"),
            "wrist": reader.head(f"{side}_hand", end_of=f"{side}_forearm"),
            "hip": reader.head(f"{side}_thigh"),
            "knee": reader.head(f"{side}_shin"),
            "ankle": reader.head(f"{side}_foot", end_of=f"{side}_shin"),
        }
        for joint, point in joints.items():
            person.body[BODY_INDEX[f"{side}_{joint}"]] = point
        if match.has_hand(side):
            person.hands[side] = reader.hand(side)
    shoulders = [BODY_INDEX["left_shoulder"], BODY_INDEX["right_shoulder"]]
    person.body[BODY_INDEX["neck"]] = person.body[shoulders].mean(axis=0)
    for point_name, point in reader.face().items():
        person.body[BODY_INDEX[point_name]] = point
    return person


class _Reader:
    """Points of one person by canonical bone name."""

    def __init__(self, match: RigMatch, pose: Mapping[str, Bone], rest: Mapping[str, Bone]) -> None:
        self.match = match
        self.pose = {name: pose[bone] for name, bone in match.bones.items()}
        self.rest = {name: rest[bone] for name, bone in match.bones.items()}

    def head(self, name: str, end_of: str = "") -> np.ndarray:
        return self.pose[name].head if name in self.pose else self.pose[end_of].tail

    def carried(self, name: str, point: np.ndarray) -> np.ndarray:
        """Where a point of the rest pose goes when bone ``name`` carries it."""
        local = np.linalg.solve(self.rest[name].matrix, np.append(point, 1.0))
        return (self.pose[name].matrix @ local)[:3]

    def hand(self, side: Side) -> np.ndarray:
        points = [self.pose[f"{side}_hand"].head]
        for finger in FINGERS:
            points += [self.pose[f"{side}_{finger}_{k}"].head for k in (1, 2, 3)]
            points.append(self.tip(f"{side}_{finger}", THUMB_TIP_LENGTH if finger == "thumb" else TIP_LENGTH))
        return np.array(points)

    def tip(self, finger: str, length: float) -> np.ndarray:
        if f"{finger}_tip" in self.pose:
            return self.pose[f"{finger}_tip"].head
        last = self.rest[f"{finger}_3"]
        before = last.head - self.rest[f"{finger}_2"].head
        own = last.tail - last.head
        ratio = np.linalg.norm(own) / np.linalg.norm(before)
        # Trusted within 60 degrees of the phalanx before and at a finger's proportions.
        if 0.3 <= ratio <= 1.6 and own @ before >= 0.5 * np.linalg.norm(own) * np.linalg.norm(before):
            return self.pose[f"{finger}_3"].tail
        return self.carried(f"{finger}_3", last.head + length * before)

    def face(self) -> dict[str, np.ndarray]:
        family = FAMILIES[self.match.family]
        face = {}
        for name in ("nose", *(f"{side}_{part}" for side in SIDES for part in ("eye", "ear"))):
            if name in self.pose:
                face[name] = self.pose[name].tail if name in family.tails else self.pose[name].head
        origin, axes, length = self.head_frame(family.head.length)
        offsets = {"nose": family.head.nose, "eye": family.head.eye, "ear": family.head.ear}
        if "left_eye" in self.rest and "right_eye" in self.rest:
            left, right = self.rest["left_eye"].head, self.rest["right_eye"].head
            origin, length = (left + right) / 2, float(np.linalg.norm(left - right)) / 2
            offsets |= {"nose": NOSE_FROM_EYES, "ear": EAR_FROM_EYES}
        for name in ("nose", *(f"{side}_{part}" for side in SIDES for part in ("eye", "ear"))):
            if name not in face:
                outwards, forward, up = offsets[name.removeprefix("left_").removeprefix("right_")]
                offset = np.array([-outwards if name.startswith("right") else outwards, forward, up])
                face[name] = self.carried("head", origin + length * (offset @ axes))
        return face

    def head_frame(self, length_in_arms: float) -> tuple[np.ndarray, np.ndarray, float]:
        """Origin, axes (rows: to the person's left, forward, up) and unit of the head template in the rest pose."""
        bone = self.rest["head"]
        left = self.rest["left_upper_arm"].head - self.rest["right_upper_arm"].head
        hips = (self.rest["left_thigh"].head + self.rest["right_thigh"].head) / 2
        body_up = _unit(bone.head - hips)
        arm = float(np.linalg.norm(self.rest["left_forearm"].head - self.rest["left_upper_arm"].head))
        up = bone.tail - bone.head
        length = float(np.linalg.norm(up))
        if not 0.4 <= length / arm <= 1.5 or up @ body_up < 0.7 * length:
            up, length = body_up, length_in_arms * arm
        up = _unit(up)
        left = _unit(left - (left @ up) * up)
        return bone.head, np.stack([left, np.cross(left, up), up]), length


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)
