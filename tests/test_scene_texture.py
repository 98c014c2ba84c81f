# SPDX-License-Identifier: GPL-3.0-or-later
"""The result picture on the person: where it lands, what fills the rest, and the artist's materials coming back."""

from __future__ import annotations

import io
from dataclasses import replace

import bpy
import numpy as np
import pytest
from PIL import Image

from handdiff_addon.conditioning.camera import Camera
from handdiff_addon.conditioning.raster import rasterise
from handdiff_addon.conditioning.shots import Shot, View, look, surface_label
from handdiff_addon.conditioning.shots import sample as sample_picture
from handdiff_addon.errors import SceneError
from handdiff_addon.scene.baking import bake
from handdiff_addon.scene.meshes import read_mesh
from handdiff_addon.scene.passes import render_passes
from handdiff_addon.scene.sample_human import create_sample_scene
from handdiff_addon.scene.texels import BakeMesh
from handdiff_addon.scene.texture import apply_texture
from handdiff_addon.scene.textured import restore_materials, texture_of

SIZE = 192
COLOURS = {
    "Skin": (220, 150, 120), "Eyes": (240, 240, 240), "Hair": (70, 40, 20), "Top": (30, 170, 60),
    "Bottom": (40, 50, 180), "Shoes": (120, 120, 40), "Iris": (20, 20, 20),
}  # fmt: skip
MAGENTA = (255, 0, 255)


def straight_down(size: int = 64) -> Camera:
    """Orthographic camera at z = 5 over the square from -1 to 1."""
    view = np.eye(4)
    view[2, 3] = -5.0
    projection = np.diag([1.0, 1.0, -2.0 / 9.9, 1.0])
    projection[2, 3] = -10.1 / 9.9
    return Camera(view, projection, size, size)


def quad(z: float = 0.0, half: float = 1.0, material: int = 0, label: int = 0, up: float = 1.0) -> BakeMesh:
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], dtype=float)
    triangles = np.array([[0, 1, 2], [0, 2, 3]])
    vertices = np.column_stack([corners * half, np.full(4, z)])
    uv = (corners + 1) / 2
    normals = np.broadcast_to([0.0, 0.0, up], (2, 3, 3))
    return BakeMesh("quad", vertices, triangles, uv[triangles], normals, np.full(2, material), label)


def seen(picture: np.ndarray, *meshes: BakeMesh) -> View:
    offsets = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    return look(
        Shot(straight_down(), picture),
        np.concatenate([mesh.vertices for mesh in meshes]),
        np.concatenate([mesh.triangles + offset for mesh, offset in zip(meshes, offsets, strict=False)]),
        np.concatenate([surface_label(mesh.label, mesh.material) for mesh in meshes]),
    )


@pytest.fixture
def picture() -> np.ndarray:
    y, x = np.mgrid[0:64, 0:64]
    return np.stack([x * 4, y * 4, 255 - x * 4], axis=-1).astype(np.uint8)


def test_a_square_that_fills_the_picture_takes_it_as_it_is(picture):
    square = quad()
    result = bake(square, [seen(picture, square)], np.zeros((1, 3)), size=64)
    inner = (slice(4, -4), slice(4, -4))
    assert np.abs(result.textures[0][inner].astype(int) - picture[inner]).max() <= 1
    assert (result.weight[0][inner] == 1).all()


def test_what_something_hides_does_not_take_its_colour(picture):
    below, above = quad(), quad(z=1.0, half=0.5, label=1)
    picture[16:48, 16:48] = MAGENTA
    result = bake(below, [seen(picture, below, above)], np.zeros((1, 3)), size=64)
    assert (result.weight[0][18:46, 18:46] == 0).all()
    assert result.weight[0][8, 8] == 1
    assert np.abs(result.textures[0][:, :].astype(int) - MAGENTA).sum(axis=-1).min() > 60


def test_a_skin_right_under_a_shirt_is_not_seen(picture):
    skin, shirt = quad(), quad(z=1e-4, material=1)
    result = bake(skin, [seen(picture, skin, shirt)], np.array([[200.0, 100, 50], [0, 0, 0]]), size=32)
    assert not result.weight[0].any()
    assert np.abs(result.textures[0].astype(int) - [200, 100, 50]).max() <= 1


def test_a_back_face_takes_nothing(picture):
    turned = quad(up=-1.0)
    assert not bake(turned, [seen(picture, turned)], np.full((1, 3), 9.0), size=32).weight.any()


def test_mirrored_halves_that_share_texels_take_the_side_that_is_seen(picture):
    square, back = quad(), quad(z=-1.0, up=-1.0)
    both = BakeMesh(
        "both",
        np.concatenate([back.vertices, square.vertices]),
        np.concatenate([back.triangles, square.triangles + 4]),
        np.concatenate([back.uv + np.array([3.0, 0.0]), square.uv]),
        np.concatenate([back.normals, square.normals]),
        np.zeros(4, dtype=int),
    )
    assert bake(both, [seen(picture, both)], np.zeros((1, 3)), size=32).weight[0, 16, 16] == 1


def test_triangles_smaller_than_a_texel_still_get_one(picture):
    square = quad()
    tiny = BakeMesh("tiny", square.vertices, square.triangles, 0.5 + square.uv * 0.004, square.normals, square.material)
    assert bake(tiny, [seen(picture, tiny)], np.zeros((1, 3)), size=32).weight.any()


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """The posed sample human as a file, its passes, and a picture with one flat colour per material on magenta."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    create_sample_scene(bpy.context.scene)
    scene = bpy.context.scene
    path = str(tmp_path_factory.mktemp("sample") / "sample.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    conditioning = render_passes(scene, size=(SIZE, SIZE))
    owner = bpy.data.objects["SampleHuman"]
    mesh = read_mesh(owner, bpy.context.evaluated_depsgraph_get())
    raster = rasterise(mesh.vertices, mesh.triangles, conditioning.camera)
    names = [slot.material.name.split(".")[0] for slot in owner.material_slots]
    picture = np.full((SIZE, SIZE, 3), MAGENTA, dtype=np.uint8)
    shown = raster.triangle >= 0
    picture[shown] = np.array([COLOURS[name] for name in names])[mesh.material[raster.triangle[shown]]]
    return path, conditioning, Image.fromarray(picture), mesh, raster


@pytest.fixture
def person(sample):
    path, conditioning, picture, mesh, raster = sample
    bpy.ops.wm.open_mainfile(filepath=path)
    conditioning = replace(conditioning, warnings=[])
    return bpy.context.scene, bpy.data.objects["SampleHuman"], conditioning, picture, mesh, raster


def pixels_of(texture) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(texture.packed_file.data)))


def test_the_person_looks_from_the_camera_as_in_the_picture(person):
    scene, owner, conditioning, picture, mesh, raster = person
    textures = apply_texture(scene, conditioning, picture, size=512)
    texture = textures[owner.name]
    assert tuple(texture.size) == (512, 512)
    assert texture.packed_file is not None
    shown = raster.triangle >= 0
    uv = np.einsum("nk,nkc->nc", raster.barycentric[shown], mesh.uv[raster.triangle[shown]])
    again = sample_picture(pixels_of(texture), np.stack([uv[:, 0], 1 - uv[:, 1]], axis=1) * 512)
    error = np.abs(again - np.asarray(picture)[shown]).max(axis=1)
    assert np.median(error) < 2
    assert (error < 40).mean() > 0.93


def test_no_background_lands_on_the_person_and_unseen_places_take_their_materials_colour(person):
    scene, owner, conditioning, picture, mesh, _ = person
    before = [slot.material.name.split(".")[0] for slot in owner.material_slots]
    texture = pixels_of(apply_texture(scene, conditioning, picture, size=512)[owner.name]).astype(int)
    assert (np.abs(texture - MAGENTA).sum(axis=-1) > 150).all()
    at = mesh.uv.mean(axis=1)
    colours = sample_picture(texture, np.stack([at[:, 0], 1 - at[:, 1]], axis=1) * 512)
    backwards = mesh.normals.mean(axis=1)[:, 1] > 0.7  # the person faces -y, and so does the camera from there
    for name in ("Top", "Skin", "Hair"):
        back = backwards & (mesh.material == before.index(name))
        assert np.median(np.abs(colours[back] - COLOURS[name]).max(axis=1)) < 12, name


def state(owner) -> list[tuple[str, str]]:
    return [(slot.link, slot.material.name if slot.material else "") for slot in owner.material_slots]


def test_materials_come_back_exactly_even_after_two_textures_and_a_save(person, tmp_path):
    scene, owner, conditioning, picture, *_ = person
    own = bpy.data.materials.new("Artist's own")
    owner.material_slots[1].link = "OBJECT"
    owner.material_slots[1].material = own
    before, on_mesh = state(owner), [material.name for material in owner.data.materials]
    materials, images = set(bpy.data.materials.keys()), set(bpy.data.images.keys())
    for _ in range(2):
        apply_texture(scene, conditioning, picture, size=64)
    assert all(slot.material.name.startswith("HandDiff") for slot in owner.material_slots)
    assert [material.name for material in owner.data.materials] == on_mesh
    name = owner.name
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    owner = bpy.data.objects[name]
    assert tuple(texture_of(owner).size) == (64, 64)
    assert restore_materials(bpy.context.scene) == 1
    assert state(owner) == before
    assert set(bpy.data.materials.keys()) == materials
    assert set(bpy.data.images.keys()) == images
    assert restore_materials(bpy.context.scene) == 0


def test_the_material_is_the_artists_own_made_matt_with_the_texture_active(person):
    scene, owner, conditioning, picture, *_ = person
    principled = owner.material_slots[0].material.node_tree.nodes["Principled BSDF"]
    principled.inputs["Alpha"].default_value = 0.5
    principled.inputs["Metallic"].default_value = 1.0
    texture = apply_texture(scene, conditioning, picture, size=64)[owner.name]
    tree = owner.material_slots[0].material.node_tree
    assert tree.nodes.active.image == texture
    copy = tree.nodes["Principled BSDF"]
    assert copy.inputs["Base Color"].links[0].from_node.image == texture
    assert copy.inputs["Alpha"].default_value == 0.5
    assert copy.inputs["Metallic"].default_value == 0.0
    assert copy.inputs["Roughness"].default_value == 1.0
    assert principled.inputs["Metallic"].default_value == 1.0


def test_a_mesh_without_material_slots_gets_one_and_loses_it_again(person):
    scene, owner, conditioning, picture, *_ = person
    owner.data.materials.clear()
    apply_texture(scene, conditioning, picture, size=64)
    assert texture_of(owner) is not None
    restore_materials([owner])
    assert len(owner.material_slots) == 0


def test_a_modifier_that_changes_the_mesh_is_followed(person):
    scene, owner, conditioning, picture, *_ = person
    owner.modifiers.new("Mirrored away", "DECIMATE").ratio = 0.5
    texture = pixels_of(apply_texture(scene, conditioning, picture, size=128)[owner.name]).astype(int)
    green = np.abs(texture - COLOURS["Top"]).max(axis=-1) < 30
    assert green.mean() > 0.03


def test_XX(person):
    scene, owner, conditioning, picture, *_ = person
    while owner.data.uv_layers:
        owner.data.uv_layers.remove(owner.data.uv_layers[0])
    owner.data.update_tag()
    before = state(owner)
    with pytest.raises(SceneError, match="UV map"):
        apply_texture(scene, conditioning, picture, size=64)
    assert state(owner) == before


def test_the_texture_belongs_to_the_frame_of_the_passes(person):
    scene, owner, conditioning, picture, *_ = person
    expected = pixels_of(apply_texture(scene, conditioning, picture, size=64)[owner.name])
    rig = owner.parent
    rig.keyframe_insert("location", frame=conditioning.frame)
    rig.location.x += 3.0
    rig.keyframe_insert("location", frame=conditioning.frame + 10)
    scene.frame_set(conditioning.frame + 10)
    again = pixels_of(apply_texture(scene, conditioning, picture, size=64)[owner.name])
    assert scene.frame_current == conditioning.frame + 10
    assert np.abs(again.astype(int) - expected).max() <= 2
