# SPDX-License-Identifier: GPL-3.0-or-later
"""In which order the frames of a steady animation are painted, and from which earlier ones each of them.

Keyframes come first: the first frame of a take, every so many after it, and its last.  A keyframe takes what it shows
from the first frame of the take, and then from the keyframe before it; a frame between two keyframes from the first
frame, from both keyframes, and last from the frame before it.  So nothing drifts, nothing jumps where one stretch meets
the next, and stretches can be painted side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, pairwise, zip_longest

SPACING = 12
"""Frames from one keyframe to the next"""


@dataclass(frozen=True)
class Step:
    """A frame to paint."""

    frame: int
    sources: tuple[int, ...] = ()
    """Frames that are painted before, those first whose picture counts more"""


def plan(takes: Sequence[Sequence[int]], together: int = 1) -> list[Step]:
    """The frames of an animation in the order in which they are painted; who paints what from what is the same always.

    Args:
        takes: frame numbers from one camera cut to the next.
        together: how many stretches between keyframes go side by side.
    """
    stretches: list[tuple[Step, list[Step]]] = []
    for take in takes:
        first, keys = take[0], [*range(0, len(take) - 1, SPACING), len(take) - 1]
        stretches.append((Step(first), []))
        for left, right in pairwise(keys):
            between = [
                Step(take[index], _distinct(first, take[left], take[right], take[index - 1]))
                for index in range(left + 1, right)
            ]
            stretches.append((Step(take[right], _distinct(first, take[left])), between))
    steps: list[Step] = []
    for start in range(0, len(stretches), together):
        group = stretches[start : start + together]
        steps += [key for key, _ in group]
        in_turn = zip_longest(*(between for _, between in group))
        steps += [step for step in chain.from_iterable(in_turn) if step is not None]
    return steps


def _distinct(*frames: int) -> tuple[int, ...]:
    return tuple(dict.fromkeys(frames))
