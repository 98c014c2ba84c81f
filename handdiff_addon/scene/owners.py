# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom an object belongs to: the armatures that deform or carry it, directly or through other objects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import bpy

_DRIVERS = {
    "ARMATURE": "object", "MESH_DEFORM": "object", "LATTICE": "object", "HOOK": "object", "CURVE": "object",
    "SURFACE_DEFORM": "target", "SHRINKWRAP": "target",
}  # fmt: skip
"""Modifiers that make a mesh follow another object, and the name of their pointer to it"""

_CARRIERS = {"CHILD_OF", "COPY_TRANSFORMS", "ARMATURE"}
"""Constraints that carry an object as a parent does"""


@dataclass(frozen=True)
class Owner:
    """A person that moves an object."""

    person: int
    """Index of the armature"""
    bone: str = ""
    """The bone that carries the object as a whole, empty where the armature does or deforms it"""


def owners(thing: bpy.types.Object, armatures: Sequence[bpy.types.Object]) -> list[Owner]:
    """Everybody that moves an object, the most direct first; a person once."""
    found: dict[int, Owner] = {}
    for owner in _search(thing, armatures, frozenset()):
        found.setdefault(owner.person, owner)
    return list(found.values())


def _search(
    thing: bpy.types.Object, armatures: Sequence[bpy.types.Object], asked: frozenset[bpy.types.Object]
) -> Iterator[Owner]:
    """``asked`` holds the objects that led here, since meshes can be bound to each other in a circle."""
    asked |= {thing}
    for mover, bone in _movers(thing):
        if mover in armatures:
            yield Owner(armatures.index(mover), bone)
        elif mover not in asked:
            yield from _search(mover, armatures, asked)


def _movers(thing: bpy.types.Object) -> Iterator[tuple[bpy.types.Object, str]]:
    """Objects that move a thing directly, each with the name of the bone that does."""
    if thing.parent is not None and thing.parent_type == "BONE":
        yield thing.parent, thing.parent_bone
    for constraint in thing.constraints:
        if constraint.type in _CARRIERS and not constraint.mute and constraint.influence > 0:
            for target in constraint.targets if constraint.type == "ARMATURE" else [constraint]:
                if target.target is not None:
                    yield target.target, target.subtarget
    for modifier in thing.modifiers:
        mover = getattr(modifier, _DRIVERS[modifier.type]) if modifier.type in _DRIVERS else None
        if mover is not None:
            yield mover, ""
    if thing.type == "CURVES" and thing.data.surface is not None:
        yield thing.data.surface, ""
    if thing.parent is not None and thing.parent_type != "BONE":
        yield thing.parent, ""
