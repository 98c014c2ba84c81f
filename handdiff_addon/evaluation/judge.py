# SPDX-License-Identifier: GPL-3.0-or-later
"""The independent judge: MediaPipe 0.10.21's body and hands, as plain points.

Its models lie inside the wheel.  It looks for the body in the whole picture, and for each hand in a window around the
place where the rig has it, three times the hand's box and scaled to one size, since in a whole picture its palm finder
misses hands that its landmarks would then read well (on 69 hands of 36 renders at 256 pixels: 61 in whole pictures, 67
in windows).  Renders and painted pictures are looked at in the same way; how many hands it finds in the whole picture
is reported, too.

MediaPipe's hand labels are for mirrored selfies, so its "Right" is the person's own left; checked on renders.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..conditioning.crops import Box, cut
from ..errors import ModelError
from ..request import SIDES, Side
from ..rig.keypoints import BODY

NAME = "MediaPipe 0.10.21"
WINDOW = 256
"""Side in pixels that a hand's window is scaled to"""

_BLAZEPOSE = {
    "nose": 0, "left_eye": 2, "right_eye": 5, "left_ear": 7, "right_ear": 8, "left_shoulder": 11, "right_shoulder": 12,
    "left_elbow": 13, "right_elbow": 14, "left_wrist": 15, "right_wrist": 16, "left_hip": 23, "right_hip": 24,
    "left_knee": 25, "right_knee": 26, "left_ankle": 27, "right_ankle": 28,
}  # fmt: skip
"""Which of the 33 points each body point is; the neck is between the shoulders."""


@dataclass(frozen=True)
class SeenHand:
    """A hand as the judge sees it."""

    side: Side
    """The judge's opinion of which hand of the person it is"""
    points: np.ndarray
    """(21, 2) pixels"""
    confidence: float
    """Of the side, 0.5 to 1"""


@dataclass(frozen=True)
class Seen:
    """What the judge sees in one picture; all in the picture's pixels, origin top left, y down."""

    body: np.ndarray | None
    """(18, 2); None where it sees nobody"""
    hands: list[SeenHand]
    """Found in the windows, each hand once"""
    whole: list[SeenHand]
    """Found in the whole picture"""


def require_judge() -> None:
    """
    Raises:
        ModelError: where MediaPipe is not installed.
    """
    if importlib.util.find_spec("mediapipe") is None:
        raise ModelError("Python has no mediapipe, the judge: install it with  pip install mediapipe==0.10.21.")


class Judge:
    """MediaPipe, loaded once.  Equal pictures give equal answers, in any order.  Not for several threads at once."""

    def __init__(self) -> None:
        """
        Raises:
            ModelError: where MediaPipe is not installed.
        """
        require_judge()
        with quiet():
            solutions = import_mediapipe().solutions
            self._pose = solutions.pose.Pose(static_image_mode=True, model_complexity=1)
            self._hands = solutions.hands.Hands(static_image_mode=True, max_num_hands=4, model_complexity=1)
            blank = np.zeros((64, 64, 3), np.uint8)  # what is printed late is printed at first use
            self._find_body(blank)
            self._find_hands(blank)

    def look(self, picture: np.ndarray, windows: Mapping[Side, Box]) -> Seen:
        """Look at one picture.

        Args:
            picture: (H, W, 3) uint8 RGB.
            windows: where to look for hands; see :func:`hand_windows`.
        """
        picture = np.ascontiguousarray(picture)
        hands: list[SeenHand] = []
        with quiet():
            for box in windows.values():
                scale = (box[2] - box[0]) / WINDOW
                for hand in self._find_hands(cut(picture, box, WINDOW)):
                    _add(hands, SeenHand(hand.side, hand.points * scale + box[:2], hand.confidence))
            return Seen(self._find_body(picture), hands, self._find_hands(picture))

    def _find_body(self, picture: np.ndarray) -> np.ndarray | None:
        found = self._pose.process(picture).pose_landmarks
        if found is None:
            return None
        landmarks = _pixels(found.landmark, picture)
        points = np.full((len(BODY), 2), np.nan)
        for index, name in enumerate(BODY):
            if name in _BLAZEPOSE:
                points[index] = landmarks[_BLAZEPOSE[name]]
        points[BODY.index("neck")] = (landmarks[11] + landmarks[12]) / 2
        return points

    def _find_hands(self, picture: np.ndarray) -> list[SeenHand]:
        found = self._hands.process(picture)
        hands = []
        for landmarks, handedness in zip(found.multi_hand_landmarks or [], found.multi_handedness or []):
            label = handedness.classification[0]
            side: Side = "left" if label.label == "Right" else "right"
            hands.append(SeenHand(side, _pixels(landmarks.landmark, picture), float(label.score)))
        return hands


def hand_windows(hands: Mapping[Side, np.ndarray], room: float = 3.0) -> dict[Side, Box]:
    """The square window around each hand's (21, 2) points, ``room`` times its box; may stick out of the picture."""
    windows: dict[Side, Box] = {}
    for side in SIDES:
        if side in hands:
            low, high = hands[side].min(axis=0), hands[side].max(axis=0)
            size = max(round(room * float((high - low).max())), 8)
            left, top = np.round((low + high) / 2 - size / 2).astype(int)
            windows[side] = (int(left), int(top), int(left) + size, int(top) + size)
    return windows


def import_mediapipe() -> Any:
    """The library, imported on first use; tell it to print no more than errors beforehand."""
    os.environ.setdefault("GLOG_minloglevel", "2")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import mediapipe

    return mediapipe


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what C++ libraries print off the process's standard error."""
    sys.stderr.flush()
    before = os.dup(2)
    try:
        with open(os.devnull, "w") as nowhere:  # noqa: PTH123
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)


def _pixels(landmarks: Any, picture: np.ndarray) -> np.ndarray:
    return np.array([(point.x, point.y) for point in landmarks]) * (picture.shape[1], picture.shape[0])


def _add(hands: list[SeenHand], new: SeenHand) -> None:
    """Take in a hand, once: of two readings of the same one the more confident."""
    for index, old in enumerate(hands):
        size = max(float(np.ptp(points, axis=0).max()) for points in (old.points, new.points))
        if np.linalg.norm(old.points - new.points, axis=1).mean() < 0.3 * size:
            if new.confidence > old.confidence:
                hands[index] = new
            return
    hands.append(new)
