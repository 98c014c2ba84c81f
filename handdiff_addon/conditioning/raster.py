# SPDX-License-Identifier: GPL-3.0-or-later
"""A z-buffer in numpy: which triangle each pixel sees, at which depth, and where on the triangle.

Triangles become row spans and spans become pixels, all in whole arrays, so the cost follows the pixels covered and the
rows touched; a triangle that falls between pixel centres costs next to nothing.  Both crossings of a row count as
inside and each edge's crossing is computed the same way for both triangles that share it, so meshes have no cracks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .camera import Camera, transformed

_CHUNK = 1 << 17  # pixels resolved at once: stays in the cache, and bounds memory for large pictures
_MIN_AREA = 1e-9  # square pixels under which a triangle is a line
_NOTHING = np.iinfo(np.int64).max


@dataclass
class _Pieces:
    """Triangles in the picture plane: those given, and what the near plane leaves of others."""

    xy: np.ndarray
    """(N, 2) pixels of the vertices, clipped ones behind the given"""
    inverse_w: np.ndarray | None
    """(N,) the perspective divisor's inverse, None where there is none"""
    corners: np.ndarray
    """(T, 3) vertices of each piece"""
    whole: int
    """The first so many pieces are triangles as given"""
    cut_weights: np.ndarray
    """(T - whole, 3, 3): the corners of the others as weights of their triangle's corners"""


@dataclass
class Raster:
    """What each pixel sees.  Row 0 is the top; a pixel's centre lies at half integers."""

    depth: np.ndarray
    """(H, W) float32, metres along the viewing direction; inf where nothing is seen"""
    triangle: np.ndarray
    """(H, W) int32 index into the triangles given; -1 where nothing is seen"""
    piece: np.ndarray
    """(H, W) int32 index into ``pieces``; -1 where nothing is seen"""
    pieces: _Pieces

    @cached_property
    def barycentric(self) -> np.ndarray:
        """(H, W, 3) float32 weights of the triangle's corners, perspective-correct; 0 where nothing is seen."""
        seen = np.flatnonzero(self.piece >= 0)
        piece = self.piece.ravel()[seen]
        corners = self.pieces.corners[piece]
        width = self.piece.shape[1]
        px, py = seen % width + 0.5, seen // width + 0.5
        (x0, y0), (x1, y1), (x2, y2) = (self.pieces.xy[corners[:, k]].T for k in range(3))
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        second = ((px - x0) * (y2 - y0) - (x2 - x0) * (py - y0)) / area
        third = ((x1 - x0) * (py - y0) - (px - x0) * (y1 - y0)) / area
        weights = np.clip(np.stack([1.0 - second - third, second, third], axis=1), 0.0, 1.0)
        if self.pieces.inverse_w is not None:
            weights *= self.pieces.inverse_w[corners]
        weights /= weights.sum(axis=1, keepdims=True)
        clipped = np.flatnonzero(piece >= self.pieces.whole)
        if len(clipped):
            cut = self.pieces.cut_weights[piece[clipped] - self.pieces.whole]
            weights[clipped] = np.einsum("nc,nck->nk", weights[clipped], cut)
        picture = np.zeros((*self.piece.shape, 3), dtype=np.float32)
        picture.reshape(-1, 3)[seen] = weights
        return picture

    def interpolate(self, corners: np.ndarray) -> np.ndarray:
        """Attributes (M, 3, C) per triangle corner as a picture (H, W, C) float32; 0 where nothing is seen."""
        seen = self.triangle >= 0
        picture = np.zeros((*self.triangle.shape, corners.shape[2]), dtype=np.float32)
        picture[seen] = np.einsum("nk,nkc->nc", self.barycentric[seen], corners[self.triangle[seen]])
        return picture


def rasterise(vertices: np.ndarray, triangles: np.ndarray, camera: Camera) -> Raster:
    """Draw world-space triangles through a camera.

    Triangles are seen from both sides and clipped at the camera's near and far planes; those with a vertex that is not
    finite are left out.  Of surfaces at equal depth the triangle with the lower index wins.

    Args:
        vertices: (N, 3) world positions in metres.
        triangles: (M, 3) integer indices into ``vertices``.
        camera: gives the picture's size as well.
    """
    vertices = np.asarray(vertices, dtype=np.float64).reshape(-1, 3)
    triangles = np.asarray(triangles, dtype=np.int64).reshape(-1, 3)
    with np.errstate(invalid="ignore", over="ignore"):
        in_camera = transformed(vertices, camera.view[:3])
    depth = -in_camera[:, 2]
    near = camera.near
    finite = np.isfinite(in_camera).all(axis=1)
    with np.errstate(invalid="ignore"):
        in_front = finite & (depth >= near)
    cut_weights = np.zeros((0, 3, 3))
    if in_front.all():
        source, corners = None, triangles
    else:
        inside = in_front[triangles].sum(axis=1)
        source = np.flatnonzero(inside == 3)
        corners = triangles[source]
        cut = np.flatnonzero((inside > 0) & (inside < 3) & finite[triangles].all(axis=1))
        if len(cut):
            parents, cut_weights = _clip(depth[triangles[cut]], near)
            cut = cut[parents]
            new_points = np.einsum("tck,tkx->tcx", cut_weights, in_camera[triangles[cut]]).reshape(-1, 3)
            new_corners = len(in_camera) + np.arange(len(new_points)).reshape(-1, 3)
            source = np.concatenate([source, cut])
            corners = np.concatenate([corners, new_corners])
            in_camera = np.concatenate([in_camera, new_points])
            depth = -in_camera[:, 2]

    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        clip = transformed(in_camera, camera.projection[[0, 1, 3]])
        inverse_w = 1.0 / clip[:, 2]
        xy = clip[:, :2] * inverse_w[:, None]
    xy *= (0.5 * camera.width, -0.5 * camera.height)
    xy += (0.5 * camera.width, 0.5 * camera.height)
    perspective = camera.projection[3, 2] != 0
    # 1 / w is linear on the screen where depth is not.
    piece, depth_map = _resolve(xy, -inverse_w if perspective else depth, corners, camera.width, camera.height)
    seen = np.flatnonzero(piece >= 0)
    distance = depth_map.ravel()[seen]
    if perspective:
        distance = (1.0 / distance + camera.projection[3, 3]) / camera.projection[3, 2]
        depth_map.ravel()[seen] = distance
    beyond = seen[distance > camera.far]
    piece.ravel()[beyond], depth_map.ravel()[beyond] = -1, np.inf
    pieces = _Pieces(xy, inverse_w if perspective else None, corners, len(corners) - len(cut_weights), cut_weights)
    return Raster(depth_map, piece if source is None else _renumbered(piece, source), piece, pieces)


def rasterise_plane(xy: np.ndarray, depth: np.ndarray, triangles: np.ndarray, width: int, height: int) -> Raster:
    """Draw triangles that already lie in the picture plane, such as a UV layout; barycentric weights are linear.

    Args:
        xy: (N, 2) pixels, origin top left, y down; triangles with a vertex that is not finite are left out.
        depth: (N,) smaller wins; any unit.
        triangles: (M, 3) integer indices.
        width, height: the picture's size in pixels.
    """
    xy = np.asarray(xy, dtype=np.float64).reshape(-1, 2)
    depth = np.asarray(depth, dtype=np.float64).reshape(-1)
    triangles = np.asarray(triangles, dtype=np.int64).reshape(-1, 3)
    finite = np.isfinite(xy).all(axis=1) & np.isfinite(depth)
    source = np.flatnonzero(finite[triangles].all(axis=1))
    corners = triangles[source]
    piece, depth_map = _resolve(xy, depth, corners, width, height)
    pieces = _Pieces(xy, None, corners, len(corners), np.zeros((0, 3, 3)))
    return Raster(depth_map, _renumbered(piece, source), piece, pieces)


def _clip(depth: np.ndarray, near: float) -> tuple[np.ndarray, np.ndarray]:
    """Cut triangles (T, 3 depths) that cross the near plane.

    Returns the index of each piece's triangle (P,) and the pieces' corners as weights of its corners (P, 3, 3).
    """
    inside = depth >= near
    count = inside.sum(axis=1)
    # Turn each triangle so that its lone corner (the one on its own side) comes first.
    lone = np.where(count == 1, inside.argmax(axis=1), (~inside).argmax(axis=1))
    turn = (lone[:, None] + np.arange(3)) % 3
    turned = np.take_along_axis(depth, turn, axis=1)
    rows = np.arange(len(depth))
    corner = np.zeros((len(depth), 3, 3))
    for k in range(3):
        corner[rows, k, turn[:, k]] = 1.0
    to_second = ((near - turned[:, 0]) / (turned[:, 1] - turned[:, 0]))[:, None]
    to_third = ((near - turned[:, 0]) / (turned[:, 2] - turned[:, 0]))[:, None]
    on_second = corner[:, 0] * (1.0 - to_second) + corner[:, 1] * to_second
    on_third = corner[:, 0] * (1.0 - to_third) + corner[:, 2] * to_third
    tip = np.flatnonzero(count == 1)
    base = np.flatnonzero(count == 2)
    pieces = [
        np.stack([corner[tip, 0], on_second[tip], on_third[tip]], axis=1),
        np.stack([on_second[base], corner[base, 1], corner[base, 2]], axis=1),
        np.stack([on_second[base], corner[base, 2], on_third[base]], axis=1),
    ]
    return np.concatenate([tip, base, base]), np.concatenate(pieces)


def _resolve(
    xy: np.ndarray, key: np.ndarray, triangles: np.ndarray, width: int, height: int
) -> tuple[np.ndarray, np.ndarray]:
    """The nearest triangle (H, W) int32 or -1, and its key (H, W) float32, inf where there is none.

    ``key`` (N,) grows with depth and is linear on the screen.
    """
    x, y = np.ascontiguousarray(xy[:, 0]), np.ascontiguousarray(xy[:, 1])
    kept = _touching(x, y, triangles, width, height)
    corners = np.ascontiguousarray(triangles[kept].T)
    x, y, key = x[corners], y[corners], key[corners]  # (3, T) each
    area = (x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0])
    flat = np.abs(area) <= _MIN_AREA
    if flat.any():
        kept, x, y, key, area = kept[~flat], x[:, ~flat], y[:, ~flat], key[:, ~flat], area[~flat]
    rise_1, rise_2 = key[1] - key[0], key[2] - key[0]
    gradient_x = (rise_1 * (y[2] - y[0]) - rise_2 * (y[1] - y[0])) / area
    gradient_y = (rise_2 * (x[1] - x[0]) - rise_1 * (x[2] - x[0])) / area

    owner, row, start, length = _spans(x, y, width, height)
    right, down = start + 0.5 - x[0][owner], row + 0.5 - y[0][owner]
    step_key = gradient_x[owner]
    start_key = key[0][owner] + down * gradient_y[owner] + right * step_key
    start += row * width
    best = np.full(height * width, _NOTHING)
    # Pixels, in chunks of whole spans.
    drawn = kept[owner]
    ends = np.cumsum(length)
    starts = ends - length
    begin = 0
    while begin < len(owner):
        base = ends[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(ends, base + _CHUNK, side="right")))
        span = np.repeat(np.arange(begin, end), length[begin:end])
        step = np.arange(base, base + len(span)) - starts[span]
        pixel_key = (start_key[span] + step * step_key[span]).astype(np.float32)
        # One number that sorts by key and, of equal keys, by triangle.
        np.minimum.at(best, start[span] + step, (_sortable(pixel_key) << 32) | drawn[span])
        begin = end

    seen = np.flatnonzero(best != _NOTHING)
    found = best[seen]
    nearest = np.full(height * width, np.inf, dtype=np.float32)
    nearest[seen] = _unsorted(found >> 32)
    ids = np.full(height * width, -1, dtype=np.int32)
    ids[seen] = found & 0x7FFFFFFF
    return ids.reshape(height, width), nearest.reshape(height, width)


def _touching(x: np.ndarray, y: np.ndarray, triangles: np.ndarray, width: int, height: int) -> np.ndarray:
    """Triangles whose bounding box holds the centre of a pixel."""
    kept = np.arange(len(triangles))
    for position, size in ((y, height), (x, width)):
        with np.errstate(invalid="ignore"):  # vertices of no triangle may be nowhere
            first, last = _first(position, size), _last(position, size)
        corners = triangles[kept].T
        low, high = first[corners], last[corners]
        kept = kept[np.minimum(np.minimum(low[0], low[1]), low[2]) <= np.maximum(np.maximum(high[0], high[1]), high[2])]
    return kept


def _spans(
    x: np.ndarray, y: np.ndarray, width: int, height: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Triangle, row, first column and length of each run of pixel centres inside a triangle, corners (3, T)."""
    # From top to bottom and, of equals, from left to right: both triangles of an edge compute the same crossing.
    x, y = x.copy(), y.copy()
    for a, b in ((0, 1), (1, 2), (0, 1)):
        swap = (y[a] > y[b]) | ((y[a] == y[b]) & (x[a] > x[b]))
        x[a], x[b] = np.where(swap, x[b], x[a]), np.where(swap, x[a], x[b])
        y[a], y[b] = np.where(swap, y[b], y[a]), np.where(swap, y[a], y[b])
    top = _first(y[0], height)
    rows = _last(y[2], height) - top + 1
    owner = np.repeat(np.arange(len(top)), rows)
    row = np.arange(len(owner)) - (np.cumsum(rows) - rows - top)[owner]
    row_y = row + 0.5
    # A row crosses the long edge, and one of the two others.
    crossing = x[0][owner] + (row_y - y[0][owner]) * _slope(x[0], y[0], x[2], y[2])[owner]
    other = 2 * owner + (row_y >= y[1][owner])
    slope = _pairs(_slope(x[0], y[0], x[1], y[1]), _slope(x[1], y[1], x[2], y[2]))
    other_crossing = _pairs(x[0], x[1])[other] + (row_y - _pairs(y[0], y[1])[other]) * slope[other]
    start = _first(np.minimum(crossing, other_crossing), width)
    length = _last(np.maximum(crossing, other_crossing), width) - start + 1
    some = np.flatnonzero(length > 0)
    return owner[some], row[some], start[some], length[some]


def _slope(x0: np.ndarray, y0: np.ndarray, x1: np.ndarray, y1: np.ndarray) -> np.ndarray:
    """Columns per row of an edge; 0 for a level one."""
    rise = y1 - y0
    return np.where(rise > 0, x1 - x0, 0.0) / np.where(rise > 0, rise, 1.0)


def _pairs(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Two arrays, one number of each in turn."""
    return np.stack([first, second], axis=1).ravel()


def _renumbered(piece: np.ndarray, source: np.ndarray) -> np.ndarray:
    """Pieces (H, W) as the triangles they are of."""
    return np.append(source, -1).astype(np.int32)[piece]


def _sortable(values: np.ndarray) -> np.ndarray:
    """float32 as int64 in 32 bits that sort alike."""
    bits = values.view(np.int32)
    return (bits ^ ((bits >> 31) & 0x7FFFFFFF)).astype(np.int64)


def _unsorted(bits: np.ndarray) -> np.ndarray:
    """The float32 values that :func:`_sortable` made ``bits`` of."""
    bits = bits.astype(np.int32)
    return (bits ^ ((bits >> 31) & 0x7FFFFFFF)).view(np.float32)


def _first(position: np.ndarray, size: int) -> np.ndarray:
    """First pixel whose centre is at or beyond ``position``; may be ``size``."""
    return np.ceil(np.clip(position, 0.0, size + 1.0) - 0.5).astype(np.int64)


def _last(position: np.ndarray, size: int) -> np.ndarray:
    """Last pixel whose centre is at or before ``position``; may be -1."""
    return np.floor(np.clip(position, -1.0, size) - 0.5).astype(np.int64)
