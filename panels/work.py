# SPDX-License-Identifier: GPL-3.0-or-later
"""Generate, Result and History, in the sidebars of the 3D view and of the image editor."""

from __future__ import annotations

import time

import bpy

from ..handdiff_addon.jobs.history import Entry
from ..handdiff_addon.presets import differences
from ..operators import history, live, people, scene_request, session
from ..operators.engine_box import draw_missing
from ..operators.generate import (
    RESPONSIBLE_USE,
    HANDDIFF_OT_cancel,
    HANDDIFF_OT_generate,
    HANDDIFF_OT_responsible_use,
)
from ..operators.history import (
    PAGE,
    HANDDIFF_OT_choose_picture,
    HANDDIFF_OT_compare_with,
    HANDDIFF_OT_delete_picture,
    HANDDIFF_OT_open_comparison,
    HANDDIFF_OT_restore_from_file,
    HANDDIFF_OT_restore_settings,
    HANDDIFF_OT_same_new_seed,
    HANDDIFF_OT_turn_page,
)
from ..operators.preferences import engine_problem, preferences
from ..operators.results import HANDDIFF_OT_open_folder, HANDDIFF_OT_open_image, shown_picture
from ..operators.text import wrapped
from ..operators.translations import translated
from .sidebar import HandDiffPanel
from .thumbnails import icon


class ImageEditorPanel:
    bl_space_type = "IMAGE_EDITOR"
    bl_region_type = "UI"
    bl_category = "HandDiff"


class _Generate:
    bl_label = "Generate"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout  # type: ignore[attr-defined]
        going = next((run for run in session.runs if run.stage != "waiting"), None)
        if going is not None and (icons := live.icons()):
            row = layout.row(align=True)
            for number in icons:
                row.template_icon(number, scale=_scale(context) / len(icons))
        for run in session.runs:
            _draw_run(layout, run)
        row = layout.row()
        row.scale_y = 1.5
        text = "Queue Another" if session.runs else "Generate"
        row.operator(HANDDIFF_OT_generate.bl_idname, text=text, icon="RENDER_STILL")
        if len(session.runs) > 1:
            layout.operator(HANDDIFF_OT_cancel.bl_idname, text="Cancel All", icon="X")
        draw_missing(layout, context)
        problem = engine_problem() or people.scene_problem(context)
        if not problem and (problem := HANDDIFF_OT_generate.problem(context)):
            wrapped(layout, context, problem, icon="INFO")
        if session.message:
            wrapped(layout, context, session.message, icon="ERROR" if session.failed else "INFO", alert=session.failed)
        if not preferences().responsible_use_read:
            wrapped(layout, context, RESPONSIBLE_USE, icon="INFO")
            layout.operator(HANDDIFF_OT_responsible_use.bl_idname, text="More, and Do Not Show Again")


def _draw_run(layout: bpy.types.UILayout, run: session.Run) -> None:
    row = layout.row(align=True)
    if run.stage == "waiting":
        row.label(text=translated(f"Waiting: {run.request.prompt}"), icon="SORTTIME")
    else:
        row.scale_y = 1.3
        row.progress(factor=run.fraction, text=run.text)
    row.operator(HANDDIFF_OT_cancel.bl_idname, text="", icon="X").run_number = run.number


class _Result:
    bl_label = "Result"

    def draw(self, context: bpy.types.Context) -> None:
        shown = context.scene.handdiff
        layout = self.layout  # type: ignore[attr-defined]
        picture, entry = shown_picture(shown.picture), history.current()
        if picture or entry:
            layout.row().prop(shown, "picture", expand=True)
            if picture:
                layout.template_icon(icon(picture), scale=_scale(context))
            else:
                layout.label(text="This run has no such picture", icon="INFO")
        if entry is not None:
            for warning in entry.warnings:
                wrapped(layout, context, warning, icon="ERROR")
        row = layout.row(align=True)
        row.operator(HANDDIFF_OT_open_image.bl_idname, icon="IMAGE_DATA")
        row.operator(HANDDIFF_OT_open_folder.bl_idname, icon="FILE_FOLDER")


class _History:
    bl_label = "History"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout  # type: ignore[attr-defined]
        state = context.window_manager.handdiff_history
        if not history.entries():
            layout.label(text="No picture of this file yet", icon="INFO")
            layout.operator(HANDDIFF_OT_restore_from_file.bl_idname, text="Settings from Picture...", icon="FILE_IMAGE")
            return
        layout.prop(state, "filter", text="", icon="VIEWZOOM", placeholder="Prompt, seed or model")
        found = history.shown(context)
        _draw_grid(layout, context, found[state.page * PAGE : (state.page + 1) * PAGE])
        if not found:
            layout.label(text="No picture has all of these words", icon="INFO")
        elif len(found) > PAGE:
            pages = -(-len(found) // PAGE)
            row = layout.row(align=True)
            newer, middle, older = row.row(), row.row(), row.row()
            newer.enabled, older.enabled = state.page > 0, state.page < pages - 1
            newer.operator(HANDDIFF_OT_turn_page.bl_idname, text="", icon="TRIA_LEFT").by = -1
            middle.alignment = "CENTER"
            middle.label(text=translated(f"{state.page + 1} of {pages}"))
            older.operator(HANDDIFF_OT_turn_page.bl_idname, text="", icon="TRIA_RIGHT").by = 1
        entry = history.current()
        if entry is not None:
            _draw_entry(layout, context, entry)
        compared = history.named(state.compared)
        if compared is not None and entry is not None:
            _draw_comparison(layout, context, compared, entry)
        layout.operator(HANDDIFF_OT_restore_from_file.bl_idname, text="Settings from Picture...", icon="FILE_IMAGE")


def _draw_grid(layout: bpy.types.UILayout, context: bpy.types.Context, found: list[Entry]) -> None:
    grid = layout.grid_flow(row_major=True, columns=3, even_columns=True, even_rows=True, align=False)
    in_hand = history.current()
    for entry in found:
        cell = grid.column(align=True)
        cell.template_icon(icon(entry.image), scale=_scale(context) / 3.2)
        button = cell.operator(
            HANDDIFF_OT_choose_picture.bl_idname,
            text=translated(f"Seed {entry.request.seed}"),
            depress=entry == in_hand,
        )
        button.folder = str(entry.folder)


def _draw_entry(layout: bpy.types.UILayout, context: bpy.types.Context, entry: Entry) -> None:
    box = layout.box()
    made = time.strftime("%d %b %Y, %H:%M", time.localtime(entry.made))
    wrapped(box, context, entry.request.prompt or "No prompt", icon="GREASEPENCIL")
    box.label(text=translated(f"{made}, seed {entry.request.seed}"), icon="TIME")
    column = box.column(align=True)
    for operator, symbol in (
        (HANDDIFF_OT_restore_settings, "LOOP_BACK"),
        (HANDDIFF_OT_same_new_seed, "FILE_REFRESH"),
    ):
        column.operator(operator.bl_idname, icon=symbol).folder = str(entry.folder)
    row = column.row(align=True)
    comparing = context.window_manager.handdiff_history.compared == str(entry.folder)
    for operator, symbol, text, pressed in (
        (HANDDIFF_OT_compare_with, "IMAGE_REFERENCE", "Compare", comparing),
        (HANDDIFF_OT_delete_picture, "TRASH", "Delete", False),
    ):
        row.operator(operator.bl_idname, icon=symbol, text=text, depress=pressed).folder = str(entry.folder)


def _draw_comparison(layout: bpy.types.UILayout, context: bpy.types.Context, one: Entry, other: Entry) -> None:
    box = layout.box()
    if one == other:
        wrapped(box, context, "Choose another picture to compare this one with", icon="INFO")
        return
    row = box.row(align=True)
    for entry in (one, other):
        cell = row.column()
        cell.template_icon(icon(entry.image), scale=_scale(context) / 2.1)
        cell.label(text=translated(f"Seed {entry.request.seed}"))
    for name, ours, theirs in differences(one.request, other.request):
        wrapped(box, context, f"{scene_request.label(name)}: {ours} | {theirs}")
    if one.request == other.request:
        box.label(text="The same settings", icon="INFO")
    box.operator(HANDDIFF_OT_open_comparison.bl_idname, icon="IMAGE_DATA")


def _scale(context: bpy.types.Context) -> float:
    """Scale at which an icon fills the sidebar."""
    return max(6.0, context.region.width / context.preferences.system.ui_scale / 24)


class HANDDIFF_PT_generate(_Generate, HandDiffPanel, bpy.types.Panel):
    bl_idname = "HANDDIFF_PT_generate"


class HANDDIFF_PT_result(_Result, HandDiffPanel, bpy.types.Panel):
    bl_idname = "HANDDIFF_PT_result"


class HANDDIFF_PT_history(_History, HandDiffPanel, bpy.types.Panel):
    bl_idname = "HANDDIFF_PT_history"


class HANDDIFF_PT_image_generate(_Generate, ImageEditorPanel, bpy.types.Panel):
    bl_idname = "HANDDIFF_PT_image_generate"


class HANDDIFF_PT_image_history(_History, ImageEditorPanel, bpy.types.Panel):
    bl_idname = "HANDDIFF_PT_image_history"


CLASSES = (
    HANDDIFF_PT_generate,
    HANDDIFF_PT_result,
    HANDDIFF_PT_history,
    HANDDIFF_PT_image_generate,
    HANDDIFF_PT_image_history,
)

register, unregister = bpy.utils.register_classes_factory(CLASSES)
