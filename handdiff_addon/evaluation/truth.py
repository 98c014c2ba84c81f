# SPDX-License-Identifier: GPL-3.0-or-later
"""The truth of a benchmark entry: a render of it and all that the rig knows, as a folder of files.

``ENTRY/`` holds the passes as ``handdiff passes`` writes them, ``render.png``, ``relit.png`` (the same in another light
that the prompt allows), ``regions.png`` (an index into the names in ``truth.json`` per pixel), ``prompt.txt`` and
``truth.json``, which is written last.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from ..conditioning.crops import resize, scale_pose
from ..conditioning.frame import PersonPose
from ..conditioning.openpose import read_pose
from ..conditioning.pass_files import write_passes
from ..errors import UsageError
from ..files import make_folder, open_picture, save_image, write_bytes, write_json
from ..request import SIDES, Side
from .benchmark.camera import place_camera
from .benchmark.entries import Entry
from .colour import skin_tone
from .metrics import hand_box

if TYPE_CHECKING:
    from ..conditioning.frame import Conditioning
    from ..scene.studio import Studio

SAMPLE_HUMAN = "sample_human"
SMALL_HAND = 24
"""Pixels of a hand's box under which it is listed apart"""
_RENDER_SAMPLES = 16


@dataclass
class Truth:
    """What the rig knows of one picture, at the picture's size."""

    human: str
    tone: str
    """Skin tone, one of :data:`~.colour.TONES`"""
    picture: np.ndarray
    """(H, W, 3) uint8 sRGB, the render"""
    pose: PersonPose
    hand_masks: dict[Side, np.ndarray]
    """(H, W) bool, as far as the camera sees the hand"""
    person_mask: np.ndarray
    region_map: np.ndarray
    """(H, W) uint8"""
    region_names: tuple[str, ...]

    @cached_property
    def hands(self) -> dict[Side, np.ndarray]:
        """(21, 2) points of the hands that are judged."""
        return judged_hands(self.pose, self.hand_masks)

    def is_small(self, side: Side) -> bool:
        return hand_box(self.hands[side]) < SMALL_HAND

    @cached_property
    def hands_mask(self) -> np.ndarray:
        return self.hand_masks["left"] | self.hand_masks["right"]

    @cached_property
    def regions(self) -> dict[str, np.ndarray]:
        """(H, W) bool by role."""
        return {name: self.region_map == index for index, name in enumerate(self.region_names)}


def enlarged(truth: Truth, times: int) -> Truth:
    """The truth of a picture so many times as wide: places are exact, masks and render as coarse as before."""
    height, width = truth.person_mask.shape

    def wide(pixels: np.ndarray) -> np.ndarray:
        return pixels.repeat(times, axis=0).repeat(times, axis=1)

    return dataclasses.replace(
        truth,
        picture=wide(truth.picture),
        pose=scale_pose(truth.pose, (width, height), (times * width, times * height)),
        hand_masks={side: wide(mask) for side, mask in truth.hand_masks.items()},
        person_mask=wide(truth.person_mask),
        region_map=wide(truth.region_map),
    )


def judged_hands(pose: PersonPose, masks: Mapping[Side, np.ndarray]) -> dict[Side, np.ndarray]:
    """(21, 2) points of the hands of which the camera sees at least half of the points."""
    return {
        side: pose.hands[side]
        for side in SIDES
        if np.mean([word == "visible" for word in pose.hand_visibility[side]]) >= 0.5 and masks[side].sum() >= 16
    }


def human_files(folder: Path | None) -> list[Path | None]:
    """The humans to draw: every ``.blend`` file of the folder by name; None stands for the sample human.

    Unlike the data set's list this one has the people that no training may see.
    """
    return [None] if folder is None else [*sorted(folder.glob("*.blend"))]


def human_name(path: Path | None) -> str:
    return SAMPLE_HUMAN if path is None else path.stem


def choose_human(files: Sequence[Path | None], entry: Entry) -> Path | None:
    """Whom an entry shows: the humans take turns."""
    return files[int(entry.id) % len(files)]


def studio_of(human: Path | None, size: int) -> Studio:
    """A studio with one human, for square pictures of this size; needs ``bpy``."""
    from ..training.dataset import open_studio

    return open_studio(human, size, _RENDER_SAMPLES)


def pose_entry(studio: Studio, entry: Entry) -> Conditioning:
    """Pose, dress, frame and light the studio's human as the entry says; returns the passes."""
    from ..training.build import Build
    from ..training.poses import solve

    build = Build.measure(studio.rest, studio.wardrobe.trunk)
    studio.pose(solve(entry.pose(build), build))
    studio.wardrobe.dress(entry.outfit)
    place = place_camera(entry.camera, studio.posed())
    studio.aim(place.position, place.target, entry.camera.roll, entry.camera.lens)
    studio.hang(entry.backdrop(studio.size))
    studio.light(entry.lights)
    return studio.truth()


def has_truth(folder: Path) -> bool:
    return (folder / "truth.json").is_file() and (folder / "relit.png").is_file()


def write_truth(folder: Path, studio: Studio, entry: Entry, human: str, conditioning: Conditioning) -> None:
    """Render an entry as posed, and write its folder.

    Raises:
        OutputError: where it cannot be written.
    """
    from ..scene.wardrobe import ROLES

    make_folder(folder)
    write_passes(conditioning, folder)
    picture = studio.photograph(conditioning.person_mask)
    save_image(Image.fromarray(picture), folder / "render.png")
    studio.light(entry.other_lights)
    save_image(Image.fromarray(studio.photograph(conditioning.person_mask)), folder / "relit.png")
    names = ("background", *ROLES, "gloves")
    regions = (studio.roles(conditioning.camera) + 1).astype(np.uint8)
    if entry.gloved:
        regions[conditioning.hands_mask & (regions == names.index("skin"))] = names.index("gloves")
    save_image(Image.fromarray(regions), folder / "regions.png")
    write_bytes(folder / "prompt.txt", f"{entry.prompt}\n".encode())
    data = {
        "entry": entry.id,
        "human": human,
        "tone": skin_tone(entry.colours["skin"]),
        "regions": names,
        "size": [conditioning.width, conditioning.height],
    }
    write_json(folder / "truth.json", data)


def read_truth(folder: Path) -> Truth:
    """Read what :func:`write_truth` wrote."""
    data = json.loads((folder / "truth.json").read_text(encoding="utf-8"))

    def mask(name: str) -> np.ndarray:
        return read_picture(folder / f"{name}.png", "L") >= 128

    return Truth(
        data["human"],
        data["tone"],
        read_picture(folder / "render.png"),
        read_pose(folder / "pose.json").people[0],
        {side: mask(f"{side}_hand_mask") for side in SIDES},
        mask("person_mask"),
        read_picture(folder / "regions.png", "L"),
        tuple(data["regions"]),
    )


def read_picture(path: Path, mode: str = "RGB", size: int | None = None) -> np.ndarray:
    """A picture file as uint8, resized to a square of this side where it is given.

    Raises:
        UsageError: where it cannot be read.
    """
    try:
        with open_picture(path) as picture:
            pixels = np.array(picture.convert(mode))
    except OSError as error:
        raise UsageError(f"{path} cannot be read as a picture ({error}): remove or replace it.") from error
    return pixels if size is None else resize(pixels, size, size)
