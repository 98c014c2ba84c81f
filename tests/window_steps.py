# SPDX-License-Identifier: GPL-3.0-or-later
"""What an artist does on the first day, step by step in a real window; runs inside Blender, see ``test_window.py``.

Beside this file lie ``handdiff.zip`` and ``engine.txt`` (an engine's folder, or nothing).  What only the outside can do
is asked for by a file that goes when it is done: ``picture.txt`` names a picture to be taken of the window, and
``mouse.txt`` what mouse or keyboard are to do.  The last step leaves ``report_N.json``, where N is 1 the first time,
and 2 when the file is opened again.
"""

import json
import sys
import time
import traceback
from pathlib import Path

import bpy

HERE = Path(__file__).resolve().parent
KEY = "bl_ext.user_default.handdiff"
PICTURE, MOUSE = HERE / "picture.txt", HERE / "mouse.txt"
AGAIN = (HERE / "report_1.json").exists()
PITCH = 15
"""Pixels between two looks for a button: fewer than one is high"""
report = {"steps": [], "clicks": [], "error": ""}


def session():
    return sys.modules[f"{KEY}.operators.session"]


def history():
    return sys.modules[f"{KEY}.operators.history"].entries()


def first_day():
    bpy.context.preferences.view.show_splash = False
    for thing in list(bpy.data.objects):
        bpy.data.objects.remove(thing)
    bpy.ops.extensions.package_install_files(
        filepath=str(HERE / "handdiff.zip"), repo="user_default", enable_on_install=True, overwrite=True
    )
    yield from open_tab()
    yield "installed"
    bpy.context.preferences.addons[KEY].preferences.engine_folder = (HERE / "engine.txt").read_text().strip()
    yield from move(view().x + 300, view().y + 300)  # what the mouse enters is drawn anew
    yield from move(sidebar().x + 100, sidebar().y + 100)
    yield "nothing there yet"
    yield from click("handdiff.add_sample_human", up=True)
    yield from until(lambda: bpy.context.scene.camera)
    report["looks through"] = view().spaces.active.region_3d.view_perspective
    bpy.ops.wm.save_as_mainfile(filepath=str(HERE / "scene.blend"))
    area("PROPERTIES").type = "IMAGE_EDITOR"
    yield "sample human recognised"
    bpy.context.scene.handdiff.prompt = "a person in a green shirt with a white background"
    for number in (1, 2):
        yield from click("handdiff.generate")
        yield from until(lambda: session().runs)
        yield "generating" if number == 1 else ""
        yield from until(lambda: not session().runs)
        assert not session().failed, session().message
        bpy.context.scene.handdiff.seed, bpy.context.scene.handdiff.steps = 1, 4
    yield ""  # drawn once more
    space = area("IMAGE_EDITOR").spaces.active
    report["shown"] = space.image.name
    report["fits"] = space.image.size[0] * space.zoom[0] <= area("IMAGE_EDITOR").width
    yield "generated"
    for last in ("apply_texture", "apply_layer", "export_glb"):  # below it: Render Layer, AR/VR Preview, History
        yield from click(f"handdiff.{last}", press=False)
        yield from press(0, 36)
        yield f"below {last} opened"
    yield from click("handdiff.choose_picture", across=0.6)  # the second of two columns
    report["chosen"] = sys.modules[f"{KEY}.operators.history"].current().request.seed
    yield "older picture chosen"
    yield from click("handdiff.apply_texture", up=True)
    yield from until(lambda: any("handdiff_materials" in thing for thing in bpy.context.scene.objects))
    yield "texture applied"
    yield from click("handdiff.restore_materials", across=0.82)
    yield from until(lambda: not any("handdiff_materials" in thing for thing in bpy.context.scene.objects))
    yield from click("handdiff.apply_layer")
    yield from until(lambda: "handdiff_layer" in bpy.context.scene)
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
    yield from open_tab()
    yield "opened again"
    report["history"] = [[entry.request.prompt, entry.request.seed] for entry in history()]
    report["files"] = sorted(path.name for path in history()[0].folder.iterdir()) if history() else []
    yield "history"


# --- mouse and keyboard ---------------------------------------------------------------------------------------------

pointer = (0, 0)
"""Where the mouse is, from the window's lower left corner"""


def outside(what):
    """Let mouse or keyboard do something."""
    MOUSE.write_text(what)
    while MOUSE.exists():
        yield ""


def to_screen(x, y):
    return f"{round(x)} {round(bpy.context.window_manager.windows[0].height - y)}"


def move(x, y):
    global pointer
    pointer = (x, y)
    yield from outside(f"move {to_screen(x, y)}")


def press(right=0, down=0):
    """Click, so far from where the mouse is."""
    yield from outside(f"click {to_screen(pointer[0] + right, pointer[1] - down)}")


def until(over):
    latest = time.monotonic() + 400
    while not over():
        assert time.monotonic() < latest, "what was waited for did not come"
        yield ""


def area(kind):
    return next(area for area in bpy.context.window_manager.windows[0].screen.areas if area.type == kind)


def view():
    return area("VIEW_3D")


def sidebar():
    return next(region for region in view().regions if region.type == "UI")


def open_tab():
    """N, and a click on the tab, which is somewhere at the right edge."""
    if sidebar().width < 2:
        yield from move(view().x + 300, view().y + 300)
        yield from outside("key Escape")  # the splash of a first start
        yield from outside("key n")
        yield from until(lambda: sidebar().width > 1)
    region = sidebar()
    for down in range(40, region.height, 30):
        if region.active_panel_category == "HandDiff":
            break
        yield from move(region.x + region.width - 12, region.y + region.height - down)
        yield from press()
    assert sidebar().active_panel_category == "HandDiff", "there is no tab named HandDiff"


def click(operator, *, across=0.3, press=True, up=False):
    """Look for a button in the sidebar as the mouse finds it, from where it is downwards, scrolling on; and click it.

    ``up``: from the top.  One that is only looked for (not ``press``) ends up with room below it.
    """
    region = sidebar()
    room = 20 if press else 60
    x, top = region.x + across * region.width, region.y + region.height - 60
    begin = top if up or pointer[0] < region.x else min(top, round(pointer[1]) + 2 * PITCH)
    yield from move(x, begin)
    for _ in range(6 if up else 0):
        yield from outside(f"click {to_screen(*pointer)} 4")
    for page in range(6):
        for y in range(top if page else begin, region.y + room, -PITCH):
            yield from move(x, y)
            if (under := button()).startswith(f"bpy.ops.{operator}("):
                report["clicks"].append(under)
                if press:
                    yield from outside(f"click {to_screen(*pointer)}")
                return
        for _ in range(4):
            yield from outside(f"click {to_screen(*pointer)} 5")
    raise AssertionError(f"no button of {operator} is in the sidebar")


def button():
    """What the button under the mouse does, as Python; empty where there is none that runs an operator."""
    window = bpy.context.window_manager.windows[0]
    with bpy.context.temp_override(window=window, area=view(), region=sidebar()):
        if not bpy.ops.ui.copy_python_command_button.poll():
            return ""
        bpy.ops.ui.copy_python_command_button()
    return bpy.context.window_manager.clipboard


# --- the clock ------------------------------------------------------------------------------------------------------

steps = next_day() if AGAIN else first_day()
number = 0
drawn = ""


def step():
    """Take the next step, once the picture of the last one is taken."""
    global number, drawn
    if drawn:
        PICTURE.write_text(drawn)
        drawn = ""
    if PICTURE.exists() or MOUSE.exists():
        return 0.1
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
    return 0.1


def done():
    report["seconds"] = round(time.monotonic() - begun, 1)
    (HERE / f"report_{2 if AGAIN else 1}.json").write_text(json.dumps(report, indent=1))
    bpy.ops.wm.quit_blender()


begun = time.monotonic()
bpy.app.timers.register(step, first_interval=4.0, persistent=True)
