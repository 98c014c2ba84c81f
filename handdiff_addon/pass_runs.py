# SPDX-License-Identifier: GPL-3.0-or-later
"""The runs behind ``handdiff passes``: one frame, a range of frames, or a pose file."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .errors import Cancelled, SceneError, UsageError
from .jobs.store import RunFolder
from .request import Pass, SkeletonSettings
from .runs import Report, SceneChoice, open_scene

POSE_PASSES: tuple[Pass, ...] = ("skeleton", "pose")
"""What a pose file holds."""


def run_passes(
    blend: Path, output: Path, choice: SceneChoice, passes: Sequence[Pass], skeleton: SkeletonSettings, report: Report
) -> tuple[Path, list[str]]:
    """Render the passes of one frame into ``output``.

    Returns:
        the folder, and the warnings.

    Raises:
        OutputError, SceneError: before anything is written.
    """
    with RunFolder(output) as folder:
        report("passes", 0, 0)
        scene = open_scene(blend, choice.frame)
        from .conditioning.pass_files import write_passes
        from .scene.passes import render_passes

        conditioning = render_passes(scene, **_options(choice, passes, skeleton))
        write_passes(conditioning, folder.start(), passes, skeleton)
        return folder.folder, conditioning.warnings


def run_sequence(
    blend: Path,
    output: Path,
    choice: SceneChoice,
    frames: Sequence[int],
    passes: Sequence[Pass],
    skeleton: SkeletonSettings,
    report: Report,
) -> tuple[Path, list[str]]:
    """Render the passes of many frames into ``output``, one folder per pass.

    Returns:
        the folder, and the warnings.

    Raises:
        OutputError, SceneError: before anything is written, if not for a full disk or a frame that cannot be used.
        Cancelled: where it is interrupted; frames written by then stay.
    """
    with RunFolder(output) as folder:
        scene = open_scene(blend, None)
        from .conditioning.pass_files import SequenceWriter
        from .scene.sequence import render_sequence

        writer = SequenceWriter(folder.start, passes, skeleton)
        try:
            report("passes", 0, len(frames))
            for number, conditioning in enumerate(
                render_sequence(scene, frames, **_options(choice, passes, skeleton)), start=1
            ):
                writer.add(conditioning)
                report("passes", number, len(frames))
        except KeyboardInterrupt:
            if not writer.written:
                raise
            raise Cancelled(
                f"The run was stopped after {writer.written} of {len(frames)} frames: they are whole, in "
                f"{folder.folder}."
            ) from None
        return folder.folder, writer.finish()


def run_pose(
    path: Path,
    output: Path,
    size: tuple[int, int] | None,
    max_people: int,
    passes: Sequence[Pass] | None,
    skeleton: SkeletonSettings,
) -> tuple[Path, list[str]]:
    """Draw the skeleton of an OpenPose JSON file into ``output``, and write the file anew.

    Args:
        path: the file, our own or another tool's.
        output: the folder.
        size: width and height in pixels: the canvas of a file that names none, else the poses are scaled to it.
        max_people: the first so many.
        passes: of :data:`POSE_PASSES`; None: both.
        skeleton: what the skeleton shows, and how.

    Returns:
        the folder, and the warnings.

    Raises:
        OutputError, UsageError, SceneError: before anything is written.
    """
    if lacking := [name for name in passes or () if name not in POSE_PASSES]:
        raise UsageError(f"A pose file gives no {lacking[0]}: ask for {' and '.join(POSE_PASSES)} alone.")
    with RunFolder(output) as folder:
        from PIL import Image

        from .conditioning.crops import scale_pose
        from .conditioning.openpose import read_pose, to_openpose
        from .conditioning.skeleton import draw_skeleton

        pose = read_pose(path, size)
        width, height = size or (pose.width, pose.height)
        people = [scale_pose(person, (pose.width, pose.height), (width, height)) for person in pose.people[:max_people]]
        if not people:
            raise SceneError(f"{path} holds nobody: give a pose with a person.")
        camera = dataclasses.replace(pose.camera, width=width, height=height) if pose.camera else (width, height)
        if not passes or "skeleton" in passes:
            folder.save_image("skeleton.png", Image.fromarray(draw_skeleton(people, width, height, skeleton)))
        if not passes or "pose" in passes:
            folder.save_json("pose.json", to_openpose(people, camera, pose.frame, skeleton))
        return folder.folder, []


def _options(choice: SceneChoice, passes: Sequence[Pass], skeleton: SkeletonSettings) -> dict[str, Any]:
    return {"skeleton": skeleton, "with_normals": "normal" in passes, **choice.options()}
