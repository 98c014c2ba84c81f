# SPDX-License-Identifier: GPL-3.0-or-later
"""The denoising loop of both stages, with any of diffusers' schedulers, and what belongs to it."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from diffusers import LMSDiscreteScheduler, PNDMScheduler
from PIL import Image

from ..conditioning.flow import warp_noise
from ..conditioning.frame import Held
from ..errors import ModelError, UsageError
from .text import NEGATIVE, TextEmbedding

FRESH = 1 << 16
"""Index of the noise for what comes into view, beyond those of the crops"""
_SELF_SEEDED = ("DPMSolverSDEScheduler",)
"""Schedulers that draw their noise by themselves, so that it would depend on the batch"""


class Schedule:
    """A scheduler set for one run, a fresh copy: a run that was stopped leaves nothing behind in it.

    Args:
        scheduler: one of diffusers'.
        steps: denoising steps from pure noise.
        device: of the latents.
        strength: 1 begins with pure noise, less skips so many of the first steps; at least one is left.

    Raises:
        UsageError: for more steps than the scheduler takes.
    """

    def __init__(self, scheduler: Any, steps: int, device: torch.device, strength: float = 1.0) -> None:
        self.scheduler = type(scheduler).from_config(scheduler.config)
        try:
            self.scheduler.set_timesteps(steps, device=device)
        except ValueError as error:
            config = self.scheduler.config
            most = config.get("original_inference_steps", config.num_train_timesteps)  # of consistency models
            raise UsageError(
                f"{steps} steps are too many for the model's scheduler {type(scheduler).__name__}: give {most} at most."
            ) from error
        self.order = int(self.scheduler.order)
        first = (steps - max(1, min(steps, int(steps * strength)))) * self.order
        self.timesteps = self._from(first)
        self.steps = math.ceil(len(self.timesteps) / self.order)
        """Steps left; one of a second-order scheduler evaluates the model twice"""

    @property
    def progress(self) -> list[float]:
        """Per step, the part of the way from the first timestep to none that lies behind it; 1 after the last."""
        first, *after = self.timesteps[:: self.order].tolist()
        return [1.0 - timestep / first for timestep in after] + [1.0]

    def _from(self, first: int) -> torch.Tensor:
        """The timesteps from one of them on; two multistep schedulers need help to begin in the middle."""
        scheduler, timesteps = self.scheduler, self.scheduler.timesteps
        if isinstance(scheduler, PNDMScheduler) and first:
            single = torch.cat([timesteps[:1], timesteps[2:]])[first:]
            return torch.cat([single[:2], single[1:]])  # it evaluates its second timestep twice
        if isinstance(scheduler, LMSDiscreteScheduler) and first:
            scheduler.sigmas = scheduler.sigmas[first:]  # its order counts from the first sigma
            scheduler.timesteps = timesteps[first:]
            first = 0
        if hasattr(scheduler, "set_begin_index"):
            scheduler.set_begin_index(first)
        return scheduler.timesteps[first:]

    def begin(self, noise: torch.Tensor, clean: torch.Tensor | None, strength: float) -> torch.Tensor:
        """The latents to begin with: noise alone, or the clean ones with as much noise as the strength says."""
        if clean is None or strength >= 1.0:
            return noise * self.scheduler.init_noise_sigma
        return self.scheduler.add_noise(clean, noise, self.timesteps[:1])


def check_scheduler(scheduler: Any) -> None:
    """Refuse a scheduler that the denoising loop cannot run.

    Raises:
        ModelError
    """
    name = type(scheduler).__name__
    needed = ("scale_model_input", "add_noise", "set_timesteps", "init_noise_sigma", "order")
    if name in _SELF_SEEDED or not all(hasattr(scheduler, part) for part in needed) or scheduler.order > 2:
        raise ModelError(
            f"The model's scheduler {name} cannot be used here: choose another, such as UniPCMultistepScheduler."
        )


def denoise(
    schedule: Schedule,
    predict: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    latents: torch.Tensor,
    *,
    noise: torch.Tensor,
    clean: torch.Tensor | None = None,
    kept: Sequence[np.ndarray | None] = (),
    renoise: bool = True,
    generators: list[torch.Generator] | None = None,
    check: Callable[[], None],
    told: Callable[[int, torch.Tensor], None],
) -> torch.Tensor:
    """Denoise a batch, holding the kept cells on the given latents.

    Args:
        schedule: of this run.
        predict: the model's guided prediction for scaled latents at a timestep.
        latents: (N, C, h, w) float32, as :meth:`Schedule.begin` makes them.
        noise: (N, C, h, w) that the kept latents are noised with.
        clean: (N, C, h, w) latents of what is given; needed where something is kept.
        kept: per step, the bool cells (h, w) that hold ``clean`` after it, or None; empty: nothing is kept.
        renoise: kept latents get the noise of the step that follows (and none after the last); else they are clean.
        generators: of the noise that some schedulers add, one per picture.
        check: called before each evaluation; raises to stop.
        told: called after each step with its number from 1 and the latents as now predicted without noise.
    """
    scheduler, order = schedule.scheduler, schedule.order
    extra = {}
    if generators is not None and "generator" in inspect.signature(scheduler.step).parameters:
        extra["generator"] = generators
    for index, timestep in enumerate(schedule.timesteps):
        check()
        predicted = predict(scheduler.scale_model_input(latents, timestep), timestep)
        before = latents
        stepped = scheduler.step(predicted, timestep, latents, **extra)
        latents = stepped.prev_sample
        last = index + 1 == len(schedule.timesteps)
        if (index + 1) % order and not last:
            continue  # halfway through a step of second order, where the noise is of no step's level
        step = index // order
        region = kept[step] if kept else None
        if region is not None and clean is not None:
            fused = clean
            if renoise and not last:
                fused = scheduler.add_noise(clean, noise, schedule.timesteps[index + 1 : index + 2])
            latents = torch.where(torch.from_numpy(region).to(latents.device), fused, latents)
        told(step + 1, _predicted_clean(scheduler, stepped, predicted, timestep, before))
    return latents


def _predicted_clean(
    scheduler: Any, stepped: Any, predicted: torch.Tensor, timestep: torch.Tensor, latents: torch.Tensor
) -> torch.Tensor:
    """The latents as now predicted without noise, for a preview: the scheduler's own word, or worked out here."""
    for name in ("pred_original_sample", "denoised"):
        if (clean := getattr(stepped, name, None)) is not None:
            return clean
    kind = scheduler.config.prediction_type
    if kind == "sample":
        return predicted
    if not hasattr(scheduler, "alphas_cumprod"):
        return latents
    alpha = scheduler.alphas_cumprod[int(timestep)].to(latents)
    if kind == "v_prediction":
        return alpha.sqrt() * latents - (1 - alpha).sqrt() * predicted
    return (latents - (1 - alpha).sqrt() * predicted) / alpha.sqrt()


class Guidance:
    """Classifier-free guidance over a batch: how often each picture is evaluated, with which text, and the sum of it.

    Args:
        text: the rows of a request's text.
        rows: the row of each of the N pictures.
        scale: 1 leaves out the evaluation with the negative prompt.
        regions: further rows, and the bool cells (h, w) where each of them counts instead; for one picture.
    """

    def __init__(
        self,
        text: TextEmbedding,
        rows: Sequence[int],
        scale: float,
        regions: Sequence[tuple[int, np.ndarray]] = (),
    ) -> None:
        count = len(rows)
        self.scale = scale
        self.guided = scale > 1.0
        self.text = text.take(
            [NEGATIVE] * (count * self.guided) + [*rows] + [row for row, _ in regions for _ in range(count)]
        )
        self.copies = len(self.text) // count
        self.regions = [torch.from_numpy(cells).to(text.tokens.device) for _, cells in regions]

    def expand(self, batch: torch.Tensor) -> torch.Tensor:
        """A batch (N, ...) once for each evaluation, as (copies * N, ...)."""
        return batch.repeat(self.copies, *(1,) * (batch.ndim - 1))

    def combine(self, predicted: torch.Tensor) -> torch.Tensor:
        """The guided prediction (N, ...) of all evaluations (copies * N, ...)."""
        parts = list(predicted.chunk(self.copies))
        without = parts.pop(0) if self.guided else None
        with_text = parts[0]
        for cells, part in zip(self.regions, parts[1:], strict=True):
            with_text = torch.where(cells, part, with_text)
        return with_text if without is None else without + self.scale * (with_text - without)


def seeded(seeds: Sequence[int]) -> list[torch.Generator]:
    """A generator for each picture, on the CPU, so that all devices draw alike."""
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def draw_noise(generators: Sequence[torch.Generator], shape: tuple[int, int, int]) -> torch.Tensor:
    """Standard normal noise (N, C, h, w), each picture's from its own generator."""
    return torch.stack([torch.randn(shape, generator=generator) for generator in generators])


def carried_noise(noise: torch.Tensor, seed: int, held: Held | None) -> torch.Tensor:
    """A picture's noise (1, C, h, w) as it moves along with what is held; fresh where nothing moves it here."""
    if held is None or held.flow is None:
        return noise
    flow = held.flow.at_size(noise.shape[3], noise.shape[2])
    fresh = draw_noise(seeded([mix(seed, FRESH)]), (noise.shape[1], noise.shape[2], noise.shape[3]))
    warped = warp_noise(noise[0].cpu().numpy(), flow, fresh[0].numpy())
    return torch.from_numpy(warped)[None].to(noise)


def mix(seed: int, index: int) -> int:
    """One seed from two, below 2^63."""
    return int(np.random.SeedSequence((seed, index)).generate_state(1, np.uint64)[0] >> np.uint64(1))


def to_pictures(images: torch.Tensor) -> np.ndarray:
    """Pictures (N, 3, H, W) in -1..1 as (N, H, W, 3) uint8."""
    return ((images.clamp(-1.0, 1.0) + 1.0) * 127.5).round().permute(0, 2, 3, 1).to(torch.uint8).cpu().numpy()


def from_pictures(pictures: np.ndarray, device: torch.device) -> torch.Tensor:
    """Pictures (N, H, W, 3) uint8 as (N, 3, H, W) in -1..1."""
    return torch.from_numpy(np.ascontiguousarray(pictures)).to(device).permute(0, 3, 1, 2).float() / 127.5 - 1.0


def preview(images: torch.Tensor) -> Image.Image:
    """Pictures (N, 3, H, W) in -1..1, side by side."""
    return Image.fromarray(np.concatenate(list(to_pictures(images)), axis=1))
