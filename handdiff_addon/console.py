# SPDX-License-Identifier: GPL-3.0-or-later
"""What a command shows: results on standard output; refusals, warnings and the progress bar on standard error.

Blender and the libraries below print freely to both; while a command runs, that goes to a log file, which is deleted
unless the command fails through a fault of ours.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import TextIO

STAGES = {
    "passes": "Passes",
    "loading": "Loading the model",
    "hands": "Stage 1: the hands",
    "body": "Stage 2: the body",
    "finishing": "Finishing",
    "texture": "Texture",
    "layer": "Render layer",
    "glb": "GLB preview",
    "sheet": "Contact sheet",
}
BAR = 28


class Console:
    """A context manager around one command.

    Args:
        debug: hold nothing back, and show tracebacks.
        chatty: hold only standard error back; for commands whose rooms print their own progress.
    """

    def __init__(self, debug: bool = False, chatty: bool = False):
        self.debug = debug
        self.log: Path | None = None
        self._chatty = chatty
        self._out: TextIO = sys.stdout
        self._err: TextIO = sys.stderr
        self._restore = contextlib.ExitStack()
        self._stage = ""
        self._began = 0.0
        self._failed = False

    def __enter__(self) -> Console:
        if self.debug:
            return self
        noise = self._restore.enter_context(self._open_log())
        if not self._chatty:
            self._out = self._hold(1, noise)
            self._restore.enter_context(contextlib.redirect_stdout(noise))
        self._err = self._hold(2, noise)
        # Python's own streams need not lead to these two descriptors, as inside a test or a host program.
        self._restore.enter_context(contextlib.redirect_stderr(noise))
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._restore.close()
        if self.log is not None and not self._failed:
            self.log.unlink(missing_ok=True)

    def _open_log(self) -> TextIO:
        try:
            handle, name = tempfile.mkstemp(prefix="handdiff-", suffix=".log")
            self.log = Path(name)
        except OSError:  # a full disk must not keep a command from saying so
            handle = os.open(os.devnull, os.O_WRONLY)
        return os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace", buffering=1)

    def _hold(self, descriptor: int, noise: TextIO) -> TextIO:
        """Lead ``descriptor`` into the log; returns a stream to where it led before."""
        _flush()
        before = os.dup(descriptor)
        os.dup2(noise.fileno(), descriptor)

        def restore() -> None:
            _flush()
            os.dup2(before, descriptor)
            with contextlib.suppress(OSError):
                stream.close()

        stream = os.fdopen(before, "w", encoding="utf-8", errors="backslashreplace", buffering=1)
        self._restore.callback(restore)
        return stream

    def say(self, line: str) -> None:
        """A line of the result, on standard output."""
        print(line, file=self._out, flush=True)

    def complain(self, sentence: str) -> None:
        """A refusal or a warning, as one line on standard error."""
        self._clear()
        print(" ".join(sentence.split()), file=self._err, flush=True)

    def fault(self, error: BaseException) -> None:
        """Report an exception that no user could have prevented; the traceback goes to the log."""
        traceback.print_exception(error)
        self._failed = True
        hint = f"the log {self.log} has the details, please report it" if self.log else "please report it"
        detail = " ".join(str(error).split())[:200]
        self.complain(f"HandDiff failed through a fault of ours ({type(error).__name__}: {detail}): {hint}.")

    def progress(self, stage: str, step: int = 0, steps: int = 0) -> None:
        """Show how far ``stage`` is: a bar in a terminal, else one line when a stage has ended."""
        if stage != self._stage:
            self.end_stage()
            self._stage, self._began = stage, time.monotonic()
        if not self._err.isatty():
            return
        name = STAGES.get(stage, stage.capitalize())
        done = round(BAR * step / steps) if steps else 0
        count = f" {step}/{steps}" if steps else ""
        seconds = time.monotonic() - self._began
        self._err.write(f"\r\x1b[K{name:<20} [{'=' * done}{' ' * (BAR - done)}]{count}  {seconds:.0f} s")
        self._err.flush()

    def end_stage(self) -> None:
        """The current stage is done: leave one line that says how long it took."""
        if self._stage:
            self._clear()
            name, seconds = STAGES.get(self._stage, self._stage.capitalize()), time.monotonic() - self._began
            print(f"{name:<20} {seconds:.1f} s", file=self._err, flush=True)
        self._stage = ""

    def _clear(self) -> None:
        if self._stage and self._err.isatty():
            self._err.write("\r\x1b[K")


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
