# SPDX-License-Identifier: GPL-3.0-or-later
"""``handdiff texture``, ``layer`` and ``generate --views`` from a file to a folder."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import bpy
import numpy as np
import pytest
from PIL import Image

from handdiff_addon.cli import main
from handdiff_addon.jobs.lock import LOCK_FILE
from handdiff_addon.scene.sample_human import create_sample_scene
from handdiff_addon.scene.textured import texture_of, texture_pictures
from tests.builders import add_camera


@pytest.fixture(scope="module")
def blend(tmp_path_factory) -> Path:
    """The sample human with a second camera behind it."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    create_sample_scene(scene)
    front = scene.camera
    add_camera((0, 3.0, 1.2), size=(512, 512), name="Behind")
    scene.camera = front
    path = tmp_path_factory.mktemp("scene") / "scene.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    return path


def colours(path: Path) -> np.ndarray:
    bpy.ops.wm.open_mainfile(filepath=str(path))
    return np.asarray(texture_pictures(texture_of(bpy.data.objects["SampleHuman"]))[1001]).astype(int)


def test_pictures_of_two_cameras_become_one_texture(blend, tmp_path):
    for name, colour in (("front", (200, 20, 20)), ("back", (20, 20, 200))):
        Image.new("RGB", (96, 96), colour).save(tmp_path / f"{name}.png")
    out = tmp_path / "out"
    views = ["--view", str(tmp_path / "front.png"), "--view", f"Behind={tmp_path / 'back.png'}"]
    flags = ["--texture-size", "128", "--texture-files", "--look", "unlit"]
    assert main(["texture", str(blend), "-o", str(out), *views, *flags]) == 0
    assert {path.name for path in out.iterdir()} == {"textured.blend", "textures", LOCK_FILE}
    texture = colours(out / "textured.blend")
    assert (np.abs(texture - (200, 20, 20)).max(axis=-1) < 20).mean() > 0.1
    assert (np.abs(texture - (20, 20, 200)).max(axis=-1) < 20).mean() > 0.1


def huge(path: Path) -> Path:
    """A picture with so many pixels, by its header, that Pillow does not open it."""
    Image.new("L", (8, 8)).save(path)
    data = path.read_bytes()
    header = b"IHDR" + struct.pack(">II", 20000, 20000) + data[24:29]
    path.write_bytes(data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:])
    return path


def test_what_cannot_be_used_is_refused_before_anything_is_written(blend, tmp_path, capfd):
    (tmp_path / "bad.png").write_text("no picture")
    Image.new("L", (8, 8)).save(tmp_path / "mask.png")
    out = ["-o", str(tmp_path / "out")]
    assert main(["texture", str(blend), *out, "--view", str(tmp_path / "bad.png")]) == 3
    assert main(["texture", str(blend), *out, "--view", str(huge(tmp_path / "huge.png"))]) == 3
    assert main(["texture", str(blend), *out, "--view", f"Nobody={tmp_path / 'mask.png'}"]) == 3
    assert main(["texture", str(blend), *out, "--view", str(tmp_path / "mask.png"), "--uv-map", "None"]) == 2
    layer = ["layer", str(blend), *out, "--mask", str(tmp_path / "mask.png"), "--picture"]
    assert main([*layer, str(tmp_path / "missing.png")]) == 3
    assert main([*layer, str(tmp_path / "huge.png")]) == 3
    assert main([*layer, str(tmp_path / "mask.png"), "--frames", "1-2"]) == 2
    assert main([*layer, str(tmp_path / "mask.png"), "--exr", str(tmp_path / "nothing")]) == 2
    (tmp_path / "passes" / "depth").mkdir(parents=True)
    for path in ("0001.png", "passes/depth/-0005.png"):
        Image.new("L", (8, 8)).save(tmp_path / path)
    below = ["--frames=-5--5", "--exr", str(tmp_path / "passes")]
    assert main([*layer, str(tmp_path / "0001.png"), *below]) == 2
    assert not (tmp_path / "out").exists()
    errors = capfd.readouterr().err
    assert "Traceback" not in errors
    assert len([line for line in errors.splitlines() if line.endswith(".")]) >= 9
    assert "-0005.png is numbered below 0" in errors


def test_a_layer_with_passes_for_the_exr(blend, tmp_path):
    passes = ["passes", str(blend), "-o", str(tmp_path / "passes"), "--size", "64", "64", "--passes", "all"]
    assert main(passes) == 0
    files = ["--picture", str(tmp_path / "passes/skeleton.png"), "--mask", str(tmp_path / "passes/hands_mask.png")]
    assert main(["layer", str(blend), "-o", str(tmp_path / "out"), *files, "--exr", str(tmp_path / "passes")]) == 0
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "out/layered.blend"))
    from handdiff_addon.scene import compat

    tree = compat.compositor_tree(bpy.context.scene)
    (writer,) = [node for node in tree.nodes if node.bl_idname == "CompositorNodeOutputFile"]
    assert {"Combined", "HandDiff", "person_mask", "metric_depth", "normal", "skeleton"} <= set(writer.inputs.keys())
    assert "HandDiff" in tree.nodes


def test_further_views_are_painted_around_the_first(blend, tmp_path):
    pytest.importorskip("torch")
    flags = ["-p", "a person in a red shirt", "--steps", "1", "--size", "64", "64", "--views", "2"]
    more = ["--to", "texture", "--texture-size", "128", "--single-stage"]
    assert main(["generate", str(blend), "-o", str(tmp_path / "out"), *flags, *more]) == 0
    assert {"view_1.png", "view_2.png", "textured.blend"} <= {path.name for path in (tmp_path / "out").iterdir()}
    assert colours(tmp_path / "out/textured.blend").std() > 5
