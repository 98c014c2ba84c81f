# SPDX-License-Identifier: GPL-3.0-or-later
"""Generate and cancel: gathers settings on the main thread, paints on the worker's."""

from __future__ import annotations

import random
import time
from typing import Any

import bpy

from ..handdiff_addon.conditioning.frame import Conditioning
from ..handdiff_addon.errors import HandDiffError, ModelError
from ..handdiff_addon.jobs.store import RunFolder
from ..handdiff_addon.jobs.worker import Job, leave_a_core
from ..handdiff_addon.models.catalogue import find_model
from ..handdiff_addon.models.engine import check_engine, load_engine
from ..handdiff_addon.request import GenerationRequest
from . import passes, people, session
from .base import Refusing
from .preferences import engine_problem, folder_of, preferences, results_folder
from .settings import to_request

_pipelines: dict[tuple[str, str], Any] = {}
"""The loaded pipeline by model folders, at most one; the worker's thread alone touches it."""


def pipeline(request: GenerationRequest, engine: str) -> Any:
    """The request's model, loaded; for the worker's thread."""
    load_engine(engine)
    from ..handdiff_addon.diffusion.pipeline import TwoStagePipeline

    leave_a_core()
    models = (request.model, request.hand_model)
    if models not in _pipelines:
        _pipelines.clear()
        _pipelines[models] = TwoStagePipeline.load(*models)
    return _pipelines[models]


def paint(
    job: Job,
    request: GenerationRequest,
    conditioning: Conditioning,
    folder: RunFolder,
    engine: str,
    scene: dict[str, Any],
) -> session.Finished:
    """The worker's part: load what is needed, generate, and save everything before Blender hears of it."""
    started = time.monotonic()
    from ..handdiff_addon.conditioning.pass_files import write_passes

    result = pipeline(request, engine).generate(request, conditioning, progress=job.report, cancelled=job.cancelled)
    write_passes(conditioning, folder.start(), skeleton=request.skeleton)
    folder.save_result(request, result, scene=scene)
    return session.Finished(folder.folder, conditioning, result.warnings, time.monotonic() - started)


def model_problem(context: bpy.types.Context) -> str:
    """Why the model cannot be used, as far as a glance tells, or nothing."""
    try:
        find_model(folder_of(context.scene.handdiff.model) or folder_of(preferences().model_folder))
    except ModelError as error:
        return str(error)
    return ""


class HANDDIFF_OT_generate(Refusing, bpy.types.Operator):
    """Paint this frame: the hands first, then the body around them"""

    bl_idname = "handdiff.generate"
    bl_label = "Generate"

    @classmethod
    def problem(cls, context: bpy.types.Context) -> str:
        if session.run is not None:
            return "A picture is being painted: wait for it, or cancel it."
        return people.scene_problem(context) or engine_problem() or model_problem(context)

    def run(self, context: bpy.types.Context) -> None:
        request = to_request(context.scene.handdiff)
        engine = folder_of(preferences().engine_folder)
        check_engine(engine)
        folder = RunFolder(results_folder())
        conditioning = passes.render(context, with_normals=True, with_picture=request.paint == "person")
        scene = {
            "blend": bpy.data.filepath,
            "scene": context.scene.name,
            "frame": conditioning.frame,
            "camera": conditioning.camera.name,
            "armatures": [person.name for person in conditioning.people],
        }
        session.start("Generating", lambda job: paint(job, request, conditioning, folder, engine, scene))
        if bpy.app.background:
            session.wait()
            if session.failed:
                raise HandDiffError(session.message)


class HANDDIFF_OT_cancel(Refusing, bpy.types.Operator):
    """Stop painting; earlier results stay"""

    bl_idname = "handdiff.cancel"
    bl_label = "Cancel"

    @classmethod
    def problem(cls, context: bpy.types.Context) -> str:
        return "" if session.run is not None else "Nothing is being painted."

    def run(self, context: bpy.types.Context) -> None:
        session.cancel()
        session.redraw()


class HANDDIFF_OT_new_seed(Refusing, bpy.types.Operator):
    """Take another seed, for another picture from the same settings"""

    bl_idname = "handdiff.new_seed"
    bl_label = "New Seed"
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context: bpy.types.Context) -> None:
        context.scene.handdiff.seed = random.randrange(2**31)


CLASSES = (HANDDIFF_OT_generate, HANDDIFF_OT_cancel, HANDDIFF_OT_new_seed)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    _pipelines.clear()
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
