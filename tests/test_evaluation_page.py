# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables from made-up scores whose figures are known."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from handdiff_addon.evaluation.draws import methods
from handdiff_addon.evaluation.figures import angle_tallies, bars, group_rows, tally, tone_groups
from handdiff_addon.evaluation.page import bar_table, cost_table, group_table, headline_table, model_hash
from handdiff_addon.evaluation.statistics import estimate

METHODS = {method.name: method.label for method in methods(5)}
LABELS = {"render": "renders", **METHODS}
IDS = [f"{index:04d}" for index in range(20)]


def hand(
    found: bool = True, pck: float = 1.0, angle: float = 10.0, swapped: bool = False, small: bool = False
) -> dict[str, Any]:
    return {
        "box": 40.0,
        "small": small,
        "found": found,
        "found_whole": found,
        "swapped": swapped if found else None,
        "pck": pck if found else 0.0,
        "angles": [angle, None, *[angle] * 13] if found else None,
    }


def scores(**changes: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "hands": {"left": hand(), "right": hand()},
        "body": {"hits": 9, "counted": 10},
        "mask_iou": None,
        "colours": {"shirt": True, "skin": False},
        "seam": 10.0,
        "wrist_step": {"left": 4.0, "right": None},
    }
    return usual | changes


def everywhere(**changes: Any) -> dict[str, dict[str, Any]]:
    return {i: scores(**copy.deepcopy(changes)) for i in IDS}


@pytest.fixture
def results() -> dict[str, dict[str, dict[str, Any]]]:
    worse = everywhere(hands={"left": hand(pck=0.5, angle=40.0), "right": hand(found=False)}, seam=9.0)
    return {
        "render": everywhere(mask_iou=1.0),
        **{name: everywhere() for name in METHODS},
        "single_stage": worse,
        "single_stage_longer": copy.deepcopy(worse),
        "two_stages": everywhere(
            hands={"left": hand(pck=0.9, angle=20.0), "right": hand(pck=0.7, angle=20.0, swapped=True)},
            mask_iou=0.8,
            seam=11.0,
            wrist_step={"left": 9.0, "right": 2.0},
        ),
        "hard_paste": everywhere(seam=14.0),
        "fixed_mask": everywhere(seam=10.5),
        "no_free_phase": everywhere(seam=12.0),
    }


def test_figures_add_up(results) -> None:
    def value(figure: str, method: str) -> float:
        return estimate(tally(results, method, figure, IDS)).value

    assert value("found", "single_stage") == 0.5
    assert value("pck", "single_stage") == 0.25  # a hand that is not found has no correct point
    assert value("pck", "two_stages") == pytest.approx(0.8)
    assert value("swapped", "two_stages") == 0.5
    assert value("colours", "two_stages") == 0.5
    assert value("wrist_step", "two_stages") == 5.0  # the render's is 4; where it has none, none is counted
    assert value("usable", "single_stage") == 0.0 and value("usable", "two_stages") == 1.0


def test_small_hands_are_kept_apart(results) -> None:
    results["two_stages"]["0000"]["hands"]["left"] = hand(found=False, small=True)
    results["render"]["0000"]["hands"]["left"] = hand(small=True)
    assert estimate(tally(results, "two_stages", "found", IDS)).value == 1.0
    assert estimate(tally(results, "two_stages", "found_small", IDS)).value == 0.0
    assert estimate(tally(results, "two_stages", "usable", IDS)).value == 1.0


def test_angles_are_compared_on_hands_that_all_find(results) -> None:
    angles = angle_tallies(results, ("two_stages", "single_stage", "render"), IDS)
    assert [estimate(angles[name]).value for name in angles] == pytest.approx([20.0, 40.0, 10.0])
    assert angles["two_stages"].counts.tolist() == [14.0] * len(IDS)  # the left hand's joints that are known
    results["single_stage"]["0000"]["hands"]["left"] = hand(found=False)
    angles = angle_tallies(results, ("two_stages", "single_stage", "render"), IDS)
    assert angles["two_stages"].counts[0] == 0.0


def test_bars_are_passed_or_missed_by_as_much_as_the_scores_say(results) -> None:
    verdicts = {bar.label: bar for bar in bars(results, IDS, IDS[:10])}

    def of(start: str):
        return next(bar for label, bar in verdicts.items() if label.startswith(start))

    assert of("hands found").passed
    missed = of("hand PCK@0.2, relative")
    assert not missed.passed and missed.short == pytest.approx(0.05) and missed.reached.value == pytest.approx(0.8)
    assert of("finger joint angle").passed and of("finger joint angle").reached.value == pytest.approx(0.5)
    assert of("hand PCK@0.2, two stages minus single stage").reached.value == pytest.approx(0.55)
    assert not of("predicted hand mask").passed
    assert of("seam: gradient").passed and of("seam: gradient").reached.value == pytest.approx(1.1)
    assert of("seam less that of hard paste").passed
    assert not of("seam less that of fixed mask").passed
    assert of("seam less that of hard paste").reached.count == 10
    assert of("colour step").short == pytest.approx(2.0)
    assert of("left and right swapped").short == pytest.approx(0.5)


def test_what_cannot_be_told_passes_no_bar(results) -> None:
    for i in IDS:
        results["two_stages"][i]["wrist_step"] = {}
    assert next(bar for bar in bars(results, IDS, IDS) if bar.label.startswith("colour step")).passed is None


def test_tables_show_the_figures(results) -> None:
    heads, rows = bar_table(results, IDS, IDS)
    assert len({len(row) for row in [heads, *rows]}) == 1
    assert ("hand PCK@0.2, relative to renders", "at least 0.85", "0.80 [0.80, 0.80]", "20", "no, by 0.05") in rows
    heads, rows = headline_table(results, ["render", "two_stages"], LABELS, IDS)
    assert list(heads) == ["", "renders", "two stages"]
    assert ("hand PCK@0.2", "1.00 [1.00, 1.00]", "0.80 [0.80, 0.80]") in rows
    assert any(row[0] == "named colours found: skin" and row[2].startswith("0.00") for row in rows)
    heads, rows = headline_table(results, ["render", "two_stages"], LABELS, IDS, sideways=True)
    assert [row[0] for row in rows] == ["renders", "two stages"] and len({len(r) for r in [heads, *rows]}) == 1


def test_groups_are_measured_against_their_own_renders(results) -> None:
    tones = {i: "dark" if int(i) % 2 else "light" for i in IDS}
    for i in IDS[1::2]:  # the judge itself sees less of dark hands; the model loses nothing more
        for method in ("render", "two_stages"):
            results[method][i]["hands"] = {"left": results[method][i]["hands"]["left"], "right": hand(found=False)}
    groups = tone_groups(tones)
    assert [len(groups[name]) for name in groups] == [10, 0, 10]
    figures = group_rows(results, groups, IDS, relative=True)
    assert list(figures) == ["light skin", "dark skin"]
    assert figures["dark skin"]["found"][0].value == 1.0
    assert group_rows(results, groups, IDS, relative=False)["dark skin"]["found"][0].value == 0.5
    for i in IDS[1::2]:
        results["two_stages"][i]["hands"]["left"] = hand(found=False)
    _, rows = group_table(results, groups, IDS, relative=True)
    assert rows[1][0] == "dark skin" and rows[1][2].endswith("!)")


def test_costs_are_per_picture_and_per_usable_picture(results) -> None:
    for i in IDS[:5]:
        results["two_stages"][i]["hands"]["left"] = hand(found=False)
    data = {name: {i: {"seconds": {"hands": 1.0, "body": 2.0}} for i in IDS} for name in ("two_stages", "single_stage")}
    _, rows = cost_table({**data, "render": {i: {} for i in IDS}}, results, LABELS, {"two_stages": 3 * 2**30})
    assert list(rows) == [
        ("two stages", "3.00", "3,072 MiB", "0.75", "4.00"),
        ("single stage", "3.00", "", "0.00", "-"),
    ]


def test_one_hash_stands_for_all_weights() -> None:
    one = model_hash({"sha256": {"unet/a": "11", "hands/b": "22"}})
    assert one == model_hash({"sha256": {"hands/b": "22", "unet/a": "11"}})
    assert one != model_hash({"sha256": {"unet/a": "22", "hands/b": "11"}})
