# SPDX-License-Identifier: GPL-3.0-or-later
"""Animations in the installed extension: painted, stopped, gone on with, turned into a strip and a movie."""

from __future__ import annotations

from pathlib import Path

SCENE = """
bpy.ops.handdiff.add_sample_human()
camera = bpy.data.objects.new("Eye", bpy.data.cameras.new("Eye"))
camera.location, camera.rotation_euler = (0, -3, 1.1), (1.5708, 0, 0)
bpy.context.scene.collection.objects.link(camera)
bpy.context.scene.camera = camera
bpy.context.scene.render.resolution_x = bpy.context.scene.render.resolution_y = 128
settings = bpy.context.scene.handdiff
bpy.ops.wm.save_as_mainfile(filepath=str(Path("scene.blend").absolute()))
names = lambda folder: sorted(p.name for p in Path(folder).iterdir()) if Path(folder).is_dir() else []
"""


def test_an_animation_is_painted_goes_on_and_becomes_a_strip_and_a_movie(blender, tmp_path: Path) -> None:
    from tests.tiny_embedded import build_tiny_model

    model = build_tiny_model(tmp_path / "model")
    reports, output = blender(f"""
{SCENE}
scene = bpy.context.scene
settings.model, settings.steps, settings.hand_steps = {str(model)!r}, 1, 1
human = next(o for o in scene.objects if o.type == "ARMATURE")
for frame, x in ((1, 0.0), (2, 90.0), (3, 0.2), (5, 0.3)):
    human.location.x = x
    human.keyframe_insert("location", frame=frame)
scene.frame_set(5)
scene.frame_start, scene.frame_end = 1, 3
ops = bpy.ops.handdiff
folder = Path("handdiff/scene/animation")
report(nothing=refusal(ops.add_strip), idle=refusal(ops.cancel_animation))
report(painted=sorted(ops.animate()), frames=names(folder / "image"), frame=scene.frame_current)
times = {{p: p.stat().st_mtime_ns for p in folder.rglob("*.png")}}
scene.frame_end = 5
ops.animate()
report(kept=all(p.stat().st_mtime_ns == t for p, t in times.items()), more=names(folder / "image"))
scene.frame_step = 2
report(strip=sorted(ops.add_strip()), movie=sorted(ops.write_movie()), files=names(folder))
report(elements=[e.filename for e in scene.sequence_editor.strips[0].elements])
(folder / "image" / "0003.png").unlink()
report(missing=refusal(ops.write_movie))
settings.seed = 9
report(changed=refusal(ops.animate), over=sorted(ops.animate(restart=True)), after=names(folder / "image"))
report(aside=names(folder / "previous" / "1" / "image"))
""")
    assert "no painted animation" in reports["nothing"] and "No animation" in reports["idle"]
    assert reports["painted"] == reports["strip"] == reports["movie"] == reports["over"] == ["FINISHED"]
    assert reports["frames"] == ["0001.png", "0002.png", "0003.png"] and reports["frame"] == 5
    assert "In frame 2 nobody is painted" in output
    assert reports["kept"] and len(reports["more"]) == 5
    assert "animation.mp4" in reports["files"]
    assert reports["elements"] == [f"000{n}.png" for n in (1, 1, 3, 3, 5, 5)]
    assert "0003.png is not there" in reports["missing"] and "another seed" in reports["changed"]
    assert reports["after"] == ["0001.png", "0003.png", "0005.png"] and len(reports["aside"]) == 4


def test_an_animation_goes_on_in_the_background_and_stops_when_asked(blender, tmp_path: Path) -> None:
    """The window's way: the timer takes the steps, while everything else goes on."""
    from tests.tiny_embedded import build_tiny_model

    model = build_tiny_model(tmp_path / "model")
    reports, _ = blender(f"""
import time
{SCENE}
settings.model, settings.steps, settings.hand_steps = {str(model)!r}, 1, 1
scene = bpy.context.scene
scene.frame_start, scene.frame_end = 1, 30
animate = sys.modules[KEY + ".operators.animate"]
folder = Path("handdiff/scene/animation")
from bl_ext.user_default.handdiff.handdiff_addon.scene import passes
from bl_ext.user_default.handdiff.handdiff_addon.jobs.batch import BatchFolder
rastered, saved = threads_of(passes, "rasterise"), threads_of(BatchFolder, "save")
shares = []
def work(until):
    steps, waiting = animate.paint_animation(bpy.context), set()
    try:
        while not until():
            if not waiting or any(future.done() for future in waiting):
                waiting = next(steps)
            shares.append(animate.share_done())
            time.sleep(0.005)
        bpy.ops.handdiff.generate()  # a single picture in between
        report(between=names("handdiff/scene"))
        bpy.ops.handdiff.cancel_animation()
        while True:
            if not waiting or any(future.done() for future in waiting):
                waiting = next(steps)
    except Exception as error:
        return type(error).__name__
line = lambda: (folder / "manifest.jsonl").read_text().count("\\n") if (folder / "manifest.jsonl").exists() else 0
report(ended=work(lambda: line() >= 2), lines=line(), idle=animate.progress is None and animate.share_done() == 0)
report(rises=shares == sorted(shares), within=sorted(set(share * 30 % 1 for share in shares)))
report(rastered=sorted(set(rastered)), saved=sorted(set(saved)))
steps = animate.paint_animation(bpy.context)
next(steps)
before = time.monotonic()
bpy.ops.preferences.addon_disable(module=KEY)
steps.close()
report(disable=time.monotonic() - before, left=[n for n in dir(bpy.types) if n.upper().startswith("HANDDIFF")])
""")
    assert reports["ended"] == "Cancelled" and 2 <= reports["lines"] < 30 and reports["idle"]
    assert reports["rises"] and any(0.1 < part < 0.9 for part in reports["within"]), "the bar waits for whole frames"
    assert "0001" in reports["between"]
    assert reports["rastered"] == ["handdiff-passes"] and reports["saved"] == ["handdiff-saver_0"], "the window waits"
    assert reports["left"] == [] and reports["disable"] < 30
