# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of many pictures gathered into figures, and the bars that they are held against."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .colour import TONES
from .draws import (
    AUTOENCODER,
    AUTOENCODER_HANDS,
    FIXED_MASK,
    HARD_PASTE,
    LONGER,
    NO_FREE_PHASE,
    RENDER,
    SINGLE_STAGE,
    SINGLE_STAGE_KEYPOINTS,
    SINGLE_STAGE_LARGE,
    TWO_STAGES,
    TWO_STAGES_KEYPOINTS,
    TWO_STAGES_LARGE,
)
from .statistics import Estimate, Tally, estimate, estimate_difference, estimate_ratio

Scores = Mapping[str, Any]
"""Of one picture, from :func:`~.score.score_picture`"""
Results = Mapping[str, Mapping[str, Scores]]
"""Method -> entry -> scores"""


def _hands(scores: Scores, small: bool = False) -> list[tuple[str, Mapping[str, Any]]]:
    return [(side, hand) for side, hand in scores["hands"].items() if hand["small"] == small]


def _of_hands(scores: Scores, key: str, small: bool = False) -> tuple[float, float]:
    values = [hand[key] for _, hand in _hands(scores, small) if hand[key] is not None]
    return float(sum(values)), len(values)


def _angles(scores: Scores) -> tuple[float, float]:
    errors = [error for _, hand in _hands(scores) for error in hand["angles"] or [] if error is not None]
    return sum(errors), len(errors)


def _one(value: float | None) -> tuple[float, float]:
    return (0.0, 0) if value is None else (float(value), 1)


def _seam(scores: Scores, render: Scores) -> tuple[float, float]:
    return _one(scores["seam"] if render["seam"] is not None else None)


def _wrist_step(scores: Scores, render: Scores) -> tuple[float, float]:
    """What the step exceeds the render's by."""
    both = [
        (step, render["wrist_step"][side])
        for side, step in scores["wrist_step"].items()
        if step is not None and render["wrist_step"][side] is not None
    ]
    return sum(max(0.0, step - usual) for step, usual in both), len(both)


def _usable(scores: Scores, _: Scores) -> tuple[float, float]:
    found = [hand["found"] for _, hand in _hands(scores)]
    return float(bool(found) and all(found)), bool(found)


FIGURES: dict[str, tuple[str, Callable[[Scores, Scores], tuple[float, float]]]] = {
    "found": ("hands found", lambda s, _: _of_hands(s, "found")),
    "found_whole": ("hands found in the whole picture", lambda s, _: _of_hands(s, "found_whole")),
    "pck": ("hand PCK@0.2", lambda s, _: _of_hands(s, "pck")),
    "angles": ("finger joint angle error of the hands found, degrees", lambda s, _: _angles(s)),
    "swapped": ("left and right swapped, of those found", lambda s, _: _of_hands(s, "swapped")),
    "body": ("body PCK@0.1", lambda s, _: (s["body"]["hits"], s["body"]["counted"])),
    "mask_iou": ("predicted hand mask, IoU", lambda s, _: _one(s["mask_iou"])),
    "colours": ("named colours found", lambda s, _: (sum(s["colours"].values()), len(s["colours"]))),
    "seam": ("gradient across the hands' boundary", _seam),
    "wrist_step": ("colour step at the wrist beyond the render's", _wrist_step),
    "usable": ("pictures with every visible hand found", _usable),
    "found_small": ("small hands found (under 24 px)", lambda s, _: _of_hands(s, "found", small=True)),
    "pck_small": ("small hands' PCK@0.2 (under 24 px)", lambda s, _: _of_hands(s, "pck", small=True)),
}
"""Name -> label, and per picture a sum and what it is to be divided by; the second scores are the render's"""


def tally(results: Results, method: str, figure: str, ids: Sequence[str]) -> Tally:
    """One figure of one method over these entries."""
    of = FIGURES[figure][1]
    return Tally.of([of(results[method][i], results[RENDER][i]) for i in ids])


def role_tally(results: Results, method: str, role: str, ids: Sequence[str]) -> Tally:
    """Colours found in one role's region."""
    return Tally.of([_one(results[method][i]["colours"].get(role)) for i in ids])


def angle_tallies(results: Results, methods: Sequence[str], ids: Sequence[str]) -> dict[str, Tally]:
    """Finger joint angle errors in degrees, over the joints that the judge reads in every one of the methods: a method
    that loses the hard hands is not rewarded for it."""
    rows: dict[str, list[tuple[float, float]]] = {method: [] for method in methods}
    for i in ids:
        totals = dict.fromkeys(methods, 0.0)
        count = 0
        for side, _ in _hands(results[RENDER][i]):
            angles = {method: results[method][i]["hands"][side]["angles"] for method in methods}
            if any(errors is None for errors in angles.values()):
                continue
            errors = np.array([angles[method] for method in methods], dtype=np.float64)
            known = np.isfinite(errors).all(axis=0)
            count += int(known.sum())
            for method, row in zip(methods, errors):
                totals[method] += float(row[known].sum())
        for method in methods:
            rows[method].append((totals[method], count))
    return {method: Tally.of(rows[method]) for method in methods}


@dataclass(frozen=True)
class Bar:
    """A figure and what it must reach."""

    label: str
    must: str
    reached: Estimate
    passed: bool | None
    """None where there is nothing to tell it from"""
    short: float = 0.0
    """By how much it is missed"""


def bars(results: Results, ids: Sequence[str], first: Sequence[str]) -> list[Bar]:
    """The two stages against every bar.

    Args:
        ids: all entries.
        first: those that the ablations have.
    """

    def of(figure: str, method: str = TWO_STAGES, entries: Sequence[str] = ids) -> Tally:
        return tally(results, method, figure, entries)

    def relative(figure: str, method: str = TWO_STAGES) -> Estimate:
        return estimate_ratio(of(figure, method), of(figure, RENDER))

    angles = angle_tallies(results, (TWO_STAGES, SINGLE_STAGE, RENDER), ids)
    return [
        *(
            at_least(f"{name}: {FIGURES[figure][0]}, relative to renders", relative(figure, method), 0.97)
            for method, name in ((AUTOENCODER, "autoencoder"), (AUTOENCODER_HANDS, "both autoencoders"))
            for figure in ("found", "pck", "body")
        ),
        at_least("hands found, relative to renders", relative("found"), 0.90),
        at_least("hand PCK@0.2, relative to renders", relative("pck"), 0.85),
        at_most(
            "finger joint angle error, two stages over single stage",
            estimate_ratio(angles[TWO_STAGES], angles[SINGLE_STAGE]),
            0.75,
        ),
        *(
            at_least(f"hand PCK@0.2, two stages minus {name}", estimate_difference(of("pck"), of("pck", method)), 0.10)
            for method, name in ((SINGLE_STAGE, "single stage"), (LONGER, "single stage, longer"))
        ),
        at_least(
            "hand PCK@0.2, two stages minus single stage, keypoints alone",
            estimate_difference(of("pck", TWO_STAGES_KEYPOINTS), of("pck", SINGLE_STAGE_KEYPOINTS)),
            0.10,
        ),
        at_least(
            "hand PCK@0.2, two stages minus single stage, larger frames",
            estimate_difference(of("pck", TWO_STAGES_LARGE, first), of("pck", SINGLE_STAGE_LARGE, first)),
            0.10,
        ),
        at_least("body PCK@0.1, relative to renders", relative("body"), 0.92),
        at_least("predicted hand mask, IoU", estimate(of("mask_iou")), 0.85),
        at_least("named colours found", estimate(of("colours")), 0.92),
        at_least("named colours found, relative to renders", relative("colours"), 0.92),
        at_most("seam: gradient across the hands' boundary, relative to renders", relative("seam"), 1.15),
        *(
            at_most(
                f"seam less that of {name}",
                estimate_difference(of("seam", entries=first), of("seam", method, first)),
                0.0,
            )
            for method, name in (
                (HARD_PASTE, "hard paste"),
                (FIXED_MASK, "fixed mask"),
                (NO_FREE_PHASE, "no free phase"),
            )
        ),
        at_most("colour step at the wrist beyond the render's (CIEDE2000)", estimate(of("wrist_step")), 3.0),
        at_most("left and right swapped, less renders", estimate_difference(of("swapped"), of("swapped", RENDER)), 0.0),
    ]


def at_least(label: str, value: Estimate, bar: float) -> Bar:
    return _bar(label, f"at least {bar:.2f}", value, bar - value.value)


def at_most(label: str, value: Estimate, bar: float) -> Bar:
    return _bar(label, f"at most {bar:.2f}", value, value.value - bar)


def _bar(label: str, must: str, value: Estimate, short: float) -> Bar:
    known = math.isfinite(value.value)
    return Bar(label, must, value, short <= 0 if known else None, max(0.0, short) if known else 0.0)


GROUP_FIGURES = ("found", "pck", "body", "mask_iou", "colours")
GROUP_SPREAD = 0.05


def group_rows(
    results: Results, groups: Mapping[str, Sequence[str]], ids: Sequence[str], relative: bool
) -> dict[str, dict[str, tuple[Estimate, float]]]:
    """Figures by group of entries, such as a skin tone: group -> figure -> its value, and how far it lies from that of
    all entries; ``relative`` to the group's own renders, where the judge gives the figure for renders too."""

    def value(figure: str, entries: Sequence[str]) -> Estimate:
        mine = tally(results, TWO_STAGES, figure, entries)
        if not relative or figure == "mask_iou":
            return estimate(mine)
        return estimate_ratio(mine, tally(results, RENDER, figure, entries))

    overall = {figure: value(figure, ids).value for figure in GROUP_FIGURES}
    return {
        name: {figure: (group := value(figure, entries), group.value - overall[figure]) for figure in GROUP_FIGURES}
        for name, entries in groups.items()
        if entries
    }


def tone_groups(tones: Mapping[str, str]) -> dict[str, list[str]]:
    """Entries by skin tone, lightest first; ``tones`` is entry -> tone."""
    return {f"{tone} skin": [i for i, own in tones.items() if own == tone] for tone in TONES}
