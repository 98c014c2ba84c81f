# SPDX-License-Identifier: GPL-3.0-or-later
"""Putting results into a scene that is no longer as it was painted, and where results cannot be kept."""

from __future__ import annotations

from pathlib import Path


def test_an_older_picture_goes_through_the_camera_that_it_was_painted_with(blender, tmp_path: Path) -> None:
    from tests.tiny_embedded import build_tiny_model

    model = build_tiny_model(tmp_path / "model")
    reports, output = blender(f"""
import numpy as np
settings = sample_scene()
scene = bpy.context.scene
settings.model, settings.steps, settings.hand_steps = {str(model)!r}, 1, 1
scene.handdiff_outputs.texture_size, scene.handdiff_outputs.closeups = 64, False
bpy.ops.handdiff.generate()
from PIL import Image
from PIL.PngImagePlugin import PngInfo
rows, columns = np.mgrid[:128, :128]  # a picture whose every place is known
coded = np.stack([2 * columns, 2 * rows, np.full_like(rows, 128)], axis=-1).astype(np.uint8)
text = PngInfo()
text.add_text("handdiff", Image.open("handdiff/scene/0001/image.png").info["handdiff"])
Image.fromarray(coded).save("handdiff/scene/0001/image.png", pnginfo=text)
def textured():
    bpy.ops.handdiff.apply_texture()
    image = next(image for image in bpy.data.images if image.name.startswith("HandDiff"))
    pixels = np.array(image.pixels[:])
    bpy.ops.handdiff.restore_materials()
    return pixels
def colours():
    areas = [area for window in bpy.context.window_manager.windows for area in window.screen.areas]
    return [area.spaces.active.shading.color_type for area in areas if area.type == "VIEW_3D"]
before, solid = textured(), colours()
bpy.ops.handdiff.apply_texture()
report(shown=colours())
bpy.ops.handdiff.restore_materials()
report(solid=solid, restored=colours())
bpy.ops.wm.save_mainfile()
bpy.ops.handdiff.generate()
bpy.ops.handdiff.choose_picture(folder=str(Path("handdiff/scene/0001").absolute()))
scene.camera.location.x, scene.render.resolution_y = 0.7, 96
scene.camera.data.lens = 80
report(camera=float(np.abs(textured() - before).max()))
print("MOVED")
rig = next(o for o in scene.objects if o.type == "ARMATURE")
rig.location.x = 0.4
bpy.context.view_layer.update()
textured()
Path("handdiff/scene/0001/pose.json").unlink()
report(lost=refusal(bpy.ops.handdiff.apply_texture))
""")
    assert reports["camera"] < 0.01, "the texture depends on where the camera stands now"
    before, after = output.split("MOVED", 1)
    assert "no longer stands" not in before and "no longer stands" in after
    assert "generate the picture again" in reports["lost"]
    assert "TEXTURE" in reports["shown"] and reports["restored"] == reports["solid"] != reports["shown"]


def test_what_stands_in_the_way_is_named_with_the_remedy(blender) -> None:
    reports, _ = blender("""
settings = sample_scene()
scene = bpy.context.scene
Path("handdiff").write_text("a file in the way")
for name in ("render_passes", "generate", "animate", "export_glb"):
    report(**{name: refusal(getattr(bpy.ops.handdiff, name))})
character = bpy.data.collections.new("Character")
for thing in [o for o in scene.objects if o.type in ("ARMATURE", "MESH")]:
    for collection in thing.users_collection:
        collection.objects.unlink(thing)
    character.objects.link(thing)
hero = bpy.data.objects.new("Hero", None)
hero.instance_type, hero.instance_collection = "COLLECTION", character
scene.collection.objects.link(hero)
report(instance=refusal(bpy.ops.handdiff.render_passes))
""")
    for name in ("render_passes", "generate", "animate", "export_glb"):
        assert "save the .blend where you may write" in reports[name], reports[name]
    assert '"Hero" is an instance' in reports["instance"] and "Make Instances Real" in reports["instance"]
