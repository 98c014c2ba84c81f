# SPDX-License-Identifier: GPL-3.0-or-later
"""Strands of hair, curves and old particle systems alike, as ribbons that face the camera."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np

from ..conditioning.camera import Camera, transformed

_RADIUS = 0.005  # metres, of curves without radii, as Cycles draws them


@dataclass
class Strands:
    """Polylines with thickness, in world space."""

    points: np.ndarray
    """(N, 3) metres, strand after strand"""
    radii: np.ndarray
    """(N,) metres"""
    lengths: np.ndarray
    """(S,) points of each strand"""


def read_curves(evaluated: bpy.types.Object, world: np.ndarray) -> Strands:
    """A hair curves object; what lies between its control points is taken as straight."""
    curves = evaluated.data
    points = np.empty(3 * len(curves.points), dtype=np.float32)
    curves.points.foreach_get("position", points)
    offsets = np.empty(len(curves.curves) + 1, dtype=np.int32)
    curves.curve_offset_data.foreach_get("value", offsets)
    radii = np.full(len(curves.points), _RADIUS, dtype=np.float32)
    if "radius" in curves.attributes:
        curves.attributes["radius"].data.foreach_get("value", radii)
    scale = np.cbrt(abs(np.linalg.det(world[:3, :3])))
    return Strands(transformed(points.reshape(-1, 3), world[:3]), radii * scale, np.diff(offsets))


def read_particle_hair(evaluated: bpy.types.Object) -> list[Strands]:
    """An object's particle hair that renders as paths, in the number and with the steps that the viewport shows."""
    found = []
    systems = {m.particle_system.name: m for m in evaluated.modifiers if m.type == "PARTICLE_SYSTEM"}
    for system in evaluated.particle_systems:
        settings = system.settings
        shown = system.name in systems and systems[system.name].show_render
        if not shown or settings.type != "HAIR" or settings.render_type != "PATH":
            continue
        steps = 2**settings.display_step + 1
        strands = range(len(system.particles) + len(system.child_particles))
        points = np.array([system.co_hair(evaluated, particle_no=i, step=k) for i in strands for k in range(steps)])
        along = np.linspace(0.0, 1.0, steps)
        width = settings.radius_scale * (settings.root_radius * (1 - along) + settings.tip_radius * along)
        found.append(Strands(points.reshape(-1, 3), np.tile(width / 2, len(strands)), np.full(len(strands), steps)))
    return found


def ribbons(strands: Strands, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Strands as flat bands across the line of sight, never thinner than a pixel: hair finer than that still covers
    what lies under it, and the mask of a head of hair has no holes.

    Returns:
        (2 N, 3) vertices in metres and (M, 3) int32 triangles.
    """
    points, starts = strands.points, np.cumsum(strands.lengths) - strands.lengths
    last = np.zeros(len(points), dtype=bool)
    last[(starts + strands.lengths - 1)[strands.lengths > 0]] = True
    tangents = np.zeros_like(points)
    step = np.diff(points, axis=0) * ~last[:-1, None]
    tangents[:-1] += step
    tangents[1:] += step
    across = np.cross(camera.towards(points), tangents)
    length = np.linalg.norm(across, axis=1, keepdims=True)
    across = np.where(length > 1e-12, across / np.maximum(length, 1e-12), camera.to_world[:3, 0])
    with np.errstate(invalid="ignore"):
        half = np.fmax(strands.radii, 0.5 * camera.pixel_size(camera.project(points)[1]))
    offset = across * half[:, None]
    begin = np.flatnonzero(~last)
    a, b, c, d = begin, begin + 1, begin + len(points), begin + 1 + len(points)
    triangles = np.concatenate([np.stack([a, b, c], axis=1), np.stack([c, b, d], axis=1)])
    return np.concatenate([points - offset, points + offset]), triangles.astype(np.int32)
