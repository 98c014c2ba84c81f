# SPDX-License-Identifier: GPL-3.0-or-later
"""The passes of a scene: what is in them, what they leave alone, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from PIL import Image

from handdiff_addon.conditioning.openpose import from_openpose
from handdiff_addon.conditioning.pass_files import write_passes
from handdiff_addon.errors import OutputError, SceneError, UsageError
from handdiff_addon.rig.bones import PARENTS, other_side
from handdiff_addon.rig.keypoints import BODY_INDEX
from handdiff_addon.scene.passes import at_frame, render_passes
from tests.builders import add_armature, add_box, add_camera, add_human, turn_bone


def iou(one: np.ndarray, two: np.ndarray) -> float:
    return float((one & two).sum() / (one | two).sum())


def test_a_whole_person(empty_scene: bpy.types.Scene) -> None:
    add_human("mixamo", "mixamorig:")
    add_camera(size=(192, 160))
    passes = render_passes(empty_scene)
    pose = passes.people[0]
    assert (passes.width, passes.height, passes.frame) == (192, 160, empty_scene.frame_current)
    assert passes.skeleton.shape == (160, 192, 3) and passes.depth.shape == passes.person_mask.shape == (160, 192)
    assert pose.name == "Rig" and set(pose.body_visibility) == {"visible"}
    assert passes.usable_hands() == ["left", "right"] and not passes.warnings
    assert (passes.hands_mask <= passes.person_mask).all()
    # Facing the camera: the person's left is on the picture's right.
    left, right = (np.argwhere(passes.masks[0].hands[side])[:, 1] for side in ("left", "right"))
    assert left.min() > 96 > right.max()
    assert passes.depth[passes.person_mask].min() > 0 and passes.depth.max() == 255
    assert not passes.depth[~passes.person_mask].any()


def test_the_mask_is_what_the_render_shows(humans: Path, tmp_path: Path) -> None:
    from handdiff_addon.scene.files import open_blend

    scene = open_blend(humans / "human_a_mixamo.blend")
    camera = add_camera((1.5, -3, 1.6), (0, 0, 1), (120, 200))
    camera.data.shift_x, camera.data.shift_y = 0.1, -0.15
    scene.render.pixel_aspect_y = 1.3
    turn_bone(scene.objects["Rig"], "mixamorig:LeftArm", "Y", -60)
    scene.render.engine, scene.cycles.samples, scene.render.film_transparent = "CYCLES", 4, True
    scene.render.threads_mode, scene.render.threads = "FIXED", 1
    scene.cycles.use_denoising = False
    scene.render.filepath = str(tmp_path / "render.png")
    scene.render.image_settings.color_mode = "RGBA"
    bpy.ops.render.render(write_still=True)
    alpha = np.asarray(Image.open(tmp_path / "render.png"))[..., 3] > 127
    assert iou(alpha, render_passes(scene).person_mask) > 0.97


def test_a_hand_behind_the_back_is_not_in_the_mask(empty_scene: bpy.types.Scene) -> None:
    armature = add_human()
    turn_bone(armature, "LeftArm", "Y", 75)
    turn_bone(armature, "LeftForeArm", "X", -25)
    turn_bone(armature, "LeftForeArm", "Z", 150)  # behind the hips
    add_box((0, 0, 1.05), (0.3, 0.1, 0.4), "Belly").parent = armature
    add_camera()
    passes = render_passes(empty_scene)
    pose = passes.people[0]
    assert pose.body_visibility[BODY_INDEX["left_wrist"]] == "occluded"
    assert set(pose.hand_visibility["left"]) == {"occluded"}
    assert not passes.masks[0].hands["left"].any() and passes.masks[0].hands["right"].any()
    assert passes.usable_hands() == ["right"]
    assert passes.warnings == ['The left hand of "Rig" is hidden from the camera, so it gets no hand stage.']
    add_camera((0, 4, 1.2))
    from_behind = render_passes(empty_scene)
    assert from_behind.masks[0].hands["left"].any() and from_behind.usable_hands() == ["left", "right"]


def test_things_in_the_way_cut_the_masks(empty_scene: bpy.types.Scene) -> None:
    add_human()
    add_camera()
    free = render_passes(empty_scene)
    wall = add_box((0.9, -1, 1.2), (0.5, 0.05, 1), "Wall")
    cut = render_passes(empty_scene)
    assert cut.people[0].body_visibility[BODY_INDEX["left_wrist"]] == "occluded"
    assert not cut.masks[0].hands["left"].any() and cut.person_mask.sum() < free.person_mask.sum()
    wall.hide_render = True
    assert (render_passes(empty_scene).person_mask == free.person_mask).all()


def test_a_mirrored_person_is_the_mirrored_picture_of_the_same_person(empty_scene: bpy.types.Scene) -> None:
    armature = add_human()
    turn_bone(armature, "LeftArm", "Y", -50)
    turn_bone(armature, "LeftHandIndex2", "Y", 60)
    turn_bone(armature, "Head", "Z", 30)
    add_camera()
    straight = render_passes(empty_scene)
    armature.scale.x = -1
    bpy.context.view_layer.update()
    mirrored = render_passes(empty_scene)
    assert iou(mirrored.masks[0].hands["right"], straight.masks[0].hands["left"][:, ::-1]) > 0.98
    assert iou(mirrored.person_mask, straight.person_mask[:, ::-1]) > 0.98
    for joint in ("nose", "left_eye", "right_ear", "left_wrist", "right_knee"):
        x, y = straight.people[0].body[BODY_INDEX[joint]]
        np.testing.assert_allclose(
            mirrored.people[0].body[BODY_INDEX[other_side(joint)]], [mirrored.width - x, y], atol=0.05
        )
    hand = straight.people[0].hands["left"].copy()
    hand[:, 0] = straight.width - hand[:, 0]
    np.testing.assert_allclose(mirrored.people[0].hands["right"], hand, atol=0.05)


def test_people_come_nearest_first(empty_scene: bpy.types.Scene) -> None:
    far, near = add_human(name="Far"), add_human("unreal", name="Near")
    far.location, near.location = (-0.5, 2, 0), (0.5, 0, 0)
    aside = add_human("mixamo", "a:", name="Aside")
    aside.location.x = 40
    add_camera((0, -5, 1.2))
    passes = render_passes(empty_scene)
    assert [person.name for person in passes.people] == ["Near", "Far"]
    # Hands are the first person's; the mask is everybody's.
    near_alone = render_passes(empty_scene, armatures=["Near"])
    assert (passes.masks[0].hands["left"] == near_alone.masks[0].hands["left"]).all()
    assert passes.person_mask.sum() > near_alone.person_mask.sum()
    assert [person.name for person in near_alone.people] == ["Near"]


def test_joints_outside_the_frame_are_kept(empty_scene: bpy.types.Scene) -> None:
    add_human()
    add_camera((0, -1.5, 1.5), (0, 0, 1.5))
    passes = render_passes(empty_scene)
    pose = passes.people[0]
    assert pose.body_visibility[BODY_INDEX["left_ankle"]] == "outside"
    assert pose.body[BODY_INDEX["left_ankle"]][1] > passes.height
    assert sum("out of the frame" in warning for warning in passes.warnings) == 2


def test_a_camera_beside_the_shoulder_keeps_what_lies_before_it(empty_scene: bpy.types.Scene) -> None:
    armature = add_human()
    turn_bone(armature, "LeftArm", "Z", -90)  # straight ahead
    add_camera((0.235, -0.3, 1.4), (0.235, -3, 1.4))
    passes = render_passes(empty_scene)
    pose = passes.people[0]
    assert pose.body_visibility[BODY_INDEX["left_hip"]] == "behind"
    assert np.isnan(pose.body[BODY_INDEX["left_hip"]]).all()
    assert pose.body_visibility[BODY_INDEX["left_wrist"]] in {"visible", "occluded"}


def test_a_camera_inside_a_person_is_refused(empty_scene: bpy.types.Scene) -> None:
    armature = add_human()
    add_box((0, 0, 1.2), (0.2, 0.15, 0.3), "Trunk").parent = armature
    camera = add_camera((0, 0, 1.2), (0, -3, 1.2))
    with pytest.raises(SceneError, match='camera "Camera" is inside "Rig": move it out, or raise its clip start'):
        render_passes(empty_scene)
    armature.scale.x = -1
    bpy.context.view_layer.update()
    with pytest.raises(SceneError, match="is inside"):
        render_passes(empty_scene)
    # A first person's view: the near plane cuts the own trunk away, and the own hand is in view.
    armature.scale.x = 1
    turn_bone(armature, "LeftArm", "Z", -90)
    camera.data.clip_start = 0.3
    assert render_passes(empty_scene).masks[0].hands["left"].any()
    camera.location.y = -0.4  # close before the trunk, which fills the picture from outside
    camera.rotation_euler = (np.pi / 2, 0.0, 0.0)
    camera.data.clip_start = 0.01
    bpy.context.view_layer.update()
    assert render_passes(empty_scene).person_mask.mean() > 0.5


def test_a_person_beyond_the_cameras_reach(empty_scene: bpy.types.Scene) -> None:
    add_human()
    camera = add_camera()
    camera.data.clip_end = 3.0
    with pytest.raises(SceneError, match="raise the camera's clip end"):
        render_passes(empty_scene)


@pytest.mark.parametrize("axis", ["x", "y"])
def test_a_camera_without_a_size_or_a_place_is_refused(empty_scene: bpy.types.Scene, axis: str) -> None:
    add_human()
    camera = add_camera()
    setattr(camera.scale, axis, 0.0)
    bpy.context.view_layer.update()
    with pytest.raises(SceneError, match='"Camera" is scaled to nothing or stands nowhere'):
        render_passes(empty_scene)
    camera.scale, camera.location.x = (1, 1, 1), float("nan")
    bpy.context.view_layer.update()
    with pytest.raises(SceneError, match="stands nowhere"):
        render_passes(empty_scene)


def test_broken_meshes_are_told_and_passed_over(empty_scene: bpy.types.Scene) -> None:
    armature = add_human()
    add_camera()
    whole = render_passes(empty_scene)
    skin = bpy.data.objects["Rig skin"]
    head = skin.vertex_groups["Head"].index
    broken = next(vertex for vertex in skin.data.vertices if vertex.groups[0].group == head)
    broken.co.x = float("nan")
    nowhere = add_box((0, 0, 1), (0.1, 0.1, 0.1), "Nowhere")
    nowhere.scale.x = float("nan")
    flat = add_box((0.9, -1, 1.2), (0.5, 0.05, 1), "Flat")
    flat.scale.x = 0.0
    for name in ("Empty", "Bare"):
        mesh = bpy.data.meshes.new(name)
        mesh.from_pydata([(0, 0, 0)] if name == "Bare" else [], [], [])
        empty_scene.collection.objects.link(bpy.data.objects.new(name, mesh))
        bpy.data.objects[name].parent = armature
    bpy.context.view_layer.update()
    passes = render_passes(empty_scene)
    assert [warning.split('"')[1] for warning in passes.warnings] == ["Rig skin", "Nowhere"]
    assert all("not finite" in warning and warning.endswith(".") for warning in passes.warnings)
    assert passes.person_mask.sum() > 0.8 * whole.person_mask.sum()
    assert (passes.hands_mask == whole.hands_mask).all()


@pytest.mark.parametrize("edited", ["Rig skin", "Wall"])
def test_a_mesh_in_edit_mode(empty_scene: bpy.types.Scene, edited: str) -> None:
    armature = add_human()
    turn_bone(armature, "LeftArm", "Y", -50)
    add_box((-0.9, -1, 1.2), (0.5, 0.05, 1), "Wall")
    add_camera()
    free = render_passes(empty_scene)
    bpy.context.view_layer.objects.active = bpy.data.objects[edited]
    bpy.ops.object.mode_set(mode="EDIT")
    if edited == "Wall":
        assert (render_passes(empty_scene).person_mask == free.person_mask).all()
    else:
        with pytest.raises(SceneError, match='"Rig skin" is in Edit Mode'):
            render_passes(empty_scene)
    assert bpy.context.mode == "EDIT_MESH"


def test_an_armature_alone_gets_a_figure(empty_scene: bpy.types.Scene) -> None:
    armature = add_armature()
    turn_bone(armature, "LeftArm", "Y", -50)
    add_camera()
    passes = render_passes(empty_scene, with_normals=True)
    assert passes.usable_hands() == ["left", "right"]
    assert "moves no mesh that renders, so a plain figure stands in" in passes.warnings[0]
    pose = passes.people[0]
    points = np.concatenate([pose.body, *pose.hands.values()])
    column, row = np.floor(points).astype(int).T
    assert passes.person_mask[row, column].mean() > 0.95
    assert set(pose.body_visibility) == {"visible"}
    assert np.isfinite(passes.metric_depth[passes.person_mask]).all() and passes.normals is not None
    seen = passes.normals[passes.person_mask]
    np.testing.assert_allclose(np.linalg.norm(seen, axis=1), 1, atol=1e-5)
    # Another person's mesh stays the other's.
    other = add_human("unreal", name="Other")
    other.location.x = 0.4
    both = render_passes(empty_scene, armatures=["Rig", "Other"])
    assert sorted(person.name for person in both.people) == ["Other", "Rig"]


def test_two_people_who_overlap(empty_scene: bpy.types.Scene) -> None:
    back, front = add_human(name="Back"), add_human("unreal", name="Front")
    back.location, front.location = (0.0, 0.8, 0.0), (0.45, 0.0, 0.0)
    turn_bone(front, "upperarm_r", "Y", -35)
    add_camera((0, -5, 1.2), size=(512, 512))
    passes = render_passes(empty_scene)
    assert [person.name for person in passes.people] == ["Front", "Back"]
    assert not (passes.masks[0].person & passes.masks[1].person).any()
    for masks in passes.masks:
        hands = masks.hands["left"] | masks.hands["right"]
        assert (hands <= masks.person).all() and not (masks.hands["left"] & masks.hands["right"]).any()
    assert passes.masks[1].hands["right"].any() and passes.usable_hands(1)
    # The joints of the one behind are hidden just where the one in front is seen.
    words = passes.people[1].body_visibility[1:14]
    for pixel, word in zip(passes.people[1].body[1:14], words, strict=True):
        column, row = np.floor(pixel).astype(int)
        assert (word == "occluded") == bool(passes.masks[0].person[row, column])
    assert {"visible", "occluded"} == set(words)
    alone = render_passes(empty_scene, max_people=1)
    assert [person.name for person in alone.people] == ["Front"]
    assert (alone.person_mask == passes.masks[0].person).all()


def test_normals_are_those_of_the_surface(empty_scene: bpy.types.Scene) -> None:
    """A smooth ball: its normals point from its centre, also where it is mirrored, and turn to who looks."""
    add_human()
    bpy.ops.mesh.primitive_uv_sphere_add(radius=0.5, location=(0, -1, 1.2), segments=48, ring_count=24)
    ball = bpy.context.object
    bpy.ops.object.shade_smooth()
    camera_object = add_camera((1, -4, 1.6), (0, -1, 1.2))
    for scale, inside_out in ((1, False), (-1, False), (1, True)):
        ball.scale.x = scale
        if inside_out:
            ball.data.flip_normals()
        bpy.context.view_layer.update()
        passes = render_passes(empty_scene, with_normals=True)
        assert passes.normals is not None and passes.normals.dtype == np.float32
        rows, columns = np.nonzero(passes.metric_depth < 2.99)
        clip = np.stack([columns + 0.5, rows + 0.5], axis=1) / 128 - 1
        depth = passes.metric_depth[rows, columns, None]
        projection = passes.camera.projection
        in_camera = np.concatenate([clip * (1, -1) * depth / np.diag(projection)[:2], -depth], axis=1)
        centre = np.array(camera_object.matrix_world.inverted() @ ball.location)
        expected = (in_camera - centre) / np.linalg.norm(in_camera - centre, axis=1, keepdims=True)
        assert len(rows) > 1000 and (passes.normals[rows, columns] * expected).sum(axis=1).min() > 0.99
        assert not passes.normals[np.isinf(passes.metric_depth)].any()
    assert render_passes(empty_scene).normals is None


def test_a_rig_without_fingers_gets_a_warning(empty_scene: bpy.types.Scene) -> None:
    add_armature(without=[bone for bone in PARENTS if bone.startswith("left") and bone[-2:] in ("_1", "_2", "_3")])
    add_box((0, 0, 1.2), (0.7, 0.1, 0.5)).parent = bpy.data.objects["Rig"]
    add_camera()
    passes = render_passes(empty_scene)
    assert "no left hand with five jointed fingers" in passes.warnings[0]
    assert passes.people[0].hand_visibility["left"] == ["absent"] * 21


def test_hidden_clothes_are_told(empty_scene: bpy.types.Scene) -> None:
    add_human()
    add_camera()
    add_box((0, 0, 3), (0.1, 0.1, 0.1), "Hat").parent = bpy.data.objects["Rig"]
    bpy.data.objects["Hat"].hide_set(True)
    assert render_passes(empty_scene).warnings == [
        '"Hat" is hidden in the viewport, so its pose is not known and it is left out: unhide it.'
    ]


@pytest.mark.parametrize(
    ("camera", "message"),
    [
        (((0, -4, 1.2), (0, -9, 1.2)), "is behind the camera"),
        (((0, -4, 1.2), (9, -2, 1.2)), "is out of the frame"),
        (((0, 40, 1.2), (0, 0, 1.2)), "Other objects hide"),
        (None, "no active camera"),
    ],
)
def test_nobody_in_view_is_refused_with_the_remedy(empty_scene: bpy.types.Scene, camera: Any, message: str) -> None:
    add_human()
    add_box((0, 20, 1), (10, 0.1, 10), "Wall")
    if camera:
        add_camera(*camera)
    with pytest.raises(SceneError, match=message) as caught:
        render_passes(empty_scene)
    assert str(caught.value).endswith(".") and ":" in str(caught.value) and caught.value.exit_code == 3


def test_a_size_that_8_does_not_divide_is_refused(empty_scene: bpy.types.Scene) -> None:
    add_human()
    add_camera(size=(333, 77))
    assert render_passes(empty_scene).depth.shape == (77, 333)
    assert render_passes(empty_scene, size=(128, 64)).depth.shape == (64, 128)
    with pytest.raises(UsageError, match="does not divide by 8"):
        render_passes(empty_scene, size=(100, 128))


def test_another_frame_shows_that_frame(empty_scene: bpy.types.Scene) -> None:
    armature = add_human()
    for frame, x in ((1, 0.0), (11, 1.0), (13, 3.0)):
        armature.location.x = x
        armature.keyframe_insert("location", frame=frame)
    add_camera((0, -8, 1.2))
    empty_scene.frame_set(1)
    first, later = render_passes(empty_scene), render_passes(empty_scene, frame=11)
    assert later.frame == 11 and later.people[0].body[1, 0] > first.people[0].body[1, 0] + 10
    empty_scene.frame_set(11, subframe=0.5)
    assert render_passes(empty_scene, frame=11).people[0].body == pytest.approx(later.people[0].body, nan_ok=True)
    assert (empty_scene.frame_current, empty_scene.frame_subframe) == (11, 0.5)
    empty_scene.frame_set(1)
    with pytest.raises(ZeroDivisionError), at_frame(empty_scene, 5):
        assert empty_scene.frame_current == 5
        _ = 1 / 0
    assert empty_scene.frame_current == 1


def test_a_scene_that_is_not_open_in_the_window(empty_scene: bpy.types.Scene) -> None:
    add_human()
    add_camera(size=(64, 64))
    other = bpy.data.scenes.new("Other")
    bpy.context.window.scene = other
    assert bpy.context.scene == other
    assert render_passes(empty_scene).person_mask.any()


def test_orthographic_cameras(empty_scene: bpy.types.Scene) -> None:
    add_human()
    camera = add_camera((0, -30, 1.0), (0, 0, 1.0))
    camera.data.type, camera.data.ortho_scale = "ORTHO", 2.0
    passes = render_passes(empty_scene)
    rows, columns = np.nonzero(passes.person_mask)
    assert (columns.max() - columns.min()) / passes.width == pytest.approx(2 * 0.87 / 2.0, abs=0.02)
    assert rows.max() == pytest.approx(passes.height, abs=2)


def test_files(empty_scene: bpy.types.Scene, tmp_path: Path) -> None:
    add_human()
    add_camera(size=(96, 64))
    passes = render_passes(empty_scene)
    write_passes(passes, tmp_path)
    names = {"skeleton", "hands_mask", "left_hand_mask", "right_hand_mask", "person_mask", "depth"}
    data_names = {"pose.json", "hands_openxr.json"}
    assert {path.name for path in tmp_path.iterdir()} == {f"{name}.png" for name in names} | data_names
    assert (np.asarray(Image.open(tmp_path / "skeleton.png")) == passes.skeleton).all()
    assert ((np.asarray(Image.open(tmp_path / "hands_mask.png")) == 255) == passes.hands_mask).all()
    assert (np.asarray(Image.open(tmp_path / "depth.png")) == passes.depth).all()
    data = json.loads((tmp_path / "pose.json").read_text())
    assert (data["canvas_width"], data["canvas_height"]) == (96, 64)
    read = from_openpose(data)
    np.testing.assert_allclose(read.people[0].hands["left"], passes.people[0].hands["left"], atol=1e-3)
    with pytest.raises(OutputError):
        write_passes(passes, tmp_path / "missing")
