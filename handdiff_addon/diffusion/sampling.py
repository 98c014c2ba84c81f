# SPDX-License-Identifier: GPL-3.0-or-later
"""What both stages' denoising loops share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image


def draw_noise(seeds: Sequence[int], shape: tuple[int, int, int]) -> torch.Tensor:
    """Standard normal noise (N, C, h, w), each picture's from its own seed; drawn on the CPU, equal on all devices."""
    return torch.stack([torch.randn(shape, generator=torch.Generator().manual_seed(seed)) for seed in seeds])


def guide(predicted: torch.Tensor, scale: float) -> torch.Tensor:
    """Classifier-free guidance; ``predicted`` holds the half without text, then the half with it."""
    without, with_text = predicted.chunk(2)
    return without + scale * (with_text - without)


def to_pictures(images: torch.Tensor) -> np.ndarray:
    """Pictures (N, 3, H, W) in -1..1 as (N, H, W, 3) uint8."""
    return ((images.clamp(-1.0, 1.0) + 1.0) * 127.5).round().permute(0, 2, 3, 1).to(torch.uint8).cpu().numpy()


def from_picture(picture: np.ndarray, device: torch.device) -> torch.Tensor:
    """A picture (H, W, 3) uint8 as (1, 3, H, W) in -1..1."""
    return torch.from_numpy(np.ascontiguousarray(picture)).to(device).permute(2, 0, 1)[None].float() / 127.5 - 1.0


def preview(images: torch.Tensor) -> Image.Image:
    """Pictures (N, 3, H, W) in -1..1, side by side."""
    return Image.fromarray(np.concatenate(list(to_pictures(images)), axis=1))
