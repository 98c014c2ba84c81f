# SPDX-License-Identifier: GPL-3.0-or-later
"""Generate and cancel: gathers settings on the main thread, paints on the worker's."""

from __future__ import annotations

import dataclasses
import gc
import random
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import BoolProperty, IntProperty, StringProperty

from ..handdiff_addon.errors import HandDiffError, ModelError
from ..handdiff_addon.jobs.worker import Job, leave_a_core
from ..handdiff_addon.models.catalogue import find_model, is_own
from ..handdiff_addon.models.engine import load_engine
from ..handdiff_addon.request import GenerationRequest
from . import live, passes, people, session
from .base import Refusing
from .preferences import Compute, check_results, compute, engine_problem, folder_of, preferences, results_folder
from .scene_request import to_request
from .settings import SEEDS

if TYPE_CHECKING:
    from ..handdiff_addon.conditioning.frame import Conditioning
    from ..handdiff_addon.diffusion.progress import Progress

_pipelines: dict[tuple[object, ...], Any] = {}
"""The loaded pipeline by what it was loaded from, at most one; the worker's thread alone touches it."""


def pipeline(request: GenerationRequest, by: Compute) -> Any:
    """The request's model, loaded; for the painting thread."""
    from ..handdiff_addon.jobs.responsive import window_alive

    key = (by, *request.weights)
    if key not in _pipelines:
        _pipelines.clear()
        with window_alive(by.engine):
            load_engine(by.engine)
            from ..handdiff_addon.diffusion.pipeline import TwoStagePipeline

            leave_a_core()
            _pipelines[key] = TwoStagePipeline.for_request(request, by.device, by.dtype, by.compile)
    return _pipelines[key]


def paint(
    job: Job,
    request: GenerationRequest,
    conditioning: Conditioning,
    home: Path,
    by: Compute,
    scene: dict[str, Any],
) -> session.Finished:
    """The worker's part: load what is needed, generate, and save everything before Blender hears of it."""
    from ..handdiff_addon.conditioning.pass_files import write_passes
    from ..handdiff_addon.jobs.history import new_run

    def tell(progress: Progress) -> None:
        preview = None if progress.preview is None else live.ready(progress.preview)
        job.report(dataclasses.replace(progress, preview=preview))

    started = time.monotonic()
    result = pipeline(request, by).generate(request, conditioning, progress=tell, cancelled=job.cancelled)
    folder = new_run(home)
    write_passes(conditioning, folder.start(), skeleton=request.skeleton)
    people = [person.name for person in conditioning.people]
    frame = {"frame": conditioning.frame, "camera": conditioning.camera.name, "armatures": people}
    folder.save_result(request, result, scene={**scene, **frame})
    return session.Finished(folder.folder, time.monotonic() - started)


def model_problem(context: bpy.types.Context) -> str:
    """Why the model cannot be used, as far as a glance tells, or nothing."""
    model = folder_of(context.scene.handdiff.model) or folder_of(preferences().model_folder)
    path = Path(model)
    empty = path.is_dir() and not any(path.iterdir())
    if not is_own(model) and not empty:  # a stock model, whose many files the worker looks at
        return "" if path.exists() or not path.is_absolute() else f"There is no model {model}."
    try:
        find_model(model)
    except ModelError as error:
        return str(error)
    return ""


class HANDDIFF_OT_generate(Refusing, bpy.types.Operator):
    """Paint this frame: the hands first, then the body around them. While a picture is painted, another one queues"""

    bl_idname = "handdiff.generate"
    bl_label = "Generate Picture"

    prompt: StringProperty(  # type: ignore[valid-type]
        name="Prompt", description="What to paint. Empty: the scene's own prompt", options={"SKIP_SAVE"}
    )
    seed: IntProperty(  # type: ignore[valid-type]
        name="Seed", description="Noise to begin with. -1: the scene's own seed", default=-1, min=-1,
        options={"SKIP_SAVE"},
    )  # fmt: skip

    @classmethod
    def problem(cls, context: bpy.types.Context) -> str:
        return people.scene_problem(context) or engine_problem() or model_problem(context)

    def run(self, context: bpy.types.Context) -> None:
        request = to_request(context.scene.handdiff)
        if self.prompt:
            request = dataclasses.replace(request, prompt=self.prompt)
        if self.seed >= 0:
            request = dataclasses.replace(request, seed=self.seed)
        check_results()
        by, home = compute(), results_folder()
        scene = {"blend": bpy.data.filepath, "scene": context.scene.name}
        turns = passes.turns(
            context,
            with_normals=True,
            with_picture=request.needs_picture,
            meanwhile=not bpy.app.background,
        )
        session.start(request, turns, lambda job, seen: paint(job, request, seen, home, by, scene))
        if bpy.app.background:
            session.wait()
            if session.failed:
                raise HandDiffError(session.message)


class HANDDIFF_OT_cancel(Refusing, bpy.types.Operator):
    """Stop painting, or take a picture out of the queue; earlier pictures stay"""

    bl_idname = "handdiff.cancel"
    bl_label = "Cancel Generation"

    run_number: IntProperty(  # type: ignore[valid-type]
        name="Run", description="Number of the run to stop. 0: all that wait or go on", min=0, options={"SKIP_SAVE"}
    )

    @classmethod
    def problem(cls, context: bpy.types.Context) -> str:
        return "" if session.runs else "Nothing is being painted."

    def run(self, context: bpy.types.Context) -> None:
        session.cancel(self.run_number)


class HANDDIFF_OT_free_memory(Refusing, bpy.types.Operator):
    """Drop the loaded model, so that its memory serves Blender; the next picture loads it again"""

    bl_idname = "handdiff.free_memory"
    bl_label = "Free GPU"

    @classmethod
    def problem(cls, context: bpy.types.Context) -> str:
        if session.painting():
            return "A picture is being painted: wait for it, or cancel it."
        return "" if _pipelines else "No model is loaded."

    def run(self, context: bpy.types.Context) -> None:
        from ..handdiff_addon.diffusion.devices import hand_back_memory

        device = next(iter(_pipelines.values())).painter.device
        _pipelines.clear()  # the worker is idle
        gc.collect()
        hand_back_memory(device)


class HANDDIFF_OT_new_seed(Refusing, bpy.types.Operator):
    """Take another seed, for another picture from the same settings"""

    bl_idname = "handdiff.new_seed"
    bl_label = "New Seed"
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context: bpy.types.Context) -> None:
        context.scene.handdiff.seed = random.randrange(SEEDS)


RESPONSIBLE_USE = "Ask the people whose likeness you use, and say that a picture was made by AI."


class HANDDIFF_OT_responsible_use(Refusing, bpy.types.Operator):
    """What to think of before you paint people, and what HandDiff does about it"""

    bl_idname = "handdiff.responsible_use"
    bl_label = "Painting People Responsibly"

    understood: BoolProperty(  # type: ignore[valid-type]
        name="Do Not Show Again", default=True, description="Take the reminder off the panel", options={"SKIP_SAVE"}
    )

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        return context.window_manager.invoke_props_dialog(
            self, width=460, title=self.bl_label, confirm_text="Understood"
        )

    def draw(self, context: bpy.types.Context) -> None:
        column = self.layout.column()
        for heading, lines in (
            ("Consent and likeness", (
                "Paint a real person only with their consent, and within it.",
                "Make no intimate picture of a real person, and none of a child.",
            )),
            ("Privacy", (
                "All is computed on this machine; nothing is sent anywhere.",
                "Each PNG carries its prompt: look before you share it.",
            )),
            ("Origin", (
                "Every PNG says inside that a machine made it (IPTC digital source type).",
                "Mark Picture, in the Prompt panel, says so visibly as well.",
            )),
        ):  # fmt: skip
            box = column.box().column(align=True)
            box.label(text=heading)
            for line in lines:
                box.label(text=line, icon="DOT")

    def run(self, context: bpy.types.Context) -> None:
        preferences().responsible_use_read = self.understood
        session.redraw()


CLASSES = (
    HANDDIFF_OT_generate,
    HANDDIFF_OT_cancel,
    HANDDIFF_OT_free_memory,
    HANDDIFF_OT_new_seed,
    HANDDIFF_OT_responsible_use,
)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    _pipelines.clear()
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
