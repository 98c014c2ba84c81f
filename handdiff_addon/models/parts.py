# SPDX-License-Identifier: GPL-3.0-or-later
"""The tensors of a stock model's parts in files of any layout, by the names that diffusers and transformers give them.

Told from headers, without torch.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ModelError
from . import original_names as original
from .architecture import below
from .sources import Weights


@dataclass(frozen=True)
class Place:
    """Where one tensor of a part lies, and how to take it out."""

    file: Path
    name: str
    """In the file"""
    shape: tuple[int, ...]
    """As the part needs it"""
    rows: tuple[int, int] | None = None
    """Take these rows of the file's tensor only"""
    transpose: bool = False


@dataclass(frozen=True)
class PartSource:
    """One network's tensors by diffusers' (a text encoder's by transformers') names."""

    places: dict[str, Place]
    config: dict[str, Any] | None
    """The configuration that came with it, None for one file"""

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: place.shape for name, place in self.places.items()}


@contextmanager
def well_formed(path: Path) -> Iterator[None]:
    """Refuse a file whose tensors have not the shapes that their names promise.

    Raises:
        ModelError
    """
    try:
        yield
    except (KeyError, IndexError, ValueError) as error:
        raise ModelError(
            f"{path} lacks a tensor or has one of a wrong shape ({error}): copy or download it again."
        ) from error


def unet_part(weights: Weights) -> PartSource:
    """The U-Net of a file or folder."""
    for prefix in (original.UNET, ""):
        if f"{prefix}input_blocks.0.0.weight" in weights.tensors:
            return _part(weights, prefix, original.unet_names)
    return _part(weights)


def controlnet_part(weights: Weights) -> PartSource:
    """The ControlNet of a file or folder."""
    for prefix in (original.CONTROLNET, ""):
        if f"{prefix}input_hint_block.0.weight" in weights.tensors:
            return _part(weights, prefix, original.unet_names)
    return _part(weights)


def vae_part(weights: Weights) -> PartSource:
    """The autoencoder of a file or folder."""
    prefix = original.VAE if any(name.startswith(original.VAE) for name in weights.tensors) else ""
    tensors = {name: info for name, info in below(weights.tensors, prefix).items() if _of_autoencoder(name)}
    part = _part(weights, prefix, lambda _: original.vae_names(tensors))
    flat = {  # attention by 1 x 1 convolutions there, by matrices here
        name: Place(place.file, place.name, place.shape[:2])
        for name, place in part.places.items()
        if ".mid_block.attentions.0.to_" in name and name.endswith(".weight")
    }
    return PartSource(part.places | flat, part.config)


def _of_autoencoder(name: str) -> bool:
    return name.startswith(("encoder.", "decoder.", "quant_conv.", "post_quant_conv."))


def text_part(weights: Weights) -> PartSource:
    """The first, or only, text encoder of a file; or the one of a folder."""
    prefix = next((p for p in original.TEXT if any(name.startswith(p) for name in weights.tensors)), "")
    tensors = below(weights.tensors, prefix)
    table = {}
    for name in tensors:
        if re.match(r"(text_model\.)?(embeddings|encoder|final_layer_norm)\.", name):
            if not name.endswith("position_ids"):
                table[name] = name if name.startswith("text_model.") else f"text_model.{name}"
        elif name == "text_projection.weight":
            table[name] = name
    return _part(weights, prefix, lambda _: table)


def open_text_part(weights: Weights) -> PartSource:
    """SDXL's second text encoder in one file, which has query, key and value in one tensor."""
    prefix = original.OPEN_TEXT
    places: dict[str, Place] = {}
    for name, place in _part(weights, prefix, original.open_clip_names).places.items():
        if ".in_proj." in name:
            with well_formed(place.file):
                width = place.shape[0] // 3
            for number, letter in enumerate("qkv"):
                places[name.replace("in_proj", f"{letter}_proj")] = Place(
                    place.file, place.name, (width, *place.shape[1:]), (number * width, (number + 1) * width)
                )
        elif name == "text_projection.weight":
            places[name] = Place(place.file, place.name, place.shape[::-1], transpose=True)
        else:
            places[name] = place
    return PartSource(places, None)


def _part(weights: Weights, prefix: str = "", rename: Callable[[Any], dict[str, str]] | None = None) -> PartSource:
    tensors = below(weights.tensors, prefix)
    names = rename(tensors) if rename else {name: name for name in tensors}
    places = {
        new: Place(weights.files[prefix + old], prefix + old, weights.tensors[prefix + old].shape)
        for old, new in names.items()
    }
    return PartSource(places, weights.config)
