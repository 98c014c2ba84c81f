# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures with their cameras, and what of a scene each camera sees: which pixels to trust, and how far.

numpy only.  Pictures are (H, W, 3) uint8 sRGB, row 0 at the top.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..request import HandPicture
from .camera import Camera
from .crops import cut
from .lookup import sample
from .raster import rasterise

Box = tuple[float, float, float, float]

_FACING_NONE, _FACING_FULL = 0.08, 0.35  # cosine of the angle to the camera: no trust below, full trust above
_FINENESS = 2.0  # how strongly the finer view wins; 0 would be the mean of all views
_FEATHER = 1 / 32  # of the picture's longer side: how far within a silhouette a view gains its full weight
_METRE = 1e-3  # a pixel of this size weighs 1


@dataclass(frozen=True)
class Shot:
    """A picture and the camera that took it, or for which it was painted."""

    camera: Camera
    picture: np.ndarray
    """(H, W, 3) uint8 sRGB, stretched over the camera's frame whatever its size"""
    mask: np.ndarray | None = None
    """(h, w) bool, which part of the frame may land on surfaces; None: all of it"""


@dataclass(frozen=True)
class View:
    """What a shot's camera sees of a whole scene."""

    shot: Shot
    triangle: np.ndarray
    """(h, w) int32 index into the scene's triangles, -1 where empty; may be finer than the camera's frame"""
    barycentric: np.ndarray
    """(h, w, 3) float32 weights of its corners"""
    depth: np.ndarray
    """(h, w) metres along the view direction, inf where empty"""
    label: np.ndarray
    """(h, w) ``surface_label`` of what each pixel shows, -1 where empty"""
    trust: np.ndarray
    """(h, w) float32, 0 at silhouettes and outside the mask, 1 a pixel or two within"""
    weight: np.ndarray
    """(h, w) float32, the same with a wide ramp: where several views show a texel, seams between them are soft"""
    core: np.ndarray
    """(h, w) bool, trusted pixels away from where materials meet: what unseen places may be filled from"""


@dataclass(frozen=True)
class Seen:
    """Surface points (N,) as one view shows them."""

    trust: np.ndarray
    """(N,) in 0..1, how much of the point's colour the view gives"""
    weight: np.ndarray
    """(N,) >= 0, against other views"""
    core: np.ndarray
    """(N,) in 0..1, how far others may be filled from it"""
    colour: np.ndarray
    """(N, 3) sRGB in 0..255"""


def surface_label(mesh: int, material: np.ndarray) -> np.ndarray:
    """One number for each material (M,) of each mesh of a scene."""
    return (mesh << 16) + np.asarray(material, dtype=np.int64)


def crop_camera(camera: Camera, box: Box, size: int) -> Camera:
    """The camera of a square crop: a close-up with its own pixels, such as the one that the hand stage painted.

    Args:
        camera: of the whole frame.
        box: left, top, right, bottom in the frame's pixels, whole or not; may reach beyond it.
        size: side of the crop's picture in pixels.
    """
    left, top, right, bottom = box
    scale = np.array([camera.width / (right - left), camera.height / (bottom - top)])
    middle = np.array([(left + right) / camera.width - 1.0, 1.0 - (top + bottom) / camera.height])
    projection = camera.projection.copy()
    projection[:2] = scale[:, None] * (projection[:2] - middle[:, None] * projection[3])
    return dataclasses.replace(camera, projection=projection, width=size, height=size)


def closeups(
    camera: Camera, painted_size: tuple[int, int], crops: Iterable[HandPicture], but: np.ndarray | None = None
) -> list[Shot]:
    """The hands that stage 1 painted, as shots of their own.

    Args:
        camera: of the frame.
        painted_size: width and height of the picture whose pixels the crops' boxes count.
        crops: as ``GenerationResult.crops`` has them.
        but: (H, W) bool, pixels of the frame to leave out.
    """
    scale = (camera.width / painted_size[0], camera.height / painted_size[1])
    shots = []
    for crop in crops:
        pixels = np.asarray(crop.image)
        left, top, right, bottom = (edge * scale[index % 2] for index, edge in enumerate(crop.box))
        view = crop_camera(camera, (left, top, right, bottom), len(pixels))
        mask = pixels[..., 3] >= 128
        if but is not None:
            mask &= ~cut(but, (round(left), round(top), round(right), round(bottom)), len(pixels))
        shots.append(Shot(view, pixels[..., :3], mask))
    return shots


def look(shot: Shot, vertices: np.ndarray, triangles: np.ndarray, labels: np.ndarray) -> View:
    """See a scene with twice the frame's resolution (up to 2048 pixels).

    Args:
        shot: gives the camera and the mask.
        vertices, triangles: everything that may hide something, (N, 3) metres and (M, 3).
        labels: (M,) ``surface_label`` of each triangle; negative where no picture may land.
    """
    camera = shot.camera
    finer = 2 if max(camera.width, camera.height) <= 1024 else 1
    large = dataclasses.replace(camera, width=camera.width * finer, height=camera.height * finer)
    raster = rasterise(vertices, triangles, large)
    depth, label = raster.depth, np.where(raster.triangle >= 0, labels[raster.triangle], -1)
    inside = label >= 0
    if shot.mask is not None:
        inside &= _nearest(shot.mask, large.width, large.height)
    # A step in depth between neighbours is a silhouette unless a steep surface explains it.
    step = 4.0 * _pixel_size(large, np.where(np.isfinite(depth), depth, 1.0))
    nearest, furthest = _neighbourhood(depth, np.minimum), _neighbourhood(depth, np.maximum)
    with np.errstate(invalid="ignore"):
        inside &= (furthest - nearest) <= 2.0 * step
    # The frame ends like a silhouette, so that a view's last column makes no seam.
    inside[[0, -1]] = inside[:, [0, -1]] = False
    rim = finer * max(1, round(max(camera.width, camera.height) / 512))
    for _ in range(rim):
        inside = _neighbourhood(inside, np.logical_and)
    core = inside & (_neighbourhood(label, np.minimum) == _neighbourhood(label, np.maximum))
    for _ in range(rim):
        core = _neighbourhood(core, np.logical_and)
    wide = max(rim, round(_FEATHER * max(large.width, large.height)))
    return View(
        shot,
        raster.triangle,
        raster.barycentric,
        depth,
        label,
        _ramp(inside, rim),
        _ramp(inside, wide) + 1e-3 * inside,
        core,
    )


def see(points: np.ndarray, normals: np.ndarray, labels: np.ndarray, view: View) -> Seen:
    """Look surface points up in a view.

    A view weighs more the more of its pixels fall on a patch of surface: the nearer it is, the more it faces the
    surface, the more pixels the picture has, and the farther the point lies from a silhouette.

    Args:
        points: (N, 3) metres.
        normals: (N, 3).
        labels: (N,) ``surface_label`` of each point.
        view: from ``look``.
    """
    camera, picture = view.shot.camera, view.shot.picture
    towards = camera.towards(points)
    lengths = np.sqrt((towards**2).sum(axis=1) * (normals**2).sum(axis=1))
    facing = (towards * normals).sum(axis=1) / np.maximum(lengths, 1e-12)
    front = np.flatnonzero(facing > _FACING_NONE)
    pixels, depth = camera.project(points[front])
    height, width = view.depth.shape
    finer = width / camera.width
    with np.errstate(invalid="ignore"):
        framed = (pixels >= 0).all(axis=1) & (pixels[:, 0] < camera.width) & (pixels[:, 1] < camera.height)
    framed &= depth > camera.near
    front, pixels, depth = front[framed], pixels[framed], depth[framed]

    slope = np.sqrt(1.0 - np.minimum(facing[front], 1.0) ** 2) / facing[front]
    spans = _pixel_size(camera, depth)
    reach = depth - spans / finer * (0.5 + slope)
    column, row = (pixels * finer).astype(np.int64).T
    visible = np.zeros(len(front), dtype=bool)
    # The point's pixel or one beside it must show the same material at its depth: skin right under a shirt is not seen.
    for dy, dx in sorted(np.ndindex(3, 3), key=lambda step: step != (1, 1)):
        left = np.flatnonzero(~visible)
        y, x = np.clip(row[left] + dy - 1, 0, height - 1), np.clip(column[left] + dx - 1, 0, width - 1)
        visible[left] = (view.label[y, x] == labels[front[left]]) & (reach[left] <= view.depth[y, x])
    front, pixels, spans = front[visible], pixels[visible], spans[visible]

    steep = np.clip((facing[front] - _FACING_NONE) / (_FACING_FULL - _FACING_NONE), 0.0, 1.0)
    trust = steep * sample(view.trust[..., None], pixels * finer)[:, 0]
    density = facing[front] * (_METRE * picture.shape[1] / (spans * camera.width)) ** 2
    weight = steep * sample(view.weight[..., None], pixels * finer)[:, 0] * density**_FINENESS
    scale = np.array([picture.shape[1] / camera.width, picture.shape[0] / camera.height])
    column, row = (pixels * finer).astype(np.int64).T
    count = len(points)
    return Seen(
        _spread(count, front, trust),
        _spread(count, front, np.where(trust > 0, weight, 0.0)),
        _spread(count, front, trust * view.core[row, column]),
        _spread(count, front, sample(picture, pixels * scale)),
    )


def _spread(count: int, at: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Values (K, ...) at some of ``count`` places, 0 at the others."""
    result = np.zeros((count, *values.shape[1:]))
    result[at] = values
    return result


def _pixel_size(camera: Camera, depth: np.ndarray) -> np.ndarray:
    """Width of a pixel in metres at a depth."""
    size = 2.0 / (abs(camera.projection[0, 0]) * camera.width)
    return depth * size if camera.projection[3, 2] != 0 else np.full_like(depth, size)


def _nearest(mask: np.ndarray, width: int, height: int) -> np.ndarray:
    """A mask at another size, by its nearest pixels."""
    rows = (np.arange(height) + 0.5) * mask.shape[0] / height
    columns = (np.arange(width) + 0.5) * mask.shape[1] / width
    return np.asarray(mask, dtype=bool)[rows.astype(np.int64)][:, columns.astype(np.int64)]


def _ramp(inside: np.ndarray, radius: int) -> np.ndarray:
    """0 outside (h, w) and at its border, rising to 1 over ``radius`` pixels within; float32."""
    soft = inside.astype(np.float32)
    for axis in (0, 1):  # twice a box is a tent, which has no edges
        for _ in range(2):
            soft = _box(soft, (radius + 1) // 2, axis)
    return np.asarray(np.clip(2.0 * soft - 1.0, 0.0, 1.0) * inside, dtype=np.float32)


def _box(array: np.ndarray, radius: int, axis: int) -> np.ndarray:
    """Mean over ``2 radius + 1`` pixels along an axis; beyond the border lies 0."""
    padding = [(0, 0), (0, 0)]
    padding[axis] = (radius + 1, radius)
    total = np.cumsum(np.pad(array, padding), axis=axis, dtype=np.float64)
    length, span = array.shape[axis], 2 * radius + 1
    ahead, behind = total.take(range(span, span + length), axis), total.take(range(length), axis)
    return np.asarray((ahead - behind) / span, dtype=np.float32)


def _neighbourhood(array: np.ndarray, combine: np.ufunc) -> np.ndarray:
    """Each pixel combined with its eight neighbours; beyond the border the border goes on."""
    for axis in (0, 1):
        padded = np.concatenate([array.take([0], axis), array, array.take([-1], axis)], axis)
        length = array.shape[axis]
        before, after = padded.take(range(length), axis), padded.take(range(2, length + 2), axis)
        array = combine(combine(before, array), after)
    return array
