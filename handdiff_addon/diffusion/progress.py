# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running generation tells its watcher.  No torch here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Stage = Literal["loading", "hands", "body", "finishing"]


@dataclass(frozen=True)
class Progress:
    """One step done; ``preview`` is a small ``PIL.Image`` of the clean picture as now predicted, where there is one."""

    stage: Stage
    step: int
    steps: int
    preview: Any = None


OnProgress = Callable[[Progress], None]
IsCancelled = Callable[[], bool]
