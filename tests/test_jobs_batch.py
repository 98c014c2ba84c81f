# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches: every finished frame is kept whole, whatever happens to the next one, and nothing is ever mixed."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from handdiff_addon.conditioning.frame import Conditioning
from handdiff_addon.conditioning.pass_files import nobody
from handdiff_addon.errors import Cancelled, ModelError, OutputError, SceneError, UsageError
from handdiff_addon.jobs.batch import BatchFolder, Paint, changed_settings, paint_frames
from handdiff_addon.jobs.manifest import Entry, append, read_manifest
from handdiff_addon.jobs.store import RunFolder
from handdiff_addon.request import GenerationRequest
from tests.batches import drive, painted, person_frame

REQUEST = GenerationRequest("a person")
SETTINGS = {"request": {"prompt": "a person", "seed": 0, "expansion": {"rim": 1}}, "model": {"sha256": {"a": "1"}}}


def paint(
    folder: Path,
    frames: Iterable[Conditioning],
    work: Paint = painted,
    settings: dict = SETTINGS,
    restart: bool = False,
    **options: object,
) -> None:
    with BatchFolder(folder) as batch:
        batch.begin(settings, restart=restart)
        wanted = [(REQUEST, frame) for frame in frames if frame.frame not in batch.finished()]
        drive(paint_frames(batch, wanted, work, **options))


def requested(frames: Iterable[Conditioning]) -> Iterator[tuple[GenerationRequest, Conditioning]]:
    return ((REQUEST, frame) for frame in frames)


def files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def colours(folder: Path) -> dict[str, tuple[int, ...]]:
    return {p.name: Image.open(p).convert("RGB").getpixel((0, 0)) for p in sorted((folder / "image").iterdir())}


def test_each_frame_has_a_folder_a_picture_in_the_sequence_and_a_line(tmp_path: Path) -> None:
    paint(tmp_path, [person_frame(-1, "Left"), person_frame(12, "Right")])
    entries = read_manifest(tmp_path / "manifest.jsonl")
    assert [(entry.frame, entry.status, entry.camera) for entry in entries.values()] == [
        (-1, "painted", "Left"),
        (12, "painted", "Right"),
    ]
    for number, frame in (("-0001", -1), ("0012", 12)):
        folder = tmp_path / "frames" / number
        picture = (folder / "image.png").read_bytes()
        assert (tmp_path / "image" / f"{number}.png").read_bytes() == picture
        assert entries[frame].sha256 == hashlib.sha256(picture).hexdigest()
        assert {"skeleton.png", "pose.json", "hands.png", "report.json"} <= {path.name for path in folder.iterdir()}
        assert json.loads((folder / "report.json").read_text())["scene"]["frame"] == frame
    assert colours(tmp_path) == {"-0001.png": (255, 20, 30), "0012.png": (12, 20, 30)}


def test_a_frame_without_a_person_leaves_no_gap_and_says_why(tmp_path: Path) -> None:
    frames = [
        nobody(person_frame(n).camera, n, "Rig is out of the frame.") if n in (2, 3) else person_frame(n)
        for n in (1, 2, 3, 4)
    ]
    frames[0].warnings.append("The left hand is hidden.")
    paint(tmp_path, frames)
    assert [entry.status for _, entry in sorted(read_manifest(tmp_path / "manifest.jsonl").items())] == [
        "painted", "empty", "empty", "painted",
    ]  # fmt: skip
    assert colours(tmp_path)["0002.png"] == (0, 0, 0) and len(colours(tmp_path)) == 4
    with BatchFolder(tmp_path) as batch:
        batch.begin(SETTINGS)
        told = batch.warnings([1, 2, 3, 4])
        assert told == [
            "In frame 1: The left hand is hidden.",
            "In frames 2-3 nobody is painted: Rig is out of the frame.",
        ]
        with pytest.raises(SceneError, match="None of the 2 frames"):
            batch.warnings([2, 3])


def test_it_goes_on_where_it_stopped(tmp_path: Path) -> None:
    done: list[int] = []

    def work(request: GenerationRequest, conditioning: Conditioning):
        done.append(conditioning.frame)
        return painted(request, conditioning)

    paint(tmp_path, [person_frame(n) for n in (1, 2)], work)
    before = files(tmp_path)
    paint(tmp_path, [person_frame(n) for n in (1, 2, 3)], work)
    assert done == [1, 2, 3]
    after = files(tmp_path)
    assert {name: after[name] for name in before if name != "manifest.jsonl"} == {
        name: data for name, data in before.items() if name != "manifest.jsonl"
    }
    assert "previous" not in {path.name for path in tmp_path.iterdir()}

    (tmp_path / "image" / "0002.png").unlink()  # a gap in the sequence
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_bytes(manifest.read_bytes()[:-20])  # the last line is torn
    paint(tmp_path, [person_frame(n) for n in (1, 2, 3)], work)
    assert done[3:] == [2, 3]
    assert set(read_manifest(manifest)) == {1, 2, 3} and manifest.read_bytes().count(b"\n") == 4
    assert {name for name in files(tmp_path) if "part" in name} == set()


def test_other_settings_are_refused_and_started_over_only_when_asked(tmp_path: Path) -> None:
    paint(tmp_path, [person_frame(1)])
    before = files(tmp_path)
    other = {**SETTINGS, "request": {"prompt": "a person", "seed": 4, "expansion": {"rim": 2}}}
    with pytest.raises(UsageError, match=r"another rim, seed: .*--restart"):
        paint(tmp_path, [person_frame(2)], settings=other)
    with pytest.raises(UsageError, match="another weights of the model"):
        paint(tmp_path, [person_frame(2)], settings={**SETTINGS, "model": {"sha256": {"a": "2"}}})
    assert files(tmp_path) == before

    def refuse(request: GenerationRequest, conditioning: Conditioning):
        raise ModelError("The model is broken: choose another.")

    with pytest.raises(ModelError):
        paint(tmp_path, [person_frame(2)], refuse, settings=other, restart=True)
    assert files(tmp_path) == before, "a run that painted nothing has touched the earlier batch"
    paint(tmp_path, [person_frame(2)], settings=other, restart=True)
    assert set(colours(tmp_path)) == {"0002.png"}
    aside = files(tmp_path / "previous" / "1")
    assert aside == {name: data for name, data in before.items() if not name.startswith(".")}


def test_settings_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    paint(tmp_path, [person_frame(1)])
    (tmp_path / "batch.json").write_text("{")
    with pytest.raises(OutputError, match=r"batch\.json cannot be read"):
        paint(tmp_path, [person_frame(2)])


@pytest.mark.parametrize(
    ("earlier", "now", "names"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"b": 1}, ["a", "b"]),
        ({"request": {"max_people": 1}}, {"request": {"max_people": 2}}, ["max people"]),
        ({}, {"request": {"seed": 1}}, ["seed"]),
        ([], {"seed": 1}, ["seed"]),
    ],
)
def test_what_changed_is_named(earlier, now, names) -> None:
    assert changed_settings(earlier, now) == names


def test_a_run_of_another_kind_is_put_aside_and_the_other_way_round(tmp_path: Path) -> None:
    RunFolder(tmp_path).save_image("image.png", Image.new("RGB", (8, 8)))
    (tmp_path / "notes.txt").write_text("mine")
    paint(tmp_path, [person_frame(1)])
    assert set(files(tmp_path / "previous" / "1")) == {"image.png"}
    RunFolder(tmp_path).save_image("image.png", Image.new("RGB", (8, 8)))
    assert {"batch.json", "manifest.jsonl", "image/0001.png"} <= set(files(tmp_path / "previous" / "2"))
    assert {path.name for path in tmp_path.iterdir() if not path.name.startswith(".")} == {
        "image.png", "notes.txt", "previous",
    }  # fmt: skip


def test_the_next_frame_is_made_while_this_one_is_painted_and_few_are_in_memory(tmp_path: Path) -> None:
    """Frames are made on the thread that drives; frame 2 is there before frame 1 is painted."""
    made: list[int] = []
    alive: weakref.WeakSet[Conditioning] = weakref.WeakSet()
    most, ahead, here = 0, [], threading.get_ident()
    ready = {number: threading.Event() for number in range(1, 22)}

    class Frame(Conditioning):
        __hash__ = object.__hash__

    def frames() -> Iterator[Conditioning]:
        nonlocal most
        for number in range(1, 21):
            assert threading.get_ident() == here
            frame = Frame(**vars(person_frame(number)))
            alive.add(frame)
            most = max(most, len(alive))
            made.append(number)
            ready[number].set()
            yield frame
            del frame
        ready[21].set()

    def work(request: GenerationRequest, conditioning: Conditioning):
        assert threading.get_ident() != here
        assert ready[conditioning.frame + 1].wait(20), "the next frame's passes wait for this one"
        ahead.append(max(made) - conditioning.frame)
        return painted(request, conditioning)

    with BatchFolder(tmp_path) as batch:
        batch.begin(SETTINGS)
        drive(paint_frames(batch, requested(frames()), work))
    assert made == list(range(1, 21)) and len(colours(tmp_path)) == 20
    assert most <= 3 and max(ahead) == 1


@pytest.mark.parametrize("workers", [1, 3])
def test_what_is_painted_when_something_fails_is_kept(tmp_path: Path, workers: int) -> None:
    def work(request: GenerationRequest, conditioning: Conditioning):
        if conditioning.frame == 4:
            raise ModelError("The model is broken: choose another.")
        return painted(request, conditioning)

    with pytest.raises(ModelError):
        paint(tmp_path / "paint", [person_frame(n) for n in range(1, 9)], work, workers=workers)
    assert {1, 2, 3} <= set(read_manifest(tmp_path / "paint" / "manifest.jsonl"))

    def frames() -> Iterator[Conditioning]:
        yield from map(person_frame, (1, 2, 3))
        raise SceneError("The scene has gone: open it again.")

    with BatchFolder(tmp_path / "scene") as batch:
        batch.begin(SETTINGS)
        with pytest.raises(SceneError):
            drive(paint_frames(batch, requested(frames()), painted, workers=workers))
    assert set(read_manifest(tmp_path / "scene" / "manifest.jsonl")) == {1, 2, 3}


def test_closing_stops_the_frame_in_hand_and_keeps_the_others(tmp_path: Path) -> None:
    stop, started = threading.Event(), threading.Event()

    def work(request: GenerationRequest, conditioning: Conditioning):
        if conditioning.frame == 2:
            started.set()
            assert stop.wait(20)
            raise Cancelled("stopped")
        return painted(request, conditioning)

    with BatchFolder(tmp_path) as batch:
        batch.begin(SETTINGS)
        steps = paint_frames(batch, requested(map(person_frame, range(1, 9))), work, stop=stop)
        while not started.is_set():
            next(steps)
        steps.close()
    assert set(read_manifest(tmp_path / "manifest.jsonl")) == {1}


FULL = ("image.png", "report.json", "hands.png", "0002.png", "manifest.jsonl")


@pytest.mark.parametrize("victim", FULL)
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_full_or_read_only_disk_loses_the_frame_in_hand_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, victim: str, number: int
) -> None:
    folder = tmp_path / "batch"
    paint(folder, [person_frame(1)])
    before = files(folder)
    write = Path.write_bytes

    def no_write(self: Path, data: bytes) -> int:
        if victim in self.name:
            write(self, data[: len(data) // 2])
            raise OSError(number, os.strerror(number))
        return write(self, data)

    def no_sync(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as fault:
        fault.setattr(Path, "write_bytes", no_write)
        if victim == "manifest.jsonl":
            fault.setattr(os, "fsync", no_sync)
        with pytest.raises(OutputError, match=os.strerror(number)):
            paint(folder, [person_frame(1), person_frame(2), person_frame(3)])
    now = files(folder)
    assert {name: now[name][: len(data)] for name, data in before.items()} == before
    assert 2 not in read_manifest(folder / "manifest.jsonl") and not [name for name in now if "part" in name]
    paint(folder, [person_frame(1), person_frame(2), person_frame(3)])
    paint(tmp_path / "undisturbed", map(person_frame, (1, 2, 3)))
    expected = files(tmp_path / "undisturbed")
    assert {**files(folder), "manifest.jsonl": b""} == {**expected, "manifest.jsonl": b""}
    manifests = [read_manifest(path / "manifest.jsonl") for path in (folder, tmp_path / "undisturbed")]
    assert manifests[0] == manifests[1]


def test_a_folder_that_is_moved_meanwhile_is_whole_in_its_new_place(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"

    def frames() -> Iterator[Conditioning]:
        yield person_frame(1)
        yield person_frame(2)
        yield person_frame(3)
        old.rename(new)
        yield person_frame(4)

    with BatchFolder(old) as batch:
        batch.begin(SETTINGS)
        with pytest.raises(OutputError, match="moved or deleted"):
            drive(paint_frames(batch, requested(frames()), painted))
    assert not old.exists(), "a second, half batch was begun in the old place"
    assert {1, 2} <= set(read_manifest(new / "manifest.jsonl"))
    paint(new, map(person_frame, (1, 2, 3, 4)))
    assert set(read_manifest(new / "manifest.jsonl")) == {1, 2, 3, 4}


HOLD = """
import sys, time
from handdiff_addon.jobs.batch import BatchFolder
with BatchFolder(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


def test_two_runs_into_one_folder_are_refused_until_the_first_has_died(tmp_path: Path) -> None:
    paint(tmp_path, [person_frame(1)])
    other = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout is not None and other.stdout.readline() == "held\n"
        with pytest.raises(OutputError, match="Another run is writing"):
            paint(tmp_path, [person_frame(2)])
        with pytest.raises(OutputError, match="Another run is writing"):
            RunFolder(tmp_path).save_image("image.png", Image.new("RGB", (8, 8)))
        assert set(read_manifest(tmp_path / "manifest.jsonl")) == {1}
        other.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
        other.wait(20)
    finally:
        other.kill()
    paint(tmp_path, [person_frame(1), person_frame(2)])
    assert set(read_manifest(tmp_path / "manifest.jsonl")) == {1, 2}


def test_one_process_does_not_write_twice_into_a_folder_either(tmp_path: Path) -> None:
    with BatchFolder(tmp_path), pytest.raises(OutputError, match="Another run"), BatchFolder(tmp_path):
        pass
    with BatchFolder(tmp_path):
        pass


@settings(max_examples=40)
@given(st.binary(max_size=400))
def test_a_damaged_manifest_loses_no_frame_that_it_still_tells(tmp_path_factory, noise: bytes) -> None:
    path = tmp_path_factory.mktemp("manifest") / "manifest.jsonl"
    append(path, Entry(1, "painted", "Eye", ("a",), 0.5, "00"))
    with path.open("ab") as file:
        file.write(noise)
    append(path, Entry(2, "empty", "Ey\n\u2028e"))
    entries = read_manifest(path)
    assert entries[1] == Entry(1, "painted", "Eye", ("a",), 0.5, "00")
    assert entries[2] == Entry(2, "empty", "Ey\n\u2028e")
