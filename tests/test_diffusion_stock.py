# SPDX-License-Identifier: GPL-3.0-or-later
"""Both stages on tiny stock models of random weights, held against diffusers' own pipelines where those do the same."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import (
    StableDiffusionControlNetInpaintPipeline,
    StableDiffusionControlNetPipeline,
    StableDiffusionXLControlNetPipeline,
    StableDiffusionXLControlNetUnionPipeline,
)

from handdiff_addon.conditioning.camera import Camera
from handdiff_addon.conditioning.frame import Conditioning, Held, PersonMasks, PersonPose
from handdiff_addon.diffusion.devices import Parts
from handdiff_addon.diffusion.frame import View, at_size
from handdiff_addon.diffusion.pipeline import TwoStagePipeline
from handdiff_addon.diffusion.sampling import draw_noise, seeded
from handdiff_addon.errors import Cancelled, ModelError, UsageError
from handdiff_addon.request import ControlNetChoice, ExpansionSettings, GenerationRequest
from tests.tiny_stock import stock_model

SIZE = 64
REQUEST = GenerationRequest(
    "a person in a red shirt", "fog", seed=3, steps=3, preset="fast", size=(SIZE, SIZE), guidance_scale=4.0
)
SINGLE = dataclasses.replace(REQUEST, two_stages=False)


def make_conditioning(sides: tuple[str, ...] = ("left", "right"), name: str = "Rig") -> Conditioning:
    """A person 112 px tall in a frame of 128 x 128, whose hands are filled squares of keypoints."""
    rng = np.random.default_rng(0)
    corners = {"left": (10, 40), "right": (78, 60)}
    masks = {side: np.zeros((128, 128), bool) for side in corners}
    hands = {}
    for side, (x, y) in corners.items():
        hands[side] = np.array([x, y]) + rng.uniform(0, 40, (21, 2))
        if side in sides:
            masks[side][y : y + 40, x : x + 40] = True
    person = np.zeros((128, 128), bool)
    person[16:, 8:120] = True
    pose = PersonPose(
        name, rng.uniform(10, 118, (18, 2)), ["visible"] * 18, hands, {side: ["visible"] * 21 for side in corners}
    )
    slope = np.linspace(2.0, 4.0, 128, dtype=np.float32)[None].repeat(128, 0)
    normals = np.zeros((128, 128, 3), np.float32)
    normals[..., 2] = person
    return Conditioning(
        Camera(np.eye(4), np.eye(4), 128, 128),
        1,
        [pose],
        [PersonMasks(person, masks)],
        [],
        np.zeros((128, 128, 3), np.uint8),
        np.where(person, slope, np.float32(np.inf)),
        [],
        normals,
        rng.integers(0, 256, (128, 128, 3), np.uint8),
    )


def generate(model: Any, request: GenerationRequest = REQUEST, **changes: Any) -> np.ndarray:
    result = TwoStagePipeline(model).generate(dataclasses.replace(request, **changes), make_conditioning())
    return np.asarray(result.image.resize(result.painted_size, 0))


def theirs(pipeline_class: Any, model: Any, request: GenerationRequest, **inputs: Any) -> np.ndarray:
    """What diffusers' own pipeline paints from the same noise, (SIZE, SIZE, 3) uint8."""
    parts = {
        "vae": model.vae,
        "unet": model.unet,
        "controlnet": model.controls[0].model,
        "scheduler": model.scheduler,
        "text_encoder": model.text_encoders[0],
        "tokenizer": model.tokenizers[0],
    }
    if model.family == "sdxl":
        parts |= {"text_encoder_2": model.text_encoders[1], "tokenizer_2": model.tokenizers[1]}
    else:
        parts |= {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    pipeline = pipeline_class(**parts)
    pipeline.set_progress_bar_config(disable=True)
    picture = pipeline(
        request.prompt,
        negative_prompt=request.negative_prompt or None,
        height=SIZE,
        width=SIZE,
        num_inference_steps=request.steps,
        guidance_scale=request.guidance_scale,
        latents=draw_noise(seeded([request.seed]), (4, SIZE // model.cell, SIZE // model.cell)),
        output_type="np",
        **inputs,
    ).images[0]
    return np.rint(picture * 255).astype(np.uint8)


def hint(role: str, request: GenerationRequest = SINGLE) -> torch.Tensor:
    view = View.whole(at_size(make_conditioning(), request, (SIZE, SIZE)))
    picture = getattr(view, role)()
    picture = picture if picture.ndim == 3 else picture[..., None].repeat(3, 2)
    return torch.from_numpy(picture / np.float32(255.0)).permute(2, 0, 1)[None]


def at_painted_size(model: Any, request: GenerationRequest = SINGLE) -> np.ndarray:
    """Ours, without the last resizing: the frame has the painted size."""
    conditioning = make_conditioning()
    pipeline = TwoStagePipeline(model)
    kept: list[np.ndarray] = []
    paint = pipeline.painter.paint_body
    pipeline.painter.paint_body = lambda *args: kept.append(paint(*args)) or kept[0]
    pipeline.generate(request, conditioning)
    return kept[0]


@pytest.mark.parametrize("negative", ["fog", ""])
def test_one_stage_of_sd15_is_what_diffusers_paints(negative):
    model = stock_model("sd15")
    request = dataclasses.replace(SINGLE, negative_prompt=negative)
    expected = theirs(StableDiffusionControlNetPipeline, model, request, image=hint("openpose"))
    assert np.abs(at_painted_size(model, request).astype(int) - expected).max() <= 1


@pytest.mark.parametrize("negative", ["fog", ""])
def test_one_stage_of_sdxl_is_what_diffusers_paints(negative):
    """Two text encoders, pooled text, sizes, and zeros for an empty negative prompt."""
    model = stock_model("sdxl")
    request = dataclasses.replace(SINGLE, negative_prompt=negative)
    expected = theirs(StableDiffusionXLControlNetPipeline, model, request, image=hint("openpose"))
    assert np.abs(at_painted_size(model, request).astype(int) - expected).max() <= 1


def test_a_union_model_gets_each_pass_with_its_mode():
    model = stock_model("sdxl", union={"openpose": 0, "depth": 1})
    expected = theirs(
        StableDiffusionXLControlNetUnionPipeline,
        model,
        SINGLE,
        control_image=[hint("openpose"), hint("depth")],
        control_mode=[0, 1],
    )
    assert np.abs(at_painted_size(model).astype(int) - expected).max() <= 1


def test_an_inpainting_model_encodes_an_unknown_picture_once(monkeypatch):
    model, greys = stock_model("sd15", inpainting=True), []
    encode = model.vae.encode
    monkeypatch.setattr(model.vae, "encode", lambda x: (x.any() or greys.append(x.shape), encode(x))[1])
    pipeline = TwoStagePipeline(model)
    for _ in range(2):
        assert len(pipeline.generate(REQUEST, make_conditioning()).hand_reports) == 2
    assert len(greys) == 1


def test_an_inpainting_model_sees_what_is_given():
    """Nine channels, the person painted alone: the same as diffusers paints with that mask."""
    from PIL import Image

    model = stock_model("sd15", inpainting=True)
    # Kept cells of the latents are ours alone, so none are.
    request = dataclasses.replace(SINGLE, paint="person")
    frame = at_size(make_conditioning(), request, (SIZE, SIZE))
    expected = theirs(
        StableDiffusionControlNetInpaintPipeline,
        model,
        request,
        image=Image.fromarray(frame.picture),
        mask_image=Image.fromarray(frame.person_mask),
        control_image=hint("openpose"),
        controlnet_conditioning_scale=1.0,
        strength=1.0,
    )
    pipeline = TwoStagePipeline(model)
    kept: list[np.ndarray] = []
    paint = pipeline.painter.paint_body
    pipeline.painter.paint_body = lambda painting, given: (
        kept.append(paint(painting, dataclasses.replace(given, kept=lambda progress: [None] * len(progress))))
        or kept[0]
    )
    pipeline.generate(request, make_conditioning())
    assert np.abs(kept[0].astype(int) - expected).max() <= 1


ALL_ROLES = ("openpose", "hand_depth", "depth", "normal", "inpaint")
FAULTS = {
    "text": lambda model: model.text_encoders[0],
    "denoiser": lambda model: model.unet,
    "control": lambda model: model.controls[0].model,
    "decoder": lambda model: model.vae.decoder,
    "encoder": lambda model: model.vae.encoder,
}


@pytest.fixture(scope="module")
def model():
    return stock_model("sd15", ALL_ROLES)


@pytest.fixture
def pipeline(model):
    return TwoStagePipeline(model)


@pytest.mark.parametrize(
    "options",
    [
        {"family": "sd15", "roles": ALL_ROLES},
        {"family": "sd15", "roles": ("depth",), "inpainting": True},
        {"family": "sdxl", "roles": ("openpose", "hand_depth")},
        {"family": "sdxl", "union": {"openpose": 0, "depth": 1, "normal": 4, "inpaint": 7}},
    ],
)
def test_two_stages_paint_hands_of_the_rigs_shape(options):
    steps = []
    pipeline = TwoStagePipeline(stock_model(**options))
    result = pipeline.generate(REQUEST, make_conditioning(), progress=steps.append)
    assert result.image.size == (128, 128) and result.painted_size == (SIZE, SIZE)
    assert [(hand.side, hand.iou, hand.mask_source) for hand in result.hand_reports] == [
        ("left", None, "rendered"),
        ("right", None, "rendered"),
    ]
    assert result.hands_predicted_mask is None
    assert result.settings["crop"] == SIZE // 2 and result.settings["hand_steps"] == 3
    assert [event.stage for event in steps] == ["hands"] * 3 + ["body"] * 3 + ["finishing"] * 2
    assert all(event.preview is not None for event in steps[:6])


def test_the_same_request_gives_the_same_bytes_and_another_seed_others(model):
    first, again, other = (generate(model, seed=seed) for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_another_batch_size_gives_the_same_picture_up_to_rounding(model):
    """Noise is drawn by picture, also where the scheduler draws at each step."""
    from diffusers import EulerAncestralDiscreteScheduler

    drawing = dataclasses.replace(model, scheduler=EulerAncestralDiscreteScheduler.from_config(model.scheduler.config))
    pictures = []
    for alone in (False, True):
        pipeline = TwoStagePipeline(drawing)
        pipeline.painter._one_by_one = alone
        result = pipeline.generate(REQUEST, make_conditioning())
        pictures.append([np.asarray(picture).astype(float) for picture in (result.hands, result.image)])
    for together, alone in zip(*pictures):
        error = np.mean((together - alone) ** 2)
        assert error == 0 or 10 * np.log10(255**2 / error) >= 50


def test_presets_set_the_crops_and_the_steps(pipeline):
    for preset, crop, steps in (("fast", 32, 4), ("quality", 64, 8)):
        request = dataclasses.replace(REQUEST, preset=preset, steps=8)
        settings = pipeline.generate(request, make_conditioning(sides=("left",))).settings
        assert (settings["crop"], settings["hand_steps"]) == (crop, steps)


def test_a_few_step_model_says_how_it_is_painted_with():
    quick = TwoStagePipeline(stock_model("sd15", few_steps=4, guidance_scale=0.0))
    request = dataclasses.replace(SINGLE, steps=None, guidance_scale=None)
    settings = quick.generate(request, make_conditioning()).settings
    assert (settings["steps"], settings["guidance_scale"]) == (4, 0.0)


def test_painting_the_person_alone_keeps_every_byte_around_them(model):
    conditioning = make_conditioning()
    request = dataclasses.replace(REQUEST, paint="person")
    image = np.asarray(TwoStagePipeline(model).generate(request, conditioning).image)
    outside = ~conditioning.person_mask
    assert np.array_equal(image[outside], conditioning.picture[outside])
    assert (image[~outside] != conditioning.picture[~outside]).any(-1).mean() > 0.9


def test_the_final_paste_keeps_every_byte_of_the_hands_cores(pipeline):
    """At the painted size, the picture's hands are the ones that stage 1 painted, whatever the free phase did."""
    from PIL import Image, ImageFilter

    conditioning = make_conditioning()
    kept = {}
    for paste in (True, False):
        expansion = ExpansionSettings(start=0.0, end=0.0, final_paste=paste)
        request = dataclasses.replace(REQUEST, expansion=expansion, size=(128, 128), steps=1)
        result = pipeline.generate(request, conditioning)
        mask = Image.fromarray(conditioning.hands_mask.astype(np.uint8) * 255)
        core = np.asarray(mask.filter(ImageFilter.MinFilter(11))) > 0
        kept[paste] = (np.asarray(result.image) == np.asarray(result.hands))[core].all(-1).mean()
    assert core.sum() > 500
    assert kept[True] == 1.0 and kept[False] < 0.2


def final_latents(model: Any, request: GenerationRequest, conditioning: Conditioning) -> tuple[Any, Any, Any]:
    """The canvas's latents before they are decoded, those of what was given, and the painter."""
    pipeline, caught = TwoStagePipeline(model), []
    painter = pipeline.painter
    decode, paint = painter._decode, painter.paint_body
    painter._decode = lambda latents, watch: caught.append(latents) or decode(latents, watch)
    given = []
    painter.paint_body = lambda painting, canvas: given.append(canvas) or paint(painting, canvas)
    pipeline.generate(request, conditioning)
    pictures = torch.from_numpy(given[0].picture[None]).permute(0, 3, 1, 2) / 127.5 - 1.0
    return caught[-1][0], model.encode(pictures)[0], given[0]


def test_kept_hands_survive_until_the_free_phase(model):
    differences = []
    for end in (1.0, 0.0):
        request = dataclasses.replace(REQUEST, expansion=ExpansionSettings(start=end, end=end))
        latents, clean, given = final_latents(model, request, make_conditioning())
        cells = given.hands.reshape(16, 4, 16, 4).all((1, 3))
        assert cells.sum() > 8
        differences.append((latents - clean).abs()[:, torch.from_numpy(cells)].max())
    assert differences[0] < 1e-5 < 0.1 < differences[1]


def test_a_low_strength_stays_near_the_rendered_frame(model):
    """In the latents, since the autoencoder of random weights blurs all alike; and the hands begin there, too."""
    far, hands = [], []
    for strength in (0.1, 0.2):
        request = dataclasses.replace(REQUEST, two_stages=False, steps=10, hand_steps=10, strength=strength)
        latents, rendered, _ = final_latents(model, request, make_conditioning())
        far.append((latents - rendered).abs().mean())
        result = TwoStagePipeline(model).generate(dataclasses.replace(request, two_stages=True), make_conditioning())
        hands.append(np.asarray(result.hands))
    noise, _, _ = final_latents(model, dataclasses.replace(SINGLE, steps=10), make_conditioning())
    assert far[0] < far[1] < 0.5 * (noise - rendered).abs().mean()
    assert not np.array_equal(*hands)


def test_words_for_one_person_count_where_that_person_is_seen(model):
    """After one step, all other cells of the latents are as they were."""
    conditioning = make_conditioning()
    conditioning.masks[0].person[:, 64:] = False
    plain, named = (
        final_latents(model, dataclasses.replace(SINGLE, steps=1, person_prompts=words), conditioning)[0]
        for words in ({}, {"Rig": "wearing a tall blue hat"})
    )
    changed = (plain - named).abs().amax(0)
    assert changed[4:, 2:8].min() > 100 * changed[:, 8:].max()
    result = TwoStagePipeline(model).generate(dataclasses.replace(SINGLE, person_prompts={"Nobody": "x"}), conditioning)
    assert any("Nobody" in warning for warning in result.warnings)


def test_a_lora_of_one_persons_words_is_not_read_as_words(model):
    words = ({"Rig": "a hat"}, {"Rig": "a hat <lora:ink:0.5>"})
    assert np.array_equal(*(generate(model, SINGLE, person_prompts=own, steps=1) for own in words))


def test_a_long_prompt_is_read_to_its_end(model):
    long = "word " * 40  # five tokens a word
    pictures = [generate(model, SINGLE, prompt=long + last, steps=1) for last in ("red", "blue")]
    assert not np.array_equal(*pictures)


def test_every_control_counts(model):
    """Without one of its ControlNets the model paints another picture, in the stage that the pass is for."""
    whole = TwoStagePipeline(model).generate(REQUEST, make_conditioning())
    for role in ALL_ROLES:
        without = dataclasses.replace(model, controls=[c for c in model.controls if c.roles != (role,)])
        result = TwoStagePipeline(without).generate(REQUEST, make_conditioning())
        same_hands = np.array_equal(np.asarray(result.hands), np.asarray(whole.hands))
        assert same_hands == (role in ("depth", "inpaint")), role
        assert not np.array_equal(np.asarray(result.image), np.asarray(whole.image)), role


def test_upscaling_repaints_at_the_frames_size_and_keeps_the_hands(model):
    model = dataclasses.replace(model, family="sd15")
    conditioning = make_conditioning()
    expansion = ExpansionSettings(final_paste=False)
    pictures, steps = [], []
    for upscale in (False, True):
        pipeline = TwoStagePipeline(model)
        pipeline.painter.canvas = 96  # so that it takes tiles
        request = dataclasses.replace(REQUEST, upscale=upscale, expansion=expansion)
        result = pipeline.generate(request, conditioning, progress=steps.append)
        pictures.append(np.asarray(result.image).astype(int))
    assert sum(event.stage == "upscaling" for event in steps) == 4
    changed = np.abs(pictures[0] - pictures[1]).mean(-1)
    assert changed.mean() > 1
    assert "upscaling" in result.seconds
    small = TwoStagePipeline(model).generate(dataclasses.replace(request, size=(128, 128)), conditioning)
    assert any("nothing to upscale" in warning for warning in small.warnings)


@pytest.mark.parametrize("stop_at", range(1, 8))
def test_cancelling_takes_effect_within_one_step(pipeline, stop_at):
    steps = []
    request = dataclasses.replace(REQUEST, upscale=True)
    with pytest.raises(Cancelled):
        pipeline.generate(request, make_conditioning(), progress=steps.append, cancelled=lambda: len(steps) >= stop_at)
    assert len(steps) == stop_at


def test_fifty_cancels_leave_nothing_behind(pipeline):
    import gc

    def tensors() -> int:
        gc.collect()
        return sum(issubclass(type(thing), torch.Tensor) for thing in gc.get_objects())

    conditioning, counts = make_conditioning(), []
    request = dataclasses.replace(REQUEST, steps=1)
    for number in range(50):
        asked = iter(range(100))
        with pytest.raises(Cancelled):
            pipeline.generate(request, conditioning, cancelled=lambda: next(asked) >= number % 8)  # noqa: B023
        if number in (9, 49):
            counts.append(tensors())
    assert counts[0] == counts[1]


@pytest.mark.parametrize("where", FAULTS)
def test_out_of_memory_is_answered_by_sparing_it(model, where, monkeypatch):
    """A fault in any module, once: the run says what it did, and paints the same picture."""
    expected = TwoStagePipeline(model).generate(REQUEST, make_conditioning())
    part, left = FAULTS[where](model), [1]
    forward = part.forward

    def faulty(*args: Any, **kwargs: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return forward(*args, **kwargs)

    monkeypatch.setattr(part, "forward", faulty)
    result = TwoStagePipeline(model).generate(REQUEST, make_conditioning())
    model.vae.disable_tiling()
    assert result.settings["saved_memory"] == ["the VAE works in slices and tiles"]
    assert sum("ran out of memory, so the VAE works in slices and tiles" in w for w in result.warnings) == 1
    assert np.abs(np.asarray(result.image).astype(int) - np.asarray(expected.image)).mean() < 8
    assert np.array_equal(np.asarray(result.hands).shape, np.asarray(expected.hands).shape)


def test_memory_that_stays_short_is_a_refusal_and_no_fault(model, monkeypatch):
    def faulty(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory")

    pipeline = TwoStagePipeline(model)
    painted = []
    paint = pipeline.painter.paint_hands
    pipeline.painter.paint_hands = lambda *args: painted.append(1) or paint(*args)
    monkeypatch.setattr(pipeline.painter, "paint_body", faulty)
    with pytest.raises(ModelError, match=r"too little memory.*--size"):
        pipeline.generate(REQUEST, make_conditioning())
    model.vae.disable_tiling()
    assert pipeline.painter.saved == ["the VAE works in slices and tiles", "the hands are painted one by one"]
    assert painted == [1]  # the hands were painted before, and stayed


def test_an_upscaling_that_fails_for_memory_leaves_the_picture(model, monkeypatch):
    pipeline = TwoStagePipeline(model)

    def faulty(*args: Any, **kwargs: Any) -> Any:
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(pipeline.painter, "repaint", faulty)
    result = pipeline.generate(dataclasses.replace(REQUEST, upscale=True), make_conditioning())
    model.vae.disable_tiling()
    assert any("not upscaled" in warning for warning in result.warnings)
    assert result.image.size == (128, 128)


def test_parts_that_wait_elsewhere_paint_the_same(model):
    expected = generate(model)
    pipeline = TwoStagePipeline(model)
    pipeline.painter._parts.offload()
    picture = np.asarray(pipeline.generate(REQUEST, make_conditioning()).image.resize((SIZE, SIZE), 0))
    assert np.array_equal(picture, expected)


def test_only_one_group_of_parts_is_on_the_device():
    class Part(torch.nn.Module):
        place = "there"

        def to(self, device: Any) -> Any:
            self.place = "there" if device.type == "meta" else "here"
            return self

    a, b = Part(), Part()
    parts = Parts({"a": [a], "b": [b]}, torch.device("meta"))
    parts.offload()
    assert (a.place, b.place) == ("here", "here")
    with parts.on_device("a"):
        assert (a.place, b.place) == ("there", "here")
    with parts.on_device("b"):
        assert (a.place, b.place) == ("here", "there")


def test_a_model_without_a_control_for_the_pose_is_refused():
    with pytest.raises(ModelError, match="openpose"):
        TwoStagePipeline(stock_model("sd15", ("inpaint",))).generate(SINGLE, make_conditioning())


def test_numbers_that_are_none_are_a_refusal(model, monkeypatch):
    monkeypatch.setattr(model.unet.conv_out, "forward", lambda x: torch.full_like(x[:, :4], torch.nan))
    with pytest.raises(ModelError, match="choose another model"):  # it is in float32 already
        TwoStagePipeline(model).generate(SINGLE, make_conditioning())
    half = stock_model(dtype=torch.bfloat16)
    monkeypatch.setattr(half.unet.conv_out, "forward", lambda x: torch.full_like(x[:, :4], torch.nan))
    with pytest.raises(ModelError, match="--dtype float32"):
        TwoStagePipeline(half).generate(SINGLE, make_conditioning())


def test_a_text_is_encoded_once_for_all_frames(model, monkeypatch):
    calls = []
    forward = model.text_encoders[0].forward
    monkeypatch.setattr(model.text_encoders[0], "forward", lambda *a, **k: calls.append(1) or forward(*a, **k))
    pipeline = TwoStagePipeline(model)
    for seed in (1, 2):
        pipeline.generate(dataclasses.replace(REQUEST, steps=1, seed=seed), make_conditioning())
    assert len(calls) == 1


@pytest.mark.parametrize(
    "family,controlnet,roles",
    [("sd15", "cn_sd15", ("openpose",)), ("sdxl", "union8", ("openpose", "depth", "inpaint"))],
)
def test_models_from_files_are_painted_with(stock, family, controlnet, roles):
    """From a request's words to the picture, as the command line goes."""
    controlnets = (ControlNetChoice(str(stock / controlnet), roles),)
    request = dataclasses.replace(REQUEST, steps=1, model=str(stock / family), controlnets=controlnets)
    result = TwoStagePipeline.for_request(request, "cpu").generate(request, make_conditioning())
    assert result.image.size == (128, 128) and len(result.hand_reports) == 2
    assert result.model["sha256"]


def test_a_device_or_number_type_that_is_not_there_is_refused():
    from handdiff_addon.diffusion.devices import choose_device, choose_dtype

    with pytest.raises(UsageError, match="cpu"):
        choose_device("abacus")
    with pytest.raises(UsageError, match="no device 'meta'"):
        choose_device("meta")
    with pytest.raises(UsageError, match="float16"):
        choose_dtype(torch.device("cpu"), "float7")
    assert choose_dtype(torch.device("cpu")) == torch.float32
    assert choose_dtype(torch.device("cpu"), "bfloat16") == torch.bfloat16


def test_half_precision_paints_nearly_the_same():
    """The denoising itself stays in single precision, so bfloat16 costs little."""
    whole = stock_model("sd15")
    expected = final_latents(whole, SINGLE, make_conditioning())[0]
    half = stock_model("sd15", dtype=torch.bfloat16)
    latents = final_latents(half, SINGLE, make_conditioning())[0]
    assert latents.dtype == torch.float32
    assert (latents - expected).abs().mean() < 0.1 * expected.abs().mean()


@pytest.mark.parametrize("inpainting", [False, True])
@pytest.mark.parametrize("upscale", [False, True])
def test_what_is_held_stays_and_the_rest_is_painted(inpainting: bool, upscale: bool) -> None:
    model, conditioning = stock_model(inpainting=inpainting), make_conditioning()
    mask = np.zeros((128, 128), bool)
    mask[:, :64] = True
    pictures = []
    for seed in (3, 4):
        picture = np.full((128, 128, 3), (90, 140, 180), np.uint8)
        seen = dataclasses.replace(conditioning, held=Held(picture, mask))
        expansion = ExpansionSettings(final_paste=False)
        request = dataclasses.replace(REQUEST, seed=seed, expansion=expansion, upscale=upscale)
        result = TwoStagePipeline(model).generate(request, seen)
        assert ("upscaling" in result.seconds) == upscale
        size = (128, 128) if upscale else result.painted_size
        pictures.append(np.asarray(result.image.resize(size, 0)).astype(int))
    apart, border = np.abs(pictures[0] - pictures[1]).mean(axis=(0, 2)), len(pictures[0]) // 4
    assert apart[:border].mean() < 0.3 * apart[-border:].mean(), "another seed paints the held half anew"


def test_the_peak_of_a_process_is_without_that_of_the_process_that_started_it():
    ballast = bytes(range(256)) * (1 << 22)  # 1 GiB
    code = (
        "import torch; from handdiff_addon.diffusion.devices import peak_memory; "
        "print(peak_memory(torch.device('cpu')))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert int(told) < len(ballast)
