# SPDX-License-Identifier: GPL-3.0-or-later
"""Normals in the colours that ControlNet's normalbae models were trained on."""

from __future__ import annotations

import numpy as np

_EMPTY = (0.0, 0.0, 1.0)  # normalbae knows no empty pixel: what lies behind everything is a wall that faces the camera


def normal_picture(normals: np.ndarray) -> np.ndarray:
    """Camera-space normals as colours: blue faces the camera, red the picture's left, green its top.

    Args:
        normals: (H, W, 3) unit normals in camera space (x right, y up, z to the camera), 0 where nothing is seen.

    Returns:
        (H, W, 3) uint8 RGB; -1 to 1 becomes 0 to 255, and pixels that see nothing are (128, 128, 255).
    """
    empty = ~normals.any(axis=2, keepdims=True)
    mirrored = np.where(empty, _EMPTY, normals * (-1.0, 1.0, 1.0))
    colours: np.ndarray = np.rint((np.clip(mirrored, -1.0, 1.0) + 1.0) * 127.5).astype(np.uint8)
    return colours
