# SPDX-License-Identifier: GPL-3.0-or-later
"""Which sleeves a person wears, told by the materials that the camera sees.

A picture painted on to the shape of a sleeve had better show one, whether the prompt names it or not.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

Sleeves = Literal["long sleeves", "rolled-up sleeves", "short sleeves", ""]
"""As a caption says it; empty where it cannot be told"""

_LOWER, _UPPER = (41, 48), (57, 70)
"""Bands across both forearms, as steps of the body map's red from the fingertips on: the wrist is at about 37, the
elbow at 76.  Cloth in both is a long sleeve, in the second alone a rolled-up one"""
_TRUNK = ((105, 150), (140, 190))
"""Red and green of the body map on the chest"""
_FACE = (222, 160)
"""Least green and blue of the body map on the face"""
_SHARE, _LEAST = 0.2, 12


def sleeves_of(body_map: np.ndarray, person: np.ndarray, hands: np.ndarray, materials: np.ndarray) -> Sleeves:
    """Tell the sleeves of one person.

    Bare is what has a material of the hands or the face; where the chest has no other, all may be one material with a
    texture, and nothing can be told.

    Args:
        body_map: (H, W, 3) uint8, as :func:`.body_map.body_map` gives it.
        person: (H, W) bool, what is seen of the person.
        hands: (H, W) bool, what is seen of both hands.
        materials: (H, W) int, what material each pixel shows, by any number.
    """
    red, green, blue = (body_map[..., channel].astype(np.int16) for channel in range(3))
    body = person & ~hands
    face = body & (green >= _FACE[0]) & (blue >= _FACE[1])
    (left, right), (low, high) = _TRUNK
    trunk = body & (red >= left) & (red < right) & (green >= low) & (green < high)
    skin = np.union1d(_common(materials[hands]), _common(materials[face]))
    chest = _common(materials[trunk])
    if not len(skin) or (len(chest) and np.isin(chest, skin).all()):
        return ""
    reach = np.minimum(red, 255 - red)
    lower, upper = (
        bool(np.isin(band, skin).mean() < 0.5) if len(band) >= _LEAST else None
        for band in (materials[body & (reach >= first) & (reach < last)] for first, last in (_LOWER, _UPPER))
    )
    if lower or (upper and lower is None):
        return "long sleeves"
    if upper:
        return "rolled-up sleeves"
    return "" if lower is None and upper is None else "short sleeves"


def _common(materials: np.ndarray) -> np.ndarray:
    """The materials of a good share of these pixels; none where there are hardly any."""
    if len(materials) < _LEAST:
        return np.empty(0, materials.dtype)
    kinds, counts = np.unique(materials, return_counts=True)
    return kinds[counts >= _SHARE * len(materials)]
