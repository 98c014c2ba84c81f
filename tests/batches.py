# SPDX-License-Identifier: GPL-3.0-or-later
"""Small frames, and what stands in for a model where only the batch around it is looked at."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Generator
from concurrent.futures import Future

import numpy as np
from PIL import Image

from handdiff_addon.conditioning.camera import Camera
from handdiff_addon.conditioning.frame import Conditioning, PersonMasks, PersonPose
from handdiff_addon.request import GenerationRequest, GenerationResult

WIDTH, HEIGHT = 96, 64


def person_frame(number: int, camera: str = "Eye") -> Conditioning:
    """One person with two hands, square keypoints and all."""
    rng = np.random.default_rng(abs(number))
    person = np.zeros((HEIGHT, WIDTH), bool)
    person[4:60, 8:88] = True
    hands = {"left": np.zeros_like(person), "right": np.zeros_like(person)}
    hands["left"][10:30, 10:30] = hands["right"][30:50, 60:80] = True
    corners = {"left": (10, 10), "right": (60, 30)}
    pose = PersonPose(
        "Rig",
        rng.uniform(10, 60, (18, 2)),
        ["visible"] * 18,
        {side: np.array(corners[side]) + rng.uniform(0, 20, (21, 2)) for side in corners},
        {side: ["visible"] * 21 for side in corners},
    )
    return Conditioning(
        camera=Camera(np.eye(4), np.eye(4), WIDTH, HEIGHT, camera),
        frame=number,
        people=[pose],
        masks=[PersonMasks(person, hands)],
        keypoints=[],
        skeleton=np.zeros((HEIGHT, WIDTH, 3), np.uint8),
        metric_depth=np.where(person, np.float32(3.0), np.float32(np.inf)),
        warnings=[],
    )


def painted(request: GenerationRequest, conditioning: Conditioning) -> GenerationResult:
    """A picture whose colour tells its frame."""
    image = Image.new("RGB", (WIDTH, HEIGHT), (conditioning.frame % 256, 20, 30))
    return GenerationResult(
        image=image,
        hands=image.copy(),
        hands_predicted_mask=image.convert("L"),
        painted_size=image.size,
        settings={"steps": 1, "hand_steps": 1, "guidance_scale": 1.0, "sampler": "DDIM"},
        model={"name": "none"},
        hand_reports=[],
        seconds={"body": 0.5},
        peak_memory_bytes=0,
        warnings=list(conditioning.warnings),
    )


def drive(steps: Generator[set[Future], None, None]) -> None:
    """Work a batch off as the command line does."""
    for waiting in steps:
        concurrent.futures.wait(waiting, return_when=concurrent.futures.FIRST_COMPLETED)
