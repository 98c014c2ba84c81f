# SPDX-License-Identifier: GPL-3.0-or-later
"""The guess of colours: words find their parts, cells are blind to each other, given hands are heeded."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.nn import functional

from handdiff_addon.diffusion.colour_sketch import COLOURS, ColourSketch
from handdiff_addon.diffusion.patch_autoencoder import PatchAutoencoder

QUESTIONS, WIDTH, CELL = 3, 8, 4
BODY_MAP = slice(11, 14)


def hints(colours: torch.Tensor) -> torch.Tensor:
    """A hint of a person with these colours (B, 3, H, W) of the body map."""
    hint = torch.zeros(len(colours), 14, *colours.shape[2:])
    hint[:, 3] = 1.0
    hint[:, BODY_MAP] = colours
    return hint


@pytest.fixture
def sketch() -> ColourSketch:
    torch.manual_seed(0)
    return ColourSketch(WIDTH, QUESTIONS, CELL)


def test_each_part_learns_to_heed_its_own_word(sketch: ColourSketch) -> None:
    """Two parts, one above the other; the first word says the colour of the one, the second that of the other."""
    generator = torch.Generator().manual_seed(0)
    body = torch.zeros(16, 3, 2 * CELL, CELL)
    body[:, 1, :CELL], body[:, 1, CELL:] = 0.95, 0.6
    optimiser = torch.optim.Adam(sketch.parameters(), 1e-2)

    def drawn() -> tuple[torch.Tensor, torch.Tensor]:
        said = torch.rand(16, QUESTIONS, COLOURS, generator=generator)
        return torch.cat([said, torch.zeros(16, QUESTIONS, WIDTH - COLOURS)], 2), said[:, :2, :, None].transpose(1, 2)

    for _ in range(250):
        answers, truth = drawn()
        loss = (sketch(hints(body), answers)[0] - truth).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    answers, truth = drawn()
    error = (sketch(hints(body), answers)[0] - truth).abs().mean()
    assert error < 0.06, float(error)


def test_a_cell_is_blind_to_its_neighbours(sketch: ColourSketch) -> None:
    generator = torch.Generator().manual_seed(1)
    body, answers = (
        torch.rand(1, 3, 3 * CELL, 2 * CELL, generator=generator),
        torch.rand(1, QUESTIONS, WIDTH, generator=generator),
    )
    before = torch.cat(sketch(hints(body), answers), 1)
    body[:, :, CELL : 2 * CELL, :CELL] = 0.3
    changed = (torch.cat(sketch(hints(body), answers), 1) - before).abs().amax(1)[0]
    assert before.shape == (1, 4, 3, 2)
    assert changed[1, 0] > 0
    changed[1, 0] = 0
    assert changed.max() < 1e-6


def test_the_mean_of_given_hands_is_heeded_everywhere(sketch: ColourSketch) -> None:
    hint = hints(torch.full((1, 3, 2 * CELL, 2 * CELL), 0.5)).repeat(3, 1, 1, 1)
    hint[1:, 7, :2, :2] = 1.0
    hint[1, 4:7, :2, :2] = 0.9
    hint[2, 4:7, :2, :2] = 0.2
    colours = sketch(hint, torch.ones(3, QUESTIONS, WIDTH))[0][:, :, 1, 1]
    assert (colours[0] - colours[1]).abs().max() > 1e-3
    assert (colours[1] - colours[2]).abs().max() > 1e-3


def test_a_forearm_may_take_over_the_given_hands_colour(sketch: ColourSketch) -> None:
    """Where it does, it is theirs whatever the words say, in its own light; without hands, the words' as before."""
    hint, answers = hints(torch.full((1, 3, 2 * CELL, 2 * CELL), 0.5)), torch.ones(1, QUESTIONS, WIDTH)
    with torch.no_grad():
        alone = sketch(hint, answers)[0]
        sketch.like_hands.bias.copy_(torch.tensor([50.0, -0.5]))
        torch.testing.assert_close(sketch(hint, answers)[0], alone)
        hand = torch.tensor([0.6, 0.4, 0.2])
        hint[:, 4:7, :2, :2], hint[:, 7, :2, :2] = hand[:, None, None], 1.0
        colours = sketch(hint, answers)[0]
    torch.testing.assert_close(colours[0, :, 1, 1], hand * 0.60653)


def test_the_backdrop_gets_one_colour_and_the_person_the_same_with_it_as_without(sketch: ColourSketch) -> None:
    body, answers = torch.rand(2, 3, 2 * CELL, 2 * CELL), torch.ones(2, QUESTIONS, WIDTH)
    hint = hints(body)
    alone = torch.cat(sketch(hint, answers), 1)
    wide = torch.zeros(2, 14, 3 * CELL, 4 * CELL)
    wide[:, :, CELL:, CELL : 3 * CELL] = hint
    seen = torch.cat(sketch(wide, answers), 1)
    torch.testing.assert_close(seen[:, :, 1:, 1:3], alone)
    assert all(torch.equal(seen[:, :, row, column], seen[:, :, 0, 0]) for row, column in ((0, 3), (1, 0), (2, 3)))


def test_where_two_things_meet_a_cell_has_the_mean_of_their_colours(sketch: ColourSketch) -> None:
    body = torch.full((1, 3, CELL, 3 * CELL), 0.7)
    body[..., CELL + CELL // 2 :] = 0.2
    colours = sketch(hints(body), torch.ones(1, QUESTIONS, WIDTH))[0][0, :, 0]
    assert (colours[:, 0] - colours[:, 2]).abs().max() > 1e-3
    torch.testing.assert_close(colours[:, 1], (colours[:, 0] + colours[:, 2]) / 2)


def test_it_is_not_trusted_on_an_outline(sketch: ColourSketch) -> None:
    """The person is half of what one pixel in two shows there, or half of the cell's parts."""
    body = torch.full((1, 3, CELL, 3 * CELL), 0.7)
    hint = hints(body)
    hint[:, :, :, CELL : 2 * CELL : 2] = 0.0
    hint[:, :, :, 2 * CELL + CELL // 2 :] = 0.0
    trust = sketch(hint, torch.ones(1, QUESTIONS, WIDTH))[1][0, 0, 0]
    assert trust[0] > 0.2
    assert trust[1] == 0.0
    assert trust[2] > 0.2


def test_of_a_person_it_is_trusted_only_where_the_body_map_tells_the_place(sketch: ColourSketch) -> None:
    """From keypoints alone, which word a part goes by is the networks' to find; the backdrop has its own word."""
    hint = hints(torch.zeros(1, 3, CELL, 3 * CELL))
    hint[:, BODY_MAP, :, CELL : 2 * CELL] = 0.4
    hint[..., 2 * CELL :] = 0.0
    trust = sketch(hint, torch.ones(1, QUESTIONS, WIDTH))[1][0, 0, 0]
    assert trust[0] == 0.0
    assert trust[1] > 0.2 and trust[2] > 0.2


def test_it_lies_beside_the_hint_at_full_size(sketch: ColourSketch) -> None:
    hint = hints(torch.rand(2, 3, 2 * CELL, CELL))
    colours = torch.tensor([[[[-0.5]], [[0.25]], [[1.5]]]]).expand(2, 3, 2, 1)
    shown = sketch.beside(hint, colours)
    assert torch.equal(shown[:, :14], hint)
    assert shown[0, 14:].flatten(1).unique(dim=1).flatten().tolist() == [0.0, 0.25, 1.0]


def test_saved_and_loaded_it_guesses_the_same(sketch: ColourSketch, tmp_path: Path) -> None:
    sketch.half().float().save_pretrained(tmp_path)
    hint, answers = hints(torch.rand(1, 3, CELL, CELL)), torch.rand(1, QUESTIONS, WIDTH)
    loaded = ColourSketch.from_pretrained(tmp_path)(hint, answers)
    assert all(map(torch.equal, loaded, sketch(hint, answers)))


def test_a_predicted_cell_is_drawn_to_the_sketch_as_far_as_it_is_trusted(sketch: ColourSketch) -> None:
    """Its mean colour moves, what it shows beside that stays."""
    generator = torch.Generator().manual_seed(2)
    autoencoder = PatchAutoencoder(CELL, 3 * CELL**2)
    autoencoder.fit(torch.rand(40, 3, 4 * CELL, 4 * CELL, generator=generator) * 2 - 1)
    picture = torch.rand(1, 3, CELL, 3 * CELL, generator=generator) * 0.6 - 0.3
    colours, trust = torch.full((1, 3, 1, 3), 0.6), torch.tensor([[[[0.0, 0.5, 1.0]]]])

    def settled(share: float) -> torch.Tensor:
        latents = autoencoder.encode(picture)
        return autoencoder.decode(sketch.settle(latents, colours, trust, torch.tensor(share), autoencoder))

    def means(pixels: torch.Tensor) -> torch.Tensor:
        return functional.avg_pool2d(pixels, CELL)

    expected = means(picture) + trust * (0.2 - means(picture))
    assert torch.allclose(means(settled(1.0)), expected, atol=1e-4)
    assert torch.allclose(means(settled(0.0)), means(picture), atol=1e-4)
    beside = settled(1.0) - functional.interpolate(means(settled(1.0)), scale_factor=CELL)
    assert torch.allclose(beside, picture - functional.interpolate(means(picture), scale_factor=CELL), atol=1e-4)


def test_noisy_latents_are_shown_as_the_best_guess_around_what_is_expected() -> None:
    """What is off in the guess has nothing to do with what is seen: by that a best linear guess is told (Gauss)."""
    from handdiff_addon.diffusion.estimate import shown_latents
    from handdiff_addon.training.initialise import make_scheduler

    generator = torch.Generator().manual_seed(0)
    scheduler = make_scheduler()
    expected = torch.full((1, 1, 200, 200), 3.0)
    clean, noise = (torch.randn(expected.shape, generator=generator) for _ in range(2))
    clean = clean + expected
    for step in (0, 300, 700, 999):
        timestep = torch.tensor([step])
        noisy = scheduler.add_noise(clean, noise, timestep)
        off = shown_latents(scheduler, noisy, timestep, expected) - clean
        assert abs(float(off.mean())) < 0.03
        assert abs(float((off * (noisy - noisy.mean())).mean())) < 0.03
    assert torch.equal(shown_latents(scheduler, noise, torch.tensor(999), expected), expected)
