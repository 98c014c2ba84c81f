# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the engine, the models and the results lie on this machine, and what paints."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import bpy

from ..handdiff_addon.errors import ModelError, OutputError
from ..handdiff_addon.jobs.history import move_homes
from ..handdiff_addon.jobs.store import RunFolder
from ..handdiff_addon.models.engine import MARKER, check_engine
from ..handdiff_addon.places import pictures_folder

ROOT_PACKAGE = __package__.rpartition(".")[0]


class HandDiffPreferences(bpy.types.AddonPreferences):
    bl_idname = ROOT_PACKAGE

    engine_folder: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Engine Folder",
        description="Folder or environment with torch and diffusers for this Blender's Python, "
        "to be used in place of the engine that HandDiff installs",
        subtype="DIR_PATH",
    )
    model_folder: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Default Model",
        description="Model folder or .safetensors file for scenes that name none. "
        "Leave empty for the model that comes with HandDiff",
        subtype="FILE_PATH",
    )
    results_folder: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Results",
        description="Where results of unsaved files are kept. Saved files keep theirs in a folder beside the .blend",
        subtype="DIR_PATH",
    )

    device: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Device",
        description="What paints, by torch's name: auto takes the GPU where there is one. "
        "cuda:1 is the second one, and cpu leaves all of them to Blender",
        default="auto",
        search=lambda _self, _context, _text: ("auto", "cuda", "cuda:1", "mps", "cpu"),
        search_options={"SUGGESTION"},
    )
    dtype: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Precision",
        description="Number type that stock models compute in",
        items=(
            ("auto", "Automatic", "Half where the device computes faster in it and rightly, else single"),
            ("float32", "Single", "Twice the memory of half; for devices that paint black pictures in half"),
            ("float16", "Half", "What most graphics cards are fastest in"),
            ("bfloat16", "Brain Float", "As large as half, coarser, with the range of single"),
        ),
    )
    compile: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Compile",
        description="A model's first picture takes longer, later ones less (torch.compile). "
        "Pays for long animations; where the machine cannot, the picture's warnings say so",
    )

    responsible_use_read: bpy.props.BoolProperty(options={"HIDDEN"})  # type: ignore[valid-type]

    def draw(self, context: bpy.types.Context) -> None:
        from .engine_box import draw_engine
        from .models_box import draw_models

        layout = self.layout
        layout.use_property_split = True
        draw_engine(layout, context)
        layout.prop(self, "model_folder", placeholder="The model that comes with HandDiff")
        layout.prop(self, "results_folder", placeholder="HandDiff, in your Pictures folder")
        column = layout.column()
        column.prop(self, "device")
        column.prop(self, "dtype")
        column.prop(self, "compile")
        draw_models(layout, context)


def preferences() -> HandDiffPreferences:
    """HandDiff's preferences."""
    return bpy.context.preferences.addons[ROOT_PACKAGE].preferences


@dataclass(frozen=True)
class Compute:
    """What paints, as the preferences say: read on the main thread, used on the worker's."""

    engine: str
    """Folder of torch and diffusers; empty: what Python finds itself"""
    device: str
    dtype: str
    compile: bool


def compute() -> Compute:
    """What paints from now on.

    Raises:
        ModelError: where the engine cannot work.
    """
    own = preferences()
    found = Compute(engine_folder(), own.device.strip() or "auto", own.dtype, own.compile)
    check_engine(found.engine)
    return found


def folder_of(value: str) -> str:
    """A folder property's value as an absolute path without a slash at its end; empty stays empty."""
    return str(Path(bpy.path.abspath(value))) if value.strip() else ""


def own_engine() -> Path:
    """The folder of the engine that HandDiff installs."""
    return Path(bpy.utils.extension_path_user(ROOT_PACKAGE, path="engine"))


def engine_folder() -> str:
    """The engine to use: the folder that is named, else HandDiff's own, else nothing, for what Python finds itself."""
    own = own_engine()
    return folder_of(preferences().engine_folder) or (str(own) if (own / MARKER).is_file() else "")


_engine_check: tuple[str, float, str] = ("", 0.0, "")


def engine_problem() -> str:
    """Why the engine cannot work, or nothing.  Panels ask at every redraw, so an answer is kept for two seconds."""
    global _engine_check
    named, now = preferences().engine_folder, time.monotonic()
    if _engine_check[0] != named or now > _engine_check[1]:
        try:
            check_engine(engine_folder())
            problem = ""
        except ModelError as error:
            problem = str(error)
        _engine_check = (named, now + 2.0, problem)
    return _engine_check[2]


def offline(remedy: str) -> str:
    """Why nothing can be fetched, or nothing.

    Args:
        remedy: what else to do where Blender was started offline.
    """
    if bpy.app.online_access:
        return ""
    if bpy.app.online_access_override:
        return f"Blender was started offline: start it without --offline-mode, or {remedy}."
    return "Blender may not go online: tick Allow Online Access (Preferences > System > Network)."


def forget_engine() -> None:
    """Look at the engine anew when next asked."""
    global _engine_check
    _engine_check = ("", 0.0, "")


_session = time.strftime("%Y-%m-%d %H.%M.%S")


def results_folder() -> Path:
    """Where this file's results go: ``handdiff/NAME`` beside the .blend, or while it is unsaved, a folder of this
    session's among the user's pictures."""
    if bpy.data.filepath:
        return Path(bpy.path.abspath("//handdiff")) / Path(bpy.data.filepath).stem
    return unsaved_results() / _session


def check_results() -> None:
    """Refuse, before any work, a place for this file's results that cannot be written.

    Raises:
        OutputError
    """
    folder = results_folder()
    try:
        RunFolder(folder)
    except OutputError as error:
        if bpy.data.filepath:
            raise OutputError(
                f"Results lie beside the .blend, in {folder}, which cannot be written: save the .blend where you may"
                " write, with space left."
            ) from error
        raise OutputError(
            f"Results of unsaved files lie in {folder}, which cannot be written: choose another folder for Results in"
            " HandDiff's preferences, or save the file."
        ) from error


def unsaved_results() -> Path:
    """Holds one folder for each session that made results in files that were not saved yet.

    Outside Blender's folders: those go with the extension when it is uninstalled.
    """
    return Path(folder_of(preferences().results_folder) or pictures_folder())


def _rescue_results() -> None:
    """Bring pictures over from where earlier versions kept them, in the extension's own user folder."""
    move_homes(Path(bpy.utils.extension_path_user(ROOT_PACKAGE, path="results")), unsaved_results())


def register() -> None:
    bpy.utils.register_class(HandDiffPreferences)
    _rescue_results()


def unregister() -> None:
    bpy.utils.unregister_class(HandDiffPreferences)
