# SPDX-License-Identifier: GPL-3.0-or-later
"""What a prompt leaves open: the embedded model is small, and paints the mean of all shirts where none is named.

A word for each such thing is drawn by the seed, so that pictures are crisp and other seeds show other clothes.
"""

from __future__ import annotations

import re
from collections.abc import Collection

import numpy as np

from ..conditioning.garments import Sleeves
from ..palettes import PALETTES

_OPEN: tuple[tuple[str, str, Collection[str]], ...] = (
    (
        "{} shirt",
        r"shirt|top|sweater|t-shirt|blouse|jacket|jumper|hoodie|pullover|cardigan|dress|suit|coat|naked|nude",
        PALETTES["shirt"],
    ),
    ("{} trousers", r"trousers|pants|jeans|leggings|shorts|skirt|dress|suit|naked|nude", PALETTES["trousers"]),
    ("{} skin", r"\w*skin(ned)?( tone)?", PALETTES["skin"]),
    ("{} hair", r"hair|haired|blonde?|brunette|bald|redhead", PALETTES["hair"]),
    ("{} shoes", r"shoes|boots|sneakers|sandals|barefoot", ("black", "white", "brown", "grey")),
    (
        "{} background",
        r"background|backdrop|wall|gradient|bricks?|room|in front of|before an?",
        PALETTES["background"],
    ),
    ("{}", r"light|lit|lamp", ("soft light", "light from the left", "light from the right")),
)
"""Words, what in a prompt already says something about it, and what may be drawn"""

_SLEEVES = r"\b(sleeve\w*|naked|nude)\b"
_LONG = r"\b(sweater|jacket|jumper|hoodie|pullover|cardigan|suit|coat)\b"


def open_words(prompt: str, seed: int, sleeves: Sleeves = "") -> str:
    """Words for what the prompt does not name, to be put behind it; empty where it names all.

    Each thing has a draw of its own, so that naming one leaves the others as they were; sleeves are what the mesh has,
    where that is known.
    """
    drawn = np.random.default_rng([seed, 7]).random(len(_OPEN))
    words = [
        template.format(tuple(choices)[int(chance * len(choices))])
        for chance, (template, said, choices) in zip(drawn, _OPEN, strict=True)
        if not re.search(rf"\b({said})\b", prompt, re.IGNORECASE)
    ]
    if not re.search(_SLEEVES, prompt, re.IGNORECASE):
        # Forearms would be neither skin nor cloth; bare ones go on as the hands begin, where cuffs are painted blurred.
        usual = "long sleeves" if re.search(_LONG, prompt, re.IGNORECASE) else "short sleeves"
        words.append(sleeves or usual)
    return ", ".join(words)
