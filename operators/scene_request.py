# SPDX-License-Identifier: GPL-3.0-or-later
"""The plain request that a scene's settings make, and the settings that a request or a preset has."""

from __future__ import annotations

from ..handdiff_addon.models.catalogue import is_own
from ..handdiff_addon.models.reference import ReferenceChoice
from ..handdiff_addon.presets import flat
from ..handdiff_addon.prompts import marker_prompts, prompt_at, read_prompts
from ..handdiff_addon.request import ControlNetChoice, ExpansionSettings, GenerationRequest, SkeletonSettings
from .preferences import folder_of, preferences
from .settings import SEEDS, HandDiffSettings

_LEFT_TO_THE_MODEL = ("steps", "hand_steps", "guidance_scale")
"""Settings that a request leaves open and the panel shows as 0"""


def own_model(settings: HandDiffSettings) -> bool:
    """Whether the model is of HandDiff's own kind, as the embedded one is, and not a stock model."""
    return is_own(folder_of(settings.model) or folder_of(preferences().model_folder))


def to_skeleton(settings: HandDiffSettings) -> SkeletonSettings:
    """How these settings draw the skeleton."""
    return SkeletonSettings(settings.style, settings.occluded, settings.hidden_hands, settings.face)


def frame_prompt(settings: HandDiffSettings) -> str:
    """The prompt of the scene's current frame, without the look.

    Raises:
        UsageError: where the text of prompts cannot be read.
    """
    scene = settings.id_data
    prompts: list[tuple[int, str]] = []
    if settings.prompt_from == "TEXT" and settings.prompt_text is not None:
        prompts = read_prompts(settings.prompt_text.as_string())
    elif settings.prompt_from == "MARKERS":
        prompts = marker_prompts((marker.frame, marker.name) for marker in scene.timeline_markers)
    return prompt_at(prompts, scene.frame_current, settings.prompt)


def to_request(settings: HandDiffSettings) -> GenerationRequest:
    """The request that these settings make at the scene's current frame.

    Raises:
        UsageError: for settings that do not go together.
    """
    return GenerationRequest(
        prompt=", ".join(part for part in (frame_prompt(settings).strip(), settings.look.strip()) if part),
        negative_prompt=settings.negative_prompt,
        seed=settings.seed,
        steps=settings.steps or None,
        hand_steps=settings.hand_steps or None,
        guidance_scale=_plain(settings.guidance_scale) or None,
        preset=settings.preset,
        strength=_plain(settings.strength),
        upscale=settings.upscale,
        control_scale=_plain(settings.control_scale),
        two_stages=settings.two_stages,
        mask_source=settings.mask_source,
        auto_mask_iou=_plain(settings.auto_mask_iou),
        paint=settings.paint,
        skeleton=to_skeleton(settings),
        best_of=settings.best_of,
        model=folder_of(settings.model) or folder_of(preferences().model_folder),
        controlnets=tuple(ControlNetChoice.parse(text) for text in settings.controlnets.split(",") if text.strip()),
        hand_model=folder_of(settings.hand_model),
        vae=folder_of(settings.vae),
        reference=_reference(settings),
        mark=settings.mark,
        expansion=ExpansionSettings(
            start=_plain(settings.start),
            end=_plain(settings.end),
            expansions=settings.expansions,
            cells=settings.cells,
            rim=settings.rim,
            renoise=settings.renoise,
            final_paste=settings.final_paste,
        ),
    )


def _reference(settings: HandDiffSettings) -> str:
    """The reference picture as a request names it; empty: none."""
    if not settings.reference.strip():
        return ""
    choice = ReferenceChoice.parse(settings.reference)
    named = "=".join(filter(None, (choice.adapter, folder_of(choice.picture))))
    return f"{named}@{_plain(settings.reference_scale)}"


def from_request(settings: HandDiffSettings, request: GenerationRequest) -> list[str]:
    """Set the scene's settings as a request has them.

    Returns:
        what could not be set, as warnings.
    """
    warnings = []
    values = {**flat(request), "look": ""}
    if values["seed"] >= SEEDS:
        warnings.append(f"The seed {values.pop('seed')} is larger than Blender holds, so the scene keeps its own.")
    if request.model == folder_of(preferences().model_folder):
        values["model"] = ""
    if request.reference:
        choice = ReferenceChoice.parse(request.reference)
        values["reference"] = "=".join(filter(None, (choice.adapter, choice.picture)))
        values["reference_scale"] = choice.scale
    values["controlnets"] = ", ".join(choice.written for choice in request.controlnets)
    settings.prompt_from = "FIELD"
    set_values(settings, values)
    return warnings


def values(settings: HandDiffSettings) -> dict[str, object]:
    """The settings by the names that requests and presets use, as far as the scene has them."""
    names = [*flat(GenerationRequest(prompt="")), "look"]
    own = {name: getattr(settings, _property(name)) for name in names if hasattr(settings, _property(name))}
    plain = {name: _plain(value) if isinstance(value, float) else value for name, value in own.items()}
    return plain | {name: plain[name] or None for name in _LEFT_TO_THE_MODEL}


def set_values(settings: HandDiffSettings, values: dict[str, object]) -> None:
    """Set some settings by those names; names that the scene has no setting for are passed over."""
    values = dict(values)
    start, end = (values.pop(f"expansion.{name}", getattr(settings, name)) for name in ("start", "end"))
    settings.end = 1.0  # each pushes the other along: make room first
    settings.start, settings.end = start, end
    for name, value in values.items():
        if hasattr(settings, _property(name)):
            setattr(settings, _property(name), 0 if value is None else value)


def label(name: str) -> str:
    """What the panel calls a setting."""
    own = HandDiffSettings.bl_rna.properties.get(_property(name))
    return own.name if own is not None else name.replace("_", " ").capitalize()


def _property(name: str) -> str:
    return name.rpartition(".")[2]


def _plain(value: float) -> float:
    """A number as it was typed: Blender keeps seven digits."""
    return float(f"{value:.6g}")
