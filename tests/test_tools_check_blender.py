# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``make`` says where Blender's Python module lacks a system library, and what pytest must never import."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
XI = "ImportError: libXi.so.6: cannot open shared object file: No such file or directory"


@pytest.fixture(scope="module")
def check() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_blender", ROOT / "tools" / "check_blender.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_one_missing_library_names_its_package_and_the_command(check: ModuleType) -> None:
    sentence = check.sentence(["libXi.so.6"], XI)
    assert "package libxi6:" in sentence and "apt-get install -y libxi6 " in sentence
    assert "cannot open shared object" not in sentence and sentence.endswith(".")


def test_several_missing_libraries_make_one_command(check: ModuleType) -> None:
    libraries = ["libX11.so.6", "libxkbcommon.so.0", "libSM.so.6", "libICE.so.6", "libGL.so.1", "libEGL.so.1"]
    command = check.sentence(libraries, XI).split("install -y ")[1].split("  ")[0]
    assert command.split() == ["libegl1", "libgl1", "libice6", "libsm6", "libx11-6", "libxkbcommon0"]


def test_a_library_of_no_known_package_is_still_named(check: ModuleType) -> None:
    assert "libnever.so.3" in check.sentence(["libnever.so.3"], "")


def test_the_linker_s_own_message_is_enough(check: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check.importlib.util, "find_spec", lambda name: None)
    assert check.missing_libraries(XI) == ["libXi.so.6"]


def test_ldd_tells_of_every_missing_library(check: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "__init__.cpython-311-x86_64-linux-gnu.so").write_bytes(b"")
    spec = importlib.util.spec_from_file_location("bpy", tmp_path / "__init__.cpython-311-x86_64-linux-gnu.so")
    monkeypatch.setattr(check.importlib.util, "find_spec", lambda name: spec)
    listing = "\tlibXi.so.6 => not found\n\tlibc.so.6 => /lib/libc.so.6 (0x1)\n\tlibSM.so.6 => not found\n"
    monkeypatch.setattr(
        check.subprocess, "run", lambda *a, **k: subprocess.CompletedProcess(a, 0, stdout=listing, stderr="")
    )
    assert check.missing_libraries(XI) == ["libSM.so.6", "libXi.so.6"]


@pytest.mark.skipif(sys.platform != "linux" or not shutil.which("dpkg-query"), reason="needs Debian's package tools")
def test_the_packages_hold_the_libraries_that_this_blender_loads(check: ModuleType) -> None:
    spec = importlib.util.find_spec("bpy")
    if spec is None or spec.origin is None:
        pytest.skip("no bpy here")
    module = next(Path(spec.origin).parent.glob("__init__*.so"))
    listing = subprocess.run(["ldd", str(module)], capture_output=True, text=True, check=True).stdout
    loaded = [stem for stem in check.PACKAGES if f"\t{stem}.so" in listing]
    patterns = [f"*/{stem}.so.*" for stem in loaded]
    owned = subprocess.run(["dpkg-query", "-S", *patterns], capture_output=True, text=True, check=False).stdout
    for stem in loaded:
        owners = {line.split(":")[0] for line in owned.splitlines() if f"/{stem}.so." in line}
        assert not owners or check.PACKAGES[stem] in owners
    assert len(loaded) >= 5


def test_pytest_never_imports_blender_s_entry_point(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "__init__.py").write_text("raise RuntimeError('pytest imported the root package')\n")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "conftest.py").write_text("")
    (tmp_path / "tests" / "test_one.py").write_text("def test_one(): pass\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_one.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and "1 passed" in done.stdout, done.stdout + done.stderr
