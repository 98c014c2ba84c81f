# SPDX-License-Identifier: GPL-3.0-or-later
"""What the camera sees of people: masks from a raster's triangles, and which keypoints are hidden."""

from __future__ import annotations

import numpy as np

from ..request import Side
from .frame import Visibility
from .raster import Raster

NOTHING, BODY, LEFT_HAND, RIGHT_HAND = range(4)
"""The parts that a triangle can belong to; a person's triangle that is no part is something held."""

HAND_PART: dict[Side, int] = {"left": LEFT_HAND, "right": RIGHT_HAND}


def triangle_mask(raster: Raster, chosen: np.ndarray) -> np.ndarray:
    """Pixels that see one of the chosen triangles.

    Args:
        raster: (H, W)
        chosen: bool (M,), one per triangle of the raster, such as ``(part == LEFT_HAND) & (person == 0)``.

    Returns:
        bool (H, W)
    """
    seen = raster.triangle >= 0
    mask = np.zeros(seen.shape, dtype=bool)
    mask[seen] = chosen[raster.triangle[seen]]
    return mask


def classify_keypoints(
    pixels: np.ndarray,
    depths: np.ndarray,
    radii: np.ndarray,
    parts: np.ndarray,
    person: int,
    raster: Raster,
    triangle_part: np.ndarray,
    triangle_person: np.ndarray,
    near: float = 0.0,
) -> list[Visibility]:
    """Whether the camera sees each keypoint of one person.

    A joint lies inside its limb, so the limb's own skin may stand before it by up to the limb's radius.  It is
    ``occluded`` where what its pixel shows stands before it and is another person or object (held ones, too), another
    part than its own, or nearer by more than the radius.

    Args:
        pixels: (K, 2) as :meth:`Camera.project` gives them.
        depths: (K,) metres along the viewing direction, from the same call; NaN: the rig lacks the point (``absent``).
        radii: (K,) metres from a joint to its limb's skin.
        parts: (K,) the part that covers each joint (``BODY``, ``LEFT_HAND`` or ``RIGHT_HAND``), or ``NOTHING`` where
            any part of the person may, as at the wrist, on the border of two.
        person: the person's index, as in ``triangle_person``.
        raster: what the camera sees of the whole scene, (H, W).
        triangle_part: (M,) part of each triangle of the raster.
        triangle_person: (M,) index of the person each triangle belongs to, -1 for other objects.
        near: distance of the near clipping plane in metres; joints before it are ``behind``.

    Returns:
        K words: visible, occluded, outside (of the frame), behind (the camera) or absent.
    """
    height, width = raster.depth.shape
    known = np.isfinite(depths)
    in_front = known & (np.nan_to_num(depths) > near) & np.isfinite(pixels).all(axis=1)
    inside = in_front & (pixels >= 0).all(axis=1) & (pixels[:, 0] < width) & (pixels[:, 1] < height)

    column, row = np.floor(np.where(inside[:, None], pixels, 0.0)).astype(np.int64).T
    surface, triangle = raster.depth[row, column], raster.triangle[row, column]
    covered = inside & (triangle >= 0) & (surface < np.nan_to_num(depths))
    occluded = np.zeros(len(pixels), dtype=bool)
    hit = triangle[covered]
    foreign = (triangle_person[hit] != person) | (triangle_part[hit] == NOTHING)
    other_part = (parts[covered] != NOTHING) & (triangle_part[hit] != parts[covered])
    occluded[covered] = foreign | other_part | (depths[covered] - surface[covered] > radii[covered])

    words: list[Visibility] = []
    for point in range(len(pixels)):
        if not known[point]:
            words.append("absent")
        elif not in_front[point]:
            words.append("behind")
        elif not inside[point]:
            words.append("outside")
        else:
            words.append("occluded" if occluded[point] else "visible")
    return words
