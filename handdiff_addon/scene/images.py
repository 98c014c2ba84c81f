# SPDX-License-Identifier: GPL-3.0-or-later
"""Passes as Blender images, packed into the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import bpy
import numpy as np
from PIL import Image

from ..conditioning.frame import Conditioning
from ..conditioning.pass_files import DATA_PASSES, pass_picture
from ..files import png
from ..request import Pass

COLOURED: tuple[Pass, ...] = ("skeleton", "segmentation")
"""Passes to be looked at; the others hold numbers, which colour management must leave alone."""


def keep_image(name: Pass, picture: np.ndarray) -> bpy.types.Image:
    """Keep one picture of a pass, (H, W) uint8 or uint16, or (H, W, 3) uint8 RGB; see :func:`keep_images`."""
    return keep_images({name: png(Image.fromarray(picture))})[0]


def encode_images(conditioning: Conditioning, passes: Sequence[Pass]) -> dict[Pass, bytes]:
    """Those of a frame's passes that are pictures, as PNG; needs no Blender."""
    pictures = {name: pass_picture(conditioning, name) for name in passes if name not in DATA_PASSES}
    return {name: png(Image.fromarray(picture)) for name, picture in pictures.items()}


def keep_images(encoded: Mapping[Pass, bytes]) -> list[bpy.types.Image]:
    """Keep passes in the file as the images ``HandDiff NAME``; those that are there are changed, so their users see it.

    Args:
        encoded: PNGs, as :func:`encode_images` makes them.

    Returns:
        the images: packed, byte for byte the pictures, kept even while nothing uses them.
    """
    return [_keep(name, data, "sRGB" if name in COLOURED else "Non-Color") for name, data in encoded.items()]


def _keep(name: str, data: bytes, colour_space: str) -> bpy.types.Image:
    title = f"HandDiff {name}"
    image = bpy.data.images.get((title, None)) or bpy.data.images.new(title, 1, 1)
    image.pack(data=data, data_len=len(data))
    image.source = "FILE"
    image.filepath_raw = ""
    image.colorspace_settings.name = colour_space
    image.use_fake_user = True
    image.buffers_free()  # so that it is read from what was packed just now
    image.update_tag()
    return image


def keep_comparison(one: Image.Image, other: Image.Image) -> bpy.types.Image:
    """Keep two pictures side by side, at the first one's height, as the image ``HandDiff comparison``."""
    other = other.resize((max(1, round(other.width * one.height / other.height)), one.height))
    gap = max(2, one.width // 64)
    both = Image.new("RGB", (one.width + gap + other.width, one.height))
    both.paste(one, (0, 0))
    both.paste(other, (one.width + gap, 0))
    return _keep("comparison", png(both), "sRGB")
