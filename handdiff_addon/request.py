# SPDX-License-Identifier: GPL-3.0-or-later
"""What a generation depends on, and what it gives back: plain data, serialisable both ways."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from .errors import UsageError

SCHEMA_VERSION = 1

MaskSource = Literal["predicted", "rendered", "auto"]
Paint = Literal["everything", "person"]
Preset = Literal["fast", "quality"]
SkeletonStyle = Literal["classic", "xinsir", "mediapipe-hands"]
Pass = Literal[
    "skeleton", "hands_mask", "left_hand_mask", "right_hand_mask", "person_mask", "depth", "metric_depth",
    "hand_depth", "normal", "segmentation", "pose", "hands_openxr",
]  # fmt: skip
PASSES: tuple[Pass, ...] = get_args(Pass)
DEFAULT_PASSES: tuple[Pass, ...] = (
    "skeleton", "hands_mask", "left_hand_mask", "right_hand_mask", "person_mask", "depth", "pose", "hands_openxr",
)  # fmt: skip
Side = Literal["left", "right"]
SIDES: tuple[Side, Side] = ("left", "right")
ControlRole = Literal["openpose", "depth", "hand_depth", "normal", "inpaint", "outpaint"]
"""What a ControlNet is shown: a pass, the picture with a hole to fill, or all that HandDiff's own were trained on"""
Look = Literal["base_colour", "unlit"]
"""A matt base colour that the scene lights, or a colour that shines by itself: the picture's own light is in it"""
MAX_STEPS = 500
"""Of each stage: near 1000, the timesteps that models are trained on, schedulers give no numbers"""
MAX_PEOPLE = 8
"""People painted at most, unless the user says otherwise"""


@dataclass(frozen=True)
class ExpansionSettings:
    """Sequential mask expansion (paper section on blending; its constants are unknown, these defaults are ours).

    The kept hand region starts as the hand mask grown by ``rim`` latent cells.  From ``start`` to ``end`` (parts of
    the denoising, by its timesteps) the outpainted region grows ``expansions`` times by ``cells`` latent cells, which
    shrinks the kept region; in steps that begin at ``end`` or later nothing is kept and the model is free.
    """

    start: float = 0.4
    end: float = 0.85
    expansions: int = 2
    cells: int = 1
    rim: int = 1
    renoise: bool = True
    """Noise the kept latents to the level of the current step; off keeps them clean."""
    final_paste: bool = True
    """Lay the core of the generated hands over the finished picture, with a feathered edge."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.start <= self.end <= 1.0:
            raise UsageError(
                f"The expansion runs from {self.start} to {self.end}: give 0 <= start <= end <= 1, "
                "parts of the denoising."
            )
        for name in ("expansions", "cells", "rim"):
            if not 0 <= getattr(self, name) <= 64:
                raise UsageError(f"The expansion's {name} is {getattr(self, name)}: give a whole number from 0 to 64.")


@dataclass(frozen=True)
class SkeletonSettings:
    """What the skeleton picture shows, and how."""

    style: SkeletonStyle = "classic"
    occluded: bool = True
    """Draw body joints that something hides; ControlNets see such joints in training, estimated."""
    hidden_hands: bool = False
    """Draw hands of which nothing is seen, too."""
    face: bool = True
    """Draw the face's points, where the rig has them."""

    def __post_init__(self) -> None:
        if self.style not in get_args(SkeletonStyle):
            raise UsageError(f"style is {self.style!r}: choose one of {', '.join(get_args(SkeletonStyle))}.")


@dataclass(frozen=True)
class ControlNetChoice:
    """A ControlNet beside a stock model."""

    model: str
    """Path, Hugging Face id that is downloaded already, or name of a file in the model folders"""
    roles: tuple[ControlRole, ...] = ()
    """What it is shown; empty: what the catalogue says of it, and all that a union model can take"""
    scale: float = 1.0

    def __post_init__(self) -> None:
        if unknown := [role for role in self.roles if role not in get_args(ControlRole)]:
            raise UsageError(f"A ControlNet takes no {unknown[0]!r}: choose from {', '.join(get_args(ControlRole))}.")
        check_weight("ControlNet", self.model, self.scale)

    @classmethod
    def parse(cls, text: str) -> ControlNetChoice:
        """Read ``[ROLE[+ROLE]=]NAME[@SCALE]``, as users write it.

        Raises:
            UsageError
        """
        words, equals, name = text.partition("=")
        roles = tuple(role.strip() for role in words.split("+"))
        if not equals or (re.search(r"[/\\]", words) and not set(roles) <= set(get_args(ControlRole))):
            roles, name = (), text  # none, or the "=" is one of a path
        model, scale = name_and_weight(name)
        return cls(model, roles, scale)  # type: ignore[arg-type]

    @property
    def written(self) -> str:
        """As :meth:`parse` reads it."""
        return f"{'+'.join(self.roles)}{'=' if self.roles else ''}{self.model}@{self.scale:g}"


@dataclass(frozen=True)
class LoraChoice:
    """A LoRA to add to a stock model."""

    model: str
    """Path, Hugging Face id that is downloaded already, or name of a file in the model folders"""
    weight: float = 1.0

    def __post_init__(self) -> None:
        check_weight("LoRA", self.model, self.weight)

    @classmethod
    def parse(cls, text: str) -> LoraChoice:
        """Read ``NAME[@WEIGHT]``, as users write it.

        Raises:
            UsageError
        """
        return cls(*name_and_weight(text))


def name_and_weight(text: str, otherwise: float = 1.0) -> tuple[str, float]:
    """A name and the number after its last ``@``, or the other one; an ``@`` before anything else is the name's."""
    name, at, number = text.strip().rpartition("@")
    with contextlib.suppress(ValueError):
        if at:
            return name, float(number)
    return text.strip(), otherwise


def check_weight(kind: str, model: str, weight: float) -> None:
    if not model:
        raise UsageError(f"A {kind} is named by nothing: give its path or its name.")
    if not -10.0 <= weight <= 10.0:  # not a number fails, too
        raise UsageError(f"The {kind} {model} has the weight {weight}: give a number from -10 to 10.")


@dataclass(frozen=True)
class GenerationRequest:
    """One generation.  Equal requests on equal hardware give equal pictures."""

    prompt: str
    negative_prompt: str = ""
    seed: int = 0
    person_prompts: dict[str, str] = field(default_factory=dict)
    """More words for one person, by the armature's name: told of their hands and of the pixels where they are seen."""
    preset: Preset = "quality"
    """What stage 1 may cost where the request leaves it open: ``fast`` takes half the steps, and with a stock model
    crops of half the canvas's side; ``quality`` takes the steps of stage 2 and crops of the canvas's side."""
    steps: int | None = None
    """Denoising steps of stage 2; None: as many as the model likes."""
    hand_steps: int | None = None
    """Denoising steps of stage 1; None: by the preset."""
    guidance_scale: float | None = None
    """Classifier-free guidance: 1 is off; None: as the model likes."""
    control_scale: float = 1.0
    """Weight of the ControlNet's residuals."""
    strength: float = 1.0
    """How far from the rendered frame both stages begin: 1 is noise alone, less skips so many of the first steps."""
    size: tuple[int, int] | None = None
    """Width and height that the model paints at, multiples of 8; None: the frame's aspect at the model's area."""
    two_stages: bool = True
    """False paints hands and body in one go (``--single-stage``)."""
    mask_source: MaskSource = "predicted"
    auto_mask_iou: float = 0.5
    """``mask_source="auto"`` takes the rendered mask where the predicted one's IoU with it is lower."""
    paint: Paint = "everything"
    skeleton: SkeletonSettings = field(default_factory=SkeletonSettings)
    expansion: ExpansionSettings = field(default_factory=ExpansionSettings)
    best_of: int = 1
    """Seeds of stage 1 to try; the one whose masks fit the rig best is kept."""
    upscale: bool = False
    """Paint the finished picture over once more at the frame's size, tile by tile, where that is larger."""
    model: str = ""
    """Model folder, one-file checkpoint or Hugging Face id; empty: the embedded model."""
    hand_model: str = ""
    """Folder of the hand generator; empty: the one beside the model."""
    controlnets: tuple[ControlNetChoice, ...] = ()
    """Beside a stock model; the embedded model has its own."""
    loras: tuple[LoraChoice, ...] = ()
    """For a stock model, as are those that the prompts name (``<lora:NAME:0.8>``)"""
    vae: str = ""
    """Autoencoder in place of a stock model's own"""
    reference: str = ""
    """Picture whose look a stock model takes over by an IP-Adapter, as ``[ADAPTER=]PICTURE[@SCALE]``; empty: none"""
    mark: bool = False
    """Mark the saved picture visibly as made by AI."""

    def __post_init__(self) -> None:
        for name, values in (("mask_source", MaskSource), ("paint", Paint), ("preset", Preset)):
            if getattr(self, name) not in get_args(values):
                raise UsageError(f"{name} is {getattr(self, name)!r}: choose one of {', '.join(get_args(values))}.")
        for name, low, high in (("steps", 1, MAX_STEPS), ("hand_steps", 1, MAX_STEPS), ("best_of", 1, 64)):
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise UsageError(f"{name} is {value}: give a whole number from {low} to {high}.")
        if not 0.0 < self.strength <= 1.0:
            raise UsageError(f"The strength is {self.strength}: give more than 0 and at most 1.")
        if self.guidance_scale is not None and not 0.0 <= self.guidance_scale <= 100.0:
            raise UsageError(f"The guidance is {self.guidance_scale}: give 0 to 100, where 1 is off.")
        words = self.person_prompts
        if not (isinstance(words, dict) and all(isinstance(text, str) for pair in words.items() for text in pair)):
            raise UsageError("The prompts of single persons are no texts by name: give armature names and prompts.")
        if not 0 <= self.seed < 2**63:
            raise UsageError(f"The seed is {self.seed}: give a whole number from 0 to 2^63 - 1.")
        if self.size is not None:
            check_size(*self.size)

    @property
    def needs_picture(self) -> bool:
        """Whether the rendered frame goes into the painting."""
        return self.paint == "person" or self.strength < 1.0

    @property
    def text(self) -> str:
        """The prompt without the LoRAs that it names: what is painted."""
        return split_loras(self.prompt)[0]

    def words_for(self, person: str) -> str:
        """The words for one person, by the armature's name, without the LoRAs; empty where there are none."""
        return split_loras(self.person_prompts.get(person, ""))[0].strip()

    @property
    def all_loras(self) -> tuple[LoraChoice, ...]:
        """The LoRAs of the request, and those of its prompts, each once.

        Raises:
            UsageError: where a prompt's cannot be read, or the negative prompt has one.
        """
        if "<lora" in self.negative_prompt.lower():
            raise UsageError(
                "The negative prompt names a LoRA, which does nothing there: name it in the prompt, where a weight "
                "below 0 turns it round."
            )
        named = [lora for text in (self.prompt, *self.person_prompts.values()) for lora in split_loras(text)[1]]
        return self.loras + tuple(dict.fromkeys(named))

    @property
    def weights(self) -> tuple[object, ...]:
        """What of the request is loaded: equal for requests that one loaded model serves."""
        return self.model, self.hand_model, self.controlnets, self.all_loras, self.vae, self.reference

    def to_dict(self) -> dict[str, Any]:
        """The request as JSON-ready data with its schema version."""
        return {"schema_version": SCHEMA_VERSION, **dataclasses.asdict(self)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> GenerationRequest:
        """Read back what :meth:`to_dict` wrote.

        Raises:
            UsageError: for a newer schema, an unknown setting or a value of the wrong kind.
        """
        if not isinstance(data, dict):
            raise UsageError("These settings are no JSON object: give settings that HandDiff saved.")
        data = dict(data)
        version = data.pop("schema_version", SCHEMA_VERSION)
        if version != SCHEMA_VERSION:
            raise UsageError(
                f"These settings have schema version {version}, this HandDiff reads {SCHEMA_VERSION}: save them anew."
            )
        try:
            request: GenerationRequest = _of_kind(cls, data, "")
            return request
        except TypeError as error:
            raise UsageError(
                f"These settings cannot be read ({error}): save them anew from the panel or a report."
            ) from error

    @classmethod
    def read(cls, path: Path) -> GenerationRequest:
        """Read a saved request: a settings file, or a ``report.json`` that carries one.

        Raises:
            UsageError: where the file is missing or is not such JSON.
        """
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UsageError(
                f"The settings file {path} cannot be read ({error}): give a JSON file that HandDiff saved."
            ) from error
        return cls.from_dict(data.get("request", data) if isinstance(data, dict) else data)


def _of_kind(kind: Any, value: Any, name: str) -> Any:
    """A field's value as JSON keeps it, in the kind that its annotation says.

    Raises:
        TypeError: where it is of another kind.
        UsageError: where it is of that kind and makes no sense.
    """
    origin, inner = get_origin(kind), get_args(kind)
    if origin is UnionType:  # of one kind and None
        return None if value is None else _of_kind(inner[0], value, name)
    if origin in (Literal, dict):
        return value  # its class looks at it
    if isinstance(kind, type) and dataclasses.is_dataclass(kind) and isinstance(value, dict):
        kinds = get_type_hints(kind)
        if unknown := value.keys() - kinds.keys():
            raise UsageError(
                f"These settings name {', '.join(sorted(unknown))}, which HandDiff does not know: remove it."
            )
        return kind(**{key: _of_kind(kinds[key], entry, key) for key, entry in value.items()})
    if origin is tuple and isinstance(value, (list, tuple)):
        parts = inner[:1] * len(value) if inner[-1] is Ellipsis else inner
        if len(parts) == len(value):
            return tuple(_of_kind(part, entry, name) for part, entry in zip(parts, value))
    if type(value) is kind or (kind is float and type(value) is int):
        return value
    raise TypeError(f"{name} has the value {value!r}")


_LORA = re.compile(r"<lora:([^:<>]+)(?::([^:<>]*))?(?::[^<>]*)?>", re.IGNORECASE)


def split_loras(prompt: str) -> tuple[str, tuple[LoraChoice, ...]]:
    """A prompt without its ``<lora:NAME:WEIGHT>``, and these LoRAs; without a weight, it is 1.

    A second weight (``<lora:NAME:WEIGHT:WEIGHT>``, for the text encoder in other programs) is passed over.

    Raises:
        UsageError: where a weight is no number, or something else begins like a LoRA.
    """
    loras = []
    for name, weight in _LORA.findall(prompt):
        try:
            loras.append(LoraChoice(name.strip(), float(weight) if weight.strip() else 1.0))
        except ValueError as error:
            raise UsageError(f"The prompt gives the LoRA {name} the weight {weight!r}: give a number.") from error
    text = _LORA.sub("", prompt)
    if "<lora" in text.lower():
        raise UsageError("The prompt has a LoRA that cannot be read: write <lora:NAME:0.8>.")
    return (re.sub(r"\s{2,}", " ", text).strip() if loras else prompt), tuple(loras)


def check_size(width: int, height: int) -> None:
    """Refuse a size that the models cannot paint.

    Raises:
        UsageError: unless both sides are multiples of 8 from 64 to 8192 pixels.
    """
    if width % 8 or height % 8:
        near = [max(64, round(side / 8) * 8) for side in (width, height)]
        raise UsageError(f"The size {width} x {height} does not divide by 8: use {near[0]} x {near[1]}.")
    if not (64 <= width <= 8192 and 64 <= height <= 8192):
        raise UsageError(f"The size {width} x {height} is out of range: use 64 to 8192 pixels a side.")


@dataclass
class HandReport:
    """How stage 1 did for one hand."""

    person: str
    """The armature's name"""
    side: Side
    box: tuple[int, int, int, int]
    """Crop in the painted picture: left, top, right, bottom, in pixels."""
    pixels: float
    """Longer side of the hand at the painted size, in pixels."""
    iou: float | None
    """IoU of the predicted mask with the rendered one; None where no mask was predicted."""
    mask_source: str
    seed: int


@dataclass
class HandPicture:
    """A crop as stage 1 painted it, with more pixels than the picture may have there."""

    box: tuple[int, int, int, int]
    """Left, top, right, bottom in the painted picture, in pixels; may stick out."""
    image: Any
    """Square ``PIL.Image``, RGBA; alpha is the hands' mask."""


@dataclass
class GenerationResult:
    """What a generation gives back.  Pictures are ``PIL.Image`` (sRGB, 8 bit)."""

    image: Any
    """The finished picture at the frame's size, RGB."""
    hands: Any | None
    """Stage 1's hands on the canvas, RGB; None without a hand stage."""
    hands_predicted_mask: Any | None
    """Their predicted mask on the canvas, L, 255 inside; None where the model predicts none."""
    painted_size: tuple[int, int]
    settings: dict[str, Any]
    """What was left to the model, as it was used: steps, guidance, side of the crops, what was done to save memory"""
    model: dict[str, Any]
    """Name and sha256 of every weight file used."""
    hand_reports: list[HandReport]
    seconds: dict[str, float]
    """Seconds per stage."""
    peak_memory_bytes: int
    warnings: list[str]
    crops: list[HandPicture] = field(default_factory=list)

    def report(self, request: GenerationRequest) -> dict[str, Any]:
        """``report.json`` as JSON-ready data."""
        return {
            "schema_version": SCHEMA_VERSION,
            "request": request.to_dict(),
            "painted_size": list(self.painted_size),
            "image_size": list(self.image.size),
            "settings": self.settings,
            "model": self.model,
            "hands": [dataclasses.asdict(hand) for hand in self.hand_reports],
            "crops": [list(crop.box) for crop in self.crops],
            "seconds": self.seconds,
            "peak_memory_bytes": self.peak_memory_bytes,
            "warnings": self.warnings,
        }
