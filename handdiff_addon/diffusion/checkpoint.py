# SPDX-License-Identifier: GPL-3.0-or-later
"""A model folder, loaded: what stage 2 runs on, and the hand generator beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import ControlNetModel, DDIMScheduler, UNet2DConditionModel
from safetensors import SafetensorError
from transformers import CLIPTextModelWithProjection, CLIPTokenizer

from ..conditioning.hint import HINT_CHANNELS, hand_hint_channels
from ..errors import ModelError, first_line
from ..models.catalogue import check_model, find_model, is_own
from ..models.hand_models import refuse_stock_hands
from ..models.stock_plan import plan_request, refuse_stock_parts
from ..request import GenerationRequest
from .borders import continue_at_borders
from .colour_sketch import COLOURS, ColourSketch
from .mask_head import MaskHead
from .patch_autoencoder import PatchAutoencoder
from .refiner import Refiner
from .stock import StockModel


@dataclass
class HandGenerator:
    """Stage 1's network: latents and a hint in; noise or clean latents, and by the mask head a mask, out."""

    unet: UNet2DConditionModel
    mask_head: MaskHead
    autoencoder: PatchAutoencoder
    scheduler: DDIMScheduler

    @property
    def crop(self) -> int:
        """Side of its crops in pixels."""
        return int(self.unet.config.sample_size) * self.autoencoder.patch_size


@dataclass
class Checkpoint:
    """Everything a two-stage generation runs on, on one device."""

    tokenizer: Any
    text_encoder: CLIPTextModelWithProjection
    unet: UNet2DConditionModel
    controlnet: ControlNetModel
    sketch: ColourSketch
    refiner: Refiner | None
    """None: the model was trained without"""
    autoencoder: PatchAutoencoder
    scheduler: DDIMScheduler
    hands: HandGenerator
    identity: dict[str, Any]
    """What ``report.json`` says of the weights."""
    device: torch.device

    @property
    def canvas(self) -> int:
        """Side of the square that it was trained on, in pixels."""
        return int(self.unet.config.sample_size) * self.autoencoder.patch_size


def load_model(request: GenerationRequest, device: torch.device, dtype: torch.dtype) -> Checkpoint | StockModel:
    """Load what a request names: a model of our own kind, or a stock model with what belongs to it.

    Args:
        dtype: of a stock model; ours are always float32.

    Raises:
        ModelError: where a file is missing, damaged, unsafe, or does not fit the others.
        UsageError: where a model of our own kind is to take what only stock models take.
    """
    if is_own(request.model):
        refuse_stock_parts(request)
        return load_checkpoint(request.model, request.hand_model, device)
    from .stock_loading import load_plan

    return load_plan(plan_request(request, half=dtype in (torch.float16, torch.bfloat16)), device, dtype)


def load_checkpoint(model: str, hand_model: str, device: torch.device) -> Checkpoint:
    """Load a model folder in float32; names as :func:`find_model` takes them.

    Raises:
        ModelError: where a folder or file is missing, damaged or not what its place says.
    """
    folder = find_model(model)
    refuse_stock_hands(hand_model)
    hand_folder = find_model(hand_model) if hand_model else folder / "hands"
    identity = check_model(folder).report()
    if hand_model:
        identity["hand_model"] = check_model(hand_folder).report()
    elif not hand_folder.is_dir():
        raise ModelError(
            f"The model folder {folder} holds no hand generator: name one with --hand-model, or use --single-stage."
        )
    try:
        unet = _load(UNet2DConditionModel, folder / "unet", device)
        controlnet = _load(ControlNetModel, folder / "controlnet", device)
        for network in (unet, controlnet):
            continue_at_borders(network)
        checkpoint = Checkpoint(
            tokenizer=CLIPTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True),
            text_encoder=_load(CLIPTextModelWithProjection, folder / "text_encoder", device),
            unet=unet,
            controlnet=controlnet,
            sketch=ColourSketch.from_pretrained(folder / "colour_sketch").to(device).eval().requires_grad_(False),
            refiner=_load_refiner(folder / "refiner", device),
            autoencoder=PatchAutoencoder.from_pretrained(folder / "patch_autoencoder").to(device),
            scheduler=DDIMScheduler.from_pretrained(folder / "scheduler", local_files_only=True),
            hands=HandGenerator(
                unet=_load(UNet2DConditionModel, hand_folder / "unet", device),
                mask_head=MaskHead.from_pretrained(hand_folder / "mask_head").to(device).eval(),
                autoencoder=PatchAutoencoder.from_pretrained(hand_folder / "patch_autoencoder").to(device),
                scheduler=DDIMScheduler.from_pretrained(hand_folder / "scheduler", local_files_only=True),
            ),
            identity=identity,
            device=device,
        )
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise ModelError(
            f"The model in {folder} cannot be loaded ({first_line(error)}): install it again or choose another."
        ) from error
    hands = checkpoint.hands
    for name, got, wanted in (
        ("the U-Net's latent channels", unet.config.in_channels, checkpoint.autoencoder.latent_channels),
        ("the text encoder's width", checkpoint.text_encoder.config.hidden_size, unet.config.cross_attention_dim),
        (
            "the ControlNet's hint channels",
            checkpoint.controlnet.config.conditioning_channels,
            HINT_CHANNELS + COLOURS,
        ),
        ("the colour sketch's cell", checkpoint.sketch.cell, checkpoint.autoencoder.patch_size),
        ("the colour sketch's text width", checkpoint.sketch.said.in_features, unet.config.cross_attention_dim),
        (
            "the number of the colour sketch's questions",
            checkpoint.sketch.questions,
            checkpoint.text_encoder.config.vocab_size - len(checkpoint.tokenizer),
        ),
        (
            "the hand U-Net's input channels",
            hands.unet.config.in_channels,
            hands.autoencoder.latent_channels + hand_hint_channels(hands.autoencoder.patch_size),
        ),
    ):
        if got != wanted:
            raise ModelError(
                f"In the model {folder}, {name} is {got}, where {wanted} is needed: its parts are of different models."
            )
    return checkpoint


def _load(model_class: Any, folder: Path, device: torch.device) -> Any:
    model = model_class.from_pretrained(folder, local_files_only=True, use_safetensors=True, dtype=torch.float32)
    return model.to(device).eval().requires_grad_(False)


def _load_refiner(folder: Path, device: torch.device) -> Refiner | None:
    return Refiner.from_pretrained(folder).to(device).eval().requires_grad_(False) if folder.is_dir() else None
