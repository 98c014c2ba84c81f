# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark list: whole, independent of the people drawn, and framed as its recipes say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from handdiff_addon.errors import UsageError
from handdiff_addon.evaluation.benchmark.camera import SENSOR, CameraRecipe, place_camera
from handdiff_addon.evaluation.benchmark.entries import LIST, read_benchmark
from handdiff_addon.evaluation.benchmark.poses import fit_pose, free_pose
from handdiff_addon.evaluation.colour import TONES, skin_tone
from handdiff_addon.evaluation.truth import choose_human
from handdiff_addon.request import SIDES
from handdiff_addon.rig.bones import Bone
from handdiff_addon.rig.gestures import GESTURES
from handdiff_addon.training.build import Build
from handdiff_addon.training.poses import ArmPose, BodyPose, HandShape


def test_the_list_has_two_hundred_entries_of_its_own() -> None:
    benchmark = read_benchmark()
    assert [entry.id for entry in benchmark.entries] == [f"{index:04d}" for index in range(200)]
    assert len({entry.seed for entry in benchmark.entries}) == 200
    assert len(benchmark.sha256) == 64


def test_prompts_name_the_colours_that_are_looked_for() -> None:
    benchmark = read_benchmark()
    for entry in benchmark.entries:
        for role, name in entry.named.items():
            assert name in benchmark.palettes[role]
            assert name in entry.prompt.replace("gray", "grey").replace("blonde", "blond")
    counts = {role: sum(role in entry.named for entry in benchmark.entries) for role in benchmark.palettes}
    assert min(count for role, count in counts.items() if role != "gloves") >= 60 and counts["gloves"] >= 15


def test_every_skin_tone_is_there() -> None:
    tones = [skin_tone(entry.colours["skin"]) for entry in read_benchmark().entries]
    assert min(tones.count(tone) for tone in TONES) >= 40


def test_humans_take_turns() -> None:
    files = [Path(f"human_{letter}.blend") for letter in "abc"]
    chosen = [choose_human(files, entry) for entry in read_benchmark().entries[:6]]
    assert chosen == files * 2
    assert {choose_human([None], entry) for entry in read_benchmark().entries} == {None}


def test_a_list_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "list.jsonl"
    broken.write_text("".join(LIST.read_text(encoding="utf-8").splitlines(keepends=True)[:3])[:-40], encoding="utf-8")
    with pytest.raises(UsageError, match=r"list\.jsonl cannot be read"):
        read_benchmark(broken)
    header = json.loads(LIST.read_text(encoding="utf-8").splitlines()[0])
    del header["palettes"]
    broken.write_text(json.dumps(header), encoding="utf-8")
    with pytest.raises(UsageError, match="palettes"):
        read_benchmark(broken)


def make_bones(height: float) -> dict[str, Bone]:
    """A person who faces -y, the left arm stretched to the camera and up, the right arm hanging."""
    ends = {
        "head": ((0, 0, 0.87), (0, 0, 0.98)),
        "hips": ((0, 0, 0.55), (0, 0, 0.6)),
        "chest": ((0, 0, 0.7), (0, 0, 0.8)),
    }
    arms = {"left": ((0.2, -0.1, 0.8), (0.25, -0.3, 0.9)), "right": ((-0.15, 0, 0.62), (-0.16, 0, 0.5))}
    for side, sign in (("left", 1), ("right", -1)):
        elbow, wrist = arms[side]
        tip = (wrist[0], wrist[1] - 0.02, wrist[2] + (0.1 if side == "left" else -0.1))
        ends[f"{side}_upper_arm"] = ((sign * 0.1, 0, 0.82), elbow)
        ends[f"{side}_forearm"], ends[f"{side}_hand"], ends[f"{side}_index_3"] = (
            (elbow, wrist),
            (wrist, tip),
            (wrist, tip),
        )
        ends[f"{side}_thigh"] = ((sign * 0.05, 0, 0.53), (sign * 0.05, 0, 0.28))
        ends[f"{side}_shin"] = ((sign * 0.05, 0, 0.28), (sign * 0.05, 0, 0.04))
        ends[f"{side}_foot"] = ((sign * 0.05, 0, 0.04), (sign * 0.05, -0.1, 0.0))
    return {
        name: Bone(name, None, np.array(head) * height, np.array(tail) * height, np.eye(4))
        for name, (head, tail) in ends.items()
    }


def in_frame(recipe: CameraRecipe, points: list[np.ndarray], bones: dict[str, Bone]) -> list[bool]:
    """Whether the recipe's camera, without its roll, sees each point: by similar triangles."""
    place = place_camera(recipe, bones)
    forward = place.target - place.position
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, (0.0, 0.0, 1.0))
    right /= np.linalg.norm(right)
    up = np.cross(right, forward)
    half = SENSOR / 2 / recipe.lens
    offsets = [point - place.position for point in points]
    return [max(abs(o @ right), abs(o @ up)) < half * (o @ forward) for o in offsets]


@pytest.mark.parametrize("height", [1.0, 1.55, 2.1])
@pytest.mark.parametrize("lens", [32.0, 85.0])
def test_the_camera_sees_what_the_framing_promises(height: float, lens: float) -> None:
    bones = make_bones(height)
    crown = bones["head"].head + 1.15 * (bones["head"].tail - bones["head"].head)
    feet = [bones[f"{side}_foot"].tail for side in SIDES]
    hands = [bones[f"{side}_index_3"].tail for side in SIDES]
    promised = {
        "full body": [crown, *feet, *hands],
        "upper body": [crown, *hands],
        "close-up": [crown, bones["chest"].head, hands[0]],
        "hands": [hands[0], bones["left_hand"].head],
    }
    for framing, points in promised.items():
        for azimuth, shift in ((-0.6, (0.5, -0.5)), (0.0, (0.0, 0.0)), (0.6, (-0.5, 0.5))):
            recipe = CameraRecipe(framing, azimuth, 0.1, 0.0, lens, 1.05, shift)  # type: ignore[arg-type]
            assert all(in_frame(recipe, points, bones)), (framing, azimuth)
    near = CameraRecipe("hands", 0.0, 0.1, 0.0, lens, 1.05, (0.0, 0.0))
    assert not any(in_frame(near, feet, bones))


def test_a_framing_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UsageError, match="portrait"):
        CameraRecipe("portrait", 0.0, 0.0, 0.0, 50.0, 1.1, (0.0, 0.0))  # type: ignore[arg-type]


def make_build(size: float) -> Build:
    """A person of a given size: a body of even thickness, on the rest pose of :func:`make_bones`."""
    rest = make_bones(1.7 * size)
    up = np.arange(0.0, 1.7, 0.02)
    slices = np.stack([up, np.full_like(up, 0.17), np.full_like(up, -0.12), np.full_like(up, 0.12)], axis=1) * size
    frame = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
    return Build(rest, frame, slices, size * np.array([0.0, 1.55, 0.13]))


@pytest.mark.parametrize("place", ["raised", "down", "face", "hip", "behind", "chest", "folded"])
def test_a_pose_comes_back_on_its_own_build_and_grows_with_another(place: str) -> None:
    small, large = make_build(1.0), make_build(1.3)
    arm = ArmPose(place, (0.2, 1.1, 0.3), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), "palm")
    hand = HandShape("ok", GESTURES["ok"].hand)
    pose = BodyPose("any", dict.fromkeys(SIDES, arm), dict.fromkeys(SIDES, hand), torso=(0.1, 0.0, -0.2))
    data = json.loads(json.dumps(free_pose(pose, small)))
    back = fit_pose(data, small)
    assert back.arms["left"].goal == pytest.approx(arm.goal)
    assert back.hands["right"] == hand and back.torso == pose.torso
    assert np.array(fit_pose(data, large).arms["left"].goal) == pytest.approx(1.3 * np.array(arm.goal))
