# SPDX-License-Identifier: GPL-3.0-or-later
"""Keypoints land within half a pixel of where optics, Blender's own projection and a real render put them."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np
import pytest
from mathutils import Vector
from PIL import Image

from handdiff_addon.rig.keypoints import BODY_INDEX, FINGERS, HAND
from handdiff_addon.scene.cameras import read_camera
from handdiff_addon.scene.files import open_blend
from handdiff_addon.scene.passes import depsgraph_of, render_passes
from handdiff_addon.scene.rigs import find_humanoids, read_person
from handdiff_addon.scene.sample_human import create_sample_scene
from tests.builders import add_camera, turn_bone, write_rigify

LIMBS = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
MIXAMO = {
    **dict(zip(LIMBS, ("Arm", "ForeArm", "Hand", "UpLeg", "Leg", "Foot"), strict=True)),
    **dict(zip(FINGERS, (f"Hand{finger}" for finger in ("Thumb", "Index", "Middle", "Ring", "Pinky")), strict=True)),
}
UNREAL = {
    **dict(zip(LIMBS, ("upperarm", "lowerarm", "hand", "thigh", "calf", "foot"), strict=True)),
    **dict(zip(FINGERS, ("thumb", "index", "middle", "ring", "pinky"), strict=True)),
}
RIGIFY = {
    **dict(zip(LIMBS, ("upper_arm", "forearm", "hand", "thigh", "shin", "foot"), strict=True)),
    **dict(zip(FINGERS, ("thumb", "f_index", "f_middle", "f_ring", "f_pinky"), strict=True)),
}
SPELLING: dict[str, Callable[[str, str, str], str]] = {
    "mixamo": lambda side, joint, number: f"mixamorig:{side.capitalize()}{MIXAMO[joint]}{number}",
    "sample": lambda side, joint, number: f"{side.capitalize()}{MIXAMO[joint]}{number}",
    "unreal": lambda side, joint, number: f"{UNREAL[joint]}{f'_0{number}' if number else ''}_{side[0]}",
    "rigify": lambda side, joint, number: f"DEF-{RIGIFY[joint]}{f'.0{number}' if number else ''}.{side[0].upper()}",
}
RIGS = {
    "human_a_mixamo": "mixamo", "human_b_mixamo": "mixamo", "human_c_game_engine": "unreal",
    "human_d_game_engine": "unreal", "human_e_mixamo": "mixamo", "sample human": "sample", "Rigify": "rigify",
}  # fmt: skip


def joints(armature: bpy.types.Object, spelling: str) -> dict[tuple[str, int], np.ndarray]:
    """World positions straight from the posed bones: (body or side, keypoint index) to (3,)."""
    name, posed = SPELLING[spelling], armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
    found = {}
    for side in ("left", "right"):
        for joint in LIMBS:
            head = posed.pose.bones[name(side, joint, "")].head
            found["body", BODY_INDEX[f"{side}_{joint}"]] = np.array(posed.matrix_world @ head)
        for finger in FINGERS:
            for number in (1, 2, 3):
                head = posed.pose.bones[name(side, finger, str(number))].head
                found[side, HAND.index(f"{finger}_{number}")] = np.array(posed.matrix_world @ head)
    return found


def optics(scene: bpy.types.Scene, camera: bpy.types.Object, point: np.ndarray) -> np.ndarray:
    """Where a camera puts a point, in pixels, from lens, sensor, shift and the shape of the pixels alone.

    A sensor spans the side that it fits; shift is in lengths of that side; with AUTO it is the longer one, and the
    sensor's width counts.
    """
    render, data = scene.render, camera.data
    width, height = (int(n * render.resolution_percentage / 100) for n in (render.resolution_x, render.resolution_y))
    across, down = width * render.pixel_aspect_x, height * render.pixel_aspect_y
    horizontal = data.sensor_fit == "HORIZONTAL" or (data.sensor_fit == "AUTO" and across >= down)
    sensor = data.sensor_height if data.sensor_fit == "VERTICAL" else data.sensor_width
    axes = np.array(camera.matrix_world)[:3, :3]
    axes = axes / np.linalg.norm(axes, axis=0)
    x, y, z = np.linalg.solve(axes, point - np.array(camera.matrix_world.translation))
    plane = np.array([x, y]) / data.ortho_scale if data.type == "ORTHO" else np.array([x, y]) / -z * data.lens / sensor
    side = across if horizontal else down
    right, up = (plane - (data.shift_x, data.shift_y)) * side / (across, down)
    return np.array([(0.5 + right) * width, (0.5 - up) * height])


VIEWS: dict[str, dict[str, object]] = {
    "perspective": {},
    "landscape": {"render.resolution_x": 1280, "render.resolution_y": 720, "data.lens": 28.0},
    "portrait": {"render.resolution_x": 720, "render.resolution_y": 1280},
    "fit vertical": {"render.resolution_x": 1280, "render.resolution_y": 720, "data.sensor_fit": "VERTICAL"},
    "fit horizontal": {"render.resolution_x": 720, "render.resolution_y": 1280, "data.sensor_fit": "HORIZONTAL"},
    "shifted": {"render.resolution_x": 720, "data.shift_x": 0.21, "data.shift_y": -0.13},
    "wide pixels": {"render.pixel_aspect_x": 1.6, "data.shift_x": 0.1, "data.shift_y": 0.2},
    "tall pixels": {"render.pixel_aspect_y": 1.7, "data.shift_x": 0.1, "data.shift_y": 0.2},
    "half size": {"render.resolution_x": 1001, "render.resolution_y": 777, "render.resolution_percentage": 50},
    "double size": {"render.resolution_percentage": 200, "data.shift_y": 0.1},
    "orthographic": {"data.type": "ORTHO", "data.ortho_scale": 2.4, "render.resolution_x": 1400},
    "orthographic, tall pixels": {
        "data.type": "ORTHO", "data.ortho_scale": 2.4, "data.shift_x": -0.2, "render.pixel_aspect_y": 1.5,
        "render.resolution_y": 1500,
    },
    "mirrored": {"scale": Vector((-2.0, 3.0, 0.5))},
}  # fmt: skip


def aim(scene: bpy.types.Scene, view: str) -> bpy.types.Object:
    camera = add_camera((0.9, -3.2, 1.7), (0, 0, 1), (1024, 1024))
    camera.rotation_euler.rotate_axis("Z", 0.25)
    for path, value in VIEWS[view].items():
        room, _, name = path.rpartition(".")
        setattr({"render": scene.render, "data": camera.data, "": camera}[room], name, value)
    bpy.context.view_layer.update()
    return camera


def open_rig(rig: str, humans: Path, folder: Path) -> bpy.types.Scene:
    if rig == "sample human":
        create_sample_scene(bpy.context.scene)
        return bpy.context.scene
    if rig == "Rigify":
        write_rigify(folder / "rigify.blend", generate=True)
        return open_blend(folder / "rigify.blend")
    return open_blend(humans / f"{rig}.blend")


@pytest.mark.parametrize("rig", RIGS)
def test_every_rig_through_every_camera(
    empty_scene: bpy.types.Scene, rig: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    from bpy_extras.object_utils import world_to_camera_view

    humans = request.getfixturevalue("humans") if rig.startswith("human") else tmp_path
    scene = open_rig(rig, humans, tmp_path)
    (armature,) = find_humanoids(scene)
    spelling = RIGS[rig]
    if rig not in ("Rigify", "sample human"):
        turn_bone(armature, SPELLING[spelling]("left", "shoulder", ""), "Y", -70)
        turn_bone(armature, SPELLING[spelling]("right", "elbow", ""), "X", 60)
        turn_bone(armature, SPELLING[spelling]("right", "index", "2"), "X", 40)
    armature.rotation_mode = "XYZ"
    armature.location, armature.rotation_euler, armature.scale = (0.1, 0.2, 0.05), (0.1, -0.05, 0.4), (1.1, 1.1, 1.1)
    bpy.context.view_layer.update()
    world = joints(armature, spelling)
    assert len(world) == 2 * (6 + 15)
    for view in VIEWS:
        camera_object = aim(scene, view)
        camera = read_camera(scene, depsgraph_of(scene), camera_object)
        person = read_person(armature, depsgraph_of(scene))
        points = {"body": person.body, **person.hands}
        for (part, index), place in world.items():
            pixel = camera.project(points[part][index])[0]
            assert np.abs(pixel - optics(scene, camera_object, place)).max() < 0.5, (view, part, index)
            x, y, _ = world_to_camera_view(scene, camera_object, Vector(place))
            if view != "mirrored":  # Blender's function takes the scale for real there
                assert np.abs(pixel - (x * camera.width, (1 - y) * camera.height)).max() < 0.5, (view, part, index)
        scene.render.pixel_aspect_x = scene.render.pixel_aspect_y = 1.0
        bpy.data.objects.remove(camera_object)


def test_the_passes_say_the_same(empty_scene: bpy.types.Scene) -> None:
    create_sample_scene(empty_scene)
    (armature,) = find_humanoids(empty_scene)
    for view in ("shifted", "wide pixels", "mirrored"):
        camera = aim(empty_scene, view)
        camera.parent = bpy.data.objects.new("Dolly", None)
        camera.parent.location, camera.parent.rotation_euler = (0.1, 0.2, 0.0), (0.0, 0.0, 0.1)
        empty_scene.collection.objects.link(camera.parent)
        bpy.context.view_layer.update()
        passes = render_passes(empty_scene)
        other = {"left": "right", "right": "left", "body": "body"} if view == "mirrored" else {}
        pose = {"body": passes.people[0].body, **passes.people[0].hands}
        for (part, index), place in joints(armature, "sample").items():
            if part == "body" and view == "mirrored":
                continue
            found = pose[other.get(part, part)][index]
            assert np.abs(found - optics(empty_scene, camera, place)).max() < 0.5, (view, part, index)
        empty_scene.render.pixel_aspect_x = empty_scene.render.pixel_aspect_y = 1.0


def test_a_mirrored_camera_shows_a_left_hand_as_a_right_one(empty_scene: bpy.types.Scene) -> None:
    create_sample_scene(empty_scene)
    camera = empty_scene.camera
    empty_scene.render.resolution_x = empty_scene.render.resolution_y = 256
    camera.data.shift_x = 0.0
    straight = render_passes(empty_scene)
    camera.scale.x = -1
    bpy.context.view_layer.update()
    mirrored = render_passes(empty_scene)
    for side, across in (("left", "right"), ("right", "left")):
        hand = straight.people[0].hands[side].copy()
        hand[:, 0] = 256 - hand[:, 0]
        np.testing.assert_allclose(mirrored.people[0].hands[across], hand, atol=0.05)
        mask = straight.masks[0].hands[side][:, ::-1]
        found = mirrored.masks[0].hands[across]
        assert mask.any() and (mask & found).sum() / (mask | found).sum() > 0.97


@pytest.mark.parametrize("view", ["shifted", "wide pixels", "orthographic, tall pixels", "half size", "mirrored"])
def test_a_real_render_shows_a_light_at_the_joint(empty_scene: bpy.types.Scene, tmp_path: Path, view: str) -> None:
    create_sample_scene(empty_scene)
    (armature,) = find_humanoids(empty_scene)
    for thing in list(empty_scene.objects):
        if thing.type in {"MESH", "LIGHT"}:
            thing.hide_render = True
    camera = aim(empty_scene, view)
    render = empty_scene.render
    render.resolution_x, render.resolution_y = render.resolution_x // 8, render.resolution_y // 8
    frame = np.array([render.resolution_x, render.resolution_y]) * render.resolution_percentage / 100
    inside = [
        (index, place)
        for (part, index), place in joints(armature, "sample").items()
        if part == "body" and (np.abs(optics(empty_scene, camera, place) / frame - 0.5) < 0.4).all()
    ]
    joint, place = inside[0]
    bpy.ops.mesh.primitive_uv_sphere_add(radius=0.03, location=place, segments=12, ring_count=8)
    render.engine, empty_scene.cycles.samples, render.film_transparent = "CYCLES", 16, True
    empty_scene.cycles.use_denoising = False
    render.threads_mode, render.threads = "FIXED", 1
    render.image_settings.file_format, render.image_settings.color_mode = "PNG", "RGBA"
    render.filepath = str(tmp_path / "light.png")
    bpy.ops.render.render(write_still=True)
    bpy.context.object.hide_render = True
    alpha = np.asarray(Image.open(tmp_path / "light.png"))[..., 3] / 255.0
    rows, columns = np.mgrid[: alpha.shape[0], : alpha.shape[1]] + 0.5
    seen = np.array([(columns * alpha).sum(), (rows * alpha).sum()]) / alpha.sum()
    view_of = read_camera(empty_scene, depsgraph_of(empty_scene), camera)
    assert alpha.shape == (view_of.height, view_of.width) and alpha.sum() > 1
    person = read_person(armature, depsgraph_of(empty_scene))
    assert np.abs(view_of.project(person.body[joint])[0] - seen).max() < 0.5


def test_cameras_that_follow_and_hang(empty_scene: bpy.types.Scene) -> None:
    """Parented under a stretched, turned empty, and held by constraints: the evaluated camera counts."""
    camera_object = aim(empty_scene, "perspective")
    dolly, target = (bpy.data.objects.new(name, None) for name in ("Dolly", "Target"))
    for empty in (dolly, target):
        empty_scene.collection.objects.link(empty)
    dolly.rotation_euler, dolly.scale, target.location = (0, 0, 0.3), (1, 2.5, 1), (0.2, 0.1, 1.3)
    camera_object.parent = dolly
    points = np.random.default_rng(1).uniform((-1, -1, 0), (1, 1, 2), (20, 3))
    for constrained in (False, True):
        if constrained:
            camera_object.constraints.new("TRACK_TO").target = target
        bpy.context.view_layer.update()
        camera = read_camera(empty_scene, depsgraph_of(empty_scene), camera_object)
        for point in points:
            assert math.dist(camera.project(point)[0], optics(empty_scene, camera_object, point)) < 0.5
    assert np.abs(camera.project(np.array(target.location))[0] - 512).max() < 0.5
