# SPDX-License-Identifier: GPL-3.0-or-later
"""Training pictures painted once more by the networks: what the refiner sets right, beside how it should look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageFilter

from ..conditioning.crops import Box, cut, cut_points, hand_crops, paste, resize
from ..conditioning.frame import PersonPose
from ..conditioning.heatmaps import hand_heatmaps
from ..conditioning.hint import hand_hint, outpaint_hint
from ..conditioning.skeleton import draw_skeleton
from ..diffusion.checkpoint import Checkpoint
from ..diffusion.controlled import controlled
from ..diffusion.embedded_painter import BODY_NOISE, HAND_NOISE
from ..diffusion.estimate import shown_latents, unknown
from ..diffusion.late_steps import LATE
from ..diffusion.sampling import from_pictures, to_pictures
from ..diffusion.text import TextEmbedding, condition, encode_text
from ..request import SIDES, Side
from .captions import caption
from .dataset import Sample
from .examples import LEFT_HAND, RIGHT_HAND, sample_pose

_BEGUN_WITH = (1.0, 1.0, 1.0, 0.8, 0.6)
"""Shares of the noise schedule that the networks begin at: with less than all of it they keep some of the picture's own
colours, which a caption alone would not give them back"""
_GIVEN = 0.6
"""How often hands are given"""
_SOFT = 8.0
"""Pixels, the deviation of the blur that tells a picture's colours from its details"""

Predict = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Painted:
    """A canvas, or the crop of a hand."""

    painted: np.ndarray
    """(S, S, 3) uint8"""
    wanted: np.ndarray
    """(S, S, 3) uint8: the details of the data set's picture in the colours of the painted one"""
    hint: np.ndarray
    """(14, S, S) uint8, what the ControlNet saw, 255 for 1"""
    parts: np.ndarray
    """(S, S) uint8, as :class:`~.dataset.Sample` has them"""


@torch.no_grad()
def paint_again(sample: Sample, checkpoint: Checkpoint, rng: np.random.Generator) -> list[Painted]:
    """A sample as the networks would paint it, in one step from noise and one that sharpens: the canvas, with hands
    given that stage 1 would paint or without, and these hands' crops where they are."""
    side = checkpoint.canvas
    picture, normals, body_map = (
        resize(pixels, side, side) for pixels in (sample.picture, sample.normals, sample.body_map)
    )
    parts = np.asarray(Image.fromarray(sample.parts).resize((side, side), Image.Resampling.NEAREST))
    seen = _Seen(picture, parts, normals, body_map, sample_pose(sample, side / sample.picture.shape[0]))
    text = encode_text(checkpoint.tokenizer, checkpoint.text_encoder, [caption(sample.attributes, rng)[0]])
    given, hands = None, list[Painted]()
    if rng.random() < _GIVEN:
        given = picture
        for box in _hand_boxes(seen):
            hands.append(_paint_hand(seen, box, checkpoint, text, rng))
            given = paste(given, hands[-1].painted, box)
    hint = outpaint_hint(
        draw_skeleton([seen.pose], side, side), parts > 0, normals, given, parts >= LEFT_HAND, body_map
    )
    hints = torch.from_numpy(hint)[None].to(checkpoint.device)
    colours, trust = checkpoint.sketch(hints, text.tokens)
    beside = checkpoint.sketch.beside(hints, colours)
    expected = checkpoint.sketch.latents(colours, checkpoint.autoencoder)
    arguments = condition(text, side, side)
    begun = _begin(rng, checkpoint)
    share = unknown(checkpoint.scheduler, begun).to(checkpoint.device)

    def predict(latents: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        inputs = shown_latents(checkpoint.scheduler, latents, timestep, expected)
        predicted = controlled(checkpoint.unet, checkpoint.controlnet, inputs, timestep, beside, arguments)
        return checkpoint.sketch.settle(predicted, colours, trust, share, checkpoint.autoencoder)

    clean = checkpoint.autoencoder.encode(from_pictures(picture[None], checkpoint.device))
    latents = _repaint(predict, clean, begun, BODY_NOISE, rng, checkpoint)
    painted = to_pictures(checkpoint.autoencoder.decode(latents))[0]
    return [_beside(painted, picture, hint, parts), *hands]


@dataclass(frozen=True)
class _Seen:
    """A sample at the canvas' size."""

    picture: np.ndarray
    parts: np.ndarray
    normals: np.ndarray
    body_map: np.ndarray
    pose: PersonPose


def _hand_boxes(seen: _Seen) -> list[Box]:
    masks: dict[Side, np.ndarray] = {"left": seen.parts == LEFT_HAND, "right": seen.parts == RIGHT_HAND}
    sides = [side for side in SIDES if masks[side].any()]
    height, width = seen.parts.shape
    return [crop.box for crop in hand_crops(seen.pose, masks, width, height, sides=sides)]


def _paint_hand(
    seen: _Seen, box: Box, checkpoint: Checkpoint, text: TextEmbedding, rng: np.random.Generator
) -> Painted:
    hands, size = checkpoint.hands, checkpoint.hands.crop
    points = {side: cut_points(seen.pose.hands[side], box, size) for side in SIDES}
    picture, normals, body_map = (cut(pixels, box, size) for pixels in (seen.picture, seen.normals, seen.body_map))
    parts = np.where(cut(seen.parts >= LEFT_HAND, box, size), LEFT_HAND, cut(seen.parts > 0, box, size))
    heatmaps = hand_heatmaps(points, size, size // hands.autoencoder.patch_size)
    hint = torch.from_numpy(hand_hint(heatmaps, normals))[None].to(checkpoint.device)
    arguments = condition(text, size, size)

    def predict(latents: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        inputs = torch.cat([shown_latents(hands.scheduler, latents, timestep), hint], dim=1)
        predicted: torch.Tensor = hands.unet(inputs, timestep, return_dict=False, **arguments)[0]
        return predicted

    clean = hands.autoencoder.encode(from_pictures(picture[None], checkpoint.device))
    latents = _repaint(predict, clean, _begin(rng, checkpoint), HAND_NOISE, rng, checkpoint)
    known = outpaint_hint(np.zeros_like(picture), parts > 0, normals, None, None, body_map)
    return _beside(to_pictures(hands.autoencoder.decode(latents))[0], picture, known, parts)


def _beside(painted: np.ndarray, picture: np.ndarray, hint: np.ndarray, parts: np.ndarray) -> Painted:
    wanted = np.clip(np.rint(picture + _soft(painted) - _soft(picture)), 0, 255).astype(np.uint8)
    return Painted(painted, wanted, np.rint(hint * 255).astype(np.uint8), parts.astype(np.uint8))


def _begin(rng: np.random.Generator, checkpoint: Checkpoint) -> torch.Tensor:
    steps = int(checkpoint.scheduler.config.num_train_timesteps)
    return torch.tensor([min(int(rng.choice(_BEGUN_WITH) * steps), steps - 1)])


def _repaint(
    predict: Predict,
    clean: torch.Tensor,
    begun: torch.Tensor,
    strength: float,
    rng: np.random.Generator,
    checkpoint: Checkpoint,
) -> torch.Tensor:
    """Latents predicted from noisy ones, and again from a little noise on what was predicted, as late steps do."""
    scheduler = checkpoint.scheduler
    steps = int(scheduler.config.num_train_timesteps)
    late = torch.tensor([int(LATE * steps * rng.uniform(1 / 3, 1))])
    noise = strength * torch.from_numpy(rng.standard_normal(clean.shape, np.float32)).to(clean)
    for timestep in (begun, late):
        clean = predict(scheduler.add_noise(clean, noise, timestep), timestep)
    return clean


def _soft(picture: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(_SOFT)), np.float32)
