# SPDX-License-Identifier: GPL-3.0-or-later
"""The history: every finished picture is found, nothing else, and only what is ours is deleted."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from PIL import Image

from handdiff_addon.errors import OutputError
from handdiff_addon.jobs.history import delete_run, find_runs, move_homes, new_run
from handdiff_addon.request import GenerationRequest, GenerationResult

SETTINGS = {"steps": 8, "hand_steps": 8, "guidance_scale": 3.0, "sampler": "DDIM"}


def make(home: Path, prompt: str, seed: int = 0, made: float = 0) -> Path:
    image = Image.new("RGB", (16, 8))
    result = GenerationResult(
        image, image, image.convert("L"), (16, 8), SETTINGS, {"name": "m", "sha256": {}}, [], {}, 0, ["few"]
    )
    run = new_run(home)
    run.save_result(GenerationRequest(prompt, seed=seed), result)
    if made:
        os.utime(run.folder / "image.png", (made, made))
    return run.folder


def test_runs_have_folders_of_their_own_and_are_found_newest_first(tmp_path: Path) -> None:
    make(tmp_path / "a", "one", made=300)
    make(tmp_path / "a", "two", made=100)
    make(tmp_path / "b", "three", made=200)
    assert [p.name for p in sorted((tmp_path / "a").iterdir())] == ["0001", "0002"]
    found = find_runs([tmp_path / "a", tmp_path / "b", tmp_path / "a", tmp_path / "nowhere"])
    assert [entry.request.prompt for entry in found] == ["one", "three", "two"]
    assert found[0].warnings == ["few"]


def test_numbers_are_not_used_again(tmp_path: Path) -> None:
    make(tmp_path, "one")
    last = make(tmp_path, "two")
    (tmp_path / "0007").mkdir()
    assert new_run(tmp_path).folder.name == "0008"
    assert last.name == "0002"


def test_another_blender_that_is_faster_gets_the_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mkdir = Path.mkdir

    def beaten(path: Path, *arguments: int, **options: bool) -> None:
        if path.name == "0001":
            mkdir(path)
        mkdir(path, *arguments, **options)

    monkeypatch.setattr(Path, "mkdir", beaten)
    assert new_run(tmp_path).folder.name == "0002"


def test_what_is_no_finished_picture_is_passed_over(tmp_path: Path) -> None:
    make(tmp_path, "whole")
    for name in ("0005", "passes", "previous"):
        (tmp_path / name).mkdir()
    (tmp_path / "0005" / "report.json").write_text("{}")
    (tmp_path / "0006").write_text("a file")
    Image.new("RGB", (8, 8)).save(tmp_path / "passes" / "image.png")
    assert [entry.request.prompt for entry in find_runs([tmp_path])] == ["whole"]


@pytest.mark.parametrize("report", [None, "half a rep", "[]", '{"request": {"prompt": "x", "steps": 0}}'])
def test_the_picture_speaks_where_its_report_is_gone(tmp_path: Path, report: str | None) -> None:
    folder = make(tmp_path, "whole", seed=9)
    (folder / "report.json").unlink()
    if report is not None:
        (folder / "report.json").write_text(report)
    (entry,) = find_runs([tmp_path])
    assert entry.request.seed == 9 and entry.warnings == []


def test_what_has_not_changed_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, reads = make(tmp_path, "one"), []
    read = Path.read_text
    monkeypatch.setattr(Path, "read_text", lambda path, **more: reads.append(path.name) or read(path, **more))
    for _ in range(3):
        (entry,) = find_runs([tmp_path])
    assert reads == ["report.json"] and entry.request.prompt == "one"
    report = read(folder / "report.json").replace('"one"', '"another"')
    (folder / "report.json").write_text(report)
    assert find_runs([tmp_path])[0].request.prompt == "another"
    (folder / "image.png").unlink()
    assert find_runs([tmp_path]) == []


@pytest.mark.parametrize("other_disk", [False, True])
def test_folders_of_runs_move_as_wholes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other_disk: bool) -> None:
    old, new = tmp_path / "old", tmp_path / "new" / "HandDiff"
    make(old / "session 1", "one")
    make(old / "session 2", "two")
    make(new / "session 2", "another")  # a name that is taken: nothing is mixed, nothing is lost
    if other_disk:
        rename = Path.rename

        def on_one_disk(path: Path, target: Path) -> Path:
            if old in path.parents:
                raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
            return rename(path, target)

        monkeypatch.setattr(Path, "rename", on_one_disk)
    for _ in range(2):
        move_homes(old, new)
    prompts = {entry.request.prompt for entry in find_runs([new / "session 1", new / "session 2"])}
    assert prompts == {"one", "another"} and sorted(p.name for p in new.iterdir()) == ["session 1", "session 2"]
    assert [entry.request.prompt for entry in find_runs([old / "session 2"])] == ["two"]
    assert not (old / "session 1").exists()


def test_what_cannot_be_moved_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, target: Path) -> Path:
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    make(tmp_path / "old" / "session", "one")
    monkeypatch.setattr(Path, "rename", refuse)
    move_homes(tmp_path / "old", tmp_path / "new")
    move_homes(tmp_path / "nowhere", tmp_path / "new")
    assert len(find_runs([tmp_path / "old" / "session"])) == 1


def test_the_filter_wants_every_word(tmp_path: Path) -> None:
    make(tmp_path, "a Red coat, ink", seed=1234)
    (entry,) = find_runs([tmp_path])
    for text in ("", "red INK", "1234", "0001 coat"):
        assert entry.matches(text)
    assert not entry.matches("red blue")


def test_only_what_is_ours_is_deleted(tmp_path: Path) -> None:
    first, second = make(tmp_path, "one"), make(tmp_path, "two")
    (first / "notes.txt").write_text("mine")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "keep.png").write_text("keep")
    (second / "textures").symlink_to(outside)
    for entry in find_runs([tmp_path]):
        delete_run(entry)
    assert [p.name for p in first.iterdir()] == ["notes.txt"] and not second.exists()
    assert (outside / "keep.png").exists() and find_runs([tmp_path]) == []


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(OutputError, match="save the file where you may write"):
        new_run(tmp_path / "home")
