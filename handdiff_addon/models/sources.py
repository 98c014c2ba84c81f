# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of weights that a user's name stands for, and what their headers say; without torch.

A name is a path, an entry or id of the Hugging Face cache, or the name of a file in the model folders.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ModelError
from ..files import there
from .architecture import Architecture, identify
from .folders import walk
from .hub_cache import REPOSITORY, cached, refuse_link_out, repository_of, snapshot
from .safetensors_header import TensorInfo, read_header
from .tables import read_table
from .weights import PICKLES, is_safetensors, refuse_pickle

STEMS = ("diffusion_pytorch_model", "model", "pytorch_lora_weights")
"""Names of a part's weights in diffusers' layout"""


@dataclass(frozen=True)
class Weights:
    """The tensors of one or more files, as they are named there."""

    path: Path
    """The file, or the folder of its shards"""
    tensors: dict[str, TensorInfo]
    files: dict[str, Path]
    """File of each tensor"""
    metadata: dict[str, str]
    config: dict[str, Any] | None = None

    @property
    def architecture(self) -> Architecture:
        return identify(self.tensors)

    @property
    def paths(self) -> list[Path]:
        return sorted(set(self.files.values()))


def locate(name: str, folders: Sequence[Path] = ()) -> Path:
    """The file or folder that a user's name stands for.

    Args:
        name: a path; a Hugging Face id that is in the cache, with a file below it or without
            (``ORG/NAME`` or ``ORG/NAME/FILE.safetensors``); or the name of a file in ``folders``, with its ending or
            without.
        folders: where bare names are looked up, below each in turn.

    Raises:
        ModelError: where there is none, or several.
    """
    if path := there(name):
        if path.is_dir() and path.name.startswith("models--"):
            if not (newest := snapshot(path)):
                raise ModelError(f"{path} holds no snapshot: the download was not finished, start it again.")
            return newest
        return path
    words = name.split("/")
    if len(words) >= 2 and REPOSITORY.fullmatch("/".join(words[:2])):
        folder = cached("/".join(words[:2]))
        if folder and ".." not in words and (found := there(folder.joinpath(*words[2:]))):
            return found
    if len(words) == 1 and name:
        hits = _by_name(name, folders)
        if len(hits) == 1:
            return hits[0]
        if hits:
            raise ModelError(f"There are several models named {name} ({hits[0]}, {hits[1]}): give the path of one.")
    if Path(name).suffix.lower() in PICKLES:
        refuse_pickle(Path(name))
    raise ModelError(
        f"There is no model {name}: give the path of a .safetensors file or a model folder, or a Hugging Face id that "
        "is downloaded already ( handdiff models list  shows what is there)."
    )


def _by_name(name: str, folders: Sequence[Path]) -> list[Path]:
    hits = {
        path.resolve(): path
        for folder in folders
        for here, files in walk(folder)
        for path in (here, *files)
        if (path.name == name or (is_safetensors(path) and path.stem == name)) and path != folder
    }
    return list(hits.values())


def read_weights(path: Path, *, half: bool = False, root: Path | None = None) -> Weights:
    """Headers of a file, or of the weights in a part's folder, shards joined.

    Args:
        path: file or folder.
        half: prefer the ``fp16`` variant, where the folder has it.
        root: folder that no file may be linked out of (default: ``path``); a file named by itself may be a link.

    Raises:
        ModelError: where it is a pickle, damaged, incomplete or not there.
    """
    if not path.is_dir():
        refuse_pickle(path)
        files, config = [path], None
    else:
        files = _weight_files(path, half)
        config = read_config(path / "config.json") if (path / "config.json").exists() else None
    if root or path.is_dir():
        for file in files:
            refuse_link_out(file, root or path)
    tensors: dict[str, TensorInfo] = {}
    places: dict[str, Path] = {}
    metadata: dict[str, str] = {}
    for file in files:
        header = read_header(file)
        tensors |= header.tensors
        places |= dict.fromkeys(header.tensors, file)
        metadata |= header.metadata
    return Weights(path, tensors, places, metadata, config)


def _weight_files(folder: Path, half: bool) -> list[Path]:
    for variant in (".fp16", "") if half else ("", ".fp16"):
        for stem in STEMS:
            index = folder / f"{stem}.safetensors.index{variant}.json"
            if index.is_file():
                return shards(index)
            if (file := folder / f"{stem}{variant}.safetensors").exists():
                return [file]
    others = sorted(folder.glob("*.safetensors"))
    if len(others) == 1:
        return others
    if others:
        names = ", ".join(file.name for file in others[:3])
        raise ModelError(f"The folder {folder} holds several files of weights ({names}): give the path of one.")
    if pickle := next((file for file in sorted(folder.glob("*")) if file.suffix.lower() in PICKLES), None):
        refuse_pickle(pickle)
    raise ModelError(f"The folder {folder} holds no weights (.safetensors): copy or download the model again.")


def shards(index: Path) -> list[Path]:
    """The files that the index of a split model names, all in its folder.

    Raises:
        ModelError: where the index is damaged, a file is missing, or one lies elsewhere.
    """
    table = read_table(index).get("weight_map")
    if not isinstance(table, dict) or not table:
        raise ModelError(f"{index} lists no weights: copy or download this file again.")
    names = sorted(set(map(str, table.values())))
    for name in names:
        if Path(name).name != name or not name.endswith(".safetensors"):
            raise ModelError(f"{index} names weights outside its folder ({name}): do not use this model.")
        if not (index.parent / name).exists():
            raise ModelError(f"The weights {index.parent / name} are missing: copy or download this file.")
    return [index.parent / name for name in names]


def read_config(path: Path) -> dict[str, Any]:
    """A configuration of diffusers' or transformers'.

    Raises:
        ModelError: where it is missing, damaged, or asks for code that comes with the model.
    """
    config = read_table(path)
    kind = config.get("_class_name")
    for name, asks in (
        ("auto_map", "auto_map" in config),
        ("trust_remote_code", bool(config.get("trust_remote_code"))),
        ("custom_pipeline", "custom_pipeline" in config),
        ("_class_name", isinstance(kind, list)),
    ):
        if asks:
            raise ModelError(
                f"{path} asks for code that comes with the model ({name}: {short(config[name])}): "
                "HandDiff runs no such code, choose another model."
            )
    if "quantization_config" in config:
        raise ModelError(
            f"{path} is of a quantised model, which HandDiff does not read: take its full or fp16 weights."
        )
    return config


def source_name(path: Path) -> str:
    """A short name for reports: the Hugging Face id, or the file's or folder's name."""
    repository = repository_of(path)
    if repository:
        return f"{repository}/{path.name}" if is_safetensors(path) else repository
    return path.stem if is_safetensors(path) else path.resolve().name


def short(value: Any) -> str:
    return json.dumps(value, default=str)[:80]
