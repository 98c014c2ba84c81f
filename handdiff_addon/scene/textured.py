# SPDX-License-Identifier: GPL-3.0-or-later
"""Materials that show a texture, beside the artist's own and never over them."""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from PIL import Image

from ..conditioning.srgb import to_srgb
from ..files import png, save_image
from ..request import Look
from . import compat
from .copies import gather_copies
from .materials import see_through
from .memory import OURS, SLOTS, is_ours, recall, save
from .meshes import choose_uv_map, uv_map_of
from .texels import FIRST_TILE

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


def show_texture(owner: bpy.types.Object, texture: bpy.types.Image, look: Look = "base_colour") -> None:
    """Put materials with the texture into an object's own slots, remembering what was there.

    Each is the artist's material with the texture as its colour: its alpha and normal map go on working.  Clear
    materials stay.
    """
    if not owner.material_slots:
        owner.data.materials.append(None)
        owner.data[OURS] = True
    slots = owner.material_slots
    if SLOTS not in owner:
        owner[SLOTS] = {}
        for index, slot in enumerate(slots):
            before: dict[str, object] = {"link": slot.link}
            if slot.link == "OBJECT" and slot.material is not None:
                before["material"] = slot.material
            owner[SLOTS][str(index)] = before
    originals = [original_material(owner, index) for index in range(len(slots))]
    for slot, original in zip(slots, originals, strict=True):
        if see_through(original):
            continue
        slot.link = "OBJECT"
        slot.material = _textured(original, owner.name, texture, uv_map_of(owner), look)
    save(owner)


def restore_materials(where: bpy.types.Scene | Iterable[bpy.types.Object]) -> int:
    """Give objects the materials back that they had before ``show_texture``; slots filled otherwise since stay.

    UV maps that we made go, too, and the offsets that parted its modifiers' copies.

    Returns:
        How many objects were restored.
    """
    restored = 0
    for owner in list(where.objects if isinstance(where, bpy.types.Scene) else where):
        recall(owner)
        remembered = owner.get(SLOTS)
        if remembered is None:
            continue
        for key, slot_before in remembered.items():
            if int(key) >= len(owner.material_slots):
                continue
            slot = owner.material_slots[int(key)]
            if slot.link == "OBJECT" and is_ours(slot.material):
                slot.material = slot_before.get("material")
                slot.link = slot_before["link"]
        del owner[SLOTS]
        _drop_slot(owner.data)
        choose_uv_map(owner, "")
        gather_copies(owner)
        restored += 1
    drop_unused()
    return restored


def _drop_slot(data: bpy.types.Mesh) -> None:
    """Take the slot back that a mesh without any got, once no object shows a texture in it."""
    sharers = (thing for thing in bpy.data.objects if thing.data == data)
    if OURS not in data or any(SLOTS in thing for thing in sharers):
        return
    del data[OURS]
    if list(data.materials) == [None]:
        data.materials.clear()


def texture_of(owner: bpy.types.Object) -> bpy.types.Image | None:
    """The texture that ``show_texture`` put on an object."""
    for slot in owner.material_slots:
        if is_ours(slot.material):
            for node in slot.material.node_tree.nodes:
                if node.bl_idname == "ShaderNodeTexImage" and is_ours(node.image):
                    return node.image
    return None


def is_unlit(owner: bpy.types.Object) -> bool:
    """Whether an object's texture shines by itself."""
    nodes = (_principled(slot.material) for slot in owner.material_slots if is_ours(slot.material))
    return any(node is not None and node.inputs["Emission Color"].is_linked for node in nodes)


def texture_pictures(texture: bpy.types.Image) -> dict[int, Image.Image]:
    """A texture's pictures by UDIM number, from the file or the disk; {1001: ..} for an ordinary one."""
    numbers = [tile.number for tile in texture.tiles] if texture.source == "TILED" else [FIRST_TILE]
    return {number: _read_picture(texture, number) for number in numbers}


def original_material(owner: bpy.types.Object, index: int) -> bpy.types.Material | None:
    """The artist's material in a slot, whether a texture lies over it or not."""
    slot = owner.material_slots[index]
    if not is_ours(slot.material):
        return slot.material
    before = owner.get(SLOTS, {}).get(str(index))
    if before is not None and "material" in before:
        return before["material"]
    return owner.data.materials[index]


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
    srgb = 255 * to_srgb(np.clip(linear, 0.0, 1.0))
    return float(srgb[0]), float(srgb[1]), float(srgb[2])


def new_image(name: str, picture: Image.Image) -> bpy.types.Image:
    """An image of this file, packed as PNG."""
    data = png(picture)
    image = bpy.data.images.new(name, *picture.size, alpha=picture.mode == "RGBA")
    image.pack(data=data, data_len=len(data))
    image.source = "FILE"
    image[OURS] = True
    return image


def new_texture(name: str, pictures: Mapping[int, Image.Image], folder: Path | None = None) -> bpy.types.Image:
    """A texture of one or several UDIM tiles as an image: packed into the file, or PNG files of a folder.

    Args:
        name: of the object that it is for; image and files are named after it.
        pictures: by UDIM number.
        folder: where the files go; None packs them.

    Raises:
        OutputError: where the folder cannot be written.
    """
    stem, name = _stem(name), f"HandDiff {name}"
    tiled = set(pictures) != {FIRST_TILE}
    if folder is None and not tiled:
        return new_image(name, pictures[FIRST_TILE])
    with tempfile.TemporaryDirectory(prefix="handdiff-") as packing:
        where = Path(packing) if folder is None else Path(folder)
        for number, picture in pictures.items():
            save_image(picture, where / (f"{stem}.{number}.png" if tiled else f"{stem}.png"))
        image = bpy.data.images.load(str(where / (f"{stem}.{min(pictures)}.png" if tiled else f"{stem}.png")))
        image.name = name
        if tiled:
            image.source = "TILED"
            image.filepath_raw = str(where / f"{stem}.<UDIM>.png")
            known = {tile.number for tile in image.tiles}
            for number in sorted(set(pictures) - known):
                image.tiles.new(number)
            for number in known - set(pictures):
                image.tiles.remove(image.tiles.get(number))
            image.reload()
        if folder is None:
            image.pack()
            image.filepath_raw = f"//{stem}.<UDIM>.png"
        elif bpy.data.filepath:  # so that the .blend and the folder can move together
            with contextlib.suppress(ValueError):  # another drive
                image.filepath_raw = bpy.path.relpath(image.filepath_raw)
    image[OURS] = True
    return image


def _stem(name: str) -> str:
    """The name of an object's files; those of objects whose names differ by signs or case alone are numbered."""
    alike = sorted({thing.name for thing in bpy.data.objects if _clean(thing.name).lower() == _clean(name).lower()})
    number = alike.index(name) if name in alike else 0
    return f"HandDiff_{_clean(name)}-{number + 1}" if number else f"HandDiff_{_clean(name)}"


def _clean(name: str) -> str:
    return bpy.path.clean_name(name, replace="_")


def drop_unused() -> None:
    """Remove materials and textures of ours that nothing shows any more."""
    for material in [m for m in bpy.data.materials if is_ours(m) and not m.users]:
        bpy.data.materials.remove(material)
    for image in [i for i in bpy.data.images if is_ours(i) and not i.users]:
        bpy.data.images.remove(image)


def _read_picture(texture: bpy.types.Image, number: int) -> Image.Image:
    files = list(texture.packed_files)
    if texture.source == "TILED":
        files = [file for file in files if file.tile_number == number]
    if files:
        picture = Image.open(io.BytesIO(files[0].packed_file.data))
    else:
        picture = Image.open(bpy.path.abspath(texture.filepath_raw.replace("<UDIM>", str(number))))
    return picture.convert("RGB")


def _textured(
    original: bpy.types.Material | None, name: str, texture: bpy.types.Image, uv_map: str, look: Look
) -> bpy.types.Material:
    """The original with the texture as its colour; a plain material where it is not a Principled one."""
    if original is not None and _principled(original) is not None:
        material = original.copy()
        material.name = f"HandDiff {original.name}"
    else:
        material = bpy.data.materials.new(f"HandDiff {original.name if original else name}")
        compat.use_nodes(material)
    material[OURS] = True
    tree = material.node_tree
    node: Any = _principled(material)
    for socket in node.inputs:
        if socket.name in _PLAIN:
            _set(tree, socket, _PLAIN[socket.name])
    picture = tree.nodes.new("ShaderNodeTexImage")
    picture.name = picture.label = "HandDiff"
    picture.image = texture
    picture.location = (node.location.x - 300, node.location.y)
    if look == "unlit":
        _set(tree, node.inputs["Base Color"], (0.0, 0.0, 0.0, 1.0))
        _set(tree, node.inputs["Emission Strength"], 1.0)
    tree.links.new(picture.outputs["Color"], node.inputs["Emission Color" if look == "unlit" else "Base Color"])
    if uv_map:
        place = tree.nodes.new("ShaderNodeUVMap")
        place.uv_map = uv_map
        place.location = (picture.location.x - 200, picture.location.y)
        tree.links.new(place.outputs["UV"], picture.inputs["Vector"])
    for other in tree.nodes:
        other.select = other == picture
    tree.nodes.active = picture  # what the viewport's Solid mode shows where it shows textures
    return material


def _set(tree: Any, socket: Any, value: object) -> None:
    for link in list(socket.links):
        tree.links.remove(link)
    socket.default_value = value


def _principled(material: bpy.types.Material | None) -> bpy.types.Node | None:
    """The Principled BSDF that feeds a material's output, where the material renders by its nodes."""
    if material is None or material.node_tree is None or not compat.uses_nodes(material):
        return None
    output = material.node_tree.get_output_node("ALL")
    links = output.inputs["Surface"].links if output else ()
    node = links[0].from_node if links else None
    return node if node is not None and node.bl_idname == "ShaderNodeBsdfPrincipled" else None
