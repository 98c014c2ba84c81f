# SPDX-License-Identifier: GPL-3.0-or-later
"""Which surfaces are a person's, and which triangles a hand's."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from handdiff_addon.conditioning.masks import BODY, LEFT_HAND, NOTHING, RIGHT_HAND
from handdiff_addon.scene.passes import depsgraph_of
from handdiff_addon.scene.surfaces import Surface, hidden_meshes, read_surfaces
from tests.builders import add_armature, add_box, add_human, turn_bone


def surfaces(scene: bpy.types.Scene, *armatures: bpy.types.Object, uv: bool = False) -> dict[str, Surface]:
    return {surface.name: surface for surface in read_surfaces(scene, depsgraph_of(scene), armatures, uv=uv)}


def test_hands_by_weight_on_the_evaluated_mesh(empty_scene: bpy.types.Scene) -> None:
    armature = add_human()
    skin = surfaces(empty_scene, armature)["Rig skin"]
    centres = skin.vertices[skin.triangles].mean(axis=1)
    assert skin.person == 0
    np.testing.assert_array_equal(np.bincount(skin.part), [0, len(skin.part) - 2 * 16 * 12, 16 * 12, 16 * 12])
    assert centres[skin.part == LEFT_HAND, 0].min() > 0.66 and centres[skin.part == RIGHT_HAND, 0].max() < -0.66
    assert np.abs(centres[skin.part == BODY, 0]).max() < 0.72

    bpy.data.objects["Rig skin"].modifiers.new("Finer", "SUBSURF").levels = 1
    finer = surfaces(empty_scene, armature)["Rig skin"]
    assert len(finer.triangles) == 4 * len(skin.triangles)
    for part in (BODY, LEFT_HAND, RIGHT_HAND):
        assert (finer.part == part).sum() == 4 * (skin.part == part).sum()


def test_the_pose_moves_the_surface(empty_scene: bpy.types.Scene) -> None:
    armature = add_human("unreal")
    turn_bone(armature, "upperarm_l", "Y", -90)
    armature.location.x = 5
    bpy.context.view_layer.update()
    skin = surfaces(empty_scene, armature)["Rig skin"]
    hand = skin.vertices[skin.triangles[skin.part == LEFT_HAND]].reshape(-1, 3)
    np.testing.assert_allclose(hand.mean(axis=0), [5.17, -0.005, 2.0], atol=0.06)


def test_a_tie_of_weights_goes_to_the_larger_share(empty_scene: bpy.types.Scene) -> None:
    armature = add_human()
    skin = bpy.data.objects["Rig skin"]
    forearm, hand = skin.vertex_groups["LeftForeArm"], skin.vertex_groups["LeftHand"]
    group = forearm.index
    of_forearm = [v.index for v in skin.data.vertices if v.groups[0].group == group]
    before = (surfaces(empty_scene, armature)["Rig skin"].part == LEFT_HAND).sum()
    # Groups that belong to no bone do not count.
    skin.vertex_groups.new(name="cloth").add(list(range(len(skin.data.vertices))), 1.0, "REPLACE")
    hand.add(of_forearm, 0.9, "REPLACE")
    bpy.context.view_layer.update()
    assert (surfaces(empty_scene, armature)["Rig skin"].part == LEFT_HAND).sum() == before
    hand.add(of_forearm, 1.0, "REPLACE")
    forearm.add(of_forearm, 0.9, "REPLACE")
    bpy.context.view_layer.update()
    assert (surfaces(empty_scene, armature)["Rig skin"].part == LEFT_HAND).sum() == before + 12


def test_clothes_hair_and_props_belong_to_whom_they_hang_from(empty_scene: bpy.types.Scene) -> None:
    armature, other = add_human(), add_human("unreal", name="Other")
    skin = bpy.data.objects["Rig skin"]
    made = {
        name: add_box((0, 0, 3), (0.1, 0.1, 0.1), name) for name in ("Hat", "Ring", "Feather", "Coat", "Wall", "Glove")
    }
    made["Hat"].parent = armature
    made["Ring"].parent, made["Ring"].parent_type, made["Ring"].parent_bone = armature, "BONE", "LeftHandRing1"
    made["Feather"].parent = made["Hat"]
    made["Coat"].modifiers.new("Follow", "SURFACE_DEFORM").target = skin
    made["Glove"].parent, made["Glove"].parent_type, made["Glove"].parent_bone = other, "BONE", "hand_r"
    found = surfaces(empty_scene, armature, other)
    expected = {
        "Hat": (0, BODY), "Ring": (0, LEFT_HAND), "Feather": (0, BODY), "Coat": (0, BODY), "Wall": (-1, NOTHING),
        "Glove": (1, RIGHT_HAND), "Other skin": (1, None),
    }  # fmt: skip
    for name, (person, part) in expected.items():
        assert found[name].person == person
        assert part is None or (found[name].part == part).all()


def test_meshes_bound_in_a_circle_end(empty_scene: bpy.types.Scene) -> None:
    armature = add_armature()
    one, two = add_box((0, 0, 3), (0.1, 0.1, 0.1), "One"), add_box((0, 0, 3), (0.1, 0.1, 0.1), "Two")
    one.modifiers.new("Follow", "SURFACE_DEFORM").target = two
    two.modifiers.new("Follow", "SURFACE_DEFORM").target = one
    assert surfaces(empty_scene, armature)["One"].person == -1


def test_only_what_renders_is_read(empty_scene: bpy.types.Scene) -> None:
    armature = add_human()
    hidden = add_box((0, -1, 1), (1, 0.1, 1), "Hidden")
    hidden.hide_render = True
    collection = bpy.data.collections.new("Backstage")
    empty_scene.collection.children.link(collection)
    backstage = add_box((0, -1, 1), (1, 0.1, 1), "Backstage")
    empty_scene.collection.objects.unlink(backstage)
    collection.objects.link(backstage)
    collection.hide_render = True
    shadow = add_box((0, -1, 1), (1, 0.1, 1), "Shadow")
    shadow.visible_camera = False
    bpy.context.view_layer.update()
    assert set(surfaces(empty_scene, armature)) == {"Rig skin"}
    assert hidden_meshes(empty_scene, depsgraph_of(empty_scene), [armature]) == []
    bpy.data.objects["Rig skin"].hide_set(True)
    assert hidden_meshes(empty_scene, depsgraph_of(empty_scene), [armature]) == ["Rig skin"]


def test_instances_and_curves_stand_in_the_way(empty_scene: bpy.types.Scene) -> None:
    armature = add_human()
    library = bpy.data.collections.new("Library")
    box = add_box((0, 0, 0), (0.1, 0.1, 0.1), "Brick")
    empty_scene.collection.objects.unlink(box)
    library.objects.link(box)
    wall = bpy.data.objects.new("Wall", None)
    wall.instance_type, wall.instance_collection, wall.location = "COLLECTION", library, (0, -2, 0)
    empty_scene.collection.objects.link(wall)
    text = bpy.data.curves.new("Text", "FONT")
    text.body = "A"
    empty_scene.collection.objects.link(bpy.data.objects.new("Text", text))
    found = surfaces(empty_scene, armature)
    np.testing.assert_allclose(found["Brick"].vertices.mean(axis=0), [0, -2, 0], atol=1e-6)
    assert found["Brick"].person == -1 and len(found["Text"].triangles) > 0


def test_a_mirrored_person_has_its_hands_swapped(empty_scene: bpy.types.Scene) -> None:
    armature = add_human()
    armature.scale.x = -1
    bpy.context.view_layer.update()
    skin = surfaces(empty_scene, armature)["Rig skin"]
    # Facing -Y, the person's left is at +X, mirrored or not.
    assert skin.vertices[skin.triangles[skin.part == LEFT_HAND], 0].min() > 0.5


def test_uv_corners_and_materials(empty_scene: bpy.types.Scene) -> None:
    armature = add_human()
    box = add_box((0, 0, 3), (0.1, 0.1, 0.1))
    assert surfaces(empty_scene, armature, uv=True)["Box"].uv is None
    layer = box.data.uv_layers.new()
    for index, corner in enumerate(layer.uv):
        corner.vector = (index / 100, box.data.loops[index].vertex_index / 10)
    box.data.polygons[3].material_index = 1
    box.data.materials.append(None)
    box.data.materials.append(None)
    bpy.context.view_layer.update()
    read = surfaces(empty_scene, armature, uv=True)["Box"]
    assert read.uv is not None and read.material is not None
    np.testing.assert_allclose(read.uv[..., 1], read.triangles / 10, atol=1e-6)
    assert (read.material == 1).sum() == 2
    assert surfaces(empty_scene, armature)["Box"].uv is None


@pytest.mark.parametrize("file", ["human_a_mixamo", "human_d_game_engine"])
def test_hands_of_the_rigged_people_start_at_the_wrists(humans, file: str) -> None:
    from handdiff_addon.scene.files import open_blend
    from handdiff_addon.scene.rigs import find_humanoids, read_person

    scene = open_blend(humans / f"{file}.blend")
    armature = find_humanoids(scene)[0]
    skin = surfaces(scene, armature)["Human"]
    points = read_person(armature, depsgraph_of(scene)).hands
    centres = skin.vertices[skin.triangles].mean(axis=1)
    for side, part in (("left", LEFT_HAND), ("right", RIGHT_HAND)):
        wrist, knuckle, tip = points[side][[0, 9, 12]]
        reach = np.linalg.norm(tip - wrist)
        along = (centres[skin.part == part] - wrist) @ (tip - wrist) / reach
        assert -0.35 * reach < along.min() < 0.1 * reach and along.max() > 0.95 * reach
        assert np.linalg.norm(centres[skin.part == part] - knuckle, axis=1).max() < reach
