# SPDX-License-Identifier: GPL-3.0-or-later
"""Humanoids of a scene, their evaluated poses, and Blender's own Rigify human."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest

from handdiff_addon.errors import SceneError
from handdiff_addon.rig.keypoints import BODY_INDEX
from handdiff_addon.rig.matching import hand_bones
from handdiff_addon.scene.files import open_blend
from handdiff_addon.scene.hand_parts import person_of, triangle_parts
from handdiff_addon.scene.passes import depsgraph_of, render_passes
from handdiff_addon.scene.rigs import find_humanoids, match_armature, match_seen, read_person
from handdiff_addon.scene.surfaces import read_surfaces
from tests.builders import add_armature, add_box, add_camera, add_human, half_width, skin, turn_bone


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


def instance_of(collection: bpy.types.Collection, name: str) -> bpy.types.Object:
    instance = bpy.data.objects.new(name, None)
    instance.instance_type, instance.instance_collection = "COLLECTION", collection
    return instance


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize(("linked", "remedy"), [(False, "Make Instances Real"), (True, "Library Override")])
def test_an_instanced_character_is_named_with_the_remedy(empty_scene, tmp_path: Path, linked, remedy, depth) -> None:
    """At any depth, an instance of a collection that holds an instance; linked ones are overridden one by one."""
    character = bpy.data.collections.new("Character")
    for thing in (rig := add_human(), *rig.children):
        empty_scene.collection.objects.unlink(thing)
        character.objects.link(thing)
    for level in range(1, depth):
        character, held = bpy.data.collections.new("Character"), character
        character.objects.link(instance_of(held, f"Level {level}"))
    if linked:
        bpy.data.libraries.write(str(tmp_path / "character.blend"), {character})
        name = character.name
        bpy.ops.wm.read_factory_settings(use_empty=True)
        with bpy.data.libraries.load(str(tmp_path / "character.blend"), link=True) as (_, there):
            there.collections = [name]
        character = there.collections[0]
    scene = bpy.context.scene
    instance = instance_of(character, "Hero")
    scene.collection.objects.link(instance)
    add_camera()
    for level in reversed(range(depth if linked else 1)):
        with pytest.raises(SceneError, match=f'"{instance.name}" is an instance.*{remedy}'):
            render_passes(scene)
        # The remedy is one.
        bpy.context.view_layer.objects.active = instance
        instance.select_set(True)
        if linked:
            bpy.ops.object.make_override_library()
            instance = scene.objects.get(f"Level {level}")
        else:
            bpy.ops.object.duplicates_make_real()
    assert render_passes(scene).person_mask.any()


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


def test_armatures_that_do_not_render_are_left_out(empty_scene: bpy.types.Scene) -> None:
    shown, hidden, excluded, unlit = (add_armature(name=name) for name in ("Shown", "Hidden", "Excluded", "Unlit"))
    hidden.hide_render = True
    for armature in (excluded, unlit):
        collection = bpy.data.collections.new(armature.name)
        empty_scene.collection.children.link(collection)
        empty_scene.collection.objects.unlink(armature)
        collection.objects.link(armature)
    bpy.context.view_layer.layer_collection.children["Excluded"].exclude = True
    bpy.data.collections["Unlit"].hide_render = True
    assert find_humanoids(empty_scene) == [shown]
    with pytest.raises(SceneError, match='"Hidden" is hidden from renders: show it'):
        find_humanoids(empty_scene, ["Shown", "Hidden"])
    for name in ("Excluded", "Unlit"):
        with pytest.raises(SceneError, match=f'"{name}" is only in collections that are excluded'):
            find_humanoids(empty_scene, [name])
    shown.hide_render = True
    with pytest.raises(SceneError, match='"Shown" is hidden from renders'):
        find_humanoids(empty_scene)


def test_a_rig_hidden_in_the_viewport_is_read_while_its_mesh_is_shown(empty_scene: bpy.types.Scene) -> None:
    armature = add_human()
    armature.hide_viewport = True
    turn_bone(armature, "LeftForeArm", "Y", -90)
    made = read_person(armature, depsgraph_of(empty_scene))
    forearm = made.body[BODY_INDEX["left_wrist"]] - made.body[BODY_INDEX["left_elbow"]]
    np.testing.assert_allclose(forearm, [0, 0, 0.25], atol=1e-5)
    bpy.data.objects.remove(bpy.data.objects["Rig skin"])
    with pytest.raises(SceneError, match='"Rig" is hidden in the viewport, so its pose is not known'):
        read_person(armature, depsgraph_of(empty_scene))


MIRRORS = {
    "object": ((-1, 1, 1), None, None),
    "three axes": ((-1, -1, -1), None, None),
    "parent": ((1, 1, 1), (-1, 1, 1), None),
    "root bone": ((1, 1, 1), None, (-1, 1, 1)),
    "object, parent and root bone": ((1, -1, 1), (-1, 1, 1), (1, 1, -1)),
}
TURNS = {
    "two axes": ((-1, -1, 1), None, None),
    "object and parent": ((-1, 1, 1), (1, -1, 1), None),
    "object and root bone": ((-1, 1, 1), None, (-1, 1, 1)),
    "plain": ((2, 2, 2), None, None),
}


@pytest.mark.parametrize("case", [*MIRRORS, *TURNS])
def test_left_and_right_are_the_persons_own(empty_scene: bpy.types.Scene, case: str) -> None:
    scale, parent_scale, bone_scale = (MIRRORS | TURNS)[case]
    armature = add_human()
    armature.scale, armature.location = scale, (0.5, 0, 0.2)
    if parent_scale:
        parent = bpy.data.objects.new("Parent", None)
        empty_scene.collection.objects.link(parent)
        parent.scale, parent.rotation_euler = parent_scale, (0.2, 0.3, 0.4)
        armature.parent = parent
    if bone_scale:
        armature.pose.bones["Hips"].scale = bone_scale
    turn_bone(armature, "LeftForeArm", "Y", -90)
    made = read_person(armature, depsgraph_of(empty_scene))
    own, other = ("right", "left") if case in MIRRORS else ("left", "right")
    for side, modelled in ((own, "Left"), (other, "Right")):
        wrist = armature.matrix_world @ armature.pose.bones[f"{modelled}Hand"].head
        np.testing.assert_allclose(made.body[BODY_INDEX[f"{side}_wrist"]], wrist, atol=1e-5)
        tip = armature.matrix_world @ armature.pose.bones[f"{modelled}HandIndex3"].tail
        np.testing.assert_allclose(made.hands[side][8], tip, atol=1e-5)
    # What "own" means: up, forward and left make a right-handed frame, in which the thumb is on the front of a T-pose.
    joint = {name: made.body[index] for name, index in BODY_INDEX.items()}
    left, up = joint["left_hip"] - joint["right_hip"], joint["neck"] - (joint["left_hip"] + joint["right_hip"]) / 2
    forward = joint["nose"] - (joint["left_ear"] + joint["right_ear"]) / 2
    assert np.cross(left, up) @ forward > 0
    assert (made.hands[other][4] - made.hands[other][0]) @ forward > 0
    # The masks agree.
    depsgraph = depsgraph_of(empty_scene)
    read = read_surfaces(depsgraph, [armature])
    match, _ = match_seen(armature, depsgraph)
    person = person_of(armature, match, made)
    part, _, _ = triangle_parts(read, [person], np.ones(sum(len(surface.triangles) for surface in read), dtype=bool))
    assert set(part.tolist()) == {1, 2, 3}
    bones = hand_bones(match, parents_of(armature), own)
    assert "LeftHand" in bones and "RightHand" not in bones


def parents_of(armature: bpy.types.Object) -> dict[str, str | None]:
    return {bone.name: bone.parent.name if bone.parent else None for bone in armature.data.bones}


def test_one_mirrored_hand_stays_on_its_arm(empty_scene: bpy.types.Scene) -> None:
    armature = add_armature()
    armature.pose.bones["LeftHand"].scale = (-1, 1, 1)
    bpy.context.view_layer.update()
    made = read_person(armature, depsgraph_of(empty_scene))
    assert made.body[BODY_INDEX["left_wrist"]][0] > 0.6 and np.nanmin(made.hands["left"][:, 0]) > 0.6


@pytest.mark.parametrize("scale", [(0, 0, 0), (1, 0, 1), (float("nan"), 1, 1), (float("inf"), 1, 1)])
def test_an_object_without_size_is_refused(empty_scene: bpy.types.Scene, scale: tuple[float, float, float]) -> None:
    armature = add_human()
    armature.scale = scale
    bpy.context.view_layer.update()
    add_camera()
    with pytest.raises(SceneError, match='"Rig" is scaled to nothing or beyond measure'):
        render_passes(empty_scene)


@pytest.mark.parametrize("scale", [0.0, float("nan")])
def test_bones_without_size_are_absent_and_a_whole_body_of_them_is_refused(
    empty_scene: bpy.types.Scene, scale: float
) -> None:
    armature = add_human()
    armature.pose.bones["LeftHand"].scale = (scale, scale, scale)
    bpy.context.view_layer.update()
    made = read_person(armature, depsgraph_of(empty_scene))
    assert np.isnan(made.hands["left"]).all() and np.isfinite(made.hands["right"]).all()
    assert np.isfinite(made.body[BODY_INDEX["left_elbow"]]).all()
    armature.pose.bones["Hips"].scale = (scale, scale, scale)
    bpy.context.view_layer.update()
    with pytest.raises(SceneError, match='bones of "Rig" are scaled to nothing or stand nowhere: clear their pose'):
        read_person(armature, depsgraph_of(empty_scene))


def test_no_bones_and_short_bones(empty_scene: bpy.types.Scene) -> None:
    nothing = bpy.data.objects.new("Nothing", bpy.data.armatures.new("Nothing"))
    empty_scene.collection.objects.link(nothing)
    with pytest.raises(SceneError, match='"Nothing" cannot be used'):
        find_humanoids(empty_scene)
    armature = add_armature()
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    for edit in armature.data.edit_bones:
        edit.tail = edit.head + (edit.tail - edit.head).normalized() * 2e-5  # as short as Blender keeps them
    bpy.ops.object.mode_set(mode="OBJECT")
    made = read_person(armature, depsgraph_of(empty_scene))
    assert np.isfinite(made.body).all() and np.isfinite(made.hands["left"]).all()


def test_edit_mode_is_refused_and_pose_mode_is_read(empty_scene: bpy.types.Scene) -> None:
    armature = add_human()
    add_camera()
    turn_bone(armature, "LeftForeArm", "Y", -90)
    before = read_person(armature, depsgraph_of(empty_scene)).body
    bpy.ops.object.select_all(action="DESELECT")
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="POSE")
    np.testing.assert_allclose(read_person(armature, depsgraph_of(empty_scene)).body, before)
    assert render_passes(empty_scene).people and armature.mode == "POSE"
    bpy.ops.object.mode_set(mode="EDIT")
    with pytest.raises(SceneError, match='"Rig" is in Edit Mode, so its pose is not known: leave Edit Mode first'):
        render_passes(empty_scene)
    assert armature.mode == "EDIT"
    bpy.ops.object.mode_set(mode="OBJECT")
    np.testing.assert_allclose(read_person(armature, depsgraph_of(empty_scene)).body, before)


def test_an_edited_rig_is_read_anew(empty_scene: bpy.types.Scene) -> None:
    armature = add_armature()
    before = read_person(armature, depsgraph_of(empty_scene))
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    bones = armature.data.edit_bones
    bones["LeftHandIndex3"].tail.x += 0.01
    bones.remove(bones["RightHandRing3"])
    bones["Head"].length *= 1.2
    bpy.ops.object.mode_set(mode="OBJECT")
    after = read_person(armature, depsgraph_of(empty_scene))
    np.testing.assert_allclose(after.hands["left"][8] - before.hands["left"][8], [0.01, 0, 0], atol=1e-6)
    np.testing.assert_allclose(
        after.hands["right"][15], before.hands["right"][14] * 0.4 + after.hands["right"][16] * 0.6
    )
    assert np.linalg.norm(after.body[BODY_INDEX["nose"]] - before.body[BODY_INDEX["nose"]]) > 0.005
    armature.data.bones["LeftArm"].name = "Wing"
    assert match_armature(armature).bones["left_upper_arm"] == "Wing"  # told by its place now


def test_linked_and_overridden_rigs_are_read(empty_scene: bpy.types.Scene, tmp_path: Path) -> None:
    armature = add_human()
    expected = read_person(armature, depsgraph_of(empty_scene))
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "library.blend"))
    for overridden in (False, True):
        bpy.ops.wm.read_factory_settings(use_empty=True)
        scene = bpy.context.scene
        with bpy.data.libraries.load(str(tmp_path / "library.blend"), link=True) as (_, into):
            into.objects = ["Rig", "Rig skin"]
        for thing in into.objects:
            scene.collection.objects.link(thing)
        if overridden:
            for thing in into.objects:
                thing.override_create(remap_local_usages=True)
        (found,) = find_humanoids(scene)
        assert (found.override_library is not None) == overridden
        made = read_person(found, depsgraph_of(scene))
        np.testing.assert_allclose(made.body, expected.body, atol=1e-6)
        if overridden:
            turn_bone(found, "LeftForeArm", "Y", -90)
            made = read_person(found, depsgraph_of(scene))
            assert made.body[BODY_INDEX["left_wrist"]][2] > expected.body[BODY_INDEX["left_wrist"]][2] + 0.2


def test_an_armature_instance_shares_its_rig_and_not_its_keypoints(empty_scene: bpy.types.Scene) -> None:
    first = add_armature(name="First")
    second = bpy.data.objects.new("Second", first.data)
    empty_scene.collection.objects.link(second)
    second.location.x = 3
    bpy.context.view_layer.update()
    turn_bone(second, "LeftForeArm", "Y", -90)
    people = [read_person(armature, depsgraph_of(empty_scene)) for armature in (first, second)]
    hips = [person.body[BODY_INDEX["left_hip"]] for person in people]
    np.testing.assert_allclose(hips[1] - hips[0], [3, 0, 0], atol=1e-6)
    wrists = [person.body[BODY_INDEX["left_wrist"]] - hip for person, hip in zip(people, hips)]
    assert wrists[1][2] > wrists[0][2] + 0.2


def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="There is no file"):
        open_blend(tmp_path / "missing.blend")
    broken = tmp_path / "broken.blend"
    broken.write_bytes(b"no blend file")
    with pytest.raises(SceneError, match="cannot be opened"):
        open_blend(broken)


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
    assert np.isfinite(after.face).all()
    head = np.linalg.norm(after.face - before.face, axis=1)
    assert (head[list(range(17))] > 0.01).all() and np.linalg.norm(after.face[8] - after.body[0]) < 0.2
    # The bones of the palm lead to the knuckles, which the metacarpals' heads are therefore told by.
    for side, letter in (("left", "L"), ("right", "R")):
        palms = [np.array(rig.pose.bones[f"ORG-palm.0{k}.{letter}"].head) for k in (1, 2, 3, 4)]
        np.testing.assert_allclose(after.metacarpals[side], palms, atol=1e-5)
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
