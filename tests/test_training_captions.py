# SPDX-License-Identifier: GPL-3.0-or-later
"""Captions say what the picture shows, and only claim to mention what they do."""

from __future__ import annotations

import dataclasses
import itertools
import re

import numpy as np
import pytest

from handdiff_addon.conditioning.garments import named_sleeves
from handdiff_addon.palettes import PALETTES
from handdiff_addon.training.captions import (
    CLASSES,
    MOST_WORDS,
    SHAPES,
    Attributes,
    attribute_targets,
    caption,
    named_light,
    second_colour,
)

SAMPLE = Attributes(
    figure="woman", age="young", skin="olive", hair="blond", shirt="red", shirt_pattern="stripes", sleeves="short",
    trousers="blue", trousers_pattern="plain", shoes="teal", gloves="purple", background="green", backdrop="bricks",
    light="left", framing="upper body", left_place="raised", right_place="down", left_shape="fist",
    right_shape="relaxed", left_facing="palm", right_facing=None,
)  # fmt: skip
NOTHING = Attributes(**dict.fromkeys(CLASSES))


def _random(rng: np.random.Generator) -> Attributes:
    return Attributes(
        **{name: None if rng.random() < 0.15 else str(rng.choice(values)) for name, values in CLASSES.items()}
    )


def test_light_and_sleeves_are_read_from_a_caption() -> None:
    rng = np.random.default_rng(3)
    for _ in range(300):
        attributes = _random(rng)
        text, mentioned = caption(attributes, rng)
        assert named_light(text) == (attributes.light if "light" in mentioned else None)
        assert named_sleeves(text) == (f"{attributes.sleeves} sleeves" if "sleeves" in mentioned else "")


def test_a_mentioned_attribute_is_named_and_another_is_not() -> None:
    words = {
        "figure": r"woman",
        "age": r"young",
        "skin": r"olive",
        "hair": r"blonde?\b",
        "shirt": r"shirt|top|sweater",
        "shirt_pattern": r"strip",
        "sleeves": r"short sleeves",
        "trousers": r"trousers|pants|jeans|leggings",
        "trousers_pattern": r"plain blue",
        "gloves": r"purple gloves",
        "background": r"green",
        "backdrop": r"brick",
        "light": r"from the left|on the left",
        "framing": r"upper body|waist up",
        "left_shape": r"fist",
        "left_facing": r"palm",
    }
    for seed in range(300):
        text, mentioned = caption(SAMPLE, np.random.default_rng(seed))
        for name, pattern in words.items():
            assert bool(re.search(pattern, text)) == (name in mentioned), (name, text, mentioned)


def test_what_cannot_be_seen_is_never_mentioned() -> None:
    rng = np.random.default_rng(0)
    for _ in range(1000):
        attributes = _random(rng)
        _, mentioned = caption(attributes, rng)
        assert all(getattr(attributes, name) is not None for name in mentioned)
        assert not any(
            attribute_targets(attributes, CLASSES)[name] for name in CLASSES if not getattr(attributes, name)
        )
    for seed in range(50):
        text, mentioned = caption(NOTHING, np.random.default_rng(seed))
        assert not mentioned and len(text.split()) < 8


def test_garments_are_not_called_what_they_are_not() -> None:
    rng = np.random.default_rng(3)
    for _ in range(1500):
        attributes = _random(rng)
        text, _ = caption(attributes, rng)
        assert attributes.sleeves == "short" or "t-shirt" not in text
        assert attributes.sleeves == "long" or "sweater" not in text
        assert attributes.trousers in ("blue", "black", "grey") or "jeans" not in text
        assert "gloves" not in text or attributes.gloves is not None
        assert not re.search(r"\bman\b", text) or attributes.figure == "man"
        assert "woman" not in text or attributes.figure == "woman"


def test_hands_that_do_something_together_are_named_together() -> None:
    crossed = dataclasses.replace(SAMPLE, left_place="crossed", right_place="crossed", left_shape=None)
    texts = [caption(crossed, np.random.default_rng(seed))[0] for seed in range(60)]
    assert sum("arms" in text for text in texts) > 30
    assert not any("left arm" in text or "right arm" in text for text in texts)


def test_every_shape_has_words_of_its_own() -> None:
    heard: dict[str, set[str]] = {}
    rng = np.random.default_rng(4)
    for shape in SHAPES:
        for _ in range(200):
            text, mentioned = caption(dataclasses.replace(NOTHING, left_shape=shape), rng)
            if "left_shape" in mentioned:
                heard.setdefault(shape, set()).update(part for part in text.split(", ") if "left hand: " in part)
    assert set(heard) == set(SHAPES)
    for first, second in itertools.combinations(SHAPES, 2):
        assert not heard[first] & heard[second], (first, second)


def test_captions_vary_and_drop_attributes_now_and_then() -> None:
    rng = np.random.default_rng(0)
    drawn = [caption(SAMPLE, rng) for _ in range(500)]
    assert len({text for text, _ in drawn}) > 450
    for name in ("shirt", "trousers", "background", "gloves"):
        share = np.mean([name in mentioned for _, mentioned in drawn])
        assert 0.7 < share < 0.97, (name, share)


def test_captions_fit_the_text_encoder() -> None:
    rng = np.random.default_rng(4)
    for _ in range(500):
        text, _ = caption(_random(rng), rng)
        assert len(re.findall(r"[\w'-]+|,", text)) <= MOST_WORDS + 5  # a few words of quality come on top


def test_every_attribute_and_value_can_be_mentioned() -> None:
    rng = np.random.default_rng(1)
    seen = set()
    for _ in range(6000):
        attributes = _random(rng)
        seen |= {(name, getattr(attributes, name)) for name in caption(attributes, rng)[1]}
    together = ("crossed", "folded", "clapping", "praying")
    unseen = {(name, value) for name, values in CLASSES.items() for value in values} - seen
    assert {value for _, value in unseen} <= set(together), unseen


def test_equal_seeds_give_equal_captions() -> None:
    assert caption(SAMPLE, np.random.default_rng(5)) == caption(SAMPLE, np.random.default_rng(5))


def test_articles_and_spacing() -> None:
    rng = np.random.default_rng(2)
    for _ in range(1500):
        text, _ = caption(_random(rng), rng)
        assert "  " not in text and not text.startswith(" ") and "{" not in text and ",," not in text
        for word, following in itertools.pairwise(text.replace(",", "").split()):
            if word in ("a", "an"):
                assert (word == "an") == (following[0] in "aeiou"), text


def test_targets_are_zero_for_what_is_not_mentioned() -> None:
    targets = attribute_targets(SAMPLE, {"shirt", "hair", "right_facing"})
    assert targets["shirt"] == 1 + list(PALETTES["shirt"]).index("red")
    assert targets["hair"] == 1 + list(PALETTES["hair"]).index("blond")
    assert {name for name, value in targets.items() if value} == {"shirt", "hair"}
    assert set(targets) == set(CLASSES)


def test_attributes_survive_json_and_those_of_older_data_sets_are_refused() -> None:
    assert Attributes.from_dict(SAMPLE.to_dict()) == SAMPLE
    older = {name: value for name, value in SAMPLE.to_dict().items() if name != "gloves"}
    for data in ({"shirt": "red"}, older, SAMPLE.to_dict() | {"left_shape": "pointing finger"}):
        with pytest.raises(ValueError, match="another version"):
            Attributes.from_dict(data)


@pytest.mark.parametrize("kind", PALETTES)
def test_colours_of_a_palette_can_be_told_apart(kind: str) -> None:
    for (_, a), (_, b) in itertools.combinations(PALETTES[kind].items(), 2):
        assert np.linalg.norm(np.subtract(a, b)) > 35


def test_a_pattern_stands_out_from_its_cloth() -> None:
    for name, colour in PALETTES["shirt"].items():
        assert np.linalg.norm(np.subtract(colour, PALETTES["shirt"][second_colour(name)])) > 120, name
