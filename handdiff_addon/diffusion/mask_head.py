# SPDX-License-Identifier: GPL-3.0-or-later
"""The hand generator's second output: the hands' segmentation mask, read from the U-Net's last features."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from diffusers import UNet2DConditionModel

from .part import Part


class MaskHead(Part):
    """Features (B, in_channels, h, w) before the U-Net's output convolution to logits (B, 1, h * scale, w * scale).

    Each doubling of the size is a transposed convolution; where the paper reads its mask out is not known.
    """

    part_name = "mask_head"

    def __init__(self, in_channels: int, scale: int, channels: int = 32) -> None:
        super().__init__(in_channels=in_channels, scale=scale, channels=channels)
        layers: list[torch.nn.Module] = [torch.nn.Conv2d(in_channels, channels, 3, padding=1), torch.nn.SiLU()]
        while scale > 1:
            layers += [torch.nn.ConvTranspose2d(channels, channels // 2, 2, stride=2), torch.nn.SiLU()]
            channels //= 2
            scale //= 2
        self.layers = torch.nn.Sequential(*layers, torch.nn.Conv2d(channels, 1, 3, padding=1))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.layers(features)


@contextmanager
def last_features(unet: UNet2DConditionModel) -> Iterator[list[torch.Tensor]]:
    """Within the block, the list holds the features that went into the U-Net's output convolution at its last call."""
    features: list[torch.Tensor] = []

    def keep(_module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        features[:] = [inputs[0]]

    handle = unet.conv_out.register_forward_pre_hook(keep)
    try:
        yield features
    finally:
        handle.remove()
