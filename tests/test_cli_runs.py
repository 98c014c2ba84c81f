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
from handdiff_addon.errors import OutputError
from handdiff_addon.jobs.lock import LOCK_FILE
from handdiff_addon.models.catalogue import check_model
from tests.builders import add_box, add_camera, add_human

PASSES = {
    "skeleton.png",
    "hands_mask.png",
    "left_hand_mask.png",
    "right_hand_mask.png",
    "person_mask.png",
    "depth.png",
    "pose.json",
    "hands_openxr.json",
}
GENERATED = PASSES | {
    "hands.png",
    "hand_1.png",
    "hand_2.png",
    "hands_predicted_mask.png",
    "image.png",
    "contact_sheet.png",
    "report.json",
}
COMPOSITES = {"textured.blend", "layered.blend", "preview.glb"}
PROMPT = ("-p", "a person in a red shirt with a green background", "--steps", "2")

Run = Callable[..., str]


@pytest.fixture
def run(run: Callable[..., tuple[int, str, str]]) -> Run:
    """Runs the command in this process, which must succeed; returns standard output."""

    def succeed(*arguments: object) -> str:
        code, out, err = run(*arguments)
        assert code == 0, err
        return out

    return succeed


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole model folder with random weights."""
    from tests.tiny_embedded import build_tiny_model

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


@pytest.fixture(scope="session")
def walk(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample scene with the person out of view at frames 3 and 4."""
    import bpy

    from handdiff_addon.scene.files import open_blend

    scene = open_blend(sample)
    rig = bpy.data.objects["SampleRig"]
    for frame, x in ((1, 0.0), (2, 0.1), (3, 90.0), (4, 90.0), (5, 0.2), (6, 0.3)):
        rig.location.x = x
        rig.keyframe_insert("location", frame=frame)
    scene.frame_set(1)
    path = tmp_path_factory.mktemp("walk") / "walk.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    return path


@pytest.fixture(scope="session")
def hidden(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A person whose left arm a screen hides."""
    import bpy

    from handdiff_addon.scene.files import new_scene

    new_scene()
    add_human()
    add_box((0.75, -0.5, 1.4), (0.25, 0.02, 0.3), "Screen")
    add_camera()
    path = tmp_path_factory.mktemp("hidden") / "hidden.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    return path


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people, one behind the other."""
    import bpy

    from handdiff_addon.scene.files import new_scene

    new_scene()
    add_human(name="Far").location = (0.4, 1, 0)
    add_human(name="Near").location = (-0.4, 0, 0)
    add_camera(size=(96, 96))
    path = tmp_path_factory.mktemp("pair") / "pair.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    return path


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {LOCK_FILE}


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


def test_passes_are_chosen(run: Run, sample: Path, tmp_path: Path) -> None:
    run("passes", sample, "-o", tmp_path / "some", "--passes", "depth, normal,skeleton")
    assert names(tmp_path / "some") == {"depth.png", "normal.png", "skeleton.png"}
    run("passes", sample, "-o", tmp_path / "all", "--passes", "all")
    pictures = {"metric_depth.png", "hand_depth.png", "normal.png", "segmentation.png"}
    assert names(tmp_path / "all") == PASSES | pictures
    assert np.asarray(Image.open(tmp_path / "all" / "metric_depth.png")).max() > 1000
    person = np.asarray(Image.open(tmp_path / "all" / "person_mask.png")) > 0
    assert (np.asarray(Image.open(tmp_path / "all" / "segmentation.png"))[person] == (150, 5, 61)).all()


def test_the_skeleton_shows_what_flags_ask_for(run: Run, hidden: Path, tmp_path: Path) -> None:
    """A screen hides the left arm."""

    def skeleton(*flags: object) -> np.ndarray:
        run("passes", hidden, "-o", tmp_path / "out", "--passes", "skeleton,pose", *flags)
        return np.asarray(Image.open(tmp_path / "out" / "skeleton.png")).astype(int)

    def has(picture: np.ndarray, colour: tuple[int, int, int]) -> bool:
        return bool((picture == colour).all(axis=2).any())

    left_wrist, left_limb = (0, 255, 85), (51, 153, 0)
    usual = skeleton()
    words = json.loads((tmp_path / "out" / "pose.json").read_text())["handdiff"]["people"][0]
    assert words["body_visibility"][7] == "occluded" and set(words["hand_visibility"]["left"]) == {"occluded"}
    assert has(usual, left_wrist) and has(usual, left_limb)
    without = skeleton("--hide-occluded")
    assert not has(without, left_wrist) and not has(without, left_limb)
    blue = (0, 0, 255)
    hands = skeleton("--hidden-hands")
    assert (hands == blue).all(axis=2).sum() > 1.5 * (usual == blue).all(axis=2).sum()
    assert skeleton("--style", "xinsir").any(axis=2).sum() > 1.5 * usual.any(axis=2).sum()
    only = skeleton("--style", "mediapipe-hands")
    assert only.any() and not has(only, left_wrist)


def test_the_nearest_people_are_taken(run: Run, pair: Path, tmp_path: Path) -> None:
    for number in (2, 1):
        run("passes", pair, "-o", tmp_path / "out", "--passes", "pose", "--people", number)
        people = json.loads((tmp_path / "out" / "pose.json").read_text())["handdiff"]["people"]
        assert [person["armature"] for person in people] == ["Near", "Far"][:number]


def test_a_range_of_frames_is_an_image_sequence_per_pass(run: Run, walk: Path, tmp_path: Path, capfd) -> None:
    """Out of view at frames 3 and 4: black, and told; the rest as frame by frame."""
    out = tmp_path / "out"
    code = cli.main(["passes", str(walk), "-o", str(out), "--frames", "1-6", "--passes", "skeleton,person_mask,pose"])
    said, told = capfd.readouterr()
    assert (code, said) == (0, f"{out}\n")
    assert [line for line in told.splitlines() if "frames 3-4 are empty" in line and "out of the frame" in line]
    assert names(out) == {"skeleton", "person_mask", "pose"}
    for name, ending in (("skeleton", "png"), ("person_mask", "png"), ("pose", "json")):
        assert names(out / name) == {f"000{number}.{ending}" for number in range(1, 7)}
    masks = [np.asarray(Image.open(out / "person_mask" / f"000{number}.png")) for number in range(1, 7)]
    assert [bool(mask.any()) for mask in masks] == [True, True, False, False, True, True]
    poses = [json.loads((out / "pose" / f"000{number}.json").read_text()) for number in range(1, 7)]
    assert [pose["handdiff"]["frame"] for pose in poses] == list(range(1, 7))
    assert [len(pose["people"]) for pose in poses] == [1, 1, 0, 0, 1, 1]
    for number in (2, 6):
        run("passes", walk, "-o", tmp_path / "one", "--frame", number)
        assert (np.asarray(Image.open(tmp_path / "one" / "person_mask.png")) == masks[number - 1]).all()
    assert (masks[0] != masks[1]).any(), "nothing moves"


def test_a_range_takes_steps_and_frames_below_zero(run: Run, walk: Path, tmp_path: Path) -> None:
    run("passes", walk, "-o", tmp_path / "out", "--frames=-2-6:4", "--passes", "skeleton", "--size", 64, 64)
    assert names(tmp_path / "out" / "skeleton") == {"-0002.png", "0002.png", "0006.png"}
    assert Image.open(tmp_path / "out" / "skeleton" / "0002.png").size == (64, 64)


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
def test_a_stopped_sequence_keeps_whole_frames(walk: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "skeleton.png").write_bytes(b"earlier")
    command = [sys.executable, "-m", "handdiff_addon.cli", "passes", walk, "-o", out, "--frames", "1-9999"]
    process = subprocess.Popen([*map(str, command), "--size", "64", "64"], stderr=subprocess.PIPE, text=True)
    try:
        while not (out / "hands_openxr" / "0006.json").exists():
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        told = process.communicate(timeout=60)[1]
    finally:
        process.kill()
    assert process.returncode == 5 and re.search(r"stopped after \d+ of 9999 frames", told), told
    assert not list(out.rglob("*.part"))
    for path in out.glob("*/*.png"):
        Image.open(path).load()
    for path in out.glob("pose/*.json"):
        json.loads(path.read_text())
    assert (out / "previous" / "1" / "skeleton.png").read_bytes() == b"earlier"


def test_a_pose_file_is_drawn_and_written_anew_without_blender(run: Run, sample: Path, tmp_path: Path) -> None:
    """Ours comes back as it was; OpenPose's own gets our points, and its canvas from --size."""
    first, second = tmp_path / "first", tmp_path / "second"
    run("passes", sample, "-o", first)
    code = (
        f"import sys; from handdiff_addon.cli import main; assert main(['passes', {str(first / 'pose.json')!r}, '-o', "
        f"{str(second)!r}]) == 0; assert not {{'bpy', 'torch'}} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert names(second) == {"skeleton.png", "pose.json"}
    assert (second / "skeleton.png").read_bytes() == (first / "skeleton.png").read_bytes()
    assert json.loads((second / "pose.json").read_text()) == json.loads((first / "pose.json").read_text())

    body = [value for index in range(25) for value in (10.0 + index, 40.0, 0.7)]
    theirs = tmp_path / "frame_000_keypoints.json"
    theirs.write_text(json.dumps({"version": 1.3, "people": [{"pose_keypoints_2d": body}]}))
    run("passes", theirs, "-o", second, "--size", 64, 128, "--style", "xinsir")
    assert Image.open(second / "skeleton.png").size == (64, 128)
    converted = json.loads((second / "pose.json").read_text())
    assert (converted["canvas_width"], converted["canvas_height"]) == (64, 128)
    assert converted["people"][0]["pose_keypoints_2d"][3 * 8 : 3 * 9] == [19, 40, 1], "right hip, BODY_25's point 9"
    run("passes", second / "pose.json", "-o", second, "--size", 128, 256, "--passes", "pose")
    assert json.loads((second / "pose.json").read_text())["people"][0]["pose_keypoints_2d"][:3] == [20, 80, 1]
    assert names(second) == {"pose.json", "previous"}


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
    assert report["request"]["seed"] == 7 and report["settings"]["steps"] == report["settings"]["hand_steps"] == 2
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
    assert names(tmp_path) == GENERATED - {"hands.png", "hand_1.png", "hand_2.png", "hands_predicted_mask.png"}
    assert json.loads((tmp_path / "report.json").read_text())["hands"] == []


def test_a_picture_is_kept_where_the_passes_find_no_space(
    sample: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object, **options: object) -> None:
        raise OutputError("The disk is full: make space.")

    monkeypatch.setattr("handdiff_addon.conditioning.pass_files.write_passes", full)
    command = ["generate", sample, "-o", tmp_path, *PROMPT, "--model", model, "--steps", 1]
    assert cli.main([str(word) for word in command]) == 6
    assert {"image.png", "hands.png", "report.json"} <= names(tmp_path)


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
    command = [sys.executable, "-m", "handdiff_addon.cli", "generate", sample, "-o", out, *PROMPT, "--steps", "500"]
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
    for part in ("text", "autoencoder", "sketch", "hands", "outpaint", "refiner"):
        more = () if part == "text" else ("--data", data)
        budget = () if part == "autoencoder" else ("--minutes", 0.01)
        run("train", part, "-o", tmp_path / part, "--model", trained, *more, *budget)
    assert check_model(trained).parameters > 1_000_000
    run("demo", "-o", tmp_path / "demo", "--model", trained, "--steps", 1)
