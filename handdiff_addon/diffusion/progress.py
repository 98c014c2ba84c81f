# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running generation tells its watcher, and how that one stops it.  No torch here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from ..errors import Cancelled

Stage = Literal["loading", "hands", "body", "upscaling", "finishing"]


@dataclass(frozen=True)
class Progress:
    """One step done; ``preview`` is a small ``PIL.Image`` of the clean picture as now predicted, where there is one."""

    stage: Stage
    step: int
    steps: int
    preview: Any = None


OnProgress = Callable[[Progress], None]
IsCancelled = Callable[[], bool]


@dataclass(frozen=True)
class Watch:
    """Who watches a generation: told of each step, and asked before each evaluation whether to go on."""

    progress: OnProgress | None = None
    cancelled: IsCancelled | None = None

    def tell(self, stage: Stage, step: int, steps: int, preview: Callable[[], Any] = lambda: None) -> None:
        """Tell of a step; the preview is only made where somebody looks."""
        if self.progress is not None:
            self.progress(Progress(stage, step, steps, preview()))

    def check(self) -> None:
        """Raises :class:`Cancelled` where the watcher says so."""
        if self.cancelled is not None and self.cancelled():
            raise Cancelled("The generation was cancelled; nothing was written.")
