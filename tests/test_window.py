# SPDX-License-Identifier: GPL-3.0-or-later
"""The first day with the add-on in a real Blender window, with a picture of each step.

``HANDDIFF_WINDOW`` is the command that opens a Blender with a display, to which ``--python SCRIPT`` is added;
``HANDDIFF_WINDOW_SHOT`` the command that takes a picture of that display, to which its file is added;
``HANDDIFF_WINDOW_MOUSE`` the command that works that display's mouse and keyboard, to which ``move X Y``,
``click X Y [BUTTON]`` or ``key KEY`` is added; and ``HANDDIFF_WINDOW_ENGINE`` an engine's folder for that Blender.  The
pictures lie in ``out/window``.  Where that Blender sees the checkout elsewhere, ``HANDDIFF_WINDOW_ROOT`` says where.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "out" / "window"
NEEDED = {"HANDDIFF_WINDOW", "HANDDIFF_WINDOW_SHOT", "HANDDIFF_WINDOW_MOUSE"}

pytestmark = [
    pytest.mark.gui,
    pytest.mark.skipif(
        not set(os.environ) >= NEEDED, reason=f"{', '.join(sorted(NEEDED))} name no Blender with a window"
    ),
]


def command(name: str) -> list[str]:
    return shlex.split(os.environ[f"HANDDIFF_WINDOW_{name}"])


def serve(name: str, words: Callable[[str], list[str]]) -> None:
    """Do what Blender asks for in a file."""
    path = FOLDER / name
    if path.exists() and (wish := path.read_text(encoding="utf-8")):
        subprocess.run(words(wish), cwd=ROOT, check=True)
        path.unlink()


def run(number: int) -> dict:
    """Open Blender, let it take its steps, and read what it says."""
    script = Path(os.environ.get("HANDDIFF_WINDOW_ROOT", str(ROOT))) / "out" / "window" / "window_steps.py"
    subprocess.Popen([*shlex.split(os.environ["HANDDIFF_WINDOW"]), "--python", str(script)], cwd=ROOT)
    path, latest = FOLDER / f"report_{number}.json", time.monotonic() + 1500
    while not path.exists():
        assert time.monotonic() < latest, f"Blender said nothing; the pictures so far are in {FOLDER}"
        serve("picture.txt", lambda name: [*command("SHOT"), str(FOLDER / name)])
        serve("mouse.txt", lambda wish: [*command("MOUSE"), *wish.split()])
        time.sleep(0.05)
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
    assert len(first["steps"]) == 12
    clicked = [click.partition("(")[0].removeprefix("bpy.ops.handdiff.") for click in first["clicks"]]
    assert clicked == [
        "add_sample_human", "generate", "generate", "apply_texture", "apply_layer", "export_glb", "choose_picture",
        "apply_texture", "restore_materials", "apply_layer",
    ]  # fmt: skip
    assert first["looks through"] == "CAMERA", "the sample human is a speck in the distance"
    assert (first["shown"], first["fits"]) == ("HandDiff 0002 image", True), "cut off in the image editor"
    assert first["chosen"] == 0, "the older picture was not taken in hand"
    assert first["undone"].startswith("a person in a green shirt")
    again = run(2)
    prompt = "a person in a green shirt with a white background"
    assert again["history"] == [[prompt, 1], [prompt, 0]]
    assert {"image.png", "hands.png", "report.json"} <= set(again["files"])
