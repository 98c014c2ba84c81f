# SPDX-License-Identifier: GPL-3.0-or-later
"""Set up the engine: torch, diffusers and what they need, installed by pip into a folder of the user's.

pip resolves once into a plan (names, versions, hashes), fetches one wheel after the other, and unpacks them all into a
folder beside the engine's; that is tried out in a process of its own and then renamed into place.  So an engine that
works stays until a new one does, what was fetched outlives an interruption, and half an engine is never taken for one.
numpy is left out: Blender brings its own.  pip's cache lies beside as well: an index that does not serve metadata by
itself makes pip fetch wheels while it resolves, and so they are fetched but once.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import queue
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from ..errors import Cancelled, ModelError, OutputError
from ..files import write_json
from .devices import Build
from .engine import MARKER, PACKAGES, PYTHON

FRIENDS = (
    "diffusers==0.42.1",
    "transformers==5.24.0",
    "safetensors==0.8.0",
    "accelerate==1.15.0",
    "peft==0.21.2",
)
"""What is installed beside torch, in the versions that HandDiff was tested with."""
ALONE = ("open_clip_torch==3.3.0",)
"""What is installed without all that it asks for: CLIP's vocabulary is read from it, and it is never imported."""
BLENDERS_OWN = frozenset({"numpy"})

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


@dataclass(frozen=True)
class Wheel:
    """One package of the plan."""

    name: str
    version: str
    sha256: str


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
    if plan := _read_json(_part(folder) / "plan.json"):
        wanted = plan.get("packages", [])
        fetched = len(list((_part(folder) / "wheels").glob("*.whl")))
        return State(
            "interrupted", plan["label"], plan["build"], "", min(fetched, len(wanted)), len(wanted), plan["wheels"]
        )
    if marker := _read_json(folder / MARKER):
        return State("ready", marker["label"], marker["build"], marker["torch"])
    return State("none")


def install(
    folder: Path,
    build: Build,
    *,
    wheels: str = "",
    packages: tuple[str, ...] = FRIENDS,
    python: str = "",
    report: Callable[[Progress], None] = lambda progress: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> State:
    """Install an engine into ``folder``, or go on with an installation that was interrupted.

    Args:
        folder: where the engine is to lie; an engine that lies there is replaced once the new one works.
        build: of torch.
        wheels: a folder of wheels to install from instead of the network.
        packages: requirements beside torch.
        python: the interpreter to install for; empty: the one that runs.
        report: hears of every step and of every line of pip's.
        cancelled: asked a few times a second; what was fetched is kept.

    Raises:
        Cancelled: where ``cancelled`` said so.
        ModelError: where pip is missing or fails, or the engine that it made does not work.
        OutputError: where the folder cannot be written or the disk is too small.
    """
    python = python or interpreter()
    part = _part(folder)
    # A folder's own torch is the build that was meant, whatever its version ends with.
    requirements = (build.requirement.partition("+")[0] if wheels else build.requirement, *packages)
    try:
        part.mkdir(parents=True, exist_ok=True)
        check_room(folder, build, already=_size(part / "wheels"))
        with _locked(part):
            process = _Process(part, python, report, cancelled, alone=bool(wheels))
            source = ["--no-index", "--find-links", wheels] if wheels else []
            source += ["--extra-index-url", build.index] if build.index and not wheels else []
            plan = _plan(part, build, wheels, requirements, source, process)
            _fetch(part, plan, source, process)
            site = _unpack(part, process)
            versions = _try_out(site, process)
            marker = {"label": build.label, "build": build.name, "torch": versions["torch"], "python": PYTHON}
            write_json(site / MARKER, {**marker, "packages": {wheel.name: wheel.version for wheel in plan}})
            _switch(site, folder)
        remove_interrupted(folder)
    except OSError as error:
        raise OutputError(
            f"The engine cannot be installed in {folder} ({error.strerror or error}): make room, or check that you may "
            "write there."
        ) from error
    return state(folder)


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
    shutil.rmtree(_part(folder), ignore_errors=True)


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
    return len(str(_part(folder) / "site")) + 1 + 168 >= 260


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


def _part(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.part")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    known = isinstance(data, dict) and all(isinstance(data.get(key, ""), str) for key in ("label", "build", "wheels"))
    return {"label": "", "build": "", "wheels": "", "torch": "", **data} if known else {}


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*")) if folder.is_dir() else 0


@contextlib.contextmanager
def _locked(part: Path) -> Iterator[None]:
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


class _Process:
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
                        self.tell(megabytes=(_size(self._part / "wheels") + int(fetched[1])) / 1e6)
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


def _plan(
    part: Path, build: Build, wheels: str, requirements: tuple[str, ...], source: list[str], process: _Process
) -> list[Wheel]:
    """What is to be fetched: the plan of an interrupted installation where it was for the same, else a new one."""
    process.tell(stage="resolving")
    path = part / "plan.json"
    key = {
        "label": build.label,
        "build": build.name,
        "wheels": wheels,
        "requirements": [*requirements, *ALONE],
        "python": PYTHON,
    }
    kept = _read_json(path)
    if kept and {name: kept.get(name) for name in key} == key:
        with contextlib.suppress(TypeError, KeyError):
            return [Wheel(**item) for item in kept["packages"]]
    shutil.rmtree(part / "wheels", ignore_errors=True)
    report = part / "report.json"
    found = []
    for wanted in (requirements, ("--no-deps", *ALONE)):
        process.pip(
            "install", "--dry-run", "--ignore-installed", "--only-binary", ":all:", "--report", str(report), *source,
            *wanted,
        )  # fmt: skip
        found += json.loads(report.read_text(encoding="utf-8"))["install"]
    plan = [
        Wheel(
            item["metadata"]["name"],
            item["metadata"]["version"],
            item["download_info"].get("archive_info", {}).get("hashes", {}).get("sha256", ""),
        )
        for item in found
    ]
    plan = [wheel for wheel in plan if wheel.name.lower() not in BLENDERS_OWN]
    write_json(path, {**key, "packages": [asdict(wheel) for wheel in plan]})
    return plan


def _fetch(part: Path, plan: list[Wheel], source: list[str], process: _Process) -> None:
    """Fetch what is missing of the plan's wheels, each checked against its hash: the large ones singly, so that they
    outlive an interruption, the small ones in one go.
    """
    folder = part / "wheels"
    folder.mkdir(exist_ok=True)
    there = {_sha256(path): path for path in folder.glob("*.whl")}
    wanted = {wheel.sha256 for wheel in plan}
    for digest, path in there.items():
        if digest not in wanted:
            path.unlink()
    missing = [wheel for wheel in plan if wheel.sha256 not in there]
    large = [wheel for wheel in missing if wheel.name.lower().startswith(_LARGE)]
    small = [wheel for wheel in missing if wheel not in large]
    done = len(plan) - len(missing)
    for batch in (*([wheel] for wheel in large), small):
        if not batch:
            continue
        megabytes = _size(folder) / 1e6
        process.tell(
            stage="fetching", package=batch[0].name, number=done + 1, count=len(plan), megabytes=megabytes, line=""
        )
        wheels = part / "fetching.txt"
        lines = (f"{w.name}=={w.version}" + (f" --hash=sha256:{w.sha256}" if w.sha256 else "") for w in batch)
        wheels.write_text("\n".join(lines), encoding="utf-8")
        process.pip(
            "download", "--no-deps", "--only-binary", ":all:", "-d", str(folder), *source,
            "-r", str(wheels),
        )  # fmt: skip
        done += len(batch)


_LARGE = ("torch", "nvidia", "triton", "pytorch", "rocm")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _unpack(part: Path, process: _Process) -> Path:
    """Unpack all wheels into a new folder; all at once, since several of them share folders."""
    process.tell(stage="unpacking", package="")
    site = part / "site"
    for old in (site, part / "cache"):
        shutil.rmtree(old, ignore_errors=True)
    process.pip(
        "install", "--no-index", "--no-deps", "--no-compile", "--no-warn-script-location", "--quiet",
        "--target", str(site), *(str(path) for path in sorted((part / "wheels").glob("*.whl"))),
    )  # fmt: skip
    return site


_TRY = """
import importlib, json, sys
sys.path.append(sys.argv[1])
modules = {name: importlib.import_module(name) for name in sys.argv[2:]}
print("VERSIONS " + json.dumps({name: str(getattr(module, "__version__", "")) for name, module in modules.items()}))
"""


def _try_out(site: Path, process: _Process) -> dict[str, str]:
    """Import the engine in a process of its own; gives its packages' versions.

    Raises:
        ModelError: where it does not work.
    """
    process.tell(stage="trying")
    code, lines = process.python(["-c", _TRY, str(site), *PACKAGES])
    for line in lines:
        if not code and line.startswith("VERSIONS "):
            return json.loads(line.removeprefix("VERSIONS "))
    reason = next((line for line in reversed(lines) if line.strip()), "it ended without a word")[:300]
    raise ModelError(
        f"The engine was installed and does not work here ({reason}): try another device, or report it with the "
        "diagnostics."
    )


def _switch(site: Path, folder: Path) -> None:
    """Put the new engine in the old one's place."""
    trash = folder.with_name(f"{folder.name}.old")
    shutil.rmtree(trash, ignore_errors=True)
    if folder.exists():
        os.replace(folder, trash)
    try:
        os.replace(site, folder)
    except OSError:
        if trash.exists():
            os.replace(trash, folder)
        raise
    shutil.rmtree(trash, ignore_errors=True)


_KNOWN = (
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
    for pattern, sentence in _KNOWN:
        if re.search(pattern, text):
            return sentence
    errors = [line for line in lines if line.startswith("ERROR")] or [line for line in lines if line.strip()]
    reason = errors[-1].removeprefix("ERROR: ")[:300] if errors else "it ended without a word"
    return f"pip could not install the engine ({reason}): look at the log, then resume."
