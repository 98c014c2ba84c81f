# SPDX-License-Identifier: GPL-3.0-or-later
"""What a batch costs beside the painting itself, and whether many frames fill the memory."""

from __future__ import annotations

import concurrent.futures
import itertools
import tempfile
import time
from collections.abc import Callable
from typing import Any

from ..conditioning.frame import Conditioning
from ..jobs.batch import BatchFolder, paint_frames
from ..request import GenerationRequest, GenerationResult
from ..runs import DEMO_PROMPT
from .bench_passes import resident

SIZE = (512, 512)


def bench_batch(say: Callable[[str], None], model: str = "", count: int = 12, steps: int | None = None) -> None:
    """Paint frames of the sample human as a batch, and print how its throughput compares with painting alone.

    Each frame is painted twice: while the passes of the next one are made and the one before is saved, and once more
    right afterwards, while nothing else is done.  So both kinds of time come from the same moments of the same run.
    Closes the open file.

    Args:
        say: takes the table line by line.
        model: model folder; empty: the embedded model.
        count: how many frames, at least 2.
        steps: denoising steps of each stage; None: the model's own.
    """
    import torch

    from ..diffusion.pipeline import TwoStagePipeline

    count = max(2, count)
    request = GenerationRequest(DEMO_PROMPT, model=model, steps=steps, hand_steps=steps)
    pipeline = TwoStagePipeline.for_request(request)
    scene, frames = _sample(count), range(1, count + 1)
    began = time.perf_counter()
    for conditioning in _passes(scene, frames):
        first = conditioning
    passes = (time.perf_counter() - began) / count
    pipeline.generate(request, first)  # a warm-up
    painted: list[tuple[float, float, float]] = []

    def paint(request: GenerationRequest, conditioning: Conditioning) -> GenerationResult:
        times = [time.perf_counter()]
        for _ in range(2):
            result = pipeline.generate(request, conditioning)
            times.append(time.perf_counter())
        painted.append((times[0], times[1], times[2]))
        return result

    memory: list[int] = []
    with tempfile.TemporaryDirectory(prefix="handdiff-") as folder, BatchFolder(folder) as batch:
        batch.begin({})
        for waiting in paint_frames(batch, ((request, seen) for seen in _passes(scene, frames)), paint):
            concurrent.futures.wait(waiting, return_when=concurrent.futures.FIRST_COMPLETED)
            if batch.saved > len(memory):
                memory.append(resident() or 0)
    alone = sum(end - middle for _, middle, end in painted[:-1]) / (count - 1)
    between = sum(after[0] - before[2] for before, after in itertools.pairwise(painted)) / (count - 1)
    together = sum(middle - start for start, middle, _ in painted[:-1]) / (count - 1) + between
    say(f"{count} frames of {SIZE[0]} x {SIZE[1]} on {pipeline.painter.device}, {torch.get_num_threads()} threads")
    for name, seconds in (("passes", passes), ("painting alone", alone), ("in the batch", together)):
        say(f"{name:<16}{seconds:8.3f} s a frame")
    say(f"The batch has {alone / together:.3f} of the throughput of painting alone.")
    if memory and memory[-1]:
        early = len(memory) // 5
        say(
            f"Memory after frame {early + 1}: {memory[early] / 2**20:.0f} MiB;"
            f" after frame {len(memory)}: {memory[-1] / 2**20:.0f} MiB."
        )


def _sample(count: int) -> Any:
    """A new file with the sample human, who turns a little from frame to frame."""
    from ..scene.files import new_scene
    from ..scene.sample_human import create_sample_scene

    scene = new_scene()
    rig = create_sample_scene(scene)
    scene.render.resolution_x, scene.render.resolution_y = SIZE
    for frame, turn in ((1, -0.3), (count + 1, 0.3)):
        rig.rotation_euler.z = turn
        rig.keyframe_insert("rotation_euler", frame=frame)
    return scene


def _passes(scene: Any, frames: range) -> Any:
    from ..scene.sequence import render_sequence

    return render_sequence(scene, frames, with_normals=True)
