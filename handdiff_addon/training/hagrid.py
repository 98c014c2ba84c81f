# SPDX-License-Identifier: GPL-3.0-or-later
"""Photographs of HaGRID (hukenovs/hagrid, version 2) as crops of hands: pictures, keypoints and captions, no masks.

The annotations hold 21 keypoints for each hand and the gesture's name, but neither which hand it is nor a mask.  The
side is told from the keypoints where the gesture says whether palm or back is shown; photographs with any other hand
are passed over.  The hull of the keypoints would be a poor mask, without the fingers' width, so these crops teach the
picture alone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..conditioning.crops import cut, cut_points, hand_crops
from ..conditioning.frame import PersonPose, Visibility
from ..conditioning.heatmaps import CHANNELS
from ..errors import UsageError
from ..request import SIDES, Side
from .batches import HandDrawn
from .captions import CLASSES, Attributes
from .examples import HandExample, draw_hand

PALM = frozenset({"four", "ok", "one", "palm", "peace", "rock", "stop", "three", "three2", "two_up"})
BACK = frozenset({"peace_inverted", "stop_inverted", "two_up_inverted"})
FREE = "no_gesture"
"""A second hand without a gesture, which is then the other one"""
_HELD_OUT = {"test", "val", "ann_test", "ann_val"}
_INDEX, _LITTLE = 5, 17
"""Keypoints at the roots of these fingers"""


@dataclass(frozen=True)
class Photograph:
    """One picture and its hands."""

    path: Path
    hands: dict[Side, np.ndarray]
    """(21, 2) in 0..1 of width and height"""
    labels: dict[Side, str]


class HagridHands:
    """Crops of ``crop`` pixels from a folder of HaGRID, with heatmaps of ``cells`` cells; a source as ``RigHands`` is.

    The folder holds the annotations (``.json``, image name to entry) and the pictures (``NAME.jpg``) at any depth;
    annotations in folders named test or val are left out.

    Raises:
        UsageError: where it holds no photograph that can be used.
    """

    def __init__(self, folder: Path, crop: int, cells: int) -> None:
        self._crop, self._cells = crop, cells
        self.photographs = read_hagrid(folder)

    def draw(self, rng: np.random.Generator) -> HandDrawn:
        photograph = self.photographs[rng.integers(len(self.photographs))]
        examples = _examples(photograph, self._crop)
        picture, hint, _, text = draw_hand(examples[rng.integers(len(examples))], self._crop, self._cells, rng)
        return HandDrawn(picture, hint[:CHANNELS], None, text)


def read_hagrid(folder: Path) -> list[Photograph]:
    """The photographs of a folder whose every hand is known, by name.

    Raises:
        UsageError: where there is none.
    """
    pictures = {path.stem: path for path in folder.rglob("*.jpg")}
    found: dict[str, Photograph] = {}
    for file in sorted(folder.rglob("*.json")):
        if _HELD_OUT & set(file.relative_to(folder).parts):
            continue
        try:
            entries = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UsageError(
                f"The annotations {file} cannot be read ({error}): copy or download them again."
            ) from error
        for name, entry in entries.items() if isinstance(entries, dict) else ():
            if name in pictures and (hands := _hands(entry)):
                found[name] = Photograph(pictures[name], *hands)
    if not found:
        raise UsageError(
            f"{folder} holds no photograph of HaGRID with hand_landmarks that can be used: name the folder of its "
            "annotations and pictures."
        )
    return [found[name] for name in sorted(found)]


def _hands(entry: Any) -> tuple[dict[Side, np.ndarray], dict[Side, str]] | None:
    """The hands of an entry by side, and their gestures; None where one of them is not known."""
    try:
        labels = [str(label) for label in entry["labels"]]
        points = [np.array(hand, dtype=np.float64) for hand in entry["hand_landmarks"]]
    except (KeyError, TypeError, ValueError):
        return None
    if not 1 <= len(labels) <= 2 or [hand.shape for hand in points] != [(21, 2)] * len(labels):
        return None
    sides = [_side(hand, label) for hand, label in zip(points, labels)]
    for index, label in enumerate(labels):
        other = sides[1 - index] if len(sides) == 2 else None
        if label == FREE and other:
            sides[index] = "left" if other == "right" else "right"
    if None in sides or len(set(sides)) != len(sides):
        return None
    return dict(zip(sides, points)), dict(zip(sides, labels))  # type: ignore[arg-type]


def _side(points: np.ndarray, label: str) -> Side | None:
    """Which hand it is: a right palm with its fingers up has the index finger to the picture's right."""
    if label not in PALM | BACK:
        return None
    to_index, to_little = points[_INDEX] - points[0], points[_LITTLE] - points[0]
    turn = to_little[0] * to_index[1] - to_little[1] * to_index[0]
    return "right" if (turn > 0) == (label in PALM) else "left"


def _examples(photograph: Photograph, crop: int) -> list[HandExample]:
    with Image.open(photograph.path) as opened:
        picture = np.array(opened.convert("RGB"))
    height, width = picture.shape[:2]
    none = np.full((21, 2), np.nan)
    hands = {side: photograph.hands.get(side, none) * (width, height) for side in SIDES}
    absent: list[Visibility] = ["absent"] * 21
    seen: list[Visibility] = ["visible"] * 21
    pose = PersonPose(
        "photograph",
        np.full((18, 2), np.nan),
        ["absent"] * 18,
        hands,
        {side: seen if side in photograph.hands else absent for side in SIDES},
    )
    size = int(crop * 1.4)
    attributes = _attributes(photograph.labels)
    blank = np.zeros((size, size), np.uint8)
    examples = []
    for hand in hand_crops(pose, {}, width, height, sides=list(photograph.hands)):
        room = int(hand.size * 0.2)
        box = (hand.box[0] - room, hand.box[1] - room, hand.box[2] + room, hand.box[3] + room)
        points = {side: cut_points(hands[side], box, size) for side in SIDES}
        examples.append(HandExample(cut(picture, box, size), blank, blank[..., None].repeat(3, 2), points, attributes))
    return examples


def _attributes(labels: dict[Side, str]) -> Attributes:
    """What captions may say of the photograph: the gestures, and which side of the hands is seen."""
    known: dict[str, str | None] = dict.fromkeys(CLASSES)
    for side, label in labels.items():
        if label in CLASSES[f"{side}_shape"]:
            known |= {f"{side}_shape": label, f"{side}_facing": "palm" if label in PALM else "back"}
    return Attributes(**known)
