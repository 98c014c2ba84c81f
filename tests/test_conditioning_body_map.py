# SPDX-License-Identifier: GPL-3.0-or-later
"""The body map gives a place of the body the same colour in every pose and on every rig."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest

from handdiff_addon.conditioning.body_map import body_map
from handdiff_addon.conditioning.flow import static_points
from handdiff_addon.conditioning.frame import Conditioning
from handdiff_addon.request import SIDES
from handdiff_addon.rig.keypoints import BODY_INDEX, PersonKeypoints
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


def test_a_folded_map_is_right_where_arms_cross(scene: bpy.types.Scene) -> None:
    """Between a left and a right forearm lies no trunk."""
    frame = seen(scene)
    (person,) = frame.keypoints
    crossed = PersonKeypoints(person.name, person.body.copy(), person.hands)
    for joint in ("elbow", "wrist"):
        crossed.body[BODY_INDEX[f"right_{joint}"]] = crossed.body[BODY_INDEX[f"left_{joint}"]]
    points, bodies = static_points(frame.metric_depth, frame.camera), [frame.masks[0].person]
    nobody = [dict.fromkeys(SIDES, np.zeros_like(frame.person_mask))]
    apart, plain, folded = (
        body_map(points, [own], bodies, nobody, fold)
        for own, fold in ((person, True), (crossed, False), (crossed, True))
    )
    x, y = frame.people[0].body[[BODY_INDEX["left_elbow"], BODY_INDEX["left_wrist"]]].mean(0).round().astype(int)
    assert abs(int(plain[y, x, RED]) - 128) < 10
    assert abs(int(folded[y, x, RED]) - int(apart[y, x, RED])) < 10 and folded[y, x, RED] > 195


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
