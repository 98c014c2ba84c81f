# SPDX-License-Identifier: GPL-3.0-or-later
"""Diagnostics name no people, machines and folders."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handdiff_addon.diagnostics import anonymous, diagnostics


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('File "/home/jane/.config/blender/x/handdiff/jobs/worker.py", line 3', 'File "<path>/worker.py", line 3'),
        (r"C:\Users\Jane Roe\AppData\Roaming\torch\lib\shm.dll was not found", "<path>/shm.dll was not found"),
        (r"\\studio-server\jobs\client\shot 3\scene.blend: no camera", "<path>: no camera"),
        (
            "The engine folder /mnt/client/engine does not exist: choose",
            "The engine folder <path> does not exist: choose",
        ),
        ("~/secret/model holds no weights", "<path> holds no weights"),
        ("saved in /data/x/, and done", "saved in <path>, and done"),
        ("hello jane, this is JANE's machine", "hello <name>, this is <name>'s machine"),
        ("janet has 3/4 of https://example.org/index", "janet has 3/4 of https://example.org/index"),
        ("torch 2.13.0+cu130, 21/21 points", "torch 2.13.0+cu130, 21/21 points"),
    ],
)
def test_what_is_left_of_a_line(text: str, shown: str) -> None:
    assert anonymous(text, names=("jane",)) == shown


_PARTS = st.text(st.characters(categories=("Lu", "Ll", "Nd"), include_characters=" -_."), min_size=3, max_size=12)


@given(st.lists(_PARTS.map(str.strip).filter(lambda part: len(part) > 2), min_size=2, max_size=5), st.booleans())
def test_no_folder_is_left_of_any_path(parts: list[str], windows: bool) -> None:
    folders = [f"Q{part}Q" for part in parts]
    path = "C:\\" + "\\".join(folders) + "\\file" if windows else "/" + "/".join(folders) + "/file"
    shown = anonymous(f'Reading "{path}" failed', names=())
    assert not any(folder in shown for folder in folders), shown
    assert shown.startswith("Reading ") and shown.endswith(" failed")


def test_sections() -> None:
    text = diagnostics({"Versions": {"Blender": "5.2.2"}, "Last errors": {"1": "no /home/x/y"}})
    assert text.split("\n") == ["Versions:", "  Blender: 5.2.2", "", "Last errors:", "  1: no <path>", ""]
