# SPDX-License-Identifier: GPL-3.0-or-later
"""What a bone's name says, whatever way it is written."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

_CAMEL = re.compile(r"(?<=[^\W\d_A-Z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_TOKEN = re.compile(r"[^\W\d_]+|\d+")
_SIDES = {"l": "left", "left": "left", "r": "right", "right": "right"}
_JAPANESE_SIDES = str.maketrans({"左": " left ", "右": " right "})


class CanonicalName(NamedTuple):
    """A bone's name without its spelling."""

    side: str
    """``left``, ``right``, or empty: none, or both at once"""
    rest: str
    """Letters and digits in lower case; ``-`` stands between two numbers"""

    def __str__(self) -> str:
        return f"{self.side} {self.rest}"


@lru_cache(maxsize=8192)
def canonical(name: str) -> CanonicalName:
    """The canonical form of a bone's name.

    Full-width characters become ASCII, camelCase words are told apart, case and separators go, and the side is taken
    out wherever it stands: ``LeftHandIndex1``, ``left hand index_01``, ``Hand.Index.1.L`` and ``lHandIndex１`` are one.
    Zeros that lead a number go where a separator stands before it, and stay where letters do: a Biped's ``Finger01``
    is another bone than its ``Finger1``.  The form of a canonical name is itself.
    """
    text = unicodedata.normalize("NFKC", name).translate(_JAPANESE_SIDES)
    text = unicodedata.normalize("NFKC", _CAMEL.sub(" ", text).lower())
    sides: set[str] = set()
    words: list[str] = []  # runs of letters, whatever parts them, and single numbers
    zeros = set()  # places of numbers that letters lead, whose zeros stay
    end = -1
    for token in _TOKEN.finditer(text):
        word = token.group()
        if word.isdecimal():
            if token.start() == end:
                zeros.add(len(words))
            words.append(word)
        elif word in _SIDES:
            sides.add(_SIDES[word])
        elif words and not words[-1].isdecimal():
            words[-1] += word
        else:
            words.append(word)
        end = -1 if word.isdecimal() or word in _SIDES else token.end()
    rest = ""
    for place, word in enumerate(words):
        if not word.isdecimal():
            rest += _without_side(word, sides)
        else:
            number = word if place in zeros and rest and not rest[-1].isdecimal() else word.lstrip("0") or "0"
            rest += "-" + number if rest[-1:].isdecimal() else number
    return CanonicalName(sides.pop() if len(sides) == 1 else "", rest)


def _without_side(word: str, sides: set[str]) -> str:
    """Letters without the side words that lead or end them, which are added to ``sides``."""
    while word:
        if word in _SIDES:
            sides.add(_SIDES[word])
            return ""
        side = next((side for side in ("left", "right") if word.startswith(side) or word.endswith(side)), None)
        if side is None:
            return word
        sides.add(side)
        word = word.removeprefix(side) if word.startswith(side) else word.removesuffix(side)
    return word
