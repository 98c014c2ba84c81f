# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb ``models``: what is there, what a file is and whether it loads, folders to remember, downloads."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path

from .errors import ModelError, UsageError
from .models.architecture import FAMILIES
from .models.bases import base_source
from .models.catalogue import ModelIdentity, check_model, embedded_model, find_model, is_own
from .models.discovery import Found, human_size, models_in, models_in_cache
from .models.download import ask, download
from .models.folders import remember, remembered
from .models.hub_cache import hub_cache
from .models.known import KNOWN, known_model, recognise
from .models.sources import locate, read_weights
from .models.stock_plan import plan_stock
from .models.weights import digest

Say = Callable[[str], None]
Report = Callable[[str, int, int], None]


def list_models(say: Say) -> None:
    """The embedded model, the Hugging Face cache, and every folder that is remembered."""
    say("HandDiff:")
    try:
        _say_identity(say, check_model(embedded_model()))
    except ModelError as error:
        say(f"  {error}")
    places = [(f"Hugging Face cache, {hub_cache()}", models_in_cache())]
    places += [(str(folder), models_in(folder)) for folder in remembered()]
    for title, found in places:
        say(f"{title}:")
        _say_found(say, found)
    say("Remember another folder:  handdiff models import DIR.  Download a model:  handdiff models download.")


def import_models(path: Path, say: Say) -> None:
    """Look at a folder of models and remember it; nothing is copied.

    Raises:
        ModelError: where it is no folder, or holds no model that can be used.
    """
    if not path.is_dir():
        raise ModelError(f"There is no folder {path}: give the folder of a program, or one with .safetensors files.")
    found = models_in(path)
    _say_found(say, found)
    if not any(model.usable for model in found):
        raise ModelError(f"{path} holds no model that HandDiff can use: give a folder with .safetensors files.")
    remember(path)
    say(f"Remembered: {path.resolve()}")


def check(name: str, say: Say) -> None:
    """What a model is, down to the bytes of its weights, and whether it loads, as far as this Python can tell.

    Raises:
        ModelError
    """
    if is_own(name):
        identity = check_model(find_model(name))
        _say_identity(say, identity)
        for part in identity.files:
            say(f"  {part.path}  {part.parameters:,} parameters  {part.bytes:,} bytes  sha256 {part.sha256}")
        return
    path = locate(name, remembered())
    if path.is_dir() and (path / "model_index.json").is_file():
        source = base_source(path)
        title, files, is_base = source.architecture.title, source.files, True
    else:
        weights = read_weights(path)
        architecture = weights.architecture
        if architecture.kind == "unknown":
            raise ModelError(
                f"{path} is nothing that HandDiff knows ({FAMILIES[architecture.family]}): choose another."
            )
        title, files, is_base = architecture.title, weights.paths, architecture.kind == "checkpoint"
    say(f"{path}")
    say(f"  {title}")
    for file in files:
        sha256 = digest(file, finite=True)
        known = recognise(file, sha256)
        note = f"  {known.title}, {known.licence}" if known else ""
        shown = file.relative_to(path).as_posix() if path.is_dir() else file.name
        say(f"  {shown}  {file.stat().st_size:,} bytes  sha256 {sha256}{note}")
    if is_base:
        _try_out(path, say)


def _try_out(path: Path, say: Say) -> None:
    if any(importlib.util.find_spec(package) is None for package in ("torch", "diffusers", "transformers")):
        say("  whole by its headers; whether it loads shows with torch and diffusers installed")
        return
    import torch

    from .diffusion.stock_loading import load_plan

    load_plan(plan_stock(str(path)), torch.device("meta"), torch.float32)
    say("  loads")


def list_downloads(say: Say) -> None:
    """The catalogue: names, sizes, licences."""
    for model in KNOWN:
        say(
            f"  {model.name:24} {human_size(model.bytes):>7}  {FAMILIES[model.family]:20}  {model.title}"
            f"  ({model.licence}, {model.repository})"
        )
    say("Download one:  handdiff models download NAME -o DIR.")


def download_model(name: str, folder: Path | None, agreed: bool, say: Say, report: Report) -> None:
    """Say how large a model's file is and, once agreed, fetch it and remember its folder.

    Raises:
        UsageError, ModelError, OutputError
    """
    model = known_model(name)
    if model is None:
        raise UsageError(f"The catalogue has no {name}:  handdiff models download  lists what it has.")
    if folder is None:
        raise UsageError("A download needs a folder: say where to with -o DIR.")
    remote = ask(model, online=True)
    target = remote.target(folder)
    say(f"{model.title} for {FAMILIES[model.family]}, licence {model.licence}: {human_size(remote.bytes)} to {target}")
    if not remote.sha256:
        say("No sha256 of it is published: its size alone can be checked.")
    if not agreed:
        say("Nothing was downloaded: add --yes to begin.")
        return
    download(remote, folder, online=True, told=lambda done, size: report("download", done >> 20, size >> 20))
    remember(folder)
    say(f"{target}")


def _say_found(say: Say, found: list[Found]) -> None:
    for line in _table(found):
        say(f"  {line}")
    if not found:
        say("  nothing")


def _table(found: list[Found]) -> Iterator[str]:
    width = min(60, max((len(model.name) for model in found), default=0))
    for model in found:
        what = model.problem or model.architecture.title
        if not model.problem and not model.usable:
            what += ", which HandDiff does not paint with"
        yield f"{model.name:{width}}  {human_size(model.bytes):>7}  {what}"


def _say_identity(say: Say, identity: ModelIdentity) -> None:
    say(f"  {identity.name}  {identity.parameters:,} parameters  {identity.path}")
    say(f"    parts: {', '.join(identity.parts)}")
