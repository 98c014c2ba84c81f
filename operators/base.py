# SPDX-License-Identifier: GPL-3.0-or-later
"""What every operator here does: say why it is disabled, and turn refusals into one-sentence reports."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Generator
from typing import TYPE_CHECKING, Literal

import bpy

from ..handdiff_addon.errors import Cancelled, HandDiffError
from ..handdiff_addon.jobs.worker import explain
from . import diagnostics
from .translations import translated_report

if TYPE_CHECKING:
    from ..handdiff_addon.jobs.batch import Waiting

INTERVAL = 0.1


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


class Stepwise(Refusing):
    """Mix-in: work in steps, between which the window goes on, or at once where there is none."""

    def steps(self, context: bpy.types.Context) -> Generator[Waiting, None, list[str]]:
        """Yields what must be waited for before the next step, and returns warnings."""
        raise NotImplementedError

    def done(self) -> str:
        """What to tell at the end."""
        raise NotImplementedError

    def stopped(self) -> str:
        """What to tell where the user stopped it."""
        raise NotImplementedError

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        self._steps = self.steps(context)
        self._waiting: Waiting = set()
        try:
            if self._finished():
                return {"FINISHED"}
        except HandDiffError as error:
            self.tell("ERROR", str(error))
            return {"CANCELLED"}
        self._timer = context.window_manager.event_timer_add(INTERVAL, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """One step per tick, where there is one to do; all else goes on as usual."""
        from . import session

        if event.type != "TIMER" or (self._waiting and not any(future.done() for future in self._waiting)):
            return {"PASS_THROUGH"}
        try:
            if self._finished():
                self.cancel(context)
                return {"FINISHED"}
        except Cancelled:
            self.cancel(context)
            self.tell("INFO", self.stopped())
            return {"CANCELLED"}
        except Exception as error:  # a timer has nobody above it to tell
            self.cancel(context)
            self.tell("ERROR", str(error) if isinstance(error, HandDiffError) else explain(error))
            return {"CANCELLED"}
        session.redraw()
        return {"PASS_THROUGH"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Clean up; Blender calls this as well, when it ends the operator."""
        from . import session

        self._steps.close()
        context.window_manager.event_timer_remove(self._timer)
        session.redraw()

    def run(self, context: bpy.types.Context) -> None:
        self._steps = self.steps(context)
        while not self._finished():
            concurrent.futures.wait(self._waiting, return_when=concurrent.futures.FIRST_COMPLETED)

    def _finished(self) -> bool:
        """Take the next step."""
        try:
            self._waiting = next(self._steps)
        except StopIteration as end:
            for warning in end.value:
                self.tell("WARNING", warning)
            self.tell("INFO", self.done())
            return True
        return False
