# SPDX-License-Identifier: GPL-3.0-or-later
"""Sequential mask expansion: the kept hand region starts generous, shrinks, keeps every finger, and is released."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from handdiff_addon.diffusion.expansion import dilate, erode, kept_regions
from handdiff_addon.errors import UsageError
from handdiff_addon.request import ExpansionSettings


def even(steps: int) -> list[float]:
    return [(step + 1) / steps for step in range(steps)]


def hand_mask() -> np.ndarray:
    mask = np.zeros((128, 128), bool)
    mask[48:88, 40:80] = True
    for finger in range(4):
        mask[16:48, 40 + 10 * finger : 46 + 10 * finger] = True
    return mask


def test_the_region_starts_with_a_rim_shrinks_in_steps_and_is_released():
    kept = kept_regions(hand_mask(), 8, ExpansionSettings(start=0.4, end=0.8, expansions=2, cells=1, rim=2), even(20))
    areas = [None if region is None else int(region.sum()) for region in kept]
    assert all(areas[index] == areas[0] for index in range(8))  # steps before start
    assert areas[16:] == [None] * 4  # the free phase after end
    assert len(set(areas[8:16])) == 2  # two expansions
    assert areas[0] > areas[8] > areas[15] > 0


def test_the_first_region_holds_the_whole_hand_and_a_ring_of_one_cell():
    first = kept_regions(hand_mask(), 8, ExpansionSettings(rim=1), even(10))[0]
    assert first is not None
    touched = hand_mask().reshape(16, 8, 16, 8).any((1, 3))
    rows, columns = np.nonzero(touched)
    for row, column in zip(rows, columns, strict=True):
        assert first[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2].all()


def test_no_hand_keeps_nothing():
    assert kept_regions(np.zeros((64, 64), bool), 8, ExpansionSettings(), even(5)) == [None] * 5


def test_the_region_shrinks_by_how_much_is_denoised_and_not_by_how_many_steps():
    """A schedule that leaves little noise after its first step must not hold the rim until it is done."""
    kept = kept_regions(hand_mask(), 8, ExpansionSettings(start=0.4, end=0.85, rim=2), [0.7, 0.8, 0.9, 1.0])
    wide = kept_regions(hand_mask(), 8, ExpansionSettings(rim=2), even(20))[0]
    assert wide is not None and kept[0] is not None
    assert kept[0].sum() < wide.sum()
    assert kept[2] is not None and kept[2].sum() == kept[1].sum()  # it begins before the end, where noise is left
    assert kept[3] is None


def test_without_a_free_phase_the_hands_are_kept_to_the_last_step():
    for progress in (even(4), [0.5, 1.0, 1.0]):  # some schedules have their last step at no noise
        assert kept_regions(hand_mask(), 8, ExpansionSettings(start=0.4, end=1.0), progress)[-1] is not None


@settings(max_examples=60)
@given(
    mask=st.integers(0, 2**32 - 1),
    start=st.floats(0, 1),
    length=st.floats(0, 1),
    expansions=st.integers(0, 6),
    cells=st.integers(0, 4),
    rim=st.integers(0, 3),
    steps=st.integers(1, 40),
)
def test_a_kept_region_never_grows_and_never_loses_a_cell_full_of_hand(
    mask, start, length, expansions, cells, rim, steps
):
    rng = np.random.default_rng(mask)
    coarse = rng.random((8, 8)) < 0.3
    hands = np.kron(coarse, np.ones((8, 8), bool)).astype(bool)
    choice = ExpansionSettings(start=start, end=min(1.0, start + length), expansions=expansions, cells=cells, rim=rim)
    kept = kept_regions(hands, 8, choice, even(steps))
    assert len(kept) == steps
    before = np.ones((8, 8), bool)
    for region in kept:
        if region is None:
            region = np.zeros((8, 8), bool)
        else:
            assert (region | ~coarse).all()
        assert not (region & ~before).any()
        before = region


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), height=st.integers(1, 30), width=st.integers(1, 30), cells=st.integers(0, 12))
def test_growing_and_shrinking_are_those_of_a_square_brush(seed, height, width, cells):
    """As Pillow's rank filters have them, which take a hundred times as long with a large brush."""
    rng = np.random.default_rng(seed)
    region = rng.random((height, width)) < rng.random()
    brush = 2 * cells + 1
    room = ((cells, cells), (cells, cells))
    for change, beyond, rank in ((dilate, False, ImageFilter.MaxFilter), (erode, True, ImageFilter.MinFilter)):
        padded = Image.fromarray(np.pad(region, room, constant_values=beyond).astype(np.uint8))
        expected = np.asarray(padded.filter(rank(brush)))[cells : cells + height, cells : cells + width] > 0
        assert np.array_equal(change(region, cells), expected)


@pytest.mark.parametrize("wrong", [{"start": 0.9, "end": 0.2}, {"end": 1.5}, {"expansions": -1}, {"rim": 999}])
def test_settings_out_of_range_are_refused_with_a_remedy(wrong):
    with pytest.raises(UsageError, match="give"):
        ExpansionSettings(**wrong)
