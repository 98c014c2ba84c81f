# SPDX-License-Identifier: GPL-3.0-or-later
"""The gesture library: hand poses as joint angles, named as the HaGRID data set of gestures names them.

HaGRID: A. Kapitanov et al., "HaGRID - HAnd Gesture Recognition Image Dataset", 2022, arXiv 2206.08219.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from .keypoints import FINGERS

Vector = tuple[float, float, float]


class Finger(NamedTuple):
    """Joint angles of a finger, degrees from straight.  Flexion closes the finger towards the palm."""

    mcp: float
    pip: float
    dip: float
    abduction: float = 0.0
    """At the knuckle, away from the middle finger; the middle finger's own is towards the thumb.  At zero the finger is
    parallel to the line from the wrist to the middle finger's knuckle."""


class Thumb(NamedTuple):
    """Joint angles of a thumb, degrees."""

    radial: float
    """Of the metacarpal in the palm's plane, away from the fingers' direction to the thumb's side"""
    palmar: float
    """Of the metacarpal out of the palm's plane"""
    opposition: float
    """Turn of the thumb about itself.  At 0 its pulp faces the little finger's side; positive turns it to the palm,
    negative away from it, as in a flat hand."""
    mcp: float
    """Flexion, towards the pulp"""
    ip: float


class Touch(NamedTuple):
    """Where the thumb's pulp lies on a finger."""

    finger: str
    phalanx: int
    """1 to 3"""
    along: float
    """0 at the phalanx's base, 1 at its end"""
    back: bool
    """On the finger's back, or else on its pulp side"""


@dataclass(frozen=True)
class HandPose:
    """Joint angles of a hand.

    What ``touch`` and ``together`` ask holds on hands of any proportions; with ``touch``, the thumb's angles are where
    the search for it starts.
    """

    thumb: Thumb
    index: Finger
    middle: Finger
    ring: Finger
    little: Finger
    touch: Touch | None = None
    together: tuple[str, ...] = ()
    """Fingers that lie side by side, from the middle finger outwards; their abduction counts from there."""

    def angles(self) -> np.ndarray:
        """(21,) all angles, thumb first."""
        return np.concatenate([getattr(self, finger) for finger in FINGERS]).astype(float)

    def with_angles(self, angles: np.ndarray) -> HandPose:
        thumb, fingers = angles[:5], np.reshape(angles[5:], (4, 4))
        index, middle, ring, little = (Finger(*map(float, row)) for row in fingers)
        return HandPose(Thumb(*map(float, thumb)), index, middle, ring, little, self.touch, self.together)


ABDUCTIONS = slice(8, None, 4)
"""Where the fingers' abductions are among :meth:`HandPose.angles`"""


@dataclass(frozen=True)
class Gesture:
    """A hand pose and how the hand is held: vectors are (outward, up, forward) of the person, outward from the body."""

    label: str
    hand: HandPose
    description: str
    fingers: Vector = (0.0, 1.0, 0.1)
    """Where the straight hand points"""
    palm: Vector = (0.0, 0.0, 1.0)
    """Where the palm faces; the viewer is in front"""


def blend(first: HandPose, second: HandPose, share: float) -> HandPose:
    """The hand on its way from ``first`` (share 0) to ``second`` (share 1); up to the half it touches as the first."""
    angles = (1.0 - share) * first.angles() + share * second.angles()
    return (first if share < 0.5 else second).with_angles(angles)


_STRAIGHT = Finger(0, 2, 1)
_THUMB_OUT = Thumb(52, 14, -40, 2, -4)
_THUMB_UP = Thumb(66, 4, -14, -8, -14)
_THUMB_BESIDE = Thumb(20, 12, -35, 8, 4)
_THUMB_OVER = Thumb(30, 44, 10, 38, 40)
_BACK = (0.0, 0.0, -1.0)


def _straight(abduction: float) -> Finger:
    return _STRAIGHT._replace(abduction=abduction)


_FIST = HandPose(
    _THUMB_OVER,
    Finger(84, 104, 68, 3),
    Finger(87, 106, 70),
    Finger(88, 106, 70, 3),
    Finger(88, 102, 66, 7),
    touch=Touch("middle", 2, 0.4, back=True),
)
_OPEN_FIST = replace(_FIST, thumb=_THUMB_OUT, touch=None)
_LIKE = replace(_FIST, thumb=_THUMB_UP, touch=None)
_ONE = replace(_FIST, index=_STRAIGHT)
_PEACE = replace(_FIST, index=_straight(13), middle=_straight(-9), touch=Touch("ring", 2, 0.3, back=True))
_TWO = replace(_PEACE, index=_STRAIGHT, middle=_STRAIGHT, together=("index",))
_PALM = HandPose(_THUMB_OUT, _straight(13), _straight(1), _straight(11), _straight(24))
_STOP = HandPose(_THUMB_BESIDE, _STRAIGHT, _STRAIGHT, _STRAIGHT, _STRAIGHT, together=("index", "ring", "little"))

GESTURES: dict[str, Gesture] = {
    "call": Gesture("Call", replace(_OPEN_FIST, little=_straight(24)), "Thumb and little finger out, as a telephone"),
    "dislike": Gesture("Dislike", _LIKE, "Thumb down", fingers=(-0.3, 0.0, 0.95), palm=(0.95, 0.0, 0.3)),
    "fist": Gesture("Fist", _FIST, "Closed, thumb over the fingers"),
    "four": Gesture(
        "Four",
        replace(_PALM, thumb=_THUMB_OVER, index=_straight(9), touch=Touch("ring", 1, 0.0, back=False)),
        "Four fingers, thumb in",
    ),
    "like": Gesture("Like", _LIKE, "Thumb up", fingers=(-0.3, 0.0, 0.95), palm=(-0.95, 0.0, -0.3)),
    "mute": Gesture("Mute", _ONE, "Index finger upright, to be held to the lips", palm=(-1.0, 0.0, 0.0)),
    "ok": Gesture(
        "OK",
        HandPose(
            Thumb(30, 50, 50, 10, 15),
            Finger(45, 52, 26, 0),
            Finger(16, 8, 4, 0),
            Finger(8, 6, 3, 6),
            Finger(0, 4, 2, 16),
            touch=Touch("index", 3, 0.8, back=False),
        ),
        "Thumb and index finger make a ring",
    ),
    "one": Gesture("One", _ONE, "Index finger up"),
    "palm": Gesture("Palm", _PALM, "Open hand, fingers spread"),
    "peace": Gesture("Peace", _PEACE, "Index and middle finger spread"),
    "peace_inverted": Gesture("Peace, Back", _PEACE, "Peace, seen from the back of the hand", palm=_BACK),
    "rock": Gesture(
        "Rock",
        replace(_FIST, index=_straight(4), little=_straight(10)),
        "Index and little finger up, thumb over the others",
    ),
    "stop": Gesture("Stop", _STOP, "Open hand, fingers together"),
    "stop_inverted": Gesture("Stop, Back", _STOP, "Stop, seen from the back of the hand", palm=_BACK),
    "three": Gesture(
        "Three",
        replace(
            _FIST,
            index=_straight(10),
            middle=_STRAIGHT,
            ring=_straight(8),
            little=Finger(84, 98, 60, 24),
            touch=Touch("little", 3, 0.2, back=True),
        ),
        "Index, middle and ring finger up, the thumb holds the little finger",
    ),
    "three2": Gesture(
        "Three 2",
        replace(_OPEN_FIST, index=_straight(9), middle=_straight(-6)),
        "Thumb, index and middle finger out",
    ),
    "two_up": Gesture("Two Up", _TWO, "Index and middle finger up, together"),
    "two_up_inverted": Gesture("Two, Back", _TWO, "Two up, seen from the back of the hand", palm=_BACK),
}  # fmt: skip
"""By HaGRID's names, in its order"""
