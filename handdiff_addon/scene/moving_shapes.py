# SPDX-License-Identifier: GPL-3.0-or-later
"""Shape keys that move, such as a face's, in files that Blender's glTF exporter writes.

Where it applies modifiers it writes no shape keys, and where it does not, nothing of Mirror or Subdivision Surface.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import bpy

from .passes import depsgraph_of


@contextmanager
def moving_shapes(scene: bpy.types.Scene, owners: list[bpy.types.Object], still: set[str]) -> Iterator[bool]:
    """Whether the exporter is to write shape keys, since some move.

    Then it applies no modifiers, so those of other objects are applied here for a while, and shape keys that do not
    move.

    Args:
        scene: at the frame whose shapes are applied.
        owners: mesh objects.
        still: gets the names of objects whose shape keys move and will not in the file: they have modifiers besides the
            armature's.
    """
    moving = [owner for owner in owners if _moves(owner)]
    still.update(owner.name for owner in moving if _is_modified(owner))
    alone = [owner for owner in moving if owner.name not in still]
    others = [owner for owner in owners if owner not in alone and (_is_modified(owner) or owner.data.shape_keys)]
    if not alone or not all(owner.is_editable for owner in others):
        still.update(owner.name for owner in alone)
        yield False
        return
    swapped: list[tuple[bpy.types.Object, bpy.types.Mesh]] = []
    try:
        for owner in others:
            swapped.append((owner, owner.data))
            owner.data = _without_armature(scene, owner)
        yield True
    finally:
        for owner, data in swapped:
            applied, owner.data = owner.data, data
            if applied != data:
                bpy.data.meshes.remove(applied)


def _moves(owner: bpy.types.Object) -> bool:
    animation = owner.data.shape_keys.animation_data if owner.data.shape_keys else None
    return bool(animation and (animation.action or animation.drivers or animation.nla_tracks))


def _is_modified(owner: bpy.types.Object) -> bool:
    return any(modifier.show_viewport and modifier.type != "ARMATURE" for modifier in owner.modifiers)


def _without_armature(scene: bpy.types.Scene, owner: bpy.types.Object) -> bpy.types.Mesh:
    """The mesh with all modifiers but the armature's."""
    armatures = [modifier for modifier in owner.modifiers if modifier.type == "ARMATURE" and modifier.show_viewport]
    try:
        for modifier in armatures:
            modifier.show_viewport = False
        depsgraph = depsgraph_of(scene)
        evaluated = owner.evaluated_get(depsgraph)
        applied = bpy.data.meshes.new_from_object(evaluated, preserve_all_data_layers=True, depsgraph=depsgraph)
        applied.name = owner.data.name
        return applied
    finally:
        for modifier in armatures:
            modifier.show_viewport = True
