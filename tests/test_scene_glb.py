# SPDX-License-Identifier: GPL-3.0-or-later
"""The posed, textured person as GLB, read back by Blender's own importer, and copies of the scene's file."""

from __future__ import annotations

import io

import bpy
import numpy as np
import pytest
from PIL import Image

from handdiff_addon.errors import OutputError, SceneError
from handdiff_addon.scene.glb import export_glb, save_copy
from handdiff_addon.scene.meshes import read_mesh
from handdiff_addon.scene.passes import render_passes
from handdiff_addon.scene.sample_human import create_sample_scene
from handdiff_addon.scene.textured import texture_of
from tests.texturing import apply_texture


@pytest.fixture(scope="module")
def sample_file(tmp_path_factory) -> str:
    """The sample scene as a file, which opens faster than it is made."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    create_sample_scene(bpy.context.scene)
    path = str(tmp_path_factory.mktemp("sample") / "sample.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    return path


@pytest.fixture(scope="module")
def textured_file(sample_file) -> str:
    """The posed sample human with a textured body and a hat of its own object."""
    bpy.ops.wm.open_mainfile(filepath=sample_file)
    scene = bpy.context.scene
    rig = next(thing for thing in scene.objects if thing.type == "ARMATURE")
    bpy.ops.mesh.primitive_cone_add(radius1=0.1, depth=0.1, location=(0, 0, 1.8))
    hat = bpy.context.object
    hat.name = "Hat"
    hat.data.materials.append(bpy.data.materials.new("Felt"))
    hat.parent = rig
    hat.hide_render = True
    conditioning = render_passes(scene, size=(128, 128))
    noise = np.random.default_rng(0).integers(0, 255, (128, 128, 3), dtype=np.uint8)
    apply_texture(scene, conditioning, Image.fromarray(noise), size=1024)
    hat.hide_render = False
    path = sample_file.replace("sample.blend", "textured.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    return path


@pytest.fixture
def person(textured_file):
    bpy.ops.wm.open_mainfile(filepath=textured_file)
    return bpy.context.scene, bpy.data.objects["SampleHuman"], bpy.data.objects["Hat"]


def corners(mesh) -> np.ndarray:
    return mesh.vertices[mesh.triangles].reshape(-1, 3)


def test_blender_reads_back_positions_normals_and_texture(person, tmp_path):
    scene, owner, hat = person
    depsgraph = bpy.context.evaluated_depsgraph_get()
    before = {thing.name: read_mesh(thing, depsgraph) for thing in (owner, hat)}
    texture = np.asarray(Image.open(io.BytesIO(texture_of(owner).packed_file.data)))
    name = owner.name
    path = tmp_path / "preview.glb"
    export_glb(path, scene)
    assert path.stat().st_size < 4_000_000

    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=str(path))
    assert {name, "Hat Felt"} <= set(bpy.data.materials.keys())
    assert {name, "Hat Felt"} == {thing.name for thing in bpy.data.objects if thing.type == "MESH"}
    depsgraph = bpy.context.evaluated_depsgraph_get()
    for old, new in ((name, name), ("Hat", "Hat Felt")):
        after = read_mesh(bpy.data.objects[new], depsgraph)
        assert np.abs(corners(after) - corners(before[old])).max() < 1e-4
        likeness = np.einsum("mkc,mkc->mk", after.normals, before[old].normals)
        assert np.quantile(likeness, 0.001) > 0.98  # Blender packs imported normals into few bits
    after = read_mesh(bpy.data.objects[name], depsgraph)
    assert np.abs(after.uv - before[name].uv).max() < 1e-4

    nodes = bpy.data.materials[name].node_tree.nodes
    (image,) = [node.image for node in nodes if node.bl_idname == "ShaderNodeTexImage"]
    back = np.empty(1024 * 1024 * 4, dtype=np.float32)
    image.pixels.foreach_get(back)
    back = np.rint(back.reshape(1024, 1024, 4)[::-1, :, :3] * 255).astype(np.uint8)
    assert np.array_equal(back, texture)


def test_a_person_without_textures_keeps_its_materials_colours(sample_file, tmp_path):
    bpy.ops.wm.open_mainfile(filepath=sample_file)
    export_glb(tmp_path / "plain.glb", bpy.context.scene)
    colour = bpy.data.materials["Top"].node_tree.nodes["Principled BSDF"].inputs["Base Color"].default_value[:3]
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=str(tmp_path / "plain.glb"))
    (top,) = [material for material in bpy.data.materials if material.name.endswith("Top")]
    again = top.node_tree.nodes["Principled BSDF"].inputs["Base Color"].default_value[:3]
    assert again == pytest.approx(colour, abs=0.01)


def test_an_armature_without_meshes_is_refused(sample_file, tmp_path):
    bpy.ops.wm.open_mainfile(filepath=sample_file)
    scene = bpy.context.scene
    for thing in [thing for thing in scene.objects if thing.type == "MESH"]:
        bpy.data.objects.remove(thing)
    with pytest.raises(SceneError, match="no mesh"):
        export_glb(tmp_path / "none.glb", scene)
    assert not list(tmp_path.iterdir())


def test_a_copy_holds_the_texture_and_leaves_the_open_file_alone(person, tmp_path):
    scene, owner, _ = person
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "mine.blend"))
    name, expected = owner.name, np.asarray(Image.open(io.BytesIO(texture_of(owner).packed_file.data)))
    save_copy(scene, tmp_path / "textured.blend")
    assert bpy.data.filepath == str(tmp_path / "mine.blend")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.blend", "textured.blend"]
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "textured.blend"))
    data = texture_of(bpy.data.objects[name]).packed_file.data
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), expected)


def test_a_copy_that_cannot_be_written_is_refused_with_the_remedy(empty_scene, tmp_path):
    with pytest.raises(OutputError, match="choose a folder"):
        save_copy(empty_scene, tmp_path / "missing" / "copy.blend")
