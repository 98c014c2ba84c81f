# SPDX-License-Identifier: GPL-3.0-or-later
"""The z-buffer sees what rays see."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from handdiff_addon.conditioning.camera import Camera
from handdiff_addon.conditioning.raster import rasterise, rasterise_plane


def camera(width: int, height: int, *, orthographic: bool = False, near: float = 0.5) -> Camera:
    """At (0, 0, 3), looking along -z."""
    far = 50.0
    projection = np.zeros((4, 4))
    projection[0, 0], projection[1, 1] = 0.8, 0.8 * width / height
    if orthographic:
        projection[2, 2], projection[2, 3] = -2.0 / (far - near), -(far + near) / (far - near)
        projection[3, 3] = 1.0
    else:
        projection[2, 2], projection[2, 3] = -(far + near) / (far - near), -2 * far * near / (far - near)
        projection[3, 2] = -1.0
    view = np.eye(4)
    view[2, 3] = -3.0
    return Camera(view, projection, width, height)


def cast_rays(vertices: np.ndarray, triangles: np.ndarray, view: Camera) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Depth, triangle and margin (how far the hit is from the nearest edge or rival) of a ray per pixel centre."""
    to_world = np.linalg.inv(view.projection @ view.view)
    x = (np.arange(view.width) + 0.5) / view.width * 2 - 1
    y = 1 - (np.arange(view.height) + 0.5) / view.height * 2
    ends = []
    for depth in (-1.0, 1.0):
        columns, rows = np.meshgrid(x, y)
        clip = np.stack([columns, rows, np.full_like(columns, depth), np.ones_like(columns)], axis=-1)
        world = clip @ to_world.T
        ends.append((world[..., :3] / world[..., 3:]).reshape(-1, 1, 3))
    origin, direction = ends[0], ends[1] - ends[0]
    a, b, c = (vertices[triangles[:, k]][None] for k in range(3))
    normal = np.cross(b - a, c - a)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = ((a - origin) * normal).sum(-1) / (direction * normal).sum(-1)
        point = origin + t[..., None] * direction
        areas = [(np.cross(q - p, point - p) * normal).sum(-1) for p, q in ((b, c), (c, a), (a, b))]
        weights = np.stack(areas, axis=-1) / (normal * normal).sum(-1)[..., None]
    inner = weights.min(axis=-1)
    hits = (inner >= 0) & (t >= 0)
    distance = np.where(hits, -(point @ view.view[2, :3] + view.view[2, 3]), np.inf)
    order = np.sort(distance, axis=1)
    nearest = distance.argmin(axis=1)
    with np.errstate(invalid="ignore"):
        rivals = np.where(np.isfinite(order[:, 1]), order[:, 1] - order[:, 0], 1.0)
    edge = np.where(np.isfinite(inner), np.abs(inner), 1).min(axis=1)
    margin = np.minimum(edge, np.where(np.isfinite(order[:, 0]), rivals, 1.0))
    shape = (view.height, view.width)
    found = np.where(np.isfinite(order[:, 0]), nearest, -1)
    return order[:, 0].reshape(shape), found.reshape(shape), margin.reshape(shape)


@pytest.mark.parametrize("orthographic", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_rays(seed, orthographic):
    """Random triangles of all sizes, many across the near plane, behind the camera or out of the frame."""
    random = np.random.default_rng(seed)
    vertices = random.normal(scale=2.0, size=(60, 3))
    triangles = random.integers(0, 60, (60, 3))
    view = camera(40, 30, orthographic=orthographic)
    depth, triangle, margin = cast_rays(vertices, triangles, view)
    raster = rasterise(vertices, triangles, view)
    sure = margin > 1e-4
    assert sure.mean() > 0.5
    assert (raster.triangle >= 0).mean() > 0.3
    np.testing.assert_array_equal(raster.triangle[sure], triangle[sure])
    np.testing.assert_allclose(raster.depth[sure], depth[sure], rtol=1e-4)


def test_barycentric_weights_find_the_point_on_a_clipped_floor():
    """A floor that runs through the camera's own plane: each pixel's weights give the point that projects there."""
    floor = np.array([[-9.0, -1, 9], [9, -1, 9], [9, -1, -9], [-9, -1, -9]])
    triangles = np.array([[0, 1, 2], [0, 2, 3]])
    view = camera(64, 64)
    raster = rasterise(floor, triangles, view)
    seen = raster.triangle >= 0
    points = raster.interpolate(floor[triangles])[seen].astype(float)
    pixels, depths = view.project(points)
    rows, columns = np.nonzero(seen)
    assert seen[-1].all(), "the floor reaches the lower edge of the picture"
    np.testing.assert_allclose(pixels, np.stack([columns, rows], axis=1) + 0.5, atol=1e-3)
    np.testing.assert_allclose(depths, raster.depth[seen], rtol=1e-5)
    np.testing.assert_allclose(raster.barycentric[seen].sum(axis=1), 1, atol=1e-5)


def sphere(steps: int) -> tuple[np.ndarray, np.ndarray]:
    around, down = np.meshgrid(np.linspace(0, 2 * np.pi, steps + 1), np.linspace(0, np.pi, steps + 1))
    vertices = np.stack([np.cos(around) * np.sin(down), np.cos(down), np.sin(around) * np.sin(down)], axis=-1)
    corner = (np.arange(steps)[:, None] * (steps + 1) + np.arange(steps)).ravel()
    upper = np.stack([corner, corner + 1, corner + steps + 2], axis=1)
    lower = np.stack([corner, corner + steps + 2, corner + steps + 1], axis=1)
    return vertices.reshape(-1, 3), np.concatenate([upper, lower])


@pytest.mark.parametrize("size", [33, 256])
def test_a_closed_mesh_has_no_holes(size):
    raster = rasterise(*sphere(64), camera(size, size))
    for row in raster.triangle >= 0:
        columns = np.flatnonzero(row)
        assert (np.diff(columns) == 1).all()


def test_a_dense_mesh_is_fast():
    vertices, triangles = sphere(127)
    assert len(triangles) > 32_000
    view = camera(512, 512)
    seconds = []
    for _ in range(3):
        start = time.process_time()
        rasterise(vertices, triangles, view)
        seconds.append(time.process_time() - start)
    assert min(seconds) < 0.6, "it takes about 0.1 s alone on a core"


def test_far_side_is_hidden_and_equal_depth_goes_to_the_first():
    vertices, triangles = sphere(24)
    raster = rasterise(vertices, np.concatenate([triangles, triangles]), camera(50, 50))
    assert raster.triangle.max() < len(triangles)
    assert raster.depth[np.isfinite(raster.depth)].max() < 3.0


def test_large_pictures_in_pieces_are_the_same(monkeypatch):
    vertices, triangles = sphere(24)
    view = camera(60, 50)
    doubled = np.concatenate([triangles, triangles[::-1], triangles])
    whole = rasterise(vertices, doubled, view)
    monkeypatch.setattr("handdiff_addon.conditioning.raster._CHUNK", 7)
    pieces = rasterise(vertices, doubled, view)
    np.testing.assert_array_equal(pieces.triangle, whole.triangle)
    np.testing.assert_array_equal(pieces.depth, whole.depth)


def test_beyond_the_far_plane_nothing_is_seen():
    """A floor that runs away from the camera ends where the camera's sight does."""
    floor = np.array([[-30.0, -1, 2], [30, -1, 2], [30, -1, -30], [-30, -1, -30]])
    triangles = np.array([[0, 1, 2], [0, 2, 3]])
    view = camera(64, 64)
    whole = rasterise(floor, triangles, view)
    ended = rasterise(floor, triangles, replace(view, far=8.0))
    assert whole.depth[np.isfinite(whole.depth)].max() > 15
    near = whole.depth <= 8.0
    np.testing.assert_array_equal(ended.triangle, np.where(near, whole.triangle, -1))
    np.testing.assert_array_equal(ended.depth, np.where(near, whole.depth, np.inf))
    assert (ended.barycentric[~near] == 0).all()


def test_pixel_centres_and_nan():
    xy = np.array([[1.0, 1], [3, 1], [1, 3], [3, 3], [np.nan, 0]])
    raster = rasterise_plane(xy, np.zeros(5), np.array([[0, 1, 4], [0, 1, 2], [1, 3, 2]]), 4, 4)
    expected = np.zeros((4, 4), dtype=bool)
    expected[1:3, 1:3] = True
    np.testing.assert_array_equal(raster.triangle >= 0, expected)
    assert raster.triangle[1, 1] == 1
    assert raster.triangle[2, 2] == 2
    np.testing.assert_allclose(raster.barycentric[1, 1], [0.5, 0.25, 0.25])
    assert (raster.barycentric[0] == 0).all()
    assert np.isinf(raster.depth[0, 0])


def test_nothing_and_degenerate_triangles_draw_nothing():
    view = camera(8, 8)
    assert (rasterise(np.zeros((0, 3)), np.zeros((0, 3), dtype=int), view).triangle == -1).all()
    line = np.array([[-1.0, 0, 0], [1, 0, 0], [0, 0, 0]])
    assert (rasterise(line, np.array([[0, 1, 2], [0, 0, 1]]), view).triangle == -1).all()


def test_agrees_with_blenders_own_ray_cast(empty_scene):
    import bpy
    from mathutils import Vector

    bpy.ops.mesh.primitive_monkey_add()
    monkey = bpy.context.object
    monkey.rotation_euler = (0.2, 0.1, 0.7)
    data = bpy.data.cameras.new("Camera")
    eye = bpy.data.objects.new("Camera", data)
    empty_scene.collection.objects.link(eye)
    eye.location, eye.rotation_euler = (0.3, -4.0, 0.5), (1.45, 0.0, 0.05)
    empty_scene.render.resolution_x, empty_scene.render.resolution_y = 96, 64
    depsgraph = bpy.context.evaluated_depsgraph_get()
    depsgraph.update()
    view = Camera(
        np.array(eye.matrix_world.inverted()), np.array(eye.calc_matrix_camera(depsgraph, x=96, y=64)), 96, 64
    )
    mesh = monkey.evaluated_get(depsgraph).to_mesh()
    mesh.calc_loop_triangles()
    vertices = np.array([monkey.matrix_world @ vertex.co for vertex in mesh.vertices])
    raster = rasterise(vertices, np.array([t.vertices for t in mesh.loop_triangles]), view)

    to_world = np.linalg.inv(view.projection @ view.view)
    wrong = 0
    for row in range(0, 64, 3):
        for column in range(0, 96, 3):
            ndc = np.array([(column + 0.5) / 48 - 1, 1 - (row + 0.5) / 32, 0.5, 1.0])
            far = to_world @ ndc
            ray = Vector(far[:3] / far[3]) - eye.location
            hit, point, *_ = empty_scene.ray_cast(depsgraph, eye.location, ray.normalized())
            depth = float(view.project(np.array(point))[1]) if hit else np.inf
            wrong += not np.isclose(depth, raster.depth[row, column], atol=2e-3)
    assert (raster.triangle >= 0).mean() > 0.1
    assert wrong <= 2, "only pixels on the very outline may differ"
