# SPDX-License-Identifier: GPL-3.0-or-later
"""What a prompt leaves open is drawn by the seed, and what it names is left alone."""

from __future__ import annotations

import pytest

from handdiff_addon.diffusion.open_words import open_words


def test_the_same_seed_draws_the_same_words_and_other_seeds_others() -> None:
    assert open_words("a person", 5) == open_words("a person", 5)
    drawn = {open_words("a person", seed) for seed in range(40)}
    assert len(drawn) > 30
    assert all(word in open_words("a person", 1) for word in ("shirt", "trousers", "skin", "hair", "shoes", "light"))


@pytest.mark.parametrize(
    ("prompt", "named"),
    [
        ("a woman in a red t-shirt", "shirt"),
        ("a woman in a red dress", "shirt"),
        ("a woman in a red dress", "trousers"),
        ("blue jeans", "trousers"),
        ("a dark-skinned man", "skin"),
        ("a blonde woman", "hair"),
        ("grey-haired", "hair"),
        ("in front of a green wall", "background"),
        ("brick wall", "background"),
        ("lit from the left", "light"),
        ("Brown BOOTS", "shoes"),
    ],
)
def test_what_is_named_is_not_drawn(prompt: str, named: str) -> None:
    assert named in open_words("a person", 3)
    assert named not in open_words(prompt, 3)


def test_naming_one_thing_leaves_the_others_as_they_were() -> None:
    open_all, with_shirt = open_words("a person", 9).split(", "), open_words("a red shirt", 9).split(", ")
    assert [word for word in open_all if "shirt" not in word] == with_shirt


def test_a_full_prompt_gets_nothing() -> None:
    full = (
        "red shirt with long sleeves, blue trousers, fair skin, black hair, white shoes, green background, soft light"
    )
    assert open_words(full, 0) == ""


@pytest.mark.parametrize(
    ("prompt", "sleeves"),
    [
        ("a red shirt", "short sleeves"),
        ("somebody", "short sleeves"),
        ("a green hoodie", "long sleeves"),
        ("a man in a Suit", "long sleeves"),
        ("a red shirt with rolled-up sleeves", ""),
        ("a sleeveless top", ""),
    ],
)
def test_forearms_are_bare_or_not(prompt: str, sleeves: str) -> None:
    """Where nothing says so they would be painted as neither."""
    assert [word for word in open_words(prompt, 3).split(", ") if "sleeve" in word] == [sleeves] * bool(sleeves)


def test_sleeves_are_those_of_the_mesh_where_the_prompt_leaves_them_open() -> None:
    assert "long sleeves" in open_words("a red shirt", 3, "long sleeves").split(", ")
    assert "rolled-up sleeves" in open_words("a green hoodie", 3, "rolled-up sleeves").split(", ")
    assert "sleeves" not in open_words("a red shirt with short sleeves", 3, "long sleeves")
