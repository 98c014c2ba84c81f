# SPDX-License-Identifier: GPL-3.0-or-later
"""The training of the colour sketch by itself.

The sketch sees cells one by one, so drawing whole canvases is what a step would cost.  A quarter of each canvas's cells
is therefore kept for a while, and a step learns some cells of many canvases, of which few are new.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from torch.nn import functional

from ..diffusion.colour_sketch import PLACES, ColourSketch, SeenCells
from ..diffusion.text import encode_text
from .initialise import EMBEDDED, Sizes, make_sketch
from .loop import Budget, Losses, Trainer
from .losses import place_weights, sketch_loss
from .resident import CanvasBatch
from .sources import canvas_source
from .tasks import frozen_parts

_EVERY = 2
"""Of a canvas's rows and columns of cells, every so many are kept: neighbours tell little new"""
_LEARNED = 1024
"""Cells of a canvas that a step learns"""
_USES = 24
"""How often a canvas is learned from"""
_KEPT = 1536
"""Canvases, some 290 MB"""


class _Example(NamedTuple):
    """Some cells of one canvas."""

    cells: torch.Tensor
    """(N, 7), as :class:`~handdiff_addon.diffusion.colour_sketch.SeenCells` has them"""
    hands: torch.Tensor
    """(4,), as there"""
    pictures: torch.Tensor
    """(N, 3) in -1..1, the cells' mean colours"""
    person: torch.Tensor
    """(N, 1) in 0..1, how much of a cell is the person's, told or not"""
    answers: torch.Tensor
    """(questions, text_width)"""


def train_sketch(
    model: Path,
    run: Path,
    data: Path,
    minutes: float,
    *,
    seed: int = 0,
    sizes: Sizes = EMBEDDED,
    device: str = "cpu",
    batch: int = 24,
    start: Path | None = None,
) -> None:
    """Train the colour sketch by itself, on cells of ``batch`` canvases a step, where a place of the body counts for
    more the smaller it is.

    ``start`` is a model folder whose sketch is begun with.  :func:`.tasks.train_outpaint` begins with what is saved
    here and trains it on, beside networks that heed it.
    """
    torch.manual_seed(seed)
    sketch = make_sketch(sizes) if start is None else ColourSketch.from_pretrained(start / "colour_sketch")
    sketch.trust.requires_grad_(False)  # that is learned beside the networks
    tokenizer, text_encoder, _ = frozen_parts(model, model, device)
    canvases = canvas_source(data, sizes.canvas, partial(encode_text, tokenizer, text_encoder), device, seed)
    trainer = Trainer({"sketch": sketch}, run, Budget(minutes, learning_rate=3e-3, cooldown=0.5), device, seed)
    kept: list[_Example] = []

    def losses(generator: torch.Generator, _step: int) -> Losses:
        drawn = canvases.draw(max(1, batch // _USES) if kept else batch, sizes.canvas, 1, generator)
        kept.extend(_examples(sketch, drawn, generator))
        del kept[:-_KEPT]
        chosen = torch.randint(len(kept), (batch,), generator=generator, device=device).tolist()
        cells, hands, pictures, person, answers = (torch.stack(parts) for parts in zip(*(kept[i] for i in chosen)))
        some = torch.randint(cells.shape[1], (_LEARNED,), generator=generator, device=device)
        cells, pictures, person = cells[:, some], pictures[:, some], person[:, some]
        sketched, _ = sketch.guess(SeenCells(cells, hands), answers)
        weights = place_weights(_as_row(person), _as_row(cells[..., PLACES]))
        return {"sketch": sketch_loss(_as_row(sketched), _as_row(pictures), weights)}

    trainer.run(losses, lambda: sketch.save_pretrained(model / "colour_sketch"))


@torch.no_grad()
def _examples(sketch: ColourSketch, drawn: CanvasBatch, generator: torch.Generator) -> list[_Example]:
    """Every second row and column of the cells of each canvas, moved together."""
    top, left = torch.randint(_EVERY, (2,), generator=generator, device=generator.device).tolist()
    rows, columns = (side // sketch.cell for side in drawn.hints.shape[2:])

    def thinned(cells: torch.Tensor) -> torch.Tensor:
        return cells.unflatten(1, (rows, columns))[:, top::_EVERY, left::_EVERY].flatten(1, 2)

    seen = sketch.see(drawn.hints, sketch.cell)
    pictures, person = (
        thinned(functional.avg_pool2d(pixels, sketch.cell).flatten(2).transpose(1, 2))
        for pixels in (drawn.pictures, drawn.person)
    )
    return [_Example(*one) for one in zip(thinned(seen.cells), seen.hands, pictures, person, drawn.text.tokens)]


def _as_row(cells: torch.Tensor) -> torch.Tensor:
    """Cells (B, N, C) as a picture (B, C, 1, N)."""
    return cells.transpose(1, 2)[:, :, None]
