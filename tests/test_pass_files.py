# SPDX-License-Identifier: GPL-3.0-or-later
"""The passes as files: what each holds, and sequences without gaps."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from handdiff_addon.conditioning.camera import Camera
from handdiff_addon.conditioning.frame import Conditioning, PersonMasks, PersonPose
from handdiff_addon.conditioning.openpose import read_pose
from handdiff_addon.conditioning.pass_files import SequenceWriter, frame_number, nobody, write_passes
from handdiff_addon.errors import OutputError, SceneError
from handdiff_addon.jobs.store import RunFolder
from handdiff_addon.request import DEFAULT_PASSES, PASSES, SkeletonSettings
from handdiff_addon.rig.keypoints import PersonKeypoints

CAMERA = Camera(np.eye(4), np.eye(4), 32, 24, "Eye")


def frame(number: int = 1, warnings: tuple[str, ...] = ()) -> Conditioning:
    """One person, 2 to 4 metres away: the left hand in columns 4 to 7, nothing beyond column 15, no face."""
    person = np.zeros((24, 32), bool)
    person[4:20, 2:16] = True
    left, right = np.zeros_like(person), np.zeros_like(person)
    left[6:10, 4:8] = True
    right[12:14, 10:14] = True
    depth = np.full((24, 32), np.inf, np.float32)
    depth[person] = np.linspace(2, 4, person.sum())
    normals = np.zeros((24, 32, 3), np.float32)
    normals[person] = (0, 0, 1)
    body = np.full((18, 2), np.nan)
    body[2:5] = [[4, 6], [8, 6], [12, 6]]
    pose = PersonPose(
        "Rig",
        body,
        ["visible" if np.isfinite(point).all() else "absent" for point in body],
        {side: np.full((21, 2), 9.0) for side in ("left", "right")},
        {"left": ["visible"] * 21, "right": ["occluded"] * 21},
    )
    skeleton = np.zeros((24, 32, 3), np.uint8)
    skeleton[6, 4:12] = (255, 170, 0)
    return Conditioning(
        camera=CAMERA,
        frame=number,
        people=[pose],
        masks=[PersonMasks(person, {"left": left, "right": right})],
        keypoints=[PersonKeypoints("Rig", np.full((18, 3), np.nan))],
        skeleton=skeleton,
        metric_depth=depth,
        warnings=list(warnings),
        normals=normals,
    )


def pictures(folder: Path) -> dict[str, np.ndarray]:
    return {path.stem: np.asarray(Image.open(path)) for path in folder.glob("*.png")}


def tree(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_every_pass_is_a_file_of_its_kind(tmp_path: Path) -> None:
    shown = frame()
    write_passes(shown, tmp_path, PASSES)
    assert tree(tmp_path) == {f"{name}.{'json' if name in ('pose', 'hands_openxr') else 'png'}" for name in PASSES}
    found = pictures(tmp_path)
    for name in ("skeleton", "normal", "segmentation"):
        assert found[name].shape == (24, 32, 3) and found[name].dtype == np.uint8, name
    for name in ("hands_mask", "left_hand_mask", "right_hand_mask", "person_mask", "depth", "hand_depth"):
        assert found[name].shape == (24, 32) and found[name].dtype == np.uint8, name
    person, hands = shown.masks[0].person, shown.masks[0].hands
    np.testing.assert_array_equal(found["skeleton"], shown.skeleton)
    np.testing.assert_array_equal(found["person_mask"], 255 * person)
    np.testing.assert_array_equal(found["left_hand_mask"], 255 * hands["left"])
    np.testing.assert_array_equal(found["right_hand_mask"], 255 * hands["right"])
    np.testing.assert_array_equal(found["hands_mask"], 255 * (hands["left"] | hands["right"]))
    np.testing.assert_array_equal(found["hand_depth"] > 0, hands["left"] | hands["right"])
    assert found["hand_depth"][hands["left"]].max() == found["hand_depth"][hands["right"]].max() == 255
    np.testing.assert_array_equal(found["metric_depth"][person], np.rint(shown.metric_depth[person] * 1000))
    assert not found["metric_depth"][~person].any()
    assert (found["segmentation"][person] == (150, 5, 61)).all()
    assert (found["normal"][person] == (128, 128, 255)).all()
    assert (tmp_path / "hands_openxr.json").read_text().startswith("{")


def test_the_pose_marks_what_the_skeleton_shows(tmp_path: Path) -> None:
    """The right hand is hidden: not drawn, so missing for other readers, but there for ours."""
    write_passes(frame(), tmp_path, ("pose",))
    (tmp_path / "shown").mkdir()
    write_passes(frame(), tmp_path / "shown", ("pose",), SkeletonSettings(hidden_hands=True))
    for folder, confidences in ((tmp_path, {0}), (tmp_path / "shown", {1})):
        entry = json.loads((folder / "pose.json").read_text())["people"][0]
        assert set(entry["hand_right_keypoints_2d"][2::3]) == confidences
        assert set(entry["hand_left_keypoints_2d"][2::3]) == {1}
        back = read_pose(folder / "pose.json").people[0]
        assert (back.hands["right"] == 9).all() and set(back.hand_visibility["right"]) == {"occluded"}


def test_without_more_said_the_default_passes_are_written(tmp_path: Path) -> None:
    write_passes(frame(), tmp_path)
    assert {Path(name).stem for name in tree(tmp_path)} == set(DEFAULT_PASSES)


@pytest.mark.parametrize(("number", "name"), [(1, "0001"), (0, "0000"), (-7, "-0007"), (12345, "12345")])
def test_files_of_a_sequence_are_numbered_as_blender_numbers_them(tmp_path: Path, number: int, name: str) -> None:
    assert frame_number(number) == name
    write_passes(frame(number), tmp_path, ("skeleton", "pose"), sequence=True)
    assert tree(tmp_path) == {f"skeleton/{name}.png", f"pose/{name}.json"}


def write(folder: Path, frames: list[Conditioning], passes=("skeleton", "pose", "depth", "normal")) -> list[str]:
    writer = SequenceWriter(RunFolder(folder).start, passes, SkeletonSettings())
    for each in frames:
        writer.add(each)
    return writer.finish()


def test_frames_without_people_are_black_and_told(tmp_path: Path) -> None:
    def empty(number: int) -> Conditioning:
        return nobody(CAMERA, number, "It is out of the frame: aim the camera.")

    frames = [
        empty(1),
        empty(2),
        frame(3, ("A hand is hidden.",)),
        empty(4),
        frame(5),
        frame(6, ("A hand is hidden.",)),
    ]
    warnings = write(tmp_path, frames)
    assert warnings == [
        "The passes of frames 1-2, 4 are empty: It is out of the frame: aim the camera.",
        "In frames 3, 6: A hand is hidden.",
    ]
    for name, ending in (("skeleton", "png"), ("pose", "json"), ("depth", "png"), ("normal", "png")):
        assert {p.name for p in (tmp_path / name).iterdir()} == {f"000{n}.{ending}" for n in range(1, 7)}
    for name in ("skeleton", "depth"):
        shown = [np.asarray(Image.open(tmp_path / name / f"000{n}.png")).any() for n in range(1, 7)]
        assert shown == [False, False, True, False, True, True]
    assert read_pose(tmp_path / "pose" / "0002.json").people == []
    assert read_pose(tmp_path / "pose" / "0003.json").frame == 3


def test_spans_follow_the_frames_asked_for(tmp_path: Path) -> None:
    frames = [frame(number, ("Hidden.",) if number != 31 else ()) for number in range(1, 50, 10)]
    assert write(tmp_path, frames) == ["In frames 1-21, 41: Hidden."]
    assert write(tmp_path, [frame(8, ("Hidden.",))]) == ["In frame 8: Hidden."]


def test_a_sequence_of_nobody_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "skeleton.png").write_bytes(b"earlier")
    with pytest.raises(SceneError, match="None of the 3 frames can be used: It is behind"):
        write(tmp_path, [nobody(CAMERA, number, "It is behind the camera: turn it.") for number in (1, 2, 3)])
    assert tree(tmp_path) == {"skeleton.png"}


def test_a_sequence_puts_an_earlier_run_aside(tmp_path: Path) -> None:
    write_passes(frame(), RunFolder(tmp_path).start(), PASSES)
    single = tree(tmp_path)
    write(tmp_path, [frame(1), frame(2)], ("skeleton",))
    sequence = {"skeleton/0001.png", "skeleton/0002.png"}
    assert tree(tmp_path) == sequence | {f"previous/1/{name}" for name in single}
    write(tmp_path, [frame(1)], PASSES)
    assert {f"previous/2/{name}" for name in sequence} <= tree(tmp_path)
    assert len([name for name in tree(tmp_path) if "previous" not in name]) == len(PASSES)


def test_a_sequence_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("a file")
    writer = SequenceWriter(lambda: tmp_path / "mine", ("skeleton",), SkeletonSettings())
    with pytest.raises(OutputError, match="mine"):
        writer.add(frame())
