# SPDX-License-Identifier: GPL-3.0-or-later
"""Square crops around hands: where they lie, cutting them out of pictures, and laying generated ones back.

A box is (left, top, right, bottom) in whole pixels of the picture, right and bottom exclusive; it may stick out.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ..request import SIDES, Side
from .frame import PersonPose

Box = tuple[int, int, int, int]
_SMALLEST = 8  # pixels a side


@dataclass(frozen=True)
class HandCrop:
    """One square that stage 1 paints."""

    sides: tuple[Side, ...]
    """The hands it is for: one, or both where they overlap."""
    box: Box

    @property
    def size(self) -> int:
        """Side in pixels of the picture."""
        return self.box[2] - self.box[0]


def hand_crops(
    pose: PersonPose,
    masks: Mapping[Side, np.ndarray],
    width: int,
    height: int,
    margin: float = 0.25,
    sides: Sequence[Side] = SIDES,
) -> list[HandCrop]:
    """A square crop around each hand's keypoints and visible mask; a shared one where the two hands' boxes overlap.

    Args:
        pose: the person; hands without a finite keypoint and without mask get no crop.
        masks: bool (height, width) per side; a missing side counts as empty.
        width, height: of the picture, in pixels.
        margin: room on each of the four sides, as a share of the tight box's longer side.
        sides: the hands wanted.
    """
    tight: dict[Side, np.ndarray] = {}
    for side in SIDES:
        corners = _extent(pose.hands[side], masks.get(side), width, height) if side in sides else None
        if corners is not None:
            tight[side] = corners
    if len(tight) == 2:
        left, right = tight["left"], tight["right"]
        if (np.minimum(left[2:], right[2:]) > np.maximum(left[:2], right[:2])).all():
            shared = np.concatenate([np.minimum(left[:2], right[:2]), np.maximum(left[2:], right[2:])])
            return [HandCrop(SIDES, _square(shared, margin))]
    return [HandCrop((side,), _square(corners, margin)) for side, corners in tight.items()]


def cut(array: np.ndarray, box: Box, size: int) -> np.ndarray:
    """Cut a square out of a picture or mask and resize it.

    Args:
        array: (H, W) or (H, W, C) of bool, uint8 or float.
        box: what to cut; the part outside the array repeats its edge, or is False in a bool mask.
        size: side of the result in pixels.

    Returns:
        (size, size) or (size, size, C) of the same dtype, resized as :func:`resize` does.
    """
    height, width = array.shape[:2]
    columns, rows = np.arange(box[0], box[2]), np.arange(box[1], box[3])
    piece = array[np.clip(rows, 0, height - 1)][:, np.clip(columns, 0, width - 1)]
    if array.dtype == bool:
        piece[(rows < 0) | (rows >= height)] = False
        piece[:, (columns < 0) | (columns >= width)] = False
    return resize(piece, size, size)


def sample(
    array: np.ndarray, box: tuple[float, float, float, float], width: int, height: int, fill: float
) -> np.ndarray:
    """The nearest pixels of a rectangle, for data that must not be mixed, such as depth.

    Args:
        array: (H, W) or (H, W, C) of any type.
        box: left, top, right and bottom in the array's pixels, whole or not; the part outside is ``fill``.

    Returns:
        (height, width) or (height, width, C) of the same dtype.
    """
    columns = np.floor(box[0] + (np.arange(width) + 0.5) * ((box[2] - box[0]) / width)).astype(int)
    rows = np.floor(box[1] + (np.arange(height) + 0.5) * ((box[3] - box[1]) / height)).astype(int)
    piece = array[np.clip(rows, 0, array.shape[0] - 1)][:, np.clip(columns, 0, array.shape[1] - 1)]
    piece[(rows < 0) | (rows >= array.shape[0])] = fill
    piece[:, (columns < 0) | (columns >= array.shape[1])] = fill
    return piece


def cut_points(points: np.ndarray, box: Box, size: float) -> np.ndarray:
    """Picture pixels (..., 2) as pixels of a crop resized to ``size``; NaN stays NaN."""
    return (np.asarray(points, dtype=np.float64) - box[:2]) * (size / (box[2] - box[0]))


def place(patch: np.ndarray, box: Box, width: int, height: int) -> np.ndarray:
    """A crop at its place in an otherwise empty (0) picture: the reverse of :func:`cut`.

    Args:
        patch: (S, S) or (S, S, C) of bool, uint8 or float.
        box: where it belongs; what sticks out is cut off.
        width, height: of the picture, in pixels.
    """
    picture = np.zeros((height, width, *patch.shape[2:]), dtype=patch.dtype)
    left, top, right, bottom = max(box[0], 0), max(box[1], 0), min(box[2], width), min(box[3], height)
    if left < right and top < bottom:
        resized = resize(patch, box[2] - box[0], box[3] - box[1])
        picture[top:bottom, left:right] = resized[top - box[1] : bottom - box[1], left - box[0] : right - box[0]]
    return picture


def paste(canvas: np.ndarray, patch: np.ndarray, box: Box, mask: np.ndarray | None = None) -> np.ndarray:
    """Lay a crop over a picture through a soft mask.

    Args:
        canvas: (H, W) or (H, W, C) of uint8 or float; not changed.
        patch: (S, S) or (S, S, C), same dtype and channels.
        box: the patch's place in the canvas.
        mask: (S, S) bool or float 0..1, how much of the patch shows; None shows all of it.

    Returns:
        The picture, like ``canvas``.  Pixels where the mask is 0 are equal to the canvas.
    """
    height, width = canvas.shape[:2]
    if mask is None:
        mask = np.ones(patch.shape[:2], dtype=np.float32)
    weight = np.clip(place(np.asarray(mask, dtype=np.float32), box, width, height), 0.0, 1.0)
    shown = weight > 0
    weight = weight[shown].reshape(-1, *(1,) * (canvas.ndim - 2))
    laid = canvas.astype(np.float32)[shown] * (1.0 - weight) + place(patch, box, width, height)[shown] * weight
    result = canvas.copy()
    result[shown] = np.rint(laid) if canvas.dtype == np.uint8 else laid
    return result


def resize(array: np.ndarray, width: int, height: int) -> np.ndarray:
    """Resize a picture with antialiasing.

    uint8 by Lanczos; float by a triangle filter, which adds no values beyond those there; bool by area, where half
    counts as inside (enlarging, that is the nearest pixel).

    Args:
        array: (H, W) or (H, W, C) of bool, uint8 or float.

    Returns:
        (height, width) or (height, width, C) of the same dtype.
    """
    if array.shape[:2] == (height, width):
        return array
    if array.dtype == bool:
        return _resize_floats(array, width, height, Image.Resampling.BOX) >= 0.5
    if array.dtype != np.uint8:
        return _resize_floats(array, width, height, Image.Resampling.BILINEAR).astype(array.dtype)
    if array.ndim == 2 or array.shape[2] == 3:
        return np.array(Image.fromarray(array).resize((width, height), Image.Resampling.LANCZOS))
    return np.stack([resize(array[..., c], width, height) for c in range(array.shape[2])], axis=-1)


def scale_pose(pose: PersonPose, from_size: tuple[int, int], to_size: tuple[int, int]) -> PersonPose:
    """The same pose in a picture of another size; sizes are (width, height) in pixels."""
    return move_pose(pose, (0, 0, *from_size), to_size)


def move_pose(pose: PersonPose, box: Box, size: tuple[int, int]) -> PersonPose:
    """The same pose in a rectangle of the picture that is resized to ``size`` (width, height)."""
    scale = np.array(size, dtype=np.float64) / (box[2] - box[0], box[3] - box[1])
    corner = np.array(box[:2], dtype=np.float64)
    return dataclasses.replace(
        pose,
        body=(pose.body - corner) * scale,
        hands={side: (points - corner) * scale for side, points in pose.hands.items()},
        face=(pose.face - corner) * scale,
    )


def _resize_floats(array: np.ndarray, width: int, height: int, filter: Image.Resampling) -> np.ndarray:
    channels = [
        np.array(Image.fromarray(np.ascontiguousarray(channel, dtype=np.float32)).resize((width, height), filter))
        for channel in np.moveaxis(array.reshape(*array.shape[:2], -1), -1, 0)
    ]
    return np.stack(channels, axis=-1).reshape(height, width, *array.shape[2:])


def _extent(points: np.ndarray, mask: np.ndarray | None, width: int, height: int) -> np.ndarray | None:
    """The tight box (4,) around a hand, or None.  Points beyond the picture by more than its size count at that rim."""
    points = points[np.isfinite(points).all(axis=1)]
    corners = np.clip(points, (-width, -height), (2 * width, 2 * height))
    if mask is not None and mask.any():
        columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
        corners = np.concatenate([corners, [(columns[0], rows[0]), (columns[-1] + 1, rows[-1] + 1)]])
    if not len(corners):
        return None
    return np.concatenate([corners.min(axis=0), corners.max(axis=0)])


def _square(corners: np.ndarray, margin: float) -> Box:
    side = max(_SMALLEST, math.ceil(max(corners[2:] - corners[:2]) * (1.0 + 2.0 * margin)))
    left, top = (round(float(middle) - side / 2) for middle in (corners[:2] + corners[2:]) / 2)
    return left, top, left + side, top + side
