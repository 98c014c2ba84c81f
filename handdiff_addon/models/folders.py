# SPDX-License-Identifier: GPL-3.0-or-later
"""The folders that a user has models in: remembered between runs, and walked without following links out of them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from ..errors import OutputError
from ..files import write_json
from ..places import user_folder

LAYOUTS = (
    "models",  # ComfyUI, A1111, Forge
    "extensions/sd-webui-controlnet/models",
    "ComfyUI/models",  # Krita AI Diffusion's own server, and portable ComfyUI
    "webui/models",  # portable A1111 and Forge
    "server/models",
    "server/ComfyUI/models",
)
"""Where the programs keep models, below the folder that a user points at"""
_SKIPPED = {"__pycache__", "custom_nodes", "node_modules", "site-packages", "venv", "blobs"}
_DEPTH = 8


def remembered() -> list[Path]:
    """The folders, in the order in which they were added; a damaged list counts as empty."""
    try:
        data = json.loads((user_folder() / "model_folders.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return []
    names = data if isinstance(data, list) else []
    return [Path(name) for name in names if isinstance(name, str) and name]


def remember(folder: Path) -> None:
    """Add a folder to the list, once.

    Raises:
        OutputError: where the list cannot be written.
    """
    folder = folder.expanduser().resolve()
    _write(list(dict.fromkeys([*remembered(), folder])))


def forget(folder: Path) -> None:
    """Take a folder from the list; nothing happens to the folder.

    Raises:
        OutputError: where the list cannot be written.
    """
    _write([other for other in remembered() if other != folder])


def _write(folders: list[Path]) -> None:
    home = user_folder()
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{home} cannot be made ({error.strerror}): set HANDDIFF_HOME to another folder.") from error
    write_json(home / "model_folders.json", [str(folder) for folder in folders])


def walk(folder: Path) -> Iterator[tuple[Path, list[Path]]]:
    """Every folder below a model folder with its files, in order; links that lead out are passed over.

    Where the folder is one of a program's that keeps its models in a place of its own, this place is walked, and of the
    rest only what lies in the folder itself is seen.
    """
    places = [folder / layout for layout in LAYOUTS if (folder / layout).is_dir()]
    if places:
        yield folder, [file for file in sorted(folder.glob("*")) if file.is_file() and _stays_below(file, folder)]
    for place in places or [folder]:
        for root, folders, names in os.walk(place):
            here = Path(root)
            depth = len(here.relative_to(place).parts)
            folders[:] = sorted(n for n in folders if n not in _SKIPPED and not n.startswith(".") and depth < _DEPTH)
            yield here, [here / name for name in sorted(names) if _stays_below(here / name, folder)]


def _stays_below(file: Path, folder: Path) -> bool:
    return not file.is_symlink() or file.resolve().is_relative_to(folder.resolve())
