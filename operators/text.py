# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels that wrap: a panel's own cut long sentences off."""

from __future__ import annotations

import textwrap

import blf
import bpy


def wrapped(
    layout: bpy.types.UILayout, context: bpy.types.Context, text: str, icon: str = "NONE", alert: bool = False
) -> None:
    """Draw a sentence over as many lines as the region's width asks for."""
    style = context.preferences.ui_styles[0].widget
    scale = context.preferences.system.ui_scale
    blf.size(0, style.points * scale)
    letter = max(1.0, blf.dimensions(0, "the quick brown fox jumps over it")[0] / 33)
    room = context.region.width - (92 if icon != "NONE" else 68) * scale
    column = layout.column(align=True)
    column.alert = alert
    column.scale_y = 0.8
    for number, line in enumerate(textwrap.wrap(text, max(16, int(room / letter))) or [""]):
        if icon == "NONE":
            column.label(text=line)
        else:
            column.label(text=line, icon=icon if number == 0 else "BLANK1")
