# SPDX-License-Identifier: GPL-3.0-or-later
"""What models there are on this machine: in the Hugging Face cache and in the folders that the user points at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import ModelError
from .architecture import PAINTABLE, Architecture
from .bases import base_source
from .catalogue import is_own
from .folders import walk
from .hub_cache import cached, cached_repositories, repository_of
from .sources import read_weights, source_name
from .tables import read_table
from .weights import PICKLES, is_safetensors

_SMALL = 64 * 1024
"""Bytes under which a pickle is a remark of some program and no model"""


@dataclass(frozen=True)
class Found:
    """A model on this machine."""

    path: Path
    name: str
    """As the command line takes it, too, where it is a Hugging Face id"""
    architecture: Architecture
    bytes: int
    problem: str = ""
    """Why it cannot be used; empty where it can, as far as its headers tell"""

    @property
    def usable(self) -> bool:
        family = self.architecture.family
        return not self.problem and self.architecture.kind != "unknown" and (not family or family in PAINTABLE)


def models_in(folder: Path) -> list[Found]:
    """Every model below a folder, by headers alone: some milliseconds each.

    Files that are no model's weights are left out; pickles and damaged files are listed with their problem.
    """
    found: list[Found] = []
    inside: list[Path] = []
    for here, files in walk(folder):
        if any(here.is_relative_to(model) for model in inside):
            continue
        names = {file.name for file in files}
        weights = [file for file in files if is_safetensors(file)]
        if "model_index.json" in names or ("config.json" in names and weights):
            inside.append(here)
            found.append(_folder(here))
        else:
            found += [_file(file) for file in weights]
            found += [
                _pickle(file) for file in files if file.suffix.lower() in PICKLES and file.stat().st_size > _SMALL
            ]
    return found


def models_in_cache() -> list[Found]:
    """Every model of the Hugging Face cache that HandDiff may use, by headers alone; others are left out."""
    found = []
    for repository in cached_repositories():
        if snapshot := cached(repository):
            found += [model for model in _of_snapshot(snapshot) if model.usable or model.problem]
    return found


def _of_snapshot(snapshot: Path) -> Iterator[Found]:
    if (snapshot / "model_index.json").is_file():
        try:
            index = read_table(snapshot / "model_index.json")
        except ModelError:
            index = {}
        if str(index.get("_class_name", "")).startswith("StableDiffusion"):
            yield _folder(snapshot)
    elif (snapshot / "config.json").is_file() and any(snapshot.glob("diffusion_pytorch_model*.safetensors")):
        yield _folder(snapshot)
    for file in sorted(snapshot.glob("*.safetensors")):
        if file.name.partition(".")[0] != "diffusion_pytorch_model":  # which is the folder's own
            yield _file(file)


def _folder(path: Path) -> Found:
    unknown = Architecture("unknown")
    try:
        if (path / "model_index.json").exists():
            if is_own(str(path)):
                return Found(path, source_name(path), Architecture("handdiff"), _size(path.rglob("*.safetensors")))
            source = base_source(path)
            return Found(path, source_name(path), source.architecture, _size(source.files))
        weights = read_weights(path)
        return Found(path, source_name(path), weights.architecture, _size(weights.paths))
    except ModelError as error:
        return Found(path, source_name(path), unknown, 0, _about_itself(error, path))


def _file(path: Path) -> Found:
    name = path.name if not repository_of(path) else source_name(path)
    try:
        return Found(path, name, read_weights(path).architecture, _size([path]))
    except ModelError as error:
        return Found(path, name, Architecture("unknown"), _size([path]), _about_itself(error, path))


def _about_itself(error: ModelError, path: Path) -> str:
    """The refusal without the path, which the list has beside it."""
    return str(error).replace(f"The weights {path} are", "they are").replace(f"{path}", "it")


def _pickle(path: Path) -> Found:
    return Found(path, path.name, Architecture("unknown"), _size([path]), "a pickle, which HandDiff does not read")


def _size(paths: Iterable[Path]) -> int:
    return sum(path.stat().st_size for path in paths if path.exists())


def human_size(size: int) -> str:
    """Bytes for people: "4.3 GB", "135 MB"."""
    value, unit = float(size), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 999.5 or unit == "TB":
            break
        value /= 1000
    return f"{value:.1f} {unit}" if value < 10 and unit not in ("B", "kB") else f"{value:.0f} {unit}"
