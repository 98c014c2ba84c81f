# SPDX-License-Identifier: GPL-3.0-or-later
"""Painting on a Ray cluster: each worker is a process that loads the model once, and gets plain data to paint.

Workers know no Blender: the passes of every frame are made where the batch was started, and results are saved there.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import Cancelled, HandDiffError, ModelError, UsageError, first_line
from ..models.sums import weight_sums

if TYPE_CHECKING:
    from ..conditioning.frame import Conditioning
    from ..request import GenerationRequest, GenerationResult
    from .batch import Paint

TRIES = 3
"""How often a frame is painted at most, each time by another worker"""
INTERVAL = 0.2


@dataclass(frozen=True)
class WorkerPlan:
    """How many workers a cluster gets, and what each of them has."""

    workers: int
    cpus: float
    gpus: float
    threads: int
    """Of torch, on which the last bits of a picture depend"""


def plan_workers(resources: dict[str, float], machines: int, workers: int | None, threads: int | None) -> WorkerPlan:
    """Share a cluster out.

    Args:
        resources: its ``CPU`` and ``GPU``.
        machines: how many there are.
        workers: how many are wanted; None: one per GPU, or one per machine where there is none.
        threads: of torch in each worker; None: an equal share of the processors.
    """
    cpus, gpus = resources.get("CPU", 1.0), resources.get("GPU", 0.0)
    count = workers or int(gpus) or max(1, machines)
    return WorkerPlan(
        workers=count,
        cpus=min(1.0, cpus / count),
        gpus=min(1.0, gpus / count) if gpus else 0.0,
        threads=threads or max(1, int(cpus // count)),
    )


class RayPainter:
    """What runs on a worker."""

    def __init__(
        self,
        request: GenerationRequest,
        weights: dict[str, str],
        threads: int,
        compute: tuple[str, str, bool],
        folder: str,
    ):
        """
        Args:
            request: names the models.
            weights: as :func:`weight_sums` gives them where the batch was started.
            threads: of torch.
            compute: device, dtype and compile, as ``TwoStagePipeline.for_request`` takes them.
            folder: in which the batch was started; relative paths begin there.
        """
        with contextlib.suppress(OSError):
            os.chdir(folder)
        self._request = request
        self._weights = weights
        self._threads = threads
        self._compute = compute
        self._pipeline: Any = None

    def load(self) -> None:
        """Load the model, once.

        Raises:
            ModelError: where this machine's is not the one wanted.
        """
        if self._pipeline is not None:
            return
        import torch

        from ..diffusion.pipeline import TwoStagePipeline

        if weight_sums(self._request) != self._weights:
            raise ModelError(
                f"The model on the worker {socket.gethostname()} is another one: put the same files there, under the"
                " same path."
            )
        torch.set_num_threads(self._threads)
        self._pipeline = TwoStagePipeline.for_request(self._request, *self._compute)

    def paint(self, request: GenerationRequest, conditioning: Conditioning) -> GenerationResult:
        """Paint a frame."""
        self.load()
        return self._pipeline.generate(request, conditioning)


@contextlib.contextmanager
def ray_painters(
    request: GenerationRequest,
    weights: dict[str, str],
    address: str,
    workers: int | None,
    stop: threading.Event,
    device: str = "auto",
    dtype: str = "auto",
    compile: bool = False,
) -> Iterator[tuple[Paint, int]]:
    """Workers on a Ray cluster, with the model loaded.

    Args:
        request: names the models.
        weights: as :func:`weight_sums` gives them here.
        address: ``local`` starts a cluster on this machine and ends it; else a cluster's, as ``ray.init`` takes it.
        workers: how many; None: one per GPU, or one per machine where there is none.
        stop: when set, painting raises Cancelled soon.
        device, dtype, compile: as ``TwoStagePipeline.for_request`` takes them, there.

    Yields:
        what paints a frame, from any thread, and how many frames at once.

    Raises:
        UsageError: where there is no such cluster, or none can be started.
        ModelError: where a worker cannot load the model.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # nothing is sent anywhere
    import ray

    _connect(address)
    try:
        machines = sum(bool(node["Alive"]) for node in ray.nodes())
        threads = os.environ.get("OMP_NUM_THREADS", "")
        plan = plan_workers(ray.cluster_resources(), machines, workers, int(threads) if threads.isdecimal() else None)
        compute = (device, dtype, compile)
        crew = _Crew((ray.put(request), weights, plan.threads, compute, str(Path.cwd())), plan, stop)
        crew.load()
        yield crew.paint, plan.workers
    finally:
        ray.shutdown()


def _connect(address: str) -> None:
    import ray

    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR, "namespace": "handdiff"}
    if address == "local":
        options["include_dashboard"] = False
    try:
        if match := re.fullmatch(r"(?:ray://)?(.+):(\d+)", address):  # Ray itself would try for minutes
            socket.create_connection((match[1], int(match[2])), timeout=10).close()
        ray.init(address=address, **options)
    except Exception as error:  # Ray raises bare ones, too
        reason = first_line(error)
        if address == "local":
            raise UsageError(
                f"Ray does not start on this machine ({reason}): try again when it is less busy, or leave out --ray."
            ) from error
        raise UsageError(
            f"No Ray cluster can be used at {address} ({reason}): start one with  ray start --head  and give its"
            " address, or use --ray local."
        ) from error


class _Crew:
    """The workers; one that fails or dies is replaced, and its frame goes to the next that is free."""

    def __init__(self, arguments: tuple[Any, ...], plan: WorkerPlan, stop: threading.Event):
        """``arguments`` are those of :class:`RayPainter`."""
        import ray

        self._arguments = arguments
        self._stop = stop
        self._actor = ray.remote(num_cpus=plan.cpus, num_gpus=plan.gpus, scheduling_strategy="SPREAD")(RayPainter)
        self._all = [self._start() for _ in range(plan.workers)]
        self._idle: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for actor in self._all:
            self._idle.put(actor)

    def load(self) -> None:
        """Load the model everywhere."""
        for actor in self._all:
            try:
                self._wait(actor.load.remote())
            except _failures() as error:
                raise _refusal(error) or ModelError(
                    f"A worker cannot load the model ({_reason(error)}): install handdiff[engine] there."
                ) from error

    def paint(self, request: GenerationRequest, conditioning: Conditioning) -> GenerationResult:
        """Paint a frame on the next free worker.

        Raises:
            Cancelled: where the batch was stopped.
            HandDiffError: what the model refuses, or where the frame failed :data:`TRIES` times.
        """
        import ray

        reason = ""
        for _ in range(TRIES):
            actor = self._idle.get()
            try:
                return self._wait(actor.paint.remote(request, conditioning))
            except _failures() as error:
                if refusal := _refusal(error):
                    raise refusal from error
                reason = _reason(error)
                ray.kill(actor)
                actor = self._start()
            finally:
                self._idle.put(actor)
        raise HandDiffError(
            f"Frame {conditioning.frame} failed on {TRIES} workers ({reason}): look into their logs, and run the same"
            " command again."
        )

    def _start(self) -> Any:
        return self._actor.remote(*self._arguments)

    def _wait(self, reference: Any) -> Any:
        import ray

        while not ray.wait([reference], timeout=INTERVAL)[0]:
            if self._stop.is_set():
                ray.cancel(reference, force=False)
                raise Cancelled("The batch was stopped.")
        return ray.get(reference)


def _failures() -> type[Exception]:
    from ray.exceptions import RayError

    return RayError


def _refusal(error: Exception) -> HandDiffError | None:
    """What a worker refused, if that is what failed: another worker would refuse it, too."""
    cause = getattr(error, "cause", None)
    return cause if isinstance(cause, HandDiffError) else None


def _reason(error: Exception) -> str:
    cause = getattr(error, "cause", None)
    if cause is None:
        return "the worker died"
    return " ".join(f"{type(cause).__name__}: {cause}".split())[:200]
