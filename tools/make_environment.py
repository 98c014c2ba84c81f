# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a virtual environment with HandDiff in it: ``python3.11 tools/make_environment.py FOLDER REQUIREMENT...``

A torch that is there already is kept, in this order: the one that the variable ``HANDDIFF_TORCH`` names (a folder that
holds the package ``torch``, a wheel, or a requirement such as ``torch==2.9.1``), the environment's own, the one of the
interpreter that runs this script.  Otherwise torch is installed as pip's own configuration decides.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

TORCH = "torch==2.13.0"
FIND_TORCH = "import importlib.util as u; s = u.find_spec('torch'); print(s.origin if s and s.origin else '')"


def torch_folder(python: str | Path) -> Path | None:
    """Folder on ``python``'s module path that holds torch."""
    found = subprocess.run([python, "-c", FIND_TORCH], capture_output=True, text=True, check=True).stdout.strip()
    return Path(found).parents[1] if found else None


def main() -> None:
    folder, *requirements = sys.argv[1:]
    home = Path(folder)
    python = home / "bin" / "python"
    if not python.exists():
        venv.create(home, with_pip=True, symlinks=True)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if any("engine" in requirement for requirement in requirements):
        wanted = os.environ.get("HANDDIFF_TORCH", "")
        shared = Path(wanted) if wanted and (Path(wanted) / "torch").is_dir() else None
        if not wanted and torch_folder(python) is None:
            shared = torch_folder(sys.executable)
        if shared:
            # A path file puts that folder behind the environment's own packages, so only what is missing comes from it.
            site = next((home / "lib").glob("python3*")) / "site-packages"
            (site / "handdiff_torch.pth").write_text(f"{shared.resolve()}\n", encoding="utf-8")
            print(f"torch: the one in {shared}", flush=True)
        elif wanted or torch_folder(python) is None:
            print(f"torch: installing {wanted or TORCH}", flush=True)
            subprocess.run([*pip, wanted or TORCH], check=True)
    print(f"installing {' '.join(requirements)} into {home} (some minutes the first time)", flush=True)
    subprocess.run([*pip, *requirements], check=True)


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"The environment could not be made (exit code {error.returncode}): see pip's message above.")
