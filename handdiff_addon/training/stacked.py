# SPDX-License-Identifier: GPL-3.0-or-later
"""Training examples as bytes that a GPU holds and cuts by itself: skeletons are drawn and captions worded before."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np

from ..conditioning.crops import resize, scale_pose
from ..conditioning.skeleton import draw_skeleton
from .captions import Attributes, caption
from .dataset import Sample, SampleRef, list_samples, load
from .examples import CanvasExample, HandExample, canvas_example, hand_examples, mirror_caption, mirror_pose

SHRINKS = (1, 2, 4)
WORDINGS = 16
POINTS = 64
"""Points of the person that a window may have in its middle"""
Held = TypeVar("Held")


class Texts(NamedTuple):
    """Wordings of one example's caption."""

    plain: list[str]
    mirrored: list[str]


@dataclass(frozen=True)
class CanvasBytes:
    """What a GPU holds of one canvas."""

    stacks: dict[int, np.ndarray]
    """shrunk by so much: (16, s, s) uint8: picture, parts, normals, body map, skeleton, skeleton of the mirror image"""
    points: np.ndarray
    """(64, 2) int64 rows and columns of the person's pixels"""
    texts: Texts


@dataclass(frozen=True)
class HandBytes:
    """What a GPU holds of one region around a hand."""

    stack: np.ndarray
    """(7, S, S) uint8: picture, parts, normals"""
    hands: np.ndarray
    """(2, 21, 2) float32: left, right; NaN where absent"""
    texts: Texts


def canvas_bytes(example: CanvasExample, rng: np.random.Generator) -> CanvasBytes:
    """A canvas with its skeletons drawn, at each size that it is learned from."""
    size = example.picture.shape[0]
    mirrored = mirror_pose(example.pose, size)
    stacks = {}
    for shrink in SHRINKS:
        small = size // shrink
        skeletons = [
            draw_skeleton([scale_pose(pose, (size, size), (small, small))], small, small)
            for pose in (example.pose, mirrored)
        ]
        stacks[shrink] = np.concatenate(
            [
                resize(example.picture, small, small),
                example.parts[::shrink, ::shrink, None],
                resize(example.normals, small, small),
                resize(example.body_map, small, small),
                skeletons[0],
                skeletons[1][:, ::-1],
            ],
            axis=2,
        ).transpose(2, 0, 1)
    rows, columns = np.nonzero(example.parts)
    chosen = rng.integers(len(rows), size=POINTS)
    return CanvasBytes(stacks, np.stack([rows[chosen], columns[chosen]], axis=1), _texts(example.attributes, rng))


def hand_bytes(example: HandExample, rng: np.random.Generator) -> HandBytes:
    """A hand's region as it is held on a GPU."""
    stack = np.concatenate([example.picture, example.parts[..., None], example.normals], axis=2).transpose(2, 0, 1)
    hands = np.stack([example.hands["left"], example.hands["right"]]).astype(np.float32)
    return HandBytes(stack, hands, _texts(example.attributes, rng))


def _texts(attributes: Attributes, rng: np.random.Generator) -> Texts:
    plain = [caption(attributes, rng)[0] for _ in range(WORDINGS)]
    return Texts(plain, [mirror_caption(text) for text in plain])


def canvases_of(sample: Sample, canvas: int, rng: np.random.Generator) -> list[CanvasBytes]:
    """The canvas of a sample."""
    return [canvas_bytes(example, rng) for example in canvas_example(sample, canvas)]


def hands_of(sample: Sample, crop: int, rng: np.random.Generator) -> list[HandBytes]:
    """Each visible hand of a sample."""
    return [hand_bytes(example, rng) for example in hand_examples(sample, crop)]


def read_stacked(
    data: Path, make: Callable[[Sample, int, np.random.Generator], list[Held]], size: int, seed: int
) -> list[Held]:
    """A data set's training split, read by all processors.

    Args:
        data: the data set's folder.
        make: :func:`canvases_of` or :func:`hands_of`.
        size: of the canvas or the crop, in pixels.
        seed: of the wordings.
    """
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as processes:
        made = processes.map(partial(_read, make, size, seed), list_samples(data, "train"), chunksize=8)
        return [held for own in made for held in own]


def _read(
    make: Callable[[Sample, int, np.random.Generator], list[Held]], size: int, seed: int, ref: SampleRef
) -> list[Held]:
    return make(load(ref), size, np.random.default_rng((seed, ref.index)))
