# SPDX-License-Identifier: GPL-3.0-or-later
"""What a camera sees of surfaces: whose, which part, which way they face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..conditioning.camera import Camera, transformed
from ..conditioning.masks import NOTHING, triangle_mask
from ..conditioning.raster import Raster, rasterise
from .hand_parts import Person, triangle_parts
from .surfaces import Surface

_ENCLOSED = 0.5  # of the whole sphere of directions: a body with a few holes still encloses a camera


@dataclass
class Seen:
    """The surfaces as one mesh, and what the camera sees of it."""

    surfaces: Sequence[Surface]
    camera: Camera
    vertices: np.ndarray
    """(N, 3) metres"""
    triangles: np.ndarray
    """(M, 3)"""
    raster: Raster
    part: np.ndarray
    """(M,) as in ``conditioning.masks``; exact for triangles that are seen"""
    person: np.ndarray
    """(M,) index, -1 for things; likewise"""
    arm: np.ndarray
    """bool (M,), of an arm; likewise"""

    def mask(self, person: int, part: int | None = None) -> np.ndarray:
        """Pixels of a person or of one of its parts, bool (H, W); what a person holds is no part of it."""
        chosen = self.person == person
        return triangle_mask(self.raster, chosen & (self.part != NOTHING if part is None else self.part == part))

    def arms(self, person: int) -> np.ndarray:
        """Pixels of a person's arms without the hands, bool (H, W)."""
        return triangle_mask(self.raster, (self.person == person) & self.arm)

    def normals(self) -> np.ndarray:
        """(H, W, 3) float32 unit normals in camera space, turned to the camera; 0 where nothing is seen.

        Only of surfaces that were read with their normals.
        """
        seen = self.raster.triangle >= 0
        chosen = self.raster.triangle[seen]
        flat = self._crosses(chosen)
        smooth = np.empty((len(chosen), 3, 3), np.float32)
        end = 0
        for surface in self.surfaces:
            begin, end = end, end + len(surface.triangles)
            own = np.flatnonzero((chosen >= begin) & (chosen < end))
            smooth[own] = np.asarray(surface.normals)[chosen[own] - begin]
        normal = np.einsum("nk,nkc->nc", self.raster.barycentric[seen], smooth)
        # Both sides of a surface can be seen; each faces who sees it.
        away = np.einsum("nc,nc->n", flat, self._sight(chosen)) < 0
        away ^= np.einsum("nc,nc->n", normal, flat) < 0
        normal *= np.where(away, -1, 1)[:, None] / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
        picture = np.zeros((*seen.shape, 3), dtype=np.float32)
        picture[seen] = transformed(normal, self.camera.view[:3, :3])
        return picture

    def materials(self) -> np.ndarray:
        """(H, W) int32 number of the material that each pixel shows, -1 where nothing is seen; equal names are equal
        materials, and a surface without any has one of its own."""
        numbers: dict[str, int] = {}
        of_triangle = []
        for surface in self.surfaces:
            names = surface.materials or (surface.name,)
            own = np.array([numbers.setdefault(name, len(numbers)) for name in names], np.int32)
            slots = np.zeros(len(surface.triangles), np.int32) if surface.material is None else surface.material
            of_triangle.append(own[np.clip(slots, 0, len(own) - 1)])
        return np.append(np.concatenate(of_triangle), np.int32(-1))[self.raster.triangle]

    def from_within(self, person: int) -> bool:
        """Whether the camera stands in a person's flesh and sees that from inside; its clip start may look past it."""
        pixels = np.bincount(self.raster.triangle[self.mask(person)])
        chosen = np.flatnonzero(pixels)
        inside_out = np.repeat([s.mirrored for s in self.surfaces], [len(s.triangles) for s in self.surfaces])
        outward = (self._crosses(chosen) * self._sight(chosen)).sum(axis=1) * np.where(inside_out[chosen], -1, 1)
        if pixels[chosen[outward < 0]].sum() < 0.5 * pixels.sum():
            return False
        corners = self.vertices[self.triangles[self.person == person]] - self.camera.to_world[:3, 3]
        # The solid angle of each triangle (Van Oosterom and Strackee 1983)
        length = np.linalg.norm(corners, axis=2)
        a, b, c = corners.transpose(1, 0, 2)
        volume = (a * np.cross(b, c)).sum(axis=1) * np.where(inside_out[self.person == person], -1, 1)
        rest = length.prod(axis=1) + sum(
            (corners[:, i] * corners[:, j]).sum(axis=1) * length[:, k] for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1))
        )
        return bool(np.nansum(2 * np.arctan2(volume, rest)) > _ENCLOSED * 4 * np.pi)

    def _crosses(self, chosen: np.ndarray) -> np.ndarray:
        """Normals of triangles, as long as twice their areas."""
        a, b, c = self.vertices[self.triangles[chosen]].transpose(1, 0, 2)
        return np.cross(b - a, c - a)

    def _sight(self, chosen: np.ndarray) -> np.ndarray:
        """Directions from triangles to the camera."""
        return self.camera.towards(self.vertices[self.triangles[chosen, 0]])


def merged(surfaces: Sequence[Surface]) -> tuple[np.ndarray, np.ndarray]:
    """Surfaces as one mesh: vertices (N, 3) in metres, triangles (M, 3)."""
    offsets = np.cumsum([0, *(len(surface.vertices) for surface in surfaces)])
    vertices = np.concatenate([surface.vertices for surface in surfaces])
    triangles = np.concatenate([surface.triangles + offset for surface, offset in zip(surfaces, offsets)])
    return vertices, triangles


def identify(
    surfaces: Sequence[Surface],
    people: Sequence[Person],
    camera: Camera,
    vertices: np.ndarray,
    triangles: np.ndarray,
    raster: Raster,
) -> Seen:
    """Tell whose and which part what was seen is; asks Blender for the weights of meshes.

    Args:
        surfaces: everything that the camera can see.
        people: in the order of ``Owner.person``.
        camera: the camera.
        vertices, triangles: the surfaces, :func:`merged`.
        raster: the same, rasterised.
    """
    seen = np.zeros(len(triangles), dtype=bool)
    seen[raster.triangle[raster.triangle >= 0]] = True
    return Seen(surfaces, camera, vertices, triangles, raster, *triangle_parts(surfaces, people, seen))


def look(surfaces: Sequence[Surface], people: Sequence[Person], camera: Camera) -> Seen:
    """Look at surfaces: :func:`merged`, rasterised, and :func:`identify` at once."""
    vertices, triangles = merged(surfaces)
    return identify(surfaces, people, camera, vertices, triangles, rasterise(vertices, triangles, camera))
