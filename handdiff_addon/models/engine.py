# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine: a folder with torch and diffusers, put last on the module path on first use.

Last, so that it never shadows what Blender brings (numpy above all).
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import re
import sys
from pathlib import Path

from ..errors import ModelError

PACKAGES = ("torch", "diffusers", "transformers", "safetensors")
LEAST = {"torch": (2, 6), "diffusers": (0, 42), "transformers": (5, 0)}
"""The oldest versions that HandDiff works with."""
PYTHON = "{}.{}".format(*sys.version_info[:2])
MARKER = "handdiff_engine.json"
"""The file that an engine which HandDiff installed carries; it is written last."""


def site_packages(folder: str) -> str:
    """Where a folder keeps its packages: in itself, or as the environment that it is; empty stays empty.

    Raises:
        ModelError: where it is an environment of another Python.
    """
    path = Path(folder)
    if not folder or (path / "torch").is_dir():
        return folder
    windows = path / "Lib" / "site-packages"
    if windows.is_dir() and not (path / "lib").is_dir():
        return str(windows)
    own = path / "lib" / f"python{PYTHON}" / "site-packages"
    if own.is_dir():
        return str(own)
    if others := sorted(path.glob("lib/python3.*/site-packages")):
        raise ModelError(
            f"The environment {path} is of Python {others[0].parent.name.removeprefix('python')}: this Blender runs "
            f"Python {PYTHON}, so name an environment of that version."
        )
    return folder


def check_engine(folder: str) -> None:
    """Refuse an engine that cannot work, by looking at files only: quick, and nothing is imported.

    Args:
        folder: a ``site-packages`` folder or an environment; empty asks for packages that Python finds by itself.

    Raises:
        ModelError: where the folder, a package in it, or torch's build for this Python is missing, or where a copy
            that is too old would be used.
    """
    _check_loaded(folder)
    if not folder:
        if missing := [name for name in PACKAGES if not _importable(name)]:
            raise ModelError(
                f"This Blender has no {' and no '.join(missing[:2])}: set the engine up in HandDiff's preferences, or "
                "name a folder there that holds torch and diffusers."
            )
        return
    if not Path(folder).is_dir():
        raise ModelError(f"The engine folder {folder} does not exist: choose another in HandDiff's preferences.")
    path = Path(site_packages(folder))
    missing = [name for name in PACKAGES if not (path / name).is_dir() and not _importable(name)]
    if missing:
        raise ModelError(
            f"The engine folder {path} holds no {missing[0]}: "
            "choose the site-packages folder where torch and diffusers are installed."
        )
    compiled = [p.name for p in (path / "torch").glob("_C.*") if p.suffix in (".so", ".pyd")]
    if compiled and not any(name.removeprefix("_C") in importlib.machinery.EXTENSION_SUFFIXES for name in compiled):
        raise ModelError(
            f"The torch in {path} is built for another Python ({compiled[0]}): this Blender runs Python {PYTHON}, so "
            "install torch for that version."
        )
    for name, version in versions(str(path)).items():
        if name not in sys.modules and _too_old(name, version):
            raise ModelError(
                f"The {name} in {path} is {version}, and HandDiff needs {_least(name)} or later: update it, or set the "
                "engine up in HandDiff's preferences."
            )


def load_engine(folder: str) -> None:
    """Make torch and diffusers importable and import them; slow the first time, so call it in the worker.

    Raises:
        ModelError: as :func:`check_engine`, or where an import fails.
    """
    check_engine(folder)
    add_to_path(folder)
    for name in PACKAGES:
        try:
            importlib.import_module(name)
        except Exception as error:  # broken installations raise anything: OSError, RuntimeError, AttributeError
            where = f"the engine folder {folder}" if folder else "this Python"
            reason = " ".join(str(error).split())[:300]
            raise ModelError(
                f"{name} in {where} cannot be imported ({reason}): install torch and diffusers anew, for Python "
                f"{PYTHON}, and restart Blender."
            ) from error


def add_to_path(folder: str) -> None:
    """Put an engine last on the module path."""
    path = site_packages(folder)
    if path and path not in sys.path:
        sys.path.append(path)
        _added.append(path)
        importlib.invalidate_caches()


def leave_path() -> None:
    """Take the engines off the module path again; what is imported stays."""
    while _added:
        path = _added.pop()
        if path in sys.path:
            sys.path.remove(path)


def loaded_from(folder: str) -> bool:
    """Whether anything of an engine in this folder is imported, so that its files may be in use."""
    return any(_of(sys.modules.get(name), folder) for name in PACKAGES)


def versions(folder: str) -> dict[str, str]:
    """Versions of the engine's packages in a ``site-packages`` folder, by the names of their metadata folders."""
    found = {}
    for name in PACKAGES:
        for path in Path(folder).glob(f"{name}-*.dist-info"):
            found[name] = path.name.removesuffix(".dist-info").partition("-")[2]
    return found


def _check_loaded(folder: str) -> None:
    """Refuse a copy that is imported already, by another add-on, and too old: a session can have but one."""
    for name in LEAST:
        module = sys.modules.get(name)
        version = getattr(module, "__version__", "")
        if version and _too_old(name, str(version)) and not _of(module, folder):
            raise ModelError(
                f"Another add-on has loaded its own {name} {version}, and HandDiff needs {_least(name)} or later: "
                "disable that add-on, restart Blender and generate again."
            )


def _of(module: object, folder: str) -> bool:
    file = getattr(module, "__file__", None)
    return Path(file).is_relative_to(folder) if file and folder else False


def _too_old(name: str, version: str) -> bool:
    numbers = re.match(r"(\d+)\.(\d+)", version)
    return name in LEAST and numbers is not None and (int(numbers[1]), int(numbers[2])) < LEAST[name]


def _least(name: str) -> str:
    return ".".join(str(number) for number in LEAST[name])


def _importable(name: str) -> bool:
    return name in sys.modules or importlib.util.find_spec(name) is not None


_added: list[str] = []
