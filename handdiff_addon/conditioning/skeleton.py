# SPDX-License-Identifier: GPL-3.0-or-later
"""The OpenPose skeleton picture that pose ControlNets were trained on.

Drawn from the published facts of the format (which limbs, which colours, which widths): COCO-18 limbs as ellipses at
60 % brightness in the colours of a rainbow, joints as full-bright discs over them, hands as twenty thin lines around
the colour wheel with blue joints.  No antialiasing, as in the training data.  Left and right are the person's own.
"""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

import numpy as np

from ..request import SIDES, SkeletonSettings
from ..rig.keypoints import BODY_INDEX, FINGERS
from .frame import PersonPose, Visibility

Colour = tuple[int, int, int]

RAINBOW: tuple[Colour, ...] = (
    (255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0),
    (0, 255, 0), (0, 255, 85), (0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255),
    (0, 0, 255), (85, 0, 255), (170, 0, 255), (255, 0, 255), (255, 0, 170), (255, 0, 85),
)  # fmt: skip
"""Colour of body joint ``i``, and (before dimming) of limb ``i``."""

LIMBS = tuple(
    (BODY_INDEX[a], BODY_INDEX[b])
    for a, b in (
        ("neck", "right_shoulder"), ("neck", "left_shoulder"),
        ("right_shoulder", "right_elbow"), ("right_elbow", "right_wrist"),
        ("left_shoulder", "left_elbow"), ("left_elbow", "left_wrist"),
        ("neck", "right_hip"), ("right_hip", "right_knee"), ("right_knee", "right_ankle"),
        ("neck", "left_hip"), ("left_hip", "left_knee"), ("left_knee", "left_ankle"),
        ("neck", "nose"),
        ("nose", "right_eye"), ("right_eye", "right_ear"),
        ("nose", "left_eye"), ("left_eye", "left_ear"),
    )
)  # fmt: skip
"""In drawing order; later ones cover earlier ones."""

HAND_EDGES = tuple(
    (0 if joint == 0 else 4 * finger + joint, 4 * finger + joint + 1)
    for finger in range(len(FINGERS))
    for joint in range(4)
)
_HAND_COLOURS: tuple[Colour, ...] = tuple(
    tuple(round(255 * value) for value in colorsys.hsv_to_rgb(edge / len(HAND_EDGES), 1.0, 1.0))  # type: ignore[misc]
    for edge in range(len(HAND_EDGES))
)
_HAND_JOINT: Colour = (0, 0, 255)

# Pixels in a picture whose short side is 512.
_LIMB, _JOINT, _HAND_LINE, _HAND_DISC = 4.0, 4.0, 1.0, 4.0


def draw_skeleton(
    people: Sequence[PersonPose],
    width: int,
    height: int,
    settings: SkeletonSettings | None = None,
) -> np.ndarray:
    """Draw people as ControlNet's OpenPose picture.

    Absent joints (NaN) take their limbs with them; limbs to joints outside the frame are clipped at its edge.

    Args:
        people: nearest first; nearer ones are drawn over farther ones.
        width, height: in pixels; the poses' pixels count in this size.
        settings: what to draw, and how; None: the defaults.  Style ``classic`` scales all strokes with the short side
            (4 px half-width at 512); ``xinsir`` draws body limbs and joints as thick as xinsir's SDXL ControlNets were
            trained, by the long side, and hands at native width.

    Returns:
        (height, width, 3) uint8 RGB on black
    """
    canvas = np.zeros((height, width, 3), dtype=np.uint8)
    settings = settings or SkeletonSettings()
    draw_occluded = settings.occluded
    if settings.style == "xinsir":
        body_scale, hand_scale = float(xinsir_ratio(width, height)), 1.0
    else:
        body_scale = hand_scale = min(width, height) / 512.0
    for person in reversed(people):
        body = _drawn(person.body, person.body_visibility, draw_occluded)
        for (a, b), colour in zip(LIMBS, RAINBOW):
            _ellipse(canvas, body[a], body[b], _LIMB * body_scale, tuple(value * 3 // 5 for value in colour))
        for point, colour in zip(body, RAINBOW):
            _disc(canvas, point, _JOINT * body_scale, colour)
        for side in SIDES:
            hand = _drawn(person.hands[side], person.hand_visibility[side], draw_occluded)
            for (a, b), colour in zip(HAND_EDGES, _HAND_COLOURS):
                _line(canvas, hand[a], hand[b], _HAND_LINE * hand_scale, colour)
            for point in hand:
                _disc(canvas, point, _HAND_DISC * hand_scale, _HAND_JOINT)
    return canvas


def xinsir_ratio(width: int, height: int) -> int:
    """How many times thicker than 4 px the body strokes of xinsir's ControlNets are (their model card)."""
    longest = max(width, height)
    return 1 if longest < 500 else min(longest // 1000 + 2, 7)


def _drawn(points: np.ndarray, visibility: Sequence[Visibility], draw_occluded: bool) -> np.ndarray:
    """The points in whole pixels, NaN where not to be drawn."""
    left_out = ("absent", "behind") if draw_occluded else ("absent", "behind", "occluded")
    hidden = np.array([word in left_out for word in visibility])
    return np.where(hidden[:, None], np.nan, np.floor(points))


def _ellipse(canvas: np.ndarray, a: np.ndarray, b: np.ndarray, half_width: float, colour: tuple[int, ...]) -> None:
    """A limb from ``a`` to ``b``: an ellipse with its tips at both."""
    if not np.isfinite([a, b]).all():
        return
    along = (b - a) / 2.0
    half_length = max(float(np.hypot(*along)), 0.5)
    along = along / half_length
    half_width = max(half_width, 1.0)
    # Truncated like the joints, so that an upright limb of half-width 4 is 9 pixels wide.
    centre = np.floor((a + b) / 2.0)
    reach = np.hypot(along * half_length, along[::-1] * half_width) + 1.0
    window, x, y = _window(canvas, centre - reach, centre + reach)
    x, y = x - centre[0], y - centre[1]
    lengthwise = (x * along[0] + y * along[1]) / half_length
    crosswise = (y * along[0] - x * along[1]) / half_width
    window[lengthwise**2 + crosswise**2 <= 1.0] = colour


def _line(canvas: np.ndarray, a: np.ndarray, b: np.ndarray, half_width: float, colour: Colour) -> None:
    """A line with round ends."""
    if not np.isfinite([a, b]).all():
        return
    half_width = max(half_width, 0.5)
    window, x, y = _window(canvas, np.minimum(a, b) - half_width, np.maximum(a, b) + half_width)
    step = b - a
    share = ((x - a[0]) * step[0] + (y - a[1]) * step[1]) / max(float(step @ step), 1.0)
    share = np.clip(share, 0.0, 1.0)
    distance = (x - a[0] - share * step[0]) ** 2 + (y - a[1] - share * step[1]) ** 2
    window[distance <= half_width**2 + 1e-9] = colour


def _disc(canvas: np.ndarray, centre: np.ndarray, radius: float, colour: Colour) -> None:
    if not np.isfinite(centre).all():
        return
    radius = max(radius, 1.0)
    window, x, y = _window(canvas, centre - radius, centre + radius)
    window[(x - centre[0]) ** 2 + (y - centre[1]) ** 2 <= radius**2] = colour


def _window(canvas: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The part of the canvas within a box (pixel indices), with its column (1, w) and row (h, 1) indices."""
    height, width = canvas.shape[:2]
    left, top = np.clip(np.floor(low), 0, (width, height)).astype(int)
    right, bottom = np.clip(np.ceil(high) + 1, 0, (width, height)).astype(int)
    return canvas[top:bottom, left:right], np.arange(left, right)[None, :], np.arange(top, bottom)[:, None]
