# SPDX-License-Identifier: GPL-3.0-or-later
"""A stock base model of the Stable Diffusion families with its ControlNets, loaded: what both stages run on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from diffusers import AutoencoderKL, ControlNetModel, ControlNetUnionModel, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from .reference import Reference
from .stock_hands import StockHands

Family = Literal["sd15", "sdxl"]
Role = Literal["openpose", "depth", "hand_depth", "normal", "inpaint", "outpaint"]


@dataclass
class Control:
    """A ControlNet and the passes that it takes; a union model takes several, each by its own mode."""

    model: ControlNetModel | ControlNetUnionModel
    roles: tuple[Role, ...]
    modes: dict[Role, int] = field(default_factory=dict)
    """Control mode of each role; empty for a ControlNet of one kind"""
    scale: float = 1.0


@dataclass
class StockModel:
    """One base model on one device.  Its parts are shared by both stages, never loaded twice."""

    family: Family
    tokenizers: list[CLIPTokenizer]
    text_encoders: list[CLIPTextModel | CLIPTextModelWithProjection]
    unet: UNet2DConditionModel
    """4 input channels, or 9 for an inpainting variant"""
    vae: AutoencoderKL
    scheduler: Any
    """One of diffusers' schedulers"""
    controls: list[Control]
    identity: dict[str, Any]
    """What ``report.json`` says of the weights"""
    device: torch.device
    dtype: torch.dtype
    few_steps: int | None = None
    """Steps that a distilled set (LCM, Lightning, Hyper-SD) wants; None for an ordinary model"""
    guidance_scale: float | None = None
    """Guidance that such a set wants"""
    hands: StockHands | None = None
    """Its hand generator, where it has one"""
    reference: Reference | None = None
    """A picture that its U-Net's IP-Adapter sees"""
    zeros_for_empty: bool = True
    """SDXL: an empty negative prompt is embedded as zeros, not as the empty text."""

    @property
    def cell(self) -> int:
        """Side of a latent cell in pixels."""
        return 2 ** (len(self.vae.config.block_out_channels) - 1)

    @property
    def canvas(self) -> int:
        """Side of the square that it was trained on, in pixels."""
        return {"sd15": 512, "sdxl": 1024}[self.family]

    def encode(self, pictures: torch.Tensor) -> torch.Tensor:
        """Latents (N, C, h, w) float32 as the U-Net knows them; the likeliest, so that nothing is drawn here.

        Args:
            pictures: (N, 3, H, W) in -1..1, on the VAE's device.
        """
        parts = [self.vae.encode(picture.to(self.vae.dtype)).latent_dist.mode() for picture in pictures.split(1)]
        return (torch.cat(parts).float() - self.latent_shift) * float(self.vae.config.scaling_factor)

    @property
    def latent_shift(self) -> float:
        return float(getattr(self.vae.config, "shift_factor", None) or 0.0)
