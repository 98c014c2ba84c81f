# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample human as an artist and the passes would use it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image, ImageDraw

from handdiff_addon.scene.sample_uv import triangle_pixels

FINGERS = ("Thumb", "Index", "Middle", "Ring", "Pinky")
SIDED = [
    "Shoulder", "Arm", "ForeArm", "Hand", "UpLeg", "Leg", "Foot", "ToeBase", "Eye",
    *(f"Hand{finger}{k}" for finger in FINGERS for k in (1, 2, 3)),
]  # fmt: skip
BONES = ["Hips", "Spine", "Spine1", "Spine2", "Neck", "Head", *(s + n for s in ("Left", "Right") for n in SIDED)]


@dataclass
class Snapshot:
    """The human as plain arrays, so that it outlives Blender's reset between tests."""

    vertices: np.ndarray
    quads: np.ndarray
    uv: np.ndarray
    materials: np.ndarray
    weights: dict[str, np.ndarray]

    @property
    def hands(self) -> dict[str, np.ndarray]:
        """Per side, which vertices follow the hand or its fingers."""
        return {
            side: sum((w for n, w in self.weights.items() if n.startswith(f"{side}Hand")), np.zeros(1)) > 0.5
            for side in ("Left", "Right")
        }


def mesh_of(rig: object):  # type: ignore[no-untyped-def]
    (human,) = [child for child in rig.children if child.type == "MESH"]  # type: ignore[attr-defined]
    return human


def positions(mesh: object) -> np.ndarray:
    flat = np.zeros(len(mesh.vertices) * 3, np.float32)  # type: ignore[attr-defined]
    mesh.vertices.foreach_get("co", flat)  # type: ignore[attr-defined]
    return flat.reshape(-1, 3)


def posed_positions(human: object) -> np.ndarray:
    import bpy

    bpy.context.view_layer.update()
    return positions(human.evaluated_get(bpy.context.evaluated_depsgraph_get()).data)  # type: ignore[attr-defined]


def snapshot(human: object) -> Snapshot:
    mesh = human.data  # type: ignore[attr-defined]
    quads, uv = np.zeros(len(mesh.loops), np.int32), np.zeros(len(mesh.loops) * 2, np.float32)
    materials = np.zeros(len(mesh.polygons), np.int32)
    mesh.loops.foreach_get("vertex_index", quads)
    mesh.uv_layers["UVMap"].uv.foreach_get("vector", uv)
    mesh.polygons.foreach_get("material_index", materials)
    names = [group.name for group in human.vertex_groups]  # type: ignore[attr-defined]
    weights = {name: np.zeros(len(mesh.vertices)) for name in names}
    for i, vertex in enumerate(mesh.vertices):
        for group in vertex.groups:
            weights[names[group.group]][i] = group.weight
    return Snapshot(positions(mesh), quads.reshape(-1, 4), uv.reshape(-1, 4, 2), materials, weights)


@pytest.fixture(scope="module")
def human() -> Snapshot:
    import bpy

    from handdiff_addon.scene.sample_human import create_sample_human

    bpy.ops.wm.read_factory_settings(use_empty=True)
    return snapshot(mesh_of(create_sample_human(bpy.context.scene)))


def test_skeleton_has_standard_names_and_is_symmetric(empty_scene) -> None:  # type: ignore[no-untyped-def]
    from handdiff_addon.scene import sample_skeleton

    skeleton = sample_skeleton.skeleton()
    assert sorted(skeleton) == sorted(BONES)
    for name, joint in skeleton.items():
        assert np.linalg.norm(joint.tail - joint.head) > 0.012
        if joint.parent:
            assert list(skeleton).index(joint.parent) < list(skeleton).index(name)
        if name.startswith("Left"):
            other = skeleton["Right" + name[4:]]
            np.testing.assert_allclose(joint.head * (-1, 1, 1), other.head, atol=1e-9)
            np.testing.assert_allclose(joint.tail * (-1, 1, 1), other.tail, atol=1e-9)


def test_mesh_is_a_clean_person(human: Snapshot) -> None:
    assert np.isfinite(human.vertices).all()
    low, high = human.vertices.min(axis=0), human.vertices.max(axis=0)
    assert 1.70 < high[2] - low[2] < 1.80 and abs(low[2]) < 0.01
    assert len(human.quads) * 2 < 45_000
    corners = human.vertices[human.quads]
    area = np.linalg.norm(np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1]), axis=1) / 2
    assert area.min() > 0.0
    # every vertex has its mirror image, to a tenth of a millimetre or so
    here = {tuple(row) for row in np.round(human.vertices * 1e4).astype(int).tolist()}
    near = {(-x + i, y + j, z + k) for x, y, z in here for i in (-1, 0, 1) for j in (-1, 0, 1) for k in (-1, 0, 1)}
    assert here <= near


def test_materials_are_those_of_the_shared_humans(empty_scene) -> None:  # type: ignore[no-untyped-def]
    from handdiff_addon.scene.sample_human import create_sample_human

    rig = create_sample_human(empty_scene)
    person = mesh_of(rig)
    assert (rig.name, person.name) == ("SampleRig", "SampleHuman")
    names = [material.name for material in person.data.materials]
    assert names[:6] == ["Skin", "Eyes", "Hair", "Top", "Bottom", "Shoes"]
    for material in person.data.materials:
        assert material.node_tree.nodes["Principled BSDF"].outputs["BSDF"].is_linked


def test_weights_add_up_and_stay_on_their_side(human: Snapshot) -> None:
    table = np.stack(list(human.weights.values()))
    assert set(human.weights) == set(BONES)
    np.testing.assert_allclose(table.sum(axis=0), 1.0, atol=1e-5)
    assert ((table > 0).sum(axis=0) <= 4).all()
    for name, weight in human.weights.items():
        if "Hand" in name:
            assert weight.max() > 0.9
            assert (human.vertices[weight > 0, 0] * (1 if name.startswith("Left") else -1) > 0.4).all()


def test_uv_map_has_no_overlaps_and_generous_hands(human: Snapshot) -> None:
    size = 2048
    assert human.uv.min() >= 0.0 and human.uv.max() <= 1.0
    triangles = human.uv.astype(float)[:, [[0, 1, 2], [0, 2, 3]]].reshape(-1, 3, 2) * size
    a, b = triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
    area = (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]) / 2
    assert area.min() > 0.0
    pixel, _ = triangle_pixels(triangles, size)
    assert len(pixel) == pytest.approx(area.sum(), rel=0.01)
    assert len(np.unique(pixel)) == len(pixel)
    assert area.sum() > 0.35 * size**2
    hands = {side: chosen[human.quads].all(axis=1) for side, chosen in human.hands.items()}
    for chosen in hands.values():
        assert area.reshape(-1, 2)[chosen].sum() > 0.03 * size**2


def test_same_human_every_time(human: Snapshot, empty_scene) -> None:  # type: ignore[no-untyped-def]
    import bpy

    from handdiff_addon.scene import sample_human

    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.object
    sample_human._model.cache_clear()
    again = snapshot(mesh_of(sample_human.create_sample_human(empty_scene)))
    assert not cube.select_get() and cube.name in empty_scene.objects
    np.testing.assert_array_equal(human.vertices, again.vertices)
    np.testing.assert_array_equal(human.quads, again.quads)
    np.testing.assert_array_equal(human.uv, again.uv)
    for name, weight in human.weights.items():
        np.testing.assert_array_equal(weight, again.weights[name])


def runs(row: np.ndarray) -> int:
    """How many separate stretches of True a row has."""
    return int(np.count_nonzero(np.diff(np.concatenate([[0], row.astype(int)])) == 1))


@pytest.fixture
def sample_scene(empty_scene):  # type: ignore[no-untyped-def]
    from handdiff_addon.scene.sample_human import create_sample_scene

    return create_sample_scene(empty_scene)


def test_raised_hand_shows_five_fingers_to_the_camera(human: Snapshot, sample_scene) -> None:  # type: ignore[no-untyped-def]
    import bpy
    from bpy_extras.object_utils import world_to_camera_view

    scene, rig = bpy.context.scene, sample_scene
    assert scene.camera.name == "Camera" and scene.world is not None
    assert sum(thing.type == "LIGHT" for thing in scene.objects) == 3
    posed = posed_positions(mesh_of(rig))
    size = 512

    def pixels(points: np.ndarray) -> np.ndarray:
        from mathutils import Vector

        seen = np.array([world_to_camera_view(scene, scene.camera, Vector(point)) for point in points])
        return np.stack([seen[:, 0] * size, (1 - seen[:, 1]) * size], axis=1)

    picture = pixels(posed)
    above_knee = human.vertices[:, 2] > 0.8
    assert (picture[above_knee, 0] > 0).all() and (picture[above_knee, 0] < size).all()
    assert (picture[:, 1] > 0).all()
    for chosen in human.hands.values():
        assert (picture[chosen] > 4).all() and (picture[chosen] < size - 4).all()
    # the raised hand is beside the face, not over it
    head = picture[human.weights["Head"] > 0.9]
    assert picture[human.hands["Right"], 0].max() < head[:, 0].min() - 8

    mask = Image.new("1", (size, size))
    draw = ImageDraw.Draw(mask)
    for quad in human.quads[human.hands["Right"][human.quads].all(axis=1)]:
        draw.polygon([tuple(corner) for corner in picture[quad]], fill=1)
    rows = np.array(mask)
    joint = {name: pixels(np.array([rig.pose.bones[name].head]))[0] for name in ("RightHandIndex2", "RightHandThumb3")}
    assert runs(rows[round(joint["RightHandIndex2"][1]) - 2]) == 4
    assert runs(rows[round(joint["RightHandThumb3"][1])]) == 2


def test_bending_moves_one_finger_and_keeps_its_thickness(human: Snapshot, empty_scene) -> None:  # type: ignore[no-untyped-def]
    from mathutils import Quaternion

    from handdiff_addon.scene.sample_human import create_sample_human

    rig = create_sample_human(empty_scene)
    person = mesh_of(rig)
    for bone, degrees in (("LeftHandIndex2", 85.0), ("LeftForeArm", 100.0)):
        pose = rig.pose.bones[bone]
        pose.rotation_mode = "QUATERNION"
        pose.rotation_quaternion = Quaternion((1.0, 0.0, 0.0), np.radians(degrees))
        bent = posed_positions(person)
        moved = np.linalg.norm(bent - human.vertices, axis=1)
        if bone == "LeftHandIndex2":
            others = human.weights["LeftHandMiddle2"] + human.weights["LeftHandMiddle3"] > 0.6
            assert moved[human.weights["LeftHandIndex3"] > 0.9].min() > 0.015
            assert moved[others].max() < 0.002
        edges = np.stack([human.quads, np.roll(human.quads, -1, axis=1)], axis=-1).reshape(-1, 2)
        joint = np.array(rig.data.bones[bone].head_local)
        near = np.linalg.norm(human.vertices[edges[:, 0]] - joint, axis=1) < (0.014 if "Index" in bone else 0.07)

        def length(points: np.ndarray, near: np.ndarray = near, edges: np.ndarray = edges) -> np.ndarray:
            return np.linalg.norm(points[edges[near, 0]] - points[edges[near, 1]], axis=1)

        ratio = length(bent) / length(human.vertices)
        assert near.sum() > 40 and 0.6 < np.median(ratio) < 1.5 and ratio.max() < 3.0
        # the skin stays around the joint: as thick to the side as before
        side = np.array(rig.data.bones[bone].matrix_local.to_3x3().col[0])
        chosen = np.unique(edges[near])
        assert np.ptp(bent[chosen] @ side) == pytest.approx(np.ptp(human.vertices[chosen] @ side), rel=0.25)
        pose.rotation_quaternion = Quaternion()
