# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights rounded to eight bits are few values, near to what they were, and tiny channels are not lost."""

from __future__ import annotations

import torch

from handdiff_addon.diffusion.eight_bit import round_to_eight_bits


def test_each_channel_has_255_values_up_to_its_largest() -> None:
    torch.manual_seed(0)
    layer = torch.nn.Conv2d(32, 4, 5)
    with torch.no_grad():
        layer.weight.mul_(torch.tensor([1.0, 1e-6, 100.0, 0.0])[:, None, None, None])
    before, bias = layer.weight.clone(), layer.bias.clone()
    round_to_eight_bits([torch.nn.Sequential(layer, norm := torch.nn.GroupNorm(2, 4))])
    largest = before.abs().amax((1, 2, 3))
    for channel, was, most in zip(layer.weight, before, largest, strict=True):
        assert 1 <= len(channel.unique()) <= 255
        assert (channel - was).abs().max() <= most / 254 * 1.001
    assert len(layer.weight[0].unique()) > 100
    torch.testing.assert_close(layer.weight.abs().amax((1, 2, 3)), largest)
    assert not layer.weight[3].any() and layer.weight.isfinite().all()
    assert torch.equal(layer.bias, bias) and torch.equal(norm.weight, torch.ones(4))
    once = layer.weight.clone()
    round_to_eight_bits([layer])
    torch.testing.assert_close(layer.weight, once)
