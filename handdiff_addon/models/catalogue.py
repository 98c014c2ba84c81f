# SPDX-License-Identifier: GPL-3.0-or-later
"""Which models there are, and whether a model folder is whole: checked without torch, before any long work.

A model folder is diffusers' own layout, with what is ours beside it (our loader reads those parts)::

    model_index.json  scheduler/  tokenizer/  text_encoder/  unet/  controlnet/      diffusers and transformers
    vae/ or patch_autoencoder/                                                       theirs or ours
    hands/   the hand generator: model_index.json  scheduler/  unet/  vae/ or patch_autoencoder/  mask_head/

The hand generator shares the text encoder and the tokenizer of the folder it lies in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ModelError
from ..files import file_sha256, there
from .safetensors_header import read_header
from .sources import shards
from .tables import read_table
from .weights import PICKLES

EMBEDDED = "embedded"
HANDS = "hands"
OURS = ("patch_autoencoder", "mask_head", "colour_sketch", "refiner")
"""Parts that ``model_index.json`` does not list: diffusers cannot import their classes from inside an extension."""
SHARED = ("text_encoder", "tokenizer", "vae", "patch_autoencoder")
"""Parts that ``hands/`` may take from the folder it lies in."""
WEIGHTLESS = {
    "scheduler": "scheduler_config.json",
    "tokenizer": "tokenizer_config.json",
    "feature_extractor": "preprocessor_config.json",
}
"""Parts without weights, and the file of their configuration; every other part's is ``config.json``."""
WHOLE_VOCABULARIES = {"tokenizer.json", "vocab.txt", "spiece.model", "tokenizer.model"}
"""Files that hold a tokenizer's vocabulary by themselves; byte-pair encoders have ``vocab.json`` and ``merges.txt``."""


@dataclass(frozen=True)
class WeightFile:
    """One file of weights."""

    path: str
    """Below the model folder, with forward slashes."""
    sha256: str
    bytes: int
    parameters: int


@dataclass(frozen=True)
class ModelIdentity:
    """What a model folder is, down to the bytes of its weights."""

    name: str
    path: Path
    parts: tuple[str, ...]
    """Folders with content, such as ``unet`` and ``hands/unet``."""
    files: tuple[WeightFile, ...]

    @property
    def parameters(self) -> int:
        return sum(file.parameters for file in self.files)

    def report(self) -> dict[str, Any]:
        """Name, parameter count and sha256 of every weight file, JSON-ready, as ``report.json`` carries it."""
        return {
            "name": self.name,
            "parameters": self.parameters,
            "sha256": {file.path: file.sha256 for file in self.files},
        }


def embedded_model() -> Path:
    """Folder of the model that comes with HandDiff.

    Raises:
        ModelError: in a checkout or package without the weights.
    """
    folder = Path(__file__).parent / EMBEDDED
    if not (folder / "model_index.json").is_file():
        raise ModelError("This HandDiff comes without its embedded model: install a release, or name a model folder.")
    return folder


def is_own(name: str) -> bool:
    """Whether a name stands for a model of HandDiff's own kind, and not for a stock model: looks at the folder only."""
    # A folder named "refiner" tells nothing: people keep SDXL's there.
    telling = {*OURS, HANDS} - {"refiner"}
    folder = there(name)
    return name in ("", EMBEDDED) or (folder is not None and any((folder / part).is_dir() for part in telling))


def find_model(name: str) -> Path:
    """Folder of a model by name: empty or ``embedded`` for the embedded one, else a path.

    Raises:
        ModelError: where there is no such folder, or it is not a model's.
    """
    if name in ("", EMBEDDED):
        return embedded_model()
    folder = there(name)
    if folder is None or not folder.is_dir():
        raise ModelError(f"There is no model folder {name}: give the path of a folder with a model_index.json.")
    if not (folder / "model_index.json").is_file():
        raise ModelError(f"The folder {name} has no model_index.json: give a model folder in diffusers' layout.")
    return folder


def check_model(path: Path) -> ModelIdentity:
    """Check that a model folder is whole: every listed part, its configuration, its weights to the last byte.

    Reads every weight file once for its sha256 (about 1 GB a second).  Finite values are not checked.

    Raises:
        ModelError: naming the first file that is missing, damaged, a pickle, or a link out of the folder.
    """
    path = path.resolve()
    _refuse_links_out(path)
    parts = _parts(path)
    if (path / HANDS).is_dir():
        shared = [part for part in parts if part.startswith(SHARED)]
        parts += [f"{HANDS}/{part}" for part in _parts(path / HANDS, shared)]
    files = tuple(_identity(path, file) for part in parts for file in _weight_files(path / part))
    name = EMBEDDED if path == Path(__file__).resolve().parent / EMBEDDED else path.name
    return ModelIdentity(name, path, tuple(parts), files)


def _refuse_links_out(path: Path) -> None:
    # A download cache of huggingface_hub keeps the files of models--x/snapshots/y as links to models--x/blobs.
    home = path.parents[1] if path.parent.name == "snapshots" else path
    for entry in sorted(path.rglob("*")):
        if entry.is_symlink() and not entry.resolve().is_relative_to(home):
            raise ModelError(f"{entry} is a link out of the model folder: put the file itself there.")


def _parts(folder: Path, shared: Sequence[str] = ()) -> list[str]:
    """Names of a folder's parts, each checked for its configuration; ``shared`` are those that it may lack."""
    index = read_table(folder / "model_index.json")
    listed = [name for name, kind in index.items() if not name.startswith("_") and _is_listed(kind)]
    parts = [name for name in listed if (folder / name).is_dir() or name not in shared]
    parts += [name for name in OURS if (folder / name).is_dir()]
    for needed in ("unet", "scheduler"):
        if needed not in parts:
            index_path = folder / "model_index.json"
            raise ModelError(f"{index_path} lists no {needed}: give a model folder in diffusers' layout.")
    if not {"vae", "patch_autoencoder"} & {*parts, *shared}:
        raise ModelError(f"{folder} has neither vae nor patch_autoencoder: copy or download the model again.")
    for part in parts:
        kind = part.removesuffix("_2")
        read_table(folder / part / WEIGHTLESS.get(kind, "config.json"))
        if kind == "tokenizer" and (missing := _missing_vocabulary(folder / part)):
            raise ModelError(f"The vocabulary {folder / part / missing} is missing: copy or download this file.")
    return parts


def _missing_vocabulary(tokenizer: Path) -> str:
    """Name of the file that a tokenizer's vocabulary lacks, empty where it is whole."""
    present = {file.name for file in tokenizer.iterdir()}
    if present & WHOLE_VOCABULARIES:
        return ""
    return next((name for name in ("vocab.json", "merges.txt") if name not in present), "")


def _is_listed(kind: Any) -> bool:
    """Whether a line of ``model_index.json`` names a class (``["diffusers", "UNet2DConditionModel"]``) and not null."""
    return isinstance(kind, list) and len(kind) == 2 and all(isinstance(word, str) for word in kind)


def _weight_files(part: Path) -> list[Path]:
    """The safetensors files of one part, in order; empty for a scheduler or a tokenizer.

    Raises:
        ModelError: where the part needs weights and has none, has them as a pickle only, or as :func:`shards` says.
    """
    if part.name.removesuffix("_2") in WEIGHTLESS:
        return []
    for index in part.glob("*.safetensors.index.json"):
        shards(index)
    files = sorted(part.glob("*.safetensors"))
    if not files:
        pickle = next((file for file in sorted(part.iterdir()) if file.suffix in PICKLES), None)
        if pickle:
            raise ModelError(f"{pickle} is a pickle, which can run code when read: convert it to safetensors.")
        name = f"{part.name}.safetensors" if part.name in OURS else "diffusion_pytorch_model.safetensors"
        name = "model.safetensors" if part.name.startswith("text_encoder") else name
        raise ModelError(f"The weights {part / name} are missing: copy or download this file.")
    return files


def _identity(root: Path, file: Path) -> WeightFile:
    header = read_header(file)
    return WeightFile(file.relative_to(root).as_posix(), file_sha256(file), file.stat().st_size, header.parameters)
