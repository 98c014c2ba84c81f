# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs that make, measure and bring models: the flags of each, and the run that they go to."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from . import cli_flags as flags
from .console import Console
from .model_runs import check, download_model, import_models, list_downloads, list_models
from .request import GenerationRequest
from .runs import check_models, need_blender, need_engine, run_evaluate
from .training_runs import TASKS, run_dataset, run_train


def add_verbs(verbs: Any) -> None:
    _add_dataset(verbs)
    _add_train(verbs)
    _add_bench(verbs)
    _add_evaluate(verbs)
    _add_models(verbs)


def _add_dataset(verbs: Any) -> None:
    verb = flags.add_verb(
        verbs, "dataset", _dataset, "render a training data set from rigged humans; run again, it goes on"
    )
    flags.add_output(verb)
    verb.add_argument(
        "characters",
        nargs="*",
        type=Path,
        metavar="CHARACTER.blend",
        help="your own characters, which keep their looks",
    )
    verb.add_argument("--humans", type=Path, metavar="DIR", help="folder of rigged .blend files")
    verb.add_argument("--sample-human", action="store_true", help="use the bundled sample human, too")
    verb.add_argument("--count", type=int, default=3000, metavar="N", help="samples in the whole data set")
    verb.add_argument("--worker", type=flags.worker, default=(0, 1), metavar="I/N", help="process I of N, from 0")
    verb.add_argument("--samples", type=int, default=4, metavar="N", help="render samples per pixel")
    flags.add_budget(verb)


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


def _add_train(verbs: Any) -> None:
    train = flags.add_verb(verbs, "train", None, "train one part of a model; run again, it goes on")
    tasks = train.add_subparsers(dest="task", metavar="PART", required=True)
    for name, help_text in TASKS.items():
        task = flags.add_verb(tasks, name, _train, help_text)
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


def _add_bench(verbs: Any) -> None:
    bench = flags.add_verb(verbs, "bench", None, "how fast HandDiff is on this machine")
    subjects = bench.add_subparsers(metavar="SUBJECT", required=True)
    batch = flags.add_verb(subjects, "batch", _bench_batch, "a batch of frames against painting alone")
    batch.add_argument("--model", default="", metavar="DIR", help="model folder (default: the embedded model)")
    batch.add_argument("--frames", dest="count", type=flags.count, default=12, metavar="N", help="how many frames")
    flags.add_verb(
        subjects, "passes", _bench_passes, "the passes: time by size of the mesh, and memory over many frames"
    )
    diffusion = flags.add_verb(
        subjects, "diffusion", _bench_diffusion, "both stages against diffusers' single stage, on random weights"
    )
    diffusion.add_argument("--full", action="store_true", help="models of the published size (default: on a GPU)")
    diffusion.add_argument(
        "--canvas", type=int, action="append", default=[], metavar="N", help="side in pixels, repeatable"
    )
    diffusion.add_argument("--steps", type=int, default=20, metavar="N", help="denoising steps")
    diffusion.add_argument("--repeats", type=int, default=5, metavar="N", help="runs of each way")
    steady = flags.add_verb(
        subjects, "steady", _bench_steady, "how much an animation flickers with --steady and without"
    )
    steady.add_argument("--model", default="", metavar="DIR", help="model folder (default: the embedded model)")
    steady.add_argument("--frames", dest="count", type=flags.count, default=24, metavar="N", help="how many frames")
    steady.add_argument("--strip", type=Path, metavar="FILE", help="picture that gets frames of both, in two rows")
    flags.add_verb(
        subjects, "texture", _bench_texture, "textures of a ring of views against a known one: PSNR, coverage"
    )


def _bench_batch(arguments: argparse.Namespace, console: Console) -> None:
    need_blender()
    from .evaluation.bench_batch import bench_batch

    bench_batch(console.say, arguments.model, arguments.count)


def _bench_passes(_arguments: argparse.Namespace, console: Console) -> None:
    need_blender()
    from .evaluation.bench_passes import bench_passes

    bench_passes(console.say)


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


def _bench_steady(arguments: argparse.Namespace, console: Console) -> None:
    check_models(GenerationRequest("", model=arguments.model))
    need_blender()
    from .evaluation.bench_steady import bench_steady

    bench_steady(console.say, arguments.model, arguments.count, arguments.strip)


def _bench_texture(_arguments: argparse.Namespace, console: Console) -> None:
    need_blender()
    from .evaluation.bench_texture import bench_texture

    bench_texture(console.say)


def _add_evaluate(verbs: Any) -> None:
    verb = flags.add_verb(
        verbs, "evaluate", _evaluate, "score a model, or pictures, on the benchmark; goes on when run again"
    )
    flags.add_output(verb)
    verb.add_argument(
        "--humans", type=Path, metavar="DIR", help="folder of rigged .blend files (default: the sample human)"
    )
    verb.add_argument("--model", default="", metavar="DIR", help="model folder (default: the embedded model)")
    verb.add_argument("--count", type=int, metavar="N", help="the first N entries (default: all)")
    verb.add_argument("--pictures", type=Path, metavar="DIR", help="score the pictures ID.png of this folder instead")
    verb.add_argument("--conditions", action="store_true", help="only draw what pictures are to be painted from")


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


def _add_models(verbs: Any) -> None:
    models = flags.add_verb(verbs, "models", None, "which models there are, what they are, and where to get more")
    actions = models.add_subparsers(metavar="ACTION", required=True)
    flags.add_verb(
        actions, "list", _models_list, "the models on this machine: the cache, and the folders that are remembered"
    )
    one = flags.add_verb(actions, "check", _models_check, "what a model is, and whether it loads")
    one.add_argument("path", nargs="?", default="", metavar="NAME", help="left out: the embedded model")
    bring = flags.add_verb(actions, "import", _models_import, "remember a folder of models; nothing is copied")
    bring.add_argument("path", type=Path, metavar="DIR", help="of ComfyUI, A1111, Forge, Krita AI Diffusion, or any")
    fetch = flags.add_verb(
        actions, "download", _models_download, "what can be downloaded; with NAME: its size, then the download"
    )
    fetch.add_argument("name", nargs="?", default="", metavar="NAME")
    fetch.add_argument("-o", "--output", type=Path, metavar="DIR", help="folder that gets the model")
    fetch.add_argument("--yes", action="store_true", help="begin, after the size was shown")


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
