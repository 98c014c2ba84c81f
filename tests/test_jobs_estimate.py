# SPDX-License-Identifier: GPL-3.0-or-later
"""Time left: unknown until a step's cost is known, then the pace of the steps."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from handdiff_addon.jobs.estimate import Estimate
from handdiff_addon.request import GenerationRequest

REQUEST = GenerationRequest("p", hand_steps=4, steps=8)


def test_the_first_run_learns_as_it_goes() -> None:
    estimate = Estimate.of(REQUEST)
    assert estimate.left(0.0) is None and estimate.fraction == 0.0
    estimate.take("hands", 1, 4, 10.0)
    assert estimate.left(10.0) is None
    estimate.take("hands", 2, 4, 12.0)
    assert estimate.left(12.0) == 2 * 2 + 8 * 2
    assert estimate.left(13.0) == 19
    estimate.take("hands", 4, 4, 16.0)
    for step in range(1, 5):
        estimate.take("body", step, 8, 16.0 + step)
    assert estimate.left(20.0) == 4 and estimate.costs == {"hands": 2.0, "body": 1.0}
    estimate.take("finishing", 0, 1, 24.0)
    assert estimate.left(99.0) == 0.0


def test_a_later_run_knows_at_once_what_comes() -> None:
    estimate = Estimate.of(REQUEST, {"hands": 2.0, "body": 0.5})
    assert estimate.left(0.0) is None, "the model loads first, and how long that takes is not known"
    estimate.take("hands", 1, 4, 5.0)
    assert estimate.left(5.0) == 3 * 2.0 + 8 * 0.5


def test_a_single_stage_has_one() -> None:
    assert Estimate.of(GenerationRequest("p", steps=8, two_stages=False)).steps == {"body": 8}


@given(st.lists(st.floats(0.01, 100), min_size=12, max_size=12), st.booleans())
def test_the_bar_never_runs_back_far_and_ends_full(pauses: list[float], known: bool) -> None:
    estimate = Estimate.of(REQUEST, {"hands": 1.0, "body": 1.0} if known else None)
    now = 0.0
    for index, pause in enumerate(pauses):
        now += pause
        estimate.take(
            "hands" if index < 4 else "body", index + 1 if index < 4 else index - 3, 4 if index < 4 else 8, now
        )
        assert 0.0 < estimate.fraction <= 1.0
        assert (estimate.left(now) or 0.0) >= 0.0
    assert estimate.fraction == 1.0 and estimate.left(now) == 0.0
