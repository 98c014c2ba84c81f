# SPDX-License-Identifier: GPL-3.0-or-later
"""Humanoid armatures of a scene and their evaluated poses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache, lru_cache

import bpy
import numpy as np

from ..errors import SceneError
from ..rig.attachment import Attachment, whole_bones
from ..rig.bones import Bone
from ..rig.keypoints import PersonKeypoints
from ..rig.matching import RigMatch, match_rig
from ..rig.overrides import ESSENTIAL
from ..rig.pose import attach
from .aliases import read_aliases
from .overrides import read_overrides
from .surfaces import in_rendered_collections


def find_humanoids(scene: bpy.types.Scene, names: Sequence[str] = ()) -> list[bpy.types.Object]:
    """The scene's humanoid armatures.

    Without names, all humanoids that are neither hidden from renders nor excluded from the view layer; where some of
    them move a mesh, those that move none are left out, and so is the metarig where the rig that Rigify generated from
    it stands beside it.

    Args:
        scene: where to look.
        names: objects to take, in this order.

    Raises:
        SceneError: where there is no armature, a name is no armature's or that of a hidden one, or none is a humanoid.
    """
    armatures = [thing for thing in scene.objects if thing.type == "ARMATURE"]
    if not armatures:
        raise SceneError(
            instance_problem(scene)
            or f'The scene "{scene.name}" holds no armature: add a rigged human or the HandDiff sample human.'
        )
    rendered = _rendered(scene)
    if names:
        # A name that a linked armature shares is that of this file's own.
        by_name = {armature.name: armature for armature in sorted(armatures, key=lambda thing: thing.library is None)}
        for name in names:
            if name not in by_name:
                choice = ", ".join(sorted(by_name))
                raise SceneError(f'The scene holds no armature named "{name}": choose one of {choice}.')
            if problem := _why_hidden(by_name[name], rendered):
                raise SceneError(problem)
            match_person(by_name[name])
        return [by_name[name] for name in dict.fromkeys(names)]
    families = {armature.name: family for armature in armatures if (family := _family(armature))}
    if not families:
        match_person(armatures[0])
    humanoids = [armature for armature in armatures if armature.name in families]
    shown = [armature for armature in humanoids if not _why_hidden(armature, rendered)]
    if not shown:
        raise SceneError(_why_hidden(humanoids[0], rendered))
    with_mesh = {owner.name for thing in scene.objects if thing.type == "MESH" for owner in _movers(thing)}
    dressed = [armature for armature in shown if armature.name in with_mesh]
    if dressed:
        return dressed
    if "rigify_generated" in families.values():
        return [armature for armature in shown if families[armature.name] != "rigify_metarig"]
    return shown


def instance_problem(scene: bpy.types.Scene) -> str:
    """Why a character that is an instance of a collection is none of the scene's people; empty where there is none."""

    def held(things: Iterable[bpy.types.Object]) -> list[tuple[int, bpy.types.Object]]:
        """The instances among objects that hold an armature, each with how many instances lie around that."""
        collections = [(thing, thing.instance_collection) for thing in things if thing.instance_type == "COLLECTION"]
        return [(deep, thing) for thing, collection in collections if collection and (deep := depth(collection))]

    @cache
    def depth(collection: bpy.types.Collection) -> int:
        things = collection.all_objects
        if any(thing.type == "ARMATURE" for thing in things):
            return 1
        return min((deep + 1 for deep, _ in held(things)), default=0)

    # An instance that was overridden stays beside the one that it held, which is the next to override.
    _, thing = min(held(scene.objects), key=lambda found: found[0], default=(0, None))
    if thing is None:
        return ""
    if thing.instance_collection.library is not None:
        return (
            f'"{thing.name}" is an instance of a linked collection with an armature, which cannot be painted:'
            " use Object > Library Override > Make on it."
        )
    return (
        f'"{thing.name}" is an instance of a collection with an armature, which cannot be painted: use Object >'
        " Apply > Make Instances Real on it."
    )


def rest_bones(armature: bpy.types.Object) -> dict[str, Bone]:
    """Every bone at rest, in armature space.  Shared by all who ask: not to be changed."""
    bones = armature.data.bones
    names = tuple(bones.keys())
    parents = tuple(bone.parent.name if bone.parent else None for bone in bones)
    deform = np.empty(len(bones), dtype=bool)
    bones.foreach_get("use_deform", deform)
    places = (_values(bones, attribute, width).tobytes() for attribute, width in _REST)
    return _rest(names, parents, deform.tobytes(), *places)


_REST = (("head_local", 3), ("tail_local", 3), ("matrix_local", 16))


@lru_cache(maxsize=32)
def _rest(
    names: tuple[str, ...], parents: tuple[str | None, ...], deform: bytes, heads: bytes, tails: bytes, matrices: bytes
) -> dict[str, Bone]:
    ends = (np.frombuffer(values, dtype=np.float32).reshape(-1, 3).astype(np.float64) for values in (heads, tails))
    columns = np.frombuffer(matrices, dtype=np.float32).reshape(-1, 4, 4).astype(np.float64)
    return {
        name: Bone(name, parent, head, tail, matrix.T, bool(deforms))
        for name, parent, head, tail, matrix, deforms in zip(names, parents, *ends, columns, deform)
    }


def match_armature(armature: bpy.types.Object) -> RigMatch:
    """Match an armature's bones as they are modelled.

    Raises:
        SceneError: where it is no humanoid.
    """
    try:
        return match_rig(rest_bones(armature), read_aliases(armature))
    except SceneError as error:
        raise SceneError(f'The armature "{armature.name}" cannot be used. {error}') from error


def match_person(armature: bpy.types.Object) -> RigMatch:
    """Match an armature's bones as they are modelled, with the keypoints that the user put elsewhere.

    These make a person of bones that nothing recognises, where they give shoulders, elbows, hips and knees.

    Raises:
        SceneError: where it is no humanoid, or its overrides cannot be used.
    """
    overrides = read_overrides(armature)
    try:
        match = match_armature(armature)
    except SceneError:
        if not all(name in overrides for name in ESSENTIAL):
            raise
        match = RigMatch("unnamed", {})
    return replace(match, overrides=overrides) if overrides else match


def match_seen(armature: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> tuple[RigMatch, PersonKeypoints]:
    """Match an armature's bones as the camera sees them, and give the world-space keypoints of its evaluated pose:
    constraints, drivers and controls count.

    A negative scale swaps left and right: a mirrored person's left arm looks like, and is drawn as, a right one.

    Raises:
        SceneError: where it is no humanoid, or has no readable pose.
    """
    match = match_person(armature)
    attachment = _attachment(armature, match)
    pose = _pose(armature, depsgraph, attachment.bones)
    return match.mirrored() if attachment.is_mirrored(pose) else match, attachment.place(pose, armature.name)


def read_person(armature: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> PersonKeypoints:
    """The keypoints of :func:`match_seen` alone."""
    return match_seen(armature, depsgraph)[1]


def _attachment(armature: bpy.types.Object, match: RigMatch) -> Attachment:
    rest = rest_bones(armature)
    key = (id(rest), match.family, tuple(match.bones.items()), tuple(match.overrides.items()))
    kept = _attachments.pop(key, None)
    if kept is None or kept[0] is not rest:
        kept = rest, attach(match, rest)
    _attachments[key] = kept
    if len(_attachments) > 32:
        del _attachments[next(iter(_attachments))]
    return kept[1]


_attachments: dict[tuple, tuple[dict[str, Bone], Attachment]] = {}
"""Those used last, each with the rest pose that it was made of, which its key knows by identity."""


def check_pose(armature: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> None:
    """See that an armature's pose is known.

    Raises:
        SceneError: where it is not, or where the armature is scaled to nothing.
    """
    if armature.mode == "EDIT":
        raise SceneError(f'"{armature.name}" is in Edit Mode, so its pose is not known: leave Edit Mode first.')
    evaluated = armature.evaluated_get(depsgraph)
    if not evaluated.is_evaluated:
        raise SceneError(f'"{armature.name}" is hidden in the viewport, so its pose is not known: unhide it.')
    world = np.array(evaluated.matrix_world, dtype=np.float64)
    size = np.linalg.norm(world[:3, :3], axis=0)
    if not (np.isfinite(world).all() and size.min() > 1e-9 and size.max() < 1e9):
        raise SceneError(
            f'"{armature.name}" is scaled to nothing or beyond measure, or stands nowhere: give it, and what it hangs'
            " from, a plain location, rotation and scale."
        )


def _pose(armature: bpy.types.Object, depsgraph: bpy.types.Depsgraph, names: Sequence[str]) -> np.ndarray:
    """World matrices of posed bones, (N, 4, 4).

    Raises:
        SceneError: where the pose is not known, or scaled to nothing.
    """
    check_pose(armature, depsgraph)
    evaluated = armature.evaluated_get(depsgraph)
    world = np.array(evaluated.matrix_world, dtype=np.float64)
    bones = evaluated.pose.bones
    index = {name: number for number, name in enumerate(bones.keys())}
    # foreach_get gives matrices column by column.
    matrices = _values(bones, "matrix", 16).reshape(-1, 4, 4).transpose(0, 2, 1)[[index[name] for name in names]]
    if not whole_bones(matrices).any():
        raise SceneError(f'The bones of "{armature.name}" are scaled to nothing or stand nowhere: clear their pose.')
    return world @ matrices.astype(np.float64)


def _values(bones: bpy.types.bpy_prop_collection, attribute: str, width: int) -> np.ndarray:
    values: np.ndarray = np.empty(width * len(bones), dtype=np.float32)
    bones.foreach_get(attribute, values)
    return values


def _rendered(scene: bpy.types.Scene) -> set[bpy.types.Object]:
    """The objects that the view layer holds in collections that render."""
    layer = bpy.context.view_layer if scene == bpy.context.scene else scene.view_layers[0]
    return in_rendered_collections(layer.layer_collection, indirect=True)


def _why_hidden(armature: bpy.types.Object, rendered: set[bpy.types.Object]) -> str:
    """Why an armature is not part of the picture, empty where it is."""
    if armature.hide_render:
        return f'The armature "{armature.name}" is hidden from renders: show it (the camera in the Outliner).'
    if armature not in rendered:
        return (
            f'The armature "{armature.name}" is only in collections that are excluded from the view layer or'
            " hidden from renders: include one."
        )
    return ""


def _family(armature: bpy.types.Object) -> str:
    """The armature's rig family, empty where it is no humanoid."""
    try:
        return match_person(armature).family
    except SceneError:
        return ""


def _movers(thing: bpy.types.Object) -> list[bpy.types.Object]:
    """Armatures that move an object directly."""
    movers = [modifier.object for modifier in thing.modifiers if modifier.type == "ARMATURE" and modifier.object]
    return [*movers, thing.parent] if thing.parent and thing.parent.type == "ARMATURE" else movers
