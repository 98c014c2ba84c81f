# SPDX-License-Identifier: GPL-3.0-or-later
"""The textured person as one GLB file, posed, at rest or with its skin, within the limits of where it is shown."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import bpy
import numpy as np
from PIL import Image

from ..conditioning.srgb import to_linear
from ..errors import OutputError, SceneError
from ..files import write_bytes
from .filling import distinct_rows
from .meshes import person_objects
from .model import Part, read_parts, reduced
from .moving_shapes import moving_shapes
from .passes import check_people, depsgraph_of
from .rigs import find_humanoids
from .surfaces import read_surfaces
from .textured import new_texture, texture_of, texture_pictures

Form = Literal["posed", "rest", "rigged", "animated"]
"""One still mesh in its pose or in the rest pose; with bones and skin; with the scene's animation as well"""


@dataclass(frozen=True)
class Limits:
    """What a viewer takes well."""

    triangles: int
    texture: int
    """Longest side of a texture in pixels"""
    bytes: int
    """Of the file"""


PRESETS = {
    "web": Limits(100_000, 2048, 5_000_000),
    "headset": Limits(30_000, 1024, 2_500_000),
}
"""A page that opens at once over a mobile connection, and one person of several at 72 frames a second."""
_QUALITIES = (None, 92, 80)  # PNG first, JPEG where that is too large


def export_glb(
    path: Path,
    scene: bpy.types.Scene,
    armatures: Iterable[str] = (),
    *,
    form: Form = "posed",
    limits: Limits | None = None,
) -> list[str]:
    """Write the person's evaluated meshes with the textures that they have as binary glTF.

    Still forms have one mesh and one material per object (per UDIM tile of it), named as the object; world positions in
    metres turned to glTF's axes (y up, a person facing -y faces +z); normals; the textures inside the file.  Objects
    without a texture take the colours of their materials, one mesh each.  Forms with bones come from Blender's own
    exporter: at most four bones a vertex, modifiers other than the armature's applied.

    Args:
        path: the file.
        scene: posed.
        armatures: names; by default every humanoid of the scene.
        form: what to keep of pose and rig.
        limits: triangles are merged, textures made smaller and then stored as JPEG until the file fits.

    Returns:
        Warnings, one sentence each.

    Raises:
        SceneError: where the person has no mesh, or its pose is not known.
        OutputError: where the file cannot be written.
    """
    people = find_humanoids(scene, tuple(armatures))
    warnings = check_people(scene, depsgraph_of(scene), people)
    still: set[str] = set()
    if form in ("rigged", "animated"):
        build = _rigged(scene, people, form == "animated", limits, still)
    else:
        triangles = limits.triangles if limits else None
        build = _still(read_parts(scene, armatures, rest=form == "rest", triangles=triangles))
    data, too_large = _fit(build, limits)
    write_bytes(Path(path), data)
    warnings += [
        f"Shape keys of {name} do not move in the file, since modifiers come after them: apply these, or leave out"
        " limits that merge triangles."
        for name in sorted(still)
    ]
    return warnings + too_large


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


Build = Callable[[int | None, int | None], bytes]
"""The file for a longest side of textures (None: as they are) and a JPEG quality (None: PNG)."""


def _fit(build: Build, limits: Limits | None) -> tuple[bytes, list[str]]:
    """The first file, from the finest on, that keeps within the limits."""
    if limits is None:
        return build(None, None), []
    side = limits.texture
    while True:
        for quality in _QUALITIES:
            data = build(side, quality)
            if len(data) <= limits.bytes:
                return data, []
        if side <= 256:
            return data, [
                f"The GLB has {len(data) / 1e6:.1f} MB, more than the {limits.bytes / 1e6:.1f} MB asked for: leave"
                " animation out, or choose fewer people."
            ]
        side //= 2


def _still(parts: list[Part]) -> Build:
    def build(side: int | None, quality: int | None) -> bytes:
        import trimesh

        model = trimesh.Scene()
        for part in parts:
            _add(model, part, None if part.picture is None else _encoded(part.picture, side, quality))
        unlit = {part.name for part in parts if part.unlit}

        def mark(tree: dict[str, Any]) -> None:
            for material in tree.get("materials", ()):
                if material.get("name") in unlit:
                    material["extensions"] = {"KHR_materials_unlit": {}}
                    tree["extensionsUsed"] = ["KHR_materials_unlit"]

        return bytes(model.export(file_type="glb", include_normals=True, tree_postprocessor=mark))

    return build


def _encoded(picture: Image.Image, side: int | None, quality: int | None) -> Image.Image:
    """A picture in the size and the format that it is to be stored in."""
    picture, buffer = _resized(picture, side), io.BytesIO()
    if quality is None:
        picture.save(buffer, "PNG")
    else:
        picture.save(buffer, "JPEG", quality=quality, subsampling=0)
    return Image.open(buffer)


def _resized(picture: Image.Image, side: int | None) -> Image.Image:
    if side is None or max(picture.size) <= side:
        return picture
    scale = side / max(picture.size)
    return picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.BOX)


def _add(model: Any, part: Part, picture: Image.Image | None) -> None:
    """Add a part as one mesh with one vertex for each (vertex, UV, normal) that occurs."""
    import trimesh

    mesh = part.mesh
    corners, uv, normals = mesh.triangles.reshape(-1), mesh.uv.reshape(-1, 2), mesh.normals.reshape(-1, 3)
    first, index = distinct_rows(np.concatenate([corners[:, None], np.rint(uv * 1e6), np.rint(normals * 1e3)], axis=1))
    colour = [*to_linear(np.array(part.colour) / 255), 1.0]
    look = {"baseColorTexture": picture} if picture else {"baseColorFactor": colour}
    material = trimesh.visual.material.PBRMaterial(name=part.name, metallicFactor=0.0, roughnessFactor=1.0, **look)
    body = trimesh.Trimesh(
        vertices=_y_up(mesh.vertices[corners[first]]),
        faces=index.reshape(-1, 3),
        vertex_normals=_y_up(normals[first]),
        visual=trimesh.visual.TextureVisuals(uv=uv[first] if picture else None, material=material),
        process=False,
        validate=False,
    )
    model.add_geometry(body, geom_name=part.name)  # numbered where a linked object has the same name


def _y_up(vectors: np.ndarray) -> np.ndarray:
    """Blender's axes (z up) as glTF's (y up)."""
    return np.stack([vectors[:, 0], vectors[:, 2], -vectors[:, 1]], axis=1)


def _rigged(
    scene: bpy.types.Scene,
    people: list[bpy.types.Object],
    animated: bool,
    limits: Limits | None,
    still: set[str],
) -> Build:
    """``still`` gets the names of the objects whose shape keys move in the scene and not in the file."""
    owners = person_objects(read_surfaces(depsgraph_of(scene), people))
    if not owners:
        raise SceneError("The person has no mesh to export: bind a mesh to the armature, or choose another armature.")

    def build(side: int | None, quality: int | None) -> bytes:
        triangles = limits.triangles if limits else None
        with (
            reduced(scene, owners, triangles, before_armature=True),
            _stored(owners, side),
            _materials_in_meshes(owners),
            moving_shapes(scene, owners if animated else [], still) as shapes,
            _gathered(scene, [*people, *owners]) as collection,
            _frame_kept(scene) if animated else nullcontext(),
            tempfile.TemporaryDirectory(prefix="handdiff-") as folder,
        ):
            path = Path(folder) / "model.glb"
            bpy.ops.export_scene.gltf(
                filepath=str(path),
                export_format="GLB",
                collection=collection,
                use_active_scene=True,
                export_apply=not shapes,
                export_skins=True,
                export_all_influences=False,
                export_def_bones=False,
                export_current_frame=True,
                export_rest_position_armature=False,
                export_animations=animated,
                export_animation_mode="ACTIVE_ACTIONS",
                export_morph=shapes,
                export_yup=True,
                export_image_format="AUTO" if quality is None else "JPEG",
                **({} if quality is None else {"export_image_quality": quality, "export_jpeg_quality": quality}),
            )
            return path.read_bytes()

    return build


@contextmanager
def _gathered(scene: bpy.types.Scene, things: Iterable[bpy.types.Object]) -> Iterator[str]:
    """The name of a collection of these, for a while: the exporter takes it whether they can be selected or not.

    Nothing is active meanwhile, or the exporter would leave the active object's mode.
    """
    layer = scene.view_layers[0] if bpy.context.scene != scene else bpy.context.view_layer
    collection, active = bpy.data.collections.new("HandDiff"), layer.objects.active
    for thing in things:
        collection.objects.link(thing)
    layer.objects.active = None
    try:
        with bpy.context.temp_override(scene=scene, view_layer=layer):
            yield collection.name
    finally:
        layer.objects.active = active
        bpy.data.collections.remove(collection)


_CHANNELS = ("location", "rotation_euler", "rotation_quaternion", "rotation_axis_angle", "scale")


@contextmanager
def _frame_kept(scene: bpy.types.Scene) -> Iterator[None]:
    """Let the exporter go through the frames; poses and shape keys' values without keyframes come back, too."""
    frame, subframe, camera = scene.frame_current, scene.frame_subframe, scene.camera
    moved: list[Any] = [thing for thing in scene.objects if thing.is_editable]
    moved += [bone for thing in moved if thing.pose for bone in thing.pose.bones]
    poses: list[Any] = [(item, name, tuple(getattr(item, name))) for item in moved for name in _CHANNELS]
    shapes = {keys for thing in scene.objects if (keys := getattr(thing.data, "shape_keys", None))}
    poses += [(key, "value", key.value) for keys in shapes if keys.is_editable for key in keys.key_blocks]
    try:
        yield
    finally:
        scene.frame_set(frame, subframe=subframe)
        scene.camera = camera
        for item, name, values in poses:
            setattr(item, name, values)


@contextmanager
def _materials_in_meshes(owners: Iterable[bpy.types.Object]) -> Iterator[None]:
    """Let meshes hold the materials of their objects' slots for a while: the exporter reads no others.

    Shared and linked meshes are copied for it.
    """
    materials, meshes = [], []
    try:
        for owner in owners:
            own = [(index, slot.material) for index, slot in enumerate(owner.material_slots) if slot.link == "OBJECT"]
            if not own or not owner.is_editable:
                continue
            if owner.data.users > 1 or not owner.data.is_editable:
                meshes.append((owner, owner.data))
                owner.data = owner.data.copy()
            for index, material in own:
                materials.append((owner.data, index, owner.data.materials[index]))
                owner.data.materials[index] = material
        yield
    finally:
        for data, index, material in materials:
            data.materials[index] = material
        for owner, data in meshes:
            copy, owner.data = owner.data, data
            bpy.data.batch_remove([copy])  # its shape keys, too


@contextmanager
def _stored(owners: Iterable[bpy.types.Object], side: int | None) -> Iterator[None]:
    """Let our textures be at most ``side`` pixels for a while, and tiles lie in files: the exporter reads no others."""
    swapped: list[tuple[Any, bpy.types.Image, bpy.types.Image]] = []
    with tempfile.TemporaryDirectory(prefix="handdiff-") as folder:
        try:
            for owner in owners:
                texture = texture_of(owner)
                if texture is None or (texture.source != "TILED" and (side is None or max(texture.size) <= side)):
                    continue
                pictures = {tile: _resized(picture, side) for tile, picture in texture_pictures(texture).items()}
                copy = new_texture(owner.name, pictures, Path(folder) if texture.source == "TILED" else None)
                for slot in owner.material_slots:
                    for node in slot.material.node_tree.nodes if slot.material and slot.material.node_tree else ():
                        if node.bl_idname == "ShaderNodeTexImage" and node.image == texture:
                            node.image = copy
                            swapped.append((node, texture, copy))
            yield
        finally:
            for node, texture, _ in swapped:
                node.image = texture
            for copy in {copy for _, _, copy in swapped}:
                bpy.data.images.remove(copy)
