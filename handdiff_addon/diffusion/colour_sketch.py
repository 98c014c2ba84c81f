# SPDX-License-Identifier: GPL-3.0-or-later
"""A guess of the picture's colours, made pixel by pixel: the words of a prompt, laid out over the body.

By attention a small U-Net learns slowly which word colours which part, and small parts such as hair not at all in the
time that it has.  Where a part lies is known: the body map tells it.  A perceptron that sees no more than one cell
finds what the words say of it, which takes minutes to learn.  Its guess lies beside the ControlNet's hint, and is what
the networks expect of the picture (see :mod:`.estimate`).
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from .part import Part
from .patch_autoencoder import PatchAutoencoder

COLOURS = 3
_PERSON, _GIVEN, _GIVEN_MASK, _SURFACE, _BODY_MAP = (
    slice(3, 4), slice(4, 7), slice(7, 8), slice(8, 14), slice(11, 14),
)  # fmt: skip
"""Channels of :func:`~handdiff_addon.conditioning.hint.outpaint_hint`"""
_HEADS, _WIDTH, _HIDDEN = 6, 16, 64
_WAVES = (1.5, 3.0, 6.0, 12.0)
"""Frequencies that tell a place more sharply, such as on which side of a hairline it lies (Tancik et al. 2020)"""


class ColourSketch(Part):
    """Hints (B, 14, H, W) and answers of the text encoder (B, questions, text_width) to sRGB colours in 0..1.

    Where a cell of ``cell`` pixels lies decides how much it heeds each answer; these weights are not normalised, since
    through a softmax the words of small parts are found late.  What it hears, its normal and the given hands' mean
    colour make its colour.
    """

    part_name = "colour_sketch"

    def __init__(self, text_width: int, questions: int, cell: int) -> None:
        super().__init__(text_width=text_width, questions=questions, cell=cell)
        self.questions = questions
        self.cell = cell
        self.place = nn.Sequential(
            nn.Linear(4 * (1 + 2 * len(_WAVES)), _HIDDEN),
            nn.SiLU(),
            nn.Linear(_HIDDEN, _HIDDEN),
            nn.SiLU(),
            nn.Linear(_HIDDEN, _HEADS * questions),
        )
        self.said = nn.Linear(text_width, _HEADS * _WIDTH)
        self.colour = nn.Sequential(
            nn.Linear(_HEADS * _WIDTH + 11, 96), nn.SiLU(), nn.Linear(96, 96), nn.SiLU(), nn.Linear(96, COLOURS)
        )

    def forward(self, hints: torch.Tensor, answers: torch.Tensor) -> torch.Tensor:
        """The colours (B, 3, H / cell, W / cell) of the cells."""
        height, width = hints.shape[2] // self.cell, hints.shape[3] // self.cell
        given = hints[:, _GIVEN_MASK].sum((2, 3))
        hands = torch.cat([hints[:, _GIVEN].sum((2, 3)) / given.clamp_min(1.0), (given > 0).to(hints)], 1)
        cells = functional.avg_pool2d(hints, self.cell).permute(0, 2, 3, 1).flatten(1, 2)
        place = torch.cat([cells[..., _PERSON], cells[..., _BODY_MAP]], -1) * 4.0 - 2.0
        waves = [wave for frequency in _WAVES for wave in (torch.sin(frequency * place), torch.cos(frequency * place))]
        heed = self.place(torch.cat([place, *waves], -1)).unflatten(-1, (_HEADS, self.questions))
        said = self.said(answers).unflatten(-1, (_HEADS, _WIDTH))
        heard = torch.einsum("bphq,bqhw->bphw", heed, said).flatten(2)
        seen = torch.cat([cells[..., _PERSON], cells[..., _SURFACE], hands[:, None].expand(-1, cells.shape[1], -1)], -1)
        colours = self.colour(torch.cat([heard, 2.0 * seen - 1.0], -1))
        return (0.5 + 0.5 * colours).permute(0, 2, 1).unflatten(2, (height, width))

    def beside(self, hints: torch.Tensor, colours: torch.Tensor) -> torch.Tensor:
        """What the ControlNet sees: hints (B, 14, H, W) and the colours of the cells, as (B, 17, H, W) in 0..1."""
        return torch.cat([hints, self._pixels(colours)], 1)

    def latents(self, colours: torch.Tensor, autoencoder: PatchAutoencoder) -> torch.Tensor:
        """The colours of the cells as a picture's latents (B, C, h, w)."""
        return autoencoder.encode(2.0 * self._pixels(colours) - 1.0)

    def _pixels(self, colours: torch.Tensor) -> torch.Tensor:
        return functional.interpolate(colours.clamp(0.0, 1.0), scale_factor=self.cell)
