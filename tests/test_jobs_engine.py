# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine folder: what is refused, in which words, and that it never shadows what Python has."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from handdiff_addon.errors import ModelError
from handdiff_addon.models import engine

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in engine.PACKAGES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("")
    return tmp_path


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python that finds no engine by itself."""
    monkeypatch.setattr(engine, "_importable", lambda name: False)


def test_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not exist: choose another"):
        engine.check_engine(str(tmp_path / "gone"))


@pytest.mark.usefixtures("bare")
def test_folder_without_diffusers(folder: Path) -> None:
    (folder / "diffusers" / "__init__.py").unlink()
    (folder / "diffusers").rmdir()
    with pytest.raises(ModelError, match="holds no diffusers"):
        engine.check_engine(str(folder))


@pytest.mark.usefixtures("bare")
def test_no_folder_and_no_torch() -> None:
    with pytest.raises(ModelError, match="set the engine up"):
        engine.check_engine("")


def test_torch_of_another_python(folder: Path) -> None:
    (folder / "torch" / "_C.cpython-37m-x86_64-linux-gnu.so").touch()
    (folder / "torch" / "_C.cp37-win_amd64.pyd").touch()
    with pytest.raises(ModelError, match="another Python"):
        engine.check_engine(str(folder))


def test_torch_of_this_python(folder: Path) -> None:
    import importlib.machinery

    (folder / "torch" / f"_C{importlib.machinery.EXTENSION_SUFFIXES[0]}").touch()
    engine.check_engine(str(folder))


def run(folder: Path, code: str) -> str:
    code = "from handdiff_addon.errors import ModelError\nfrom handdiff_addon.models import engine\n" + code
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout


def test_an_import_that_fails_is_one_sentence(folder: Path) -> None:
    (folder / "nothere").mkdir()
    (folder / "nothere" / "__init__.py").write_text("raise OSError('shm.dll\\nwas not found')")
    code = (
        "import sys\nengine.PACKAGES = ('nothere',)\n"
        "try:\n    engine.load_engine(sys.argv[1])\nexcept ModelError as error:\n    print(error)\n"
    )
    out = run(folder, code)
    assert "nothere in the engine folder" in out and "shm.dll was not found" in out
    assert out.count("\n") == 1


def test_the_folder_comes_last_and_shadows_nothing(folder: Path) -> None:
    (folder / "numpy").mkdir()
    (folder / "numpy" / "__init__.py").write_text("WRONG = True")
    (folder / "onlyhere").mkdir()
    (folder / "onlyhere" / "__init__.py").write_text("FOUND = True")
    code = (
        "import sys\nengine.PACKAGES = ('onlyhere',)\n"
        "engine.load_engine(sys.argv[1])\nengine.load_engine(sys.argv[1])\n"
        "import numpy, onlyhere\n"
        "print(onlyhere.FOUND, hasattr(numpy, 'WRONG'), sys.path[-1] == sys.argv[1], sys.path.count(sys.argv[1]))\n"
    )
    assert run(folder, code).split() == ["True", "False", "True", "1"]


def test_an_environment_is_as_good_as_its_packages(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("environment")
    site = home / "lib" / f"python{engine.PYTHON}" / "site-packages"
    site.parent.mkdir(parents=True)
    folder.rename(site)
    assert engine.site_packages(str(home)) == str(site)
    engine.check_engine(str(home))
    site.parent.rename(home / "lib" / "python3.7")
    with pytest.raises(ModelError, match=r"is of Python 3.7: this Blender runs Python 3"):
        engine.check_engine(str(home))
    (home / "lib").rename(home / "other")
    (home / "Lib" / "site-packages").mkdir(parents=True)
    assert engine.site_packages(str(home)) == str(home / "Lib" / "site-packages")


def test_versions_that_are_too_old(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.sys, "modules", {})
    (folder / "torch-2.13.0+cu130.dist-info").mkdir()
    (folder / "diffusers-0.42.1.dist-info").mkdir()
    engine.check_engine(str(folder))
    assert engine.versions(str(folder)) == {"torch": "2.13.0+cu130", "diffusers": "0.42.1"}
    (folder / "transformers-4.57.1.dist-info").mkdir()
    with pytest.raises(ModelError, match=r"transformers in .* is 4.57.1, and HandDiff needs 5.0 or later: update it"):
        engine.check_engine(str(folder))


def test_another_add_ons_copy(folder: Path) -> None:
    (folder / "theirs" / "torch").mkdir(parents=True)
    (folder / "theirs" / "torch" / "__init__.py").write_text("__version__ = '1.13.1'")
    code = (
        "import sys\nsys.path.insert(0, sys.argv[1] + '/theirs')\nimport torch\n"
        "print(engine.loaded_from(sys.argv[1] + '/theirs'), engine.loaded_from('/elsewhere'))\n"
        "try:\n    engine.check_engine(sys.argv[1])\nexcept ModelError as error:\n    print(error)\n"
    )
    out = run(folder / "theirs", code.replace("sys.argv[1] + '/theirs'", "sys.argv[1]").replace(
        "check_engine(sys.argv[1])", "check_engine(sys.argv[1] + '/..x')"))  # fmt: skip
    assert out.splitlines()[0] == "True False"
    assert "Another add-on has loaded its own torch 1.13.1, and HandDiff needs 2.6 or later" in out


def test_the_path_is_left_as_it_was(folder: Path) -> None:
    code = (
        "import sys\nbefore = list(sys.path)\nengine.add_to_path(sys.argv[1])\n"
        "during = sys.path[-1] == sys.argv[1]\nengine.leave_path()\nprint(during, sys.path == before)\n"
    )
    assert run(folder, code).split() == ["True", "True"]
