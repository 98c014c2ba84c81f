# SPDX-License-Identifier: GPL-3.0-or-later
"""What other add-ons call an armature's bones: VRM's humanoid bones and MikuMikuDance's Japanese names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import bpy

from ..rig.families.vrm import VRM1
from .compat import stored_properties


def read_aliases(armature: bpy.types.Object) -> dict[str, str]:
    """Names by bone name: those of VRM where its add-on has assigned any, else those of MikuMikuDance.

    Both are read whether or not the add-on is enabled.
    """
    return _vrm(armature.data) or _mmd(armature)


def _mmd(armature: bpy.types.Object) -> dict[str, str]:
    bones = armature.pose.bones if armature.pose else ()  # one just made has no pose yet
    return {bone.name: name for bone in bones if (name := _field(_stored(bone, "mmd_bone"), "name_j"))}


def _vrm(armature: bpy.types.Armature) -> dict[str, str]:
    extension = _stored(armature, "vrm_addon_extension")
    if extension is None:
        return {}
    # The add-on's later versions know a bone by a UUID of theirs.
    uuids = {_field(_stored(bone, "vrm_addon_extension"), "uuid"): bone.name for bone in armature.bones}
    names: dict[str, str] = {}
    for version in ("vrm1", "vrm0") if _field(extension, "spec_version") in ("1.0", 1) else ("vrm0", "vrm1"):
        for name, node in _assigned(_field(_field(_field(extension, version), "humanoid"), "human_bones")):
            uuid = _field(node, "bone_uuid")
            bone = uuids.get(uuid) if uuid else _field(node, "bone_name")
            if name and bone:
                names.setdefault(bone, name)
        if names:
            break
    return names


def _assigned(human_bones: Any) -> Iterator[tuple[str, Any]]:
    """VRM's names and the bones that they stand for: entries of a list in VRM 0, fields of a group in VRM 1."""
    if isinstance(human_bones, list | bpy.types.bpy_prop_collection):
        for entry in human_bones:
            yield _field(entry, "bone"), _field(entry, "node")
        return
    for name in (name for spelt in VRM1.bones.values() for name in spelt):
        snake_case = re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name)
        yield name, _field(_field(human_bones, snake_case), "node")


def _stored(owner: bpy.types.bpy_struct, name: str) -> Any:
    """What an add-on has stored on a bone or a data-block, None where it has not."""
    value = getattr(owner, name, None)
    return stored_properties(owner).get(name) if value is None else value


def _field(group: Any, name: str) -> Any:
    """A field of an add-on's properties, or of what is left of them where it is not enabled; None where it is not."""
    value = getattr(group, name, None)
    return group.get(name) if value is None and hasattr(group, "get") else value
