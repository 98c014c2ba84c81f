# SPDX-License-Identifier: GPL-3.0-or-later
"""Stage 2: the body painted around the hands, while the kept region shrinks step by step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from .checkpoint import Checkpoint
from .progress import IsCancelled, OnProgress, Progress
from .sampling import draw_noise, from_picture, guide, preview, to_pictures
from .text import TextEmbedding, condition


@torch.inference_mode()
def outpaint(
    checkpoint: Checkpoint,
    hint: np.ndarray,
    given: np.ndarray,
    kept: Sequence[np.ndarray | None],
    text: TextEmbedding,
    seed: int,
    *,
    guidance_scale: float,
    control_scale: float,
    renoise: bool,
    progress: OnProgress,
    check_cancelled: IsCancelled,
) -> np.ndarray:
    """Paint one canvas.

    Args:
        checkpoint: the models.
        hint: (C, H, W) float32 in 0..1, the ControlNet's.
        given: (H, W, 3) uint8 RGB canvas with the hands in place, for the kept cells.
        kept: per denoising step, the latent cells (h, w) that hold ``given`` after it, or None.
        text: two rows, the negative prompt and the prompt.
        seed: of the noise.
        renoise: kept latents get the noise of the step that follows (and none after the last); else they are clean.
        progress: told of each step.
        check_cancelled: raises to stop.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    device = checkpoint.device
    scheduler, autoencoder = checkpoint.scheduler, checkpoint.autoencoder
    height, width = hint.shape[1:]
    cell = autoencoder.patch_size
    steps = len(kept)
    scheduler.set_timesteps(steps, device=device)
    noise = draw_noise([seed], (autoencoder.latent_channels, height // cell, width // cell)).to(device)
    latents = noise * scheduler.init_noise_sigma
    clean = autoencoder.encode(from_picture(given, device))
    hints = torch.from_numpy(hint).to(device)[None].repeat(2, 1, 1, 1)
    arguments = condition(text, width, height)
    for index, timestep in enumerate(scheduler.timesteps):
        check_cancelled()
        inputs = scheduler.scale_model_input(latents.repeat(2, 1, 1, 1), timestep)
        down, middle = checkpoint.controlnet(
            inputs, timestep, controlnet_cond=hints, conditioning_scale=control_scale, return_dict=False, **arguments
        )
        predicted = checkpoint.unet(
            inputs,
            timestep,
            down_block_additional_residuals=down,
            mid_block_additional_residual=middle,
            return_dict=False,
            **arguments,
        )[0]
        predicted = guide(predicted, guidance_scale)
        stepped = scheduler.step(predicted, timestep, latents)
        latents, shown = stepped.prev_sample, stepped.pred_original_sample
        region = kept[index]
        if region is not None:
            fused = clean
            if renoise and index + 1 < steps:
                fused = scheduler.add_noise(clean, noise, scheduler.timesteps[index + 1 : index + 2])
            latents = torch.where(torch.from_numpy(region).to(device), fused, latents)
        progress(Progress("body", index + 1, steps, preview(autoencoder.decode(shown))))
    return to_pictures(autoencoder.decode(latents))[0]
