# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured of one picture against the rig's truth: numpy alone, no judge and no model inside.

Points are pixels (x right, y down), left and right the person's own.  A figure that a picture cannot give (no such
region, no such joint) is NaN, or its list is empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations

import numpy as np

from ..request import SIDES, Side
from ..rig.keypoints import BODY_INDEX
from .colour import ciede2000, dim, light, nearest_name, to_lab

FOUND_WITHIN = 0.5
"""A hand is found where a seen hand's points lie, on average, within this share of the hand's box of the rig's."""

_SHORTEST_BONE = 0.08
"""Bones that look shorter than this share of the hand's box point at the camera: their direction says nothing."""
_LEAST_PIXELS = 30
"""Of a region whose colour is to be told"""
_FACTORS = 2.0 ** np.linspace(-2.25, 2.25, 37)
"""By which a picture's light may differ from the render's"""


# --- hands ------------------------------------------------------------------------------------------------------------


def hand_box(points: np.ndarray) -> float:
    """Longer side of the box around a hand's (21, 2) points, in pixels."""
    return float(np.ptp(points, axis=0).max())


def assign_hands(truth: Mapping[Side, np.ndarray], seen: Sequence[np.ndarray]) -> dict[Side, int]:
    """Which seen hand is which of the rig's: most hands matched, then least total distance.

    Two hands at most are on the rig's side, so all assignments are tried, which is what the Hungarian method (Kuhn
    1955) finds for many.  A judge's own left and right play no part.

    Args:
        truth: (21, 2) per side of the rig's hands.
        seen: (21, 2) each.

    Returns:
        index into ``seen`` per side that was found.
    """
    sides = [side for side in SIDES if side in truth]
    cost = np.array(
        [[np.linalg.norm(points - truth[s], axis=1).mean() / hand_box(truth[s]) for points in seen] for s in sides]
    ).reshape(len(sides), len(seen))
    best: tuple[int, float, dict[Side, int]] = (0, 0.0, {})
    # A side may go without: as many blanks as there are sides.
    for choice in permutations([*range(len(seen)), *[-1] * len(sides)], len(sides)):
        pairs = {side: index for side, index in zip(sides, choice) if index >= 0}
        costs = [cost[sides.index(side), index] for side, index in pairs.items()]
        if all(value <= FOUND_WITHIN for value in costs):
            key = (-len(pairs), float(sum(costs)), pairs)
            if key[:2] < best[:2]:
                best = key
    return best[2]


def hand_pck(truth: np.ndarray, seen: np.ndarray | None, inside: np.ndarray, share: float = 0.2) -> float:
    """Percentage of correct keypoints (Yang and Ramanan 2013): points within ``share`` of the hand's box.

    Args:
        truth: (21, 2) of the rig.
        seen: (21, 2) of the judge; None where it found no such hand, which gets 0.
        inside: (21,) bool, the points that count.
    """
    if seen is None:
        return 0.0
    near = np.linalg.norm(seen - truth, axis=1) <= share * hand_box(truth)
    return float(near[inside].mean())


def joint_angle_errors(truth: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """How far each finger joint's bend is off in the image plane.

    A joint's bend is the signed angle from the bone before it to the bone after it, for the three joints of each
    finger; the bone before the first is that from the wrist.

    Args:
        truth, seen: (21, 2).

    Returns:
        (15,) degrees in 0..180, thumb to little finger, base to tip; NaN where one of the rig's two bones points at
        the camera (under 8 % of the hand's box).
    """
    chains = [[0, *range(4 * finger + 1, 4 * finger + 5)] for finger in range(5)]

    def bends(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        bones = np.diff(points[chains], axis=1)  # (5, 4, 2)
        before, after = bones[:, :-1], bones[:, 1:]
        cross = before[..., 0] * after[..., 1] - before[..., 1] * after[..., 0]
        angle = np.degrees(np.arctan2(cross, (before * after).sum(-1)))
        return angle, np.minimum(np.linalg.norm(before, axis=-1), np.linalg.norm(after, axis=-1))

    angles, shorter = bends(truth)
    error = np.abs((bends(seen)[0] - angles + 180.0) % 360.0 - 180.0)
    return np.where(shorter >= _SHORTEST_BONE * hand_box(truth), error, np.nan).ravel()


# --- body -------------------------------------------------------------------------------------------------------------


def torso(body: np.ndarray) -> float:
    """The torso's size in pixels: the longer diagonal from a shoulder to the other side's hip (18, 2), as in the PCK of
    Yang and Ramanan (2013); joints outside the frame are known from the rig."""
    return float(
        max(
            np.linalg.norm(body[BODY_INDEX[f"{one}_shoulder"]] - body[BODY_INDEX[f"{other}_hip"]])
            for one, other in (SIDES, SIDES[::-1])
        )
    )


def body_hits(truth: np.ndarray, seen: np.ndarray | None, counted: np.ndarray, share: float = 0.1) -> np.ndarray:
    """Which of the counted joints are within ``share`` of the torso.

    Args:
        truth: (18, 2) of the rig.
        seen: (18, 2) of the judge, NaN where it has no such joint; None where it found nobody.
        counted: (18,) bool.

    Returns:
        bool, one per counted joint.
    """
    if seen is None:
        return np.zeros(int(counted.sum()), dtype=bool)
    return (np.linalg.norm(seen - truth, axis=1) <= share * torso(truth))[counted]


# --- masks and colours ------------------------------------------------------------------------------------------------


def mask_iou(first: np.ndarray, second: np.ndarray) -> float:
    """Intersection over union of two bool masks; NaN where both are empty."""
    union = (first | second).sum()
    return float((first & second).sum() / union) if union else float("nan")


def region_colour(picture: np.ndarray, region: np.ndarray) -> np.ndarray | None:
    """Median sRGB (3,) of a region, its rim left out where that leaves enough; None where it is too small to tell.

    Args:
        picture: (H, W, 3) uint8
        region: (H, W) bool
    """
    inner = shrink(region)
    region = inner if inner.sum() >= _LEAST_PIXELS else region
    return np.median(picture[region], axis=0) if region.sum() >= _LEAST_PIXELS else None


def colours_found(
    picture: np.ndarray,
    regions: Mapping[str, np.ndarray],
    named: Mapping[str, str],
    palettes: Mapping[str, Mapping[str, Sequence[float]]],
    lights: Mapping[str, float],
) -> dict[str, bool]:
    """Whether each colour that the prompt names is the nearest one of its palette to the region's median, in CIELAB.

    Names such as those of skin tones differ in little else than lightness, and so does one colour in bright light and
    in shade: the palette is dimmed as the render's own region is.  A prompt seldom says how bright its light is, so a
    picture's may be another than the render's: how much brighter it is is told by the other colours that are named.

    Args:
        picture: (H, W, 3) uint8
        regions: (H, W) bool by role, such as shirt; from the rig, so a colour in the wrong place does not count.
        named: role to the colour's name.
        palettes: role to names and their sRGB, 0..255.
        lights: role to the share of its light that the region has in the render; see :func:`light_of`.

    Returns:
        by role; roles whose region is too small are left out.
    """
    seen = {
        role: colour
        for role in named
        if role in regions and (colour := region_colour(picture, regions[role])) is not None
    }
    # The backdrop is lit by itself, and tells nothing of the person's light.
    lit = {role: np.array(palettes[role][named[role]]) for role in seen if role != "background"}
    found = {}
    for role, colour in seen.items():
        others = {other: material for other, material in lit.items() if other != role}
        brighter = _brighter(others, seen, lights) if role in lit else 1.0
        found[role] = nearest_name(colour, palettes[role], min(1.0, brighter * lights[role])) == named[role]
    return found


def _brighter(
    materials: Mapping[str, np.ndarray], seen: Mapping[str, np.ndarray], lights: Mapping[str, float]
) -> float:
    """How many times brighter a picture's light is than the render's, by how colours of known materials look in it: the
    factor with the least total distance in CIELAB, so that one wrong colour does not decide.  1 without any."""
    if not materials:
        return 1.0
    distances = np.zeros(len(_FACTORS))
    for role, material in materials.items():
        shares = np.clip(_FACTORS * lights[role], 0.05, 1.0)
        distances += [np.linalg.norm(to_lab(dim(material, share)) - to_lab(seen[role])) for share in shares]
    return float(_FACTORS[int(np.argmin(distances))])


def light_of(render: np.ndarray, region: np.ndarray, colour: Sequence[float]) -> float:
    """How much of its light a material of this colour (sRGB 0..255) has in the render: 0 to 1, 1 where it is not seen.

    What is brighter than its own colour shines; that is not counted as light.
    """
    seen = region_colour(render, region)
    return 1.0 if seen is None else float(np.clip(light(seen) / max(light(colour), 1e-4), 0.05, 1.0))


def shrink(region: np.ndarray, pixels: int = 1) -> np.ndarray:
    """A bool region less its rim of so many pixels; beyond the picture counts as inside."""
    return ~_grow(~region, pixels)


def _grow(region: np.ndarray, pixels: int) -> np.ndarray:
    for _ in range(pixels):
        wide = np.pad(region, 1)
        region = wide[:-2, 1:-1] | wide[2:, 1:-1] | wide[1:-1, :-2] | wide[1:-1, 2:] | region
    return region


# --- seams ------------------------------------------------------------------------------------------------------------


def seam(picture: np.ndarray, hands: np.ndarray, width: int) -> float:
    """How sharp the picture is across the hands' boundary: the mean change of CIELAB colour per pixel along the
    boundary's normal, in a ring around it.

    Where a hand is laid over a body that does not fit, the ring holds the hand's edge, the body's, and the step between
    them; the same figure on the render says what a real boundary has.

    Args:
        picture: (H, W, 3) uint8
        hands: (H, W) bool, the rig's hands.
        width: of the ring to either side of the boundary, in pixels.

    Returns:
        CIELAB units per pixel; NaN without a boundary.
    """
    ring = _grow(hands, width) & ~shrink(hands, width)
    if not ring.any():
        return float("nan")
    slope_y, slope_x = np.gradient(_blur(hands.astype(np.float64), width))
    length = np.hypot(slope_x, slope_y)
    ring &= length > 1e-6
    normal_x, normal_y = slope_x[ring] / length[ring], slope_y[ring] / length[ring]
    down, across = np.gradient(to_lab(picture), axis=(0, 1))
    change = across[ring] * normal_x[:, None] + down[ring] * normal_y[:, None]
    return float(np.linalg.norm(change, axis=1).mean())


def _blur(values: np.ndarray, radius: int) -> np.ndarray:
    """Two box means of side 2 radius + 1, by cumulative sums; edges repeat."""
    side = 2 * radius + 1
    for _ in range(2):
        for axis in (0, 1):
            pad = [(radius + 1, radius) if a == axis else (0, 0) for a in (0, 1)]
            total = np.cumsum(np.pad(values, pad, mode="edge"), axis=axis)
            count = values.shape[axis]
            ends = np.take(total, np.arange(side, side + count), axis=axis)
            values = (ends - np.take(total, np.arange(count), axis=axis)) / side
    return values


def wrist_step(picture: np.ndarray, hand: np.ndarray, forearm: np.ndarray, wrist: np.ndarray, reach: float) -> float:
    """The colour step from a hand to its forearm, as the CIEDE2000 difference of their medians near the wrist.

    Args:
        picture: (H, W, 3) uint8
        hand: (H, W) bool
        forearm: (H, W) bool, bare skin of the arm and nothing else.
        wrist: (2,) pixels.
        reach: pixels from the wrist within which both are looked at.

    Returns:
        NaN where one of the two cannot be seen.
    """
    near = around(wrist, reach, hand.shape)
    if min((hand & near).sum(), (forearm & near).sum()) < _LEAST_PIXELS:
        return float("nan")
    first, second = (np.median(picture[part & near], axis=0) for part in (hand, forearm))
    return float(ciede2000(to_lab(first), to_lab(second)))


def around(point: np.ndarray, reach: float, shape: tuple[int, ...]) -> np.ndarray:
    """Pixels of a picture of this shape (H, W) within ``reach`` of a point, as bool."""
    rows, columns = np.indices(shape)
    return np.hypot(columns + 0.5 - point[0], rows + 0.5 - point[1]) <= reach


def is_covered(picture: np.ndarray, forearm: np.ndarray, shirt: np.ndarray, hand: np.ndarray) -> bool:
    """Whether a picture has cloth where the render has a bare forearm: it looks more like the shirt than like the hand.

    The hand is the one skin that no sleeve covers and that is always there where this is asked.

    Args:
        picture: (H, W, 3) uint8
        forearm, shirt, hand: (H, W) bool; where one is too small to tell, no.
    """
    colours = [region_colour(picture, region) for region in (forearm, shirt, hand)]
    if any(colour is None for colour in colours):
        return False
    arm, cloth, bare = (to_lab(colour) for colour in colours if colour is not None)
    return bool(np.linalg.norm(arm - cloth) < np.linalg.norm(arm - bare))
