# SPDX-License-Identifier: GPL-3.0-or-later
"""Untrained networks of the embedded model, in diffusers' own classes and folder layout."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import ControlNetModel, DDIMScheduler, UNet2DConditionModel
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPTextConfig, CLIPTextModelWithProjection, CLIPTokenizer

from ..conditioning.hint import HINT_CHANNELS, hand_hint_channels
from ..diffusion.colour_sketch import COLOURS, ColourSketch
from ..diffusion.mask_head import MaskHead
from ..files import write_json
from .captions import CLASSES


@dataclass(frozen=True)
class Sizes:
    """Sizes of the networks; the defaults are the embedded model's."""

    text_width: int = 128
    canvas: int = 512
    canvas_patch: int = 4
    canvas_channels: int = 16
    canvas_blocks: tuple[int, ...] = (48, 80, 128, 144)
    hint_blocks: tuple[int, ...] = (16, 24, 64)
    crop: int = 128
    crop_patch: int = 4
    crop_channels: int = 12
    crop_blocks: tuple[int, ...] = (64, 112, 144)
    refiner: tuple[int, int, int] = (16, 48, 96)


EMBEDDED = Sizes()


def make_scheduler() -> DDIMScheduler:
    """The clean latents are predicted, from pure noise on, so that the first steps decide colours from the text.

    A component that is not learned yet is then predicted as its mean; as v or as noise it would stay noisy to the end.
    The betas are so small that half way to pure noise 0.82 of the picture's amplitude is left.  At Stable Diffusion's
    (0.5) a small network reads colours out of the noise place by place and paints blotches, where the prompt had told
    them.  Which timesteps are painted with: :mod:`~handdiff_addon.diffusion.late_steps`.
    """
    return DDIMScheduler(
        beta_start=0.00001,
        beta_end=0.001,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=True,
        prediction_type="sample",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
    )


def make_unet(
    blocks: tuple[int, ...], in_channels: int, out_channels: int, sample_size: int, text_width: int, attention: int
) -> UNet2DConditionModel:
    """A small U-Net that takes text as SDXL's does: tokens by attention, pooled with time.

    Attention to the text begins at the level ``attention``, and to each other one below it: above them it costs more
    than all else.
    """
    levels = range(len(blocks))
    attends = [level >= attention for level in levels]
    only_text = [level <= attention for level in levels]
    return UNet2DConditionModel(
        sample_size=sample_size,
        in_channels=in_channels,
        out_channels=out_channels,
        block_out_channels=blocks,
        layers_per_block=1,
        down_block_types=tuple("CrossAttnDownBlock2D" if yes else "DownBlock2D" for yes in attends),
        up_block_types=tuple("CrossAttnUpBlock2D" if yes else "UpBlock2D" for yes in reversed(attends)),
        cross_attention_dim=text_width,
        only_cross_attention=only_text,
        attention_head_dim=tuple(max(1, channels // 32) for channels in blocks),
        norm_num_groups=16,
        resnet_time_scale_shift="scale_shift",
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=6 * 8 + text_width,
    )


def make_canvas_unet(sizes: Sizes) -> UNet2DConditionModel:
    """Stage 2's U-Net: latents in, clean latents out."""
    channels, cells = sizes.canvas_channels, sizes.canvas // sizes.canvas_patch
    return make_unet(sizes.canvas_blocks, channels, channels, cells, sizes.text_width, attention=1)


def make_controlnet(unet: UNet2DConditionModel, sizes: Sizes) -> ControlNetModel:
    """A ControlNet for ``unet``; its hint: :func:`~handdiff_addon.conditioning.hint.outpaint_hint` and the sketch."""
    controlnet = ControlNetModel.from_unet(
        unet,
        conditioning_channels=HINT_CHANNELS + COLOURS,
        conditioning_embedding_out_channels=sizes.hint_blocks,
        load_weights_from_unet=False,
    )
    # Trained together from scratch, so the control starts at work rather than at zero.
    hint_out = controlnet.controlnet_cond_embedding.conv_out
    for convolution in (*controlnet.controlnet_down_blocks, controlnet.controlnet_mid_block, hint_out):
        torch.nn.init.xavier_uniform_(convolution.weight, gain=0.5)
    return controlnet


def make_sketch(sizes: Sizes) -> ColourSketch:
    """The guess of colours that the ControlNet sees: one question for each attribute of a caption."""
    return ColourSketch(sizes.text_width, len(CLASSES), sizes.canvas_patch)


@torch.no_grad()
def scale_hint_embedding(controlnet: ControlNetModel, hints: torch.Tensor) -> None:
    """Scale each convolution of the hint's embedding so that its outputs have mean 0 and variance 1 on these hints.

    As diffusers initialises them, five convolutions leave a four-hundredth of the noise's strength, and the control is
    found late (layer-sequential unit variance, Mishkin and Matas 2016).
    """
    embedding = controlnet.controlnet_cond_embedding
    features = hints
    for convolution in (embedding.conv_in, *embedding.blocks, embedding.conv_out):
        output = convolution(features)
        scale = 1.0 / output.std((0, 2, 3)).clamp_min(1e-6)
        mean = output.mean((0, 2, 3))
        convolution.weight.mul_(scale[:, None, None, None])
        convolution.bias.copy_((convolution.bias - mean) * scale)
        features = torch.nn.functional.silu(convolution(features))


@torch.no_grad()
def scale_hand_hint(unet: UNet2DConditionModel, hints: torch.Tensor) -> None:
    """Scale the input convolution's weights for the hint so that it comes in as strong as unit noise does."""
    latents = unet.config.in_channels - hints.shape[1]
    weight = unet.conv_in.weight
    noise = torch.randn(len(hints), latents, *hints.shape[2:], generator=torch.Generator().manual_seed(0))
    from_noise, from_hint = (
        torch.nn.functional.conv2d(inputs, part, padding=1).std((0, 2, 3)).mean()
        for inputs, part in ((noise, weight[:, :latents]), (hints, weight[:, latents:]))
    )
    weight[:, latents:] *= from_noise / from_hint


def make_hand_unet(sizes: Sizes) -> tuple[UNet2DConditionModel, MaskHead]:
    """The multi-task hand generator: latents, heatmaps and normals in; clean latents, and by the head a mask, out."""
    cells = sizes.crop // sizes.crop_patch
    channels = sizes.crop_channels + hand_hint_channels(sizes.crop_patch)
    unet = make_unet(sizes.crop_blocks, channels, sizes.crop_channels, cells, sizes.text_width, attention=0)
    return unet, MaskHead(in_channels=sizes.crop_blocks[0], scale=sizes.crop_patch)


def make_tokenizer(captions: list[str], directory: Path, length: int = 48) -> CLIPTokenizer:
    """A CLIP tokenizer whose byte-pair merges are learned from ``captions``; saved into ``directory``."""
    start, end = "<|startoftext|>", "<|endoftext|>"
    learner = Tokenizer(models.BPE(unk_token=end, end_of_word_suffix="</w>"))
    learner.normalizer = normalizers.Lowercase()
    learner.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Whitespace(), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    learner.train_from_iterator(
        captions,
        trainers.BpeTrainer(
            vocab_size=1200,
            special_tokens=[],
            initial_alphabet=alphabet,
            end_of_word_suffix="</w>",
            show_progress=False,
        ),
    )
    merges = [tuple(pair) for pair in json.loads(learner.to_str())["model"]["merges"]]
    symbols = alphabet + [symbol + "</w>" for symbol in alphabet]
    symbols += [joined for joined in ("".join(pair) for pair in merges) if joined not in set(symbols)]
    vocabulary = {symbol: index for index, symbol in enumerate(dict.fromkeys([*symbols, start, end]))}
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
    (directory / "merges.txt").write_text(
        "#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges), encoding="utf-8"
    )
    write_json(
        directory / "tokenizer_config.json",
        {
            "tokenizer_class": "CLIPTokenizer",
            "model_max_length": length,
            "bos_token": start,
            "eos_token": end,
            "unk_token": end,
            "pad_token": end,
        },
    )
    return CLIPTokenizer.from_pretrained(directory, local_files_only=True)


def make_text_encoder(tokenizer: CLIPTokenizer, width: int) -> CLIPTextModelWithProjection:
    """A two-layer CLIP text model with projection, which answers a question for each attribute of a caption (see
    :func:`~handdiff_addon.diffusion.text.encode_text`)."""
    return CLIPTextModelWithProjection(
        CLIPTextConfig(
            vocab_size=len(tokenizer) + len(CLASSES),
            hidden_size=width,
            intermediate_size=2 * width,
            projection_dim=width,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=tokenizer.model_max_length + len(CLASSES),
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def write_index(directory: Path) -> None:
    """``model_index.json`` of a model folder and of its hand generator: diffusers' and transformers' classes alone."""
    write_json(
        directory / "model_index.json",
        {
            "_class_name": "StableDiffusionXLControlNetPipeline",
            "controlnet": ["diffusers", "ControlNetModel"],
            "scheduler": ["diffusers", "DDIMScheduler"],
            "text_encoder": ["transformers", "CLIPTextModelWithProjection"],
            "tokenizer": ["transformers", "CLIPTokenizer"],
            "unet": ["diffusers", "UNet2DConditionModel"],
        },
    )
    write_json(
        directory / "hands" / "model_index.json",
        {
            "_class_name": "DiffusionPipeline",
            "scheduler": ["diffusers", "DDIMScheduler"],
            "unet": ["diffusers", "UNet2DConditionModel"],
        },
    )
