# SPDX-License-Identifier: GPL-3.0-or-later
"""Presets say what they change, come back from disk, and set nothing that makes no sense."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from handdiff_addon.errors import UsageError
from handdiff_addon.presets import (
    KINDS,
    PRESETS,
    SETTINGS,
    Preset,
    check,
    delete_preset,
    differences,
    find_presets,
    flat,
    read_preset,
    save_preset,
)
from handdiff_addon.request import ExpansionSettings, GenerationRequest


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_those_that_come_along_set_all_that_their_kind_does(preset: Preset) -> None:
    check(preset)
    assert set(preset.settings) == set(SETTINGS[preset.kind])


def test_each_kind_has_one_that_is_the_default() -> None:
    defaults = {**flat(GenerationRequest("")), "look": ""}
    for kind in KINDS:
        assert [p.name for p in PRESETS if p.kind == kind and not p.changes(defaults)], kind


def test_a_model_that_knows_no_styles_is_offered_none(tmp_path: Path) -> None:
    save_preset(Preset("Mine", "style", {"look": "ink"}), tmp_path)
    assert [preset.name for preset in find_presets("style", tmp_path, own_model=True)] == ["Plain", "Mine"]
    for kind in ("quality", "blending"):
        assert find_presets(kind, tmp_path, own_model=True) == find_presets(kind, tmp_path)
    assert len(find_presets("style", tmp_path)) > 4


def test_changes_name_what_differs_alone() -> None:
    preset = Preset("x", "quality", {"steps": 8, "best_of": 4})
    assert preset.changes({"steps": 8, "best_of": 1, "seed": 3}) == [("best_of", 1, 4)]


def test_differences_of_requests_name_nested_settings() -> None:
    one = GenerationRequest("a", expansion=ExpansionSettings(start=0.1))
    other = GenerationRequest("a", seed=4, expansion=ExpansionSettings(start=0.2))
    assert differences(one, other) == [("seed", 0, 4), ("expansion.start", 0.1, 0.2)]


def test_a_users_preset_comes_back_and_stands_in_for_ours(tmp_path: Path) -> None:
    mine = Preset("Fine", "quality", {"steps": 30, "hand_steps": 30, "best_of": 8}, own=True)
    path = save_preset(mine, tmp_path)
    assert read_preset(path) == mine
    assert [p for p in find_presets("quality", tmp_path) if p.name == "Fine"] == [mine]
    assert mine not in find_presets("style", tmp_path)
    delete_preset("quality", "Fine", tmp_path)
    assert find_presets("quality", tmp_path) == [p for p in PRESETS if p.kind == "quality"]
    with pytest.raises(UsageError, match="you saved"):
        delete_preset("quality", "Fine", tmp_path)


@pytest.mark.parametrize("name", ["", " ", "a/b", "..", "../x", "a\\b", "x" * 61, "nul\0", " x", "a:b"])
def test_names_that_no_file_can_bear(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot name a preset"):
        save_preset(Preset(name, "style", {"look": ""}), tmp_path)
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize(
    "change",
    [
        {"schema_version": 2},
        {"kind": "look"},
        {"name": ""},
        {"settings": {"steps": 0}},
        {"settings": {"steps": "many"}},
        {"settings": {"steps": True}},
        {"settings": {"model": "/elsewhere"}},
        {"settings": None},
    ],
)
def test_files_that_are_no_presets_are_left_out(tmp_path: Path, change: dict) -> None:
    data = {"schema_version": 1, "name": "x", "kind": "quality", "settings": {"steps": 4}, **change}
    (tmp_path / "quality").mkdir()
    path = tmp_path / "quality" / "x.json"
    path.write_text(json.dumps(data))
    (tmp_path / "quality" / "half.json").write_text("{")
    with pytest.raises(UsageError, match="cannot be read"):
        read_preset(path)
    assert find_presets("quality", tmp_path) == [p for p in PRESETS if p.kind == "quality"]
