# SPDX-License-Identifier: GPL-3.0-or-later
"""What the second stage costs: both stages against diffusers' own single-stage inpainting, on the same random model."""

from __future__ import annotations

import dataclasses
import gc
import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from ..conditioning.camera import Camera
from ..conditioning.frame import Conditioning, PersonMasks, PersonPose
from ..request import SIDES, GenerationRequest, Side
from ..runs import DEMO_PROMPT

if TYPE_CHECKING:
    from ..diffusion.stock import Family, StockModel

BASELINE, SINGLE, FAST, QUALITY = "diffusers, one stage", "ours, one stage", "ours, fast", "ours, quality"
LIMITS = {512: 1.35, 1024: 1.25}
"""What the fast preset may take, as a multiple of the baseline's time, by the canvas's side"""
_COLUMNS = "{:<24}{:>12}{:>10}{:>14}{:>10}"


@dataclass(frozen=True)
class Subject:
    """One model at one size."""

    family: Family
    channels: int
    size: int
    steps: int


def bench_diffusion(
    say: Callable[[str], None],
    *,
    full: bool | None = None,
    steps: int = 20,
    repeats: int = 5,
    sizes: tuple[int, ...] = (),
) -> None:
    """Time both sides in one run and print tables of medians, ratios and peak memory; then count their arithmetic.

    Args:
        say: takes the tables line by line.
        full: models as large as the published ones; None: on a GPU only.
        steps: of denoising, on both sides.
        repeats: runs of each way, taken in turn.
        sizes: sides of the canvas in pixels; empty: 512 for SD 1.5, 1024 for SDXL on a GPU and 512 on a CPU.
    """
    import torch

    from ..diffusion.devices import choose_device
    from .random_models import FULL, NARROW

    device = choose_device()
    whole = device.type != "cpu" if full is None else full
    channels = FULL if whole else NARROW
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{torch.get_num_threads()} threads"
    width = "full size" if whole else "narrowed"
    say(f"Random weights, {width}, on {device.type} ({name}), torch {torch.__version__}.")
    kind = "the processor's seconds" if device.type == "cpu" else "seconds"
    say(f"{steps} steps; medians of {repeats} runs, taken in turn, {kind}; text encoded anew in each run.")
    families: tuple[Family, ...] = ("sd15", "sdxl")
    for family in families:
        usual = 512 if family == "sd15" or device.type == "cpu" else 1024
        for size in sizes or (usual,):
            _bench_stock(say, Subject(family, channels, size, steps), repeats)
    _bench_embedded(say, repeats)
    _count(say, steps)


def _bench_stock(say: Callable[[str], None], subject: Subject, repeats: int) -> None:
    from ..diffusion.devices import peak_memory, reset_peak_memory
    from .random_models import parameters

    model = _model(subject)
    say("")
    say(
        f"{subject.family}, {parameters(model) / 1e6:.0f} million parameters, {subject.size} x {subject.size}, "
        f"{str(model.dtype).removeprefix('torch.')}"
    )
    ways, clock = _ways(model, subject), _clock(model.device)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    peaks: dict[str, int] = {}
    for run in range(repeats + 1):
        for name, paint in ways.items():
            gc.collect()
            reset_peak_memory(model.device)
            begun = clock()
            paint()
            peaks[name] = peak_memory(model.device)
            if run:  # the first one warms up
                seconds[name].append(clock() - begun)
    if model.device.type == "cpu":
        del model, ways
        gc.collect()
        peaks = {name: _in_own_process(subject, name) for name in peaks}
    _table(say, {name: median(times) for name, times in seconds.items()}, peaks)
    if limit := LIMITS.get(subject.size):
        ratio = median(seconds[FAST]) / median(seconds[BASELINE])
        say(f"The fast preset takes {ratio:.2f} times the baseline's time; wanted is at most {limit}.")


def _bench_embedded(say: Callable[[str], None], repeats: int) -> None:
    from ..diffusion.pipeline import TwoStagePipeline

    pipeline = TwoStagePipeline.load()
    clock = _clock(pipeline.painter.device)
    size = pipeline.painter.canvas
    conditioning = _person(size)
    say("")
    say(f"embedded model, {size} x {size}, its own steps")
    requests = {
        SINGLE: GenerationRequest(DEMO_PROMPT, two_stages=False),
        FAST: GenerationRequest(DEMO_PROMPT, preset="fast"),
        QUALITY: GenerationRequest(DEMO_PROMPT),
    }
    seconds: dict[str, list[float]] = {name: [] for name in requests}
    for run in range(repeats + 1):
        for name, request in requests.items():
            begun = clock()
            pipeline.generate(request, conditioning)
            if run:
                seconds[name].append(clock() - begun)
    _table(say, {name: median(times) for name, times in seconds.items()}, {})


def _count(say: Callable[[str], None], steps: int) -> None:
    from .arithmetic import count

    say("")
    say(f"Counted, not timed: multiply-adds at full size and {steps} steps, as multiples of the baseline's")
    counted: tuple[tuple[Family, int], ...] = (("sd15", 512), ("sd15", 1024), ("sdxl", 1024))
    for family, size in counted:
        ways = "  ".join(f"{way} {ratio:.2f}" for way, ratio in count(family, size, steps).items())
        say(f"{family} at {size} x {size}:  {ways}")


def _clock(device: Any) -> Callable[[], float]:
    """What counts the seconds: on a CPU those that the process had it, so that other programs do not count."""
    return time.process_time if device.type == "cpu" else time.perf_counter


def _table(say: Callable[[str], None], seconds: dict[str, float], peaks: dict[str, int]) -> None:
    """The first row is what the ratios are to."""
    say(_COLUMNS.format("", "seconds", "ratio", *(("peak MiB", "ratio") if peaks else ("", ""))).rstrip())
    first = next(iter(seconds))
    for name, time_taken in seconds.items():
        memory = (f"{peaks[name] / 2**20:.0f}", f"{peaks[name] / peaks[first]:.2f}") if peaks else ("", "")
        say(_COLUMNS.format(name, f"{time_taken:.2f}", f"{time_taken / seconds[first]:.2f}", *memory).rstrip())


def _model(subject: Subject) -> StockModel:
    from ..diffusion.devices import choose_device, choose_dtype
    from .random_models import random_stock_model

    device = choose_device()
    return random_stock_model(subject.family, subject.channels, device, choose_dtype(device))


def _ways(model: StockModel, subject: Subject) -> dict[str, Callable[[], object]]:
    """The ways of painting the same person into the same picture."""
    from ..diffusion.pipeline import TwoStagePipeline

    conditioning = _person(subject.size)
    request = GenerationRequest(
        DEMO_PROMPT, steps=subject.steps, size=(subject.size, subject.size), paint="person", guidance_scale=7.0
    )
    pipeline = TwoStagePipeline(model)

    def ours(**changes: Any) -> Callable[[], object]:
        def paint() -> None:
            pipeline.forget()
            pipeline.generate(dataclasses.replace(request, **changes), conditioning)

        return paint

    return {
        BASELINE: _baseline(model, request, conditioning),
        SINGLE: ours(two_stages=False),
        FAST: ours(preset="fast"),
        QUALITY: ours(preset="quality"),
    }


def _baseline(model: StockModel, request: GenerationRequest, conditioning: Conditioning) -> Callable[[], object]:
    """diffusers' ControlNet inpainting of the person with the same modules and settings."""
    import torch
    from diffusers import StableDiffusionControlNetInpaintPipeline, StableDiffusionXLControlNetInpaintPipeline

    from ..diffusion.frame import View, at_size

    side, picture = conditioning.width, conditioning.picture
    assert picture is not None
    parts: dict[str, Any] = {
        "vae": model.vae,
        "unet": model.unet,
        "controlnet": model.controls[0].model,
        "scheduler": model.scheduler,
        "text_encoder": model.text_encoders[0],
        "tokenizer": model.tokenizers[0],
    }
    if model.family == "sdxl":
        parts |= {"text_encoder_2": model.text_encoders[1], "tokenizer_2": model.tokenizers[1]}
        pipeline = StableDiffusionXLControlNetInpaintPipeline(**parts)
    else:
        parts |= {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
        pipeline = StableDiffusionControlNetInpaintPipeline(**parts)
    pipeline.set_progress_bar_config(disable=True)
    skeleton = View.whole(at_size(conditioning, request, (side, side))).openpose()
    return lambda: pipeline(
        request.prompt,
        negative_prompt=request.negative_prompt,
        image=Image.fromarray(picture),
        mask_image=Image.fromarray(conditioning.person_mask),
        control_image=Image.fromarray(skeleton),
        height=side,
        width=side,
        num_inference_steps=request.steps,
        guidance_scale=request.guidance_scale,
        controlnet_conditioning_scale=1.0,
        strength=1.0,
        generator=torch.Generator().manual_seed(0),
    )


def _person(side: int) -> Conditioning:
    """A person with both hands in view, in a square frame; made up, so that no Blender is needed."""
    rng = np.random.default_rng(0)
    person = np.zeros((side, side), bool)
    person[side // 16 :, side // 5 : side - side // 5] = True
    masks: dict[Side, np.ndarray] = {}
    hands: dict[Side, np.ndarray] = {}
    reach = side // 7
    for hand, left in zip(SIDES, (side - side // 5 - reach, side // 5)):
        masks[hand] = np.zeros((side, side), bool)
        masks[hand][side // 3 : side // 3 + reach, left : left + reach] = True
        hands[hand] = np.array([left, side // 3]) + rng.uniform(0, reach, (21, 2))
    body = rng.uniform(0.25, 0.75, (18, 2)) * side
    pose = PersonPose("person", body, ["visible"] * 18, hands, {hand: ["visible"] * 21 for hand in SIDES})
    return Conditioning(
        camera=Camera(np.eye(4), np.eye(4), side, side),
        frame=1,
        people=[pose],
        masks=[PersonMasks(person, masks)],
        keypoints=[],
        skeleton=np.zeros((side, side, 3), np.uint8),
        metric_depth=np.where(person, np.float32(3.0), np.float32(np.inf)),
        warnings=[],
        picture=rng.integers(0, 256, (side, side, 3), np.uint8),
    )


def _in_own_process(subject: Subject, way: str) -> int:
    """Peak bytes of a fresh process that paints once; 0 where the system does not tell."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(_paint_once, subject, way).result()


def _paint_once(subject: Subject, way: str) -> int:
    from ..diffusion.devices import peak_memory

    model = _model(subject)
    _ways(model, subject)[way]()
    return peak_memory(model.device)
