# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine's folder and what its set-up keeps beside it: its state, room on the disk, removing it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..errors import ModelError, OutputError
from .devices import Build
from .engine import MARKER


@dataclass(frozen=True)
class State:
    """What lies in an engine's folder and beside it."""

    kind: Literal["none", "interrupted", "ready"]
    device: str = ""
    """Label of the build that is installed or was being installed"""
    build: str = ""
    torch: str = ""
    fetched: int = 0
    wanted: int = 0
    wheels: str = ""
    """Folder of wheels that the interrupted set-up took, empty for the network"""


def state(folder: Path) -> State:
    """What an engine's folder holds; reads two small files at most, and never raises."""
    if plan := read_json(part_of(folder) / "plan.json"):
        wanted = plan.get("packages", [])
        fetched = len(list((part_of(folder) / "wheels").glob("*.whl")))
        return State(
            "interrupted", plan["label"], plan["build"], "", min(fetched, len(wanted)), len(wanted), plan["wheels"]
        )
    if marker := read_json(folder / MARKER):
        return State("ready", marker["label"], marker["build"], marker["torch"])
    return State("none")


def remove(folder: Path) -> None:
    """Remove an engine and all that its set-up left.

    Raises:
        OutputError: where a file cannot be removed, such as one that is in use; the engine is then gone or whole.
    """
    trash = folder.with_name(f"{folder.name}.old")
    try:
        if trash.exists():
            shutil.rmtree(trash)
        if folder.exists():
            os.replace(folder, trash)
            shutil.rmtree(trash)
    except OSError as error:
        raise OutputError(
            f"The engine in {folder} cannot be removed ({error.strerror}): restart Blender, so that nothing uses it, "
            "and try again before you generate."
        ) from error
    remove_interrupted(folder)


def remove_interrupted(folder: Path) -> None:
    """Remove what an installation has fetched and not finished."""
    shutil.rmtree(part_of(folder), ignore_errors=True)


def check_room(folder: Path, build: Build, already: int = 0) -> None:
    """Refuse a disk that is too small, and on Windows a folder that is too deep for torch's longest names.

    Raises:
        OutputError: where the set-up could not end well.
    """
    place = next(place for place in (folder, *folder.parents) if place.exists())
    free = (shutil.disk_usage(place).free + already) / 1e9
    wanted = build.download + build.installed
    if free < wanted:
        raise OutputError(
            f"The engine needs {wanted:.0f} GB while it is installed and {free:.1f} GB are free on the disk of "
            f"{place}: make room, or name a folder elsewhere that holds torch and diffusers."
        )
    if sys.platform == "win32" and too_deep(folder) and not _long_paths():
        raise OutputError(
            f"The folder {folder} lies too deep for Windows: allow long paths in Windows (LongPathsEnabled), or name a "
            "folder with a short path that holds torch and diffusers."
        )


def too_deep(folder: Path) -> bool:
    """Whether Windows' 260 letters are too few for torch in this folder: its longest name has 168."""
    return len(str(part_of(folder) / "site")) + 1 + 168 >= 260


def _long_paths() -> bool:
    if sys.platform != "win32":
        return True
    import winreg

    with (
        contextlib.suppress(OSError),
        winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"SYSTEM\CurrentControlSet\Control\FileSystem") as key,
    ):
        return bool(winreg.QueryValueEx(key, "LongPathsEnabled")[0])
    return False


def part_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.part")


def read_json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    known = isinstance(data, dict) and all(isinstance(data.get(key, ""), str) for key in ("label", "build", "wheels"))
    return {"label": "", "build": "", "wheels": "", "torch": "", **data} if known else {}


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*")) if folder.is_dir() else 0


@contextlib.contextmanager
def locked(part: Path) -> Iterator[None]:
    """Hold the folder against another Blender; the system lets go of the lock whatever ends this one."""
    with (part / "lock").open("a+b") as file:
        try:
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ModelError("Another Blender is installing the engine right now: wait until it has ended.") from error
        yield
