# SPDX-License-Identifier: GPL-3.0-or-later
"""``pose.json``: people as OpenPose JSON, which other tools read, and back.

Points are pixel triplets x, y, c.  Readers elsewhere drop points whose c is under 1, so it is exactly 1 for every point
that the skeleton shows, and 0, 0, 0 stands for all others.  What the format cannot say lies under the key ``handdiff``:
visibility per point, the places of points that are not drawn, armature names, the camera and the frame.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np

from ..errors import UsageError
from ..request import SIDES, SkeletonSettings
from ..rig.keypoints import BODY, FACE, HAND
from .camera import Camera
from .frame import PersonPose, Visibility
from .skeleton import drawn

SCHEMA_VERSION = 1
_KEYS = {
    "body": "pose_keypoints_2d",
    "face": "face_keypoints_2d",
    "left": "hand_left_keypoints_2d",
    "right": "hand_right_keypoints_2d",
}
_COUNTS = {"body": len(BODY), "face": len(FACE), "left": len(HAND), "right": len(HAND)}
_BODY_25 = (0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18)
"""BODY_25's points in the order of COCO-18; 8 is the middle of the hips, 19 to 24 are the feet."""
_EYES = (BODY.index("right_eye"), BODY.index("left_eye"))
_LEAST_CONFIDENCE = 0.05
_LARGEST, _LARGEST_CANVAS = 1e9, 16384
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


def to_openpose(
    people: Sequence[PersonPose],
    camera: Camera | tuple[int, int],
    frame: int | None,
    skeleton: SkeletonSettings | None = None,
) -> dict[str, Any]:
    """People as OpenPose JSON with HandDiff's side key; pixels are rounded to 1/1000.

    Args:
        people: nearest first.
        camera: what they are seen through, in whose size their pixels count; or that size, where no camera is known.
        frame: the scene's frame; None where none is known.
        skeleton: which points count as drawn; None: the defaults.
    """
    width, height = (camera.width, camera.height) if isinstance(camera, Camera) else camera
    settings = skeleton or SkeletonSettings()
    shown = [_points_of(drawn(person, settings)) for person in people]
    return {
        "version": 1.3,
        "people": [
            {
                "person_id": [-1],
                **{_KEYS[part]: _triplets(points, part) for part, points in parts.items()},
                "pose_keypoints_3d": [],
                "face_keypoints_3d": [],
                "hand_left_keypoints_3d": [],
                "hand_right_keypoints_3d": [],
            }
            for parts in shown
        ],
        "canvas_width": width,
        "canvas_height": height,
        "handdiff": {
            "schema_version": SCHEMA_VERSION,
            "frame": frame,
            "camera": {
                "name": camera.name,
                "view": camera.view.tolist(),
                "projection": camera.projection.tolist(),
            }
            if isinstance(camera, Camera)
            else None,
            "people": [
                {
                    "armature": person.name,
                    "body_visibility": list(person.body_visibility),
                    "hand_visibility": {side: list(person.hand_visibility[side]) for side in SIDES},
                    "face_visibility": list(person.face_visibility),
                    "not_drawn": {part: _places(points, parts[part]) for part, points in _points_of(person).items()},
                }
                for person, parts in zip(people, shown)
            ],
        },
    }


def read_pose(path: Path, size: tuple[int, int] | None = None) -> PoseFile:
    """Read a pose file; see :func:`from_openpose`.

    Raises:
        UsageError: where the file is missing, is no JSON or is not such a pose.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        data = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_refuse_duplicates)
    except OSError as error:
        raise UsageError(f"The pose file {path} cannot be read ({error.strerror}): give OpenPose JSON.") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"The pose file {path} is no valid JSON ({error}): give OpenPose JSON.") from error
    try:
        return from_openpose(data, size)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error


def from_openpose(data: Any, size: tuple[int, int] | None = None) -> PoseFile:
    """People from OpenPose JSON data: our own, or another tool's.

    Bodies have 18 points (COCO) or 25 (BODY_25, of which the middle of the hips and the feet are dropped), faces 70 or
    68, whose pupils are then the body's eyes, hands 21.  A part of a foreign file whose points all lie within -1..1
    counts in shares of the canvas, else in pixels; a point of a confidence under 0.05 is absent.  Without our side key,
    points inside the canvas are taken as visible.  Animals are passed over.

    Args:
        data: the JSON's root: an object, or a list of one.
        size: width and height in pixels of the canvas, for files that do not name it, as OpenPose's own do not.

    Raises:
        UsageError: for anything else, in one sentence.
    """
    if isinstance(data, list) and data and all(isinstance(frame, dict) and "people" in frame for frame in data):
        if len(data) > 1:
            raise UsageError(f"This pose file holds {len(data)} frames: give one frame per file.")
        data = data[0]
    if not isinstance(data, dict) or not isinstance(data.get("people"), list):
        raise UsageError('This pose holds no list "people": give OpenPose JSON, one object per file.')
    if size is not None and data.get("canvas_width") is None and data.get("canvas_height") is None:
        width, height = size
    else:
        width, height = (_canvas_side(data, key) for key in ("canvas_width", "canvas_height"))
    side_key = _dict(data.get("handdiff", {}), "handdiff")
    if not side_key:
        people = [_foreign_person(entry, index, width, height) for index, entry in enumerate(data["people"])]
        return PoseFile(people, width, height)
    if side_key.get("schema_version") != SCHEMA_VERSION:
        raise UsageError(
            f"This pose has schema version {side_key.get('schema_version')!r}, this HandDiff reads {SCHEMA_VERSION}:"
            " save it anew."
        )
    details = side_key.get("people", [])
    if not isinstance(details, list) or len(details) != len(data["people"]):
        raise UsageError(f"This pose's side key handdiff does not fit its people: {_REMEDY}.")
    people = [
        _own_person(entry, detail, index, width, height)
        for index, (entry, detail) in enumerate(zip(data["people"], details))
    ]
    frame = side_key.get("frame")
    if frame is not None and (not isinstance(frame, int) or isinstance(frame, bool)):
        raise UsageError(f"This pose's frame is no whole number: {_REMEDY}.")
    camera = side_key.get("camera")
    return PoseFile(people, width, height, None if camera is None else _camera(camera, width, height), frame)


def _foreign_person(entry: Any, index: int, width: int, height: int) -> PersonPose:
    person = _person(entry, index)
    points = {part: _points(person.get(key), part, (width, height)) for part, key in _KEYS.items()}
    face = points["face"]
    if len(face) == len(FACE) - len(_EYES):
        points["face"] = np.concatenate([face, points["body"][list(_EYES)]])
    return _pose(f"Person {index + 1}", points, {}, width, height)


def _own_person(entry: Any, detail: Any, index: int, width: int, height: int) -> PersonPose:
    person, detail = _person(entry, index), _dict(detail, "handdiff.people")
    name = detail.get("armature")
    if not isinstance(name, str):
        raise UsageError(f"This pose's armature is named by something else than text: {_REMEDY}.")
    not_drawn = _dict(detail.get("not_drawn", {}), "not_drawn")
    hands = _dict(detail.get("hand_visibility", {}), "hand_visibility")
    points = {
        part: _with_places(_points(person.get(key), part), not_drawn.get(part, [])) for part, key in _KEYS.items()
    }
    words = {"body": detail.get("body_visibility"), "face": detail.get("face_visibility"), **hands}
    return _pose(name, points, words, width, height)


def _pose(name: str, points: dict[str, np.ndarray], words: dict[str, Any], width: int, height: int) -> PersonPose:
    known = {part: _visibility(words.get(part), points[part], width, height) for part in points}
    return PersonPose(
        name=name,
        body=points["body"],
        body_visibility=known["body"],
        hands={side: points[side] for side in SIDES},
        hand_visibility={side: known[side] for side in SIDES},
        face=points["face"],
        face_visibility=known["face"],
    )


def _points_of(person: PersonPose) -> dict[str, np.ndarray]:
    return {"body": person.body, "face": person.face, "left": person.hands["left"], "right": person.hands["right"]}


def _triplets(points: np.ndarray, part: str) -> list[float]:
    known = np.isfinite(points).all(axis=1)
    if part == "face" and not known.any():
        return []
    triplets = np.zeros((len(points), 3))
    triplets[known, :2] = np.round(points[known], 3) + 0.0  # no minus zero
    triplets[known, 2] = 1.0
    return triplets.ravel().tolist()


def _places(points: np.ndarray, shown: np.ndarray) -> list[list[float]]:
    """Index, x and y of each point that is known and not shown."""
    left_out = np.isfinite(points).all(axis=1) & ~np.isfinite(shown).all(axis=1)
    return [[int(index), *(np.round(points[index], 3) + 0.0).tolist()] for index in np.flatnonzero(left_out)]


def _with_places(points: np.ndarray, places: Any) -> np.ndarray:
    for place in places if isinstance(places, list) else [None]:
        if (
            not isinstance(place, list)
            or len(place) != 3
            or not all(_is_number(value) for value in place)
            or place[0] not in range(len(points))
        ):
            raise UsageError(f"This pose's not_drawn holds something else than index, x, y: {_REMEDY}.")
        points[int(place[0])] = place[1:]
    return points


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"it holds {name}, which JSON does not have")


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"it names {next(name for name in names if names.count(name) > 1)!r} twice")
    return entries


def _person(entry: Any, index: int) -> dict[str, Any]:
    person = _dict(entry, f"people[{index}]")
    if not any(key in person for key in _KEYS.values()):
        raise UsageError(f"This pose's people[{index}] has none of {', '.join(_KEYS.values())}: give OpenPose JSON.")
    return person


def _dict(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UsageError(f"This pose's {name} is no JSON object: give OpenPose JSON.")
    return value


def _canvas_side(data: dict[str, Any], key: str) -> int:
    value: Any = data.get(key)
    if not _is_number(value) or value != int(value) or not 1 <= value <= _LARGEST_CANVAS:
        raise UsageError(
            f"This pose has no {key} from 1 to {_LARGEST_CANVAS}: add the picture's size in pixels, or give the size."
        )
    return int(value)


def _is_number(value: Any) -> bool:
    """A finite number of a size that can be a coordinate (NaN fails the comparison)."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -_LARGEST <= value <= _LARGEST


def _points(flat: Any, part: str, canvas: tuple[int, int] | None = None) -> np.ndarray:
    """(N, 2) pixels of a part from a flat list of triplets, NaN where absent; N is 68 for a face without pupils.

    ``canvas``, for foreign files, permits shares of its sides.
    """
    key, count = _KEYS[part], _COUNTS[part]
    if flat is None or flat == []:
        return np.full((count, 2), np.nan)
    counts = {"body": (18, 25), "face": (70, 68)}.get(part, (21,)) if canvas else (count,)
    if not isinstance(flat, list) or len(flat) not in [3 * allowed for allowed in counts]:
        found = f"{len(flat)} numbers" if isinstance(flat, list) else "no list"
        wanted = " or ".join(str(allowed) for allowed in counts)
        raise UsageError(f"This pose's {key} has {found} where {wanted} triplets x, y, c belong: export it anew.")
    if not all(_is_number(value) for value in flat):
        raise UsageError(f"This pose's {key} holds something else than finite numbers: export it anew.")
    triplets = np.array(flat, dtype=np.float64).reshape(-1, 3)
    points = np.where(triplets[:, 2:] >= _LEAST_CONFIDENCE, triplets[:, :2], np.nan)
    known = np.isfinite(points).all(axis=1)
    if canvas is not None and (np.abs(points[known]) <= 1.0).all():
        points = points * canvas
    return points[list(_BODY_25)] if part == "body" and len(points) == 25 else points


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
