# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators that work in steps, with the window alive in between."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Generator
from concurrent.futures import Future
from typing import TYPE_CHECKING

import bpy

from ..handdiff_addon.errors import Cancelled, HandDiffError
from ..handdiff_addon.jobs.worker import explain
from . import session
from .base import Refusing

if TYPE_CHECKING:
    from ..handdiff_addon.jobs.batch import Waiting

INTERVAL = 0.05


class Stepping(Refusing):
    """Mix-in: subclasses give ``steps``, whose generator gives what must be waited for.

    Invoked, a step is taken when what it waits for is there, and all else goes on as usual; executed, as by a script,
    all is done at once.
    """

    escape = False
    """Whether Esc ends it"""

    def steps(self, context: bpy.types.Context, *, meanwhile: bool) -> Generator[Waiting, None, None]:
        """The work; ``meanwhile`` says whether Blender's own loop runs between the steps."""
        raise NotImplementedError

    def run(self, context: bpy.types.Context) -> None:
        for waiting in self.steps(context, meanwhile=False):
            concurrent.futures.wait(waiting, return_when=concurrent.futures.FIRST_COMPLETED)

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        if bpy.app.background:
            return self.execute(context)
        self._steps = self.steps(context, meanwhile=True)
        self._waiting: set[Future] = set()
        if ended := self._step():
            return ended
        self._timer = context.window_manager.event_timer_add(INTERVAL, window=context.window)
        context.window_manager.modal_handler_add(self)
        session.redraw()
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Take a step, where there is one to take."""
        if self.escape and event.type == "ESC" and event.value == "PRESS":
            self.cancel(context)
            self.tell("INFO", self.stopped())
            return {"CANCELLED"}
        if event.type != "TIMER" or (self._waiting and not any(future.done() for future in self._waiting)):
            return {"PASS_THROUGH"}
        if ended := self._step():
            self.cancel(context)
            return ended
        session.redraw()
        return {"PASS_THROUGH"}

    def stopped(self) -> str:
        """What to say when it was stopped."""
        raise NotImplementedError

    def cancel(self, context: bpy.types.Context) -> None:
        """Clean up; Blender calls this as well, when it ends the operator."""
        self._steps.close()
        context.window_manager.event_timer_remove(self._timer)
        session.redraw()

    def _step(self) -> set[str]:
        """Take the next step; how the operator ends, nothing where it goes on."""
        try:
            self._waiting = next(self._steps)
        except StopIteration:
            return {"FINISHED"}
        except Cancelled:
            self.tell("INFO", self.stopped())
            return {"CANCELLED"}
        except Exception as error:  # a timer has nobody above it to tell
            self.tell("ERROR", str(error) if isinstance(error, HandDiffError) else explain(error))
            return {"CANCELLED"}
        return set()
