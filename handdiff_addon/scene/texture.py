# SPDX-License-Identifier: GPL-3.0-or-later
"""The result picture on the person's meshes, beside the artist's own materials and never over them."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import bpy
import numpy as np
from PIL import Image

from ..conditioning.frame import Conditioning
from ..errors import SceneError
from . import compat
from .baking import BakeMesh, bake, look, surface_label
from .passes import at_frame, depsgraph_of
from .rigs import find_humanoids
from .surfaces import Surface, read_surfaces

_SLOTS = "handdiff_materials"
"""Custom property of a textured object: its slots as the artist had them, {"0": {"link": .., "material": ..}, ..}.
Blender keeps materials named there with the file, used or not."""
_OURS = "handdiff"
"""Custom property that marks materials and images as made here."""
_PLAIN = {
    "Metallic": 0.0,
    "Roughness": 1.0,
    "Specular IOR Level": 0.0,
    "Emission Strength": 0.0,
    "Subsurface Weight": 0.0,
    "Transmission Weight": 0.0,
    "Coat Weight": 0.0,
    "Sheen Weight": 0.0,
}
"""Inputs of the Principled BSDF that would change the picture's colours."""


def apply_texture(
    scene: bpy.types.Scene,
    conditioning: Conditioning,
    image: Image.Image,
    person_mask: np.ndarray | None = None,
    armatures: Iterable[str] = (),
    size: int = 1024,
) -> dict[str, bpy.types.Image]:
    """Project a picture through its camera on to the posed person and show it as the person's material.

    Each mesh object of which the picture shows something gets one texture on its active UV map, and materials that
    carry it: the artist's material with the texture as base colour (its alpha and normal map go on working), matt and
    without emission.  They sit in the object's own slots; the mesh's slots stay as they are, and
    ``restore_materials`` brings everything back.  Applying again replaces the texture, never the memory of the
    originals.  The textures are packed into the file.

    Args:
        scene: posed as it was when ``conditioning`` was made; evaluated at that frame.
        conditioning: gives the camera and the frame; takes a warning for each mesh that has no UV map.
        image: RGB in sRGB, stretched over the camera's frame.
        person_mask: (H, W) bool at the frame's size, pixels that may land on the person; by default the passes' own.
        armatures: names; by default every humanoid of the scene.
        size: of each texture in pixels.

    Returns:
        The texture of each textured object by the object's name.

    Raises:
        SceneError: where the picture lands on no mesh with a UV map.
    """
    picture = np.asarray(image.convert("RGB"))
    mask = conditioning.person_mask if person_mask is None else person_mask
    textures: dict[str, bpy.types.Image] = {}
    without: list[str] = []
    with at_frame(scene, conditioning.frame):
        depsgraph = depsgraph_of(scene)
        people = find_humanoids(scene, tuple(armatures))
        surfaces = read_surfaces(scene, depsgraph, people, camera=conditioning.camera, uv=True)
        meshes = {name: index for index, name in enumerate(dict.fromkeys(surface.name for surface in surfaces))}
        offsets = np.cumsum([0, *(len(surface.vertices) for surface in surfaces)])
        view = look(
            conditioning.camera,
            np.concatenate([surface.vertices for surface in surfaces]),
            np.concatenate([surface.triangles + offset for surface, offset in zip(surfaces, offsets, strict=False)]),
            np.concatenate([surface_label(meshes[surface.name], np.asarray(surface.material)) for surface in surfaces]),
            mask,
        )
        for owner in person_objects(scene, surfaces):
            name = owner.name
            mesh = read_mesh(owner, depsgraph, meshes[name])
            if mesh is None:
                continue
            if np.isnan(mesh.uv).any() or not owner.is_editable:
                without.append(name)
                continue
            materials = [original_material(owner, index) for index in range(len(owner.material_slots))] or [None]
            baked = bake(mesh, picture, view, np.array([base_colour(material) for material in materials]), size)
            if baked.weight.any():
                textures[name] = new_image(f"HandDiff {name}", Image.fromarray(baked.texture))
    for name, texture in textures.items():
        _show(scene.objects[name], texture)
    _drop_unused()
    if not textures:
        raise SceneError(
            "The picture lands on no mesh that can take a texture: give the person's meshes a UV map"
            " (Edit Mode, UV > Smart UV Project) and keep them in the camera's view."
        )
    for name in without:
        conditioning.warnings.append(
            f"'{name}' got no texture: it has no UV map or is linked from another file; unwrap it or make it local."
        )
    return textures


def restore_materials(where: bpy.types.Scene | Iterable[bpy.types.Object]) -> int:
    """Give objects the materials back that they had before ``apply_texture``; slots filled otherwise since stay.

    Returns:
        How many objects were restored.
    """
    restored = 0
    for owner in list(where.objects if isinstance(where, bpy.types.Scene) else where):
        remembered = owner.get(_SLOTS)
        if remembered is None:
            continue
        for key, slot_before in remembered.items():
            if int(key) >= len(owner.material_slots):
                continue
            slot = owner.material_slots[int(key)]
            if slot.link == "OBJECT" and _is_ours(slot.material):
                slot.material = slot_before.get("material")
                slot.link = slot_before["link"]
        if not remembered and len(owner.material_slots) == 1 and _is_ours(owner.material_slots[0].material):
            owner.material_slots[0].material = None
            owner.material_slots[0].link = "DATA"
            if owner.data.users == 1:
                owner.data.materials.clear()
        del owner[_SLOTS]
        restored += 1
    _drop_unused()
    return restored


def texture_of(owner: bpy.types.Object) -> bpy.types.Image | None:
    """The texture that ``apply_texture`` put on an object."""
    for slot in owner.material_slots:
        if _is_ours(slot.material):
            for node in slot.material.node_tree.nodes:
                if node.bl_idname == "ShaderNodeTexImage" and _is_ours(node.image):
                    return node.image
    return None


def original_material(owner: bpy.types.Object, index: int) -> bpy.types.Material | None:
    """The artist's material in a slot, whether a texture lies over it or not."""
    slot = owner.material_slots[index]
    if not _is_ours(slot.material):
        return slot.material
    before = owner.get(_SLOTS, {}).get(str(index))
    if before is not None and "material" in before:
        return before["material"]
    return owner.data.materials[index]


def person_objects(scene: bpy.types.Scene, surfaces: Iterable[Surface]) -> list[bpy.types.Object]:
    """The scene's mesh objects that belong to a person."""
    names = dict.fromkeys(surface.name for surface in surfaces if surface.person >= 0)
    return [scene.objects[name] for name in names if name in scene.objects and scene.objects[name].type == "MESH"]


def read_mesh(owner: bpy.types.Object, depsgraph: bpy.types.Depsgraph, label: int = 0) -> BakeMesh | None:
    """The evaluated mesh of an object in world space, with its active UV map (NaN without one); None without faces."""
    evaluated = owner.evaluated_get(depsgraph)
    mesh = evaluated.to_mesh()
    try:
        if not mesh.polygons:
            return None
        layer = mesh.uv_layers.active
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
    finally:
        evaluated.to_mesh_clear()
    normals = normals @ np.linalg.inv(matrix[:3, :3])
    normals = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    if np.linalg.det(matrix[:3, :3]) < 0:  # a mirrored object: its corners would run the wrong way round
        triangles, loops = triangles[:, ::-1], loops[:, ::-1]
    world = vertices @ matrix[:3, :3].T + matrix[:3, 3]
    return BakeMesh(
        owner.name, world, triangles.astype(np.int64), uv[loops], normals[loops], material.astype(np.int64), label
    )


def base_colour(material: bpy.types.Material | None) -> tuple[float, float, float]:
    """A material's own colour as sRGB in 0..255; the mean of its image where the base colour is one."""
    node = _principled(material)
    if node is None:
        linear = np.array(material.diffuse_color[:3]) if material else np.full(3, 0.8)
    else:
        socket = node.inputs["Base Color"]
        source = socket.links[0].from_node if socket.is_linked else None
        image = getattr(source, "image", None)
        if image is not None and image.size[0]:
            pixels = np.empty(image.size[0] * image.size[1] * image.channels, dtype=np.float32)
            image.pixels.foreach_get(pixels)
            mean = pixels.reshape(-1, image.channels).mean(axis=0)[[0, 1, 2] if image.channels > 2 else [0, 0, 0]]
            if not image.is_float:  # byte images hand out their sRGB as it is stored
                return float(mean[0] * 255), float(mean[1] * 255), float(mean[2] * 255)
            linear = mean
        else:
            linear = np.array(socket.default_value[:3])
    linear = np.clip(linear, 0.0, 1.0)
    srgb = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055) * 255
    return float(srgb[0]), float(srgb[1]), float(srgb[2])


def _show(owner: bpy.types.Object, texture: bpy.types.Image) -> None:
    """Put materials with the texture into the object's slots, remembering what was there."""
    slots = owner.material_slots
    if _SLOTS not in owner:
        owner[_SLOTS] = {}
        for index, slot in enumerate(slots):
            before: dict[str, object] = {"link": slot.link}
            if slot.link == "OBJECT" and slot.material is not None:
                before["material"] = slot.material
            owner[_SLOTS][str(index)] = before
    originals = [original_material(owner, index) for index in range(len(slots))]
    if not slots:
        owner.data.materials.append(None)
        originals = [None]
    uv_map = owner.data.uv_layers.active
    for slot, original in zip(slots, originals, strict=True):
        slot.link = "OBJECT"
        slot.material = _textured(original, owner.name, texture, uv_map.name if uv_map else "")


def _textured(
    original: bpy.types.Material | None, name: str, texture: bpy.types.Image, uv_map: str
) -> bpy.types.Material:
    """The original with the texture as its matt base colour; a plain material where it is not a Principled one."""
    if original is not None and _principled(original) is not None:
        material = original.copy()
        material.name = f"HandDiff {original.name}"
    else:
        material = bpy.data.materials.new(f"HandDiff {original.name if original else name}")
        compat.use_nodes(material)
    material[_OURS] = True
    tree = material.node_tree
    node: Any = _principled(material)
    for socket in node.inputs:
        if socket.name in _PLAIN:
            for link in list(socket.links):
                tree.links.remove(link)
            socket.default_value = _PLAIN[socket.name]
    picture = tree.nodes.new("ShaderNodeTexImage")
    picture.name = picture.label = "HandDiff"
    picture.image = texture
    picture.location = (node.location.x - 300, node.location.y)
    tree.links.new(picture.outputs["Color"], node.inputs["Base Color"])
    if uv_map:
        place = tree.nodes.new("ShaderNodeUVMap")
        place.uv_map = uv_map
        place.location = (picture.location.x - 200, picture.location.y)
        tree.links.new(place.outputs["UV"], picture.inputs["Vector"])
    for other in tree.nodes:
        other.select = other == picture
    tree.nodes.active = picture  # what the viewport's Solid mode shows where it shows textures
    return material


def _principled(material: bpy.types.Material | None) -> bpy.types.Node | None:
    """The Principled BSDF that feeds a material's output."""
    if material is None or material.node_tree is None:
        return None
    output = material.node_tree.get_output_node("ALL")
    links = output.inputs["Surface"].links if output else ()
    node = links[0].from_node if links else None
    return node if node is not None and node.bl_idname == "ShaderNodeBsdfPrincipled" else None


def new_image(name: str, picture: Image.Image) -> bpy.types.Image:
    """An image of this file, packed as PNG."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    image = bpy.data.images.new(name, *picture.size, alpha=picture.mode == "RGBA")
    image.pack(data=buffer.getvalue(), data_len=len(buffer.getvalue()))
    image.source = "FILE"
    image[_OURS] = True
    return image


def _read(collection: bpy.types.bpy_prop_collection, name: str, count: int, dtype: type = np.float32) -> np.ndarray:
    values: np.ndarray = np.empty(count, dtype=dtype)
    collection.foreach_get(name, values)
    return values.astype(np.float64) if dtype is np.float32 else values


def _is_ours(block: bpy.types.ID | None) -> bool:
    return block is not None and bool(block.get(_OURS))


def _drop_unused() -> None:
    """Remove materials and textures of ours that nothing shows any more."""
    for material in [m for m in bpy.data.materials if _is_ours(m) and not m.users]:
        bpy.data.materials.remove(material)
    for image in [i for i in bpy.data.images if _is_ours(i) and not i.users]:
        bpy.data.images.remove(image)
