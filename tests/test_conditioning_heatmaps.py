# SPDX-License-Identifier: GPL-3.0-or-later
"""Heatmaps put each finger where it is, in its own channel."""

from __future__ import annotations

import numpy as np
import pytest

from handdiff_addon.conditioning.heatmaps import hand_heatmaps


def hand(offset: float = 0.0) -> np.ndarray:
    """21 distinct points inside a 64 px crop."""
    index = np.arange(21)
    return np.stack([4.5 + 2.5 * index + offset, 60.5 - 2 * index], axis=1)


@pytest.mark.parametrize(("side", "first"), [("right", 0), ("left", 5)])
def test_each_finger_has_its_channel(side, first):
    maps = hand_heatmaps({side: hand()}, 64, 64)
    assert maps.shape == (11, 64, 64)
    assert maps.dtype == np.float32
    filled = [channel for channel in range(11) if maps[channel].any()]
    assert filled == [*range(first, first + 5), 10]
    for finger in range(5):
        for x, y in hand()[1 + 4 * finger : 5 + 4 * finger]:
            assert maps[first + finger, int(y), int(x)] > 0.85
    x, y = hand()[0]
    assert np.unravel_index(maps[10].argmax(), (64, 64)) == (int(y), int(x))


def test_channels_reach_one_and_stay_in_range():
    maps = hand_heatmaps({"left": hand(), "right": hand(3.3)}, 64, 24)
    assert maps.max(axis=(1, 2)) == pytest.approx(np.ones(11))
    assert maps.min() >= 0


def test_wrists_share_a_channel():
    maps = hand_heatmaps({"left": hand(), "right": hand(5.0)}, 64, 64)
    assert maps[10, 60, 4] == pytest.approx(1)
    assert maps[10, 60, 9] == pytest.approx(1)


def test_the_grid_scales_with_the_crop():
    """A point in the middle of the crop lies in the middle of every grid, between its pixels."""
    points = np.full((21, 2), 50.0)
    maps = hand_heatmaps({"right": points}, 100, 8)
    np.testing.assert_allclose(maps[0], maps[0][::-1, ::-1], atol=1e-6)
    np.testing.assert_allclose(maps[0, 3:5, 3:5], 1, atol=1e-6)


def test_absent_points_and_hands_leave_channels_empty():
    points = hand()
    points[1:5] = np.nan
    maps = hand_heatmaps({"left": points}, 64, 32)
    assert not maps[5].any()
    assert maps[6].any()
    assert not hand_heatmaps({}, 64, 32).any()


def test_points_outside_are_not_drawn_up_to_the_rim():
    points = np.full((21, 2), np.nan)
    points[1:5] = [-2.0, 30.0]
    maps = hand_heatmaps({"right": points}, 64, 64)
    assert 0 < maps[0].max() < 0.2
    points[1:5] = [-500.0, 30.0]
    assert not hand_heatmaps({"right": points}, 64, 64).any()
