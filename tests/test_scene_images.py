# SPDX-License-Identifier: GPL-3.0-or-later
"""Passes as images in the .blend file: exact, packed, and changed in place when made again."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
from PIL import Image

from handdiff_addon.request import PASSES
from handdiff_addon.scene.images import encode_images, keep_image, keep_images
from handdiff_addon.scene.passes import render_passes
from tests.builders import add_camera, add_human


def stored(image: bpy.types.Image, highest: int = 255) -> np.ndarray:
    """The image's first three channels as whole numbers, top row first."""
    width, height = image.size
    values = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(values)
    return np.rint(values.reshape(height, width, 4)[::-1, :, :3] * highest).astype(int)


def test_a_picture_is_kept_exactly(empty_scene: bpy.types.Scene) -> None:
    colours = np.random.default_rng(1).integers(0, 256, (6, 9, 3), dtype=np.uint8)
    skeleton = keep_image("skeleton", colours)
    assert skeleton.name == "HandDiff skeleton" and skeleton.packed_file and skeleton.use_fake_user
    assert skeleton.colorspace_settings.name == "sRGB"
    np.testing.assert_array_equal(stored(skeleton), colours)
    millimetres = np.arange(0, 60000, 1000, dtype=np.uint16).reshape(6, 10)
    depth = keep_image("metric_depth", millimetres)
    assert depth.colorspace_settings.name == "Non-Color"
    np.testing.assert_array_equal(stored(depth, 65535)[..., 0], millimetres)


def test_made_again_it_is_the_same_image(empty_scene: bpy.types.Scene) -> None:
    """A node that uses it sees the new picture, of another size."""
    first = keep_image("depth", np.full((4, 8), 10, np.uint8))
    material = bpy.data.materials.new("Looks")
    material.use_nodes = True
    node = material.node_tree.nodes.new("ShaderNodeTexImage")
    node.image = first
    assert stored(first).max() == 10
    second = keep_image("depth", np.full((6, 3), 200, np.uint8))
    assert second == first == node.image and len(bpy.data.images) == 1
    assert tuple(node.image.size) == (3, 6)
    assert (stored(node.image) == 200).all()


def test_it_takes_over_the_picture_that_was_opened_from_a_file(empty_scene: bpy.types.Scene, tmp_path: Path) -> None:
    """Opening that file again then shows the file, not what is kept."""
    path = tmp_path / "skeleton.png"
    Image.fromarray(np.full((4, 4, 3), 50, np.uint8)).save(path)
    opened = bpy.data.images.load(str(path))
    opened.name = "HandDiff skeleton"
    kept = keep_image("skeleton", np.full((8, 8, 3), 90, np.uint8))
    assert kept == opened and (stored(kept) == 90).all()
    assert (stored(bpy.data.images.load(str(path), check_existing=True)) == 50).all()
    assert np.asarray(Image.open(path)).max() == 50


def test_passes_survive_save_and_load(empty_scene: bpy.types.Scene, tmp_path: Path) -> None:
    add_human()
    add_camera(size=(64, 48))
    conditioning = render_passes(empty_scene, with_normals=True)
    objects, selected = set(empty_scene.objects), bpy.context.selected_objects[:]
    images = keep_images(encode_images(conditioning, PASSES))
    names = {f"HandDiff {name}" for name in PASSES if name not in ("pose", "hands_openxr")}
    assert {image.name for image in images} == {image.name for image in bpy.data.images} == names
    assert set(empty_scene.objects) == objects and bpy.context.selected_objects[:] == selected
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    assert names <= {image.name for image in bpy.data.images}
    np.testing.assert_array_equal(stored(bpy.data.images["HandDiff skeleton"]), conditioning.skeleton)
    mask = stored(bpy.data.images["HandDiff person_mask"])[..., 0]
    np.testing.assert_array_equal(mask == 255, conditioning.person_mask)
    for name in names:
        space = "sRGB" if name.endswith(("skeleton", "segmentation")) else "Non-Color"
        assert bpy.data.images[name].colorspace_settings.name == space
