# SPDX-License-Identifier: GPL-3.0-or-later
"""The passes as files: of one frame, or of a range of frames as one image sequence per pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..errors import SceneError
from ..files import make_folder, save_image, write_json
from ..request import DEFAULT_PASSES, SIDES, Pass, SkeletonSettings
from .camera import Camera
from .depth import hand_depth_picture, metric_depth_picture
from .frame import Conditioning
from .normals import normal_picture
from .openpose import to_openpose
from .segmentation import segmentation_picture

DATA_PASSES: tuple[Pass, ...] = ("pose", "hands_openxr")
"""Passes that are JSON; the others are pictures."""


def pass_picture(conditioning: Conditioning, name: Pass) -> np.ndarray:
    """One pass as a picture: (H, W) uint8 (masks 0 or 255) or uint16 (metric depth), or (H, W, 3) uint8 RGB."""
    match name:
        case "skeleton":
            return conditioning.skeleton
        case "hands_mask":
            return _mask(conditioning.hands_mask)
        case "left_hand_mask":
            return _mask(conditioning.hand_mask("left"))
        case "right_hand_mask":
            return _mask(conditioning.hand_mask("right"))
        case "person_mask":
            return _mask(conditioning.person_mask)
        case "depth":
            return conditioning.depth
        case "metric_depth":
            return metric_depth_picture(conditioning.metric_depth)
        case "hand_depth":
            hands = [masks.hands[side] for masks in conditioning.masks for side in SIDES]
            return hand_depth_picture(conditioning.metric_depth, hands)
        case "normal":
            assert conditioning.normals is not None
            return normal_picture(conditioning.normals)
        case "segmentation":
            return segmentation_picture(conditioning.person_mask)
    raise ValueError(f"{name} is no picture")


def pass_data(conditioning: Conditioning, name: Pass, skeleton: SkeletonSettings) -> dict[str, Any]:
    """One of :data:`DATA_PASSES`."""
    if name == "pose":
        return to_openpose(conditioning.people, conditioning.camera, conditioning.frame, skeleton)
    from ..rig.openxr import to_openxr

    return to_openxr(conditioning.keypoints, conditioning.frame)


def write_passes(
    conditioning: Conditioning,
    directory: Path,
    passes: Sequence[Pass] = DEFAULT_PASSES,
    skeleton: SkeletonSettings | None = None,
    *,
    sequence: bool = False,
) -> None:
    """Write a frame's passes: PNG without colour management, and JSON.

    Args:
        conditioning: the frame; with normals, where that pass is wanted.
        directory: the folder.
        passes: which passes.
        skeleton: what the frame's skeleton shows; None: the defaults.
        sequence: write ``NAME/0001.png`` by the frame's number instead of ``NAME.png``.

    Raises:
        OutputError: where they cannot be written.
    """
    for name in passes:
        suffix = ".json" if name in DATA_PASSES else ".png"
        path = directory / f"{name}{suffix}"
        if sequence:
            path = make_folder(directory / name) / f"{frame_number(conditioning.frame)}{suffix}"
        if name in DATA_PASSES:
            write_json(path, pass_data(conditioning, name, skeleton or SkeletonSettings()))
        else:
            save_image(Image.fromarray(pass_picture(conditioning, name)), path)


def frame_number(frame: int) -> str:
    """A frame's number as Blender writes it in file names: four digits or more, after a minus sign if need be."""
    return f"{'-' if frame < 0 else ''}{abs(frame):04d}"


def spans(places: Sequence[int], frames: Sequence[int]) -> str:
    """The frames at these places of a range, neighbours as a span: ``frames 1-4, 7``."""
    found: list[list[int]] = []
    for place in places:
        if found and found[-1][-1] == place - 1:
            found[-1][1:] = [place]
        else:
            found.append([place])
    listed = ", ".join("-".join(str(frames[place]) for place in span) for span in found)
    return f"frame{'s' if len(places) > 1 else ''} {listed}"


def nobody(camera: Camera, frame: int, warning: str) -> Conditioning:
    """A frame that shows nobody: all its pictures are empty."""
    size = (camera.height, camera.width)
    return Conditioning(
        camera=camera,
        frame=frame,
        people=[],
        masks=[],
        keypoints=[],
        skeleton=np.zeros((*size, 3), dtype=np.uint8),
        metric_depth=np.full(size, np.inf, dtype=np.float32),
        warnings=[warning],
        normals=np.zeros((*size, 3), dtype=np.float32),
    )


class SequenceWriter:
    """Writes frames as they come, each at once, and tells at the end which frames lacked what.

    Frames without people are written as empty pictures, so that the sequence has no gaps, but not before some frame
    shows somebody: a range in which nobody ever is leaves the folder as it was.

    Args:
        start: gives the folder to write into, with an earlier run put aside.
        passes: which passes.
        skeleton: what the frames' skeletons show.
    """

    def __init__(self, start: Callable[[], Path], passes: Sequence[Pass], skeleton: SkeletonSettings):
        self.written = 0
        self._start = start
        self._passes = passes
        self._skeleton = skeleton
        self._frames: list[int] = []
        self._empty_before: list[tuple[Camera, int]] = []
        self._empty: dict[str, list[int]] = {}
        self._warnings: dict[str, list[int]] = {}

    def add(self, conditioning: Conditioning) -> None:
        """Take the next frame.

        Raises:
            OutputError: where it cannot be written.
        """
        for warning in conditioning.warnings:
            places = self._warnings if conditioning.people else self._empty
            places.setdefault(warning, []).append(len(self._frames))
        self._frames.append(conditioning.frame)
        if not conditioning.people and not self.written:
            self._empty_before.append((conditioning.camera, conditioning.frame))
            return
        for camera, frame in self._empty_before:
            self._write(nobody(camera, frame, ""))
        self._empty_before.clear()
        self._write(conditioning)

    def finish(self) -> list[str]:
        """The warnings, each with its frames.

        Raises:
            SceneError: where no frame had people.
        """
        if not self.written:
            raise SceneError(f"None of the {len(self._frames)} frames can be used: {next(iter(self._empty))}")
        return [
            *(
                f"The passes of {spans(places, self._frames)} are empty: {reason}"
                for reason, places in self._empty.items()
            ),
            *(f"In {spans(places, self._frames)}: {warning}" for warning, places in self._warnings.items()),
        ]

    def _write(self, conditioning: Conditioning) -> None:
        write_passes(conditioning, self._start(), self._passes, self._skeleton, sequence=True)
        self.written += 1


def _mask(mask: np.ndarray) -> np.ndarray:
    return mask.astype(np.uint8) * 255
