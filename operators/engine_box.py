# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine in the preferences and in the panel: what there is, what goes on, and what can be done about it."""

from __future__ import annotations

import importlib.util

import bpy

from . import preferences
from .diagnostics import HANDDIFF_OT_copy_diagnostics
from .text import wrapped

if importlib.util.find_spec(f"{__package__}.engine") is not None:
    from . import engine
else:  # the edition without a set-up
    engine = None  # type: ignore[assignment]

SHOWN_LINES = 6


def draw_engine(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """The engine's part of the preferences."""
    box = layout.box()
    box.label(text="Engine", icon="MEMORY")
    if engine is None:
        _draw_found(box, context, bool(preferences.preferences().engine_folder))
    else:
        _draw_own(box, context)
    box.prop(preferences.preferences(), "engine_folder", placeholder="HandDiff's own" if engine else "")
    row = box.row()
    row.alignment = "RIGHT"
    row.operator(HANDDIFF_OT_copy_diagnostics.bl_idname, icon="COPYDOWN")


def _draw_found(layout: bpy.types.UILayout, context: bpy.types.Context, wanted: bool) -> None:
    """Whether there is an engine; ``wanted``: one was named or installed, so that its absence is an error."""
    problem = preferences.engine_problem()
    if not problem:
        wrapped(layout, context, "The engine is there; it loads with the first generation.", icon="CHECKMARK")
    elif wanted:
        wrapped(layout, context, problem, icon="ERROR", alert=True)
    else:
        text = "No engine yet: passes and composites work without, generating needs one."
        wrapped(layout, context, text, icon="INFO")


def _draw_own(box: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """The engine that HandDiff installs."""
    own = engine.state()
    if engine.setup is not None:
        _draw_setup(box, context)
    else:
        if own.kind != "interrupted" or preferences.preferences().engine_folder:
            _draw_found(box, context, bool(preferences.preferences().engine_folder) or own.kind == "ready")
        if own.kind == "interrupted":
            text = f"A set-up for {own.device} was interrupted with {own.fetched} of {own.wanted} packages fetched."
            wrapped(box, context, text, icon="ERROR", alert=True)
        elif own.kind == "ready":
            wrapped(box, context, f"Installed: torch {own.torch} for {own.device}", icon="PACKAGE")
        _draw_buttons(box, own.kind)
        if engine.message:
            symbol = "ERROR" if engine.failed else "INFO"
            wrapped(box, context, engine.message, icon=symbol, alert=engine.failed)
    if engine.setup is not None or engine.failed:
        _draw_log(box)


def draw_missing(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """For the panel: how to come to an engine, where there is none that works; else nothing."""
    problem = preferences.engine_problem()
    if engine is not None and engine.setup is not None:
        _draw_setup(layout, context)
    elif problem and engine and not preferences.preferences().engine_folder and engine.state().kind != "ready":
        wrapped(layout, context, "Generating needs an engine: PyTorch and Diffusers. All else works without.", "INFO")
        text = "Resume Engine Set-Up" if engine.state().kind == "interrupted" else "Set Up Engine"
        layout.operator(engine.HANDDIFF_OT_install_engine.bl_idname, text=text, icon="IMPORT")
    elif problem:
        wrapped(layout, context, problem, icon="ERROR", alert=True)
        row = layout.row()
        row.operator("preferences.addon_show", text="Preferences", icon="PREFERENCES").module = preferences.ROOT_PACKAGE


def _draw_setup(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    assert engine.setup is not None
    row = layout.row(align=True)
    row.scale_y = 1.3
    row.progress(factor=engine.setup.fraction, text=engine.setup.text)
    row.operator(engine.HANDDIFF_OT_stop_engine.bl_idname, text="", icon="X")


def _draw_buttons(layout: bpy.types.UILayout, kind: str) -> None:
    texts = {"none": "Set Up Engine", "interrupted": "Resume", "ready": "Repair"}
    row = layout.row(align=True)
    icon = "FILE_REFRESH" if kind == "ready" else "IMPORT"
    row.operator(engine.HANDDIFF_OT_install_engine.bl_idname, text=texts[kind], icon=icon)
    if kind != "none":
        text = "Discard" if kind == "interrupted" else "Remove"
        row.operator(engine.HANDDIFF_OT_remove_engine.bl_idname, text=text, icon="TRASH")


def _draw_log(layout: bpy.types.UILayout) -> None:
    lines = list(engine.lines())[-SHOWN_LINES:]
    if not lines:
        return
    box = layout.box()
    row = box.row()
    row.label(text="What pip says")
    row.operator(engine.HANDDIFF_OT_copy_engine_log.bl_idname, text="", icon="COPYDOWN", emboss=False)
    column = box.column(align=True)
    column.scale_y = 0.75
    for line in lines:
        column.label(text=line, translate=False)
