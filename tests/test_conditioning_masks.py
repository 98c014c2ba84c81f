# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks and visibility say what the camera sees; depth shows it as ControlNets expect."""

from __future__ import annotations

import numpy as np
import pytest

from handdiff_addon.conditioning.depth import depth_picture
from handdiff_addon.conditioning.frame import PersonPose
from handdiff_addon.conditioning.masks import BODY, LEFT_HAND, NOTHING, RIGHT_HAND, classify_keypoints, triangle_mask
from handdiff_addon.conditioning.raster import rasterise
from tests.cameras import looking_down


def walls(*rows: tuple[float, float, float, int, int]):
    """A raster of upright walls (x from, x to, z, part, person), with each triangle's part and person."""
    vertices, triangles, parts, people = [], [], [], []
    for index, (left, right, z, part, person) in enumerate(rows):
        vertices += [(left, -1, z), (right, -1, z), (right, 1, z), (left, 1, z)]
        triangles += [(4 * index, 4 * index + 1, 4 * index + 2), (4 * index, 4 * index + 2, 4 * index + 3)]
        parts += [part] * 2
        people += [person] * 2
    raster = rasterise(np.array(vertices, dtype=float), np.array(triangles), looking_down())
    return raster, np.array(parts), np.array(people)


def word(scene, point, part=BODY, radius=0.1, person=0):
    pixels, depths = looking_down().project(np.array([point], dtype=float))
    return classify_keypoints(pixels, depths, np.array([radius]), np.array([part]), person, *scene, near=0.1)[0]


SKIN = (-0.5, 0.5, 0.0, BODY, 0)


def test_a_joint_under_its_own_skin_is_visible():
    assert word(walls(SKIN), (0, 0, -0.05)) == "visible"


def test_a_joint_deeper_than_its_radius_is_occluded():
    assert word(walls(SKIN), (0, 0, -0.3)) == "occluded"
    assert word(walls(SKIN), (0, 0, -0.3), radius=0.4) == "visible"


def test_another_part_before_a_joint_hides_it_even_within_the_radius():
    hand_before = walls(SKIN, (-0.5, 0.5, 0.03, LEFT_HAND, 0))
    assert word(hand_before, (0, 0, -0.02)) == "occluded"
    assert word(hand_before, (0, 0, -0.02), part=LEFT_HAND) == "visible"
    assert word(hand_before, (0, 0, -0.02), part=RIGHT_HAND) == "occluded"
    assert word(hand_before, (0, 0, -0.02), part=NOTHING) == "visible", "a wrist may lie under either part"


@pytest.mark.parametrize("owner", [-1, 1])
def test_objects_and_other_people_hide_joints(owner):
    scene = walls(SKIN, (-0.5, 0.5, 0.03, BODY if owner == 1 else NOTHING, owner))
    assert word(scene, (0, 0, -0.02)) == "occluded"
    assert word(scene, (0, 0, 0.2)) == "visible", "what stands behind the joint hides nothing"


def test_where_nothing_is_a_joint_is_visible():
    assert word(walls(SKIN), (0.8, 0, 0)) == "visible"


def test_outside_behind_absent():
    scene = walls(SKIN)
    assert word(scene, (1.2, 0, 0)) == "outside"
    assert word(scene, (0, -1.01, 0)) == "outside"
    assert word(scene, (0, 0, 5.5)) == "behind"
    assert word(scene, (0, 0, 4.95)) == "behind", "before the near plane"
    assert word(scene, (np.nan, np.nan, np.nan)) == "absent"


def test_a_pose_has_no_pixels_for_points_behind():
    pose = PersonPose("a", np.ones((18, 2)), ["behind", "absent", *["outside"] * 16], {}, {})
    assert np.isnan(pose.body[:2]).all()
    assert np.isfinite(pose.body[2:]).all()


def test_masks_hold_what_is_seen_not_what_is_there():
    """A hand half behind the body counts by its visible half."""
    body, hand, other = (-1.0, 0.0, 0.5, BODY, 0), (-0.5, 0.5, 0.0, LEFT_HAND, 0), (0.5, 1.0, 0.0, LEFT_HAND, 1)
    raster, part, person = walls(body, hand, other)
    mask = triangle_mask(raster, (part == LEFT_HAND) & (person == 0))
    assert mask.dtype == bool
    assert mask[:, 50:75].all()
    assert mask.sum() == 25 * 100
    assert triangle_mask(raster, person == 0).sum() == 75 * 100
    assert not triangle_mask(raster, part == RIGHT_HAND).any()


def test_depth_grows_brighter_toward_the_camera():
    depth = np.array([[1.0, 2.0, 4.0, np.inf]])
    picture = depth_picture(depth)
    assert picture.dtype == np.uint8
    assert picture[0, 0] == 255
    assert picture[0, 3] == 0
    assert picture[0, 0] > picture[0, 1] > picture[0, 2] > 0
    assert picture[0, 1] - picture[0, 2] < picture[0, 0] - picture[0, 1], "inverse depth, like MiDaS"


def test_the_subject_sets_the_range():
    depth = np.array([[0.5, 2.0, 2.2, 2.4, 9.0, np.inf]])
    subject = np.array([[False, True, True, True, False, False]])
    picture = depth_picture(depth, subject)[0]
    assert picture[1] == 255
    assert picture[0] == 255
    assert picture[3] > picture[4]
    assert picture[5] == 0
    assert picture[1] - picture[3] > 200
    np.testing.assert_array_equal(depth_picture(depth, np.zeros_like(subject)), depth_picture(depth))


@pytest.mark.parametrize("depth", [[[np.inf, np.inf]], [[3.0, np.inf]], [[-2.0, 4.0]], [[0.0, 1.0]]])
def test_depth_of_odd_scenes(depth):
    depth = np.array(depth)
    picture = depth_picture(depth)
    assert (picture[np.isinf(depth)] == 0).all()
    if np.isfinite(depth).any():
        assert picture.flat[depth.argmin()] == 255
