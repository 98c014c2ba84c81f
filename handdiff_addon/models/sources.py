# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the tensors of a stock model's parts lie, whatever layout it comes in: read from headers, without torch.

A base model is a folder in diffusers' layout, an entry or id of the Hugging Face cache, or one file in the original
layout; a ControlNet, a VAE or a LoRA is a folder or a file of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..errors import ModelError
from . import original_names as original
from .architecture import FAMILIES, PAINTABLE, Architecture, below, identify
from .folders import walk
from .hub_cache import REPOSITORY, cached, refuse_link_out, repository_of, snapshot
from .safetensors_header import TensorInfo, read_header
from .tables import read_table
from .weights import PICKLES, refuse_pickle

LIBRARIES = ("diffusers", "transformers")
STEMS = ("diffusion_pytorch_model", "model", "pytorch_lora_weights")
"""Names of a part's weights in diffusers' layout"""


@dataclass(frozen=True)
class Place:
    """Where one tensor of a part lies, and how to take it out."""

    file: Path
    name: str
    """In the file"""
    shape: tuple[int, ...]
    """As the part needs it"""
    rows: tuple[int, int] | None = None
    """Take these rows of the file's tensor only"""
    transpose: bool = False


@dataclass(frozen=True)
class PartSource:
    """One network's tensors by diffusers' (a text encoder's by transformers') names."""

    places: dict[str, Place]
    config: dict[str, Any] | None
    """The configuration that came with it, None for one file"""

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: place.shape for name, place in self.places.items()}


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


@dataclass(frozen=True)
class BaseSource:
    """A base model, found: everything that loading it needs."""

    path: Path
    architecture: Architecture
    parts: dict[str, PartSource]
    """``unet``, ``vae``, ``text_encoder``, and SDXL's ``text_encoder_2``"""
    tokenizers: tuple[Path, ...]
    """Folders of the vocabularies; none for one file, which holds none"""
    scheduler: dict[str, Any] | None
    files: list[Path] = field(default_factory=list)
    zeros_for_empty: bool = True
    """SDXL: an empty negative prompt is embedded as zeros (``force_zeros_for_empty_prompt``)."""


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
    path = Path(name).expanduser()
    if path.exists():
        if path.is_dir() and path.name.startswith("models--"):
            if not (newest := snapshot(path)):
                raise ModelError(f"{path} holds no snapshot: the download was not finished, start it again.")
            return newest
        return path
    words = name.split("/")
    if len(words) >= 2 and REPOSITORY.fullmatch("/".join(words[:2])):
        folder = cached("/".join(words[:2]))
        if folder and ".." not in words and (found := folder.joinpath(*words[2:])).exists():
            return found
    if len(words) == 1 and name:
        hits = _by_name(name, folders)
        if len(hits) == 1:
            return hits[0]
        if hits:
            raise ModelError(f"There are several models named {name} ({hits[0]}, {hits[1]}): give the path of one.")
    if path.suffix.lower() in PICKLES:
        refuse_pickle(path)
    raise ModelError(
        f"There is no model {name}: give the path of a .safetensors file or a model folder, or a Hugging Face id that "
        "is downloaded already ( handdiff models list  shows what is there)."
    )


def _by_name(name: str, folders: Sequence[Path]) -> list[Path]:
    names = {name, f"{name}.safetensors"}
    hits = {
        path.resolve(): path
        for folder in folders
        for here, files in walk(folder)
        for path in (here, *files)
        if path.name in names and path != folder
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
                return _shards(index)
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


def _shards(index: Path) -> list[Path]:
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


def base_source(path: Path, *, half: bool = False) -> BaseSource:
    """The parts of a base model, folder or file.

    Raises:
        ModelError: where it is none that HandDiff paints with, or not whole.
    """
    return _base_folder(path, half) if path.is_dir() else _base_file(path)


def _base_file(path: Path) -> BaseSource:
    weights = read_weights(path)
    architecture = weights.architecture
    _refuse_other_bases(path, architecture)
    parts = {
        "unet": unet_part(weights),
        "vae": vae_part(weights),
        "text_encoder": text_part(weights),
    }
    if architecture.family == "sdxl":
        parts["text_encoder_2"] = open_text_part(weights)
    _refuse_missing_parts(path, parts)
    return BaseSource(path, architecture, parts, (), None, [path])


def _base_folder(folder: Path, half: bool) -> BaseSource:
    if not (folder / "model_index.json").exists():
        raise ModelError(f"The folder {folder} has no model_index.json: give a model folder in diffusers' layout.")
    index = read_config(folder / "model_index.json")
    readers: dict[str, Callable[[Weights], PartSource]] = {
        "unet": unet_part,
        "vae": vae_part,
        "text_encoder": text_part,
        "text_encoder_2": text_part,
    }
    parts: dict[str, PartSource] = {}
    files: list[Path] = []
    architecture = Architecture("unknown")
    for name, reader in readers.items():
        if name not in index or index[name] == [None, None]:
            continue
        _refuse_foreign_class(folder, name, index[name])
        if not (folder / name).is_dir():
            raise ModelError(f"The part {folder / name} is missing: copy or download the model again.")
        weights = read_weights(folder / name, half=half, root=folder)
        if weights.config is None:
            raise ModelError(f"{folder / name / 'config.json'} is missing: copy or download this file.")
        if name == "unet":
            architecture = weights.architecture
            _refuse_other_bases(folder, architecture)
        parts[name] = reader(weights)
        files += weights.paths
    needed = ("unet", "vae", "text_encoder", *(("text_encoder_2",) if architecture.family == "sdxl" else ()))
    _refuse_missing_parts(folder, {name: parts.get(name) for name in needed})
    tokenizers = tuple(folder / name for name in ("tokenizer", "tokenizer_2")[: len(needed) - 2])
    for tokenizer in tokenizers:
        _check_tokenizer(tokenizer, folder)
    config = folder / "scheduler" / "scheduler_config.json"
    scheduler = read_config(config) if config.exists() else None
    architecture = replace(architecture, kind="checkpoint", parts=needed)
    zeros = index.get("force_zeros_for_empty_prompt") is not False
    return BaseSource(folder, architecture, {name: parts[name] for name in needed}, tokenizers, scheduler, files, zeros)


def _check_tokenizer(tokenizer: Path, root: Path) -> None:
    whole = (tokenizer / "tokenizer.json").exists() or all(
        (tokenizer / name).exists() for name in ("vocab.json", "merges.txt")
    )
    if not whole:
        raise ModelError(f"The vocabulary {tokenizer} is missing (vocab.json, merges.txt): copy or download it.")
    for file in tokenizer.iterdir():
        refuse_link_out(file, root)
        if file.suffix == ".json" and file.name.endswith("config.json"):
            read_config(file)


def _refuse_other_bases(path: Path, architecture: Architecture) -> None:
    if architecture.kind not in ("checkpoint", "unet") or architecture.family not in PAINTABLE:
        raise ModelError(
            f"{path} is no base model that HandDiff paints with ({architecture.title}): "
            f"give one of {' or '.join(FAMILIES[family] for family in PAINTABLE)}."
        )
    if architecture.in_channels not in (4, 9):
        raise ModelError(
            f"The U-Net of {path} takes {architecture.in_channels} channels: give an ordinary model (4) or an "
            "inpainting variant (9)."
        )


def _refuse_missing_parts(path: Path, parts: Mapping[str, PartSource | None]) -> None:
    if missing := [name.replace("_", " ") for name, part in parts.items() if part is None or not part.places]:
        raise ModelError(f"{path} comes without its {missing[0]}: give a whole checkpoint or model folder.")


def _refuse_foreign_class(folder: Path, name: str, entry: Any) -> None:
    """A line of ``model_index.json`` has to name a class of the libraries, nothing that would be fetched and run."""
    if not (isinstance(entry, list) and len(entry) == 2 and entry[0] in LIBRARIES):
        raise ModelError(
            f"{folder / 'model_index.json'} asks for code of its own for {name} ({_short(entry)}): "
            "HandDiff runs no code that comes with a model, choose another."
        )


@contextmanager
def well_formed(path: Path) -> Iterator[None]:
    """Refuse a file whose tensors have not the shapes that their names promise.

    Raises:
        ModelError
    """
    try:
        yield
    except (KeyError, IndexError, ValueError) as error:
        raise ModelError(
            f"{path} lacks a tensor or has one of a wrong shape ({error}): copy or download it again."
        ) from error


def unet_part(weights: Weights) -> PartSource:
    """The U-Net of a file or folder."""
    for prefix in (original.UNET, ""):
        if f"{prefix}input_blocks.0.0.weight" in weights.tensors:
            return _part(weights, prefix, original.unet_names)
    return _part(weights)


def controlnet_part(weights: Weights) -> PartSource:
    """The ControlNet of a file or folder."""
    for prefix in (original.CONTROLNET, ""):
        if f"{prefix}input_hint_block.0.weight" in weights.tensors:
            return _part(weights, prefix, original.unet_names)
    return _part(weights)


def vae_part(weights: Weights) -> PartSource:
    """The autoencoder of a file or folder."""
    prefix = original.VAE if any(name.startswith(original.VAE) for name in weights.tensors) else ""
    tensors = {name: info for name, info in below(weights.tensors, prefix).items() if _of_autoencoder(name)}
    part = _part(weights, prefix, lambda _: original.vae_names(tensors))
    flat = {  # attention by 1 x 1 convolutions there, by matrices here
        name: Place(place.file, place.name, place.shape[:2])
        for name, place in part.places.items()
        if ".mid_block.attentions.0.to_" in name and name.endswith(".weight")
    }
    return PartSource(part.places | flat, part.config)


def _of_autoencoder(name: str) -> bool:
    return name.startswith(("encoder.", "decoder.", "quant_conv.", "post_quant_conv."))


def text_part(weights: Weights) -> PartSource:
    """The first, or only, text encoder of a file; or the one of a folder."""
    prefix = next((p for p in original.TEXT if any(name.startswith(p) for name in weights.tensors)), "")
    tensors = below(weights.tensors, prefix)
    table = {}
    for name in tensors:
        if re.match(r"(text_model\.)?(embeddings|encoder|final_layer_norm)\.", name):
            if not name.endswith("position_ids"):
                table[name] = name if name.startswith("text_model.") else f"text_model.{name}"
        elif name == "text_projection.weight":
            table[name] = name
    return _part(weights, prefix, lambda _: table)


def open_text_part(weights: Weights) -> PartSource:
    """SDXL's second text encoder in one file, which has query, key and value in one tensor."""
    prefix = original.OPEN_TEXT
    places: dict[str, Place] = {}
    for name, place in _part(weights, prefix, original.open_clip_names).places.items():
        if ".in_proj." in name:
            with well_formed(place.file):
                width = place.shape[0] // 3
            for number, letter in enumerate("qkv"):
                places[name.replace("in_proj", f"{letter}_proj")] = Place(
                    place.file, place.name, (width, *place.shape[1:]), (number * width, (number + 1) * width)
                )
        elif name == "text_projection.weight":
            places[name] = Place(place.file, place.name, place.shape[::-1], transpose=True)
        else:
            places[name] = place
    return PartSource(places, None)


def _part(weights: Weights, prefix: str = "", rename: Callable[[Any], dict[str, str]] | None = None) -> PartSource:
    tensors = below(weights.tensors, prefix)
    names = rename(tensors) if rename else {name: name for name in tensors}
    places = {
        new: Place(weights.files[prefix + old], prefix + old, weights.tensors[prefix + old].shape)
        for old, new in names.items()
    }
    return PartSource(places, weights.config)


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
                f"{path} asks for code that comes with the model ({name}: {_short(config[name])}): "
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
        return f"{repository}/{path.name}" if path.suffix == ".safetensors" else repository
    return path.stem if path.suffix == ".safetensors" else path.resolve().name


def _short(value: Any) -> str:
    return json.dumps(value, default=str)[:80]
