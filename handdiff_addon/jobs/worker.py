# SPDX-License-Identifier: GPL-3.0-or-later
"""One daemon thread that works jobs off in order, and a queue of events that the main thread drains.

The worker knows neither Blender nor torch: a job is a callable.  What it reports crosses threads only as events.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from ..errors import Cancelled, HandDiffError

log = logging.getLogger("handdiff")

EventKind = Literal["started", "progress", "done", "failed", "cancelled"]
Work = Callable[["Job"], Any]


class Job:
    """One piece of work.  Inside its callable: :meth:`report` progress, and stop where :meth:`cancelled` says so."""

    def __init__(self, name: str, work: Work, events: queue.SimpleQueue[Event]):
        self.name = name
        self._work = work
        self._events = events
        self._cancel = threading.Event()
        self._finished = threading.Event()

    def report(self, progress: Any) -> None:
        """Tell the main thread how far the work is."""
        self._events.put(Event(self, "progress", progress=progress))

    def cancel(self) -> None:
        """Ask the job to stop; it ends with a ``cancelled`` event, at once where it has not started."""
        self._cancel.set()

    def cancelled(self) -> bool:
        """True once :meth:`cancel` was called."""
        return self._cancel.is_set()

    @property
    def finished(self) -> bool:
        """True once the last event of this job is in the queue."""
        return self._finished.is_set()

    def _run(self) -> None:
        try:
            self._events.put(self._outcome())
        finally:
            self._finished.set()

    def _outcome(self) -> Event:
        if self.cancelled():
            return Event(self, "cancelled", message=f"{self.name} was cancelled.")
        self._events.put(Event(self, "started"))
        try:
            return Event(self, "done", result=self._work(self))
        except Cancelled as error:
            return Event(self, "cancelled", message=str(error) or f"{self.name} was cancelled.")
        except HandDiffError as error:
            return Event(self, "failed", message=str(error))
        except Exception as error:  # a thread has nobody above it to tell
            return Event(self, "failed", message=explain(error))


@dataclass(frozen=True)
class Event:
    """What a job tells the main thread.  Each job ends with exactly one of done, failed and cancelled."""

    job: Job
    kind: EventKind
    progress: Any = None
    result: Any = None
    message: str = ""


class Worker:
    """One daemon thread and its queue; the thread starts with the first job."""

    def __init__(self, name: str = "handdiff-worker") -> None:
        self._name = name
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._pending: list[Job] = []
        self._submitting = threading.Lock()

    def submit(self, name: str, work: Work) -> Job:
        """Queue ``work(job)``; it runs after the jobs before it.  From any thread."""
        job = Job(name, work, self._events)
        with self._submitting:
            self._pending = [j for j in self._pending if not j.finished] + [job]
            self._jobs.put(job)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._loop, name=self._name, daemon=True)
                self._thread.start()
        return job

    def drain(self) -> list[Event]:
        """All events since the last call, in order; never waits."""
        events = []
        while True:
            try:
                events.append(self._events.get_nowait())
            except queue.Empty:
                return events

    @property
    def busy(self) -> bool:
        """True while a job waits or runs."""
        return any(not job.finished for job in self._pending)

    def shutdown(self, timeout: float = 5.0) -> bool:
        """Cancel every job and wait at most ``timeout`` seconds for the thread; True where it ended."""
        for job in self._pending:
            job.cancel()
        if self._thread is None or not self._thread.is_alive():
            return True
        self._jobs.put(None)
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _loop(self) -> None:
        while (job := self._jobs.get()) is not None:
            job._run()


def leave_a_core() -> None:
    """Bound torch's threads in this thread so that the window keeps one core; call where torch is already wanted."""
    import torch

    torch.set_num_threads(max(1, (os.cpu_count() or 1) - 1))


def explain(error: BaseException) -> str:
    """One sentence for an error that is not a refusal of ours; the details go to the log."""
    log.error("A job failed", exc_info=error)
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return "The device ran out of memory: close other programs, or generate at a smaller render size."
    if isinstance(error, ImportError):
        return f"The engine cannot be loaded ({error}): set a folder with torch and diffusers in the preferences."
    reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    return f"HandDiff met a fault of its own ({reason}): please report it with what Blender's console says."
