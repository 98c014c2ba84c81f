# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's set-up with real pip and tiny wheels: install, break off, go on, repair, remove, refuse."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import signal
import subprocess
import sys
import venv
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from handdiff_addon.errors import Cancelled, ModelError, OutputError
from handdiff_addon.models import engine, engine_state, installer, pip_process
from handdiff_addon.models.devices import CPU, Build

ROOT = Path(__file__).resolve().parents[1]
TINY = replace(CPU, download=0.001, installed=0.001)


def wheel(folder: Path, requirement: str, *needs: str, code: str | None = None) -> Path:
    """A wheel of one module that knows its version."""
    name, version = requirement.split("==")
    code = f"__version__ = {version!r}\n" if code is None else code
    info = f"{name}-{version}.dist-info"
    needed = "".join(f"Requires-Dist: {need}\n" for need in needs)
    files = {
        f"{name}/__init__.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needed}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={digest},{len(text)}\n"
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inside, text in files.items():
            archive.writestr(inside, text)
        archive.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")
    return path


def index(folder: Path) -> Path:
    """A folder with a wheel of everything that the engine is made of, and of what these need."""
    folder.mkdir(exist_ok=True)
    wheel(folder, f"{TINY.requirement.partition('+')[0]}", "nvidia_a", "nvidia_b", "numpy")
    for requirement in installer.FRIENDS:
        wheel(folder, requirement, "torch")
    for name in ("nvidia_a", "nvidia_b", "numpy"):
        wheel(folder, f"{name}==1.0")
    (alone,) = installer.ALONE
    wheel(folder, alone, "torch", "torchvision", "timm")  # more than the folder has, and than is wanted
    return folder


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    return index(tmp_path / "wheels")


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python with pip and no other package."""
    home = tmp_path_factory.mktemp("python")
    venv.create(home, with_pip=True, symlinks=True)
    return str(home / "bin" / "python")


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


def test_install_repair_and_remove(tmp_path: Path, wheels: Path, python: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # A user's own settings of pip must send nothing elsewhere.
    monkeypatch.setenv("PIP_TARGET", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("PIP_REQUIRE_VIRTUALENV", "1")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    folder = tmp_path / "user" / "engine"
    heard: list[pip_process.Progress] = []
    assert engine_state.state(folder).kind == "none"
    done = installer.install(folder, TINY, wheels=str(wheels), python=python, report=heard.append)
    assert done == engine_state.state(folder)
    assert (done.kind, done.torch, done.device) == ("ready", "2.13.0", CPU.label)
    assert {"torch", "diffusers", "nvidia_a", "peft", "open_clip_torch", engine.MARKER} <= names(folder)
    assert "numpy" not in names(folder), "Blender has its own numpy"
    assert names(folder.parent) == {"engine"}, "something was left behind"
    assert not (tmp_path / "elsewhere").exists()
    stages = [progress.stage for progress in heard]
    assert sorted(set(stages), key=stages.index) == ["resolving", "fetching", "unpacking", "trying"]
    assert any("diffusers" in progress.line for progress in heard), "pip's own words do not reach the log"
    fetched = [progress for progress in heard if progress.stage == "fetching"]
    assert (fetched[-1].number, fetched[-1].count) == (4, 9)

    (folder / "torch" / "__init__.py").write_text("broken(")
    assert installer.install(folder, TINY, wheels=str(wheels), python=python).kind == "ready"
    assert "2.13.0" in (folder / "torch" / "__init__.py").read_text()

    engine_state.remove(folder)
    assert names(folder.parent) == set() and engine_state.state(folder).kind == "none"


def test_an_engine_that_does_not_work_leaves_the_old_one(tmp_path: Path, wheels: Path, python: str) -> None:
    folder = tmp_path / "engine"
    folder.mkdir()
    (folder / engine.MARKER).write_text(json.dumps({"label": CPU.label, "build": "cpu", "torch": "2.12.0"}))
    wheel(wheels, installer.FRIENDS[0], code="raise OSError('libcudart.so is missing')")
    with pytest.raises(ModelError, match=r"does not work here \(OSError: libcudart.so is missing\)"):
        installer.install(folder, TINY, wheels=str(wheels), python=python)
    assert engine_state.state(folder).kind == "interrupted"
    engine_state.remove_interrupted(folder)
    assert engine_state.state(folder).torch == "2.12.0" and names(tmp_path) == {"wheels", "engine"}


KILLED = """
import os, signal, sys
from dataclasses import replace
from pathlib import Path
from handdiff_addon.models import installer
from handdiff_addon.models.devices import CPU
def report(progress):
    if (progress.stage, progress.number) == ("fetching", 3) or progress.stage == sys.argv[4]:
        os.kill(os.getpid(), signal.SIGKILL)
tiny = replace(CPU, download=0.001, installed=0.001)
installer.install(Path(sys.argv[1]), tiny, wheels=sys.argv[2], python=sys.argv[3], report=report)
"""


def test_killed_in_the_middle_and_gone_on_with(tmp_path: Path, wheels: Path, python: str) -> None:
    folder = tmp_path / "engine"
    arguments = [str(folder), str(wheels), python, "none"]
    done = subprocess.run([sys.executable, "-c", KILLED, *arguments], cwd=ROOT, capture_output=True, timeout=120)
    assert done.returncode == -signal.SIGKILL
    assert not folder.exists()
    broken = engine_state.state(folder)
    assert (broken.kind, broken.fetched, broken.wanted, broken.build) == ("interrupted", 2, 9, "cpu")
    kept = folder.with_name("engine.part") / "wheels"
    for name in names(kept):
        (wheels / name).unlink()  # so that nobody can fetch them again
    damaged = next(kept.glob("torch-*.whl"))
    whole = damaged.read_bytes()
    (wheels / damaged.name).write_bytes(whole)
    damaged.write_bytes(whole[:-1])
    assert installer.install(folder, TINY, wheels=broken.wheels, python=python).kind == "ready"
    assert names(tmp_path) == {"wheels", "engine"}


def test_killed_while_unpacking(tmp_path: Path, wheels: Path, python: str) -> None:
    folder = tmp_path / "engine"
    arguments = [str(folder), str(wheels), python, "trying"]
    code = KILLED.replace('("fetching", 3)', '("none", 0)')
    subprocess.run([sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, timeout=120)
    assert names(folder.with_name("engine.part") / "site"), "it was killed too early"
    assert engine_state.state(folder).kind == "interrupted" and not folder.exists()
    with pytest.raises(ModelError, match=r"^The packages are not offered"):
        installer.install(folder, TINY, wheels=str(tmp_path), python=python)  # another source, so a new plan


def test_stopping_keeps_what_was_fetched_and_ends_pip(tmp_path: Path, wheels: Path, python: str) -> None:
    folder = tmp_path / "engine"
    heard: list[pip_process.Progress] = []
    with pytest.raises(Cancelled, match="goes on from there"):
        installer.install(
            folder, TINY, wheels=str(wheels), python=python, report=heard.append,
            cancelled=lambda: bool(heard) and heard[-1].number == 3,
        )  # fmt: skip
    assert engine_state.state(folder).fetched == 2
    engine_state.remove_interrupted(folder)
    assert names(tmp_path) == {"wheels"}


def test_python_without_pip(tmp_path: Path, wheels: Path) -> None:
    """pip comes out of ensurepip then, and nothing is installed into Python itself."""
    venv.create(tmp_path / "python", with_pip=False, symlinks=True)
    python = str(tmp_path / "python" / "bin" / "python")
    heard: list[str] = []
    with pytest.raises(Cancelled):
        installer.install(
            tmp_path / "engine", TINY, wheels=str(wheels), python=python,
            report=lambda progress: heard.append(progress.line), cancelled=lambda: any("torch" in h for h in heard),
        )  # fmt: skip
    assert "pip" not in names(next((tmp_path / "python" / "lib").glob("python*/site-packages")))


def test_two_at_once_are_refused(tmp_path: Path, wheels: Path, python: str) -> None:
    folder = tmp_path / "engine"
    refused: list[str] = []

    def report(progress: pip_process.Progress) -> None:
        with pytest.raises(ModelError) as error:
            installer.install(folder, TINY, wheels=str(wheels), python=python)
        refused.append(str(error.value))

    with pytest.raises(Cancelled):
        installer.install(
            folder, TINY, wheels=str(wheels), python=python, report=report, cancelled=lambda: bool(refused)
        )
    assert "Another Blender" in refused[0]


def test_a_package_that_the_plan_did_not_promise(tmp_path: Path, wheels: Path, python: str) -> None:
    def report(progress: pip_process.Progress) -> None:
        if progress.stage == "fetching" and progress.number == 1:
            wheel(wheels, installer.FRIENDS[0], code="exec('something else')")

    with pytest.raises(ModelError, match="arrived damaged"):
        installer.install(tmp_path / "engine", TINY, wheels=str(wheels), python=python, report=report)
    assert not (tmp_path / "engine").exists()


def test_a_disk_that_is_too_small(tmp_path: Path) -> None:
    huge = Build("cpu", "Processor only", download=1e6, installed=1e6)
    with pytest.raises(OutputError, match=r"needs 2000000 GB while it is installed and .* GB are free"):
        installer.install(tmp_path / "engine", huge, python=sys.executable)
    assert engine_state.state(tmp_path / "engine").kind == "none"


@pytest.mark.skipif(os.name != "posix", reason="rights as POSIX has them")
def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"cannot be installed in .*make room, or check that you may write"):
        installer.install(tmp_path / "file" / "engine", TINY, python=sys.executable)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk is full"),
        ("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate", "cannot be trusted"),
        ("NewConnectionError: Failed to establish a new connection: [WinError 10013]", "cannot be reached"),
        ("ERROR: No matching distribution found for torch==2.13.0+cu126", "not offered"),
        ("ERROR: something new\n", "something new): look at the log"),
    ],
)
def test_what_pip_says_becomes_one_sentence_with_a_remedy(line: str, sentence: str) -> None:
    text = pip_process.explain(["Collecting torch", line.strip(), "WARNING: pip is old"])
    assert sentence in text and "\n" not in text


def test_damaged_notes_are_no_engine(tmp_path: Path) -> None:
    folder = tmp_path / "engine"
    folder.mkdir()
    for text in ("", "[]", '{"label": 3}', "{"):
        (folder / engine.MARKER).write_text(text)
        assert engine_state.state(folder).kind == "none"
    (folder / engine.MARKER).write_text(json.dumps({"label": "x", "torch": "2"}))
    assert engine_state.state(folder).kind == "ready"


def test_windows_long_names() -> None:
    users = Path("C:/Users/somebody/AppData/Roaming/Blender Foundation/Blender/5.2/extensions/.user/user_default")
    assert engine_state.too_deep(users / "handdiff" / "engine")
    assert not engine_state.too_deep(Path("C:/handdiff/engine"))
