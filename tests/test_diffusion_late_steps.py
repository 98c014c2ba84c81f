# SPDX-License-Identifier: GPL-3.0-or-later
"""The embedded model's denoising steps: where they lie, and that each is a step of DDIM."""

from __future__ import annotations

import itertools

import pytest
import torch
from diffusers import DDIMScheduler

from handdiff_addon.diffusion.late_steps import LATE, LateStepsScheduler
from handdiff_addon.diffusion.sampling import Schedule
from handdiff_addon.training.initialise import make_scheduler


def late_steps(steps: int) -> LateStepsScheduler:
    scheduler = LateStepsScheduler.from_config(make_scheduler().config)
    scheduler.set_timesteps(steps)
    return scheduler


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 8, 50])
def test_the_first_step_is_pure_noise_and_the_others_are_at_little(steps):
    timesteps = late_steps(steps).timesteps.tolist()
    assert timesteps[0] == 999 and len(timesteps) == steps
    assert all(0 < after < before for before, after in itertools.pairwise(timesteps))
    amplitudes = late_steps(steps).alphas_cumprod.sqrt()
    assert amplitudes[999] < 1e-6 and all(amplitudes[t] > 0.94 for t in timesteps[1:])
    assert timesteps[1:2] in ([], [round(1000 * LATE)])


def test_at_ddims_own_timesteps_it_steps_as_ddim_does():
    """diffusers' scheduler works the next timestep out, ours takes it from the list."""
    theirs, ours = make_scheduler(), late_steps(4)
    theirs.set_timesteps(4)
    ours.timesteps = theirs.timesteps
    generator = torch.Generator().manual_seed(0)
    sample, clean = torch.randn((2, 1, 3, 4, 4), generator=generator)
    for timestep in theirs.timesteps:
        expected = theirs.step(clean, timestep, sample).prev_sample
        torch.testing.assert_close(ours.step(clean, timestep, sample).prev_sample, expected)
        sample = expected
    torch.testing.assert_close(sample, clean)


@pytest.mark.parametrize(("steps", "strength"), [(4, 1.0), (400, 1.0), (400, 0.5)])
def test_a_perfect_model_ends_at_its_picture_and_is_always_at_the_timesteps_noise(steps, strength):
    """Of 400 steps, some have the same rounded timestep."""
    schedule = Schedule(late_steps(steps), steps, torch.device("cpu"), strength)
    generator = torch.Generator().manual_seed(0)
    noise, clean = torch.randn((2, 1, 3, 8, 8), generator=generator)
    latents = schedule.begin(noise, clean, strength)
    for timestep, after in zip(schedule.timesteps, [*schedule.timesteps[1:], None], strict=True):
        latents = schedule.scheduler.step(clean, timestep, latents).prev_sample
        if after is not None:
            expected = schedule.scheduler.add_noise(clean, noise, after[None])
            torch.testing.assert_close(latents, expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(latents, clean)


def test_a_schedule_is_a_fresh_one_of_the_same_kind():
    schedule = Schedule(late_steps(2), 4, torch.device("cpu"))
    assert isinstance(schedule.scheduler, LateStepsScheduler) and schedule.steps == 4
    assert not isinstance(Schedule(make_scheduler(), 4, torch.device("cpu")).scheduler, LateStepsScheduler)
    assert isinstance(make_scheduler(), DDIMScheduler)
