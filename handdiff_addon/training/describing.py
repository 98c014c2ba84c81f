# SPDX-License-Identifier: GPL-3.0-or-later
"""What a picture really shows: the attributes of a sample, without those that cannot be seen in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..request import SIDES, Side
from ..rig.bones import Bone
from ..rig.fingers import hand_frame
from ..rig.keypoints import BODY_INDEX
from .captions import Attributes
from .framing import Shot
from .poses import BodyPose

if TYPE_CHECKING:
    from ..conditioning.camera import Camera
    from ..conditioning.frame import Conditioning

_LEAST = {"skin": 0.004, "hair": 0.003, "shirt": 0.015, "trousers": 0.015, "shoes": 0.003}
"""Share of the picture from which on something is named"""
_LEAST_HAND = 0.0015
_LEAST_BACKDROP = 0.05
_PATTERN = 0.03
"""Share of the picture from which on a cloth's pattern can be told"""
_WALL = 1.2
"""How far behind the person the wall stands, metres"""
_TOGETHER = ("crossed", "folded", "clapping", "praying")


def describe(
    names: Mapping[str, str | None],
    pose: BodyPose,
    framing: str,
    truth: Conditioning,
    shares: Mapping[str, float],
    bones: Mapping[str, Bone],
) -> Attributes:
    """The attributes of a picture.

    Args:
        names: what everything is, seen or not.
        pose: what the body does.
        framing: what the picture frames.
        truth: masks and keypoints of the picture.
        shares: share of the picture that shows ``skin``, ``hair``, ``shirt``, ``trousers``, ``shoes``, ``backdrop``.
        bones: canonical bones of the pose, in world space.
    """
    seen = {role for role, least in _LEAST.items() if shares[role] >= least}
    words = truth.people[0].body_visibility
    in_view = {name for name, place in BODY_INDEX.items() if words[place] == "visible"}
    face = "nose" in in_view
    hands = {side: float(truth.hand_mask(side).mean()) for side in SIDES}
    some_hand = max(hands.values()) >= _LEAST_HAND
    bare = names["gloves"] == "bare"
    shown = {
        "figure": face and "shirt" in seen,
        "age": face,
        "skin": "skin" in seen and (bare or face),
        "hair": "hair" in seen,
        "shirt": "shirt" in seen,
        "shirt_pattern": shares["shirt"] >= _PATTERN,
        "sleeves": "shirt" in seen and any({f"{side}_shoulder", f"{side}_elbow"} <= in_view for side in SIDES),
        "trousers": "trousers" in seen,
        "trousers_pattern": shares["trousers"] >= _PATTERN,
        "shoes": "shoes" in seen,
        "gloves": some_hand,
        "background": shares["backdrop"] >= _LEAST_BACKDROP,
        "backdrop": shares["backdrop"] >= 2 * _LEAST_BACKDROP,
        "light": True,
    }
    values = {name: names[name] if show else None for name, show in shown.items()}
    for side in SIDES:
        shape = _clearly_seen(truth, side, hands[side])
        values[f"{side}_place"] = pose.arms[side].place if _place_seen(pose, side, framing, in_view) else None
        values[f"{side}_shape"] = pose.hands[side].name if shape else None
        values[f"{side}_facing"] = facing(bones, side, truth.camera) if shape else None
    if (values["left_place"] in _TOGETHER) != (values["right_place"] in _TOGETHER):
        values["left_place"] = values["right_place"] = None
    return Attributes(framing=framing, **values)


def facing(bones: Mapping[str, Bone], side: Side, camera: Camera) -> str | None:
    """Which side of a hand the camera sees, None where it is neither clearly."""
    frame = hand_frame(bones, side)
    wrist = bones[f"{side}_hand"].head
    eye = -camera.view[:3, :3].T @ camera.view[:3, 3]
    towards = (eye - wrist) / np.linalg.norm(eye - wrist)
    palm, thumb = float(frame[:, 2] @ towards), float(frame[:, 1] @ towards)
    if abs(palm) > 0.75:
        return "palm" if palm > 0 else "back"
    return "edge" if abs(thumb) > 0.85 else None


def floor_line(camera: Camera, shot: Shot) -> tuple[float, float] | None:
    """Rows at which the floor meets a wall behind the person, at the picture's left and right edge.

    None where that is not well inside the picture, or the wall would not be seen from the front.
    """
    ends, _ = camera.project(np.array([(side, _WALL, 0.0) for side in (-1.0, 1.0)]))
    if shot.framing != "full body" or not np.isfinite(ends).all():
        return None
    slope = (ends[1, 1] - ends[0, 1]) / (ends[1, 0] - ends[0, 0])
    left = ends[0, 1] - slope * ends[0, 0]
    right = left + slope * camera.width
    within = all(0.45 * camera.height < row < 0.95 * camera.height for row in (left, right))
    return (float(left), float(right)) if within else None


def _clearly_seen(truth: Conditioning, side: Side, share: float) -> bool:
    words = truth.people[0].hand_visibility[side]
    return share >= _LEAST_HAND and words.count("visible") >= 13 and "outside" not in words


def _place_seen(pose: BodyPose, side: Side, framing: str, in_view: set[str]) -> bool:
    """Whether it can be told where a hand is: its arm is in view, and what it is near to."""
    place = pose.arms[side].place
    if place in _TOGETHER:
        return f"{side}_wrist" in in_view or framing != "hands"
    if framing == "hands":
        return False
    if place == "behind":
        return framing != "close-up" and f"{side}_elbow" in in_view
    return {f"{side}_elbow", f"{side}_wrist"} <= in_view or (place == "down" and f"{side}_elbow" in in_view)
