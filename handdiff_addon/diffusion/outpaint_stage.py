# SPDX-License-Identifier: GPL-3.0-or-later
"""Stage 2: what is given to paint the body around, and which of it is kept while the kept region shrinks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..conditioning.crops import resize
from ..conditioning.hint import outpaint_hint
from ..request import GenerationRequest
from .expansion import kept_regions
from .frame import Frame, cells
from .hand_stage import Hands, inside_crops, lay
from .painter import Given
from .text import PROMPT


def given_canvas(
    request: GenerationRequest, frame: Frame, hands: Hands | None, cell: int, rows: Sequence[int] = ()
) -> Given:
    """The canvas with the hands in place, and what of it each denoising step keeps.

    Args:
        request: with the settings of the expansion.
        frame: at the painted size.
        hands: of stage 1.
        cell: side of a latent cell in pixels.
        rows: each person's row of the text, where some have one of their own.
    """
    picture, mask = lay(hands, frame)
    if request.strength < 1.0 and frame.picture is not None:
        # What is begun with stays seen: of the crops it shows the hands and their rim, and no squares of backdrop.
        near = kept_regions(mask, cell, request.expansion, [0.0])[0]
        shown = np.zeros_like(mask) if near is None else np.kron(near, np.ones((cell, cell), bool))
        picture = np.where(shown[..., None], picture, frame.base)
    inside = cells(inside_crops(hands, frame), cell).all((1, 3)) if hands is not None else None
    whole = [part for part in (frame.around, None if frame.held is None else frame.held.mask) if part is not None]
    fixed = np.logical_or.reduce([cells(part, cell).all((1, 3)) for part in whole]) if whole else None

    def kept(progress: Sequence[float]) -> list[np.ndarray | None]:
        """The hands by the expansion, what is held, and all around a person painted alone."""
        regions = kept_regions(mask, cell, request.expansion, progress)
        if inside is not None:
            regions = [None if region is None else region & inside for region in regions]
        if fixed is not None:
            regions = [fixed if region is None else region | fixed for region in regions]
        return regions

    known = np.logical_or.reduce([mask, *whole])
    return Given(picture, mask, known, kept, person_regions(frame, cell, rows))


def enlarged(picture: np.ndarray, given: Given, frame: Frame, cell: int, rows: Sequence[int] = ()) -> Given:
    """A finished picture at the size of a larger frame, to be painted over once more: the hands are kept throughout,
    and so is what is held, at the size that it has."""
    hands = resize(given.hands, frame.width, frame.height)
    known, core = hands, cells(hands, cell).all((1, 3))
    if frame.held is not None:
        picture = np.where((frame.held.mask & ~hands)[..., None], frame.held.picture, picture)
        known, core = hands | frame.held.mask, core | cells(frame.held.mask, cell).all((1, 3))
    return Given(picture, hands, known, lambda progress: [core] * len(progress), person_regions(frame, cell, rows))


def outpaint_hint_of(frame: Frame, given: Given, places: np.ndarray | None) -> np.ndarray:
    """What HandDiff's own ControlNets see of a frame, its :meth:`~.frame.Frame.places` and what is given: (C, H, W)
    float32 in 0..1."""
    normals = None if frame.normals is None else resize(frame.normals, frame.width, frame.height)
    return outpaint_hint(frame.skeleton, frame.person_mask, normals, given.picture, given.hands, places)


def person_regions(frame: Frame, cell: int, rows: Sequence[int]) -> list[tuple[int, np.ndarray]]:
    """Where each person's own row of the text counts: the cells where most of their pixels are seen."""
    return [(row, cells(body, cell).mean((1, 3)) >= 0.5) for row, body in zip(rows, frame.bodies) if row != PROMPT]
