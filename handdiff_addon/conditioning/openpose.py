# SPDX-License-Identifier: GPL-3.0-or-later
"""``pose.json``: people as OpenPose JSON, which other tools read, and back.

Points are pixel triplets x, y, c.  Readers elsewhere drop points whose c is under 1, so it is exactly 1 for every point
that is known, and 0, 0, 0 stands for those that are not.  What the format cannot say lies under the key ``handdiff``:
visibility per point, armature names, the camera and the frame.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np

from ..errors import UsageError
from ..files import write_json
from ..request import SIDES
from ..rig.keypoints import BODY, HAND
from .camera import Camera
from .frame import Conditioning, PersonPose, Visibility

SCHEMA_VERSION = 1
_BODY_KEY = "pose_keypoints_2d"
_HAND_KEYS = {side: f"hand_{side}_keypoints_2d" for side in SIDES}
_LARGEST = 1e9
_REMEDY = "save it anew, or remove the side key handdiff"


@dataclass
class PoseFile:
    """What a pose file holds."""

    people: list[PersonPose]
    width: int
    height: int
    camera: Camera | None = None
    """None where the file comes from another tool"""
    frame: int | None = None


def to_openpose(people: Sequence[PersonPose], camera: Camera, frame: int) -> dict[str, Any]:
    """People as OpenPose JSON with HandDiff's side key; pixels count in the camera's size, rounded to 1/1000."""
    return {
        "version": 1.3,
        "people": [
            {
                "person_id": [-1],
                _BODY_KEY: _triplets(person.body),
                "face_keypoints_2d": [],
                **{_HAND_KEYS[side]: _triplets(person.hands[side]) for side in SIDES},
                "pose_keypoints_3d": [],
                "face_keypoints_3d": [],
                "hand_left_keypoints_3d": [],
                "hand_right_keypoints_3d": [],
            }
            for person in people
        ],
        "canvas_width": camera.width,
        "canvas_height": camera.height,
        "handdiff": {
            "schema_version": SCHEMA_VERSION,
            "frame": frame,
            "camera": {
                "name": camera.name,
                "view": camera.view.tolist(),
                "projection": camera.projection.tolist(),
            },
            "people": [
                {
                    "armature": person.name,
                    "body_visibility": list(person.body_visibility),
                    "hand_visibility": {side: list(person.hand_visibility[side]) for side in SIDES},
                }
                for person in people
            ],
        },
    }


def write_pose(conditioning: Conditioning, path: Path) -> None:
    """Write a frame's ``pose.json``.

    Raises:
        OutputError: where it cannot be written.
    """
    write_json(path, to_openpose(conditioning.people, conditioning.camera, conditioning.frame))


def read_pose(path: Path) -> PoseFile:
    """Read a pose file; see :func:`from_openpose`.

    Raises:
        UsageError: where the file is missing, is no JSON or is not such a pose.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except OSError as error:
        raise UsageError(f"The pose file {path} cannot be read ({error.strerror}): give OpenPose JSON.") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"The pose file {path} is no valid JSON ({error}): give OpenPose JSON.") from error
    try:
        return from_openpose(data)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error


def from_openpose(data: Any) -> PoseFile:
    """People from OpenPose JSON data: our own, or another tool's with COCO-18 bodies.

    A part of a foreign file whose points all lie within -1..1 counts in shares of the canvas, else in pixels; a point
    with confidence 0 is absent.  Without our side key, points inside the canvas are taken as visible.

    Raises:
        UsageError: for anything else, in one sentence.
    """
    if not isinstance(data, dict) or not isinstance(data.get("people"), list):
        raise UsageError('This pose holds no list "people": give OpenPose JSON, one object per file.')
    width, height = (_canvas_side(data, key) for key in ("canvas_width", "canvas_height"))
    side_key = _dict(data.get("handdiff", {}), "handdiff")
    own = bool(side_key)
    if own and side_key.get("schema_version") != SCHEMA_VERSION:
        raise UsageError(
            f"This pose has schema version {side_key.get('schema_version')!r}, this HandDiff reads {SCHEMA_VERSION}:"
            " save it anew."
        )
    details = side_key.get("people", [])
    if own and (not isinstance(details, list) or len(details) != len(data["people"])):
        raise UsageError(f"This pose's side key handdiff does not fit its people: {_REMEDY}.")

    people = []
    for index, entry in enumerate(data["people"]):
        person = _dict(entry, f"people[{index}]")
        scale = None if own else (width, height)
        body = _points(person.get(_BODY_KEY), len(BODY), _BODY_KEY, scale)
        hands = {side: _points(person.get(_HAND_KEYS[side]), len(HAND), _HAND_KEYS[side], scale) for side in SIDES}
        detail = _dict(details[index], "handdiff.people") if own else {}
        hand_words = _dict(detail.get("hand_visibility", {}), "hand_visibility")
        name = detail.get("armature", f"Person {index + 1}")
        if not isinstance(name, str):
            raise UsageError(f"This pose's armature is named by something else than text: {_REMEDY}.")
        people.append(
            PersonPose(
                name=name,
                body=body,
                body_visibility=_visibility(detail.get("body_visibility"), body, width, height),
                hands=hands,
                hand_visibility={side: _visibility(hand_words.get(side), hands[side], width, height) for side in SIDES},
            )
        )
    camera = frame = None
    if own:
        camera = _camera(side_key.get("camera"), width, height)
        frame = side_key.get("frame")
        if not isinstance(frame, int) or isinstance(frame, bool):
            raise UsageError(f"This pose's frame is no whole number: {_REMEDY}.")
    return PoseFile(people, width, height, camera, frame)


def _triplets(points: np.ndarray) -> list[float]:
    known = np.isfinite(points).all(axis=1)
    triplets = np.zeros((len(points), 3))
    triplets[known, :2] = np.round(points[known], 3) + 0.0  # no minus zero
    triplets[known, 2] = 1.0
    return triplets.ravel().tolist()


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"it holds {name}, which JSON does not have")


def _dict(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UsageError(f"This pose's {name} is no JSON object: give OpenPose JSON.")
    return value


def _canvas_side(data: dict[str, Any], key: str) -> int:
    value: Any = data.get(key)
    if not _is_number(value) or value != int(value) or not 1 <= value <= 65536:
        raise UsageError(f"This pose has no {key} from 1 to 65536: add the picture's size in pixels.")
    return int(value)


def _is_number(value: Any) -> bool:
    """A finite number of a size that can be a coordinate (NaN fails the comparison)."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -_LARGEST <= value <= _LARGEST


def _points(flat: Any, count: int, key: str, scale: tuple[int, int] | None) -> np.ndarray:
    """(count, 2) pixels from a flat list of triplets, NaN where absent; ``scale`` (foreign files) permits shares."""
    if flat is None or flat == []:
        return np.full((count, 2), np.nan)
    if not isinstance(flat, list) or len(flat) != 3 * count:
        found = f"{len(flat)} numbers" if isinstance(flat, list) else "no list"
        remedy = "export COCO-18 instead of BODY_25" if isinstance(flat, list) and len(flat) == 75 else "use COCO-18"
        raise UsageError(f"This pose's {key} has {found} where {count} triplets x, y, c belong: {remedy}.")
    if not all(_is_number(value) for value in flat):
        raise UsageError(f"This pose's {key} holds something else than finite numbers: export it anew.")
    triplets = np.array(flat, dtype=np.float64).reshape(count, 3)
    points = np.where(triplets[:, 2:] > 0, triplets[:, :2], np.nan)
    known = np.isfinite(points).all(axis=1)
    if scale is not None and (np.abs(points[known]) <= 1.0).all():
        points = points * scale
    return points


def _visibility(words: Any, points: np.ndarray, width: int, height: int) -> list[Visibility]:
    """The words checked against the points, or, where there are none, what the points tell."""
    known = np.isfinite(points).all(axis=1)
    if words is not None:
        allowed = get_args(Visibility)
        if not isinstance(words, list) or len(words) != len(points) or any(word not in allowed for word in words):
            raise UsageError(f"This pose's visibility is not one of {', '.join(allowed)} per point: {_REMEDY}.")
        if any((word in ("absent", "behind")) == bool(there) for word, there in zip(words, known)):
            raise UsageError(f"This pose's visibility contradicts its points: {_REMEDY}.")
        return words
    inside = known & (np.nan_to_num(points) >= 0).all(axis=1) & (np.nan_to_num(points) < (width, height)).all(axis=1)
    return ["visible" if within else "outside" if there else "absent" for there, within in zip(known, inside)]


def _camera(data: Any, width: int, height: int) -> Camera:
    camera = _dict(data, "camera")
    matrices = []
    for key in ("view", "projection"):
        rows = camera.get(key)
        if (
            not isinstance(rows, list)
            or len(rows) != 4
            or not all(isinstance(row, list) and len(row) == 4 and all(_is_number(v) for v in row) for row in rows)
        ):
            raise UsageError(f"This pose's camera has no 4 x 4 {key} matrix: {_REMEDY}.")
        matrices.append(np.array(rows, dtype=np.float64))
    return Camera(matrices[0], matrices[1], width, height, str(camera.get("name", "Camera")))
