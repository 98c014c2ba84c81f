# SPDX-License-Identifier: GPL-3.0-or-later
"""Passes as Blender images, packed into the file."""

from __future__ import annotations

import io
from collections.abc import Sequence

import bpy
import numpy as np
from PIL import Image

from ..conditioning.frame import Conditioning
from ..conditioning.pass_files import DATA_PASSES, pass_picture
from ..request import Pass

COLOURED: tuple[Pass, ...] = ("skeleton", "segmentation")
"""Passes to be looked at; the others hold numbers, which colour management must leave alone."""


def keep_image(name: Pass, picture: np.ndarray) -> bpy.types.Image:
    """Keep a pass in the file as the image ``HandDiff NAME``; the one that is there is changed, so its users see it.

    Args:
        name: the pass.
        picture: (H, W) uint8 or uint16, or (H, W, 3) uint8 RGB.

    Returns:
        the image: packed, byte for byte the picture, kept even while nothing uses it.
    """
    return _keep(name, Image.fromarray(picture), "sRGB" if name in COLOURED else "Non-Color")


def _keep(name: str, picture: Image.Image, colour_space: str) -> bpy.types.Image:
    title = f"HandDiff {name}"
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    image = bpy.data.images.get((title, None)) or bpy.data.images.new(title, 1, 1)
    image.pack(data=buffer.getvalue(), data_len=buffer.tell())
    image.source = "FILE"
    image.filepath_raw = ""
    image.colorspace_settings.name = colour_space
    image.use_fake_user = True
    image.buffers_free()  # so that it is read from what was packed just now
    image.update_tag()
    return image


def keep_images(conditioning: Conditioning, passes: Sequence[Pass]) -> list[bpy.types.Image]:
    """Keep those of a frame's passes that are pictures; see :func:`keep_image`."""
    return [keep_image(name, pass_picture(conditioning, name)) for name in passes if name not in DATA_PASSES]


def keep_comparison(one: Image.Image, other: Image.Image) -> bpy.types.Image:
    """Keep two pictures side by side, at the first one's height, as the image ``HandDiff comparison``."""
    other = other.resize((max(1, round(other.width * one.height / other.height)), one.height))
    gap = max(2, one.width // 64)
    both = Image.new("RGB", (one.width + gap + other.width, one.height))
    both.paste(one, (0, 0))
    both.paste(other, (one.width + gap, 0))
    return _keep("comparison", both, "sRGB")
