# SPDX-License-Identifier: GPL-3.0-or-later
"""How far painted pictures are from the renders as sets: of whole pictures, and of hand crops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..conditioning.crops import cut
from .features import NETWORKS, Features
from .judge import hand_windows
from .statistics import kernel_distance
from .truth import Truth, read_picture

if TYPE_CHECKING:
    from .evaluate import Run

_ROOM = 1.5
"""Side of a hand's crop in units of its box"""
_CROP = 224


def distances_from_renders(
    run: Run, drawn: Mapping[str, Sequence[str]], truths: Mapping[str, Truth]
) -> dict[str, dict[str, tuple[float, float]]]:
    """Kernel distance of each method's pictures, and of its hand crops, from the renders of the same entries.

    Args:
        run: with its pictures drawn.
        drawn: method to entries.
        truths: of all entries.

    Returns:
        method -> ``pictures`` and ``hands`` -> mean and standard deviation.
    """
    result: dict[str, dict[str, tuple[float, float]]] = {method: {} for method in drawn}
    for kind in NETWORKS:
        with Features(kind) as features:

            def read(kind: str, picture: np.ndarray, truth: Truth, features: Features = features) -> np.ndarray:
                return features.read([picture] if kind == "pictures" else _hand_crops(picture, truth))

            renders = {i: read(kind, truth.picture, truth) for i, truth in truths.items()}
            for method, ids in drawn.items():
                files = [run.picture(method, run.benchmark.ids[i]) for i in ids]
                mine = [read(kind, read_picture(file, size=run.size), truths[i]) for i, file in zip(ids, files)]
                result[method][kind] = kernel_distance(np.concatenate(mine), np.concatenate([renders[i] for i in ids]))
    return result


def _hand_crops(picture: np.ndarray, truth: Truth) -> list[np.ndarray]:
    return [cut(picture, box, _CROP) for box in hand_windows(truth.hands, _ROOM).values()]
