# SPDX-License-Identifier: GPL-3.0-or-later
"""How long HandDiff keeps a real Blender window from being drawn; runs inside Blender, see ``docs/testing.md``.

    blender --python tools/measure_window.py -- handdiff.zip ENGINE report.json

Installs the extension, adds the sample human, and does one after the other: nothing, a first picture (with the import
of torch), a second one, passes, an animation, and with each render engine two renders of Blender's own, for comparison,
and a picture of the person only.  Meanwhile a header is drawn as often as Blender can.  For each the report has, in
milliseconds: the longest time between two of these redraws and the 99th percentile, and of HandDiff's own turns on the
main thread the longest by the wall's clock and by the processor's, which other programs do not lengthen.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import bpy

KEY = "bl_ext.user_default.handdiff"
PACKAGE, ENGINE, REPORT = sys.argv[sys.argv.index("--") + 1 :]
drawn: list[float] = []
turns: list[tuple[str, float, float]] = []
report: dict[str, dict[str, Any]] = {}


def timed(name: str, work: Callable, *arguments: Any, **more: Any) -> Any:
    wall, own = time.perf_counter(), time.thread_time()
    try:
        return work(*arguments, **more)
    finally:
        turns.append((name, 1000 * (time.perf_counter() - wall), 1000 * (time.thread_time() - own)))


def watch_modal(operator: type) -> None:
    """Time every step of an operator."""
    modal = operator.modal  # type: ignore[attr-defined]

    def timed_modal(self: Any, context: Any, event: Any) -> Any:  # Blender counts the arguments
        return timed(f"{operator.__name__}.modal", modal, self, context, event)

    operator.modal = timed_modal  # type: ignore[attr-defined]


def prepare() -> None:
    bpy.context.preferences.view.show_splash = False
    bpy.ops.extensions.package_install_files(
        filepath=PACKAGE, repo="user_default", enable_on_install=True, overwrite=True
    )
    bpy.context.preferences.addons[KEY].preferences.engine_folder = ENGINE
    for thing in list(bpy.data.objects):
        bpy.data.objects.remove(thing)
    bpy.ops.handdiff.add_sample_human()
    scene = bpy.context.scene
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.location, camera.rotation_euler = (0.0, -3.2, 1.2), (1.5708, 0.0, 0.0)
    scene.collection.objects.link(camera)
    scene.camera = camera
    scene.render.resolution_x = scene.render.resolution_y = 512
    scene.frame_end = 3
    scene.handdiff.steps = scene.handdiff.hand_steps = 3
    view = next(area for area in bpy.context.window_manager.windows[0].screen.areas if area.type == "VIEW_3D")
    view.spaces.active.show_region_ui = True
    for region in view.regions:
        if region.type == "UI":
            bpy.app.timers.register(partial(setattr, region, "active_panel_category", "HandDiff"), first_interval=1.0)
    session, passes, animate = (sys.modules[f"{KEY}.operators.{name}"] for name in ("session", "passes", "animate"))
    tick = session._tick
    session._tick = lambda: timed("session._tick", tick)
    watch_modal(passes.HANDDIFF_OT_render_passes)
    watch_modal(animate.HANDDIFF_OT_animate)
    bpy.types.SpaceView3D.draw_handler_add(lambda: drawn.append(time.perf_counter()), (), "HEADER", "POST_PIXEL")


def work() -> Iterator[str]:
    """The things to measure: each name comes when the thing is over."""
    ops, scene = bpy.ops.handdiff, bpy.context.scene
    session, passes, animate = (sys.modules[f"{KEY}.operators.{name}"] for name in ("session", "passes", "animate"))

    def until(over: Callable[[], bool]) -> Iterator[str]:
        for _ in range(5):
            yield ""
        while not over():
            yield ""
        for _ in range(200):  # what comes after the end counts, too
            yield ""

    end = time.monotonic() + 10
    yield from until(lambda: time.monotonic() > end)
    yield "nothing"
    for name in ("first picture", "second picture"):
        timed("generate", ops.generate, "INVOKE_DEFAULT")
        yield from until(lambda: not session.runs)
        yield f"{name}: {session.message}"
    timed("render_passes", ops.render_passes, "INVOKE_DEFAULT")
    yield from until(lambda: passes.progress is None)
    yield "passes"
    timed("animate", ops.animate, "INVOKE_DEFAULT")
    yield from until(lambda: animate.progress is None)
    yield "animation of three frames"
    scene.handdiff.paint = "person"
    bpy.context.preferences.view.render_display_type = "NONE"
    for engine in ("CYCLES", "BLENDER_WORKBENCH", "BLENDER_EEVEE"):
        scene.render.engine = engine
        if engine == "CYCLES":
            scene.cycles.samples = 32
        for turn in ("first", "second"):
            bpy.ops.render.render("INVOKE_DEFAULT")
            yield from until(lambda: not bpy.app.is_job_running("RENDER"))
            yield f"Blender's own render, {turn}, {engine}"
        timed("generate", ops.generate, "INVOKE_DEFAULT")
        yield from until(lambda: not session.runs)
        yield f"person only, {engine}: {session.message}"


def figures() -> dict[str, Any]:
    gaps = sorted(1000 * (after - before) for before, after in itertools.pairwise(drawn))
    worst = {}
    for index, clock in ((1, "wall"), (2, "cpu")):
        turn = max(turns, key=lambda turn: turn[index], default=("", 0.0, 0.0))
        worst[clock] = [turn[0], round(turn[index], 1)]
    return {
        "seconds": round(drawn[-1] - drawn[0], 1),
        "redraws": len(drawn),
        "longest_gap": [round(gap, 1) for gap in gaps[-4:]],
        "gap_99": round(gaps[int(0.99 * len(gaps))], 1) if gaps else None,
        "turns": len(turns),
        "longest_turn": worst,
        "turns_over_50": [[name, round(wall, 1), round(cpu, 1)] for name, wall, cpu in turns if wall > 50],
    }


steps = work()


def tick() -> float | None:
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            for region in area.regions if area.type == "VIEW_3D" else ():
                if region.type == "HEADER":
                    region.tag_redraw()
    try:
        with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
            name = next(steps, None)
    except Exception as error:
        report["error"] = {"error": repr(error)}
        name = None
    if name is None:
        Path(REPORT).write_text(json.dumps(report, indent=1), encoding="utf-8")
        bpy.ops.wm.quit_blender()
        return None
    if name:
        report[name] = figures()
        print(name, report[name], flush=True)
        drawn.clear(), turns.clear()
    return 0.01


def begin() -> None:
    try:
        with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
            prepare()
    except Exception:
        traceback.print_exc()
        bpy.ops.wm.quit_blender()
    bpy.app.timers.register(tick, first_interval=4.0, persistent=True)


bpy.app.timers.register(begin, first_interval=4.0)
