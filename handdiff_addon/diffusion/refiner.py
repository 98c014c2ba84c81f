# SPDX-License-Identifier: GPL-3.0-or-later
"""Details of the painted person, drawn by what the rig knows of each pixel.

Latent cells are four pixels wide, and what a small network is unsure of within a cell it leaves at its mean: outlines
get steps, fingers run together, eyes are missing.  Where the person ends, which way the surface faces and which place
of the body a pixel shows is known exactly.  As a renderer's denoiser is guided by its passes (Chaitanya et al. 2017), a
small convolutional network that sees these beside the decoded picture sets it right.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import cast

import torch
from torch import nn
from torch.nn import functional

from ..conditioning.hint import BODY_MAP, HINT_CHANNELS, PERSON, SKELETON
from .neighbours import blurred, grown
from .part import Part

_SEEN = HINT_CHANNELS - SKELETON.stop
"""Channels of a hint without the skeleton's"""
_WAVES = (8, 32)
"""How often the body map's colours are wound up: a brow is one of their 255 levels high, and convolutions learn what
changes so fast by waves (Tancik et al. 2020)"""
_KNOWN = _SEEN + 2 * len(_WAVES) * (BODY_MAP.stop - BODY_MAP.start)
_AROUND = 8
"""Of the canvas, whose latent cells are as wide as four pixels"""
_BLOCK = 4
"""Pixels that the network halves twice"""
_TILE, _FIELD = 512, 32
"""Pixels that are set right at once, and how far from them lies what they depend on, at most"""


class Refiner(Part):
    """Decoded pictures (B, 3, H, W) in -1..1 and hints (B, 14, H, W) in 0..1 to pictures with truer details.

    A U-Net of three levels whose last layer begins at zero: untrained, it leaves the picture as it is.

    Args:
        widths: channels of the levels.
    """

    part_name = "refiner"

    def __init__(self, widths: tuple[int, int, int] | list[int]) -> None:
        super().__init__(widths=list(widths))
        full, half, quarter = widths
        self.seen = _convolution(3 + _KNOWN, full)
        self.to_half = nn.Conv2d(4 * full, half, 1)
        self.down = _Residual(half)
        self.to_quarter = nn.Conv2d(4 * half, quarter, 1)
        self.middle = nn.Sequential(_Residual(quarter), _Residual(quarter))
        self.from_quarter = nn.Conv2d(quarter, 4 * half, 1)
        self.up = _Residual(half)
        self.from_half = nn.Conv2d(half, 4 * full, 1)
        self.joined = _convolution(2 * full, full)
        self.change = _convolution(full, 3)
        nn.init.zeros_(self.change.weight)
        nn.init.zeros_(cast(torch.Tensor, self.change.bias))

    def forward(self, pictures: torch.Tensor, hints: torch.Tensor) -> torch.Tensor:
        """Sides are multiples of 4; the result is not clamped."""
        known = 2.0 * hints[:, SKELETON.stop :] - 1.0
        full = functional.silu(self.seen(torch.cat([pictures, known, *_waves(hints[:, BODY_MAP])], 1)))
        half = self.down(self.to_half(functional.pixel_unshuffle(full, 2)))
        quarter = self.middle(self.to_quarter(functional.pixel_unshuffle(half, 2)))
        half = self.up(half + functional.pixel_shuffle(self.from_quarter(quarter), 2))
        full = torch.cat([full, functional.pixel_shuffle(self.from_half(half), 2)], 1)
        return pictures + self.change(functional.silu(self.joined(full)))

    def refine(self, picture: torch.Tensor, hint: torch.Tensor, around: int = _AROUND) -> torch.Tensor:
        """One picture (1, 3, H, W) of any size, set right where the person is and a little around it, tile by tile.

        Args:
            picture: in -1..1.
            hint: (1, 14, H, W).
            around: pixels around the person that are set right with it, fading out to half as many more: what lies
                beyond is the backdrop's, where traces of anything would be drawn out.
        """
        weight = _near(hint[:, PERSON], around)
        there = weight[0, 0] > 0
        if not there.any():
            return picture
        rows, columns = (torch.nonzero(there.any(axis))[:, 0] for axis in (1, 0))
        refined = picture.clone()
        for top, bottom in _stretches(rows, there.shape[0]):
            for left, right in _stretches(columns, there.shape[1]):
                seen_rows, inner_rows = _widened(top, bottom, there.shape[0])
                seen_columns, inner_columns = _widened(left, right, there.shape[1])
                seen = (..., seen_rows, seen_columns)
                tile = self(_fitting(picture[seen]), _fitting(hint[seen])).clamp(-1.0, 1.0)
                inner = (..., slice(top, bottom), slice(left, right))
                refined[inner] = torch.lerp(picture[inner], tile[..., inner_rows, inner_columns], weight[inner])
        return refined


def _waves(places: torch.Tensor) -> Iterator[torch.Tensor]:
    for turns in _WAVES:
        yield torch.sin(2.0 * math.pi * turns * places)
        yield torch.cos(2.0 * math.pi * turns * places)


def _near(person: torch.Tensor, around: int) -> torch.Tensor:
    """Of people (1, 1, H, W) and ``around`` so many pixels 1, and a fading rim of half as many more."""
    return blurred(grown((person > 0).float(), around), around // 2)


def _stretches(line: torch.Tensor, size: int) -> list[tuple[int, int]]:
    """From the first to the last of these rows or columns, in tiles."""
    first, end = int(line[0]) // _BLOCK * _BLOCK, min(int(line[-1]) + 1, size)
    return [(start, min(start + _TILE, end)) for start in range(first, end, _TILE)]


def _widened(start: int, end: int, size: int) -> tuple[slice, slice]:
    """A tile with all around it that its pixels depend on, and where the tile is in that."""
    first = max(start - _FIELD, 0)
    return slice(first, min(end + _FIELD, size)), slice(start - first, end - first)


def _fitting(pixels: torch.Tensor) -> torch.Tensor:
    """Continued to sides that are multiples of 4."""
    height, width = pixels.shape[-2:]
    return functional.pad(pixels, (0, -width % _BLOCK, 0, -height % _BLOCK), mode="replicate")


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.change = nn.Sequential(
            _convolution(channels, channels), nn.SiLU(), _convolution(channels, channels), nn.SiLU()
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + cast(torch.Tensor, self.change(x))


def _convolution(channels: int, to: int) -> nn.Conv2d:
    return nn.Conv2d(channels, to, 3, padding=1, padding_mode="replicate")
