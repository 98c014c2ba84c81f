# SPDX-License-Identifier: GPL-3.0-or-later
"""Keypoints that the user puts at bones by hand, where matching finds the wrong bone or none; and them as JSON."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..errors import UsageError
from ..request import SIDES, Side
from .keypoints import FINGERS, HAND, KEYPOINTS

SCHEMA_VERSION = 1

End = Literal["head", "tail"]


@dataclass(frozen=True)
class BoneEnd:
    """A place on a rig: one end of a bone."""

    bone: str
    end: End


Overrides = Mapping[str, BoneEnd]
"""Keypoint to where it is.  Left and right are those of the rig as it is modelled."""

ESSENTIAL = tuple(f"{side}_{joint}" for side in SIDES for joint in ("shoulder", "elbow", "hip", "knee"))
"""Keypoints that make a person of a rig that nothing else recognises."""

_JOINTS = {
    **{f"{finger}_{k}": f"{finger} {name}" for finger in FINGERS[1:] for k, name in ((1, "knuckle (MCP)"),
       (2, "middle joint (PIP)"), (3, "last joint (DIP)"))},
    "thumb_1": "thumb base (CMC)", "thumb_2": "thumb knuckle (MCP)", "thumb_3": "thumb joint (IP)",
}  # fmt: skip
_FACE_PARTS = ((17, "jaw"), (22, "right brow"), (27, "left brow"), (31, "bridge of the nose"), (36, "base of the nose"),
               (42, "right eyelids"), (48, "left eyelids"), (60, "outer lips"), (68, "inner lips"),
               (69, "right pupil"), (70, "left pupil"))  # fmt: skip


def label(keypoint: str) -> str:
    """A keypoint's name for people, such as "Left index tip"."""
    kind, _, part = keypoint.partition("_")
    if kind == "face":
        return f"Face {part}, {next(name for end, name in _FACE_PARTS if int(part) < end)}"
    if kind in SIDES:
        return f"{kind.capitalize()} {_JOINTS.get(part, part.replace('_', ' '))}"
    return keypoint.capitalize()


def overridden_hand(overrides: Overrides, side: Side) -> set[str]:
    """Bones that overrides make part of a hand: those that its fingers are put at, and one that begins at its wrist."""
    fingers = {f"{side}_{name}" for name in HAND if name != "wrist"}
    return {
        place.bone
        for keypoint, place in overrides.items()
        if keypoint in fingers or (keypoint == f"{side}_wrist" and place.end == "head")
    }


def to_json(overrides: Overrides) -> str:
    """Overrides as JSON text, in the order of ``KEYPOINTS``."""
    places = {name: overrides[name] for name in KEYPOINTS if name in overrides}
    data = {
        "schema_version": SCHEMA_VERSION,
        "keypoints": {name: {"bone": place.bone, "end": place.end} for name, place in places.items()},
    }
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def from_json(text: str, bones: Collection[str] | None) -> dict[str, BoneEnd]:
    """Read what :func:`to_json` wrote.

    Args:
        text: JSON.
        bones: the armature's bone names; None: any bone will do.

    Raises:
        UsageError: for anything else, and where a keypoint or a bone does not exist; in one sentence.
    """
    remedy = "give a file that HandDiff exported"
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"The keypoints are no valid JSON ({error}): {remedy}.") from error
    if not isinstance(data, dict) or not isinstance(data.get("keypoints"), dict):
        raise UsageError(f'There is no object "keypoints" in this JSON: {remedy}.')
    version = data.get("schema_version")
    if version != SCHEMA_VERSION or isinstance(version, bool):
        raise UsageError(
            f"The keypoints have schema version {_shown(version)}, this HandDiff reads {SCHEMA_VERSION}:"
            " export them anew."
        )
    return {name: _place(name, value, bones) for name, value in data["keypoints"].items()}


def _place(keypoint: str, value: Any, bones: Collection[str] | None) -> BoneEnd:
    if keypoint not in KEYPOINTS:
        raise UsageError(f"There is no keypoint {_shown(keypoint)}: remove it, or name one such as left_index_tip.")
    if (
        not isinstance(value, dict)
        or not isinstance(value.get("bone"), str)
        or value.get("end") not in ("head", "tail")
    ):
        raise UsageError(f'The keypoint {keypoint} is {_shown(value)}: give a "bone" and an "end", head or tail.')
    if bones is not None and value["bone"] not in bones:
        raise UsageError(
            f"The keypoint {keypoint} is at the bone {_shown(value['bone'])}, which the armature does not have:"
            " choose another bone or reset the keypoint."
        )
    return BoneEnd(value["bone"], value["end"])


def _shown(value: Any) -> str:
    """A stranger's value on one short line."""
    text = repr(value) if isinstance(value, str) else reprlib.repr(value)
    return text if len(text) <= 70 else f"{text[:67]}..."
