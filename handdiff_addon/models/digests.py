# SPDX-License-Identifier: GPL-3.0-or-later
"""sha256 of weight files that were read before: gigabytes need not be read twice to know what they are."""

from __future__ import annotations

import json
from pathlib import Path

from ..errors import OutputError
from ..files import write_json
from ..places import user_folder
from .weights import digest

_KEPT = 1000
"""Files that are remembered; the oldest go"""


def checked(path: Path) -> str:
    """A weight file's sha256, its numbers looked at; read only where its size or its time of change is new.

    Raises:
        ModelError: where the file cannot be read, or holds numbers that are none.
    """
    real = path.resolve()
    table = _read()
    stamp = _stamp(real)
    if stamp and table.get(str(real), ("", ""))[0] == stamp:
        return table[str(real)][1]
    sha256 = digest(path, finite=True)
    if stamp and _stamp(real) == stamp:  # not written to meanwhile
        table = {**_read(), str(real): (stamp, sha256)}
        try:
            user_folder().mkdir(parents=True, exist_ok=True)
            write_json(_list(), dict(list(table.items())[-_KEPT:]))
        except (OSError, OutputError):
            pass  # it is read again next time
    return sha256


def _stamp(path: Path) -> str:
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ino}"


def _list() -> Path:
    return user_folder() / "digests.json"


def _read() -> dict[str, tuple[str, str]]:
    """File to its stamp and sha256; a damaged list counts as empty."""
    try:
        data = json.loads(_list().read_text(encoding="utf-8"))
        return {str(path): (str(stamp), str(sha256)) for path, (stamp, sha256) in data.items()}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}
