# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders of what is known, to compare textures with: the scene from many cameras, and a thing in the way."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import bpy
import numpy as np
from PIL import Image

from ..conditioning.camera import Camera
from .memory import OURS, SLOTS
from .ring import placed
from .textured import new_image, show_texture

MAGENTA = (255, 0, 255)


def render_views(scene: bpy.types.Scene, cameras: Sequence[Camera]) -> list[np.ndarray]:
    """What cameras of one size see, as (H, W, 3) uint8 sRGB; one call, so that Blender keeps the meshes in between.

    The scene's render settings, frame range and timeline markers change.
    """
    render = scene.render
    render.resolution_x, render.resolution_y = cameras[0].width, cameras[0].height
    render.use_persistent_data = True
    render.image_settings.file_format = "PNG"
    with placed(scene, cameras) as objects, tempfile.TemporaryDirectory(prefix="handdiff-") as folder:
        scene.timeline_markers.clear()
        for frame, thing in enumerate(objects, 1):
            scene.timeline_markers.new("Camera", frame=frame).camera = thing
        scene.frame_start, scene.frame_end = 1, len(objects)
        render.filepath = f"{folder}/"
        bpy.ops.render.render(animation=True, scene=scene.name)
        scene.timeline_markers.clear()
        return [np.array(Image.open(path).convert("RGB")) for path in sorted(Path(folder).iterdir())]


def add_board() -> bpy.types.Object:
    """A magenta board that hides the sample human's middle from some views, with a picture of its own."""
    bpy.ops.mesh.primitive_cube_add(size=0.3, location=(-0.5, -0.6, 1.0))
    board = bpy.context.object
    show_texture(board, picture := new_image("Board", Image.new("RGB", (16, 16), MAGENTA)), "unlit")
    del board[SLOTS], picture[OURS], board.material_slots[0].material[OURS]
    return board
