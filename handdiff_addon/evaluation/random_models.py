# SPDX-License-Identifier: GPL-3.0-or-later
"""Stock models of random weights, at full size or narrower: for timing, where weights do not matter."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from diffusers import AutoencoderKL, ControlNetModel, DDIMScheduler, EulerDiscreteScheduler, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from ..diffusion.stock import Control, Family, StockModel
from ..training.initialise import make_tokenizer

FULL, NARROW = 320, 32
"""Channels of the U-Net's first level: as published, and for a CPU"""


def random_stock_model(family: Family, channels: int, device: torch.device, dtype: torch.dtype) -> StockModel:
    """A base model with an openpose ControlNet, as deep as the published ones."""
    torch.manual_seed(0)
    full = channels == FULL
    hints = (16, 32, 96, 256) if full else (8, 8, 16, 32)
    with device:
        text = _text_encoders(family, full)
        shape = _shape(family, channels, sum(encoder.config.hidden_size for encoder in text), text[-1])
        control = {name: value for name, value in shape.items() if name != "up_block_types"}
        networks = [
            UNet2DConditionModel(sample_size=64 if family == "sd15" else 128, **shape),
            ControlNetModel(conditioning_embedding_out_channels=hints, **control),
            _autoencoder(family, 128 if full else 32),
            *text,
        ]
    for network in networks:
        network.to(dtype=dtype).eval().requires_grad_(False)
    with TemporaryDirectory() as folder:
        tokenizer = make_tokenizer(["a person in a red shirt with a green background"], Path(folder), 77)
    betas = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}
    return StockModel(
        family=family,
        tokenizers=[tokenizer] * len(text),
        text_encoders=text,
        unet=networks[0],
        vae=networks[2],
        scheduler=DDIMScheduler(**betas, clip_sample=False, set_alpha_to_one=False)
        if family == "sd15"
        else EulerDiscreteScheduler(**betas),
        controls=[Control(networks[1], ("openpose",))],
        identity={"name": f"random {family}", "sha256": {}},
        device=device,
        dtype=dtype,
    )


def parameters(model: StockModel) -> int:
    """Of all its networks."""
    networks = [model.unet, model.vae, *model.text_encoders, *(control.model for control in model.controls)]
    return sum(weight.numel() for network in networks for weight in network.parameters())


def _shape(family: Family, channels: int, text_width: int, last_encoder: Any) -> dict[str, Any]:
    if family == "sd15":
        return {
            "block_out_channels": (channels, 2 * channels, 4 * channels, 4 * channels),
            "cross_attention_dim": text_width,
            "attention_head_dim": 8,
        }
    return {
        "block_out_channels": (channels, 2 * channels, 4 * channels),
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        "transformer_layers_per_block": (1, 2, 10),
        "attention_head_dim": tuple(max(1, channels * factor // 64) for factor in (1, 2, 4)),
        "cross_attention_dim": text_width,
        "use_linear_projection": True,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 256,
        "projection_class_embeddings_input_dim": 6 * 256 + last_encoder.config.projection_dim,
    }


def _autoencoder(family: Family, channels: int) -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(channels, 2 * channels, 4 * channels, 4 * channels),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=2,
        latent_channels=4,
        sample_size=512 if family == "sd15" else 1024,
        scaling_factor=0.18215 if family == "sd15" else 0.13025,
        force_upcast=family == "sdxl",
    )


def _text_encoders(family: Family, full: bool) -> list[Any]:
    words = {"vocab_size": 49408, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
    small = {"hidden_size": 64, "intermediate_size": 256, "num_attention_heads": 4, "num_hidden_layers": 12}
    large = {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12, "num_hidden_layers": 12}
    encoders: list[Any] = [CLIPTextModel(CLIPTextConfig(**words, **(large if full else small)))]
    if family == "sdxl":
        wider = {"hidden_size": 1280, "intermediate_size": 5120, "num_attention_heads": 20, "num_hidden_layers": 32}
        shape = {**(wider if full else small), "projection_dim": 1280 if full else 64}
        encoders.append(CLIPTextModelWithProjection(CLIPTextConfig(**words, **shape)))
    return encoders
