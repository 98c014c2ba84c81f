# SPDX-License-Identifier: GPL-3.0-or-later
"""The models in the preferences: what lies in the user's folders and in the Hugging Face cache."""

from __future__ import annotations

import bpy

from ..handdiff_addon.models.discovery import Found, human_size
from . import models
from .preferences import preferences
from .text import wrapped

ROWS = 12
"""Models of one folder that are shown"""


def draw_models(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """The models' part of the preferences."""
    box = layout.box()
    row = box.row()
    row.label(text="Models", icon="ASSET_MANAGER")
    row.operator(models.HANDDIFF_OT_list_models.bl_idname, text="", icon="FILE_REFRESH")
    if models.looking is not None:
        box.label(text="Looking through the folders", icon="SORTTIME")
    elif models.places is None:
        wrapped(box, context, "Refresh to list the models of your folders and of the Hugging Face cache.", icon="INFO")
    for place in models.places or ():
        _draw_place(box, place)
    if models.fetch is not None:
        size = models.fetch.size
        text = f"{models.fetch.title}: {human_size(models.fetch.done)} of {human_size(size)}"
        row = box.row(align=True)
        row.progress(factor=models.fetch.done / size if size else 0.0, text=text)
        row.operator(models.HANDDIFF_OT_stop_download.bl_idname, text="", icon="X")
    elif models.message:
        symbol = "ERROR" if models.failed else "INFO"
        wrapped(box, context, models.message, icon=symbol, alert=models.failed)
    row = box.row(align=True)
    row.operator(models.HANDDIFF_OT_add_model_folder.bl_idname, text="Add Folder", icon="NEWFOLDER")
    row.operator(models.HANDDIFF_OT_download_model.bl_idname, text="Download", icon="IMPORT")


def _draw_place(layout: bpy.types.UILayout, place: models.Place) -> None:
    box = layout.box()
    row = box.row()
    title = str(place.folder) if place.folder else "Hugging Face cache"
    row.label(text=title, icon="FILE_FOLDER", translate=place.folder is None)
    if place.folder:
        remove = row.operator(models.HANDDIFF_OT_remove_model_folder.bl_idname, text="", icon="X", emboss=False)
        remove.folder = str(place.folder)
    column = box.column(align=True)
    order = sorted(place.found, key=lambda model: (model.architecture.kind != "checkpoint", not model.usable))
    for model in order[:ROWS]:
        _draw_model(column, model)
    if len(order) > ROWS:
        column.label(text=f"and {len(order) - ROWS} more", icon="BLANK1", translate=False)
    if not order:
        column.label(text="No models", icon="BLANK1")


def _draw_model(layout: bpy.types.UILayout, model: Found) -> None:
    split = layout.split(factor=0.42)
    split.label(text=model.name, icon="BLANK1" if model.usable else "ERROR", translate=False)
    split = split.split(factor=0.82)
    what = model.problem or f"{model.architecture.title}, {human_size(model.bytes)}"
    split.label(text=what, translate=False)
    if model.usable and model.architecture.kind in ("checkpoint", "handdiff"):
        is_used = preferences().model_folder == str(model.path)
        button = split.operator(
            models.HANDDIFF_OT_use_model.bl_idname, text="In Use" if is_used else "Use", depress=is_used
        )
        button.path = str(model.path)
