# SPDX-License-Identifier: GPL-3.0-or-later
"""Textures from a ring of views, against a true texture: the sample human is rendered in it from the ring, the renders
are projected instead of generated pictures, and both are looked at from eight new sides."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from ..conditioning.camera import Camera
from ..conditioning.crops import HandCrop, hand_crops
from ..conditioning.shots import Shot, crop_camera

TRUE_SIZE = 2048  # pixels of the true texture's side
_ROUND, _UP = 11, (90.0, 45.0, 0.0, -45.0, -90.0)  # directions from which a surface counts as one that can be seen


@dataclass(frozen=True)
class TextureFigures:
    """What :func:`measure` found."""

    psnr: float
    """dB over the pixels of eight new views whose texels a ring view covers"""
    reposed_psnr: float
    """The same with the person back in its rest pose, from four sides"""
    hands_psnr: float
    """The same over the hands of the eight new views"""
    coverage: float
    """The share of the surface, by area, that the ring covers of what can be seen from any side at all"""
    visible: float
    """The share of the surface that can be seen from any side"""
    foreign: int
    """Texels that took the colour of a thing that hides the person in some views"""
    untouched: bool
    """Whether that thing's own materials and images are as they were"""
    seconds: float
    """Of the processor, for projecting and baking without the renders"""


def bench_texture(say: Callable[[str], None]) -> None:
    """Measure textures at several sizes of the ring's pictures and print a table.

    Closes the open file for an empty one.

    Args:
        say: takes the table line by line.
    """
    from ..scene.ring import VIEWS

    row = "{:<26}{:>12}{:>12}{:>12}{:>12}{:>12}{:>10}"
    say(row.format("views", "PSNR", "re-posed", "hands", "coverage", "foreign", "seconds"))
    for size, closeups in ((256, False), (512, False), (512, True)):
        found = measure(size, 1024, closeups=closeups)
        say(
            row.format(
                f"{VIEWS} of {size} px{', hands apart' if closeups else ''}",
                f"{found.psnr:.1f} dB",
                f"{found.reposed_psnr:.1f} dB",
                f"{found.hands_psnr:.1f} dB",
                f"{found.coverage:.1%}",
                f"{found.foreign if found.untouched else 'changed'}",
                f"{found.seconds:.1f}",
            )
        )
    say("")
    say(f"Coverage is of the {found.visible:.1%} of the surface that can be seen from outside at all, by area.")


def measure(
    size: int, texture_size: int, *, closeups: bool = False, samples: int = 8, new_views: int = 8
) -> TextureFigures:
    """Texture the sample human from renders of its true texture.

    Args:
        size: side of the ring's pictures in pixels, a multiple of 8.
        texture_size: side of the baked texture in pixels.
        closeups: also project pictures of each hand alone, of half the side, in every view that shows it.
        samples: render samples per pixel.
        new_views: how many; half as many look at the rest pose.
    """
    from ..scene.files import new_scene
    from ..scene.model import at_rest
    from ..scene.ring import ring
    from ..scene.sample_human import create_sample_scene
    from ..scene.texture import Projection
    from ..scene.textured import new_texture, show_texture
    from ..scene.views import MAGENTA, add_board, render_views

    scene = new_scene()
    rig = create_sample_scene(scene)
    body = scene.objects["SampleHuman"]
    _plain(scene, samples)
    thing = add_board()
    before = _state(thing)
    with at_rest(scene, [rig]):
        truth = _true_texture(body)
        aside = _around(_points(scene), max(1, new_views // 2), size)
    show_texture(body, new_texture("True", {1001: Image.fromarray(truth)}), "unlit")
    people = _points(scene)
    new = _around(people, new_views, size)
    shots = _shots(scene, ring(scene, size=(size, size)), closeups)
    hands = [_hands(scene, camera)[0] for camera in new]
    true_new = render_views(scene, new)
    with at_rest(scene, [rig]):
        true_rest = render_views(scene, aside)

    began = time.process_time()
    projection = Projection(scene, size=texture_size)
    for shot in shots:
        projection.add(shot)
    baked = projection.bakes()[body.name]
    seconds = time.process_time() - began
    covered = [projection.painted(camera).weight > 0 for camera in new]
    projection.show("unlit")
    seen_new = render_views(scene, new)
    with at_rest(scene, [rig]):
        covered_rest = [projection.painted(camera).weight > 0 for camera in aside]
        seen_rest = render_views(scene, aside)

    got = projection.canvases[body.name].weight > 0
    reachable, area = _reachable(scene, people, size, texture_size)
    magenta = np.abs(baked.textures.astype(int) - MAGENTA).max(axis=-1) < 70
    return TextureFigures(
        psnr=_psnr(true_new, seen_new, covered),
        reposed_psnr=_psnr(true_rest, seen_rest, covered_rest),
        hands_psnr=_psnr(true_new, seen_new, [mask & hand for mask, hand in zip(covered, hands)]),
        coverage=float(area[got & reachable].sum() / area[reachable].sum()),
        visible=float(area[reachable].sum() / area.sum()),
        foreign=int((magenta & (baked.weight > 0)).sum()),
        untouched=_state(thing) == before,
        seconds=seconds,
    )


def _around(points: np.ndarray, count: int, size: int) -> list[Camera]:
    """Cameras that stand where none of the ring's does."""
    from ..scene.ring import camera_around

    turns = (np.arange(count) + 0.5) * 2 * np.pi / count
    return [camera_around(points, turn, (0.0, 0.35)[i % 2], (size, size)) for i, turn in enumerate(turns)]


def _psnr(truth: Sequence[np.ndarray], seen: Sequence[np.ndarray], masks: Sequence[np.ndarray]) -> float:
    errors = [t[m].astype(np.float64) - s[m] for t, s, m in zip(truth, seen, masks)]
    return float(10 * np.log10(255**2 / max(float((np.concatenate(errors) ** 2).mean()), 1e-12)))


def _plain(scene: Any, samples: int) -> None:
    """Render colours as they are."""
    scene.render.engine = "CYCLES"
    scene.cycles.samples = samples
    scene.cycles.use_denoising = False
    scene.cycles.max_bounces = 0
    scene.view_settings.view_transform = "Standard"


def _true_texture(body: Any) -> np.ndarray:
    """Coloured noise of the place at rest, waves of 60 to 2 cm, as (S, S, 3) uint8 on the body's UV map."""
    from ..scene.baking import MeshCanvas
    from ..scene.filling import run_out
    from ..scene.meshes import read_mesh
    from ..scene.passes import depsgraph_of

    mesh = read_mesh(body, depsgraph_of(body.users_scene[0]))
    assert mesh is not None
    canvas = MeshCanvas(mesh, TRUE_SIZE)
    random = np.random.default_rng(5)
    colour = np.tile([110.0, 130.0, 110.0], (len(canvas.points), 1))
    for length in np.geomspace(0.6, 0.02, 12):
        waves = random.normal(size=(3, 3))
        waves *= 2 * np.pi / length / np.linalg.norm(waves, axis=1, keepdims=True)
        colour += 22 * (length / 0.6) ** 0.25 * np.sin(canvas.points @ waves.T + random.uniform(0, 6.28, 3))
    picture = np.zeros((TRUE_SIZE * TRUE_SIZE, 3))
    picture[canvas.texels.texel] = np.clip(colour, [0, 60, 0], [200, 255, 200])
    there = np.zeros(len(picture), dtype=bool)
    there[canvas.texels.texel] = True
    square = (TRUE_SIZE, TRUE_SIZE)
    filled = run_out(picture.reshape(*square, 3), there.reshape(square), 16, np.full(3, 128.0))
    return np.rint(filled).astype(np.uint8)


def _state(thing: Any) -> list[object]:
    """All that a texture on the wrong object would change."""
    materials = [slot.material for slot in thing.material_slots]
    images = [node.image for m in materials for node in m.node_tree.nodes if node.bl_idname == "ShaderNodeTexImage"]
    maps = [layer.name for layer in thing.data.uv_layers]
    return [[m.name for m in materials], [hash(tuple(image.pixels)) for image in images], maps, len(thing.keys())]


def _points(scene: Any) -> np.ndarray:
    """The person's vertices in world space."""
    from ..scene.passes import depsgraph_of
    from ..scene.rigs import find_humanoids
    from ..scene.surfaces import read_surfaces

    surfaces = read_surfaces(depsgraph_of(scene), find_humanoids(scene))
    return np.concatenate([surface.vertices for surface in surfaces if surface.person >= 0])


def _hands(scene: Any, camera: Camera) -> tuple[np.ndarray, list[HandCrop]]:
    """Where a camera sees hands, (H, W) bool, and a crop around each."""
    from ..scene.passes import render_passes
    from ..scene.ring import placed

    size = camera.width, camera.height
    with placed(scene, [camera]) as (thing,):
        seen = render_passes(scene, camera=thing.name, size=size)
    return seen.hands_mask, hand_crops(seen.people[0], seen.masks[0].hands, *size, sides=seen.usable_hands())


def _shots(scene: Any, cameras: Sequence[Camera], closeups: bool) -> list[Shot]:
    from ..scene.views import render_views

    crops = [
        crop_camera(camera, crop.box, camera.width // 2)
        for camera in cameras
        for crop in (_hands(scene, camera)[1] if closeups else ())
    ]
    pictures = render_views(scene, cameras) + (render_views(scene, crops) if crops else [])
    return [Shot(camera, picture) for camera, picture in zip([*cameras, *crops], pictures)]


def _reachable(scene: Any, points: np.ndarray, size: int, texture_size: int) -> tuple[np.ndarray, np.ndarray]:
    """Which of the body's texels can be seen from anywhere outside (N,) bool, and their areas (N,) in square metres."""
    from ..scene.ring import camera_around
    from ..scene.texture import Projection

    projection = Projection(scene, size=texture_size)
    (canvas,) = projection.canvases.values()
    for elevation in _UP:
        for turn in np.arange(_ROUND) * 2 * np.pi / _ROUND:
            camera = camera_around(points, turn, np.radians(elevation), (size, size))
            projection.add(Shot(camera, np.zeros((1, 1, 3), np.uint8)))
            if abs(elevation) == 90:
                break
    mesh, triangle = canvas.mesh, canvas.texels.triangle
    a, b, c = mesh.vertices[mesh.triangles].transpose(1, 0, 2)
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    return canvas.weight > 0, (area / np.maximum(np.bincount(triangle, minlength=len(area)), 1))[triangle]
