# SPDX-License-Identifier: GPL-3.0-or-later
"""A picture of the whole frame, laid where the compositor's render is: all of it, or the region that it is cropped to.

The compositor knows the size of a cropped render, but not where in the frame it lies.  Drivers tell it, so that it
follows the region and the size as they are at each render; they ask the scene that is rendered, not a certain one.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import bpy

from . import compat

_NAME = "HandDiff frame"
_OURS = "handdiff_frame"
"""Custom property that marks the group"""

_START = "int({0} * {1} + 0.0002)"  # as Blender cuts, whose single precision rounds up what is all but whole
_SIDE = "max(1, int(length * share / 100))"


def framed(tree: bpy.types.NodeTree) -> Any:
    """A new node of a compositor tree that stretches its picture over the frame, and crops it to what is rendered.

    Its socket "Feather" blurs the whole picture, in pixels of the render.
    """
    node: Any = tree.nodes.new("CompositorNodeGroup")
    ours = (group for group in bpy.data.node_groups if group.get(_OURS) and group.library is None)
    node.node_tree = next(ours, None) or _build()
    return node


def drop_unused() -> None:
    """Remove the group where nothing is framed any more."""
    for group in [group for group in bpy.data.node_groups if group.get(_OURS) and not group.users]:
        bpy.data.node_groups.remove(group)


def _build() -> bpy.types.NodeTree:
    group: Any = bpy.data.node_groups.new(_NAME, "CompositorNodeTree")
    group[_OURS] = True
    for in_out in ("INPUT", "OUTPUT"):
        group.interface.new_socket("Image", in_out=in_out, socket_type="NodeSocketColor")
    feather = group.interface.new_socket("Feather", in_out="INPUT", socket_type="NodeSocketFloat")
    feather.min_value, feather.max_value = 0.0, 1000.0
    kinds = (
        "NodeGroupInput",
        *(f"CompositorNode{name}" for name in ("Scale", "Blur", "Crop", "Scale")),
        "NodeGroupOutput",
    )
    nodes = [group.nodes.new(kind) for kind in kinds]
    for place, (node, after) in enumerate(pairwise(nodes), 1):
        after.location.x = 220 * place
        group.links.new(node.outputs["Image"], after.inputs["Image"])
    source, whole, blur, crop, fit, _ = nodes
    compat.scale_to_pixels(whole)
    compat.blur_by_socket(blur)
    group.links.new(source.outputs["Feather"], blur.inputs["Size"])
    compat.stretch_to_render(fit)  # nothing is left to stretch, but in the viewport
    for axis, start, length in (("x", "X", "Width"), ("y", "Y", "Height")):
        low, high = _START.format("low", _SIDE), _START.format("high", _SIDE)
        _drive(whole.inputs[start], axis, _SIDE)
        _drive(crop.inputs[start], axis, f"{low} if region and cropped else 0")
        _drive(crop.inputs[length], axis, f"{high} - {low} if region and cropped else {_SIDE}")
    return group


def _drive(socket: Any, axis: str, expression: str) -> None:
    """Let a socket be computed of what a scene renders along an axis; Blender takes the expression for no script."""
    driver = socket.driver_add("default_value").driver
    for name, path in (
        ("length", f"resolution_{axis}"),
        ("share", "resolution_percentage"),
        ("region", "use_border"),
        ("cropped", "use_crop_to_border"),
        ("low", f"border_min_{axis}"),
        ("high", f"border_max_{axis}"),
    ):
        variable = driver.variables.new()
        variable.name, variable.type = name, "CONTEXT_PROP"
        variable.targets[0].context_property = "ACTIVE_SCENE"
        variable.targets[0].data_path = f"render.{path}"
    driver.expression = expression
