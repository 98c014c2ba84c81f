# SPDX-License-Identifier: GPL-3.0-or-later
"""Texels of a mesh: which triangle each one lies on, over UDIM tiles, and what is wrong with a UV map.

numpy only.  Textures are square with row 0 at the top (v = 1).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..conditioning.raster import rasterise_plane

FIRST_TILE = 1001
"""UDIM's number of the tile from 0 to 1; the next one along u is 1002, along v 1011"""
_OVERLAP = 0.003  # of the texels: fewer are edges that touch, or a sliver folded over
_SLACK = 1e-3  # how far a corner may stand out of its tile, in tiles
_GRID = 1024  # pixels of the check for overlaps


@dataclass(frozen=True)
class BakeMesh:
    """One posed mesh in world space, as triangles.  Corners are a triangle's three, in its order."""

    vertices: np.ndarray
    """(N, 3) metres"""
    triangles: np.ndarray
    """(M, 3) vertex indices"""
    uv: np.ndarray
    """(M, 3, 2) per corner, origin bottom left; NaN where there is no UV map"""
    normals: np.ndarray
    """(M, 3, 3) unit normals per corner"""
    material: np.ndarray
    """(M,) material slot"""
    label: int = 0
    """Tells this mesh from the others of the scene"""

    def some(self, chosen: np.ndarray) -> BakeMesh:
        """The mesh with some of its triangles, (M,) bool or indices."""
        parts = {name: getattr(self, name)[chosen] for name in ("triangles", "uv", "normals", "material")}
        return replace(self, **parts)


@dataclass(frozen=True)
class Texels:
    """The places of a mesh's textures that show surface.  Where islands overlap, one texel has several entries."""

    tiles: tuple[int, ...]
    """UDIM numbers, ascending"""
    size: int
    """Side of each tile's texture in pixels"""
    texel: np.ndarray
    """(N,) int64 index into the textures (tiles, size, size), flattened"""
    triangle: np.ndarray
    """(N,) int64"""
    barycentric: np.ndarray
    """(N, 3) float64 weights of the triangle's corners"""

    @property
    def shape(self) -> tuple[int, int, int]:
        return len(self.tiles), self.size, self.size


def triangle_tiles(uv: np.ndarray) -> np.ndarray:
    """The UDIM number (M,) of each triangle (M, 3, 2), by its middle."""
    column, row = np.floor(uv.mean(axis=1)).astype(np.int64).T
    return FIRST_TILE + column + 10 * row


def tile_corner(tile: int) -> np.ndarray:
    """The lower left corner (2,) of a UDIM tile in UV space."""
    return np.array([(tile - FIRST_TILE) % 10, (tile - FIRST_TILE) // 10], dtype=np.float64)


def uv_problem(mesh: BakeMesh) -> str:
    """Why the UV map cannot hold a texture of its own, as the end of a sentence; empty where it can."""
    if np.isnan(mesh.uv).any():
        return "it has no UV map"
    flat = np.ptp(mesh.uv, axis=1).max(axis=1) < 1e-9
    if flat.mean() > 0.5:
        return "its UV map is empty"
    tile = np.floor(mesh.uv.mean(axis=1, keepdims=True))
    inside = mesh.uv - tile
    if ((inside < -_SLACK) | (inside > 1 + _SLACK)).any(axis=(1, 2)).mean() > 0.01:
        return "its UV map repeats a picture beyond the border of a tile"
    if (tile < 0).any() or (tile[..., 0] > 9).any() or (tile[..., 1] > 99).any():
        return "its UV map lies outside the UDIM tiles"
    share = overlap(mesh)
    return f"{share:.0%} of its UV map are overlapping or mirrored" if share > _OVERLAP else ""


def overlap(mesh: BakeMesh) -> float:
    """The share of a UV map's texels that show more than one place of the surface."""
    grid = _layers(mesh, _GRID)
    first, last = grid
    both = np.flatnonzero(first[0] >= 0)
    one, other = first[0][both], last[0][both]
    places = [np.einsum("nk,nkc->nc", weights[both], mesh.vertices[mesh.triangles[t]]) for (_, weights), t in
              zip(grid, (one, other))]  # fmt: skip
    extent = float(np.ptp(mesh.vertices, axis=0).max())
    # Triangles that touch share the texels on their border, at one place.
    apart = (one != other) & (np.linalg.norm(places[0] - places[1], axis=1) > 0.005 * extent)
    return float(apart.mean()) if len(both) else 0.0


def texels(mesh: BakeMesh, size: int) -> Texels:
    """The texels that a mesh's UV map covers.

    Args:
        mesh: its UV map has no NaN; tiles that UDIM has no number for are wrapped into the first.
        size: side of each tile's texture in pixels.
    """
    mesh = replace(mesh, uv=_wrapped(mesh.uv))
    number = triangle_tiles(mesh.uv)
    tiles = tuple(int(tile) for tile in np.unique(number))
    found = []
    for index, tile in enumerate(tiles):
        own = np.flatnonzero(number == tile)
        part = replace(mesh.some(own), uv=mesh.uv[own] - tile_corner(tile))
        first, last = _layers(part, size)
        again = (last[0] >= 0) & (last[0] != first[0])
        for (triangle, weights), chosen in ((first, first[0] >= 0), (last, again)):
            at = np.flatnonzero(chosen)
            found.append((index * size * size + at, own[triangle[at]], weights[at]))
    texel, triangle, weights = (np.concatenate(parts) for parts in zip(*found))
    return Texels(tiles, size, texel, triangle, weights)


def _wrapped(uv: np.ndarray) -> np.ndarray:
    """UVs with triangles outside the UDIM tiles moved into the first."""
    tile = np.floor(uv.mean(axis=1, keepdims=True))
    beyond = (tile < 0).any(axis=2) | (tile[..., 0] > 9) | (tile[..., 1] > 99)
    return np.where(beyond[..., None], uv - tile, uv)


def _layers(mesh: BakeMesh, size: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """The first and the last triangle on each texel (S * S,), -1 for none, with its barycentric weights (S * S, 3)."""
    tile = np.floor(mesh.uv.mean(axis=1, keepdims=True))
    # Tiles lie on a grid of their own each, so that only islands of one tile overlap.
    if (tile == tile[:1]).all():
        uv = mesh.uv - tile
    else:
        columns = int(tile[..., 0].max() + 1)
        uv = mesh.uv / max(columns, int(tile[..., 1].max() + 1))
    pixels = np.stack([uv[..., 0] * size, (1.0 - uv[..., 1]) * size], axis=-1).reshape(-1, 2)
    corners = np.arange(len(pixels)).reshape(-1, 3)
    order = np.repeat(np.linspace(0.0, 1.0, len(corners)), 3)
    found = []
    for depth in (order, -order):
        raster = rasterise_plane(pixels, depth, corners, size, size)
        weights = raster.barycentric.reshape(-1, 3).astype(np.float64)
        triangle = raster.triangle.reshape(-1).astype(np.int64)
        _slivers(pixels.reshape(-1, 3, 2), triangle, weights, size)
        found.append((triangle, weights))
    return found


def _slivers(corners: np.ndarray, triangle: np.ndarray, weights: np.ndarray, size: int) -> None:
    """Give triangles smaller than a texel, which miss its centre, the empty texels that they touch, in place."""
    inside = np.array([[1, 1, 1], [4, 1, 1], [1, 4, 1], [1, 1, 4], [1, 4, 4], [4, 1, 4], [4, 4, 1]], dtype=np.float64)
    for share in inside / inside.sum(axis=1, keepdims=True):
        column, row = np.floor(np.einsum("k,mkc->mc", share, corners)).astype(np.int64).T
        framed = np.flatnonzero((column >= 0) & (row >= 0) & (column < size) & (row < size))
        at = row[framed] * size + column[framed]
        empty = triangle[at] < 0
        triangle[at[empty]], weights[at[empty]] = framed[empty], share
