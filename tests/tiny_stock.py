# SPDX-License-Identifier: GPL-3.0-or-later
"""Tiny stock models of random weights, in diffusers' own classes: they prove plumbing, not quality."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    ControlNetModel,
    ControlNetUnionModel,
    DDIMScheduler,
    EulerDiscreteScheduler,
    UNet2DConditionModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from handdiff_addon.diffusion.stock import Control, Family, Role, StockModel

WIDTH = 32  # of the text encoders


def stock_model(
    family: Family = "sd15",
    roles: tuple[Role, ...] = ("openpose",),
    *,
    inpainting: bool = False,
    union: dict[Role, int] | None = None,
    scheduler: Any = None,
    seed: int = 0,
    **changes: Any,
) -> StockModel:
    """A loaded model: one ControlNet for each role, or one union model with these modes."""
    torch.manual_seed(seed)
    dtype = changes.pop("dtype", torch.float32)
    shape = _unet_shape(family)
    unet = UNet2DConditionModel(in_channels=9 if inpainting else 4, out_channels=4, sample_size=32, **shape)
    controls = [Control(_controlnet(ControlNetModel, shape), (role,)) for role in roles]
    if union:
        model = _controlnet(
            ControlNetUnionModel,
            shape,
            num_control_type=8,
            num_trans_channel=32,
            num_trans_head=4,
            num_trans_layer=1,
            num_proj_channel=32,
        )
        controls = [Control(model, tuple(union), union)]
    model = StockModel(
        family=family,
        tokenizers=[_tokenizer()] * (1 if family == "sd15" else 2),
        text_encoders=_text_encoders(family),
        unet=unet.eval().requires_grad_(False),
        vae=_vae(),
        scheduler=scheduler or _scheduler(family),
        controls=controls,
        identity={"name": f"tiny {family}", "sha256": {}},
        device=torch.device("cpu"),
        dtype=dtype,
        **changes,
    )
    for network in (model.unet, model.vae, *model.text_encoders, *(control.model for control in model.controls)):
        network.to(dtype=dtype)
    return model


def _unet_shape(family: Family) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "block_out_channels": (32, 64),
        "layers_per_block": 1,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
        "cross_attention_dim": WIDTH,
        "norm_num_groups": 16,
        "attention_head_dim": 2,
    }
    if family == "sdxl":
        shape |= {
            "use_linear_projection": True,
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 8,
            "transformer_layers_per_block": (1, 2),
            "projection_class_embeddings_input_dim": 6 * 8 + WIDTH,
            "cross_attention_dim": 2 * WIDTH,
        }
    return shape


def _controlnet(kind: Any, shape: dict[str, Any], **more: Any) -> Any:
    own = {name: value for name, value in shape.items() if name != "up_block_types"}
    model = kind(in_channels=4, conditioning_embedding_out_channels=(8, 16, 16), **own, **more)
    for convolution in (*model.controlnet_down_blocks, model.controlnet_mid_block):
        torch.nn.init.normal_(convolution.weight, std=0.2)  # they start at zero, which would hide the control
    torch.nn.init.normal_(model.controlnet_cond_embedding.conv_out.weight, std=0.2)
    return model.eval().requires_grad_(False)


def _vae() -> AutoencoderKL:
    vae = AutoencoderKL(
        block_out_channels=(8, 16, 16),
        norm_num_groups=8,
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        latent_channels=4,
        sample_size=32,
    )
    # Next to no variance, so that what diffusers draws from the posterior is its mean.
    with torch.no_grad():
        vae.quant_conv.weight[4:] = 0.0
        vae.quant_conv.bias[4:] = -30.0
    return vae.eval().requires_grad_(False)


def _scheduler(family: Family) -> Any:
    betas = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
    if family == "sdxl":
        return EulerDiscreteScheduler(**betas, timestep_spacing="leading", steps_offset=1)
    return DDIMScheduler(**betas, clip_sample=False, set_alpha_to_one=False, steps_offset=1)


def _text_encoders(family: Family) -> list[Any]:
    config = CLIPTextConfig(
        hidden_size=WIDTH,
        intermediate_size=37,
        num_attention_heads=4,
        num_hidden_layers=3,
        vocab_size=514,
        projection_dim=WIDTH,
        bos_token_id=512,
        eos_token_id=513,
        pad_token_id=513,
    )
    encoders = [CLIPTextModel(config)]
    if family == "sdxl":
        encoders.append(CLIPTextModelWithProjection(config))
    return [encoder.eval().requires_grad_(False) for encoder in encoders]


@cache
def _tokenizer() -> CLIPTokenizer:
    """Bytes for words, and no merges."""
    from tokenizers import pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    symbols = alphabet + [symbol + "</w>" for symbol in alphabet] + ["<|startoftext|>", "<|endoftext|>"]
    folder = Path(mkdtemp(prefix="handdiff-tokenizer-"))
    (folder / "vocab.json").write_text(json.dumps({symbol: index for index, symbol in enumerate(symbols)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return CLIPTokenizer.from_pretrained(folder, local_files_only=True, model_max_length=77)
