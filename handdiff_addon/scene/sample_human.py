# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample human: a rigged, clothed person made by code, and a posed scene around it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import bpy
import numpy as np
from mathutils import Matrix, Quaternion, Vector

from . import sample_body, sample_hand, sample_skeleton
from .compat import use_nodes
from .sample_uv import Region, chart_uvs

MATERIALS: dict[str, tuple[tuple[float, float, float], float]] = {
    "Skin": ((0.56, 0.30, 0.20), 0.5),
    "Eyes": ((0.80, 0.80, 0.80), 0.1),
    "Hair": ((0.045, 0.024, 0.014), 0.6),
    "Top": ((0.06, 0.20, 0.42), 0.8),
    "Bottom": ((0.05, 0.055, 0.07), 0.85),
    "Shoes": ((0.050, 0.028, 0.018), 0.6),
    "Iris": ((0.035, 0.018, 0.010), 0.1),
}
"""Linear base colour and roughness by material name"""


def create_sample_human(scene: bpy.types.Scene) -> bpy.types.Object:
    """Add the sample human to ``scene`` (the context's scene) in its rest pose at the world's origin.

    The armature object is named "SampleRig", its one skinned mesh "SampleHuman" (Blender numbers them where the names
    are taken).  1.75 m tall, facing -y, arms 45 degrees down; bones have Mixamo's names without a prefix.  Needs object
    mode; the armature becomes the active and only selected object.

    Returns:
        the armature object.
    """
    skeleton = sample_skeleton.skeleton()
    rig = _armature(scene, skeleton)
    human = bpy.data.objects.new("SampleHuman", _mesh())
    scene.collection.objects.link(human)
    _skin(human, list(skeleton))
    human.parent = rig
    modifier = human.modifiers.new("Armature", "ARMATURE")
    modifier.object = rig
    return rig


def create_sample_scene(scene: bpy.types.Scene) -> bpy.types.Object:
    """Add the sample human, posed with the right hand raised, and a camera, lights, world and backdrop to ``scene``.

    The camera, named "Camera", frames the person from mid-thigh up and becomes the scene's camera; the render size
    becomes 512 x 512.

    Returns:
        the armature object.
    """
    rig = create_sample_human(scene)
    pose_sample(rig)
    _camera(scene)
    _lights(scene)
    _world(scene)
    scene.render.resolution_x = scene.render.resolution_y = 512
    scene.render.resolution_percentage = 100
    return rig


# --- the rig --------------------------------------------------------------------------------------------------------


def _armature(scene: bpy.types.Scene, skeleton: dict[str, sample_skeleton.Joint]) -> bpy.types.Object:
    data = bpy.data.armatures.new("SampleRig")
    rig = bpy.data.objects.new("SampleRig", data)
    scene.collection.objects.link(rig)
    layer = scene.view_layers[0] if bpy.context.scene != scene else bpy.context.view_layer
    layer.update()  # or it still lists objects that were just deleted
    for other in layer.objects.selected:
        other.select_set(False, view_layer=layer)
    rig.select_set(True, view_layer=layer)
    layer.objects.active = rig
    with bpy.context.temp_override(scene=scene, view_layer=layer, active_object=rig, object=rig):
        bpy.ops.object.mode_set(mode="EDIT")
        for name, joint in skeleton.items():
            bone = data.edit_bones.new(name)
            bone.head, bone.tail = joint.head, joint.tail
            bone.align_roll(Vector(joint.z))
            if joint.parent:
                bone.parent = data.edit_bones[joint.parent]
                bone.use_connect = bool(np.allclose(bone.parent.tail, bone.head, atol=1e-5))
        bpy.ops.object.mode_set(mode="OBJECT")
    data.display_type = "STICK"
    rig.show_in_front = True
    return rig


@cache
def _model() -> tuple[list[sample_body.Part], np.ndarray, np.ndarray, np.ndarray]:
    """Parts; of all of them together vertices (N, 3), quads (M, 4), UVs (M, 4, 2).  Made once, not to be changed."""
    parts = sample_body.parts()
    starts = np.cumsum([0, *[len(part.vertices) for part in parts]])
    vertices = np.concatenate([part.vertices for part in parts])
    quads = np.concatenate([part.quads + start for part, start in zip(parts, starts, strict=False)])
    regions = _regions(sample_skeleton.skeleton())
    return parts, vertices, quads, chart_uvs(vertices, quads, _face_regions(parts, regions), regions)


def _mesh() -> bpy.types.Mesh:
    parts, vertices, quads, uvs = _model()
    mesh = bpy.data.meshes.new("SampleHuman")
    mesh.from_pydata(vertices.tolist(), [], quads.tolist())
    names = list(MATERIALS)
    for name in names:
        mesh.materials.append(_material(name))
    slots = np.concatenate([np.full(len(part.quads), names.index(part.material)) for part in parts])
    mesh.polygons.foreach_set("material_index", slots.astype(np.int32))
    mesh.polygons.foreach_set("use_smooth", np.ones(len(quads), dtype=bool))
    layer = mesh.uv_layers.new(name="UVMap")
    layer.uv.foreach_set("vector", uvs.reshape(-1).astype(np.float32))
    mesh.update()
    mesh.validate()
    return mesh


def _skin(human: bpy.types.Object, bones: Iterable[str]) -> None:
    groups = {bone: human.vertex_groups.new(name=bone) for bone in bones}
    start = 0
    for part in _model()[0]:
        table = np.stack(list(part.weights.values()))
        # four bones a vertex at most, as game engines want
        table[table < np.sort(table, axis=0)[-4 if len(table) >= 4 else 0]] = 0.0
        table[table < 0.004] = 0.0
        table /= table.sum(axis=0)
        for bone, weights in zip(part.weights, table, strict=True):
            for i in np.flatnonzero(weights):
                groups[bone].add((start + int(i),), float(weights[i]), "REPLACE")
        start += len(part.vertices)


def _regions(skeleton: dict[str, sample_skeleton.Joint]) -> list[Region]:
    up, front = np.array((0.0, 0.0, 1.0)), np.array((0.0, -1.0, 0.0))
    trunk = frozenset({"Hips", "Spine", "Spine1", "Spine2", "Neck", "LeftShoulder", "RightShoulder"})
    regions = [
        Region(trunk, np.array((0.0, 0.015, 0.0)), up, front, scale=0.9),
        Region(frozenset({"Head"}), np.array((0.0, 0.005, 0.0)), up, front, scale=1.7),
    ]
    for side in ("Left", "Right"):

        def direction(first: str, last: str, side: str = side) -> tuple[np.ndarray, np.ndarray]:
            head, tail = skeleton[side + first].head, skeleton[side + last].tail
            return head, (tail - head) / np.linalg.norm(tail - head)

        def bones(*names: str, side: str = side) -> frozenset[str]:
            return frozenset(side + name for name in names)

        regions.append(Region(bones("Arm", "ForeArm"), *direction("Arm", "ForeArm"), front, scale=0.9))
        regions.append(Region(bones("UpLeg", "Leg"), *direction("UpLeg", "Leg"), front, scale=0.75))
        regions.append(Region(bones("Foot", "ToeBase"), skeleton[f"{side}Foot"].head, up, front, cap=0.7))
        regions.append(Region(bones("Eye"), *direction("Eye", "Eye"), up))
        palm = skeleton[f"{side}Hand"].z
        across = skeleton[f"{side}HandIndex1"].head - skeleton[f"{side}HandPinky1"].head
        regions.append(Region(bones("Hand"), skeleton[f"{side}Hand"].head, palm, across, cap=0.0, scale=2.9))
        for finger in sample_hand.FINGERS:
            names = bones(*(f"Hand{finger}{k}" for k in (1, 2, 3)))
            start, axis = direction(f"Hand{finger}1", f"Hand{finger}3")
            regions.append(Region(names, start, axis, across, cap=0.85, scale=2.9))
    return regions


def _face_regions(parts: list[sample_body.Part], regions: list[Region]) -> np.ndarray:
    """Index of the region that each face belongs to: that of its strongest bone."""
    number = {bone: i for i, region in enumerate(regions) for bone in region.bones}
    result = []
    for part in parts:
        table = np.stack(list(part.weights.values()))[:, part.quads].sum(axis=2)
        strongest = np.array([number[bone] for bone in part.weights])[table.argmax(axis=0)]
        if part.name.endswith("Hand"):
            # the stub of forearm unwraps with the hand
            strongest[strongest == number[part.name[:-4] + "ForeArm"]] = number[part.name]
        result.append(strongest)
    return np.concatenate(result)


def _material(name: str) -> bpy.types.Material:
    colour, roughness = MATERIALS[name]
    material = bpy.data.materials.new(name)
    use_nodes(material)
    nodes = material.node_tree.nodes
    nodes.clear()
    shader, output = nodes.new("ShaderNodeBsdfPrincipled"), nodes.new("ShaderNodeOutputMaterial")
    output.location = (300, 0)
    shader.inputs["Base Color"].default_value = (*colour, 1.0)
    shader.inputs["Roughness"].default_value = roughness
    material.node_tree.links.new(shader.outputs["BSDF"], output.inputs["Surface"])
    material.diffuse_color = (*colour, 1.0)
    return material


# --- the pose -------------------------------------------------------------------------------------------------------


def pose_sample(rig: bpy.types.Object) -> None:
    """Raise the person's right hand, palm to the front, beside the face; let the left arm hang, a little bent."""
    aims = {
        # bone: (direction, direction of the bone's z axis), armature space
        "Head": ((0.0, -0.03, 1.0), (-0.06, -1.0, 0.0)),
        "RightShoulder": ((-0.97, 0.05, -0.05), (0.0, -1.0, 0.0)),
        "RightArm": ((-0.50, -0.14, -0.80), (-0.3, -1.0, 0.2)),
        "RightForeArm": ((-0.22, -0.20, 1.0), (0.75, -0.65, 0.0)),
        "RightHand": ((-0.08, -0.05, 1.0), (0.10, -1.0, -0.03)),
        "LeftArm": ((0.30, 0.05, -1.0), (0.1, -1.0, 0.0)),
        "LeftForeArm": ((0.16, -0.34, -1.0), (-0.1, -1.0, 0.3)),
        "LeftHand": ((0.04, -0.22, -1.0), (-0.8, -0.3, 0.0)),
    }
    curls = {"Left": (22.0, 26.0, 16.0), "Right": (2.0, 2.0, 1.0)}
    turns = {
        f"{side}Hand{finger}{k + 1}": Quaternion(
            (1.0, 0.0, 0.0), np.radians(degrees * (0.35 if finger == "Thumb" else 1.0))
        )
        for side, curl in curls.items()
        for finger in sample_hand.FINGERS
        for k, degrees in enumerate(curl)
    }
    posed: dict[str, Matrix] = {}
    for bone in rig.data.bones:
        parent = bone.parent
        rest = parent.matrix_local.inverted() @ bone.matrix_local if parent else bone.matrix_local
        base = posed[parent.name] @ rest if parent else rest
        turn = turns.get(bone.name, Quaternion())
        if bone.name in aims:
            turn = (base.inverted().to_3x3() @ _orientation(*aims[bone.name])).to_quaternion()
        pose = rig.pose.bones[bone.name]
        pose.rotation_mode = "QUATERNION"
        pose.rotation_quaternion = turn
        posed[bone.name] = base @ turn.to_matrix().to_4x4()


def _orientation(along: tuple[float, float, float], z: tuple[float, float, float]) -> Matrix:
    """Rotation whose y axis is ``along`` and whose z axis is as near to ``z`` as that allows."""
    y = Vector(along).normalized()
    x = y.cross(Vector(z)).normalized()
    return Matrix((x, y, x.cross(y))).transposed()


# --- camera, lights, world ------------------------------------------------------------------------------------------


def _look_at(place: tuple[float, float, float], target: tuple[float, float, float]) -> Matrix:
    turn = (Vector(target) - Vector(place)).to_track_quat("-Z", "Y").to_matrix().to_4x4()
    return Matrix.Translation(place) @ turn


def _camera(scene: bpy.types.Scene) -> None:
    data = bpy.data.cameras.new("Camera")
    data.lens = 70.0
    camera = bpy.data.objects.new("Camera", data)
    camera.matrix_world = _look_at((0.0, -2.45, 1.30), (0.0, 0.0, 1.235))
    scene.collection.objects.link(camera)
    scene.camera = camera


def _lights(scene: bpy.types.Scene) -> None:
    for name, place, energy, size in (
        ("Key", (-1.6, -2.2, 2.6), 90.0, 1.2),
        ("Fill", (2.2, -1.8, 1.6), 30.0, 2.0),
        ("Rim", (1.0, 1.1, 2.6), 60.0, 0.8),
    ):
        data = bpy.data.lights.new(name, "AREA")
        data.energy, data.size = energy, size
        light = bpy.data.objects.new(name, data)
        light.matrix_world = _look_at(place, (0.0, 0.0, 1.2))
        scene.collection.objects.link(light)


def _world(scene: bpy.types.Scene) -> None:
    world = bpy.data.worlds.new("World")
    use_nodes(world)
    nodes = world.node_tree.nodes
    nodes.clear()
    background, output = nodes.new("ShaderNodeBackground"), nodes.new("ShaderNodeOutputWorld")
    output.location = (300, 0)
    background.inputs["Color"].default_value = (0.36, 0.39, 0.42, 1.0)
    world.node_tree.links.new(background.outputs["Background"], output.inputs["Surface"])
    scene.world = world
