# SPDX-License-Identifier: GPL-3.0-or-later
"""Tensor names of the original layout (one file for a whole model) in diffusers' terms, and what part they belong to.

The original U-Net counts its blocks through (``input_blocks.7.0``), diffusers names level and layer
(``down_blocks.2.resnets.0``); which number is which follows from where the file has its downsamplers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

UNET = "model.diffusion_model."
CONTROLNET = "control_model."
VAE = "first_stage_model."
TEXT = ("cond_stage_model.transformer.", "conditioner.embedders.0.transformer.")
"""CLIP ViT-L in SD 1.5's files and in SDXL's"""
OPEN_TEXT = "conditioner.embedders.1.model."
"""OpenCLIP ViT-bigG in SDXL's files"""

_RESNET = {
    "in_layers.0": "norm1", "in_layers.2": "conv1", "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2", "out_layers.3": "conv2", "skip_connection": "conv_shortcut",
}  # fmt: skip
_TOP = {
    "time_embed.0": "time_embedding.linear_1", "time_embed.2": "time_embedding.linear_2",
    "time_embed.cond_proj": "time_embedding.cond_proj",
    "label_emb.0.0": "add_embedding.linear_1", "label_emb.0.2": "add_embedding.linear_2",
    "input_blocks.0.0": "conv_in", "out.0": "conv_norm_out", "out.2": "conv_out",
    "middle_block.0": "mid_block.resnets.0", "middle_block.1": "mid_block.attentions.0",
    "middle_block.2": "mid_block.resnets.1", "middle_block_out.0": "controlnet_mid_block",
    "input_hint_block.0": "controlnet_cond_embedding.conv_in",
}  # fmt: skip
_HINT_CONVOLUTIONS = 8
"""Of the original ControlNet's hint encoder: one in, six blocks, one out, with an activation after each"""

_VAE = {
    "norm_out": "conv_norm_out", "mid.block_1": "mid_block.resnets.0", "mid.block_2": "mid_block.resnets.1",
    "mid.attn_1": "mid_block.attentions.0", "nin_shortcut": "conv_shortcut",
}  # fmt: skip
_VAE_ATTENTION = {
    "norm": "group_norm", "q": "to_q", "k": "to_k", "v": "to_v", "proj_out": "to_out.0",
    # diffusers before 0.13, as in the first repositories of SD 1.5
    "query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0",
}  # fmt: skip
_OPEN_CLIP = {
    "positional_embedding": "text_model.embeddings.position_embedding.weight",
    "token_embedding.weight": "text_model.embeddings.token_embedding.weight",
    "ln_final.weight": "text_model.final_layer_norm.weight",
    "ln_final.bias": "text_model.final_layer_norm.bias",
    "text_projection": "text_projection.weight",
}
_OPEN_CLIP_LAYER = {
    "ln_1": "layer_norm1", "ln_2": "layer_norm2", "mlp.c_fc": "mlp.fc1", "mlp.c_proj": "mlp.fc2",
    "attn.out_proj": "self_attn.out_proj", "attn.in_proj": "self_attn.in_proj",
}  # fmt: skip


def layers_per_block(names: Iterable[str]) -> int:
    """Resnets in each level of an original U-Net or ControlNet; 0 where it has no downsampler."""
    downsamplers = [int(m[1]) for name in names if (m := re.match(r"input_blocks\.(\d+)\.0\.op\.weight$", name))]
    return min(downsamplers, default=1) - 1


def unet_modules(levels: int, layers: int) -> dict[str, str]:
    """Module names of an original U-Net or ControlNet, with diffusers' name of each.

    Args:
        levels: resolutions, 4 in SD 1.5 and 3 in SDXL.
        layers: resnets in each level on the way down.
    """
    table = dict(_TOP)
    for level in range(levels):
        for layer in range(layers):
            block = f"input_blocks.{1 + level * (layers + 1) + layer}"
            table[f"{block}.0"] = f"down_blocks.{level}.resnets.{layer}"
            table[f"{block}.1"] = f"down_blocks.{level}.attentions.{layer}"
        if level < levels - 1:
            table[f"input_blocks.{(level + 1) * (layers + 1)}.0.op"] = f"down_blocks.{level}.downsamplers.0.conv"
        for layer in range(layers + 1):
            block = f"output_blocks.{level * (layers + 1) + layer}"
            table[f"{block}.0"] = f"up_blocks.{level}.resnets.{layer}"
            table[f"{block}.1"] = f"up_blocks.{level}.attentions.{layer}"
        # The upsampler comes after the attention, or in its place where the level has none.
        for place in (1, 2):
            table[f"{block}.{place}.conv"] = f"up_blocks.{level}.upsamplers.0.conv"
    for number in range(levels * (layers + 1)):
        table[f"zero_convs.{number}.0"] = f"controlnet_down_blocks.{number}"
    for number in range(1, _HINT_CONVOLUTIONS - 1):
        table[f"input_hint_block.{2 * number}"] = f"controlnet_cond_embedding.blocks.{number - 1}"
    table[f"input_hint_block.{2 * (_HINT_CONVOLUTIONS - 1)}"] = "controlnet_cond_embedding.conv_out"
    return table


def unet_names(names: Iterable[str]) -> dict[str, str]:
    """Original names of a U-Net or a ControlNet (without prefix), each with diffusers' name.

    A name of no known module stays as it is.
    """
    names = list(names)
    layers = layers_per_block(names)
    levels = 1 + sum(bool(re.fullmatch(r"input_blocks\.\d+\.0\.op\.weight", name)) for name in names)
    table = unet_modules(levels, layers)
    return {name: _unet_name(name, table) for name in names}


def _unet_name(name: str, table: Mapping[str, str]) -> str:
    words = name.split(".")
    for end in range(len(words) - 1, 1, -1):
        if module := table.get(".".join(words[:end])):
            rest = ".".join(words[end:])
            if ".resnets." in module:
                inner, _, kind = rest.rpartition(".")
                rest = f"{_RESNET.get(inner, inner)}.{kind}"
            return f"{module}.{rest}"
    return name


def vae_names(names: Iterable[str]) -> dict[str, str]:
    """Names of an original autoencoder, or one of diffusers' first, each with diffusers' name of today."""
    names = list(names)
    levels = 1 + max((int(m[1]) for name in names if (m := re.match(r"decoder\.up\.(\d+)\.", name))), default=0)
    return {name: _vae_name(name, levels) for name in names}


def _vae_name(name: str, levels: int) -> str:
    for old, new in _VAE.items():
        name = name.replace(f".{old}.", f".{new}.")
    name = re.sub(r"encoder\.down\.(\d+)\.block\.", r"encoder.down_blocks.\1.resnets.", name)
    name = re.sub(r"encoder\.down\.(\d+)\.downsample\.", r"encoder.down_blocks.\1.downsamplers.0.", name)
    # The original decoder counts its levels from the finest, diffusers from the coarsest.
    name = re.sub(
        r"decoder\.up\.(\d+)\.block\.", lambda m: f"decoder.up_blocks.{levels - 1 - int(m[1])}.resnets.", name
    )
    name = re.sub(
        r"decoder\.up\.(\d+)\.upsample\.", lambda m: f"decoder.up_blocks.{levels - 1 - int(m[1])}.upsamplers.0.", name
    )
    if match := re.fullmatch(r"(.*\.mid_block\.attentions\.0)\.(\w+)\.(weight|bias)", name):
        name = f"{match[1]}.{_VAE_ATTENTION.get(match[2], match[2])}.{match[3]}"
    return name


def open_clip_names(names: Iterable[str]) -> dict[str, str]:
    """Names of OpenCLIP's text tower (without prefix), each with transformers' name; others are left out.

    ``self_attn.in_proj`` stands for query, key and value in one tensor (weight or bias), in this order along its first
    axis, and ``text_projection.weight`` is the transpose of the original.
    """
    table = {}
    for name in names:
        if name in _OPEN_CLIP:
            table[name] = _OPEN_CLIP[name]
        elif match := re.fullmatch(r"transformer\.resblocks\.(\d+)\.(.+?)[._](weight|bias)", name):
            inner = _OPEN_CLIP_LAYER.get(match[2], match[2])
            table[name] = f"text_model.encoder.layers.{match[1]}.{inner}.{match[3]}"
    return table


def original_unet_modules(modules: Iterable[str], levels: int, layers: int) -> dict[str, str]:
    """Original names of a U-Net's modules, each with diffusers' name: the other way round than the tensors of a file.

    Args:
        modules: names of the U-Net's modules in diffusers.
        levels, layers: as :func:`unet_modules` takes them.
    """
    parents = [(new, old) for old, new in unet_modules(levels, layers).items()]
    inner = {new: old for old, new in _RESNET.items()}
    table = {}
    for module in modules:
        for new, old in parents:
            if module == new:
                table[old] = module
            elif module.startswith(f"{new}."):
                rest = module[len(new) + 1 :]
                table[f"{old}.{inner.get(rest, rest) if '.resnets.' in new else rest}"] = module
    return table
