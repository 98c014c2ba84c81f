# SPDX-License-Identifier: GPL-3.0-or-later
"""The denoising loop with every scheduler that Stable Diffusion's models come with."""

from __future__ import annotations

import diffusers
import numpy as np
import pytest
import torch

from handdiff_addon.diffusion.late_steps import LateStepsScheduler
from handdiff_addon.diffusion.sampling import Schedule, check_scheduler, denoise, draw_noise, seeded
from handdiff_addon.errors import ModelError, UsageError
from handdiff_addon.request import MAX_STEPS
from handdiff_addon.training.initialise import make_scheduler

BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
EXACT = {
    "DDIM": {"clip_sample": False},
    "PNDM": {"skip_prk_steps": True},
    "LMSDiscrete": {},
    "EulerDiscrete": {"timestep_spacing": "trailing"},
    "HeunDiscrete": {},
    "KDPM2Discrete": {},
    "DPMSolverMultistep": {"use_karras_sigmas": True},
    "DPMSolverSinglestep": {},
    "DEISMultistep": {},
    "UniPCMultistep": {},
}
"""Schedulers that follow the model's word alone"""
DRAWING = {
    "DDPM": {"clip_sample": False},
    "EulerAncestralDiscrete": {},
    "KDPM2AncestralDiscrete": {},
    "LCM": {},
    "TCD": {},
    "SASolver": {},
    "DPMSolverMultistep": {"algorithm_type": "sde-dpmsolver++"},
}
"""Schedulers that draw noise at each step"""
SHAPE = (4, 6, 6)


def make(name: str, settings: dict) -> object:
    return getattr(diffusers, f"{name}Scheduler")(**BETAS, **settings)


def run(scheduler, seeds=(1, 2), steps=5, strength=1.0, kept=(), model=None, watch=lambda step, shown: None):
    schedule = Schedule(scheduler, steps, torch.device("cpu"), strength)
    generators = seeded(seeds)
    noise = draw_noise(generators, SHAPE)
    clean = torch.linspace(-1, 1, 4 * 36).reshape(1, *SHAPE).repeat(len(seeds), 1, 1, 1)
    latents = denoise(
        schedule,
        model or (lambda latents, timestep: noise),
        schedule.begin(noise, clean, strength),
        noise=noise,
        clean=clean,
        kept=kept(schedule.progress) if kept else (),
        generators=generators,
        check=lambda: None,
        told=watch,
    )
    return latents, clean, schedule


@pytest.mark.parametrize("strength", [1.0, 0.5])
@pytest.mark.parametrize("name", [*EXACT, "HeunDiscrete"])
def test_progress_is_told_for_every_step_and_ends_with_all_done(name, strength):
    schedule = Schedule(make(name, EXACT.get(name, {})), 8, torch.device("cpu"), strength)
    assert len(schedule.progress) == schedule.steps
    assert schedule.progress == sorted(schedule.progress)
    assert schedule.progress[0] >= 0.0 and schedule.progress[-1] == 1.0


def test_even_steps_are_even_progress():
    schedule = Schedule(make("EulerDiscrete", {}), 8, torch.device("cpu"))
    assert schedule.progress == pytest.approx([step / 8 for step in range(1, 9)], abs=0.126)  # within a step


def test_late_steps_have_most_done_after_the_first():
    schedule = Schedule(LateStepsScheduler.from_config(make_scheduler().config), 4, torch.device("cpu"))
    assert schedule.progress == pytest.approx([0.7, 0.8, 0.9, 1.0], abs=0.01)


@pytest.mark.parametrize("strength", [0.9, 0.6])
@pytest.mark.parametrize("name", EXACT)
def test_kept_cells_carry_the_noise_of_their_step(name, strength):
    """The model names the noise that is there, so each step leads to the given latents with that much less noise:
    cells that were kept and cells that were painted must not differ, and neither from another run."""
    half = np.zeros((6, 6), bool)
    half[:3] = True
    shown = []
    kept, _, schedule = run(
        make(name, EXACT[name]),
        strength=strength,
        kept=lambda progress: [half] * (len(progress) - 1) + [None],
        watch=lambda step, clean: shown.append((step, clean)),
    )
    free, clean, _ = run(make(name, EXACT[name]), strength=strength)
    assert torch.allclose(kept, free, atol=2e-3)
    assert torch.allclose(free, clean, atol=0.15)
    assert [step for step, _ in shown] == list(range(1, schedule.steps + 1))
    assert all(torch.isfinite(clean).all() for _, clean in shown)


@pytest.mark.parametrize("name,settings", [*EXACT.items(), *DRAWING.items()])
def test_what_is_kept_to_the_end_is_what_was_given(name, settings):
    whole = np.ones((6, 6), bool)
    latents, clean, _ = run(make(name, settings), kept=lambda progress: [whole] * len(progress))
    assert torch.equal(latents, clean)


@pytest.mark.parametrize("name,settings", DRAWING.items())
def test_added_noise_belongs_to_the_picture_and_not_to_the_batch(name, settings):
    def model(latents, timestep):
        return latents * 0.1

    together = run(make(name, settings), seeds=(1, 2), model=model)[0]
    alone = run(make(name, settings), seeds=(2,), model=model)[0]
    assert torch.allclose(together[1], alone[0], atol=1e-5)
    assert not torch.allclose(together[0], together[1], atol=1e-2)


@pytest.mark.parametrize("name", ["HeunDiscrete", "KDPM2Discrete"])
def test_a_second_order_step_counts_once(name):
    assert Schedule(make(name, {}), 5, torch.device("cpu")).steps == 5


@pytest.mark.parametrize("name", ["LCM", "TCD"])
def test_more_steps_than_a_scheduler_takes_are_refused_with_their_number(name):
    scheduler = make(name, {})
    with pytest.raises(UsageError, match=f"51 steps .* {name}Scheduler: give 50 at most"):
        Schedule(scheduler, 51, torch.device("cpu"))
    assert Schedule(scheduler, 50, torch.device("cpu")).steps == 50


@pytest.mark.parametrize("name", EXACT)
def test_the_most_steps_give_numbers(name):
    assert torch.isfinite(run(make(name, EXACT[name]), seeds=(1,), steps=MAX_STEPS)[0]).all()


def test_a_run_leaves_the_models_scheduler_as_it_was():
    scheduler = make("UniPCMultistep", {})
    run(scheduler)
    assert scheduler.num_inference_steps is None


def test_at_least_one_step_is_left():
    assert Schedule(make("DDIM", {}), 4, torch.device("cpu"), strength=0.01).steps == 1


@pytest.mark.parametrize("name", ["FlowMatchEulerDiscrete", "DPMSolverSDE"])
def test_a_scheduler_that_cannot_be_used_is_refused(name, monkeypatch):
    cls = getattr(diffusers, f"{name}Scheduler", None)
    scheduler = type(f"{name}Scheduler", (), {"order": 1})() if cls is None or name == "DPMSolverSDE" else cls()
    with pytest.raises(ModelError, match="UniPC"):
        check_scheduler(scheduler)


def test_schedulers_that_are_used_are_not_refused():
    for name, settings in (*EXACT.items(), *DRAWING.items()):
        check_scheduler(make(name, settings))
