# SPDX-License-Identifier: GPL-3.0-or-later
"""A base model with all its parts: a folder in diffusers' layout, or one file in the original one; without torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..errors import ModelError
from .architecture import FAMILIES, PAINTABLE, Architecture
from .hub_cache import refuse_link_out
from .parts import PartSource, open_text_part, text_part, unet_part, vae_part
from .sources import Weights, read_config, read_weights, short

LIBRARIES = ("diffusers", "transformers")


@dataclass(frozen=True)
class BaseSource:
    """A base model, found: everything that loading it needs."""

    path: Path
    architecture: Architecture
    parts: dict[str, PartSource]
    """``unet``, ``vae`` unless it is left out, ``text_encoder``, and SDXL's ``text_encoder_2``"""
    tokenizers: tuple[Path, ...]
    """Folders of the vocabularies; none for one file, which holds none"""
    scheduler: dict[str, Any] | None
    files: list[Path] = field(default_factory=list)
    zeros_for_empty: bool = True
    """SDXL: an empty negative prompt is embedded as zeros (``force_zeros_for_empty_prompt``)."""


def base_source(path: Path, *, half: bool = False, own_vae: bool = True) -> BaseSource:
    """The parts of a base model, folder or file.

    Args:
        half: prefer ``fp16`` variants, where a folder has them.
        own_vae: False leaves its VAE out, which it need not have.

    Raises:
        ModelError: where it is none that HandDiff paints with, or not whole.
    """
    return _base_folder(path, half, own_vae) if path.is_dir() else _base_file(path, own_vae)


def _base_file(path: Path, own_vae: bool) -> BaseSource:
    weights = read_weights(path)
    architecture = weights.architecture
    _refuse_other_bases(path, architecture)
    parts = {
        "unet": unet_part(weights),
        "text_encoder": text_part(weights),
    }
    if own_vae:
        parts["vae"] = vae_part(weights)
    if architecture.family == "sdxl":
        parts["text_encoder_2"] = open_text_part(weights)
    _refuse_missing_parts(path, parts)
    return BaseSource(path, architecture, parts, (), None, [path])


def _base_folder(folder: Path, half: bool, own_vae: bool) -> BaseSource:
    if not (folder / "model_index.json").exists():
        raise ModelError(f"The folder {folder} has no model_index.json: give a model folder in diffusers' layout.")
    index = read_config(folder / "model_index.json")
    listed = {name for name, entry in index.items() if entry != [None, None]}
    readers: dict[str, Callable[[Weights], PartSource]] = {
        "unet": unet_part,
        "text_encoder": text_part,
        "text_encoder_2": text_part,
    }
    if own_vae:
        readers["vae"] = vae_part
    parts: dict[str, PartSource] = {}
    files: list[Path] = []
    architecture = Architecture("unknown")
    for name, reader in readers.items():
        if name not in listed:
            continue
        _refuse_foreign_class(folder, name, index[name])
        if not (folder / name).is_dir():
            continue  # refused below where it is needed
        weights = read_weights(folder / name, half=half, root=folder)
        if weights.config is None:
            raise ModelError(f"{folder / name / 'config.json'} is missing: copy or download this file.")
        if name == "unet":
            architecture = weights.architecture
            _refuse_other_bases(folder, architecture)
        parts[name] = reader(weights)
        files += weights.paths
    texts = ("text_encoder", "text_encoder_2") if architecture.family == "sdxl" else ("text_encoder",)
    needed = ("unet", *(("vae",) if own_vae else ()), *texts)
    _refuse_missing_parts(folder, {name: parts.get(name) for name in needed})
    tokenizers = tuple(folder / name.replace("text_encoder", "tokenizer") for name in texts)
    for tokenizer in tokenizers:
        _check_tokenizer(tokenizer, folder)
    scheduler = read_config(folder / "scheduler" / "scheduler_config.json") if "scheduler" in listed else None
    there = tuple(name for name in ("unet", "vae", *texts) if (folder / name).is_dir())
    architecture = replace(architecture, kind="checkpoint", parts=there)
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
    missing = [name.replace("_", " ") for name, part in parts.items() if part is None or not part.places]
    if missing:
        raise ModelError(
            f"{path} comes without its VAE: name one with --vae, or give a whole checkpoint or model folder."
            if missing == ["vae"]
            else f"{path} comes without its {missing[0]}: give a whole checkpoint or model folder."
        )


def _refuse_foreign_class(folder: Path, name: str, entry: Any) -> None:
    """A line of ``model_index.json`` has to name a class of the libraries, nothing that would be fetched and run."""
    if not (isinstance(entry, list) and len(entry) == 2 and entry[0] in LIBRARIES):
        raise ModelError(
            f"{folder / 'model_index.json'} asks for code of its own for {name} ({short(entry)}): "
            "HandDiff runs no code that comes with a model, choose another."
        )
