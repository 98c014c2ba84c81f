# SPDX-License-Identifier: GPL-3.0-or-later
"""Finished pictures, found on disk: each run lies in a numbered folder of its own and is known by its report."""

from __future__ import annotations

import contextlib
import errno
import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..errors import OutputError, UsageError
from ..request import GenerationRequest, HandPicture
from .metadata import request_from_png
from .store import RunFolder


@dataclass(frozen=True)
class Entry:
    """One finished picture."""

    folder: Path
    request: GenerationRequest
    made: float
    """Seconds since 1970"""
    report: dict[str, Any]
    """What ``report.json`` says; empty where it is gone and the picture alone speaks."""

    @property
    def image(self) -> Path:
        """The finished picture."""
        return self.folder / "image.png"

    @property
    def warnings(self) -> list[str]:
        return [str(warning) for warning in self.report.get("warnings", ())]

    def crops(self) -> tuple[tuple[int, int], list[HandPicture]]:
        """The painted size (width, height), and the hands' crops as far as they are still there."""
        from PIL import Image

        found = []
        for number, box in enumerate(self.report.get("crops", ()), 1):
            with contextlib.suppress(OSError, ValueError, TypeError):
                left, top, right, bottom = map(int, box)
                with Image.open(self.folder / f"hand_{number}.png") as picture:
                    found.append(HandPicture((left, top, right, bottom), picture.convert("RGBA")))
        width, height = self.report.get("painted_size", (1, 1))
        return (int(width), int(height)), found

    def matches(self, text: str) -> bool:
        """Whether every word of ``text`` stands in the prompts, the seed, the model's name or the folder's."""
        request = self.request
        own = f"{request.prompt} {request.negative_prompt} {request.seed} {request.model} {self.folder.name}".casefold()
        return all(word in own for word in text.casefold().split())


def new_run(home: Path) -> RunFolder:
    """A numbered folder for the next run; numbers only rise, so a folder never holds another run than it was made for.

    Raises:
        OutputError: where it cannot be made.
    """
    path = home
    try:
        home.mkdir(parents=True, exist_ok=True)
        number = max((int(folder.name) for folder in _numbered(home)), default=0)
        while True:
            number += 1
            path = home / f"{number:04d}"
            with contextlib.suppress(FileExistsError):  # a file, or another Blender was faster
                path.mkdir()
                return RunFolder(path)
    except OSError as error:
        raise OutputError(
            f"The folder {path} cannot be made ({error.strerror}): save the file where you may write."
        ) from error


def find_runs(homes: Iterable[Path]) -> list[Entry]:
    """Every finished picture in some folders of runs, newest first.  What cannot be read is left out."""
    found = {}
    for home in homes:
        for folder in _numbered(home):
            if (entry := read_run(folder)) is not None:
                found[folder.resolve()] = entry
    return sorted(found.values(), key=lambda entry: (entry.made, entry.folder.name), reverse=True)


def read_run(folder: Path) -> Entry | None:
    """The run in a folder; None where there is no finished picture with a request.

    Files that have not changed since are not read again.
    """
    image = _state(folder / "image.png")
    return None if image is None else _read(folder, image, _state(folder / "report.json"))


def _state(path: Path) -> tuple[int, int] | None:
    """Time of change and size of a file, None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


@lru_cache(maxsize=4096)
def _read(folder: Path, image: tuple[int, int], report: tuple[int, int] | None) -> Entry | None:
    made = image[0] / 1e9
    if report is not None:
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError, UsageError):
            told = json.loads((folder / "report.json").read_text(encoding="utf-8"))
            return Entry(folder, GenerationRequest.from_dict(told["request"]), made, told)
    try:
        return Entry(folder, request_from_png(folder / "image.png"), made, {})
    except UsageError:
        return None


def move_homes(old: Path, new: Path) -> None:
    """Move the folders in ``old`` to ``new``, each as a whole; one that is there already or cannot be moved stays."""
    try:
        homes = [home for home in old.iterdir() if home.is_dir() and not (new / home.name).exists()]
        if homes:
            new.mkdir(parents=True, exist_ok=True)
    except OSError:
        return
    for home in homes:
        with contextlib.suppress(OSError):
            _move(home, new / home.name)
    with contextlib.suppress(OSError):
        old.rmdir()


def _move(home: Path, target: Path) -> None:
    try:
        home.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        beside = target.with_name(f".{target.name}.part")
        shutil.rmtree(beside, ignore_errors=True)
        shutil.copytree(home, beside)
        beside.rename(target)
        shutil.rmtree(home)


def delete_run(entry: Entry) -> None:
    """Delete a run's files; anything else in its folder is the user's and stays.

    Raises:
        OutputError: where a file cannot be deleted.
    """
    try:
        for path in RunFolder(entry.folder).earlier():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        if not any(entry.folder.iterdir()):
            entry.folder.rmdir()
    except OSError as error:
        raise OutputError(
            f"{error.filename or entry.folder} cannot be deleted ({error.strerror}): close the programs that use it."
        ) from error


def _numbered(home: Path) -> list[Path]:
    try:
        return [path for path in home.iterdir() if path.name.isascii() and path.name.isdigit() and path.is_dir()]
    except OSError:
        return []
