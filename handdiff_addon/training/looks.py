# SPDX-License-Identifier: GPL-3.0-or-later
"""Random looks of a data-set picture: who wears what, before which backdrop, in which light.

Some combinations never occur in training, so that what a model makes of words it has not seen together can be tested.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..palettes import PALETTES
from .captions import second_colour

if TYPE_CHECKING:
    from ..scene.studio import Lights
    from ..scene.wardrobe import Outfit

RGB = tuple[float, float, float]

HELD_OUT_COMBINATIONS: tuple[dict[str, str], ...] = (
    {"shirt": "green", "trousers": "white"},
    {"shirt": "blue", "background": "orange"},
    {"shirt": "red", "shirt_pattern": "dots"},
    {"shirt": "orange", "sleeves": "short"},
    {"shirt": "yellow", "skin": "dark"},
    {"shirt": "teal", "hair": "red"},
    {"shirt": "pink", "age": "old"},
    {"trousers": "purple", "background": "green"},
    {"gloves": "red", "hair": "blond"},
    {"gloves": "white", "skin": "brown"},
    {"background": "blue", "backdrop": "bricks"},
    {"background": "yellow", "light": "above"},
)
"""Attributes that are never drawn together for training.  None names a side, since training mirrors its pictures."""

PEOPLE: dict[str, tuple[str | None, str]] = {
    "human_a": ("woman", "young"),
    "human_b": ("man", "young"),
    "human_c": ("woman", "old"),
    "human_d": ("man", "young"),
    "human_e": ("woman", "old"),
}
"""Figure and age that people are modelled with, by the start of their file's name; anybody else is a young person."""

_SHARES: dict[str, dict[str, float]] = {
    "shirt_pattern": {"plain": 0.58, "stripes": 0.16, "checks": 0.13, "dots": 0.13},
    "trousers_pattern": {"plain": 0.80, "stripes": 0.08, "checks": 0.07, "dots": 0.05},
    "sleeves": {"long": 0.55, "rolled-up": 0.15, "short": 0.30},
    "backdrop": {"plain": 0.44, "gradient": 0.16, "bricks": 0.14, "blurred": 0.14, "floor": 0.12},
    "light": {"left": 0.19, "right": 0.19, "above": 0.17, "front": 0.17, "soft": 0.28},
}
_GLOVED = 0.15
_AROUND = ("background", "backdrop", "light")
_SLEEVES = {"long": (0.93, 0.96), "rolled-up": (0.66, 0.78), "short": (0.30, 0.46)}
"""Where sleeves end, 0 at the shoulder and 1 at the wrist"""


def person(human: str) -> tuple[str | None, str]:
    """Figure and age of a human by the name of its file; the figure is None where it is not known."""
    return next((traits for start, traits in PEOPLE.items() if human.startswith(start)), (None, "young"))


def held_out(names: Mapping[str, str | None]) -> list[int]:
    """Numbers of the held-out combinations that occur in ``names``."""
    return [
        number
        for number, combination in enumerate(HELD_OUT_COMBINATIONS)
        if all(names.get(kind) == value for kind, value in combination.items())
    ]


def sample_names(
    rng: np.random.Generator, human: str, *, short_sleeves: bool, combination: int | None = None
) -> dict[str, str | None]:
    """Named values of everything that a look decides.

    Args:
        rng: draws them.
        human: the person's file name without ending.
        short_sleeves: whether the person has arms under the sleeves.
        combination: number of the held-out combination to show; None: none of them.
    """
    for _ in range(1000):
        names = _draw(rng, human, short_sleeves)
        if combination is not None:
            names |= HELD_OUT_COMBINATIONS[combination]
            if not _consistent(names, human, short_sleeves):
                return sample_names(
                    rng, human, short_sleeves=short_sleeves, combination=(combination + 1) % len(HELD_OUT_COMBINATIONS)
                )
            return names
        if not held_out(names):
            return names
    raise AssertionError("the held-out combinations leave nothing to draw")


def surrounding_names(rng: np.random.Generator) -> dict[str, str | None]:
    """Named values of what is around a person who looks as the artist made them; of the person, nothing is named."""
    names = sample_names(rng, "", short_sleeves=False)
    return {kind: value if kind in _AROUND else None for kind, value in names.items()}


def _draw(rng: np.random.Generator, human: str, short_sleeves: bool) -> dict[str, str | None]:
    names: dict[str, str | None] = {
        kind: str(rng.choice(list(palette))) for kind, palette in PALETTES.items() if kind != "gloves"
    }
    if names["background"] in (names["shirt"], names["trousers"]):  # rarer than chance: outlines get lost
        names["background"] = str(rng.choice(list(PALETTES["background"])))
    for kind, shares in _SHARES.items():
        names[kind] = str(rng.choice(list(shares), p=list(shares.values())))
    if not short_sleeves:
        names["sleeves"] = "long"
    names["gloves"] = str(rng.choice(list(PALETTES["gloves"]))) if rng.random() < _GLOVED else "bare"
    names["figure"], names["age"] = person(human)
    if names["age"] == "old" and rng.random() < 0.75:
        names["hair"] = str(rng.choice(["grey", "white"]))
    elif names["age"] == "young" and rng.random() < 0.5:
        names["hair"] = str(rng.choice(["black", "brown", "blond", "red"]))
    if names["hair"] in ("grey", "white"):
        names["age"] = "old"
    return names


def _consistent(names: Mapping[str, str | None], human: str, short_sleeves: bool) -> bool:
    """Whether a combination that was put on top can be shown on this person."""
    looks_old = person(human)[1] == "old" or names["hair"] in ("grey", "white")
    return (names["age"] == "old") == looks_old and (short_sleeves or names["sleeves"] == "long")


def make_outfit(names: Mapping[str, str | None], rng: np.random.Generator) -> Outfit:
    """Clothes and colours with the named values, each jittered a little."""
    from ..scene.wardrobe import Cloth, Outfit

    def colour(kind: str) -> RGB:
        return jitter(rng, PALETTES[kind][str(names[kind])], 0.03)

    def cloth(kind: str) -> Cloth:
        second = PALETTES[kind][second_colour(str(names[kind]))]
        return Cloth(
            colour(kind), str(names[f"{kind}_pattern"]), jitter(rng, second, 0.02), float(rng.uniform(0.06, 0.105))
        )

    return Outfit(
        shirt=cloth("shirt"),
        trousers=cloth("trousers"),
        shoes=colour("shoes"),
        hair=colour("hair"),
        skin=colour("skin"),
        gloves=None if names["gloves"] == "bare" else colour("gloves"),
        sleeves=float(rng.uniform(*_SLEEVES[str(names["sleeves"])])),
    )


def make_lights(light: str, rng: np.random.Generator) -> Lights:
    """Lights from the named direction; azimuths are positive to the picture's right."""
    from ..scene.studio import Lights

    def between(low: float, high: float) -> float:
        return float(rng.uniform(low, high))

    if light in ("left", "right"):
        side = -1.0 if light == "left" else 1.0
        key, strength = (side * between(0.95, 1.4), between(0.1, 0.6)), between(0.75, 0.95)
        fill, ambient = between(0.0, 0.06), between(0.14, 0.24)
    elif light == "above":
        side = float(rng.choice([-1.0, 1.0]))
        key, strength = (side * between(0.0, 0.5), between(1.15, 1.4)), between(0.8, 1.0)
        fill, ambient = between(0.0, 0.06), between(0.16, 0.26)
    elif light == "front":
        side = float(rng.choice([-1.0, 1.0]))
        key, strength = (side * between(0.0, 0.22), between(0.1, 0.4)), between(0.5, 0.65)
        fill, ambient = between(0.0, 0.1), between(0.28, 0.38)
    else:  # soft: from all around
        side = float(rng.choice([-1.0, 1.0]))
        key, strength = (side * between(0.2, 1.0), between(0.3, 1.0)), between(0.1, 0.25)
        fill, ambient = between(0.02, 0.1), between(0.62, 0.75)
    return Lights(
        key=key,
        key_strength=strength,
        fill=(-side * between(0.4, 1.3), between(0.0, 0.6)),
        fill_strength=fill,
        ambient=ambient,
        softness=between(0.1, 0.6),
    )


def jitter(rng: np.random.Generator, colour: tuple[int, int, int], spread: float) -> RGB:
    """A colour (0..255) near the named one, 0..1."""
    bright = rng.normal(0.0, spread)
    red, green, blue = np.clip(np.array(colour) / 255.0 + bright + rng.normal(0.0, spread / 2, 3), 0.005, 0.97)
    return float(red), float(green), float(blue)
