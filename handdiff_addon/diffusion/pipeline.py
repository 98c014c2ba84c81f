# SPDX-License-Identifier: GPL-3.0-or-later
"""The two-stage method of "Giving a Hand to Diffusion Models" (Pelykh, Sincan, Bowden, 2024), end to end.

Stage 1 paints the hands in crops with their masks, stage 2 the body around them while the kept region shrinks.  One
request and one frame's :class:`Conditioning` go in, one :class:`GenerationResult` comes out.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from PIL import Image, ImageFilter

from ..conditioning.crops import HandCrop, cut, cut_points, hand_crops, paste, place, resize, scale_pose
from ..conditioning.frame import Conditioning, PersonPose
from ..conditioning.heatmaps import hand_heatmaps
from ..conditioning.hint import hand_hint, outpaint_hint, person_normals
from ..conditioning.normals import normal_picture
from ..conditioning.skeleton import draw_skeleton
from ..errors import Cancelled, SceneError
from ..request import SIDES, GenerationRequest, GenerationResult, HandReport, Side
from .checkpoint import Checkpoint, load_checkpoint
from .expansion import kept_regions
from .hand_stage import PaintedHands, paint_hands
from .outpaint_stage import outpaint
from .progress import IsCancelled, OnProgress, Progress
from .text import TextEmbedding, encode_text

SMALL_HAND = 24
"""Pixels at the painted size under which a hand is warned about."""


@dataclass
class _Frame:
    """A frame's conditioning at the painted size."""

    people: list[PersonPose]
    sides: list[list[Side]]
    """Hands that stage 1 can paint, per person"""
    masks: list[dict[Side, np.ndarray]]
    """What the camera sees of each hand, per person"""
    person_mask: np.ndarray
    skeleton: np.ndarray
    normals: np.ndarray | None
    """Of the people, (H, W, 3) uint8 at the frame's own size, which may be finer"""
    picture: np.ndarray | None
    """The scene as rendered, where only the person is painted"""
    width: int
    height: int


@dataclass
class _Hands:
    """Stage 1's work, with the mask that was chosen for each crop."""

    crops: list[HandCrop]
    people: list[int]
    """Whose hands each crop holds"""
    pictures: np.ndarray
    masks: list[np.ndarray]
    """(S, S) float32 in 0..1 per crop"""
    predicted: list[np.ndarray]
    reports: list[HandReport]


@dataclass
class _Clock:
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        begun = time.perf_counter()
        yield
        self.seconds[stage] = round(time.perf_counter() - begun, 3)


class TwoStagePipeline:
    """A loaded model that turns requests and conditioning into pictures.  Not for several threads at once."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint

    @classmethod
    def load(cls, model: str = "", hand_model: str = "", device: str = "auto") -> TwoStagePipeline:
        """Load a model folder (empty: the embedded one) on a device (``auto``: what torch reports).

        Raises:
            ModelError: where the model does not exist or cannot be used.
        """
        return cls(load_checkpoint(model, hand_model, _choose_device(device)))

    def generate(
        self,
        request: GenerationRequest,
        conditioning: Conditioning,
        *,
        progress: OnProgress | None = None,
        cancelled: IsCancelled | None = None,
    ) -> GenerationResult:
        """Paint one frame.

        Args:
            request: every setting.
            conditioning: the frame's passes, at the frame's size.
            progress: told of each denoising step.
            cancelled: asked before each step; true stops the run.

        Raises:
            Cancelled: where ``cancelled`` said so; nothing is left behind.
            SceneError: where no person is in the conditioning, or ``paint="person"`` lacks the rendered picture.
        """

        def tell(event: Progress) -> None:
            if progress is not None:
                progress(event)

        def check_cancelled() -> bool:
            if cancelled is not None and cancelled():
                raise Cancelled("The generation was cancelled; nothing was written.")
            return False

        if not conditioning.people:
            raise SceneError("No person is in the picture: point the camera at a humanoid armature.")
        if request.paint == "person" and conditioning.picture is None:
            raise SceneError("Painting the person alone needs the rendered frame: render it, or paint everything.")
        clock = _Clock()
        _reset_peak_memory(self.checkpoint.device)
        frame = _at_size(
            conditioning, request, request.size or self.native_size(conditioning.width, conditioning.height)
        )
        warnings = list(conditioning.warnings)
        with torch.inference_mode():
            text = encode_text(
                self.checkpoint.tokenizer, self.checkpoint.text_encoder, [request.negative_prompt, request.prompt]
            )

        hands: _Hands | None = None
        if request.two_stages:
            with clock.measure("hands"):
                hands = self._paint_hands(request, frame, text, warnings, tell, check_cancelled)
        hands_picture, hands_mask = _lay_hands(hands, frame)
        hint = outpaint_hint(
            frame.skeleton,
            frame.person_mask,
            None if frame.normals is None else resize(frame.normals, frame.width, frame.height),
            hands_picture,
            hands_mask,
        )
        with clock.measure("body"):
            picture = outpaint(
                self.checkpoint,
                hint[: self.checkpoint.controlnet.config.conditioning_channels],
                hands_picture,
                self._kept(request, frame, hands, hands_mask),
                text,
                request.seed,
                guidance_scale=request.guidance_scale,
                control_scale=request.control_scale,
                renoise=request.expansion.renoise,
                progress=tell,
                check_cancelled=check_cancelled,
            )
        with clock.measure("finishing"):
            tell(Progress("finishing", 0, 1))
            image = resize(picture, conditioning.width, conditioning.height)
            if hands is not None and request.expansion.final_paste:
                image = _paste_cores(image, hands, frame)
            if conditioning.picture is not None and request.paint == "person":
                image = np.where(conditioning.person_mask[..., None], image, conditioning.picture)
            tell(Progress("finishing", 1, 1))
        predicted = _predicted_mask(hands, frame)
        return GenerationResult(
            image=Image.fromarray(image),
            hands=None if hands is None else Image.fromarray(_only_hands(hands_picture, hands_mask)),
            hands_predicted_mask=None if hands is None else Image.fromarray((predicted * 255).round().astype(np.uint8)),
            painted_size=(frame.width, frame.height),
            model=self.checkpoint.identity,
            hand_reports=[] if hands is None else hands.reports,
            seconds=clock.seconds,
            peak_memory_bytes=_peak_memory(self.checkpoint.device),
            warnings=warnings,
        )

    def native_size(self, width: int, height: int) -> tuple[int, int]:
        """The size to paint a frame of this aspect at: the model's own area, in multiples of 8."""
        scale = self.checkpoint.canvas / (width * height) ** 0.5
        return max(64, round(width * scale / 8) * 8), max(64, round(height * scale / 8) * 8)

    def _paint_hands(
        self,
        request: GenerationRequest,
        frame: _Frame,
        text: TextEmbedding,
        warnings: list[str],
        progress: OnProgress,
        check_cancelled: IsCancelled,
    ) -> _Hands | None:
        """Stage 1, ``best_of`` times in one batch; None where no hand is usable."""
        crops: list[HandCrop] = []
        people: list[int] = []
        for person, (pose, masks, sides) in enumerate(zip(frame.people, frame.masks, frame.sides)):
            crops += hand_crops(pose, masks, frame.width, frame.height, sides=sides)
            people += [person] * (len(crops) - len(people))
        if not crops:
            warnings.append("No hand is in view, so the picture is painted without the hand stage.")
            return None
        generator = self.checkpoint.hands
        size, cells = generator.crop, generator.crop // generator.autoencoder.patch_size
        hints = []
        for crop, person in zip(crops, people):
            points = {side: cut_points(frame.people[person].hands[side], crop.box, size) for side in SIDES}
            normals = _crop_normals(frame, crop, size) if generator.sees_normals else None
            hints.append(hand_hint(hand_heatmaps(points, size, cells), normals))
        seeds = [request.seed + trial for trial in range(request.best_of)]
        painted = paint_hands(
            generator,
            np.tile(np.stack(hints), (request.best_of, 1, 1, 1)),
            text,
            # Noise by seed and crop, so that another number of crops leaves each one's noise as it was.
            [_mix(seed, index) for seed in seeds for index in range(len(crops))],
            steps=request.hand_steps,
            guidance_scale=request.guidance_scale,
            progress=progress,
            check_cancelled=check_cancelled,
        )
        hands = _Hands(crops, people, np.zeros((len(crops), size, size, 3), np.uint8), [], [], [])
        for index, crop in enumerate(crops):
            self._choose(request, frame, painted, seeds, index, crop, hands)
        for report in hands.reports:
            if report.pixels < SMALL_HAND:
                whose = f' of "{report.person}"' if len(frame.people) > 1 else ""
                warnings.append(
                    f"The {report.side} hand{whose} is {report.pixels:.0f} px at the painted size, under {SMALL_HAND}: "
                    "move the camera closer or paint larger for better fingers."
                )
        return hands

    def _kept(
        self, request: GenerationRequest, frame: _Frame, hands: _Hands | None, hands_mask: np.ndarray
    ) -> list[np.ndarray | None]:
        """Latent cells kept after each step: the hands by the expansion, and all around a person painted alone."""
        cell = self.checkpoint.autoencoder.patch_size
        kept = kept_regions(hands_mask, cell, request.expansion, request.steps)
        if hands is not None:
            painted = _cells(_crops_mask(hands.crops, frame), cell).all((1, 3))
            kept = [None if region is None else region & painted for region in kept]
        if frame.picture is not None:
            around = ~_cells(frame.person_mask, cell).any((1, 3))
            kept = [around if region is None else region | around for region in kept]
        return kept

    def _choose(
        self,
        request: GenerationRequest,
        frame: _Frame,
        painted: PaintedHands,
        seeds: list[int],
        index: int,
        crop: HandCrop,
        hands: _Hands,
    ) -> None:
        """Take the trial whose mask fits the rig best, and the mask that the request asks for."""
        size = painted.pictures.shape[1]
        person = hands.people[index]
        masks = frame.masks[person]
        truth = np.logical_or.reduce([cut(masks[side], crop.box, size) for side in crop.sides])
        trials = [trial * len(hands.crops) + index for trial in range(len(seeds))]
        fits = [_iou(painted.masks[trial] >= 0.5, truth) for trial in trials]
        best = int(np.argmax(fits))
        predicted = painted.masks[trials[best]]
        source = request.mask_source
        if source == "auto":
            source = "rendered" if fits[best] < request.auto_mask_iou else "predicted"
        hands.pictures[index] = painted.pictures[trials[best]]
        hands.predicted.append(predicted)
        hands.masks.append(predicted if source == "predicted" else truth.astype(np.float32))
        for side in crop.sides:
            rows, columns = np.nonzero(masks[side])
            pixels = float(max(np.ptp(rows), np.ptp(columns)) + 1) if len(rows) else 0.0
            name = frame.people[person].name
            hands.reports.append(HandReport(name, side, crop.box, pixels, round(fits[best], 4), source, seeds[best]))


def _at_size(conditioning: Conditioning, request: GenerationRequest, size: tuple[int, int]) -> _Frame:
    width, height = size
    people = [scale_pose(pose, (conditioning.width, conditioning.height), size) for pose in conditioning.people]
    return _Frame(
        people=people,
        sides=[conditioning.usable_hands(person) for person in range(len(people))],
        masks=[{side: resize(own.hands[side], width, height) for side in SIDES} for own in conditioning.masks],
        person_mask=resize(conditioning.person_mask, width, height),
        skeleton=draw_skeleton(people, width, height, request.skeleton),
        normals=None
        if conditioning.normals is None
        else person_normals(normal_picture(conditioning.normals), conditioning.person_mask),
        picture=None
        if conditioning.picture is None or request.paint == "everything"
        else resize(conditioning.picture, width, height),
        width=width,
        height=height,
    )


def _crop_normals(frame: _Frame, crop: HandCrop, size: int) -> np.ndarray:
    """The crop's normals, cut from the frame at its own size; black where the frame has none."""
    if frame.normals is None:
        return np.zeros((size, size, 3), np.uint8)
    height, width = frame.normals.shape[:2]
    across, down = width / frame.width, height / frame.height
    left, top, right, bottom = crop.box
    box = (round(left * across), round(top * down), round(right * across), round(bottom * down))
    return cut(frame.normals, box, size)


def _lay_hands(hands: _Hands | None, frame: _Frame) -> tuple[np.ndarray, np.ndarray]:
    """The canvas with every crop in place over the render or grey, and the hands' mask on it."""
    canvas = np.full((frame.height, frame.width, 3), 127, np.uint8) if frame.picture is None else frame.picture
    mask = np.zeros((frame.height, frame.width), bool)
    if hands is not None:
        for crop, picture, hand in zip(hands.crops, hands.pictures, hands.masks, strict=True):
            canvas = paste(canvas, picture, crop.box)
            mask |= place(hand, crop.box, frame.width, frame.height) >= 0.5
    return canvas, mask


def _crops_mask(crops: list[HandCrop], frame: _Frame) -> np.ndarray:
    """Pixels inside a crop: only there is a given picture of the hands to keep."""
    inside = np.zeros((frame.height, frame.width), bool)
    for crop in crops:
        inside |= place(np.ones((8, 8), bool), crop.box, frame.width, frame.height)
    return inside


def _cells(mask: np.ndarray, cell: int) -> np.ndarray:
    """A mask (H, W) as the pixels of its latent cells (H / cell, cell, W / cell, cell)."""
    return mask.reshape(mask.shape[0] // cell, cell, mask.shape[1] // cell, cell)


def _predicted_mask(hands: _Hands | None, frame: _Frame) -> np.ndarray:
    mask = np.zeros((frame.height, frame.width), np.float32)
    if hands is not None:
        for crop, predicted in zip(hands.crops, hands.predicted, strict=True):
            mask = np.maximum(mask, place(predicted, crop.box, frame.width, frame.height))
    return np.clip(mask, 0.0, 1.0)


def _only_hands(canvas: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return np.where(mask[..., None], canvas, np.uint8(127))


def _paste_cores(image: np.ndarray, hands: _Hands, frame: _Frame) -> np.ndarray:
    """Lay the hands' cores over the finished picture at its own size, sharper than the canvas could hold them.

    The core is the mask less a rim of about a fiftieth of the crop, which the free phase may have changed.
    """
    scale = (image.shape[1] / frame.width, image.shape[0] / frame.height)
    for crop, picture, mask in zip(hands.crops, hands.pictures, hands.masks, strict=True):
        rim = max(1, picture.shape[0] // 50)
        core = Image.fromarray((mask >= 0.5).astype(np.uint8) * 255).filter(ImageFilter.MinFilter(2 * rim + 1))
        soft = np.asarray(core.filter(ImageFilter.GaussianBlur(rim / 2)), dtype=np.float32) / 255.0 * (mask >= 0.5)
        left, top, right, bottom = (round(edge * scale[index % 2]) for index, edge in enumerate(crop.box))
        image = paste(image, picture, (left, top, right, bottom), soft)
    return image


def _iou(a: np.ndarray, b: np.ndarray) -> float:
    union = (a | b).sum()
    return float((a & b).sum() / union) if union else 1.0


def _mix(seed: int, index: int) -> int:
    """One seed from two, below 2^63."""
    return int(np.random.SeedSequence((seed, index)).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _choose_device(name: str) -> torch.device:
    if name != "auto":
        return torch.device(name)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def _reset_peak_memory(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def _peak_memory(device: torch.device) -> int:
    """Peak bytes: of torch on a GPU; of the whole process on a CPU, 0 where the system does not tell (Windows)."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
