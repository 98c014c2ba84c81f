# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``handdiff`` command: verbs and flags; the work is in :mod:`handdiff_addon.runs` and the rooms below.

Exit codes: 0 done, 1 a fault of ours, 2 wrong usage, 3 the scene, 4 the model, 5 cancelled, 6 the output.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import errno
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn, get_args

from . import __version__
from .console import Console
from .errors import Cancelled, HandDiffError, OutputError, UsageError
from .request import GenerationRequest, MaskSource, Paint, SkeletonSettings, SkeletonStyle, check_size
from .runs import (
    DEMO_PROMPT,
    TARGETS,
    TASKS,
    SceneChoice,
    run_dataset,
    run_demo,
    run_evaluate,
    run_generate,
    run_passes,
    run_train,
)

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


class _Parser(argparse.ArgumentParser):
    """argparse with refusals of one sentence, raised."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message[:1].upper()}{message[1:]}: see  {self.prog} --help.")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser("handdiff", description="Posed rigs in, pictures with right hands out.", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"handdiff {__version__}")
    verbs = parser.add_subparsers(metavar="VERB", required=True)

    demo = _verb(verbs, "demo", _demo, "the main job on the bundled sample human, every output")
    _add_output(demo)
    _add_request_flags(demo)
    demo.add_argument("-p", "--prompt", help=f"what to paint (default: {DEMO_PROMPT})")

    passes = _verb(verbs, "passes", _passes, "skeleton, hand masks, depth and keypoints of one frame")
    _add_scene_flags(passes)
    _add_output(passes)
    passes.add_argument("--style", choices=get_args(SkeletonStyle), default="classic", help="how the skeleton is drawn")

    generate = _verb(verbs, "generate", _generate, "paint one frame: passes, both stages, the composites asked for")
    _add_scene_flags(generate)
    _add_output(generate)
    _add_request_flags(generate)
    generate.add_argument("-p", "--prompt", help="what to paint; needed unless --settings brings one")
    generate.add_argument(
        "--to", type=_targets, default=("image",), metavar="LIST", help=f"comma-separated from {', '.join(TARGETS)}"
    )

    dataset = _verb(verbs, "dataset", _dataset, "render a training data set from rigged humans; run again, it goes on")
    _add_output(dataset)
    dataset.add_argument("--humans", type=Path, metavar="DIR", help="folder of rigged .blend files")
    dataset.add_argument("--sample-human", action="store_true", help="use the bundled sample human, too")
    dataset.add_argument("--count", type=int, default=3000, metavar="N", help="samples in the whole data set")
    dataset.add_argument("--worker", type=_worker, default=(0, 1), metavar="I/N", help="process I of N, from 0")
    dataset.add_argument("--samples", type=int, default=4, metavar="N", help="render samples per pixel")
    _add_budget(dataset)

    train = _verb(verbs, "train", None, "train one part of a model; run again, it goes on")
    tasks = train.add_subparsers(dest="task", metavar="PART", required=True)
    for name, help_text in TASKS.items():
        task = _verb(tasks, name, _train, help_text)
        task.set_defaults(chatty=True)
        _add_output(task)
        task.add_argument("--model", type=Path, required=True, metavar="DIR", help="model folder that gets the part")
        if name != "text":
            task.add_argument("--data", type=Path, required=True, metavar="DIR", help="what  handdiff dataset  made")
        if name != "autoencoder":
            task.add_argument("--device", default="auto", help="torch device (default: a GPU where there is one)")
        _add_budget(task)

    _add_evaluate(
        _verb(verbs, "evaluate", _evaluate, "score a model, or pictures, on the benchmark; goes on when run again")
    )

    models = _verb(verbs, "models", None, "which models there are, and whether they are whole")
    actions = models.add_subparsers(metavar="ACTION", required=True)
    _verb(actions, "list", _models_list, "the models that HandDiff finds by itself")
    check = _verb(actions, "check", _models_check, "whether a model folder is whole, and what it is")
    check.add_argument("path", nargs="?", default="", help="model folder; left out: the embedded model")
    return parser


def _verb(verbs: Any, name: str, run: Any, help_text: str) -> argparse.ArgumentParser:
    description = f"{help_text[0].upper()}{help_text[1:]}."
    verb = verbs.add_parser(name, help=help_text, description=description, allow_abbrev=False)
    verb.set_defaults(run=run)
    return verb


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="folder of the results")


def _add_budget(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--minutes", type=_minutes, metavar="M", help="stop after this time")
    parser.add_argument("--seed", type=int, default=0, metavar="N")


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    _add_output(parser)
    parser.add_argument(
        "--humans", type=Path, metavar="DIR", help="folder of rigged .blend files (default: the sample human)"
    )
    parser.add_argument("--model", default="", metavar="DIR", help="model folder (default: the embedded model)")
    parser.add_argument("--count", type=int, metavar="N", help="the first N entries (default: all)")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="score the pictures ID.png of this folder instead")
    parser.add_argument("--conditions", action="store_true", help="only draw what pictures are to be painted from")


def _minutes(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    if not 0 < minutes < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: give minutes such as 30")
    return minutes


def _worker(text: str) -> tuple[int, int]:
    number, _, workers = text.partition("/")
    if not (number.isdecimal() and workers.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is no share of the work: give I/N such as 0/2")
    return int(number), int(workers)


def _add_scene_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scene", type=Path, metavar="SCENE.blend")
    parser.add_argument("--camera", default="", metavar="NAME", help="camera (default: the one that renders the frame)")
    parser.add_argument(
        "--armature", action="append", default=[], metavar="NAME", help="armature, repeatable (default: every humanoid)"
    )
    parser.add_argument("--frame", type=int, metavar="N", help="frame (default: the file's current one)")
    parser.add_argument("--size", type=int, nargs=2, metavar=("W", "H"), help="size in pixels, multiples of 8")


def _add_request_flags(parser: argparse.ArgumentParser) -> None:
    """Flags that set fields of :class:`GenerationRequest`; left out, ``--settings`` or the default holds."""
    parser.add_argument("--settings", type=Path, metavar="FILE.json", help="a saved request, or a report.json")
    parser.add_argument("--negative", dest="negative_prompt", metavar="T", help="what not to paint")
    parser.add_argument("--seed", type=int, metavar="N")
    parser.add_argument("--steps", type=int, metavar="N", help="denoising steps of each stage")
    parser.add_argument("--model", metavar="DIR", help="model folder (default: the embedded model)")
    parser.add_argument("--hand-model", metavar="DIR", help="hand generator's folder (default: the one in the model)")
    parser.add_argument("--best-of", type=int, metavar="N", help="tries of stage 1, of which the best is kept")
    parser.add_argument("--mask-source", choices=get_args(MaskSource), help="which hand mask drives stage 2")
    parser.add_argument("--paint", choices=get_args(Paint), help="what stage 2 may paint")
    parser.add_argument("--style", choices=get_args(SkeletonStyle), help="how the skeleton is drawn")
    parser.add_argument("--single-stage", dest="two_stages", action="store_false", default=None, help="no hand stage")


def _targets(text: str) -> tuple[str, ...]:
    words = tuple(word.strip() for word in text.split(",") if word.strip())
    if unknown := [word for word in words if word not in TARGETS]:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(TARGETS)}")
    return words


REQUEST_FLAGS = (
    "prompt", "negative_prompt", "seed", "steps", "model", "hand_model", "best_of", "mask_source", "paint",
    "two_stages",
)  # fmt: skip


def _request(arguments: argparse.Namespace) -> GenerationRequest:
    """The saved request, if one is given, with the flags laid over it."""
    given = {name: value for name in REQUEST_FLAGS if (value := getattr(arguments, name, None)) is not None}
    if "steps" in given:
        given["hand_steps"] = given["steps"]
    if size := getattr(arguments, "size", None):
        given["size"] = tuple(size)
    saved = GenerationRequest.read(arguments.settings) if arguments.settings else None
    if arguments.style is not None:
        skeleton = saved.skeleton if saved else SkeletonSettings()
        given["skeleton"] = dataclasses.replace(skeleton, style=arguments.style)
    if saved:
        return dataclasses.replace(saved, **given)
    if "prompt" not in given:
        raise UsageError("No prompt is given: say what to paint with -p, or bring a saved request with --settings.")
    return GenerationRequest(**given)


def _choice(arguments: argparse.Namespace, size: tuple[int, int] | None = None) -> SceneChoice:
    return SceneChoice(arguments.camera, tuple(arguments.armature), arguments.frame, size)


def _demo(arguments: argparse.Namespace, console: Console) -> None:
    if arguments.prompt is None and arguments.settings is None:
        arguments.prompt = DEMO_PROMPT
    _finish(console, *run_demo(arguments.output, _request(arguments), console.progress))


def _passes(arguments: argparse.Namespace, console: Console) -> None:
    size = None
    if arguments.size:
        size = (arguments.size[0], arguments.size[1])
        check_size(*size)
    choice = _choice(arguments, size)
    skeleton = SkeletonSettings(arguments.style)
    _finish(console, *run_passes(arguments.scene, arguments.output, choice, skeleton, console.progress))


def _generate(arguments: argparse.Namespace, console: Console) -> None:
    request, choice = _request(arguments), _choice(arguments)
    _finish(console, *run_generate(arguments.scene, arguments.output, request, choice, arguments.to, console.progress))


def _dataset(arguments: argparse.Namespace, console: Console) -> None:
    made = run_dataset(
        arguments.output,
        console.progress,
        humans=arguments.humans,
        sample_human=arguments.sample_human,
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
    )
    console.say(str(arguments.model))


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


def _models_list(arguments: argparse.Namespace, console: Console) -> None:
    from .models.catalogue import check_model, embedded_model

    _say_identity(console, check_model(embedded_model()))


def _models_check(arguments: argparse.Namespace, console: Console) -> None:
    from .models.catalogue import check_model, find_model

    identity = check_model(find_model(arguments.path))
    _say_identity(console, identity)
    for file in identity.files:
        console.say(f"  {file.path}  {file.parameters:,} parameters  {file.bytes:,} bytes  sha256 {file.sha256}")


def _say_identity(console: Console, identity: Any) -> None:
    console.say(f"{identity.name}  {identity.parameters:,} parameters  {identity.path}")
    console.say(f"  parts: {', '.join(identity.parts)}")


if __name__ == "__main__":
    sys.exit(main())
