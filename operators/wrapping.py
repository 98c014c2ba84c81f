# SPDX-License-Identifier: GPL-3.0-or-later
"""Breaking sentences into lines, in scripts with spaces between words and in Japanese, which has none."""

from __future__ import annotations

import re
from collections.abc import Callable

_WIDE = "\u3000-\u30ff\u3400-\u9fff\uff00-\uff60"
_UNITS = re.compile(rf"\s+|[{_WIDE}]|[^\s{_WIDE}]+")
_NOT_FIRST = frozenset("、。，．・：；！？）」』】〉》ーぁぃぅぇぉっゃゅょァィゥェォッャュョ々")
_NOT_LAST = frozenset("（「『【〈《")


def wrap(text: str, fits: Callable[[str], bool]) -> list[str]:
    """Break a text into lines that fit; a word that is too long alone gets a line of its own.

    Between Japanese letters a line may end anywhere but before punctuation and small kana, and after an opening
    bracket.
    """
    lines, line = [], ""
    for unit in _units(text):
        if line and not fits((line + unit).rstrip()):
            lines.append(line.rstrip())
            line = unit.lstrip()
        else:
            line += unit
    return [*lines, line.rstrip()] if line.strip() or not lines else lines


def _units(text: str) -> list[str]:
    """What may not be broken, in order."""
    units: list[str] = []
    for unit in _UNITS.findall(text.strip()):
        together = units and not units[-1].isspace() and (unit in _NOT_FIRST or units[-1][-1] in _NOT_LAST)
        if together and not unit.isspace():
            units[-1] += unit
        else:
            units.append(unit)
    return units
