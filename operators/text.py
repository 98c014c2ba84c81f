# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels that wrap, which a panel's own cut off, and named rows."""

from __future__ import annotations

import blf
import bpy

from .translations import translated
from .wrapping import wrap

DIALOG = 460
"""Width of a dialog in pixels before scaling"""


def named_row(layout: bpy.types.UILayout, name: str, text: str) -> None:
    """Draw a name and what stands under it, in the interface's language, aligned as properties are."""
    split = layout.split(factor=0.4)
    left = split.row()
    left.alignment = "RIGHT"
    left.label(text=name)
    split.label(text=translated(text), translate=False)


def wrapped(
    layout: bpy.types.UILayout,
    context: bpy.types.Context,
    text: str,
    icon: str = "NONE",
    alert: bool = False,
    width: int = 0,
) -> None:
    """Draw a sentence, in the interface's language, over as many lines as the width asks for.

    Args:
        width: of a dialog in pixels before scaling; 0: the region's.
    """
    scale = context.preferences.system.ui_scale
    blf.size(0, context.preferences.ui_styles[0].widget.points * scale)
    room = (width * scale or context.region.width) - (92 if icon != "NONE" else 68) * scale
    column = layout.column(align=True)
    column.alert = alert
    column.scale_y = 0.8
    for number, line in enumerate(wrap(translated(text), lambda line: blf.dimensions(0, line)[0] <= max(room, 60))):
        symbol = icon if number == 0 or icon == "NONE" else "BLANK1"
        column.label(text=line, icon=symbol, translate=False)
