# SPDX-License-Identifier: GPL-3.0-or-later
"""What a file is, is told by its tensors; full-size shapes give the published configurations back."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL, ControlNetModel, ControlNetUnionModel, UNet2DConditionModel
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import CLIPTextConfig, CLIPTextModelWithProjection

from handdiff_addon.models import original_names
from handdiff_addon.models.architecture import identify
from handdiff_addon.models.bases import base_source
from handdiff_addon.models.parts import vae_part
from handdiff_addon.models.safetensors_header import TensorInfo, read_header
from handdiff_addon.models.shapes import controlnet_config, defaults, text_config, unet_config, vae_config
from tests import stock_models as tiny

SD15 = {
    "sample_size": 64, "in_channels": 4, "block_out_channels": (320, 640, 1280, 1280), "layers_per_block": 2,
    "cross_attention_dim": 768, "attention_head_dim": 8,
}  # fmt: skip
SDXL = {
    "sample_size": 128, "in_channels": 4, "block_out_channels": (320, 640, 1280), "layers_per_block": 2,
    "cross_attention_dim": 2048, "attention_head_dim": (5, 10, 20), "transformer_layers_per_block": (1, 2, 10),
    "use_linear_projection": True, "addition_embed_type": "text_time", "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
}  # fmt: skip


def shapes_of(model: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}


def infos(shapes: dict[str, tuple[int, ...]], prefix: str = "") -> dict[str, TensorInfo]:
    return {prefix + name: TensorInfo("F16", shape) for name, shape in shapes.items()}


def full(network: type, config: dict) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        return shapes_of(network(**config))


def listed(config: dict) -> dict:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in config.items()}


@pytest.mark.parametrize(
    ("family", "config", "parameters"), [("sd15", SD15, 859_520_964), ("sdxl", SDXL, 2_567_463_684)]
)
def test_full_size_u_nets(family: str, config: dict, parameters: int) -> None:
    """Parameter counts as published."""
    shapes = full(UNet2DConditionModel, config)
    assert sum(map(math.prod, shapes.values())) == parameters
    told = unet_config(shapes)
    again = full(UNet2DConditionModel, defaults(family, "unet") | {"attention_head_dim": 8} | told)
    assert again == shapes
    wanted = listed(config)
    assert {key: told[key] for key in told if key in wanted and key != "transformer_layers_per_block"} == {
        key: value for key, value in wanted.items() if key in told and key != "transformer_layers_per_block"
    }
    found = identify(infos(shapes))
    assert (found.kind, found.family, found.in_channels) == ("unet", family, 4)
    nine = identify(infos(shapes | {"conv_in.weight": (320, 9, 3, 3)}))
    assert nine.inpainting and "inpainting" in nine.title


@pytest.mark.parametrize(
    ("family", "config", "parameters"), [("sd15", SD15, 361_279_120), ("sdxl", SDXL, 1_251_460_048)]
)
def test_full_size_controlnets(family: str, config: dict, parameters: int) -> None:
    kept = {key: value for key, value in config.items() if key not in ("sample_size", "up_block_types", "in_channels")}
    shapes = full(ControlNetModel, kept)
    assert abs(sum(map(math.prod, shapes.values())) - parameters) < 1_000_000
    told = controlnet_config(shapes)
    own = defaults(family, "unet")
    assert full(ControlNetModel, {"attention_head_dim": 8, "addition_time_embed_dim": 256, **told}) == shapes
    assert told["conditioning_embedding_out_channels"] == [16, 32, 96, 256] and own["norm_num_groups"] == 32
    found = identify(infos(shapes))
    assert (found.kind, found.family, found.control_types) == ("controlnet", family, 0)


@pytest.mark.parametrize("types", [6, 8])
def test_full_size_union(types: int) -> None:
    kept = {key: value for key, value in SDXL.items() if key not in ("sample_size", "up_block_types", "in_channels")}
    shapes = full(ControlNetUnionModel, kept | {"num_control_type": types})
    told = controlnet_config(shapes)
    assert (told["num_control_type"], told["num_trans_channel"], told["num_proj_channel"]) == (types, 320, 320)
    found = identify(infos(shapes))
    assert (found.kind, found.family, found.control_types) == ("union", "sdxl", types)
    assert found.title == f"SDXL union ControlNet, {types} types, fp16"


def test_full_size_autoencoder_and_text_encoders() -> None:
    config = {
        "block_out_channels": (128, 256, 512, 512), "layers_per_block": 2, "latent_channels": 4,
        "down_block_types": ("DownEncoderBlock2D",) * 4, "up_block_types": ("UpDecoderBlock2D",) * 4,
    }  # fmt: skip
    shapes = full(AutoencoderKL, config)
    assert sum(map(math.prod, shapes.values())) == 83_653_863
    assert full(AutoencoderKL, defaults("sd15", "vae") | vae_config(shapes)) == shapes
    assert identify(infos(shapes)).kind == "vae"
    sixteen = {"decoder.conv_in.weight": (512, 16, 3, 3)}
    assert identify(infos(shapes | sixteen)).kind == "unknown"  # Flux's and SD 3's
    for name, width, layers, inner, parameters in (
        ("text_encoder", 768, 12, 3072, 123_650_304),
        ("text_encoder_2", 1280, 32, 5120, 694_659_840),
    ):
        text = {"hidden_size": width, "num_hidden_layers": layers, "intermediate_size": inner, "projection_dim": width}
        with torch.device("meta"):
            wanted = shapes_of(CLIPTextModelWithProjection(CLIPTextConfig(num_attention_heads=width // 64, **text)))
            assert sum(map(math.prod, wanted.values())) == parameters
            told = text_config(wanted)
            again = CLIPTextModelWithProjection(CLIPTextConfig(**defaults("sdxl", name) | told))
        assert shapes_of(again) == wanted and told["num_attention_heads"] == width // 64
        assert identify(infos(wanted)).kind == "text_encoder"


@pytest.mark.parametrize(
    ("original", "new"),
    [
        # as in the published files of SD 1.5 and their conversions
        ("time_embed.0.weight", "time_embedding.linear_1.weight"),
        ("input_blocks.0.0.bias", "conv_in.bias"),
        ("input_blocks.1.1.norm.weight", "down_blocks.0.attentions.0.norm.weight"),
        ("input_blocks.3.0.op.weight", "down_blocks.0.downsamplers.0.conv.weight"),
        ("input_blocks.4.0.skip_connection.weight", "down_blocks.1.resnets.0.conv_shortcut.weight"),
        ("input_blocks.11.0.emb_layers.1.bias", "down_blocks.3.resnets.1.time_emb_proj.bias"),
        ("middle_block.1.proj_in.weight", "mid_block.attentions.0.proj_in.weight"),
        ("output_blocks.2.1.conv.weight", "up_blocks.0.upsamplers.0.conv.weight"),
        ("output_blocks.5.2.conv.weight", "up_blocks.1.upsamplers.0.conv.weight"),
        ("output_blocks.11.0.out_layers.3.weight", "up_blocks.3.resnets.2.conv2.weight"),
        ("out.2.weight", "conv_out.weight"),
        ("zero_convs.11.0.bias", "controlnet_down_blocks.11.bias"),
        ("input_hint_block.14.weight", "controlnet_cond_embedding.conv_out.weight"),
        ("input_hint_block.10.weight", "controlnet_cond_embedding.blocks.4.weight"),
    ],
)  # fmt: skip
def test_published_names(original: str, new: str) -> None:
    downsamplers = [f"input_blocks.{number}.0.op.weight" for number in (3, 6, 9)]
    assert original_names.unet_names([*downsamplers, original])[original] == new


def test_first_names_of_diffusers_autoencoder_are_read() -> None:
    old = [f"encoder.mid_block.attentions.0.{name}.weight" for name in ("query", "key", "value", "proj_attn")]
    new = [f"encoder.mid_block.attentions.0.{name}.weight" for name in ("to_q", "to_k", "to_v", "to_out.0")]
    assert original_names.vae_names(old) == dict(zip(old, new))


def test_tiny_models_are_what_they_were_made_as(stock: Path) -> None:
    def found(name: str):
        return identify(read_header(stock / name).tensors)

    assert (found("sd15.safetensors").kind, found("sd15.safetensors").family) == ("checkpoint", "sd15")
    assert found("sdxl.safetensors").parts == ("unet", "vae", "text_encoder", "text_encoder_2")
    assert found(f"cn_sdxl/{tiny.WEIGHTS}").title == "SDXL ControlNet, fp32"
    assert found(f"union8/{tiny.WEIGHTS}").control_types == 8
    assert base_source(stock / "sd15_inpaint").architecture.inpainting
    assert base_source(stock / "sdxl").architecture.title == "SDXL checkpoint, fp32"


def test_other_families_are_told_apart(stock: Path) -> None:
    unet = full(UNet2DConditionModel, SD15 | {"cross_attention_dim": 1024, "use_linear_projection": True})
    assert identify(infos(unet)).family == "sd2"
    refiner = full(UNet2DConditionModel, SDXL | {"cross_attention_dim": 1280})
    assert identify(infos(refiner)).family == "sdxl_refiner"
    assert identify({"double_blocks.0.img_attn.qkv.weight": TensorInfo("BF16", (9, 3))}).family == "flux"
    assert identify({"lora_controlnet": TensorInfo("F32", ())}).kind == "control_lora"
    assert identify({}).kind == "unknown"


def test_ip_adapters_and_loras_tell_their_family_by_width() -> None:
    for width, family in ((768, "sd15"), (2048, "sdxl")):
        tensors = {"image_proj.proj.weight": (width * 4, 1024), "ip_adapter.1.to_k_ip.weight": (320, width)}
        found = identify(infos(tensors))
        assert (found.kind, found.family) == ("ip_adapter", family)
        for name in (
            "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight",
            "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.lora_A.weight",
            "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.processor.to_k_lora.down.weight",
        ):
            found = identify(infos({name: (16, width)}))
            assert (found.kind, found.family, found.rank) == ("lora", family, 16)
    assert identify(infos({"lora_te2_text_model_encoder_layers_0_mlp_fc1.lora_down.weight": (4, 8)})).family == "sdxl"
    assert identify(infos({"lora_unet_mid_block_attentions_0_proj_in.lora_down.weight": (4, 8, 1, 1)})).family == "sd15"


NAMES = st.sampled_from(
    [
        "conv_in.weight", "up_blocks.0.resnets.0.conv1.weight", "encoder.conv_in.weight", "decoder.conv_in.weight",
        "model.diffusion_model.input_blocks.0.0.weight", "task_embedding", "controlnet_cond_embedding.conv_in.weight",
        "a.attn2.to_k.weight", "a.proj_in.weight", "x.lora_down.weight", "image_proj.a", "ip_adapter.1.to_k_ip.weight",
        "label_emb.0.0.weight", "first_stage_model.encoder.conv_in.weight", "input_hint_block.0.weight",
    ]
)  # fmt: skip


@settings(max_examples=400)
@given(st.dictionaries(NAMES, st.lists(st.integers(0, 5000), max_size=5).map(tuple), max_size=8))
def test_any_header_is_identified(shapes: dict[str, tuple[int, ...]]) -> None:
    assert identify(infos(shapes)).title


@given(st.lists(st.text("abcdinputblocksoutmid._0123456789", max_size=40), max_size=6))
def test_any_names_are_renamed(names: list[str]) -> None:
    assert set(original_names.unet_names(names)) == set(names)
    assert set(original_names.vae_names(names)) == set(names)
    original_names.open_clip_names(names)


def test_vae_names_do_not_touch_what_is_of_today(stock: Path) -> None:
    names = list(read_header(stock / "sd15" / "vae" / tiny.WEIGHTS).tensors)
    assert original_names.vae_names(names) == {name: name for name in names}
    part = base_source(stock / "sd15.safetensors").parts["vae"]
    assert part.shapes == base_source(stock / "sd15").parts["vae"].shapes and vae_part
    assert not any(re.search(r"query|proj_attn", name) for name in part.places)
