# SPDX-License-Identifier: GPL-3.0-or-later
"""Gestures on real armatures: the fingers arrive, through controls where there are some, and nothing else moves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import bpy
import numpy as np
import pytest
from mathutils import Matrix

from handdiff_addon.errors import SceneError
from handdiff_addon.request import SIDES, Side
from handdiff_addon.rig.gestures import GESTURES
from handdiff_addon.scene.files import open_blend
from handdiff_addon.scene.gestures import apply_gesture, insert_keys
from handdiff_addon.scene.passes import depsgraph_of
from handdiff_addon.scene.rigs import find_humanoids, match_armature, read_person
from tests.builders import add_armature, add_human, turn_bone

MODES = ("QUATERNION", "XYZ", "ZXY", "AXIS_ANGLE")


def _apply(rig: bpy.types.Object, name: str, sides: Sequence[Side] = SIDES) -> dict[str, tuple[str, ...]]:
    return apply_gesture(rig, GESTURES[name].hand, sides, bpy.context.view_layer)


def _reaches(rig: bpy.types.Object, side: Side) -> dict[str, float]:
    """Of the evaluated fingers: distance from the knuckle to the tip in lengths of the finger."""
    points = read_person(rig, depsgraph_of(bpy.context.scene)).hands[side]
    fingers = {finger: points[5 + 4 * i : 9 + 4 * i] for i, finger in enumerate(("index", "middle", "ring", "little"))}
    return {
        finger: float(np.linalg.norm(joints[3] - joints[0]) / np.linalg.norm(np.diff(joints, axis=0), axis=1).sum())
        for finger, joints in fingers.items()
    }


def _shows(rig: bpy.types.Object, side: Side, straight: str) -> bool:
    reaches = _reaches(rig, side)
    return all((reach > 0.97) if finger in straight.split() else (reach < 0.7) for finger, reach in reaches.items())


def _state(rig: bpy.types.Object) -> dict[str, tuple]:
    return {
        bone.name: (
            bone.rotation_mode, *bone.location, *bone.scale, *bone.rotation_quaternion, *bone.rotation_euler,
            *bone.rotation_axis_angle,
        )
        for bone in rig.pose.bones
    }  # fmt: skip


@pytest.mark.parametrize("family", ["mixamo", "unreal", "rigify_metarig"])
def test_a_gesture_moves_the_fingers_of_its_side_alone(empty_scene: bpy.types.Scene, family: str) -> None:
    rig = add_armature(family)
    match = match_armature(rig)
    turn_bone(rig, match.bones["right_upper_arm"], "Y", 40)
    turn_bone(rig, match.bones["right_hand"], "X", 50)
    for bone in rig.pose.bones:
        bone.location, bone.scale = (0.001, 0.0, 0.0), (1.0, 1.01, 1.0)
    before = _state(rig)
    changed = _apply(rig, "peace", ["right"])
    assert _shows(rig, "right", "index middle")
    fingers = {bone for name, bone in match.bones.items() if name.startswith("right_") and name[-1] in "123"}
    assert set(changed) == fingers and len(fingers) == 15
    after = _state(rig)
    assert {name for name in before if before[name] != after[name]} == fingers
    for name in fingers:
        assert before[name][:7] == after[name][:7], "mode, location and scale stay"
    assert before == before | {name: after[name] for name in before if name not in fingers}


@pytest.mark.parametrize("mode", MODES)
def test_every_rotation_mode_is_kept_and_gives_the_same_hand(empty_scene: bpy.types.Scene, mode: str) -> None:
    rig = add_armature()
    _apply(rig, "ok")
    expected = read_person(rig, depsgraph_of(empty_scene)).hands["left"]
    _apply(rig, "palm")
    for bone in rig.pose.bones:
        bone.rotation_mode = mode
    changed = _apply(rig, "ok")
    np.testing.assert_allclose(read_person(rig, depsgraph_of(empty_scene)).hands["left"], expected, atol=1e-5)
    assert all(bone.rotation_mode == mode for bone in rig.pose.bones)
    channel = {"QUATERNION": "rotation_quaternion", "AXIS_ANGLE": "rotation_axis_angle"}.get(mode, "rotation_euler")
    assert set(changed.values()) == {(channel,)}


@pytest.mark.parametrize("name", GESTURES)
def test_a_second_time_changes_nothing(empty_scene: bpy.types.Scene, name: str) -> None:
    rig = add_armature("unreal")
    _apply(rig, "rock")
    _apply(rig, name)
    first = [bone.matrix.copy() for bone in rig.pose.bones]
    _apply(rig, name)
    for before, bone in zip(first, rig.pose.bones, strict=True):
        np.testing.assert_allclose(before, bone.matrix, atol=1e-5)


def test_it_works_in_pose_mode_and_on_a_hidden_rig(empty_scene: bpy.types.Scene) -> None:
    rig = add_human()
    bpy.ops.object.mode_set(mode="POSE")
    _apply(rig, "one")
    assert rig.mode == "POSE" and _shows(rig, "left", "index")
    bpy.ops.object.mode_set(mode="OBJECT")
    rig.hide_set(True)
    _apply(rig, "rock")
    assert _shows(rig, "left", "index little") and rig.hide_get()


def test_a_mirrored_persons_sides_are_those_one_sees(empty_scene: bpy.types.Scene) -> None:
    rig = add_armature()
    rig.scale = (-1.0, 1.0, 1.0)
    bpy.context.view_layer.update()
    changed = _apply(rig, "fist", ["left"])
    assert all(name.startswith("Right") for name in changed)
    assert _shows(rig, "left", "") and not _shows(rig, "right", "")


def test_a_generated_rigify_rig_is_posed_by_its_controls(rigify: Path) -> None:
    open_blend(rigify)
    rig = bpy.data.objects["rig"]
    master = rig.pose.bones["f_ring.01_master.L"]
    rig.pose.bones["f_index.01_master.L"].rotation_quaternion = (0.9, 0.4, 0.1, 0.0)
    master.scale = (1.0, 0.5, 1.0)  # Rigify's way of curling a finger
    before = _state(rig)
    fingers = ("thumb", "f_index", "f_middle", "f_ring", "f_pinky")
    controls = {f"{finger}.0{k}.L" for finger in fingers for k in (1, 2, 3)}
    for name, straight in (
        ("peace", "index middle"),
        ("fist", ""),
        ("three", "index middle ring"),
        ("peace", "index middle"),
    ):
        changed = _apply(rig, name, ["left"])
        assert set(changed) >= controls and _shows(rig, "left", straight), name
    assert master.matrix_basis == Matrix() and rig.pose.bones["f_index.01_master.L"].matrix_basis == Matrix()
    after = _state(rig)
    moved = {name for name in before if before[name] != after[name]}
    assert moved == controls | {"f_index.01_master.L", "f_ring.01_master.L"}
    hands = read_person(rig, depsgraph_of(bpy.context.scene)).hands
    _apply(rig, "ok")
    for side, points in read_person(rig, depsgraph_of(bpy.context.scene)).hands.items():
        assert np.linalg.norm(points[4] - points[8]) < 0.010, side
    _apply(rig, "peace")
    np.testing.assert_allclose(
        read_person(rig, depsgraph_of(bpy.context.scene)).hands["left"], hands["left"], atol=1e-5
    )


def test_a_control_rig_of_ones_own_is_found_by_its_place(empty_scene: bpy.types.Scene) -> None:
    rig = add_armature()
    bpy.ops.object.mode_set(mode="EDIT")
    for deform in [bone for bone in rig.data.edit_bones if bone.name[-1] in "123" and "Hand" in bone.name]:
        control = rig.data.edit_bones.new(f"c_{deform.name}")
        control.head, control.tail, control.roll = deform.head, deform.tail, 0.7
        deform.use_connect = False
        control.parent = rig.data.edit_bones.get(f"c_{deform.parent.name}") or deform.parent
    bpy.ops.object.mode_set(mode="OBJECT")
    for bone in rig.pose.bones:
        if f"c_{bone.name}" in rig.pose.bones:
            follow = bone.constraints.new("COPY_TRANSFORMS")
            follow.target, follow.subtarget = rig, f"c_{bone.name}"
    changed = _apply(rig, "rock")
    assert len(changed) == 30 and all(name.startswith("c_") for name in changed)
    assert _shows(rig, "left", "index little") and _shows(rig, "right", "index little")


def test_fingers_that_are_held_are_refused_and_nothing_changes(empty_scene: bpy.types.Scene) -> None:
    rig = add_armature(name="Held")
    _apply(rig, "palm")
    before = _state(rig)
    limit = rig.pose.bones["LeftHandIndex2"].constraints.new("LIMIT_ROTATION")
    limit.use_limit_x = limit.use_limit_y = limit.use_limit_z = True
    limit.owner_space = "LOCAL"
    with pytest.raises(SceneError, match='"LeftHandIndex2" of "Held" does not follow'):
        _apply(rig, "fist")
    assert _state(rig) == before
    _apply(rig, "fist", ["right"])
    limit.enabled = False
    _apply(rig, "fist")
    assert _shows(rig, "left", "")


def test_an_armature_that_cannot_be_posed_is_refused_in_a_sentence(
    empty_scene: bpy.types.Scene, tmp_path: Path
) -> None:
    rig = add_human()
    rig.data.pose_position = "REST"
    with pytest.raises(SceneError, match="shows its rest position: switch to Pose Position"):
        _apply(rig, "fist")
    rig.data.pose_position = "POSE"
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    with pytest.raises(SceneError, match="in Edit Mode: leave it"):
        _apply(rig, "fist")
    bpy.ops.object.mode_set(mode="OBJECT")
    bare = add_armature(name="Bare")
    bare.hide_viewport = True
    with pytest.raises(SceneError, match="switched off in this view layer"):
        _apply(bare, "fist")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "library.blend"))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with bpy.data.libraries.load(str(tmp_path / "library.blend"), link=True) as (_, linked):
        linked.objects = ["Rig"]
    bpy.context.scene.collection.objects.link(linked.objects[0])
    with pytest.raises(SceneError, match="another file and cannot be posed here: make a library override"):
        _apply(linked.objects[0], "fist")
    override = linked.objects[0].override_create(remap_local_usages=True)
    _apply(override, "fist")
    assert _shows(override, "left", "")


def test_missing_hands(empty_scene: bpy.types.Scene) -> None:
    fingers = [f"{finger}_{k}" for finger in ("thumb", "index", "middle", "ring", "little") for k in (1, 2, 3)]
    rig = add_armature(without=[f"left_{finger}" for finger in fingers], name="Hook")
    changed = _apply(rig, "fist")
    assert len(changed) == 15 and _shows(rig, "right", "")
    with pytest.raises(SceneError, match="left hand has too few finger bones"):
        _apply(rig, "fist", ["left"])
    bare = add_armature(without=[f"{side}_{finger}" for side in SIDES for finger in fingers], name="Bare")
    with pytest.raises(SceneError, match='hands of "Bare" have no fingers'):
        _apply(bare, "fist")


def test_keys_are_set_for_what_has_changed(empty_scene: bpy.types.Scene) -> None:
    rig = add_armature()
    rig.pose.bones["LeftHandIndex1"].rotation_mode = "XYZ"
    settings = empty_scene.tool_settings
    changed = _apply(rig, "fist", ["left"])
    assert rig.animation_data is None, "not without being asked"
    insert_keys(rig, changed, settings)
    empty_scene.frame_set(10)
    insert_keys(rig, _apply(rig, "palm", ["left"]), settings)
    for frame, straight in ((1, False), (10, True)):
        empty_scene.frame_set(frame)
        assert (_reaches(rig, "left")["index"] > 0.97) == straight
    action = rig.animation_data.action
    paths = {curve.data_path for curve in action.layers[0].strips[0].channelbags[0].fcurves}
    assert 'pose.bones["LeftHandIndex1"].rotation_euler' in paths and len(paths) == 15


@pytest.mark.parametrize("file", ["human_a_mixamo", "human_c_game_engine"])
def test_real_people(humans: Path, file: str) -> None:
    scene = open_blend(humans / f"{file}.blend")
    rig = find_humanoids(scene)[0]
    for name, straight in (("three", "index middle ring"), ("stop", "index middle ring little"), ("fist", "")):
        _apply(rig, name)
        assert all(_shows(rig, side, straight) for side in SIDES), name
    _apply(rig, "ok")
    for side in SIDES:
        points = read_person(rig, depsgraph_of(scene)).hands[side]
        assert np.linalg.norm(points[4] - points[8]) < 0.010, side
