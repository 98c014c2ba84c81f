# SPDX-License-Identifier: GPL-3.0-or-later
"""Who can be painted: what the panels and polls ask at every redraw, remembered until bones are renamed."""

from __future__ import annotations

import time
from dataclasses import dataclass

import bpy

from ..handdiff_addon.errors import SceneError


@dataclass(frozen=True)
class Match:
    """What was found in one armature; ``problem`` says why it is no humanoid, and is empty where it is."""

    problem: str
    family: str = ""


_matches: dict[int, Match] = {}


def match(armature: bpy.types.Object) -> Match:
    """What was matched in an armature."""
    from ..handdiff_addon.scene.overrides import PROPERTY

    key = hash((armature.name, armature.get(PROPERTY), *(bone.name for bone in armature.data.bones)))
    if key not in _matches:
        if len(_matches) > 64:
            _matches.clear()
        _matches[key] = _match(armature)
    return _matches[key]


def _match(armature: bpy.types.Object) -> Match:
    from ..handdiff_addon.rig.families import FAMILIES
    from ..handdiff_addon.scene.rigs import match_person

    try:
        found = match_person(armature)
    except SceneError as error:
        return Match(problem=str(error))
    return Match("", FAMILIES[found.family].label)


def chosen(context: bpy.types.Context) -> bpy.types.Object | None:
    """The armature that the settings name, while it is in the scene."""
    armature = context.scene.handdiff.armature
    return armature if armature is not None and armature.name in context.scene.objects else None


def people(context: bpy.types.Context) -> list[bpy.types.Object]:
    """The armatures to paint: the chosen one, or every humanoid in the scene."""
    if (armature := chosen(context)) is not None:
        return [armature]
    return [context.scene.objects[name] for name in _humanoids(context.scene) if name in context.scene.objects]


_found: tuple[object, float, list[str]] = (None, 0.0, [])


def _humanoids(scene: bpy.types.Scene) -> list[str]:
    global _found
    armatures = [item for item in scene.objects if item.type == "ARMATURE"]
    key = (scene.name, len(scene.objects), tuple((item.name, len(item.data.bones)) for item in armatures))
    now = time.monotonic()
    if _found[0] != key or now > _found[1]:
        from ..handdiff_addon.scene.rigs import find_humanoids

        try:
            names = [item.name for item in find_humanoids(scene)]
        except SceneError:
            names = []
        _found = (key, now + 1.0, names)
    return _found[2]


def camera(context: bpy.types.Context) -> bpy.types.Object:
    """The camera to paint through.

    Raises:
        SceneError: where there is none.
    """
    from ..handdiff_addon.scene.cameras import scene_camera

    return scene_camera(context.scene, names(context)[1])


def scene_problem(context: bpy.types.Context) -> str:
    """Why no passes can be rendered of this scene, or nothing."""
    from ..handdiff_addon.scene.rigs import instance_problem

    found = people(context)
    if not found:
        if first := next((item for item in context.scene.objects if item.type == "ARMATURE"), None):
            return match(first).problem
        return (
            instance_problem(context.scene)
            or "There is no armature: add a rigged character, or use Add > Armature > HandDiff Sample Human."
        )
    if problem := match(found[0]).problem:
        return problem
    try:
        camera(context)
    except SceneError as error:
        return str(error)
    return ""


def names(context: bpy.types.Context) -> tuple[tuple[str, ...], str]:
    """The chosen armature's and camera's names, as ``render_passes`` takes them; empty where none is chosen."""
    armature, named = chosen(context), context.scene.handdiff.camera
    return (armature.name,) if armature else (), named.name if named and named.name in context.scene.objects else ""
