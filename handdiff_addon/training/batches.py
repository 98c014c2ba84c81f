# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches at the size of stock models, read from the data set as they are needed: whole, they would fill the memory.

The next batch is drawn while the last one is learned from.  What a step sees depends on the seed, its number and the
files alone.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Generic, NamedTuple, Protocol, TypeVar

import numpy as np

from ..conditioning.heatmaps import CHANNELS
from ..errors import UsageError
from .dataset import SampleRef, list_samples, load
from .examples import canvas_example, draw_canvas, draw_hand, hand_examples

Drawn = TypeVar("Drawn")
_TRIES = 200
"""Samples that may follow each other without a visible hand"""


class HandDrawn(NamedTuple):
    """One crop of a hand."""

    picture: np.ndarray
    """(S, S, 3) uint8"""
    heatmaps: np.ndarray
    """(11, h, w) float32"""
    mask: np.ndarray | None
    """(S, S) bool; None where it is not known"""
    text: str


class CropSource(Protocol):
    """Whatever crops of hands are drawn from."""

    def draw(self, rng: np.random.Generator) -> HandDrawn: ...


class RigHands:
    """Crops of ``crop`` pixels from a data set's training split, with heatmaps of ``cells`` cells.

    Raises:
        UsageError: where there is nothing to train on.
    """

    def __init__(self, data: Path, crop: int, cells: int) -> None:
        self._data, self._crop, self._cells = data, crop, cells
        self._refs = _refs(data)

    def draw(self, rng: np.random.Generator) -> HandDrawn:
        for _ in range(_TRIES):
            examples = hand_examples(load(self._refs[rng.integers(len(self._refs))]), self._crop)
            if examples:
                example = examples[rng.integers(len(examples))]
                picture, hint, mask, text = draw_hand(example, self._crop, self._cells, rng)
                return HandDrawn(picture, hint[:CHANNELS], mask, text)
        raise UsageError(f"The data set {self._data} shows no hands: make another with  handdiff dataset.")


class CanvasDrawn(NamedTuple):
    """One picture of a person."""

    picture: np.ndarray
    """(S, S, 3) uint8"""
    hint: np.ndarray
    """(C, S, S) float32, of :func:`~handdiff_addon.conditioning.hint.outpaint_hint`"""
    text: str


class RigCanvases:
    """Pictures of ``canvas`` pixels from a data set's training split; see :class:`RigHands`."""

    def __init__(self, data: Path, canvas: int) -> None:
        self._canvas = canvas
        self._refs = _refs(data)

    def draw(self, rng: np.random.Generator) -> CanvasDrawn:
        (example,) = canvas_example(load(self._refs[rng.integers(len(self._refs))]), self._canvas)
        picture, hint, _, _, text = draw_canvas(example, self._canvas, rng)
        return CanvasDrawn(picture, hint, text)


def _refs(data: Path) -> list[SampleRef]:
    refs = list_samples(data, "train")
    if not refs:
        raise UsageError(f"{data} holds no samples to train on: make some with  handdiff dataset -o {data}.")
    return refs


class Batches(Generic[Drawn]):
    """Each step's batch; the next one is drawn ahead."""

    def __init__(self, draw: Callable[[np.random.Generator], Drawn], count: int, seed: int) -> None:
        self._draw, self._count, self._seed = draw, count, seed
        self._pool = ThreadPoolExecutor(1)
        self._ahead: dict[int, Future[list[Drawn]]] = {}

    def __call__(self, step: int) -> list[Drawn]:
        batch = self._ahead.pop(step, None) or self._pool.submit(self._make, step)
        self._ahead = {step + 1: self._pool.submit(self._make, step + 1)}
        return batch.result()

    def _make(self, step: int) -> list[Drawn]:
        rng = np.random.default_rng((self._seed, step))
        return [self._draw(rng) for _ in range(self._count)]
