# SPDX-License-Identifier: GPL-3.0-or-later
"""Configurations of a model's parts, read from the shapes of its tensors in diffusers' names.

What shapes do not tell (activations, heads, how noise is scaled) comes from :data:`DEFAULTS`, which describe the
published architectures, or from the configuration that a model folder brings.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from .architecture import Family

Shapes = Mapping[str, tuple[int, ...]]
Config = dict[str, Any]


@cache
def _read(name: str) -> str:
    return (Path(__file__).parent / "configs" / f"{name}.json").read_text(encoding="utf-8")


def defaults(family: Family, part: str) -> Config:
    """Configuration of a part (``unet``, ``vae``, ``text_encoder``, ``scheduler`` ...) of the published model."""
    return json.loads(_read(family))[part]


def unet_config(shapes: Shapes) -> Config:
    """What the shapes tell of a U-Net's configuration, in diffusers' terms."""
    config = _blocks(shapes)
    config["up_block_types"] = [
        "CrossAttnUpBlock2D" if _count(shapes, f"up_blocks.{level}.attentions") else "UpBlock2D"
        for level in range(_count(shapes, "up_blocks"))
    ]
    if "conv_out.weight" in shapes:
        config["out_channels"] = shapes["conv_out.weight"][0]
    if "time_embedding.cond_proj.weight" in shapes:
        config["time_cond_proj_dim"] = shapes["time_embedding.cond_proj.weight"][1]
    return config


def controlnet_config(shapes: Shapes) -> Config:
    """What the shapes tell of a ControlNet's configuration, a union model's included, in diffusers' terms."""
    config = _blocks(shapes)
    hint = "controlnet_cond_embedding"
    blocks = _count(shapes, f"{hint}.blocks")
    config["conditioning_channels"] = shapes[f"{hint}.conv_in.weight"][1]
    widths = [shapes[f"{hint}.blocks.{number}.weight"][0] for number in range(1, blocks, 2)]
    config["conditioning_embedding_out_channels"] = [shapes[f"{hint}.conv_in.weight"][0], *widths]
    if "task_embedding" in shapes:
        config["num_control_type"], config["num_trans_channel"] = shapes["task_embedding"]
        config["num_trans_layer"] = _count(shapes, "transformer_layes")  # diffusers' spelling
        config["num_proj_channel"] = shapes["spatial_ch_projs.weight"][0]
    return config


def vae_config(shapes: Shapes) -> Config:
    """What the shapes tell of an autoencoder's configuration, in diffusers' terms."""
    levels = _count(shapes, "encoder.down_blocks")
    return {
        "latent_channels": shapes["decoder.conv_in.weight"][1],
        "block_out_channels": [
            shapes[f"encoder.down_blocks.{level}.resnets.0.conv1.weight"][0] for level in range(levels)
        ],
        "layers_per_block": _count(shapes, "encoder.down_blocks.0.resnets"),
        "down_block_types": ["DownEncoderBlock2D"] * levels,
        "up_block_types": ["UpDecoderBlock2D"] * levels,
        "use_quant_conv": "quant_conv.weight" in shapes,
        "use_post_quant_conv": "post_quant_conv.weight" in shapes,
    }


def text_config(shapes: Shapes) -> Config:
    """What the shapes tell of a CLIP text encoder's configuration, in transformers' terms."""
    vocabulary, width = shapes["text_model.embeddings.token_embedding.weight"]
    config = {
        "vocab_size": vocabulary,
        "hidden_size": width,
        "intermediate_size": shapes["text_model.encoder.layers.0.mlp.fc1.weight"][0],
        "num_hidden_layers": _count(shapes, "text_model.encoder.layers"),
        "max_position_embeddings": shapes["text_model.embeddings.position_embedding.weight"][0],
        # 64 channels a head in every CLIP text encoder
        "num_attention_heads": max(1, width // 64),
    }
    if "text_projection.weight" in shapes:
        config["projection_dim"] = shapes["text_projection.weight"][0]
    return config


def _blocks(shapes: Shapes) -> Config:
    """What U-Net and ControlNet have in common."""
    levels = _count(shapes, "down_blocks")
    resnets = [_count(shapes, f"down_blocks.{level}.resnets") for level in range(levels)]
    attends = [_count(shapes, f"down_blocks.{level}.attentions") > 0 for level in range(levels)]
    middle = _count(shapes, "mid_block.attentions.0.transformer_blocks")
    config: Config = {
        "in_channels": shapes["conv_in.weight"][1],
        "block_out_channels": [shapes[f"down_blocks.{level}.resnets.0.conv1.weight"][0] for level in range(levels)],
        "layers_per_block": resnets[0] if len(set(resnets)) == 1 else resnets,
        "down_block_types": ["CrossAttnDownBlock2D" if has else "DownBlock2D" for has in attends],
        "mid_block_type": "UNetMidBlock2DCrossAttn" if middle else "UNetMidBlock2D",
    }
    depths = [_depth(shapes, f"down_blocks.{level}.attentions") for level in range(levels)]
    if all(len(set(depth)) <= 1 for depth in depths):
        layers = [depth[0] if depth else 1 for depth in depths]
        # The middle has the last level's depth, which a level without attention leaves open.
        layers[-1] = layers[-1] if depths[-1] else max(middle, 1)
        config["transformer_layers_per_block"] = layers
    text = next((shape for name, shape in shapes.items() if name.endswith("attn2.to_k.weight")), None)
    if text:
        config["cross_attention_dim"] = text[1]
    projection = next((shape for name, shape in shapes.items() if name.endswith(".proj_in.weight")), None)
    if projection:
        config["use_linear_projection"] = len(projection) == 2
    if "add_embedding.linear_1.weight" in shapes:
        config["addition_embed_type"] = "text_time"
        config["projection_class_embeddings_input_dim"] = shapes["add_embedding.linear_1.weight"][1]
    return config


def _depth(shapes: Shapes, attentions: str) -> list[int]:
    return [_count(shapes, f"{attentions}.{n}.transformer_blocks") for n in range(_count(shapes, attentions))]


def _count(shapes: Shapes, modules: str) -> int:
    """How many numbered children ``modules`` has."""
    pattern = re.compile(re.escape(modules) + r"\.(\d+)\.")
    return 1 + max((int(match[1]) for name in shapes if (match := pattern.match(name))), default=-1)
