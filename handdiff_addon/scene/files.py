# SPDX-License-Identifier: GPL-3.0-or-later
"""Opening .blend files, and the files that they refer to."""

from __future__ import annotations

import contextlib
from pathlib import Path

import bpy

from ..errors import SceneError, first_line


def open_blend(path: Path) -> bpy.types.Scene:
    """Open a .blend file in place of what is open, without its scripts, and return its active scene.

    Raises:
        SceneError: where the file is missing, cannot be read, or is no .blend file.
    """
    if not path.is_file():
        raise SceneError(f"There is no file {path}: give the path of a .blend file.")
    try:
        bpy.ops.wm.open_mainfile(filepath=str(path.resolve()), load_ui=False, use_scripts=False)
    except RuntimeError as error:
        raise SceneError(f"{path} cannot be opened ({first_line(error)}): save it anew from Blender.") from error
    return bpy.context.scene


def missing_libraries() -> list[str]:
    """Warnings of linked files that the open file lacks, one sentence each."""
    paths = [bpy.path.abspath(library.filepath) for library in bpy.data.libraries if library.packed_file is None]
    return [
        f"The linked file {path} is missing, and so is what comes from it: bring it back, or make it local."
        for path in paths
        if not Path(path).is_file()
    ]


def relative(path: str) -> str:
    """A file's absolute path as seen from the saved .blend, so that both can move together; as it is where there is
    none, or on another drive."""
    if bpy.data.filepath:
        with contextlib.suppress(ValueError):
            return bpy.path.relpath(path)
    return path


def new_scene() -> bpy.types.Scene:
    """Close what is open for an empty file, and return its scene."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return bpy.context.scene
