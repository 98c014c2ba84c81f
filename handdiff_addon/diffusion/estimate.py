# SPDX-License-Identifier: GPL-3.0-or-later
"""What the embedded networks are shown of noisy latents."""

from __future__ import annotations

import torch
from diffusers import DDIMScheduler


def shown_latents(
    scheduler: DDIMScheduler, noisy: torch.Tensor, timesteps: torch.Tensor, expected: torch.Tensor | None = None
) -> torch.Tensor:
    """The best linear guess at the clean latents, which have unit variance around what is expected of them:
    ``a * noisy + (1 - a^2) * expected`` with ``a = sqrt(alpha_bar)``.

    Pure noise becomes what is expected, so that the first denoising step reads the conditions undisturbed.

    Args:
        scheduler: the noise schedule.
        noisy: (B, C, h, w) latents.
        timesteps: one, or one for each of the batch.
        expected: (B, C, h, w) latents; None: nothing at all.
    """
    kept = (1.0 - unknown(scheduler, timesteps)).sqrt().to(noisy.device)
    return noisy * kept if expected is None else noisy * kept + expected * (1.0 - kept.square())


def unknown(scheduler: DDIMScheduler, timesteps: torch.Tensor) -> torch.Tensor:
    """The share of the clean latents' variance that noisy latents leave open, ``1 - alpha_bar``, as (B, 1, 1, 1)."""
    return 1.0 - scheduler.alphas_cumprod[timesteps.long().cpu()].reshape(-1, 1, 1, 1)
