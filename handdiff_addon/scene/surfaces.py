# SPDX-License-Identifier: GPL-3.0-or-later
"""What the camera can see: evaluated meshes in world space, and whose body part each triangle is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import bpy
import numpy as np

from ..conditioning.masks import BODY, LEFT_HAND, NOTHING, RIGHT_HAND
from ..request import SIDES
from ..rig.matching import hand_bones
from .rigs import match_seen

HAND_PART = {"left": LEFT_HAND, "right": RIGHT_HAND}

_SHAPES = {"MESH", "CURVE", "SURFACE", "FONT", "META"}


@dataclass
class Surface:
    """One object's evaluated mesh."""

    name: str
    """The object's name"""
    vertices: np.ndarray
    """(N, 3) float64 world positions in metres"""
    triangles: np.ndarray
    """(M, 3) int32"""
    part: np.ndarray
    """(M,) int8: 0 nobody's, 1 body, 2 left hand, 3 right hand"""
    person: int = -1
    """Index of the armature that moves it, -1 for things that only stand in the way"""
    uv: np.ndarray | None = None
    """(M, 3, 2) float32 UV of each triangle's corners, origin bottom left; None where not asked for or not there"""
    material: np.ndarray | None = None
    """(M,) int32 material slot of each triangle; read with ``uv``"""


@dataclass(frozen=True)
class _Person:
    index: int
    armature: bpy.types.Object
    hands: dict[int, set[str]]
    """Part number to the names of its bones"""

    def part_of(self, bone: str) -> int:
        return next((part for part, bones in self.hands.items() if bone in bones), BODY)


def read_surfaces(
    scene: bpy.types.Scene,
    depsgraph: bpy.types.Depsgraph,
    armatures: Sequence[bpy.types.Object],
    *,
    uv: bool = False,
) -> list[Surface]:
    """Every surface that the render shows, instances included.

    A mesh belongs to a person when the armature deforms or carries it, directly or through other objects; a triangle
    belongs to a hand when more than half of its weight is on bones of that hand.

    Args:
        scene: the scene that ``depsgraph`` evaluates.
        depsgraph: the evaluated scene.
        armatures: the people, in the order of ``Surface.person``.
        uv: read the UV map that renders, too.
    """
    people = [_person(index, armature, depsgraph) for index, armature in enumerate(armatures)]
    rendered = _in_rendered_collections(depsgraph.view_layer.layer_collection)
    surfaces = []
    for instance in depsgraph.object_instances:
        evaluated = instance.object
        if (
            evaluated.type not in _SHAPES
            or not instance.show_self
            or evaluated.hide_render
            or not evaluated.visible_camera
        ):
            continue
        # An instance stands where its parent object puts it, and belongs to whom that belongs to.
        placed = (instance.parent if instance.is_instance else evaluated).original
        if placed.name not in rendered:
            continue
        owner = _owner(placed, people)
        surface = _read(evaluated, np.array(instance.matrix_world), owner, uv)
        if surface is not None:
            surfaces.append(surface)
    return surfaces


def hidden_meshes(
    scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph, armatures: Sequence[bpy.types.Object]
) -> list[str]:
    """Names of the people's meshes that the render shows and the viewport hides, so that no pose of them is known."""
    people = [_Person(index, armature, {}) for index, armature in enumerate(armatures)]
    layer = depsgraph.view_layer
    rendered = _in_rendered_collections(layer.layer_collection)
    return [
        thing.name
        for thing in scene.objects
        if thing.type == "MESH"
        and thing.name in rendered
        and not thing.hide_render
        and not thing.visible_get(view_layer=layer)
        and _owner(thing, people) is not None
    ]


def _in_rendered_collections(layer: bpy.types.LayerCollection) -> set[str]:
    """Names of the objects in collections that the camera is to see."""
    if layer.collection.hide_render:
        return set()
    shown = set() if layer.exclude or layer.indirect_only else {thing.name for thing in layer.collection.objects}
    return shown.union(*(_in_rendered_collections(child) for child in layer.children))


def _person(index: int, armature: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> _Person:
    match = match_seen(armature, depsgraph)
    parents = {bone.name: bone.parent.name if bone.parent else None for bone in armature.data.bones}
    return _Person(index, armature, {HAND_PART[side]: hand_bones(match, parents, side) for side in SIDES})


def _owner(
    thing: bpy.types.Object, people: Sequence[_Person], asked: frozenset[str] = frozenset()
) -> tuple[_Person, int] | None:
    """The person that an object belongs to, and the part that carries it as a whole: its bone's, else the body.

    ``asked`` holds the objects that led here, since meshes can be bound to each other in a circle.
    """
    asked |= {thing.name}
    if thing.parent_type == "BONE":
        for person in people:
            if person.armature == thing.parent:
                return person, person.part_of(thing.parent_bone)
    for modifier in thing.modifiers:
        if modifier.type == "ARMATURE":
            driver = modifier.object
        elif modifier.type in {"SURFACE_DEFORM", "MESH_DEFORM"}:
            driver = modifier.target if modifier.type == "SURFACE_DEFORM" else modifier.object
        else:
            continue
        if driver is None:
            continue
        owner = next(((person, BODY) for person in people if person.armature == driver), None)
        if owner is None and driver.name not in asked:
            owner = _owner(driver, people, asked)
        if owner is not None:
            return owner[0], BODY
    if thing.parent is None:
        return None
    for person in people:
        if person.armature == thing.parent:
            return person, BODY
    return _owner(thing.parent, people, asked)


def _read(
    evaluated: bpy.types.Object, world: np.ndarray, owner: tuple[_Person, int] | None, uv: bool
) -> Surface | None:
    mesh = evaluated.to_mesh()
    if mesh is None:
        return None
    try:
        mesh.calc_loop_triangles()
        vertices = np.empty(3 * len(mesh.vertices), dtype=np.float32)
        mesh.vertices.foreach_get("co", vertices)
        triangles = _get(mesh.loop_triangles, "vertices", 3, np.int32)
        if not len(triangles):
            return None
        part = np.zeros(len(triangles), dtype=np.int8)
        if owner is not None:
            person, carried_by = owner
            part[:] = carried_by
            if carried_by == BODY:
                for hand, share in _hand_shares(evaluated, mesh, person).items():
                    part[share[triangles].mean(axis=1) > 0.5] = hand
        surface = Surface(
            name=evaluated.name,
            vertices=vertices.reshape(-1, 3) @ world[:3, :3].T + world[:3, 3],
            triangles=triangles,
            part=part,
            person=owner[0].index if owner is not None else -1,
        )
        if uv:
            layer = next((layer for layer in mesh.uv_layers if layer.active_render), None)
            surface.material = _get(mesh.loop_triangles, "material_index", 1, np.int32)[:, 0]
            if layer is not None:
                corners = _get(mesh.loop_triangles, "loops", 3, np.int32)
                surface.uv = _get(layer.uv, "vector", 2, np.float32)[corners]
        return surface
    finally:
        evaluated.to_mesh_clear()


def _get(items: bpy.types.bpy_prop_collection, attribute: str, width: int, dtype: type) -> np.ndarray:
    values: np.ndarray = np.empty(width * len(items), dtype=dtype)
    items.foreach_get(attribute, values)
    return values.reshape(-1, width)


def _hand_shares(evaluated: bpy.types.Object, mesh: bpy.types.Mesh, person: _Person) -> dict[int, np.ndarray]:
    """Share of each vertex's bone weight that lies on each hand: part number to (N,) in 0..1."""
    bones = person.armature.data.bones
    groups = [group.name for group in evaluated.vertex_groups]
    parts = np.array([person.part_of(name) if name in bones else NOTHING for name in groups], dtype=np.int8)
    if not (parts > BODY).any():
        return {}
    # Blender offers no bulk access to vertex groups.
    weights = [(v.index, g.group, g.weight) for v in mesh.vertices for g in v.groups]
    vertex, group, weight = np.array(weights, dtype=np.float64).reshape(-1, 3).T
    vertex, part = vertex.astype(np.int64), parts[group.astype(np.int64)]
    count = len(mesh.vertices)
    total = np.bincount(vertex, weight * (part != NOTHING), minlength=count)
    shares = {}
    for hand in HAND_PART.values():
        shares[hand] = np.bincount(vertex, weight * (part == hand), minlength=count) / np.maximum(total, 1e-9)
    return shares
