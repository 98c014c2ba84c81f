# SPDX-License-Identifier: GPL-3.0-or-later
"""The frame as Blender's own engine renders it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import bpy
import numpy as np
from PIL import Image

from ..errors import SceneError


def render_picture(scene: bpy.types.Scene, camera: bpy.types.Object, size: tuple[int, int]) -> np.ndarray:
    """Render the current frame with the scene's own engine and look.

    A copy of the scene, which shares its objects, carries the changed settings, so the user's stay as they are.

    Args:
        scene: the scene, at the frame wanted.
        camera: the camera object.
        size: width and height in pixels.

    Returns:
        (H, W, 3) uint8 sRGB, as the file of the render would hold it.

    Raises:
        SceneError: where Blender cannot render it.
    """
    copy = scene.copy()
    try:
        copy.camera = camera
        for marker in copy.timeline_markers:
            marker.camera = None
        copy.frame_set(scene.frame_current, subframe=scene.frame_subframe)
        render = copy.render
        render.resolution_x, render.resolution_y = size
        render.resolution_percentage = 100
        render.use_border = render.use_sequencer = render.use_compositing = False
        render.film_transparent = False
        render.image_settings.file_format = "PNG"
        render.image_settings.color_mode = "RGB"
        render.image_settings.color_depth = "8"
        with tempfile.TemporaryDirectory(prefix="handdiff-") as folder:
            render.filepath = str(Path(folder) / "frame.png")
            bpy.ops.render.render(write_still=True, scene=copy.name)
            return np.array(Image.open(render.filepath).convert("RGB"))
    except (RuntimeError, OSError) as error:
        message = str(error).strip().splitlines()[0]
        raise SceneError(
            f"Blender cannot render this frame ({message}): render it once by hand, or paint everything."
        ) from error
    finally:
        bpy.data.scenes.remove(copy)
