# SPDX-License-Identifier: GPL-3.0-or-later
"""People with bones as GLB: the file holds the pose as it stands, and nothing of the scene changes."""

from __future__ import annotations

from typing import get_args

import bpy
import numpy as np
import pytest
from PIL import Image

from handdiff_addon.errors import SceneError
from handdiff_addon.scene.glb import Form, Limits, export_glb
from handdiff_addon.scene.meshes import make_uv_map, read_mesh
from handdiff_addon.scene.textured import new_texture, show_texture, texture_of
from tests.builders import add_human

ARM = "LeftArm"
HAND = "LeftHand"


@pytest.fixture
def posed(empty_scene):
    """A person in Pose Mode, between two frames, with an arm moved by hand away from its keys."""
    rig = add_human()
    arm = rig.pose.bones[ARM]
    arm.rotation_mode = "XYZ"
    for frame, turn in ((1, 0.0), (20, 0.2)):
        arm.rotation_euler.z = turn
        arm.keyframe_insert("rotation_euler", frame=frame)
        rig.location.x = frame / 100
        rig.keyframe_insert("location", frame=frame)
    empty_scene.frame_set(5, subframe=0.5)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="POSE")
    arm.rotation_euler.z = 1.2
    rig.location.z = 0.5
    bpy.context.view_layer.update()
    return empty_scene, rig


def hand(rig: bpy.types.Object) -> np.ndarray:
    evaluated = rig.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return np.array(evaluated.matrix_world @ evaluated.pose.bones[HAND].head)


def imported(path) -> bpy.types.Object:
    """The armature in a file, alone in an empty scene."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=str(path))
    bpy.context.view_layer.update()
    return next(thing for thing in bpy.data.objects if thing.type == "ARMATURE")


@pytest.mark.parametrize("form", ["rigged", "animated"])
def test_a_pose_without_keys_stays_and_its_mode_and_time_with_it(posed, form, tmp_path):
    scene, rig = posed
    before, selected = hand(rig), list(bpy.context.selected_objects)
    export_glb(tmp_path / "model.glb", scene, form=form)
    assert np.allclose(hand(rig), before, atol=1e-6)
    assert rig.mode == "POSE" and bpy.context.mode == "POSE"
    assert (scene.frame_current, scene.frame_subframe) == (5, 0.5)
    assert list(bpy.context.selected_objects) == selected
    assert not bpy.data.collections


def test_the_file_holds_the_pose_without_keys(posed, tmp_path):
    scene, rig = posed
    expected = hand(rig)
    export_glb(tmp_path / "model.glb", scene, form="rigged")
    assert np.abs(hand(imported(tmp_path / "model.glb")) - expected).max() < 1e-4


def test_the_animated_file_moves_as_the_action_does(posed, tmp_path):
    scene, rig = posed
    export_glb(tmp_path / "model.glb", scene, form="animated")
    scene.frame_set(20)
    expected = hand(rig)
    again = imported(tmp_path / "model.glb")
    fps = bpy.context.scene.render.fps
    bpy.context.scene.frame_set(round(20 * fps / 24))
    assert np.abs(hand(again) - expected).max() < 0.01


@pytest.mark.parametrize("keyed", [False, True])
@pytest.mark.parametrize("form", get_args(Form))
def test_shape_keys_without_keyframes_stay_and_are_in_the_file(empty_scene, form, keyed, tmp_path):
    """A belly of a value that never had one, or was moved by hand away from them."""
    rig = add_human()
    for rig.location.x in (0.0, 1.0):
        rig.keyframe_insert("location", frame=1 + 19 * rig.location.x)
    body = rig.children[0]
    body.shape_key_add(name="Basis")
    belly = body.shape_key_add(name="Belly")
    for point in belly.data:
        point.co.y *= 3
    if keyed:
        for frame, value in ((1, 0.0), (20, 0.1)):
            belly.value = value
            belly.keyframe_insert("value", frame=frame)
    belly.value = 0.5
    bpy.context.view_layer.update()

    def depth(thing: bpy.types.Object) -> float:
        return np.ptp(read_mesh(thing, bpy.context.evaluated_depsgraph_get()).vertices[:, 1])

    expected = depth(body)
    export_glb(tmp_path / "model.glb", empty_scene, form=form)
    assert belly.value == 0.5 and depth(body) == pytest.approx(expected, abs=1e-6)
    if keyed and form == "animated":  # the first frame, as bones are
        belly.value = 0.0
        expected = depth(body)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=str(tmp_path / "model.glb"))
    bpy.context.view_layer.update()
    again = next(thing for thing in bpy.data.objects if thing.type == "MESH" and thing.name.startswith("Rig skin"))
    assert depth(again) == pytest.approx(expected, abs=1e-4)


def blinking(rig: bpy.types.Object) -> bpy.types.Object:
    """The person's mesh, whose shape key moves over the frames 1 to 21."""
    body = rig.children[0]
    body.shape_key_add(name="Basis")
    blink = body.shape_key_add(name="Blink")
    for point in blink.data:
        point.co.y *= 3
    for blink.value in (0.0, 1.0):
        blink.keyframe_insert("value", frame=1 + 20 * blink.value)
    return body


def hat(rig: bpy.types.Object) -> bpy.types.Object:
    """Another mesh of the person's, whose modifier makes four triangles of one."""
    mesh = bpy.data.meshes.new("Hat")
    mesh.from_pydata([(0, 0, 1.8), (0.2, 0, 1.8), (0, 0.2, 1.8)], [], [(0, 1, 2)])
    thing = bpy.data.objects.new("Hat", mesh)
    bpy.context.scene.collection.objects.link(thing)
    thing.parent = rig
    thing.vertex_groups.new(name="Head").add([0, 1, 2], 1.0, "REPLACE")
    thing.modifiers.new("Armature", "ARMATURE").object = rig
    finer = thing.modifiers.new("Finer", "SUBSURF")
    finer.subdivision_type, finer.levels = "SIMPLE", 1
    return thing


def targets(path) -> dict[str, int]:
    """How many shape keys each mesh object of a file has."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=str(path))
    meshes = [thing for thing in bpy.data.objects if thing.type == "MESH" and thing.parent]
    return {
        thing.name.split(".")[0]: len(thing.data.shape_keys.key_blocks) if thing.data.shape_keys else 0
        for thing in meshes
    }


def test_shape_keys_that_move_do_so_in_the_file_and_other_meshes_keep_their_modifiers(empty_scene, tmp_path):
    rig = add_human()
    body, top = blinking(rig), hat(rig)
    data = body.data, top.data
    assert export_glb(tmp_path / "model.glb", empty_scene, form="animated") == []
    assert (body.data, top.data) == data and len(bpy.data.meshes) == 2
    assert all(modifier.show_viewport for modifier in top.modifiers)
    assert targets(tmp_path / "model.glb") == {"Rig skin": 2, "Hat": 0}
    assert len(bpy.data.objects["Hat"].data.polygons) > 1
    again, depths = (
        next(thing for thing in bpy.data.objects if thing.type == "MESH" and thing.name.startswith("Rig skin")),
        [],
    )
    for seconds in (0, 10 / 24, 20 / 24):
        frame = 1 + seconds * bpy.context.scene.render.fps
        bpy.context.scene.frame_set(int(frame), subframe=frame % 1)
        depths.append(np.ptp(read_mesh(again, bpy.context.evaluated_depsgraph_get()).vertices[:, 1]))
    assert depths[2] == pytest.approx(3 * depths[0], rel=0.02)
    assert depths[0] * 1.5 < depths[1] < depths[2] * 0.85


def test_still_forms_have_no_shape_keys(empty_scene, tmp_path):
    blinking(add_human())
    export_glb(tmp_path / "model.glb", empty_scene, form="rigged")
    assert targets(tmp_path / "model.glb") == {"Rig skin": 0}


def test_shape_keys_under_modifiers_stay_still_and_the_warning_says_so(empty_scene, tmp_path):
    body = blinking(add_human())
    body.modifiers.new("Finer", "SUBSURF")
    (warning,) = export_glb(tmp_path / "model.glb", empty_scene, form="animated")
    assert warning.startswith("Shape keys of Rig skin do not move in the file") and "apply" in warning
    assert targets(tmp_path / "model.glb") == {"Rig skin": 0}


def lock_objects(scene, rig):
    for thing in scene.objects:
        thing.hide_select = True


def lock_collection(scene, rig):
    collection = bpy.data.collections.new("Locked")
    scene.collection.children.link(collection)
    for thing in list(scene.collection.objects):
        collection.objects.link(thing)
        scene.collection.objects.unlink(thing)
    collection.hide_select = True


def hide_rig_in_views(scene, rig):
    rig.hide_viewport = True


def hide_rig_by_eye(scene, rig):
    rig.hide_set(True)


@pytest.mark.parametrize("hide", [lock_objects, lock_collection, hide_rig_in_views, hide_rig_by_eye])
def test_a_person_that_cannot_be_selected_is_in_the_file(empty_scene, hide, tmp_path):
    rig = add_human()
    expected = hand(rig)
    hide(empty_scene, rig)
    bpy.context.view_layer.update()
    export_glb(tmp_path / "model.glb", empty_scene, form="rigged")
    again = imported(tmp_path / "model.glb")
    assert np.abs(hand(again) - expected).max() < 1e-4
    assert any(thing.find_armature() == again for thing in bpy.data.objects if thing.type == "MESH")


@pytest.mark.parametrize("form", get_args(Form))
@pytest.mark.parametrize("kind", ["MESH", "ARMATURE"])
def test_edit_mode_is_refused(empty_scene, form, kind, tmp_path):
    rig = add_human()
    bpy.context.view_layer.objects.active = rig if kind == "ARMATURE" else rig.children[0]
    bpy.ops.object.mode_set(mode="EDIT")
    with pytest.raises(SceneError, match="leave Edit Mode first"):
        export_glb(tmp_path / "model.glb", empty_scene, form=form)
    assert bpy.context.mode.startswith("EDIT") and not list(tmp_path.iterdir())


@pytest.mark.parametrize("form", get_args(Form))
def test_a_linked_person_of_the_same_name_is_in_the_file_too(empty_scene, form, tmp_path):
    rig = add_human()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "library.blend"), copy=True)
    rig.location.x = -3.0
    with bpy.data.libraries.load(str(tmp_path / "library.blend"), link=True) as (_, wanted):
        wanted.objects = [rig.name, rig.children[0].name]
    for thing in wanted.objects:
        empty_scene.collection.objects.link(thing)
    bpy.context.view_layer.update()
    assert export_glb(tmp_path / "model.glb", empty_scene, form=form) == []
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=str(tmp_path / "model.glb"))
    depsgraph = bpy.context.evaluated_depsgraph_get()
    people = [thing for thing in bpy.data.objects if thing.name.startswith("Rig skin")]
    middles = [read_mesh(thing, depsgraph).vertices.mean(axis=0)[0] for thing in people]
    assert sorted(middles) == pytest.approx([-3.0, 0.0], abs=0.01)


@pytest.mark.parametrize("mode", ["OBJECT", "WEIGHT_PAINT", "SCULPT"])
def test_people_that_share_a_mesh_wear_their_own_textures(empty_scene, mode, tmp_path):
    rigs = [add_human(name=name) for name in ("A", "B")]
    owners = [rig.children[0] for rig in rigs]
    data = owners[1].data = owners[0].data
    data.materials.append(None)
    for owner, colour in zip(owners, ((255, 0, 0), (0, 0, 255)), strict=True):
        show_texture(owner, new_texture(owner.name, {1001: Image.new("RGB", (4, 4), colour)}))
    owners[0].shape_key_add(name="Basis")
    meshes = list(bpy.data.meshes)
    bpy.context.view_layer.objects.active = owners[0]
    bpy.ops.object.mode_set(mode=mode)
    export_glb(tmp_path / "model.glb", empty_scene, form="rigged")
    assert owners[0].mode == mode
    assert list(bpy.data.meshes) == meshes and [owner.data for owner in owners] == [data, data]
    assert list(data.materials) == [None] and len(bpy.data.shape_keys) == 1
    bpy.ops.object.mode_set(mode="OBJECT")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=str(tmp_path / "model.glb"))
    shown = {}
    for owner in (thing for thing in bpy.data.objects if thing.type == "MESH" and thing.vertex_groups):
        (material,) = owner.data.materials
        (image,) = [node.image for node in material.node_tree.nodes if node.bl_idname == "ShaderNodeTexImage"]
        shown[owner.name] = image.name
    assert shown == {"A skin": "HandDiff A skin", "B skin": "HandDiff B skin"}


def test_a_texture_on_a_linked_mesh_is_in_the_file(empty_scene, tmp_path):
    owner = add_human().children[0]
    owner.data.materials.append(None)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "library.blend"), copy=True)
    with bpy.data.libraries.load(str(tmp_path / "library.blend"), link=True) as (_, wanted):
        wanted.objects = ["Rig", "Rig skin"]
    empty_scene.collection.objects.link(wanted.objects[1])
    person = wanted.objects[1].override_create(remap_local_usages=True)
    person.parent = person.modifiers["Armature"].object = owner.parent
    bpy.data.objects.remove(owner)
    show_texture(person, new_texture("Person", {1001: Image.new("RGB", (4, 4), (255, 0, 0))}))
    mesh = person.data
    export_glb(tmp_path / "model.glb", empty_scene, form="rigged")
    assert b'"HandDiff Person"' in (tmp_path / "model.glb").read_bytes()
    assert person.data == mesh and mesh.library is not None and person.material_slots[0].link == "OBJECT"


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("side", [64, 32])
def test_udim_tiles_are_in_the_file_within_the_limits(empty_scene, packed, side, tmp_path):
    owner = add_human().children[0]
    make_uv_map(empty_scene, owner)
    array = owner.modifiers.new("Array", "ARRAY")
    array.relative_offset_displace, array.offset_u = (0, 1, 0), 1.0
    tiles = {1001: Image.new("RGB", (64, 64), (255, 0, 0)), 1002: Image.new("RGB", (64, 64), (0, 0, 255))}
    texture = new_texture("Person", tiles, None if packed else tmp_path)
    show_texture(owner, texture)
    limits = Limits(100_000, side, 5_000_000)
    assert export_glb(tmp_path / "model.glb", empty_scene, form="rigged", limits=limits) == []
    assert texture_of(owner) == texture and list(bpy.data.images) == [texture]
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=str(tmp_path / "model.glb"))
    found = {tuple(round(value) for value in image.pixels[:3]): tuple(image.size) for image in bpy.data.images}
    assert found == {(1, 0, 0): (side, side), (0, 0, 1): (side, side)}
