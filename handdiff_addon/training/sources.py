# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the trainings of the embedded model get their batches: drawn one example at a time, or cut on a GPU."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from ..diffusion.sampling import from_pictures
from ..diffusion.text import TextEmbedding
from .examples import CanvasExample, Examples, HandExample, canvas_example, draw_canvas, draw_hand, hand_examples
from .resident import CanvasBatch, CanvasPool, Embed, HandBatch, HandPool
from .stacked import canvases_of, hands_of, read_stacked


class CanvasSource(Protocol):
    """Whatever batches for stage 2 come from."""

    def draw(self, count: int, side: int, shrink: int, generator: torch.Generator) -> CanvasBatch:
        """So many squares of ``side`` pixels, scaled down by ``shrink``."""
        ...


class HandSource(Protocol):
    """Whatever batches for stage 1 come from."""

    def draw(self, count: int, crop: int, cells: int, generator: torch.Generator) -> HandBatch:
        """So many crops of ``crop`` pixels with hints of ``cells`` cells."""
        ...


def canvas_source(data: Path, canvas: int, embed: Embed, device: str, seed: int) -> CanvasSource:
    """Batches from a data set's training split."""
    if torch.device(device).type == "cuda":
        return CanvasPool(read_stacked(data, canvases_of, canvas, seed), embed, device)
    return _DrawnCanvases(data, canvas, embed, device)


def hand_source(data: Path, crop: int, embed: Embed, device: str, seed: int) -> HandSource:
    """Batches from a data set's training split."""
    if torch.device(device).type == "cuda":
        return HandPool(read_stacked(data, hands_of, crop, seed), embed, device)
    return _DrawnHands(data, crop, embed, device)


class _DrawnCanvases:
    def __init__(self, data: Path, canvas: int, embed: Embed, device: str) -> None:
        self._examples = Examples[CanvasExample](data, lambda sample: canvas_example(sample, canvas))
        self._embed, self._device = embed, device

    def draw(self, count: int, side: int, shrink: int, generator: torch.Generator) -> CanvasBatch:
        rng = rng_of(generator)
        drawn = [draw_canvas(example, side, rng, shrink) for example in self._examples.draw(count, rng)]
        pictures, hints, people, body_maps, texts = zip(*drawn, strict=True)
        person = torch.from_numpy(np.stack(people))[:, None].to(self._device, torch.float32)
        body_map = torch.from_numpy(np.stack(body_maps)).to(self._device).permute(0, 3, 1, 2) / 255.0
        return CanvasBatch(*_shown(pictures, hints, self._device), person, body_map, _embedded(self._embed, texts))


class _DrawnHands:
    def __init__(self, data: Path, crop: int, embed: Embed, device: str) -> None:
        self._examples = Examples[HandExample](data, lambda sample: hand_examples(sample, crop))
        self._embed, self._device = embed, device

    def draw(self, count: int, crop: int, cells: int, generator: torch.Generator) -> HandBatch:
        rng = rng_of(generator)
        drawn = [draw_hand(example, crop, cells, rng) for example in self._examples.draw(count, rng)]
        pictures, hints, masks, texts = zip(*drawn, strict=True)
        mask = torch.from_numpy(np.stack(masks)).to(self._device, torch.float32)
        return HandBatch(*_shown(pictures, hints, self._device), mask, _embedded(self._embed, texts))


def _shown(
    pictures: tuple[np.ndarray, ...], hints: tuple[np.ndarray, ...], device: str
) -> tuple[torch.Tensor, torch.Tensor]:
    return from_pictures(np.stack(pictures), torch.device(device)), torch.from_numpy(np.stack(hints)).to(device)


def _embedded(embed: Embed, texts: tuple[str, ...]) -> TextEmbedding:
    with torch.no_grad():
        return embed(list(texts))


def rng_of(generator: torch.Generator) -> np.random.Generator:
    """NumPy's generator for a step, by torch's."""
    return np.random.default_rng(int(torch.randint(2**62, (), generator=generator, device=generator.device)))
