# SPDX-License-Identifier: GPL-3.0-or-later
"""Motion that is known: planes and cameras that move by known pixels, what hides, and noise that stays white."""

from __future__ import annotations

import numpy as np
import pytest

from handdiff_addon.conditioning.camera import Camera
from handdiff_addon.conditioning.flow import (
    Flow,
    backward_flow,
    carry,
    static_points,
    warp_noise,
    warp_picture,
    warped_difference,
)
from handdiff_addon.conditioning.raster import rasterise

WIDTH, HEIGHT = 64, 48


def orthographic(x: float = 0.0) -> Camera:
    """One pixel is 0.1 m; looks along -z from z = 10, moved along x by metres."""
    view = np.eye(4)
    view[:3, 3] = -x, 0, -10
    projection = np.diag([2 / (0.1 * WIDTH), 2 / (0.1 * HEIGHT), -2 / 99.9, 1.0])
    projection[2, 3] = -100.1 / 99.9
    return Camera(view, projection, WIDTH, HEIGHT)


def perspective() -> Camera:
    view = np.eye(4)
    view[2, 3] = -10
    near, far = 0.1, 100.0
    projection = np.zeros((4, 4))
    projection[0, 0], projection[1, 1] = 2.0, 2.0 * WIDTH / HEIGHT
    projection[2, 2:] = -(far + near) / (far - near), -2 * far * near / (far - near)
    projection[0, 2] = 0.1  # a lens shift
    projection[3, 2] = -1
    return Camera(view, projection, WIDTH, HEIGHT)


def square(x: float, y: float, half: float, z: float) -> np.ndarray:
    return np.array([(x + a * half, y + b * half, z) for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))])


FACES = np.array([(0, 1, 2), (0, 2, 3)])


def test_a_square_that_moves_is_followed_and_what_it_uncovers_is_not() -> None:
    """A near square moves 8 pixels to the right over a far wall; the wall's pixels that it hid are not known."""
    camera = orthographic()
    wall = square(0, 0, 5, 0)
    triangles = np.concatenate([FACES, FACES + 4])
    then = np.concatenate([wall, square(-0.8, 0, 0.805, 2)])
    now = np.concatenate([wall, square(0.0, 0, 0.805, 2)])
    before, after = rasterise(then, triangles, camera), rasterise(now, triangles, camera)
    flow = backward_flow(after.interpolate(then[triangles]), camera, before.depth)
    x, y = np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5)
    near = after.triangle >= 2
    assert near.sum() == 16 * 16
    np.testing.assert_allclose(flow.source[near], np.stack([x - 8, y], -1)[near], atol=1e-3)
    np.testing.assert_allclose(flow.source[~near], np.stack([x, y], -1)[~near], atol=1e-3)
    uncovered = (before.triangle >= 2) & ~near
    assert uncovered.sum() == 8 * 16
    np.testing.assert_array_equal(flow.seen, ~uncovered)

    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (HEIGHT, WIDTH, 3))
    shown = warp_picture(picture, flow)
    np.testing.assert_allclose(shown[near], picture[:, np.r_[:8, : WIDTH - 8]][near], atol=0.1)
    assert np.isnan(shown[uncovered]).all()
    moved = np.where(near[..., None], np.roll(picture, 8, axis=1), picture)
    assert warped_difference(moved, picture, flow) < 0.1
    assert warped_difference(picture, picture, flow) > 5


@pytest.mark.parametrize("camera", [orthographic(0.3), perspective()], ids=["orthographic", "perspective"])
def test_what_stands_still_is_where_it_was(camera: Camera) -> None:
    depth = np.full((HEIGHT, WIDTH), np.inf, np.float32)
    depth[10:40, 5:60] = np.linspace(4, 12, 55)
    points = static_points(depth, camera)
    assert np.isnan(points[0, 0]).all()
    flow = backward_flow(points, camera, depth)
    x, y = np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5)
    inside = np.isfinite(depth)
    np.testing.assert_allclose(flow.source[inside], np.stack([x, y], -1)[inside], atol=1e-6)
    np.testing.assert_array_equal(flow.seen, inside)


def test_a_camera_that_moves_leaves_the_frame_behind() -> None:
    """A camera 5 pixels to the right: everything was 5 pixels further right before, and a rim was not in the frame."""
    before, now = orthographic(), orthographic(-0.5)
    depth = np.full((HEIGHT, WIDTH), 10.0, np.float32)
    flow = backward_flow(static_points(depth, now), before, depth)
    np.testing.assert_allclose(flow.source[..., 0], np.broadcast_to(np.arange(WIDTH) + 0.5 - 5, (HEIGHT, WIDTH)))
    assert not flow.seen[:, :5].any() and flow.seen[:, 5:].all()


def test_cells_move_as_their_middles() -> None:
    x, y = np.meshgrid(np.arange(32) + 0.5, np.arange(16) + 0.5)
    flow = Flow(np.stack([x - 8, y], -1), x > 8).at_size(8, 4)
    assert flow.source.shape == (4, 8, 2)
    np.testing.assert_array_equal(np.floor(flow.source[0, :, 0]), np.arange(8) - 2)


def test_noise_moves_along_whole_and_stays_white() -> None:
    rng = np.random.default_rng(1)
    noise, fresh = rng.standard_normal((2, 4, 64, 64))
    x, y = np.meshgrid(np.arange(64) + 0.5, np.arange(64) + 0.5)
    shift = Flow(np.stack([x - 3, y], -1), x > 3)
    warped = warp_noise(noise, shift, fresh)
    np.testing.assert_array_equal(warped[:, :, 3:], noise[:, :, :-3])
    np.testing.assert_array_equal(warped[:, :, :3], fresh[:, :, :3])

    grown = Flow(np.stack([x / 2, y / 2], -1), np.ones((64, 64), bool))
    warped = warp_noise(noise, grown, fresh)
    kept = (warped != fresh).all(axis=0)
    assert kept.sum() == 32 * 32, "each value is used once"
    for lag in ((0, 1), (1, 0), (1, 1)):
        other = np.roll(warped, lag, axis=(1, 2))
        assert abs((warped * other).mean()) < 0.04
    assert abs(warped.mean()) < 0.04 and abs(warped.std() - 1) < 0.04

    hidden = Flow(grown.source, np.zeros((64, 64), bool))
    np.testing.assert_array_equal(warp_noise(noise, hidden, fresh), fresh)
    assert np.isnan(warped_difference(np.zeros((64, 64, 3)), np.zeros((64, 64, 3)), hidden))


def test_what_lay_beside_an_outline_is_painted_anew_once_the_outline_has_gone() -> None:
    """A square has left; beside where its outline was, a painted picture would show its ghost."""
    camera = orthographic()
    here = np.full((HEIGHT, WIDTH), 10.0, np.float32)
    then = here.copy()
    then[16:32, 24:40] = 6.0
    points = static_points(here, camera)
    plain, careful = backward_flow(points, camera, then), backward_flow(points, camera, then, here, 3)
    assert plain.seen[14, 30] and not careful.seen[14, 30] and careful.seen[8, 30]
    same = backward_flow(static_points(then, camera), camera, then, then, 3)
    assert same.seen.all(), "an outline that stays is no reason to paint anew"


def test_what_was_much_smaller_then_is_painted_anew() -> None:
    depth = np.full((HEIGHT, WIDTH), 10.0, np.float32)
    now, far = orthographic(), orthographic()
    for factor, seen in ((0.7, True), (0.4, False)):
        then = Camera(far.view, far.projection * np.array([factor, factor, 1, 1])[:, None], WIDTH, HEIGHT)
        flow = backward_flow(static_points(depth, now), then, depth, depth, 1)
        assert flow.seen[20:28, 28:36].all() == seen and flow.seen.any() == seen


def test_pictures_are_carried_from_the_first_frame_that_shows_a_place() -> None:
    x, y = np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5)
    place = np.stack([x, y], axis=-1)
    first, second = Flow(place, x < 20), Flow(place, x < 40)
    pictures = [np.full((HEIGHT, WIDTH, 3), value, np.uint8) for value in (50, 90)]
    picture, known = carry(list(zip(pictures, (first, second))))
    assert (picture[:, :20] == 50).all() and (picture[:, 20:40] == 90).all() and (picture[:, 40:] == 50).all()
    np.testing.assert_array_equal(known, x < 40)
