# SPDX-License-Identifier: GPL-3.0-or-later
"""Random looks: their names, the combinations that training never sees, and backdrops."""

from __future__ import annotations

import numpy as np
import pytest

from handdiff_addon.palettes import PALETTES
from handdiff_addon.training.backdrops import BACKDROPS, draw_backdrop
from handdiff_addon.training.captions import CLASSES
from handdiff_addon.training.looks import HELD_OUT_COMBINATIONS, held_out, sample_names

HUMANS = ("human_a_mixamo", "human_c_game_engine", "sample_human")


def test_held_out_combinations_are_never_drawn_for_training() -> None:
    rng = np.random.default_rng(0)
    seen: set[tuple[str, str]] = set()
    for index in range(6000):
        names = sample_names(rng, HUMANS[index % 3], short_sleeves=index % 3 < 2)
        assert not held_out(names)
        seen |= {(kind, str(value)) for kind, value in names.items()}
    # Yet each of their words is learned, in other company.
    for combination in HELD_OUT_COMBINATIONS:
        assert set(combination.items()) <= seen, combination


def test_each_held_out_combination_can_be_shown() -> None:
    rng = np.random.default_rng(1)
    for number in range(len(HELD_OUT_COMBINATIONS)):
        shown = [sample_names(rng, human, short_sleeves=True, combination=number) for human in HUMANS for _ in range(8)]
        assert any(number in held_out(names) for names in shown), HELD_OUT_COMBINATIONS[number]
        assert all(held_out(names) for names in shown)


def test_a_mirrored_picture_shows_no_held_out_combination_either() -> None:
    for combination in HELD_OUT_COMBINATIONS:
        assert not {"left", "right"} & set(combination.values())
        assert all(value in CLASSES[kind] for kind, value in combination.items())


def test_names_are_true_to_the_person() -> None:
    rng = np.random.default_rng(2)
    gloved = []
    for _ in range(800):
        older = sample_names(rng, "human_c_game_engine", short_sleeves=True)
        sample = sample_names(rng, "sample_human", short_sleeves=False)
        assert older["age"] == "old" and older["figure"] == "woman"
        assert sample["figure"] is None and sample["sleeves"] == "long"
        assert (sample["age"] == "old") == (sample["hair"] in ("grey", "white"))
        gloved += [older["gloves"] != "bare", sample["gloves"] != "bare"]
    assert 0.11 < np.mean(gloved) < 0.19, "most hands are bare"


@pytest.mark.parametrize("kind", BACKDROPS)
def test_a_backdrop_keeps_its_named_colour(kind: str) -> None:
    for name, colour in PALETTES["background"].items():
        for seed in range(6):
            rgb = (colour[0] / 255, colour[1] / 255, colour[2] / 255)
            picture = draw_backdrop(kind, rgb, 64, np.random.default_rng(seed), (50.0, 48.0))
            middle = np.median(picture.reshape(-1, 3), axis=0)
            nearest = min(PALETTES["background"].items(), key=lambda item: np.linalg.norm(middle - item[1]))[0]
            assert nearest == name, (kind, middle)
            assert (picture.std(axis=(0, 1)).max() < 1.0) == (kind == "plain")
