# SPDX-License-Identifier: GPL-3.0-or-later
"""Finished pictures as a strip in the video sequencer, and as a movie by Blender's own encoder."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

import bpy
from PIL import Image

from ..errors import OutputError, SceneError, first_line
from . import compat
from .files import relative

NAME = "HandDiff"


def add_strip(scene: bpy.types.Scene, pictures: Sequence[Path], start: int, hold: int = 1) -> list[str]:
    """Put pictures into a scene's video sequencer, as one strip above those that are there.

    Args:
        scene: gets the strip; a render of it shows the sequencer from then on.
        pictures: files in one folder, in order.
        start: the frame at which the first one is shown.
        hold: for how many frames each is shown.

    Returns:
        Warnings, one sentence each, where the strip does not look as its files.

    Raises:
        SceneError: where a picture is missing, or there is none.
    """
    _check(pictures)
    editor = scene.sequence_editor or scene.sequence_editor_create()
    channel = 1 + max((strip.channel for strip in editor.strips), default=0)
    _image_strip(editor, pictures, start, hold, channel)
    view = scene.view_settings.view_transform
    if view in ("Standard", "Raw"):
        return []
    return [
        f"The view transform '{view}' also changes the strip's colours: choose Standard in Render Properties > Color"
        " Management to see the pictures as they are in their files."
    ]


def write_movie(path: Path, pictures: Sequence[Path], fps: tuple[int, float], hold: int = 1) -> None:
    """Encode pictures as MP4 (H.264), in the colours of their files.

    A scene of its own, which is gone afterwards, is rendered.  Sides of an odd length lose a pixel: H.264 has none.

    Args:
        path: the file, ``.mp4``.
        pictures: files of one size in one folder, in order.
        fps: frames per second, as ``scene.render`` has it: ``fps`` and ``fps_base``.
        hold: for how many frames each is shown.

    Raises:
        SceneError: where a picture is missing, or this Blender has no encoder.
        OutputError: where the file cannot be written.
    """
    _check(pictures)
    if not bpy.app.ffmpeg.supported:
        raise SceneError("This Blender was built without FFmpeg, so it cannot encode movies: use the image sequence.")
    width, height = Image.open(pictures[0]).size
    beside = path.with_name(f".{path.stem}.part.mp4")
    scene = bpy.data.scenes.new("HandDiff movie")
    try:
        _image_strip(scene.sequence_editor_create(), pictures, 1, hold, 1)
        scene.frame_start, scene.frame_end = 1, len(pictures) * hold
        scene.view_settings.view_transform = "Standard"
        render = scene.render
        render.resolution_x, render.resolution_y = width - width % 2, height - height % 2
        render.resolution_percentage = 100
        render.fps, render.fps_base = fps
        compat.movie_output(render)
        render.ffmpeg.format, render.ffmpeg.codec = "MPEG4", "H264"
        render.ffmpeg.constant_rate_factor = "HIGH"
        render.ffmpeg.audio_codec = "NONE"
        render.filepath = str(beside)
        bpy.ops.render.render(animation=True, scene=scene.name)
        os.replace(beside, path)
    except (RuntimeError, OSError) as error:
        raise OutputError(
            f"{path} cannot be encoded ({first_line(error)}): make space or choose another folder; the pictures are "
            "whole."
        ) from error
    finally:
        bpy.data.scenes.remove(scene)
        with contextlib.suppress(OSError):
            beside.unlink()


def _image_strip(
    editor: bpy.types.SequenceEditor, pictures: Sequence[Path], start: int, hold: int, channel: int
) -> None:
    strip = editor.strips.new_image(
        name=NAME,
        filepath=relative(str(pictures[0].absolute())),
        channel=channel,
        frame_start=start,
        fit_method="ORIGINAL",
    )
    shown = [picture.name for picture in pictures for _ in range(hold)]
    for file in shown[1:]:
        strip.elements.append(file)


def _check(pictures: Sequence[Path]) -> None:
    if not pictures:
        raise SceneError("There are no pictures to show: paint some frames first.")
    missing = [picture for picture in pictures if not picture.is_file()]
    if missing:
        more = f", nor are {len(missing) - 1} others" if len(missing) > 1 else ""
        raise SceneError(
            f"The picture {missing[0]} is not there{more}: run the batch again, it paints what is missing."
        )
