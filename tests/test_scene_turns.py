# SPDX-License-Identifier: GPL-3.0-or-later
"""Passes made in turns: what runs between two turns needs no Blender, and the scene may change meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import bpy
import numpy as np
import pytest
from mathutils import Vector

from handdiff_addon.conditioning.frame import Conditioning
from handdiff_addon.errors import SceneError
from handdiff_addon.scene.passes import at_once, pass_steps, render_passes
from handdiff_addon.scene.sample_human import create_sample_scene
from handdiff_addon.scene.sequence import frame_steps


@pytest.fixture
def scene(empty_scene: Any) -> Any:
    create_sample_scene(empty_scene)
    empty_scene.render.resolution_x = empty_scene.render.resolution_y = 96
    return empty_scene


def run(steps: Any, between: Callable[[], None] = lambda: None) -> Conditioning:
    """Work the turns off as the window does, with something happening after the first."""
    result = None
    while True:
        try:
            work = steps.send(result)
        except StopIteration as end:
            return end.value
        between()
        with ThreadPoolExecutor(1) as pool:
            result = pool.submit(work).result()


def rig(scene: Any) -> Any:
    return next(item for item in scene.objects if item.type == "ARMATURE")


def same(one: Conditioning, other: Conditioning) -> bool:
    masks = all(np.array_equal(one.hand_mask(side), other.hand_mask(side)) for side in ("left", "right"))
    return masks and np.array_equal(one.skeleton, other.skeleton) and one.warnings == other.warnings


def test_turns_and_another_thread_change_nothing(scene: Any) -> None:
    at_once, in_turns = render_passes(scene, with_normals=True), run(pass_steps(scene, with_normals=True))
    assert same(at_once, in_turns) and in_turns.hands_mask.any()
    assert np.array_equal(at_once.normals, in_turns.normals)


def test_the_pose_is_that_of_the_first_turn(scene: Any) -> None:
    before = render_passes(scene)

    def pose_on() -> None:
        rig(scene).location += Vector((0.1, 0, 0))
        bpy.context.view_layer.update()

    assert same(before, run(pass_steps(scene), pose_on))
    assert not same(before, render_passes(scene))


@pytest.mark.parametrize("change", ["deleted", "cut", "closed"])
def test_what_goes_between_two_turns_is_one_sentence(scene: Any, change: str) -> None:
    meshes = [item for item in scene.objects if item.type == "MESH"]

    def happen() -> None:
        if change == "closed":
            bpy.ops.wm.read_factory_settings(use_empty=True)
            return
        for mesh in meshes:
            if change == "deleted":
                bpy.data.objects.remove(mesh)
            else:
                mesh.modifiers.new("Cut", "DECIMATE").ratio = 0.5
        bpy.context.view_layer.update()

    with pytest.raises(SceneError, match="scene changed"):
        run(pass_steps(scene), happen)


def test_the_armature_alone_may_go(scene: Any) -> None:
    before = render_passes(scene)

    def delete() -> None:
        if any(item.type == "ARMATURE" for item in scene.objects):
            bpy.data.objects.remove(rig(scene))

    assert same(before, run(pass_steps(scene), delete))


def keyed(scene: Any) -> None:
    for frame, x in ((1, 0.0), (9, 0.3)):
        rig(scene).location.x = x
        rig(scene).keyframe_insert("location", frame=frame)
    scene.frame_set(1)


def test_another_frame_is_read_in_turns_while_the_scene_stands_at_its_own(scene: Any) -> None:
    keyed(scene)
    there, stands = render_passes(scene, frame=9), []
    assert not same(there, render_passes(scene))
    in_turns = run(pass_steps(scene, frame=9), lambda: stands.append(scene.frame_current))
    assert same(there, in_turns) and in_turns.frame == 9
    assert set(stands) == {1} and scene.frame_current == 1


def test_a_frame_whose_meshes_change_is_begun_again(scene: Any) -> None:
    keyed(scene)
    cut = []

    def change() -> None:
        if not cut:
            body = next(item for item in scene.objects if item.type == "MESH")
            cut.append(body.modifiers.new("Cut", "DECIMATE"))
            cut[0].ratio = 0.9
            bpy.context.view_layer.update()

    seen = run(frame_steps(scene, 9), change)
    assert seen.frame == 9 and seen.people and same(seen, render_passes(scene, frame=9))


def test_meshes_that_are_whole_at_their_own_frame_alone_are_found_there(scene: Any) -> None:
    """A modifier that is keyed changes the vertices with the frame."""
    keyed(scene)
    body = next(item for item in scene.objects if item.type == "MESH")
    cut = body.modifiers.new("Cut", "DECIMATE")
    for frame, ratio in ((1, 0.5), (9, 0.9)):
        cut.ratio = ratio
        cut.keyframe_insert("ratio", frame=frame)
    scene.frame_set(1)
    assert same(run(pass_steps(scene, frame=9)), render_passes(scene, frame=9))


def test_a_frame_without_a_person_is_empty_and_says_why(scene: Any) -> None:
    keyed(scene)
    rig(scene).location.x = 90.0
    rig(scene).keyframe_insert("location", frame=5)
    scene.frame_set(1)
    seen = at_once(frame_steps(scene, 5))
    assert not seen.people and seen.frame == 5 and "out of the frame" in seen.warnings[0]
