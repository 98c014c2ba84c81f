# SPDX-License-Identifier: GPL-3.0-or-later
"""What every operator here does: say why it is disabled, and turn refusals into one-sentence reports."""

from __future__ import annotations

import bpy

from ..handdiff_addon.errors import HandDiffError


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
            cls.poll_message_set(problem.removesuffix("."))  # Blender adds the full stop
        return not problem

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            self.run(context)
        except HandDiffError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}
