# SPDX-License-Identifier: GPL-3.0-or-later
"""A U-Net under its ControlNet."""

from __future__ import annotations

from typing import Any

import torch
from diffusers import ControlNetModel, UNet2DConditionModel


def controlled(
    unet: UNet2DConditionModel,
    controlnet: ControlNetModel,
    latents: torch.Tensor,
    timesteps: torch.Tensor,
    hints: torch.Tensor,
    arguments: dict[str, Any],
    scale: float = 1.0,
) -> torch.Tensor:
    """What the U-Net predicts of latents (B, C, h, w).

    Args:
        unet, controlnet: of one architecture.
        latents: what both are shown.
        timesteps: one, or one for each of the batch.
        hints: (B, K, H, W), what the ControlNet sees of the pose.
        arguments: the text, as :func:`.text.condition` gives it.
        scale: how much the control counts.
    """
    down, middle = controlnet(
        latents, timesteps, controlnet_cond=hints, conditioning_scale=scale, return_dict=False, **arguments
    )
    predicted: torch.Tensor = unet(
        latents,
        timesteps,
        down_block_additional_residuals=down,
        mid_block_additional_residual=middle,
        return_dict=False,
        **arguments,
    )[0]
    return predicted
