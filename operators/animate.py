# SPDX-License-Identifier: GPL-3.0-or-later
"""Paint the scene's frame range: passes here, one frame ahead, and painting on the worker's thread."""

from __future__ import annotations

import concurrent.futures
import contextlib
import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import BoolProperty

from ..handdiff_addon.errors import Cancelled
from ..handdiff_addon.jobs.estimate import Estimate
from ..handdiff_addon.jobs.steady import Step, plan
from ..handdiff_addon.models.sums import weight_sums
from ..handdiff_addon.prompts import marker_prompts
from ..handdiff_addon.runs import SceneChoice
from . import generate, passes, people, session
from .base import Refusing
from .preferences import check_results, compute, engine_problem, results_folder
from .scene_request import to_request
from .stepping import Stepping

if TYPE_CHECKING:
    from ..handdiff_addon.conditioning.frame import Conditioning
    from ..handdiff_addon.jobs.batch import Frame, Waiting
    from ..handdiff_addon.request import GenerationRequest, GenerationResult

INTERVAL = 0.1
progress: tuple[int, int] | None = None
"""Frames finished and wanted, while an animation is being painted"""
_painted: list[Estimate] = []
"""How far the frames of this run are, of which the last is in hand"""
_found = 0
"""Frames that were there before"""
_stop = threading.Event()


def share_done() -> float:
    """Part of the animation that is painted, 0 to 1, the frame in hand with it; 0 where none is being painted."""
    _, wanted = progress or (0, 1)
    return (_found + sum(frame.fraction for frame in _painted)) / wanted


def animation_folder() -> Path:
    """Where this file's animation goes."""
    return results_folder() / "animation"


def frame_range(scene: bpy.types.Scene) -> range:
    """The scene's own frames."""
    return range(scene.frame_start, scene.frame_end + 1, scene.frame_step)


def paint_animation(
    context: bpy.types.Context, *, restart: bool = False, meanwhile: bool = False
) -> Generator[Waiting, None, list[str]]:
    """Paint the scene's frames that are not finished yet, in steps as ``paint_frames`` gives them.

    Args:
        restart: begin anew.
        meanwhile: Blender's own loop runs between the steps.

    Returns:
        the warnings.

    Raises:
        HandDiffError: what cannot be painted; before anything is written, where it is known then.
    """
    global progress, _found
    from ..handdiff_addon.animate_runs import batch_settings
    from ..handdiff_addon.jobs.batch import BatchFolder, paint_frames, until
    from ..handdiff_addon.scene.cameras import takes
    from ..handdiff_addon.scene.passes import at_frame

    check_results()
    by, wanted, frames = compute(), passes.options(context), frame_range(context.scene)
    with at_frame(context.scene, frames.start):
        first = to_request(context.scene.handdiff)
    steady = context.scene.handdiff.steady
    order = plan(takes(context.scene, frames, wanted["camera"])) if steady else [Step(frame) for frame in frames]
    choice = SceneChoice(wanted["camera"], tuple(wanted["armatures"]), max_people=wanted["max_people"])
    scene, prompts = context.scene.name, _prompts(context.scene)
    named = f"{Path(bpy.data.filepath).name}/{scene}"

    def paint(request: GenerationRequest, conditioning: Conditioning) -> GenerationResult:
        estimate = Estimate.of(request)
        _painted.append(estimate)
        future = session.in_turn(
            lambda: generate.pipeline(request, by).generate(
                request,
                conditioning,
                progress=lambda now: estimate.take(now.stage, now.step, now.steps, time.monotonic()),
                cancelled=_stop.is_set,
            )
        )
        while not _stop.is_set():
            with contextlib.suppress(concurrent.futures.TimeoutError):
                return future.result(INTERVAL)
        raise Cancelled("The animation was stopped.")

    _stop.clear()
    with BatchFolder(animation_folder()) as batch:
        try:
            progress = (0, len(frames))
            # Large models take their time to read.
            weights = yield from until(session.in_turn(lambda: weight_sums(first)))
            settings = batch_settings(first, choice, weights, named, prompts=prompts, steady=steady)
            batch.begin(settings, restart=restart)
            finished = batch.finished()
            todo = {step.frame: step.sources for step in order if step.frame not in finished}
            _found = len(frames) - len(todo)
            frames_ = _frames(scene, todo, {**wanted, "meanwhile": meanwhile}, steady)
            steps = paint_frames(batch, frames_, paint, stop=_stop)
            try:
                for waiting in steps:
                    progress = (_found + batch.saved, len(frames))
                    yield waiting
            finally:
                steps.close()
        finally:
            progress, _found = None, 0
            _painted.clear()
        return batch.warnings(frames)


def _frames(
    name: str, sources: Mapping[int, Sequence[int]], wanted: dict[str, Any], steady: bool
) -> Iterator[Frame | Waiting]:
    """Each frame's settings and passes; the scene comes back to its own frame after each turn, to be worked in."""
    from ..handdiff_addon.scene.motion import Motion
    from ..handdiff_addon.scene.passes import at_frame
    from ..handdiff_addon.scene.sequence import find_scene, frame_steps

    motion = Motion(sources) if steady else None
    for frame in sources:
        scene = find_scene(name)
        with at_frame(scene, frame):
            request = to_request(scene.handdiff)
        options = {**wanted, "motion": motion, "with_normals": True, "with_picture": request.needs_picture}
        conditioning = yield from session.by_turns(frame_steps(scene, frame, **options))
        yield request, conditioning


def _prompts(scene: bpy.types.Scene) -> Any:
    """Prompts that change over time, as they are written."""
    settings = scene.handdiff
    if settings.prompt_from == "TEXT" and settings.prompt_text is not None:
        return settings.prompt_text.as_string()
    if settings.prompt_from == "MARKERS":
        return marker_prompts((marker.frame, marker.name) for marker in scene.timeline_markers)
    return ""


class HANDDIFF_OT_animate(Stepping, bpy.types.Operator):
    """Paint the scene's frame range, one frame after the other; started again, it goes on with what is missing"""

    bl_idname = "handdiff.animate"
    bl_label = "Paint Animation"

    restart: BoolProperty(  # type: ignore[valid-type]
        name="Start Over",
        description="Begin anew with the settings of now; the earlier frames are moved to a folder beside",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def problem(cls, context: bpy.types.Context) -> str:
        if progress is not None:
            return "An animation is being painted: wait for it, or cancel it."
        return people.scene_problem(context) or engine_problem() or generate.model_problem(context)

    def steps(self, context: bpy.types.Context, *, meanwhile: bool) -> Generator[Waiting, None, None]:
        for warning in (yield from paint_animation(context, restart=self.restart, meanwhile=meanwhile)):
            self.tell("WARNING", warning)
        self.tell("INFO", f"The animation is painted, in {animation_folder()}")

    def stopped(self) -> str:
        return f"Stopped: the finished frames are in {animation_folder()}, and it can go on"


class HANDDIFF_OT_cancel_animation(Refusing, bpy.types.Operator):
    """Stop painting the animation; finished frames stay, and it can go on later"""

    bl_idname = "handdiff.cancel_animation"
    bl_label = "Cancel Animation"

    @classmethod
    def problem(cls, context: bpy.types.Context) -> str:
        return "" if progress is not None else "No animation is being painted."

    def run(self, context: bpy.types.Context) -> None:
        _stop.set()


def pictures(scene: bpy.types.Scene) -> list[Path]:
    """The scene's finished frames; that all of them are there is for whoever reads them to see."""
    from ..handdiff_addon.jobs.batch import picture_paths

    return picture_paths(animation_folder(), frame_range(scene))


def no_pictures() -> str:
    """Why there is no animation to take pictures from, or nothing."""
    there = (animation_folder() / "manifest.jsonl").is_file()
    return "" if there else "There is no painted animation of this file yet: paint one."


class _WithPictures(Refusing):
    @classmethod
    def problem(cls, context: bpy.types.Context) -> str:
        return no_pictures()


class HANDDIFF_OT_add_strip(_WithPictures, bpy.types.Operator):
    """Add the painted frames to the video sequencer, as one strip; a render then shows the sequencer"""

    bl_idname = "handdiff.add_strip"
    bl_label = "Add as Strip"
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context: bpy.types.Context) -> None:
        from ..handdiff_addon.scene.strips import add_strip

        scene = context.scene
        for warning in add_strip(scene, pictures(scene), scene.frame_start, scene.frame_step):
            self.tell("WARNING", warning)
        self.tell("INFO", "The strip is in the video sequencer of this scene")


class HANDDIFF_OT_write_movie(_WithPictures, bpy.types.Operator):
    """Encode the painted frames as animation.mp4, beside them"""

    bl_idname = "handdiff.write_movie"
    bl_label = "Write Movie"

    def run(self, context: bpy.types.Context) -> None:
        from ..handdiff_addon.scene.strips import write_movie

        scene, path = context.scene, animation_folder() / "animation.mp4"
        write_movie(path, pictures(scene), (scene.render.fps, scene.render.fps_base), scene.frame_step)
        self.tell("INFO", f"Saved {path}")


CLASSES = (HANDDIFF_OT_animate, HANDDIFF_OT_cancel_animation, HANDDIFF_OT_add_strip, HANDDIFF_OT_write_movie)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    _stop.set()
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
