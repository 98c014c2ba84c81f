# SPDX-License-Identifier: GPL-3.0-or-later
"""Previews: GLB in every form, read by trimesh, Blender and the Khronos validator; the page; the turntable."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import bpy
import numpy as np
import pytest
import trimesh
from PIL import Image

from handdiff_addon.cli import main
from handdiff_addon.conditioning.shots import Shot
from handdiff_addon.jobs.lock import LOCK_FILE
from handdiff_addon.scene.files import open_blend
from handdiff_addon.scene.glb import PRESETS, Limits, export_glb
from handdiff_addon.scene.ring import ring
from handdiff_addon.scene.sample_human import create_sample_scene
from handdiff_addon.scene.texture import Projection

SIZE = 128


@pytest.fixture(scope="module")
def textured(tmp_path_factory) -> Path:
    """The sample human, animated, with an unlit texture that is red from the front and blue from the back."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    rig = create_sample_scene(scene)
    arm = rig.pose.bones["RightForeArm"]
    arm.rotation_mode = "XYZ"
    for frame, turn in ((1, 0.0), (6, 0.5)):
        arm.rotation_euler.z = turn
        arm.keyframe_insert("rotation_euler", frame=frame)
    scene.frame_start, scene.frame_end = 1, 6
    projection = Projection(scene, size=512)
    for camera, colour in zip(ring(scene, size=(SIZE, SIZE)), ((200, 40, 40), (40, 40, 200)), strict=False):
        projection.add(Shot(camera, np.full((SIZE, SIZE, 3), colour, np.uint8)))
    projection.show("unlit")
    path = tmp_path_factory.mktemp("textured") / "textured.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    return path


@pytest.fixture(scope="module")
def models(textured, tmp_path_factory) -> dict[str, Path]:
    """One GLB of each form."""
    scene, folder = open_blend(textured), tmp_path_factory.mktemp("models")
    limits = {"posed": PRESETS["headset"], "rest": None, "animated": None}
    for form, limit in limits.items():
        assert export_glb(folder / f"{form}.glb", scene, form=form, limits=limit) == []
    assert not [m for m in bpy.data.objects["SampleHuman"].modifiers if m.type == "DECIMATE"]
    assert bpy.data.objects["SampleHuman"].data.materials[0].name == "Skin"
    return {form: folder / f"{form}.glb" for form in limits}


def document(path: Path) -> dict:
    data = path.read_bytes()
    return json.loads(data[20 : 20 + int.from_bytes(data[12:16], "little")])


def test_the_headset_preset_keeps_its_limits_and_its_look(models):
    path = models["posed"]
    assert path.stat().st_size <= PRESETS["headset"].bytes
    model = trimesh.load(path)
    assert 10_000 < sum(len(mesh.faces) for mesh in model.geometry.values()) <= PRESETS["headset"].triangles * 1.01
    (mesh,) = model.geometry.values()
    assert max(mesh.visual.material.baseColorTexture.size) <= PRESETS["headset"].texture
    assert "KHR_materials_unlit" in document(path)["extensionsUsed"]
    # The person faces +z: red there, blue behind.
    facing = mesh.vertex_normals[:, 2]
    colours = mesh.visual.to_color().vertex_colors[:, :3].astype(int)
    assert (colours[facing > 0.8][:, 0] > colours[facing > 0.8][:, 2]).mean() > 0.9
    assert (colours[facing < -0.8][:, 2] > colours[facing < -0.8][:, 0]).mean() > 0.6  # under the clothes, colours mix


def test_the_rest_pose_has_both_arms_down(models):
    bounds = {form: trimesh.load(models[form]).bounds for form in ("posed", "rest")}
    middle = bounds["rest"].mean(axis=0)[0]
    assert abs(middle) < 0.02  # symmetric
    assert abs(bounds["posed"].mean(axis=0)[0]) > 0.02


def test_a_file_too_large_gets_smaller_textures_and_says_so_where_nothing_helps(textured, tmp_path):
    scene = open_blend(textured)
    free = Limits(5_000, 512, 1_000_000)
    assert export_glb(tmp_path / "free.glb", scene, limits=free) == []
    tight = Limits(5_000, 512, (tmp_path / "free.glb").stat().st_size - 10_000)
    assert export_glb(tmp_path / "tight.glb", scene, limits=tight) == []
    assert (tmp_path / "tight.glb").stat().st_size <= tight.bytes
    assert document(tmp_path / "tight.glb")["images"][0]["mimeType"] == "image/jpeg"
    (warning,) = export_glb(tmp_path / "none.glb", scene, limits=Limits(5_000, 512, 1000))
    assert "more than" in warning


def test_skin_and_animation_come_back_in_blender(models):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=str(models["animated"]))
    body = next(thing for thing in bpy.data.objects if thing.type == "MESH" and thing.vertex_groups)
    rig = body.find_armature()
    assert len(rig.data.bones) > 50
    scene = bpy.context.scene
    tips = []
    for frame in (0, 5):
        scene.frame_set(frame)
        tips.append(np.array(rig.matrix_world @ rig.pose.bones["RightHand"].head))
    assert np.linalg.norm(tips[1] - tips[0]) > 0.05
    assert any(image.size[0] == 512 for image in bpy.data.images)


def test_the_khronos_validator_finds_no_errors(models):
    if not shutil.which("node"):
        pytest.skip("node is not installed")
    script = (
        "const v = require('gltf-validator'), fs = require('fs');"
        "v.validateBytes(new Uint8Array(fs.readFileSync(process.argv[1])))"
        ".then(r => console.log(JSON.stringify(r.issues)))"
    )
    for path in models.values():
        done = subprocess.run(["node", "-e", script, str(path)], capture_output=True, text=True, check=False)
        if "Cannot find module" in done.stderr:
            pytest.skip("the Khronos validator is not installed: npm install gltf-validator")
        issues = json.loads(done.stdout)
        assert issues["numErrors"] == 0, issues["messages"]


def test_the_command_writes_model_page_and_turntable(textured, tmp_path, capfd):
    assert main(["preview", str(textured), "-o", str(tmp_path), "--form", "rigged", "--for", "headset"]) == 0
    written = {path.name for path in tmp_path.iterdir()} - {LOCK_FILE}
    assert written == {"preview.glb", "preview.html", "turntable.gif"}
    assert document(tmp_path / "preview.glb")["skins"]
    page = (tmp_path / "preview.html").read_text()
    assert "http" not in page.replace("http-equiv", "")
    turntable = Image.open(tmp_path / "turntable.gif")
    assert turntable.n_frames == 36
    front = np.asarray(turntable.convert("RGB")).astype(int)
    turntable.seek(18)
    back = np.asarray(turntable.convert("RGB")).astype(int)
    for picture, channel in ((front, 0), (back, 2)):
        person = np.abs(picture - 236).max(axis=-1) > 60
        assert 0.03 < person.mean() < 0.6
        assert (picture[person].argmax(axis=1) == channel).mean() > 0.8


def test_the_page_shows_the_model_in_a_browser_without_a_network(models, tmp_path):
    names = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-headless-shell", "google-chrome")
    browser = next((found for name in names if name and (found := shutil.which(name))), None)
    if browser is None:
        pytest.skip("there is no Chromium: put it on PATH, or name it in CHROMIUM")
    from handdiff_addon.scene.viewer import write_viewer

    write_viewer(tmp_path / "page.html", models["posed"].read_bytes(), "A <person>")
    picture = tmp_path / "page.png"
    subprocess.run(
        [
            browser, "--headless", "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
            "--window-size=400,400", "--virtual-time-budget=5000", f"--screenshot={picture}",
            (tmp_path / "page.html").as_uri(),
        ],
        capture_output=True, check=True, timeout=180,
    )  # fmt: skip
    seen = np.asarray(Image.open(picture).convert("RGB")).astype(int)[:340]
    person = np.abs(seen - 236).max(axis=-1) > 60
    assert 0.03 < person.mean() < 0.6
    assert (seen[person].argmax(axis=1) == 0).mean() > 0.5  # the red front
