# SPDX-License-Identifier: GPL-3.0-or-later
"""The download cache of huggingface_hub, read without it and never written: ``models--ORG--NAME/snapshots/COMMIT``."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ..errors import ModelError
from ..files import there

REPOSITORY = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")
"""A model's id on Hugging Face"""


def hub_cache() -> Path:
    """Folder of the cache, as huggingface_hub finds it."""
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if value := os.environ.get(variable):
            return Path(value).expanduser()
    if home := os.environ.get("HF_HOME"):
        return Path(home).expanduser() / "hub"
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "huggingface" / "hub"


def cached(repository: str) -> Path | None:
    """Folder of a model's newest snapshot in the cache, None where it has none."""
    entry = there(hub_cache() / f"models--{repository.replace('/', '--')}")
    return snapshot(entry) if entry else None


def cached_repositories() -> list[str]:
    """Ids of all models in the cache."""
    folder = hub_cache()
    names = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
    ids = [name.removeprefix("models--").replace("--", "/", 1) for name in names if name.startswith("models--")]
    return [name for name in ids if REPOSITORY.fullmatch(name)]


def snapshot(entry: Path) -> Path | None:
    """Folder of the snapshot that a cache entry's ``main`` names, else of its newest; None without any."""
    try:
        commit = (entry / "refs" / "main").read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        commit = ""
    if re.fullmatch(r"[0-9a-zA-Z]+", commit) and (entry / "snapshots" / commit).is_dir():
        return entry / "snapshots" / commit
    folders = [folder for folder in (entry / "snapshots").glob("*") if folder.is_dir()]
    return max(folders, key=lambda folder: folder.stat().st_mtime, default=None)


def repository_of(path: Path) -> str:
    """Id of the model that a file or folder in a cache belongs to; empty elsewhere."""
    for parent in (path, *path.parents):
        if parent.parent.name == "snapshots" and parent.parents[1].name.startswith("models--"):
            return parent.parents[1].name.removeprefix("models--").replace("--", "/", 1)
    return ""


def refuse_link_out(file: Path, root: Path) -> None:
    """Refuse a file that is a link out of its model's folder; a cache's own links to ``blobs`` are in it.

    Raises:
        ModelError
    """
    root = root.absolute()
    for home in (root, *root.parents):  # a part of a snapshot may be asked for by itself
        if home.parent.name == "snapshots" and home.parents[1].name.startswith("models--"):
            root = home.parents[1]
            break
    if not file.resolve().is_relative_to(root.resolve()):
        raise ModelError(f"{file} is a link out of the model's folder: put the file itself there.")
