# SPDX-License-Identifier: GPL-3.0-or-later
"""The motion of posed people and things between frames of a scene, held against vertices projected by hand."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
import pytest

from handdiff_addon.conditioning.flow import Flow
from handdiff_addon.scene.cameras import read_camera, takes
from handdiff_addon.scene.motion import Motion
from handdiff_addon.scene.passes import depsgraph_of
from handdiff_addon.scene.rigs import find_humanoids
from handdiff_addon.scene.sequence import render_sequence
from handdiff_addon.scene.surfaces import read_surfaces
from tests.builders import add_box, add_camera, add_human

SIZE = 160


@pytest.fixture
def scene(empty_scene: Any) -> Any:
    """A person who walks and turns before a wall, from frame 1 to 3; at frame 4 nobody is there."""
    rig = add_human()
    add_box((0, 2, 1.2), (4, 0.1, 4), name="Wall")
    add_camera(size=(SIZE, SIZE))
    for frame, x, turn in ((1, -0.2, 0.0), (2, 0.0, 0.2), (3, 0.15, 0.4), (4, 90.0, 0.4)):
        rig.location.x, rig.rotation_euler.z = x, turn
        rig.keyframe_insert("location", frame=frame)
        rig.keyframe_insert("rotation_euler", frame=frame)
    return empty_scene


def vertices(scene: Any, frame: int) -> tuple[np.ndarray, Any]:
    """The person's vertices and the camera, at a frame."""
    scene.frame_set(frame)
    depsgraph = depsgraph_of(scene)
    surfaces = read_surfaces(depsgraph, find_humanoids(scene))
    camera = read_camera(scene, depsgraph, scene.camera)
    return next(surface.vertices for surface in surfaces if surface.person >= 0), camera


def follow(scene: Any, sources: dict[int, list[int]], **options: Any) -> dict[int, dict[int, Flow]]:
    motion = Motion(sources, **options)
    return {seen.frame: seen.earlier for seen in render_sequence(scene, list(sources), motion=motion)}


def test_every_vertex_that_is_seen_comes_from_where_it_was(scene: Any) -> None:
    flow = follow(scene, {1: [], 2: [1], 3: [1, 2]}, outlines=True)[3][1]
    now, camera = vertices(scene, 3)
    then, before = vertices(scene, 1)
    (pixels, depth), (places, _) = camera.project(now), before.project(then)
    seen = next(iter(render_sequence(scene, [3])))
    column, row = pixels.astype(int).T
    near = np.abs(seen.metric_depth[row, column] - depth) < 0.01
    error = np.linalg.norm(flow.source[row[near], column[near]] - places[near], axis=1)
    assert near.sum() > 30 and np.median(error) < 1.0, "within the pixel in which the vertex lies"
    wall = ~seen.person_mask & flow.seen
    x, y = np.meshgrid(np.arange(SIZE) + 0.5, np.arange(SIZE) + 0.5)
    assert np.abs(flow.source - np.stack([x, y], axis=-1))[wall].max() < 1e-2, "the wall has not moved"


def test_frames_that_were_painted_earlier_are_looked_at_again_and_forgotten_after_use(scene: Any) -> None:
    whole = follow(scene, {1: [], 3: [1], 2: [1, 3]})[2]
    alone = follow(scene, {2: [1, 3]})[2]
    assert list(whole) == list(alone) == [1, 3]
    for source in whole:
        np.testing.assert_array_equal(whole[source].seen, alone[source].seen)
        np.testing.assert_array_equal(
            whole[source].source[whole[source].seen], alone[source].source[alone[source].seen]
        )
    motion = Motion({1: [], 2: [1], 3: [2]})
    kept = [len(motion._moments) for _ in render_sequence(scene, [1, 2, 3], motion=motion)]
    assert kept == [1, 1, 0]


def test_nobody_and_another_camera_are_no_source(scene: Any) -> None:
    flows = follow(scene, {4: [], 1: [4], 2: [1]})
    assert flows[1] == {} and list(flows[2]) == [1]
    second = add_camera((1, -4, 1.2), size=(SIZE, SIZE), name="Second")
    first = bpy.data.objects["Camera"]
    for camera, frame in ((first, 1), (second, 3)):
        scene.timeline_markers.new(camera.name, frame=frame).camera = camera
    assert takes(scene, range(1, 5)) == [[1, 2], [3, 4]] and takes(scene, range(1, 5), "Camera") == [[1, 2, 3, 4]]
    assert follow(scene, {2: [], 3: [2]})[3] == {}
