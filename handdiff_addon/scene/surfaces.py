# SPDX-License-Identifier: GPL-3.0-or-later
"""What the camera can see: evaluated meshes and hair in world space, and whose they are.

Everything is read as the viewport evaluates it, modifiers at their viewport levels: Blender offers scripts no other
evaluation without a render, and a viewport subdivision level moves an outline by less than a pixel or two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import bpy
import numpy as np

from ..conditioning.camera import Camera, inverse, transformed
from .hair import Strands, read_curves, read_particle_hair, ribbons
from .materials import see_through
from .owners import Owner, owners

_SHAPES = {"MESH", "CURVE", "SURFACE", "FONT", "META"}


@dataclass
class Surface:
    """One object's evaluated mesh, or its hair."""

    name: str
    """The object's name"""
    vertices: np.ndarray
    """(N, 3) float64 world positions in metres"""
    triangles: np.ndarray
    """(M, 3) int32"""
    owners: list[Owner] = field(default_factory=list)
    """Who moves it, the most direct first; empty for things that only stand in the way"""
    skin: bpy.types.Object | None = None
    """The evaluated object whose mesh has these vertices, where vertex weights can be asked for"""
    part: np.ndarray | None = None
    """(M,) int8 part of each triangle, where that is known from the start"""
    mirrored: bool = False
    """Whether a negative scale turns the triangles inside out"""
    normals: np.ndarray | None = None
    """(M, 3, 3) float32 unit normals of each triangle's corners in world space; None where not asked for"""
    uv: np.ndarray | None = None
    """(M, 3, 2) float32 UV of each triangle's corners, origin bottom left; None where not asked for or not there"""
    material: np.ndarray | None = None
    """(M,) int32 material slot of each triangle; None or below 0 for none"""
    materials: tuple[str, ...] = ()
    """Names of the slots' materials; of the object where a slot is empty"""

    @property
    def person(self) -> int:
        """Index of the armature that moves it, -1 for things that only stand in the way"""
        return self.owners[0].person if self.owners else -1


def read_surfaces(
    depsgraph: bpy.types.Depsgraph,
    armatures: Sequence[bpy.types.Object],
    *,
    camera: Camera | None = None,
    normals: bool = False,
    uv: bool = False,
) -> list[Surface]:
    """Every surface that the render shows, instances included; glass and the like is not there.

    A mesh belongs to a person when the armature deforms or carries it, directly or through other objects.

    Args:
        depsgraph: the evaluated scene.
        armatures: the people, in the order of ``Owner.person``.
        camera: strands of hair become ribbons that face it; None: hair is left out.
        normals: read the corners' normals, too.
        uv: read the UV map that renders, too.
    """
    rendered = in_rendered_collections(depsgraph.view_layer.layer_collection)
    meshes: dict[int, Surface | None] = {}
    owned: dict[bpy.types.Object, list[Owner]] = {}
    instanced: dict[bpy.types.Collection, set[bpy.types.Object]] = {}
    surfaces = []
    for instance in depsgraph.object_instances:
        evaluated = instance.object
        if evaluated.hide_render or not evaluated.visible_camera:
            continue
        # An instance stands where its parent object puts it, and belongs to whom that belongs to.
        placed = (instance.parent if instance.is_instance else evaluated).original
        if placed not in rendered:
            continue
        if instance.is_instance and placed.instance_type == "COLLECTION" and (whole := placed.instance_collection):
            if whole not in instanced:
                instanced[whole] = _unrendered(whole)
            if evaluated.original in instanced[whole]:
                continue
        if placed not in owned:
            owned[placed] = owners(placed, armatures)
        world = np.array(instance.matrix_world, dtype=np.float64)  # Blender 5 would give float32
        if instance.show_self and evaluated.type in _SHAPES:
            # Instances share one mesh: read it once.
            key = evaluated.data.as_pointer() if instance.is_instance else 0
            if not key or key not in meshes:
                meshes[key] = _read(evaluated, normals, uv)
            mesh = meshes[key]
            if mesh is not None:
                surface = _placed(mesh, world)
                surface.owners = owned[placed]
                surface.skin = evaluated if not instance.is_instance and evaluated.type == "MESH" else None
                surfaces.append(surface)
        if camera is not None:
            for strands in _strands(instance, world):
                surfaces.append(_hair(evaluated.name, strands, owned[placed], camera, normals, uv))
    return surfaces


def rendered_meshes(
    scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph, armatures: Sequence[bpy.types.Object]
) -> list[bpy.types.Object]:
    """The people's mesh objects that a render shows."""
    rendered = in_rendered_collections(depsgraph.view_layer.layer_collection)
    meshes = (thing for thing in scene.objects if thing.type == "MESH" and not thing.hide_render)
    return [thing for thing in meshes if thing in rendered and owners(thing, armatures)]


def in_rendered_collections(layer: bpy.types.LayerCollection, *, indirect: bool = False) -> set[bpy.types.Object]:
    """The objects in collections that render; ``indirect`` counts those, too, that the camera itself does not see."""
    if layer.collection.hide_render:
        return set()
    hidden = layer.exclude or (layer.indirect_only and not indirect)
    shown = set() if hidden else set(layer.collection.objects)
    return shown.union(*(in_rendered_collections(child, indirect=indirect) for child in layer.children))


def _unrendered(instanced: bpy.types.Collection) -> set[bpy.types.Object]:
    """Of what an instanced collection holds, instances within it included, the objects that a render leaves out because
    all collections that they are in do not render; the viewport shows them."""
    shown: set[bpy.types.Object] = set()
    held: set[bpy.types.Object] = set()

    def look(collection: bpy.types.Collection, renders: bool) -> None:
        for thing in collection.objects:
            held.add(thing)
            if renders:
                shown.add(thing)
            if thing.instance_type == "COLLECTION" and thing.instance_collection:
                look(thing.instance_collection, renders)
        for child in collection.children:
            look(child, renders and not child.hide_render)

    look(instanced, True)
    return held - shown


def _read(evaluated: bpy.types.Object, normals: bool, uv: bool) -> Surface | None:
    """A mesh in its own space; None where it has no faces that can be seen."""
    mesh = evaluated.to_mesh()
    if mesh is None:
        return None
    try:
        mesh.calc_loop_triangles()
        corners = _get(mesh.loop_triangles, "loops", 3, np.int32)
        if not len(corners):
            return None
        # Attributes are read many times as fast as the properties of vertices and corners.
        vertices = _get(mesh.attributes["position"].data, "vector", 3, np.float32)
        triangles = _get(mesh.attributes[".corner_vert"].data, "value", 1, np.int32)[:, 0][corners]
        surface = Surface(evaluated.name, vertices, triangles)
        if normals:
            surface.normals = _get(mesh.corner_normals, "vector", 3, np.float32)[corners]
        if slots := mesh.attributes.get("material_index"):
            faces = _get(mesh.loop_triangle_polygons, "value", 1, np.int32)[:, 0]
            surface.material = _get(slots.data, "value", 1, np.int32)[:, 0][faces]
        else:  # all faces have the first
            surface.material = np.zeros(len(corners), np.int32)
        materials = [slot.material for slot in evaluated.material_slots]
        surface.materials = tuple(material.name_full if material else evaluated.name for material in materials)
        if uv:
            layer = next((layer for layer in mesh.uv_layers if layer.active_render), None)
            if layer is not None:
                surface.uv = _get(layer.uv, "vector", 2, np.float32)[corners]
        clear = np.array([see_through(material) for material in materials], dtype=bool)
        if clear.any():
            return _some(surface, ~clear[np.clip(surface.material, 0, len(clear) - 1)])
        return surface
    finally:
        evaluated.to_mesh_clear()


def _some(surface: Surface, kept: np.ndarray) -> Surface | None:
    """A surface without some of its triangles."""
    if not kept.any():
        return None
    for name in ("triangles", "normals", "uv", "material"):
        values = getattr(surface, name)
        if values is not None:
            setattr(surface, name, values[kept])
    return surface


def _placed(mesh: Surface, world: np.ndarray) -> Surface:
    """A mesh where its object or instance stands."""
    matrix = world[:3, :3]
    normals = mesh.normals
    # A scale that is no number makes no warning here: the passes tell of vertices that are nowhere.
    with np.errstate(invalid="ignore", over="ignore"):
        determinant = np.linalg.det(matrix)
        vertices = transformed(mesh.vertices, world[:3])
        if normals is not None and determinant:
            turned = transformed(normals, inverse(matrix).T.astype(np.float32))
            normals = turned / np.maximum(np.linalg.norm(turned, axis=2, keepdims=True), 1e-12)
    return Surface(
        mesh.name,
        vertices,
        mesh.triangles,
        mirrored=bool(determinant < 0),
        normals=normals,
        uv=mesh.uv,
        material=mesh.material,
        materials=mesh.materials,
    )


def _strands(instance: bpy.types.DepsgraphObjectInstance, world: np.ndarray) -> list[Strands]:
    if instance.object.type == "CURVES" and instance.show_self:
        return [read_curves(instance.object, world)]
    if instance.object.type == "MESH" and instance.show_particles and not instance.is_instance:
        return read_particle_hair(instance.object)
    return []


def _hair(name: str, strands: Strands, owned: list[Owner], camera: Camera, normals: bool, uv: bool) -> Surface:
    vertices, triangles = ribbons(strands, camera)
    surface = Surface(name, vertices, triangles, owned)
    if uv:
        surface.material = np.full(len(triangles), -1, dtype=np.int32)  # not the emitter's skin
    if normals:
        # Strands are too fine to shade one by one: they take the shape of the whole, and bulge to the camera.
        outward = vertices - vertices.mean(axis=0)
        outward /= np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-12)
        outward += camera.to_world[:3, 2]
        outward /= np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-12)
        surface.normals = outward.astype(np.float32)[triangles]
    return surface


def _get(items: bpy.types.bpy_prop_collection, attribute: str, width: int, dtype: type) -> np.ndarray:
    values: np.ndarray = np.empty(width * len(items), dtype=dtype)
    items.foreach_get(attribute, values)
    return values.reshape(-1, width)
