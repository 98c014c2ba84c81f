# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``handdiff`` command: verbs and flags; the work is in :mod:`handdiff_addon.runs` and the rooms below.

Exit codes: 0 done, 1 a fault of ours, 2 wrong usage, 3 the scene, 4 the model, 5 cancelled, 6 the output.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import shutil
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

from . import __version__
from . import cli_flags as flags
from .animate_runs import TARGETS as ANIMATE_TARGETS
from .animate_runs import Farm, run_animate
from .composite_runs import run_layer, run_preview, run_texture
from .console import Console
from .errors import Cancelled, HandDiffError, OutputError, UsageError
from .model_runs import check, download_model, import_models, list_downloads, list_models
from .pass_runs import run_passes, run_pose, run_sequence
from .request import DEFAULT_PASSES, GenerationRequest
from .runs import (
    DEMO_PROMPT,
    TARGETS,
    check_models,
    need_blender,
    need_engine,
    run_demo,
    run_evaluate,
    run_generate,
)
from .training_runs import TASKS, run_dataset, run_train

DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; never raises, save for ``--help`` and ``--version``, which leave as argparse does.

    Returns:
        the exit code of the contract.
    """
    debug = os.environ.get("HANDDIFF_DEBUG", "") not in ("", "0")
    try:
        arguments = _parser().parse_args(argv)
    except UsageError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    with _sigterm_interrupts(), Console(debug, getattr(arguments, "chatty", False)) as console:
        try:
            arguments.run(arguments, console)
            console.end_stage()
            return 0
        except HandDiffError as error:
            refusal = error
        except KeyboardInterrupt:
            refusal = Cancelled("The run was stopped: start it again when you like, earlier results are as they were.")
        except OSError as error:
            if error.errno not in DISK_ERRORS:
                console.fault(error)
                return 1
            refusal = OutputError(f"The results cannot be written ({error.strerror}): make space or change the folder.")
        except Exception as error:
            console.fault(error)
            return 1
        console.complain(str(refusal))
        return refusal.exit_code


def command() -> NoReturn:
    """Run one command as a process of its own, and end it.

    Blender's module waits for ever at the interpreter's end where anything still refers to it, so the process is left
    without one as soon as Blender was used; its folder of temporary files goes by hand.
    """
    code = main()
    if bpy := sys.modules.get("bpy"):
        sys.stdout.flush()
        sys.stderr.flush()
        if (folder := Path(bpy.app.tempdir)).name.startswith("blender_"):
            shutil.rmtree(folder, ignore_errors=True)
        os._exit(code)
    sys.exit(code)


@contextlib.contextmanager
def _sigterm_interrupts() -> Iterator[None]:
    """Take SIGTERM as Ctrl-C while a command runs, where this thread may."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _parser() -> argparse.ArgumentParser:
    parser = flags.Parser("handdiff", description="Posed rigs in, pictures with right hands out.", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"handdiff {__version__}")
    verbs = parser.add_subparsers(metavar="VERB", required=True)

    demo = _verb(verbs, "demo", _demo, "the main job on the bundled sample human, every output")
    flags.add_output(demo)
    flags.add_request_flags(demo)
    demo.add_argument("-p", "--prompt", help=f"what to paint (default: {DEMO_PROMPT})")

    passes = _verb(verbs, "passes", _passes, "skeleton, hand masks, depth and keypoints of one frame or of many")
    flags.add_scene_flags(passes, "SCENE.blend|POSE.json")
    flags.add_output(passes)
    flags.add_pass_flags(passes)
    flags.add_skeleton_flags(passes)

    generate = _verb(verbs, "generate", _generate, "paint one frame: passes, both stages, the composites asked for")
    flags.add_scene_flags(generate)
    flags.add_output(generate)
    flags.add_request_flags(generate)
    generate.add_argument("-p", "--prompt", help="what to paint; needed unless --settings brings one")
    generate.add_argument(
        "--to",
        type=flags.targets,
        default=("image",),
        metavar="LIST",
        help=f"comma-separated from {', '.join(TARGETS)}",
    )

    flags.add_texture_flags(generate)
    generate.add_argument(
        "--views",
        type=flags.count,
        default=0,
        metavar="N",
        help="for the texture, paint N further views around the person where earlier ones left gaps",
    )

    texture = _verb(verbs, "texture", _texture, "project pictures of one or many cameras on to the people")
    flags.add_person_flags(texture)
    flags.add_output(texture)
    flags.add_texture_flags(texture)
    texture.add_argument(
        "--view",
        type=flags.view,
        action="append",
        required=True,
        metavar="[CAMERA=]PICTURE",
        help="a picture and its camera, repeatable (default: the camera that renders the frame)",
    )

    layer = _verb(verbs, "layer", _layer, "lay a picture or a sequence over the render, in the compositor")
    layer.add_argument("scene", type=Path, metavar="SCENE.blend")
    flags.add_output(layer)
    layer.add_argument("--picture", type=Path, required=True, metavar="FILE", help="of a sequence the first")
    layer.add_argument("--mask", type=Path, required=True, metavar="FILE", help="white where it shows; likewise")
    layer.add_argument("--frames", type=flags.span, metavar="A-B", help="frames of the sequence")
    layer.add_argument("--under", action="store_true", help="under the render, which needs a transparent film")
    layer.add_argument("--feather", type=float, metavar="PX", help="softness of the mask's edge")
    layer.add_argument(
        "--no-match", dest="match", action="store_false", help="let the view transform change the picture's colours"
    )
    layer.add_argument(
        "--exr", type=Path, metavar="PASSES", help="a folder of passes: each render writes a multilayer EXR of them"
    )

    preview = _verb(verbs, "preview", _preview, "a GLB, a page that shows it offline, and a turntable")
    flags.add_person_flags(preview)
    flags.add_output(preview)
    preview.add_argument("--form", choices=("posed", "rest", "rigged", "animated"), default="posed")
    preview.add_argument("--for", dest="preset", choices=("web", "headset"), default="", help="limits to keep within")

    animate = _verb(verbs, "animate", _animate, "paint a range of frames; run again, it goes on")
    flags.add_scene_flags(animate)
    flags.add_output(animate)
    flags.add_request_flags(animate)
    animate.add_argument("-p", "--prompt", help="what to paint; needed unless --settings brings one")
    animate.add_argument(
        "--frames", type=flags.frames, metavar="A-B[:STEP]", help="which frames (default: the scene's own range)"
    )
    animate.add_argument(
        "--to",
        type=flags.animate_targets,
        default=(),
        metavar="LIST",
        help=f"beside the image sequence, comma-separated from {', '.join(ANIMATE_TARGETS)}",
    )
    animate.add_argument(
        "--steady", action="store_true", help="paint each frame from earlier ones, carried along with the motion"
    )
    animate.add_argument("--restart", action="store_true", help="put the batch that lies there aside and begin anew")
    animate.add_argument("--ray", metavar="ADDRESS", help="paint on a Ray cluster; local: on one of this machine's own")
    animate.add_argument(
        "--workers", type=flags.count, metavar="N", help="with --ray: models loaded at once (default: one per GPU)"
    )

    dataset = _verb(verbs, "dataset", _dataset, "render a training data set from rigged humans; run again, it goes on")
    flags.add_output(dataset)
    dataset.add_argument(
        "characters",
        nargs="*",
        type=Path,
        metavar="CHARACTER.blend",
        help="your own characters, which keep their looks",
    )
    dataset.add_argument("--humans", type=Path, metavar="DIR", help="folder of rigged .blend files")
    dataset.add_argument("--sample-human", action="store_true", help="use the bundled sample human, too")
    dataset.add_argument("--count", type=int, default=3000, metavar="N", help="samples in the whole data set")
    dataset.add_argument("--worker", type=flags.worker, default=(0, 1), metavar="I/N", help="process I of N, from 0")
    dataset.add_argument("--samples", type=int, default=4, metavar="N", help="render samples per pixel")
    flags.add_budget(dataset)

    train = _verb(verbs, "train", None, "train one part of a model; run again, it goes on")
    tasks = train.add_subparsers(dest="task", metavar="PART", required=True)
    for name, help_text in TASKS.items():
        task = _verb(tasks, name, _train, help_text)
        task.set_defaults(chatty=True)
        flags.add_output(task)
        task.add_argument("--model", type=Path, required=True, metavar="DIR", help="model folder that gets the part")
        if name != "text":
            task.add_argument("--data", type=Path, required=True, metavar="DIR", help="what  handdiff dataset  made")
        if name in ("sketch", "hands", "outpaint", "refiner"):
            task.add_argument(
                "--start",
                nargs="?",
                const="",
                metavar="DIR",
                help="begin with this model's weights instead of random ones (without DIR: the embedded model's)",
            )
        if name in ("hands", "outpaint"):
            task.add_argument("--base", metavar="NAME", help="train for this stock model, which stays as it is")
        if name == "hands":
            task.add_argument(
                "--hagrid", type=Path, metavar="DIR", help="with --base: also learn from HaGRID's photographs"
            )
        if name != "autoencoder":
            task.add_argument("--device", default="auto", help="torch device (default: a GPU where there is one)")
        flags.add_budget(task)

    bench = _verb(verbs, "bench", None, "how fast HandDiff is on this machine")
    subjects = bench.add_subparsers(metavar="SUBJECT", required=True)
    batch = _verb(subjects, "batch", _bench_batch, "a batch of frames against painting alone")
    batch.add_argument("--model", default="", metavar="DIR", help="model folder (default: the embedded model)")
    batch.add_argument("--frames", dest="count", type=flags.count, default=12, metavar="N", help="how many frames")
    _verb(subjects, "passes", _bench_passes, "the passes: time by size of the mesh, and memory over many frames")
    flags.add_bench_flags(
        _verb(subjects, "diffusion", _bench_diffusion, "both stages against diffusers' single stage, on random weights")
    )

    steady = _verb(subjects, "steady", _bench_steady, "how much an animation flickers with --steady and without")
    steady.add_argument("--model", default="", metavar="DIR", help="model folder (default: the embedded model)")
    steady.add_argument("--frames", dest="count", type=flags.count, default=24, metavar="N", help="how many frames")
    steady.add_argument("--strip", type=Path, metavar="FILE", help="picture that gets frames of both, in two rows")
    _verb(subjects, "texture", _bench_texture, "textures of a ring of views against a known one: PSNR, coverage")

    flags.add_evaluate_flags(
        _verb(verbs, "evaluate", _evaluate, "score a model, or pictures, on the benchmark; goes on when run again")
    )

    models = _verb(verbs, "models", None, "which models there are, what they are, and where to get more")
    actions = models.add_subparsers(metavar="ACTION", required=True)
    _verb(actions, "list", _models_list, "the models on this machine: the cache, and the folders that are remembered")
    one = _verb(actions, "check", _models_check, "what a model is, and whether it loads")
    one.add_argument("path", nargs="?", default="", metavar="NAME", help="left out: the embedded model")
    bring = _verb(actions, "import", _models_import, "remember a folder of models; nothing is copied")
    bring.add_argument("path", type=Path, metavar="DIR", help="of ComfyUI, A1111, Forge, Krita AI Diffusion, or any")
    fetch = _verb(
        actions, "download", _models_download, "what can be downloaded; with NAME: its size, then the download"
    )
    fetch.add_argument("name", nargs="?", default="", metavar="NAME")
    fetch.add_argument("-o", "--output", type=Path, metavar="DIR", help="folder that gets the model")
    fetch.add_argument("--yes", action="store_true", help="begin, after the size was shown")
    return parser


def _verb(verbs: Any, name: str, run: Any, help_text: str) -> argparse.ArgumentParser:
    description = f"{help_text[0].upper()}{help_text[1:]}."
    verb = verbs.add_parser(name, help=help_text, description=description, allow_abbrev=False)
    verb.set_defaults(run=run)
    return verb


def _demo(arguments: argparse.Namespace, console: Console) -> None:
    if arguments.prompt is None and arguments.settings is None:
        arguments.prompt = DEMO_PROMPT
    _finish(
        console,
        *run_demo(arguments.output, flags.request_of(arguments), console.progress, *_compute(arguments)),
    )


def _passes(arguments: argparse.Namespace, console: Console) -> None:
    size, skeleton = flags.size_of(arguments), flags.skeleton_of(arguments)
    scene, output, passes = arguments.scene, arguments.output, arguments.passes or DEFAULT_PASSES
    if scene.suffix.lower() == ".json":
        _refuse_scene_flags(arguments)
        _finish(console, *run_pose(scene, output, size, arguments.people, arguments.passes, skeleton))
        return
    choice = flags.choice_of(arguments, size)
    if arguments.frames is None:
        _finish(console, *run_passes(scene, output, choice, passes, skeleton, console.progress))
        return
    if arguments.frame is not None:
        raise UsageError("Both --frame and --frames are given: give one of them.")
    _finish(console, *run_sequence(scene, output, choice, arguments.frames, passes, skeleton, console.progress))


def _refuse_scene_flags(arguments: argparse.Namespace) -> None:
    for flag, value in (
        ("--camera", arguments.camera),
        ("--armature", arguments.armature),
        ("--frame", arguments.frame),
        ("--frames", arguments.frames),
    ):
        if value not in ("", [], None):
            raise UsageError(f"{flag} needs a scene, and {arguments.scene} is a pose: leave it out.")


def _generate(arguments: argparse.Namespace, console: Console) -> None:
    request, choice, texture = flags.request_of(arguments), flags.choice_of(arguments), flags.texture_of(arguments)
    scene, output, told = arguments.scene, arguments.output, console.progress
    compute = _compute(arguments)
    _finish(console, *run_generate(scene, output, request, choice, arguments.to, told, *compute, texture=texture))


def _compute(arguments: argparse.Namespace) -> tuple[str, str, bool]:
    return arguments.device, arguments.dtype, arguments.compile


def _texture(arguments: argparse.Namespace, console: Console) -> None:
    choice, texture = flags.person_of(arguments), flags.texture_of(arguments)
    _finish(console, *run_texture(arguments.scene, arguments.output, arguments.view, choice, texture, console.progress))


def _layer(arguments: argparse.Namespace, console: Console) -> None:
    options = {name: getattr(arguments, name) for name in ("frames", "under", "feather", "match", "exr")}
    files = arguments.scene, arguments.output, arguments.picture, arguments.mask
    _finish(console, *run_layer(*files, console.progress, **options))


def _preview(arguments: argparse.Namespace, console: Console) -> None:
    scene, output, choice = arguments.scene, arguments.output, flags.person_of(arguments)
    _finish(console, *run_preview(scene, output, choice, arguments.form, arguments.preset, console.progress))


def _animate(arguments: argparse.Namespace, console: Console) -> None:
    if arguments.frame is not None:
        raise UsageError("--frame is for one picture: say which frames to paint with --frames A-B.")
    if arguments.workers is not None and arguments.ray is None:
        raise UsageError("--workers needs --ray: without it, one frame is painted after the other.")
    farm = None if arguments.ray is None else Farm(arguments.ray, arguments.workers)
    folder, warnings = run_animate(
        arguments.scene,
        arguments.output,
        flags.request_of(arguments),
        flags.choice_of(arguments),
        arguments.frames,
        arguments.to,
        console.progress,
        steady=arguments.steady,
        restart=arguments.restart,
        farm=farm,
        device=arguments.device,
        dtype=arguments.dtype,
        compile=arguments.compile,
    )
    _finish(console, folder, warnings)


def _dataset(arguments: argparse.Namespace, console: Console) -> None:
    made = run_dataset(
        arguments.output,
        console.progress,
        humans=arguments.humans,
        sample_human=arguments.sample_human,
        characters=arguments.characters,
        count=arguments.count,
        minutes=arguments.minutes,
        worker=arguments.worker,
        samples=arguments.samples,
        seed=arguments.seed,
    )
    console.end_stage()
    console.say(f"{made} samples made in {arguments.output}")


def _train(arguments: argparse.Namespace, console: Console) -> None:
    run_train(
        arguments.task,
        arguments.model,
        arguments.output,
        getattr(arguments, "data", None),
        arguments.minutes,
        seed=arguments.seed,
        device=getattr(arguments, "device", "cpu"),
        start=getattr(arguments, "start", None),
        base=getattr(arguments, "base", None),
        hagrid=getattr(arguments, "hagrid", None),
    )
    console.say(str(arguments.model))


def _bench_passes(_arguments: argparse.Namespace, console: Console) -> None:
    need_blender()
    from .evaluation.bench_passes import bench_passes

    bench_passes(console.say)


def _bench_batch(arguments: argparse.Namespace, console: Console) -> None:
    need_blender()
    from .evaluation.bench_batch import bench_batch

    bench_batch(console.say, arguments.model, arguments.count)


def _bench_steady(arguments: argparse.Namespace, console: Console) -> None:
    check_models(GenerationRequest("", model=arguments.model))
    need_blender()
    from .evaluation.bench_steady import bench_steady

    bench_steady(console.say, arguments.model, arguments.count, arguments.strip)


def _bench_diffusion(arguments: argparse.Namespace, console: Console) -> None:
    need_engine()
    from .evaluation.bench_diffusion import bench_diffusion

    bench_diffusion(
        console.say,
        full=arguments.full or None,
        steps=arguments.steps,
        repeats=arguments.repeats,
        sizes=tuple(arguments.canvas),
    )


def _bench_texture(_arguments: argparse.Namespace, console: Console) -> None:
    need_blender()
    from .evaluation.bench_texture import bench_texture

    bench_texture(console.say)


def _evaluate(arguments: argparse.Namespace, console: Console) -> None:
    page = run_evaluate(
        arguments.output,
        console.progress,
        humans=arguments.humans,
        model=arguments.model,
        count=arguments.count,
        pictures=arguments.pictures,
        conditions=arguments.conditions,
    )
    console.end_stage()
    console.say(str(page))


def _finish(console: Console, folder: Path, warnings: list[str]) -> None:
    console.end_stage()
    for warning in warnings:
        console.complain(f"Warning: {warning}")
    console.say(str(folder))


def _models_list(_arguments: argparse.Namespace, console: Console) -> None:
    list_models(console.say)


def _models_check(arguments: argparse.Namespace, console: Console) -> None:
    check(arguments.path, console.say)


def _models_import(arguments: argparse.Namespace, console: Console) -> None:
    import_models(arguments.path, console.say)


def _models_download(arguments: argparse.Namespace, console: Console) -> None:
    if not arguments.name:
        list_downloads(console.say)
        return
    download_model(arguments.name, arguments.output, arguments.yes, console.say, console.progress)


if __name__ == "__main__":
    command()
