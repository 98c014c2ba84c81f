# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of this Blender session: the runs that wait and go on, and the timer that takes their news in.

Everything here lives on the main thread, and names scenes and objects instead of pointing at them: files are closed,
steps undone and objects deleted while a run goes on.  A run has two parts.  Its passes are made in turns, those that
need Blender here and the others on the first worker; then the second worker paints, one run after the other.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import bpy

from ..handdiff_addon.errors import Cancelled, HandDiffError
from ..handdiff_addon.jobs.estimate import Estimate
from ..handdiff_addon.jobs.worker import Event, Job, Worker, explain
from ..handdiff_addon.request import GenerationRequest
from . import live

if TYPE_CHECKING:
    from ..handdiff_addon.conditioning.frame import Conditioning
    from ..handdiff_addon.jobs.batch import Waiting
    from ..handdiff_addon.scene.passes import Steps

T = TypeVar("T")
INTERVAL = 0.1
STAGES = {
    "passes": "Looking at the pose",
    "rendering": "Rendering the frame",
    "waiting": "Waiting",
    "loading": "Loading the model",
    "hands": "Painting hands",
    "body": "Painting body",
    "upscaling": "Upscaling",
    "finishing": "Finishing",
}


@dataclass
class Finished:
    """What a generation hands back to the main thread, its files already written."""

    folder: Path
    seconds: float


Paint = Callable[[Job, "Conditioning"], Finished]
_numbers = itertools.count(1)


@dataclass
class Run:
    """A generation that waits or goes on."""

    request: GenerationRequest
    turns: Steps
    paint: Paint
    blend: str
    """The file it belongs to, empty while unsaved."""
    estimate: Estimate
    number: int = field(default_factory=lambda: next(_numbers))
    job: Job | None = None
    stage: str = "passes"
    step: int = 0
    steps: int = 0
    started: float = field(default_factory=time.monotonic)

    @property
    def stopping(self) -> bool:
        return self.job is not None and self.job.cancelled()

    @property
    def text(self) -> str:
        """Stage, step and time left, for the progress bar."""
        if self.stopping:
            return "Stopping"
        count = f" {self.step}/{self.steps}" if self.steps > 1 else ""
        left = self.estimate.left(time.monotonic())
        stage = "rendering" if self.stage == "passes" and bpy.app.is_job_running("RENDER") else self.stage
        return f"{STAGES[stage]}{count}" + ("" if left is None else f", {clock(left)} left")

    @property
    def fraction(self) -> float:
        return 1.0 if self.stage == "finishing" else self.estimate.fraction


runs: list[Run] = []
"""Those that have not ended, in their order"""
message: str = ""
failed: bool = False
latest: Finished | None = None
finished: int = 0
"""How many runs have finished: tells the history that there is something new"""
_reader = Worker("handdiff-passes")
_painter = Worker("handdiff-painter")
_costs: dict[str, float] = {}
"""Seconds per step, as the latest run took"""


def clock(seconds: float) -> str:
    """A duration as minutes and seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def start(request: GenerationRequest, turns: Steps, paint: Paint) -> Run:
    """Begin a run: the first turn is taken at once, so that what it refuses reaches who asked.

    Raises:
        HandDiffError: where the first turn refuses.
    """
    global message, failed
    run = Run(request, turns, paint, bpy.data.filepath, Estimate.of(request, _costs))
    _advance(run, None)
    message, failed = "", False
    runs.append(run)
    if not bpy.app.background and not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=INTERVAL, persistent=True)
    redraw()
    return run


def in_turn(work: Callable[[], Any]) -> Future:
    """Let the painting thread do something between two runs, without telling of it; its result comes by the future."""
    return _quietly(_painter, work)


def painting() -> bool:
    """Whether the painting thread has something to do: a run, an animation's frame, a further view."""
    return bool(runs) or _painter.busy


def aside(work: Callable[[], Any]) -> Future:
    """The same on the thread that makes passes."""
    return _quietly(_reader, work)


def _quietly(worker: Worker, work: Callable[[], Any]) -> Future:
    future: Future = Future()

    def do(_job: Job) -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    worker.submit("", do)
    return future


def by_turns(
    turns: Generator[Callable[[], Any], Any, T], hand_on: Callable[[Callable[[], Any]], Future] = aside
) -> Generator[Waiting, None, T]:
    """Take turns here and hand the work between them on to a thread; gives what must be waited for."""
    turn = partial(turns.send, None)
    try:
        while True:
            try:
                future = hand_on(turn())
            except StopIteration as end:
                return end.value
            while not future.done():
                yield {future}
            error = future.exception()
            turn = partial(turns.send, future.result()) if error is None else partial(turns.throw, error)
    finally:
        turns.close()


def _advance(run: Run, result: Any) -> None:
    """Take a run's next turn here, and hand what follows to a worker."""
    try:
        work = run.turns.send(result)
    except StopIteration as end:
        conditioning = end.value
        run.stage = "waiting"
        run.job = _painter.submit("Generating", lambda job: run.paint(job, conditioning))
    else:
        run.job = _reader.submit("Generating", lambda job: work())


def cancel(number: int = 0) -> None:
    """Ask a run to stop, or all of them."""
    for run in runs:
        if run.job is not None and number in (0, run.number):
            run.job.cancel()
    redraw()


def wait() -> None:
    """Work events off until no run is left; for Blender without a window, where no timer runs."""
    while runs:
        drain()
        time.sleep(0.02)


def drain() -> None:
    """Take the workers' events in."""
    for event in (*_reader.drain(), *_painter.drain()):
        run = next((run for run in runs if run.job is event.job), None)
        if run is not None:
            _take(run, event)


def _take(run: Run, event: Event) -> None:
    global latest, finished
    if event.kind == "failed":
        _end(run, event.message, fault=True)
    elif event.kind == "cancelled" or (run.stage == "passes" and run.stopping):
        _end(run, event.message or "The generation was cancelled; nothing was written.")
    elif event.kind == "done" and run.stage == "passes":
        try:
            _advance(run, event.result)
        except HandDiffError as error:
            _end(run, str(error), fault=not isinstance(error, Cancelled))
        except Exception as error:  # a timer has nobody above it to tell
            _end(run, explain(error), fault=True)
    elif event.kind == "started" and run.stage == "waiting":
        run.stage, run.started = "loading", time.monotonic()
    elif event.kind == "progress":
        _note(run, event.progress)
    elif event.kind == "done":
        latest = event.result
        finished += 1
        _costs.update(run.estimate.costs)
        elsewhere = run.blend != bpy.data.filepath
        _end(run, f"Done in {clock(latest.seconds)}" + (f", saved in {latest.folder}" if elsewhere else ""))
        live.finish(None if elsewhere else latest.folder / "image.png")


def _note(run: Run, progress: Any) -> None:
    run.stage, run.step, run.steps = progress.stage, progress.step, progress.steps
    run.estimate.take(progress.stage, progress.step, progress.steps, time.monotonic())
    if progress.preview is not None:
        live.show(progress.preview)


def _end(run: Run, text: str, *, fault: bool = False) -> None:
    global message, failed
    run.turns.close()
    runs.remove(run)
    message, failed = text, fault
    if not any(other.stage not in ("passes", "waiting") for other in runs):
        live.finish(None)


_drawn: tuple[object, ...] = ()


def _tick() -> float | None:
    global _drawn
    drain()
    now = (message, *((run.number, run.text, run.fraction, run.step) for run in runs))
    if now != _drawn:
        _drawn = now
        redraw()
    return INTERVAL if runs else None


def redraw() -> None:
    """Let the sidebars that show HandDiff's panels be drawn anew, and not the scene beside them, which takes longer."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in ("VIEW_3D", "IMAGE_EDITOR"):
                for region in area.regions:
                    if region.type == "UI":
                        region.tag_redraw()


@bpy.app.handlers.persistent
def _clean(*_: object) -> None:
    """After a step is undone or another file read: no copy of a scene that was being rendered stays."""
    from ..handdiff_addon.scene.render import remove_leftovers

    remove_leftovers()


def _warm_up(_job: Job) -> None:
    """Import what the first turn of the first run needs, so that nobody waits for it."""
    from ..handdiff_addon.scene import passes  # noqa: F401


_CLEANED = (bpy.app.handlers.undo_post, bpy.app.handlers.redo_post, bpy.app.handlers.load_post)


def register() -> None:
    global _reader, _painter
    _reader, _painter = Worker("handdiff-passes"), Worker("handdiff-painter")
    if not bpy.app.background:
        _reader.submit("warm up", _warm_up)
    for handlers in _CLEANED:
        handlers.append(_clean)
    live.register()


def unregister() -> None:
    global message, latest
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    _reader.shutdown()
    _painter.shutdown()
    for handlers in _CLEANED:
        handlers.remove(_clean)
    for run in runs:
        run.turns.close()
    runs.clear()
    _costs.clear()
    message, latest = "", None
    live.unregister()
