# SPDX-License-Identifier: GPL-3.0-or-later
"""Say in one sentence which system libraries Blender's Python module lacks, and the one command that installs them.

Run with the interpreter of the environment to check: ``python tools/check_blender.py [--packages]``.  Exit code 0 where
``import bpy`` works, 1 otherwise; ``--packages`` prints the names of the missing packages alone, for scripts.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

PACKAGES = {
    "libX11": "libx11-6",
    "libXi": "libxi6",
    "libXxf86vm": "libxxf86vm1",
    "libXfixes": "libxfixes3",
    "libXrender": "libxrender1",
    "libXext": "libxext6",
    "libXcursor": "libxcursor1",
    "libXrandr": "libxrandr2",
    "libXinerama": "libxinerama1",
    "libXt": "libxt6",
    "libxkbcommon": "libxkbcommon0",
    "libxcb": "libxcb1",
    "libSM": "libsm6",
    "libICE": "libice6",
    "libGL": "libgl1",
    "libGLX": "libglx0",
    "libEGL": "libegl1",
    "libOpenGL": "libopengl0",
    "libwayland-client": "libwayland-client0",
    "libdbus-1": "libdbus-1-3",
    "libgomp": "libgomp1",
    "libstdc++": "libstdc++6",
}
"""Debian's and Ubuntu's package of each library that a Blender wheel loads from the system."""


def missing_libraries(import_error: str) -> list[str]:
    """File names of the shared libraries that the dynamic linker does not find for ``bpy``.

    The linker's own message (``libXi.so.6: cannot open shared object file``) names only the first; ``ldd`` knows all.
    """
    names = re.findall(r"(lib[\w.+-]+\.so[\w.]*): cannot open shared object", import_error)
    spec = importlib.util.find_spec("bpy")
    if spec and spec.origin:
        for module in Path(spec.origin).parent.glob("__init__*.so"):
            try:
                listing = subprocess.run(["ldd", str(module)], capture_output=True, text=True, check=False).stdout
            except OSError:
                continue
            names += re.findall(r"(\S+) => not found", listing)
    return sorted(set(names))


def packages(libraries: list[str]) -> tuple[list[str], list[str]]:
    """Package names for library file names, and those file names that no known package holds."""
    stems = {library: library.split(".so")[0] for library in libraries}
    known = sorted({PACKAGES[stem] for stem in stems.values() if stem in PACKAGES})
    return known, [library for library, stem in stems.items() if stem not in PACKAGES]


def sentence(libraries: list[str], import_error: str) -> str:
    """What is missing and what to do about it."""
    known, unknown = packages(libraries)
    if known and not unknown:
        noun = "package" if len(known) == 1 else "packages"
        return (
            f"Blender's Python module needs the system {noun} {', '.join(known)}: "
            f"run  sudo apt-get install -y {' '.join(known)}  and then make again."
        )
    if libraries:
        names = ", ".join(libraries)
        return f"Blender's Python module needs the system libraries {names}: install them and make again."
    return f"Blender's Python module cannot be imported ({import_error}): remove .venv and make again."


def main() -> int:
    # In a child process: a module that failed to load half-way must not disturb this one.
    child = subprocess.run([sys.executable, "-c", "import bpy"], capture_output=True, text=True, check=False)
    if child.returncode == 0:
        return 0
    error = (child.stderr.strip().splitlines() or [f"exit code {child.returncode}"])[-1]
    libraries = missing_libraries(error)
    if "--packages" in sys.argv:
        print(" ".join(packages(libraries)[0]))
    else:
        print(sentence(libraries, error), file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
