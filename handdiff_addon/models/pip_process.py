# SPDX-License-Identifier: GPL-3.0-or-later
"""pip and Python, each call a process of its own: what they say, how far they are, and what their failures mean."""

from __future__ import annotations

import contextlib
import os
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from ..errors import Cancelled, ModelError
from .engine import PYTHON
from .engine_state import size_of

Stage = Literal["resolving", "fetching", "unpacking", "trying"]


@dataclass(frozen=True)
class Progress:
    """How far a set-up is; ``line`` is what pip last said."""

    stage: Stage
    package: str = ""
    number: int = 0
    count: int = 0
    megabytes: float = 0.0
    """Fetched so far, over all packages"""
    line: str = ""


class Process:
    """Runs pip and Python, each call a process of its own that is killed on cancelling; its words go to the log."""

    def __init__(
        self,
        part: Path,
        python: str,
        report: Callable[[Progress], None],
        cancelled: Callable[[], bool],
        *,
        alone: bool,
    ) -> None:
        """``alone``: the user's own settings of pip do not count, such as where else to look."""
        self._part, self._python, self._report, self._cancelled = part, python, report, cancelled
        self._alone = alone
        self.progress = Progress("resolving")
        self._pip: list[str] = []
        self._raw = False

    def tell(self, **changes: Any) -> None:
        self.progress = replace(self.progress, **changes)
        self._report(self.progress)

    def pip(self, *arguments: str) -> None:
        """Run pip.

        Raises:
            ModelError: where it fails, in one sentence.
        """
        if not self._pip:
            self._find_pip()
        bar = ["--progress-bar", "raw" if self._raw else "off"]
        code, lines = self.python([*self._pip, *arguments, *bar, "--cache-dir", str(self._part / "cache")])
        if code:
            raise ModelError(explain(lines))

    def _find_pip(self) -> None:
        """pip where Python has it, else the one packed into Python's ensurepip, run from its wheel."""
        code, lines = self.python(["-m", "pip", "--version"], quiet=True)
        self._pip = ["-m", "pip"]
        if code:
            show = (
                "import ensurepip, pathlib;"
                "print(*pathlib.Path(ensurepip.__file__).parent.glob('_bundled/pip-*.whl'), sep='\\n')"
            )
            code, lines = self.python(["-c", show], quiet=True)
            found = [line for line in lines if line.endswith(".whl")]
            if code or not found:
                raise ModelError(
                    "Blender's Python has no pip to install with: use Blender's own download (a distribution's Blender "
                    "needs its python3-pip package), or name a folder that holds torch and diffusers."
                )
            self._pip = [f"{found[-1]}/pip"]
            code, lines = self.python([*self._pip, "--version"], quiet=True)
        version = re.search(r"pip (\d+)\.(\d+)", " ".join(lines))
        self._raw = version is not None and (int(version[1]), int(version[2])) >= (24, 1)

    def python(self, arguments: list[str], quiet: bool = False) -> tuple[int, list[str]]:
        """Run Python; gives its exit code and its last lines."""
        lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        temporary = self._part / "tmp"
        temporary.mkdir(exist_ok=True)
        unwanted = ("PIP_", *_UNWANTED) if self._alone else _UNWANTED
        environment = {key: value for key, value in os.environ.items() if not key.startswith(unwanted)}
        if self._alone:
            environment["PIP_CONFIG_FILE"] = os.devnull
        environment |= _ENVIRONMENT | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary))
        hidden: dict[str, Any] = {"creationflags": 0x08000000} if sys.platform == "win32" else {}  # CREATE_NO_WINDOW
        process = subprocess.Popen(
            [self._python, *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=environment, cwd=temporary, encoding="utf-8", errors="replace", **hidden,
        )  # fmt: skip
        threading.Thread(target=_pump, args=(process.stdout, lines), daemon=True).start()
        kept: list[str] = []
        try:
            while True:
                if self._cancelled():
                    raise Cancelled("The set-up was stopped: what was fetched is kept, and it goes on from there.")
                with contextlib.suppress(queue.Empty):
                    line = lines.get(timeout=0.2)
                    if line is None:
                        return process.wait(), kept
                    if fetched := re.fullmatch(r"Progress (\d+) of (\d+)", line):
                        self.tell(megabytes=(size_of(self._part / "wheels") + int(fetched[1])) / 1e6)
                    elif line:
                        kept = [*kept[-200:], line]
                        if not quiet:
                            self.tell(line=line)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


# What a user's environment may say that would send pip elsewhere.
_UNWANTED = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_REPORT")


_ENVIRONMENT = {
    "PYTHONNOUSERSITE": "1",
    "PYTHONIOENCODING": "utf-8",
    "PIP_NO_INPUT": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_REQUIRE_VIRTUALENV": "0",
    "PIP_USER": "0",
}


def _pump(stream: Any, lines: queue.SimpleQueue[str | None]) -> None:
    with stream:
        for line in stream:
            lines.put(line.rstrip())
    lines.put(None)


def interpreter() -> str:
    """Blender's own Python as a program.

    Raises:
        ModelError: where there is none.
    """
    named = Path(sys.executable or "")
    places = [named] if "python" in named.name.lower() else []
    places += [Path(sys.prefix, "bin", name) for name in (f"python{PYTHON}", "python3", "python.exe")]
    for place in places:
        if place.is_file():
            return str(place)
    raise ModelError(
        "This Blender comes without a Python program to install with: use Blender's own download, or name a folder "
        "that holds torch and diffusers."
    )


KNOWN = (
    (r"No space left|not enough space|Errno 28", "The disk is full: make room, then resume."),
    (
        r"CERTIFICATE_VERIFY_FAILED|certificate verify failed",
        "The package index cannot be trusted (its certificate is not known here): a proxy or virus scanner may stand "
        "between; ask who runs your network, then resume.",
    ),
    (
        r"Failed to establish|Max retries|getaddrinfo|name resolution|timed out|Connection(?:Error| broken| reset)|"
        r"IncompleteRead|ProxyError|WinError 100",
        "The package index cannot be reached: check the network, a firewall or a proxy, then resume.",
    ),
    (
        r"DO NOT MATCH THE HASHES|does not match the hash",
        "A package arrived damaged or is not what the index promised: resume to fetch it anew.",
    ),
    (
        r"No matching distribution|Could not find a version|ResolutionImpossible",
        "The packages are not offered for this Blender's Python or this device: try another device, or name a folder "
        "that holds torch and diffusers.",
    ),
    (
        r"Permission denied|Access is denied|Errno 13|WinError 5\b",
        "A file may not be written: check who owns the folder.",
    ),
)


def explain(lines: list[str]) -> str:
    """One sentence with the remedy for what pip failed with, from its last lines."""
    text = "\n".join(lines)
    for pattern, sentence in KNOWN:
        if re.search(pattern, text):
            return sentence
    errors = [line for line in lines if line.startswith("ERROR")] or [line for line in lines if line.strip()]
    reason = errors[-1].removeprefix("ERROR: ")[:300] if errors else "it ended without a word"
    return f"pip could not install the engine ({reason}): look at the log, then resume."
