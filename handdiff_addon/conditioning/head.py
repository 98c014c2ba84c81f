# SPDX-License-Identifier: GPL-3.0-or-later
"""Where collar, face and hair meet on a head of one material.

About where they do is told by the place on the body; on most meshes, that collar and hair stand out from the skin tells
the rest.  Each pixel's shares of the three are carried to its neighbours, the less the more the surface turns between
them, as a random walker's would be (Grady, "Random Walks for Image Segmentation", 2006).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PIL import Image, ImageFilter

from .crops import resize, sample

_LOW = 185
"""Green of the body map from which on pixels are looked at; below, all is shirt"""
_COLLAR = ((150, 165, 180), (219, 218, 204))
_HAIRLINE = ((84, 102, 126, 162, 174, 186, 204), (224, 229, 241, 242, 249, 253, 256))
"""At these values of blue, from the back to the front, the green of either edge: where half of the pixels change of the
four people besides the sample human that the model learned from"""
_UNSURE = 3.0
"""By how much of green either may lie elsewhere"""
_SIDE = 128
"""Pixels of the head's longer side, at most, that shares are carried at"""
_STEEP, _PULL = 300.0, 30.0
"""How much a turn of the surface keeps shares apart, and how much what the place tells weighs, over a head's area"""
_ROUND = 0.015
"""Of the head's longer side, the radius that its edges are rounded with: meshes' edges have teeth"""
_ROUNDS, _NEAR = 200, 1e-3


class Head(NamedTuple):
    """What the pixels of one person's head and neck show, (H, W) bool each."""

    skin: np.ndarray
    collar: np.ndarray
    hair: np.ndarray


def divide_head(body_map: np.ndarray, body: np.ndarray, normals: np.ndarray) -> Head:
    """Tell collar, face and hair by the place and the surface.

    Args:
        body_map: (H, W, 3) uint8, as :func:`.body_map.body_map` gives it.
        body: (H, W) bool, what is seen of one person without arms and hands.
        normals: (H, W, 3), of length 1 in any space.
    """
    zone = body & (body_map[..., 1] >= _LOW)
    divided = np.zeros((3, *zone.shape), bool)
    if zone.any():
        rows, columns = (np.flatnonzero(zone.any(axis)) for axis in (1, 0))
        part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        shares = _shares(body_map[part], zone[part], normals[part])
        divided[:, *part] = zone[part] & (shares.argmax(0) == np.arange(3)[:, None, None])
    return Head(*divided)


def usual_hair(body_map: np.ndarray, clear: float = 0.0) -> np.ndarray:
    """(H, W) bool, what is hair by the place alone, by more than so many steps of the body map's green."""
    return _above_hairline(body_map[..., 1], body_map[..., 2]) > clear


def _above_hairline(green: np.ndarray, blue: np.ndarray) -> np.ndarray:
    """By how many steps of green."""
    return green - np.interp(blue, *_HAIRLINE)


def _shares(body_map: np.ndarray, zone: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Of skin, collar and hair, (3, H, W)."""
    height, width = zone.shape
    less = min(1.0, _SIDE / max(height, width))
    size = max(1, round(width * less)), max(1, round(height * less))
    places, seen, turned = (
        sample(array, (0, 0, width, height), *size, 0) for array in (body_map.astype(np.float32), zone, normals)
    )
    green, blue = places[..., 1], places[..., 2]
    collar = _rising((np.interp(blue, *_COLLAR) - green) / _UNSURE)
    hair = _rising(_above_hairline(green, blue) / _UNSURE)
    told = np.stack([(1.0 - collar) * (1.0 - hair), collar, hair])
    carried = _carried(told / told.sum(0), seen, turned, _PULL / max(size) ** 2)
    likeliest = seen & (carried.argmax(0) == np.arange(3)[:, None, None])
    around = ImageFilter.GaussianBlur(_ROUND * max(size))
    smooth = [np.asarray(Image.fromarray(np.uint8(255) * own).filter(around)) for own in likeliest]
    return np.stack([resize(own.astype(np.float32), width, height) for own in smooth])


def _carried(told: np.ndarray, zone: np.ndarray, normals: np.ndarray, pull: float) -> np.ndarray:
    """Shares (K, H, W) that are near those told, and alike where neighbours' normals are: by conjugate gradients."""
    across = zone[:, 1:] * zone[:, :-1] * np.exp(-_STEEP * np.square(np.diff(normals, axis=1)).sum(-1))
    down = zone[1:] * zone[:-1] * np.exp(-_STEEP * np.square(np.diff(normals, axis=0)).sum(-1))

    def spread(shares: np.ndarray) -> np.ndarray:
        result = pull * shares
        flow = across * np.diff(shares, axis=2)
        result[:, :, :-1] -= flow
        result[:, :, 1:] += flow
        flow = down * np.diff(shares, axis=1)
        result[:, :-1] -= flow
        result[:, 1:] += flow
        return result

    shares = told.copy()
    rest = pull * told - spread(shares)
    step, size = rest.copy(), np.square(rest).sum()
    enough = size * _NEAR**2
    for _ in range(_ROUNDS):
        if size <= enough:
            break
        moved = spread(step)
        length = size / (step * moved).sum()
        shares += length * step
        rest -= length * moved
        size, before = np.square(rest).sum(), size
        step = rest + (size / before) * step
    return shares


def _rising(values: np.ndarray) -> np.ndarray:
    """From 0 to 1 about 0."""
    return 0.5 + 0.5 * np.tanh(0.5 * values)
