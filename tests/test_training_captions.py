# SPDX-License-Identifier: GPL-3.0-or-later
"""Captions say what the picture shows, and only claim to mention what they do."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from handdiff_addon.training.captions import CLASSES, PALETTES, Attributes, attribute_targets, caption
from handdiff_addon.training.poses import SHAPES

SAMPLE = Attributes(
    shirt="red", trousers="blue", shoes="teal", background="green", hair="blond", skin="olive", framing="upper body",
    left_place="raised", right_place="down", left_shape="fist", right_shape="relaxed hand",
)  # fmt: skip


def _random(rng: np.random.Generator) -> Attributes:
    return Attributes(**{name: str(rng.choice(values)) for name, values in CLASSES.items()})


def test_a_mentioned_colour_is_named_and_another_is_not() -> None:
    nouns = {"shirt": ("shirt", "top", "sweater"), "trousers": ("trousers", "pants", "jeans", "leggings")}
    for seed in range(200):
        text, mentioned = caption(SAMPLE, np.random.default_rng(seed))
        for name in ("shirt", "trousers", "background", "hair", "skin"):
            assert (getattr(SAMPLE, name) in text) == (name in mentioned), text
        for name, words in nouns.items():
            assert any(word in text for word in words) == (name in mentioned), text


def test_hand_words_follow_what_is_mentioned() -> None:
    for seed in range(300):
        text, mentioned = caption(SAMPLE, np.random.default_rng(seed))
        assert ("fist" in text) == ("left_shape" in mentioned), text
        assert ("left" in text) == bool(mentioned & {"left_place", "left_shape"}), text


def test_captions_vary_and_drop_attributes_now_and_then() -> None:
    rng = np.random.default_rng(0)
    drawn = [caption(SAMPLE, rng) for _ in range(400)]
    assert len({text for text, _ in drawn}) > 300
    for name in ("shirt", "trousers", "background"):
        share = np.mean([name in mentioned for _, mentioned in drawn])
        assert 0.78 < share < 0.95, (name, share)


def test_every_attribute_can_be_mentioned() -> None:
    rng = np.random.default_rng(1)
    seen = set().union(*(caption(_random(rng), rng)[1] for _ in range(500)))
    assert seen == set(CLASSES)


def test_equal_seeds_give_equal_captions() -> None:
    assert caption(SAMPLE, np.random.default_rng(5)) == caption(SAMPLE, np.random.default_rng(5))


def test_every_gesture_has_words_of_its_own() -> None:
    heard: dict[str, set[str]] = {}
    for shape in SHAPES:
        rng = np.random.default_rng(4)
        for _ in range(300):
            text, mentioned = caption(replace(SAMPLE, left_shape=shape, left_place="raised"), rng)
            if "left_shape" in mentioned:
                heard.setdefault(shape, set()).update(part for part in text.split(", ") if "left hand: " in part)
    assert set(heard) == set(SHAPES)
    for first, second in itertools.combinations(SHAPES, 2):
        assert not heard[first] & heard[second], (first, second)


def test_articles_and_spacing() -> None:
    rng = np.random.default_rng(2)
    for _ in range(500):
        text, _ = caption(_random(rng), rng)
        assert "  " not in text and not text.startswith(" ") and "{" not in text
        for word, following in itertools.pairwise(text.replace(",", "").split()):
            if word in ("a", "an"):
                assert (word == "an") == (following[0] in "aeiou"), text


def test_targets_are_zero_for_what_is_not_mentioned() -> None:
    targets = attribute_targets(SAMPLE, {"shirt", "hair"})
    assert targets["shirt"] == 1 + list(PALETTES["shirt"]).index("red")
    assert targets["hair"] == 1 + list(PALETTES["hair"]).index("blond")
    assert {name for name, value in targets.items() if value} == {"shirt", "hair"}
    assert set(targets) == set(CLASSES)


def test_attributes_survive_json() -> None:
    assert Attributes.from_dict(SAMPLE.to_dict()) == SAMPLE
    with pytest.raises(KeyError):
        Attributes.from_dict({"shirt": "red"})
    with pytest.raises(ValueError, match="salute is no left_shape"):
        Attributes.from_dict({**SAMPLE.to_dict(), "left_shape": "salute"})


@pytest.mark.parametrize("kind", PALETTES)
def test_colours_of_a_palette_can_be_told_apart(kind: str) -> None:
    for (_, a), (_, b) in itertools.combinations(PALETTES[kind].items(), 2):
        assert np.linalg.norm(np.subtract(a, b)) > 35
