# SPDX-License-Identifier: GPL-3.0-or-later
"""Named colours and other attributes of a data-set picture, and captions that mention some of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from .poses import SHAPES

RGB = tuple[int, int, int]

_CLOTHES: dict[str, RGB] = {
    "red": (200, 36, 40), "green": (44, 140, 64), "blue": (42, 84, 190), "yellow": (236, 200, 48),
    "orange": (236, 124, 32), "purple": (122, 58, 160), "pink": (238, 140, 170), "white": (236, 236, 232),
    "black": (26, 26, 28), "grey": (128, 128, 130), "brown": (112, 70, 42), "teal": (30, 134, 134),
}  # fmt: skip

PALETTES: dict[str, dict[str, RGB]] = {
    "shirt": _CLOTHES,
    "trousers": _CLOTHES,
    "shoes": _CLOTHES,
    "background": {
        "red": (190, 52, 50), "green": (70, 150, 84), "blue": (66, 110, 196), "yellow": (238, 212, 92),
        "orange": (238, 148, 70), "purple": (136, 84, 168), "pink": (240, 172, 190), "white": (245, 245, 243),
        "black": (18, 18, 20), "grey": (140, 140, 142), "brown": (128, 92, 64), "teal": (52, 142, 142),
    },
    "hair": {
        "black": (24, 20, 20), "brown": (84, 52, 32), "blond": (214, 174, 104), "red": (160, 66, 30),
        "grey": (140, 138, 136), "white": (228, 226, 222),
    },
    "skin": {
        "pale": (248, 218, 200), "fair": (234, 190, 162), "tan": (208, 158, 120), "olive": (180, 138, 98),
        "brown": (136, 90, 62), "dark": (84, 54, 40),
    },
}  # fmt: skip
"""Attribute -> name -> sRGB of the material, 8 bit: the one source of names and colours."""

PLACES = ("raised", "front", "down", "other")
FRAMINGS = ("upper body", "full body", "close-up")

CLASSES: dict[str, tuple[str, ...]] = {
    **{name: tuple(palette) for name, palette in PALETTES.items()},
    "framing": FRAMINGS,
    "left_place": PLACES,
    "right_place": PLACES,
    "left_shape": tuple(SHAPES),
    "right_shape": tuple(SHAPES),
}
"""Attribute -> its values; class ids count from 1 in this order."""


@dataclass(frozen=True)
class Attributes:
    """What a picture shows, each value one of :data:`CLASSES`."""

    shirt: str
    trousers: str
    shoes: str
    background: str
    hair: str
    skin: str
    framing: str
    left_place: str
    right_place: str
    left_shape: str
    right_shape: str

    def to_dict(self) -> dict[str, str]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Attributes:
        """
        Raises:
            KeyError: for an attribute that is missing.
            ValueError: for a value that is none of its attribute's.
        """
        read = {field.name: str(data[field.name]) for field in fields(cls)}
        for name, value in read.items():
            if value not in CLASSES[name]:
                raise ValueError(f"{value} is no {name}")
        return cls(**read)


def attribute_targets(attributes: Attributes, mentioned: Collection[str] = tuple(CLASSES)) -> dict[str, int]:
    """Class id per attribute, counted from 1; 0 for those that are not ``mentioned``."""
    return {
        name: values.index(getattr(attributes, name)) + 1 if name in mentioned else 0
        for name, values in CLASSES.items()
    }


def caption(attributes: Attributes, rng: np.random.Generator) -> tuple[str, frozenset[str]]:
    """A caption in one of several wordings, in which each attribute is left out now and then.

    Returns:
        the caption, and the names of the attributes that it mentions.
    """

    def pick(*choices: str) -> str:
        return choices[int(rng.integers(len(choices)))]

    def keep(chance: float) -> bool:
        return bool(rng.random() < chance)

    mentioned: set[str] = set()

    def colour(name: str) -> str:
        mentioned.add(name)
        value = getattr(attributes, name)
        if value == "grey" and keep(0.3):
            return "gray"
        return pick("blond", "blonde") if value == "blond" else value

    clothes = []
    if keep(0.88):
        clothes.append(f"{colour('shirt')} {pick('shirt', 'shirt', 'shirt', 't-shirt', 'top', 'sweater')}")
    if keep(0.85 if attributes.framing != "close-up" else 0.4):
        clothes.append(f"{colour('trousers')} {pick('trousers', 'trousers', 'pants', 'jeans', 'leggings')}")
    if attributes.framing == "full body" and keep(0.7):
        clothes.append(f"{colour('shoes')} shoes")
    if keep(0.2):
        clothes.reverse()

    features = []
    if keep(0.8):
        features.append(f"{colour('skin')} skin" if keep(0.85) else f"{colour('skin')}-skinned")
    if keep(0.75):
        features.append(f"{colour('hair')} hair")
    if keep(0.3):
        features.reverse()

    subject = pick("a person", "a person", "a man", "a woman", "someone", "portrait of a person", "photo of a person")
    tags = keep(0.3)
    if clothes and not tags:
        words = [item if item.split()[-1] in _PLURAL else f"{_article(item)} {item}" for item in clothes]
        joined = words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
        subject = f"{subject} {pick('in', 'wearing', 'with', 'dressed in')} {joined}"
        clothes = []
    parts = [*clothes, *features, *_gestures(attributes, mentioned, rng)]
    if keep(0.35):
        mentioned.add("framing")
        parts.append(pick(attributes.framing, f"{attributes.framing} {pick('shot', 'view', 'picture')}"))
    if keep(0.85):
        name = colour("background")
        where = pick("{} background", "{} background", "{} backdrop", "on {a} {} background", "in front of {a} {} wall")
        parts.append(where.replace("{a}", _article(name)).replace("{}", name))
    order = list(range(len(parts)))
    if tags or keep(0.4):
        order = [int(index) for index in rng.permutation(len(parts))]
    elif keep(0.5):
        order = sorted(order, key=lambda index: int(rng.integers(3)) + index)
    parts = [subject, *(parts[index] for index in order)]
    if keep(0.2):
        parts.append(pick("high quality", "detailed hands", "sharp", "soft light", "studio light", "plain background"))
    return ", ".join(parts), frozenset(mentioned)


_PLURAL = {"trousers", "pants", "jeans", "leggings", "shoes"}
_PLACE_WORDS = {
    "raised": ("{} hand raised", "raising the {} hand", "{} hand up", "{} arm raised"),
    "front": ("{} hand in front of the body", "{} hand at the belly", "{} hand before the chest"),
    "down": ("{} arm down", "{} hand down", "{} arm at the side"),
    "other": ("{} arm stretched out", "reaching with the {} hand"),
}
_SHAPE_WORDS = {
    "call": ("call me sign", "hand held like a telephone"),
    "dislike": ("thumb down", "thumbs down"),
    "fist": ("fist", "closed fist"),
    "four": ("four fingers",),
    "like": ("thumb up", "thumbs up"),
    "mute": ("finger on the lips", "hush sign"),
    "ok": ("ok sign",),
    "one": ("pointing finger", "raised index finger"),
    "palm": ("open palm", "open hand", "spread fingers"),
    "peace": ("peace sign", "v sign"),
    "peace_inverted": ("reversed peace sign", "peace sign seen from behind"),
    "rock": ("rock sign", "horns sign"),
    "stop": ("flat hand", "stop gesture"),
    "stop_inverted": ("flat hand seen from behind", "reversed stop gesture"),
    "three": ("three fingers",),
    "three2": ("thumb and two fingers",),
    "two_up": ("two joined fingers", "two fingers"),
    "two_up_inverted": ("two-finger sign seen from behind",),
    "relaxed hand": ("relaxed hand",),
    "bent fingers": ("bent fingers",),
}


def _gestures(attributes: Attributes, mentioned: set[str], rng: np.random.Generator) -> list[str]:
    """Words on places and shapes of the hands, both together where they agree."""
    words = []
    if attributes.left_place == attributes.right_place and attributes.left_place != "other" and rng.random() < 0.45:
        mentioned.update(("left_place", "right_place"))
        both = {"raised": "both hands raised", "front": "both hands in front of the body", "down": "arms down"}
        return [both[attributes.left_place]]
    for side in ("right", "left"):
        place, shape = getattr(attributes, f"{side}_place"), getattr(attributes, f"{side}_shape")
        placed = rng.random() < (0.2 if place == "down" else 0.4)
        shaped = rng.random() < (0.05 if place == "down" else 0.35)
        if placed:
            mentioned.add(f"{side}_place")
            words.append(str(rng.choice(_PLACE_WORDS[place])).format(side))
        if shaped:
            mentioned.add(f"{side}_shape")
            word = str(rng.choice(_SHAPE_WORDS[shape]))
            if placed:
                words[-1] += f" with {_article(word)} {word}" if not word.endswith("fingers") else f" with {word}"
            else:
                words.append(f"{side} hand: {word}")
    return words


def _article(words: str) -> str:
    return "an" if words[0] in "aeiou" else "a"
