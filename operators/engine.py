# SPDX-License-Identifier: GPL-3.0-or-later
"""Set the engine up: install, go on, repair and remove, on a thread of its own, and what the window shows of it."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import bpy
from bpy.props import EnumProperty, StringProperty

from ..handdiff_addon.errors import HandDiffError, ModelError, UsageError
from ..handdiff_addon.jobs.worker import Job, Worker
from ..handdiff_addon.models import devices, engine_state, installer, pip_process
from ..handdiff_addon.models.engine import PYTHON, leave_path, loaded_from
from . import diagnostics, preferences
from .base import Refusing
from .text import DIALOG, named_row, wrapped
from .translations import translated

INTERVAL = 0.25
_OFFLINE = "install from a folder of wheels"
LOG_LINES = 200


@dataclass
class Setup:
    """The installation that goes on, as the main thread knows it."""

    job: Job
    build: devices.Build
    progress: pip_process.Progress
    log: deque[str] = field(default_factory=lambda: deque(maxlen=LOG_LINES))

    @property
    def text(self) -> str:
        """What it does right now."""
        progress = self.progress
        if self.job.cancelled():
            return translated("Stopping")
        if progress.stage == "fetching":
            text = f"Fetching {progress.package} ({progress.number} of {progress.count}), {progress.megabytes:.0f} MB"
            return translated(text)
        stages = {"resolving": "Looking up packages", "unpacking": "Unpacking", "trying": "Trying it out"}
        return translated(stages[progress.stage])

    @property
    def fraction(self) -> float:
        """How much of the work is done, by the size that is expected, 0 to 1."""
        if self.progress.stage == "fetching":
            return 0.03 + 0.77 * min(1.0, self.progress.megabytes / (1000 * self.build.download))
        return {"resolving": 0.01, "unpacking": 0.82, "trying": 0.95}[self.progress.stage]


_worker = Worker()
setup: Setup | None = None
message, failed = "", False
log: deque[str] = deque(maxlen=LOG_LINES)
"""What pip said last time"""


@cache
def device() -> devices.Device:
    """What this machine has to compute with; asks the drivers once."""
    return devices.find_device()


_known: tuple[float, engine_state.State] = (0.0, engine_state.State("none"))


def state() -> engine_state.State:
    """What lies in the engine's own folder.  Panels ask at every redraw, so an answer is kept for two seconds."""
    global _known
    if time.monotonic() > _known[0]:
        _known = (time.monotonic() + 2.0, engine_state.state(preferences.own_engine()))
    return _known[1]


def forget() -> None:
    """Look at the folder anew."""
    global _known
    _known = (0.0, _known[1])
    preferences.forget_engine()


def in_use() -> str:
    """Why the engine's files cannot be replaced now, or nothing."""
    if setup is not None:
        return "The engine is being installed: wait for it, or stop it."
    if loaded_from(str(preferences.own_engine())):
        return "The engine is in use: restart Blender, and do this before you generate."
    return ""


def start(build: devices.Build, wheels: str) -> None:
    """Install on the worker's thread and watch it."""
    global setup, message, failed
    folder = preferences.own_engine()
    message, failed = "", False

    def work(job: Job) -> engine_state.State:
        return installer.install(folder, build, wheels=wheels, report=job.report, cancelled=job.cancelled)

    setup = Setup(_worker.submit("The set-up", work), build, pip_process.Progress("resolving"))
    if bpy.app.background:
        while setup is not None:
            _drain()
            time.sleep(0.05)
        if failed:
            raise HandDiffError(message)
    elif not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=INTERVAL, persistent=True)


def _drain() -> None:
    global setup, message, failed, log
    for event in _worker.drain():
        if setup is None or event.job is not setup.job:
            continue
        if event.kind == "progress":
            setup.progress = event.progress
            if event.progress.line and (not setup.log or setup.log[-1] != event.progress.line):
                setup.log.append(event.progress.line)
        elif event.kind in ("done", "failed", "cancelled"):
            message = event.message or "The engine is installed: it loads with the first generation."
            failed, log = event.kind == "failed", setup.log
            if failed:
                diagnostics.note(message)
            setup = None
            forget()


def _tick() -> float | None:
    _drain()
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in ("PREFERENCES", "VIEW_3D"):
                area.tag_redraw()
    return INTERVAL if setup is not None else None


def _builds(_self: object, _context: object) -> list[tuple[str, str, str]]:
    return _BUILDS


_BUILDS = [
    (
        build.name,
        build.label,
        f"About {build.download:.1f} GB to fetch, {build.installed:.1f} GB on the disk".replace(".0 ", " "),
    )
    for build in devices.builds()
]
"""Blender does not keep the strings of a list that a callback makes, so this one is made once."""


class HANDDIFF_OT_install_engine(Refusing, bpy.types.Operator):
    """Install torch and diffusers, which generating needs, into HandDiff's own user folder; asks first"""

    bl_idname = "handdiff.install_engine"
    bl_label = "Set Up Engine"

    build: EnumProperty(  # type: ignore[valid-type]
        name="Device", items=_builds, description="What the engine is to compute with"
    )
    wheels: StringProperty(  # type: ignore[valid-type]
        name="From Folder",
        subtype="DIR_PATH",
        options={"SKIP_SAVE"},
        description="Folder of wheels to install from without the network. Empty: fetch them",
    )

    @classmethod
    def problem(cls, context: bpy.types.Context) -> str:
        if not _BUILDS:
            return device().note
        return in_use()

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        found, before = device().build, state()
        if found is not None:
            self.build = found.name
        if before.build in {name for name, *_ in _BUILDS}:  # resumed or repaired as it was begun
            self.build, self.wheels = before.build, before.wheels
        return context.window_manager.invoke_props_dialog(
            self, width=DIALOG, title=translated("Set Up Engine"), confirm_text=translated("Install")
        )

    def draw(self, context: bpy.types.Context) -> None:
        layout, build = self.layout, self._build()
        wrapped(
            layout,
            context,
            "Generating needs PyTorch and Diffusers. They are fetched from the Python Package Index and from PyTorch's "
            "own, and run on this machine; nothing of your scenes is sent.",
            width=DIALOG,
        )
        box = layout.box().column()
        box.use_property_split = True
        box.use_property_decorate = False
        box.prop(self, "build")
        found = device()
        named_row(box, "Found", found.label)
        named_row(box, "Size", f"About {build.download:.1f} GB to fetch, {build.installed:.1f} GB on the disk")
        named_row(
            box, "Packages", f"torch {devices.TORCH}, " + ", ".join(r.replace("==", " ") for r in installer.FRIENDS[:2])
        )
        named_row(box, "Python", f"{PYTHON}, Blender's own")
        box.prop(self, "wheels")
        if found.note:
            wrapped(layout, context, found.note, icon="INFO", width=DIALOG)
        wrapped(layout, context, f"Goes into {preferences.own_engine()}", icon="FILE_FOLDER", width=DIALOG)
        if not self.wheels and (problem := preferences.offline(_OFFLINE)):
            wrapped(layout, context, problem, icon="ERROR", alert=True, width=DIALOG)
        if not self.wheels and not bpy.app.online_access_override:
            layout.prop(context.preferences.system, "use_online_access")

    def run(self, context: bpy.types.Context) -> None:
        wheels = preferences.folder_of(self.wheels)
        if wheels and not Path(wheels).is_dir():
            raise UsageError(f"The folder of wheels {wheels} does not exist: choose another, or leave it empty.")
        if not wheels and (problem := preferences.offline(_OFFLINE)):
            raise ModelError(problem)
        start(self._build(), wheels)

    def _build(self) -> devices.Build:
        return next(build for build in devices.builds() if build.name == self.build)


class HANDDIFF_OT_stop_engine(Refusing, bpy.types.Operator):
    """Stop the set-up; what was fetched is kept, and it can go on later"""

    bl_idname = "handdiff.stop_engine_setup"
    bl_label = "Stop Set-Up"

    @classmethod
    def problem(cls, context: bpy.types.Context) -> str:
        return "" if setup is not None else "No engine is being installed."

    def run(self, context: bpy.types.Context) -> None:
        assert setup is not None
        setup.job.cancel()


class HANDDIFF_OT_remove_engine(Refusing, bpy.types.Operator):
    """Delete the engine that HandDiff installed, and what an interrupted set-up left; models and pictures stay"""

    bl_idname = "handdiff.remove_engine"
    bl_label = "Remove Engine"

    @classmethod
    def problem(cls, context: bpy.types.Context) -> str:
        return in_use() or ("" if state().kind != "none" else "There is no engine that HandDiff installed.")

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return context.window_manager.invoke_confirm(self, event)

    def run(self, context: bpy.types.Context) -> None:
        global message, failed
        interrupted = state().kind == "interrupted"
        folder = preferences.own_engine()
        if interrupted:
            engine_state.remove_interrupted(folder)
        else:
            engine_state.remove(folder)
        message, failed = "", False
        forget()


class HANDDIFF_OT_copy_engine_log(Refusing, bpy.types.Operator):
    """Copy what pip said to the clipboard"""

    bl_idname = "handdiff.copy_engine_log"
    bl_label = "Copy Log"

    @classmethod
    def problem(cls, context: bpy.types.Context) -> str:
        return "" if lines() else "Nothing was installed in this session."

    def run(self, context: bpy.types.Context) -> None:
        context.window_manager.clipboard = "\n".join(lines())


def lines() -> deque[str]:
    """What pip said, of this set-up or the last."""
    return setup.log if setup is not None else log


CLASSES = (
    HANDDIFF_OT_install_engine,
    HANDDIFF_OT_stop_engine,
    HANDDIFF_OT_remove_engine,
    HANDDIFF_OT_copy_engine_log,
)


def register() -> None:
    global _worker
    _worker = Worker()
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    global setup, message, log
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    _worker.shutdown()
    setup, message, log = None, "", deque(maxlen=LOG_LINES)
    forget()
    leave_path()
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
