# SPDX-License-Identifier: GPL-3.0-or-later
"""The skeleton picture that pose and hand ControlNets were trained on.

Drawn from the published facts of the formats (which limbs, which colours, which widths).  OpenPose: COCO-18 limbs as
ellipses at 60 % brightness in the colours of a rainbow, joints as full-bright discs over them, hands as twenty thin
lines around the colour wheel with blue joints, the face as white dots.  MediaPipe: hands alone, each finger in its
colour.  No antialiasing, as in the training data.  Left and right are the person's own.
"""

from __future__ import annotations

import colorsys
import dataclasses
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
HAND_COLOURS: tuple[Colour, ...] = tuple(
    tuple(round(255 * value) for value in colorsys.hsv_to_rgb(edge / len(HAND_EDGES), 1.0, 1.0))  # type: ignore[misc]
    for edge in range(len(HAND_EDGES))
)
_HAND_JOINT: Colour = (0, 0, 255)

_WHITE: Colour = (255, 255, 255)

# MediaPipe's own styles; the sixth colour is the palm's.
_FINGER_COLOURS: tuple[Colour, ...] = (
    (180, 229, 255), (128, 64, 128), (0, 204, 255), (48, 255, 48), (192, 101, 21), (48, 48, 255),
)  # fmt: skip
_PALM, _PALM_LINE, _RIM_OF_DISC = 5, (128, 128, 128), (224, 224, 224)
_PALM_EDGES = ((0, 1), (0, 5), (9, 13), (13, 17), (5, 9), (0, 17))
_FINGER_EDGES = tuple(
    (4 * finger + joint, 4 * finger + joint + 1, finger) for finger in range(len(FINGERS)) for joint in (1, 2, 3)
)

_EARS = (BODY_INDEX["right_ear"], BODY_INDEX["left_ear"])
_FRONT = (BODY_INDEX["nose"], BODY_INDEX["right_eye"], BODY_INDEX["left_eye"])

# Half widths and radii in pixels, in a picture whose short side is 512.
_LIMB, _JOINT, _HAND_LINE, _HAND_DISC, _FACE_DISC = 4.0, 4.0, 1.0, 4.0, 3.0
_MEDIAPIPE_DISC, _MEDIAPIPE_RIM, _MEDIAPIPE_PALM_LINE = 5.0, 6.0, 2.0
_TOUCH = 0.45
"""The pictures learnt from fill every pixel that a limb's outline touches: this much more than the shape itself."""


def drawn(person: PersonPose, settings: SkeletonSettings) -> PersonPose:
    """The points that a skeleton shows, NaN elsewhere; the words of visibility stay.

    Body joints that something hides are shown where the settings say so, but not those that the person's own head
    hides: nose and eyes of a head seen from behind, the far ear of one that is turned away.  A hand is shown whole, or
    where nothing of it beyond the wrist is seen, not at all, unless the settings ask for it.  A face is shown whole
    while some of it is seen.
    """
    hidden = np.array([word == "occluded" for word in person.body_visibility])
    if settings.occluded:
        hidden &= _own_head_hides(hidden, person)
    hands = {
        side: points if settings.hidden_hands or _hand_seen(person.hand_visibility[side]) else _nowhere(points)
        for side, points in person.hands.items()
    }
    face_seen = settings.face and "visible" in person.face_visibility and not hidden[list(_FRONT)].all()
    return dataclasses.replace(
        person,
        body=np.where(hidden[:, None], np.nan, person.body),
        hands=hands,
        face=person.face if face_seen else _nowhere(person.face),
    )


def draw_skeleton(
    people: Sequence[PersonPose],
    width: int,
    height: int,
    settings: SkeletonSettings | None = None,
) -> np.ndarray:
    """Draw people as pose ControlNets know them.

    Absent joints (NaN) take their limbs with them; limbs to joints outside the frame are clipped at its edge.

    Args:
        people: nearest first; nearer ones are drawn over farther ones.
        width, height: in pixels; the poses' pixels count in this size.
        settings: what to draw, and how; None: the defaults.  Styles ``classic`` and ``mediapipe-hands`` scale all
            strokes with the short side (a limb's half width is 4 px at 512); ``xinsir`` draws body limbs and joints as
            thick as xinsir's SDXL ControlNets were trained, by the long side, and hands and face at native width.

    Returns:
        (height, width, 3) uint8 RGB on black
    """
    canvas = np.zeros((height, width, 3), dtype=np.uint8)
    settings = settings or SkeletonSettings()
    scale = min(width, height) / 512.0
    for person in reversed(people):
        shown = drawn(person, settings)
        if settings.style == "mediapipe-hands":
            for side in SIDES:
                _draw_mediapipe_hand(canvas, np.floor(shown.hands[side]), scale)
        elif settings.style == "xinsir":
            _draw_openpose(canvas, shown, float(xinsir_ratio(width, height)), 1.0)
        else:
            _draw_openpose(canvas, shown, scale, scale)
    return canvas


def xinsir_ratio(width: int, height: int) -> int:
    """How many times thicker than 4 px the body strokes of xinsir's ControlNets are (their model card)."""
    longest = max(width, height)
    return 1 if longest < 500 else min(longest // 1000 + 2, 7)


def _own_head_hides(hidden: np.ndarray, person: PersonPose) -> np.ndarray:
    """Which joints (18,) the person's own head hides, of those that are hidden, as far as the others tell."""
    seen = np.array([word == "visible" for word in person.body_visibility])
    ears, front = list(_EARS), list(_FRONT)
    own = np.zeros(len(hidden), dtype=bool)
    own[ears] = seen[ears + front].any()
    own[front] = seen[ears].any() and not seen[front].any()
    return own


def _hand_seen(words: Sequence[Visibility]) -> bool:
    """Whether some point is visible; the wrist, which is the forearm's as well, counts where there are no others."""
    fingers = [word for word in words[1:] if word != "absent"]
    return "visible" in (fingers or words)


def _nowhere(points: np.ndarray) -> np.ndarray:
    return np.full_like(points, np.nan)


def _draw_openpose(canvas: np.ndarray, person: PersonPose, body_scale: float, fine_scale: float) -> None:
    body = np.floor(person.body)
    for (a, b), colour in zip(LIMBS, RAINBOW):
        _ellipse(canvas, body[a], body[b], _LIMB * body_scale, tuple(value * 3 // 5 for value in colour))
    for point, colour in zip(body, RAINBOW):
        _disc(canvas, point, _JOINT * body_scale, colour)
    for side in SIDES:
        hand = np.floor(person.hands[side])
        for (a, b), colour in zip(HAND_EDGES, HAND_COLOURS):
            _line(canvas, hand[a], hand[b], _HAND_LINE * fine_scale, colour)
        for point in hand:
            _disc(canvas, point, _HAND_DISC * fine_scale, _HAND_JOINT)
    for point in np.floor(person.face):
        _disc(canvas, point, _FACE_DISC * fine_scale, _WHITE)


def _draw_mediapipe_hand(canvas: np.ndarray, hand: np.ndarray, scale: float) -> None:
    for a, b in _PALM_EDGES:
        _line(canvas, hand[a], hand[b], _MEDIAPIPE_PALM_LINE * scale, _PALM_LINE)
    for a, b, finger in _FINGER_EDGES:
        _line(canvas, hand[a], hand[b], _HAND_LINE * scale, _FINGER_COLOURS[finger])
    for index, point in enumerate(hand):
        # The knuckles at the palm and the thumb's base are the palm's.
        palm = index == 0 or index % 4 == 1
        _disc(canvas, point, _MEDIAPIPE_RIM * scale, _RIM_OF_DISC)
        _disc(canvas, point, _MEDIAPIPE_DISC * scale, _FINGER_COLOURS[_PALM if palm else (index - 1) // 4])


def _ellipse(canvas: np.ndarray, a: np.ndarray, b: np.ndarray, half_width: float, colour: tuple[int, ...]) -> None:
    """A limb from ``a`` to ``b``: an ellipse with its tips at both."""
    if not np.isfinite([a, b]).all():
        return
    along = (b - a) / 2.0
    half_length = max(float(np.hypot(*along)), 0.5)
    along = along / half_length
    half_length, half_width = half_length + _TOUCH, half_width + _TOUCH
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
    half_width += _TOUCH
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
