# SPDX-License-Identifier: GPL-3.0-or-later
"""Importing the engine leaves the window alive: the linker works with the lock let go, and the collector rests."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from handdiff_addon.jobs import responsive

ROOT = Path(__file__).resolve().parents[1]


def test_the_collector_rests_inside_and_works_again_after(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(responsive, "load_libraries", lambda engine: [])
    monkeypatch.setattr(responsive.atexit, "register", lambda work: None)
    with pytest.raises(RuntimeError), responsive.window_alive(""):
        assert not gc.isenabled()
        raise RuntimeError
    assert gc.isenabled() and gc.get_freeze_count() > 0
    gc.unfreeze()
    gc.disable()
    try:
        with responsive.window_alive(""):
            pass
        assert not gc.isenabled(), "a collector that the user switched off was switched on"
    finally:
        gc.enable()
        gc.unfreeze()


def test_a_folder_without_libraries_loads_none(tmp_path: Path) -> None:
    (tmp_path / "torch" / "lib").mkdir(parents=True)
    (tmp_path / "torch" / "lib" / "libc10.so").write_text("no library")
    assert responsive.load_libraries(str(tmp_path)) == []


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_torch_finds_its_libraries_loaded() -> None:
    """Before ``import torch`` they are in the process, and it works with them."""
    pytest.importorskip("torch")
    code = (
        "from handdiff_addon.jobs.responsive import load_libraries\n"
        "from pathlib import Path\n"
        "loaded = [str(path.resolve()) for path in load_libraries('')]\n"
        "maps = Path('/proc/self/maps').read_text()\n"
        "assert loaded and all(path in maps for path in loaded), loaded\n"
        "import torch\n"
        "print(int((torch.ones(3) @ torch.ones(3)).item()))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.stdout.strip() == "3", done.stderr
