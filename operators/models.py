# SPDX-License-Identifier: GPL-3.0-or-later
"""Models of the user's: folders to point at, what is in them, and downloads, on a thread of their own."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import bpy
from bpy.props import EnumProperty, StringProperty

from ..handdiff_addon.errors import HandDiffError, ModelError, UsageError
from ..handdiff_addon.jobs.worker import Job, Worker
from ..handdiff_addon.models import folders
from ..handdiff_addon.models.architecture import FAMILIES
from ..handdiff_addon.models.discovery import Found, human_size, models_in, models_in_cache
from ..handdiff_addon.models.download import Remote, ask, download
from ..handdiff_addon.models.known import KNOWN, known_model
from .base import Refusing
from .preferences import folder_of, offline, preferences
from .text import DIALOG, named_row, wrapped

INTERVAL = 0.25
_OFFLINE = "copy the model here by hand"


@dataclass
class Place:
    """The Hugging Face cache (no folder) or a folder that is remembered, and the models in it."""

    folder: Path | None
    found: list[Found]


@dataclass
class Fetch:
    """The download that goes on."""

    job: Job
    title: str
    done: int = 0
    size: int = 0


_worker = Worker()
places: list[Place] | None = None
"""As last looked at; None before"""
looking: Job | None = None
fetch: Fetch | None = None
message, failed = "", False


def look() -> None:
    """List the models anew, on the worker's thread."""
    global looking, message, failed

    def work(_job: Job) -> list[Place]:
        own = [Place(folder, models_in(folder)) for folder in folders.remembered()]
        return [Place(None, models_in_cache()), *own]

    if looking is None:
        if failed:
            message, failed = "", False
        looking = _worker.submit("The list of models", work)
        _watch()


def start_download(name: str, folder: Path) -> None:
    """Ask the server and fetch a catalogued model, on the worker's thread."""
    global fetch, message, failed
    model = known_model(name)
    if model is None:
        raise UsageError(f"The catalogue has no model {name}: choose one of the list.")
    message, failed = "", False
    online = bpy.app.online_access  # Blender's data is read here, on the main thread

    def work(job: Job) -> Path:
        remote: Remote = ask(model, online=online)
        return download(remote, folder, online=online, told=lambda *bytes_: job.report(bytes_), cancelled=job.cancelled)

    fetch = Fetch(_worker.submit("The download", work), model.title, 0, model.bytes)
    _watch()


def _watch() -> None:
    if bpy.app.background:
        while looking is not None or fetch is not None:
            _drain()
            time.sleep(0.02)
        if failed:
            raise HandDiffError(message)
    elif not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=INTERVAL, persistent=True)


def _drain() -> None:
    global places, looking, fetch, message, failed
    for event in _worker.drain():
        ended = event.kind in ("done", "failed", "cancelled")
        if looking is not None and event.job is looking and ended:
            looking = None
            if event.kind == "done":
                places = event.result
            else:
                message, failed = event.message, event.kind == "failed"
        elif fetch is not None and event.job is fetch.job:
            if event.kind == "progress":
                fetch.done, fetch.size = event.progress
            elif ended:
                message, failed = event.message, event.kind == "failed"
                fetch = None
                if event.kind == "done":
                    message = f"Downloaded to {event.result}"
                    folders.remember(event.result.parent)
                    look()


def _tick() -> float | None:
    _drain()
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "PREFERENCES":
                area.tag_redraw()
    return INTERVAL if looking is not None or fetch is not None else None


class HANDDIFF_OT_list_models(Refusing, bpy.types.Operator):
    """Look through the model folders and the Hugging Face cache"""

    bl_idname = "handdiff.list_models"
    bl_label = "List Models"

    @classmethod
    def problem(cls, context: bpy.types.Context) -> str:
        return "The models are being listed: wait for it." if looking is not None else ""

    def run(self, context: bpy.types.Context) -> None:
        look()


class HANDDIFF_OT_add_model_folder(Refusing, bpy.types.Operator):
    """Point at a folder of models: of ComfyUI, A1111, Forge, Krita AI Diffusion, or any with .safetensors files"""

    bl_idname = "handdiff.add_model_folder"
    bl_label = "Add Model Folder"

    directory: StringProperty(subtype="DIR_PATH", options={"SKIP_SAVE"})  # type: ignore[valid-type]

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def run(self, context: bpy.types.Context) -> None:
        folder = Path(folder_of(self.directory))
        if not self.directory or not folder.is_dir():
            raise ModelError(f"There is no folder {folder}: choose another.")
        folders.remember(folder)
        look()


class HANDDIFF_OT_remove_model_folder(Refusing, bpy.types.Operator):
    """Take a folder from the list; its files stay"""

    bl_idname = "handdiff.remove_model_folder"
    bl_label = "Remove Model Folder"
    bl_options = {"INTERNAL"}

    folder: StringProperty()  # type: ignore[valid-type]

    def run(self, context: bpy.types.Context) -> None:
        global places
        folders.forget(Path(self.folder))
        if places is not None:
            places = [place for place in places if str(place.folder or "") != self.folder]


class HANDDIFF_OT_use_model(Refusing, bpy.types.Operator):
    """Paint with this model in scenes that name none"""

    bl_idname = "handdiff.use_model"
    bl_label = "Use Model"
    bl_options = {"INTERNAL"}

    path: StringProperty()  # type: ignore[valid-type]

    def run(self, context: bpy.types.Context) -> None:
        preferences().model_folder = self.path


def _catalogue(_self: object, _context: object) -> list[tuple[str, str, str]]:
    return _CATALOGUE


_CATALOGUE = [
    (
        model.name,
        f"{FAMILIES[model.family]}: {model.title}",
        f"About {human_size(model.bytes)}, licence {model.licence}, from huggingface.co/{model.repository}",
    )
    for model in KNOWN
]
"""Blender does not keep the strings of a list that a callback makes, so this one is made once."""


class HANDDIFF_OT_download_model(Refusing, bpy.types.Operator):
    """Download a model into a folder of yours; asks first"""

    bl_idname = "handdiff.download_model"
    bl_label = "Download Model"

    model: EnumProperty(name="Model", items=_catalogue)  # type: ignore[valid-type]
    folder: StringProperty(  # type: ignore[valid-type]
        name="Into Folder", subtype="DIR_PATH", description="Folder that gets the model"
    )

    @classmethod
    def problem(cls, context: bpy.types.Context) -> str:
        return "A model is being downloaded: wait for it, or stop it." if fetch is not None else ""

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        known = folders.remembered()
        if not self.folder and known:
            self.folder = str(known[0])
        return context.window_manager.invoke_props_dialog(
            self, width=DIALOG, title="Download Model", confirm_text="Download"
        )

    def draw(self, context: bpy.types.Context) -> None:
        layout, model = self.layout, known_model(self.model)
        assert model is not None
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(self, "model")
        column.prop(self, "folder")
        for name, text in (
            ("Size", f"About {human_size(model.bytes)}"),
            ("Licence", model.licence),
            ("From", f"huggingface.co/{model.repository}"),
        ):
            named_row(column, name, text)
        if problem := offline(_OFFLINE):
            wrapped(layout, context, problem, icon="ERROR", alert=True, width=DIALOG)

    def run(self, context: bpy.types.Context) -> None:
        if problem := offline(_OFFLINE):
            raise ModelError(problem)
        if not folder_of(self.folder):
            raise UsageError("A download needs a folder: choose one.")
        start_download(self.model, Path(folder_of(self.folder)))


class HANDDIFF_OT_stop_download(Refusing, bpy.types.Operator):
    """Stop the download; what was fetched is kept, and it can go on later"""

    bl_idname = "handdiff.stop_download"
    bl_label = "Stop Download"

    @classmethod
    def problem(cls, context: bpy.types.Context) -> str:
        return "" if fetch is not None else "No model is being downloaded."

    def run(self, context: bpy.types.Context) -> None:
        assert fetch is not None
        fetch.job.cancel()


CLASSES = (
    HANDDIFF_OT_list_models,
    HANDDIFF_OT_add_model_folder,
    HANDDIFF_OT_remove_model_folder,
    HANDDIFF_OT_use_model,
    HANDDIFF_OT_download_model,
    HANDDIFF_OT_stop_download,
)


def register() -> None:
    global _worker
    _worker = Worker()
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    global places, looking, fetch, message
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    _worker.shutdown()
    places, looking, fetch, message = None, None, None, ""
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
