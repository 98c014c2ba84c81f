# SPDX-License-Identifier: GPL-3.0-or-later
"""A material's nodes, made by short calls."""

from __future__ import annotations

import bpy

from .compat import use_nodes


class NodeTree:
    """The nodes of a new material.

    Args:
        name: of the material.
    """

    def __init__(self, name: str) -> None:
        self.material = bpy.data.materials.new(name)
        use_nodes(self.material)
        self.tree = self.material.node_tree
        self.tree.nodes.clear()

    def node(self, kind: str, name: str = "", **settings: object) -> bpy.types.Node:
        node = self.tree.nodes.new(f"ShaderNode{kind}")
        if name:
            node.name = name
        for key, value in settings.items():
            setattr(node, key, value)
        return node

    def put(self, socket: bpy.types.NodeSocket, value: object) -> None:
        """Link it to another node's socket, or set its value."""
        if isinstance(value, bpy.types.NodeSocket):
            self.tree.links.new(value, socket)
        else:
            socket.default_value = value

    def attribute(self, name: str) -> bpy.types.Node:
        return self.node("Attribute", attribute_name=name)

    def parts(self, name: str) -> tuple[bpy.types.NodeSocket, bpy.types.NodeSocket, bpy.types.NodeSocket]:
        """The three numbers of an attribute."""
        parts = self.node("SeparateXYZ")
        self.put(parts.inputs[0], self.attribute(name).outputs["Vector"])
        return parts.outputs[0], parts.outputs[1], parts.outputs[2]

    def math(self, operation: str, *values: object, name: str = "") -> bpy.types.NodeSocket:
        node = self.node("Math", name, operation=operation)
        for socket, value in zip(node.inputs, values, strict=False):
            self.put(socket, value)
        return node.outputs[0]

    def soft_step(self, value: object, width: float) -> bpy.types.NodeSocket:
        """0 up to 0, 1 from ``width`` on, straight in between."""
        share = self.math("DIVIDE", value, width)
        share.node.use_clamp = True
        return share

    def colour(self, name: str) -> bpy.types.NodeSocket:
        return self.node("RGB", name).outputs[0]

    def mix(self, share: object, first: object, second: object) -> bpy.types.NodeSocket:
        return self._mixed("MIX", share, first, second)

    def tint(self, colour: object, left: tuple[float, float, float]) -> bpy.types.NodeSocket:
        """A colour of which so much is left, linear."""
        return self._mixed("MULTIPLY", 1.0, colour, (*left, 1.0))

    def _mixed(self, blend: str, share: object, first: object, second: object) -> bpy.types.NodeSocket:
        node = self.node("Mix", data_type="RGBA", blend_type=blend)
        for socket, value in zip((node.inputs[0], node.inputs[6], node.inputs[7]), (share, first, second), strict=True):
            self.put(socket, value)
        return node.outputs[2]

    def finish(self, colour: bpy.types.NodeSocket, gloss: float) -> bpy.types.Material:
        """A matt surface with a little shine."""
        surface = self.node("BsdfDiffuse")
        self.put(surface.inputs[0], colour)
        if gloss:
            shine, both = self.node("BsdfGlossy"), self.node("MixShader")
            shine.inputs["Roughness"].default_value = 0.45
            both.inputs[0].default_value = gloss
            self.put(both.inputs[1], surface.outputs[0])
            self.put(both.inputs[2], shine.outputs[0])
            surface = both
        self.put(self.node("OutputMaterial").inputs[0], surface.outputs[0])
        return self.material
