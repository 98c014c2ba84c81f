# SPDX-License-Identifier: GPL-3.0-or-later
"""A prompt in the words that the embedded model knows.

Its text encoder has learned some 180 words, those of its data's captions.  Any other word moves all its answers, those
about colours as well: four of them as far as half of another prompt.  So what means the same is said in its words, and
the rest is left out.  So are patterns, which it was taught and does not paint: named, they mix their two colours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

_SKIN = {
    "pale": "porcelain|very (?:light|fair)",
    "fair": "light|white|caucasian",
    "olive": "medium|mediterranean",
    "tan": "tanned|bronzed|golden",
    "brown": "caramel|medium[- ]brown",
    "dark": "black|deep|ebony|(?:very |deep )?dark[- ]brown",
}
_HAIR = {
    "red": "ginger|auburn|copper",
    "blond": "golden|platinum|fair|light|yellow|sandy",
    "brown": "brunette|chestnut|(?:light|dark)[- ]brown",
    "black": "dark|raven",
    "grey": "silver",
}
_COLOURS = {
    "red": "crimson|scarlet|maroon|burgundy|ruby",
    "green": "lime|emerald|mint|sage|olive",
    "blue": "navy|azure|cobalt|indigo|denim",
    "teal": "turquoise|cyan|aqua",
    "yellow": "gold|golden|mustard|lemon",
    "orange": "amber|coral|rust|peach",
    "purple": "violet|lilac|lavender|mauve|plum",
    "pink": "rose|salmon|magenta|fuchsia",
    "white": "ivory|cream|beige",
    "black": "jet[- ]black",
    "grey": "silver|charcoal|slate",
    "brown": "tan|chocolate|camel|bronze|khaki",
}
_THINGS = {
    "sweater": "hoodie|hoody|jumper|pullover|cardigan|sweatshirt|jacket|coat|blazer",
    "t-shirt": "tee|tee[- ]shirt|tank[- ]top|polo(?: shirt)?",
    "shirt": "blouse|tunic|vest|turtleneck",
    "top": "dress|gown|suit|jumpsuit|overalls|uniform",
    "trousers": "chinos|slacks|joggers|sweatpants|shorts|skirt|tights",
    "shoes": "sneakers|trainers|boots|sandals|heels",
    "gloves": "mittens|gauntlets",
    "woman": "girl|lady|female",
    "man": "boy|guy|male|gentleman",
    "old": "aged|senior|ageing|aging",
    "young": "teenage|youthful",
    "brown-haired": "brunette",
    "red-haired": "redhead(?:ed)?",
    "pointing finger": "one finger",
    "light from the left": "left light|lighting from the left",
    "light from the right": "right light|lighting from the right",
    "soft light": "(?:soft|diffuse|studio) lighting",
}
_PATTERNS = {"striped", "stripes", "checked", "checks", "dotted", "dots"}
_LENGTHS = "long|short|rolled[- ]up"
_SHADES = "light|dark|bright|deep|pastel|vivid|neon|pale"
_ALL_COLOURS = "|".join((*_COLOURS, "gray"))
_SECOND = rf"\b({_ALL_COLOURS})(?: and |-and-|/)(?:{_ALL_COLOURS}) (?=(?:{'|'.join(_PATTERNS)})\b)"
"""A pattern's two colours, of which the first is the cloth's"""
_SKINNED = r"(?=[- ]skin(?:ned)?\b)"
_PEOPLE = r"(?= (?:person|man|woman|girl|boy|guy|lady|gentleman)\b)"
_HAIRED = r"(?=[- ]hair(?:ed)?\b)"
_UNSAID = re.compile(
    "an?|and|are|as|at|be|by|for|has|have|her?|his|i|in|into|is|its?|my|of|on|or|she|some|that|the|their|they|this|very"
    "|while|who|with"
)
"""Words that nobody misses"""
_JOINING = "a|an|the|with|wearing|in|of|on|at|and|holding"
_LOOSE = rf"\b(?:{_JOINING})(?: (?=(?:with|wearing|in|of|on|at|and)\b)|$)|^and "

_BARE = r"(?:(?:in|on|before|with|a|an|the|of|front) )*(?:background|backdrop|wall|light|room)"
"""What says nothing without its colour, and had better be drawn"""


def in_known_words(prompt: str, knows: Callable[[str], bool]) -> tuple[str, list[str]]:
    """Say a prompt in words that the model knows.

    Args:
        prompt: any; what it says in known words alone stays as it is.
        knows: tells of a word in lower case whether the model does.

    Returns:
        the prompt for the model, of a person at least; the words that it paints nothing of, in order.
    """
    text = re.sub(r"(?:_|[^\S\n])+", " ", prompt.strip())
    text = _said(text, _SKIN, _SKINNED)
    text = _said(text, {"dark-skinned": "black", "fair-skinned": "white"}, _PEOPLE)
    text = _said(text, _HAIR, _HAIRED)
    text = re.sub(rf"\b(?:{_SHADES})[- ](?=(?:{_ALL_COLOURS}|{'|'.join(_COLOURS.values())})\b)", "", text, flags=re.I)
    text = _said(text, _COLOURS, r"(?![- ]skin(?:ned)?\b)")
    text = re.sub(rf"\b({_ALL_COLOURS}) \1\b", r"\1", text, flags=re.I)  # navy blue
    text = re.sub(rf"\b({_ALL_COLOURS}) (?:{_THINGS['top']})\b", r"\1 shirt and \1 trousers", text, flags=re.I)
    text = re.sub(_SECOND, r"\1 ", text, flags=re.I)
    text = _with_sleeves(_said(text, _THINGS))
    text = re.sub(r"\ban? (?=(\w))", lambda found: "an " if found[1].lower() in "aeiou" else "a ", text)
    unknown: list[str] = []
    parts = [_known(part, knows, unknown) for part in re.split(r"[,.;\n]", text)]
    text = ", ".join(filter(None, parts))
    if not re.search(r"\b(person|man|woman|someone|hands?)\b", text, re.I):
        text = f"a person {text}" if re.match(r"(?:in|with|wearing)\b", text) else f"a person, {text}".rstrip(", ")
    return text, list(dict.fromkeys(word for word in unknown if not _UNSAID.fullmatch(word)))


def _said(text: str, means: Mapping[str, str], before: str = r"\b") -> str:
    for known, others in means.items():
        text = re.sub(rf"\b(?:{others})\b{before}", known, text, flags=re.I)
    return text


def _with_sleeves(text: str) -> str:
    """Sleeves as captions have them: a shirt with long sleeves, whatever a long-sleeved shirt is called."""

    def behind(found: re.Match[str]) -> str:
        return f"{found[2].strip()} with {found[1].lower().replace(' ', '-')} sleeves".removeprefix(" with ")

    text = _said(text, {"short-sleeved": "sleeveless", "rolled-up sleeves": "sleeves rolled[- ]up"})
    text = re.sub(
        rf"\b({_LENGTHS})[- ]sleeved?((?: [\w-]+){{0,2}}? (?:t-shirt|shirt|top|sweater))\b", behind, text, flags=re.I
    )
    return re.sub(rf"\b({_LENGTHS})[- ]sleeve[sd]?\b()", behind, text, flags=re.I)


def _known(part: str, knows: Callable[[str], bool], unknown: list[str]) -> str:
    """What is left of a part of the prompt between two commas."""
    kept: list[str] = []
    gone = 0
    for token in [re.sub(r"[^\w:'-]", "", token).strip("'") for token in part.split()]:
        words = list(filter(None, re.split(r"[-:]", token)))
        left = [word for word in words if knows(word.lower()) and not (word[0].isdigit() or word.lower() in _PATTERNS)]
        unknown += [word.lower() for word in words if word not in left and not word[0].isdigit()]
        if not left:
            gone += 1
            continue
        if gone and re.fullmatch(_JOINING, token):
            _forget_colour(kept)
        kept.append(token if left == words else "-".join(left))
        gone = 0
    if gone:
        _forget_colour(kept)
    text = " ".join(kept)
    if len(kept) < len(part.split()):
        # What joined a word that is gone
        while (shorter := re.sub(_LOOSE, "", text).strip()) != text:
            text = shorter
        if re.fullmatch(_BARE, text, re.I):
            return ""
    return text


def _forget_colour(kept: list[str]) -> None:
    """Of a thing that is gone."""
    if kept and re.fullmatch(_ALL_COLOURS, kept[-1], re.I):
        kept.pop()
