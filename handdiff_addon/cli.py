# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``handdiff`` command, and the exit code of what became of it; its verbs are in :mod:`.cli_scenes` and
:mod:`.cli_models`.

Exit codes: 0 done, 1 a fault of ours, 2 wrong usage, 3 the scene, 4 the model, 5 cancelled, 6 the output.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import shutil
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from . import __version__, cli_models, cli_scenes
from . import cli_flags as flags
from .console import Console
from .errors import Cancelled, HandDiffError, OutputError, UsageError

DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; never raises, save for ``--help`` and ``--version``, which leave as argparse does.

    Returns:
        the exit code of the contract.
    """
    debug = os.environ.get("HANDDIFF_DEBUG", "") not in ("", "0")
    try:
        arguments = _parser().parse_args(argv)
    except UsageError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    with _sigterm_interrupts(), Console(debug, getattr(arguments, "chatty", False)) as console:
        try:
            arguments.run(arguments, console)
            console.end_stage()
            return 0
        except HandDiffError as error:
            refusal = error
        except KeyboardInterrupt:
            refusal = Cancelled("The run was stopped: start it again when you like, earlier results are as they were.")
        except OSError as error:
            if error.errno not in DISK_ERRORS:
                console.fault(error)
                return 1
            refusal = OutputError(f"The results cannot be written ({error.strerror}): make space or change the folder.")
        except Exception as error:
            console.fault(error)
            return 1
        console.complain(str(refusal))
        return refusal.exit_code


def command() -> NoReturn:
    """Run one command as a process of its own, and end it.

    Blender's module waits for ever at the interpreter's end where anything still refers to it, so the process is left
    without one as soon as Blender was used; its folder of temporary files goes by hand.
    """
    code = main()
    if bpy := sys.modules.get("bpy"):
        sys.stdout.flush()
        sys.stderr.flush()
        if (folder := Path(bpy.app.tempdir)).name.startswith("blender_"):
            shutil.rmtree(folder, ignore_errors=True)
        os._exit(code)
    sys.exit(code)


@contextlib.contextmanager
def _sigterm_interrupts() -> Iterator[None]:
    """Take SIGTERM as Ctrl-C while a command runs, where this thread may."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _parser() -> argparse.ArgumentParser:
    parser = flags.Parser("handdiff", description="Posed rigs in, pictures with right hands out.", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"handdiff {__version__}")
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    cli_scenes.add_verbs(verbs)
    cli_models.add_verbs(verbs)
    return parser


if __name__ == "__main__":
    command()
