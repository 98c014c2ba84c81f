# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples of the data set as training examples, held in memory: canvases for stage 2, hand regions for stage 1.

Left-right mirror images double the data; sides are swapped in keypoints, masks and captions alike.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

import numpy as np

from ..conditioning.crops import cut, cut_points, hand_crops, resize, scale_pose
from ..conditioning.frame import PersonPose, Visibility
from ..conditioning.heatmaps import hand_heatmaps
from ..conditioning.hint import BODY_MAP, NORMALS, hand_hint, outpaint_hint
from ..conditioning.skeleton import draw_skeleton
from ..request import SIDES, Side
from .captions import caption
from .dataset import Sample, SampleRef, list_samples, load

LEFT_HAND, RIGHT_HAND = 2, 3
_REFRESH = 150
"""Batches after which it is looked what was rendered meanwhile"""
WITHOUT_NORMALS, WITHOUT_BODY_MAP, KEYPOINTS_ALONE = 0.15, 0.1, 0.2
"""Shares of the canvases that lack the one, the other, and both, as where a pose is known by its keypoints alone"""
HANDS_WITHOUT_NORMALS = 0.35
"""Share of the crops of hands"""
_MIRRORED_BODY = np.array([0, 1, 5, 6, 7, 2, 3, 4, 11, 12, 13, 8, 9, 10, 15, 14, 17, 16])
Example = TypeVar("Example")


@dataclass(frozen=True)
class CanvasExample:
    """A picture, where it can be a little larger than the canvas so that it is cut at random."""

    picture: np.ndarray
    """(S, S, 3) uint8"""
    parts: np.ndarray
    """(S, S) uint8"""
    normals: np.ndarray
    """(S, S, 3) uint8"""
    body_map: np.ndarray
    """(S, S, 3) uint8"""
    pose: PersonPose
    """In pixels of the picture"""
    attributes: Any


@dataclass(frozen=True)
class HandExample:
    """The region around one hand, or two that overlap."""

    picture: np.ndarray
    parts: np.ndarray
    normals: np.ndarray
    hands: dict[Side, np.ndarray]
    """(21, 2) in pixels of the region"""
    attributes: Any


def canvas_example(sample: Sample, canvas: int) -> list[CanvasExample]:
    """One example at 9/8 of the canvas' size, or as large as the sample is where that is less."""
    own = sample.picture.shape[0]
    size = max(canvas, min(canvas * 9 // 8, own))
    return [
        CanvasExample(
            resize(sample.picture, size, size),
            _resize_parts(sample.parts, size),
            resize(sample.normals, size, size),
            resize(sample.body_map, size, size),
            sample_pose(sample, size / own),
            sample.attributes,
        )
    ]


def hand_examples(sample: Sample, crop: int) -> list[HandExample]:
    """An example for each visible hand (or overlapping pair): 1.4 times its crop, at 1.4 times the crop's size."""
    height, width = sample.picture.shape[:2]
    masks = sample.hand_masks
    sides = [side for side in SIDES if masks[side].sum() > 250]
    examples = []
    size = int(crop * 1.4)
    for hand in hand_crops(sample_pose(sample, 1.0), masks, width, height, sides=sides):
        room = int(hand.size * 0.2)
        box = (hand.box[0] - room, hand.box[1] - room, hand.box[2] + room, hand.box[3] + room)
        parts = np.stack([cut(sample.parts == part, box, size) for part in (1, LEFT_HAND, RIGHT_HAND)])
        examples.append(
            HandExample(
                cut(sample.picture, box, size),
                (parts * np.array([1, 2, 3], dtype=np.uint8)[:, None, None]).max(0),
                cut(sample.normals, box, size),
                {side: cut_points(sample.hands[side], box, size) for side in SIDES},
                sample.attributes,
            )
        )
    return examples


class Examples(Generic[Example]):
    """The training split of a data set as examples in memory, to which what is rendered meanwhile is added."""

    def __init__(self, data: Path, make: Callable[[Sample], list[Example]]) -> None:
        self.data = data
        self.make = make
        self.items: list[Example] = []
        self._seen: set[SampleRef] = set()
        self._drawn = 0
        self._refresh()

    def _refresh(self) -> None:
        for ref in list_samples(self.data, "train"):
            if ref not in self._seen:
                self._seen.add(ref)
                self.items += self.make(load(ref))

    def draw(self, count: int, rng: np.random.Generator) -> list[Example]:
        self._drawn += 1
        if self._drawn % _REFRESH == 0:
            self._refresh()
        return [self.items[index] for index in rng.integers(len(self.items), size=count)]


def draw_canvas(
    example: CanvasExample, side: int, rng: np.random.Generator, shrink: int = 1
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, str]:
    """Cut a square of this side, scale it down by ``shrink``, perhaps mirror, and drop conditions at random.

    Returns:
        picture (s, s, 3) uint8 with s = side / shrink, hint (14, s, s) float32, the person's mask (s, s) bool, the body
        map (s, s, 3) uint8 whether the hint has it or not, caption (empty one time in ten).
    """
    top, left = (corner // shrink * shrink for corner in _corner(example.parts, side, rng))
    window = np.s_[top : top + side, left : left + side]
    size, small = example.picture.shape[0], side // shrink
    text, _ = caption(example.attributes, rng)
    picture, drawn, coloured = (
        resize(full[window], small, small) for full in (example.picture, example.normals, example.body_map)
    )
    parts, pose = example.parts[window][::shrink, ::shrink], example.pose
    if rng.random() < 0.5:
        left = size - side - left
        picture, parts, pose = picture[:, ::-1], parts[:, ::-1], mirror_pose(pose, size)
        drawn, coloured = _mirror_normals(drawn), _mirror_body_map(coloured)
        text = mirror_caption(text)
    top, left = top // shrink, left // shrink
    whole = size // shrink
    skeleton = draw_skeleton([scale_pose(pose, (size, size), (whole, whole))], whole, whole)
    skeleton = skeleton[top : top + small, left : left + small]
    person, hands_mask = parts > 0, parts >= LEFT_HAND
    shown = person if rng.random() >= 0.1 else np.zeros_like(person)
    alone = rng.random() < KEYPOINTS_ALONE
    normals = None if alone or rng.random() < WITHOUT_NORMALS else drawn
    body_map = None if alone or rng.random() < WITHOUT_BODY_MAP else coloured
    given = rng.random() < 0.5
    hint = outpaint_hint(skeleton, shown, normals, picture if given else None, hands_mask if given else None, body_map)
    if rng.random() < 0.05:
        hint[:] = 0.0
    return np.ascontiguousarray(picture), hint, person, coloured, "" if rng.random() < 0.1 else text


def _corner(parts: np.ndarray, side: int, rng: np.random.Generator) -> tuple[int, int]:
    """The top left corner of a window; one much smaller than the picture has a point of the person in its middle."""
    room = parts.shape[0] - side
    if side > room:
        return int(rng.integers(room + 1)), int(rng.integers(room + 1))
    rows, columns = np.nonzero(parts)
    chosen = rng.integers(len(rows))
    return int(np.clip(rows[chosen] - side // 2, 0, room)), int(np.clip(columns[chosen] - side // 2, 0, room))


def draw_hand(
    example: HandExample, crop: int, cells: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, str]:
    """Cut at random around the hand, perhaps mirror.

    Returns:
        picture (crop, crop, 3) uint8, hint (C, cells, cells) float32, mask (crop, crop) bool of both hands, caption
        (empty one time in ten).
    """
    size = example.picture.shape[0]
    side = int(rng.integers(int(crop * 0.88), int(crop * 1.16)))
    centre = size / 2 + rng.uniform(-0.06, 0.06, 2) * size
    left, top = np.clip((centre - side / 2).round().astype(int), 0, size - side)
    box = (int(left), int(top), int(left) + side, int(top) + side)
    picture, mask = cut(example.picture, box, crop), cut(example.parts >= LEFT_HAND, box, crop)
    normals = cut(example.normals, box, crop)
    hands = {s: cut_points(points, box, crop) for s, points in example.hands.items()}
    text, _ = caption(example.attributes, rng)
    if rng.random() < 0.5:
        picture, mask, text = picture[:, ::-1], mask[:, ::-1], mirror_caption(text)
        normals = _mirror_normals(normals)
        hands = {"left": _mirror(hands["right"], crop), "right": _mirror(hands["left"], crop)}
    heatmaps = hand_heatmaps(hands, crop, cells)
    hint = hand_hint(heatmaps, _as_from_afar(normals, rng))
    if rng.random() < HANDS_WITHOUT_NORMALS:
        hint[len(heatmaps) :] = 0.0
    if rng.random() < 0.05:
        hint[:] = 0.0
    return np.ascontiguousarray(picture), hint, np.ascontiguousarray(mask), "" if rng.random() < 0.1 else text


def _as_from_afar(normals: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A crop's normals as a smaller frame would have held them, half of the time: a hand may be 24 pixels there."""
    size = normals.shape[0]
    if rng.random() < 0.5:
        return normals
    small = int(rng.uniform(0.2, 0.8) * size)
    return resize(resize(normals, small, small), size, size)


def mirror_caption(text: str) -> str:
    """The caption of the mirror image."""
    return re.sub(r"\b(left|right)\b", lambda match: "right" if match[0] == "left" else "left", text)


def sample_pose(sample: Sample, scale: float) -> PersonPose:
    """A sample's pose, its pixels times ``scale``."""
    return PersonPose(
        "sample",
        sample.body * scale,
        cast(list[Visibility], sample.body_visibility),
        {side: sample.hands[side] * scale for side in SIDES},
        cast(dict[Side, list[Visibility]], sample.hand_visibility),
    )


def mirror_pose(pose: PersonPose, size: int) -> PersonPose:
    """The pose of the mirror image of a square picture."""
    return PersonPose(
        pose.name,
        _mirror(pose.body, size)[_MIRRORED_BODY],
        [pose.body_visibility[index] for index in _MIRRORED_BODY],
        {"left": _mirror(pose.hands["right"], size), "right": _mirror(pose.hands["left"], size)},
        {"left": pose.hand_visibility["right"], "right": pose.hand_visibility["left"]},
    )


def mirror_hint(hint: np.ndarray) -> np.ndarray:
    """An outpaint hint (H, W, 14) uint8 of the mirror image, but for the skeleton, whose sides have colours of their
    own."""
    mirrored = hint[:, ::-1].copy()
    mirrored[..., NORMALS] = _mirror_normals(hint[..., NORMALS])
    mirrored[..., BODY_MAP] = _mirror_body_map(hint[..., BODY_MAP])
    return mirrored


def _mirror_normals(normals: np.ndarray) -> np.ndarray:
    """The colours of the mirror image's normals: red points to the picture's left."""
    mirrored = normals[:, ::-1].copy()
    mirrored[..., 0] = 255 - mirrored[..., 0]
    return mirrored


def _mirror_body_map(body_map: np.ndarray) -> np.ndarray:
    """The colours of the mirror image's body map: red runs from the right fingertips to the left ones."""
    mirrored = body_map[:, ::-1].copy()
    mirrored[..., 0] = np.where(mirrored.any(axis=2), 255 - mirrored[..., 0], 0)
    return mirrored


def _mirror(points: np.ndarray, size: float) -> np.ndarray:
    return np.stack([size - points[..., 0], points[..., 1]], axis=-1)


def _resize_parts(parts: np.ndarray, size: int) -> np.ndarray:
    result = np.zeros((size, size), dtype=np.uint8)
    for part in (1, LEFT_HAND, RIGHT_HAND):
        result[resize(parts == part if part > 1 else parts > 0, size, size)] = part
    return result
