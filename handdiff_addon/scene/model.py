# SPDX-License-Identifier: GPL-3.0-or-later
"""The person as plain parts, each a mesh with one picture or one colour: what previews are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import bpy
import numpy as np
from PIL import Image

from ..errors import SceneError
from .meshes import person_objects, read_mesh
from .passes import check_people, depsgraph_of
from .rigs import find_humanoids
from .surfaces import read_surfaces
from .texels import FIRST_TILE, BakeMesh, tile_corner, triangle_tiles
from .textured import base_colour, is_unlit, original_material, texture_of, texture_pictures


@dataclass(frozen=True)
class Part:
    """Triangles that share a material."""

    name: str
    mesh: BakeMesh
    """World space, in metres; UVs within 0..1 where there is a picture"""
    picture: Image.Image | None
    """RGB"""
    colour: tuple[float, float, float]
    """sRGB in 0..255, where there is no picture"""
    unlit: bool = False


def read_parts(
    scene: bpy.types.Scene,
    armatures: Iterable[str] = (),
    *,
    rest: bool = False,
    triangles: int | None = None,
) -> list[Part]:
    """The people's evaluated meshes with the textures that lie on them; untextured ones by their materials' colours.

    Args:
        scene: posed.
        armatures: names; by default every humanoid of the scene.
        rest: in the armatures' rest pose.
        triangles: at most about so many in all; more are merged where that changes the shape least.

    Raises:
        SceneError: where the people have no mesh, or their pose is not known.
    """
    parts: list[Part] = []
    people = find_humanoids(scene, tuple(armatures))
    with at_rest(scene, people if rest else []):
        check_people(scene, depsgraph_of(scene), people)
        owners = person_objects(read_surfaces(depsgraph_of(scene), people))
        with reduced(scene, owners, triangles):
            for owner in owners:
                mesh = read_mesh(owner, depsgraph_of(scene))
                if mesh is not None:
                    parts += _parts(owner, mesh)
    if not parts:
        raise SceneError("The person has no mesh to export: bind a mesh to the armature, or choose another armature.")
    return parts


@contextmanager
def reduced(
    scene: bpy.types.Scene, owners: Iterable[bpy.types.Object], triangles: int | None, *, before_armature: bool = False
) -> Iterator[None]:
    """Let objects have at most about so many triangles in all, for a while, by Blender's Decimate modifier.

    Args:
        scene: evaluates them.
        owners: mesh objects; linked ones stay as they are.
        triangles: how many; None changes nothing.
        before_armature: put the modifier where an exporter that keeps the armature can apply it.
    """
    owners = list(owners)
    if triangles is None:
        yield
        return
    count = sum(_count(owner, depsgraph_of(scene)) for owner in owners)
    added = []
    try:
        if count > triangles:
            for owner in owners:
                modifier = owner.modifiers.new("HandDiff", "DECIMATE") if owner.is_editable else None
                if modifier is None:
                    continue
                modifier.ratio = triangles / count
                added.append((owner, modifier))
                kinds = [other.type for other in owner.modifiers]
                if before_armature and "ARMATURE" in kinds:
                    owner.modifiers.move(len(kinds) - 1, kinds.index("ARMATURE"))
            depsgraph_of(scene).update()
        yield
    finally:
        for owner, modifier in added:
            owner.modifiers.remove(modifier)
        depsgraph_of(scene).update()


@contextmanager
def at_rest(scene: bpy.types.Scene, armatures: Iterable[bpy.types.Object]) -> Iterator[None]:
    """Show armatures in their rest pose for a while."""
    positions = [(armature.data, armature.data.pose_position) for armature in armatures]
    try:
        for data, _ in positions:
            data.pose_position = "REST"
        depsgraph_of(scene).update()
        yield
    finally:
        for data, position in positions:
            data.pose_position = position
        depsgraph_of(scene).update()


def _count(owner: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> int:
    mesh = owner.evaluated_get(depsgraph).data
    mesh.calc_loop_triangles()
    return len(mesh.loop_triangles)


def _parts(owner: bpy.types.Object, mesh: BakeMesh) -> list[Part]:
    texture = texture_of(owner)
    if texture is None or np.isnan(mesh.uv).any():
        parts = []
        for slot in np.unique(mesh.material):
            material = original_material(owner, int(slot)) if slot < len(owner.material_slots) else None
            name = f"{owner.name} {material.name}" if material else owner.name
            parts.append(Part(name, mesh.some(mesh.material == slot), None, base_colour(material)))
        return parts
    pictures = texture_pictures(texture)
    if set(pictures) == {FIRST_TILE}:
        return [Part(owner.name, mesh, pictures[FIRST_TILE], (255.0,) * 3, is_unlit(owner))]
    number = triangle_tiles(mesh.uv)
    parts = []
    for tile, picture in pictures.items():
        own = mesh.some(number == tile)
        own = replace(own, uv=own.uv - tile_corner(tile))
        parts.append(Part(f"{owner.name} {tile}", own, picture, (255.0,) * 3, is_unlit(owner)))
    return [part for part in parts if len(part.mesh.triangles)]
