# SPDX-License-Identifier: GPL-3.0-or-later
"""Textures on people that share names, meshes or collections with others, or come from other files."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from PIL import Image

from handdiff_addon.errors import SceneError
from handdiff_addon.scene import compat
from handdiff_addon.scene.memory import is_textured
from handdiff_addon.scene.meshes import make_uv_map
from handdiff_addon.scene.passes import render_passes
from handdiff_addon.scene.textured import restore_materials, texture_of, texture_pictures
from tests.builders import add_camera, add_human
from tests.texturing import apply_texture

RED, BLUE = (220, 30, 30), (30, 30, 220)


def paint(scene, colour=RED, right=None, **options):
    """Texture everybody with one colour, or the right half of the picture with another."""
    conditioning = render_passes(scene, size=(128, 128))
    picture = Image.new("RGB", (128, 128), colour)
    if right is not None:
        picture.paste(right, (64, 0, 128, 128))
    return apply_texture(scene, conditioning, picture, size=64, **options), conditioning.warnings


def colour_of(owner) -> np.ndarray:
    """The mean of a texture without the grey of unpainted parts."""
    pixels = np.asarray(texture_pictures(texture_of(owner))[1001]).reshape(-1, 3).astype(int)
    return np.median(pixels[np.ptp(pixels, axis=1) > 100], axis=0)


def add_person(name: str = "Rig", x: float = 0.0):
    """A person with a UV map and a material of its own."""
    rig = add_human(name=name)
    owner = rig.children[0]
    rig.location.x = x
    make_uv_map(bpy.context.scene, owner)
    owner.data.uv_layers[0].name = "Artist's"
    owner.data.materials.append(bpy.data.materials.new(f"{name} cloth"))
    return rig, owner


def gather(*things) -> bpy.types.Collection:
    """Move objects into a collection of their own, which is in no scene."""
    collection = bpy.data.collections.new("Character")
    for thing in things:
        for other in thing.users_collection:
            other.objects.unlink(thing)
        collection.objects.link(thing)
    return collection


def slots(owner) -> list[tuple[str, str]]:
    return [(slot.link, slot.material.name_full) for slot in owner.material_slots]


def test_the_texture_of_a_library_override_goes_after_reopening(empty_scene, tmp_path):
    rig, owner = add_person()
    owner.material_slots[0].link = "OBJECT"
    owner.material_slots[0].material = bpy.data.materials.new("Of the object")
    owner.modifiers.new("Array", "ARRAY").relative_offset_displace = (0, 1, 0)
    empty_scene.collection.children.link(gather(rig, owner))
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "library.blend"))

    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    with bpy.data.libraries.load(str(tmp_path / "library.blend"), link=True) as (_, wanted):
        wanted.collections = ["Character"]
    (linked,) = wanted.collections
    scene.collection.children.link(linked)
    linked.override_hierarchy_create(scene, bpy.context.view_layer, do_fully_editable=True)
    if linked.name in scene.collection.children:
        scene.collection.children.unlink(linked)
    add_camera()
    file = str(tmp_path / "shot.blend")

    def reopened():
        bpy.ops.wm.save_as_mainfile(filepath=file)
        bpy.ops.wm.open_mainfile(filepath=file)
        (owner,) = [thing for thing in bpy.context.scene.objects if thing.type == "MESH"]
        return owner

    owner = reopened()
    before = slots(owner)
    assert before[0][0] == "OBJECT" and not is_textured(owner)
    paint(bpy.context.scene)
    owner = reopened()
    assert texture_of(owner) is not None and owner.modifiers["Array"].offset_u == 1.0
    paint(bpy.context.scene, BLUE)
    owner = reopened()
    assert is_textured(owner)
    assert restore_materials(bpy.context.scene) == 1
    owner = reopened()
    assert slots(owner) == before and not is_textured(owner)
    assert owner.modifiers["Array"].offset_u == 0.0
    assert not bpy.data.images


def test_shape_keys_of_a_mesh_without_uv_map_are_there_once(empty_scene, tmp_path):
    owner = add_human().children[0]
    add_camera()
    for name in ("Basis", "Big"):
        owner.shape_key_add(name=name)
    paint(empty_scene)
    assert [keys.user for keys in bpy.data.shape_keys] == [owner.data]
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))


def test_an_instance_of_the_person_takes_nothing_of_its_texture(empty_scene):
    crowd = bpy.data.collections.new("Crowd")
    empty_scene.collection.children.link(crowd)
    rig, owner = add_person()
    character = gather(rig, owner)
    instance = bpy.data.objects.new("Instance", None)
    instance.instance_type, instance.instance_collection = "COLLECTION", character
    instance.location.x = 1.6
    crowd.objects.link(instance)
    empty_scene.collection.children.link(character)
    add_camera((0.8, -6, 1.2), (0.8, 0, 1.2))
    paint(empty_scene, RED, right=BLUE)
    assert np.abs(colour_of(owner) - RED).max() < 20


def test_a_linked_person_of_the_same_name_stands_beside(empty_scene, tmp_path):
    rig, owner = add_person()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "library.blend"), copy=True)
    rig.location.x = -1.6
    with bpy.data.libraries.load(str(tmp_path / "library.blend"), link=True) as (_, wanted):
        wanted.objects = [rig.name, owner.name]
    for thing in wanted.objects:
        empty_scene.collection.objects.link(thing)
    add_camera((-0.8, -6, 1.2), (-0.8, 0, 1.2))
    for armatures in ((), (rig.name,)):
        textures, warnings = paint(empty_scene, RED, right=BLUE, armatures=armatures)
        assert list(textures) == [owner.name]
        assert np.abs(colour_of(owner) - RED).max() < 20
        assert bool(armatures) != any("linked from another file" in warning for warning in warnings)
    assert restore_materials(empty_scene) == 1


@pytest.mark.skipif(compat.BLENDER_5, reason="materials always use nodes there")
def test_a_material_without_nodes_shows_the_texture(empty_scene):
    _, owner = add_person()
    add_camera()
    cloth = owner.data.materials[0]
    cloth.use_nodes = True
    cloth.node_tree.nodes["Principled BSDF"].inputs["Alpha"].default_value = 0.9
    cloth.use_nodes = False
    paint(empty_scene)
    shown = owner.material_slots[0].material
    assert shown.use_nodes and texture_of(owner) is not None
    assert shown.node_tree.nodes["Principled BSDF"].inputs["Alpha"].default_value == 1.0
    assert not cloth.use_nodes


def test_names_that_make_one_file_name_make_two_files(empty_scene, tmp_path):
    people = [add_person("A", -1.0)[1], add_person("B", 1.0)[1]]
    for owner, name in zip(people, ("The body", "the:body"), strict=True):
        owner.name = name
    add_camera((0, -5.5, 1.2))
    for _ in range(2):
        paint(empty_scene, RED, right=BLUE, folder=tmp_path)
        assert len({path.name.lower() for path in tmp_path.glob("*.png")}) == 2
        for owner, colour in zip(people, (RED, BLUE), strict=True):
            assert colour_of(owner).argmax() == np.argmax(colour)


@pytest.mark.parametrize("kind", ["MESH", "ARMATURE"])
def test_edit_mode_is_refused(empty_scene, kind):
    rig, owner = add_person()
    add_camera()
    conditioning = render_passes(empty_scene, size=(64, 64))
    bpy.context.view_layer.objects.active = rig if kind == "ARMATURE" else owner
    bpy.ops.object.mode_set(mode="EDIT")
    with pytest.raises(SceneError, match="leave Edit Mode first"):
        apply_texture(empty_scene, conditioning, Image.new("RGB", (64, 64)), size=64)
    assert not bpy.data.images and not is_textured(owner)


def test_a_mesh_without_slots_that_two_share_is_without_again(empty_scene):
    _, owner = add_person()
    owner.data.materials.clear()
    other = owner.copy()
    empty_scene.collection.objects.link(other)
    other.location.x = 1.8
    add_camera((0.9, -7, 1.2), (0.9, 0, 1.2))
    textures, _ = paint(empty_scene)
    assert len(textures) == 2
    restore_materials([owner])
    assert texture_of(other) is not None
    restore_materials([other])
    assert not owner.data.materials and not owner.data.keys()
