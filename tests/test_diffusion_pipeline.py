# SPDX-License-Identifier: GPL-3.0-or-later
"""The two-stage pipeline on a tiny model of random weights: it proves plumbing, not quality."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter

from handdiff_addon.conditioning.camera import Camera
from handdiff_addon.conditioning.flow import Flow
from handdiff_addon.conditioning.frame import Conditioning, Held, PersonMasks, PersonPose
from handdiff_addon.diffusion.sampling import carried_noise
from handdiff_addon.errors import Cancelled, ModelError, SceneError
from handdiff_addon.request import ExpansionSettings, GenerationRequest

WIDTH, HEIGHT = 240, 320
REQUEST = GenerationRequest("a person in a red shirt, green background", seed=3, steps=6, hand_steps=3)


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory) -> Path:
    from tests.tiny_embedded import build_tiny_model

    return build_tiny_model(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="module")
def pipeline(tiny_model):
    from handdiff_addon.diffusion.pipeline import TwoStagePipeline

    return TwoStagePipeline.load(str(tiny_model), device="cpu")


def make_conditioning(sides=("left", "right"), size=56) -> Conditioning:
    """A person whose hands are filled squares of keypoints."""
    rng = np.random.default_rng(0)
    corners = {"left": (20, 40), "right": (160, 180)}
    masks = {side: np.zeros((HEIGHT, WIDTH), bool) for side in corners}
    hands = {}
    for side, (x, y) in corners.items():
        hands[side] = np.array([x, y]) + rng.uniform(0, size, (21, 2))
        if side in sides:
            masks[side][y : y + size, x : x + size] = True
    person = np.zeros((HEIGHT, WIDTH), bool)
    person[30:, 10:230] = True
    pose = PersonPose(
        "Rig", rng.uniform(20, 220, (18, 2)), ["visible"] * 18, hands, {side: ["visible"] * 21 for side in corners}
    )
    skeleton = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    depth = np.where(person, np.float32(3.0), np.float32(np.inf))
    camera = Camera(np.eye(4), np.eye(4), WIDTH, HEIGHT)
    return Conditioning(camera, 1, [pose], [PersonMasks(person, masks)], [], skeleton, depth, [])


def test_every_persons_hands_are_painted(pipeline):
    """Two people, each with a crop and a report of their own; the nearer one's come first."""
    near, far = make_conditioning(sides=("left",)), make_conditioning(sides=("right",))
    far.people[0].name = "Other"
    both = dataclasses.replace(near, people=near.people + far.people, masks=near.masks + far.masks)
    result = pipeline.generate(REQUEST, both)
    assert [(hand.person, hand.side) for hand in result.hand_reports] == [("Rig", "left"), ("Other", "right")]
    alone = pipeline.generate(REQUEST, near)
    assert result.hand_reports[0] == alone.hand_reports[0]
    middles = [(hand.box[0] + hand.box[2]) / 2 for hand in result.hand_reports]
    assert middles[0] < result.painted_size[0] / 2 < middles[1]


def test_two_stages_give_a_picture_of_the_frames_size_and_a_full_report(pipeline):
    steps = []
    result = pipeline.generate(REQUEST, make_conditioning(), progress=steps.append)
    assert result.image.size == (WIDTH, HEIGHT)
    assert result.hands.size == result.hands_predicted_mask.size == result.painted_size
    assert result.painted_size[0] % 8 == result.painted_size[1] % 8 == 0
    assert abs(result.painted_size[0] / result.painted_size[1] - WIDTH / HEIGHT) < 0.03
    report = result.report(REQUEST)
    assert [hand["side"] for hand in report["hands"]] == ["left", "right"]
    assert all(0.0 <= hand["iou"] <= 1.0 for hand in report["hands"])
    assert GenerationRequest.from_dict(report["request"]) == REQUEST
    assert set(report["seconds"]) == {"hands", "body", "finishing"}
    assert len(next(iter(report["model"]["sha256"].values()))) == 64
    told = [(event.stage, event.step, event.steps) for event in steps]
    assert told == [("hands", i + 1, 3) for i in range(3)] + [("body", i + 1, 6) for i in range(6)] + [
        ("finishing", i, 1) for i in (0, 1)
    ]
    assert all(event.preview is not None for event in steps[:9])


def test_the_report_tells_what_the_prompt_left_open(pipeline):
    """The embedded model paints no mean of all shirts: the seed names one, and other words stay as they are."""
    request = dataclasses.replace(REQUEST, prompt="a person in a red shirt")
    words = pipeline.generate(request, make_conditioning()).settings["prompt"]
    assert words.startswith("a person in a red shirt, ") and words.count("shirt") == 1 and "trousers" in words


def test_words_that_the_model_does_not_know_are_left_out_and_named_once(pipeline):
    request = dataclasses.replace(REQUEST, prompt="a knight in a shirt", person_prompts={"Rig": "a knight"})
    result = pipeline.generate(request, make_conditioning())
    assert result.settings["prompt"].startswith("a person in a shirt, ")
    assert [text for text in result.warnings if "knight" in text] == [
        'The model has no words for "knight" and paints without: say it with clothes, colours, hair, skin and light, or'
        " choose a larger model."
    ]


def test_what_to_keep_out_is_said_to_have_no_say_without_guidance(pipeline):
    def warned(**settings):
        request = dataclasses.replace(REQUEST, negative_prompt="gloves", **settings)
        return any("guidance above 1" in text for text in pipeline.generate(request, make_conditioning()).warnings)

    assert warned() and warned(guidance_scale=1.0) and not warned(guidance_scale=2.0)


def test_equal_requests_give_equal_bytes_and_other_seeds_other_pictures(pipeline):
    first, again, other = (
        np.asarray(pipeline.generate(dataclasses.replace(REQUEST, seed=seed), make_conditioning()).image)
        for seed in (3, 3, 4)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_kept_hands_reach_the_picture_and_the_free_phase_may_change_them(pipeline):
    """Kept to the end with a rendered mask, the canvas shows stage 1's hands; released early, it does not."""
    conditioning = make_conditioning()
    keep = ExpansionSettings(start=1.0, end=1.0, final_paste=False)
    free = ExpansionSettings(start=0.0, end=0.0, final_paste=False)
    differences = []
    for expansion in (keep, free):
        request = dataclasses.replace(REQUEST, expansion=expansion, mask_source="rendered")
        result = pipeline.generate(request, conditioning)
        image = np.asarray(result.image.resize(result.painted_size)).astype(float)
        hands = np.asarray(result.hands).astype(float)
        inside = np.asarray(result.hands)[..., 0] != 127
        differences.append(np.abs(image - hands)[inside].mean())
    assert differences[0] < 0.5 * differences[1]


def test_the_final_paste_puts_the_hands_core_back_after_the_free_phase(pipeline):
    conditioning = make_conditioning()
    pictures = []
    for paste in (False, True):
        expansion = ExpansionSettings(start=0.0, end=0.0, final_paste=paste)
        pictures.append(
            np.asarray(
                pipeline.generate(
                    dataclasses.replace(REQUEST, expansion=expansion, mask_source="rendered"), conditioning
                ).image
            )
        )
    changed = (pictures[0] != pictures[1]).any(-1)
    assert changed[conditioning.hands_mask].mean() > 0.5
    # Resizing masks to the painted size and the crop spreads them by a pixel or two.
    near = np.asarray(Image.fromarray(conditioning.hands_mask.astype(np.uint8)).filter(ImageFilter.MaxFilter(5)))
    assert not changed[near == 0].any()


def test_a_missing_hand_is_left_out_and_no_hand_is_a_warning(pipeline):
    one = pipeline.generate(REQUEST, make_conditioning(sides=("right",)))
    assert [hand.side for hand in one.hand_reports] == ["right"]
    none = pipeline.generate(REQUEST, make_conditioning(sides=()))
    assert none.hands is None and none.hand_reports == []
    assert any("No hand" in warning for warning in none.warnings)


def test_a_small_hand_is_warned_about(pipeline):
    result = pipeline.generate(REQUEST, make_conditioning(size=16))
    assert any("under 24" in warning for warning in result.warnings)


def test_a_single_stage_paints_without_hands(pipeline):
    result = pipeline.generate(dataclasses.replace(REQUEST, two_stages=False), make_conditioning())
    assert result.hands is None and result.warnings == []
    assert "hands" not in result.seconds


def test_the_best_of_several_hands_fits_the_rig_no_worse(pipeline):
    one, best = (
        pipeline.generate(dataclasses.replace(REQUEST, best_of=count, two_stages=True), make_conditioning())
        for count in (1, 3)
    )
    for a, b in zip(one.hand_reports, best.hand_reports, strict=True):
        assert b.iou >= a.iou


def test_the_mask_source_decides_which_mask_drives_stage_two(pipeline):
    reports = {
        source: pipeline.generate(
            dataclasses.replace(REQUEST, mask_source=source, auto_mask_iou=1.0), make_conditioning()
        ).hand_reports
        for source in ("predicted", "rendered", "auto")
    }
    assert {source: report[0].mask_source for source, report in reports.items()} == {
        "predicted": "predicted", "rendered": "rendered", "auto": "rendered",
    }  # fmt: skip


@pytest.mark.parametrize("stop_at", [1, 3, 4, 8])
def test_cancelling_takes_effect_within_one_step(pipeline, stop_at):
    steps = []
    with pytest.raises(Cancelled):
        pipeline.generate(REQUEST, make_conditioning(), progress=steps.append, cancelled=lambda: len(steps) >= stop_at)
    assert len(steps) == stop_at


def test_painting_the_person_alone_keeps_every_pixel_around_them(pipeline):
    conditioning = make_conditioning()
    conditioning.person_mask[:, 120:] = False
    conditioning.picture = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    image = np.asarray(pipeline.generate(dataclasses.replace(REQUEST, paint="person"), conditioning).image)
    outside = ~conditioning.person_mask
    assert np.array_equal(image[outside], conditioning.picture[outside])
    assert not np.array_equal(image[~outside], conditioning.picture[~outside])


def test_a_picture_that_is_begun_with_shows_no_squares_around_the_hands(pipeline, monkeypatch):
    seen = []
    paint_body = pipeline.painter.paint_body
    monkeypatch.setattr(
        pipeline.painter,
        "paint_body",
        lambda painting, given: seen.append((painting.frame, given)) or paint_body(painting, given),
    )
    rng = np.random.default_rng(0)
    conditioning = make_conditioning()
    conditioning.picture = rng.integers(0, 256, (conditioning.height, conditioning.width, 3), dtype=np.uint8)
    pipeline.generate(dataclasses.replace(REQUEST, strength=0.5, mask_source="rendered"), conditioning)
    ((frame, given),) = seen
    reach = 2 * (REQUEST.expansion.rim + 1) * pipeline.painter.cell + 1
    near = np.asarray(Image.fromarray(given.hands.astype(np.uint8)).filter(ImageFilter.MaxFilter(reach))) > 0
    assert given.hands.any() and not near.all()
    assert np.array_equal(given.picture[~near], frame.base[~near])
    assert not np.array_equal(given.picture[given.hands], frame.base[given.hands])


def test_painting_the_person_alone_without_a_render_is_refused(pipeline):
    with pytest.raises(SceneError, match="render"):
        pipeline.generate(dataclasses.replace(REQUEST, paint="person"), make_conditioning())


def test_nobody_in_the_picture_is_refused(pipeline):
    with pytest.raises(SceneError, match="person"):
        pipeline.generate(REQUEST, dataclasses.replace(make_conditioning(), people=[]))


@pytest.mark.parametrize(
    "file",
    [
        "unet/diffusion_pytorch_model.safetensors",
        "hands/mask_head/mask_head.safetensors",
        "colour_sketch/colour_sketch.safetensors",
        "text_encoder/config.json",
        "patch_autoencoder/config.json",
    ],
)
@pytest.mark.parametrize("fault", ["missing", "cut", "garbage"])
def test_a_faulty_model_folder_is_refused_by_name(tiny_model, tmp_path, file, fault):
    from handdiff_addon.diffusion.pipeline import TwoStagePipeline

    folder = tmp_path / "model"
    shutil.copytree(tiny_model, folder)
    victim = folder / file
    data = victim.read_bytes()
    if fault == "missing":
        victim.unlink()
    else:
        victim.write_bytes(data[: len(data) // 2] if fault == "cut" else b"\x00garbage" * 10)
    with pytest.raises(ModelError) as refusal:
        TwoStagePipeline.load(str(folder), device="cpu")
    assert "\n" not in str(refusal.value)
    assert Path(file).name in str(refusal.value) or Path(file).parent.name in str(refusal.value)


@pytest.mark.parametrize(
    ("other", "named"),
    [
        ({"cell": 8}, "colour sketch's cell is 8, where 4 is needed"),
        ({"text_width": 64}, "colour sketch's text width is 64, where 32 is needed"),
        ({"questions": 3}, "number of the colour sketch's questions is 3, where 21 is needed"),
    ],
)
def test_a_colour_sketch_of_another_model_is_refused(tiny_model, tmp_path, other, named):
    from handdiff_addon.diffusion.colour_sketch import ColourSketch
    from handdiff_addon.diffusion.pipeline import TwoStagePipeline

    folder = tmp_path / "model"
    shutil.copytree(tiny_model, folder)
    sketch = ColourSketch.from_pretrained(folder / "colour_sketch")
    ColourSketch(**sketch.config | other).save_pretrained(folder / "colour_sketch")
    with pytest.raises(ModelError, match=named):
        TwoStagePipeline.load(str(folder), device="cpu")


def test_a_model_folder_survives_saving_and_loading_by_diffusers_itself(tiny_model):
    from diffusers import ControlNetModel, UNet2DConditionModel

    unet = UNet2DConditionModel.from_pretrained(tiny_model / "unet", use_safetensors=True)
    controlnet = ControlNetModel.from_pretrained(tiny_model / "controlnet", use_safetensors=True)
    assert controlnet.config.block_out_channels == unet.config.block_out_channels


def held_half() -> Held:
    """A smooth picture, held in the left half of the frame."""
    x, y = np.meshgrid(np.linspace(40, 220, WIDTH), np.linspace(60, 200, HEIGHT))
    picture = np.stack([x, y, 255 - x], axis=-1).astype(np.uint8)
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[:, : WIDTH // 2] = True
    return Held(picture, mask)


def test_what_is_held_stays_in_both_stages_and_the_rest_is_painted(pipeline):
    """In the left half with its hand, as far as the autoencoder keeps it; in the right half nothing of it is left."""
    conditioning = make_conditioning()
    held = held_half()
    result = pipeline.generate(REQUEST, dataclasses.replace(conditioning, held=held))
    difference = np.abs(np.asarray(result.image).astype(int) - held.picture).mean(-1)
    inside = np.zeros_like(held.mask)
    inside[8:-8, 8 : WIDTH // 2 - 16] = True
    assert difference[inside].mean() < 12 < 30 < difference[:, WIDTH // 2 + 16 :].mean()
    left = next(crop for crop, hand in zip(result.crops, result.hand_reports) if hand.side == "left")
    pixels = np.asarray(left.image.convert("RGB")).astype(int)
    assert np.ptp(pixels[..., 2], axis=0).mean() < 30, "stage 1 held the smooth picture, too"


def test_noise_moves_along_with_what_is_held():
    noise = torch.randn(1, 4, 40, 30, generator=torch.Generator().manual_seed(0))
    cell = 8
    x, y = np.meshgrid(np.arange(30 * cell) + 0.5, np.arange(40 * cell) + 0.5)
    flow = Flow(np.stack([x - 2 * cell, y], axis=-1), x > 2 * cell)
    empty = np.zeros((40 * cell, 30 * cell), bool)
    moved = carried_noise(noise, 3, Held(np.zeros((*empty.shape, 3), np.uint8), empty, flow))
    assert torch.equal(moved[..., 2:], noise[..., :-2]) and not torch.equal(moved[..., :2], noise[..., :2])
    assert torch.equal(carried_noise(noise, 3, None), noise)


def test_the_crops_are_handed_on_at_their_own_size_with_their_masks(pipeline):
    result = pipeline.generate(REQUEST, make_conditioning())
    assert [crop.box for crop in result.crops] == [hand.box for hand in result.hand_reports]
    assert {crop.image.mode for crop in result.crops} == {"RGBA"}
    assert {crop.image.size for crop in result.crops} == {(result.settings["crop"],) * 2}
