# SPDX-License-Identifier: GPL-3.0-or-later
"""What a report of a fault needs, for the clipboard: versions, device, settings, the last errors; nobody's name."""

from __future__ import annotations

import logging
import platform
import time
from collections import deque
from typing import Any

import bpy

from ..handdiff_addon import __version__
from ..handdiff_addon.diagnostics import anonymous, diagnostics
from ..handdiff_addon.models.engine import loaded_from, site_packages, versions

KEPT = 5

_errors: deque[str] = deque(maxlen=KEPT)


def note(text: str) -> None:
    """Remember an error that a user was told."""
    entry = f"{time.strftime('%H:%M:%S')} {text}"
    if entry not in _errors:
        _errors.append(entry)


class _Traces(logging.Handler):
    """Keeps what the library logs of its own faults, tracebacks included."""

    def emit(self, record: logging.LogRecord) -> None:
        _errors.append(f"{time.strftime('%H:%M:%S')} {self.format(record)}")
        if logging.lastResort is not None and not logging.getLogger().handlers:
            logging.lastResort.handle(record)  # as without this handler


_traces = _Traces(level=logging.WARNING)


def text(context: bpy.types.Context) -> str:
    """The diagnostics of this session."""
    from . import preferences, session
    from .engine_box import engine

    prefs = preferences.preferences()
    folder = preferences.engine_folder()
    problem = preferences.engine_problem()
    versions_text = {
        "HandDiff": __version__,
        "Blender": f"{bpy.app.version_string} ({bpy.app.build_hash.decode(errors='replace')})",
        "Python": platform.python_version(),
        "System": f"{platform.system()} {platform.release()} {platform.machine()}",
        **_packages(folder),
    }
    if session.failed and session.message:
        note(session.message)
    return diagnostics(
        {
            "Versions": versions_text,
            "Device": {
                "Found": engine.device().label if engine else "-",
                "Installed for": (engine.state().device if engine else "") or "-",
                "Chosen": f"{prefs.device}, {prefs.dtype}{', compiled' if prefs.compile else ''}",
                "Drawing": _drawing(),
                "torch": _torch_device(),
            },
            "Engine": {
                "Kind": "named folder" if prefs.engine_folder else engine.state().kind if engine else "none",
                "Loaded": str(loaded_from(folder)) if folder else "-",
                "Problem": problem or "none",
                "Online access": str(bpy.app.online_access),
            },
            "Settings": _settings(context.scene.handdiff),
            "Last errors": {str(number): error for number, error in enumerate(_errors, 1)} or {"-": "none"},
        }
    )


def _packages(folder: str) -> dict[str, str]:
    import numpy

    found = {"numpy": numpy.__version__}
    try:
        return {**found, **versions(site_packages(folder))} if folder else found
    except Exception as error:  # diagnostics of a broken installation must not break
        return {**found, "engine": f"unreadable ({type(error).__name__})"}


def _drawing() -> str:
    """The graphics card that draws Blender's window."""
    if bpy.app.background:
        return "no window"
    import gpu

    return f"{gpu.platform.renderer_get()}, {gpu.platform.backend_type_get()} {gpu.platform.version_get()}"


def _torch_device() -> str:
    """What torch sees, where it is loaded already."""
    import sys

    torch: Any = sys.modules.get("torch")
    if torch is None:
        return "not loaded"
    try:
        if torch.cuda.is_available():
            free, total = torch.cuda.mem_get_info()
            return f"{torch.cuda.get_device_name()}, {free / 1e9:.1f} of {total / 1e9:.1f} GB free"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    except Exception as error:
        return f"fails ({anonymous(str(error))})"


PRIVATE = frozenset({"rna_type", "name", "prompt", "negative_prompt"})
"""What somebody wants painted is nobody else's business."""


def _settings(settings: bpy.types.PropertyGroup) -> dict[str, str]:
    """The settings that differ from their defaults; which objects they name is left out."""
    shown = {}
    for prop in settings.bl_rna.properties:
        if prop.identifier in PRIVATE or not settings.is_property_set(prop.identifier):
            continue
        value = getattr(settings, prop.identifier)
        if prop.type == "POINTER" or prop.subtype in ("DIR_PATH", "FILE_PATH"):
            value = "set" if value else "none"
        elif prop.type == "FLOAT":
            value = f"{value:.4g}"
        elif isinstance(value, set):
            value = ", ".join(sorted(value))
        shown[prop.identifier] = str(value)
    return shown or {"-": "all as they come"}


class HANDDIFF_OT_copy_diagnostics(bpy.types.Operator):
    """Copy versions, device, settings and the last errors for a report; user names, paths and prompts are left out"""

    bl_idname = "handdiff.copy_diagnostics"
    bl_label = "Copy Diagnostics"

    def execute(self, context: bpy.types.Context) -> set[str]:
        from .translations import translated_report

        context.window_manager.clipboard = text(context)
        self.report({"INFO"}, translated_report("The diagnostics are on the clipboard"))
        return {"FINISHED"}


def register() -> None:
    bpy.utils.register_class(HANDDIFF_OT_copy_diagnostics)
    logging.getLogger("handdiff").addHandler(_traces)


def unregister() -> None:
    logging.getLogger("handdiff").removeHandler(_traces)
    _errors.clear()
    bpy.utils.unregister_class(HANDDIFF_OT_copy_diagnostics)
