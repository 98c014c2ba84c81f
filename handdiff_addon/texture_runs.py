# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated pictures as textures: the first picture, its hands in detail, and further views painted around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .files import made
from .runs import SceneChoice, TextureChoice

if TYPE_CHECKING:
    from .conditioning.camera import Camera
    from .conditioning.frame import Conditioning
    from .jobs.store import RunFolder
    from .request import GenerationRequest, GenerationResult
    from .scene.texture import Paint, Painted, PaintedView


def project(
    scene: Any,
    folder: RunFolder,
    conditioning: Conditioning,
    result: GenerationResult,
    choice: SceneChoice,
    texture: TextureChoice,
    paint: Paint | None,
) -> None:
    """Show the picture, and those of further views, as textures."""
    import numpy as np
    from PIL import Image

    from .conditioning.shots import Shot, closeups
    from .scene.ring import ring
    from .scene.texture import Projection, paint_views

    projection = Projection(scene, choice.armatures, conditioning.frame, uv_map=texture.uv_map, size=texture.size)
    whole = Shot(conditioning.camera, np.asarray(result.image), conditioning.person_mask)
    for shot in (whole, *closeups(conditioning.camera, result.painted_size, result.crops)):
        projection.add(shot)
    if paint is not None:
        side = view_size(conditioning)
        cameras = ring(scene, choice.armatures, conditioning.frame, count=texture.views, size=(side, side))
        for number, shot in enumerate(paint_views(projection, cameras, paint), 1):
            folder.save_image(f"view_{number}.png", Image.fromarray(shot.picture))
    projection.show(texture.look, made(folder.path("textures")) if texture.files else None)
    conditioning.warnings.extend(projection.warnings)


def view_size(conditioning: Conditioning) -> int:
    """Side in pixels of the square pictures of further views."""
    return min(1024, max(conditioning.width, conditioning.height)) // 8 * 8


def view_painter(
    scene: Any,
    request: GenerationRequest,
    options: Mapping[str, Any],
    generate: Callable[[GenerationRequest, Conditioning], GenerationResult],
) -> Paint:
    """What paints further views: the person alone, where a view is not painted yet; what is stays, from the latents on.

    Args:
        scene: posed.
        request: of the first picture.
        options: as ``render_passes`` takes them; camera and size are the view's own.
        generate: both stages of diffusion.
    """
    import numpy as np

    from .conditioning.frame import Held
    from .conditioning.shots import closeups
    from .scene.passes import render_passes
    from .scene.ring import placed

    def paint(camera: Camera, before: Painted) -> Callable[[], PaintedView]:
        with placed(scene, [camera]) as (thing,):
            own = {**options, "camera": thing.name, "size": (camera.width, camera.height)}
            seen = render_passes(scene, with_normals=True, **own)
        if not (seen.person_mask & ~before.kept).any():
            return lambda: (before.picture, ())
        seen = replace(seen, picture=before.picture, held=Held(before.picture, before.kept))

        def work() -> PaintedView:
            result = generate(replace(request, paint="person"), seen)
            return np.asarray(result.image), closeups(camera, result.painted_size, result.crops, before.kept)

        return work

    return paint
