# SPDX-License-Identifier: GPL-3.0-or-later
"""Humanoid armatures of a scene and their evaluated poses."""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np

from ..errors import SceneError
from ..rig.bones import Bone
from ..rig.keypoints import PersonKeypoints
from ..rig.matching import RigMatch, match_rig
from ..rig.pose import keypoints
from .aliases import read_aliases

_REST = ("head_local", "tail_local", "matrix_local")
_POSE = ("head", "tail", "matrix")


def find_humanoids(scene: bpy.types.Scene, names: Sequence[str] = ()) -> list[bpy.types.Object]:
    """The scene's humanoid armatures.

    Without names, all humanoids; where some of them move a mesh, those that move none are left out, and so is the
    metarig where the rig that Rigify generated from it stands beside it.

    Args:
        scene: where to look.
        names: objects to take, in this order.

    Raises:
        SceneError: where there is no armature, a name is no armature's, or none is a humanoid.
    """
    armatures = [thing for thing in scene.objects if thing.type == "ARMATURE"]
    if not armatures:
        raise SceneError(
            f'The scene "{scene.name}" holds no armature: add a rigged human or the HandDiff sample human.'
        )
    if names:
        by_name = {armature.name: armature for armature in armatures}
        for name in names:
            if name not in by_name:
                choice = ", ".join(sorted(by_name))
                raise SceneError(f'The scene holds no armature named "{name}": choose one of {choice}.')
            match_armature(by_name[name])
        return [by_name[name] for name in dict.fromkeys(names)]
    families = {armature.name: family for armature in armatures if (family := _family(armature))}
    if not families:
        match_armature(armatures[0])
    humanoids = [armature for armature in armatures if armature.name in families]
    with_mesh = {owner.name for thing in scene.objects if thing.type == "MESH" for owner in _movers(thing)}
    dressed = [armature for armature in humanoids if armature.name in with_mesh]
    if dressed:
        return dressed
    if "rigify_generated" in families.values():
        return [armature for armature in humanoids if families[armature.name] != "rigify_metarig"]
    return humanoids


def rest_bones(armature: bpy.types.Object) -> dict[str, Bone]:
    """Every bone at rest, in armature space."""
    return _read(armature.data.bones, _REST, np.eye(4))


def match_armature(armature: bpy.types.Object) -> RigMatch:
    """Match an armature's bones as they are modelled.

    Raises:
        SceneError: where it is no humanoid.
    """
    try:
        return match_rig(rest_bones(armature), read_aliases(armature))
    except SceneError as error:
        raise SceneError(f'The armature "{armature.name}" cannot be used. {error}') from error


def match_seen(armature: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> RigMatch:
    """Match an armature's bones as the camera sees them: a negative scale swaps left and right.

    A mirrored person's left arm looks like, and is drawn as, a right one.
    """
    match = match_armature(armature)
    return match.mirrored() if armature.evaluated_get(depsgraph).matrix_world.is_negative else match


def read_person(armature: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> PersonKeypoints:
    """World-space keypoints of an armature's evaluated pose: constraints, drivers and controls count.

    Raises:
        SceneError: where it is no humanoid.
    """
    match = match_seen(armature, depsgraph)
    evaluated = armature.evaluated_get(depsgraph)
    world = np.array(evaluated.matrix_world)
    wanted = set(match.bones.values())
    pose = _read(evaluated.pose.bones, _POSE, world, wanted)
    rest = _read(evaluated.data.bones, _REST, world, wanted)
    return keypoints(match, pose, rest, armature.name)


def _read(
    bones: bpy.types.bpy_prop_collection,
    attributes: tuple[str, str, str],
    world: np.ndarray,
    wanted: set[str] | None = None,
) -> dict[str, Bone]:
    count = len(bones)
    heads, tails = (np.empty(3 * count, dtype=np.float32) for _ in range(2))
    matrices = np.empty(16 * count, dtype=np.float32)
    for attribute, values in zip(attributes, (heads, tails, matrices), strict=True):
        bones.foreach_get(attribute, values)
    heads, tails = (np.reshape(ends, (count, 3)) @ world[:3, :3].T + world[:3, 3] for ends in (heads, tails))
    # foreach_get gives matrices column by column.
    matrices = world @ matrices.reshape(count, 4, 4).transpose(0, 2, 1)
    return {
        bone.name: Bone(bone.name, bone.parent.name if bone.parent else None, heads[i], tails[i], matrices[i])
        for i, bone in enumerate(bones)
        if wanted is None or bone.name in wanted
    }


def _family(armature: bpy.types.Object) -> str:
    """The armature's rig family, empty where it is no humanoid."""
    try:
        return match_armature(armature).family
    except SceneError:
        return ""


def _movers(thing: bpy.types.Object) -> list[bpy.types.Object]:
    """Armatures that move an object directly."""
    movers = [modifier.object for modifier in thing.modifiers if modifier.type == "ARMATURE" and modifier.object]
    return [*movers, thing.parent] if thing.parent and thing.parent.type == "ARMATURE" else movers
