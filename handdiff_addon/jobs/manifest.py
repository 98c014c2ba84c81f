# SPDX-License-Identifier: GPL-3.0-or-later
"""``manifest.jsonl`` of a batch: one line of JSON per finished frame, written once the frame's files are whole."""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from ..errors import OutputError

Status = Literal["painted", "empty"]


@dataclass(frozen=True)
class Entry:
    """What a batch remembers of one finished frame."""

    frame: int
    status: Status
    """``empty``: nobody to paint in this frame, as its warnings say"""
    camera: str
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0
    """Of both stages of diffusion"""
    sha256: str = ""
    """Of ``image.png``; empty for an empty frame"""

    def line(self) -> bytes:
        return (json.dumps(dataclasses.asdict(self), ensure_ascii=False) + "\n").encode("utf-8")


def read_manifest(path: Path) -> dict[int, Entry]:
    """Finished frames by number; the last line of a frame holds.

    A line that cannot be read, as the torn one that a full disk leaves, finishes no frame.
    """
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return {}
    entries = (_entry(line) for line in lines)
    return {entry.frame: entry for entry in entries if entry is not None}


def append(path: Path, entry: Entry) -> None:
    """Add a line, on the disk when this returns; what a killed process left of one goes first.

    Raises:
        OutputError: where it cannot be written; the manifest is then as it was.
    """
    try:
        with path.open("ab+") as file:
            whole = _whole_lines(file.seek(0, os.SEEK_END), path)
            file.truncate(whole)
            try:
                file.write(entry.line())
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                file.truncate(whole)
                raise
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written ({error.strerror}): choose a folder that you may write to, with space left."
        ) from error


def _whole_lines(size: int, path: Path) -> int:
    """Bytes up to the end of the last whole line."""
    with path.open("rb") as file:
        file.seek(max(0, size - 65536))
        tail = file.read()
    return size - (len(tail) - (tail.rfind(b"\n") + 1))


def _entry(line: bytes) -> Entry | None:
    try:
        data = json.loads(line)
        entry = Entry(**{**data, "warnings": tuple(map(str, data["warnings"]))})
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return entry if isinstance(entry.frame, int) and entry.status in get_args(Status) else None
