# SPDX-License-Identifier: GPL-3.0-or-later
"""Stage 1: all hands of a frame in one batch of crops, each painted together with its segmentation mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from .checkpoint import HandGenerator
from .mask_head import last_features
from .progress import IsCancelled, OnProgress, Progress
from .sampling import draw_noise, guide, preview, to_pictures
from .text import TextEmbedding, condition


@dataclass(frozen=True)
class PaintedHands:
    """Stage 1's output for a batch of crops."""

    pictures: np.ndarray
    """(N, S, S, 3) uint8 RGB"""
    masks: np.ndarray
    """(N, S, S) float32, how likely each pixel is hand, 0..1"""


@torch.inference_mode()
def paint_hands(
    generator: HandGenerator,
    hints: np.ndarray,
    text: TextEmbedding,
    seeds: Sequence[int],
    *,
    steps: int,
    guidance_scale: float,
    progress: OnProgress,
    check_cancelled: IsCancelled,
) -> PaintedHands:
    """Paint a batch of hand crops.

    Args:
        generator: the multi-task hand generator.
        hints: (N, C, h, w) float32 in 0..1 at latent size, from :func:`hand_hint`; in both halves of guidance.
        text: two rows, the negative prompt and the prompt.
        seeds: one per crop.
        steps, guidance_scale: of the denoising.
        progress: told of each step.
        check_cancelled: raises to stop.

    The mask is the one that the last denoising step predicts, from the half with text.
    """
    device = generator.unet.device
    count = len(seeds)
    scheduler = generator.scheduler
    scheduler.set_timesteps(steps, device=device)
    seen = torch.from_numpy(hints).to(device).repeat(2, 1, 1, 1)
    shape = (generator.autoencoder.latent_channels, hints.shape[2], hints.shape[3])
    latents = draw_noise(seeds, shape).to(device) * scheduler.init_noise_sigma
    both = text.repeat_each(count)
    arguments = condition(both, generator.crop, generator.crop)
    with last_features(generator.unet) as features:
        for index, timestep in enumerate(scheduler.timesteps):
            check_cancelled()
            inputs = torch.cat([scheduler.scale_model_input(latents.repeat(2, 1, 1, 1), timestep), seen], dim=1)
            predicted = guide(generator.unet(inputs, timestep, return_dict=False, **arguments)[0], guidance_scale)
            stepped = scheduler.step(predicted, timestep, latents)
            latents = stepped.prev_sample
            shown = generator.autoencoder.decode(stepped.pred_original_sample)
            progress(Progress("hands", index + 1, steps, preview(shown)))
        logits = generator.mask_head(features[0][count:])
    return PaintedHands(
        to_pictures(generator.autoencoder.decode(latents)), logits.sigmoid()[:, 0].float().cpu().numpy()
    )
