# SPDX-License-Identifier: GPL-3.0-or-later
"""Crops hold the hand, and go out and back without moving anything."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handdiff_addon.conditioning.crops import HandCrop, cut, cut_points, hand_crops, paste, place, resize, scale_pose
from handdiff_addon.conditioning.frame import PersonPose

WIDTH, HEIGHT = 320, 240


def pose(left=None, right=None) -> PersonPose:
    """Hands as (x, y, spread): points on a diagonal across a square box."""

    def points(hand):
        if hand is None:
            return np.full((21, 2), np.nan)
        x, y, spread = hand
        return np.array([x, y]) + np.linspace(-0.5, 0.5, 21)[:, None] * spread

    hands = {"left": points(left), "right": points(right)}
    words = {side: ["visible" if np.isfinite(p).all() else "absent" for p in hand] for side, hand in hands.items()}
    return PersonPose("a", np.full((18, 2), np.nan), ["absent"] * 18, hands, words)


def mask(left: int, top: int, right: int, bottom: int) -> np.ndarray:
    result = np.zeros((HEIGHT, WIDTH), dtype=bool)
    result[top:bottom, left:right] = True
    return result


def test_a_crop_is_square_around_keypoints_and_mask_with_margin():
    (crop,) = hand_crops(pose(left=(100, 100, 40)), {"left": mask(90, 60, 110, 100)}, WIDTH, HEIGHT)
    assert crop == HandCrop(("left",), (55, 45, 145, 135))  # tight: x 80 to 120, y 60 to 120; side 60 * 1.5
    (without_margin,) = hand_crops(pose(left=(100, 100, 40)), {}, WIDTH, HEIGHT, margin=0.0)
    assert without_margin.box == (80, 80, 120, 120)


def test_hands_apart_get_a_crop_each_left_first():
    crops = hand_crops(pose(left=(250, 100, 40), right=(60, 120, 50)), {}, WIDTH, HEIGHT)
    assert [crop.sides for crop in crops] == [("left",), ("right",)]
    assert [crop.size for crop in crops] == [60, 75]


def test_overlapping_hands_share_a_crop():
    both = pose(left=(120, 100, 40), right=(150, 110, 40))
    (crop,) = hand_crops(both, {}, WIDTH, HEIGHT)
    assert crop.sides == ("left", "right")
    for points in both.hands.values():
        assert (points >= crop.box[:2]).all()
        assert (points <= crop.box[2:]).all()


def test_margins_that_touch_do_not_merge_hands():
    assert len(hand_crops(pose(left=(100, 100, 40), right=(145, 100, 40)), {}, WIDTH, HEIGHT)) == 2


def test_only_the_hands_asked_for_and_known():
    both = pose(left=(120, 100, 40), right=(150, 110, 40))
    assert [crop.sides for crop in hand_crops(both, {}, WIDTH, HEIGHT, sides=["right"])] == [("right",)]
    assert hand_crops(pose(), {}, WIDTH, HEIGHT) == []
    (crop,) = hand_crops(pose(), {"right": mask(10, 10, 30, 30)}, WIDTH, HEIGHT)
    assert crop == HandCrop(("right",), (5, 5, 35, 35))


def test_a_crop_may_stick_out_but_not_run_away():
    (crop,) = hand_crops(pose(left=(0, 0, 40)), {}, WIDTH, HEIGHT)
    assert crop.box == (-30, -30, 30, 30)
    (crop,) = hand_crops(pose(left=(0, 0, 1e7)), {}, WIDTH, HEIGHT)
    assert crop.size <= 4.5 * WIDTH


boxes = st.tuples(st.integers(-60, 340), st.integers(-60, 260), st.integers(1, 150)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[2])
)


@given(boxes)
def test_cut_and_place_at_the_box_size_are_exact(box):
    picture = np.random.default_rng(0).integers(1, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    size = box[2] - box[0]
    back = place(cut(picture, box, size), box, WIDTH, HEIGHT)
    inside = place(np.ones((size, size), dtype=bool), box, WIDTH, HEIGHT)
    np.testing.assert_array_equal(back, np.where(inside[..., None], picture, 0))
    assert inside.sum() == cut(np.ones((HEIGHT, WIDTH), dtype=bool), box, size).sum()


def test_cut_pads_pictures_with_their_edge_and_masks_with_nothing():
    picture = np.full((HEIGHT, WIDTH, 3), 7, dtype=np.uint8)
    box = (-20, -20, 20, 20)
    assert (cut(picture, box, 80) == 7).all()
    inside = cut(np.ones((HEIGHT, WIDTH), dtype=bool), box, 40)
    assert inside.dtype == bool
    assert inside.sum() == 400
    assert inside[20:, 20:].all()
    assert (picture == 7).all(), "the picture itself stays as it is"


@pytest.mark.parametrize("size", [24, 40, 96])
def test_keypoints_stay_on_what_they_mark(size):
    """A dot in the picture and its keypoint fall on one spot in the crop, whatever the crop's size."""
    picture = np.zeros((HEIGHT, WIDTH), dtype=np.float32)
    picture[100:104, 60:64] = 1.0
    box = (40, 80, 88, 128)
    crop = cut(picture, box, size)
    x, y = cut_points(np.array([62.0, 102.0]), box, size)
    grid = np.arange(size) + 0.5
    assert (crop.sum(axis=0) @ grid) / crop.sum() == pytest.approx(x, abs=0.1)
    assert (crop.sum(axis=1) @ grid) / crop.sum() == pytest.approx(y, abs=0.1)


def test_paste_through_a_soft_mask():
    canvas = np.random.default_rng(1).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    before = canvas.copy()
    patch = np.full((64, 64, 3), 200, dtype=np.uint8)
    weight = np.zeros((64, 64), dtype=np.float32)
    weight[16:48, 16:48] = 0.5
    weight[24:40, 24:40] = 1.0
    box = (280, 100, 344, 164)
    pasted = paste(canvas, patch, box, weight)
    np.testing.assert_array_equal(canvas, before)
    assert (pasted[124:140, 304:] == 200).all()
    inside = place(weight, box, WIDTH, HEIGHT)
    np.testing.assert_array_equal(pasted[inside == 0], canvas[inside == 0])
    half = inside == 0.5
    np.testing.assert_allclose(pasted[half], (canvas[half] + 200.0) / 2, atol=0.51)


def test_paste_of_a_box_outside_changes_nothing_and_without_mask_all():
    canvas = np.zeros((50, 50, 3), dtype=np.uint8)
    patch = np.full((10, 10, 3), 9, dtype=np.uint8)
    assert not paste(canvas, patch, (60, 60, 80, 80)).any()
    assert (paste(canvas, patch, (10, 10, 30, 30))[10:30, 10:30] == 9).all()
    assert paste(np.zeros((50, 50), dtype=np.float32), patch[..., 0] / 9.0, (0, 0, 10, 10)).sum() == pytest.approx(100)


def test_resize_keeps_kinds_and_areas():
    fine = np.zeros((60, 60), dtype=bool)
    fine[12:48, 12:48] = True
    for size in (20, 37, 180):
        coarse = resize(fine, size, size)
        assert coarse.dtype == bool
        assert coarse.mean() == pytest.approx(fine.mean(), abs=0.05)
    for dtype in (np.uint8, np.float32):
        for shape in ((20, 30), (20, 30, 3), (20, 30, 11)):
            resized = resize(np.ones(shape, dtype=dtype), 45, 15)
            assert resized.shape == (15, 45, *shape[2:])
            assert resized.dtype == dtype
            np.testing.assert_allclose(resized, 1)


def test_half_covered_counts_as_inside():
    fine = np.zeros((30, 30), dtype=bool)
    fine[10, 10] = True  # a ninth of a coarse pixel
    fine[21:24, 18:20] = True  # two thirds of one
    coarse = resize(fine, 10, 10)
    assert not coarse[3, 3]
    assert coarse.sum() == 1


def test_scale_pose():
    small = scale_pose(pose(left=(160, 120, 40)), (WIDTH, HEIGHT), (160, 60))
    np.testing.assert_allclose(small.hands["left"][10], [80, 30])
    assert small.hand_visibility["right"] == ["absent"] * 21
