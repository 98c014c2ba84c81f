# SPDX-License-Identifier: GPL-3.0-or-later
"""Cloth of one colour is painted in one colour, and hands in the skin's."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from handdiff_addon.diffusion.even_surfaces import even_surfaces, match_hands  # noqa: E402

SIZE = 128
BLUE, SKIN = torch.tensor([0.03, 0.12, 0.6]), torch.tensor([0.45, 0.25, 0.15])


def sphere() -> torch.Tensor:
    """(3, SIZE, SIZE) normals in -1..1, of a ball that fills the picture; the corners face the camera."""
    across = torch.linspace(-1.0, 1.0, SIZE)
    y, x = torch.meshgrid(-across, across, indexing="ij")
    z = (1.0 - x**2 - y**2).clamp(min=0.0).sqrt()
    normals = torch.stack([x, y, z])
    return torch.where(z > 0, normals, torch.tensor([0.0, 0.0, 1.0])[:, None, None])


def lit(colour: torch.Tensor) -> torch.Tensor:
    """(1, 3, SIZE, SIZE) in -1..1: a matte ball of a linear colour, in light from the upper left and from all around,
    as Lambert's law has it."""
    towards = torch.tensor([-0.5, 0.5, 0.7]) / torch.tensor([-0.5, 0.5, 0.7]).norm()
    light = 0.25 + 0.75 * torch.einsum("c,chw->hw", towards, sphere()).clamp(min=0.0)
    return 2.0 * (colour[:, None, None] * light)[None] ** (1 / 2.2) - 1.0


def as_colours() -> torch.Tensor:
    return (sphere() / 2 + 0.5)[None]


def everywhere() -> torch.Tensor:
    return torch.ones(SIZE, SIZE, dtype=torch.bool)


def stained() -> torch.Tensor:
    """The ball with a dark blotch, and a reddish one."""
    picture = lit(BLUE)
    picture[..., 30:70, 30:70] -= 0.12
    picture[:, 0, 80:120, 60:100] += 0.2
    return picture


@pytest.mark.parametrize("scale", [1, 2])
def test_blotches_fade_and_shading_stays(scale: int) -> None:
    def wide(pixels: torch.Tensor) -> torch.Tensor:
        return pixels.repeat_interleave(scale, -1).repeat_interleave(scale, -2)

    true = wide(lit(BLUE))
    picture, normals, own = wide(stained()), wide(as_colours()), wide(everywhere())
    before = (picture - true).abs()
    after = (even_surfaces(picture, normals, own, [(own, own)], float(scale)) - true).abs()
    dark = (..., slice(40 * scale, 60 * scale), slice(40 * scale, 60 * scale))
    red = (slice(None), slice(0, 1), slice(85 * scale, 115 * scale), slice(65 * scale, 95 * scale))
    assert after[dark].mean() < 0.6 * before[dark].mean()
    assert after[red].mean() < 0.3 * before[red].mean()
    right = (..., slice(None), slice(110 * scale, None))
    assert after[right].mean() < 0.045, "what was right is much as it was"


def test_a_surface_of_one_colour_is_left_alone() -> None:
    picture = lit(BLUE)
    apart = (even_surfaces(picture, as_colours(), everywhere(), [(everywhere(), everywhere())]) - picture).abs()
    assert apart.mean() < 0.03 and apart.max() < 0.15, "Lambert's law is nearly, not quite, of the second order"


@pytest.mark.parametrize("light", ["from one side", "from all around"])
def test_folds_stay(light: str) -> None:
    """Stripes of a few pixels in the cloth's own shades are no blotches, in soft light and on dark cloth neither."""
    picture = lit(BLUE)
    if light == "from all around":
        picture = (2.0 * (0.7 * BLUE) ** (1 / 2.2) - 1.0)[None, :, None, None].expand_as(picture).clone()
    stripes = torch.arange(SIZE) // 4 % 2 == 0
    picture[..., stripes] -= 0.04
    evened = even_surfaces(picture, as_colours(), everywhere(), [(everywhere(), everywhere())])
    contrast = (evened[..., ~stripes].mean() - evened[..., stripes].mean()).item()
    assert contrast > 0.85 * (picture[..., ~stripes].mean() - picture[..., stripes].mean()).item()


@pytest.mark.parametrize("other", [torch.tensor([0.6, 0.1, 0.05]), 0.15 * BLUE])
def test_a_pattern_that_a_model_has_learned_stays(other: torch.Tensor) -> None:
    """Of several colours, or of broad light and dark stripes."""
    stripes = (torch.arange(SIZE) // 32 % 2 == 0)[:, None]
    picture = torch.where(stripes, lit(BLUE), lit(other))
    green = (torch.arange(SIZE) // 16 % 4 == 1)[None]
    picture = torch.where(green, lit(torch.tensor([0.1, 0.4, 0.1])), picture)
    torch.testing.assert_close(
        even_surfaces(picture, as_colours(), everywhere(), [(everywhere(), everywhere())]), picture
    )


def test_what_does_not_tell_takes_the_colour_of_what_does() -> None:
    """As a rim of hair that was painted as skin."""
    true, own = lit(BLUE), everywhere()
    skin = (torch.arange(SIZE) > 0.6 * SIZE)[:, None].expand(SIZE, SIZE)
    picture = torch.where(skin, lit(torch.tensor([0.6, 0.35, 0.25])), true)
    evened = even_surfaces(picture, as_colours(), everywhere(), [(own, own & ~skin)])
    inner = own & skin
    inner[-4:] = False
    assert (evened - true)[..., inner].abs().mean() < 0.15 * (picture - true)[..., inner].abs().mean()


def test_what_is_guessed_is_no_lighter_or_darker_than_what_tells_it() -> None:
    """A part that lies in other light than all that is known of the surface: what was fitted there says little."""
    picture, own = lit(BLUE), everywhere()
    known = own.clone()
    known[48:] = known[:, 48:] = False
    evened = even_surfaces(picture, as_colours(), own, [(own, known)])
    least, most = picture[..., 4:44, 4:44].amin((0, 2, 3)), picture[..., 4:44, 4:44].amax((0, 2, 3))
    guessed = evened[0, :, 60:, 60:].flatten(1)
    assert (guessed.amin(1) > least - 0.05).all() and (guessed.amax(1) < most + 0.05).all()


def test_a_light_rim_beside_something_else_of_a_person_fades_and_a_fold_there_stays() -> None:
    """A row of latent cells that show the mean of a shirt and white trousers; beside the backdrop there is none."""
    true, white = lit(BLUE), everywhere()
    white[:90] = False
    picture = torch.where(white, lit(torch.tensor([0.8, 0.8, 0.8])), true)
    picture[..., 84:89, :] = (true + 0.5)[..., 84:89, :]
    picture[..., :84, 40:44] -= 0.08

    def evened(people: torch.Tensor) -> torch.Tensor:
        return even_surfaces(picture, as_colours(), people, [(~white, ~white)])

    def rim(people: torch.Tensor) -> float:
        return float((evened(people) - true)[..., 84:88, 10:-10].mean())

    assert rim(everywhere()) < 0.4 * rim(~white)
    fold = (evened(everywhere())[..., 76:84, 50:54] - evened(everywhere())[..., 76:84, 40:44]).mean()
    assert float(fold) > 0.05


def test_only_the_surface_changes_and_what_lies_at_its_edge() -> None:
    picture, own = stained(), everywhere()
    own[:, :64] = False
    evened = even_surfaces(picture, as_colours(), own, [(own, own)])
    torch.testing.assert_close(evened[..., :64], picture[..., :64])
    beside = even_surfaces(picture, as_colours(), everywhere(), [(own, own)])
    torch.testing.assert_close(beside[..., :63], picture[..., :63])
    assert (evened[..., 64:] - picture[..., 64:]).abs().max() > 0.05
    assert torch.equal(even_surfaces(picture, as_colours(), everywhere(), []), picture)
    few = torch.zeros_like(own)
    few[:5, :5] = True
    assert torch.equal(even_surfaces(picture, as_colours(), everywhere(), [(few, few)]), picture), (
        "too few pixels to tell the light by"
    )


def hand_and_arm(tone: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Skin whose lower part, the hand, has so many times the arm's colour."""
    hand = everywhere()
    hand[:80] = False
    arm = everywhere() & ~hand
    return torch.where(hand, lit(tone * SKIN), lit(SKIN)), hand, arm


@pytest.mark.parametrize("tone", [0.6, 1.6])
def test_a_hand_of_another_tone_gets_the_arms(tone: float) -> None:
    picture, hand, arm = hand_and_arm(tone)
    true = lit(SKIN)
    matched = match_hands(picture, as_colours(), hand, arm)
    inner = (..., slice(86, None), slice(None))
    assert (matched - true)[inner].abs().mean() < 0.25 * (picture - true)[inner].abs().mean()
    torch.testing.assert_close(matched[..., :80, :], picture[..., :80, :])


def test_a_glove_stays_a_glove() -> None:
    picture, hand, arm = hand_and_arm(1.0)
    picture = torch.where(hand, lit(BLUE), picture)
    torch.testing.assert_close(match_hands(picture, as_colours(), hand, arm), picture)


def test_what_is_black_stays_black() -> None:
    """A ratio of two blacks is none."""
    _, hand, arm = hand_and_arm(1.0)
    black = torch.full((1, 3, SIZE, SIZE), -1.0)
    for picture in (
        match_hands(black, as_colours(), hand, arm),
        even_surfaces(black, as_colours(), everywhere(), [(everywhere(), everywhere())]),
    ):
        torch.testing.assert_close(picture, black, atol=0.01, rtol=0.0)


def test_hands_alone_stay_as_they_are() -> None:
    picture, hand, _ = hand_and_arm(1.6)
    assert torch.equal(match_hands(picture, as_colours(), hand, torch.zeros_like(hand)), picture)
