# SPDX-License-Identifier: GPL-3.0-or-later
"""Every bad input ends with the contract's exit code and one sentence, and earlier results stay as they were."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from handdiff_addon import cli, cli_scenes, runs
from handdiff_addon.errors import UsageError, first_line
from handdiff_addon.jobs.lock import LOCK_FILE

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """An output folder with an earlier run and a file of the user's own."""
    folder = tmp_path / "out"
    folder.mkdir()
    for name in ("skeleton.png", "image.png", "report.json", "notes.txt"):
        (folder / name).write_bytes(f"earlier {name}".encode())
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != LOCK_FILE)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def assert_refused(answer: tuple[int, str, str], code: int, *words: str) -> None:
    got, out, err = answer
    assert got == code, err
    assert out == ""
    lines = err.splitlines()
    assert len(lines) == 1, err
    assert lines[0].endswith(".") and ":" in lines[0] and "Traceback" not in lines[0]
    for word in words:
        assert word in lines[0]


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample scene as a file, at 128 x 128."""
    import bpy

    from handdiff_addon.scene.files import new_scene
    from handdiff_addon.scene.sample_human import create_sample_scene

    scene = new_scene()
    create_sample_scene(scene)
    scene.render.resolution_x = scene.render.resolution_y = 128
    path = tmp_path_factory.mktemp("sample") / "sample.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    return path


def changed(sample: Path, path: Path, change: str) -> Path:
    """The sample scene saved as ``path`` after a statement on ``bpy``, ``scene`` and ``rig``."""
    import bpy

    from handdiff_addon.scene.files import open_blend

    scene = open_blend(sample)
    exec(change, {"bpy": bpy, "scene": scene, "rig": bpy.data.objects["SampleRig"]})
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    return path


USAGE = [
    (),
    ("paint",),
    ("demo",),
    ("passes", "x.blend"),
    ("passes", "-o", "DIR"),
    ("passes", "x.blend", "-o", "DIR", "--size", "100", "128"),
    ("passes", "x.blend", "-o", "DIR", "--size", "100"),
    ("passes", "x.blend", "-o", "DIR", "--frame", "one"),
    ("passes", "x.blend", "-o", "DIR", "--style", "cubist"),
    ("passes", "x.blend", "-o", "DIR", "--prompt", "a person"),
    ("passes", "x.blend", "-o", "DIR", "--frame", "99999999999999"),
    ("passes", "x.blend", "-o", "DIR", "--frames", "7"),
    ("passes", "x.blend", "-o", "DIR", "--frames", "9-1"),
    ("passes", "x.blend", "-o", "DIR", "--frames", "1-9:0"),
    ("passes", "x.blend", "-o", "DIR", "--frames", "1-2000000"),
    ("passes", "x.blend", "-o", "DIR", "--frames", "1-9", "--frame", "3"),
    ("passes", "x.blend", "-o", "DIR", "--passes", "skeleton,colour"),
    ("passes", "x.blend", "-o", "DIR", "--passes", ","),
    ("passes", "x.blend", "-o", "DIR", "--people", "0"),
    ("passes", "x.blend", "-o", "DIR", "--people", "-1"),
    ("passes", "absent.json", "-o", "DIR"),
    ("passes", "absent.json", "-o", "DIR", "--frames", "1-9"),
    ("passes", "absent.json", "-o", "DIR", "--camera", "Eye"),
    ("passes", "absent.json", "-o", "DIR", "--passes", "skeleton,depth"),
    ("bench",),
    ("bench", "press"),
    ("dataset", "-o", "DIR", "--sample-human", "--seed", "-1"),
    ("generate", "x.blend", "-o", "DIR"),
    ("generate", "x.blend", "-o", "DIR", "-p", "a person", "--size", "512", "500"),
    ("generate", "x.blend", "-o", "DIR", "-p", "a person", "--size", "8", "8"),
    ("generate", "x.blend", "-o", "DIR", "-p", "a person", "--seed", "-1"),
    ("generate", "x.blend", "-o", "DIR", "-p", "a person", "--steps", "0"),
    ("generate", "x.blend", "-o", "DIR", "-p", "a person", "--best-of", "many"),
    ("generate", "x.blend", "-o", "DIR", "-p", "a person", "--to", "image,hologram"),
    ("generate", "x.blend", "-o", "DIR", "-p", "a person", "--paint", "hands"),
    ("generate", "x.blend", "-o", "DIR", "--settings", "absent.json"),
    ("models",),
    ("models", "shave"),
]


@pytest.mark.parametrize("arguments", USAGE, ids=" ".join)
def test_wrong_usage(run: Run, earlier: Path, arguments: tuple[str, ...]) -> None:
    before = contents(earlier)
    assert_refused(run(*(earlier if word == "DIR" else word for word in arguments)), 2)
    assert contents(earlier) == before


@pytest.mark.parametrize(
    "text", ["", "[1]", "{", '{"prompt": "x", "colour": 1}', '{"prompt": "x", "schema_version": 99}', '{"prompt": 3}']
)
def test_settings_that_are_none(run: Run, tmp_path: Path, text: str) -> None:
    settings = tmp_path / "settings.json"
    settings.write_text(text)
    answer = run("generate", "x.blend", "-o", tmp_path / "out", "--settings", settings, "--seed", "-5")
    assert_refused(answer, 2)


SCENES = {
    "no camera": ("bpy.data.objects.remove(scene.camera)", "camera"),
    "no armature": ("bpy.data.objects.remove(rig)", "armature"),
    "a rig that is no person": ("bpy.data.objects.remove(rig); bpy.ops.object.armature_add()", "armature"),
    "person behind the camera": ("scene.camera.location.y *= -1", "camera"),
    "person out of frame": ("scene.camera.location.x += 50", "frame"),
}


@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize("verb", ["passes", "generate"])
def test_scenes_that_cannot_be_used(
    run: Run, earlier: Path, sample: Path, tmp_path: Path, verb: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "check_models", lambda request: None)
    change, word = SCENES[name]
    scene = changed(sample, tmp_path / "scene.blend", change)
    before = contents(earlier)
    prompt = ("-p", "a person") if verb == "generate" else ()
    assert_refused(run(verb, scene, "-o", earlier, *prompt), 3, word)
    assert contents(earlier) == before


@pytest.mark.parametrize("flag", ["--camera", "--armature"])
def test_names_that_the_scene_does_not_have(run: Run, earlier: Path, sample: Path, flag: str) -> None:
    before = contents(earlier)
    assert_refused(run("passes", sample, "-o", earlier, flag, "Nobody"), 3, "Nobody")
    assert contents(earlier) == before


@pytest.mark.parametrize("damage", ["absent", "folder", "empty", "garbage", "truncated"])
def test_files_that_are_no_scene(run: Run, earlier: Path, sample: Path, tmp_path: Path, damage: str) -> None:
    blend = tmp_path / "broken.blend"
    match damage:
        case "folder":
            blend.mkdir()
        case "empty":
            blend.write_bytes(b"")
        case "garbage":
            blend.write_bytes(b"no scene at all" * 100)
        case "truncated":
            blend.write_bytes(sample.read_bytes()[:2000])
    before = contents(earlier)
    assert_refused(run("passes", blend, "-o", earlier), 3, "broken.blend")
    assert contents(earlier) == before


def test_an_output_folder_that_is_a_file(run: Run, sample: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    assert_refused(run("passes", sample, "-o", tmp_path / "file"), 6, "file")
    assert_refused(run("passes", sample, "-o", tmp_path / "file" / "below"), 6, "file")
    assert (tmp_path / "file").read_text() == "precious"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_output_folder_without_rights(run: Run, sample: Path, earlier: Path) -> None:
    earlier.chmod(0o555)
    assert_refused(run("passes", sample, "-o", earlier), 6, "out")


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_an_output_folder_that_cannot_exist(run: Run, sample: Path) -> None:
    assert_refused(run("passes", sample, "-o", "/proc/handdiff"), 6, "/proc/handdiff")


POSES = {
    "no JSON": ("{", 2, "JSON"),
    "another format": ('{"images": [], "annotations": []}', 2, "people"),
    "several frames": ('[{"people": []}, {"people": []}]', 2, "2 frames"),
    "not a number": ('{"people": [{"pose_keypoints_2d": [NaN]}]}', 2, "NaN"),
    "no canvas": ('{"people": [{"pose_keypoints_2d": []}]}', 2, "canvas_width"),
    "a huge canvas": ('{"people": [], "canvas_width": 1000000, "canvas_height": 9}', 2, "canvas_width"),
    "a wrong length": ('{"people": [{"pose_keypoints_2d": [1]}], "canvas_width": 9, "canvas_height": 9}', 2, "18"),
    "a key twice": ('{"people": [], "people": [], "canvas_width": 9, "canvas_height": 9}', 2, "twice"),
    "nobody": ('{"people": [], "canvas_width": 9, "canvas_height": 9}', 3, "nobody"),
}


@pytest.mark.parametrize("name", POSES)
def test_poses_that_cannot_be_used(run: Run, earlier: Path, tmp_path: Path, name: str) -> None:
    text, code, word = POSES[name]
    (tmp_path / "pose.json").write_text(text)
    before = contents(earlier)
    assert_refused(run("passes", tmp_path / "pose.json", "-o", earlier), code, word, "pose.json")
    assert contents(earlier) == before


def test_a_range_in_which_nobody_is_seen(run: Run, earlier: Path, sample: Path, tmp_path: Path) -> None:
    scene = changed(sample, tmp_path / "scene.blend", "scene.camera.location.x += 50")
    before = contents(earlier)
    code, out, err = run("passes", scene, "-o", earlier, "--frames", "1-3")
    assert code == 3 and out == "" and "Traceback" not in err
    assert "None of the 3 frames can be used" in err.splitlines()[-1] and "aim the camera" in err
    assert contents(earlier) == before


def fill_disk(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """The disk is full half-way through the file of that number."""
    written = 0
    write = Path.write_bytes

    def fill(path: Path, data: bytes) -> int:
        nonlocal written
        written += 1
        if written == number:
            write(path, data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", fill)


@pytest.mark.parametrize("number", [1, 5, 9, 12])
def test_a_disk_that_fills_up_in_a_sequence(
    run: Run, earlier: Path, sample: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    before = contents(earlier)
    fill_disk(monkeypatch, number)
    code, _, err = run("passes", sample, "-o", earlier, "--frames", "1-3")
    monkeypatch.undo()
    assert code == 6 and "No space left" in err.splitlines()[-1]
    after = contents(earlier)
    assert not any(".part" in name for name in after)
    assert after["previous/1/skeleton.png"] == before["skeleton.png"]
    assert len(after) == len(before) + number - 1


@pytest.mark.parametrize("number", range(1, 9))
def test_a_disk_that_fills_up_at_any_file(
    run: Run, earlier: Path, sample: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """The earlier run is whole in ``previous/1``; what was written is whole; no half file is left."""
    before = contents(earlier)
    fill_disk(monkeypatch, number)
    assert_refused(run("passes", sample, "-o", earlier), 6, "No space left")
    monkeypatch.undo()
    after = contents(earlier)
    assert after["notes.txt"] == before["notes.txt"]
    for name in ("skeleton.png", "image.png", "report.json"):
        assert after[f"previous/1/{name}"] == before[name]
    assert not any(".part" in name for name in after)
    assert len(after) == len(before) + number - 1


def test_models_that_are_none_are_refused_before_the_scene_is_opened(run: Run, earlier: Path, tmp_path: Path) -> None:
    before = contents(earlier)
    generate = ("generate", tmp_path / "absent.blend", "-o", earlier, "-p", "a person")
    assert_refused(run(*generate, "--model", tmp_path / "absent"), 4, "absent")
    (tmp_path / "empty").mkdir()
    assert_refused(run(*generate, "--model", tmp_path / "empty"), 4, "model_index.json")
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "model_index.json").write_text(json.dumps({"unet": ["diffusers", "UNet2DConditionModel"]}))
    assert_refused(run(*generate, "--model", tmp_path / "half"), 4, "half")
    assert_refused(run("models", "check", tmp_path / "half"), 4, "half")
    assert contents(earlier) == before


def test_the_output_is_refused_before_the_model(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    generate = ("generate", tmp_path / "absent.blend", "-o", tmp_path / "file", "-p", "a person")
    assert_refused(run(*generate, "--model", tmp_path / "absent"), 6)


def test_a_python_without_the_engine_is_told_the_remedy(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "find_model", lambda name: tmp_path)
    monkeypatch.setattr(runs, "check_model", lambda path: None)
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(runs.importlib.util, "find_spec", lambda name: None)
    assert_refused(run("generate", "x.blend", "-o", tmp_path, "-p", "a person"), 4, "torch", "pip install")


def test_a_fault_of_ours_is_one_sentence_and_a_log(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise KeyError("left_knee")

    monkeypatch.setattr(cli_scenes, "run_passes", fail)
    answer = run("passes", "x.blend", "-o", tmp_path)
    assert_refused(answer, 1, "fault of ours", "left_knee")
    log = Path(answer[2].split("the log ")[1].split(" has")[0])
    assert "Traceback" in log.read_text()
    log.unlink()


def test_debugging_shows_the_traceback(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli_scenes, "run_passes", lambda *arguments: 1 / 0)
    monkeypatch.setenv("HANDDIFF_DEBUG", "1")
    code, _, err = run("passes", "x.blend", "-o", tmp_path)
    assert code == 1 and "Traceback" in err and "ZeroDivisionError" in err


def test_an_interrupt_is_a_cancelled_run(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli_scenes, "run_passes", interrupt)
    assert_refused(run("passes", "x.blend", "-o", tmp_path), 5)


def test_noise_of_libraries_stays_out_of_the_answer(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def noisy(*arguments: object) -> tuple[Path, list[str]]:
        print("Read blend")
        os.system("echo from below; echo Warning: from below >&2")
        print("deprecated", file=sys.stderr)
        return tmp_path, ["The left hand is hidden."]

    monkeypatch.setattr(cli_scenes, "run_passes", noisy)
    assert run("passes", "x.blend", "-o", tmp_path) == (0, f"{tmp_path}\n", "Warning: The left hand is hidden.\n")


def test_refusals_import_neither_torch_nor_blender(tmp_path: Path) -> None:
    code = (
        "import sys; from handdiff_addon.cli import main; "
        f"assert main(['generate', 'x.blend', '-o', {str(tmp_path / 'out')!r}, '-p', 'x', '--model', 'absent']) == 4; "
        "print([name for name in ('torch', 'diffusers', 'bpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_every_verb_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in ("demo", "passes", "generate", "dataset", "train", "bench", "models"):
        with pytest.raises(SystemExit) as leaving:
            cli.main([verb, "--help"])
        assert leaving.value.code == 0 and "usage: " in capsys.readouterr().out


def test_the_parser_raises_sentences() -> None:
    with pytest.raises(UsageError, match=r"see {2}handdiff --help"):
        cli._parser().parse_args(["nonsense"])


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (RuntimeError("Error: Cannot open file.\nMore\n"), "Cannot open file"),
        (RuntimeError("Error: \n"), "RuntimeError"),
        (ValueError(), "ValueError"),
    ],
)
def test_another_librarys_error_goes_into_a_sentence_even_where_it_says_nothing(error: Exception, told: str) -> None:
    assert first_line(error) == told
