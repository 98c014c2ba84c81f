# SPDX-License-Identifier: GPL-3.0-or-later
"""Keypoints of a matched, posed rig: which bone gives which point, and what stands in where the rig has none."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..request import SIDES, Side
from .attachment import FACE_ROW, Attachment, Builder, hand_rows
from .bones import TIP_LENGTH, Bone, fingertip
from .face import face_places, head_points
from .families import FAMILIES
from .keypoints import BODY, BODY_INDEX, FACE, FINGERS, HAND
from .matching import RigMatch
from .overrides import BoneEnd

THUMB_TIP_LENGTH = 0.7
"""A thumb's tip segment in lengths of the one before it; :data:`TIP_LENGTH` is a finger's."""
LAST_OF_TWO_LENGTH = 1.2
"""The same for a finger of two phalanges, whose last one stands for two."""
DIP_OF_TWO = 0.6
"""Where on its last phalanx the joint lies that a finger of two lacks."""
THUMB_BASE = 0.55
"""Where a thumb without metacarpal begins, between wrist and knuckle."""

_JOINTS = {
    "shoulder": ("upper_arm", "clavicle"), "elbow": ("forearm", "upper_arm"), "wrist": ("hand", "forearm"),
    "hip": ("thigh", ""), "knee": ("shin", "thigh"), "ankle": ("foot", "shin"),
}  # fmt: skip
"""The bone that begins at each joint, and the one that ends there, for limbs that go no further."""


def source(match: RigMatch, keypoint: str) -> BoneEnd | None:
    """The bone end that gives a keypoint; None where the rig has none, so that the point is told from others or absent.

    Face points are overridden ones only.
    """
    if keypoint in match.overrides:
        return match.overrides[keypoint]
    side, _, part = keypoint.partition("_")
    begins, ends = keypoint, ""
    if part in _JOINTS:
        begins, ends = (f"{side}_{bone}" for bone in _JOINTS[part])
    elif part.endswith("_tip"):
        phalanges = [f"{keypoint.removesuffix('tip')}{k}" for k in (3, 2)]
        ends = next((bone for bone in phalanges if bone in match.bones), "")
    tails = FAMILIES[match.family].tails
    if begins in match.bones and keypoint != "neck":
        return BoneEnd(match.bones[begins], "tail" if begins in tails else "head")
    return BoneEnd(match.bones[ends], "tail") if ends in match.bones and ends not in tails else None


@np.errstate(divide="ignore", invalid="ignore")  # bones without length give points that are absent
def attach(match: RigMatch, rest: Mapping[str, Bone]) -> Attachment:
    """Fix a person's keypoints to the bones of its rig.

    The neck is the midpoint of the shoulders.  A fingertip is the tip bone's head, or the last phalanx's tail, or where
    that makes no sense in the rest pose (importers invent tails for last bones), an extension of the phalanx before.
    Of two phalanges the last stands for two, and a thumb without metacarpal begins at a share of the way from the
    wrist.  Eyes, ears and nose come from bones, and those that have none from the family's head template.

    Args:
        match: which bone is which, as the rig is modelled.
        rest: every bone at rest, by bone name, in armature space.
    """
    builder = Builder(rest)
    body = {name: source(match, name) for name in BODY}
    for name, place in body.items():
        builder.end(BODY_INDEX[name], place)
    for name, point in head_points(match, rest).items():
        if body[name] is None:
            builder.point(BODY_INDEX[name], match.bones["head"], point)
    shoulders = body["left_shoulder"] is not None and body["right_shoulder"] is not None
    if body["neck"] is None and not shoulders and "neck" in match.bones:
        builder.end(BODY_INDEX["neck"], BoneEnd(match.bones["neck"], "head"))
    for side in SIDES:
        _attach_hand(builder, match, rest, side)
    for index, places in face_places(rest).items():
        ends = [
            rest[bone].head + share * (rest[bone].tail - rest[bone].head) for bone, share in places if share is not None
        ]
        builder.point(FACE_ROW + index, places[0][0], np.mean(ends, axis=0))
    for index, name in enumerate(FACE):
        builder.end(FACE_ROW + index, match.overrides.get(name))
    return builder.finish(neck_between_shoulders=body["neck"] is None and shoulders)


def _attach_hand(builder: Builder, match: RigMatch, rest: Mapping[str, Bone], side: Side) -> None:
    """Fix a hand's points, the directions out of its back, and where its metacarpals begin."""
    row, back_row, metacarpal_row = hand_rows(side)
    for index, name in enumerate(HAND):
        builder.end(row + index, source(match, f"{side}_{name}"))
    for finger, name in enumerate(FINGERS):
        _complete_finger(builder, row + 1 + 4 * finger, match, rest, f"{side}_{name}")
    points, carriers = builder.points(row, len(HAND))
    if carriers[0] and not carriers[1] and carriers[2]:
        builder.point(row + 1, carriers[0], points[0] + THUMB_BASE * (points[2] - points[0]))
        points, carriers = builder.points(row, len(HAND))
    if not any(carriers[1:]):
        builder.clear(row, 1)  # a wrist alone is no hand
        return
    for index, along in enumerate(_backs(points, side)):
        if carriers[index] and np.isfinite(along).all():
            builder.direction(back_row + index, carriers[index], along)
    for index, name in enumerate(FINGERS[1:]):
        if palm := _metacarpal(match, rest, f"{side}_hand", f"{side}_{name}_1"):
            builder.end(metacarpal_row + index, BoneEnd(palm, "head"))


def _complete_finger(builder: Builder, row: int, match: RigMatch, rest: Mapping[str, Bone], finger: str) -> None:
    """Mend the tip of a finger whose last bone's tail says nothing, and give one of two phalanges its third joint."""
    bones = {k: rest[match.bones[f"{finger}_{k}"]] for k in (1, 2, 3) if f"{finger}_{k}" in match.bones}
    if len(bones) < 2:
        return
    before, last = (bones[k] for k in sorted(bones)[-2:])
    of_two = 3 not in bones
    by_tail = f"{finger}_tip" not in match.overrides and source(match, f"{finger}_tip") == BoneEnd(last.name, "tail")
    if by_tail and 2 in bones:
        length = LAST_OF_TWO_LENGTH if of_two else THUMB_TIP_LENGTH if "thumb" in finger else TIP_LENGTH
        builder.point(row + 3, last.name, fingertip(before, last, length, longest=2.5 if of_two else 1.6))
    points, carriers = builder.points(row, 4)
    if of_two and not carriers[2] and carriers[3]:
        builder.point(row + 2, last.name, points[1] + DIP_OF_TWO * (points[3] - points[1]))


def _metacarpal(match: RigMatch, rest: Mapping[str, Bone], hand: str, knuckle: str) -> str:
    """The bone of the palm that leads to a knuckle: the one nearest the wrist; empty where there is none."""
    if hand not in match.bones or knuckle not in match.bones:
        return ""
    layers = FAMILIES[match.family].layers
    chain: list[str] = []
    above = rest[match.bones[knuckle]].parent
    while above is not None:
        if _plain(above, layers) == _plain(match.bones[hand], layers):
            return chain[-1] if chain else ""
        chain.append(above)
        above = rest[above].parent
    return ""


def _plain(bone: str, layers: tuple[str, ...]) -> str:
    return next((bone.removeprefix(layer) for layer in layers if bone.startswith(layer)), bone)


def _backs(points: np.ndarray, side: Side) -> np.ndarray:
    """Directions out of a hand's back and out of its nails, at each of its points in the rest pose.

    A finger bends in the plane of its bones and the back's direction.  A thumb bends across the palm: its nail faces
    away from the fingers, and a little to the back.

    Args:
        points: (21, 3), NaN where unknown.
        side: which hand it is.

    Returns:
        (21, 3) vectors at right angles to the bones that begin at the points; NaN where nothing tells.
    """
    directions = np.full((len(HAND), 3), np.nan)
    knuckles = [point for point in points[[5, 9, 13, 17]] if np.isfinite(point).all()]
    if len(knuckles) == 1:
        knuckles = [point for point in (points[2], *knuckles) if np.isfinite(point).all()]
    if len(knuckles) < 2:
        return directions
    along = np.mean(knuckles, axis=0) - points[0]
    back = np.cross(knuckles[0] - knuckles[-1], along) * (1 if side == "left" else -1)
    back /= np.linalg.norm(back)
    directions[0] = back - along * (back @ along) / (along @ along)
    for finger in range(len(FINGERS)):
        joints = points[1 + 4 * finger : 5 + 4 * finger]
        for k in range(4):
            bone = joints[min(k + 1, 3)] - joints[min(k, 2)]
            out = back
            if finger == 0:
                away = np.cross(bone, back) * (1 if side == "left" else -1)
                out = np.cos(_NAIL) * away / np.linalg.norm(away) + np.sin(_NAIL) * back
            directions[1 + 4 * finger + k] = out - bone * (out @ bone) / (bone @ bone)
    return directions


_NAIL = np.radians(15.0)
"""How far a thumb's nail faces to the back of a flat hand; hand-tracking skeletons have 6 to 17 degrees."""
