# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of this Blender session: the worker, the run it works on, and the timer that drains its events.

Everything here lives on the main thread, and names scenes and objects instead of pointing at them: files are closed,
steps undone and objects deleted while a run goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bpy

from ..handdiff_addon.jobs.worker import Event, Job, Work, Worker

INTERVAL = 0.25
STAGES = {
    "loading": ("Loading", 0.0, 0.1),
    "hands": ("Painting hands", 0.1, 0.45),
    "body": ("Painting body", 0.45, 0.95),
    "finishing": ("Finishing", 0.95, 1.0),
}


@dataclass
class Run:
    """The generation that goes on."""

    job: Job
    blend: str
    """The file it belongs to, empty while unsaved."""
    stage: str = "loading"
    step: int = 0
    steps: int = 0
    started: float = field(default_factory=time.monotonic)

    @property
    def text(self) -> str:
        if self.job.cancelled():
            return "Stopping"
        seconds = int(time.monotonic() - self.started)
        count = f"  {self.step}/{self.steps}" if self.steps > 1 else ""
        return f"{STAGES[self.stage][0]}{count}   {seconds // 60}:{seconds % 60:02d}"

    @property
    def fraction(self) -> float:
        _, low, high = STAGES[self.stage]
        return low + (high - low) * (self.step / self.steps if self.steps else 0.0)


@dataclass
class Finished:
    """What a generation hands back to the main thread, its files already written."""

    folder: Path
    conditioning: Any
    warnings: list[str]
    seconds: float


_worker = Worker()
run: Run | None = None
message: str = ""
failed: bool = False
latest: Finished | None = None


def start(name: str, work: Work) -> Run:
    """Give the worker a job and watch it."""
    global run, message, failed
    message, failed = "", False
    run = Run(_worker.submit(name, work), bpy.data.filepath)
    if not bpy.app.background and not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=INTERVAL, persistent=True)
    return run


def in_turn(name: str, work: Callable[[], Any]) -> Future:
    """Let the painting thread do something between two runs, without telling of it; its result comes by the future."""
    future: Future = Future()

    def do(_job: Job) -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    _worker.submit(name, do)
    return future


def cancel() -> None:
    """Ask the run to stop."""
    if run is not None:
        run.job.cancel()


def wait() -> None:
    """Work events off until the run ends; for Blender without a window, where no timer runs."""
    while run is not None:
        drain()
        time.sleep(0.05)


def drain() -> None:
    """Take the worker's events in."""
    for event in _worker.drain():
        _take(event)


def _take(event: Event) -> None:
    global run, message, failed, latest
    if run is None or event.job is not run.job:
        return
    if event.kind == "progress":
        run.stage, run.step, run.steps = event.progress.stage, event.progress.step, event.progress.steps
    elif event.kind == "done":
        latest = event.result
        elsewhere = run.blend != bpy.data.filepath
        message = f"Done in {latest.seconds:.0f} s" + (f", saved in {latest.folder}" if elsewhere else "")
        run = None
    elif event.kind in ("failed", "cancelled"):
        message, failed = event.message, event.kind == "failed"
        run = None


_drawn: tuple[str, float] = ("", 0.0)


def _tick() -> float | None:
    global _drawn
    drain()
    now = (run.text, run.fraction) if run is not None else ("", 0.0)
    if now != _drawn:
        _drawn = now
        redraw()
    return INTERVAL if run is not None else None


def redraw() -> None:
    """Let the 3D views draw their sidebars anew."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                area.tag_redraw()


def register() -> None:
    global _worker
    _worker = Worker()


def unregister() -> None:
    global run, message, latest
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    _worker.shutdown()
    run, message, latest = None, "", None
