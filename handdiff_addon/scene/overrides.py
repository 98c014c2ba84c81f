# SPDX-License-Identifier: GPL-3.0-or-later
"""Keypoints that the user puts at bones by hand, as they are kept on an armature: in its file, and in files beside it.

They are JSON text in a custom property of the armature's object, which Blender saves, links and copies with it, whether
the extension is there or not.
"""

from __future__ import annotations

from pathlib import Path

import bpy

from ..errors import SceneError, UsageError
from ..files import write_bytes
from ..rig.overrides import BoneEnd, Overrides, from_json, to_json

PROPERTY = "handdiff_keypoints"


def read_overrides(armature: bpy.types.Object, *, check_bones: bool = True) -> dict[str, BoneEnd]:
    """An armature's overrides, by keypoint.

    Args:
        armature: the armature's object.
        check_bones: refuse those at bones that are gone; off to mend them.

    Raises:
        SceneError: where the property was damaged, or names a bone that is gone.
    """
    text = armature.get(PROPERTY)
    if text is None:
        return {}
    try:
        return from_json(str(text), armature.data.bones.keys() if check_bones else None)
    except UsageError as error:
        raise SceneError(f'The keypoints put by hand on "{armature.name}" cannot be used. {error}') from error


def write_overrides(armature: bpy.types.Object, overrides: Overrides) -> None:
    """Keep overrides on an armature, instead of those that it has; none takes the property off.

    Raises:
        SceneError: on a linked or library-overridden armature, on which Blender would not save them.
    """
    if armature.library is not None or armature.override_library is not None:
        source = armature.library or armature.override_library.reference.library
        raise SceneError(
            f'"{armature.name}" comes from the library {source.filepath}, so keypoints set here would not be saved: set'
            " them in that file, or make the armature local (Object > Relations > Make Local)."
        )
    if overrides:
        armature[PROPERTY] = to_json(overrides)
    elif PROPERTY in armature:
        del armature[PROPERTY]
    armature.update_tag()


def import_overrides(armature: bpy.types.Object, path: Path) -> int:
    """Replace an armature's overrides by those of a JSON file; gives their number.

    Raises:
        UsageError: where the file cannot be read or does not fit the armature; nothing is changed then.
        SceneError: where they cannot be kept on this armature.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}): choose a file that HandDiff exported.") from error
    except ValueError as error:
        raise UsageError(f"{path} is no text: choose a file that HandDiff exported.") from error
    try:
        overrides = from_json(text, armature.data.bones.keys())
    except UsageError as error:
        raise UsageError(f"{path} cannot be imported. {error}") from error
    write_overrides(armature, overrides)
    return len(overrides)


def export_overrides(armature: bpy.types.Object, path: Path) -> None:
    """Write an armature's overrides as JSON.

    Raises:
        SceneError: where they are damaged.
        OutputError: where the file cannot be written.
    """
    write_bytes(path, to_json(read_overrides(armature)).encode("utf-8"))
