# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker: order, progress, refusals, cancelling and shutting down."""

from __future__ import annotations

import threading
import time

import pytest

from handdiff_addon.errors import Cancelled, ModelError
from handdiff_addon.jobs.worker import Event, Job, Worker


def events_until_idle(worker: Worker, timeout: float = 10.0) -> list[Event]:
    end, events = time.monotonic() + timeout, []
    while worker.busy and time.monotonic() < end:
        events += worker.drain()
        time.sleep(0.005)
    assert not worker.busy, "the worker never came to an end"
    return events + worker.drain()


def test_jobs_run_in_order_off_the_main_thread() -> None:
    worker, threads = Worker(), []

    def work(job: Job) -> int:
        threads.append(threading.current_thread())
        job.report("half")
        return len(threads)

    first, second = worker.submit("first", work), worker.submit("second", work)
    events = events_until_idle(worker)
    assert [(e.job, e.kind) for e in events] == [
        (job, kind) for job in (first, second) for kind in ("started", "progress", "done")
    ]
    assert [e.result for e in events if e.kind == "done"] == [1, 2]
    assert threads[0] is threads[1] is not threading.main_thread()
    assert threads[0].daemon


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ModelError("The model is missing: choose another."), "The model is missing: choose another."),
        (MemoryError(), "ran out of memory"),
        (type("OutOfMemoryError", (RuntimeError,), {})("CUDA"), "ran out of memory"),
        (ImportError("No module named torch"), "engine cannot be loaded"),
        (KeyError("x"), "fault of its own"),
    ],
)
def test_every_error_ends_in_one_sentence(error: Exception, message: str) -> None:
    def work(_job: Job) -> None:
        raise error

    worker = Worker()
    worker.submit("job", work)
    last = events_until_idle(worker)[-1]
    assert last.kind == "failed"
    assert message in last.message
    assert "\n" not in last.message and "Traceback" not in last.message


def test_the_worker_outlives_a_failed_job() -> None:
    worker = Worker()
    worker.submit("bad", lambda job: 1 / 0)
    worker.submit("good", lambda job: "picture")
    assert events_until_idle(worker)[-1].result == "picture"


def test_cancel_while_running_and_while_waiting() -> None:
    worker, started = Worker(), threading.Event()

    def work(job: Job) -> None:
        started.set()
        while not job.cancelled():
            time.sleep(0.002)
        raise Cancelled("Stopped at step 3.")

    ran = []
    running, waiting = worker.submit("running", work), worker.submit("waiting", ran.append)
    assert started.wait(5)
    waiting.cancel()
    running.cancel()
    ends = {e.job: e for e in events_until_idle(worker) if e.kind not in ("started", "progress")}
    assert ends[running].kind == ends[waiting].kind == "cancelled"
    assert ends[running].message == "Stopped at step 3."
    assert not ran, "a job that was cancelled while it waited ran all the same"


def test_shutdown_stops_a_running_job_and_reports_one_that_hangs() -> None:
    def polite(job: Job) -> None:
        while not job.cancelled():
            time.sleep(0.002)
        raise Cancelled

    worker = Worker()
    worker.submit("polite", polite)
    assert worker.shutdown(timeout=5)

    release = threading.Event()
    worker = Worker()
    worker.submit("deaf", lambda job: release.wait(30))
    before = time.monotonic()
    assert not worker.shutdown(timeout=0.1)
    assert time.monotonic() - before < 2, "shutting down must not hang the window"
    release.set()


def test_a_worker_can_be_used_again_after_shutdown() -> None:
    worker = Worker()
    worker.submit("one", lambda job: 1)
    assert worker.shutdown()
    worker.drain()
    worker.submit("two", lambda job: 2)
    assert events_until_idle(worker)[-1].result == 2


def test_nothing_to_shut_down() -> None:
    assert Worker().shutdown()
