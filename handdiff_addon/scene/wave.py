# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample human waving, to measure animations by."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
from mathutils import Quaternion, Vector

from .files import new_scene
from .passes import depsgraph_of
from .sample_human import create_sample_scene

_CYCLE, _SWING = 12, 28.0
"""Frames of one wave, and degrees to either side"""


def save_wave(path: Path, frames: range) -> None:
    """Save the sample human, who waves the raised hand, as .blend."""
    scene = new_scene()
    rig = create_sample_scene(scene)
    depsgraph_of(scene).update()
    arm = rig.pose.bones["RightForeArm"]
    rest, axis = arm.rotation_quaternion.copy(), arm.matrix.to_3x3().inverted() @ Vector((0.0, 1.0, 0.0))
    for frame in frames:
        angle = np.radians(_SWING) * np.sin(2 * np.pi * (frame - frames.start) / _CYCLE)
        arm.rotation_quaternion = rest @ Quaternion(axis, float(angle))
        arm.keyframe_insert("rotation_quaternion", frame=frame)
    scene.frame_start, scene.frame_end = frames[0], frames[-1]
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
