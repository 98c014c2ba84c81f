# SPDX-License-Identifier: GPL-3.0-or-later
"""The run behind ``handdiff animate``: a range of frames, painted on this machine or on a Ray cluster."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from . import __version__
from .errors import Cancelled, OutputError
from .files import file_sha256
from .jobs.steady import Step, plan
from .models.sums import weight_sums
from .request import GenerationRequest, GenerationResult
from .runs import Report, SceneChoice, check_models, need, open_scene

if TYPE_CHECKING:
    from .conditioning.frame import Conditioning
    from .jobs.batch import BatchFolder, Paint

Target = Literal["strip", "movie"]
TARGETS: tuple[Target, ...] = get_args(Target)


@dataclasses.dataclass(frozen=True)
class Farm:
    """Where to paint instead of in this process."""

    address: str
    """``local``, or a Ray cluster's"""
    workers: int | None = None
    """Models loaded at once; None: one per GPU, or one per machine where there is none."""


def run_animate(
    blend: Path,
    output: Path,
    request: GenerationRequest,
    choice: SceneChoice,
    frames: range | None,
    targets: Sequence[Target],
    report: Report,
    *,
    steady: bool = False,
    restart: bool = False,
    farm: Farm | None = None,
    device: str = "auto",
    dtype: str = "auto",
    compile: bool = False,
) -> tuple[Path, list[str]]:
    """Paint those frames of a range that are not finished yet, each into a folder of its own.

    Args:
        blend: the scene.
        output: the folder of the batch.
        request: the settings of every frame.
        choice: what of the scene to use; its frame is not looked at.
        frames: frame numbers; None: the scene's own range.
        targets: also ``strip.blend``, the scene with the pictures as a strip, and ``animation.mp4``.
        report: told of finished frames.
        steady: paint each frame from earlier ones, carried along with the motion.
        restart: put the batch that lies there aside and begin anew.
        farm: paint on a Ray cluster.
        device, dtype, compile: as ``TwoStagePipeline.for_request`` takes them.

    Returns:
        the folder, and the warnings.

    Raises:
        OutputError, ModelError, SceneError, UsageError: before any long work.  Or, like Cancelled, in the middle of it:
            frames finished by then stay, and the next run goes on.
    """
    from .jobs.batch import BatchFolder

    with BatchFolder(output) as batch:
        check_models(request)
        weights = weight_sums(request)
        if farm is not None:
            need("ray", "farm")
        scene = open_scene(blend, None)
        from .scene.cameras import scene_camera, takes
        from .scene.files import missing_libraries
        from .scene.rigs import find_humanoids

        find_humanoids(scene, choice.armatures)
        scene_camera(scene, choice.camera)
        warnings = missing_libraries()
        if frames is None:
            frames = range(scene.frame_start, scene.frame_end + 1, scene.frame_step)
        settings = batch_settings(request, choice, weights, file_sha256(blend), dtype=dtype, steady=steady)
        batch.begin(settings, restart=restart)
        finished = batch.finished()
        todo = [frame for frame in frames if frame not in finished]
        cuts = takes(scene, frames, choice.camera) if steady else None
        if todo:
            stop = threading.Event()
            painters: AbstractContextManager[tuple[Paint, int]] = _painter(request, stop, device, dtype, compile)
            if farm is not None:
                from .jobs.farm import ray_painters

                painters = ray_painters(request, weights, farm.address, farm.workers, stop, device, dtype, compile)
            _paint(scene, batch, request, choice, todo, cuts, report, painters, stop)
        warnings += batch.warnings(frames)
        warnings += _compose(scene, batch, frames, targets, report)
        return batch.folder, warnings


def batch_settings(
    request: GenerationRequest, choice: SceneChoice, weights: dict[str, str], scene: str, **more: Any
) -> dict[str, Any]:
    """What the pictures of a batch depend on, JSON-ready: the paths of models count by their weights.

    Args:
        request: the settings of every frame.
        choice: what of the scene to use.
        weights: as :func:`weight_sums` gives them.
        scene: what tells the scene from others.
        more: what else there is.
    """
    settings = request.to_dict()
    for name in ("schema_version", "model", "hand_model", "vae"):
        del settings[name]
    return {
        "request": settings,
        "choice": {name: value for name, value in choice.options().items() if name != "size"},
        "model": {"sha256": weights},
        "scene": scene,
        "version": __version__,
        **more,
    }


def _paint(
    scene: Any,
    batch: BatchFolder,
    request: GenerationRequest,
    choice: SceneChoice,
    todo: Sequence[int],
    cuts: Sequence[Sequence[int]] | None,
    report: Report,
    painters: AbstractContextManager[tuple[Paint, int]],
    stop: threading.Event,
) -> None:
    from .jobs.batch import paint_frames
    from .scene.motion import Motion
    from .scene.sequence import render_sequence

    report("loading", 0, 0)
    with painters as (paint, workers):
        order = [Step(frame) for frame in todo] if cuts is None else plan(cuts, workers)
        sources = {step.frame: step.sources for step in order if step.frame in todo}
        passes = render_sequence(
            scene,
            list(sources),
            motion=None if cuts is None else Motion(sources),
            skeleton=request.skeleton,
            with_normals=True,
            with_picture=request.needs_picture,
            **choice.options(),
        )
        wanted = ((request, conditioning) for conditioning in passes)
        steps = paint_frames(batch, wanted, paint, workers=workers, stop=stop)
        try:
            for waiting in steps:
                report("frames", batch.saved, len(todo))
                concurrent.futures.wait(waiting, return_when=concurrent.futures.FIRST_COMPLETED)
            report("frames", batch.saved, len(todo))
        except KeyboardInterrupt:
            steps.close()
            raise Cancelled(f"The batch was stopped: {_state(batch)}") from None
        except OutputError as error:
            raise OutputError(f"{str(error).removesuffix('.')}; {_state(batch)}") from error
        finally:
            steps.close()
            passes.close()


def _state(batch: BatchFolder) -> str:
    count = len(batch.finished())
    return f"{count} frame{'s are' if count != 1 else ' is'} finished in {batch.folder}, and the same command goes on."


@contextlib.contextmanager
def _painter(
    request: GenerationRequest, stop: threading.Event, device: str, dtype: str, compile: bool
) -> Iterator[tuple[Paint, int]]:
    """What paints a frame in this process, one at once."""
    from .diffusion.pipeline import TwoStagePipeline

    pipeline = TwoStagePipeline.for_request(request, device, dtype, compile)

    def paint(request: GenerationRequest, conditioning: Conditioning) -> GenerationResult:
        return pipeline.generate(request, conditioning, cancelled=stop.is_set)

    yield paint, 1


def _compose(scene: Any, batch: BatchFolder, frames: range, targets: Sequence[Target], report: Report) -> list[str]:
    """Make what was asked for of the finished pictures."""
    if not targets:
        return []
    from .jobs.batch import picture_paths
    from .scene.glb import save_copy
    from .scene.strips import add_strip, write_movie

    pictures, hold = picture_paths(batch.folder, frames), frames.step
    if "movie" in targets:
        report("movie", 0, 0)
        fps = scene.render.fps, scene.render.fps_base
        write_movie(batch.folder / "animation.mp4", pictures, fps, hold)
    if "strip" in targets:
        report("strip", 0, 0)
        warnings = add_strip(scene, pictures, frames[0], hold)
        save_copy(scene, batch.folder / "strip.blend")
        return warnings
    return []
