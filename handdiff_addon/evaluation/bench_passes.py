# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the passes take, by size of the mesh, and whether many frames fill the memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from ..conditioning.depth import hand_depth_picture, metric_depth_picture
from ..conditioning.frame import Conditioning, PersonPose, Visibility
from ..conditioning.skeleton import draw_skeleton
from ..request import SIDES, SkeletonSettings

SIZE = (1024, 1024)
BODIES: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "a person of 16,000 vertices": [("DECIMATE", {"ratio": 16_000 / 21_762})],
    "a person of 16,000 triangles": [("DECIMATE", {"ratio": 16_000 / 42_820})],
    "subdivided once": [("SUBSURF", {"levels": 1})],
    "1,000,000 triangles": [("TRIANGULATE", {}), ("SUBSURF", {"levels": 2})],
}
"""The sample human, made coarser and finer by modifiers"""
REPEATS = 11
FRAMES = 500

_COLUMNS = "{:<34}{:>12}{:>12}{:>12}{:>12}"


def bench_passes(say: Callable[[str], None]) -> None:
    """Time the passes of the sample human at 1024 x 1024 and print a table of medians, and of memory over 500 frames.

    Closes the open file for an empty one.

    Args:
        say: takes the table line by line.
    """
    say(f"Medians of {REPEATS} runs at {SIZE[0]} x {SIZE[1]}; the processor's time beside the clock's.")
    say("")
    say(_COLUMNS.format("", "vertices", "triangles", "ms", "CPU ms"))
    scene = _sample()
    say(_row("pose and skeleton", None, _timed(partial(_skeleton, scene))))
    spent = {}
    memory = ""
    for name, modifiers in BODIES.items():
        scene = _sample()
        size = _remodel(scene, modifiers)
        times = _timed(partial(_passes, scene))
        spent[size[1]] = times[1]
        say(_row(name, size, times))
        memory = memory or _memory(scene)
    few, many = min(spent), max(spent)
    say("")
    say(f"{many / few:.0f} times the triangles take {spent[many] / spent[few]:.1f} times as long.")
    say(memory)


def _row(name: str, size: tuple[int, int] | None, times: tuple[float, float]) -> str:
    vertices, triangles = (f"{count:,}" for count in size) if size else ("", "")
    return _COLUMNS.format(name, vertices, triangles, *(f"{1000 * seconds:.1f}" for seconds in times))


def _sample() -> Any:
    """A new file with the sample human."""
    from ..scene.files import new_scene
    from ..scene.sample_human import create_sample_scene

    scene = new_scene()
    create_sample_scene(scene)
    return scene


def _remodel(scene: Any, modifiers: list[tuple[str, dict[str, Any]]]) -> tuple[int, int]:
    """Give the sample human other modifiers after its armature's; returns its vertices and triangles."""
    from ..scene.passes import depsgraph_of

    (body,) = [thing for thing in scene.objects if thing.type == "MESH" and thing.vertex_groups]
    for modifier in list(body.modifiers)[1:]:
        body.modifiers.remove(modifier)
    for kind, values in modifiers:
        modifier = body.modifiers.new(kind.title(), kind)
        for name, value in values.items():
            setattr(modifier, name, value)
    depsgraph = depsgraph_of(scene)
    depsgraph.update()
    evaluated = body.evaluated_get(depsgraph)
    mesh = evaluated.to_mesh()
    mesh.calc_loop_triangles()
    found = len(mesh.vertices), len(mesh.loop_triangles)
    evaluated.to_mesh_clear()
    return found


def _skeleton(scene: Any) -> None:
    """The pose read, projected and drawn, without any mesh."""
    from ..scene.cameras import read_camera, scene_camera
    from ..scene.passes import depsgraph_of
    from ..scene.rigs import find_humanoids, read_person

    depsgraph = depsgraph_of(scene)
    camera = read_camera(scene, depsgraph, scene_camera(scene), SIZE)
    poses = []
    for armature in find_humanoids(scene):
        person = read_person(armature, depsgraph)
        body, hands = camera.project(person.body)[0], {side: camera.project(person.hands[side])[0] for side in SIDES}
        poses.append(PersonPose(person.name, body, _all_seen(body), hands, {s: _all_seen(hands[s]) for s in SIDES}))
    draw_skeleton(poses, *SIZE, SkeletonSettings())


def _all_seen(points: np.ndarray) -> list[Visibility]:
    return ["visible"] * len(points)


def _passes(scene: Any) -> Conditioning:
    """Everything: pose, skeleton, all masks, depth of all kinds."""
    from ..scene.passes import render_passes

    passes = render_passes(scene, size=SIZE)
    assert passes.hands_mask.any() and passes.depth.any()
    hand_depth_picture(passes.metric_depth, [masks.hands[side] for masks in passes.masks for side in SIDES])
    metric_depth_picture(passes.metric_depth)
    return passes


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock and of the processor, medians."""
    work()
    clocks, processors = [], []
    for _ in range(REPEATS):
        clock, processor = time.perf_counter(), time.process_time()
        work()
        clocks.append(time.perf_counter() - clock)
        processors.append(time.process_time() - processor)
    return median(clocks), median(processors)


def _memory(scene: Any) -> str:
    used = resident()
    if used is None:
        return "Memory is not measured on this system."
    from ..scene.passes import render_passes

    samples = []
    for frame in range(1, FRAMES + 1):
        render_passes(scene, frame=frame, size=SIZE)
        samples.append(resident() or 0)
    early = FRAMES // 5
    return (
        f"Memory at frame {early + 1}: {samples[early] / 2**20:.0f} MiB;"
        f" at frame {FRAMES}: {samples[-1] / 2**20:.0f} MiB."
    )


def resident() -> int | None:
    """Bytes of memory that this process holds; None where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
    except OSError:
        return None
