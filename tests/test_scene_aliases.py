# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that the VRM add-on and mmd_tools keep on an armature, with the add-on enabled and without it."""

from __future__ import annotations

from collections.abc import Iterator

import bpy
import pytest
from bpy.props import CollectionProperty, EnumProperty, PointerProperty, StringProperty

from handdiff_addon.rig.families import FAMILIES
from handdiff_addon.scene.rigs import find_humanoids, match_armature
from tests.builders import add_armature


class Node(bpy.types.PropertyGroup):
    bone_name: StringProperty()
    bone_uuid: StringProperty()


class HumanBone1(bpy.types.PropertyGroup):
    node: PointerProperty(type=Node)


class HumanBones1(bpy.types.PropertyGroup):
    left_upper_arm: PointerProperty(type=HumanBone1)


class Humanoid1(bpy.types.PropertyGroup):
    human_bones: PointerProperty(type=HumanBones1)


class Vrm1(bpy.types.PropertyGroup):
    humanoid: PointerProperty(type=Humanoid1)


class HumanBone0(bpy.types.PropertyGroup):
    bone: StringProperty()
    node: PointerProperty(type=Node)


class Humanoid0(bpy.types.PropertyGroup):
    human_bones: CollectionProperty(type=HumanBone0)


class Vrm0(bpy.types.PropertyGroup):
    humanoid: PointerProperty(type=Humanoid0)


class ArmatureExtension(bpy.types.PropertyGroup):
    spec_version: EnumProperty(items=[("0.0", "VRM 0.0", "", 0), ("1.0", "VRM 1.0", "", 1)])
    vrm0: PointerProperty(type=Vrm0)
    vrm1: PointerProperty(type=Vrm1)


class BoneExtension(bpy.types.PropertyGroup):
    uuid: StringProperty()


class MmdBone(bpy.types.PropertyGroup):
    name_j: StringProperty()


# VRM 1 has one field per bone, in snake case.
HUMAN_BONES = {
    "hips": "hips", "spine": "spine", "chest": "chest", "neck": "neck", "head": "head",
    **{
        f"{side}_{ours}": f"{side}_{theirs}"
        for side in ("left", "right")
        for ours, theirs in {
            "clavicle": "shoulder", "upper_arm": "upper_arm", "forearm": "lower_arm", "hand": "hand",
            "thigh": "upper_leg", "shin": "lower_leg", "foot": "foot", "toe": "toes",
            "thumb_1": "thumb_metacarpal", "thumb_2": "thumb_proximal", "thumb_3": "thumb_distal",
            **{
                f"{finger}_{number}": f"{finger}_{joint}"
                for finger in ("index", "middle", "ring", "little")
                for number, joint in enumerate(("proximal", "intermediate", "distal"), 1)
            },
        }.items()
    },
}  # fmt: skip
HumanBones1.__annotations__ = {name: PointerProperty(type=HumanBone1) for name in HUMAN_BONES.values()}

CLASSES = (
    Node, HumanBone1, HumanBones1, Humanoid1, Vrm1, HumanBone0, Humanoid0, Vrm0, ArmatureExtension, BoneExtension,
    MmdBone,
)  # fmt: skip
OWNERS = {
    "vrm_addon_extension": ((bpy.types.Armature, ArmatureExtension), (bpy.types.Bone, BoneExtension)),
    "mmd_bone": ((bpy.types.PoseBone, MmdBone),),
}


def disable() -> None:
    """What an add-on does to Blender's types when it is disabled; the stored properties stay."""
    for name, owners in OWNERS.items():
        for owner, _ in owners:
            if hasattr(owner, name):
                delattr(owner, name)


@pytest.fixture
def add_ons(empty_scene: bpy.types.Scene) -> Iterator[None]:
    """Properties as the VRM add-on and mmd_tools register them."""
    for kind in CLASSES:
        bpy.utils.register_class(kind)
    for name, owners in OWNERS.items():
        for owner, kind in owners:
            setattr(owner, name, PointerProperty(type=kind))
    yield
    disable()
    for kind in reversed(CLASSES):
        bpy.utils.unregister_class(kind)


@pytest.fixture
def nameless(add_ons: None) -> tuple[bpy.types.Object, dict[str, str]]:
    """A human whose bones have meaningless names, and these by canonical bone."""
    armature = add_armature("mixamo")
    canonical = {spelt[0]: name for name, spelt in FAMILIES["mixamo"].bones.items()}
    bones = {}
    for number, bone in enumerate(armature.data.bones):
        name = canonical[bone.name]
        bone.name = f"Bone.{number:03}"
        bones[name] = bone.name
    return armature, bones


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("by_uuid", [True, False])
def test_vrm_1(nameless: tuple[bpy.types.Object, dict[str, str]], enabled: bool, by_uuid: bool) -> None:
    armature, bones = nameless
    extension = armature.data.vrm_addon_extension
    extension.spec_version = "1.0"
    for name, bone in bones.items():
        node = getattr(extension.vrm1.humanoid.human_bones, HUMAN_BONES[name]).node
        assign(armature, node, bone, by_uuid)
    if not enabled:
        disable()
    match = match_armature(armature)
    assert match.family == "vrm1" and match.bones == bones
    assert find_humanoids(bpy.context.scene) == [armature]


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("by_uuid", [True, False])
def test_vrm_0(nameless: tuple[bpy.types.Object, dict[str, str]], enabled: bool, by_uuid: bool) -> None:
    armature, bones = nameless
    thumb = {"metacarpal": "proximal", "proximal": "intermediate"}
    human_bones = armature.data.vrm_addon_extension.vrm0.humanoid.human_bones
    for name, bone in bones.items():
        first, *others = HUMAN_BONES[name].split("_")
        if "thumb" in others:
            others[-1] = thumb.get(others[-1], others[-1])
        entry = human_bones.add()
        entry.bone = first + "".join(word.capitalize() for word in others)
        assign(armature, entry.node, bone, by_uuid)
    human_bones.add().bone = "jaw"  # unassigned
    if not enabled:
        disable()
    match = match_armature(armature)
    assert match.family == "vrm0" and match.bones == bones


def assign(armature: bpy.types.Object, node: Node, bone: str, by_uuid: bool) -> None:
    if by_uuid:
        node.bone_uuid = armature.data.bones[bone].vrm_addon_extension.uuid = f"uuid of {bone}"
    else:
        node.bone_name = bone


@pytest.mark.parametrize("enabled", [True, False])
def test_mmd_tools(nameless: tuple[bpy.types.Object, dict[str, str]], enabled: bool) -> None:
    armature, bones = nameless
    trunk = {"hips": "センター", "spine": "上半身", "chest": "上半身2", "neck": "首", "head": "頭"}
    limbs = {
        "clavicle": "肩", "upper_arm": "腕", "forearm": "ひじ", "hand": "手首", "thigh": "足", "shin": "ひざ",
        "foot": "足首", "toe": "つま先", "thumb_1": "親指０", "thumb_2": "親指１", "thumb_3": "親指２",
        **{
            f"{finger}_{number}": f"{word}{digit}"
            for finger, word in {"index": "人指", "middle": "中指", "ring": "薬指", "little": "小指"}.items()
            for number, digit in enumerate("１２３", 1)
        },
    }  # fmt: skip
    for name, bone in bones.items():
        side, _, part = name.partition("_")
        side = {"left": "左", "right": "右"}.get(side, "")
        armature.pose.bones[bone].mmd_bone.name_j = side + limbs[part] if side else trunk[name]
    if not enabled:
        disable()
    match = match_armature(armature)
    assert match.family == "mmd" and match.bones == bones


def test_an_enabled_add_on_with_nothing_assigned_changes_nothing(add_ons: None) -> None:
    armature = add_armature("unreal")
    assert match_armature(armature).family == "unreal"
