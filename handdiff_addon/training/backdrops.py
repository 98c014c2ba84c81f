# SPDX-License-Identifier: GPL-3.0-or-later
"""What is behind the person: walls of one colour, plain or textured, drawn in numpy."""

from __future__ import annotations

import numpy as np
from PIL import Image

BACKDROPS = ("plain", "gradient", "bricks", "blurred", "floor")
"""One colour · one colour from dark to light · a brick wall · things out of focus · a wall that meets a floor"""

RGB = tuple[float, float, float]

_FLOORS: tuple[RGB, ...] = ((0.45, 0.38, 0.32), (0.55, 0.54, 0.52), (0.25, 0.24, 0.24), (0.68, 0.60, 0.48))


def draw_backdrop(
    kind: str, colour: RGB, size: int, rng: np.random.Generator, floor_line: tuple[float, float] | None = None
) -> np.ndarray:
    """A backdrop of a named kind whose median is about ``colour``.

    Args:
        kind: one of :data:`BACKDROPS`.
        colour: sRGB 0..1.
        size: of the square picture, in pixels.
        rng: draws what the kind leaves open.
        floor_line: for ``floor``: rows at which wall and floor meet at the picture's left and right edge, in pixels.

    Returns:
        (size, size, 3) uint8 sRGB.
    """
    down, across = np.meshgrid(*(np.linspace(0.0, 1.0, size),) * 2, indexing="ij")
    base = np.array(colour)
    if kind == "gradient":
        turn = rng.uniform(-0.6, 0.6) + np.pi * rng.integers(2)
        along = (down - 0.5) * np.cos(turn) + (across - 0.5) * np.sin(turn)
        picture = base + 0.27 * along[..., None] * (0.6 + base)
    elif kind == "bricks":
        picture = base + _bricks(down, across, rng)[..., None] * (0.35 + base)
    elif kind == "blurred":
        picture = base + _blobs(size, rng) * (0.5 + base)
    else:
        picture = np.broadcast_to(base, (size, size, 3))
        if kind == "floor":
            assert floor_line is not None
            floor = down * size > floor_line[0] + (floor_line[1] - floor_line[0]) * across
            own = np.array(_FLOORS[int(rng.integers(len(_FLOORS)))])
            shade = 0.92 + 0.16 * down
            picture = np.where(floor[..., None], own * shade[..., None], picture)
    return np.round(np.clip(picture, 0.0, 1.0) * 255).astype(np.uint8)


def _bricks(down: np.ndarray, across: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(H, W) brightness of a wall in running bond, around 0."""
    rows = int(rng.integers(9, 18))
    columns = rows * rng.uniform(0.42, 0.5)
    course = down * rows + rng.random()
    place = across * columns + 0.5 * (np.floor(course) % 2) + rng.random()
    joint = 0.07
    mortar = ((course % 1.0) < joint * 2) | ((place % 1.0) < joint)
    shades = rng.uniform(-0.08, 0.08, (32, 32))
    brick = shades[np.floor(course).astype(int) % 32, np.floor(place).astype(int) % 32]
    return np.where(mortar, float(rng.choice([-0.18, 0.18])), brick)


def _blobs(size: int, rng: np.random.Generator) -> np.ndarray:
    """(size, size, 3) soft patches around 0, coloured a little: a coarse random picture, enlarged smoothly."""
    cells = int(rng.integers(4, 8))
    coarse = rng.uniform(-0.17, 0.17, (cells, cells, 1)) + rng.uniform(-0.04, 0.04, (cells, cells, 3))
    layers = [
        np.array(Image.fromarray(coarse[..., axis].astype(np.float32)).resize((size, size), Image.Resampling.BICUBIC))
        for axis in range(3)
    ]
    return np.stack(layers, axis=2)
