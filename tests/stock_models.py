# SPDX-License-Identifier: GPL-3.0-or-later
"""Tiny stock models of random weights in the exact layouts of the real ones, made offline.

Levels, blocks and tensor names are those of SD 1.5 and SDXL, widths are tiny.  Layouts: diffusers folder, its fp16
variant, sharded, and one file with the original names.
"""

from __future__ import annotations

import gzip
import json
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL, ControlNetModel, ControlNetUnionModel, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from handdiff_addon.diffusion.stock import StockModel
from handdiff_addon.diffusion.stock_loading import load_plan
from handdiff_addon.errors import ModelError
from handdiff_addon.models.folders import remembered
from handdiff_addon.models.original_names import original_unet_modules, unet_modules
from handdiff_addon.models.stock_plan import plan_stock
from handdiff_addon.request import ControlNetChoice, LoraChoice

Tensors = dict[str, torch.Tensor]
WEIGHTS = "diffusion_pytorch_model.safetensors"
MERGES = ["a n", "h an", "han d</w>", "e r", "p er", "per s", "o n</w>", "pers on</w>"]

UNETS = {
    "sd15": {
        "sample_size": 8, "in_channels": 4, "block_out_channels": (32, 32, 64, 64), "layers_per_block": 2,
        "cross_attention_dim": 32, "attention_head_dim": 8,
        "down_block_types": ("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
        "up_block_types": ("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
    },
    "sdxl": {
        "sample_size": 8, "in_channels": 4, "block_out_channels": (32, 64, 128), "layers_per_block": 2,
        "cross_attention_dim": 96, "attention_head_dim": (1, 1, 2), "transformer_layers_per_block": (1, 1, 2),
        "use_linear_projection": True, "addition_embed_type": "text_time", "addition_time_embed_dim": 8,
        "projection_class_embeddings_input_dim": 80,
        "down_block_types": ("DownBlock2D",) + ("CrossAttnDownBlock2D",) * 2,
        "up_block_types": ("CrossAttnUpBlock2D",) * 2 + ("UpBlock2D",),
    },
}  # fmt: skip
_CONTROL_KEYS = {
    "block_out_channels", "layers_per_block", "cross_attention_dim", "attention_head_dim", "down_block_types",
    "transformer_layers_per_block", "use_linear_projection", "addition_embed_type", "addition_time_embed_dim",
    "projection_class_embeddings_input_dim",
}  # fmt: skip
SCHEDULER = {
    "_class_name": "PNDMScheduler", "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000, "set_alpha_to_one": False, "skip_prk_steps": True, "steps_offset": 1,
}  # fmt: skip


def load_stock(
    model: str,
    controlnets: Sequence[ControlNetChoice] = (),
    loras: Sequence[LoraChoice] = (),
    *,
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
    folders: Sequence[Path] | None = None,
    **parts: str,
) -> StockModel:
    """A stock model with what belongs to it, found where a request's are."""
    folders, half = remembered() if folders is None else folders, dtype == torch.float16
    plan = plan_stock(model, controlnets, loras, half=half, folders=folders, **parts)
    return load_plan(plan, torch.device(device), dtype)


def refusal(*arguments: object, **options: object) -> str:
    """What :func:`load_stock` says, one sentence with a way out."""
    with pytest.raises(ModelError) as caught:
        load_stock(*arguments, **options)  # type: ignore[arg-type]
    message = str(caught.value)
    assert "\n" not in message and message.endswith(".") and ":" in message
    return message


def byte_symbols() -> list[str]:
    """The 256 symbols of a byte-level encoder, written down independently (GPT-2's table)."""
    first = [*range(33, 127), *range(161, 173), *range(174, 256)]
    return [chr(number) for number in first] + [chr(256 + n) for n in range(256 - len(first))]


def write_vocabulary(folder: Path, pad: str = "<|endoftext|>") -> None:
    """A tokenizer in SD 1.5's layout: ``vocab.json``, ``merges.txt`` and their configuration."""
    folder.mkdir(parents=True)
    symbols = byte_symbols()
    tokens = [*symbols, *(symbol + "</w>" for symbol in symbols), *(merge.replace(" ", "") for merge in MERGES)]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({token: n for n, token in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(MERGES) + "\n")
    config = {"tokenizer_class": "CLIPTokenizer", "model_max_length": 77, "pad_token": pad}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    (folder / "special_tokens_map.json").write_text(json.dumps({"pad_token": pad}))


def write_open_clip(folder: Path) -> Path:
    """A package ``open_clip`` with the same vocabulary in its own layout; the folder goes on the module path."""
    package = folder / "open_clip"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise AssertionError('this package must not be imported')")
    lines = ['"bpe_simple_vocab_16e6.txt#version: 0.2', *MERGES, ""]
    (package / "bpe_simple_vocab_16e6.txt.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    return folder


def _randomise(model: torch.nn.Module) -> torch.nn.Module:
    """Random numbers where a network begins with zeros, too, so that nothing is without effect."""
    generator = torch.Generator().manual_seed(7)
    for parameter in model.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, 0.0, 0.6 / parameter[0].numel() ** 0.5, generator=generator)
        else:
            with torch.no_grad():
                parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.05)
    return model


def build_folder(folder: Path, family: str, in_channels: int = 4) -> Path:
    """A tiny model as a diffusers folder in float32."""
    torch.manual_seed(0)
    two = family == "sdxl"
    index = {
        "_class_name": "StableDiffusionXLPipeline" if two else "StableDiffusionPipeline",
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
        "scheduler": ["diffusers", "PNDMScheduler"],
        "safety_checker": [None, None],
        **_text_index("", "CLIPTextModel"),
        **(_text_index("_2", "CLIPTextModelWithProjection") if two else {}),
    }
    unet = _randomise(UNet2DConditionModel(**UNETS[family] | {"in_channels": in_channels}))
    vae = AutoencoderKL(
        block_out_channels=(32,) * 4,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        latent_channels=4,
        sample_size=64,
        scaling_factor=0.13025 if two else 0.18215,
    )
    unet.save_pretrained(folder / "unet")
    _randomise(vae).save_pretrained(folder / "vae")
    words = 512 + len(MERGES) + 2
    ids = {"vocab_size": words, "bos_token_id": words - 2, "eos_token_id": words - 1}
    first = CLIPTextConfig(hidden_size=32, intermediate_size=40, num_attention_heads=1, num_hidden_layers=2, **ids)
    _randomise(CLIPTextModel(first)).save_pretrained(folder / "text_encoder")
    write_vocabulary(folder / "tokenizer")
    if two:
        second = CLIPTextConfig(
            hidden_size=64, intermediate_size=72, num_attention_heads=1, num_hidden_layers=2, hidden_act="gelu",
            projection_dim=32, **ids,
        )  # fmt: skip
        _randomise(CLIPTextModelWithProjection(second)).save_pretrained(folder / "text_encoder_2")
        write_vocabulary(folder / "tokenizer_2", pad="!")
    (folder / "scheduler").mkdir()
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(SCHEDULER))
    (folder / "model_index.json").write_text(json.dumps(index))
    return folder


def _text_index(suffix: str, network: str) -> dict[str, list[str]]:
    return {f"text_encoder{suffix}": ["transformers", network], f"tokenizer{suffix}": ["transformers", "CLIPTokenizer"]}


def build_controlnet(folder: Path, family: str, types: int = 0) -> Path:
    """A tiny ControlNet as a diffusers folder; ``types`` above 0 makes a union model."""
    torch.manual_seed(1)
    config = {key: value for key, value in UNETS[family].items() if key in _CONTROL_KEYS}
    config["conditioning_embedding_out_channels"] = (16, 16, 32, 32)
    if types:
        model = ControlNetUnionModel(
            **config, num_control_type=types, num_trans_channel=32, num_trans_head=8, num_trans_layer=1,
            num_proj_channel=32,
        )  # fmt: skip
    else:
        model = ControlNetModel(**config)
    _randomise(model).save_pretrained(folder)
    return folder


def fp16_variant(source: Path, target: Path) -> Path:
    """The same folder with ``*.fp16.safetensors`` alone."""
    shutil.copytree(source, target)
    for file in [*target.rglob("*.safetensors")]:
        tensors = {name: tensor.half() for name, tensor in load_file(file).items()}
        save_file(tensors, file.with_name(file.name.replace(".safetensors", ".fp16.safetensors")), {"format": "pt"})
        file.unlink()
    return target


def sharded(source: Path, target: Path) -> Path:
    """The same folder with its U-Net in several files and an index."""
    shutil.copytree(source, target)
    (target / "unet" / WEIGHTS).unlink()
    model = UNet2DConditionModel.from_pretrained(source / "unet", use_safetensors=True, low_cpu_mem_usage=False)
    model.save_pretrained(target / "unet", max_shard_size="700KB")
    assert len([*(target / "unet").glob("*.safetensors")]) > 2
    return target


def tensors_of(folder: Path) -> Tensors:
    return load_file(next(folder.glob("*.safetensors")))


def original_unet(tensors: Mapping[str, torch.Tensor], family: str) -> Tensors:
    """A U-Net's or ControlNet's tensors by their original names."""
    levels = len(UNETS[family]["block_out_channels"])
    modules = {name.rpartition(".")[0]: None for name in tensors}
    names = {new: old for old, new in original_unet_modules(modules, levels, 2).items()}
    names |= {new: old for old, new in unet_modules(levels, 2).items() if new in modules and "upsamplers" not in new}
    for level in range(levels):  # the upsampler is the last of its block, after the attention where there is one
        attends = any(name.startswith(f"up_blocks.{level}.attentions") for name in tensors)
        names[f"up_blocks.{level}.upsamplers.0.conv"] = f"output_blocks.{3 * level + 2}.{1 + attends}.conv"
    return {f"{names[n.rpartition('.')[0]]}.{n.rpartition('.')[2]}": tensor for n, tensor in tensors.items()}


def original_vae(tensors: Mapping[str, torch.Tensor]) -> Tensors:
    """An autoencoder's tensors by their original names, its attention as 1 x 1 convolutions."""
    result = {}
    for name, tensor in tensors.items():
        old = re.sub(r"encoder\.down_blocks\.(\d)\.resnets", r"encoder.down.\1.block", name)
        old = re.sub(r"encoder\.down_blocks\.(\d)\.downsamplers\.0", r"encoder.down.\1.downsample", old)
        old = re.sub(r"decoder\.up_blocks\.(\d)\.resnets", lambda m: f"decoder.up.{3 - int(m[1])}.block", old)
        old = re.sub(r"decoder\.up_blocks\.(\d)\.upsamplers\.0", lambda m: f"decoder.up.{3 - int(m[1])}.upsample", old)
        old = re.sub(r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{1 + int(m[1])}", old)
        old = old.replace("conv_norm_out", "norm_out").replace("conv_shortcut", "nin_shortcut")
        if ".mid_block.attentions.0." in old:
            for new, short in (
                ("group_norm", "norm"),
                ("to_q", "q"),
                ("to_k", "k"),
                ("to_v", "v"),
                ("to_out.0", "proj_out"),
            ):
                old = old.replace(f"mid_block.attentions.0.{new}.", f"mid.attn_1.{short}.")
            tensor = tensor[:, :, None, None] if tensor.ndim == 2 else tensor
        result[old] = tensor.clone()
    return result


def original_open_clip(tensors: Mapping[str, torch.Tensor]) -> Tensors:
    """A text encoder with projection by OpenCLIP's names: query, key and value in one, the projection transposed."""
    result = {
        "positional_embedding": tensors["text_model.embeddings.position_embedding.weight"],
        "token_embedding.weight": tensors["text_model.embeddings.token_embedding.weight"],
        "ln_final.weight": tensors["text_model.final_layer_norm.weight"],
        "ln_final.bias": tensors["text_model.final_layer_norm.bias"],
        "text_projection": tensors["text_projection.weight"].T.contiguous(),
        "logit_scale": torch.tensor(4.6),
    }
    for layer in range(2):
        old, new = f"transformer.resblocks.{layer}", f"text_model.encoder.layers.{layer}"
        for kind in ("weight", "bias"):
            parts = [tensors[f"{new}.self_attn.{letter}_proj.{kind}"] for letter in "qkv"]
            result[f"{old}.attn.in_proj_{kind}"] = torch.cat(parts)
            result[f"{old}.attn.out_proj.{kind}"] = tensors[f"{new}.self_attn.out_proj.{kind}"]
            result[f"{old}.ln_1.{kind}"] = tensors[f"{new}.layer_norm1.{kind}"]
            result[f"{old}.ln_2.{kind}"] = tensors[f"{new}.layer_norm2.{kind}"]
            result[f"{old}.mlp.c_fc.{kind}"] = tensors[f"{new}.mlp.fc1.{kind}"]
            result[f"{old}.mlp.c_proj.{kind}"] = tensors[f"{new}.mlp.fc2.{kind}"]
    return result


def wrapped(tensors: Mapping[str, torch.Tensor]) -> Tensors:
    """A text encoder's tensors with the prefix that files of SD 1.5 and SDXL have."""
    return {name if name.startswith("text_") else f"text_model.{name}": tensor for name, tensor in tensors.items()}


def original_tensors(folder: Path, family: str) -> Tensors:
    """A whole model by the names of the original layout."""
    parts = {"model.diffusion_model.": original_unet(tensors_of(folder / "unet"), family)}
    parts["first_stage_model."] = original_vae(tensors_of(folder / "vae"))
    text = wrapped(tensors_of(folder / "text_encoder"))
    text["text_model.embeddings.position_ids"] = torch.arange(77)[None]
    if family == "sd15":
        parts["cond_stage_model.transformer."] = text
    else:
        parts["conditioner.embedders.0.transformer."] = text
        parts["conditioner.embedders.1.model."] = original_open_clip(wrapped(tensors_of(folder / "text_encoder_2")))
    tensors = {prefix + name: tensor for prefix, part in parts.items() for name, tensor in part.items()}
    return tensors | {"betas": torch.linspace(0, 1, 1000), "model_ema.decay": torch.tensor(0.9999)}


def write_single(folder: Path, family: str, path: Path, **extra: torch.Tensor) -> Path:
    """A whole model in one file."""
    save_file({**original_tensors(folder, family), **extra}, path, {"format": "pt"})
    return path
