# SPDX-License-Identifier: GPL-3.0-or-later
"""What was recognised in a rig, in numbers and words: how much of the body and the hands, and what is missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..request import SIDES, Side
from .keypoints import BODY, FINGERS, HAND, PersonKeypoints
from .overrides import label


@dataclass(frozen=True)
class Recognition:
    """How many keypoints were found; the wrist counts for its hand as well."""

    body: int
    """Of 18"""
    hands: dict[Side, int]
    """Of 21 each"""
    missing: tuple[str, ...]
    """Labels of keypoints, of whole fingers (``Left ring finger``) and of whole hands (``Left hand``)"""


def recognise(person: PersonKeypoints) -> Recognition:
    """Count a person's keypoints, and name those that are missing."""
    body = _there(person.body)
    hands = {side: _there(person.hands[side]) for side in SIDES}
    missing = [label(name) for name, found in zip(BODY, body) if not found]
    for side in SIDES:
        missing += _missing_of_hand(side, hands[side])
    return Recognition(int(body.sum()), {side: int(found.sum()) for side, found in hands.items()}, tuple(missing))


def _there(points: np.ndarray) -> np.ndarray:
    return np.isfinite(points).all(axis=1)


def _missing_of_hand(side: Side, found: np.ndarray) -> list[str]:
    if not found[1:].any():
        return [f"{side.capitalize()} hand"]
    missing = []
    for finger, name in enumerate(FINGERS):
        joints = range(1 + 4 * finger, 5 + 4 * finger)
        if not found[list(joints)].any():
            missing.append(f"{side.capitalize()} {name}" + ("" if name == "thumb" else " finger"))
        else:
            missing += [label(f"{side}_{HAND[joint]}") for joint in joints if not found[joint]]
    return missing
