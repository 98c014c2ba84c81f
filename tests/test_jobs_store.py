# SPDX-License-Identifier: GPL-3.0-or-later
"""Run folders: earlier results are never lost, mixed, or touched by a run that writes nothing."""

from __future__ import annotations

import dataclasses
import errno
import json
from pathlib import Path

import pytest
from PIL import Image

from handdiff_addon.errors import OutputError
from handdiff_addon.files import write_bytes
from handdiff_addon.jobs import store
from handdiff_addon.jobs.history import read_run
from handdiff_addon.jobs.store import RunFolder
from handdiff_addon.request import GenerationRequest, GenerationResult, HandPicture


def result(colour: str = "red", hands: bool = True) -> GenerationResult:
    image = Image.new("RGB", (16, 8), colour)
    return GenerationResult(
        image=image,
        hands=image.copy() if hands else None,
        hands_predicted_mask=image.convert("L") if hands else None,
        painted_size=(16, 8),
        settings={"steps": 8, "hand_steps": 8, "guidance_scale": 3.0, "sampler": "DDIM"},
        model={"name": "embedded", "sha256": {}},
        hand_reports=[],
        seconds={"body": 1.0},
        peak_memory_bytes=1,
        warnings=[],
    )


def colour(path: Path) -> tuple[int, ...]:
    return Image.open(path).convert("RGB").getpixel((0, 0))


def test_results_and_report_are_written(tmp_path: Path) -> None:
    request = GenerationRequest(prompt="a person", negative_prompt="fog", seed=5)
    RunFolder(tmp_path / "a" / "b").save_result(request, result(), scene={"frame": 3})
    folder = tmp_path / "a" / "b"
    assert {p.name for p in folder.iterdir()} == {"hands.png", "hands_predicted_mask.png", "image.png", "report.json"}
    assert GenerationRequest.read(folder / "report.json") == request
    assert json.loads((folder / "report.json").read_text())["scene"] == {"frame": 3}
    assert "Seed: 5" in Image.open(folder / "image.png").info["parameters"]


def test_the_hands_crops_are_found_again(tmp_path: Path) -> None:
    crops = [
        HandPicture((-2, 1, 6, 9), Image.new("RGBA", (4, 4), "red")),
        HandPicture((3, 0, 5, 2), Image.new("RGBA", (4, 4), "blue")),
    ]
    RunFolder(tmp_path).save_result(GenerationRequest(prompt="p"), dataclasses.replace(result(), crops=crops))
    entry = read_run(tmp_path)
    assert entry is not None
    size, found = entry.crops()
    assert size == (16, 8) and [crop.box for crop in found] == [crop.box for crop in crops]
    assert found[1].image.getpixel((0, 0)) == (0, 0, 255, 255)
    (tmp_path / "hand_1.png").unlink()
    assert [crop.box for crop in read_run(tmp_path).crops()[1]] == [(3, 0, 5, 2)]
    RunFolder(tmp_path).save_result(GenerationRequest(prompt="p"), result(hands=False))
    assert not list(tmp_path.glob("hand_*.png"))


def test_no_hand_files_without_hands(tmp_path: Path) -> None:
    RunFolder(tmp_path).save_result(GenerationRequest(prompt="p"), result())
    RunFolder(tmp_path).save_result(GenerationRequest(prompt="p"), result(hands=False))
    assert not (tmp_path / "hands.png").exists(), "hands of the earlier run are mixed into this one"
    assert (tmp_path / "previous" / "1" / "hands.png").exists()


def test_earlier_runs_are_numbered_and_kept_whole(tmp_path: Path) -> None:
    for name in ("red", "lime", "blue"):
        RunFolder(tmp_path).save_result(GenerationRequest(prompt=name), result(name))
    assert colour(tmp_path / "image.png") == (0, 0, 255)
    assert colour(tmp_path / "previous" / "1" / "image.png") == (255, 0, 0)
    assert colour(tmp_path / "previous" / "2" / "image.png") == (0, 255, 0)
    assert GenerationRequest.read(tmp_path / "previous" / "2" / "report.json").prompt == "lime"


def test_a_run_that_writes_nothing_leaves_the_earlier_one(tmp_path: Path) -> None:
    RunFolder(tmp_path).save_result(GenerationRequest(prompt="p"), result())
    before = {p: p.read_bytes() for p in tmp_path.iterdir()}
    RunFolder(tmp_path)
    assert {p: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_a_run_that_writes_nothing_leaves_no_folder(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "a" / "b"):
        assert not (tmp_path / "a").exists()
    assert not (tmp_path / "a").exists()


def test_the_home_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    RunFolder("~/out").save_result(GenerationRequest(prompt="p"), result())
    assert (tmp_path / "home" / "out" / "image.png").exists()
    with pytest.raises(OutputError, match="~nosuchuser/out cannot be written"):
        RunFolder("~nosuchuser/out")
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_a_run_keeps_others_out_until_it_ends(tmp_path: Path) -> None:
    with RunFolder(tmp_path) as first, RunFolder(tmp_path) as second:
        first.save_result(GenerationRequest(prompt="first"), result("red"))
        for begin in (second.start, lambda: RunFolder(tmp_path)):
            with pytest.raises(OutputError, match="Another run is writing into"):
                begin()
        first.save_image("hands.png", Image.new("RGB", (8, 8), "red"))
    with RunFolder(tmp_path) as third:
        third.save_result(GenerationRequest(prompt="third"), result("lime"))
    assert colour(tmp_path / "hands.png") == (0, 255, 0)
    assert colour(tmp_path / "previous" / "1" / "hands.png") == (255, 0, 0)


def test_a_disk_that_fills_up_after_the_picture_leaves_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write, written = Path.write_bytes, []

    def fill(path: Path, data: bytes) -> int:
        written.append(path)
        if len(written) > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", fill)
    with pytest.raises(OutputError, match="No space left"):
        RunFolder(tmp_path).save_result(GenerationRequest(prompt="p"), result("red"))
    assert colour(tmp_path / "image.png") == (255, 0, 0)


def test_other_files_stay(tmp_path: Path) -> None:
    (tmp_path / "sample.blend").write_bytes(b"mine")
    (tmp_path / "passes").mkdir()
    RunFolder(tmp_path).save_result(GenerationRequest(prompt="p"), result())
    RunFolder(tmp_path).save_result(GenerationRequest(prompt="p"), result())
    assert (tmp_path / "sample.blend").read_bytes() == b"mine"
    assert (tmp_path / "passes").is_dir()


def test_a_failed_move_leaves_the_earlier_run_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    RunFolder(tmp_path).save_result(GenerationRequest(prompt="p"), result())
    names = {p.name for p in tmp_path.iterdir()}
    move, calls = store.os.replace, []

    def third_time_locked(source: Path, target: Path) -> None:
        calls.append(source)
        if len(calls) == 3:
            raise PermissionError(13, "in use")
        move(source, target)

    monkeypatch.setattr(store.os, "replace", third_time_locked)
    with pytest.raises(OutputError, match="in use"):
        RunFolder(tmp_path).start()
    assert {p.name for p in tmp_path.iterdir() if p.is_file()} == names


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(OutputError, match="out"):
        RunFolder(tmp_path / "out")
    with pytest.raises(OutputError):
        RunFolder(tmp_path / "out" / "deeper")


def test_a_file_in_the_place_of_a_folder_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(OutputError, match="cannot be written"):
        write_bytes(tmp_path / "taken" / "image.png", b"")
