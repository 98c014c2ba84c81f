# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do with the picture in hand: look at it, put it on the person, over the render, or into a GLB file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ..handdiff_addon.errors import OutputError, SceneError
from . import history, live, passes, people, session
from .base import Refusing
from .preferences import results_folder

if TYPE_CHECKING:
    from PIL.Image import Image

    from ..handdiff_addon.conditioning.frame import Conditioning
    from ..handdiff_addon.jobs.history import Entry


def shown_picture(name: str) -> Path | None:
    """The picture of the run in hand by that name; the newest of the file's passes where none was chosen."""
    entry = history.current()
    folders = [] if entry is None else [entry.folder]
    if entry is None or not history.chosen():
        folders.append(results_folder() / "passes")
    for wanted in (name, "skeleton"):
        found = [path for path in (folder / f"{wanted}.png" for folder in folders) if path.is_file()]
        if found or entry is not None:
            return max(found, key=lambda path: path.stat().st_mtime, default=None)
    return None


def _no_picture() -> str:
    return "" if history.current() else "There is no picture of this file yet: generate one."


def _entry() -> Entry:
    entry = history.current()
    if entry is None:
        raise SceneError(_no_picture())
    return entry


def _image() -> Image:
    from PIL import Image

    path = _entry().image
    try:
        return Image.open(path).convert("RGB")
    except OSError as error:
        raise SceneError(f"The picture {path} cannot be read ({error}): generate it again.") from error


def _conditioning(context: bpy.types.Context) -> Conditioning:
    """The passes of the run in hand; rendered anew at its frame where another session made them."""
    entry = _entry()
    if session.latest is not None and session.latest.folder == entry.folder:
        return session.latest.conditioning
    return passes.render(context, entry.frame)


class HANDDIFF_OT_open_image(Refusing, bpy.types.Operator):
    """Open the picture in an image editor"""

    bl_idname = "handdiff.open_image"
    bl_label = "Open Image"

    @classmethod
    def problem(cls, context: bpy.types.Context) -> str:
        picture = shown_picture(context.scene.handdiff.picture)
        return "" if picture else "There is no such picture of this file yet: generate one."

    def run(self, context: bpy.types.Context) -> None:
        path = shown_picture(context.scene.handdiff.picture)
        assert path is not None
        show_image(context, live.open_image(path))


def show_image(context: bpy.types.Context, image: bpy.types.Image) -> None:
    """Show an image in an image editor of this window, or in a new window where it has none."""
    if bpy.app.background:
        return
    area = next((a for a in context.window.screen.areas if a.type == "IMAGE_EDITOR"), None)
    if area is None:
        bpy.ops.wm.window_new()
        area = context.window_manager.windows[-1].screen.areas[0]
        area.type = "IMAGE_EDITOR"
    area.spaces.active.image = image


class HANDDIFF_OT_open_folder(Refusing, bpy.types.Operator):
    """Show the folder of the results in the file browser of the system"""

    bl_idname = "handdiff.open_folder"
    bl_label = "Open Folder"

    @classmethod
    def problem(cls, context: bpy.types.Context) -> str:
        return "" if results_folder().is_dir() else "There are no results of this file yet: generate a picture."

    def run(self, context: bpy.types.Context) -> None:
        bpy.ops.wm.path_open(filepath=str(results_folder()))


class HANDDIFF_OT_apply_texture(Refusing, bpy.types.Operator):
    """Project the picture through its camera on to the person, as a texture; the materials can be restored"""

    bl_idname = "handdiff.apply_texture"
    bl_label = "Apply as Texture"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def problem(cls, context: bpy.types.Context) -> str:
        return _no_picture() or people.scene_problem(context)

    def run(self, context: bpy.types.Context) -> None:
        from ..handdiff_addon.scene.texture import apply_texture

        conditioning = _conditioning(context)
        known = len(conditioning.warnings)
        textures = apply_texture(context.scene, conditioning, _image(), armatures=people.names(context)[0])
        for warning in conditioning.warnings[known:]:
            self.tell("WARNING", warning)
        self.tell("INFO", f"Textured {len(textures)} object{'s' if len(textures) != 1 else ''}")
        _show_materials(context)


def _show_materials(context: bpy.types.Context) -> None:
    """Let 3D views in Solid mode show textures, where all colours would else stay the theme's."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D" and area.spaces.active.shading.type == "SOLID":
                area.spaces.active.shading.color_type = "TEXTURE"


class HANDDIFF_OT_restore_materials(Refusing, bpy.types.Operator):
    """Bring the materials back that the texture stands in for"""

    bl_idname = "handdiff.restore_materials"
    bl_label = "Restore Materials"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def problem(cls, context: bpy.types.Context) -> str:
        textured = any("handdiff_materials" in item for item in context.scene.objects)
        return "" if textured else "No object here carries a HandDiff texture."

    def run(self, context: bpy.types.Context) -> None:
        from ..handdiff_addon.scene.texture import restore_materials

        restore_materials(context.scene)


class HANDDIFF_OT_apply_layer(Refusing, bpy.types.Operator):
    """Lay the picture over the render where the person is, in the compositor; render to see it"""

    bl_idname = "handdiff.apply_layer"
    bl_label = "Add as Layer"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def problem(cls, context: bpy.types.Context) -> str:
        return _no_picture()

    def run(self, context: bpy.types.Context) -> None:
        import numpy as np
        from PIL import Image

        from ..handdiff_addon.scene.layer import apply_layer

        path = _entry().folder / "person_mask.png"
        try:
            mask = np.asarray(Image.open(path).convert("L")) > 127
        except OSError as error:
            raise SceneError(f"The person mask {path} cannot be read ({error}): generate the picture again.") from error
        for warning in apply_layer(context.scene, _image(), mask):
            self.tell("WARNING", warning)
        self.tell("INFO", "The picture lies over the render of this scene")


class HANDDIFF_OT_remove_layer(Refusing, bpy.types.Operator):
    """Take the picture's layer out of the compositor again"""

    bl_idname = "handdiff.remove_layer"
    bl_label = "Remove Layer"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def problem(cls, context: bpy.types.Context) -> str:
        return "" if "handdiff_layer" in context.scene else "There is no HandDiff layer in this scene's compositor."

    def run(self, context: bpy.types.Context) -> None:
        from ..handdiff_addon.scene.layer import remove_layer

        remove_layer(context.scene)


class HANDDIFF_OT_export_glb(Refusing, bpy.types.Operator):
    """Save the posed, textured person as preview.glb beside the picture"""

    bl_idname = "handdiff.export_glb"
    bl_label = "Export GLB"

    @classmethod
    def problem(cls, context: bpy.types.Context) -> str:
        return people.scene_problem(context)

    def run(self, context: bpy.types.Context) -> None:
        from ..handdiff_addon.scene.glb import export_glb

        entry = history.current()
        folder = results_folder() if entry is None else entry.folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"The folder {folder} cannot be made ({error.strerror}): save the file where you may write."
            ) from error
        export_glb(folder / "preview.glb", context.scene, armatures=people.names(context)[0])
        self.tell("INFO", f"Saved {folder / 'preview.glb'}")


CLASSES = (
    HANDDIFF_OT_open_image,
    HANDDIFF_OT_open_folder,
    HANDDIFF_OT_apply_texture,
    HANDDIFF_OT_restore_materials,
    HANDDIFF_OT_apply_layer,
    HANDDIFF_OT_remove_layer,
    HANDDIFF_OT_export_glb,
)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
