# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do with the picture in hand: look at it, put it on the person, over the render, or into a GLB file."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ..handdiff_addon.errors import SceneError, UsageError
from ..handdiff_addon.files import make_folder, open_picture
from ..handdiff_addon.scene.memory import is_textured
from . import animate, generate, history, live, passes, people, session, viewport
from .base import Refusing
from .outputs import outputs
from .preferences import check_results, compute, engine_problem, results_folder
from .stepping import Stepping

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

    from ..handdiff_addon.conditioning.camera import Camera
    from ..handdiff_addon.jobs.batch import Waiting
    from ..handdiff_addon.jobs.history import Entry
    from ..handdiff_addon.request import GenerationRequest
    from ..handdiff_addon.scene.texture import Projection


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

    path = _entry().image
    try:
        return open_picture(path).convert("RGB")
    except OSError as error:
        raise SceneError(f"The picture {path} cannot be read ({error}): generate it again.") from error


def _looked_at() -> tuple[Camera, int | None, tuple[str, ...]]:
    """The camera that the picture in hand was painted through, its frame, and the armatures that it shows."""
    from ..handdiff_addon.conditioning.openpose import read_pose

    path = _entry().folder / "pose.json"
    try:
        pose = read_pose(path)
    except UsageError as error:
        raise SceneError(f"The picture's camera cannot be read from {path}: generate the picture again.") from error
    assert pose.camera is not None
    return pose.camera, pose.frame, tuple(person.name for person in pose.people)


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


views: tuple[int, int] | None = None
"""Further views painted and wanted, while a texture is being made"""
_stop = threading.Event()
_SAME = 0.9  # of the pixels that show people in a picture or now, those that do in both, where nobody has moved


class HANDDIFF_OT_apply_texture(Stepping, bpy.types.Operator):
    """Project the picture through its camera on to the person, as a texture; the materials can be restored"""

    bl_idname = "handdiff.apply_texture"
    bl_label = "Apply as Texture"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def problem(cls, context: bpy.types.Context) -> str:
        if views is not None:
            return "Further views are being painted: wait for them, or cancel them."
        wanted = engine_problem() if outputs(context).views else ""
        return _no_picture() or people.scene_problem(context) or wanted

    def steps(self, context: bpy.types.Context, *, meanwhile: bool) -> Generator[Waiting, None, None]:
        import numpy as np

        from ..handdiff_addon.conditioning.shots import Shot, closeups
        from ..handdiff_addon.scene.passes import people_seen
        from ..handdiff_addon.scene.texture import Projection
        from ..handdiff_addon.texture_runs import view_size

        scene, chosen, entry, mask = context.scene, outputs(context), _entry(), _mask("person_mask")
        camera, painted_at, painted = _looked_at()
        # A place between two frames cannot be named.
        frame = None if scene.frame_subframe and painted_at == scene.frame_current else painted_at
        now = people_seen(scene, camera, frame=frame, armatures=painted)
        if (now & mask).sum() < _SAME * (now | mask).sum():
            self.tell(
                "WARNING",
                "The person no longer stands as in this picture, so the texture lies askew: put the pose and the place"
                " back, or generate another picture.",
            )
        projection = Projection(scene, people.names(context)[0], frame, uv_map=chosen.uv_map, size=chosen.texture_size)
        shots = [Shot(camera, np.asarray(_image()), mask)]
        if chosen.closeups:
            shots += closeups(camera, *entry.crops())
        for shot in shots:
            projection.add(shot)
        look, folder = chosen.look, make_folder(entry.folder / "textures") if chosen.texture_files else None
        try:
            if chosen.views:
                yield from _paint_views(context, projection, entry.request, view_size(camera), chosen.views)
            textured = len(projection.show(look, folder))
        except BaseException:
            projection.undo()
            raise
        viewport.show_textures(bpy.context)
        for warning in projection.warnings:
            self.tell("WARNING", warning)
        self.tell("INFO", f"Textured {textured} object{'s' if textured != 1 else ''}")

    def stopped(self) -> str:
        return "Stopped: the materials are as they were"


def _paint_views(
    context: bpy.types.Context,
    projection: Projection,
    request: GenerationRequest,
    side: int,
    count: int,
) -> Generator[Waiting, None, None]:
    """Paint further views, squares of that side in pixels, with the settings of the first picture, one after the other
    on the painting thread."""
    global views
    from ..handdiff_addon.scene.ring import ring
    from ..handdiff_addon.scene.texture import PaintedView, view_steps
    from ..handdiff_addon.texture_runs import view_painter

    by, scene, frame = compute(), context.scene, projection.frame
    _stop.clear()
    paint = view_painter(
        scene,
        request,
        {**passes.options(context), "frame": frame},
        lambda asked, seen: generate.pipeline(asked, by).generate(asked, seen, cancelled=_stop.is_set),
    )
    cameras = ring(scene, people.names(context)[0], frame, count=count, size=(side, side))
    done = itertools.count()

    def hand_on(work: Callable[[], PaintedView]) -> Future:
        global views
        views = (next(done), count)
        return session.in_turn(work)

    try:
        yield from session.by_turns(view_steps(projection, cameras, paint), hand_on)
    finally:
        views = None


class HANDDIFF_OT_cancel_views(Refusing, bpy.types.Operator):
    """Stop painting further views; the materials stay as they are"""

    bl_idname = "handdiff.cancel_views"
    bl_label = "Cancel Views"

    @classmethod
    def problem(cls, context: bpy.types.Context) -> str:
        return "" if views is not None else "No further views are being painted."

    def run(self, context: bpy.types.Context) -> None:
        _stop.set()


class HANDDIFF_OT_restore_materials(Refusing, bpy.types.Operator):
    """Bring the materials back that the texture stands in for"""

    bl_idname = "handdiff.restore_materials"
    bl_label = "Restore Materials"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def problem(cls, context: bpy.types.Context) -> str:
        textured = any(is_textured(item) for item in context.scene.objects)
        return "" if textured else "No object here carries a HandDiff texture."

    def run(self, context: bpy.types.Context) -> None:
        from ..handdiff_addon.scene.textured import restore_materials

        restore_materials(context.scene)
        viewport.show_as_before()


class HANDDIFF_OT_apply_layer(Refusing, bpy.types.Operator):
    """Lay the picture over or under the render where a mask says, in the compositor; render to see it"""

    bl_idname = "handdiff.apply_layer"
    bl_label = "Add as Layer"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def problem(cls, context: bpy.types.Context) -> str:
        return animate.no_pictures() if outputs(context).layer_from == "animation" else _no_picture()

    def run(self, context: bpy.types.Context) -> None:
        from ..handdiff_addon.scene.layer import apply_layer

        chosen = outputs(context)
        options = {"under": chosen.layer_place == "under", "match": chosen.layer_match}
        picture: Image | Path
        mask: np.ndarray | Path
        if chosen.layer_from == "animation":
            frames = animate.pictures(context.scene)
            if context.scene.frame_step != 1:
                raise SceneError("A layer needs every frame, and this animation leaves some out: set the step to 1.")
            options["frames"] = context.scene.frame_start, context.scene.frame_end
            picture, mask = frames[0], animate.animation_folder() / "person_mask" / frames[0].name
            if chosen.layer_mask != "person_mask":
                raise SceneError("Of an animation only the person's masks are kept: choose the mask Person.")
        else:
            picture, mask = _image(), _mask(chosen.layer_mask)
        feather = chosen.layer_feather * _longer(picture) / 512
        for warning in apply_layer(context.scene, picture, mask, feather, **options):
            self.tell("WARNING", warning)
        over, under = (
            "The picture lies over the render of this scene",
            "The picture lies under the render of this scene",
        )
        self.tell("INFO", under if options["under"] else over)


def _longer(picture: Image | Path) -> int:
    """Longer side of a picture in pixels.

    Raises:
        SceneError: where the file cannot be read.
    """

    if not isinstance(picture, Path):
        return max(picture.size)
    try:
        with open_picture(picture) as opened:
            return max(opened.size)
    except OSError as error:
        raise SceneError(f"The picture {picture} cannot be read ({error}): paint it again.") from error


def _mask(name: str) -> np.ndarray:
    """A mask of the run in hand, (H, W) bool."""
    import numpy as np

    path = _entry().folder / f"{name}.png"
    try:
        return np.asarray(open_picture(path).convert("L")) > 127
    except OSError as error:
        raise SceneError(f"The mask {path} cannot be read ({error}): generate the picture again.") from error


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
    """Save the textured person as preview.glb beside the picture, for AR, VR and web pages"""

    bl_idname = "handdiff.export_glb"
    bl_label = "Export GLB"

    @classmethod
    def problem(cls, context: bpy.types.Context) -> str:
        return people.scene_problem(context)

    def run(self, context: bpy.types.Context) -> None:
        from ..handdiff_addon.composite_runs import write_preview

        check_results()
        chosen, entry = outputs(context), history.current()
        folder = make_folder(results_folder() if entry is None else entry.folder)
        warnings = write_preview(
            lambda name: folder / name,
            context.scene,
            people.names(context)[0],
            chosen.form,
            chosen.preset,
            Path(bpy.data.filepath).stem or "HandDiff",
            page=chosen.page,
            turntable=chosen.turntable,
        )
        for warning in warnings:
            self.tell("WARNING", warning)
        self.tell("INFO", f"Saved {folder / 'preview.glb'}")


CLASSES = (
    HANDDIFF_OT_open_image,
    HANDDIFF_OT_open_folder,
    HANDDIFF_OT_apply_texture,
    HANDDIFF_OT_cancel_views,
    HANDDIFF_OT_restore_materials,
    HANDDIFF_OT_apply_layer,
    HANDDIFF_OT_remove_layer,
    HANDDIFF_OT_export_glb,
)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    _stop.set()
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
