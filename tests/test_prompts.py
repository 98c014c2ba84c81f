# SPDX-License-Identifier: GPL-3.0-or-later
"""Prompts over time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handdiff_addon.errors import UsageError
from handdiff_addon.prompts import marker_prompts, prompt_at, read_prompts


def test_lines_markers_and_frames_between() -> None:
    prompts = read_prompts("# film\n20: running: fast\n\n 1 : walking\n  slowly\n-5:\n")
    assert prompts == [(-5, ""), (1, "walking slowly"), (20, "running: fast")]
    assert [prompt_at(prompts, frame, "none") for frame in (-6, -5, 0, 1, 19, 20, 99)] == [
        "none", "", "", "walking slowly", "walking slowly", "running: fast", "running: fast",
    ]  # fmt: skip
    markers = [(9, "Prompt : waving"), (4, "camera 2"), (1, "prompt:standing"), (5, "prompts: no")]
    assert marker_prompts(markers) == [(1, "standing"), (9, "waving")]


def test_a_first_line_without_a_frame_is_refused_with_the_remedy() -> None:
    with pytest.raises(UsageError, match='Line 2 of the prompts names no frame: write it as "1: walking"'):
        read_prompts("\nwalking")


@given(st.dictionaries(st.integers(-999, 999), st.text("abc: ,", max_size=20).map(str.strip), max_size=8))
def test_what_is_written_is_what_holds(prompts: dict[int, str]) -> None:
    read = read_prompts("\n".join(f"{frame}: {text}" for frame, text in prompts.items()))
    assert read == sorted(prompts.items())
    for frame, text in prompts.items():
        assert prompt_at(read, frame) == text
