# SPDX-License-Identifier: GPL-3.0-or-later
"""Confidence intervals, paired comparisons, and distances between sets of features."""

from __future__ import annotations

import math

import numpy as np
import pytest

from handdiff_addon.evaluation.statistics import (
    Tally,
    estimate,
    estimate_difference,
    estimate_ratio,
    kernel_distance,
)


def test_a_mean_is_over_things_and_not_over_pictures() -> None:
    value = estimate(Tally.of([(2, 2), (0, 1), (0, 0)]))
    assert value.value == pytest.approx(2 / 3)
    assert value.count == 2
    assert value.low <= value.value <= value.high


def test_nothing_to_tell_from_is_nan() -> None:
    for value in (estimate(Tally.of([])), estimate(Tally.of([(0, 0), (0, 0)]))):
        assert math.isnan(value.value) and math.isnan(value.low) and value.count == 0


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(200):
        value = estimate(Tally.of([(float(hit), 1) for hit in rng.random(80) < 0.7]))
        held += value.low <= 0.7 <= value.high
    assert 0.88 <= held / 200 <= 0.99


def test_two_hands_of_one_picture_do_not_count_as_independent() -> None:
    outcomes = np.random.default_rng(1).random(60) < 0.6
    together = estimate(Tally.of([(2.0 * hit, 2) for hit in outcomes]))
    apart = estimate(Tally.of([(float(hit), 1) for hit in np.repeat(outcomes, 2)]))
    assert together.value == apart.value
    assert together.high - together.low > 1.2 * (apart.high - apart.low)


def test_comparisons_are_paired_by_picture() -> None:
    hard = np.random.default_rng(2).random(100)  # pictures differ widely, the two methods by 0.1 throughout
    first, second = Tally.of([(h, 1) for h in hard]), Tally.of([(h + 0.1, 1) for h in hard])
    difference = estimate_difference(second, first)
    assert difference.value == pytest.approx(0.1)
    assert difference.high - difference.low < 1e-9
    ratio = estimate_ratio(Tally.of([(2 * h, 1) for h in hard]), first)
    assert (ratio.value, ratio.low, ratio.high) == pytest.approx((2.0, 2.0, 2.0))


def test_the_kernel_distance_is_the_unbiased_estimate_spelled_out() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(6, 4)), rng.normal(0.5, 1.0, (6, 4))
    longer = rng.uniform(0.5, 2.0, (6, 1))  # a row's length does not count
    x, y = (rows / np.linalg.norm(rows, axis=1, keepdims=True) * 2.0 for rows in (x, y))  # mean square 1

    def k(a: np.ndarray, b: np.ndarray) -> float:
        return float((sum(a * b) / 4 + 1) ** 3)

    pairs = [(i, j) for i in range(6) for j in range(6) if i != j]
    expected = sum(k(x[i], x[j]) + k(y[i], y[j]) - k(x[i], y[j]) - k(x[j], y[i]) for i, j in pairs) / 30
    mean, spread = kernel_distance(x * longer, y)  # a subset holds all six
    assert mean == pytest.approx(expected)
    assert spread == pytest.approx(0.0, abs=1e-12)


def test_the_kernel_distance_tells_other_sets_from_alike_ones() -> None:
    rng = np.random.default_rng(4)
    one, alike, other = rng.normal(size=(300, 8)), rng.normal(size=(300, 8)), rng.normal(0.7, 1.0, (300, 8))
    assert abs(kernel_distance(alike, one)[0]) < 0.1 * kernel_distance(other, one)[0]
    assert abs(kernel_distance(one + 1e-3, one)[0]) < 0.01 * kernel_distance(other, one)[0]  # pairs do not spoil it
    assert math.isnan(kernel_distance(one[:1], other[:1])[0])
