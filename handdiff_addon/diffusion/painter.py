# SPDX-License-Identifier: GPL-3.0-or-later
"""What the two stages ask of a model, whatever its kind: the embedded one, or a stock base with its ControlNets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch

from ..conditioning.crops import HandCrop
from ..request import GenerationRequest
from .frame import Frame
from .progress import Watch
from .text import TextEmbedding

Kept = Callable[[Sequence[float]], Sequence[np.ndarray | None]]
"""For denoising steps, each told by how much is done after it, the latent cells (h, w) that keep what is given then"""


@dataclass(frozen=True)
class PaintedHands:
    """Stage 1's output for a batch of crops."""

    pictures: np.ndarray
    """(N, S, S, 3) uint8 RGB"""
    masks: np.ndarray | None
    """(N, S, S) float32, how likely each pixel is hand, 0..1; None where the model predicts none"""


@dataclass(frozen=True)
class Given:
    """What stage 2 paints around."""

    picture: np.ndarray
    """(H, W, 3) uint8 RGB, the hands in place over the render or grey"""
    hands: np.ndarray
    """(H, W) bool, where the hands are"""
    known: np.ndarray
    """(H, W) bool, the hands and what else is kept"""
    kept: Kept
    prompts: Sequence[tuple[int, np.ndarray]] = field(default_factory=list)
    """Rows of the text and the latent cells (h, w) where each counts instead of the prompt"""


@dataclass(frozen=True)
class Crop:
    """A hand crop that stage 1 paints."""

    crop: HandCrop
    person: int
    row: int
    """Of the text"""


@dataclass(frozen=True)
class Painting:
    """One generation at work: what both stages need of it, with what the request left to the model filled in."""

    request: GenerationRequest
    frame: Frame
    prompts: Sequence[str]
    """As said to the model, per person"""
    text: TextEmbedding
    watch: Watch
    steps: int
    hand_steps: int
    guidance_scale: float


class Painter(Protocol):
    """A loaded model."""

    device: torch.device
    identity: dict[str, Any]
    canvas: int
    """Side of the square that it was trained on, in pixels"""
    cell: int
    """Side of a latent cell of the canvas, in pixels"""
    steps: int
    guidance_scale: float
    """What it likes"""
    sampler: str
    """Name of its scheduler's method"""
    predicts_masks: bool
    """Whether stage 1 tells where the hands are"""
    saved: list[str]
    """What :meth:`save_memory` did so far"""
    denoisers: list[torch.nn.Module]
    """The networks that are evaluated at each step"""

    def crop_size(self, request: GenerationRequest, frame: Frame) -> int:
        """Side in pixels that stage 1 paints its crops at."""

    def check(self, request: GenerationRequest) -> None:
        """Refuse what this model cannot do, before any work.

        Raises:
            ModelError, UsageError
        """

    def complete(self, prompt: str, seed: int, frame: Frame, person: int) -> tuple[str, list[str]]:
        """The prompt in words that this model knows, with what it needs said besides, by the seed and by what is seen
        of the person; and the words that it does not know.  A model that needs nothing leaves the prompt."""

    def encode_text(self, prompts: Sequence[str]) -> TextEmbedding:
        """Embed the negative prompt, the prompt, and the prompts of single persons."""

    def paint_hands(self, painting: Painting, crops: Sequence[Crop], seeds: Sequence[int]) -> PaintedHands:
        """Stage 1: a picture of each crop, and its mask where the model predicts one; one seed per crop."""

    def paint_body(self, painting: Painting, given: Given) -> np.ndarray:
        """Stage 2: the canvas (H, W, 3) uint8 RGB around what is given."""

    def finish(self, image: np.ndarray, painting: Painting) -> np.ndarray:
        """The picture (H, W, 3) uint8 at the frame's own size, with details as fine as that where the model knows
        any."""

    def repaint(self, painting: Painting, given: Given) -> np.ndarray:
        """The picture once more, tile by tile, close to the given one; only where :meth:`check` lets it pass."""

    def save_memory(self) -> str:
        """Make do with less memory from now on; what was done, or nothing where all is done already."""
