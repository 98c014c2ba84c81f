# SPDX-License-Identifier: GPL-3.0-or-later
"""The frozen list of poses, cameras, looks and prompts that models are compared on.

``benchmark_v1.jsonl`` holds one JSON object a line: first a header (version, palettes), then the entries in order.  It
is data, written once by ``tools/make_benchmark.py`` and never changed; ``docs/benchmark.md`` describes every key.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import UsageError
from ...request import SIDES
from ...training.poses import ArmPose, BodyPose, HandShape
from .camera import CameraRecipe

if TYPE_CHECKING:
    from ...scene.studio import Look

LIST = Path(__file__).with_name("benchmark_v1.jsonl")

RGB = tuple[int, int, int]


@dataclass(frozen=True)
class Entry:
    """One picture to paint, of whichever human."""

    id: str
    """Four digits, such as 0042"""
    seed: int
    """Of the generation"""
    prompt: str
    named: Mapping[str, str]
    """The colours that the prompt names: skin, shirt, trousers, background, hair -> name"""
    camera: CameraRecipe
    data: Mapping[str, Any]
    """The entry's line: ``pose`` and ``look`` are read from it when they are drawn"""

    @property
    def pose(self) -> BodyPose:
        """The body's pose, in the person's own frame."""
        data = self.data["pose"]
        return BodyPose(
            data["kind"],
            {side: ArmPose(**_tuples(data["arms"][side])) for side in SIDES},
            {side: HandShape(**_tuples(data["hands"][side])) for side in SIDES},
            torso=_tuples(data["torso"]),
            head=_tuples(data["head"]),
            legs={side: _tuples(data["legs"][side]) for side in SIDES},
        )

    @property
    def look(self) -> Look:
        """Colours and lights; needs ``bpy``."""
        from ...scene.studio import Look

        return Look(**_tuples(self.data["look"]))

    @property
    def skin(self) -> RGB:
        """The skin's own colour, sRGB 0..255."""
        red, green, blue = (round(255 * value) for value in self.data["look"]["colours"]["skin"])
        return red, green, blue


@dataclass(frozen=True)
class Benchmark:
    """The whole list."""

    version: int
    palettes: Mapping[str, Mapping[str, RGB]]
    """Role -> name -> sRGB as it looks in the studio's light: the names that a colour can be found under"""
    entries: tuple[Entry, ...]
    sha256: str
    """Of the file"""

    @cached_property
    def ids(self) -> dict[str, Entry]:
        return {entry.id: entry for entry in self.entries}


def read_benchmark(path: Path = LIST) -> Benchmark:
    """Read a list.

    Raises:
        UsageError: where the file is missing or is no such list.
    """
    try:
        content = path.read_bytes()
        header, *lines = [json.loads(line) for line in content.decode("utf-8").splitlines()]
        return Benchmark(
            header["version"],
            {role: {name: tuple(rgb) for name, rgb in names.items()} for role, names in header["palettes"].items()},
            tuple(
                Entry(d["id"], d["seed"], d["prompt"], d["named"], CameraRecipe(**_tuples(d["camera"])), d)
                for d in lines
            ),
            hashlib.sha256(content).hexdigest(),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"The benchmark list {path} cannot be read ({error}): install HandDiff again.") from error


def _tuples(value: Any) -> Any:
    """JSON's lists as tuples, all the way down."""
    if isinstance(value, list):
        return tuple(_tuples(item) for item in value)
    return {key: _tuples(item) for key, item in value.items()} if isinstance(value, dict) else value
