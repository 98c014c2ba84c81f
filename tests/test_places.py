# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's folders outside Blender."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from handdiff_addon.places import pictures_folder, user_folder


@pytest.mark.skipif(sys.platform != "linux", reason="names folders as Linux desktops do")
@pytest.mark.parametrize(
    ("lines", "folder"),
    [
        (None, "Pictures"),
        ('# a comment\nXDG_MUSIC_DIR="$HOME/Musik"\nXDG_PICTURES_DIR="$HOME/Bilder"\n', "Bilder"),
        ('XDG_PICTURES_DIR="$HOME/"\n', "."),
        ('XDG_PICTURES_DIR="nowhere"\n', "Pictures"),
        ('#XDG_PICTURES_DIR="$HOME/Bilder"\n', "Pictures"),
    ],
)
def test_pictures_lie_where_the_desktop_keeps_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: str | None, folder: str
) -> None:
    for name in ("HANDDIFF_HOME", "XDG_CONFIG_HOME", "XDG_PICTURES_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".config").mkdir()
    if lines is not None:
        (tmp_path / ".config" / "user-dirs.dirs").write_text(lines)
    assert pictures_folder() == tmp_path / folder / "HandDiff"
    assert user_folder() == tmp_path / ".config" / "handdiff"


def test_one_name_moves_all_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDDIFF_HOME", str(tmp_path))
    assert user_folder() == tmp_path and pictures_folder() == tmp_path / "pictures"
