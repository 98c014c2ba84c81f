# SPDX-License-Identifier: GPL-3.0-or-later
"""What an artist does on the first day, step by step in a real window; runs inside Blender, see ``test_window.py``.

Beside this file lie ``handdiff.zip`` and ``engine.txt`` (an engine's folder, or nothing).  After a step,
``picture.txt`` names a picture that is to be taken of the window, and goes when that is done; the last step leaves
``report_N.json``, where N is 1 the first time, and 2 when the file is opened again.
"""

import json
import sys
import time
import traceback
from functools import partial
from pathlib import Path

import bpy

HERE = Path(__file__).resolve().parent
KEY = "bl_ext.user_default.handdiff"
WANTED = HERE / "picture.txt"
AGAIN = (HERE / "report_1.json").exists()
report = {"steps": [], "error": ""}


def session():
    return sys.modules[f"{KEY}.operators.session"]


def first_day():
    bpy.context.preferences.view.show_splash = False
    for thing in list(bpy.data.objects):
        bpy.data.objects.remove(thing)
    bpy.ops.extensions.package_install_files(
        filepath=str(HERE / "handdiff.zip"), repo="user_default", enable_on_install=True, overwrite=True
    )
    show_tab()
    yield "installed"
    bpy.context.preferences.addons[KEY].preferences.engine_folder = (HERE / "engine.txt").read_text().strip()
    yield "nothing there yet"
    bpy.ops.handdiff.add_sample_human()
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.location, camera.rotation_euler = (0.0, -3.2, 1.2), (1.5708, 0.0, 0.0)
    bpy.context.scene.collection.objects.link(camera)
    bpy.context.scene.camera = camera
    bpy.context.scene.render.resolution_x = bpy.context.scene.render.resolution_y = 512
    area = view()
    area.spaces.active.region_3d.view_perspective = "CAMERA"
    bpy.ops.wm.save_as_mainfile(filepath=str(HERE / "scene.blend"))
    yield "sample human recognised"
    bpy.context.scene.handdiff.prompt = "a person in a green shirt with a white background"
    report["generate"] = sorted(bpy.ops.handdiff.generate())
    yield "generating"
    while session().runs:
        yield ""
    report["message"], report["failed"] = session().message, session().failed
    yield "generated"
    report["texture"] = sorted(bpy.ops.handdiff.apply_texture())
    area.spaces.active.shading.type = "MATERIAL"
    yield "texture applied"
    report["restore"] = sorted(bpy.ops.handdiff.restore_materials())
    report["layer"] = sorted(bpy.ops.handdiff.apply_layer())
    area.spaces.active.shading.type = "SOLID"
    yield "layer added"
    bpy.ops.ed.undo_push(message="before")
    bpy.context.scene.handdiff.prompt = "something else"
    bpy.ops.ed.undo_push(message="after")
    bpy.ops.ed.undo()
    report["undone"] = bpy.context.scene.handdiff.prompt
    yield "undone"
    bpy.ops.wm.save_mainfile()


def next_day():
    bpy.ops.wm.open_mainfile(filepath=str(HERE / "scene.blend"))
    yield ""
    show_tab()
    yield "opened again"
    history = sys.modules[f"{KEY}.operators.history"]
    report["history"] = [entry.request.prompt for entry in history.entries()]
    report["files"] = sorted(path.name for path in history.entries()[0].folder.iterdir()) if history.entries() else []
    yield "history"


def view():
    return next(area for area in bpy.context.window_manager.windows[0].screen.areas if area.type == "VIEW_3D")


def show_tab():
    area = view()
    area.spaces.active.show_region_ui = True
    for region in area.regions:
        if region.type == "UI":
            bpy.app.timers.register(partial(setattr, region, "active_panel_category", "HandDiff"), first_interval=1.0)


steps = next_day() if AGAIN else first_day()
number = 0
drawn = ""


def step():
    """Take the next step, once the picture of the last one is taken."""
    global number, drawn
    if drawn:
        WANTED.write_text(drawn)
        drawn = ""
    if WANTED.exists():
        return 0.5
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
        try:
            title = next(steps)
        except StopIteration:
            return done()
        except Exception:
            report["error"] = traceback.format_exc()
            return done()
    if title:
        number += 1
        drawn = f"{'b' if AGAIN else 'a'}{number} {title}.png"
        report["steps"].append(drawn)
        return 2.5  # to be drawn
    return 0.5


def done():
    report["seconds"] = round(time.monotonic() - begun, 1)
    (HERE / f"report_{2 if AGAIN else 1}.json").write_text(json.dumps(report, indent=1))
    bpy.ops.wm.quit_blender()


begun = time.monotonic()
bpy.app.timers.register(step, first_interval=4.0, persistent=True)
