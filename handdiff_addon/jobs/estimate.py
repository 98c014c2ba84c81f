# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a generation is and how long it still takes, from the pace of its own steps."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..request import GenerationRequest

_USUAL = 8


@dataclass
class Estimate:
    """Counts the steps of both stages; a step's cost is learnt as they go, or known from an earlier run."""

    steps: dict[str, int]
    """Steps of each stage, in their order"""
    costs: dict[str, float] = field(default_factory=dict)
    """Seconds of one step, as an earlier run of the same kind took"""
    _begun: dict[str, tuple[float, int]] = field(default_factory=dict)
    _done: dict[str, int] = field(default_factory=dict)
    _latest: float = 0.0

    @classmethod
    def of(cls, request: GenerationRequest, costs: dict[str, float] | None = None) -> Estimate:
        """For a request, with the seconds per step that earlier runs took.

        Steps that the request leaves to the model are a guess until the first news.
        """
        stages = {"hands": request.hand_steps or _USUAL} if request.two_stages else {}
        return cls({**stages, "body": request.steps or _USUAL}, dict(costs or {}))

    def take(self, stage: str, step: int, steps: int, now: float) -> None:
        """Note that ``step`` of a stage's ``steps`` are done at ``now``, in seconds of any clock."""
        if stage not in self.steps:
            return
        self.steps[stage] = steps
        if stage not in self._begun:
            # The first stage's beginning is not known, since the model loads before it: counted from its first news.
            self._begun[stage] = (self._latest, 0) if self._done else (now, step)
        began, before = self._begun[stage]
        if step > before and now > began:
            self.costs[stage] = (now - began) / (step - before)
        self._latest, self._done[stage] = now, step

    @property
    def fraction(self) -> float:
        """Part of the whole that is done, 0 to 1."""
        weights = {stage: self.costs.get(stage) or max(self.costs.values(), default=1.0) for stage in self.steps}
        whole = sum(self.steps[stage] * weights[stage] for stage in self.steps)
        done = sum(min(self._done.get(stage, 0), self.steps[stage]) * weights[stage] for stage in self.steps)
        return done / whole if whole else 0.0

    def left(self, now: float) -> float | None:
        """Seconds until the last step, None while no step's cost is known."""
        if not self._done or not self.costs:
            return None
        usual = max(self.costs.values())
        rest = sum(
            max(0, count - self._done.get(stage, 0)) * self.costs.get(stage, usual)
            for stage, count in self.steps.items()
        )
        return max(0.0, rest - (now - self._latest))
