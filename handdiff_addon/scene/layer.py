# SPDX-License-Identifier: GPL-3.0-or-later
"""The result picture as a layer over the render: one compositor group, put in before the scene's output."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np
from PIL import Image, ImageFilter

from . import compat
from .textured import new_image

NAME = "HandDiff"
_OURS = "handdiff_layer"
"""Custom property that marks the group; on the scene it remembers what was switched on for it."""

_ENCODINGS = {
    "Standard": "sRGB",
    "AgX": "AgX Base sRGB",
    "Filmic": "Filmic sRGB",
    "Khronos PBR Neutral": "Khronos PBR Neutral sRGB",
    "ACES 1.3": "ACES 1.3 sRGB",
    "ACES 2.0": "ACES 2.0 sRGB",
    "Raw": "Linear Rec.709",
}
"""View transforms and the colour space in which a picture passes through them unchanged."""


def apply_layer(
    scene: bpy.types.Scene, image: Image.Image | Path | str, person_mask: np.ndarray, feather: float | None = None
) -> list[str]:
    """Lay a picture over the scene's render where the person is.

    A compositor group named "HandDiff" goes in before the output; the artist's nodes stay.  The picture is packed into
    the file.  Compositing happens before the view transform, so the picture is read in the view's own encoding and
    leaves the render as it is in the file; that holds for the view transform, exposure and gamma the scene has now
    (apply again after changing them) and for colours that the view transform can show at all.

    Args:
        scene: its compositor is switched on; ``remove_layer`` switches it off again where it was off.
        image: RGB in sRGB, or a file of it; stretched over the frame.
        person_mask: (H, W) bool at the frame's size.
        feather: softness of the mask's edge in pixels of the mask; by default 1 for each 512 pixels of its longer side.

    Returns:
        Warnings, one sentence each, where the picture will not look in the render as it does in its file.
    """
    picture = (image if isinstance(image, Image.Image) else Image.open(image)).convert("RGB")
    mask = Image.fromarray(np.asarray(person_mask, dtype=np.uint8) * 255)
    mask = mask.filter(ImageFilter.GaussianBlur(max(mask.size) / 512 if feather is None else feather))
    view = scene.view_settings
    if view.gamma != 1.0:
        picture = picture.point([round(255 * (value / 255) ** view.gamma) for value in range(256)] * 3)
    picture.putalpha(mask.resize(picture.size, Image.Resampling.BILINEAR))

    remove_layer(scene)
    block = new_image(NAME, picture)
    spaces = block.colorspace_settings.bl_rna.properties["name"].enum_items.keys()
    space = _ENCODINGS.get(view.view_transform, "")
    block.colorspace_settings.name = space if space in spaces else "sRGB"
    group = _build_group(block, exposure=-view.exposure)

    scene[_OURS] = {"compositing": scene.render.use_compositing, "nodes": compat.compositor_on(scene)}
    scene.render.use_compositing = True
    tree: Any = compat.compositor_tree(scene, create=True)
    for output in compat.compositor_outputs(tree):
        node = tree.nodes.new("CompositorNodeGroup")
        node.node_tree = group
        node.name = node.label = NAME
        node.location = (output.node.location.x, output.node.location.y + 200)
        if output.is_linked:
            tree.links.new(output.links[0].from_socket, node.inputs["Image"])
        tree.links.new(node.outputs["Image"], output)

    warnings = []
    if space not in spaces:
        warnings.append(
            f"The view transform '{view.view_transform}' cannot be undone, so the layer's colours shift:"
            " choose Standard or AgX in Render Properties > Color Management and apply the layer again."
        )
    if view.look != "None" or view.use_curve_mapping or getattr(view, "use_white_balance", False):
        warnings.append(
            "The scene's look, curves or white balance also change the layer's colours: switch them off"
            " in Render Properties > Color Management to see the picture as it is in its file."
        )
    return warnings


def remove_layer(scene: bpy.types.Scene) -> bool:
    """Take the layer out again and join what it stood between.

    Returns:
        Whether there was one.
    """
    tree: Any = compat.compositor_tree(scene)
    nodes = [node for node in tree.nodes if _is_layer(node)] if tree else []
    groups = {node.node_tree for node in nodes}
    for node in nodes:
        source = node.inputs["Image"].links[0].from_socket if node.inputs["Image"].is_linked else None
        for target in [link.to_socket for link in node.outputs["Image"].links]:
            if source is not None:
                tree.links.new(source, target)
        tree.nodes.remove(node)
    before = scene.get(_OURS)
    if before is not None:
        scene.render.use_compositing = bool(before["compositing"])
        if not before["nodes"] and tree is not None and len(tree.nodes) <= 4:
            compat.compositor_off(scene)
        del scene[_OURS]
    for group in groups:
        if not group.users:
            images = [node.image for node in group.nodes if node.bl_idname == "CompositorNodeImage"]
            bpy.data.node_groups.remove(group)
            for image in images:
                if image is not None and not image.users:
                    bpy.data.images.remove(image)
    return bool(nodes)


def _is_layer(node: bpy.types.Node) -> bool:
    return node.bl_idname == "CompositorNodeGroup" and node.node_tree is not None and bool(node.node_tree.get(_OURS))


def _build_group(block: bpy.types.Image, exposure: float) -> bpy.types.NodeTree:
    """Image in, image with the picture over it out."""
    group = bpy.data.node_groups.new(NAME, "CompositorNodeTree")
    group[_OURS] = True
    group.interface.new_socket("Image", in_out="INPUT", socket_type="NodeSocketColor")
    group.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
    kinds = (
        "NodeGroupInput",
        "CompositorNodeImage",
        "CompositorNodeScale",
        "CompositorNodeExposure",
        "CompositorNodeAlphaOver",
        "NodeGroupOutput",
    )
    nodes = [group.nodes.new(kind) for kind in kinds]
    source, picture, scale, brightness, over, target = nodes
    for column, node in enumerate(nodes):
        node.location = (220 * column, 0 if node != source else 160)
    picture.image = block
    compat.stretch_to_render(scale)
    brightness.inputs["Exposure"].default_value = exposure
    background, foreground = compat.alpha_over_inputs(over)
    for start, end in (
        (picture.outputs["Image"], scale.inputs["Image"]),
        (scale.outputs["Image"], brightness.inputs["Image"]),
        (source.outputs["Image"], background),
        (brightness.outputs["Image"], foreground),
        (over.outputs["Image"], target.inputs["Image"]),
    ):
        group.links.new(start, end)
    return group
