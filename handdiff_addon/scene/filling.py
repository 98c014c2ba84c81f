# SPDX-License-Identifier: GPL-3.0-or-later
"""Colours for what no picture shows: diffused over the surface from where it is known, and run out over seams.

numpy only.
"""

from __future__ import annotations

import numpy as np

from .texels import BakeMesh

_SWEEPS = 300  # of the solver at most; it stops as soon as nothing moves by a tenth of a grey level
_HOLD = 1e-5  # how much a place with no known colour on its island leans to the material's mean


class SurfaceGraph:
    """A mesh as a graph whose nodes are (place, material): colour runs over UV seams, but not between materials."""

    def __init__(self, mesh: BakeMesh) -> None:
        # Meshes from game engines are split along UV seams: vertices in one place are one node.
        corners = mesh.triangles.ravel()
        _, place = distinct_rows(np.rint(mesh.vertices * 1e5))
        first, node = distinct_rows(np.stack([place[corners], np.repeat(mesh.material, 3)], axis=1))
        self.material = np.repeat(mesh.material, 3)[first]
        """(K,) of each node"""
        self.node = node.reshape(-1, 3)
        """(M, 3) of each triangle's corners"""
        positions = mesh.vertices[corners[first]]
        edges = np.concatenate([self.node[:, [a, b]] for a in range(3) for b in range(3) if a != b])
        edges = edges[edges[:, 0] != edges[:, 1]]
        self.edges = edges[distinct_rows(edges)[0]]
        """(E, 2) directed"""
        lengths = np.linalg.norm(positions[self.edges[:, 0]] - positions[self.edges[:, 1]], axis=1)
        self.closeness = 1.0 / np.maximum(lengths, 1e-6)
        """(E,) what an edge lets through"""

    def __len__(self) -> int:
        return len(self.material)

    def gather(self, triangle: np.ndarray, barycentric: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Sum values (N, C) of points on triangles into the nodes around them: (K, C)."""
        nodes = self.node[triangle].ravel()
        return np.stack(
            [np.bincount(nodes, (barycentric * channel[:, None]).ravel(), len(self)) for channel in values.T], axis=1
        )


def diffuse(graph: SurfaceGraph, colour: np.ndarray, known: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Fill unknown nodes as heat would: each becomes the mean of its neighbours (Laplace's equation).

    Args:
        graph: the surface.
        colour: (K, C), read where ``known``.
        known: (K,) bool.
        mean: (K, C), for islands of which nothing is known.

    Returns:
        (K, C).
    """
    result = np.where(known[:, None], colour, mean)
    free = ~known
    if not free.any():
        return result
    edge = free[graph.edges[:, 1]]
    source, target = graph.edges[edge].T
    share = graph.closeness[edge]
    degree = np.bincount(target, share, len(graph))
    hold = _HOLD * np.maximum(degree, 1.0)
    total = (degree + hold)[:, None]

    def residual(values: np.ndarray, pull: np.ndarray) -> np.ndarray:
        around = [np.bincount(target, share * channel[source], len(graph)) for channel in values.T]
        return np.asarray((pull + np.stack(around, axis=1) - total * values) * free[:, None])

    # Conjugate gradients with the diagonal as preconditioner, all channels at once.
    rest = residual(result, hold[:, None] * mean)
    nothing = np.zeros_like(mean)
    direction = ready = rest / total
    power = (rest * ready).sum(axis=0)
    for _ in range(_SWEEPS):
        if np.abs(ready).max() < 1e-3:
            break
        image = -residual(direction, nothing)
        step = power / np.maximum((direction * image).sum(axis=0), 1e-30)
        result, rest = result + step * direction, rest - step * image
        ready = rest / total
        before, power = power, (rest * ready).sum(axis=0)
        direction = ready + power / np.maximum(before, 1e-30) * direction
    return result


def run_out(texture: np.ndarray, covered: np.ndarray, margin: int, beyond: np.ndarray) -> np.ndarray:
    """Run the colours (S, S, C) of covered (S, S) texels out over ``margin`` pixels; what lies further is ``beyond``.

    A renderer that mixes neighbouring texels, or a smaller copy of the texture, then meets no seam.
    """
    inked = np.concatenate([texture * covered[..., None], covered[..., None]], axis=2).astype(np.float32)
    for _ in range(margin):
        total = inked
        for axis in (0, 1):
            total = total + _shift(total, 1, axis) + _shift(total, -1, axis)
        fresh = (inked[..., -1] == 0) & (total[..., -1] > 0)
        inked[fresh] = total[fresh] / total[fresh][:, -1:]
    result, covered = inked[..., :-1].copy(), inked[..., -1] > 0
    result[~covered] = beyond
    return result


def distinct_rows(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For rows (N, C): where each distinct row first stands (K,), and which of them each row is (N,).

    What ``numpy.unique`` gives along an axis, many times faster.
    """
    key = np.zeros(len(rows), dtype=np.int64)
    first = np.zeros(min(len(rows), 1), dtype=np.int64)
    for column in rows.T:
        values, value = np.unique(column, return_inverse=True)
        _, first, key = np.unique(key * len(values) + value, return_index=True, return_inverse=True)
    return first, key


def _shift(array: np.ndarray, step: int, axis: int) -> np.ndarray:
    """The array moved by a pixel along an axis, zeros moving in."""
    moved = np.zeros_like(array)
    target, source = [slice(None)] * array.ndim, [slice(None)] * array.ndim
    target[axis], source[axis] = (slice(1, None), slice(-1)) if step > 0 else (slice(-1), slice(1, None))
    moved[tuple(target)] = array[tuple(source)]
    return moved
