# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures through their cameras on to a mesh's textures: one at a time, each weighed against the others.

numpy only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..conditioning.shots import View, see, surface_label
from .filling import SurfaceGraph, diffuse, run_out
from .texels import BakeMesh, texels

_PRIOR = 8.0  # texels that the artist's own colour weighs in a material's mean
_MARGIN = 8  # pixels that colours run out over the edges of the UV islands


@dataclass(frozen=True)
class Bake:
    """A mesh's baked textures, one for each UDIM tile."""

    tiles: tuple[int, ...]
    """UDIM numbers; (1001,) for an ordinary texture"""
    textures: np.ndarray
    """(T, S, S, 3) uint8 sRGB"""
    weight: np.ndarray
    """(T, S, S) float32 in 0..1: how much of each texel comes from pictures; 0 where it is filled"""


class MeshCanvas:
    """A mesh that takes pictures one after the other."""

    def __init__(self, mesh: BakeMesh, size: int) -> None:
        """
        Args:
            mesh: evaluated and posed; its UV map has no NaN.
            size: of each tile's texture in pixels.
        """
        self.mesh = mesh
        self.texels = texels(mesh, size)
        corners, triangle = self.texels.barycentric, self.texels.triangle
        self.points = np.einsum("nk,nkc->nc", corners, mesh.vertices[mesh.triangles[triangle]])
        """(N, 3) metres, each texel's place"""
        self._normals = np.einsum("nk,nkc->nc", corners, mesh.normals[triangle])
        self._slots = mesh.material[triangle]
        count = len(triangle)
        self._colour = np.zeros((count, 3))
        self.weight, self._trust, self._core = np.zeros(count), np.zeros(count), np.zeros(count)

    def add(self, view: View) -> None:
        """Take what a view shows of the mesh."""
        seen = see(self.points, self._normals, surface_label(self.mesh.label, self._slots), view)
        self._colour += seen.weight[:, None] * seen.colour
        self.weight += seen.weight
        np.maximum(self._trust, seen.trust, out=self._trust)
        np.maximum(self._core, seen.core, out=self._core)

    def finish(self, base: np.ndarray) -> Bake:
        """The textures of all views so far; more may follow.

        Places that no view shows are filled by diffusion over the surface from those of the same material that are
        known; a material of which nothing is known takes its own colour.

        Args:
            base: (slots, 3) sRGB in 0..255, each material's own colour.
        """
        shown = self.weight > 0
        colours = np.where(shown[:, None], self._colour / np.where(shown, self.weight, 1.0)[:, None], 0.0)
        trust = self._trust * shown
        # A material seen only in slivers has no core, and fills from what there is.
        core = np.where(np.bincount(self._slots, self._core)[self._slots] >= _PRIOR, self._core, trust)
        mean = _material_means(self._slots, core, colours, base)

        graph = SurfaceGraph(self.mesh)
        triangle, corners = self.texels.triangle, self.texels.barycentric
        sums = graph.gather(triangle, corners, np.column_stack([core[:, None] * colours, core]))
        known = sums[:, 3] > 0.05
        node_colour = sums[:, :3] / np.where(known, sums[:, 3], 1.0)[:, None]
        node_colour = diffuse(graph, node_colour, known, mean[graph.material])
        filled = np.einsum("nk,nkc->nc", corners, node_colour[graph.node[triangle]])
        mixed = filled + (colours - filled) * trust[:, None]

        # Where islands overlap, the place that the views show better has the say.
        share = trust + 1e-6
        texel, area = self.texels.texel, int(np.prod(self.texels.shape))
        total = np.bincount(texel, share, area)
        surface = (total > 0).reshape(self.texels.shape)
        total = np.maximum(total, 1e-12)
        inked = np.stack([np.bincount(texel, share * channel, area) / total for channel in mixed.T], axis=1)
        weight = np.zeros(area, dtype=np.float32)
        np.maximum.at(weight, texel, trust.astype(np.float32))
        common = mean[np.bincount(self._slots, minlength=len(mean)).argmax()]
        textures = [
            run_out(tile, there, _MARGIN, common)
            for tile, there in zip(inked.reshape(*self.texels.shape, 3), surface, strict=True)
        ]
        rounded = np.clip(np.rint(textures), 0, 255).astype(np.uint8)
        return Bake(self.texels.tiles, rounded, weight.reshape(self.texels.shape))


def _material_means(slots: np.ndarray, trust: np.ndarray, colours: np.ndarray, base: np.ndarray) -> np.ndarray:
    """Mean colour (slots, 3) of what is seen of each material; the artist's where next to nothing is."""
    count = max(len(base), int(slots.max(initial=0)) + 1)
    prior = np.full((count, 3), 128.0)
    prior[: len(base)] = base
    weight = np.bincount(slots, trust, count)[:, None]
    total = np.stack([np.bincount(slots, trust * c, count) for c in colours.T], axis=1)
    return np.asarray((total + _PRIOR * prior) / (weight + _PRIOR))
