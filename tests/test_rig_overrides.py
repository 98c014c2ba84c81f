# SPDX-License-Identifier: GPL-3.0-or-later
"""Keypoints put at bones by hand: on the points, kept with the armature, as JSON, and on rigs that nothing knows."""

from __future__ import annotations

import json
from pathlib import Path

import bpy
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handdiff_addon.errors import OutputError, SceneError, UsageError
from handdiff_addon.rig.keypoints import BODY_INDEX, KEYPOINTS
from handdiff_addon.rig.matching import hand_bones
from handdiff_addon.rig.overrides import ESSENTIAL, BoneEnd, from_json, label, to_json
from handdiff_addon.scene.files import open_blend
from handdiff_addon.scene.overrides import export_overrides, import_overrides, read_overrides, write_overrides
from handdiff_addon.scene.passes import depsgraph_of, render_passes
from handdiff_addon.scene.rigs import find_humanoids, match_person, match_seen, read_person
from tests.builders import add_armature, add_camera, bone_table, turn_bone

BONES = ("Hips", "Tail", "肩.L")
places = st.builds(BoneEnd, st.sampled_from(BONES), st.sampled_from(("head", "tail")))
plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
json_values = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
)


@given(st.dictionaries(st.sampled_from(KEYPOINTS), places))
def test_json_gives_back_what_went_in(overrides: dict[str, BoneEnd]) -> None:
    assert from_json(to_json(overrides), BONES) == overrides


@given(json_values)
def test_any_other_json_is_refused_in_one_sentence(value: object) -> None:
    for data in (value, {"schema_version": 1, "keypoints": value}, {"schema_version": 1, "keypoints": {"nose": value}}):
        try:
            assert from_json(json.dumps(data), BONES) == {}  # no keypoints are keypoints as well
        except UsageError as error:
            assert "\n" not in str(error) and len(str(error)) < 250 and ": " in str(error)


@given(st.text())
def test_any_text_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(UsageError) as refusal:
        from_json(text, BONES)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("keypoints", "sentence"),
    [
        ({"left_paw": {"bone": "Hips", "end": "head"}}, "no keypoint 'left_paw'"),
        ({"nose": {"bone": "Gone", "end": "head"}}, "bone 'Gone', which the armature does not have"),
        ({"nose": {"bone": "Hips", "end": "middle"}}, 'give a "bone" and an "end"'),
        ({"nose": {"bone": "Hips"}}, 'give a "bone" and an "end"'),
        ({"nose": float("nan")}, "nose is nan"),
    ],
)
def test_a_wrong_keypoint_is_named(keypoints: dict, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        from_json(json.dumps({"schema_version": 1, "keypoints": keypoints}), BONES)


def test_other_versions_and_other_formats_are_refused() -> None:
    with pytest.raises(UsageError, match="schema version 2"):
        from_json('{"schema_version": 2, "keypoints": {}}', BONES)
    with pytest.raises(UsageError, match='no object "keypoints"'):
        from_json('{"people": [], "canvas_width": 512}', BONES)
    with pytest.raises(UsageError, match="no valid JSON"):
        from_json("[" * 100_000, BONES)


def test_names_for_people() -> None:
    assert label("left_index_tip") == "Left index tip"
    assert label("right_thumb_1") == "Right thumb base (CMC)"
    assert label("nose") == "Nose" and label("left_wrist") == "Left wrist"
    assert label("face_8") == "Face 8, jaw" and label("face_69") == "Face 69, left pupil"
    assert len({label(name) for name in KEYPOINTS}) == len(KEYPOINTS)


def read(armature: bpy.types.Object):
    bpy.context.view_layer.update()
    return read_person(armature, depsgraph_of(bpy.context.scene))


def end(armature: bpy.types.Object, bone: str, which: str) -> np.ndarray:
    return np.array(armature.matrix_world @ getattr(armature.pose.bones[bone], which))


def test_an_override_moves_its_point_and_what_hangs_on_it(empty_scene: bpy.types.Scene) -> None:
    armature = add_armature()
    armature.location = (1, 2, 3)
    write_overrides(
        armature,
        {
            "left_wrist": BoneEnd("LeftForeArm", "tail"),
            "left_index_tip": BoneEnd("LeftHandIndex3", "head"),
            "left_shoulder": BoneEnd("LeftShoulder", "head"),
            "right_ear": BoneEnd("Head", "tail"),
            "face_8": BoneEnd("Head", "head"),
        },
    )
    turn_bone(armature, "LeftArm", "Y", -30)
    made = read(armature)
    wrist = end(armature, "LeftForeArm", "tail")
    np.testing.assert_allclose(made.body[BODY_INDEX["left_wrist"]], wrist, atol=1e-6)
    np.testing.assert_allclose(made.hands["left"][0], wrist, atol=1e-6)
    np.testing.assert_allclose(made.hands["left"][8], end(armature, "LeftHandIndex3", "head"), atol=1e-6)
    np.testing.assert_allclose(made.body[BODY_INDEX["right_ear"]], end(armature, "Head", "tail"), atol=1e-6)
    np.testing.assert_allclose(made.face[8], end(armature, "Head", "head"), atol=1e-6)
    shoulders = end(armature, "LeftShoulder", "head"), end(armature, "RightArm", "head")
    np.testing.assert_allclose(made.body[BODY_INDEX["neck"]], np.mean(shoulders, axis=0), atol=1e-6)
    write_overrides(armature, {"neck": BoneEnd("Neck", "head")})
    made = read(armature)
    np.testing.assert_allclose(made.body[BODY_INDEX["neck"]], end(armature, "Neck", "head"), atol=1e-6)
    np.testing.assert_allclose(made.hands["left"][8], end(armature, "LeftHandIndex3", "tail"), atol=1e-6)


def test_an_overridden_finger_is_a_hand_for_the_masks(empty_scene: bpy.types.Scene) -> None:
    armature = add_armature()
    parents = {bone.name: bone.parent.name if bone.parent else None for bone in armature.data.bones}
    write_overrides(armature, {"left_little_tip": BoneEnd("LeftToeBase", "tail")})
    assert "LeftToeBase" in hand_bones(match_person(armature), parents, "left")
    armature.scale = (-1, 1, 1)
    bpy.context.view_layer.update()
    seen, _ = match_seen(armature, depsgraph_of(empty_scene))
    assert "LeftToeBase" in hand_bones(seen, parents, "right") - hand_bones(seen, parents, "left")
    np.testing.assert_allclose(read(armature).hands["right"][20], end(armature, "LeftToeBase", "tail"), atol=1e-6)


def creature(name: str = "Creature") -> bpy.types.Object:
    """Bones that no family and no structure makes a person of: all alone, named by numbers."""
    armature = bpy.data.objects.new(name, bpy.data.armatures.new(name))
    bpy.context.scene.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    for number, (head, tail) in enumerate(bone_table().values()):
        edit = armature.data.edit_bones.new(f"b{number:02d}")
        edit.head, edit.tail = head, tail
    bpy.ops.object.mode_set(mode="OBJECT")
    return armature


def number(bone: str) -> str:
    return f"b{list(bone_table()).index(bone):02d}"


JOINTS = {
    f"{side}_{joint}": BoneEnd(number(f"{side}_{bone}"), "head")
    for side in ("left", "right")
    for joint, bone in (("shoulder", "upper_arm"), ("elbow", "forearm"), ("hip", "thigh"), ("knee", "shin"))
}


def test_overrides_make_a_person_of_what_nothing_recognises(empty_scene: bpy.types.Scene) -> None:
    armature = creature()
    assert set(JOINTS) == set(ESSENTIAL)
    with pytest.raises(SceneError, match='"Creature" cannot be used'):
        find_humanoids(empty_scene)
    write_overrides(armature, {name: place for name, place in JOINTS.items() if name != "left_knee"})
    with pytest.raises(SceneError, match='"Creature" cannot be used'):
        find_humanoids(empty_scene)
    fingers = {f"left_index_{k}": BoneEnd(number(f"left_index_{k}"), "head") for k in (1, 2, 3)}
    tip = {"left_index_tip": BoneEnd(number("left_index_3"), "tail")}
    write_overrides(armature, JOINTS | fingers | tip | {"left_wrist": BoneEnd(number("left_hand"), "head")})
    assert find_humanoids(empty_scene) == [armature]
    made = read(armature)
    known = np.isfinite(made.body).all(axis=1)
    assert {name for name, index in BODY_INDEX.items() if known[index]} == {*JOINTS, "left_wrist", "neck"}
    assert np.isfinite(made.hands["left"]).all(axis=1).sum() == 5 and np.isnan(made.hands["right"]).all()
    parents = {bone.name: None for bone in armature.data.bones}
    expected = {number("left_hand"), *(place.bone for place in fingers.values())}
    assert hand_bones(match_person(armature), parents, "left") == expected
    add_camera((0, -4, 1), (0, 0, 1), (128, 128))
    passes = render_passes(empty_scene)
    assert passes.skeleton.any() and [person.name for person in passes.people] == ["Creature"]


def test_overrides_outlive_saving_and_copying(empty_scene: bpy.types.Scene, tmp_path: Path) -> None:
    armature = creature()
    write_overrides(armature, JOINTS)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "saved.blend"))
    scene = open_blend(tmp_path / "saved.blend")
    loaded = scene.objects["Creature"]
    assert read_overrides(loaded) == JOINTS and find_humanoids(scene) == [loaded]
    copy = loaded.copy()
    assert read_overrides(copy) == JOINTS
    write_overrides(copy, {})
    assert not copy.keys() and read_overrides(loaded) == JOINTS


def test_linked_and_overridden_rigs_keep_the_library_s_keypoints_and_take_no_others(
    empty_scene: bpy.types.Scene, tmp_path: Path
) -> None:
    write_overrides(creature(), JOINTS)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "library.blend"))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    with bpy.data.libraries.load(str(tmp_path / "library.blend"), link=True) as (_, into):
        into.objects = ["Creature"]
    linked = into.objects[0]
    scene.collection.objects.link(linked)
    for make in (lambda: linked, lambda: linked.override_create(remap_local_usages=True)):
        armature = make()
        assert read_overrides(armature) == JOINTS
        assert np.isfinite(read(armature).body[BODY_INDEX["neck"]]).all()
        with pytest.raises(SceneError, match=r"comes from the library .*library\.blend.*make the armature local"):
            write_overrides(armature, {})
        assert read_overrides(armature) == JOINTS


def test_a_bone_that_is_gone_is_named(empty_scene: bpy.types.Scene) -> None:
    armature = creature()
    write_overrides(armature, JOINTS)
    armature.data.bones[number("left_shin")].name = "Renamed"
    with pytest.raises(SceneError, match=r'by hand on "Creature" cannot be used.* left_knee is at the bone .* reset'):
        find_humanoids(empty_scene)
    armature["handdiff_keypoints"] = 3.5
    with pytest.raises(SceneError, match='by hand on "Creature" cannot be used'):
        read_overrides(armature)


def test_files(empty_scene: bpy.types.Scene, tmp_path: Path) -> None:
    armature, other = creature(), creature("Other")
    write_overrides(armature, JOINTS)
    path = tmp_path / "keypoints.json"
    export_overrides(armature, path)
    assert json.loads(path.read_text(encoding="utf-8"))["keypoints"]["left_knee"]["end"] == "head"
    assert import_overrides(other, path) == 8 and read_overrides(other) == JOINTS
    bad = json.loads(path.read_text(encoding="utf-8"))
    bad["keypoints"]["nose"] = {"bone": "Snout", "end": "tail"}
    for name, data in (("bone", json.dumps(bad).encode()), ("bytes", b"\xff\xfe\x00"), ("empty", b"")):
        wrong = tmp_path / f"{name}.json"
        wrong.write_bytes(data)
        with pytest.raises(UsageError, match=f"{name}.json"):
            import_overrides(other, wrong)
        assert read_overrides(other) == JOINTS
    with pytest.raises(UsageError, match=r"missing\.json cannot be read"):
        import_overrides(other, tmp_path / "missing.json")
    with pytest.raises(OutputError):
        export_overrides(armature, tmp_path / "no folder" / "keypoints.json")
