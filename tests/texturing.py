# SPDX-License-Identifier: GPL-3.0-or-later
"""One picture on the people of a scene."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import bpy
import numpy as np
from PIL import Image

from handdiff_addon.conditioning.frame import Conditioning
from handdiff_addon.conditioning.shots import Shot
from handdiff_addon.scene.texture import Projection


def apply_texture(
    scene: bpy.types.Scene,
    conditioning: Conditioning,
    picture: Image.Image,
    mask: np.ndarray | None = None,
    armatures: Sequence[str] = (),
    *,
    size: int,
    uv_map: str = "",
    **shown: Any,
) -> dict[str, bpy.types.Image]:
    """Project a picture through the camera of its passes, which take the warnings, and show it."""
    projection = Projection(scene, armatures, conditioning.frame, uv_map=uv_map, size=size)
    mask = conditioning.person_mask if mask is None else mask
    projection.add(Shot(conditioning.camera, np.asarray(picture), mask))
    textures = projection.show(**shown)
    conditioning.warnings += projection.warnings
    return textures
