# SPDX-License-Identifier: GPL-3.0-or-later
"""Edges of clothes lie where the passes have them, and the backdrop keeps no traces of people."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from handdiff_addon.diffusion.backdrop import clean_backdrop  # noqa: E402
from handdiff_addon.diffusion.edges import settle_edges  # noqa: E402

SHIRT, TROUSERS = torch.tensor([0.8, -0.6, -0.6]), torch.tensor([-0.6, -0.6, 0.8])


def clothed(edge: torch.Tensor, height: int = 64) -> torch.Tensor:
    """(1, 3, height, W): a shirt above the edge (W,), trousers below, a little darker to the left."""
    above = torch.arange(height)[:, None] < edge
    picture = torch.where(above, SHIRT[:, None, None], TROUSERS[:, None, None])
    return (picture + torch.linspace(-0.1, 0.0, len(edge)))[None]


def numbers(edge: torch.Tensor, height: int = 64) -> torch.Tensor:
    return torch.where(torch.arange(height)[:, None] < edge, 1, 2).to(torch.int32)[None, None]


@pytest.mark.parametrize("scale", [1, 2])
def test_a_notched_hem_becomes_even(scale: int) -> None:
    true = torch.full((64 * scale,), 32 * scale)
    notched = true + scale * torch.tensor([2, -2]).repeat_interleave(4 * scale).repeat(8)
    kinds = numbers(true, 64 * scale)
    settled = settle_edges(clothed(notched, 64 * scale), kinds, float(scale))
    wanted = clothed(true, 64 * scale)
    apart = (settled - wanted).abs()
    beside = (torch.arange(64 * scale) - (32 * scale - 0.5)).abs() > 1
    assert apart[:, :, beside].max() < 0.05, "but for the pixels that have a share of both"
    far = (torch.arange(64 * scale) - 32 * scale).abs() > 8 * scale
    torch.testing.assert_close(settled[:, :, far], wanted[:, :, far])


def test_what_has_no_known_edges_stays() -> None:
    picture = torch.rand(1, 3, 64, 64)
    for kinds in (torch.zeros(1, 1, 64, 64, dtype=torch.int32), torch.ones(1, 1, 64, 64, dtype=torch.int32)):
        torch.testing.assert_close(settle_edges(picture, kinds), picture)
    kinds = numbers(torch.full((64,), 32))
    kinds[..., :20] = 0  # such as a hand before the hem
    torch.testing.assert_close(settle_edges(picture, kinds)[..., :20], picture[..., :20])


def test_a_thin_strip_keeps_its_own_colours() -> None:
    """Nothing of it lies far enough from its edges to be sure."""
    kinds = torch.ones(1, 1, 64, 64, dtype=torch.int32)
    kinds[..., 30:34, :] = 2
    picture = torch.where(kinds == 2, TROUSERS[:, None, None], SHIRT[:, None, None])
    assert (settle_edges(picture, kinds)[:, 2, 31:33] > 0.5).all()


def standing() -> tuple[torch.Tensor, torch.Tensor]:
    """A backdrop that grows brighter to the right, and a person before it."""
    backdrop = torch.linspace(-0.2, -0.1, 128).expand(1, 3, 128, 128).clone()
    person = torch.zeros(1, 1, 128, 128)
    person[..., 40:, 50:80] = 1.0
    return torch.where(person > 0, 0.9, backdrop), person


def test_traces_around_a_person_are_gone() -> None:
    true, person = standing()
    picture = true.clone()
    picture[..., 33:36, 48:82] -= 0.3
    picture[..., 60:100, 44:47] += 0.2
    cleaned = clean_backdrop(picture, person)
    assert (cleaned - true).abs().max() < 0.02
    torch.testing.assert_close(cleaned[person.expand_as(picture) > 0], picture[person.expand_as(picture) > 0])


def test_a_patterned_backdrop_stays() -> None:
    true, person = standing()
    stripes = torch.where(torch.arange(128)[:, None] // 6 % 2 == 0, 0.4, -0.4).expand(128, 128)
    picture = torch.where(person > 0, true, stripes)
    torch.testing.assert_close(clean_backdrop(picture, person), picture)


def test_a_person_who_fills_the_frame_is_left_alone() -> None:
    picture = torch.rand(1, 3, 64, 64)
    torch.testing.assert_close(clean_backdrop(picture, torch.ones(1, 1, 64, 64)), picture)
