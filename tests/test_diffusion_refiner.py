# SPDX-License-Identifier: GPL-3.0-or-later
"""The refiner: what it changes, where, and what of a model it is."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

torch = pytest.importorskip("torch")

from handdiff_addon.conditioning.camera import Camera  # noqa: E402
from handdiff_addon.conditioning.crops import scale_pose  # noqa: E402
from handdiff_addon.conditioning.frame import PersonMasks  # noqa: E402
from handdiff_addon.conditioning.hint import HINT_CHANNELS, PERSON  # noqa: E402
from handdiff_addon.diffusion.pipeline import TwoStagePipeline  # noqa: E402
from handdiff_addon.diffusion.refiner import Refiner  # noqa: E402
from handdiff_addon.errors import ModelError  # noqa: E402
from handdiff_addon.models.catalogue import check_model  # noqa: E402
from tests.test_diffusion_pipeline import HEIGHT, REQUEST, WIDTH, held_half, make_conditioning  # noqa: E402
from tests.tiny_embedded import build_tiny_model  # noqa: E402

WIDTHS = (4, 8, 8)


def trained() -> Refiner:
    """Random weights, the last layer's too, strong enough to be seen."""
    torch.manual_seed(0)
    refiner = Refiner(WIDTHS)
    torch.nn.init.normal_(refiner.change.weight, std=0.1)
    torch.nn.init.constant_(refiner.change.bias, 0.2)
    return refiner.eval().requires_grad_(False)


def hint_of(height: int, width: int, person: tuple[slice, slice] | None) -> torch.Tensor:
    hint = torch.rand((1, HINT_CHANNELS, height, width), generator=torch.Generator().manual_seed(1))
    hint[:, PERSON] = 0.0
    if person is not None:
        hint[0, PERSON, person[0], person[1]] = 1.0
    return hint


def test_untrained_it_leaves_the_picture_as_it_is() -> None:
    picture = torch.rand((1, 3, 64, 48)) * 2 - 1
    hint = hint_of(64, 48, (slice(10, 40), slice(5, 30)))
    assert torch.equal(Refiner(WIDTHS).refine(picture, hint), picture)


@pytest.mark.parametrize("person", [np.s_[50:71, 61:80], np.s_[0:3, 0:128], np.s_[93:96, 125:128], np.s_[7:8, 9:10]])
def test_it_changes_the_person_and_a_rim_around_and_nothing_else(person: tuple[slice, slice]) -> None:
    """At any place of the canvas, its borders too."""
    picture = torch.zeros((1, 3, 96, 128))
    before = picture.clone()
    refined = trained().refine(picture, hint_of(96, 128, person))
    assert torch.equal(picture, before) and refined.abs().max() <= 1.0
    changed = (refined != picture).any(1)[0].numpy()
    assert changed[person].all()
    there = np.zeros_like(changed)
    there[person] = True
    rim = np.asarray(Image.fromarray(there).convert("L").filter(ImageFilter.MaxFilter(25))) > 0
    assert changed[rim].any() and not changed[~rim].any()


def test_the_backdrop_between_two_people_is_left_alone() -> None:
    hint = hint_of(96, 128, np.s_[20:80, 4:20])
    hint[0, PERSON, 20:80, 100:120] = 1.0
    picture = torch.zeros((1, 3, 96, 128))
    refined = trained().refine(picture, hint)
    assert not refined[..., 34:86].any() and refined[..., 20:80, 100:120].any()


def test_tiles_leave_no_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a tile's pixels depend on is seen with it, so that its size does not matter."""
    picture = torch.rand((1, 3, 190, 170), generator=torch.Generator().manual_seed(2)) * 2 - 1
    hint = hint_of(190, 170, np.s_[22:175, 18:160])
    whole = trained().refine(picture, hint)
    monkeypatch.setattr("handdiff_addon.diffusion.refiner._TILE", 48)
    tiled = trained().refine(picture, hint)
    assert (whole != picture).any() and torch.allclose(whole, tiled, atol=1e-5)
    monkeypatch.setattr("handdiff_addon.diffusion.refiner._FIELD", 4)
    assert not torch.allclose(whole, trained().refine(picture, hint), atol=1e-5)


def test_without_a_person_nothing_is_done() -> None:
    picture = torch.rand((1, 3, 32, 32))
    assert torch.equal(trained().refine(picture, hint_of(32, 32, None)), picture)


def test_skeletons_are_not_looked_at() -> None:
    """The stick figure is drawn over the picture: what it hides is no detail."""
    picture, hint = torch.zeros((1, 3, 32, 32)), hint_of(32, 32, (slice(8, 24), slice(8, 24)))
    other = hint.clone()
    other[:, :3] = 0.0
    assert torch.equal(trained().refine(picture, hint), trained().refine(picture, other))


def test_a_model_has_one_or_paints_without(tmp_path: Path) -> None:
    """The person and the crops of the hands change, the masks of these and what they are told of do not."""
    plain = build_tiny_model(tmp_path / "plain")
    other = tmp_path / "other"
    shutil.copytree(plain, other)
    trained().save_pretrained(other / "refiner")
    assert "refiner" in check_model(other).parts and "refiner" not in check_model(plain).parts
    conditioning = make_conditioning()
    one, two = (
        TwoStagePipeline.load(str(model), device="cpu").generate(REQUEST, conditioning) for model in (plain, other)
    )
    changed = (np.asarray(one.image) != np.asarray(two.image)).any(2)
    assert changed[conditioning.person_mask].mean() > 0.9
    for before, after in zip(one.crops, two.crops, strict=True):
        before, after = np.asarray(before.image), np.asarray(after.image)
        assert (before[..., :3] != after[..., :3]).mean() > 0.5 and np.array_equal(before[..., 3], after[..., 3])
    assert [hand.iou for hand in one.hand_reports] == [hand.iou for hand in two.hand_reports]
    (other / "refiner" / "refiner.safetensors").write_bytes(b"cut")
    with pytest.raises(ModelError, match="refiner"):
        TwoStagePipeline.load(str(other), device="cpu")


def test_a_frame_larger_than_the_canvas_gets_details_of_its_own_size(tmp_path: Path) -> None:
    """Stripes of one pixel, as no canvas could hold them, show in a picture of three times the canvas' side."""
    model = build_tiny_model(tmp_path / "model")
    small = make_conditioning()
    times = 3

    def large(array: np.ndarray) -> np.ndarray:
        return array.repeat(times, axis=0).repeat(times, axis=1)

    height, width = times * HEIGHT, times * WIDTH
    stripes = large(small.person_mask) & (np.arange(width) % 2 == 0)
    masks = PersonMasks(stripes, {side: large(mask) for side, mask in small.masks[0].hands.items()})
    pose = scale_pose(small.people[0], (WIDTH, HEIGHT), (width, height))
    conditioning = dataclasses.replace(
        small,
        camera=Camera(np.eye(4), np.eye(4), width, height),
        people=[pose],
        masks=[masks],
        skeleton=large(small.skeleton),
        metric_depth=large(small.metric_depth),
    )
    inside = np.s_[400:500, 100:600]
    steps = {}
    for name in ("plain", "refined"):
        if name == "refined":
            trained().save_pretrained(model / "refiner")
        image = np.asarray(TwoStagePipeline.load(str(model), device="cpu").generate(REQUEST, conditioning).image)
        assert image.shape == (height, width, 3)
        across = np.diff(image.astype(float), axis=1)[inside]
        steps[name] = np.abs(across[:, ::2].mean((0, 1)) - across[:, 1::2].mean((0, 1))).max()
    assert steps["refined"] > 3.0 > 1.0 > steps["plain"]


def test_what_is_held_is_not_refined_again(tmp_path: Path) -> None:
    """Frame after frame it would drift: people stay pixel for pixel, and the rest is refined."""
    model = build_tiny_model(tmp_path / "model")
    conditioning, held = dataclasses.replace(make_conditioning(), held=held_half()), held_half()
    images = []
    for _ in range(2):
        images.append(np.asarray(TwoStagePipeline.load(str(model), device="cpu").generate(REQUEST, conditioning).image))
        trained().save_pretrained(model / "refiner")
    inside, outside = np.s_[40:-8, 16 : WIDTH // 2 - 8], np.s_[40:-8, WIDTH // 2 + 8 : -16]
    assert np.array_equal(images[1][inside], held.picture[inside])
    assert (images[0][outside] != images[1][outside]).any(-1).mean() > 0.9
