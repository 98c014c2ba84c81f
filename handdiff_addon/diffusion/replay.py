# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks' work of one step, recorded on an NVIDIA card and played again for the steps that follow.

A large network is more than a thousand small kernels.  A fast card is done with each before Python has asked for the
next; a CUDA graph asks for all of them at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

Evaluate = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@contextmanager
def replayed(evaluate: Evaluate, device: torch.device) -> Iterator[Evaluate]:
    """``evaluate`` as it is to be called within the block: once as usual, then recorded, then played again.

    What cannot be recorded, for want of memory or since something in it waits for the card, goes on as usual.  Besides
    latents and timestep, ``evaluate`` may depend on nothing that changes.

    Args:
        evaluate: latents and a timestep, tensors on the device, to a prediction; latents always have the same shape.
        device: where the networks are; on anything but NVIDIA's current card nothing is recorded.
    """
    if not _records(device):
        yield evaluate
        return
    recording = _Recording(evaluate)
    try:
        yield recording
    finally:
        recording.forget()


def _records(device: torch.device) -> bool:
    """Whether torch records what is done there: what is sent to a card that is not the current one stays out of it."""
    on_nvidia = device.type == "cuda" and torch.version.hip is None
    return on_nvidia and device.index in (None, torch.cuda.current_device())


class _Recording:
    possible = True
    """Until one was spoiled in this process"""

    def __init__(self, evaluate: Evaluate) -> None:
        self._evaluate = evaluate
        self._calls = 0
        self._graph: torch.cuda.CUDAGraph | None = None
        self._inputs: list[torch.Tensor] = []
        self._output: torch.Tensor | None = None

    def __call__(self, latents: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        self._calls += 1
        if self._calls == 2 and self.possible:
            self._record(latents, timestep)
        if self._graph is None or self._output is None:
            return self._evaluate(latents, timestep)
        for held, given in zip(self._inputs, (latents, timestep), strict=True):
            held.copy_(given)
        self._graph.replay()
        return self._output.clone()

    def forget(self) -> None:
        """Give the recording's memory back."""
        self._graph = self._output = None
        self._inputs = []

    def _record(self, latents: torch.Tensor, timestep: torch.Tensor) -> None:
        graph = torch.cuda.CUDAGraph()
        self._inputs = [latents.clone(), timestep.clone()]
        try:
            # Of this thread alone: Cycles may be rendering in another one.
            with torch.cuda.graph(graph, capture_error_mode="thread_local"):
                self._output = self._evaluate(*self._inputs)
        except torch.OutOfMemoryError:
            self.forget()
            return
        except RuntimeError:
            # What waits for the card spoils a recording, keeps its memory, and leaves torch's generator amid it: none
            # is tried again, and a sound one frees the generator.
            _Recording.possible = False
            self.forget()
            with torch.cuda.graph(torch.cuda.CUDAGraph(), capture_error_mode="thread_local"):
                torch.zeros(1, device=latents.device)
            return
        self._graph = graph
