# SPDX-License-Identifier: GPL-3.0-or-later
"""What 3D views in Solid mode colour things by: textures while there are any of ours, and then what it was before."""

from __future__ import annotations

import bpy

_BEFORE = "handdiff_colours"
"""Custom property of a screen: what its areas coloured by, {"2": "MATERIAL", ..} by their place."""


def show_textures(context: bpy.types.Context) -> None:
    """Let the views of all windows show textures, where all colours would else stay the theme's."""
    for screen in {window.screen for window in context.window_manager.windows}:
        before = dict(screen.get(_BEFORE, {}))
        for index, area in enumerate(screen.areas):
            shading = area.spaces.active.shading if area.type == "VIEW_3D" else None
            if shading is not None and shading.type == "SOLID" and shading.color_type != "TEXTURE":
                before[str(index)] = shading.color_type
                shading.color_type = "TEXTURE"
        screen[_BEFORE] = before


def show_as_before() -> None:
    """Give the views back what they coloured by before :func:`show_textures`, where they still show textures."""
    for screen in bpy.data.screens:
        for index, colours in screen.pop(_BEFORE, {}).items():
            area = screen.areas[int(index)] if int(index) < len(screen.areas) else None
            if area is not None and area.type == "VIEW_3D" and area.spaces.active.shading.color_type == "TEXTURE":
                area.spaces.active.shading.color_type = colours
