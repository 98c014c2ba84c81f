# SPDX-License-Identifier: GPL-3.0-or-later
"""Materials that the camera sees through."""

from __future__ import annotations

import bpy

_CLEAR = {"BSDF_TRANSPARENT", "BSDF_GLASS", "BSDF_REFRACTION"}


def see_through(material: bpy.types.Material | None) -> bool:
    """Whether a material as a whole is clear: glass, or mostly transparent.

    Told from the shader at the surface and its plain values.  What a texture makes transparent, such as the rim of a
    hair card, counts as solid: that would take a render to know.
    """
    if material is None or material.node_tree is None or not material.use_nodes:
        return False
    output = material.node_tree.get_output_node("ALL")
    return output is not None and _is_clear(output.inputs["Surface"])


def _is_clear(surface: bpy.types.NodeSocket) -> bool:
    if not surface.is_linked:
        return False
    shader = surface.links[0].from_node
    if shader.type == "MIX_SHADER":
        share, first, second = shader.inputs
        if share.is_linked:
            return _is_clear(first) and _is_clear(second)
        return _is_clear(first if share.default_value < 0.5 else second)
    if shader.type != "BSDF_PRINCIPLED":
        return shader.type in _CLEAR
    alpha, transmission = shader.inputs["Alpha"], shader.inputs["Transmission Weight"]
    thin = not alpha.is_linked and alpha.default_value < 0.5
    return thin or (not transmission.is_linked and transmission.default_value > 0.5)
