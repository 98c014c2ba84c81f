# SPDX-License-Identifier: GPL-3.0-or-later
"""Hand generators for stock models: a folder that holds what differs from the base they were trained on.

``config.json`` says which base, at which size and how the mask is read; ``hand_generator.safetensors`` holds the
differences to the base's U-Net by diffusers' names (``unet.``), and the mask head whole (``mask_head.``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..conditioning.heatmaps import CHANNELS
from ..errors import ModelError
from ..files import there
from .architecture import FAMILIES
from .bases import BaseSource
from .catalogue import is_own
from .parts import PartSource
from .sources import Weights, locate, read_weights, source_name
from .weights import read_half

PART = "hand_generator"
UNET, MASK_HEAD = "unet.", "mask_head."
_TOLD_BY = (
    "conv_in.weight",
    "conv_out.weight",
    "time_embedding.linear_1.weight",
    "mid_block.attentions.0.transformer_blocks.0.attn1.to_q.weight",
)
"""Tensors of a U-Net that tell it from others of its shape"""


@dataclass(frozen=True)
class HandPlan:
    """A hand generator, found and checked for fitting its base."""

    weights: Weights
    crop: int
    """Side of its crops in pixels"""
    mask_head: dict[str, Any]
    """Arguments of :class:`~handdiff_addon.diffusion.mask_head.MaskHead`"""


def is_hand_model(path: Path) -> bool:
    """Whether a folder is a hand generator for a stock model: looks at its files' names only."""
    return (path / f"{PART}.safetensors").is_file()


def fingerprint(unet: PartSource) -> str:
    """What tells a base's U-Net from others, whichever layout and precision it comes in: a sha256.

    Raises:
        ModelError: where the U-Net lacks a tensor, or a file cannot be read.
    """
    sha = hashlib.sha256()
    for name in _TOLD_BY:
        if name not in unet.places:
            raise ModelError(f"The U-Net lacks the tensor {name}: copy or download the model again.")
        place = unet.places[name]
        sha.update(read_half(place.file, place.name).tobytes())
    return sha.hexdigest()


def plan_hands(name: str, base: BaseSource, folders: Sequence[Path] = ()) -> HandPlan:
    """Find a hand generator, and refuse one that was trained on another base.

    Args:
        name: as :func:`locate` takes it.
        base: the model that is painted with.
        folders: where bare names are looked up.

    Raises:
        ModelError
    """
    path = locate(name, folders)
    if not is_hand_model(path):
        if path.is_dir() and is_own(str(path)):
            raise ModelError(
                f"The hand generator {path} is of the embedded kind and the model {base.path} is not: leave out "
                "--hand-model, or train one for it with  handdiff train hands --base."
            )
        raise ModelError(
            f"{path} is no hand generator for a stock model: give the folder that  handdiff train hands --base  made."
        )
    weights = read_weights(path)
    config = weights.config or {}
    try:
        of, crop, mask_head = config["base"], int(config["crop"]), dict(config["mask_head"])
        family, its_name, its_print = str(of["family"]), str(of["name"]), str(of["fingerprint"])
        if config["part"] != PART or not 64 <= crop <= 4096 or config["heatmaps"] != CHANNELS:
            raise ValueError(PART)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"{path / 'config.json'} is not a hand generator's ({error}): copy it again, or train it anew."
        ) from error
    if family != base.architecture.family:
        raise ModelError(
            f"The hand generator {path} is for {FAMILIES.get(family, family)} and the model {base.path} is "  # type: ignore[call-overload]
            f"{FAMILIES[base.architecture.family]}: choose a pair of one family."
        )
    shapes = base.parts["unet"].shapes
    for tensor, info in weights.tensors.items():
        wanted = shapes.get(tensor.removeprefix(UNET), ())
        if tensor == f"{UNET}conv_in.weight" and wanted:
            wanted = (wanted[0], wanted[1] + CHANNELS, *wanted[2:])
        if tensor.startswith(UNET) and info.shape != wanted:
            raise ModelError(
                f"The hand generator {path} was trained on {its_name}, whose tensor {tensor.removeprefix(UNET)} has "
                f"another shape in {base.path}: name that model with --model."
            )
    if fingerprint(base.parts["unet"]) != its_print:
        raise ModelError(
            f"The hand generator {path} was trained on {its_name} and the model is {source_name(base.path)}: name that "
            "model with --model, or train one for this."
        )
    return HandPlan(weights, crop, mask_head)


def refuse_stock_hands(name: str) -> None:
    """Refuse a hand generator for a stock model where a model of our own kind paints.

    Raises:
        ModelError
    """
    if name and (path := there(name)) and is_hand_model(path):
        raise ModelError(
            f"The hand generator {name} is for a stock model: name the model it was trained on with --model."
        )
