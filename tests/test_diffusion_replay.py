# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps that are played again give what calling the networks would, and what cannot be recorded goes on as usual."""

from __future__ import annotations

import pytest
import torch

from handdiff_addon.diffusion.replay import _Recording, replayed

card = pytest.mark.skipif(not torch.cuda.is_available() or torch.version.hip is not None, reason="needs an NVIDIA card")


class Network:
    """A network that counts how often it is called."""

    def __init__(self, device: str) -> None:
        torch.manual_seed(0)
        self.convolution = torch.nn.Conv2d(4, 4, 3, padding=1).to(device)
        self.called = 0

    def __call__(self, latents, timestep):
        self.called += 1
        return self.convolution(latents) * timestep


class Waits(Network):
    def __call__(self, latents, timestep):
        assert latents.sum().item() == latents.sum().item()
        return super().__call__(latents, timestep)


class Overflows(Network):
    def __call__(self, latents, timestep):
        predicted = super().__call__(latents, timestep)
        if self.called == 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return predicted


@torch.inference_mode()
def steps(network, device, count=6):
    """What replayed steps give, and what calling the network gives."""
    pairs = []
    with replayed(network, torch.device(device)) as evaluate:
        for step in range(count):
            latents = torch.full((2, 4, 8, 8), float(step + 1), device=device)
            timestep = torch.tensor(1.0 + step, device=device)
            predicted = evaluate(latents, timestep)
            pairs.append((predicted, network.convolution(latents) * timestep))
    return pairs


def test_on_a_processor_every_step_calls_the_network():
    network = Network("cpu")
    for replay, call in steps(network, "cpu"):
        assert torch.equal(replay, call)
    assert network.called == 6


@card
def test_on_a_card_the_first_step_is_as_usual_and_the_others_are_played_again():
    network = Network("cuda")
    pairs = steps(network, "cuda")
    assert network.called == 2
    for replay, call in pairs:
        torch.testing.assert_close(replay, call)


@card
def test_without_memory_for_a_recording_all_goes_on_as_usual():
    network = Overflows("cuda")
    for replay, call in steps(network, "cuda"):
        torch.testing.assert_close(replay, call)
    again = Network("cuda")
    assert len(steps(again, "cuda")) == 6 and again.called == 2


@card
def test_what_waits_for_the_card_goes_on_as_usual_and_leaves_nothing_behind(monkeypatch):
    monkeypatch.setattr(_Recording, "possible", True)
    for network in (Waits("cuda"), Network("cuda")):
        for replay, call in steps(network, "cuda"):
            torch.testing.assert_close(replay, call)
        assert network.called >= 6
    assert torch.isfinite(torch.randn(4, device="cuda")).all()
