# SPDX-License-Identifier: GPL-3.0-or-later
"""A stock base model of the Stable Diffusion families with its ControlNets, loaded: what both stages run on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from diffusers import AutoencoderKL, ControlNetModel, ControlNetUnionModel, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

Family = Literal["sd15", "sdxl"]
Role = Literal["openpose", "depth", "hand_depth", "normal", "inpaint"]


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

    @property
    def canvas(self) -> int:
        """Side of the square that it was trained on, in pixels."""
        return {"sd15": 512, "sdxl": 1024}[self.family]
