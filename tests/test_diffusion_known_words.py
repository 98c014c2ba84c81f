# SPDX-License-Identifier: GPL-3.0-or-later
"""A prompt reaches the embedded model in words that it knows, and it is told which it does not."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import handdiff_addon
from handdiff_addon.conditioning.garments import named_sleeves
from handdiff_addon.diffusion.known_words import in_known_words
from handdiff_addon.evaluation.benchmark.entries import read_benchmark
from handdiff_addon.training.captions import CLASSES, Attributes, caption


@pytest.fixture(scope="module")
def knows():
    from transformers import CLIPTokenizer

    model = Path(handdiff_addon.__file__).parent / "models" / "embedded"
    tokenizer = CLIPTokenizer.from_pretrained(model / "tokenizer")
    return lambda word: len(tokenizer.tokenize(word)) == 1


PLAIN = {"shirt_pattern": ("plain",), "trousers_pattern": ("plain",)}


def test_captions_of_plain_clothes_stay_as_they_are(knows) -> None:
    """What the model was taught, it understands."""
    rng = np.random.default_rng(0)
    for _ in range(600):
        drawn = {
            name: str(rng.choice(values)) if rng.random() < 0.9 else None for name, values in (CLASSES | PLAIN).items()
        }
        text, _ = caption(Attributes(**drawn), rng)
        assert in_known_words(text, knows) == (text, [])


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("a red shirt with Long Sleeves", "a red shirt with long sleeves"),
        ("a red Long-sleeved shirt", "a red shirt with long sleeves"),
        ("a long sleeve navy hoodie and jeans", "a blue sweater with long sleeves and jeans"),
        ("green t-shirt, sleeves rolled up", "green t-shirt, rolled-up sleeves"),
        ("a white top, rolled up sleeves", "a white top, rolled-up sleeves"),
        ("a sleeveless black top", "a black top with short sleeves"),
        ("long-sleeved", "long sleeves"),
    ],
)
def test_sleeves_are_said_as_captions_say_them(knows, prompt: str, said: str) -> None:
    text, unknown = in_known_words(f"a person, {prompt}", knows)
    assert (text, unknown) == (f"a person, {said}", [])
    assert named_sleeves(text)


def test_captions_lose_patterns_and_no_colour_of_cloth(knows) -> None:
    """The model paints none; named, they mix their colours."""
    rng = np.random.default_rng(0)
    for pattern, words in {"stripes": {"striped", "stripes"}, "checks": {"checked", "checks"}}.items():
        for shirt in CLASSES["shirt"]:
            drawn = dict.fromkeys(CLASSES) | {"shirt": shirt, "shirt_pattern": pattern, "background": "blue"}
            text, names = caption(Attributes(**drawn), rng)
            said, unknown = in_known_words(text, knows)
            if "shirt_pattern" in names:
                assert len(unknown) == 1 and set(unknown) <= words
                assert re.search(
                    rf"\b(?:{shirt}|{'gray' if shirt == 'grey' else shirt}) (?:shirt|t-shirt|top|sweater)", said
                )
            assert not set(said.split()) & ({*CLASSES["shirt"], "gray", *words} - {shirt, "gray", "blue"})


def test_the_benchmarks_prompts_lose_patterns_alone(knows) -> None:
    """But that two name a pointing finger as captions once did."""
    for entry in read_benchmark().entries:
        prompt = entry.prompt.replace("one finger", "pointing finger")
        said, unknown = in_known_words(prompt, knows)
        assert set(unknown) <= {"striped", "stripes", "checked", "checks", "dotted", "dots"}
        assert (said == prompt) == (not unknown)


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("a girl in a navy hoodie and beige chinos", "a woman in a blue sweater and white trousers"),
        ("a man in a dark blue jacket", "a man in a blue sweater"),
        ("a woman in a navy blue t-shirt", "a woman in a blue t-shirt"),
        ("a woman in a light green dress", "a woman in a green shirt and green trousers"),
        ("a light-skinned person, ginger hair", "a fair-skinned person, red hair"),
        ("a black man in a white blouse", "a dark-skinned man in a white shirt"),
        ("a person with olive skin in an olive coat", "a person with olive skin in a green sweater"),
        ("a person with dark brown hair and dark skin", "a person with brown hair and dark skin"),
        ("a brunette in yellow sneakers", "a person, a brown-haired in yellow shoes"),
        ("someone, soft lighting, GREEN Background", "someone, soft light, GREEN Background"),
    ],
)
def test_what_means_the_same_is_said_in_its_words(knows, prompt: str, said: str) -> None:
    assert in_known_words(prompt, knows) == (said, [])


@pytest.mark.parametrize(
    ("prompt", "said", "unknown"),
    [
        ("a man with glasses in a red shirt", "a man in a red shirt", ["glasses"]),
        ("a red cape and a blue leather shirt", "a person, a blue shirt", ["cape", "leather"]),
        ("photorealistic, a woman, 8k, (masterpiece:1.2)", "a woman", ["photorealistic", "masterpiece"]),
        ("a knight in a red shirt", "a person in a red shirt", ["knight"]),
        ("(blue_shirt:1.2), 'red' trousers - ' <3", "a person, blue shirt, red trousers", []),
        ("her royal-blue shirt", "a person, blue shirt", ["royal"]),
        ("dragon, Dragon, castle", "a person", ["dragon", "castle"]),
        ("a red and white striped shirt, black trousers", "a person, a red shirt, black trousers", ["striped"]),
        ("a man in a grey shirt with blue stripes", "a man in a grey shirt", ["stripes"]),
        ("a woman, dramatic sunset background", "a woman", ["dramatic", "sunset"]),
        ("a woman in front of a castle wall", "a woman in front of a wall", ["castle"]),
        ("赤いシャツ", "a person", ["赤いシャツ"]),
        ("", "a person", []),
        (" ,. \n", "a person", []),
    ],
)
def test_other_words_are_left_out_with_what_joined_them(knows, prompt: str, said: str, unknown: list[str]) -> None:
    assert in_known_words(prompt, knows) == (said, unknown)
