# SPDX-License-Identifier: GPL-3.0-or-later
"""What a prompt leaves open: the embedded model is small, and paints the mean of all shirts where none is named.

A word for each such thing is drawn by the seed, so that pictures are crisp and other seeds show other clothes.
"""

from __future__ import annotations

import re

import numpy as np

_COLOURS = ("red", "green", "blue", "yellow", "orange", "purple", "pink", "white", "black", "grey", "brown", "teal")

_OPEN: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("{} shirt", r"shirt|top|sweater|t-shirt|blouse|jacket|jumper|hoodie|dress|suit|coat|naked|nude", _COLOURS),
    ("{} trousers", r"trousers|pants|jeans|leggings|shorts|skirt|dress|suit|naked|nude", _COLOURS),
    ("{} skin", r"\w*skin(ned)?( tone)?", ("pale", "fair", "tan", "olive", "brown", "dark")),
    ("{} hair", r"hair|haired|blonde?|brunette|bald|redhead", ("black", "brown", "blond", "red", "grey")),
    ("{} shoes", r"shoes|boots|sneakers|sandals|barefoot", ("black", "white", "brown", "grey")),
    ("{} background", r"background|backdrop|wall|gradient|bricks?|room|in front of|before an?", _COLOURS),
    ("{}", r"light|lit|lamp", ("soft light", "light from the left", "light from the right")),
)
"""Words, what in a prompt already says something about it, and what may be drawn"""


def open_words(prompt: str, seed: int) -> str:
    """Words for what the prompt does not name, to be put behind it; empty where it names all.

    Each thing has a draw of its own, so that naming one leaves the others as they were.
    """
    drawn = np.random.default_rng([seed, 7]).random(len(_OPEN))
    words = [
        template.format(choices[int(chance * len(choices))])
        for chance, (template, said, choices) in zip(drawn, _OPEN, strict=True)
        if not re.search(rf"\b({said})\b", prompt, re.IGNORECASE)
    ]
    return ", ".join(words)
