# SPDX-License-Identifier: GPL-3.0-or-later
"""Both stages on the embedded model's own kind: a hand generator that predicts masks, and an adapted ControlNet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from diffusers import DDIMScheduler

from ..conditioning.crops import cut, cut_points, resize
from ..conditioning.garments import Sleeves, named_sleeves
from ..conditioning.heatmaps import hand_heatmaps
from ..conditioning.hint import hand_hint, outpaint_hint
from ..models.stock_plan import refuse_stock_parts
from ..request import SIDES, GenerationRequest
from .backdrop import clean_backdrop
from .checkpoint import Checkpoint
from .controlled import controlled
from .edges import settle_edges
from .estimate import shown_latents, unknown
from .even_surfaces import even_surfaces, match_hands
from .frame import Frame, at_size, cells
from .hand_stage import given_crops
from .known_words import in_known_words
from .late_steps import LateStepsScheduler
from .mask_head import last_features
from .open_words import open_words
from .outpaint_stage import outpaint_hint_of
from .painter import Crop, Given, PaintedHands, Painting
from .sampling import (
    Guidance,
    Schedule,
    carried_noise,
    denoise,
    draw_noise,
    from_pictures,
    preview,
    seeded,
    to_pictures,
)
from .text import PROMPT, TextEmbedding, condition, encode_text

BODY_NOISE, HAND_NOISE = 0.25, 0.5
"""Of the usual noise, how much body and hands are begun with: these networks take what they see of it for texture, and
paint blotches, and hands with a grain (sampling at a reduced temperature, as Kingma and Dhariwal 2018 do)"""


_RIM = 2
"""Pixels beyond the outline that are refined at sizes above the canvas's"""


class EmbeddedPainter:
    """The embedded model, or another of its kind, as a :class:`~.painter.Painter`."""

    steps = 4
    guidance_scale = 1.0
    """It follows the words by itself, and paints its calmest pictures in few steps, unguided."""
    sampler = "DDIM"
    predicts_masks = True

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint
        self.device = checkpoint.device
        self.identity = checkpoint.identity
        self.canvas = checkpoint.canvas
        self.cell = checkpoint.autoencoder.patch_size
        self.saved: list[str] = []
        self.denoisers = [checkpoint.unet, checkpoint.controlnet, checkpoint.hands.unet]

    def crop_size(self, request: GenerationRequest, frame: Frame) -> int:
        return self.checkpoint.hands.crop

    def check(self, request: GenerationRequest) -> None:
        refuse_stock_parts(request)

    def complete(self, prompt: str, seed: int, frame: Frame, person: int) -> tuple[str, list[str]]:
        said, unknown = in_known_words(prompt, lambda word: len(self.checkpoint.tokenizer.tokenize(word)) == 1)
        besides = open_words(", ".join([said, *unknown]), seed, frame.sleeves(person))
        return ", ".join(filter(None, (said, besides))), unknown

    def encode_text(self, prompts: Sequence[str]) -> TextEmbedding:
        return encode_text(self.checkpoint.tokenizer, self.checkpoint.text_encoder, prompts)

    def paint_hands(self, painting: Painting, crops: Sequence[Crop], seeds: Sequence[int]) -> PaintedHands:
        """The mask is the one that the last denoising step predicts, from the half with text."""
        batch = 1 if self.saved else len(crops)
        parts = [
            self._paint_hands(painting, crops[start : start + batch], seeds[start : start + batch])
            for start in range(0, len(crops), batch)
        ]
        pictures, masks = (np.concatenate(outputs) for outputs in zip(*parts))
        return PaintedHands(pictures, masks)

    def _paint_hands(
        self, painting: Painting, crops: Sequence[Crop], seeds: Sequence[int]
    ) -> tuple[np.ndarray, np.ndarray]:
        hands, frame, strength = self.checkpoint.hands, painting.frame, painting.request.strength
        side, cells = hands.crop, hands.crop // hands.autoencoder.patch_size
        seen = []
        for crop in crops:
            points = {s: cut_points(frame.people[crop.person].hands[s], crop.crop.box, side) for s in SIDES}
            seen.append(hand_hint(hand_heatmaps(points, side, cells), _crop_normals(frame, crop, side)))
        guidance = Guidance(painting.text, [crop.row for crop in crops], painting.guidance_scale)
        hints = guidance.expand(torch.from_numpy(np.stack(seen)).to(self.device))
        arguments = condition(guidance.text, side, side)
        schedule = self._schedule(hands.scheduler, painting.hand_steps, strength)
        generators = seeded(seeds)
        shape = (hands.autoencoder.latent_channels, cells, cells)
        noise = HAND_NOISE * draw_noise(generators, shape).to(self.device)
        given, kept = given_crops(painting, crops, side, hands.autoencoder.patch_size)
        clean = None if given is None else hands.autoencoder.encode(from_pictures(given, self.device))
        with last_features(hands.unet) as features:

            def predict(latents: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
                shown = shown_latents(hands.scheduler, latents, timestep)
                inputs = torch.cat([guidance.expand(shown), hints], dim=1)
                return guidance.combine(hands.unet(inputs, timestep, return_dict=False, **arguments)[0])

            latents = denoise(
                schedule,
                predict,
                schedule.begin(noise, clean, strength),
                noise=noise,
                clean=clean,
                kept=kept(schedule.progress),
                renoise=painting.request.expansion.renoise,
                generators=generators,
                check=painting.watch.check,
                told=lambda step, shown: painting.watch.tell(
                    "hands", step, schedule.steps, lambda: preview(hands.autoencoder.decode(shown))
                ),
            )
            logits = hands.mask_head(features[0][-len(crops) :])
        pictures = hands.autoencoder.decode(latents)
        if self.checkpoint.refiner is not None:
            places = _places(painting)
            known = np.stack([_crop_known(frame, places, crop, side) for crop in crops])
            pictures = self.checkpoint.refiner(pictures, torch.from_numpy(known).to(self.device))
        return to_pictures(pictures), logits.sigmoid()[:, 0].float().cpu().numpy()

    def paint_body(self, painting: Painting, given: Given) -> np.ndarray:
        models, autoencoder = self.checkpoint, self.checkpoint.autoencoder
        request, frame = painting.request, painting.frame
        hint = outpaint_hint_of(frame, given, _places(painting))
        guidance = Guidance(painting.text, [PROMPT], painting.guidance_scale, given.prompts)
        hints = guidance.expand(torch.from_numpy(hint).to(self.device)[None])
        colours, trust = models.sketch(hints, guidance.text.tokens)
        expected = models.sketch.latents(colours, autoencoder)
        hints = models.sketch.beside(hints, colours)
        arguments = condition(guidance.text, frame.width, frame.height)
        schedule = self._schedule(models.scheduler, painting.steps, request.strength)
        generators = seeded([request.seed])
        shape = (autoencoder.latent_channels, frame.height // self.cell, frame.width // self.cell)
        noise = BODY_NOISE * carried_noise(draw_noise(generators, shape), request.seed, frame.held).to(self.device)
        # What the latents leave open at first: all of the picture, or less where one is begun with.
        share = unknown(models.scheduler, schedule.timesteps[:1]).to(self.device)
        clean = autoencoder.encode(from_pictures(given.picture[None], self.device))

        def predict(latents: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
            inputs = shown_latents(models.scheduler, guidance.expand(latents), timestep, expected)
            predicted = controlled(
                models.unet, models.controlnet, inputs, timestep, hints, arguments, request.control_scale
            )
            return guidance.combine(models.sketch.settle(predicted, colours, trust, share, autoencoder))

        latents = denoise(
            schedule,
            predict,
            schedule.begin(noise, clean, request.strength),
            noise=noise,
            clean=clean,
            kept=given.kept(schedule.progress),
            renoise=request.expansion.renoise,
            generators=generators,
            check=painting.watch.check,
            told=lambda step, shown: painting.watch.tell(
                "body", step, schedule.steps, lambda: preview(autoencoder.decode(shown))
            ),
        )
        picture = autoencoder.decode(latents)
        if models.refiner is not None:
            picture = models.refiner.refine(picture, torch.from_numpy(hint).to(self.device)[None])
        if request.strength >= 1.0:
            picture = clean_backdrop(picture, self._plane(frame.person_mask))
        return to_pictures(picture)[0]

    def _plane(self, values: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(values).to(self.device)[None, None]

    def _schedule(self, scheduler: DDIMScheduler, steps: int, strength: float) -> Schedule:
        """A given picture is begun with anywhere between noise and itself, and keeps even steps."""
        kind = LateStepsScheduler if strength >= 1.0 else DDIMScheduler
        return Schedule(kind.from_config(scheduler.config), steps, self.device, strength)

    def finish(self, image: np.ndarray, painting: Painting) -> np.ndarray:
        """What the passes know better than the networks is set right at the frame's own size: in larger frames than the
        canvas the details, and surfaces of one colour, the hands' tone and edges.  What is held of people was set right
        when it was painted, and is laid over as it is: over and over, it would drift.  Not so the backdrop, which may
        hold a rim of who stood before it."""
        frame, source = painting.frame, painting.frame.source
        size, scale = (source.width, source.height), source.width / frame.width
        own = frame if size == (frame.width, frame.height) else at_size(source, painting.request, size)
        shown = from_pictures(image[None], self.device)
        if self.checkpoint.refiner is not None and scale > 1.0:
            places = own.places(_sleeves(painting))
            hint = outpaint_hint(np.zeros_like(image), own.person_mask, own.normals, None, None, places)
            shown = self.checkpoint.refiner.refine(shown, torch.from_numpy(hint).to(self.device)[None], around=_RIM)
        if painting.request.strength >= 1.0 and own.normals is not None:
            shown = self._evened(shown, own, painting, scale)
        shown = settle_edges(shown, self._plane(own.kinds(_sleeves(painting))), scale)
        image = to_pictures(shown)[0]
        if frame.held is not None and source.held is not None:
            kept = np.kron(cells(frame.held.mask, self.cell).all((1, 3)), np.ones((self.cell, self.cell), bool))
            laid = resize(kept, source.width, source.height) & source.held.mask & source.person_mask
            image = np.where(laid[..., None], source.held.picture, image)
        return image

    def _evened(self, shown: torch.Tensor, frame: Frame, painting: Painting, scale: float) -> torch.Tensor:
        assert frame.normals is not None
        normals = from_pictures(frame.normals[None], self.device) / 2.0 + 0.5

        def masks(found: Sequence[np.ndarray]) -> list[torch.Tensor]:
            return [torch.from_numpy(mask).to(self.device) for mask in found]

        surfaces = [(own, tells) for own, tells in map(masks, frame.surfaces(_sleeves(painting)))]
        people = torch.from_numpy(frame.person_mask).to(self.device)
        shown = even_surfaces(shown, normals, people, surfaces, scale)
        for person, prompt in enumerate(painting.prompts):
            if "gloves" not in prompt:
                hands, skin = masks([frame.hands(person), frame.skin(person, _sleeves(painting))])
                shown = match_hands(shown, normals, hands, skin, scale)
        return shown

    def repaint(self, painting: Painting, given: Given) -> np.ndarray:
        raise NotImplementedError

    def save_memory(self) -> str:
        if self.saved:
            return ""
        self.saved.append("the hands are painted one by one")
        return self.saved[-1]


def _places(painting: Painting) -> np.ndarray | None:
    return painting.frame.places(_sleeves(painting))


def _sleeves(painting: Painting) -> list[Sleeves]:
    return [named_sleeves(prompt) for prompt in painting.prompts]


def _crop_known(frame: Frame, places: np.ndarray | None, crop: Crop, size: int) -> np.ndarray:
    """What the refiner sees of a crop: as :func:`outpaint_hint`, without skeleton and without given hands."""
    person = cut(frame.source.person_mask, frame.at_source(crop.crop.box), size)
    places = None if places is None else cut(places, crop.crop.box, size)
    normals = None if frame.normals is None else _crop_normals(frame, crop, size)
    return outpaint_hint(np.zeros((size, size, 3), np.uint8), person, normals, None, None, places)


def _crop_normals(frame: Frame, crop: Crop, size: int) -> np.ndarray:
    """The crop's normals, cut from the frame at its own size; black where the frame has none."""
    if frame.normals is None:
        return np.zeros((size, size, 3), np.uint8)
    return cut(frame.normals, frame.at_source(crop.crop.box), size)
