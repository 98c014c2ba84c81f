# SPDX-License-Identifier: GPL-3.0-or-later
"""A guess of the picture's colours, made pixel by pixel: the words of a prompt, laid out over the body.

By attention a small U-Net learns slowly which word colours which part, and small parts such as hair not at all in the
time that it has.  Where a part lies is known: the body map tells it.  A perceptron that sees no more than one cell
finds what the words say of it, which takes minutes to learn.  Its guess lies beside the ControlNet's hint, is what the
networks expect of the picture (see :mod:`.estimate`), and settles the colours of what they predict.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from ..conditioning.hint import BODY_MAP, HANDS, HANDS_MASK, NORMALS, PERSON
from .part import Part
from .patch_autoencoder import PatchAutoencoder

COLOURS = 3
PLACES = slice(4, 7)
"""Channels of :class:`SeenCells` that say which place of the body a cell shows"""
_HEADS, _WIDTH, _HIDDEN = 6, 16, 64
_PARTS = 2
"""A cell is guessed as so many times so many parts"""
_WAVES = (1.5, 3.0, 6.0, 12.0)
"""Frequencies that tell a place more sharply, such as on which side of a hairline it lies (Tancik et al. 2020)"""


class SeenCells(NamedTuple):
    """What :class:`ColourSketch` sees of hints."""

    cells: torch.Tensor
    """(B, N, 7) in 0..1: the person's share of each cell, normal and place on the body, those of the person alone"""
    hands: torch.Tensor
    """(B, 4) in 0..1: mean colour of the given hands, and whether any are given"""


class ColourSketch(Part):
    """Hints (B, 14, H, W) and answers of the text encoder (B, questions, text_width) to sRGB colours in 0..1, and how
    far to trust them.

    Where a cell of ``cell`` pixels lies decides how much it heeds each answer; these weights are not normalised, since
    through a softmax the words of small parts are found late.  What it hears, its normal and the given hands' mean
    colour make its colour, or it takes over the hands', lighter or darker, so that forearms go with them.
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
        self.trust = nn.Linear(96, 1)
        self.like_hands = nn.Linear(96, 2)
        nn.init.zeros_(self.like_hands.weight)
        self.like_hands.bias.data.copy_(torch.tensor([-2.0, 0.0]))  # seldom at first

    def forward(self, hints: torch.Tensor, answers: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The cells' colours (B, 3, H / cell, W / cell), and in 0..1 how far they are to be trusted (B, 1, ...)."""
        part = self.cell // _PARTS
        size = hints.shape[2] // part, hints.shape[3] // part
        seen = self.see(hints, part)
        # The backdrop's parts are alike: the first stands for all of them.
        alike = (seen.cells == seen.cells[:, :1]).all(-1).all(0)
        chosen, place = torch.where(alike, 0, torch.arange(len(alike), device=alike.device)).unique(return_inverse=True)
        guesses = self.guess(SeenCells(seen.cells[:, chosen], seen.hands), answers)
        # Where two things meet in a cell, its mean place is neither's; its mean colour is the mean of its parts'.
        colours, trust = (
            functional.avg_pool2d(each[:, place].transpose(1, 2).unflatten(2, size), _PARTS) for each in guesses
        )
        return colours, trust

    def see(self, hints: torch.Tensor, cell: int) -> SeenCells:
        """What the sketch sees of hints (B, 14, H, W): cells of ``cell`` pixels row by row, and the given hands."""
        given = hints[:, HANDS_MASK].sum((2, 3))
        hands = torch.cat([hints[:, HANDS].sum((2, 3)) / given.clamp_min(1.0), (given > 0).to(hints)], 1)
        cells = functional.avg_pool2d(hints, cell).permute(0, 2, 3, 1).flatten(1, 2)
        # On an outline, what is known of the person is that of its pixels within the cell alone.
        person = cells[..., PERSON]
        cells = torch.where(person > 0, cells / person.clamp_min(1.0 / cell**2), cells).clamp(0.0, 1.0)
        return SeenCells(torch.cat([person, cells[..., NORMALS], cells[..., BODY_MAP]], -1), hands)

    def guess(self, seen: SeenCells, answers: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Cells, any of a canvas, and answers (B, questions, text_width) to their colours (B, N, 3) and their trust
        (B, N, 1)."""
        person, places = seen.cells[..., :1], seen.cells[..., PLACES]
        place = torch.cat([person, places], -1) * 4.0 - 2.0
        waves = [wave for frequency in _WAVES for wave in (torch.sin(frequency * place), torch.cos(frequency * place))]
        heed = self.place(torch.cat([place, *waves], -1)).unflatten(-1, (_HEADS, self.questions))
        said = self.said(answers).unflatten(-1, (_HEADS, _WIDTH))
        heard = torch.einsum("bphq,bqhw->bphw", heed, said).flatten(2)
        known = torch.cat([seen.cells, seen.hands[:, None].expand(-1, seen.cells.shape[1], -1)], -1)
        thought = self.colour[:-1](torch.cat([heard, 2.0 * known - 1.0], -1))
        colours = 0.5 + 0.5 * self.colour[-1](thought)
        like, light = self.like_hands(thought).chunk(2, -1)
        own, are_given = seen.hands[:, None].split(COLOURS, -1)
        colours = colours + like.sigmoid() * are_given * (own * light.exp() - colours)
        # Cell by cell an outline would get steps: the networks draw it better, and people without a body map, too.
        told = (person <= 0) | (places.amax(-1, keepdim=True) > 0)
        return colours, self.trust(thought).sigmoid() * (2.0 * person - 1.0).square() * told

    def beside(self, hints: torch.Tensor, colours: torch.Tensor) -> torch.Tensor:
        """What the ControlNet sees: hints (B, 14, H, W) and the colours of the cells, as (B, 17, H, W) in 0..1."""
        return torch.cat([hints, self._pixels(colours)], 1)

    def latents(self, colours: torch.Tensor, autoencoder: PatchAutoencoder) -> torch.Tensor:
        """The colours of the cells as a picture's latents (B, C, h, w)."""
        return autoencoder.encode(2.0 * self._pixels(colours) - 1.0)

    def settle(
        self,
        predicted: torch.Tensor,
        colours: torch.Tensor,
        trust: torch.Tensor,
        share: torch.Tensor,
        autoencoder: PatchAutoencoder,
    ) -> torch.Tensor:
        """Predicted latents (B, C, h, w), each cell's mean colour drawn towards the sketch's as far as it is trusted.

        What a cell shows besides its mean, such as an edge or a shadow, is the networks' own.

        Args:
            predicted: clean latents.
            colours, trust: of :meth:`forward`.
            share: of all this (B, 1, 1, 1), less than 1 where noisy latents say something of the picture.
            autoencoder: of the latents.
        """
        own = functional.avg_pool2d(autoencoder.decode(predicted), self.cell)
        step = share * trust * (2.0 * colours.clamp(0.0, 1.0) - 1.0 - own)
        step = functional.interpolate(step, scale_factor=self.cell)
        return predicted + autoencoder.encode(step) - autoencoder.encode(torch.zeros_like(step))

    def _pixels(self, colours: torch.Tensor) -> torch.Tensor:
        return functional.interpolate(colours.clamp(0.0, 1.0), scale_factor=self.cell)
