# SPDX-License-Identifier: GPL-3.0-or-later
"""Stage 1: all hands of a frame in crops, the best of several tries, and the mask that drives stage 2."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from ..conditioning.crops import cut, hand_crops, paste, place
from ..request import GenerationRequest, HandPicture, HandReport
from .expansion import erode
from .frame import Frame, cells
from .painter import Crop, Kept, PaintedHands, Painter, Painting
from .sampling import mix
from .text import PROMPT

SMALL_HAND = 24
"""Pixels at the painted size under which a hand is warned about."""


@dataclass
class Hands:
    """The painted hands, with the mask that was chosen for each crop."""

    crops: list[Crop]
    pictures: np.ndarray
    """(N, S, S, 3) uint8 RGB"""
    masks: list[np.ndarray]
    """(S, S) float32 in 0..1 per crop"""
    predicted: list[np.ndarray]
    """(S, S) float32 in 0..1 per crop; empty where the model predicts none"""
    reports: list[HandReport]


def find_crops(frame: Frame, rows: Sequence[int]) -> list[Crop]:
    """The crops of every usable hand; ``rows`` says which row of the text is each person's."""
    crops = []
    for person, (pose, masks, sides) in enumerate(zip(frame.people, frame.masks, frame.sides)):
        for crop in hand_crops(pose, masks, frame.width, frame.height, sides=sides):
            crops.append(Crop(crop, person, rows[person] if rows else PROMPT))
    return crops


def paint_hands(
    painter: Painter, painting: Painting, crops: Sequence[Crop], tries: int
) -> tuple[PaintedHands, list[int]]:
    """Every crop once for each try, tries one after the other; and the tries' seeds."""
    seeds = [painting.request.seed + trial for trial in range(tries)]
    # Noise by seed and crop, so that another number of crops leaves each one's noise as it was.
    mixed = [mix(seed, index) for seed in seeds for index in range(len(crops))]
    return painter.paint_hands(painting, list(crops) * len(seeds), mixed), seeds


def given_crops(painting: Painting, crops: Sequence[Crop], size: int, cell: int) -> tuple[np.ndarray | None, Kept]:
    """What crops begin from, and what of it they hold.

    Args:
        painting: with the frame.
        crops: N of them.
        size, cell: side of a crop and of its latent cells, in pixels.

    Returns:
        pictures (N, size, size, 3) uint8, None where crops begin from noise alone; and for each denoising step the
        cells (N, 1, h, w) that are held.
    """
    frame, held = painting.frame, painting.frame.source.held
    begins = painting.request.strength < 1.0 and frame.picture is not None
    if held is None:
        pictures = np.stack([cut(frame.base, crop.crop.box, size) for crop in crops]) if begins else None
        return pictures, lambda progress: [None] * len(progress)
    boxes = [frame.at_source(crop.crop.box) for crop in crops]
    masks = np.stack([cut(held.mask, box, size) for box in boxes])
    pictures = np.stack([cut(held.picture, box, size) for box in boxes])
    if begins:
        below = np.stack([cut(frame.base, crop.crop.box, size) for crop in crops])
        pictures = np.where(masks[..., None], pictures, below)
    region = np.stack([cells(mask, cell).all((1, 3))[None] for mask in masks])
    return pictures, lambda progress: [region] * len(progress)


def choose(
    request: GenerationRequest, frame: Frame, crops: list[Crop], painted: PaintedHands, seeds: list[int]
) -> Hands:
    """For each crop the try whose mask fits the rig best, and the mask that the request asks for."""
    size = painted.pictures.shape[1]
    hands = Hands(crops, np.zeros((len(crops), size, size, 3), np.uint8), [], [], [])
    for index, crop in enumerate(crops):
        masks = frame.masks[crop.person]
        truth = np.logical_or.reduce([cut(masks[side], crop.crop.box, size) for side in crop.crop.sides])
        trials = [trial * len(crops) + index for trial in range(len(seeds))]
        best, fit, source, mask = 0, None, "rendered", truth.astype(np.float32)
        if painted.masks is not None:
            fits = [_iou(painted.masks[trial] >= 0.5, truth) for trial in trials]
            best = int(np.argmax(fits))
            fit = round(fits[best], 4)
            hands.predicted.append(painted.masks[trials[best]])
            if request.mask_source == "predicted" or (
                request.mask_source == "auto" and fits[best] >= request.auto_mask_iou
            ):
                source, mask = "predicted", hands.predicted[-1]
        hands.pictures[index] = painted.pictures[trials[best]]
        hands.masks.append(mask)
        for side in crop.crop.sides:
            rows, columns = np.nonzero(masks[side])
            pixels = float(max(np.ptp(rows), np.ptp(columns)) + 1) if len(rows) else 0.0
            name = frame.people[crop.person].name
            hands.reports.append(HandReport(name, side, crop.crop.box, pixels, fit, source, seeds[best]))
    return hands


def warn_of_small(hands: Hands, frame: Frame) -> list[str]:
    """A warning for each hand of which the model sees too little."""
    warnings = []
    for report in hands.reports:
        if report.pixels < SMALL_HAND:
            whose = f' of "{report.person}"' if len(frame.people) > 1 else ""
            warnings.append(
                f"The {report.side} hand{whose} is {report.pixels:.0f} px at the painted size, under {SMALL_HAND}: "
                "move the camera closer or paint larger for better fingers."
            )
    return warnings


def lay(hands: Hands | None, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
    """The canvas with every crop in place over what is there before, and the hands' mask on it."""
    canvas = frame.base
    mask = np.zeros((frame.height, frame.width), bool)
    if hands is not None:
        for crop, picture, hand in zip(hands.crops, hands.pictures, hands.masks, strict=True):
            canvas = paste(canvas, picture, crop.crop.box)
            mask |= place(hand, crop.crop.box, frame.width, frame.height) >= 0.5
    if frame.held is not None:  # of what is held the crops show no more than their hands
        canvas = np.where((frame.held.mask & ~mask)[..., None], frame.held.picture, canvas)
    return canvas, mask


def inside_crops(hands: Hands, frame: Frame) -> np.ndarray:
    """Pixels inside a crop: only there is a given picture of the hands to keep."""
    inside = np.zeros((frame.height, frame.width), bool)
    for crop in hands.crops:
        inside |= place(np.ones((8, 8), bool), crop.crop.box, frame.width, frame.height)
    return inside


def predicted_mask(hands: Hands, frame: Frame) -> np.ndarray | None:
    """The predicted masks (H, W) float32 on the canvas; None where the model predicts none."""
    if not hands.predicted:
        return None
    mask = np.zeros((frame.height, frame.width), np.float32)
    for crop, predicted in zip(hands.crops, hands.predicted, strict=True):
        mask = np.maximum(mask, place(predicted, crop.crop.box, frame.width, frame.height))
    return np.clip(mask, 0.0, 1.0)


def hand_pictures(hands: Hands) -> list[HandPicture]:
    """The painted crops with their masks."""
    return [
        HandPicture(crop.crop.box, Image.fromarray(np.dstack([picture, np.rint(mask * 255).astype(np.uint8)])))
        for crop, picture, mask in zip(hands.crops, hands.pictures, hands.masks, strict=True)
    ]


def paste_cores(image: np.ndarray, hands: Hands, frame: Frame) -> np.ndarray:
    """Lay the hands' cores over the finished picture at its own size, sharper than the canvas could hold them.

    The core is the mask less a rim of about a fiftieth of the crop, which the free phase may have changed.
    """
    scale = (image.shape[1] / frame.width, image.shape[0] / frame.height)
    for crop, picture, mask in zip(hands.crops, hands.pictures, hands.masks, strict=True):
        rim = max(1, picture.shape[0] // 50)
        core = Image.fromarray(erode(mask >= 0.5, rim).astype(np.uint8) * 255)
        soft = np.asarray(core.filter(ImageFilter.GaussianBlur(rim / 2)), dtype=np.float32) / 255.0 * (mask >= 0.5)
        left, top, right, bottom = (round(edge * scale[index % 2]) for index, edge in enumerate(crop.crop.box))
        image = paste(image, picture, (left, top, right, bottom), soft)
    return image


def _iou(a: np.ndarray, b: np.ndarray) -> float:
    union = (a | b).sum()
    return float((a & b).sum() / union) if union else 1.0
