# SPDX-License-Identifier: GPL-3.0-or-later
"""Named colours and other attributes of a data-set picture, and captions that mention some of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from ..palettes import PALETTES
from ..rig.gestures import GESTURES
from .backdrops import BACKDROPS

PATTERNS = ("plain", "stripes", "checks", "dots")
PLACES = (
    "raised", "overhead", "front", "chest", "face", "hip", "down", "aside", "reaching", "behind",
    "crossed", "folded", "clapping", "praying",
)  # fmt: skip
"""Where a hand is; the last four are what both hands do together."""
FRAMINGS = ("hands", "close-up", "upper body", "full body")
SHAPES = (*GESTURES, "relaxed")
FACINGS = ("palm", "back", "edge")
"""Which side of the hand the camera sees"""

CLASSES: dict[str, tuple[str, ...]] = {
    "figure": ("man", "woman"),
    "age": ("young", "old"),
    "skin": tuple(PALETTES["skin"]),
    "hair": tuple(PALETTES["hair"]),
    "shirt": tuple(PALETTES["shirt"]),
    "shirt_pattern": PATTERNS,
    "sleeves": ("long", "rolled-up", "short"),
    "trousers": tuple(PALETTES["trousers"]),
    "trousers_pattern": PATTERNS,
    "shoes": tuple(PALETTES["shoes"]),
    "gloves": ("bare", *PALETTES["gloves"]),
    "background": tuple(PALETTES["background"]),
    "backdrop": BACKDROPS,
    "light": ("left", "right", "above", "front", "soft"),
    "framing": FRAMINGS,
    "left_place": PLACES,
    "right_place": PLACES,
    "left_shape": SHAPES,
    "right_shape": SHAPES,
    "left_facing": FACINGS,
    "right_facing": FACINGS,
}
"""Attribute -> its values; class ids count from 1 in this order.  Sides are the person's own, but a light's the
picture's."""


@dataclass(frozen=True)
class Attributes:
    """What a picture shows, each value one of :data:`CLASSES`; None what it does not show, or nobody knows."""

    figure: str | None
    age: str | None
    skin: str | None
    hair: str | None
    shirt: str | None
    shirt_pattern: str | None
    sleeves: str | None
    trousers: str | None
    trousers_pattern: str | None
    shoes: str | None
    gloves: str | None
    background: str | None
    backdrop: str | None
    light: str | None
    framing: str | None
    left_place: str | None
    right_place: str | None
    left_shape: str | None
    right_shape: str | None
    left_facing: str | None
    right_facing: str | None

    def to_dict(self) -> dict[str, str | None]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Attributes:
        """The attributes of a sample.

        Raises:
            ValueError: where the sample was made with other attributes than today's.
        """
        names = {field.name for field in fields(cls)}
        if set(data) != names or any(value not in (None, *CLASSES[name]) for name, value in data.items()):
            raise ValueError("it was made by another version of HandDiff, which named other attributes")
        return cls(**data)


def attribute_targets(attributes: Attributes, mentioned: Collection[str]) -> dict[str, int]:
    """Class id per attribute, counted from 1; 0 for those that are not ``mentioned`` or not shown."""
    targets = {}
    for name, values in CLASSES.items():
        value = getattr(attributes, name)
        targets[name] = values.index(value) + 1 if name in mentioned and value is not None else 0
    return targets


def named_light(text: str) -> str | None:
    """The light that a caption names, one of :data:`CLASSES`' values; None where it names none."""
    return next((light for light, wordings in _LIGHT_WORDS.items() if any(words in text for words in wordings)), None)


def second_colour(colour: str) -> str:
    """The colour of the stripes, lines or dots on a cloth of that colour."""
    return "black" if colour in ("white", "yellow", "pink", "grey") else "white"


def caption(attributes: Attributes, rng: np.random.Generator) -> tuple[str, frozenset[str]]:
    """A caption in one of several wordings, in which each attribute is left out now and then.

    Returns:
        the caption, and the names of the attributes that it mentions.
    """
    writer = _Writer(attributes, rng)
    text = writer.write()
    return text, frozenset(writer.mentioned)


MOST_WORDS = 42
"""In a caption, commas included: what the text encoder surely takes in"""

_PLURAL = {"trousers", "pants", "jeans", "leggings", "shoes", "gloves", "fingers", "hands", "sleeves", "dots", "checks",
           "stripes"}  # fmt: skip
_PATTERN_WORDS = {
    "stripes": ("striped", "stripes"),
    "checks": ("checked", "checks"),
    "dots": ("dotted", "dots"),
    "plain": ("plain", ""),
}
_BACKDROP_WORDS = {
    "plain": ("plain {} background", "plain {} wall", "plain {} backdrop"),
    "gradient": ("{} gradient background", "{} gradient"),
    "bricks": ("{} brick wall", "{} bricks in the background", "in front of a {} brick wall"),
    "blurred": ("blurred {} background", "out-of-focus {} background"),
    "floor": ("{} wall and a floor", "in a room with a {} wall", "standing before a {} wall"),
}
_LIGHT_WORDS = {
    "left": ("light from the left", "lit from the left", "lamp on the left"),
    "right": ("light from the right", "lit from the right", "lamp on the right"),
    "above": ("light from above", "lit from above", "overhead light"),
    "front": ("light from the front", "lit from the front", "frontal light"),
    "soft": ("soft light", "even light"),
}
_FRAMING_WORDS = {
    "hands": ("close-up of the hands", "hands in close-up", "hand close-up"),
    "close-up": ("head and shoulders", "close-up portrait", "portrait"),
    "upper body": ("upper body", "upper body shot", "waist up"),
    "full body": ("full body", "full body shot", "head to toe"),
}
_PLACE_WORDS = {
    "raised": ("{} hand raised", "raising the {} hand", "{} hand up"),
    "overhead": ("{} arm up", "{} hand over the head", "{} arm raised high"),
    "front": ("{} hand in front of the body", "{} hand before the body"),
    "chest": ("{} hand on the chest", "{} hand laid on the chest"),
    "face": ("{} hand at the face", "touching the face with the {} hand"),
    "hip": ("{} hand on the hip",),
    "down": ("{} arm down", "{} arm at the side", "{} arm hanging"),
    "aside": ("{} arm stretched out to the side", "{} arm held out sideways"),
    "reaching": ("reaching out with the {} hand", "{} hand towards the camera"),
    "behind": ("{} hand behind the back",),
}
_BOTH_WORDS = {
    "raised": ("both hands raised", "both hands up", "raising both hands"),
    "overhead": ("arms up", "both arms up", "hands over the head"),
    "front": ("both hands in front of the body",),
    "chest": ("both hands on the chest",),
    "face": ("both hands at the face", "holding the face in both hands"),
    "hip": ("hands on hips", "both hands on the hips"),
    "down": ("arms down", "arms hanging", "arms at the sides"),
    "aside": ("arms spread", "arms stretched out to the sides"),
    "reaching": ("reaching out with both hands",),
    "behind": ("hands behind the back", "arms behind the back"),
    "crossed": ("arms crossed", "crossed arms", "arms folded over the chest"),
    "folded": ("hands folded", "folded hands", "hands clasped"),
    "clapping": ("clapping", "clapping hands", "hands about to clap"),
    "praying": ("palms together", "hands in prayer", "praying hands"),
}
_SHAPE_WORDS = {
    "call": ("call sign", "thumb and little finger out"),
    "dislike": ("thumb down", "thumbs down"),
    "fist": ("fist", "closed fist"),
    "four": ("four fingers",),
    "like": ("thumb up", "thumbs up"),
    "mute": ("hush sign", "upright index finger"),
    "ok": ("ok sign",),
    "one": ("pointing finger", "pointing", "raised index finger"),
    "palm": ("open palm", "open hand", "spread fingers"),
    "peace": ("peace sign", "victory sign"),
    "peace_inverted": ("inverted peace sign", "peace sign from behind"),
    "rock": ("rock sign", "horns sign"),
    "stop": ("flat hand", "stop sign"),
    "stop_inverted": ("inverted flat hand", "flat hand from behind"),
    "three": ("three fingers",),
    "three2": ("thumb and two fingers",),
    "two_up": ("two fingers together",),
    "two_up_inverted": ("inverted two fingers", "two fingers from behind"),
    "relaxed": ("relaxed hand",),
}
_FACING_WORDS = {
    "palm": ("palm to the camera", "palm towards the viewer"),
    "back": ("back of the hand to the camera", "back of the hand towards the viewer"),
    "edge": ("hand seen from the edge", "hand edge on"),
}
_QUALITY = ("high quality", "detailed hands", "sharp", "detailed")

Part = tuple[str, set[str]]
"""Words, and the attributes that they mention"""


class _Writer:
    """Writes one caption."""

    def __init__(self, attributes: Attributes, rng: np.random.Generator) -> None:
        self.attributes = attributes
        self.rng = rng
        self.mentioned: set[str] = set()
        self.framed = False

    def write(self) -> str:
        # Most captions name nearly all, as the painted prompts do (see diffusion/open_words.py): a colour that is not
        # named has to be read out of the noise, place by place, and what paints so paints blotches.
        fullness = 0.6 if self.keep(0.1) else 1.0
        tags = self.keep(0.3)
        clothes = self.clothes(fullness)
        features = self.features(fullness)
        head = self.subject()
        if clothes and not tags:
            head = self.wearing(head, clothes)
            clothes = []
        hands = self.hands(fullness)
        parts = [*clothes, *features, *hands, *self.scene(fullness)]
        if tags or self.keep(0.35):
            parts = [parts[index] for index in self.rng.permutation(len(parts))]
        while len(f"{head[0]} {' '.join(words for words, _ in parts)}".split()) + len(parts) > MOST_WORDS:
            # The keypoints tell of the hands, too.
            parts.remove(hands.pop() if hands else parts[int(self.rng.integers(len(parts)))])
        parts.insert(0, head)
        for _, names in parts:
            self.mentioned |= names
        words = [words for words, _ in parts]
        if self.keep(0.12):
            words.append(self.pick(*_QUALITY))
        return ", ".join(words)

    # --- parts --------------------------------------------------------------------------------------------------------

    def subject(self) -> Part:
        names: set[str] = set()
        noun = self.pick("person", "person", "someone")
        if self.attributes.figure and self.keep(0.6):
            noun = self.attributes.figure
            names.add("figure")
        elif noun == "person" and self.attributes.framing == "hands" and self.keep(0.5):
            self.framed = True
            return self.pick(("hands", set()), ("hands of a person", set()), ("close-up of hands", {"framing"}))
        if noun == "someone":
            return noun, names
        if self.attributes.age and self.keep(0.55):
            old, young = self.pick("old", "elderly"), "young"
            noun = f"{old if self.attributes.age == 'old' else young} {noun}"
            names.add("age")
        return f"{self.pick('', '', '', 'photo of ', 'picture of ')}{_article(noun)} {noun}", names

    def clothes(self, fullness: float) -> list[Part]:
        found = []
        if self.attributes.shirt and self.keep(0.97 * fullness):
            noun = self.pick("shirt", "shirt", "top")
            if self.attributes.sleeves == "long" and self.keep(0.2):
                noun = "sweater"
            if self.attributes.sleeves == "short" and self.keep(0.25):
                noun = "t-shirt"
            words, names = self.cloth("shirt", noun)
            if self.attributes.sleeves and self.keep(0.5) and "with" not in words:
                names.add("sleeves")
                words = f"{words} with {self.attributes.sleeves} sleeves"
            found.append((words, names))
        if self.attributes.trousers and self.keep(0.97 * fullness):
            jeans = "jeans" if self.attributes.trousers in ("blue", "black", "grey") else "pants"
            found.append(self.cloth("trousers", self.pick("trousers", "trousers", "pants", "leggings", jeans)))
        if self.attributes.shoes and self.keep(0.9 * fullness):
            found.append((f"{self.colour('shoes')} shoes", {"shoes"}))
        if self.attributes.gloves not in (None, "bare") and self.keep(0.95):
            found.append((f"{self.colour('gloves')} gloves", {"gloves"}))
        if self.keep(0.2):
            found.reverse()
        return found

    def cloth(self, kind: str, noun: str) -> Part:
        colour, pattern = self.colour(kind), getattr(self.attributes, f"{kind}_pattern")
        if pattern is None or not self.keep(0.1 if pattern == "plain" else 0.9):
            return f"{colour} {noun}", {kind}
        names = {kind, f"{kind}_pattern"}
        adjective, many = _PATTERN_WORDS[pattern]
        if pattern == "plain":
            return f"plain {colour} {noun}", names
        second = second_colour(getattr(self.attributes, kind))
        return self.pick(
            (f"{colour} {adjective} {noun}", names),
            (f"{adjective} {colour} {noun}", names),
            (f"{colour} {noun} with {second} {many}", names),
            (f"{colour} and {second} {adjective} {noun}", names),
        )

    def wearing(self, head: Part, clothes: list[Part]) -> Part:
        words = [item if _is_plural(item) else f"{_article(item)} {item}" for item, _ in clothes]
        joined = words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
        verb = "with" if "hands" in head[0] else self.pick("in", "wearing", "with")
        return f"{head[0]} {verb} {joined}", head[1].union(*(names for _, names in clothes))

    def features(self, fullness: float) -> list[Part]:
        found: list[Part] = []
        if self.attributes.skin and self.keep(0.97 * fullness):
            tone = self.attributes.skin
            found.append((self.pick(f"{tone} skin", f"{tone} skin", f"{tone} skin tone", f"{tone}-skinned"), {"skin"}))
        if self.attributes.hair and self.keep(0.97 * fullness):
            colour = self.colour("hair")
            found.append((self.pick(f"{colour} hair", f"{colour} hair", f"{colour}-haired"), {"hair"}))
        if self.attributes.gloves == "bare" and self.keep(0.12):
            found.append((self.pick("bare hands", "no gloves"), {"gloves"}))
        if self.keep(0.3):
            found.reverse()
        return found

    def hands(self, fullness: float) -> list[Part]:
        """Places and shapes of the hands, both together where they agree."""
        found: list[Part] = []
        left, right = self.attributes.left_place, self.attributes.right_place
        together = left == right and left is not None
        alone = together and left not in _PLACE_WORDS
        place_named = together and self.keep(0.85 * fullness if alone else 0.5 * fullness)
        if together and place_named:
            assert left is not None
            found.append((self.pick(*_BOTH_WORDS[left]), {"left_place", "right_place"}))
        same = self.attributes.left_shape == self.attributes.right_shape not in (None, "relaxed")
        if same and self.keep(0.35 * fullness):
            word = self.pick(*_SHAPE_WORDS[str(self.attributes.left_shape)])
            found.append((self.pick(f"both hands: {word}", f"{word} with both hands"), {"left_shape", "right_shape"}))
            return found
        for side in self.pick(("right", "left"), ("left", "right")):
            words, names = [], set()
            place, shape, facing = (getattr(self.attributes, f"{side}_{kind}") for kind in ("place", "shape", "facing"))
            if place in _PLACE_WORDS and not place_named and self.keep((0.3 if place == "down" else 0.55) * fullness):
                names.add(f"{side}_place")
                words.append(self.pick(*_PLACE_WORDS[place]).format(side))
            if shape and self.keep((0.1 if shape == "relaxed" else 0.55) * fullness):
                word = self.pick(*_SHAPE_WORDS[shape])
                named = word if _is_plural(word) or word == "pointing" else f"{_article(word)} {word}"
                words.append(f"with {named}" if words else self.pick(f"{side} hand: {word}", f"{word}, {side} hand"))
                names.add(f"{side}_shape")
            if facing and (names or self.keep(0.3)) and self.keep(0.2 * fullness):
                word = self.pick(*_FACING_WORDS[facing])
                words.append(f"{'' if words else f'{side} hand: '}{word}")
                names.add(f"{side}_facing")
            if words:
                found.append((" ".join(words), names))
        return found

    def scene(self, fullness: float) -> list[Part]:
        found: list[Part] = []
        if self.attributes.framing and not self.framed and self.keep(0.35 * fullness):
            found.append((self.pick(*_FRAMING_WORDS[self.attributes.framing]), {"framing"}))
        if self.attributes.background and self.keep(0.97 * fullness):
            found.append(self.background())
        if self.attributes.light and self.keep(0.85 * fullness):
            found.append((self.pick(*_LIGHT_WORDS[self.attributes.light]), {"light"}))
        return found

    def background(self) -> Part:
        name, kind = self.colour("background"), self.attributes.backdrop
        if kind and self.keep(0.15 if kind == "plain" else 0.75):
            words = self.pick(*_BACKDROP_WORDS[kind])
            return words.replace("a {}", f"{_article(name)} {name}").replace("{}", name), {"background", "backdrop"}
        where = self.pick(
            "{} background", "{} background", "{} backdrop", "on a {} background", "in front of a {} wall"
        )
        return where.replace("a {}", f"{_article(name)} {name}").replace("{}", name), {"background"}

    # --- words --------------------------------------------------------------------------------------------------------

    def pick(self, *choices: Any) -> Any:
        return choices[int(self.rng.integers(len(choices)))]

    def keep(self, chance: float) -> bool:
        return bool(self.rng.random() < chance)

    def colour(self, name: str) -> str:
        value = str(getattr(self.attributes, name))
        if value == "grey" and self.keep(0.3):
            return "gray"
        return str(self.pick("blond", "blonde")) if value == "blond" else value


def _is_plural(words: str) -> bool:
    """Whether the thing named, before any "with", is many."""
    return words.split(" with ")[0].split()[-1] in _PLURAL


def _article(words: str) -> str:
    return "an" if words[0] in "aeiou" else "a"
