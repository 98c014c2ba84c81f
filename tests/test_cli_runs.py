# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs end to end, with a tiny untrained model: what is written, and that it is whole."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from handdiff_addon import cli
from handdiff_addon.models.catalogue import check_model

PASSES = {
    "skeleton.png",
    "hands_mask.png",
    "left_hand_mask.png",
    "right_hand_mask.png",
    "person_mask.png",
    "depth.png",
    "pose.json",
}
GENERATED = PASSES | {"hands.png", "hands_predicted_mask.png", "image.png", "contact_sheet.png", "report.json"}
COMPOSITES = {"textured.blend", "layered.blend", "preview.glb"}
PROMPT = ("-p", "a person in a red shirt with a green background", "--steps", "2")

Run = Callable[..., str]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs the command in this process, which must succeed; returns standard output."""

    def run(*arguments: object) -> str:
        capfd.readouterr()
        code = cli.main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        assert code == 0, err
        return out

    return run


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole model folder with random weights."""
    from handdiff_addon.training.initialise import build_tiny_model

    return build_tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample scene as a file, at 192 x 192, with a second frame."""
    import bpy

    from handdiff_addon.scene.files import new_scene
    from handdiff_addon.scene.sample_human import create_sample_scene

    scene = new_scene()
    rig = create_sample_scene(scene)
    scene.render.resolution_x = scene.render.resolution_y = 192
    rig.keyframe_insert("location", frame=1)
    rig.location.x += 0.1
    rig.keyframe_insert("location", frame=2)
    scene.frame_set(1)
    path = tmp_path_factory.mktemp("sample") / "sample.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    return path


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_passes_writes_every_pass_and_says_where(run: Run, sample: Path, tmp_path: Path) -> None:
    assert run("passes", sample, "-o", tmp_path / "out") == f"{tmp_path / 'out'}\n"
    assert names(tmp_path / "out") == PASSES
    assert {Image.open(path).size for path in (tmp_path / "out").glob("*.png")} == {(192, 192)}
    pose = json.loads((tmp_path / "out" / "pose.json").read_text())
    assert (pose["canvas_width"], pose["canvas_height"]) == (192, 192)


def test_passes_take_size_frame_camera_and_armature(run: Run, sample: Path, tmp_path: Path) -> None:
    run("passes", sample, "-o", tmp_path / "one", "--size", 96, 128, "--camera", "Camera", "--armature", "SampleRig")
    assert Image.open(tmp_path / "one" / "skeleton.png").size == (96, 128)
    run("passes", sample, "-o", tmp_path / "two", "--frame", 2)
    assert json.loads((tmp_path / "two" / "pose.json").read_text())["handdiff"]["frame"] == 2
    run("passes", sample, "-o", tmp_path / "three")
    second, first = (np.asarray(Image.open(tmp_path / n / "person_mask.png")) for n in ("two", "three"))
    assert (second != first).any()


def test_a_second_run_puts_the_first_aside(run: Run, sample: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for _ in range(3):
        run("passes", sample, "-o", out)
    assert names(out) == {*PASSES, "previous"}
    assert names(out / "previous") == {"1", "2"}
    assert names(out / "previous" / "1") == PASSES


def test_generate_writes_the_picture_its_composites_and_a_report(
    run: Run, sample: Path, model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run("generate", sample, "-o", out, *PROMPT, "--model", model, "--seed", 7, "--to", "image,texture,layer,glb")
    assert names(out) == GENERATED | COMPOSITES
    report = json.loads((out / "report.json").read_text())
    assert report["request"]["seed"] == 7 and report["request"]["steps"] == report["request"]["hand_steps"] == 2
    assert report["model"]["sha256"] == check_model(model).report()["sha256"]
    assert report["peak_memory_bytes"] > 0
    assert {"passes", "loading", "hands", "body", "texture", "layer", "glb"} <= set(report["seconds"])
    assert {hand["side"] for hand in report["hands"]} <= {"left", "right"}
    assert Image.open(out / "image.png").size == (192, 192)
    import bpy

    for name in ("textured", "layered"):
        bpy.ops.wm.open_mainfile(filepath=str(out / f"{name}.blend"))
        assert bpy.data.objects["SampleRig"].type == "ARMATURE"
        packed = [image.name for image in bpy.data.images if image.packed_file]
        assert packed, f"{name}.blend carries no picture"


def test_a_report_repeats_its_run(run: Run, sample: Path, model: Path, tmp_path: Path) -> None:
    run("generate", sample, "-o", tmp_path / "one", *PROMPT, "--model", model, "--seed", 3)
    assert names(tmp_path / "one") == GENERATED
    run("generate", sample, "-o", tmp_path / "two", "--settings", tmp_path / "one" / "report.json")
    one, two = (np.asarray(Image.open(tmp_path / n / "image.png")) for n in ("one", "two"))
    assert (one == two).all()
    run("generate", sample, "-o", tmp_path / "two", "--settings", tmp_path / "one" / "report.json", "--seed", 4)
    assert (np.asarray(Image.open(tmp_path / "two" / "image.png")) != one).any()
    assert (np.asarray(Image.open(tmp_path / "two" / "previous" / "1" / "image.png")) == one).all()


def test_a_single_stage_paints_no_hands(run: Run, sample: Path, model: Path, tmp_path: Path) -> None:
    run("generate", sample, "-o", tmp_path, *PROMPT, "--model", model, "--single-stage")
    assert names(tmp_path) == GENERATED - {"hands.png", "hands_predicted_mask.png"}
    assert json.loads((tmp_path / "report.json").read_text())["hands"] == []


def test_the_demo_writes_everything(run: Run, model: Path, tmp_path: Path) -> None:
    run("demo", "-o", tmp_path, "--model", model, "--steps", 2)
    assert names(tmp_path) >= GENERATED | COMPOSITES
    sheet = Image.open(tmp_path / "contact_sheet.png")
    assert sheet.width > 1000 and sheet.height > 600


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_leaves_earlier_results(
    sample: Path, model: Path, tmp_path: Path, number: signal.Signals
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "image.png").write_bytes(b"earlier")
    command = [sys.executable, "-m", "handdiff_addon.cli", "generate", sample, "-o", out, *PROMPT, "--steps", "1000"]
    process = subprocess.Popen(
        [*map(str, command), "--model", str(model)],
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background jobs ignore SIGINT, and so would their children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stderr is not None
    try:
        line = process.stderr.readline()  # the first stage has ended
        time.sleep(1)
        process.send_signal(number)
        rest = process.communicate(timeout=120)[1]
    finally:
        process.kill()
    assert process.returncode == 5, line + rest
    assert "stopped" in rest.splitlines()[-1] and "Traceback" not in rest
    assert names(out) == {"image.png"} and (out / "image.png").read_bytes() == b"earlier"


def test_progress_is_a_bar_in_a_terminal(sample: Path, tmp_path: Path) -> None:
    pty = pytest.importorskip("pty")
    parent, child = pty.openpty()
    command = [sys.executable, "-m", "handdiff_addon.cli", "passes", str(sample), "-o", str(tmp_path)]
    done = subprocess.run(command, stderr=child, stdout=subprocess.PIPE, check=True)
    os.close(child)
    shown = os.read(parent, 65536).decode()
    os.close(parent)
    assert done.stdout.decode() == f"{tmp_path}\n"
    assert re.search(r"\rPasses|\x1b\[KPasses", shown) and "[" in shown


def test_models_are_listed_and_checked(run: Run, model: Path) -> None:
    out = run("models", "check", model)
    identity = check_model(model)
    assert f"{identity.parameters:,}" in out
    assert all(file.sha256 in out for file in identity.files)


@pytest.mark.train
def test_a_data_set_is_rendered_and_every_part_of_a_model_trained(run: Run, tmp_path: Path) -> None:
    """A few seconds each; what comes out is a whole model folder that generates."""
    data, trained = tmp_path / "data", tmp_path / "model"
    assert "2 samples" in run("dataset", "-o", data, "--sample-human", "--count", 2, "--samples", 1)
    assert "0 samples" in run("dataset", "-o", data, "--sample-human", "--count", 2, "--samples", 1)
    for part in ("text", "autoencoder", "hands", "outpaint"):
        more = () if part == "text" else ("--data", data)
        budget = () if part == "autoencoder" else ("--minutes", 0.01)
        run("train", part, "-o", tmp_path / part, "--model", trained, *more, *budget)
    assert check_model(trained).parameters > 1_000_000
    run("demo", "-o", tmp_path / "demo", "--model", trained, "--steps", 1)
