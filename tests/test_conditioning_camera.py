# SPDX-License-Identifier: GPL-3.0-or-later
"""The camera places points where Blender and plain optics place them."""

from __future__ import annotations

import numpy as np
import pytest

from handdiff_addon.conditioning.camera import Camera, inverse, transformed
from tests.cameras import looking_down


def perspective(width: int = 200, height: int = 100, near: float = 0.1, far: float = 100.0) -> Camera:
    """At (0, 0, 5), looking along -z; 2 units wide at distance 1."""
    projection = np.zeros((4, 4))
    projection[0, 0], projection[1, 1] = 1.0, width / height
    projection[2, 2], projection[2, 3] = -(far + near) / (far - near), -2 * far * near / (far - near)
    projection[3, 2] = -1.0
    view = np.eye(4)
    view[2, 3] = -5.0
    return Camera(view, projection, width, height)


def test_pinhole():
    pixels, depths = perspective().project(np.array([[0.0, 0, 0], [1, 0, 4], [0, 0.5, 4], [2, -1, 3]]))
    assert pixels == pytest.approx(np.array([[100, 50], [200, 50], [100, 0], [200, 100]]))
    assert depths == pytest.approx([5, 1, 1, 2])


def test_orthographic_ignores_distance():
    pixels, depths = looking_down().project(np.array([[0.5, 0.5, 4.0], [0.5, 0.5, -3.0]]))
    assert pixels == pytest.approx(np.array([[75, 25], [75, 25]]))
    assert depths == pytest.approx([1, 8])


def test_points_behind_and_absent_have_no_pixels():
    pixels, depths = perspective().project(np.array([[0, 0, 6.0], [0, 0, 5.0], [np.nan] * 3]))
    assert np.isnan(pixels).all()
    assert depths[:2] == pytest.approx([-1, 0])
    assert np.isnan(depths[2])


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_many_points_through_a_matrix_are_those_of_the_matrix_product(kind):
    random = np.random.default_rng(7)
    points, matrix = random.normal(size=(5, 4, 3)).astype(kind), random.normal(size=(2, 4))
    assert transformed(points, matrix) == pytest.approx(points @ matrix[:, :3].T + matrix[:, 3])
    assert transformed(points, matrix[:, :3].astype(kind)).dtype == kind
    square = random.normal(size=(3, 3))
    assert inverse(square) @ square == pytest.approx(np.eye(3), abs=1e-12)


def test_towards_a_camera_that_is_turned_and_moved():
    camera, ortho = perspective(), looking_down()
    turn, place = np.array([[0.0, -1, 0], [0, 0, -1], [1, 0, 0]]), np.array([3.0, -2, 7])
    to_world = np.eye(4)
    to_world[:3, :3], to_world[:3, 3] = turn, place
    for each in (camera, ortho):
        each.view[:] = np.linalg.inv(to_world)
        assert each.to_world == pytest.approx(to_world)
    point = np.array([[1.0, 1, 1]])
    assert camera.towards(point) == pytest.approx(place - point)
    assert ortho.towards(point) == pytest.approx(turn[None, :, 2])


@pytest.mark.parametrize("near", [0.001, 0.1, 3.0])
def test_near(near):
    assert perspective(near=near).near == pytest.approx(near)
    assert looking_down(near=near).near == pytest.approx(near)


def test_orthographic_camera_that_sees_behind_itself():
    assert looking_down(near=-10.0).near == pytest.approx(-10.0)


@pytest.mark.parametrize("kind", ["PERSP", "ORTHO"])
@pytest.mark.parametrize("fit", ["AUTO", "HORIZONTAL", "VERTICAL"])
def test_agrees_with_blender(empty_scene, kind, fit):
    import bpy
    from bpy_extras.object_utils import world_to_camera_view

    data = bpy.data.cameras.new("Camera")
    data.type, data.sensor_fit, data.shift_x, data.shift_y, data.lens = kind, fit, 0.2, -0.1, 35.0
    camera = bpy.data.objects.new("Camera", data)
    empty_scene.collection.objects.link(camera)
    camera.location, camera.rotation_euler = (1.0, -6.0, 2.0), (1.3, 0.1, 0.2)
    empty_scene.render.resolution_x, empty_scene.render.resolution_y = 320, 200
    depsgraph = bpy.context.evaluated_depsgraph_get()
    depsgraph.update()
    ours = Camera(
        np.array(camera.matrix_world.inverted()),
        np.array(camera.calc_matrix_camera(depsgraph, x=320, y=200)),
        320,
        200,
    )
    points = np.random.default_rng(0).normal(size=(20, 3))
    from mathutils import Vector

    expected = np.array([world_to_camera_view(empty_scene, camera, Vector(point)) for point in points])
    pixels, depths = ours.project(points)
    assert pixels == pytest.approx(np.stack([expected[:, 0] * 320, (1 - expected[:, 1]) * 200], axis=1), abs=1e-2)
    assert depths == pytest.approx(expected[:, 2], abs=1e-4)
    assert ours.near == pytest.approx(data.clip_start, rel=1e-2)


@pytest.mark.parametrize("camera", [perspective(width=200, height=100), looking_down(size=50)])
def test_a_pixel_spans_what_two_neighbours_are_apart(camera):
    view_to_world = np.linalg.inv(camera.view)
    for depth in (1.0, 4.0):
        size = float(camera.pixel_size(np.array(depth)))
        points = np.array([[0, 0, -depth, 1], [size, 0, -depth, 1]]) @ view_to_world.T
        pixels, _ = camera.project(points[:, :3])
        assert pixels[1, 0] - pixels[0, 0] == pytest.approx(1.0)


def test_mirrored():
    view = np.diag([-1.0, 1, 1, 1]) @ perspective().view
    assert Camera(view, perspective().projection, 10, 10).mirrored
    assert not perspective().mirrored
