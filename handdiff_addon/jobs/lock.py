# SPDX-License-Identifier: GPL-3.0-or-later
"""One writer per folder: a lock that the system gives back when its process ends, however it ends."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from ..errors import OutputError

LOCK_FILE = ".handdiff.lock"
_TAKEN = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other runs of HandDiff out of ``folder``.

    The lock is the system's, on the file ``.handdiff.lock``, which this leaves there.  A file system that knows no
    locks, as some network shares, is taken as it is.

    Raises:
        OutputError: where another run holds it, or the file cannot be made.
    """
    try:
        descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise OutputError(
            f"The folder {folder} cannot be written ({error.strerror}): choose a folder that you may write to."
        ) from error
    try:
        try:
            _lock(descriptor)
        except OSError as error:
            if error.errno in _TAKEN:
                raise OutputError(
                    f"Another run is writing into {folder}: wait until it has ended, or choose another folder."
                ) from error
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def not_locked(folder: Path) -> Iterator[None]:
    """As :func:`locked`, but makes no lock where there never was one.

    Raises:
        OutputError: where another run holds it.
    """
    with locked(folder) if (folder / LOCK_FILE).exists() else contextlib.nullcontext():
        yield


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
