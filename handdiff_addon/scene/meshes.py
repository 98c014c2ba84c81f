# SPDX-License-Identifier: GPL-3.0-or-later
"""Evaluated meshes of a person with their UV maps, and a UV map of our own where the artist's cannot hold a texture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import bpy
import numpy as np

from ..conditioning.camera import inverse, transformed
from .materials import see_through
from .memory import CHOSEN, recall
from .surfaces import Surface
from .texels import BakeMesh

UV_MAP = "HandDiff"
"""Name of the UV map that is made where the artist's cannot hold a texture"""
_ANGLE, _MARGIN = np.radians(66.0), 0.004  # of the generated map: faces that bend less share an island; room between


def person_objects(surfaces: Iterable[Surface]) -> list[bpy.types.Object]:
    """The mesh objects that belong to a person, with what is remembered of their textures."""
    owners = [surface.skin.original for surface in surfaces if surface.person >= 0 and surface.skin is not None]
    for owner in owners:
        recall(owner)
    return owners


def read_mesh(
    owner: bpy.types.Object, depsgraph: bpy.types.Depsgraph, label: int = 0, uv_map: str | None = None
) -> BakeMesh | None:
    """The evaluated mesh of an object in world space; None without faces that can be seen.

    Faces of a clear material, such as a cornea or a lens, are left out.

    Args:
        owner: a mesh object.
        depsgraph: evaluates it.
        label: tells it from others.
        uv_map: which of its UV maps; None: that of its texture, or else the active one.  NaN where there is none.
    """
    evaluated = owner.evaluated_get(depsgraph)
    mesh = evaluated.to_mesh()
    try:
        if not mesh.polygons:
            return None
        name = owner.get(CHOSEN, "") if uv_map is None else uv_map
        layer = mesh.uv_layers.get(name) if name else mesh.uv_layers.active
        mesh.calc_loop_triangles()
        count = len(mesh.loop_triangles)
        vertices = _read(mesh.vertices, "co", len(mesh.vertices) * 3).reshape(-1, 3)
        triangles = _read(mesh.loop_triangles, "vertices", count * 3, np.int32).reshape(-1, 3)
        loops = _read(mesh.loop_triangles, "loops", count * 3, np.int32).reshape(-1, 3)
        material = _read(mesh.loop_triangles, "material_index", count, np.int32)
        uv = np.full((len(mesh.loops), 2), np.nan)
        if layer is not None:
            uv = _read(layer.uv, "vector", len(mesh.loops) * 2).reshape(-1, 2)
        normals = _read(mesh.corner_normals, "vector", len(mesh.loops) * 3).reshape(-1, 3)
        matrix = np.array(evaluated.matrix_world, dtype=np.float64)
        clear = np.array([see_through(slot.material) for slot in evaluated.material_slots], dtype=bool)
    finally:
        evaluated.to_mesh_clear()
    determinant = np.linalg.det(matrix[:3, :3])
    if determinant:  # an object scaled flat keeps those of its own space
        normals = transformed(normals, inverse(matrix[:3, :3]).T)
    normals = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    if determinant < 0:  # a mirrored object: its corners would run the wrong way round
        triangles, loops = triangles[:, ::-1], loops[:, ::-1]
    world = transformed(vertices, matrix[:3])
    whole = BakeMesh(world, triangles.astype(np.int64), uv[loops], normals[loops], material.astype(np.int64), label)
    if not clear.any():
        return whole
    solid = ~clear[np.clip(material, 0, len(clear) - 1)]
    return whole.some(solid) if solid.any() else None


def uv_map_of(owner: bpy.types.Object) -> str:
    """The name of the UV map that an object's texture lies on, or of its active one; empty where it has none."""
    active = owner.data.uv_layers.active
    return owner.get(CHOSEN, active.name if active else "")


def choose_uv_map(owner: bpy.types.Object, name: str) -> None:
    """Remember which UV map an object's texture lies on; empty forgets it and drops a map that we made."""
    if name:
        owner[CHOSEN] = name
        return
    if CHOSEN in owner:
        del owner[CHOSEN]
    data = owner.data
    sharers = (thing for thing in bpy.data.objects if thing.data == data)
    if UV_MAP in data.uv_layers and data.is_editable and not any(thing.get(CHOSEN) == UV_MAP for thing in sharers):
        data.uv_layers.remove(data.uv_layers[UV_MAP])


def make_uv_map(scene: bpy.types.Scene, owner: bpy.types.Object) -> bool:
    """Give a mesh a second UV map without overlaps, named ``HandDiff``; its own maps, and which is active, stay.

    Blender's Smart UV Project unwraps a copy at rest, so that neither pose nor modifiers show in it.

    Returns:
        Whether the mesh could take one: a linked mesh cannot, nor one with eight maps.
    """
    data = owner.data
    if not data.is_editable:
        return False
    if UV_MAP not in data.uv_layers:
        kept = data.uv_layers.active_index
        rendered = next((index for index, layer in enumerate(data.uv_layers) if layer.active_render), None)
        if data.uv_layers.new(name=UV_MAP, do_init=False) is None:
            return False
        if rendered is not None:
            data.uv_layers.active_index = kept
            data.uv_layers[rendered].active_render = True
    with _unwrapped_copy(scene, data) as layer:
        values = np.empty(len(data.loops) * 2, dtype=np.float32)
        layer.uv.foreach_get("vector", values)
    data.uv_layers[UV_MAP].uv.foreach_set("vector", values)
    data.update_tag()
    return True


@contextmanager
def _unwrapped_copy(scene: bpy.types.Scene, data: bpy.types.Mesh) -> Iterator[bpy.types.MeshUVLoopLayer]:
    """A mesh's UV map as Smart UV Project makes it, on a copy that goes again; selection and active object stay."""
    layer = scene.view_layers[0] if bpy.context.scene != scene else bpy.context.view_layer
    copy = bpy.data.objects.new("HandDiff unwrapping", data.copy())
    if copy.data.shape_keys:
        keys = copy.data.shape_keys.name
        copy.shape_key_clear()
        if keys in bpy.data.shape_keys:  # Blender before 5.2 leaves them behind, and complains at the next save
            bpy.data.batch_remove([bpy.data.shape_keys[keys]])
    copy.data.uv_layers.active = copy.data.uv_layers[UV_MAP]
    for name in (".hide_vert", ".hide_edge", ".hide_poly"):
        if attribute := copy.data.attributes.get(name):
            copy.data.attributes.remove(attribute)
    copy.data.polygons.foreach_set("select", np.ones(len(copy.data.polygons), dtype=bool))
    active, selected = layer.objects.active, list(layer.objects.selected)
    scene.collection.objects.link(copy)
    try:
        layer.update()
        for other in selected:
            other.select_set(False, view_layer=layer)
        copy.select_set(True, view_layer=layer)
        layer.objects.active = copy
        with bpy.context.temp_override(scene=scene, view_layer=layer, active_object=copy, object=copy):
            bpy.ops.object.mode_set(mode="EDIT")
            bpy.ops.mesh.select_all(action="SELECT")
            bpy.ops.uv.smart_project(angle_limit=float(_ANGLE), island_margin=_MARGIN, margin_method="FRACTION")
            bpy.ops.object.mode_set(mode="OBJECT")
        yield copy.data.uv_layers[UV_MAP]
    finally:
        mesh = copy.data
        bpy.data.objects.remove(copy)
        bpy.data.meshes.remove(mesh)
        for other in selected:
            other.select_set(True, view_layer=layer)
        layer.objects.active = active


def _read(collection: bpy.types.bpy_prop_collection, name: str, count: int, dtype: type = np.float32) -> np.ndarray:
    values: np.ndarray = np.empty(count, dtype=dtype)
    collection.foreach_get(name, values)
    return values.astype(np.float64) if dtype is np.float32 else values
