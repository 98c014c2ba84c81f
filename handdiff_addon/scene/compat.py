# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between the Blender versions that HandDiff runs under (4.5 LTS, 5.0, 5.2 LTS), and nothing else."""

from __future__ import annotations

from typing import Any

import bpy

BLENDER_5 = bpy.app.version >= (5, 0, 0)


def use_nodes(owner: bpy.types.ID) -> None:
    """Give a material or a world its node tree; from 5.0 on they always have one."""
    if not BLENDER_5:
        owner.use_nodes = True


def uses_nodes(owner: bpy.types.ID) -> bool:
    """Whether a material or a world renders by its nodes."""
    return BLENDER_5 or owner.use_nodes


def compositor_tree(scene: bpy.types.Scene, *, create: bool = False) -> bpy.types.NodeTree | None:
    """The scene's compositing nodes, None where it has none and ``create`` is off.

    In 4.5 the tree belongs to the scene, from 5.0 on it is a node group that scenes share.
    """
    if BLENDER_5:
        if scene.compositing_node_group is None and create:
            scene.compositing_node_group = bpy.data.node_groups.new("Compositing", "CompositorNodeTree")
        return scene.compositing_node_group
    if not scene.use_nodes and create:
        scene.use_nodes = True
    return scene.node_tree if scene.use_nodes else None


def compositor_outputs(tree: bpy.types.NodeTree) -> list[bpy.types.NodeSocket]:
    """The sockets that take a compositor tree's final picture; an empty tree gets a render and an output first.

    In 4.5 Composite nodes end the tree, from 5.0 on its group output does, by its first colour socket.
    """
    kind = "NodeGroupOutput" if BLENDER_5 else "CompositorNodeComposite"
    ends = [node for node in tree.nodes if node.bl_idname == kind]
    items = tree.interface.items_tree
    if BLENDER_5 and not any(item.item_type == "SOCKET" and item.in_out == "OUTPUT" for item in items):
        tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
    if not ends:
        ends = [tree.nodes.new(kind)]
        ends[0].location = (600, 0)
        render = tree.nodes.new("CompositorNodeRLayers")
        tree.links.new(render.outputs["Image"], ends[0].inputs[0])
    return [node.inputs[0] for node in ends]


def compositor_on(scene: bpy.types.Scene) -> bool:
    """Whether the scene's compositing nodes are in use."""
    return compositor_tree(scene) is not None


def compositor_off(scene: bpy.types.Scene) -> None:
    """Stop using the scene's compositing nodes; one that only passes the render through goes altogether from 5.0 on."""
    if not BLENDER_5:
        scene.use_nodes = False
        return
    tree, scene.compositing_node_group = scene.compositing_node_group, None
    if not tree.users:
        bpy.data.node_groups.remove(tree)


def stretch_to_render(scale: bpy.types.Node) -> None:
    """Let a compositor Scale node fill the frame whatever the render's size."""
    if BLENDER_5:
        scale.inputs["Type"].default_value = "Render Size"
        scale.inputs["Frame Type"].default_value = "Stretch"
    else:
        scale.space, scale.frame_method = "RENDER_SIZE", "STRETCH"


def scale_to_pixels(scale: bpy.types.Node) -> None:
    """Let a compositor Scale node's X and Y be the width and height of its picture in pixels."""
    if BLENDER_5:
        scale.inputs["Type"].default_value = "Absolute"
    else:
        scale.space = "ABSOLUTE"


def alpha_over_inputs(over: bpy.types.Node) -> tuple[bpy.types.NodeSocket, bpy.types.NodeSocket]:
    """Background and foreground of a compositor Alpha Over node."""
    if BLENDER_5:
        return over.inputs["Background"], over.inputs["Foreground"]
    return over.inputs[1], over.inputs[2]


def compositor_gamma(tree: bpy.types.NodeTree) -> bpy.types.Node:
    """A new Gamma node of a compositor tree."""
    return tree.nodes.new("ShaderNodeGamma" if BLENDER_5 else "CompositorNodeGamma")


def blur_by_socket(blur: bpy.types.Node) -> None:
    """Let a compositor Blur node be a Gaussian one whose size in pixels comes from its Size socket."""
    if BLENDER_5:
        blur.inputs["Type"].default_value = "Gaussian"
    else:
        blur.filter_type = "GAUSS"


def compositor_math(tree: bpy.types.NodeTree) -> bpy.types.Node:
    """A new Math node of a compositor tree."""
    return tree.nodes.new("ShaderNodeMath" if BLENDER_5 else "CompositorNodeMath")


def multilayer_output(tree: bpy.types.NodeTree, folder: str, stem: str, layers: list[str]) -> bpy.types.Node:
    """A new File Output node that writes multilayer EXR files, one input for each layer, numbered by frame."""
    node: Any = tree.nodes.new("CompositorNodeOutputFile")
    if BLENDER_5:
        node.format.media_type = "MULTI_LAYER_IMAGE"
        node.directory, node.file_name = folder, stem
        node.file_output_items.clear()
        for layer in layers:
            node.file_output_items.new("RGBA", layer)
    else:
        node.format.file_format = "OPEN_EXR_MULTILAYER"
        node.base_path = f"{folder}/{stem}"
        node.layer_slots.clear()
        for layer in layers:
            node.layer_slots.new(layer)
    node.format.color_depth = "32"
    return node


def movie_output(render: bpy.types.RenderSettings) -> None:
    """Let a render write a movie; from 5.0 on, pictures and movies are told apart first."""
    if BLENDER_5:
        render.image_settings.media_type = "VIDEO"
    render.image_settings.file_format = "FFMPEG"


def stored_properties(owner: bpy.types.bpy_struct) -> Any:
    """What add-ons have stored on a bone or a data-block, whether or not they are enabled, as a mapping to read.

    In 4.5 it lies among the user's own properties, from 5.0 on beside them.
    """
    return (owner.bl_system_properties_get() or {}) if BLENDER_5 else owner


def use_denoiser(cycles: bpy.types.bpy_struct) -> bool:
    """Have Cycles denoise on the processor; False where a distribution built its Blender without that."""
    try:
        cycles.denoiser = "OPENIMAGEDENOISE"
    except TypeError:
        return False
    return True
