# SPDX-License-Identifier: GPL-3.0-or-later
"""Cameras as matrices, against Blender's own projection."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from mathutils import Vector

from handdiff_addon.errors import SceneError
from handdiff_addon.scene.cameras import read_camera, render_size, scene_camera
from tests.builders import add_camera

VIEWS = {
    "perspective": {},
    "portrait": {"render.resolution_x": 400, "render.resolution_y": 1000},
    "landscape": {"render.resolution_x": 1000, "render.resolution_y": 400},
    "vertical fit": {"data.sensor_fit": "VERTICAL", "data.sensor_height": 20.0, "render.resolution_x": 900},
    "horizontal fit": {"data.sensor_fit": "HORIZONTAL", "render.resolution_y": 900},
    "shift": {"data.shift_x": 0.2, "data.shift_y": -0.3, "render.resolution_x": 800},
    "pixel aspect x": {"render.pixel_aspect_x": 2.0},
    "pixel aspect y": {"render.pixel_aspect_y": 1.5, "data.shift_x": 0.1, "render.resolution_y": 700},
    "percentage": {"render.resolution_percentage": 37},
    "orthographic": {"data.type": "ORTHO", "data.ortho_scale": 3.0},
    "orthographic portrait shift": {"data.type": "ORTHO", "data.shift_y": 0.25, "render.resolution_x": 300},
    "scaled camera": {"scale": Vector((2.0, 0.5, 3.0))},
}


def apply(scene: bpy.types.Scene, camera: bpy.types.Object, settings: dict[str, object]) -> None:
    for path, value in settings.items():
        room, _, name = path.rpartition(".")
        setattr({"render": scene.render, "data": camera.data, "": camera}[room], name, value)


@pytest.mark.parametrize("view", VIEWS)
def test_points_land_where_blender_puts_them(empty_scene: bpy.types.Scene, view: str) -> None:
    from bpy_extras.object_utils import world_to_camera_view

    camera_object = add_camera((1.0, -4.0, 2.0), (0.1, 0.0, 1.0), (500, 500))
    camera_object.rotation_euler.rotate_axis("Z", 0.3)
    apply(empty_scene, camera_object, VIEWS[view])
    bpy.context.view_layer.update()
    camera = read_camera(empty_scene, bpy.context.evaluated_depsgraph_get(), camera_object)
    percentage = empty_scene.render.resolution_percentage
    assert camera.width == empty_scene.render.resolution_x * percentage // 100
    assert camera.height == empty_scene.render.resolution_y * percentage // 100
    points = np.random.default_rng(0).uniform((-1, -1, 0), (1, 1, 2), (50, 3))
    pixels, depth = camera.project(points)
    for point, pixel, d in zip(points, pixels, depth, strict=True):
        x, y, z = world_to_camera_view(empty_scene, camera_object, Vector(point))
        assert np.abs(pixel - (x * camera.width, (1 - y) * camera.height)).max() < 0.5
        assert d == pytest.approx(z, abs=1e-4)


def test_another_size_keeps_the_framing(empty_scene: bpy.types.Scene) -> None:
    camera_object = add_camera(size=(640, 320))
    bpy.context.view_layer.update()
    depsgraph = bpy.context.evaluated_depsgraph_get()
    own = read_camera(empty_scene, depsgraph, camera_object)
    half = read_camera(empty_scene, depsgraph, camera_object, (320, 160))
    point = np.array([0.3, 0.2, 1.5])
    np.testing.assert_allclose(half.project(point)[0], own.project(point)[0] / 2)


def test_near_plane_and_animation_of_the_evaluated_camera(empty_scene: bpy.types.Scene) -> None:
    camera_object = add_camera()
    camera_object.data.clip_start = 0.25
    target = bpy.data.objects.new("Target", None)
    empty_scene.collection.objects.link(target)
    target.location = (10, 0, 1.2)
    camera_object.constraints.new("COPY_LOCATION").target = target
    bpy.context.view_layer.update()
    camera = read_camera(empty_scene, bpy.context.evaluated_depsgraph_get(), camera_object)
    assert camera.near == pytest.approx(0.25, rel=1e-4)
    np.testing.assert_allclose(np.linalg.inv(camera.view)[:3, 3], target.location, atol=1e-5)


def test_a_panoramic_camera_is_refused(empty_scene: bpy.types.Scene) -> None:
    camera_object = add_camera()
    camera_object.data.type = "PANO"
    with pytest.raises(SceneError, match="panoramic"):
        read_camera(empty_scene, bpy.context.evaluated_depsgraph_get(), camera_object)


def test_markers_choose_the_camera(empty_scene: bpy.types.Scene) -> None:
    cameras = {name: add_camera(name=name) for name in ("Free", "Ten", "Twenty")}
    empty_scene.camera = cameras["Free"]
    assert scene_camera(empty_scene).name == "Free"
    for frame, name in ((20, "Twenty"), (10, "Ten")):
        empty_scene.timeline_markers.new(name, frame=frame).camera = cameras[name]
    for frame, name in ((1, "Ten"), (10, "Ten"), (19, "Ten"), (20, "Twenty"), (99, "Twenty")):
        empty_scene.frame_set(frame)
        assert scene_camera(empty_scene).name == name
        assert empty_scene.camera.name == name  # what Blender itself switched to
    assert scene_camera(empty_scene, "Free").name == "Free"


def test_no_camera_is_refused_with_the_remedy(empty_scene: bpy.types.Scene) -> None:
    with pytest.raises(SceneError, match="add a camera"):
        scene_camera(empty_scene)
    add_camera(name="Second")
    with pytest.raises(SceneError, match='no camera named "First": choose one of Second'):
        scene_camera(empty_scene, "First")
    empty_scene.camera = None
    with pytest.raises(SceneError, match="make Second the scene's camera"):
        scene_camera(empty_scene)


def test_the_render_size_is_never_empty(empty_scene: bpy.types.Scene) -> None:
    empty_scene.render.resolution_x, empty_scene.render.resolution_y = 50, 1000
    empty_scene.render.resolution_percentage = 1
    assert render_size(empty_scene) == (1, 10)
