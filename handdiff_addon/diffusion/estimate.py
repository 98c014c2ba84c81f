# SPDX-License-Identifier: GPL-3.0-or-later
"""What the embedded networks are shown of noisy latents."""

from __future__ import annotations

import torch
from diffusers import DDIMScheduler


def shown_latents(scheduler: DDIMScheduler, noisy: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
    """The best linear guess at the clean latents, ``sqrt(alpha_bar) * noisy`` for latents of unit variance.

    Pure noise becomes nothing at all, so that the first denoising step reads the conditions undisturbed.

    Args:
        scheduler: the noise schedule.
        noisy: (B, C, h, w) latents.
        timesteps: one, or one for each of the batch.
    """
    kept = scheduler.alphas_cumprod[timesteps.long().cpu()].sqrt().to(noisy.device)
    return noisy * kept.reshape(-1, 1, 1, 1)
