# SPDX-License-Identifier: GPL-3.0-or-later
"""All figures of one picture, as JSON-ready data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..conditioning.garments import named_sleeves
from .benchmark.entries import Entry
from .judge import Judge, SeenHand, hand_windows
from .metrics import (
    around,
    assign_hands,
    body_hits,
    colours_found,
    hand_box,
    hand_pck,
    is_covered,
    joint_angle_errors,
    light_of,
    mask_iou,
    seam,
    wrist_step,
)
from .truth import Truth

SCORE_VERSION = 3
"""Counts up when a figure changes its meaning: pictures with older scores are scored again, not drawn again."""


def score_picture(
    judge: Judge,
    truth: Truth,
    entry: Entry,
    palettes: Mapping[str, Mapping[str, Sequence[float]]],
    picture: np.ndarray,
    hands_mask: np.ndarray | None = None,
) -> dict[str, Any]:
    """Score one picture.

    Args:
        judge: the same for all.
        truth: of the entry.
        entry: its prompt's colours.
        palettes: of the benchmark.
        picture: (H, W, 3) uint8 at the truth's size.
        hands_mask: (H, W) bool, where the model says that the hands are; None where it does not say.

    Returns:
        ``hands`` (per judged side: ``box`` in pixels, ``small``, ``found``, ``found_whole``, ``swapped``, ``pck``,
        ``angles``), ``body`` (``hits`` of ``counted``), ``mask_iou``, ``colours`` (per role), ``seam``, ``wrist_step``
        (per side, of bare hands and forearms); None for what this picture cannot tell.
    """
    seen = judge.look(picture, hand_windows(truth.hands))
    matches = assign_hands(truth.hands, [hand.points for hand in seen.hands])
    whole = assign_hands(truth.hands, [hand.points for hand in seen.whole])
    height, width = picture.shape[:2]
    visible = np.array([word == "visible" for word in truth.pose.body_visibility])
    hits = body_hits(truth.pose.body, seen.body, visible)
    return {
        "hands": {
            side: {
                **_score_hand(points, seen.hands[matches[side]] if side in matches else None, side, (width, height)),
                "small": truth.is_small(side),
                "found_whole": side in whole,
            }
            for side, points in truth.hands.items()
        },
        "body": {"hits": int(hits.sum()), "counted": len(hits)},
        "mask_iou": None
        if hands_mask is None or not truth.hands_mask.any()
        else mask_iou(hands_mask, truth.hands_mask),
        "colours": colours_found(
            picture,
            truth.regions,
            entry.named,
            palettes,
            {role: light_of(truth.picture, truth.regions[role], entry.colours[role]) for role in entry.named},
        ),
        "seam": _number(seam(picture, truth.hands_mask, width=max(1, width // 100))),
        "wrist_step": {} if entry.gloved else _wrist_steps(picture, truth, entry),
    }


def _wrist_steps(picture: np.ndarray, truth: Truth, entry: Entry) -> dict[str, float | None]:
    """Per side, of forearms that are bare: a prompt that does not say so allows long sleeves, too."""
    bare = truth.regions["skin"] & ~truth.hands_mask
    shirt = truth.regions.get("shirt", np.zeros_like(bare))
    may_be_covered = named_sleeves(entry.prompt) in ("", "long sleeves")
    steps: dict[str, float | None] = {}
    for side, points in truth.hands.items():
        hand, reach = truth.hand_masks[side], 0.6 * hand_box(points)
        covered = may_be_covered and is_covered(picture, bare & around(points[0], reach, bare.shape), shirt, hand)
        step = wrist_step(picture, hand, bare, points[0], reach)
        steps[side] = None if covered else _number(step)
    return steps


def _score_hand(points: np.ndarray, seen: SeenHand | None, side: str, size: tuple[int, int]) -> dict[str, Any]:
    inside = ((points >= 0) & (points < size)).all(axis=1)
    return {
        "box": round(hand_box(points), 2),
        "found": seen is not None,
        "swapped": None if seen is None else seen.side != side,
        "pck": hand_pck(points, None if seen is None else seen.points, inside),
        "angles": None if seen is None else [_number(error) for error in joint_angle_errors(points, seen.points)],
    }


def _number(value: float) -> float | None:
    return round(float(value), 4) if np.isfinite(value) else None
