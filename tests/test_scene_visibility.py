# SPDX-License-Identifier: GPL-3.0-or-later
"""Which points the camera sees, in scenes whose answer is plain."""

from __future__ import annotations

import json

import bpy
import numpy as np
import pytest
from mathutils import Matrix, Vector

from handdiff_addon.conditioning.frame import Conditioning
from handdiff_addon.conditioning.openpose import from_openpose, to_openpose
from handdiff_addon.rig.keypoints import BODY_INDEX, HAND
from handdiff_addon.scene.passes import people_seen, render_passes
from tests.builders import add_box, add_camera, add_human, turn_bone


def body(passes: Conditioning, joint: str, person: int = 0) -> str:
    return passes.people[person].body_visibility[BODY_INDEX[joint]]


def hand(passes: Conditioning, side: str, point: str = "", person: int = 0) -> set[str]:
    words = passes.people[person].hand_visibility[side]  # type: ignore[index]
    return {word for name, word in zip(HAND, words, strict=True) if name.startswith(point)}


def bind(thing: bpy.types.Object, armature: bpy.types.Object, bone: str) -> None:
    thing.vertex_groups.new(name=bone).add(list(range(len(thing.data.vertices))), 1.0, "REPLACE")
    thing.modifiers.new("Armature", "ARMATURE").object = armature
    bpy.context.view_layer.update()


def test_a_saved_camera_sees_the_people_of_its_picture_alone(empty_scene: bpy.types.Scene) -> None:
    rig, other = add_human(), add_human(name="Other")
    other.location.y = 1.0
    camera = add_camera(size=(96, 128))
    camera.data.type, camera.data.ortho_scale = "ORTHO", 3.0
    passes = render_passes(empty_scene, max_people=1)
    assert passes.people[0].name == "Rig"
    saved = from_openpose(json.loads(json.dumps(to_openpose(passes.people, passes.camera, 1)))).camera
    camera.location.x, empty_scene.render.resolution_x = 5.0, 640
    assert np.array_equal(people_seen(empty_scene, saved, armatures=["Rig"]), passes.person_mask)
    rig.hide_render = True
    assert not people_seen(empty_scene, saved, armatures=["Rig", "Gone"]).any()


def test_a_hand_behind_a_box(empty_scene: bpy.types.Scene) -> None:
    add_human()
    add_camera(size=(512, 512))
    free = render_passes(empty_scene)
    assert "visible" in hand(free, "left") and body(free, "left_wrist") == "visible"
    add_box((0.74, -0.3, 1.4), (0.16, 0.05, 0.15))
    hidden = render_passes(empty_scene)
    assert hand(hidden, "left") == {"occluded"} and body(hidden, "left_wrist") == "occluded"
    assert hidden.people[0].hand_visibility["right"] == free.people[0].hand_visibility["right"]


def test_a_hand_half_behind_a_box(empty_scene: bpy.types.Scene) -> None:
    add_human()
    add_box((0.9, -0.3, 1.4), (0.1, 0.05, 0.15))  # from x = 0.8 on: before the fingers, not before wrist and knuckles
    add_camera((0.75, -4, 1.4), (0.75, 0, 1.4), (512, 512))
    passes = render_passes(empty_scene)
    assert hand(passes, "left", "index_1") == {"visible"} and hand(passes, "left", "index_3") == {"occluded"}
    assert hand(passes, "left", "index_tip") == {"occluded"} and body(passes, "left_wrist") == "visible"
    columns = np.nonzero(passes.masks[0].hands["left"].any(axis=0))[0]
    edge = passes.camera.project(np.array([0.8, -0.35, 1.4]))[0][0]
    assert edge - 4 < columns.max() < edge


def aim(armature: bpy.types.Object, bone: str, direction: tuple[float, float, float]) -> None:
    posed = armature.pose.bones[bone]
    turn = (posed.tail - posed.head).rotation_difference(Vector(direction)).to_matrix().to_4x4()
    head = Matrix.Translation(posed.head)
    posed.matrix = head @ turn @ head.inverted() @ posed.matrix
    bpy.context.view_layer.update()


def test_crossed_arms(empty_scene: bpy.types.Scene) -> None:
    """Both forearms lie across the chest; the left one, 10 cm before the right hand, hides it."""
    armature = add_human()
    for side, sign, forward in (("Left", 1, 0.9), ("Right", -1, 0.35)):
        aim(armature, f"{side}Arm", (sign * 0.3, -forward, -0.8))
        aim(armature, f"{side}ForeArm", (-sign, 0, 0))
        aim(armature, f"{side}Hand", (-sign, 0, 0))
    add_camera((0.1, -4, 3.5), (0.1, -0.15, 1.2), (512, 512))
    passes = render_passes(empty_scene)
    assert hand(passes, "right", "middle") == hand(passes, "right", "index") == {"occluded"}
    assert hand(passes, "left", "middle") == {"visible"}
    assert [body(passes, joint) for joint in ("left_elbow", "left_wrist", "right_elbow")] == ["visible"] * 3
    add_camera((0.1, -4, 0.5), (0.1, -0.15, 1.2), (512, 512))  # from below, past the left forearm
    assert hand(render_passes(empty_scene), "right", "middle") == {"visible"}


def test_a_finger_behind_a_finger(empty_scene: bpy.types.Scene) -> None:
    """Palms down and seen along the row of fingers, the index hides the joints of the little finger."""
    armature = add_human()
    camera = add_camera((0.83, -3, 1.4), (0.83, 0, 1.4), (512, 512))
    camera.data.lens = 200
    from_the_side = render_passes(empty_scene)
    assert hand(from_the_side, "left", "index") == {"visible"}
    assert hand(from_the_side, "left", "ring_2") == hand(from_the_side, "left", "little_2") == {"occluded"}
    above = add_camera((0.8, 0, 4), (0.8, 0, 1.4), (512, 512))
    above.data.lens = 150
    assert hand(render_passes(empty_scene), "left") == {"visible"}
    turn_bone(armature, "LeftHandIndex1", "Y", -80)
    assert hand(render_passes(empty_scene), "left", "little") == {"visible"}


def test_a_glove_is_the_hand_and_a_sleeve_is_not(empty_scene: bpy.types.Scene) -> None:
    armature = add_human()
    add_camera((0.7, 0, 4), (0.7, 0, 1.4), (512, 512))
    bare = render_passes(empty_scene)
    bind(add_box((0.79, 0.0, 1.4), (0.11, 0.06, 0.02), "Glove"), armature, "LeftHand")
    gloved = render_passes(empty_scene)
    assert gloved.masks[0].hands["left"].sum() > 1.2 * bare.masks[0].hands["left"].sum()
    assert hand(gloved, "left") == {"visible"} and "left" in gloved.usable_hands()
    bpy.data.objects.remove(bpy.data.objects["Glove"])
    bind(add_box((0.6, 0.0, 1.4), (0.2, 0.06, 0.05), "Sleeve"), armature, "LeftForeArm")
    sleeved = render_passes(empty_scene)
    # The sleeve ends at x = 0.8, before the fingers: what is under it is hidden and no hand.
    assert hand(sleeved, "left", "index_3") == {"visible"} and hand(sleeved, "left", "index_1") == {"occluded"}
    assert 0 < sleeved.masks[0].hands["left"].sum() < 0.8 * bare.masks[0].hands["left"].sum()
    assert (sleeved.masks[0].hands["left"] <= bare.masks[0].hands["left"]).all()
    assert body(sleeved, "left_elbow") == "visible"


def test_a_held_thing_hides_and_is_no_person(empty_scene: bpy.types.Scene) -> None:
    armature = add_human()
    add_camera((0, -4, 1.2), size=(512, 512))
    free = render_passes(empty_scene)
    shield = add_box((0.8, -0.12, 1.3), (0.15, 0.01, 0.4), "Shield")
    bind(shield, armature, "LeftHand")
    passes = render_passes(empty_scene)
    assert hand(passes, "left") == {"occluded"} and not passes.masks[0].hands["left"].any()
    assert not (passes.person_mask & ~free.person_mask).any()


def test_glass_hides_nothing(empty_scene: bpy.types.Scene) -> None:
    add_human()
    add_camera()
    free = render_passes(empty_scene)
    pane = add_box((0, -1, 1.2), (2, 0.01, 2), "Pane")
    pane.display_type = "WIRE"  # looks see-through in the viewport, renders solid
    with pytest.raises(Exception, match="Other objects hide"):
        render_passes(empty_scene)
    glass = bpy.data.materials.new("Glass")
    glass.use_nodes = True
    glass.node_tree.nodes["Principled BSDF"].inputs["Alpha"].default_value = 0.2
    pane.data.materials.append(glass)
    bpy.context.view_layer.update()
    seen = render_passes(empty_scene)
    assert (seen.person_mask == free.person_mask).all()
    assert seen.people[0].body_visibility == free.people[0].body_visibility


@pytest.mark.parametrize("scale", [0.01, 1.0, 300.0])
def test_dolls_and_giants_are_seen_like_people(empty_scene: bpy.types.Scene, scale: float) -> None:
    armature = add_human()
    turn_bone(armature, "LeftArm", "Y", 75)
    turn_bone(armature, "LeftForeArm", "X", -25)
    turn_bone(armature, "LeftForeArm", "Z", 150)  # behind the hips
    belly = add_box((0, 0, 1.05), (0.3, 0.1, 0.4), "Belly")
    belly.parent = armature
    camera = add_camera(tuple(scale * np.array((0.2, -4, 1.2))), (0, 0, 1.2 * scale))
    camera.data.clip_start, camera.data.clip_end = 0.001 * scale, 100 * scale
    bpy.context.view_layer.update()
    armature.scale = (scale,) * 3
    bpy.context.view_layer.update()
    passes = render_passes(empty_scene)
    assert hand(passes, "left") == {"occluded"} and "visible" in hand(passes, "right")
    assert [body(passes, joint) for joint in ("left_wrist", "right_wrist", "right_elbow", "neck", "left_knee")] == [
        "occluded", "visible", "visible", "visible", "visible"
    ]  # fmt: skip
    nearest = passes.metric_depth[passes.person_mask].min() / scale
    assert 3.5 < nearest < 4
    assert not passes.warnings or "hidden from the camera" in passes.warnings[0]


def test_face_points_lie_on_the_skin(empty_scene: bpy.types.Scene) -> None:
    """Points on the front of the head are seen from the front and hidden from behind."""
    from handdiff_addon.conditioning.visibility import see_person
    from handdiff_addon.scene.cameras import read_camera
    from handdiff_addon.scene.hand_parts import person_of
    from handdiff_addon.scene.passes import depsgraph_of
    from handdiff_addon.scene.rigs import match_seen
    from handdiff_addon.scene.seen import look
    from handdiff_addon.scene.surfaces import read_surfaces

    armature = add_human()
    words = {}
    for name, y in (("front", -2.0), ("back", 2.0)):
        camera_object = add_camera((0, y, 1.6), (0, 0, 1.6))
        bpy.context.view_layer.update()
        depsgraph = depsgraph_of(empty_scene)
        camera = read_camera(empty_scene, depsgraph, camera_object)
        match, points = match_seen(armature, depsgraph)
        points.face[:] = np.nan
        points.face[30] = (0.0, -0.085, 1.6)  # the head is a box of 8 cm around (0, -0.01, 1.6)
        person = person_of(armature, match, points)
        seen = look(read_surfaces(depsgraph, [armature]), [person], camera)
        pose = see_person(points, 0, camera, seen.raster, seen.part, seen.person)
        words[name] = pose.face_visibility[30]
        assert pose.face_visibility[29] == "absent" and np.isnan(pose.face[29]).all()
        assert (name == "back") == bool(pose.face_visibility[30] == "occluded")
    assert words == {"front": "visible", "back": "occluded"}
