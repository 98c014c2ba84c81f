# SPDX-License-Identifier: GPL-3.0-or-later
"""LoRAs of every common naming, added to a model's weights when it is loaded: they cost nothing at each step."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from ..errors import ModelError
from ..models.original_names import original_unet_modules
from ..models.parts import Place
from ..models.sources import Weights
from .stock_parts import read_tensors

_ENDINGS = (
    (re.compile(r"(.+)\.lora_(down|up|mid)\.weight"), None),  # kohya
    (re.compile(r"(.+)\.lora_(A|B)(?:\.\w+)?\.weight"), {"A": "down", "B": "up"}),  # peft
    (re.compile(r"(.+)\.(?:lora|lora_linear_layer)\.(down|up)\.weight"), None),  # diffusers
    (re.compile(r"(.+?)(?:\.processor)?\.(to_q|to_k|to_v|to_out)_lora\.(down|up)\.weight"), None),  # its first form
    (re.compile(r"(.+)\.(alpha)"), None),
)
_TEXT_PROJECTIONS = {"to_q": "q_proj", "to_k": "k_proj", "to_v": "v_proj", "to_out": "out_proj"}


@dataclass
class _Layer:
    """One layer's two factors (and a third, in some of convolutions)."""

    down: Place | None = None
    up: Place | None = None
    mid: Place | None = None
    alpha: Place | None = None


def merge_lora(weights: Weights, scale: float, unet: torch.nn.Module, text_encoders: list[Any]) -> dict[str, int]:
    """Add ``scale`` times a LoRA to the weights of a U-Net and its text encoders.

    Returns:
        how many layers were added, and how many have no place in the model.

    Raises:
        ModelError: where it does not fit the model.
    """
    path = weights.path
    targets = _targets(unet, text_encoders)
    alphas = _peft_alphas(weights.metadata)
    added = unused = 0
    for name, layer in _layers(weights).items():
        target = targets.get(name)
        if layer.down is None or layer.up is None:
            continue  # an alpha by itself
        if target is None:
            unused += 1
            continue
        places = {key: place for key, place in vars(layer).items() if place is not None}
        weight: torch.Tensor = target.weight  # type: ignore[assignment]
        tensors = read_tensors(places, weight.device, torch.float32)
        rank = tensors["down"].shape[0]
        alpha = tensors["alpha"].mean().item() if "alpha" in tensors else alphas.get(name.partition(".")[0], rank)
        with torch.no_grad():
            change = _product(tensors, path, name)
            if change.numel() != weight.numel():
                raise ModelError(
                    f"The LoRA {path} does not fit the model at {name}: choose one that was trained on its family."
                )
            weight.copy_(weight.float() + scale * alpha / rank * change.reshape(weight.shape))
        added += 1
    if not added:
        raise ModelError(f"The LoRA {path} has no layer in common with the model: choose one of the model's family.")
    return {"layers": added, "unused": unused}


def _layers(weights: Weights) -> dict[str, _Layer]:
    """A LoRA's layers by the name of the module that each changes."""
    layers: dict[str, _Layer] = {}
    for name, info in weights.tensors.items():
        for pattern, roles in _ENDINGS:
            if match := pattern.fullmatch(name):
                *words, role = match.groups()
                layer = layers.setdefault(_module(words), _Layer())
                setattr(layer, (roles or {}).get(role, role), Place(weights.files[name], name, info.shape))
                break
    return layers


def _module(words: list[str]) -> str:
    """The module's name in one form: ``unet.``, ``text_encoder.`` or kohya's with underscores as it is."""
    name = words[0]
    if len(words) == 2:
        name += "." + (_TEXT_PROJECTIONS[words[1]] if ".self_attn" in name else words[1])
        name += ".0" if words[1] == "to_out" and ".self_attn" not in name else ""
    if name.startswith(("lora_unet_", "lora_te")):
        return name
    name = re.sub(r"^(base_model\.model|diffusion_model|transformer)\.", "", name)
    return name if name.startswith(("unet.", "text_encoder")) else f"unet.{name}"


def _targets(unet: torch.nn.Module, text_encoders: list[Any]) -> dict[str, torch.nn.Module]:
    """Every layer that a LoRA may change, by each name that files use for it."""
    config: Any = unet.config
    layers = config.layers_per_block if isinstance(config.layers_per_block, int) else config.layers_per_block[0]
    modules = _weighted(unet)
    aliases = [(name, name) for name in modules]
    aliases += original_unet_modules(modules, len(config.block_out_channels), layers).items()
    targets = {}
    for alias, name in aliases:
        targets[f"unet.{alias}"] = targets[f"lora_unet_{alias.replace('.', '_')}"] = modules[name]
    for number, encoder in enumerate(text_encoders):
        part = "text_encoder" if number == 0 else f"text_encoder_{number + 1}"
        kohya = [f"lora_te{number + 1}_", *(["lora_te_"] if number == 0 else [])]
        for name, module in _weighted(encoder).items():
            bare = name.removeprefix("text_model.")
            wrapped = bare if bare == "text_projection" else f"text_model.{bare}"
            targets[f"{part}.{wrapped}"] = targets[f"{part}.{bare}"] = module
            targets |= {f"{start}{wrapped.replace('.', '_')}": module for start in kohya}
    return targets


def _weighted(model: torch.nn.Module) -> dict[str, torch.nn.Module]:
    kinds = (torch.nn.Linear, torch.nn.Conv2d)
    return {name: module for name, module in model.named_modules() if isinstance(module, kinds)}


def _product(tensors: Mapping[str, torch.Tensor], path: Any, name: str) -> torch.Tensor:
    """The change that the factors stand for, in the shape of a matrix or of a convolution's kernel."""
    down, up = tensors["down"], tensors["up"]
    try:
        if "mid" in tensors:
            return torch.einsum("op,pqkl,qi->oikl", up.flatten(1), tensors["mid"], down.flatten(1))
        return up.flatten(1) @ down.flatten(1)
    except RuntimeError as error:
        raise ModelError(f"The LoRA {path} is damaged (its factors at {name} do not fit): copy it again.") from error


def _peft_alphas(metadata: Mapping[str, str]) -> dict[str, float]:
    """Alphas that diffusers keeps in a LoRA's metadata, by part (``unet``, ``text_encoder``)."""
    try:
        table = json.loads(metadata.get("lora_adapter_metadata", "{}"))
    except ValueError:
        return {}
    entries = table.items() if isinstance(table, dict) else ()
    return {
        key.removesuffix(".lora_alpha"): float(value)
        for key, value in entries
        if key.endswith(".lora_alpha") and isinstance(value, (int, float))
    }
