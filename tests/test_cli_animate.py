# SPDX-License-Identifier: GPL-3.0-or-later
"""``handdiff animate`` end to end, with a tiny untrained model and real Blender scenes."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from handdiff_addon.console import Console
from handdiff_addon.evaluation.bench_passes import resident
from handdiff_addon.jobs.manifest import read_manifest
from tests.builders import add_camera, add_human

PROMPT = ("-p", "a person in a red shirt", "--steps", "1")
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.tiny_embedded import build_tiny_model

    return build_tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A person who walks, is out of view at frame 3, and is seen by another camera from frame 4 on."""
    import bpy

    from handdiff_addon.scene.files import new_scene

    scene = new_scene()
    rig = add_human()
    for frame, x in ((1, 0.0), (2, 0.1), (3, 90.0), (4, 0.2), (5, 0.3)):
        rig.location.x = x
        rig.keyframe_insert("location", frame=frame)
    second = add_camera((1, -4, 1.2), name="Second")
    first = add_camera(size=(192, 160), name="First")
    for camera, frame in ((first, 1), (second, 4)):
        scene.timeline_markers.new(camera.name, frame=frame).camera = camera
    scene.frame_start, scene.frame_end = 1, 5
    path = tmp_path_factory.mktemp("walk") / "walk.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    return path


def pictures(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "image").glob("*.png"))}


def test_a_range_is_painted_as_its_frames_are_by_themselves(run: Run, walk: Path, model: Path, tmp_path: Path) -> None:
    """Cameras bound to markers are followed, and the frame without a person is told of."""
    out = tmp_path / "out"
    code, said, told = run("animate", walk, "-o", out, *PROMPT, "--model", model, "--frames", "1-5")
    assert (code, said) == (0, f"{out}\n"), told
    assert "In frame 3 nobody is painted" in told and "out of the frame" in told
    entries = read_manifest(out / "manifest.jsonl")
    assert {frame: (entry.status, entry.camera) for frame, entry in entries.items()} == {
        1: ("painted", "First"),
        2: ("painted", "First"),
        3: ("empty", "First"),
        4: ("painted", "Second"),
        5: ("painted", "Second"),
    }
    for frame in (2, 5):
        assert run("generate", walk, "-o", tmp_path / "one", *PROMPT, "--model", model, "--frame", frame)[0] == 0
        for name in ("image.png", "skeleton.png", "hands.png", "pose.json"):
            single, batch = tmp_path / "one" / name, out / "frames" / f"000{frame}" / name
            assert single.read_bytes() == batch.read_bytes(), name

    before = pictures(out)
    assert len(set(before.values())) == 5
    times = {path: path.stat().st_mtime_ns for path in out.rglob("*.png")}
    assert run("animate", walk, "-o", out, *PROMPT, "--model", model)[:2] == (0, f"{out}\n"), "the scene's own range"
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.png")} == times
    code, said, told = run("animate", walk, "-o", out, *PROMPT, "--model", model, "--seed", 5)
    assert (code, said) == (2, "") and "another seed" in told and len(told.splitlines()) == 1
    assert pictures(out) == before
    code, *_ = run("animate", walk, "-o", out, *PROMPT, "--model", model, "--seed", 5, "--frames", "1-4:3", "--restart")
    assert code == 0 and set(pictures(out)) == {"0001.png", "0004.png"}
    assert pictures(out / "previous" / "1") == before


def test_steady_frames_begin_anew_at_cuts_and_are_the_same_however_often_it_is_stopped(
    run: Run, walk: Path, model: Path, tmp_path: Path
) -> None:
    arguments = ("animate", walk, *PROMPT, "--model", model, "--frames", "1-7")
    plain, out, parts = (tmp_path / name for name in ("plain", "out", "parts"))
    assert run(*arguments, "-o", plain)[0] == 0
    code, _, told = run(*arguments, "-o", out, "--steady")
    assert code == 0 and "In frame 3 nobody is painted" in told
    by_themselves, steady = pictures(plain), pictures(out)
    assert len(steady) == 7
    same = {name for name in steady if steady[name] == by_themselves[name]}
    assert same == {"0001.png", "0003.png", "0004.png"}, "the first of each take, and the one that shows nobody"

    shutil.copytree(out, parts)
    for frame in (2, 5, 6):
        shutil.rmtree(parts / "frames" / f"000{frame}")
    assert run(*arguments, "-o", parts, "--steady")[0] == 0
    assert pictures(parts) == steady
    code, _, told = run(*arguments, "-o", parts)
    assert code == 2 and "another steady" in told


def test_refusals_come_first_and_touch_nothing(run: Run, walk: Path, model: Path, tmp_path: Path) -> None:
    out, mine = tmp_path / "new" / "out", tmp_path / "mine"
    mine.mkdir()
    (mine / "notes.txt").write_text("the user's")
    for arguments, code, word in (
        (("--frame", 3), 2, "--frames"),
        (("--workers", 2), 2, "--ray"),
        (("--to", "gif"), 2, "gif"),
        (("--model", tmp_path / "none"), 4, "none"),
        (("--camera", "Third"), 3, "Third"),
        (("--armature", "Ghost"), 3, "Ghost"),
    ):
        for folder in (out, mine):
            got, said, told = run("animate", walk, "-o", folder, *PROMPT, "--model", model, *arguments)
            assert (got, said) == (code, "") and word in told and len(told.splitlines()) == 1, told
        assert {path.name for path in tmp_path.rglob("*")} == {"mine", "notes.txt"}
    code, _, told = run("animate", walk, "-o", out, *PROMPT, "--model", model, "--frames", "3-3")
    assert code == 3 and "None of the 1 frames shows anybody" in told


def test_linked_files_that_are_missing_are_told_of(run: Run, walk: Path, model: Path, tmp_path: Path) -> None:
    import bpy

    from handdiff_addon.scene.files import new_scene, open_blend

    new_scene()
    bpy.data.objects.new("Prop", None).use_fake_user = True
    library = tmp_path / "library.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(library))
    scene = open_blend(walk)
    with bpy.data.libraries.load(str(library), link=True) as (there, here):
        here.objects = there.objects
    scene.collection.objects.link(here.objects[0])
    linking = tmp_path / "linking.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(linking))
    library.unlink()
    code, _, told = run("animate", linking, "-o", tmp_path / "out", *PROMPT, "--model", model, "--frames", "1-1")
    assert code == 0 and re.search(r"The linked file \S*library.blend is missing", told), told


def test_a_strip_and_a_movie_are_made_of_the_pictures(run: Run, walk: Path, model: Path, tmp_path: Path) -> None:
    import bpy

    out = tmp_path / "out"
    arguments = ("--frames", "1-5:2", "--to", "strip,movie")
    assert run("animate", walk, "-o", out, *PROMPT, "--model", model, *arguments)[0] == 0
    clip = bpy.data.movieclips.load(str(out / "animation.mp4"))
    assert (clip.frame_duration, tuple(clip.size), clip.fps) == (6, (192, 160), 24)
    bpy.ops.wm.open_mainfile(filepath=str(out / "strip.blend"))
    (strip,) = bpy.context.scene.sequence_editor.strips
    assert [element.filename for element in strip.elements] == [f"000{n}.png" for n in (1, 1, 3, 3, 5, 5)]
    assert (strip.frame_final_start, strip.frame_final_end) == (1, 7)


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
def test_a_killed_run_goes_on_and_a_stopped_one_says_so(run: Run, walk: Path, model: Path, tmp_path: Path) -> None:
    """SIGKILL in the middle, then SIGTERM; in the end it is all as if nothing had happened."""
    out = tmp_path / "out"
    arguments = ("animate", walk, "-o", out, *PROMPT, "--model", model)

    def count() -> int:
        return len(read_manifest(out / "manifest.jsonl"))

    process = subprocess.Popen(
        [sys.executable, "-m", "handdiff_addon.cli", *map(str, arguments), "--frames", "4-40"], stderr=subprocess.PIPE
    )
    while count() < 2:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.02)
    process.kill()
    process.wait(20)
    killed = count()

    def stop() -> None:
        while count() < killed + 2:
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)

    stopper = threading.Thread(target=stop, daemon=True)
    stopper.start()
    code, _, told = run(*arguments, "--frames", "4-40")
    stopper.join(20)
    stopped = re.search(r"The batch was stopped: (\d+) frames are finished in .*, and the same command goes on", told)
    assert code == 5 and stopped and int(stopped[1]) == count() >= killed + 2, told
    assert not list(out.rglob("*.part"))
    for path in out.rglob("*.png"):
        Image.open(path).load()
    last = 4 + count()
    assert run(*arguments, "--frames", f"4-{last}")[0] == 0
    whole = tmp_path / "whole"
    assert run("animate", walk, "-o", whole, *PROMPT, "--model", model, "--frames", f"4-{last}")[0] == 0
    assert pictures(out) == pictures(whole)


def test_memory_stays_flat_over_many_frames(
    run: Run, walk: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Less than 12 MiB more after 30 frames than after 12."""
    if resident() is None:
        pytest.skip("this system does not tell how much memory is used")
    used: dict[int, int] = {}
    progress = Console.progress

    def spy(self: Console, stage: str, step: int = 0, steps: int = 0) -> None:
        used[step] = resident() or 0
        progress(self, stage, step, steps)

    monkeypatch.setattr(Console, "progress", spy)
    frames = ("--frames", "4-33", "--size", 64, 64, "--single-stage")
    assert run("animate", walk, "-o", tmp_path, *PROMPT, "--model", model, *frames)[0] == 0
    assert (used[30] - used[12]) / 2**20 < 12


def test_the_bench_of_a_batch_prints_its_figures(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from handdiff_addon.evaluation import bench_batch

    monkeypatch.setattr(bench_batch, "SIZE", (64, 64))
    lines: list[str] = []
    bench_batch.bench_batch(lines.append, str(model), 2, steps=1)
    said = "\n".join(lines)
    assert re.search(r"The batch has \d\.\d{3} of the throughput of painting alone", said)
    rows = {line[:16].strip(): float(line[16:].split()[0]) for line in said.splitlines() if line.endswith("s a frame")}
    assert set(rows) == {"passes", "painting alone", "in the batch"} and min(rows.values()) > 0
