# SPDX-License-Identifier: GPL-3.0-or-later
"""A small model of the embedded kind with random weights: it proves plumbing, not quality."""

from __future__ import annotations

from pathlib import Path

import torch

from handdiff_addon.diffusion.patch_autoencoder import PatchAutoencoder
from handdiff_addon.training.initialise import (
    Sizes,
    make_canvas_unet,
    make_controlnet,
    make_hand_unet,
    make_scheduler,
    make_sketch,
    make_text_encoder,
    make_tokenizer,
    write_index,
)

TINY = Sizes(
    text_width=32,
    canvas=256,
    canvas_blocks=(32, 32, 32),
    hint_blocks=(8, 8, 8),
    crop_blocks=(32, 32, 32),
    refiner=(4, 8, 8),
)


def build_tiny_model(directory: Path, sizes: Sizes = TINY, seed: int = 0) -> Path:
    """A complete model folder of the embedded kind."""
    torch.manual_seed(seed)
    directory.mkdir(parents=True, exist_ok=True)
    tokenizer = make_tokenizer(["a person in a red shirt with a green background"], directory / "tokenizer")
    make_text_encoder(tokenizer, sizes.text_width).save_pretrained(directory / "text_encoder")
    unet = make_canvas_unet(sizes)
    make_controlnet(unet, sizes).save_pretrained(directory / "controlnet")
    make_sketch(sizes).save_pretrained(directory / "colour_sketch")
    unet.save_pretrained(directory / "unet")
    hand_unet, mask_head = make_hand_unet(sizes)
    hand_unet.save_pretrained(directory / "hands" / "unet")
    mask_head.save_pretrained(directory / "hands" / "mask_head")
    for folder, patch, channels in (
        (directory, sizes.canvas_patch, sizes.canvas_channels),
        (directory / "hands", sizes.crop_patch, sizes.crop_channels),
    ):
        make_scheduler().save_pretrained(folder / "scheduler")
        autoencoder = PatchAutoencoder(patch, channels)
        autoencoder.fit(
            torch.nn.functional.interpolate(torch.rand(64, 3, 6, 6), size=(32, 32), mode="bilinear") * 2 - 1
        )
        autoencoder.save_pretrained(folder / "patch_autoencoder")
    write_index(directory)
    return directory
