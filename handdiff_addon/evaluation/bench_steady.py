# SPDX-License-Identifier: GPL-3.0-or-later
"""How steady an animation is with ``--steady`` and without, and whether its hands are still where the rig has them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from ..conditioning.flow import Flow, warped_difference
from ..errors import OutputError
from ..request import GenerationRequest
from ..runs import DEMO_PROMPT
from .judge import Judge, hand_windows
from .metrics import assign_hands, hand_pck
from .truth import judged_hands

if TYPE_CHECKING:
    from ..conditioning.frame import Conditioning


@dataclass(frozen=True)
class Figures:
    """Of one way to paint the wave."""

    difference: float
    """Mean distance of neighbouring frames after the true motion, 0..255"""
    person_difference: float
    """The same of the person's pixels alone"""
    pck: float
    """Hand PCK@0.2 over all judged hands, 0 for those not found"""
    found: float
    """Share of them that the judge finds"""


def bench_steady(
    say: Callable[[str], None], model: str = "", count: int = 24, strip: Path | None = None, **settings: Any
) -> tuple[Figures, Figures]:
    """Paint the sample human's wave with every frame by itself, and steadily, and print how both do.

    Closes the open file.

    Args:
        say: takes the table line by line.
        model: model folder; empty: the embedded model.
        count: how many frames, at least 2.
        strip: picture file that gets frames of both ways, one above the other.
        settings: further ones of the request.

    Returns:
        the figures of frames by themselves, and of steady ones.

    Raises:
        ModelError: where the model or the judge is not there.
        OutputError: where the strip cannot be written.
    """
    from ..animate_runs import run_animate
    from ..runs import SceneChoice
    from ..scene.wave import save_wave

    judge, request = Judge(), GenerationRequest(DEMO_PROMPT, model=model, **settings)
    with tempfile.TemporaryDirectory(prefix="handdiff-") as folder:
        wave = Path(folder) / "wave.blend"
        frames = range(1, max(2, count) + 1)
        save_wave(wave, frames)
        ways = []
        for steady in (False, True):
            out, _ = run_animate(
                wave, Path(folder) / str(steady), request, SceneChoice(), frames, (), _silent, steady=steady
            )
            ways.append([np.asarray(Image.open(path).convert("RGB")) for path in sorted((out / "image").iterdir())])
        seen = look(wave, frames)
    alone, steadily = (measure(judge, pictures, seen) for pictures in ways)
    say(f"{len(frames)} frames of a wave, {seen[0].width} x {seen[0].height}")
    row = "{:<16}{:>20}{:>20}{:>12}{:>12}"
    say(row.format("", "warped difference", "of the person", "hand PCK", "found"))
    for name, found in (("by themselves", alone), ("steady", steadily)):
        say(
            row.format(
                name,
                f"{found.difference:.2f}",
                f"{found.person_difference:.2f}",
                f"{found.pck:.3f}",
                f"{found.found:.2f}",
            )
        )
    say(
        f"Steady pictures have {steadily.difference / alone.difference:.2f} of the difference"
        f" ({steadily.person_difference / alone.person_difference:.2f} of the person's)"
        f" and {steadily.pck - alone.pck:+.3f} of the hand PCK."
    )
    if strip is not None:
        try:
            draw_strip(ways).save(strip)
        except (OSError, ValueError) as error:
            raise OutputError(f"{strip} cannot be written ({error}): name a .png or .jpg file.") from error
    return alone, steadily


def measure(judge: Judge, pictures: Sequence[np.ndarray], seen: Sequence[Conditioning]) -> Figures:
    """The figures of an animation.

    Args:
        judge: of the hands.
        pictures: (H, W, 3) uint8 each, in order.
        seen: the passes of the same frames, each with the motion since the one before.
    """
    whole, person, scores = [], [], []
    for before, picture, now in zip(pictures, pictures[1:], seen[1:]):
        (flow,) = now.earlier.values()
        whole.append(warped_difference(picture, before, flow))
        person.append(warped_difference(picture, before, Flow(flow.source, flow.seen & now.person_mask)))
    for picture, now in zip(pictures, seen):
        hands = judged_hands(now.people[0], now.masks[0].hands)
        there = judge.look(picture, hand_windows(hands)).hands
        matches = assign_hands(hands, [hand.points for hand in there])
        for side, points in hands.items():
            inside = ((points >= 0) & (points < (now.width, now.height))).all(axis=1)
            scores.append(hand_pck(points, there[matches[side]].points if side in matches else None, inside))
    found = float(np.mean([score > 0 for score in scores])) if scores else float("nan")
    return Figures(float(np.mean(whole)), float(np.mean(person)), float(np.mean(scores)), found)


def look(path: Path, frames: Sequence[int]) -> list[Conditioning]:
    """The passes of frames, each with the motion since the one before."""
    from ..runs import open_scene
    from ..scene.motion import Motion
    from ..scene.sequence import render_sequence

    sources = {frame: [before] if before else [] for before, frame in zip([None, *frames], frames)}
    return list(render_sequence(open_scene(path, None), frames, motion=Motion(sources, outlines=True)))


def draw_strip(ways: Sequence[Sequence[np.ndarray]]) -> Image.Image:
    """Frames of each way in a row, evenly chosen."""
    columns, side = 8, 192
    chosen = np.linspace(0, len(ways[0]) - 1, min(columns, len(ways[0]))).round().astype(int)
    sheet = Image.new("RGB", (side * len(chosen), side * len(ways)))
    for y, pictures in enumerate(ways):
        for x, index in enumerate(chosen):
            sheet.paste(Image.fromarray(pictures[index]).resize((side, side)), (side * x, side * y))
    return sheet


def _silent(stage: str, step: int, steps: int) -> None:
    """Tells nobody."""
