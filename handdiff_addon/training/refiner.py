# SPDX-License-Identifier: GPL-3.0-or-later
"""The training of the refiner, on canvases that the finished networks paint: it comes last.

Painting a canvas takes some hundred times as long as learning from a window of it, so canvases are kept for a while.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from ..conditioning.crops import resize
from ..conditioning.hint import BODY_MAP, HANDS, HANDS_MASK, HINT_CHANNELS, NORMALS, PERSON
from ..diffusion.checkpoint import load_checkpoint
from ..diffusion.refiner import Refiner
from .dataset import Sample, SampleRef, list_samples, load
from .examples import LEFT_HAND, mirror_hint
from .initialise import EMBEDDED, Sizes
from .loop import Budget, Losses, Trainer
from .losses import NECK
from .painted import Painted, paint_again
from .sources import rng_of

_USES = 8
"""Steps for each canvas that is newly painted"""
_FIRST, _KEPT = 4, 600
"""Canvases to begin with, and at most, of 5.5 MB each; and so many crops"""
_TRIES = 8
_WINDOW = 96
"""Pixels"""
_CROPS = 0.3
"""Share of the windows that lie on hands' crops"""
_HANDS, _HEAD = 0.3, 0.45
"""Shares of the others that show a hand of the canvas, and the head"""
_ENLARGED, _TIMES = 0.4, (1.2, 3.0)
"""How often a window is shown as if painted smaller, as frames larger than the canvas are, and by how much"""
_OTHER_COLOURS, _OTHER_HUES = 0.5, 0.15
_ALREADY_RIGHT = 0.15
"""How often what is shown is what is wanted: such is to be left alone"""
_WITHOUT_PASS, _WITHOUT_HANDS = 0.08, 0.3
_GIVEN = slice(HANDS.start, HANDS_MASK.stop)
_FLAT = 1e-5
"""Rounds off the tip of the absolute distance (Charbonnier et al. 1994)"""
_CRITIC = 0.12
"""How much it counts whether the critic takes the picture for a wanted one"""
_PERSON, _EDGES, _SQUARED = 2.0, 2.0, 15.0
"""How much more the person counts, and how much differences of neighbours and, where one looks, the squared distance"""
_LOOKED_AT, _FRONT, _ENDS = 4.0, 0.6, 0.47
"""How much more faces and fingers' ends count, and where on the body map these are: blue, and red from the middle"""


def train_refiner(
    model: Path,
    run: Path,
    data: Path,
    minutes: float,
    *,
    seed: int = 0,
    sizes: Sizes = EMBEDDED,
    device: str = "cpu",
    batch: int = 16,
    start: Path | None = None,
) -> None:
    """Train the refiner of a whole model, on ``batch`` windows a step; ``start`` is a model folder whose refiner is
    begun with.

    Raises:
        ModelError: where the model lacks another part.
    """
    torch.manual_seed(seed)
    checkpoint = load_checkpoint(str(model), "", torch.device(device))
    refiner = Refiner(sizes.refiner) if start is None else Refiner.from_pretrained(start / "refiner")
    critic = _make_critic()
    budget = Budget(minutes, learning_rate=1e-3, cooldown=0.7)
    trainer = Trainer({"refiner": refiner, "critic": critic}, run, budget, device, seed)
    refs = list_samples(data, "train")
    canvases: list[Painted] = []
    crops: list[Painted] = []

    def losses(generator: torch.Generator, step: int) -> Losses:
        rng = rng_of(generator)
        if step % _USES == 0 or not canvases:
            with torch.autocast(checkpoint.device.type, enabled=False):
                for _ in range(1 if canvases else _FIRST):
                    canvas, *hands = paint_again(_plain_sample(refs, rng), checkpoint, rng)
                    canvases.append(canvas)
                    crops.extend(hands)
            del canvases[:-_KEPT], crops[:-_KEPT]
        drawn = [crops if crops and rng.random() < _CROPS else canvases for _ in range(batch)]
        windows = [draw_window(kept[rng.integers(len(kept))], rng) for kept in drawn]
        shown, wanted, hints = (
            torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2).to(device) for arrays in zip(*windows, strict=True)
        )
        shown, wanted, known = 2.0 * shown - 1.0, 2.0 * wanted - 1.0, hints[:, PERSON.start :]
        refined = refiner(shown, hints)
        told, fooled = (torch.cat([picture, known], 1) for picture in (wanted, refined))
        frozen = {name: parameter.detach() for name, parameter in critic.named_parameters()}
        return {
            "refiner": refiner_loss(refined.float(), wanted, hints[:, PERSON], _looked_at(hints)),
            "details": -_CRITIC * torch.func.functional_call(critic, frozen, fooled).mean(),
            "critic": functional.relu(1.0 - critic(told)).mean()
            + functional.relu(1.0 + critic(fooled.detach())).mean(),
        }

    trainer.run(losses, lambda: refiner.save_pretrained(model / "refiner"))


def _plain_sample(refs: Sequence[SampleRef], rng: np.random.Generator) -> Sample:
    """A sample whose clothes have no pattern, if one is found soon: a critic would ask for patterns that no refiner
    can know of."""
    for _ in range(_TRIES):
        sample = load(refs[rng.integers(len(refs))])
        if {sample.attributes.shirt_pattern, sample.attributes.trousers_pattern} <= {None, "plain"}:
            break
    return sample


def _make_critic() -> torch.nn.Module:
    """Tells pictures that are wanted from refined ones, patch by patch, by what is known of each pixel."""
    channels = (3 + HINT_CHANNELS - PERSON.start, 32, 64, 96, 96, 1)
    layers: list[torch.nn.Module] = []
    for index, (before, after) in enumerate(pairwise(channels)):
        convolution = torch.nn.Conv2d(before, after, 4 if index < 2 else 3, 2 if index < 2 else 1, 1)
        layers += [spectral_norm(convolution), torch.nn.LeakyReLU(0.2)]
    return torch.nn.Sequential(*layers[:-1])


def draw_window(canvas: Painted, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A window around some point of the person, perhaps mirrored, in other colours, and with conditions left out.

    Returns:
        what is painted and what is wanted, (s, s, 3) float32 in 0..1, and the hint (s, s, 14) float32 in 0..1.
    """
    place = _around(_somewhere(canvas, rng), canvas.parts.shape[0], rng)
    painted, wanted, hint = canvas.painted[place], canvas.wanted[place], canvas.hint[(slice(None), *place)]
    hint = hint.transpose(1, 2, 0)
    if rng.random() < 0.5:
        painted, wanted, hint = painted[:, ::-1], wanted[:, ::-1], mirror_hint(hint)
    painted, wanted, hint = (pixels / np.float32(255.0) for pixels in (painted, wanted, hint))
    if rng.random() < _ENLARGED:
        painted, hint = _enlarge(painted, hint, rng.uniform(*_TIMES))
    if rng.random() < _OTHER_COLOURS:
        # Details do not depend on colours, of which a data set has few; but lips are redder than skin.
        channels = rng.permutation(3) if rng.random() < _OTHER_HUES else slice(None)
        exponent = np.exp(rng.uniform(-0.35, 0.35, 3)).astype(np.float32)
        painted, wanted = (picture[..., channels] ** exponent for picture in (painted, wanted))
        hint[..., HANDS] = hint[..., HANDS][..., channels] ** exponent
    for some, chance in ((NORMALS, _WITHOUT_PASS), (BODY_MAP, _WITHOUT_PASS), (_GIVEN, _WITHOUT_HANDS)):
        if rng.random() < chance:
            hint[..., some] = 0.0
    if rng.random() < _ALREADY_RIGHT:
        painted = wanted
    return np.ascontiguousarray(painted), np.ascontiguousarray(wanted), hint


def _enlarge(painted: np.ndarray, hint: np.ndarray, times: float) -> tuple[np.ndarray, np.ndarray]:
    """As if painted smaller and enlarged: mask and normals alone are as sharp as the frame."""
    size = painted.shape[0]
    small, hint = round(size / times), hint.copy()
    painted, hint[..., HANDS], hint[..., BODY_MAP] = (
        resize(resize(pixels, small, small), size, size) for pixels in (painted, hint[..., HANDS], hint[..., BODY_MAP])
    )
    return painted, hint


def _somewhere(canvas: Painted, rng: np.random.Generator) -> np.ndarray:
    """Row and column of a point of the hands, of the head, or of any part of the person."""
    head = (canvas.parts == 1) & (canvas.hint[BODY_MAP][1] > NECK * 255)
    chance = rng.random()
    kinds = (canvas.parts >= LEFT_HAND, chance < _HANDS), (head, chance < _HANDS + _HEAD), (canvas.parts > 0, True)
    points = next((there for there, wanted in kinds if wanted and there.any()), np.ones_like(head))
    return np.argwhere(points)[rng.integers(points.sum())]


def _around(point: np.ndarray, size: int, rng: np.random.Generator) -> tuple[slice, slice]:
    side = min(_WINDOW, size)
    top, left = np.clip(point + rng.integers(-side // 4, side // 4 + 1, 2) - side // 2, 0, size - side)
    return slice(top, top + side), slice(left, left + side)


def _looked_at(hints: torch.Tensor) -> torch.Tensor:
    """(B, 1, s, s) bool: faces and fingers' ends, which are few pixels and are looked at first."""
    red, green, blue = hints[:, BODY_MAP].split(1, dim=1)
    face = (green > NECK) & (blue > _FRONT)
    ends = ((red - 0.5).abs() > _ENDS) & (green > 0.0)
    return (hints[:, PERSON] > 0.0) & (face | ends)


def refiner_loss(
    refined: torch.Tensor, wanted: torch.Tensor, person: torch.Tensor, looked_at: torch.Tensor
) -> torch.Tensor:
    """The absolute distance of pictures (B, 3, s, s) in -1..1, the person's (B, 1, s, s) counted more, and that of
    neighbouring pixels' differences, at full and at half size: outlines count by their steepness.

    By the absolute distance alone what is small and not in a sure place, such as a brow, a lip or a nail, is best left
    out; where one looks (B, 1, s, s), the squared one has it shown as far as it is sure.  Elsewhere it would make soft
    hems.
    """
    off, counts = refined - wanted, 1.0 + _PERSON * person * (1.0 + _LOOKED_AT * looked_at)
    loss = (counts * (_absolute(off) + _SQUARED * looked_at * off.square())).mean() / 2.0
    for _ in range(2):
        for axis in (2, 3):
            loss = loss + _EDGES * _absolute(refined.diff(dim=axis) - wanted.diff(dim=axis)).mean()
        refined, wanted = (functional.avg_pool2d(picture, 2) for picture in (refined, wanted))
    return loss


def _absolute(off: torch.Tensor) -> torch.Tensor:
    return (off.square() + _FLAT).sqrt()
