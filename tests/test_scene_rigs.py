# SPDX-License-Identifier: GPL-3.0-or-later
"""Humanoids of a scene, their evaluated poses, and Blender's own Rigify human."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest

from handdiff_addon.errors import SceneError
from handdiff_addon.rig.keypoints import BODY_INDEX
from handdiff_addon.scene.files import open_blend
from handdiff_addon.scene.passes import depsgraph_of, render_passes
from handdiff_addon.scene.rigs import find_humanoids, match_armature, read_person
from tests.builders import add_armature, add_box, add_camera, add_human, half_width, skin, turn_bone, write_rigify


@pytest.mark.parametrize(("family", "prefix"), [("mixamo", "mixamorig:"), ("mixamo", ""), ("unreal", "")])
def test_keypoints_are_joints_in_world_space(empty_scene: bpy.types.Scene, family: str, prefix: str) -> None:
    armature = add_armature(family, prefix)
    armature.location, armature.rotation_euler, armature.scale = (1, 2, 3), (0.1, 0.2, 0.3), (2, 2, 2)
    match = match_armature(armature)
    turn_bone(armature, match.bones["left_upper_arm"], "Y", -40)
    turn_bone(armature, match.bones["left_index_2"], "Y", 30)
    person = read_person(armature, depsgraph_of(empty_scene))
    for joint, bone in (("left_elbow", "left_forearm"), ("left_wrist", "left_hand"), ("right_knee", "right_shin")):
        expected = armature.matrix_world @ armature.pose.bones[match.bones[bone]].head
        np.testing.assert_allclose(person.body[BODY_INDEX[joint]], expected, atol=1e-5)
    tip = armature.matrix_world @ armature.pose.bones[match.bones["left_index_3"]].tail
    np.testing.assert_allclose(person.hands["left"][8], tip, atol=1e-5)


def test_the_evaluated_pose_counts_and_carries_the_face(empty_scene: bpy.types.Scene) -> None:
    armature = add_armature()
    target = bpy.data.objects.new("Target", None)
    empty_scene.collection.objects.link(target)
    target.location = (0.3, -0.3, 1.6)
    reach = armature.pose.bones["LeftForeArm"].constraints.new("IK")
    reach.target, reach.chain_count = target, 2
    before = read_person(armature, depsgraph_of(empty_scene)).body
    np.testing.assert_allclose(before[BODY_INDEX["left_wrist"]], target.location, atol=2e-3)
    turn_bone(armature, "Head", "Z", 90)  # to the person's left, which is +X
    nose = read_person(armature, depsgraph_of(empty_scene)).body[BODY_INDEX["nose"]]
    head = np.array(armature.pose.bones["Head"].head)
    np.testing.assert_allclose((nose - head)[0], -(before[BODY_INDEX["nose"]] - head)[1], atol=1e-5)


def test_extended_fingertips_bend_with_the_finger(empty_scene: bpy.types.Scene) -> None:
    armature = add_armature()
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    tip = armature.data.edit_bones["LeftHandIndex3"]
    tip.tail = tip.head + tip.head.cross((1, 0, 0)).normalized() * 0.03  # an importer's invention
    bpy.ops.object.mode_set(mode="OBJECT")
    turn_bone(armature, "LeftHandIndex3", "Y", 90)  # a right angle downwards
    points = read_person(armature, depsgraph_of(empty_scene)).hands["left"]
    np.testing.assert_allclose(points[8] - points[7], [0, 0, -0.85 * 0.03], atol=1e-5)


def test_find_humanoids_leaves_out_the_rest(empty_scene: bpy.types.Scene) -> None:
    with pytest.raises(SceneError, match="holds no armature"):
        find_humanoids(empty_scene)
    other = bpy.data.objects.new("Crane", bpy.data.armatures.new("Crane"))
    empty_scene.collection.objects.link(other)
    with pytest.raises(SceneError, match='"Crane" cannot be used'):
        find_humanoids(empty_scene)
    bare = add_armature(name="Bare")
    assert find_humanoids(empty_scene) == [bare]
    dressed = add_human("unreal", name="Dressed")
    assert find_humanoids(empty_scene) == [dressed]
    assert find_humanoids(empty_scene, ["Bare", "Dressed", "Bare"]) == [bare, dressed]
    with pytest.raises(SceneError, match='no armature named "Nobody": choose one of Bare, Crane, Dressed'):
        find_humanoids(empty_scene, ["Nobody"])
    with pytest.raises(SceneError, match='"Crane" cannot be used'):
        find_humanoids(empty_scene, ["Dressed", "Crane"])


def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="There is no file"):
        open_blend(tmp_path / "missing.blend")
    broken = tmp_path / "broken.blend"
    broken.write_bytes(b"no blend file")
    with pytest.raises(SceneError, match="cannot be opened"):
        open_blend(broken)


@pytest.fixture(scope="module")
def rigify(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Blender's metarig and the rig generated from it."""
    path = tmp_path_factory.mktemp("rigify") / "rigify.blend"
    write_rigify(path, generate=True)
    return path


def test_rigify_follows_its_controls(rigify: Path) -> None:
    scene = open_blend(rigify)
    rig = scene.objects["rig"]
    assert match_armature(rig).family == "rigify_generated"
    assert find_humanoids(scene) == [rig]  # and not the metarig beside it
    skin(rig, {bone.name: half_width("head") / 2 for bone in rig.data.bones if bone.name.startswith("DEF-")})
    before = read_person(rig, depsgraph_of(scene))
    rig.pose.bones["hand_ik.L"].location = (0.0, 0.3, 0.1)
    rig.pose.bones["head"].rotation_mode = "XYZ"
    rig.pose.bones["head"].rotation_euler = (0, 0.6, 0)
    bpy.context.view_layer.update()
    after = read_person(rig, depsgraph_of(scene))
    moved = np.linalg.norm(after.body - before.body, axis=1)
    assert moved[BODY_INDEX["left_wrist"]] > 0.1 and moved[BODY_INDEX["nose"]] > 0.02
    assert moved[BODY_INDEX["right_wrist"]] < 1e-4 and moved[BODY_INDEX["left_knee"]] < 1e-4
    # The split limbs' first bones begin at the joints, which the unsplit ORG bones give as well.
    for joint, bone in (("left_elbow", "ORG-forearm.L"), ("right_knee", "ORG-shin.R"), ("left_wrist", "ORG-hand.L")):
        np.testing.assert_allclose(after.body[BODY_INDEX[joint]], rig.pose.bones[bone].head, atol=1e-4)
    add_camera((0, -4, 1.2), (0, 0, 1.2), (128, 128))
    passes = render_passes(scene)
    assert [person.name for person in passes.people] == ["rig"] and not passes.warnings
    assert passes.masks[0].hands["left"].any() and passes.masks[0].hands["right"].any()


def test_passes_of_the_bare_metarig(rigify: Path) -> None:
    scene = open_blend(rigify)
    add_camera((0, -4, 1.0), (0, 0, 1.0), (128, 128))
    passes = render_passes(scene, armatures=["metarig"])
    assert match_armature(scene.objects["metarig"]).family == "rigify_metarig"
    pose = passes.people[0]
    assert set(pose.body_visibility) == {"visible"} and "visible" in pose.hand_visibility["left"]
    assert passes.skeleton.any() and passes.person_mask.any() and passes.usable_hands() == ["left", "right"]
    assert any("moves no mesh" in warning for warning in passes.warnings)
    nose, eye, ear = (pose.body[BODY_INDEX[f"{name}"]] for name in ("nose", "left_eye", "left_ear"))
    assert nose[1] > eye[1] and nose[0] < eye[0] < ear[0]  # facing the camera, its left is on the right


@pytest.mark.parametrize(
    ("file", "family"),
    [
        ("human_a_mixamo", "mixamo"), ("human_b_mixamo", "mixamo"), ("human_c_game_engine", "unreal"),
        ("human_d_game_engine", "unreal"), ("human_e_mixamo", "mixamo"),
    ],
)  # fmt: skip
def test_rigged_people(humans: Path, file: str, family: str) -> None:
    scene = open_blend(humans / f"{file}.blend")
    armature = find_humanoids(scene)[0]
    assert match_armature(armature).family == family
    add_camera((0, -5, 1.0), (0, 0, 1.0), (256, 256))
    passes = render_passes(scene)
    assert not passes.warnings
    pose = passes.people[0]
    assert pose.body_visibility.count("visible") >= 16
    # Every visible point of the hands lies on, or a pixel beside, the hand's mask.
    for side in ("left", "right"):
        mask = np.pad(passes.masks[0].hands[side], 2)
        points = [
            p for p, word in zip(pose.hands[side][1:], pose.hand_visibility[side][1:], strict=True) if word == "visible"
        ]
        assert len(points) >= 10
        assert all(mask[int(y) : int(y) + 5, int(x) : int(x) + 5].any() for x, y in points)
    # The face lies where the mesh has its eyes.
    human = next(thing for thing in scene.objects if thing.type == "MESH")
    slot = next(i for i, material in enumerate(human.data.materials) if "Eye" in material.name)
    eyes = [
        human.data.vertices[v].co for face in human.data.polygons if face.material_index == slot for v in face.vertices
    ]
    body = read_person(armature, depsgraph_of(scene)).body
    for side, sign in (("left", 1), ("right", -1)):
        centre = np.mean([eye for eye in eyes if eye[0] * sign > 0], axis=0)
        assert np.linalg.norm(body[BODY_INDEX[f"{side}_eye"]] - centre) < 0.025


def test_a_box_is_not_a_person(empty_scene: bpy.types.Scene) -> None:
    add_box((0, 0, 1), (1, 1, 1))
    add_camera()
    with pytest.raises(SceneError, match="holds no armature"):
        render_passes(empty_scene)
