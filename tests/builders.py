# SPDX-License-Identifier: GPL-3.0-or-later
"""Small people, cameras and things for tests, made in the open Blender scene."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Container, Iterable, Mapping
from pathlib import Path

import bpy
import numpy as np
from mathutils import Vector

from handdiff_addon.rig.bones import PARENTS, Bone
from handdiff_addon.rig.families import FAMILIES
from handdiff_addon.rig.keypoints import FINGERS, PersonKeypoints
from handdiff_addon.rig.matching import RigMatch
from handdiff_addon.rig.pose import attach

_MIDDLE = {
    "hips": ((0, 0, 0.95), (0, 0, 1.05)),
    "spine": ((0, 0, 1.05), (0, 0, 1.2)),
    "chest": ((0, 0, 1.2), (0, 0, 1.42)),
    "neck": ((0, 0, 1.42), (0, -0.01, 1.5)),
    "head": ((0, -0.01, 1.5), (0, -0.01, 1.7)),
}
_LEFT = {
    "clavicle": ((0.03, 0, 1.4), (0.16, 0, 1.4)),
    "upper_arm": ((0.17, 0, 1.4), (0.44, 0, 1.4)),
    "forearm": ((0.44, 0, 1.4), (0.69, 0, 1.4)),
    "hand": ((0.69, 0, 1.4), (0.77, 0, 1.4)),
    "thigh": ((0.1, 0, 0.9), (0.1, -0.01, 0.5)),
    "shin": ((0.1, -0.01, 0.5), (0.1, 0.02, 0.09)),
    "foot": ((0.1, 0.02, 0.09), (0.1, -0.1, 0.02)),
    "toe": ((0.1, -0.1, 0.02), (0.1, -0.17, 0.02)),
}


def bone_table() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Heads and tails of a canonical human in T-pose, palms down, facing -Y; thumbs forward."""
    left = dict(_LEFT)
    for number, finger in enumerate(FINGERS):
        base, step = Vector((0.78, -0.035 + 0.02 * number, 1.4)), Vector((0.03, 0, 0))
        if finger == "thumb":
            base, step = Vector((0.71, -0.03, 1.39)), Vector((0.02, -0.02, 0))
        for k in range(3):
            left[f"{finger}_{k + 1}"] = (tuple(base + k * step), tuple(base + (k + 1) * step))
    table = {name: (np.array(head), np.array(tail)) for name, (head, tail) in _MIDDLE.items()}
    for name, (head, tail) in left.items():
        table[f"left_{name}"] = np.array(head), np.array(tail)
        table[f"right_{name}"] = np.array(head) * (-1, 1, 1), np.array(tail) * (-1, 1, 1)
    return table


def keypoints(match: RigMatch, pose: Mapping[str, Bone], rest: Mapping[str, Bone]) -> PersonKeypoints:
    """Of bones posed in world space."""
    attachment = attach(match, rest)
    return attachment.place(np.array([pose[bone].matrix for bone in attachment.bones]).reshape(-1, 4, 4), "Rig")


def nearest_parent(bone: str, present: Container[str]) -> str | None:
    """The nearest canonical bone above a canonical bone that is present."""
    parent = PARENTS[bone]
    while parent is not None and parent not in present:
        parent = PARENTS[parent]
    return parent


def add_armature(
    family: str = "mixamo", prefix: str = "", without: Iterable[str] = (), name: str = "Rig"
) -> bpy.types.Object:
    """The canonical human with a family's bone names."""
    names = FAMILIES[family].bones
    table = {bone: ends for bone, ends in bone_table().items() if bone not in set(without) and bone in names}
    spelt = {bone: prefix + names[bone][0] for bone in table}
    parents = {bone: nearest_parent(bone, table) for bone in table}
    return add_bones(
        {spelt[bone]: (*ends, spelt[parent] if (parent := parents[bone]) else None) for bone, ends in table.items()},
        name,
    )


def add_bones(bones: Mapping[str, tuple[np.ndarray, np.ndarray, str | None]], name: str = "Rig") -> bpy.types.Object:
    """An armature of bones with those heads, tails and parents."""
    armature = bpy.data.objects.new(name, bpy.data.armatures.new(name))
    bpy.context.scene.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    edits = armature.data.edit_bones
    for bone, (head, tail, _) in bones.items():
        edit = edits.new(bone)
        edit.head, edit.tail = head, tail
    for bone, (_, _, parent) in bones.items():
        edits[bone].parent = edits[parent] if parent else None
    bpy.ops.object.mode_set(mode="OBJECT")
    return armature


def skin(armature: bpy.types.Object, bones: Mapping[str, float], name: str = "Skin") -> bpy.types.Object:
    """One mesh of boxes around bones, each bound to its bone; ``bones`` gives their half widths in metres."""
    vertices: list[Vector] = []
    faces: list[list[int]] = []
    groups = {}
    for bone_name, half in bones.items():
        bone = armature.data.bones[bone_name]
        base = len(vertices)
        for y in (0.0, bone.length):
            for x, z in ((-half, -half), (half, -half), (half, half), (-half, half)):
                vertices.append(bone.matrix_local @ Vector((x, y, z)))
        faces += [
            [base + i for i in face]
            for face in ((0, 1, 2, 3), (7, 6, 5, 4), (0, 4, 5, 1), (1, 5, 6, 2), (2, 6, 7, 3), (3, 7, 4, 0))
        ]
        groups[bone_name] = range(base, base + 8)
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(vertices, [], faces)
    thing = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(thing)
    for bone_name, indices in groups.items():
        thing.vertex_groups.new(name=bone_name).add(list(indices), 1.0, "REPLACE")
    thing.parent = armature
    thing.modifiers.new("Armature", "ARMATURE").object = armature
    return thing


def half_width(bone: str) -> float:
    """How thick a box :func:`skin` puts around a canonical bone."""
    part = bone.removeprefix("left_").removeprefix("right_")
    if part.split("_")[0] in FINGERS:
        return 0.007
    return {"hand": 0.03, "forearm": 0.035, "head": 0.08, "foot": 0.04, "toe": 0.04}.get(part, 0.05)


def add_human(family: str = "mixamo", prefix: str = "", name: str = "Rig") -> bpy.types.Object:
    """The canonical human with a skin of boxes."""
    armature = add_armature(family, prefix, name=name)
    names = {prefix + spelt[0]: bone for bone, spelt in FAMILIES[family].bones.items()}
    skin(armature, {bone.name: half_width(names[bone.name]) for bone in armature.data.bones}, name=f"{name} skin")
    return armature


def add_camera(
    location: tuple[float, float, float] = (0, -4, 1.2),
    target: tuple[float, float, float] = (0, 0, 1.2),
    size: tuple[int, int] = (256, 256),
    name: str = "Camera",
) -> bpy.types.Object:
    """A camera that looks at a point; the scene's camera and render size."""
    scene = bpy.context.scene
    camera = bpy.data.objects.new(name, bpy.data.cameras.new(name))
    scene.collection.objects.link(camera)
    camera.location = location
    camera.rotation_euler = (Vector(target) - Vector(location)).to_track_quat("-Z", "Y").to_euler()
    scene.camera = camera
    scene.render.resolution_x, scene.render.resolution_y = size
    scene.render.resolution_percentage = 100
    return camera


def add_box(
    location: tuple[float, float, float], half: tuple[float, float, float], name: str = "Box"
) -> bpy.types.Object:
    """An axis-aligned box."""
    corners = [(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]
    faces = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([tuple(c * h for c, h in zip(corner, half, strict=True)) for corner in corners], [], faces)
    box = bpy.data.objects.new(name, mesh)
    box.location = location
    bpy.context.scene.collection.objects.link(box)
    return box


def turn_bone(armature: bpy.types.Object, bone: str, axis: str, degrees: float) -> None:
    """Turn a posed bone about its head, around an axis of the armature."""
    from mathutils import Matrix

    bpy.context.view_layer.update()
    posed = armature.pose.bones[bone]
    head = posed.matrix.translation.copy()
    turn = Matrix.Rotation(math.radians(degrees), 4, axis)
    posed.matrix = Matrix.Translation(head) @ turn @ Matrix.Translation(-head) @ posed.matrix
    bpy.context.view_layer.update()


_RIGIFY = """
import os, sys, traceback
path, what = sys.argv[1:]
try:
    import bpy
    import addon_utils
    bpy.ops.wm.read_factory_settings(use_empty=True)
    addon_utils.enable("rigify", default_set=True)
    bpy.ops.object.armature_human_metarig_add()
    if what == "generate":
        bpy.ops.pose.rigify_generate()
    bpy.ops.object.mode_set(mode="OBJECT")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    code = 0
except BaseException:
    traceback.print_exc()
    code = 1
sys.stdout.flush()
os._exit(code)
"""


def write_rigify(path: Path, *, generate: bool) -> None:
    """Save Blender's Rigify human as .blend: the metarig, and with it, where asked, the rig generated from it.

    In a process of its own with a hard exit, because Rigify can keep an interpreter from ending.
    """
    fresh_blender(_RIGIFY, path, "generate" if generate else "metarig")


def fresh_blender(code: str, *arguments: object) -> None:
    """Run code in a Blender of its own: where the tests run inside Blender itself, in that one started again."""
    code = f"import sys\nsys.argv = {['-c', *map(str, arguments)]!r}\n{code}"
    binary = bpy.app.binary_path
    command = [binary, "-b", "--factory-startup", "--python-expr"] if binary else [sys.executable, "-c"]
    done = subprocess.run([*command, code], timeout=300, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
