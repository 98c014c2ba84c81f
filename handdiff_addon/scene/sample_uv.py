# SPDX-License-Identifier: GPL-3.0-or-later
"""UV charts without overlaps for a mesh of quads: cylinders and planes around bones, checked by rasterising, packed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .sample_shapes import unit

_HALVES = [[0, 1, 2], [0, 2, 3]]
_SQUARE = np.array([(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)])


@dataclass(frozen=True)
class Region:
    """How faces near some bones unwrap: rolled off around an axis, the ends flat.

    Faces whose normal lies within ``cap`` (cosine) of the axis become flat charts; 0 splits everything into two flat
    sides.  ``front`` points away from the seam; ``scale`` enlarges the charts.
    """

    bones: frozenset[str]
    origin: np.ndarray
    axis: np.ndarray
    front: np.ndarray
    cap: float = 0.8
    scale: float = 1.0


def chart_uvs(vertices: np.ndarray, quads: np.ndarray, region: np.ndarray, regions: Sequence[Region]) -> np.ndarray:
    """UVs (M, 4, 2) in 0..1, no two faces overlapping, every chart in a cell of its own.

    Args:
        vertices: (N, 3); quads: (M, 4); region: (M,) index into ``regions``.
    """
    corners = vertices[quads]
    normal = unit(_area_vectors(corners))
    charts: list[tuple[np.ndarray, np.ndarray]] = []
    loose: list[np.ndarray] = []
    for number, spec in enumerate(regions):
        faces = np.flatnonzero(region == number)
        for chosen, flat in _labels(quads, faces, normal, spec):
            uv = _plane(corners[chosen], spec.axis * flat) if flat else _cylinder(corners[chosen], spec)
            bad = _conflicts(uv)
            charts.append((chosen[~bad], uv[~bad] * spec.scale))
            loose.append(chosen[bad])
        # what did not unwrap lies flat, patch by patch, and in the end face by face
        for attempt in range(4):
            patches = [
                patch
                for group in loose
                for patch in (_components(quads, group) if attempt < 3 else group.reshape(-1, 1))
            ]
            loose = []
            for patch in patches:
                uv = _plane(corners[patch], unit(normal[patch].sum(axis=0) + 1e-6))
                bad = _conflicts(uv)
                if attempt == 3:
                    # a quad so bent that no view shows it whole becomes a square
                    uv[bad] = (
                        _SQUARE * np.linalg.norm(_area_vectors(corners[patch[bad]]) / 2, axis=1)[:, None, None] ** 0.5
                    )
                    bad = np.zeros(1, dtype=bool)
                charts.append((patch[~bad], uv[~bad] * spec.scale))
                loose.append(patch[bad])
    while True:
        uvs = _pack([chart for chart in charts if len(chart[0])], len(quads))
        stored = uvs.astype(np.float32).astype(np.float64)
        bad = _sharing(stored[:, _HALVES].reshape(-1, 3, 2) * 2048, 2048)
        if not bad.any():
            return uvs
        # slivers too thin for a chart's own check: those faces get charts of their own
        loners = [(chosen[i : i + 1], uv[i : i + 1]) for chosen, uv in charts for i in np.flatnonzero(bad[chosen])]
        charts = [(chosen[~bad[chosen]], uv[~bad[chosen]]) for chosen, uv in charts] + loners


def _area_vectors(corners: np.ndarray) -> np.ndarray:
    return np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])


def _labels(quads: np.ndarray, faces: np.ndarray, normal: np.ndarray, spec: Region) -> list[tuple[np.ndarray, float]]:
    """Faces of the roll (0) and of the flat ends (+1, -1); ends of a few faces stay with the roll."""
    along = normal[faces] @ spec.axis
    if spec.cap == 0.0:
        return [(faces[along >= 0.0], 1.0), (faces[along < 0.0], -1.0)]
    rolled, result = np.ones(len(faces), dtype=bool), []
    for sign in (1.0, -1.0):
        end = faces[along * sign > spec.cap]
        big = [patch for patch in _components(quads, end) if len(patch) >= 24]
        if big:
            chosen = np.concatenate(big)
            rolled &= ~np.isin(faces, chosen)
            result += [(patch, sign) for patch in big]
    return [(faces[rolled], 0.0), *result]


def _plane(corners: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """Corners (M, 4, 3) seen along an axis from outside: (M, 4, 2) metres."""
    helper = np.eye(3)[np.argmin(np.abs(axis))]
    right = unit(np.cross(helper, axis))
    return np.stack([corners @ right, corners @ np.cross(axis, right)], axis=-1)


def _cylinder(corners: np.ndarray, spec: Region) -> np.ndarray:
    """Corners (M, 4, 3) rolled off around the region's axis: (M, 4, 2) metres."""
    front = unit(spec.front - spec.axis * (spec.front @ spec.axis))
    right = np.cross(spec.axis, front)
    q = corners - spec.origin
    a, b = q @ front, q @ right
    turn = np.arctan2(b, a)
    middle = np.arctan2(b.mean(axis=1), a.mean(axis=1))[:, None]
    turn = middle + (turn - middle + np.pi) % (2 * np.pi) - np.pi
    return np.stack([turn * np.hypot(a, b).mean(), q @ spec.axis], axis=-1)


def _components(quads: np.ndarray, faces: np.ndarray) -> list[np.ndarray]:
    """Faces grouped by shared edges."""
    if not len(faces):
        return []
    edges = np.sort(np.stack([quads[faces], np.roll(quads[faces], -1, axis=1)], axis=-1).reshape(-1, 2), axis=1)
    _, name = np.unique(edges, axis=0, return_inverse=True)
    name = name.reshape(len(faces), 4)
    label = np.arange(len(faces))
    while True:
        lowest = np.full(name.max() + 1, len(faces))
        np.minimum.at(lowest, name, label[:, None])
        new = np.minimum(label, lowest[name].min(axis=1))
        if (new == label).all():
            return [faces[label == value] for value in np.unique(label)]
        label = new


def triangle_pixels(triangles: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixels that triangles (T, 3, 2) in pixel units cover: (pixel index, triangle index) for every pixel centre."""
    low = np.clip(np.floor(triangles.min(axis=1)).astype(int), 0, size - 1)
    high = np.clip(np.ceil(triangles.max(axis=1)).astype(int), 1, size)
    span = high - low
    counts = span.prod(axis=1)
    which = np.repeat(np.arange(len(triangles)), counts)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    row = within // np.repeat(span[:, 0], counts)
    x = np.repeat(low[:, 0], counts) + within - row * np.repeat(span[:, 0], counts)
    y = np.repeat(low[:, 1], counts) + row
    for k in range(3):
        a, b = triangles[:, k], triangles[:, (k + 1) % 3]
        dx, dy = b[:, 0] - a[:, 0], b[:, 1] - a[:, 1]
        inside = dx[which] * (y + 0.5) - dy[which] * (x + 0.5) > (dx * a[:, 1] - dy * a[:, 0])[which]
        x, y, which = x[inside], y[inside], which[inside]
    return y * size + x, which


def _conflicts(uv: np.ndarray) -> np.ndarray:
    """Which faces (M, 4, 2) are turned over or share a pixel with another face: (M,) bool."""
    bad = np.zeros(len(uv), dtype=bool)
    if not len(uv):
        return bad
    size = int(np.clip(9 * len(uv) ** 0.5, 48, 1024))
    low = uv.reshape(-1, 2).min(axis=0)
    extent = max(float((uv.reshape(-1, 2).max(axis=0) - low).max()), 1e-9)
    triangles = ((uv - low) / extent * (size - 2) + 1)[:, _HALVES].reshape(-1, 3, 2)
    a, b = triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
    turned = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0] <= 1e-7
    bad |= turned.reshape(-1, 2).any(axis=1)
    return bad | _sharing(triangles, size)


def _sharing(triangles: np.ndarray, size: int) -> np.ndarray:
    """Which quads share a pixel with another: (T / 2,) bool for triangles (T, 3, 2), two to a quad, in pixels."""
    bad = np.zeros(len(triangles) // 2, dtype=bool)
    pixel, triangle = triangle_pixels(triangles, size)
    order = np.argsort(pixel, kind="stable")
    pixel, face = pixel[order], triangle[order] // 2
    shared = np.flatnonzero((pixel[1:] == pixel[:-1]) & (face[1:] != face[:-1]))
    bad[face[shared]] = True
    bad[face[shared + 1]] = True
    return bad


def _pack(charts: Sequence[tuple[np.ndarray, np.ndarray]], faces: int) -> np.ndarray:
    """Charts on shelves, tallest first, at the largest common scale that fits the unit square."""
    margin = 0.003
    sizes = np.array([np.ptp(uv.reshape(-1, 2), axis=0) for _, uv in charts])
    order = np.lexsort((np.arange(len(charts)), -sizes[:, 1]))

    def places(scale: float) -> np.ndarray | None:
        result, x, y, shelf = np.zeros((len(charts), 2)), margin, margin, 0.0
        for i in order:
            width, height = sizes[i] * scale
            if x + width + margin > 1.0:
                x, y, shelf = margin, y + shelf + margin, 0.0
            if x + width + margin > 1.0 or y + height + margin > 1.0:
                return None
            result[i] = x, y
            x, shelf = x + width + margin, max(shelf, height)
        return result

    low, high = 0.0, 10.0
    for _ in range(24):
        middle = (low + high) / 2
        low, high = (middle, high) if places(middle) is not None else (low, middle)
    place = places(low)
    assert place is not None
    uvs = np.zeros((faces, 4, 2))
    for (chosen, uv), corner in zip(charts, place, strict=True):
        uvs[chosen] = corner + (uv - uv.reshape(-1, 2).min(axis=0)) * low
    return uvs
