# SPDX-License-Identifier: GPL-3.0-or-later
"""A z-buffer in numpy: which triangle each pixel sees, at which depth, and where on the triangle.

Triangles become row spans and spans become pixels, all in whole arrays, so the cost follows the pixels covered and the
rows touched; a triangle that falls between pixel centres costs next to nothing.  Both crossings of a row count as
inside and each edge's crossing is computed the same way for both triangles that share it, so meshes have no cracks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .camera import Camera

_CHUNK = 1 << 21  # pixels resolved at once: bounds memory for large pictures
_MIN_AREA = 1e-9  # square pixels under which a triangle is a line


@dataclass
class Raster:
    """What each pixel sees.  Row 0 is the top; a pixel's centre lies at half integers."""

    depth: np.ndarray
    """(H, W) float32, metres along the viewing direction; inf where nothing is seen"""
    triangle: np.ndarray
    """(H, W) int32 index into the triangles given; -1 where nothing is seen"""
    barycentric: np.ndarray
    """(H, W, 3) float32 weights of the triangle's corners, perspective-correct; 0 where nothing is seen"""

    def interpolate(self, corners: np.ndarray) -> np.ndarray:
        """Attributes (M, 3, C) per triangle corner as a picture (H, W, C) float32; 0 where nothing is seen."""
        seen = self.triangle >= 0
        picture = np.zeros((*self.triangle.shape, corners.shape[2]), dtype=np.float32)
        picture[seen] = np.einsum("nk,nkc->nc", self.barycentric[seen], corners[self.triangle[seen]])
        return picture


def rasterise(vertices: np.ndarray, triangles: np.ndarray, camera: Camera) -> Raster:
    """Draw world-space triangles through a camera.

    Triangles are seen from both sides and clipped at the camera's near plane; those with a vertex that is not finite
    are left out.  Of surfaces at equal depth the triangle with the lower index wins.

    Args:
        vertices: (N, 3) world positions in metres.
        triangles: (M, 3) integer indices into ``vertices``.
        camera: gives the picture's size as well.
    """
    vertices = np.asarray(vertices, dtype=np.float64).reshape(-1, 3)
    triangles = np.asarray(triangles, dtype=np.int64).reshape(-1, 3)
    in_camera = vertices @ camera.view[:3, :3].T + camera.view[:3, 3]
    depth = -in_camera[:, 2]
    near = camera.near
    with np.errstate(invalid="ignore"):
        in_front = depth >= near
    inside = in_front[triangles].sum(axis=1)
    usable = np.isfinite(in_camera).all(axis=1)[triangles].all(axis=1)

    source = np.flatnonzero(usable & (inside == 3))
    corners = triangles[source]
    cut = np.flatnonzero(usable & (inside > 0) & (inside < 3))
    cut_weights = np.zeros((0, 3, 3))
    if len(cut):
        parents, cut_weights = _clip(depth[triangles[cut]], near)
        cut = cut[parents]
        new_points = np.einsum("tck,tkx->tcx", cut_weights, in_camera[triangles[cut]]).reshape(-1, 3)
        new_corners = len(in_camera) + np.arange(len(new_points)).reshape(-1, 3)
        whole = len(source)
        source = np.concatenate([source, cut])
        corners = np.concatenate([corners, new_corners])
        in_camera = np.concatenate([in_camera, new_points])
        depth = -in_camera[:, 2]
    else:
        whole = len(source)

    clip = np.concatenate([in_camera, np.ones_like(in_camera[:, :1])], axis=1) @ camera.projection.T
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse_w = 1.0 / clip[:, 3]
        ndc = clip[:, :2] * inverse_w[:, None]
    xy = np.stack([(ndc[:, 0] + 1.0) * 0.5 * camera.width, (1.0 - ndc[:, 1]) * 0.5 * camera.height], axis=1)
    perspective = camera.projection[3, 2] != 0
    # 1 / w is linear on the screen where depth is not.
    key = -inverse_w if perspective else depth
    ids, linear = _resolve(xy, key, corners, camera.width, camera.height)

    seen = ids >= 0
    drawn = ids[seen]
    weights = linear[seen]
    if perspective:
        weights = weights * inverse_w[corners[drawn]]
        weights /= weights.sum(axis=1, keepdims=True)
    depth_map = np.full(ids.shape, np.inf, dtype=np.float32)
    depth_map[seen] = (weights * depth[corners[drawn]]).sum(axis=1)
    if len(cut_weights):
        clipped = drawn >= whole
        weights[clipped] = np.einsum("nc,nck->nk", weights[clipped], cut_weights[drawn[clipped] - whole])
    barycentric = np.zeros((*ids.shape, 3), dtype=np.float32)
    barycentric[seen] = weights
    triangle = np.full(ids.shape, -1, dtype=np.int32)
    triangle[seen] = source[drawn]
    return Raster(depth_map, triangle, barycentric)


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
    ids, linear = _resolve(xy, depth, triangles[source], width, height)
    seen = ids >= 0
    triangle = np.full(ids.shape, -1, dtype=np.int32)
    triangle[seen] = source[ids[seen]]
    depth_map = np.full(ids.shape, np.inf, dtype=np.float32)
    depth_map[seen] = (linear[seen] * depth[triangles[triangle[seen]]]).sum(axis=1)
    return Raster(depth_map, triangle, linear.astype(np.float32))


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
    """The nearest triangle (H, W) int64 or -1, and its linear barycentric weights (H, W, 3) float64.

    ``key`` (N,) grows with depth and is linear on the screen.
    """
    ids = np.full(height * width, -1, dtype=np.int64)
    weights = np.zeros((height * width, 3))
    nearest = np.full(height * width, np.inf)

    x, y = xy[triangles, 0].T, xy[triangles, 1].T  # (3, T) each
    area = (x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0])
    top, bottom = _first(y.min(axis=0), height), _last(y.max(axis=0), height)
    left, right = _first(x.min(axis=0), width), _last(x.max(axis=0), width)
    kept = np.flatnonzero((top <= bottom) & (left <= right) & (np.abs(area) > _MIN_AREA))
    x, y, area, top = x[:, kept], y[:, kept], area[kept], top[kept]
    corner_key = key[triangles[kept]].T
    rise_1, rise_2 = corner_key[1] - corner_key[0], corner_key[2] - corner_key[0]
    gradient_x = (rise_1 * (y[2] - y[0]) - rise_2 * (y[1] - y[0])) / area
    gradient_y = (rise_2 * (x[1] - x[0]) - rise_1 * (x[2] - x[0])) / area

    # Rows: one entry per triangle and row of pixel centres that it touches.
    rows_per_triangle = bottom[kept] - top + 1
    owner = np.repeat(np.arange(len(kept)), rows_per_triangle)
    row = top[owner] + _count_up(rows_per_triangle)
    row_y = row + 0.5
    low = np.full(len(owner), np.inf)
    high = np.full(len(owner), -np.inf)
    for a, b in ((0, 1), (1, 2), (2, 0)):
        # Upper end first, so that both triangles of an edge compute the same crossing.
        swap = (y[a] > y[b]) | ((y[a] == y[b]) & (x[a] > x[b]))
        x0, y0 = np.where(swap, x[b], x[a]), np.where(swap, y[b], y[a])
        x1, y1 = np.where(swap, x[a], x[b]), np.where(swap, y[a], y[b])
        rise = y1 - y0
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = np.where(rise > 0, (x1 - x0) / rise, 0.0)
        crossing = x0[owner] + (row_y - y0[owner]) * slope[owner]
        crosses = (row_y >= y0[owner]) & (row_y <= y1[owner])
        low = np.where(crosses, np.minimum(low, crossing), low)
        high = np.where(crosses, np.maximum(high, crossing), high)
    start, stop = _first(low, width), _last(high, width)
    some = np.flatnonzero(start <= stop)
    owner, row, start, length = owner[some], row[some], start[some], (stop - start + 1)[some]

    # Pixels, in chunks of whole rows.
    ends = np.cumsum(length)
    begin = 0
    while begin < len(owner):
        base = ends[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(ends, base + _CHUNK, side="right")))
        size = length[begin:end]
        piece = slice(begin, end)
        row_key = (
            corner_key[0][owner[piece]]
            + (row[piece] + 0.5 - y[0][owner[piece]]) * gradient_y[owner[piece]]
            + (start[piece] + 0.5 - x[0][owner[piece]]) * gradient_x[owner[piece]]
        )
        step = _count_up(size)
        pixel = np.repeat(row[piece] * width + start[piece], size) + step
        pixel_key = np.repeat(row_key, size) + step * np.repeat(gradient_x[owner[piece]], size)
        pixel_owner = np.repeat(owner[piece], size)
        closer = pixel_key < nearest[pixel]
        pixel, pixel_key, pixel_owner = pixel[closer], pixel_key[closer], pixel_owner[closer]
        np.minimum.at(nearest, pixel, pixel_key)
        winner = np.flatnonzero(pixel_key == nearest[pixel])[::-1]  # of equals the first, which is written last
        ids[pixel[winner]] = pixel_owner[winner]
        begin = end

    seen = np.flatnonzero(ids >= 0)
    drawn = ids[seen]
    px, py = seen % width + 0.5, seen // width + 0.5
    x0, y0 = x[0][drawn], y[0][drawn]
    second = ((px - x0) * (y[2][drawn] - y0) - (x[2][drawn] - x0) * (py - y0)) / area[drawn]
    third = ((x[1][drawn] - x0) * (py - y0) - (px - x0) * (y[1][drawn] - y0)) / area[drawn]
    inner = np.clip(np.stack([1.0 - second - third, second, third], axis=1), 0.0, 1.0)
    weights[seen] = inner / inner.sum(axis=1, keepdims=True)
    ids[seen] = kept[drawn]
    return ids.reshape(height, width), weights.reshape(height, width, 3)


def _first(position: np.ndarray, size: int) -> np.ndarray:
    """First pixel whose centre is at or beyond ``position``; may be ``size``."""
    return np.ceil(np.clip(position, 0.0, size + 1.0) - 0.5).astype(np.int64)


def _last(position: np.ndarray, size: int) -> np.ndarray:
    """Last pixel whose centre is at or before ``position``; may be -1."""
    return np.floor(np.clip(position, -1.0, size) - 0.5).astype(np.int64)


def _count_up(lengths: np.ndarray) -> np.ndarray:
    """0, 1, .. length - 1 for each length, one after the other."""
    total = int(lengths.sum())
    return np.arange(total) - np.repeat(np.cumsum(lengths) - lengths, lengths)
