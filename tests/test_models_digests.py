# SPDX-License-Identifier: GPL-3.0-or-later
"""A file that was looked at is not read again, until it changes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from handdiff_addon.errors import ModelError
from handdiff_addon.models import digests
from handdiff_addon.models.digests import checked
from handdiff_addon.places import user_folder


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were read."""
    seen: list[Path] = []
    own = digests.digest

    def digest(path: Path, *, finite: bool) -> str:
        seen.append(path)
        return own(path, finite=finite)

    monkeypatch.setattr(digests, "digest", digest)
    return seen


def test_a_file_is_read_again_only_when_it_changes(tmp_path: Path, reads: list[Path]) -> None:
    path, link = tmp_path / "x.safetensors", tmp_path / "link.safetensors"
    save_file({"a": np.ones(9, np.float16)}, path)
    link.symlink_to(path)
    wanted = hashlib.sha256(path.read_bytes()).hexdigest()
    assert {checked(path), checked(path), checked(link)} == {wanted} and len(reads) == 1
    save_file({"a": np.zeros(9, np.float16)}, path)
    assert checked(path) == hashlib.sha256(path.read_bytes()).hexdigest() != wanted and len(reads) == 2


def test_what_is_refused_is_not_remembered(tmp_path: Path, reads: list[Path]) -> None:
    path = tmp_path / "x.safetensors"
    save_file({"a": np.full(9, np.nan, np.float16)}, path)
    for _ in range(2):
        with pytest.raises(ModelError, match="NaN"):
            checked(path)
    assert len(reads) == 2


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 1}', '{"a": ["b"]}'])
def test_a_damaged_list_is_made_anew(tmp_path: Path, reads: list[Path], text: str) -> None:
    path = tmp_path / "x.safetensors"
    save_file({"a": np.ones(9, np.float16)}, path)
    (user_folder() / "digests.json").write_text(text)
    assert checked(path) == checked(path) and len(reads) == 1


def test_a_list_that_cannot_be_written_is_done_without(
    tmp_path: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HANDDIFF_HOME", str(tmp_path / "file" / "home"))
    path = tmp_path / "x.safetensors"
    save_file({"a": np.ones(9, np.float16)}, path)
    assert checked(path) == checked(path) and len(reads) == 2
