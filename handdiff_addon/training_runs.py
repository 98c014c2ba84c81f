# SPDX-License-Identifier: GPL-3.0-or-later
"""The runs behind ``handdiff dataset`` and ``handdiff train``: what can be refused is refused first, then torch."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from .errors import ModelError, UsageError
from .files import make_folder
from .jobs.store import RunFolder
from .models.catalogue import check_model, find_model
from .models.stock_plan import plan_base
from .runs import Report, need_blender, need_engine

TASKS = {
    "text": "the tokenizer and the text encoder, from captions alone",
    "autoencoder": "both patch autoencoders, in closed form",
    "sketch": "stage 2: the colour sketch by itself, before outpaint",
    "hands": "stage 1: the hand generator and its mask head",
    "outpaint": "stage 2: the U-Net and its ControlNet, and the colour sketch with them",
    "refiner": "details of the painted person, after all others",
}
"""Parts of a model that can be trained; the first two come first, the sketch before outpaint, the refiner last."""


def run_dataset(output: Path, report: Report, **options: Any) -> int:
    """Render a training data set, or the samples that it still lacks; options are those of ``generate_dataset``.

    Returns:
        the number of samples made.
    """
    folder = RunFolder(output).folder
    need_blender()
    from .training.dataset import generate_dataset

    return generate_dataset(folder, progress=lambda made, wanted: report("dataset", made, wanted), **options)


def run_train(
    task: str,
    model: Path,
    output: Path,
    data: Path | None,
    minutes: float | None,
    *,
    seed: int,
    device: str,
    start: str | None = None,
    base: str | None = None,
    hagrid: Path | None = None,
) -> None:
    """Train one of :data:`TASKS` into the folder ``model``; ``output`` keeps the run's state, from which it goes on.

    With ``start``, a model's name as :func:`find_model` takes it, the part begins with that model's weights, and parts
    that ``model`` lacks are copied from it.  With ``base``, a stock model's name, the part is trained for that model,
    its hands also on the photographs of a folder of HaGRID.

    Raises:
        OutputError, UsageError, ModelError: before anything is trained.
    """
    output, model = RunFolder(output).folder, RunFolder(model).folder
    if minutes is None and task != "autoencoder":
        raise UsageError("The training needs a budget: say how long it may take with --minutes.")
    if data is not None and not any(data.glob("*/index.jsonl")):
        raise UsageError(f"{data} holds no data set: make one with  handdiff dataset -o {data}.")
    if hagrid is not None and base is None:
        raise UsageError("HaGRID's photographs are for stock models: name one with --base, or leave --hagrid out.")
    if base is not None and data is not None:
        options: dict[str, Any] = {"seed": seed, "device": device, **({"hagrid": hagrid} if hagrid else {})}
        _train_base(task, base, model, output, data, minutes or 0.0, start, options)
        return
    start_folder = None
    if start is not None:
        start_folder = find_model(start)
        check_model(start_folder)
    need_engine()
    if start_folder is not None:
        _copy_missing(start_folder, model)
    if task in ("sketch", "hands", "outpaint"):
        folder = model / "hands" if task == "hands" else model
        for part, needed in ((model / "text_encoder", "text"), (folder / "patch_autoencoder", "autoencoder")):
            if not (part / "config.json").is_file():
                raise ModelError(f"{part} is not there yet: run  handdiff train {needed}  first.")
    if task == "refiner":
        check_model(model)
        if start_folder is not None and not (model / "refiner").is_dir():
            raise ModelError(f"{start_folder} has no refiner to begin with: leave --start out.")
    from .training import tasks
    from .training.refiner import train_refiner
    from .training.sketch import train_sketch

    device = _training_device(device)
    if task == "text":
        tasks.train_text(model, output, minutes or 0.0, seed=seed, device=device)
    elif task == "autoencoder" and data is not None:
        tasks.train_autoencoders(model, data, seed=seed)
    elif task == "sketch" and data is not None:
        train_sketch(model, output, data, minutes or 0.0, seed=seed, device=device, start=start_folder)
    elif task == "refiner" and data is not None:
        train_refiner(model, output, data, minutes or 0.0, seed=seed, device=device, start=start_folder)
    elif data is not None:
        train = tasks.train_hands if task == "hands" else tasks.train_outpaint
        train(model, output, data, minutes or 0.0, seed=seed, device=device, start=start_folder)


def _copy_missing(start: Path, model: Path) -> None:
    """Copy the parts that a model lacks from another, each as a whole: half a part would later be taken for one."""
    make_folder(model)
    for part in start.iterdir():
        if not (model / part.name).exists():
            with tempfile.TemporaryDirectory(prefix=".copying-", dir=model) as beside:
                copied = (shutil.copytree if part.is_dir() else shutil.copy2)(part, Path(beside) / part.name)
                os.replace(copied, model / part.name)


def _train_base(
    task: str, base: str, model: Path, output: Path, data: Path, minutes: float, start: Any, options: dict[str, Any]
) -> None:
    if start is not None:
        raise UsageError("Both --start and --base are given: name the one model to begin with.")
    if (model / "model_index.json").is_file():
        raise UsageError(f"{model} holds a whole model: name a new folder for what is trained with --model.")
    plan = plan_base(base)
    need_engine()
    from .training.base import train_base_hands, train_base_outpaint

    train = train_base_hands if task == "hands" else train_base_outpaint
    options["device"] = _training_device(options["device"])
    train(plan, make_folder(model), output, data, minutes, **options)


def _training_device(name: str) -> str:
    """A torch device's name; ``auto``: a GPU where there is one."""
    import torch

    return ("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name
