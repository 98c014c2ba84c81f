# SPDX-License-Identifier: GPL-3.0-or-later
"""Steady animations: what each frame is painted from, whoever paints it and however often the run is stopped."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from handdiff_addon.conditioning.flow import Flow
from handdiff_addon.conditioning.frame import Conditioning
from handdiff_addon.errors import ModelError, OutputError
from handdiff_addon.jobs.batch import BatchFolder, Paint, paint_frames
from handdiff_addon.jobs.metadata import mark_box
from handdiff_addon.jobs.steady import SPACING, Step, plan
from handdiff_addon.request import GenerationRequest, GenerationResult
from tests.batches import HEIGHT, WIDTH, drive, painted, person_frame

REQUEST = GenerationRequest("a person")


def test_keyframes_come_first_and_every_frame_looks_back_at_the_first() -> None:
    steps = {step.frame: step.sources for step in plan([range(1, 31)])}
    assert list(steps)[:4] == [1, 13, 2, 3] and len(steps) == 30
    assert steps[1] == () and steps[13] == (1,) and steps[25] == (1, 13) and steps[30] == (1, 25)
    assert steps[2] == (1, 13) and steps[3] == (1, 13, 2)
    assert steps[20] == (1, 13, 25, 19)


@given(
    st.lists(st.integers(1, 3 * SPACING), max_size=4).map(
        lambda lengths: [list(range(1000 * i, 1000 * i + length)) for i, length in enumerate(lengths)]
    ),
    st.integers(1, 5),
)
def test_every_frame_comes_once_after_all_that_it_is_painted_from(takes: list[list[int]], together: int) -> None:
    steps = plan(takes, together)
    done: set[int] = set()
    for step in steps:
        assert set(step.sources) <= done, "a frame is painted before one that it looks at"
        assert {source // 1000 for source in step.sources} <= {step.frame // 1000}, "it looks across a cut"
        done.add(step.frame)
    assert sorted(done) == sorted(frame for take in takes for frame in take) and len(steps) == len(done)
    assert {step.frame: step for step in steps} == {step.frame: step for step in plan(takes, 1)}


def test_workers_side_by_side_wait_for_no_neighbour() -> None:
    order = [step.frame for step in plan([range(1, 50)], together=2)]
    assert order[:4] == [1, 13, 2, 3]
    assert order[order.index(25) :][:6] == [25, 37, 14, 26, 15, 27]


def shifted(number: int, sources: Sequence[int]) -> Conditioning:
    """A frame in which everything lies 3 pixels further right than in the one before."""
    frame = person_frame(number)
    x, y = np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5)
    for source in sources:
        place = np.stack([x - 3 * (number - source), y], axis=-1)
        frame.earlier[source] = Flow(place, (place[..., 0] >= 0) & (place[..., 0] < WIDTH))
    return frame


def carried(request: GenerationRequest, conditioning: Conditioning) -> GenerationResult:
    """What is held, and in the other pixels a colour that tells frame and seed."""
    assert not conditioning.earlier
    result = painted(request, conditioning)
    picture = np.full((HEIGHT, WIDTH, 3), (conditioning.frame, request.seed, 200), np.uint8)
    if conditioning.held is not None:
        picture = np.where(conditioning.held.mask[..., None], conditioning.held.picture, picture)
    return dataclasses.replace(result, image=Image.fromarray(picture))


def paint(
    folder: Path, steps: list[Step], work: Paint = carried, request: GenerationRequest = REQUEST, workers: int = 1
) -> None:
    with BatchFolder(folder) as batch:
        batch.begin({})
        finished = batch.finished()
        frames = [(request, shifted(step.frame, step.sources)) for step in steps if step.frame not in finished]
        drive(paint_frames(batch, frames, work, workers=workers))


def pictures(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "image").iterdir())}


def pixels(folder: Path, frame: int) -> np.ndarray:
    return np.asarray(Image.open(folder / "image" / f"{frame:04d}.png").convert("RGB"))


def test_pictures_move_along_and_only_what_comes_into_view_is_painted(tmp_path: Path) -> None:
    paint(tmp_path, plan([range(1, 6)]))
    last = pixels(tmp_path, 5)
    assert (last[:, 12:, 0] == 1).all(), "the first frame's picture, moved"
    assert (last[:, :12, 0] == 5).all(), "the keyframe's own, which is painted before those in between"
    middle = pixels(tmp_path, 3)
    assert (middle[:, 6:, 0] == 1).all() and (middle[:, :6, 0] == 5).all(), "it agrees with the keyframe after it"


@pytest.mark.parametrize("workers", [1, 3])
def test_a_stopped_run_and_many_workers_paint_the_same(tmp_path: Path, workers: int) -> None:
    takes = [range(1, 30)]
    paint(tmp_path / "whole", plan(takes))
    left = threading.Semaphore(9)

    def fails(request: GenerationRequest, conditioning: Conditioning) -> GenerationResult:
        if not left.acquire(blocking=False):
            raise ModelError("The model is broken: choose another.")
        return carried(request, conditioning)

    with pytest.raises(ModelError):
        paint(tmp_path / "parts", plan(takes, workers), fails, workers=workers)
    assert 0 < len(pictures(tmp_path / "parts")) < 29
    paint(tmp_path / "parts", plan(takes, workers), workers=workers)
    assert pictures(tmp_path / "parts") == pictures(tmp_path / "whole")


def test_frames_of_other_words_begin_anew(tmp_path: Path) -> None:
    steps = [Step(1), Step(2, (1,))]
    with BatchFolder(tmp_path) as batch:
        batch.begin({})
        frames = [(REQUEST, shifted(1, ())), (dataclasses.replace(REQUEST, prompt="a dancer"), shifted(2, (1,)))]
        drive(paint_frames(batch, frames, carried))
    assert (pixels(tmp_path, 2)[..., 0] == 2).all()
    paint(tmp_path / "seed", steps, request=dataclasses.replace(REQUEST, seed=7))
    assert (pixels(tmp_path / "seed", 2)[:, 3:] == (1, 7, 200)).all()


def test_the_visible_mark_is_not_carried_along(tmp_path: Path) -> None:
    seen: list[np.ndarray] = []

    def work(request: GenerationRequest, conditioning: Conditioning) -> GenerationResult:
        if conditioning.held is not None:
            seen.append(conditioning.held.mask)
        return carried(request, conditioning)

    paint(tmp_path, [Step(1), Step(2, (1,))], work, dataclasses.replace(REQUEST, mark=True))
    left, top, _, bottom = mark_box((WIDTH, HEIGHT))
    (mask,) = seen
    assert not mask[top:bottom, left + 3 :].any() and mask[: top - 2, 3:].all()


def test_a_frame_that_others_need_and_cannot_be_read_is_named(tmp_path: Path) -> None:
    paint(tmp_path, [Step(1)])
    (tmp_path / "frames" / "0001" / "image.png").write_bytes(b"no picture")
    with pytest.raises(OutputError, match="0001, from which others are painted, cannot be read"):
        paint(tmp_path, [Step(1), Step(2, (1,))])
