# SPDX-License-Identifier: GPL-3.0-or-later
"""Where each pixel's surface point was in the frame before, and pictures and noise carried along with it.

The motion is known, not estimated: the surface point under each pixel of this frame is taken to where it was in the
frame before, projected through that frame's camera, and tested against that frame's depth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from .camera import Camera, transformed
from .lookup import sample

SLACK = 0.02
"""Part of the distance by which a point may lie behind what was seen there, and still be the same surface"""
STRETCH = 2.0
"""How much larger a surface may be than in the frame before, for its picture of then to do"""
FAR = 1e5
"""Metres at which what no surface shows is taken to be: it turns with the camera, and stays where that moves"""


@dataclass(frozen=True)
class Flow:
    """The motion between two frames, backwards; at the size of the later one's picture, or of its latents."""

    source: np.ndarray
    """(H, W, 2) float64 pixels x, y in the frame before, centres at half integers; NaN where not known"""
    seen: np.ndarray
    """(H, W) bool, whether the frame before shows the same point there"""

    def at_size(self, width: int, height: int) -> Flow:
        """The same for pictures or latents of another size: the motion of the middle of each of their cells."""
        down, across = self.seen.shape[0] / height, self.seen.shape[1] / width
        middle = np.ix_(((np.arange(height) + 0.5) * down).astype(int), ((np.arange(width) + 0.5) * across).astype(int))
        return Flow(self.source[middle] / (across, down), self.seen[middle])


def backward_flow(
    before: np.ndarray, camera: Camera, depth: np.ndarray, now: np.ndarray | None = None, rim: int = 0
) -> Flow:
    """Motion from the places that this frame's surface points had in the frame before.

    A painted outline is never exactly the true one.  So for pictures that are painted on, what lay beside an outline in
    the frame before, and does no longer, does not count as seen: it would leave a ghost.  Nor does what was much
    smaller then.

    Args:
        before: (H, W, 3) metres: where the surface point that each pixel of this frame shows was in the frame before,
            such as ``Raster.interpolate`` gives it of the vertices of then; NaN where this frame shows none.
        camera: of the frame before.
        depth: (h, w) metres that the frame before saw, inf where nothing.
        now: (H, W) metres that this frame sees; None: all that was seen counts, however it would look.
        rim: pixels to both sides of outlines that count as beside them.
    """
    source, distance = camera.project(before)
    height, width = depth.shape
    with np.errstate(invalid="ignore"):
        inside = ((source >= 0) & (source < (width, height))).all(axis=-1)
    column, row = (np.where(inside, source[..., axis], 0).astype(int) for axis in (0, 1))
    with np.errstate(invalid="ignore"):
        seen = inside & (distance <= depth[row, column] * (1 + SLACK))
    if now is not None:
        seen &= outlines(now, rim) | ~outlines(depth, rim)[row, column]
        finest = np.minimum(*(np.linalg.norm(slope, axis=-1) for slope in np.gradient(source, axis=(0, 1))))
        with np.errstate(invalid="ignore"):
            seen &= ~(finest < 1 / STRETCH)
    return Flow(source, seen)


def outlines(depth: np.ndarray, rim: int) -> np.ndarray:
    """Where a depth (H, W) in metres steps within so many pixels, bool (H, W)."""
    with np.errstate(divide="ignore"):
        nearness = Image.fromarray(np.asarray(1.0 / depth, np.float32))
    nearest = np.asarray(nearness.filter(ImageFilter.MaxFilter(3)))
    furthest = np.asarray(nearness.filter(ImageFilter.MinFilter(3)))
    edge = Image.fromarray((furthest < nearest * (1 - SLACK)).astype(np.uint8))
    return np.asarray(edge.filter(ImageFilter.MaxFilter(2 * rim + 1))) > 0


def static_points(depth: np.ndarray, camera: Camera) -> np.ndarray:
    """World points (H, W, 3) that a camera sees at a depth (H, W) in metres; NaN where that is not finite.

    They are the places of before of all that has not moved.
    """
    height, width = depth.shape
    x = (np.arange(width) + 0.5) / width * 2 - 1
    y = 1 - (np.arange(height) + 0.5) / height * 2
    ndc = np.stack(np.broadcast_arrays(x[None, :], y[:, None]), axis=-1)
    projection = camera.projection
    z = -np.where(np.isfinite(depth), depth, np.nan).astype(np.float64)
    w = projection[3, 2] * z + projection[3, 3]
    offset = projection[:2, 2] * z[..., None] + projection[:2, 3]
    in_camera = (ndc * w[..., None] - offset) / np.array([projection[0, 0], projection[1, 1]])
    return transformed(np.concatenate([in_camera, z[..., None]], axis=-1), camera.to_world[:3])


def warp_picture(picture: np.ndarray, flow: Flow) -> np.ndarray:
    """The frame before as this frame would show it, bilinear: (H, W, C) float64, NaN where it was not seen."""
    warped = np.full((*flow.seen.shape, picture.shape[2]), np.nan)
    warped[flow.seen] = sample(picture, flow.source[flow.seen])
    return warped


def carry(earlier: Sequence[tuple[np.ndarray, Flow]]) -> tuple[np.ndarray, np.ndarray]:
    """Earlier pictures as this frame would show them, each pixel from the first one that shows it.

    Args:
        earlier: pictures (H, W, 3) uint8, one at least, and the motion since then.

    Returns:
        the picture (H, W, 3) uint8, and where it is known (H, W) bool; elsewhere it is the first one as it was.
    """
    picture, known = earlier[0][0].copy(), np.zeros(earlier[0][1].seen.shape, bool)
    for before, flow in earlier:
        new = Flow(flow.source, flow.seen & ~known)
        picture[new.seen] = np.rint(warp_picture(before, new)[new.seen])
        known |= new.seen
    return picture, known


def warped_difference(picture: np.ndarray, before: np.ndarray, flow: Flow) -> float:
    """How much a picture flickers: its mean distance from the frame before, carried along; 0..255, NaN where none is.

    Args:
        picture, before: (H, W, 3) uint8.
        flow: between them.
    """
    warped = warp_picture(before, flow)
    if not flow.seen.any():
        return float("nan")
    return float(np.abs(picture[flow.seen] - warped[flow.seen]).mean())


def warp_noise(noise: np.ndarray, flow: Flow, fresh: np.ndarray) -> np.ndarray:
    """Noise that moves with the surfaces and is as white as before.

    Each cell takes the whole value of the cell that it comes from.  A value is used once: of several cells that come
    from the same one, the nearest keeps it, and the others, like those that were not seen, take fresh noise.  So values
    stay independent and normal, which averages of neighbours would not be.

    Args:
        noise: (C, H, W) of the frame before.
        flow: in latent cells.
        fresh: (C, H, W), independent of ``noise``.
    """
    height, width = noise.shape[1:]
    taken = np.flatnonzero(flow.seen)
    place = flow.source.reshape(-1, 2)[taken]
    cell = np.clip(np.floor(place), 0, (width - 1, height - 1)).astype(int)
    index = cell[:, 1] * width + cell[:, 0]
    distance = np.linalg.norm(place - cell - 0.5, axis=1)
    order = np.lexsort((taken, distance, index))
    first = order[np.unique(index[order], return_index=True)[1]]
    warped = fresh.reshape(len(fresh), -1).copy()
    warped[:, taken[first]] = noise.reshape(len(noise), -1)[:, index[first]]
    return warped.reshape(fresh.shape)
