# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of the results folder as icons that panels can draw."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import bpy.utils.previews

_icons: Any = None
_stamps: dict[str, int] = {}


def icon(path: Path) -> int:
    """Icon of a picture file, loaded anew when the file changes; 0 where there is no such file."""
    key = str(path)
    try:
        stamp = path.stat().st_mtime_ns
    except OSError:
        return 0
    if _stamps.get(key) != stamp:
        if key in _icons:
            del _icons[key]
        _icons.load(key, key, "IMAGE")
        _stamps[key] = stamp
    return _icons[key].icon_id


def register() -> None:
    global _icons
    _icons = bpy.utils.previews.new()


def unregister() -> None:
    global _icons
    bpy.utils.previews.remove(_icons)
    _icons = None
    _stamps.clear()
