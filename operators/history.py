# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures of this file, found on disk: choose one, bring its settings back, compare two, delete."""

from __future__ import annotations

import random
import time
from pathlib import Path

import bpy
from bpy.props import IntProperty, PointerProperty, StringProperty

from ..handdiff_addon.errors import UsageError
from ..handdiff_addon.files import open_picture
from ..handdiff_addon.jobs.history import Entry, delete_run, find_runs
from . import session
from .base import Refusing
from .preferences import results_folder, unsaved_results
from .scene_request import from_request
from .settings import SEEDS

PAGE = 9
"""Pictures shown at a time"""


class HandDiffHistory(bpy.types.PropertyGroup):
    """What is looked at; a session's, not a file's."""

    filter: StringProperty(  # type: ignore[valid-type]
        name="Filter",
        description="Show pictures whose prompt, seed, model or number have all of these words",
        options={"TEXTEDIT_UPDATE"},
        update=lambda self, _context: setattr(self, "page", 0),
    )
    page: IntProperty(min=0, options={"HIDDEN"})  # type: ignore[valid-type]
    chosen: StringProperty(options={"HIDDEN"})  # type: ignore[valid-type]
    compared: StringProperty(options={"HIDDEN"})  # type: ignore[valid-type]


_found: tuple[object, float, list[Entry]] = (None, 0.0, [])


def homes() -> list[Path]:
    """The folders that hold this file's runs; while it is unsaved, those of every unsaved file."""
    own = [results_folder()]
    if not bpy.data.filepath:
        try:
            return [*own, *(path for path in unsaved_results().iterdir() if path.is_dir())]
        except OSError:
            return own
    noted = {line for scene in bpy.data.scenes for line in scene.handdiff.homes.splitlines()}
    return [*own, *(_where(Path(bpy.path.abspath(line))) for line in sorted(noted))]


def _where(home: Path) -> Path:
    """A noted folder; one of a session's may have moved with all of them."""
    return home if home.exists() else unsaved_results() / home.name


def entries() -> list[Entry]:
    """This file's pictures, newest first.  Panels ask at every redraw, so an answer is kept for two seconds."""
    global _found
    key, now = (bpy.data.filepath, session.finished), time.monotonic()
    if _found[0] != key or now > _found[1]:
        _found = (key, now + 2.0, find_runs(dict.fromkeys(homes())))
    return _found[2]


def forget() -> None:
    """Look on disk anew next time."""
    global _found
    _found = (None, 0.0, [])


def shown(context: bpy.types.Context) -> list[Entry]:
    """Those that the filter lets through."""
    text = context.window_manager.handdiff_history.filter
    return [entry for entry in entries() if entry.matches(text)]


def chosen() -> str:
    """Folder of the picture that was chosen; empty: the latest is in hand."""
    return bpy.context.window_manager.handdiff_history.chosen


def current() -> Entry | None:
    """The picture in hand: the chosen one, else this file's latest."""
    found = entries()
    return named(chosen()) or (found[0] if found else None)


def named(folder: str) -> Entry | None:
    """The picture in a folder, where this file's history has it."""
    return next((entry for entry in entries() if str(entry.folder) == folder), None) if folder else None


class _OfOne(Refusing):
    """Mix-in of operators on one picture of the history."""

    folder: StringProperty(  # type: ignore[valid-type]
        name="Folder",
        description="The picture's folder. Empty: the one in hand",
        subtype="DIR_PATH",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def problem(cls, context: bpy.types.Context) -> str:
        return "" if entries() else "There is no picture of this file yet: generate one."

    def entry(self) -> Entry:
        wanted = str(Path(self.folder)) if self.folder else ""
        entry = named(wanted) if wanted else current()
        if entry is None:
            raise UsageError(f"The history has no picture in {self.folder}: choose one in the History panel.")
        return entry


class HANDDIFF_OT_choose_picture(_OfOne, bpy.types.Operator):
    """Take this picture in hand: what Result and History do is done with it"""

    bl_idname = "handdiff.choose_picture"
    bl_label = "Choose Picture"

    @classmethod
    def description(cls, _context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        entry = named(properties.folder)
        return (cls.__doc__ or "") if entry is None else f"{entry.request.prompt}\nSeed {entry.request.seed}"

    def run(self, context: bpy.types.Context) -> None:
        entry = self.entry()
        context.window_manager.handdiff_history.chosen = "" if entry == entries()[0] else str(entry.folder)
        session.redraw()


class HANDDIFF_OT_restore_settings(_OfOne, bpy.types.Operator):
    """Set the scene's settings as this picture was painted with"""

    bl_idname = "handdiff.restore_settings"
    bl_label = "Restore These Settings"
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context: bpy.types.Context) -> None:
        for warning in from_request(context.scene.handdiff, self.entry().request):
            self.tell("WARNING", warning)


class HANDDIFF_OT_same_new_seed(_OfOne, bpy.types.Operator):
    """Paint once more with this picture's settings and another seed, the scene as it is now"""

    bl_idname = "handdiff.same_new_seed"
    bl_label = "Same but New Seed"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def problem(cls, context: bpy.types.Context) -> str:
        from .generate import HANDDIFF_OT_generate

        return super().problem(context) or HANDDIFF_OT_generate.problem(context)

    def run(self, context: bpy.types.Context) -> None:
        settings = context.scene.handdiff
        from_request(settings, self.entry().request)
        settings.seed = random.randrange(SEEDS)
        try:
            bpy.ops.handdiff.generate()
        except RuntimeError as error:  # what it reports as an error, an operator called from Python raises
            raise UsageError(str(error).removeprefix("Error: ").strip()) from error


class HANDDIFF_OT_restore_from_file(Refusing, bpy.types.Operator):
    """Set the scene's settings from a PNG that HandDiff wrote, or from saved settings (JSON)"""

    bl_idname = "handdiff.restore_from_file"
    bl_label = "Settings from Picture"
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})  # type: ignore[valid-type]
    filter_glob: StringProperty(default="*.png;*.json", options={"HIDDEN"})  # type: ignore[valid-type]

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def run(self, context: bpy.types.Context) -> None:
        from ..handdiff_addon.jobs.metadata import read_request

        for warning in from_request(context.scene.handdiff, read_request(Path(self.filepath))):
            self.tell("WARNING", warning)


class HANDDIFF_OT_compare_with(_OfOne, bpy.types.Operator):
    """Keep this picture beside the next one that you choose, with what differs in their settings"""

    bl_idname = "handdiff.compare_with"
    bl_label = "Compare"

    def run(self, context: bpy.types.Context) -> None:
        history, folder = context.window_manager.handdiff_history, str(self.entry().folder)
        history.compared = "" if history.compared == folder else folder
        session.redraw()


class HANDDIFF_OT_open_comparison(Refusing, bpy.types.Operator):
    """Open the two pictures side by side in an image editor"""

    bl_idname = "handdiff.open_comparison"
    bl_label = "Open Side by Side"

    one: StringProperty(  # type: ignore[valid-type]
        name="One", description="Folder of the left picture. Empty: the one compared with", options={"SKIP_SAVE"}
    )
    other: StringProperty(  # type: ignore[valid-type]
        name="Other", description="Folder of the right picture. Empty: the one in hand", options={"SKIP_SAVE"}
    )

    @classmethod
    def problem(cls, context: bpy.types.Context) -> str:
        return "" if len(entries()) > 1 else "Two pictures are needed to compare: generate another one."

    def run(self, context: bpy.types.Context) -> None:
        from ..handdiff_addon.scene.images import keep_comparison
        from .results import show_image

        one = named(self.one or context.window_manager.handdiff_history.compared)
        other = named(self.other) if self.other else current()
        if one is None or other is None:
            raise UsageError("Two pictures are needed: press Compare on one of them, then choose the other.")
        try:
            pictures = [open_picture(entry.image).convert("RGB") for entry in (one, other)]
        except OSError as error:
            raise UsageError(f"A picture cannot be read ({error}): choose another.") from error
        show_image(context, keep_comparison(*pictures))


class HANDDIFF_OT_delete_picture(_OfOne, bpy.types.Operator):
    """Delete this picture and all files of its run from the disk. This cannot be undone"""

    bl_idname = "handdiff.delete_picture"
    bl_label = "Delete Picture"

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return context.window_manager.invoke_confirm(
            self, event, title="Delete Picture?", message="Its files are deleted from the disk for good.",
            confirm_text="Delete", icon="WARNING",
        )  # fmt: skip

    def run(self, context: bpy.types.Context) -> None:
        entry, history = self.entry(), context.window_manager.handdiff_history
        delete_run(entry)
        for name in ("chosen", "compared"):
            if getattr(history, name) == str(entry.folder):
                setattr(history, name, "")
        forget()
        session.redraw()


class HANDDIFF_OT_turn_page(Refusing, bpy.types.Operator):
    """Show newer or older pictures"""

    bl_idname = "handdiff.turn_page"
    bl_label = "Turn Page"
    bl_options = {"INTERNAL"}

    by: IntProperty(default=1, options={"SKIP_SAVE"})  # type: ignore[valid-type]

    def run(self, context: bpy.types.Context) -> None:
        history = context.window_manager.handdiff_history
        history.page = max(0, min(history.page + self.by, (len(shown(context)) - 1) // PAGE))


@bpy.app.handlers.persistent
def _note_home(*_: object) -> None:
    """Before a file is saved, perhaps under another name: note where its pictures lie so far."""
    own = results_folder()
    if not find_runs([own]):
        return
    for scene in bpy.data.scenes:
        noted = scene.handdiff.homes.splitlines()
        if str(own) not in noted:
            scene.handdiff.homes = "\n".join([*noted, str(own)])


@bpy.app.handlers.persistent
def _let_go(*_: object) -> None:
    """Another file, another history."""
    forget()
    history = bpy.context.window_manager.handdiff_history
    history.chosen = history.compared = ""
    history.page = 0


CLASSES = (
    HandDiffHistory,
    HANDDIFF_OT_choose_picture,
    HANDDIFF_OT_restore_settings,
    HANDDIFF_OT_same_new_seed,
    HANDDIFF_OT_restore_from_file,
    HANDDIFF_OT_compare_with,
    HANDDIFF_OT_open_comparison,
    HANDDIFF_OT_delete_picture,
    HANDDIFF_OT_turn_page,
)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.WindowManager.handdiff_history = PointerProperty(type=HandDiffHistory, options={"SKIP_SAVE"})
    bpy.app.handlers.save_pre.append(_note_home)
    bpy.app.handlers.load_post.append(_let_go)


def unregister() -> None:
    bpy.app.handlers.load_post.remove(_let_go)
    bpy.app.handlers.save_pre.remove(_note_home)
    del bpy.types.WindowManager.handdiff_history
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
    forget()
