# SPDX-License-Identifier: GPL-3.0-or-later
"""A stock model with its ControlNets, LoRAs and VAE, found and checked for fitting together: headers only, no torch."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..conditioning.hint import HINT_CHANNELS
from ..errors import ModelError, UsageError
from ..request import ControlNetChoice, ControlRole, GenerationRequest, LoraChoice
from .architecture import FAMILIES, PAINTABLE, Family
from .bases import BaseSource, base_source
from .digests import checked
from .folders import remembered
from .hand_models import HandPlan, plan_hands
from .known import UNION_MODES, recognise, roles_of
from .parts import PartSource, controlnet_part, vae_part
from .reference import ReferencePlan, plan_reference
from .shapes import defaults
from .sources import Weights, locate, read_weights

_SHOW_POSE: frozenset[ControlRole] = frozenset(("openpose", "depth", "normal", "outpaint"))
_SHOW_HANDS: frozenset[ControlRole] = frozenset(("openpose", "depth", "hand_depth", "normal"))
"""Any of them shows the hands in their crops"""


@dataclass(frozen=True)
class ControlPlan:
    """One ControlNet and what it is shown."""

    weights: Weights
    part: PartSource
    roles: tuple[ControlRole, ...]
    modes: dict[ControlRole, int]
    """Of a union model; empty for a ControlNet of one kind"""
    scale: float


@dataclass(frozen=True)
class LoraPlan:
    """One LoRA and its weight."""

    weights: Weights
    scale: float


@dataclass(frozen=True)
class StockPlan:
    """What is to be loaded."""

    base: BaseSource
    vae: Weights | None
    controls: tuple[ControlPlan, ...]
    loras: tuple[LoraPlan, ...]
    hands: HandPlan | None = None
    reference: ReferencePlan | None = None

    @property
    def roles(self) -> set[ControlRole]:
        """What its ControlNets are shown."""
        return {role for control in self.controls for role in control.roles}

    @property
    def files(self) -> list[Path]:
        """Every file of weights."""
        weights = [*(control.weights for control in self.controls), *(lora.weights for lora in self.loras)]
        weights += [self.vae] if self.vae else []
        weights += [self.hands.weights] if self.hands else []
        weights += [self.reference.adapter, self.reference.encoder] if self.reference else []
        return list(dict.fromkeys([*self.base.files, *(path for part in weights for path in part.paths)]))


def refuse_stock_parts(request: GenerationRequest) -> None:
    """Refuse what only stock models take, for a model of our own kind.

    Raises:
        UsageError
    """
    for what, given in (
        ("a ControlNet", request.controlnets),
        ("a LoRA", request.all_loras),
        ("another VAE", request.vae),
        ("a reference picture", request.reference),
    ):
        if given:
            raise UsageError(
                f"The embedded model and its like take no part of another, and {what} is given: "
                "name a base model with --model, or leave it out."
            )
    if request.upscale:
        raise UsageError("This model paints at its own size only: leave out --upscale, or choose a stock model.")


def refuse_unseen(request: GenerationRequest, roles: Collection[ControlRole], hand_generator: bool) -> None:
    """Refuse a request whose pose or hands a stock model would not be shown.

    Args:
        request: one stage or two.
        roles: what its ControlNets are shown.
        hand_generator: whether the hands have a model of their own.

    Raises:
        ModelError
    """
    if not _SHOW_POSE.intersection(roles):
        raise ModelError(
            "The base model has no ControlNet that shows it the pose: name one for openpose or depth with --controlnet."
        )
    if request.two_stages and not hand_generator and not _SHOW_HANDS.intersection(roles):
        raise ModelError(
            "Nothing shows the base model the hands: name a hand generator with --hand-model or a ControlNet for "
            "openpose with --controlnet, or use --single-stage."
        )


def plan_base(name: str) -> StockPlan:
    """A stock model to train on.

    Raises:
        ModelError: where there is none, or it is none to train on.
    """
    plan = plan_stock(name, folders=remembered())
    architecture = plan.base.architecture
    if architecture.in_channels != 4 or architecture.consistency:
        raise ModelError(f"{plan.base.path} is {architecture.title}: train on an ordinary model of this family.")
    return plan


def plan_request(request: GenerationRequest, *, half: bool = False) -> StockPlan:
    """:func:`plan_stock` for the stock model that a request names, with the folders that the user has pointed at.

    Raises:
        ModelError
    """
    return plan_stock(
        request.model,
        request.controlnets,
        request.all_loras,
        vae=request.vae,
        hand_model=request.hand_model,
        reference=request.reference,
        half=half,
        folders=remembered(),
    )


def plan_stock(
    model: str,
    controlnets: Sequence[ControlNetChoice] = (),
    loras: Sequence[LoraChoice] = (),
    *,
    vae: str = "",
    hand_model: str = "",
    reference: str = "",
    half: bool = False,
    folders: Sequence[Path] = (),
) -> StockPlan:
    """Find a stock model's files, and refuse what does not fit together.

    Args:
        model: as :func:`locate` takes it, as are the names in the other arguments.
        half: prefer ``fp16`` variants, where folders have them.
        folders: where bare names are looked up.

    Raises:
        ModelError: naming the file that is missing, damaged or of another family.
    """
    base = base_source(locate(model, folders), half=half, own_vae=not vae)
    return StockPlan(
        base,
        _vae(vae, base, half, folders) if vae else None,
        tuple(_control(choice, base, half, folders) for choice in controlnets),
        tuple(_lora(choice, base, folders) for choice in loras),
        plan_hands(hand_model, base, folders) if hand_model else None,
        plan_reference(reference, base, folders) if reference else None,
    )


def _part_folder(path: Path, part: str) -> Path:
    """A part's own folder, where a whole model's is given."""
    return path / part if path.is_dir() and (path / part).is_dir() else path


def _vae(name: str, base: BaseSource, half: bool, folders: Sequence[Path]) -> Weights:
    weights = read_weights(_part_folder(locate(name, folders), "vae"), half=half)
    architecture = weights.architecture
    if architecture.kind not in ("vae", "checkpoint") or not vae_part(weights).places:
        raise ModelError(
            f"{weights.path} is no VAE of {FAMILIES[base.architecture.family]} but: "
            f"{architecture.title}; choose another."
        )
    family = architecture.family or _vae_family(weights)
    if family in PAINTABLE and family != base.architecture.family:
        raise ModelError(
            f"The VAE {weights.path} is for {FAMILIES[family]} and the model {base.path} is "
            f"{FAMILIES[base.architecture.family]}: choose a pair of one family."
        )
    return weights


def _vae_family(weights: Weights) -> Family:
    """Family of a VAE by itself, whose tensors are alike in both: by its configuration, or for one file by the
    catalogue; empty where neither tells."""
    if weights.config is None:
        known = recognise(weights.paths[0], checked(weights.paths[0]))
        return known.family if known else ""
    factor = weights.config.get("scaling_factor")
    return next((family for family in PAINTABLE if defaults(family, "vae")["scaling_factor"] == factor), "")


def _control(choice: ControlNetChoice, base: BaseSource, half: bool, folders: Sequence[Path]) -> ControlPlan:
    weights = read_weights(_part_folder(locate(choice.model, folders), "controlnet"), half=half)
    architecture = weights.architecture
    path = weights.path
    if architecture.kind not in ("controlnet", "union"):
        raise ModelError(f"{path} is no ControlNet but: {architecture.title}; give one, or put it where it belongs.")
    if architecture.family != base.architecture.family:
        raise ModelError(
            f"The ControlNet {path} is for {FAMILIES[architecture.family]} and the model {base.path} is "
            f"{FAMILIES[base.architecture.family]}: choose a pair of one family."
        )
    part = controlnet_part(weights)
    for name in ("conv_in.weight", "time_embedding.linear_1.weight"):
        have, want = part.shapes.get(name), base.parts["unet"].shapes.get(name)
        if have and want and have[0] != want[0]:
            raise ModelError(
                f"The ControlNet {path} is {have[0]} channels wide where the model {base.path} has {want[0]}: "
                "choose one that was made for this model."
            )
    modes = {role: mode for role, mode in UNION_MODES.items() if mode < architecture.control_types}
    own = _refuse_other_hint(path, part)
    roles = choice.roles or tuple(modes) or own or _catalogued(weights)
    if not roles:
        raise ModelError(
            f"The ControlNet {path} does not tell what it is to be shown: name it, as in "
            f"--controlnet openpose={choice.model}."
        )
    if modes and (unable := [role for role in roles if role not in modes]):
        raise ModelError(f"The union ControlNet {path} takes no {unable[0]}: it takes {', '.join(modes)}.")
    if not modes and len(roles) > 1:
        raise ModelError(f"The ControlNet {path} takes one thing and not {' and '.join(roles)}: name one of them.")
    if ("outpaint" in roles) != bool(own):
        raise ModelError(
            f"The ControlNet {path} takes outpaint and not {roles[0]}: name it without a role."
            if own
            else f"The ControlNet {path} takes one picture and not outpaint: name it for a role such as openpose."
        )
    return ControlPlan(weights, part, roles, {role: modes[role] for role in roles} if modes else {}, choice.scale)


def _refuse_other_hint(path: Path, part: PartSource) -> tuple[ControlRole, ...]:
    """The role of a ControlNet that takes more than a picture, which is one of ours; none for an ordinary one."""
    shape = part.shapes.get("controlnet_cond_embedding.conv_in.weight", ())
    channels = shape[1] if len(shape) == 4 else 3
    if channels == 3:
        return ()
    if not 8 <= channels <= HINT_CHANNELS:
        raise ModelError(f"The ControlNet {path} takes a hint of {channels} channels, which HandDiff cannot draw.")
    return ("outpaint",)


def _catalogued(weights: Weights) -> tuple[ControlRole, ...]:
    file = weights.paths[0]
    return roles_of(file, checked(file))


def _lora(choice: LoraChoice, base: BaseSource, folders: Sequence[Path]) -> LoraPlan:
    weights = read_weights(locate(choice.model, folders))
    architecture = weights.architecture
    path = weights.path
    if architecture.kind == "lycoris" or any("dora_scale" in n or "lora_magnitude" in n for n in weights.tensors):
        kind = "LyCORIS network" if architecture.kind == "lycoris" else "DoRA"
        raise ModelError(f"{path} is a {kind}, which HandDiff cannot add: give an ordinary LoRA.")
    if architecture.kind != "lora":
        raise ModelError(f"{path} is no LoRA but: {architecture.title}; put it where it belongs.")
    if architecture.family and architecture.family != base.architecture.family:
        raise ModelError(
            f"The LoRA {path} is for {FAMILIES[architecture.family]} and the model {base.path} is "
            f"{FAMILIES[base.architecture.family]}: choose a pair of one family."
        )
    return LoraPlan(weights, choice.weight)
