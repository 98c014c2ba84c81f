# SPDX-License-Identifier: GPL-3.0-or-later
"""What every operator here does: say why it is disabled, and turn refusals into one-sentence reports."""

from __future__ import annotations

from typing import Literal

import bpy

from ..handdiff_addon.errors import HandDiffError
from . import diagnostics
from .translations import translated_report


class Refusing:
    """Mix-in: subclasses give ``problem`` (why it cannot run now, or nothing) and ``run``."""

    @classmethod
    def problem(cls, context: bpy.types.Context) -> str:
        return ""

    def run(self, context: bpy.types.Context) -> None:
        raise NotImplementedError

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        problem = cls.problem(context)
        if problem:
            cls.poll_message_set(translated_report(problem).rstrip(".。"))  # Blender adds the full stop
        return not problem

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            self.run(context)
        except HandDiffError as error:
            self.tell("ERROR", str(error))
            return {"CANCELLED"}
        return {"FINISHED"}

    def tell(self, kind: Literal["INFO", "WARNING", "ERROR"], text: str) -> None:
        """Report in the interface's language."""
        if kind == "ERROR":
            diagnostics.note(text)
        self.report({kind}, translated_report(text))  # type: ignore[attr-defined]
