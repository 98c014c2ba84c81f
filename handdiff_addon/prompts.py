# SPDX-License-Identifier: GPL-3.0-or-later
"""Prompts that change over time: lines of text, or names of timeline markers, each from a frame on."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .errors import UsageError

_LINE = re.compile(r"\s*(-?\d+)\s*:\s*(.*)")
_MARKER = re.compile(r"\s*prompt\s*:\s*(.*)", re.IGNORECASE)


def read_prompts(text: str) -> list[tuple[int, str]]:
    """Prompts from lines such as ``24: a person waving``, in the order of their frames.

    Blank lines and lines that begin with ``#`` are skipped; a line without a frame goes on with the prompt above it.

    Raises:
        UsageError: where the first prompt has no frame.
    """
    found: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if match := _LINE.fullmatch(line):
            found.append((int(match[1]), match[2].strip()))
        elif found:
            found[-1] = (found[-1][0], f"{found[-1][1]} {line.strip()}".strip())
        else:
            raise UsageError(f'Line {number} of the prompts names no frame: write it as "1: {line.strip()[:40]}".')
    return sorted(found, key=lambda prompt: prompt[0])


def marker_prompts(markers: Iterable[tuple[int, str]]) -> list[tuple[int, str]]:
    """Prompts from markers, given as (frame, name), that are named such as ``prompt: a person waving``."""
    named = [(frame, match[1].strip()) for frame, name in markers if (match := _MARKER.fullmatch(name))]
    return sorted(named, key=lambda prompt: prompt[0])


def prompt_at(prompts: list[tuple[int, str]], frame: int, otherwise: str = "") -> str:
    """The prompt that holds at a frame: the latest at or before it, or ``otherwise`` before the first."""
    return next((text for start, text in reversed(prompts) if start <= frame), otherwise)
