# SPDX-License-Identifier: GPL-3.0-or-later
"""What HandDiff recognises in the selected rigs, drawn over them in the 3D views, and told in the panel.

Poses are read again only after the scene has changed: in between, a redraw costs the drawing alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy
from bpy.app.handlers import persistent
from bpy.props import BoolProperty
from mathutils import Vector

from ..handdiff_addon.errors import SceneError
from ..operators import people, session

LIMB, FINGER, JOINT = (0.02, 1.0, 3.0), (0.014, 1.0, 5.0), (0.035, 2.0, 8.0)
"""Widths: in metres of a person, and at least and at most in pixels, so that people far away are no blots"""
MOST = 8
"""Rigs that are drawn at once"""


@dataclass
class Seen:
    """What was read of one armature, and what it takes to draw it."""

    recognition: Any = None
    problem: str = ""
    wireframe: Any = None
    batches: Any = None


_seen: dict[str, Seen] = {}
"""By the armature's name; emptied whenever the scene changes."""
_handle: Any = None


def selected(context: bpy.types.Context) -> list[bpy.types.Object]:
    """The armatures that are selected, by themselves or by a mesh that they deform; the active one first."""
    objects = [context.object, *(context.selected_objects or ())]
    found: dict[str, bpy.types.Object] = {}
    for item in objects:
        armature = item if item is None or item.type == "ARMATURE" else item.find_armature()
        if armature is not None and armature.visible_get():
            found[armature.name] = armature
    return list(found.values())


def seen(armature: bpy.types.Object, context: bpy.types.Context) -> Seen:
    """What is recognised in an armature as it is posed now."""
    key = armature.name_full
    if key not in _seen:
        _seen[key] = _look(armature, context)
    return _seen[key]


def _look(armature: bpy.types.Object, context: bpy.types.Context) -> Seen:
    from ..handdiff_addon.conditioning.wireframe import wireframe
    from ..handdiff_addon.rig.recognition import recognise
    from ..handdiff_addon.scene.rigs import read_person

    if problem := people.match(armature).problem:
        return Seen(problem=problem)
    try:
        person = read_person(armature, context.evaluated_depsgraph_get())
    except SceneError as error:
        return Seen(problem=str(error))
    return Seen(recognise(person), "", wireframe(person))


def _draw() -> None:
    context = bpy.context
    space = context.space_data
    if not context.window_manager.handdiff_overlay or space is None or not space.overlay.show_overlays:
        return
    for armature in selected(context)[:MOST]:
        found = seen(armature, context)
        if found.wireframe is not None:
            _draw_wireframe(found, context)


def _draw_wireframe(found: Seen, context: bpy.types.Context) -> None:
    import gpu
    from gpu_extras.batch import batch_for_shader

    line_shader = gpu.shader.from_builtin("POLYLINE_FLAT_COLOR")
    point_shader = gpu.shader.from_builtin("POINT_FLAT_COLOR")
    if found.batches is None:
        frame = found.wireframe
        found.batches = (
            batch_for_shader(line_shader, "LINES", {"pos": frame.lines, "color": frame.line_colours}),
            batch_for_shader(point_shader, "POINTS", {"pos": frame.fingers, "color": frame.finger_colours}),
            batch_for_shader(point_shader, "POINTS", {"pos": frame.joints, "color": frame.joint_colours}),
        )
    scale = context.preferences.system.ui_scale
    limb, finger, joint = (_pixels(width, found.wireframe, context) * scale for width in (LIMB, FINGER, JOINT))
    lines, fingers, joints = found.batches
    gpu.state.depth_test_set("NONE")
    gpu.state.blend_set("ALPHA")
    line_shader.bind()
    line_shader.uniform_float("viewportSize", (context.region.width, context.region.height))
    line_shader.uniform_float("lineWidth", limb)
    lines.draw(line_shader)
    for batch, size in ((fingers, finger), (joints, joint)):
        gpu.state.point_size_set(size)
        batch.draw(point_shader)
    gpu.state.point_size_set(1.0)
    gpu.state.blend_set("NONE")


def _pixels(width: tuple[float, float, float], frame: Any, context: bpy.types.Context) -> float:
    """A width on the screen, as large as its part of the person is there."""
    part, least, most = width
    view = context.region_data
    low, high = frame.joints.min(axis=0), frame.joints.max(axis=0)
    tall = max(float((high - low).max()), 1e-6)
    centre = view.perspective_matrix @ Vector((*((low + high) / 2), 1.0))
    metre = view.window_matrix[1][1] * context.region.height / 2 / max(abs(centre.w), 1e-6)
    return min(max(part * metre * tall / 1.7, least), most)


@persistent
def _changed(*_arguments: object) -> None:
    _seen.clear()


_HANDLERS = ("depsgraph_update_post", "frame_change_post", "load_post", "undo_post", "redo_post")


def _redraw(_self: object, _context: object) -> None:
    session.redraw()


def register() -> None:
    global _handle
    bpy.types.WindowManager.handdiff_overlay = BoolProperty(
        name="Show in Viewport",
        description="Draw the keypoints that were recognised over the selected rig",
        default=True,
        options={"SKIP_SAVE"},
        update=_redraw,
    )
    for name in _HANDLERS:
        getattr(bpy.app.handlers, name).append(_changed)
    _handle = bpy.types.SpaceView3D.draw_handler_add(_draw, (), "WINDOW", "POST_VIEW")


def unregister() -> None:
    global _handle
    bpy.types.SpaceView3D.draw_handler_remove(_handle, "WINDOW")
    _handle = None
    for name in _HANDLERS:
        getattr(bpy.app.handlers, name).remove(_changed)
    del bpy.types.WindowManager.handdiff_overlay
    _seen.clear()
