# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the tests inside Blender itself, with its own Python and numpy.

    blender -b --factory-startup --python tools/test_in_blender.py -- [PYTEST'S ARGUMENTS]

or ``make test-blender BLENDER=/path/to/blender``.  Without arguments: the tests of rigs, scene and extension.  What the
tests need and Blender lacks is put into ``HANDDIFF_BLENDER_PACKAGES``, else ``build/blender-packages``, by its own
Python's pip where it is not there yet; an engine can be part of that folder, or ``HANDDIFF_BLENDER_ENGINE`` names it.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NEEDED = ("pytest", "hypothesis", "scipy", "PIL", "trimesh")
REQUIREMENTS = ("pytest>=8.3", "hypothesis>=6.100", "scipy>=1.13", "Pillow>=10.3", "trimesh>=4.4")
TESTS = ("tests/test_rig_*.py", "tests/test_scene_*.py", "tests/test_conditioning_*.py", "tests/test_extension*.py")


def main() -> int:
    packages = os.environ.get("HANDDIFF_BLENDER_PACKAGES") or str(ROOT / "build" / "blender-packages")
    sys.path[:0] = [str(ROOT)]
    sys.path += [path for path in (packages, os.environ.get("HANDDIFF_BLENDER_ENGINE", "")) if path]
    if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
        print(f"Fetching {', '.join(missing)} into {packages}", flush=True)
        wanted = [requirement for name, requirement in zip(NEEDED, REQUIREMENTS) if name in missing]
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--target", packages, *wanted], check=True)
        importlib.invalidate_caches()
    import pytest

    os.chdir(ROOT)
    given = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    files = [str(path) for pattern in TESTS for path in sorted(ROOT.glob(pattern))]
    return int(pytest.main(["-q", "-m", "not gui", *(given or files)]))


code = 1
try:
    code = main()
finally:
    sys.stdout.flush()
    os._exit(code)
