# SPDX-License-Identifier: GPL-3.0-or-later
"""The result picture as a compositor layer over the render."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from PIL import Image

from handdiff_addon.errors import SceneError, UsageError
from handdiff_addon.scene import compat
from handdiff_addon.scene.layer import NAME, add_exr, apply_layer, remove_exr, remove_layer

SIZE = 64
INSIDE, OUTSIDE = np.s_[:, :36], np.s_[:, 44:]


@pytest.fixture
def scene(empty_scene):
    """A camera in a plain green world, rendered in a moment."""
    scene = empty_scene
    scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(scene.camera)
    scene.world = bpy.data.worlds.new("World")
    compat.use_nodes(scene.world)
    scene.world.node_tree.nodes["Background"].inputs[0].default_value = (0.1, 0.5, 0.2, 1)
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 1
    scene.render.resolution_x = scene.render.resolution_y = SIZE
    scene.render.dither_intensity = 0
    scene.view_settings.view_transform = "Standard"
    return scene


@pytest.fixture
def picture() -> Image.Image:
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    return Image.fromarray(np.stack([90 + x * 2, 70 + y * 2, 110 + x], axis=-1).astype(np.uint8))


@pytest.fixture
def mask() -> np.ndarray:
    mask = np.zeros((SIZE, SIZE), dtype=bool)
    mask[:, :40] = True
    return mask


def render(scene, tmp_path) -> np.ndarray:
    scene.render.filepath = str(tmp_path / "render.png")
    scene.render.image_settings.file_format = "PNG"
    bpy.ops.render.render(write_still=True)
    return np.asarray(Image.open(tmp_path / "render.png").convert("RGB")).astype(int)


@pytest.mark.parametrize(
    ("view", "exposure", "gamma", "tolerance"),
    [("Standard", 0, 1, 0), ("Standard", 1, 1.3, 1), ("Filmic", 0, 1, 1), ("AgX", 0, 1, 3), ("Raw", 0, 1, 0)],
)
def test_the_layer_looks_in_the_render_as_in_its_file(scene, picture, mask, tmp_path, view, exposure, gamma, tolerance):
    scene.view_settings.view_transform = view
    scene.view_settings.exposure = exposure
    scene.view_settings.gamma = gamma
    plain = render(scene, tmp_path)
    assert apply_layer(scene, picture, mask) == []
    layered = render(scene, tmp_path)
    assert np.abs(layered - np.asarray(picture))[INSIDE].max() <= tolerance
    assert np.abs(layered - plain)[OUTSIDE].max() <= 1
    assert remove_layer(scene)
    assert np.array_equal(render(scene, tmp_path), plain)


def test_the_mask_has_a_soft_edge(scene, picture, mask, tmp_path):
    plain = render(scene, tmp_path)
    apply_layer(scene, picture, mask, feather=9)
    mixed = render(scene, tmp_path)
    difference = np.abs(mixed - plain).sum(axis=-1)[32]
    assert difference[34] > difference[40] > difference[46] > 0


def test_the_artists_nodes_stay_and_the_layer_comes_last(scene, picture, mask, tmp_path):
    tree = compat.compositor_tree(scene, create=True)
    output = compat.compositor_outputs(tree)[0]
    darker = tree.nodes.new("CompositorNodeExposure")
    darker.name = "Artist's"
    darker.inputs["Exposure"].default_value = -2
    tree.links.new(output.links[0].from_socket, darker.inputs[0])
    tree.links.new(darker.outputs[0], output)
    names = set(tree.nodes.keys())
    plain = render(scene, tmp_path)
    apply_layer(scene, picture, mask)
    layered = render(scene, tmp_path)
    assert np.abs(layered - np.asarray(picture))[INSIDE].max() == 0
    assert np.abs(layered - plain)[OUTSIDE].max() == 0
    remove_layer(scene)
    tree = compat.compositor_tree(scene)
    assert set(tree.nodes.keys()) == names
    assert compat.compositor_outputs(tree)[0].links[0].from_node.name == "Artist's"
    assert np.array_equal(render(scene, tmp_path), plain)


def test_applying_again_replaces_the_layer(scene, picture, mask, tmp_path):
    apply_layer(scene, Image.new("RGB", (SIZE, SIZE)), ~mask)
    apply_layer(scene, picture, mask)
    tree = compat.compositor_tree(scene)
    assert sum(node.bl_idname == "CompositorNodeGroup" for node in tree.nodes) == 1
    assert [name for name in dict(bpy.data.images.items()) if name.startswith(NAME)] == [NAME, f"{NAME} mask"]
    assert np.abs(render(scene, tmp_path) - np.asarray(picture))[INSIDE].max() == 0


def test_the_layer_travels_in_the_file_and_follows_the_render_size(scene, picture, mask, tmp_path):
    picture.save(tmp_path / "result.png")
    apply_layer(scene, tmp_path / "result.png", mask)
    (tmp_path / "result.png").unlink()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    scene = bpy.context.scene
    scene.render.resolution_percentage = 50
    small = render(scene, tmp_path)
    expected = np.asarray(picture.resize((SIZE // 2, SIZE // 2), Image.Resampling.BOX)).astype(int)
    assert np.abs(small - expected)[2:-2, 2:17].max() <= 4


def test_removing_leaves_the_compositor_as_it_was(scene, picture, mask):
    scene.render.use_compositing = False
    assert not remove_layer(scene)
    assert compat.compositor_tree(scene) is None
    apply_layer(scene, picture, mask)
    assert remove_layer(scene)
    assert compat.compositor_tree(scene) is None
    assert not scene.render.use_compositing
    assert not bpy.data.node_groups


@pytest.mark.skipif(compat.BLENDER_5, reason="compositing nodes cannot be switched off and kept")
@pytest.mark.parametrize("more", [0, 5])
def test_removing_leaves_nodes_off_that_the_artist_had_switched_off(scene, picture, mask, more):
    tree = compat.compositor_tree(scene, create=True)
    compat.compositor_outputs(tree)
    for _ in range(more):
        tree.nodes.new("CompositorNodeBlur")
    scene.use_nodes = False
    apply_layer(scene, picture, mask)
    remove_layer(scene)
    assert not compat.compositor_on(scene)


def test_removing_keeps_nodes_that_came_after_the_layer(scene, picture, mask):
    apply_layer(scene, picture, mask)
    compat.compositor_tree(scene).nodes.new("CompositorNodeExposure")
    remove_layer(scene)
    assert compat.compositor_on(scene)


def crop(scene, left, right, bottom, top):
    """Render a region of the frame alone, given in parts of its width and height from below on."""
    render = scene.render
    render.use_border = render.use_crop_to_border = True
    render.border_min_x, render.border_max_x, render.border_min_y, render.border_max_y = left, right, bottom, top


@pytest.mark.parametrize("before", [True, False], ids=["applied to the crop", "cropped later"])
@pytest.mark.parametrize("feather", [0, 6])
def test_a_render_cropped_to_its_region_shows_that_part_of_the_layer(scene, picture, tmp_path, before, feather):
    """Whatever region and size it has, and whole again without; each mask's edge is as soft as in the whole."""
    scene.world.node_tree.nodes["Background"].inputs["Strength"].default_value = 0
    scene.render.resolution_y = 48
    y, x = np.mgrid[0:48, 0:SIZE]
    disc = (x - 40) ** 2 + (y - 20) ** 2 < 15**2
    if before:
        crop(scene, 0.2, 0.6, 0.4, 0.9)
    assert apply_layer(scene, picture, disc, feather) == []
    drivers = [
        curve.driver for group in bpy.data.node_groups if group.animation_data for curve in group.animation_data.drivers
    ]
    assert drivers and all(driver.is_simple_expression for driver in drivers), "scripts in files may be off"
    for percentage in (100, 50):
        scene.render.resolution_percentage = percentage
        width, height = SIZE * percentage // 100, 48 * percentage // 100
        scene.render.use_border = False
        whole = render(scene, tmp_path)
        assert whole.shape == (height, width, 3) and whole[20 * height // 48, 40 * width // SIZE].min() > 50
        for left, right, bottom, top in ((0.25, 0.75, 0.5, 1.0), (0.1, 0.7, 0.3, 0.9), (0.513, 0.99, 0.21, 0.8)):
            crop(scene, left, right, bottom, top)
            x0, x1 = (int(np.float32(part) * np.float32(width)) for part in (left, right))
            y0, y1 = (int(np.float32(part) * np.float32(height)) for part in (bottom, top))
            region = np.s_[height - y1 : height - y0, x0:x1]
            assert np.abs(render(scene, tmp_path) - whole[region]).max() <= 1
        scene.render.use_crop_to_border = False
        assert np.abs(render(scene, tmp_path) - whole)[region].max() <= 1


def test_a_sequence_moves_with_its_saved_file(scene, tmp_path):
    (tmp_path / "shot" / "image").mkdir(parents=True)
    for number, value in ((7, 40), (8, 200)):
        Image.new("RGB", (SIZE, SIZE), (value, value, value)).save(tmp_path / "shot" / "image" / f"{number:04d}.png")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot" / "scene.blend"))
    scene = bpy.context.scene
    white = np.ones((SIZE, SIZE), bool)
    apply_layer(scene, tmp_path / "shot" / "image" / "0007.png", white, frames=(11, 12))
    bpy.ops.wm.save_mainfile()
    (tmp_path / "shot").rename(tmp_path / "moved")
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "moved" / "scene.blend"))
    scene = bpy.context.scene
    scene.frame_set(12)
    assert np.abs(render(scene, tmp_path) - 200).max() <= 1


@pytest.mark.parametrize("first", [7, 0])
def test_a_sequence_plays_in_blenders_own_animation_render(scene, tmp_path, first):
    for folder, values in (("image", (40, 110, 200)), ("mask", (255, 0, 255))):
        (tmp_path / folder).mkdir()
        for number, value in enumerate(values, first):
            Image.new("RGB", (SIZE, SIZE), (value, value, value)).save(tmp_path / folder / f"{number:04d}.png")
    files = [tmp_path / folder / f"{first:04d}.png" for folder in ("image", "mask")]
    assert apply_layer(scene, *files, feather=0, frames=(11, 13)) == []
    scene.frame_start, scene.frame_end = 11, 13
    scene.render.filepath = f"{tmp_path}/out/"
    scene.render.image_settings.file_format = "PNG"
    bpy.ops.render.render(animation=True)
    seen = [np.asarray(Image.open(tmp_path / "out" / f"{n:04d}.png").convert("RGB"))[32, 32] for n in (11, 12, 13)]
    assert np.abs(seen[0].astype(int) - 40).max() <= 1
    assert np.abs(seen[2].astype(int) - 200).max() <= 1
    assert seen[1][1] > seen[1][0] + 30  # the green world where the mask is black
    with pytest.raises(SceneError, match=rf"lacks .*{first + 3:04d}\.png"):
        apply_layer(scene, *files, frames=(11, 14))


def test_a_dash_before_a_sequences_number_is_a_minus_only_where_no_name_goes_before(scene, picture, mask, tmp_path):
    """Blender's own names of frames below 0, which it cannot play: it counts up from 5 in -0005.png."""
    for name in ("-0005.png", "shot-0005.png"):
        picture.save(tmp_path / name)
    with pytest.raises(UsageError, match="below 0"):
        apply_layer(scene, tmp_path / "-0005.png", mask, frames=(-5, -5))
    assert apply_layer(scene, tmp_path / "shot-0005.png", mask, frames=(-5, -5)) == []


def test_the_groups_sockets_fade_and_limit_the_layer(scene, picture, mask, tmp_path):
    plain = render(scene, tmp_path)
    apply_layer(scene, picture, mask)
    node = compat.compositor_tree(scene).nodes[NAME]
    node.inputs["Opacity"].default_value = 0.5
    half = render(scene, tmp_path)[INSIDE]
    ends = np.stack([plain[INSIDE], np.asarray(picture)[INSIDE]])
    assert (half >= ends.min(axis=0) - 1).all() and (half <= ends.max(axis=0) + 1).all()
    assert np.abs(half - plain[INSIDE]).max() > 10
    node.inputs["Mask"].default_value = 0.0
    assert np.array_equal(render(scene, tmp_path), plain)


def test_under_the_render_shows_where_the_film_is_clear(scene, picture, mask, tmp_path):
    assert any("film" in warning for warning in apply_layer(scene, picture, np.ones_like(mask), under=True))
    scene.render.film_transparent = True
    assert apply_layer(scene, picture, np.ones_like(mask), under=True) == []
    assert np.abs(render(scene, tmp_path) - np.asarray(picture)).max() == 0


def test_a_multilayer_exr_holds_the_picture_and_the_passes(scene, picture, mask, tmp_path):
    Image.fromarray(mask).convert("L").save(tmp_path / "person_mask.png")
    Image.fromarray(np.full((SIZE, SIZE), 1500, np.uint16)).save(tmp_path / "metric_depth.png")
    passes = {name: tmp_path / f"{name}.png" for name in ("person_mask", "metric_depth")}
    apply_layer(scene, picture, mask)
    add_exr(scene, tmp_path / "exr", passes)
    tree = compat.compositor_tree(scene)
    render(scene, tmp_path)
    (path,) = (tmp_path / "exr").iterdir()
    for name in (b"Combined", b"person_mask", b"metric_depth"):
        assert name in path.read_bytes()[:4000]
    # Read back by Blender: the depth is in metres.
    scene.view_settings.view_transform = "Raw"
    image = bpy.data.images.load(str(path))
    reader, output = tree.nodes.new("CompositorNodeImage"), compat.compositor_outputs(tree)[0]
    reader.image = image
    depth = next(socket for socket in reader.outputs if "metric_depth" in socket.name)
    dim = compat.compositor_math(tree)
    dim.operation = "MULTIPLY"
    dim.inputs[1].default_value = 0.1
    tree.links.new(depth, dim.inputs[0])
    tree.links.new(dim.outputs[0], output)
    assert remove_exr(scene)
    assert np.abs(render(scene, tmp_path)[8:-8, 8:-8] - 0.15 * 255).max() <= 1
    for node in (reader, dim):
        tree.nodes.remove(node)
    assert not remove_exr(scene)
    assert remove_layer(scene)


def test_a_multilayer_exr_of_a_cropped_render_holds_that_part_of_the_passes(scene, picture, mask, tmp_path):
    ramp = np.arange(SIZE * SIZE, dtype=np.uint16).reshape(SIZE, SIZE) * 16
    Image.fromarray(ramp).save(tmp_path / "depth.png")
    add_exr(scene, tmp_path / "exr", {"depth": tmp_path / "depth.png"})
    crop(scene, 0.25, 0.75, 0.5, 0.875)
    render(scene, tmp_path)
    (path,) = (tmp_path / "exr").iterdir()
    remove_exr(scene)
    scene.render.use_border = False
    scene.render.resolution_x, scene.render.resolution_y = 32, 24
    scene.view_settings.view_transform = "Raw"
    scene.render.image_settings.color_depth = "16"
    tree = compat.compositor_tree(scene, create=True)
    reader, output = tree.nodes.new("CompositorNodeImage"), compat.compositor_outputs(tree)[0]
    reader.image = bpy.data.images.load(str(path))
    tree.links.new(next(socket for socket in reader.outputs if "depth" in socket.name), output)
    scene.render.filepath = str(tmp_path / "back.exr")
    scene.render.image_settings.file_format = "OPEN_EXR"
    bpy.ops.render.render(write_still=True)
    back = bpy.data.images.load(str(tmp_path / "back.exr"))
    values = np.array(back.pixels[:]).reshape(24, 32, 4)[::-1, :, 0]
    np.testing.assert_allclose(values, ramp[8:32, 16:48] / 65535, atol=1e-3)


def test_a_look_that_shifts_colours_is_warned_about(scene, picture, mask):
    scene.view_settings.view_transform = "False Color"
    assert any("False Color" in warning for warning in apply_layer(scene, picture, mask))
    scene.view_settings.view_transform = "AgX"
    scene.view_settings.look = "AgX - Punchy"
    assert any("look" in warning for warning in apply_layer(scene, picture, mask))
