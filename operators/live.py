# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture as it comes about: icons for panels, and an image for image editors that look at our pictures."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
import bpy.utils.previews

from ..handdiff_addon.files import png

if TYPE_CHECKING:
    from PIL.Image import Image

NAME = "HandDiff Live"
SIDE = 256
"""Longer side of the icon in pixels"""

_icons: Any = None
_shown = 0
"""How many icons show the preview"""


@dataclass(frozen=True)
class Preview:
    """A picture, made ready off the main thread."""

    png: bytes
    size: tuple[int, int]
    """Of each icon"""
    tiles: tuple[Any, ...]
    """Each icon's (4 W H) float32 RGBA in 0..1, the lowest row first, as icons take them: squares in a row, as the
    hands of the first stage, have an icon each, since an icon's place is square; any other picture has one"""


def ready(picture: Image) -> Preview:
    """Make a picture ready to be shown; for the worker."""
    import numpy as np

    width, height = picture.size
    step = height if width % height == 0 else width
    tiles = [picture.crop((left, 0, left + step, height)).convert("RGBA") for left in range(0, width, step)]
    for tile in tiles:
        tile.thumbnail((SIDE, SIDE))
    pixels = tuple(np.asarray(tile, np.float32)[::-1].ravel() / np.float32(255) for tile in tiles)
    return Preview(png(picture), tiles[0].size, pixels)


def show(preview: Preview) -> None:
    """Show a preview in panels and image editors."""
    global _shown
    _shown = len(preview.tiles)
    for name, pixels in zip(_names(), preview.tiles, strict=True):
        icon = _icons[name] if name in _icons else _icons.new(name)
        if tuple(icon.image_size) != preview.size:
            icon.image_size = preview.size
        icon.image_pixels_float.foreach_set(pixels)
    for window, area in _editors():
        image = bpy.data.images.get((NAME, None)) or bpy.data.images.new(NAME, *preview.size)
        # Packed, so that Blender does not ask about unsaved pictures.
        image.pack(data=preview.png, data_len=len(preview.png))
        image.source, image.filepath_raw = "FILE", ""
        image.buffers_free()
        _look_at(window, area, image)


def icons() -> list[int]:
    """The preview's icons, to be shown beside each other; none while there is no preview."""
    return [_icons[name].icon_id for name in _names()]


def _names() -> list[str]:
    return [f"{NAME} {number}" for number in range(_shown)]


def finish(path: Path | None) -> None:
    """Put the finished picture in the preview's place; None where there is none."""
    global _shown
    _shown = 0
    editors = list(_editors())
    if path is not None and editors:
        with contextlib.suppress(RuntimeError):  # of a picture that is gone by now
            image = open_image(path)
            for window, area in editors:
                _look_at(window, area, image)
    image = bpy.data.images.get((NAME, None))
    if image is not None:
        bpy.data.images.remove(image)


def open_image(path: Path) -> bpy.types.Image:
    """A picture's image in this file, named after its run.

    Raises:
        RuntimeError: where Blender cannot read it.
    """
    image = bpy.data.images.load(str(path), check_existing=True)
    image.name = f"HandDiff {path.parent.name} {path.stem}"
    return image


def _editors() -> Iterator[tuple[bpy.types.Window, bpy.types.Area]]:
    """Image editors that show nothing, or a picture of ours, each with its window."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "IMAGE_EDITOR":
                image = area.spaces.active.image
                if image is None or image.name.startswith("HandDiff "):
                    yield window, area


_sizes: dict[int, tuple[int, ...]] = {}
"""Editor -> size of the picture that it was fitted to"""


def _look_at(window: bpy.types.Window, area: bpy.types.Area, image: bpy.types.Image) -> None:
    """Show an image in an editor, fitted where it is another one or of another size: Blender 5 shows another image at
    its own size, cut off in a small editor."""
    space, size, editor = area.spaces.active, tuple(image.size), area.as_pointer()
    same = space.image == image and _sizes.get(editor) == size
    space.image = image
    if same:
        return
    _sizes[editor] = size
    region = next((region for region in area.regions if region.type == "WINDOW"), None)
    with contextlib.suppress(RuntimeError), bpy.context.temp_override(window=window, area=area, region=region):
        bpy.ops.image.view_all(fit_view=True)


def register() -> None:
    global _icons
    _icons = bpy.utils.previews.new()


def unregister() -> None:
    global _icons, _shown
    bpy.utils.previews.remove(_icons)
    _icons, _shown = None, 0
