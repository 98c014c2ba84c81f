# SPDX-License-Identifier: GPL-3.0-or-later
"""Posing an armature's fingers: directly, or through the controls of a rig that has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Matrix, Quaternion, Vector

from ..errors import SceneError
from ..request import SIDES, Side
from ..rig.bones import Bone
from ..rig.fingers import solve_fingers
from ..rig.gestures import HandPose
from .rigs import match_armature, rest_bones

_LEADING = {
    "COPY_TRANSFORMS", "COPY_ROTATION", "TRANSFORM", "DAMPED_TRACK", "TRACK_TO", "LOCKED_TRACK", "STRETCH_TO", "IK",
}  # fmt: skip
"""Constraints that decide a bone's rotation, so that it is not posed itself"""
_ROUNDS = 4
_EXACT = np.radians(0.2)
_ENOUGH = np.radians(15.0)
"""By how much a bone may miss its rotation, because of a limit on its joint, say"""


def apply_gesture(
    armature: bpy.types.Object,
    hand: HandPose,
    sides: Sequence[Side],
    view_layer: bpy.types.ViewLayer,
) -> dict[str, tuple[str, ...]]:
    """Pose an armature's fingers, and nothing else, at the current frame.

    Only rotations change, each in its bone's rotation mode.  Where constraints lead the finger bones, their controls
    are posed, and a control over a whole finger goes back to its rest.  A mirrored person's left hand is the one that
    looks like a left one.

    Args:
        armature: in object or pose mode.
        hand: the joint angles.
        sides: the person's hands to pose; of several, those that have no fingers are left out.
        view_layer: which shows the armature.

    Returns:
        the channels that have changed by the bone's name.

    Raises:
        SceneError: where the armature cannot be posed, is no humanoid, has no such hand, or its fingers do not follow;
            nothing has changed then.
    """
    _check(armature, view_layer)
    match = match_armature(armature)
    rest = rest_bones(armature)
    mapped = {name: rest[bone] for name, bone in match.bones.items()}
    if armature.matrix_world.is_negative:
        sides = [SIDES[1 - SIDES.index(side)] for side in sides]
    hands = {side: solved for side in sides if (solved := _solved(hand, mapped, side, len(sides) > 1))}
    if not hands:
        raise SceneError(f'The hands of "{armature.name}" have no fingers to pose: use a rig with jointed fingers.')
    controls = _Controls(armature)
    joints = [
        _Joint(
            match.bones[name],
            match.bones[f"{side}_hand"],
            int(name[-1]),
            Matrix(turn).to_quaternion(),
            Vector(_next(mapped, name) - mapped[name].head).normalized(),
        )
        for side, turns in hands.items()
        for name, turn in turns.items()
    ]
    posed = {joint.bone: controls.of(joint.bone) for joint in joints}
    whole = [
        bone
        for joint in joints
        if joint.level == 1
        for bone in controls.over(joint.bone)
        if bone.matrix_basis != Matrix()
    ]
    before = {bone.name: _channels(bone) for bone in (*posed.values(), *whole)}
    for bone in whole:
        bone.matrix_basis = Matrix()
    worst, miss = _follow(armature, joints, posed, view_layer)
    if miss > _ENOUGH:
        for name, channels in before.items():
            for channel, values in channels.items():
                setattr(armature.pose.bones[name], channel, values)
        view_layer.update()
        raise SceneError(
            f'The bone "{worst}" of "{armature.name}" does not follow when it is posed: '
            "a constraint or driver holds it; mute that, or pose the rig that it follows."
        )
    changed = {bone.name: (_rotation(bone),) for bone in posed.values()}
    return changed | {bone.name: ("location", _rotation(bone), "scale") for bone in whole}


def _check(armature: bpy.types.Object, view_layer: bpy.types.ViewLayer) -> None:
    if not armature.is_editable:
        raise SceneError(
            f'"{armature.name}" comes from another file and cannot be posed here: '
            "make a library override of it (Object > Library Override > Make)."
        )
    if armature.mode == "EDIT":
        raise SceneError(f'"{armature.name}" is in Edit Mode: leave it (Tab) to pose the fingers.')
    if armature.data.pose_position == "REST":
        raise SceneError(
            f'"{armature.name}" shows its rest position: switch to Pose Position in the armature\'s properties.'
        )
    view_layer.update()
    if not armature.evaluated_get(view_layer.depsgraph).is_evaluated:
        raise SceneError(f'"{armature.name}" is switched off in this view layer: enable it in the Outliner to pose it.')


def _solved(hand: HandPose, mapped: Mapping[str, Bone], side: Side, optional: bool) -> dict[str, np.ndarray]:
    try:
        return solve_fingers(hand, mapped, side)
    except SceneError:
        if optional:
            return {}
        raise


def _next(mapped: Mapping[str, Bone], name: str) -> np.ndarray:
    """Where a phalanx ends: at the next one's head, if there is one."""
    following = mapped.get(f"{name[:-1]}{int(name[-1]) + 1}")
    return following.head if following else mapped[name].tail


@dataclass(frozen=True)
class _Joint:
    """A finger bone and what is asked of it."""

    bone: str
    hand: str
    level: int
    """Which phalanx it is"""
    turn: Quaternion
    """From rest, in armature space, while the hand is at rest"""
    along: Vector
    """Its direction at rest, in armature space"""


class _Controls:
    """Which bone is posed to move a finger bone."""

    def __init__(self, armature: bpy.types.Object) -> None:
        self.bones = armature.pose.bones
        drivers = armature.animation_data.drivers if armature.animation_data else ()
        self.driven = {driver.data_path.split('"')[1] for driver in drivers if ".rotation" in driver.data_path}

    def of(self, bone: str) -> bpy.types.PoseBone:
        """The bone itself where nothing else turns it, or else the free bone that lies most nearly in its place."""
        own = self.bones[bone]
        found = [] if self._free(own) else self._in_place(own)
        return min(found, key=lambda other: (other.custom_shape is None, _unlike(other, own)), default=own)

    def over(self, bone: str) -> list[bpy.types.PoseBone]:
        """Other free bones in the place of one that is not posed itself: controls over the whole finger."""
        own = self.bones[bone]
        control = self.of(bone)
        return [] if control == own else [other for other in self._in_place(own) if other != control]

    def _free(self, bone: bpy.types.PoseBone) -> bool:
        led = any(c.type in _LEADING and c.enabled and c.influence > 0 for c in bone.constraints)
        return not led and bone.name not in self.driven

    def _in_place(self, own: bpy.types.PoseBone) -> list[bpy.types.PoseBone]:
        near = 0.1 * own.bone.length
        return [
            other
            for other in self.bones
            if (other.bone.head_local - own.bone.head_local).length < near
            and _direction(other).dot(_direction(own)) > 0.9
            and self._free(other)
            and not all(other.lock_rotation)
        ]


def _direction(bone: bpy.types.PoseBone) -> Vector:
    return (bone.bone.tail_local - bone.bone.head_local).normalized()


def _unlike(bone: bpy.types.PoseBone, other: bpy.types.PoseBone) -> float:
    return float((bone.bone.tail_local - other.bone.tail_local).length)


def _follow(
    armature: bpy.types.Object,
    joints: Sequence[_Joint],
    posed: Mapping[str, bpy.types.PoseBone],
    view_layer: bpy.types.ViewLayer,
) -> tuple[str, float]:
    """Turn controls, base to tip, until the evaluated finger bones point where they should.

    The first round takes each bone to be fixed to its control as it is at rest; later ones turn the control by what the
    bone still misses.  How a bone is rolled about itself may be the rig's own business.

    Returns:
        the bone that misses its direction by most, and by how much, radians.
    """
    rest = {bone.name: bone.matrix_local.to_quaternion() for bone in armature.data.bones}
    levels = sorted({joint.level for joint in joints})
    misses: dict[str, float] = {}
    for attempt in range(_ROUNDS):
        for level in levels:
            now = _rotations(armature, view_layer)
            for joint in joints:
                if joint.level == level:
                    control = posed[joint.bone]
                    if attempt == 0:
                        wanted = _carried(joint, now, rest) @ rest[control.name]
                    else:
                        wanted = _missing(joint, now, rest) @ now[control.name]
                    _turn(control, now[control.name].inverted() @ wanted)
        now = _rotations(armature, view_layer)
        misses = {joint.bone: _missing(joint, now, rest).angle for joint in joints}
        if max(misses.values()) < _EXACT:
            break
    worst = max(misses, key=lambda bone: misses[bone])
    return worst, misses[worst]


def _carried(joint: _Joint, now: Mapping[str, Quaternion], rest: Mapping[str, Quaternion]) -> Quaternion:
    """The joint's turn from rest, with the hand where it is now."""
    return now[joint.hand] @ rest[joint.hand].inverted() @ joint.turn


def _missing(joint: _Joint, now: Mapping[str, Quaternion], rest: Mapping[str, Quaternion]) -> Quaternion:
    """The turn, in armature space, from where a bone points to where it should."""
    points = now[joint.bone] @ rest[joint.bone].inverted() @ joint.along
    return points.rotation_difference(_carried(joint, now, rest) @ joint.along)


def _rotations(armature: bpy.types.Object, view_layer: bpy.types.ViewLayer) -> dict[str, Quaternion]:
    """The evaluated pose, in armature space."""
    view_layer.update()
    evaluated = armature.evaluated_get(view_layer.depsgraph)
    return {bone.name: bone.matrix.to_quaternion() for bone in evaluated.pose.bones}


def _turn(bone: bpy.types.PoseBone, turn: Quaternion) -> None:
    """Turn a bone about its own axes, in its rotation mode."""
    wanted = bone.matrix_basis.to_quaternion() @ turn
    if bone.rotation_mode == "QUATERNION":
        wanted.make_compatible(bone.rotation_quaternion)
        bone.rotation_quaternion = wanted
    elif bone.rotation_mode == "AXIS_ANGLE":
        axis, angle = wanted.to_axis_angle()
        bone.rotation_axis_angle = (angle, *axis)
    else:
        bone.rotation_euler = wanted.to_euler(bone.rotation_mode, bone.rotation_euler)


def _channels(bone: bpy.types.PoseBone) -> dict[str, tuple[float, ...]]:
    return {
        channel: tuple(getattr(bone, channel))
        for channel in ("location", "rotation_quaternion", "rotation_euler", "rotation_axis_angle", "scale")
    }


def _rotation(bone: bpy.types.PoseBone) -> str:
    mode = {"QUATERNION": "quaternion", "AXIS_ANGLE": "axis_angle"}.get(bone.rotation_mode, "euler")
    return f"rotation_{mode}"


def insert_keys(
    armature: bpy.types.Object, channels: Mapping[str, Sequence[str]], settings: bpy.types.ToolSettings
) -> None:
    """Key channels of bones at the current frame, as auto-keying would.

    Args:
        armature: whose bones these are.
        channels: by the bone's name.
        settings: which keys auto-keying sets.
    """
    options = {"INSERTKEY_REPLACE"} if settings.auto_keying_mode == "REPLACE_KEYS" else set()
    for name, paths in channels.items():
        for path in paths:
            armature.pose.bones[name].keyframe_insert(path, group=name, options=options, keytype=settings.keyframe_type)
