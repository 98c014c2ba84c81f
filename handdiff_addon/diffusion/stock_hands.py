# SPDX-License-Identifier: GPL-3.0-or-later
"""A hand generator made of a stock base: its U-Net with heatmaps beside the latents, and a mask read from its features.

What training leaves alone is the base's own, so both lie in memory once, and what was added to the base (a LoRA) counts
for the hands as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import save

from ..conditioning.heatmaps import CHANNELS
from ..errors import ModelError, first_line
from ..files import write_bytes, write_json
from ..models.architecture import below
from ..models.hand_models import MASK_HEAD, PART, UNET, HandPlan
from ..models.parts import Place
from .mask_head import MaskHead
from .stock_parts import read_tensors

MASK_CHANNELS = 64
"""Width of the mask head's first layer"""


@dataclass
class StockHands:
    """Stage 1 of a stock model: latents and heatmaps in; the base's kind of prediction, and by the mask head a mask."""

    unet: UNet2DConditionModel
    mask_head: MaskHead
    crop: int
    """Side of its crops in pixels"""


def hand_unet(base: UNet2DConditionModel, differences: Mapping[str, torch.Tensor]) -> UNet2DConditionModel:
    """A base's U-Net that takes the heatmaps after the latents, at first without effect.

    Args:
        base: its parameters are shared, all but the first convolution's weights and those that differ.
        differences: to the base's tensors by name, the first convolution's with zeros for the heatmaps.
    """
    tensors = base.state_dict(keep_vars=True)
    with torch.no_grad():
        first = tensors["conv_in.weight"]
        tensors["conv_in.weight"] = torch.cat([first, first.new_zeros(len(first), CHANNELS, *first.shape[2:])], dim=1)
        for name, difference in differences.items():
            own = tensors[name]
            tensors[name] = (own.float() + difference.to(own.device, torch.float32)).to(own.dtype)
    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config({**base.config, "in_channels": base.config.in_channels + CHANNELS})
    unet.load_state_dict(tensors, assign=True)
    return unet.eval().requires_grad_(False)


def make_mask_head(unet: UNet2DConditionModel, cell: int) -> MaskHead:
    """An untrained mask head on a U-Net's last features; ``cell`` is the side of a latent cell in pixels."""
    return MaskHead(in_channels=unet.config.block_out_channels[0], scale=cell, channels=MASK_CHANNELS)


def load_hands(plan: HandPlan, base: UNet2DConditionModel, device: torch.device) -> StockHands:
    """The hand generator that :func:`~handdiff_addon.models.hand_models.plan_hands` found, on its base.

    Raises:
        ModelError: where its mask head cannot be built.
    """
    places = {name: Place(plan.weights.files[name], name, info.shape) for name, info in plan.weights.tensors.items()}
    tensors = read_tensors(places, device, torch.float32)
    unet = hand_unet(base, below(tensors, UNET))
    try:
        with torch.device("meta"):
            mask_head = MaskHead(**plan.mask_head | {"in_channels": unet.config.block_out_channels[0]})
        mask_head.load_state_dict(below(tensors, MASK_HEAD), assign=True)
    except (TypeError, ValueError, KeyError, RuntimeError) as error:
        raise ModelError(
            f"The mask head of {plan.weights.path} is damaged ({first_line(error)}): copy it again, or train it anew."
        ) from error
    return StockHands(unet, mask_head.eval().requires_grad_(False), plan.crop)


def save_hands(
    folder: Path, differences: Mapping[str, torch.Tensor], mask_head: MaskHead, base: Mapping[str, str], crop: int
) -> None:
    """Write a hand generator as a folder that ``--hand-model`` takes, in half precision.

    Args:
        folder: exists.
        differences: to the base's U-Net, by name.
        mask_head: written whole.
        base: the base's ``family``, ``name`` and ``fingerprint``.
        crop: side of the crops in pixels.
    """
    tensors = {f"{UNET}{name}": tensor for name, tensor in differences.items()}
    tensors |= {f"{MASK_HEAD}{name}": tensor for name, tensor in mask_head.state_dict().items()}
    halves = {name: tensor.detach().to("cpu", torch.float16).contiguous() for name, tensor in tensors.items()}
    write_bytes(folder / f"{PART}.safetensors", save(halves))
    config: dict[str, Any] = {"part": PART, "base": dict(base), "crop": crop, "heatmaps": CHANNELS}
    write_json(folder / "config.json", {**config, "mask_head": mask_head.config})
