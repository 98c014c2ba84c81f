# SPDX-License-Identifier: GPL-3.0-or-later
"""The first day with the add-on in a real Blender window, with a picture of each step.

``HANDDIFF_WINDOW`` is the command that opens a Blender with a display, to which ``--python SCRIPT`` is added;
``HANDDIFF_WINDOW_SHOT`` the command that takes a picture of that display, to which its file is added; and
``HANDDIFF_WINDOW_ENGINE`` an engine's folder for that Blender.  The pictures lie in ``out/window``.  Where that Blender
sees the checkout elsewhere, ``HANDDIFF_WINDOW_ROOT`` says where.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "out" / "window"
WANTED = FOLDER / "picture.txt"

pytestmark = [
    pytest.mark.gui,
    pytest.mark.skipif(
        not {"HANDDIFF_WINDOW", "HANDDIFF_WINDOW_SHOT"} <= set(os.environ),
        reason="HANDDIFF_WINDOW and HANDDIFF_WINDOW_SHOT name no Blender with a window",
    ),
]


def run(number: int) -> dict:
    """Open Blender, let it take its steps, and read what it says."""
    script = Path(os.environ.get("HANDDIFF_WINDOW_ROOT", str(ROOT))) / "out" / "window" / "window_steps.py"
    subprocess.Popen([*shlex.split(os.environ["HANDDIFF_WINDOW"]), "--python", str(script)], cwd=ROOT)
    path, latest = FOLDER / f"report_{number}.json", time.monotonic() + 600
    while not path.exists():
        assert time.monotonic() < latest, f"Blender said nothing; the pictures so far are in {FOLDER}"
        if WANTED.exists():
            subprocess.run(
                [*shlex.split(os.environ["HANDDIFF_WINDOW_SHOT"]), str(FOLDER / WANTED.read_text())], cwd=ROOT
            )
            WANTED.unlink()
        time.sleep(0.5)
    time.sleep(5.0)  # it quits
    report = json.loads(path.read_text(encoding="utf-8"))
    assert not report["error"], report["error"]
    for name in report["steps"]:
        with Image.open(FOLDER / name) as picture:
            assert len(picture.convert("L").getcolors() or []) > 30, f"{name} shows nothing"
    return report


def test_the_first_day(package: Path) -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    shutil.copy(package, FOLDER / "handdiff.zip")
    shutil.copy(ROOT / "tests" / "window_steps.py", FOLDER)
    (FOLDER / "engine.txt").write_text(os.environ.get("HANDDIFF_WINDOW_ENGINE", ""), encoding="utf-8")
    first = run(1)
    assert first["generate"] == ["FINISHED"] and not first["failed"], first["message"]
    assert first["texture"] == first["restore"] == first["layer"] == ["FINISHED"]
    assert first["undone"].startswith("a person in a green shirt")
    assert len(first["steps"]) == 8
    again = run(2)
    assert again["history"] == ["a person in a green shirt with a white background"]
    assert {"image.png", "hands.png", "report.json"} <= set(again["files"])
