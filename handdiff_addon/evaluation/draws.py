# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways of painting that are compared, and one picture by one of them."""

from __future__ import annotations

import dataclasses
import multiprocessing
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from ..conditioning.crops import cut, hand_crops, paste
from ..request import ExpansionSettings, GenerationRequest
from .benchmark.entries import Entry

if TYPE_CHECKING:
    from ..conditioning.frame import Conditioning
    from ..diffusion.pipeline import TwoStagePipeline
    from .truth import Truth

RENDER, RELIT = "render", "relit"
TWO_STAGES, SINGLE_STAGE, LONGER = "two_stages", "single_stage", "single_stage_longer"
AUTOENCODER, AUTOENCODER_HANDS = "autoencoder", "autoencoder_hands"
TWO_STAGES_LARGE, SINGLE_STAGE_LARGE = "two_stages_large", "single_stage_large"
TWO_STAGES_KEYPOINTS, SINGLE_STAGE_KEYPOINTS = "two_stages_keypoints", "single_stage_keypoints"
HARD_PASTE, FIXED_MASK, NO_FREE_PHASE = "hard_paste", "fixed_mask", "no_free_phase"
PICTURES = "pictures"

STEPS = 4
"""Of both stages, where a method says nothing else: what the embedded model likes"""


@dataclass(frozen=True)
class Method:
    """One way of painting."""

    name: str
    """Its folder"""
    label: str
    """In tables"""
    note: str
    changes: Mapping[str, Any] | None = field(default_factory=dict)
    """Fields of the request that differ from the defaults; None: nothing is painted, the render is changed"""
    ablation: bool = False
    """Judged over the first entries"""
    all_entries: bool = False
    """Whether an ablation is drawn for the others, too, since a bar is held against it"""
    surface: bool = True
    """Whether the networks see normals and body map; without, the pose's keypoints and the person's mask are all"""
    eight_bit: bool = False
    """Whether the networks' weights are rounded to eight bits"""
    materials: bool = False
    """Whether the networks know which material each pixel shows"""
    times: int = 1
    """How much wider than the canvas the frame is"""
    refined: bool = True
    """Whether the model's refiner, where it has one, goes over the picture"""


def methods(extra_steps: int) -> tuple[Method, ...]:
    """All of them, in the order of the tables.

    Args:
        extra_steps: steps of the single stage that cost what the hand stage costs.
    """
    usual = ExpansionSettings()
    return (
        Method(AUTOENCODER, "autoencoder", "the render through the canvas's autoencoder and back", None),
        Method(AUTOENCODER_HANDS, "both autoencoders", "and the hands through the hand stage's, in their crops", None),
        Method(SINGLE_STAGE, "single stage", "hands and body in one go", {"two_stages": False}),
        Method(
            LONGER,
            "single stage, longer",
            f"as many more steps as the hand stage costs: {extra_steps}",
            {"two_stages": False, "steps": STEPS + extra_steps},
        ),
        Method(TWO_STAGES, "two stages", "hands first, sequential expansion, predicted mask"),
        Method(
            HARD_PASTE,
            "hard paste",
            "the hands are not kept while the body is painted, but laid over it at the end, with a hard edge",
            {"expansion": dataclasses.replace(usual, start=0.0, end=0.0, final_paste=False)},
            ablation=True,
        ),
        Method(
            FIXED_MASK,
            "fixed mask",
            "the kept region does not shrink",
            {"expansion": dataclasses.replace(usual, expansions=0)},
            ablation=True,
        ),
        Method(
            NO_FREE_PHASE,
            "no free phase",
            "something is kept up to the last step",
            {"expansion": dataclasses.replace(usual, end=1.0)},
            ablation=True,
        ),
        Method(
            SINGLE_STAGE_LARGE,
            "single stage, larger frames",
            "twice as wide as the canvas, as frames for use are",
            {"two_stages": False},
            ablation=True,
            times=2,
        ),
        Method(
            TWO_STAGES_LARGE,
            "two stages, larger frames",
            "the same; hands are laid over with the pixels of their crops",
            ablation=True,
            times=2,
        ),
        Method(
            "materials",
            "materials told",
            "clothes end where the mesh's materials do, as when a rig is painted in Blender",
            ablation=True,
            materials=True,
        ),
        Method("rendered_mask", "rendered mask", "the rig's own mask", {"mask_source": "rendered"}, ablation=True),
        Method(
            "best_of_4", "best of 4", "four seeds of stage 1, the best by the hand check", {"best_of": 4}, ablation=True
        ),
        Method("eight_bit", "8-bit weights", "half the size on disk", ablation=True, eight_bit=True),
        Method("few_steps", "2 steps", "half the steps in both stages", {"steps": 2, "hand_steps": 2}, ablation=True),
        Method(
            "single_stage_unrefined",
            "single stage, no refiner",
            "as the networks paint it",
            {"two_stages": False},
            ablation=True,
            refined=False,
        ),
        Method(
            "two_stages_unrefined",
            "two stages, no refiner",
            "hands and body as the networks paint them",
            ablation=True,
            refined=False,
        ),
        Method(
            SINGLE_STAGE_KEYPOINTS,
            "single stage, keypoints alone",
            "no surface normals, no body map: keypoints and the person's mask",
            {"two_stages": False},
            ablation=True,
            all_entries=True,
            surface=False,
        ),
        Method(
            TWO_STAGES_KEYPOINTS,
            "two stages, keypoints alone",
            "no surface normals: heatmaps for the hands, as in the paper",
            ablation=True,
            all_entries=True,
            surface=False,
        ),
    )


@dataclass(frozen=True)
class Drawn:
    """One picture."""

    picture: np.ndarray
    """(H, W, 3) uint8"""
    hands_mask: np.ndarray | None
    """(H, W) bool, as predicted"""
    facts: dict[str, Any]
    """Seconds per stage, peak memory, steps, the hand check; JSON-ready"""


def make_request(method: Method, entry: Entry, model: str) -> GenerationRequest:
    """What a method asks for."""
    usual = {"steps": STEPS, "hand_steps": STEPS}
    return GenerationRequest(entry.prompt, seed=entry.seed, model=model, **{**usual, **(method.changes or {})})


def draw(
    pipeline: TwoStagePipeline, method: Method, entry: Entry, conditioning: Conditioning, truth: Truth, model: str
) -> Drawn:
    """Paint an entry by a method, at the conditioning's own size.

    Args:
        pipeline: the loaded model, its weights rounded where the method says so.
        conditioning: of the entry, at the size of the method's frames.
        truth: of the entry.
        model: the model's name, for the request.
    """
    if method.changes is None:
        return Drawn(_through_autoencoders(pipeline, truth, hands=method.name == AUTOENCODER_HANDS), None, {})
    request = make_request(method, entry, model)
    if not method.materials:  # What is handed out to other models does not tell them.
        conditioning = dataclasses.replace(conditioning, materials=None)
    if not method.surface:
        conditioning = dataclasses.replace(conditioning, normals=None, keypoints=[])
    result = pipeline.generate(request, conditioning)
    picture = np.asarray(result.image)
    predicted = None
    if result.hands is not None:
        predicted = np.asarray(result.hands_predicted_mask) >= 128
        if method.name == HARD_PASTE:
            picture = np.where(predicted[..., None], np.asarray(result.hands), picture)
    facts = {
        "steps": request.steps,
        "hand_steps": request.hand_steps if request.two_stages else 0,
        "seconds": result.seconds,
        "peak_memory_bytes": result.peak_memory_bytes,
        "hand_check": [{"side": hand.side, "iou": hand.iou} for hand in result.hand_reports],
    }
    return Drawn(picture, predicted, facts)


def _through_autoencoders(pipeline: TwoStagePipeline, truth: Truth, hands: bool) -> np.ndarray:
    """The render there and back: the best that a denoiser could do."""
    import torch

    from ..diffusion.embedded_painter import EmbeddedPainter
    from ..diffusion.sampling import from_pictures, to_pictures
    from ..errors import ModelError

    if not isinstance(pipeline.painter, EmbeddedPainter):
        raise ModelError("The benchmark is for models of the embedded kind: score pictures of others with --pictures.")
    checkpoint = pipeline.painter.checkpoint

    @torch.inference_mode()
    def trip(picture: np.ndarray, autoencoder: Any) -> np.ndarray:
        return to_pictures(autoencoder.decode(autoencoder.encode(from_pictures(picture[None], checkpoint.device))))[0]

    picture = trip(truth.picture, checkpoint.autoencoder)
    if hands:
        height, width = truth.person_mask.shape
        for crop in hand_crops(truth.pose, truth.hand_masks, width, height, sides=list(truth.hands)):
            size = checkpoint.hands.crop
            mask = np.logical_or.reduce([cut(truth.hand_masks[side], crop.box, size) for side in crop.sides])
            hand = trip(cut(truth.picture, crop.box, size), checkpoint.hands.autoencoder)
            picture = paste(picture, hand, crop.box, mask)
    return picture


def measure_extra_steps(pipeline: TwoStagePipeline, entry: Entry, conditioning: Conditioning, model: str) -> int:
    """Steps of stage 2 that take as long as the whole hand stage: the median of three runs, after one to warm up."""
    request = make_request(Method(TWO_STAGES, "", ""), entry, model)
    ratios = []
    for run in range(4):
        seconds = pipeline.generate(request, conditioning).seconds
        if run:
            ratios.append(seconds["hands"] / seconds["body"] * STEPS)
    return max(1, round(median(ratios)))


def measure_memory(entry: Entry, conditioning: Conditioning, model: str) -> dict[str, int]:
    """Peak bytes of a fresh process that loads the model and draws one picture, with one stage and with two."""
    peaks = {}
    for method in (Method(SINGLE_STAGE, "", "", {"two_stages": False}), Method(TWO_STAGES, "", "")):
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
            request = make_request(method, entry, model)
            peaks[method.name] = process.submit(_peak_of_one, request, conditioning).result()
    return peaks


def _peak_of_one(request: GenerationRequest, conditioning: Conditioning) -> int:
    from ..diffusion.pipeline import TwoStagePipeline

    return TwoStagePipeline.load(request.model).generate(request, conditioning).peak_memory_bytes
