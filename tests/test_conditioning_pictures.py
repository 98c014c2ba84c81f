# SPDX-License-Identifier: GPL-3.0-or-later
"""Depth of hands, metric depth, normals and segmentation as pictures, against the published conventions."""

from __future__ import annotations

import numpy as np
import pytest

from handdiff_addon.conditioning.depth import hand_depth_picture, metric_depth_picture
from handdiff_addon.conditioning.normals import normal_picture
from handdiff_addon.conditioning.segmentation import segmentation_picture


def test_each_hand_has_its_own_range_from_255_to_51() -> None:
    depth = np.array([[1.0, 1.05, 1.1, 3.0, 3.4, 2.0, np.inf]], dtype=np.float32)
    left = np.array([[True, True, True, False, False, False, False]])
    right = np.array([[False, False, False, True, True, False, False]])
    picture = hand_depth_picture(depth, [left, right])
    # HandRefiner: 255 * (1 - 0.8 * (d - min) / (max - min)), per hand
    np.testing.assert_array_equal(picture, [[255, 153, 51, 255, 51, 0, 0]])
    assert picture.dtype == np.uint8


def test_the_nearer_hand_is_painted_over_the_farther_one() -> None:
    depth = np.array([[1.0, 1.2, 5.0, 5.2]])
    near, far = np.array([[True, True, False, False]]), np.array([[False, True, True, True]])
    expected = [[255, 51, 255 - round(204 * 3.8 / 4.0), 51]]
    np.testing.assert_array_equal(hand_depth_picture(depth, [near, far]), expected)
    np.testing.assert_array_equal(hand_depth_picture(depth, [far, near]), expected)


def test_hands_that_are_flat_empty_or_nowhere() -> None:
    depth = np.array([[2.0, 2.0, np.inf]])
    flat, empty, nowhere = (np.array([mask]) for mask in ([True, True, False], [False] * 3, [False, False, True]))
    np.testing.assert_array_equal(hand_depth_picture(depth, [flat, empty, nowhere]), [[255, 255, 0]])
    assert not hand_depth_picture(depth, []).any()


def test_metric_depth_is_in_millimetres() -> None:
    depth = np.array([[1.2344, 65.535, 70.0, 0.0001, -3.0, np.inf]])
    picture = metric_depth_picture(depth)
    assert picture.dtype == np.uint16
    np.testing.assert_array_equal(picture, [[1234, 65535, 65535, 1, 1, 0]])


@pytest.mark.parametrize(
    ("normal", "colour"),
    [
        ((0, 0, 1), (128, 128, 255)),  # to the camera: blue
        ((-1, 0, 0), (255, 128, 128)),  # to the picture's left: red
        ((0, 1, 0), (128, 255, 128)),  # up: green
        ((1, 0, 0), (0, 128, 128)),
        ((0, 0, 0), (128, 128, 255)),  # nothing there
    ],
)
def test_normals_have_the_colours_of_normalbae(normal: tuple[float, ...], colour: tuple[int, ...]) -> None:
    picture = normal_picture(np.array([[normal]], dtype=np.float32))
    assert picture.dtype == np.uint8 and tuple(picture[0, 0]) == colour


def test_people_have_ade20ks_colour() -> None:
    mask = np.array([[True, False]])
    np.testing.assert_array_equal(segmentation_picture(mask), [[(150, 5, 61), (0, 0, 0)]])
