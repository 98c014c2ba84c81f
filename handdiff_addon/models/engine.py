# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine: a folder with torch and diffusers, put last on the module path on first use.

Last, so that it never shadows what Blender brings (numpy above all).
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import sys
from pathlib import Path

from ..errors import ModelError

PACKAGES = ("torch", "diffusers", "transformers", "safetensors")


def check_engine(folder: str) -> None:
    """Refuse an engine that cannot work, by looking at files only: quick, and nothing is imported.

    Args:
        folder: a ``site-packages`` folder; empty asks for packages that Python finds by itself.

    Raises:
        ModelError: where the folder, a package in it, or torch's build for this Python is missing.
    """
    if not folder:
        if missing := [name for name in PACKAGES if not _importable(name)]:
            raise ModelError(
                f"This Blender has no {' and no '.join(missing[:2])}: set Engine Folder in HandDiff's preferences "
                "to a folder that holds torch and diffusers."
            )
        return
    path = Path(folder)
    if not path.is_dir():
        raise ModelError(f"The engine folder {path} does not exist: choose another in HandDiff's preferences.")
    missing = [name for name in PACKAGES if not (path / name).is_dir() and not _importable(name)]
    if missing:
        raise ModelError(
            f"The engine folder {path} holds no {missing[0]}: "
            "choose the site-packages folder where torch and diffusers are installed."
        )
    compiled = [p.name for p in (path / "torch").glob("_C.*") if p.suffix in (".so", ".pyd")]
    if compiled and not any(name.removeprefix("_C") in importlib.machinery.EXTENSION_SUFFIXES for name in compiled):
        raise ModelError(
            f"The torch in {path} is built for another Python ({compiled[0]}): this Blender runs Python "
            f"{sys.version_info.major}.{sys.version_info.minor}, so install torch for that version."
        )


def load_engine(folder: str) -> None:
    """Make torch and diffusers importable and import them; slow the first time, so call it in the worker.

    Raises:
        ModelError: as :func:`check_engine`, or where an import fails.
    """
    check_engine(folder)
    if folder and folder not in sys.path:
        sys.path.append(folder)
        importlib.invalidate_caches()
    for name in PACKAGES:
        try:
            importlib.import_module(name)
        except Exception as error:  # broken installations raise anything: OSError, RuntimeError, AttributeError
            where = f"the engine folder {folder}" if folder else "this Python"
            reason = " ".join(str(error).split())[:300]
            raise ModelError(
                f"{name} in {where} cannot be imported ({reason}): install torch and diffusers anew, for Python "
                f"{sys.version_info.major}.{sys.version_info.minor}, and restart Blender."
            ) from error


def _importable(name: str) -> bool:
    return name in sys.modules or importlib.util.find_spec(name) is not None
