# SPDX-License-Identifier: GPL-3.0-or-later
"""The posed, textured person as one GLB file, and a copy of the scene's own file."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from PIL import Image

from ..errors import OutputError, SceneError
from ..files import write_bytes
from .filling import distinct_rows
from .meshes import person_objects, read_mesh
from .passes import at_frame, depsgraph_of
from .rigs import find_humanoids
from .surfaces import read_surfaces
from .texels import BakeMesh
from .textured import base_colour, original_material, texture_of, texture_pictures


def export_glb(path: Path, scene: bpy.types.Scene, armatures: Iterable[str] = (), frame: int | None = None) -> None:
    """Write the person's evaluated meshes, in pose and with the textures of ``apply_texture``, as binary glTF.

    One mesh and one material per object, named as the object; world positions in metres turned to glTF's axes (y up,
    the person faces +z); normals; the textures as PNG inside the file.  Objects without a texture take the colours of
    their materials, one mesh each.

    Args:
        path: the file.
        scene: posed.
        armatures: names; by default every humanoid of the scene.
        frame: evaluated at this frame; by default the scene's own.

    Raises:
        SceneError: where the person has no mesh.
        OutputError: where the file cannot be written.
    """
    import trimesh

    model = trimesh.Scene()
    with at_frame(scene, frame):
        depsgraph = depsgraph_of(scene)
        surfaces = read_surfaces(scene, depsgraph, find_humanoids(scene, tuple(armatures)))
        for owner in person_objects(scene, surfaces):
            mesh = read_mesh(owner, depsgraph)
            if mesh is None:
                continue
            texture = texture_of(owner)
            if texture is not None:
                picture = texture_pictures(texture)[1001]
                _add(model, owner.name, mesh, np.ones(len(mesh.triangles), dtype=bool), picture, None)
                continue
            for slot in np.unique(mesh.material):
                material = original_material(owner, int(slot)) if slot < len(owner.material_slots) else None
                name = f"{owner.name} {material.name}" if material else owner.name
                _add(model, name, mesh, mesh.material == slot, None, base_colour(material))
    if not model.geometry:
        raise SceneError("The person has no mesh to export: bind a mesh to the armature, or choose another armature.")
    write_bytes(Path(path), model.export(file_type="glb", include_normals=True))


def save_copy(scene: bpy.types.Scene, path: Path) -> None:
    """Save everything as a compressed .blend that opens with ``scene``; the open file keeps its name and state.

    Raises:
        OutputError: where the file cannot be written; an earlier one is then as it was.
    """
    path = Path(path)
    beside = path.with_name(f".{path.stem}.{os.getpid()}.part.blend")
    try:
        with bpy.context.temp_override(scene=scene):
            bpy.ops.wm.save_as_mainfile(filepath=str(beside.absolute()), copy=True, compress=True, check_existing=False)
        os.replace(beside, path)
    except (OSError, RuntimeError) as error:
        beside.unlink(missing_ok=True)
        remedy = "choose a folder that you may write to, with space left"
        raise OutputError(f"{path} cannot be written: {remedy}.") from error


def _add(
    model: Any,
    name: str,
    mesh: BakeMesh,
    chosen: np.ndarray,
    picture: Image.Image | None,
    colour: tuple[float, float, float] | None,
) -> None:
    """Add the chosen triangles as one mesh with one vertex for each (vertex, UV, normal) that occurs."""
    import trimesh

    corners = mesh.triangles[chosen].reshape(-1)
    uv, normals = mesh.uv[chosen].reshape(-1, 2), mesh.normals[chosen].reshape(-1, 3)
    first, index = distinct_rows(np.concatenate([corners[:, None], np.rint(uv * 1e6), np.rint(normals * 1e3)], axis=1))
    if colour is None:
        material = trimesh.visual.material.PBRMaterial(
            name=name, baseColorTexture=picture, metallicFactor=0.0, roughnessFactor=1.0
        )
    else:
        linear = (np.array(colour) / 255) ** 2.2
        material = trimesh.visual.material.PBRMaterial(
            name=name, baseColorFactor=[*linear, 1.0], metallicFactor=0.0, roughnessFactor=1.0
        )
    body = trimesh.Trimesh(
        vertices=_y_up(mesh.vertices[corners[first]]),
        faces=index.reshape(-1, 3),
        vertex_normals=_y_up(normals[first]),
        visual=trimesh.visual.TextureVisuals(uv=None if np.isnan(uv).any() else uv[first], material=material),
        process=False,
        validate=False,
    )
    model.add_geometry(body, node_name=name, geom_name=name)


def _y_up(vectors: np.ndarray) -> np.ndarray:
    """Blender's axes (z up) as glTF's (y up)."""
    return np.stack([vectors[:, 0], vectors[:, 2], -vectors[:, 1]], axis=1)
