# SPDX-License-Identifier: GPL-3.0-or-later
"""Both stages on a stock base model of the Stable Diffusion families, with its ControlNets and without training.

Without a hand generator, stage 1 is the base model on enlarged crops of the hands, steered by the skeleton and the
hands' depth as seen in the crop; the masks are the rig's.  With one (:mod:`.stock_hands`), stage 1 paints from heatmaps
and text alone and predicts the masks.  The base's modules then paint the body.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from ..conditioning.crops import cut_points
from ..conditioning.heatmaps import hand_heatmaps
from ..errors import ModelError
from ..models.stock_plan import refuse_unseen
from ..request import SIDES, GenerationRequest
from .devices import Parts
from .frame import Frame, View, cells
from .hand_stage import given_crops
from .mask_head import last_features
from .outpaint_stage import outpaint_hint_of
from .painter import Crop, Given, Kept, PaintedHands, Painting
from .progress import Stage, Watch
from .replay import replayed
from .sampling import (
    Guidance,
    Schedule,
    carried_noise,
    check_scheduler,
    denoise,
    draw_noise,
    from_pictures,
    preview,
    seeded,
    to_pictures,
)
from .steering import Steering, hints_of
from .stock import Role, StockModel
from .text import PROMPT, TextEmbedding, condition, encode_stock_text
from .tiles import blend, tile_boxes

HAND_ROLES: tuple[Role, ...] = ("openpose", "hand_depth", "normal")
BODY_ROLES: tuple[Role, ...] = ("openpose", "depth", "normal", "inpaint", "outpaint")
REPAINT_STRENGTH = 0.3
"""How far the last pass over an enlarged picture may leave it"""

# Colours of the four latent channels, for previews without the decoder: linear fits that model users published
# (Hugging Face forum, "decoding latents to RGB without upscaling"; diffusers, "Pipeline callbacks").
_LATENT_COLOURS = {
    "sd15": ([[0.298, 0.207, 0.208], [0.187, 0.286, 0.173], [-0.158, 0.189, 0.264], [-0.184, -0.271, -0.473]], 0.0),
    "sdxl": ([[0.47, 0.47, 0.47], [-0.47, -0.04, 0.08], [0.20, 0.12, -0.04], [-0.55, -0.39, -1.02]], 0.1),
}


@dataclass
class _Batch:
    """Views of one size that are painted together."""

    stage: Stage
    views: Sequence[View]
    roles: tuple[Role, ...]
    rows: Sequence[int]
    """Of the text"""
    noise: torch.Tensor
    generators: list[torch.Generator]
    steps: int
    strength: float
    pictures: np.ndarray | None = None
    """(N, H, W, 3) uint8, what is given"""
    known: np.ndarray | None = None
    """(N, H, W) bool, the pixels of it that are not painted over"""
    kept: Kept | None = None
    regions: Sequence[tuple[int, np.ndarray]] = field(default_factory=list)
    outpaint: np.ndarray | None = None
    """(N, C, H, W) float32, what our own ControlNets see of all this"""
    heatmaps: np.ndarray | None = None
    """(N, 11, h, w) float32, for the hand generator, which paints where they are given"""
    told: Callable[[int, int, torch.Tensor], None] = lambda step, steps, shown: None


class StockPainter:
    """A :class:`~.stock.StockModel` as a :class:`~.painter.Painter`.

    Raises:
        ModelError: where its scheduler cannot be used.
    """

    def __init__(self, model: StockModel) -> None:
        check_scheduler(model.scheduler)
        self._roles = {role for control in model.controls for role in control.roles}
        self.model = model
        self.predicts_masks = model.hands is not None
        self.device = model.device
        self.identity = model.identity
        self.canvas = model.canvas
        self.cell = model.cell
        self.steps = model.few_steps or 25
        self.sampler = type(model.scheduler).__name__.removesuffix("Scheduler")
        usual = {"sd15": 7.5, "sdxl": 6.0}[model.family]
        self.guidance_scale: float = usual if model.guidance_scale is None else model.guidance_scale
        self.saved: list[str] = []
        self._one_by_one = False
        self._greys: dict[tuple[int, int], torch.Tensor] = {}
        if model.dtype == torch.float16 and getattr(model.vae.config, "force_upcast", False):
            model.vae.to(dtype=torch.float32)
        hands: list[torch.nn.Module] = [] if model.hands is None else [model.hands.unet, model.hands.mask_head]
        self.denoisers = [model.unet, *(control.model for control in model.controls), *hands]
        for module in (model.vae, *self.denoisers):
            module.to(memory_format=torch.channels_last)
        self._parts = Parts(
            {
                "text": model.text_encoders,
                "denoiser": self.denoisers,
                "vae": [model.vae],
            },
            model.device,
        )
        if next(model.unet.parameters()).device.type != model.device.type:
            self.save_memory()  # it did not fit on the device

    def check(self, request: GenerationRequest) -> None:
        refuse_unseen(request, self._roles, self.model.hands is not None)

    def crop_size(self, request: GenerationRequest, frame: Frame) -> int:
        """The hand generator's own; without one the canvas's side, at most the model's own, or half of it.

        In whole cells of the U-Net's lowest level.
        """
        if self.model.hands is not None:
            return self.model.hands.crop
        side = min(self.canvas, (frame.width * frame.height) ** 0.5) / (2 if request.preset == "fast" else 1)
        grid = 8 * self.cell
        return max(grid, round(side / grid) * grid)

    def complete(self, prompt: str, seed: int, frame: Frame, person: int) -> tuple[str, list[str]]:
        return prompt, []

    def encode_text(self, prompts: Sequence[str]) -> TextEmbedding:
        with self._parts.on_device("text"):
            return encode_stock_text(
                self.model.tokenizers, self.model.text_encoders, prompts, self.model.zeros_for_empty
            )

    def paint_hands(self, painting: Painting, crops: Sequence[Crop], seeds: Sequence[int]) -> PaintedHands:
        """As many crops in one batch as have twice the canvas's pixels, or one by one where memory is short."""
        request, frame, watch = painting.request, painting.frame, painting.watch
        side = self.crop_size(request, frame)
        most = 1 if self._one_by_one else max(1, 2 * frame.width * frame.height // side**2)
        pictures: list[np.ndarray] = []
        masks: list[np.ndarray] = []
        for start in range(0, len(crops), most):
            some = crops[start : start + most]
            generators = seeded(seeds[start : start + most])
            given, kept = given_crops(painting, some, side, self.cell)

            def told(step: int, steps: int, shown: torch.Tensor, done: int = start // most) -> None:
                batches = -(-len(crops) // most)
                watch.tell("hands", done * steps + step, batches * steps, lambda: self._preview(shown))

            batch = _Batch(
                stage="hands",
                views=[View(frame, crop.crop.box, side, side) for crop in some],
                roles=self._hand_roles(),
                rows=[crop.row for crop in some],
                noise=self._noise(generators, side, side),
                generators=generators,
                steps=painting.hand_steps,
                strength=request.strength,
                pictures=given,
                kept=kept,
                heatmaps=self._heatmaps(frame, some, side) if self.model.hands else None,
                told=told,
            )
            painted, predicted = self._paint(painting, batch)
            pictures.append(painted)
            masks += [] if predicted is None else [predicted]
        return PaintedHands(np.concatenate(pictures), np.concatenate(masks) if masks else None)

    def paint_body(self, painting: Painting, given: Given) -> np.ndarray:
        request, frame, watch = painting.request, painting.frame, painting.watch
        generators = seeded([request.seed])
        batch = _Batch(
            stage="body",
            views=[View.whole(frame)],
            roles=BODY_ROLES,
            rows=[PROMPT],
            noise=carried_noise(self._noise(generators, frame.width, frame.height), request.seed, frame.held),
            generators=generators,
            steps=painting.steps,
            strength=request.strength,
            pictures=given.picture[None],
            known=given.known[None],
            kept=given.kept,
            regions=given.prompts,
            outpaint=self._outpaint_hint(frame, given),
            told=lambda step, steps, shown: watch.tell("body", step, steps, lambda: self._preview(shown)),
        )
        return self._paint(painting, batch)[0][0]

    def finish(self, image: np.ndarray, painting: Painting) -> np.ndarray:
        return image

    def repaint(self, painting: Painting, given: Given) -> np.ndarray:
        request, frame, watch = painting.request, painting.frame, painting.watch
        side = self.canvas // self.cell * self.cell
        boxes = tile_boxes(frame.width, frame.height, side, self.cell)
        noise = carried_noise(self._noise(seeded([request.seed]), frame.width, frame.height), request.seed, frame.held)
        tiles = []
        hint = self._outpaint_hint(frame, given)
        for index, (left, top, right, bottom) in enumerate(boxes):
            rows, columns = slice(top, bottom), slice(left, right)
            latent_rows = slice(top // self.cell, bottom // self.cell)
            latent_columns = slice(left // self.cell, right // self.cell)

            def kept(
                progress: Sequence[float], rows: slice = latent_rows, columns: slice = latent_columns
            ) -> list[np.ndarray | None]:
                return [None if whole is None else whole[rows, columns] for whole in given.kept(progress)]

            def told(step: int, steps: int, shown: torch.Tensor, done: int = index) -> None:
                watch.tell("upscaling", done * steps + step, len(boxes) * steps)

            batch = _Batch(
                stage="upscaling",
                views=[View(frame, (left, top, right, bottom), right - left, bottom - top)],
                roles=BODY_ROLES,
                rows=[PROMPT],
                noise=noise[:, :, latent_rows, latent_columns],
                generators=seeded([request.seed]),
                steps=painting.steps,
                strength=REPAINT_STRENGTH,
                pictures=given.picture[None, rows, columns],
                known=given.known[None, rows, columns],
                kept=kept,
                regions=[(row, region[latent_rows, latent_columns]) for row, region in given.prompts],
                outpaint=None if hint is None else hint[:, :, rows, columns],
                told=told,
            )
            tiles.append(self._paint(painting, batch)[0][0])
        return blend(tiles, boxes, frame.width, frame.height)

    def save_memory(self) -> str:
        if self.device.type != "cpu" and not self._parts.offloaded:
            self._parts.offload()
            said = "the model's parts wait in the machine's memory while they are not used"
        elif not getattr(self.model.vae, "use_tiling", False):
            self.model.vae.enable_slicing()
            self.model.vae.enable_tiling()
            said = "the VAE works in slices and tiles"
        elif not self._one_by_one:
            self._one_by_one = True
            said = "the hands are painted one by one"
        else:
            return ""
        self.saved.append(said)
        return said

    def _hand_roles(self) -> tuple[Role, ...]:
        """Depth of the whole view stands in where no ControlNet takes the hands' own."""
        return HAND_ROLES if "hand_depth" in self._roles else (*HAND_ROLES, "depth")

    def _outpaint_hint(self, frame: Frame, given: Given) -> np.ndarray | None:
        return outpaint_hint_of(frame, given, frame.places())[None] if "outpaint" in self._roles else None

    def _heatmaps(self, frame: Frame, crops: Sequence[Crop], side: int) -> np.ndarray:
        """What the hand generator sees of each crop's keypoints."""
        seen = []
        for crop in crops:
            hands = frame.people[crop.person].hands
            points = {s: cut_points(hands[s], crop.crop.box, side) for s in SIDES}
            seen.append(hand_heatmaps(points, side, side // self.cell))
        return np.stack(seen)

    def _noise(self, generators: Sequence[torch.Generator], width: int, height: int) -> torch.Tensor:
        channels = int(self.model.vae.config.latent_channels)
        return draw_noise(generators, (channels, height // self.cell, width // self.cell)).to(self.device)

    def _paint(self, painting: Painting, batch: _Batch) -> tuple[np.ndarray, np.ndarray | None]:
        """The pictures (N, H, W, 3) uint8 of a batch, and the masks (N, H, W) float32 that the hand generator predicts.

        A mask is the one of the last denoising step, from the evaluation with text.
        """
        model, watch = self.model, painting.watch
        hands = model.hands if batch.heatmaps is not None else None
        unet = model.unet if hands is None else hands.unet
        watch.check()
        schedule = Schedule(model.scheduler, batch.steps, self.device, batch.strength)
        guidance = Guidance(painting.text, batch.rows, painting.guidance_scale, batch.regions)
        arguments = self._condition(guidance, batch)
        seen = dict(arguments)
        if model.reference is not None and hands is None:
            embeds = {"image_embeds": model.reference.embeds(guidance)}
            seen["added_cond_kwargs"] = {**arguments.get("added_cond_kwargs", {}), **embeds}
        kept = list(batch.kept(schedule.progress)) if batch.kept is not None else []
        clean, masked = self._encode_given(batch, any(region is not None for region in kept))
        watch.check()
        with ExitStack() as stack:
            stack.enter_context(self._parts.on_device("denoiser"))
            features = stack.enter_context(last_features(unet)) if hands is not None else []
            heatmaps = None
            if batch.heatmaps is not None:
                heatmaps = guidance.expand(torch.from_numpy(batch.heatmaps).to(self.device, model.dtype))
            steerings = []
            if hands is None:
                steerings = [stack.enter_context(each) for each in self._steerings(painting, batch, guidance)]

            def predict(latents: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
                inputs = guidance.expand(latents.to(model.dtype))
                down, middle = None, None
                for steering in steerings:
                    down, middle = steering.add(down, middle, inputs, timestep, arguments)
                if masked is not None:
                    inputs = torch.cat([inputs, guidance.expand(masked)], dim=1)
                if heatmaps is not None:
                    inputs = torch.cat([inputs, heatmaps], dim=1)
                predicted = unet(
                    inputs,
                    timestep,
                    down_block_additional_residuals=down,
                    mid_block_additional_residual=middle,
                    return_dict=False,
                    **seen,
                )[0]
                return guidance.combine(predicted.float())

            latents = denoise(
                schedule,
                stack.enter_context(replayed(predict, self.device)),
                schedule.begin(batch.noise, clean, batch.strength),
                noise=batch.noise,
                clean=clean,
                kept=kept,
                renoise=painting.request.expansion.renoise,
                generators=batch.generators,
                check=watch.check,
                told=lambda step, shown: batch.told(step, schedule.steps, shown),
            )
            masks = None
            if hands is not None:
                logits = hands.mask_head(features[0][-len(batch.views) :].float())
                masks = logits.sigmoid()[:, 0].cpu().numpy()
        _check_numbers(latents, model.dtype)
        return self._decode(latents, watch), masks

    def _condition(self, guidance: Guidance, batch: _Batch) -> dict[str, Any]:
        """The text and the size, as U-Net and ControlNets take them."""
        first, original = batch.views[0], None
        if batch.stage == "hands":
            # A crop is part of a picture of the model's own size, so that no blur of a small one is called up.
            original = max(first.width, self.canvas), max(first.height, self.canvas)
        return condition(guidance.text, first.width, first.height, original=original, dtype=self.model.dtype)

    def _steerings(self, painting: Painting, batch: _Batch, guidance: Guidance) -> Iterator[Steering]:
        """One for each ControlNet that takes something of the batch."""
        for control in self.model.controls:
            hints = hints_of(control, batch.roles, batch.views, batch.pictures, batch.known, batch.outpaint)
            if hints:
                yield Steering(control, hints, guidance, painting.request.control_scale, self.device, self.model.dtype)

    def _encode_given(self, batch: _Batch, keeping: bool) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        """The given pictures' latents where they are needed, and the further channels of an inpainting U-Net."""
        inpainting = int(self.model.unet.config.in_channels) == 9
        clean = None
        if batch.pictures is not None and (keeping or batch.strength < 1.0):
            clean = self._encode(from_pictures(batch.pictures, self.device))
        if not inpainting:
            return clean, None
        if batch.pictures is None or batch.known is None:
            grey = self._encoded_grey(batch.views[0].width, batch.views[0].height).expand(len(batch.views), -1, -1, -1)
            return clean, torch.cat([torch.ones_like(grey[:, :1]), grey], dim=1).to(self.model.dtype)
        whole = np.stack([cells(mask, self.cell).mean((1, 3)) >= 0.5 for mask in batch.known])
        shown = from_pictures(batch.pictures, self.device) * torch.from_numpy(batch.known).to(self.device)[:, None]
        mask = 1.0 - torch.from_numpy(whole).to(self.device, torch.float32)[:, None]
        return clean, torch.cat([mask, self._encode(shown)], dim=1).to(self.model.dtype)

    def _encoded_grey(self, width: int, height: int) -> torch.Tensor:
        """The latents (1, C, h, w) of a picture of which nothing is known, kept for the next batch of its size."""
        if (width, height) not in self._greys:
            self._greys[width, height] = self._encode(torch.zeros((1, 3, height, width), device=self.device))
        return self._greys[width, height]

    def _encode(self, pictures: torch.Tensor) -> torch.Tensor:
        """Pictures (N, 3, H, W) in -1..1 as latents (N, C, h, w)."""
        with self._parts.on_device("vae"):
            return self.model.encode(pictures)

    def _decode(self, latents: torch.Tensor, watch: Watch) -> np.ndarray:
        """Pictures one after the other, so that a batch takes no more memory than one."""
        vae = self.model.vae
        scaled = (latents / float(vae.config.scaling_factor) + self.model.latent_shift).to(vae.dtype)
        pictures = []
        with self._parts.on_device("vae"):
            for single in scaled.split(1):
                watch.check()
                pictures.append(to_pictures(vae.decode(single, return_dict=False)[0].float()))
        return np.concatenate(pictures)

    def _preview(self, latents: torch.Tensor) -> object:
        factors, bias = _LATENT_COLOURS[self.model.family]
        colours = torch.tensor(factors, dtype=latents.dtype, device=latents.device)
        return preview(torch.einsum("nchw,cr->nrhw", latents[:, :4], colours) + bias)


def _check_numbers(latents: torch.Tensor, dtype: torch.dtype) -> None:
    """
    Raises:
        ModelError: where the U-Net, whose weights are of this type, gave no finite latents.
    """
    if not torch.isfinite(latents).all():
        raise ModelError(
            "The model gave no numbers: give its LoRAs and ControlNets less weight, or choose another model."
            if dtype == torch.float32
            else f"The model gave no numbers in {str(dtype).removeprefix('torch.')}: use --dtype float32, "
            "or Precision in the add-on's preferences."
        )
