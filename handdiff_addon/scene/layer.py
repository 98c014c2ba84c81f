# SPDX-License-Identifier: GPL-3.0-or-later
"""Result pictures as a layer over or under the render: one compositor group, put in before the scene's output."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from PIL import Image

from ..errors import SceneError, UsageError
from ..files import open_picture
from . import compat, framing
from .files import relative
from .textured import new_image

NAME = "HandDiff"
_OURS = "handdiff_layer"
"""Custom property that marks the group; on the scene it remembers what was switched on for it."""
_EXR = "handdiff_exr"
"""Custom property that marks the nodes that write a multilayer EXR."""

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
_LINEAR = "Linear Rec.709"
_METRIC = 65.535  # metres at full scale of the metric depth's 16 bits


def apply_layer(
    scene: bpy.types.Scene,
    image: Image.Image | Path | str,
    person_mask: np.ndarray | Path | str,
    feather: float | None = None,
    *,
    frames: tuple[int, int] | None = None,
    under: bool = False,
    match: bool = True,
) -> list[str]:
    """Lay a picture, or an image sequence, over the scene's render where a mask says.

    A compositor group named "HandDiff" goes in before the output; the artist's nodes stay.  It works in any render of
    the scene, animations included.  A picture is packed into the file; a sequence stays where it is.  Compositing
    happens before the view transform, so the picture is taken back through it and leaves the render as it is in its
    file; that holds for the view transform, exposure and gamma the scene has now (apply again after changing them) and
    for colours that the view transform can show at all.

    The group's sockets: "Feather" as below, "Opacity" from 0 to 1, and "Mask", a matte of the artist's own that limits
    the layer further.

    Args:
        scene: its compositor is switched on; ``remove_layer`` switches it off again where it was off.
        image: RGB in sRGB, or a file of it; stretched over the frame.
        person_mask: where it shows: of the person, the hands, or any other; (H, W) bool or a file (white shows).
        feather: how far the mask's edge is softened, in pixels of the render; by default 3 for each 512 pixels of the
            mask's longer side.
        frames: first and last frame of a sequence; ``image`` and ``person_mask`` are then the numbered files of the
            first.  The mask may be a still all the same.
        under: lay the picture under the render, which needs a transparent film and shows it where there is nothing.
        match: take the picture back through the view transform, exposure and gamma; else it passes through them like
            any other picture.

    Returns:
        Warnings, one sentence each, where the picture will not look in the render as it does in its file.

    Raises:
        UsageError: for a sequence whose files carry no numbers, or begin before frame 0.
        SceneError: for a file that cannot be read, or a sequence that lacks frames.
    """
    mask = person_mask if isinstance(person_mask, np.ndarray) else Path(person_mask)
    picture = image if isinstance(image, Image.Image) else Path(image)
    blocks = [_block(NAME, picture, "RGB", frames), _block(f"{NAME} mask", mask, "L", frames)]

    remove_layer(scene)
    view = scene.view_settings
    space = _ENCODINGS.get(view.view_transform, "") if match else "sRGB"
    group = _build_group(under)
    for label, block in zip(("picture", "mask"), blocks):
        block.name = NAME if label == "picture" else f"{NAME} mask"
        group.nodes[label].image = block
        _play(group.nodes[label], block, frames)
    convert = group.nodes["encoding"]
    spaces = convert.bl_rna.properties["from_color_space"].enum_items.keys()
    convert.from_color_space = space if space in spaces else "sRGB"
    convert.to_color_space = _LINEAR
    group.nodes["gamma"].inputs["Gamma"].default_value = view.gamma if match else 1.0
    group.nodes["exposure"].inputs["Exposure"].default_value = -view.exposure if match else 0.0

    compositing, on = scene.render.use_compositing, compat.compositor_on(scene)
    scene.render.use_compositing = True
    tree: Any = compat.compositor_tree(scene, create=True)
    outputs = compat.compositor_outputs(tree)
    scene[_OURS] = {"compositing": compositing, "on": on, "nodes": len(tree.nodes)}
    for output in outputs:
        node = tree.nodes.new("CompositorNodeGroup")
        node.node_tree = group
        node.name = node.label = NAME
        node.location = (output.node.location.x, output.node.location.y + 200)
        if output.is_linked:
            tree.links.new(output.links[0].from_socket, node.inputs["Image"])
        tree.links.new(node.outputs["Image"], output)
        longer = max(group.nodes["mask"].image.size)
        node.inputs["Feather"].default_value = 3 * longer / 512 if feather is None else feather

    warnings = []
    if space not in spaces:
        warnings.append(
            f"The view transform '{view.view_transform}' cannot be undone, so the layer's colours shift:"
            " choose Standard or AgX in Render Properties > Color Management and apply the layer again."
        )
    if match and (view.look != "None" or view.use_curve_mapping or getattr(view, "use_white_balance", False)):
        warnings.append(
            "The scene's look, curves or white balance also change the layer's colours: switch them off"
            " in Render Properties > Color Management to see the picture as it is in its file."
        )
    if under and not scene.render.film_transparent:
        warnings.append(
            "The render has no transparent film, so it hides the layer under it: switch on Transparent"
            " in Render Properties > Film."
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
        if not before["on"] and tree is not None and len(tree.nodes) <= before["nodes"]:  # no nodes came since
            compat.compositor_off(scene)
        del scene[_OURS]
    for group in groups:
        if not group.users:
            images = [node.image for node in group.nodes if node.bl_idname == "CompositorNodeImage"]
            bpy.data.node_groups.remove(group)
            _drop(images)
    framing.drop_unused()
    return bool(nodes)


def add_exr(
    scene: bpy.types.Scene, folder: Path, passes: Mapping[str, Path], frames: tuple[int, int] | None = None
) -> None:
    """Let every render of the scene also write ``handdiff`` as a multilayer EXR: the final picture and all passes.

    The layers are "Combined" (the picture that the compositor gives, layer included) and one for each pass, with the
    values of its file, linear and without colour management; metric depth in metres.  ``remove_exr`` takes it out.

    Args:
        scene: its compositor is switched on.
        folder: where the files go, numbered by frame.
        passes: a picture file for each name; the first of a sequence where ``frames`` is given.
        frames: first and last frame of the sequences.

    Raises:
        UsageError, SceneError: as ``apply_layer``.
    """
    blocks = {name: _block(f"{NAME} {name}", Path(path), None, frames) for name, path in passes.items()}
    remove_exr(scene)
    for name, block in blocks.items():
        block.name = f"{NAME} {name}"
    scene.render.use_compositing = True
    tree: Any = compat.compositor_tree(scene, create=True)
    output = compat.compositor_outputs(tree)[0]
    writer: Any = compat.multilayer_output(tree, str(folder), "handdiff", ["Combined", *blocks])
    writer.location = (output.node.location.x, output.node.location.y - 400)
    ours = [writer]
    if output.is_linked:
        tree.links.new(output.links[0].from_socket, writer.inputs["Combined"])
    for row, (name, block) in enumerate(blocks.items()):
        reader, scale = tree.nodes.new("CompositorNodeImage"), framing.framed(tree)
        reader.image = block
        _play(reader, block, frames)
        tree.links.new(reader.outputs["Image"], scale.inputs["Image"])
        source = scale.outputs["Image"]
        ours += [reader, scale]
        if name == "metric_depth":
            metres: Any = compat.compositor_math(tree)
            metres.operation = "MULTIPLY"
            metres.inputs[1].default_value = _METRIC
            tree.links.new(source, metres.inputs[0])
            source = metres.outputs[0]
            ours.append(metres)
        tree.links.new(source, writer.inputs[name])
        for column, node in enumerate(ours[-3:]):
            node.location = (writer.location.x - 660 + 220 * column, writer.location.y - 260 * row)
    for node in ours:
        node[_EXR] = True


def remove_exr(scene: bpy.types.Scene) -> bool:
    """Take out what ``add_exr`` put in.

    Returns:
        Whether there was something.
    """
    tree: Any = compat.compositor_tree(scene)
    nodes = [node for node in tree.nodes if node.get(_EXR)] if tree else []
    images = [node.image for node in nodes if node.bl_idname == "CompositorNodeImage"]
    for node in nodes:
        tree.nodes.remove(node)
    _drop(images)
    framing.drop_unused()
    return bool(nodes)


def _drop(images: list[bpy.types.Image | None]) -> None:
    for image in dict.fromkeys(images):
        if image is not None and not image.users:
            bpy.data.images.remove(image)


def _block(
    name: str, source: Image.Image | np.ndarray | Path, mode: str | None, frames: tuple[int, int] | None
) -> bpy.types.Image:
    """A picture packed into the file, or the first of a sequence; its values are read as they are stored."""
    if isinstance(source, Path) and frames is not None and (mode != "L" or _digits(source)):
        block = _sequence(source, frames)
        block.name = name
    elif isinstance(source, Path) and mode is None:
        block = _load(source)  # as it is, 16 bits as well
        block.name = name
        block.pack()
    else:
        if isinstance(source, np.ndarray):
            source = Image.fromarray(np.asarray(source, dtype=np.uint8) * 255)
        elif isinstance(source, Path):
            try:
                source = open_picture(source)
                source.load()
            except OSError as error:
                raise SceneError(f"The picture {source} cannot be read: choose another, or make it again.") from error
        block = new_image(name, source.convert(mode))
    block.colorspace_settings.name = "Non-Color"
    return block


def _sequence(first: Path, frames: tuple[int, int]) -> bpy.types.Image:
    digits = _digits(first)
    if not digits:
        raise UsageError(f"{first.name} carries no frame number: name the sequence's files like 0001.png.")
    if first.stem == f"-{digits}":  # as Blender names it; a dash after a name is no sign
        raise UsageError(
            f"{first.name} is numbered below 0, where Blender plays no sequence: begin at frame 0 or later, or number "
            "the files from 0001.png on."
        )
    head, tail = first.stem.rsplit(digits, 1)
    for frame in range(frames[1] - frames[0] + 1):
        path = first.with_name(f"{head}{int(digits) + frame:0{len(digits)}d}{tail}{first.suffix}")
        if not path.is_file():
            raise SceneError(f"The sequence lacks {path}: make that frame, or name a shorter range.")
    block = _load(first)
    block.filepath_raw = relative(block.filepath_raw)
    block.source = "SEQUENCE"
    return block


def _load(path: Path) -> bpy.types.Image:
    try:
        return bpy.data.images.load(str(path.absolute()))
    except RuntimeError as error:
        raise SceneError(f"The picture {path} cannot be read: choose another, or make it again.") from error


def _digits(path: Path) -> str:
    """The last number in a file's name, empty where there is none."""
    found = re.findall(r"\d+", path.stem)
    return found[-1] if found else ""


def _play(node: Any, block: bpy.types.Image, frames: tuple[int, int] | None) -> None:
    """Let an Image node show a sequence's first file at the first frame, and so on."""
    if block.source != "SEQUENCE" or frames is None:
        return
    node.frame_start = frames[0]
    node.frame_duration = frames[1] - frames[0] + 1
    node.frame_offset = int(_digits(Path(bpy.path.abspath(block.filepath_raw)))) - 1
    node.use_auto_refresh = True


def _is_layer(node: bpy.types.Node) -> bool:
    return node.bl_idname == "CompositorNodeGroup" and node.node_tree is not None and bool(node.node_tree.get(_OURS))


def _build_group(under: bool) -> bpy.types.NodeTree:
    """Image in, image with the picture over (or under) it out."""
    group: Any = bpy.data.node_groups.new(NAME, "CompositorNodeTree")
    group[_OURS] = True
    sockets = group.interface
    sockets.new_socket("Image", in_out="INPUT", socket_type="NodeSocketColor")
    for name, value in (("Mask", 1.0), ("Opacity", 1.0), ("Feather", 3.0)):
        socket = sockets.new_socket(name, in_out="INPUT", socket_type="NodeSocketFloat")
        socket.default_value, socket.min_value = value, 0.0
        socket.max_value = 1000.0 if name == "Feather" else 1.0
    sockets.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")

    def node(kind: str, name: str, column: int, row: int) -> Any:
        made = {"Gamma": compat.compositor_gamma, "Math": compat.compositor_math, "Frame": framing.framed}.get(kind)
        new: Any = made(group) if made else group.nodes.new(kind)
        new.name = new.label = name
        new.location = (220 * column, -300 * row)
        return new

    source = node("NodeGroupInput", "in", 0, 0)
    picture, mask = node("CompositorNodeImage", "picture", 0, 1), node("CompositorNodeImage", "mask", 0, 3)
    fitted, fitted_mask = node("Frame", "fit", 1, 1), node("Frame", "fit mask", 1, 3)
    gamma, encoding = node("Gamma", "gamma", 2, 1), node("CompositorNodeConvertColorSpace", "encoding", 3, 1)
    exposure = node("CompositorNodeExposure", "exposure", 4, 1)
    limited, faded = node("Math", "limit", 3, 3), node("Math", "fade", 4, 3)
    cut = node("CompositorNodeSetAlpha", "cut", 5, 1)
    over, target = node("CompositorNodeAlphaOver", "over", 6, 0), node("NodeGroupOutput", "out", 7, 0)
    limited.operation = faded.operation = "MULTIPLY"
    background, foreground = compat.alpha_over_inputs(over)
    if under:
        background, foreground = foreground, background
    for start, end in (
        (picture.outputs["Image"], fitted.inputs["Image"]),
        (fitted.outputs["Image"], gamma.inputs[0]),
        (gamma.outputs[0], encoding.inputs["Image"]),
        (encoding.outputs["Image"], exposure.inputs["Image"]),
        (mask.outputs["Image"], fitted_mask.inputs["Image"]),
        (source.outputs["Feather"], fitted_mask.inputs["Feather"]),
        (fitted_mask.outputs["Image"], limited.inputs[0]),
        (source.outputs["Mask"], limited.inputs[1]),
        (limited.outputs[0], faded.inputs[0]),
        (source.outputs["Opacity"], faded.inputs[1]),
        (exposure.outputs["Image"], cut.inputs["Image"]),
        (faded.outputs[0], cut.inputs["Alpha"]),
        (source.outputs["Image"], background),
        (cut.outputs["Image"], foreground),
        (over.outputs["Image"], target.inputs["Image"]),
    ):
        group.links.new(start, end)
    return group
