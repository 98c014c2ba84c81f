# SPDX-License-Identifier: GPL-3.0-or-later
"""The body map gives a place of the body the same colour in every pose and on every rig."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest

from handdiff_addon.conditioning.body_map import arm_reach
from handdiff_addon.conditioning.flow import static_points
from handdiff_addon.conditioning.frame import Conditioning
from handdiff_addon.request import SIDES
from handdiff_addon.rig.keypoints import BODY_INDEX
from handdiff_addon.scene.files import new_scene, open_blend
from handdiff_addon.scene.passes import render_passes
from handdiff_addon.scene.rigs import match_armature
from handdiff_addon.scene.sample_human import create_sample_human
from tests.builders import add_camera, turn_bone

RED, GREEN, BLUE = range(3)


@pytest.fixture
def scene() -> bpy.types.Scene:
    scene = new_scene()
    create_sample_human(scene)
    scene.camera = add_camera((0, -4, 1.0), (0, 0, 0.95))
    return scene


def seen(scene: bpy.types.Scene) -> Conditioning:
    return render_passes(scene, size=(256, 256))


def around(frame: Conditioning, name: str) -> np.ndarray:
    """The median colour near a body keypoint."""
    x, y = frame.people[0].body[BODY_INDEX[name]].round().astype(int)
    patch = np.s_[y - 1 : y + 2, x - 1 : x + 2]
    return np.median(frame.body_map[patch][frame.person_mask[patch]].astype(float), axis=0)


def test_colours_run_from_hand_to_hand_and_from_foot_to_head(scene: bpy.types.Scene) -> None:
    frame = seen(scene)
    across = [around(frame, f"right_{joint}")[RED] for joint in ("wrist", "elbow", "shoulder")]
    across += [around(frame, f"left_{joint}")[RED] for joint in ("shoulder", "elbow", "wrist")]
    assert across == sorted(across) and across[0] < 50 and across[-1] > 205
    upward = [around(frame, f"left_{joint}")[GREEN] for joint in ("ankle", "knee", "hip", "shoulder", "ear")]
    assert upward == sorted(upward) and upward[0] < 30 and upward[-1] > 220
    hands = frame.body_map[frame.hand_mask("left")][:, RED]
    assert hands.min() > 200, "fingers lie beyond the wrist"
    assert not frame.body_map[~frame.person_mask].any()


def test_the_front_is_told_from_the_back(scene: bpy.types.Scene) -> None:
    front = around(seen(scene), "nose")
    scene.camera = add_camera((0, 4, 1.0), (0, 0, 0.95))
    back = around(seen(scene), "nose")
    assert front[BLUE] > 190 > 110 > back[BLUE]


def test_the_reach_runs_along_the_arms_and_nowhere_else(scene: bpy.types.Scene) -> None:
    frame = seen(scene)
    arms = frame.masks[0].arms
    assert arms is not None and not (arms & ~frame.person_mask).any() and not (arms & frame.hands_mask).any()
    reach = arm_reach(static_points(frame.metric_depth, frame.camera), frame.keypoints, [arms])
    np.testing.assert_array_equal(np.isfinite(reach), arms)
    for side in SIDES:
        shoulder, elbow, wrist = (
            frame.people[0].body[BODY_INDEX[f"{side}_{name}"]] for name in ("shoulder", "elbow", "wrist")
        )
        for place, expected in ((0.5 * (shoulder + elbow), 0.5), (elbow, 1.0), (0.5 * (elbow + wrist), 1.5)):
            x, y = place.round().astype(int)
            assert abs(reach[y, x] - expected) < 0.2, (side, expected)


def test_a_place_keeps_its_colour_when_the_pose_changes(scene: bpy.types.Scene) -> None:
    armature = next(thing for thing in scene.objects if thing.type == "ARMATURE")
    before = seen(scene)
    bones = match_armature(armature).bones
    turn_bone(armature, bones["left_upper_arm"], "X", 50)
    turn_bone(armature, bones["right_thigh"], "X", 30)
    after = seen(scene)
    moved = np.linalg.norm(before.people[0].body - after.people[0].body, axis=1)
    assert moved[BODY_INDEX["left_wrist"]] > 10
    for name in ("left_elbow", "right_knee", "right_elbow", "neck", "nose"):
        np.testing.assert_allclose(around(before, name), around(after, name), atol=16, err_msg=name)


def test_rigs_from_elsewhere_are_coloured_alike(scene: bpy.types.Scene, humans: Path) -> None:
    own = seen(scene)
    for file in sorted(humans.glob("human_[bd]*.blend")):
        other = open_blend(file)
        other.camera = add_camera((0, -4, 1.0), (0, 0, 0.9))
        frame = seen(other)
        for name in ("left_elbow", "right_wrist", "left_knee", "nose"):
            np.testing.assert_allclose(around(own, name), around(frame, name), atol=25, err_msg=f"{file.name} {name}")
