# SPDX-License-Identifier: GPL-3.0-or-later
"""Training examples that live on the GPU and are cut, mirrored and turned there.

A processor draws some twenty canvases a second, a GPU learns from hundreds: so it holds the whole data set as bytes
(5.5 MB a sample), and what :mod:`.examples` does to one example at a time is done here to a whole batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional

from ..conditioning.heatmaps import CHANNELS, SIGMA, WRISTS
from ..conditioning.hint import BODY_MAP, HANDS, HANDS_MASK, HINT_CHANNELS, NORMALS, PERSON, SKELETON
from ..diffusion.text import TextEmbedding
from .examples import HANDS_WITHOUT_NORMALS, KEYPOINTS_ALONE, LEFT_HAND, WITHOUT_BODY_MAP, WITHOUT_NORMALS
from .stacked import POINTS, SHRINKS, WORDINGS, CanvasBytes, HandBytes, Texts

Embed = Callable[[Sequence[str]], TextEmbedding]

_WITHOUT_HINT, _WITHOUT_TEXT = 0.05, 0.1
_ZOOM = 0.8
_TURN = np.deg2rad(15.0)
_NOWHERE = 4 / 255
"""A body map's colours that are left of resampling its edge"""
_WALL = (128 / 255, 128 / 255, 1.0)
# Channels of a canvas' bytes.
_PICTURE, _PARTS, _NORMALS, _BODY_MAP, _SKELETON, _MIRRORED = (
    slice(0, 3), slice(3, 4), slice(4, 7), slice(7, 10), slice(10, 13), slice(13, 16)
)  # fmt: skip


class _Wordings:
    """Embeddings of all wordings, and of none."""

    def __init__(self, texts: Sequence[Texts], embed: Embed, device: str) -> None:
        lines = [line for own in texts for line in (*own.plain, *own.mirrored)] + [""]
        tokens, pooled = [], []
        for start in range(0, len(lines), 2048):
            embedded = embed(lines[start : start + 2048])
            assert embedded.pooled is not None
            tokens.append(embedded.tokens.to(device, torch.bfloat16))
            pooled.append(embedded.pooled.to(device))
        self._tokens, self._pooled = torch.cat(tokens), torch.cat(pooled)

    def draw(self, chosen: torch.Tensor, mirrored: torch.Tensor, generator: torch.Generator) -> TextEmbedding:
        wording = torch.randint(WORDINGS, chosen.shape, generator=generator, device=chosen.device)
        rows = (2 * chosen + mirrored.long()) * WORDINGS + wording
        without = torch.rand(chosen.shape, generator=generator, device=chosen.device) < _WITHOUT_TEXT
        rows = torch.where(without, len(self._tokens) - 1, rows)
        return TextEmbedding(self._tokens[rows].float(), self._pooled[rows])


class CanvasBatch(NamedTuple):
    pictures: torch.Tensor
    """(B, 3, s, s) float32 in -1..1"""
    hints: torch.Tensor
    """(B, 14, s, s) float32"""
    person: torch.Tensor
    """(B, 1, s, s) float32"""
    body_map: torch.Tensor
    """(B, 3, s, s) float32 in 0..1, whether the hints have it or not"""
    text: TextEmbedding


class CanvasPool:
    """All canvases of a data set on a device.

    Args:
        held: what the device holds.
        embed: texts to their :class:`TextEmbedding`.
        device: torch device name.
    """

    def __init__(self, held: Sequence[CanvasBytes], embed: Embed, device: str) -> None:
        self.device = device
        self._stacks = {shrink: _on_device([one.stacks[shrink] for one in held], device) for shrink in SHRINKS}
        self._points = torch.from_numpy(np.stack([one.points for one in held])).to(device)
        self._wordings = _Wordings([one.texts for one in held], embed, device)

    def __len__(self) -> int:
        return len(self._points)

    def draw(self, count: int, side: int, shrink: int, generator: torch.Generator) -> CanvasBatch:
        """Squares of ``side`` pixels, scaled down by ``shrink``; half of the batches are zoomed into a little."""
        stack = self._stacks[shrink]
        device, whole, small = self.device, stack.shape[-1], side // shrink
        chosen = torch.randint(len(self), (count,), generator=generator, device=device)
        mirrored = self._chance(count, 0.5, generator)
        place = torch.randint(POINTS, (count,), generator=generator, device=device)
        middle = self._points[chosen, place] // shrink
        zoomed = torch.rand((), generator=generator, device=device) < 0.5
        zoom = torch.where(zoomed, _ZOOM + (1 - _ZOOM) * self._random(count, generator), torch.ones((), device=device))
        cut = small * zoom[:, None]
        anywhere = torch.rand((count, 2), generator=generator, device=device) * (whole - cut)
        around = torch.minimum((middle - cut / 2).clamp(min=0.0), whole - cut)
        corner = anywhere if 2 * small > whole else around
        corner = torch.where(zoomed, corner, corner.round())
        pixels = _sample(stack[chosen], corner, cut, small)
        picture = pixels[:, _PICTURE]
        flip = mirrored[:, None, None, None]
        parts = torch.where(flip, pixels[:, _PARTS].flip(-1), pixels[:, _PARTS])
        picture = torch.where(flip, picture.flip(-1), picture) / 255.0
        normals, body_map = pixels[:, _NORMALS] / 255.0, pixels[:, _BODY_MAP] / 255.0
        normals = torch.where(flip, _against_red(normals.flip(-1)), normals)
        flipped = body_map.flip(-1)
        flipped = torch.where(flipped.amax(1, keepdim=True) > _NOWHERE, _against_red(flipped), flipped)
        body_map = torch.where(flip, flipped, body_map)
        skeleton = torch.where(flip, pixels[:, _MIRRORED].flip(-1), pixels[:, _SKELETON]) / 255.0
        person, hands = (parts > 0.5).float(), (parts > LEFT_HAND - 0.5).float()
        given = hands * self._keep(count, 0.5, generator)
        hints = torch.empty((count, HINT_CHANNELS, small, small), device=device)
        hints[:, SKELETON] = skeleton
        hints[:, PERSON] = person * self._keep(count, 0.1, generator)
        hints[:, HANDS] = picture * given
        hints[:, HANDS_MASK] = given
        surface = self._keep(count, KEYPOINTS_ALONE, generator)
        hints[:, NORMALS] = normals * surface * self._keep(count, WITHOUT_NORMALS, generator)
        hints[:, BODY_MAP] = body_map * surface * self._keep(count, WITHOUT_BODY_MAP, generator)
        hints *= self._keep(count, _WITHOUT_HINT, generator)
        text = self._wordings.draw(chosen, mirrored, generator)
        return CanvasBatch(2 * picture - 1, hints, person, body_map, text)

    def _random(self, count: int, generator: torch.Generator) -> torch.Tensor:
        return torch.rand(count, generator=generator, device=self.device)

    def _chance(self, count: int, share: float, generator: torch.Generator) -> torch.Tensor:
        return self._random(count, generator) < share

    def _keep(self, count: int, without: float, generator: torch.Generator) -> torch.Tensor:
        return (~self._chance(count, without, generator)).float()[:, None, None, None]


class HandBatch(NamedTuple):
    pictures: torch.Tensor
    """(B, 3, S, S) float32 in -1..1"""
    hints: torch.Tensor
    """(B, C, h, w) float32"""
    masks: torch.Tensor
    """(B, S, S) float32"""
    text: TextEmbedding


class HandPool:
    """All hands of a data set on a device; see :class:`CanvasPool`."""

    def __init__(self, held: Sequence[HandBytes], embed: Embed, device: str) -> None:
        self.device = device
        self._stack = _on_device([one.stack for one in held], device)
        self._hands = torch.from_numpy(np.stack([one.hands for one in held])).to(device)
        self._wordings = _Wordings([one.texts for one in held], embed, device)

    def __len__(self) -> int:
        return len(self._hands)

    def draw(self, count: int, crop: int, cells: int, generator: torch.Generator) -> HandBatch:
        """Crops around hands, turned by up to 15 degrees; half of them have normals as a smaller frame holds them."""
        device, size = self.device, self._stack.shape[-1]

        def random(*shape: int) -> torch.Tensor:
            return torch.rand(shape, generator=generator, device=device)

        chosen = torch.randint(len(self), (count,), generator=generator, device=device)
        side = crop * (0.88 + 0.28 * random(count, 1))
        centre = size / 2 + (random(count, 2) - 0.5) * 0.12 * size
        centre = torch.maximum(torch.minimum(centre, size - side / 2), side / 2)
        angle = (2 * random(count) - 1) * float(_TURN)
        cosine, sine = angle.cos(), angle.sin()
        turn = torch.stack([torch.stack([cosine, -sine], -1), torch.stack([sine, cosine], -1)], -2)  # crop to region
        steps = (torch.arange(crop, device=device) + 0.5) / crop * 2 - 1
        unit = torch.stack(torch.meshgrid(steps, steps, indexing="xy"), -1)
        where = centre[:, None, None] + torch.einsum("bij,hwj->bhwi", turn, unit) * side[:, None, None] / 2
        grid = where / size * 2 - 1
        stack = self._stack[chosen].float()
        picture = functional.grid_sample(stack[:, :3], grid, "bicubic", "border", align_corners=False)
        picture = picture.clamp(0.0, 255.0).round() / 255.0
        hand = functional.grid_sample((stack[:, 3:4] >= LEFT_HAND).float(), grid, "bilinear", "border", False)
        mask = (hand[:, 0] >= 0.5).float()
        normals = functional.grid_sample(stack[:, 4:7], grid, "bilinear", "border", False) / 255.0
        # Red and green are an image vector turned about; the crop sees it turned back.
        flat = torch.einsum("bji,bjhw->bihw", turn, normals[:, :2] - 0.5) + 0.5
        normals = torch.cat([flat, normals[:, 2:]], 1).clamp(0.0, 1.0)
        wall = (stack[:, 3:4] > 0).float()
        behind = functional.grid_sample(wall, grid, "bilinear", "border", False) < 0.5
        normals = torch.where(behind, torch.tensor(_WALL, device=device)[:, None, None], normals)
        points = (self._hands[chosen] - centre[:, None, None]) / (side[:, None, None] / 2)
        points = (torch.einsum("bji,bskj->bski", turn, points) + 1) * (crop / 2)
        mirrored = random(count) < 0.5
        flip = mirrored[:, None, None, None]
        picture = torch.where(flip, picture.flip(-1), picture)
        mask = torch.where(mirrored[:, None, None], mask.flip(-1), mask)
        normals = torch.where(flip, _against_red(normals.flip(-1)), normals)
        swapped = points.flip(1) * torch.tensor([-1.0, 1.0], device=device) + torch.tensor([crop, 0.0], device=device)
        points = torch.where(flip, swapped, points)
        normals = _as_from_afar(normals, float(np.random.default_rng(generator.initial_seed()).uniform(0.2, 0.8)))
        normals = normals * (random(count, 1, 1, 1) >= HANDS_WITHOUT_NORMALS)
        hint = torch.cat([heatmaps(points, crop, cells), functional.pixel_unshuffle(normals, crop // cells)], 1)
        hint = hint * (random(count, 1, 1, 1) >= _WITHOUT_HINT)
        return HandBatch(2 * picture - 1, hint, mask, self._wordings.draw(chosen, mirrored, generator))


def heatmaps(points: torch.Tensor, crop: float, cells: int) -> torch.Tensor:
    """As :func:`~handdiff_addon.conditioning.heatmaps.hand_heatmaps`, of a batch.

    Args:
        points: (B, 2, 21, 2) left and right hand's keypoints in the crops' pixels, NaN where absent.
        crop: side of the crops in those pixels.
        cells: side of the heatmaps.

    Returns:
        (B, 11, cells, cells) float32 in 0..1.
    """
    scaled = points * (cells / crop)
    there = torch.isfinite(scaled).all(-1)
    scaled = torch.nan_to_num(scaled, nan=-1e3)
    centres = torch.arange(cells, device=points.device) + 0.5
    falloff = torch.exp(-((centres - scaled[..., None]) ** 2) / (2.0 * SIGMA**2))
    spots = falloff[..., 1, :, None] * falloff[..., 0, None, :] * there[..., None, None]  # (B, 2, 21, h, w)
    inside = there & ((scaled >= 0) & (scaled < cells)).all(-1)
    fingers = spots[:, :, 1:].unflatten(2, (5, 4)).amax(3).flip(1).flatten(1, 2)  # right hand first
    finger_inside = inside[:, :, 1:].unflatten(2, (5, 4)).any(3).flip(1).flatten(1, 2)
    maps = torch.cat([fingers, spots[:, :, 0].amax(1, keepdim=True)], 1)
    assert maps.shape[1] == CHANNELS and WRISTS == CHANNELS - 1
    within = torch.cat([finger_inside, inside[:, :, 0].any(1, keepdim=True)], 1)
    peak = maps.amax((2, 3))
    return maps / torch.where(within & (peak > 0), peak, 1.0)[:, :, None, None]


def _on_device(arrays: Sequence[np.ndarray], device: str) -> torch.Tensor:
    """Stacked there, so that the processor's memory need not hold them twice."""
    stacked = torch.empty((len(arrays), *arrays[0].shape), dtype=torch.uint8, device=device)
    for row, array in zip(stacked, arrays, strict=True):
        row.copy_(torch.from_numpy(np.ascontiguousarray(array)))
    return stacked


def _sample(stack: torch.Tensor, corner: torch.Tensor, cut: torch.Tensor, small: int) -> torch.Tensor:
    """Squares of (B, C, S, S) bytes from ``corner`` (rows, columns), ``cut`` (B, 1) pixels wide, as (B, C, s, s)
    float32; parts stay whole numbers.  Whole corners and the squares' own size give the bytes themselves."""
    size = stack.shape[-1]
    steps = (torch.arange(small, device=stack.device) + 0.5) / small
    rows = (corner[:, :1] + steps * cut) / size * 2 - 1
    columns = (corner[:, 1:] + steps * cut) / size * 2 - 1
    grid = torch.stack([columns[:, None, :].expand(-1, small, -1), rows[:, :, None].expand(-1, -1, small)], -1)
    pixels = stack.float()
    sampled = functional.grid_sample(pixels, grid, "bicubic", "border", align_corners=False).round().clamp(0.0, 255.0)
    sampled[:, _PARTS] = functional.grid_sample(pixels[:, _PARTS], grid, "nearest", "border", align_corners=False)
    return sampled


def _as_from_afar(normals: torch.Tensor, far: float) -> torch.Tensor:
    """Half of a batch as a frame smaller by ``far`` would have held it: a hand may be 24 pixels there."""
    half, size = len(normals) // 2, normals.shape[-1]
    small = functional.interpolate(normals[half:], size=max(1, int(far * size)), mode="bilinear", antialias=True)
    return torch.cat([normals[:half], functional.interpolate(small, size=size, mode="bicubic").clamp(0.0, 1.0)])


def _against_red(colours: torch.Tensor) -> torch.Tensor:
    return torch.cat([1.0 - colours[:, :1], colours[:, 1:]], 1)
