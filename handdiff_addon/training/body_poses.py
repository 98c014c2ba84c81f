# SPDX-License-Identifier: GPL-3.0-or-later
"""Random poses that real people take, fitted to a person's build: hands reach hips, chest and face, never through."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from ..request import SIDES, Side
from ..rig.gestures import GESTURES, blend
from .arm_poses import (
    FIST,
    FLAT,
    RELAXED,
    arm_pose,
    aside,
    at_face,
    behind,
    down,
    free,
    in_front,
    on_chest,
    on_hip,
    overhead,
    played,
    raised,
    reaching,
    vector,
)
from .build import Build
from .clearance import clash
from .poses import ArmPose, BodyPose, HandShape, other

_ROOM = 0.02
"""How deep arms may press into the body or each other, metres"""
_TRIES = 16

Arms = tuple[dict[Side, ArmPose], dict[Side, HandShape]]
Single = Callable[[np.random.Generator, Build], tuple[ArmPose, HandShape]]


def sample_pose(rng: np.random.Generator, build: Build) -> BodyPose:
    """A random pose in which the arms keep clear of the body and of each other.

    Args:
        rng: draws it.
        build: the person.
    """
    kind = str(rng.choice(list(_KINDS), p=_WEIGHTS))
    best, least = None, np.inf
    for _ in range(_TRIES):
        arms, hands = _KINDS[kind](rng, build)
        overlap = clash(arms, hands, build)
        if best is None or overlap < least:
            best, least = (arms, hands), overlap
        if overlap <= _ROOM:
            break
    assert best is not None
    still = 0.25 if any(arm.place == "face" for arm in best[0].values()) else 1.0
    return BodyPose(
        kind,
        *best,
        torso=vector(rng.normal(0.0, (0.05, 0.05, 0.10))),
        head=vector(still * rng.normal((0.02, 0.0, 0.0), (0.10, 0.08, 0.25))),
        legs={
            side: (float(abs(rng.normal(0.02, 0.05))), float(rng.normal(0.0, 0.07)))
            if rng.random() < 0.8
            else (float(rng.uniform(0.05, 0.22)), float(rng.normal(0.0, 0.12)))
            for side in SIDES
        },
    )


def _pair(first: Single, second: Single, rng: np.random.Generator, build: Build) -> Arms:
    """``first`` on either side, ``second`` on the other."""
    side = SIDES[int(rng.integers(2))]
    made = {side: first(rng, build), other(side): second(rng, build)}
    return {side: made[side][0] for side in SIDES}, {side: made[side][1] for side in SIDES}


def _one(first: Single, rng: np.random.Generator, build: Build) -> Arms:
    """``first`` on either side, the other arm at rest."""
    rest = (down, on_hip, in_front, behind)[int(rng.choice(4, p=[0.66, 0.16, 0.14, 0.04]))]
    return _pair(first, rest, rng, build)


def _both(single: Single, rng: np.random.Generator, build: Build) -> Arms:
    """The same with both arms, mostly the same hand shape too."""
    arms, hands = _pair(single, single, rng, build)
    if rng.random() < 0.5:
        arms["right"], hands["right"] = arms["left"], hands["left"]
    return arms, hands


def _crossed(rng: np.random.Generator, build: Build) -> Arms:
    """Before the chest, one forearm over the other."""
    over = SIDES[int(rng.integers(2))]
    up = build.chest - float(rng.uniform(0.10, 0.16)) * build.scale
    arms, hands = {}, {}
    for side in SIDES:
        ahead, higher = (0.128, 0.025) if side == over else (0.064, -0.025)
        arms[side] = arm_pose(
            "crossed",
            (-0.085 * build.scale, up + higher, build.front(up, 0.05) + ahead * build.scale),
            elbow=(0.75, -1.0, 0.1),
            fingers=(-1.0, 0.25 if side == over else 0.1, -0.35),
            palm=(0.1, -0.15, -1.0),
        )
        hand = blend(FLAT, RELAXED, float(rng.uniform(0.0, 1.0)))
        hands[side] = played(rng, None, hand)
    return {side: arms[side] for side in SIDES}, hands


def _folded(rng: np.random.Generator, build: Build) -> Arms:
    """Hands in each other before the belly, or hanging low."""
    low = rng.random() < 0.35
    up = build.hips - 0.06 * build.scale if low else float(rng.uniform(build.waist - 0.04, build.chest - 0.10))
    ahead = build.front(up, 0.0) + float(rng.uniform(0.05, 0.09) if low else rng.uniform(0.07, 0.16))
    lowered = -1.0 if low else float(rng.uniform(-0.2, 0.5))
    over = SIDES[int(rng.integers(2))]
    arms, hands = {}, {}
    for side in SIDES:
        first = side == over
        arms[side] = arm_pose(
            "folded",
            (0.010, up, ahead + (0.022 if first else -0.012)),
            elbow=(0.9, -0.7, -0.5),
            fingers=(-0.75, lowered, 0.45) if first else (-0.75, lowered, 0.2),
            palm=(-0.35, 0.1, -1.0) if first else (-0.6, 0.2, 0.8),
            anchor="palm",
        )
        hand = blend(FLAT, FIST, 0.42 if first else 0.30)
        hands[side] = played(rng, None, free(hand), 2.0)
    return arms, hands


def _palms(place: str, rng: np.random.Generator, build: Build) -> Arms:
    """Palms to each other: touching in prayer, apart in clapping."""
    gap = 0.0 if place == "praying" else float(rng.uniform(0.03, 0.22))
    up = float(rng.uniform(build.waist + 0.08, build.chest + 0.04))
    ahead = build.front(up, 0.0) + float(rng.uniform(0.08, 0.2) if place == "praying" else rng.uniform(0.14, 0.28))
    tilt = float(rng.uniform(0.0, 0.5) if place == "praying" else rng.uniform(0.2, 1.2))
    spread = FLAT if place == "praying" else blend(FLAT, GESTURES["palm"].hand, float(rng.uniform(0.0, 0.8)))
    hand = played(rng, None, free(spread), 1.5)
    arm = arm_pose(
        place,
        (0.003 + gap / 2, up, ahead),
        elbow=(1.0, -0.7, -0.3),
        fingers=(-0.02 if place == "praying" else -0.1, 1.0, tilt),
        palm=(-1.0, 0.0, 0.0),
        anchor="palm",
    )
    return dict.fromkeys(SIDES, arm), dict.fromkeys(SIDES, hand)


_KINDS: dict[str, Callable[[np.random.Generator, Build], Arms]] = {
    "one raised": partial(_one, raised),
    "both raised": partial(_both, raised),
    "one overhead": partial(_one, overhead),
    "both overhead": partial(_both, overhead),
    "one in front": partial(_one, in_front),
    "both in front": partial(_both, in_front),
    "hand on the chest": partial(_one, on_chest),
    "hand at the face": partial(_one, at_face),
    "both at the face": partial(_both, partial(at_face, both=True)),
    "hand on the hip": partial(_pair, on_hip, raised),
    "hands on hips": partial(_both, on_hip),
    "arms down": partial(_both, down),
    "arm aside": partial(_one, aside),
    "arms spread": partial(_both, aside),
    "reaching": partial(_one, reaching),
    "reaching with both": partial(_both, reaching),
    "arms behind": partial(_both, behind),
    "arms crossed": _crossed,
    "hands folded": _folded,
    "clapping": partial(_palms, "clapping"),
    "praying": partial(_palms, "praying"),
}
_WEIGHTS = np.array([22, 10, 5, 5, 8, 4, 4, 6, 2.5, 3, 4, 4, 4, 2, 6, 2, 1, 6, 5, 3.5, 3.5])
_WEIGHTS /= _WEIGHTS.sum()
"""Of the kinds, in their order"""
