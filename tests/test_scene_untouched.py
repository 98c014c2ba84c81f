# SPDX-License-Identifier: GPL-3.0-or-later
"""The passes leave the file, the scene and the editor as they were, also where they refuse."""

from __future__ import annotations

import ctypes
import re
from pathlib import Path
from typing import Any

import bpy
import pytest

from handdiff_addon.errors import SceneError
from handdiff_addon.scene.passes import render_passes
from tests.builders import add_box, add_camera, add_human, turn_bone


def state(scene: bpy.types.Scene) -> dict[str, Any]:
    """What of a file and its editor a user would notice changing."""
    found: dict[str, Any] = {name: getattr(scene, name) for name in ("frame_current", "frame_subframe", "camera")}
    for owner in (scene.render, scene.view_settings, scene.display_settings, scene.render.image_settings):
        for prop in owner.bl_rna.properties:
            if prop.type in {"BOOLEAN", "INT", "FLOAT", "STRING", "ENUM"} and not getattr(prop, "is_array", False):
                found[f"{owner.bl_rna.identifier}.{prop.identifier}"] = getattr(owner, prop.identifier)
    for name in ("objects", "meshes", "images", "materials", "node_groups", "collections", "scenes", "cameras"):
        found[name] = sorted(item.name for item in getattr(bpy.data, name))
    layer = bpy.context.view_layer
    found["selected"] = sorted(thing.name for thing in layer.objects if thing.select_get())
    found["active"] = layer.objects.active.name if layer.objects.active else None
    found["mode"] = bpy.context.mode
    found["modes"] = {thing.name: thing.mode for thing in bpy.data.objects}
    found["window scene"] = bpy.context.window.scene.name
    found["matrices"] = {thing.name: [list(row) for row in thing.matrix_world] for thing in scene.objects}
    found["poses"] = {
        bone.name: [list(row) for row in bone.matrix]
        for thing in scene.objects
        if thing.type == "ARMATURE"
        for bone in thing.pose.bones
    }
    found["bones selected"] = sorted(bone.name for bone in bpy.context.selected_pose_bones or [])
    return found


def undo_steps(capture: pytest.CaptureFixture[str]) -> list[str]:
    """The undo stack as Blender prints it, without addresses."""
    flush = ctypes.CDLL(None).fflush  # C's own buffer: a Blender that is no module keeps its lines in it
    flush(None)
    capture.readouterr()
    bpy.context.window_manager.print_undo_steps()
    flush(None)
    return [re.sub(r"0x[0-9a-f]+", "", line) for line in capture.readouterr().out.splitlines() if "type=" in line]


@pytest.fixture
def animator(empty_scene: bpy.types.Scene) -> bpy.types.Scene:
    """A scene in the midst of work: unkeyed pose, two cameras and a marker, something selected, steps to undo."""
    armature = add_human()
    add_camera(name="Late")
    camera = add_camera()
    empty_scene.timeline_markers.new("Cut", frame=5).camera = bpy.data.objects["Late"]
    empty_scene.camera = camera
    empty_scene.frame_set(3)
    empty_scene.camera = camera  # the user's choice against the marker
    bpy.context.view_layer.objects.active = armature
    armature.select_set(True)
    bpy.ops.ed.undo_push(message="Begin")
    bpy.ops.object.mode_set(mode="POSE")
    turn_bone(armature, "LeftArm", "Y", -30)
    bpy.ops.ed.undo_push(message="Pose")
    return empty_scene


@pytest.mark.parametrize("frame", [None, 7])
def test_pose_mode(animator: bpy.types.Scene, frame: int | None, capfd: pytest.CaptureFixture[str]) -> None:
    before, steps = state(animator), undo_steps(capfd)
    passes = render_passes(animator, frame=frame, with_normals=True)
    assert state(animator) == before
    assert undo_steps(capfd) == steps
    assert len(steps) >= 2 and "Pose" in steps[-1]
    assert passes.frame == (frame or 3) and passes.camera.name == "Late"


@pytest.mark.parametrize("frame", [None, 7])
def test_a_refusal(animator: bpy.types.Scene, frame: int | None, capfd: pytest.CaptureFixture[str]) -> None:
    bpy.data.objects["Late"].location.y = 9
    bpy.context.view_layer.update()
    before, steps = state(animator), undo_steps(capfd)
    with pytest.raises(SceneError, match="behind the camera"):
        render_passes(animator, frame=frame)
    assert state(animator) == before and undo_steps(capfd) == steps


def test_undo_still_goes_back_one_step(animator: bpy.types.Scene) -> None:
    bpy.ops.object.mode_set(mode="OBJECT")
    bpy.ops.ed.undo_push(message="Object mode")
    bpy.data.objects["Rig"].location.x = 2
    bpy.ops.ed.undo_push(message="Move")
    bpy.context.view_layer.update()
    render_passes(animator, frame=9)
    bpy.ops.ed.undo()
    assert bpy.data.objects["Rig"].location.x == 0
    bpy.ops.ed.redo()
    assert bpy.data.objects["Rig"].location.x == 2


def test_editing_something_else(animator: bpy.types.Scene) -> None:
    bpy.ops.object.mode_set(mode="OBJECT")
    bpy.context.view_layer.objects.active = add_box((0, 3, 1), (1, 0.1, 1), "Wall")
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_all(action="SELECT")
    before = state(animator)
    render_passes(animator, frame=7)
    render_passes(animator)
    assert state(animator) == before and before["mode"] == "EDIT_MESH"
    assert bpy.data.objects["Wall"].data.total_vert_sel == 8


def test_another_scene_in_the_window(animator: bpy.types.Scene) -> None:
    bpy.ops.object.mode_set(mode="OBJECT")
    other = bpy.data.scenes.new("Other")
    other.collection.objects.link(bpy.data.objects["Rig"])
    bpy.context.window.scene = other
    bpy.context.view_layer.update()
    before, own = state(animator), state(other)
    assert render_passes(animator, frame=7).person_mask.any()
    assert state(animator) == before and state(other) == own


def test_local_view(animator: bpy.types.Scene) -> None:
    bpy.ops.object.mode_set(mode="OBJECT")
    bpy.ops.object.select_all(action="DESELECT")
    wall = add_box((0.9, -1, 1.2), (0.5, 0.05, 1), "Wall")
    wall.select_set(True)
    area = next(area for area in bpy.context.window.screen.areas if area.type == "VIEW_3D")
    region = next(region for region in area.regions if region.type == "WINDOW")
    free = render_passes(animator)
    with bpy.context.temp_override(area=area, region=region):
        bpy.ops.view3d.localview()
    before = state(animator)
    passes = render_passes(animator)
    assert area.spaces.active.local_view is not None and state(animator) == before
    # What is out of the local view still renders.
    assert (passes.person_mask == free.person_mask).all()


def test_a_library_override(empty_scene: bpy.types.Scene, tmp_path: Path) -> None:
    armature = add_human()
    collection = bpy.data.collections.new("Character")
    empty_scene.collection.children.link(collection)
    for name in ("Rig", "Rig skin"):
        collection.objects.link(bpy.data.objects[name])
        empty_scene.collection.objects.unlink(bpy.data.objects[name])
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "library.blend"))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    with bpy.data.libraries.load(str(tmp_path / "library.blend"), link=True) as (_, wanted):
        wanted.collections = ["Character"]
    linked = wanted.collections[0]
    scene.collection.children.link(linked)
    add_camera()
    bpy.context.view_layer.update()
    straight = render_passes(scene)
    assert straight.masks[0].hands["left"].any() and straight.usable_hands() == ["left", "right"]

    linked.override_hierarchy_create(scene, bpy.context.view_layer)
    (armature,) = [thing for thing in scene.objects if thing.type == "ARMATURE" and thing.override_library]
    for thing in list(scene.objects):
        if thing.library is not None and thing.type in {"ARMATURE", "MESH"}:
            thing.hide_render = True
    scene.collection.children.unlink(linked)
    turn_bone(armature, "LeftArm", "Y", -60)
    before = state(scene)
    raised = render_passes(scene)
    assert state(scene) == before
    assert raised.people[0].body[7, 1] < straight.people[0].body[7, 1] - 10
    assert not (raised.masks[0].hands["left"] & straight.masks[0].hands["left"]).any()
