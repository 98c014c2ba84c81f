# SPDX-License-Identifier: GPL-3.0-or-later
"""What a studio's person is made of, as the camera sees it: skin, hair, clothes."""

from __future__ import annotations

import bpy
import numpy as np

from ..conditioning.camera import Camera
from ..conditioning.raster import rasterise
from .studio import Studio
from .surfaces import read_surfaces

REGIONS = ("background", "skin", "hair", "shirt", "trousers", "shoes", "eyes")


def read_regions(studio: Studio, camera: Camera) -> np.ndarray:
    """What each pixel sees: (H, W) uint8, an index into :data:`REGIONS`.

    Args:
        studio: its person as posed.
        camera: that of the studio's truth.
    """
    roles = {material.name: REGIONS.index(role) for material, role in studio._materials}
    surfaces = read_surfaces(studio.scene, bpy.context.evaluated_depsgraph_get(), [studio.armature], uv=True)
    vertices, triangles, seen, count = [], [], [], 0
    for surface in surfaces:
        slots = bpy.data.objects[surface.name].material_slots
        of_slot = np.array([roles.get(slot.material.name, REGIONS.index("eyes")) for slot in slots])
        vertices.append(surface.vertices)
        triangles.append(surface.triangles + count)
        seen.append(of_slot[surface.material])
        count += len(surface.vertices)
    raster = rasterise(np.concatenate(vertices), np.concatenate(triangles), camera)
    return np.concatenate([*seen, [0]]).astype(np.uint8)[raster.triangle]  # -1, the last: background
