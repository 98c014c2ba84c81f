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
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import ModelError, OutputError
from ..files import file_sha256, write_json
from .devices import Build
from .engine import MARKER, PACKAGES, PYTHON
from .engine_state import State, check_room, locked, part_of, read_json, remove_interrupted, size_of, state
from .pip_process import Process, Progress, interpreter

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


@dataclass(frozen=True)
class Wheel:
    """One package of the plan."""

    name: str
    version: str
    sha256: str


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
    part = part_of(folder)
    # A folder's own torch is the build that was meant, whatever its version ends with.
    requirements = (build.requirement.partition("+")[0] if wheels else build.requirement, *packages)
    try:
        part.mkdir(parents=True, exist_ok=True)
        check_room(folder, build, already=size_of(part / "wheels"))
        with locked(part):
            process = Process(part, python, report, cancelled, alone=bool(wheels))
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


def _plan(
    part: Path, build: Build, wheels: str, requirements: tuple[str, ...], source: list[str], process: Process
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
    kept = read_json(path)
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


def _fetch(part: Path, plan: list[Wheel], source: list[str], process: Process) -> None:
    """Fetch what is missing of the plan's wheels, each checked against its hash: the large ones singly, so that they
    outlive an interruption, the small ones in one go.
    """
    folder = part / "wheels"
    folder.mkdir(exist_ok=True)
    there = {file_sha256(path): path for path in folder.glob("*.whl")}
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
        megabytes = size_of(folder) / 1e6
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


def _unpack(part: Path, process: Process) -> Path:
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


def _try_out(site: Path, process: Process) -> dict[str, str]:
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
