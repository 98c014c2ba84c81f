# SPDX-License-Identifier: GPL-3.0-or-later
"""Implicit shapes that the sample human is modelled from, and their polygonisation.

A shape is a function of points (N, 3) in metres to (N,) roughly signed distances in metres, negative inside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

Field = Callable[[np.ndarray], np.ndarray]
"""Points (N, 3) to signed distances (N,)."""

_CORNERS = np.array([(i, j, k) for i in (0, 1) for j in (0, 1) for k in (0, 1)])
_EDGES = [(a, b) for a in range(8) for b in range(a + 1, 8) if np.abs(_CORNERS[a] - _CORNERS[b]).sum() == 1]


def unit(vector: Sequence[float] | np.ndarray) -> np.ndarray:
    """The vector (..., 3) at length one."""
    array = np.asarray(vector, dtype=np.float64)
    return array / np.linalg.norm(array, axis=-1, keepdims=True)


def smoothstep(x: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 at and below ``low``, 1 at and above ``high``, a cubic between."""
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def fold(p: np.ndarray) -> np.ndarray:
    """Points (N, 3) mirrored on to the side of positive x."""
    return np.concatenate([np.abs(p[:, :1]), p[:, 1:]], axis=1)


def union(a: np.ndarray, b: np.ndarray, radius: float) -> np.ndarray:
    """Union of two distance arrays with a fillet of about ``radius`` metres."""
    h = np.maximum(radius - np.abs(a - b), 0.0) / radius
    return np.minimum(a, b) - h * h * radius * 0.25


def cut(a: np.ndarray, b: np.ndarray, radius: float) -> np.ndarray:
    """``a`` without ``b``, the rim rounded by about ``radius`` metres."""
    return -union(-a, b, radius)


def ellipsoid(p: np.ndarray, centre: Sequence[float], radii: Sequence[float]) -> np.ndarray:
    """Distance to an axis-aligned ellipsoid (first-order accurate near its surface)."""
    q = (p - np.asarray(centre)) / np.asarray(radii)
    length = np.linalg.norm(q, axis=1)
    slope = np.linalg.norm(q / np.asarray(radii), axis=1)
    return np.where(slope > 1e-9, length * (length - 1.0) / np.maximum(slope, 1e-9), -min(radii))


def tube(p: np.ndarray, points: np.ndarray, radii: Sequence[float], fillet: float = 0.003) -> np.ndarray:
    """Distance to a chain of round cones through ``points`` (K, 3) with a radius at each."""
    field = None
    for a, b, ra, rb in zip(points[:-1], points[1:], radii[:-1], radii[1:], strict=True):
        t = np.clip((p - a) @ (b - a) / ((b - a) @ (b - a)), 0.0, 1.0)
        distance = np.linalg.norm(p - (a + t[:, None] * (b - a)), axis=1) - (ra + t * (rb - ra))
        field = distance if field is None else union(field, distance, fillet)
    assert field is not None
    return field


def _interpolate(x: np.ndarray, knots: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Cubic Hermite curve through ``values`` (K, C) at rising ``knots`` (K,), constant outside; returns (N, C)."""
    slopes = np.gradient(values, knots, axis=0)
    x = np.clip(x, knots[0], knots[-1])
    i = np.clip(np.searchsorted(knots, x) - 1, 0, len(knots) - 2)
    step = (knots[i + 1] - knots[i])[:, None]
    t = ((x - knots[i]) / step[:, 0])[:, None]
    return (
        (1 + 2 * t) * (1 - t) ** 2 * values[i]
        + t * (1 - t) ** 2 * step * slopes[i]
        + t * t * (3 - 2 * t) * values[i + 1]
        + t * t * (t - 1) * step * slopes[i + 1]
    )


def loft(
    p: np.ndarray,
    origin: Sequence[float] | np.ndarray,
    axis: Sequence[float] | np.ndarray,
    side: Sequence[float] | np.ndarray,
    rings: Sequence[Sequence[float]],
    power: float = 2.0,
) -> np.ndarray:
    """Distance to a body lofted through oval rings along a straight axis.

    Each ring is (height along ``axis`` from ``origin``, offset of the ring's centre along back, half width along
    ``side``, radius to the front, radius to the back), all in metres, where back = axis x side.  ``power`` over 2 makes
    the ovals boxier.
    """
    up = unit(axis)
    across = unit(np.asarray(side) - up * (np.asarray(side) @ up))
    back = np.cross(up, across)
    q = p - np.asarray(origin)
    table = np.asarray(rings, dtype=np.float64)
    height = q @ up
    centre, width, front, rear = _interpolate(height, table[:, 0], table[:, 1:]).T
    a, b = q @ across, q @ back - centre
    depth = np.where(b < 0.0, front, rear)
    ratio = (np.abs(a / width) ** power + np.abs(b / depth) ** power) ** (1.0 / power)
    length = np.hypot(a, b)
    radial = np.where(ratio > 1e-6, length - length / np.maximum(ratio, 1e-6), -np.minimum(width, depth))
    beyond = np.maximum(table[0, 0] - height, height - table[-1, 0])
    inside = np.minimum(np.maximum(radial, beyond), 0.0)
    return inside + np.hypot(np.maximum(radial, 0.0), np.maximum(beyond, 0.0))


def graded(low: float, high: float, *bands: tuple[float, float, float]) -> np.ndarray:
    """Rising grid coordinates over [low, high]; each band (start, end, spacing) sets the spacing inside it.

    The bands follow each other without gaps; the last band's spacing holds to the end.
    """
    lines = [low]
    while lines[-1] < high:
        lines.append(lines[-1] + next((step for a, b, step in bands if a <= lines[-1] < b), bands[-1][2]))
    return np.asarray(lines)


def mirrored(half: np.ndarray) -> np.ndarray:
    """Grid coordinates symmetric about zero, with zero in the middle of a cell, from rising positive ones."""
    return np.concatenate([-half[::-1], half])


def polygonise(field: Field, xs: np.ndarray, ys: np.ndarray, zs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Quads of the zero surface by naive surface nets, then drawn on to the surface by Newton steps.

    Args:
        field: the shape; the grid must enclose it.
        xs, ys, zs: rising grid coordinates; the spacing may vary.

    Returns:
        vertices (N, 3), quads (M, 4) wound outward.
    """
    shape = (len(xs), len(ys), len(zs))
    grid = np.stack(np.meshgrid(xs, ys, zs, indexing="ij"), axis=-1)
    values = field(grid.reshape(-1, 3)).reshape(shape)
    inside = values < 0.0
    count = np.zeros((shape[0] - 1, shape[1] - 1, shape[2] - 1), dtype=int)
    for i, j, k in _CORNERS:
        count += inside[i : shape[0] - 1 + i, j : shape[1] - 1 + j, k : shape[2] - 1 + k]
    cells = np.argwhere((count > 0) & (count < 8))
    index = np.full(count.shape, -1)
    index[tuple(cells.T)] = np.arange(len(cells))
    corner = cells[:, None] + _CORNERS
    where = grid[tuple(np.moveaxis(corner, -1, 0))]
    value = values[tuple(np.moveaxis(corner, -1, 0))]
    total, crossings = np.zeros((len(cells), 3)), np.zeros(len(cells))
    for a, b in _EDGES:
        change = (value[:, a] < 0.0) != (value[:, b] < 0.0)
        t = np.where(change, value[:, a] / np.where(change, value[:, a] - value[:, b], 1.0), 0.0)
        total += np.where(change[:, None], where[:, a] + t[:, None] * (where[:, b] - where[:, a]), 0.0)
        crossings += change
    vertices = total / crossings[:, None]

    quads = []
    for axis in range(3):
        other = [(axis + 1) % 3, (axis + 2) % 3]
        near, far = np.moveaxis(inside, axis, 0)[:-1], np.moveaxis(inside, axis, 0)[1:]
        edges = np.argwhere(np.moveaxis(near != far, 0, axis))
        edges = edges[(edges[:, other] > 0).all(axis=1)]
        offsets = np.zeros((4, 3), dtype=int)
        offsets[:, other[0]] = (-1, 0, 0, -1)
        offsets[:, other[1]] = (-1, -1, 0, 0)
        ring = index[tuple(np.moveaxis(edges[:, None] + offsets, -1, 0))]
        flip = ~inside[tuple(edges.T)]
        ring[flip] = ring[flip][:, ::-1]
        quads.append(ring)

    spacing = np.stack([np.diff(line)[cells[:, i]] for i, line in enumerate((xs, ys, zs))], axis=1).min(axis=1)
    for _ in range(3):
        value, step = field(vertices), 2e-4 * np.eye(3)
        # centred in x, so that symmetric shapes get symmetric vertices
        slope_x = (field(vertices + step[0]) - field(vertices - step[0])) / 4e-4
        slopes = [slope_x, *((field(vertices + move) - value) / 2e-4 for move in step[1:])]
        gradient = np.stack(slopes, axis=1)
        move = -(value / np.maximum((gradient**2).sum(axis=1), 0.05))[:, None] * gradient
        length = np.linalg.norm(move, axis=1)
        limit = np.minimum(1.0, 0.3 * spacing / np.maximum(length, 1e-12))
        vertices = vertices + move * limit[:, None]
    return vertices, np.concatenate(quads)


def swept(
    path: np.ndarray, across: np.ndarray, radii: np.ndarray, *, closed: bool = False, sides: int = 10
) -> tuple[np.ndarray, np.ndarray]:
    """Quads of a tube of oval rings along a path.

    Args:
        path: (K, 3) ring centres.
        across: (K, 3) direction of each ring's first axis; the second is across x the path's direction.
        radii: (K, 2) along both axes.
        closed: join the last ring to the first; otherwise the ends stay open.

    Returns:
        vertices (N, 3), quads (M, 4) wound outward.
    """
    before, after = np.roll(path, 1, axis=0), np.roll(path, -1, axis=0)
    if not closed:
        before[0], after[-1] = path[0], path[-1]
    along = unit(after - before)
    first = unit(across - along * (across * along).sum(axis=1, keepdims=True))
    second = np.cross(along, first)
    turn = np.arange(sides) * 2 * np.pi / sides
    rings = (
        path[:, None]
        + (radii[:, :1] * np.cos(turn))[..., None] * first[:, None]
        + (radii[:, 1:] * np.sin(turn))[..., None] * second[:, None]
    )
    count = len(path)
    ring, side = np.meshgrid(np.arange(count if closed else count - 1), np.arange(sides), indexing="ij")
    a, b = ring * sides + side, ring * sides + (side + 1) % sides
    quads = np.stack([a, b, (b + sides) % (count * sides), (a + sides) % (count * sides)], axis=-1)
    return rings.reshape(-1, 3), quads.reshape(-1, 4)
