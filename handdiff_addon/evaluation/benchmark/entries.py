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

import numpy as np

from ...errors import UsageError
from ...training.backdrops import draw_backdrop
from ...training.build import Build
from ...training.captions import CLASSES, named_light
from ...training.looks import make_lights
from ...training.poses import BodyPose
from .camera import CameraRecipe
from .poses import fit_pose

if TYPE_CHECKING:
    from ...scene.studio import Lights
    from ...scene.wardrobe import Outfit

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
    """The colours that the prompt names: skin, hair, shirt, trousers, gloves, background -> name"""
    camera: CameraRecipe
    unseen: int | None
    """Number of the combination of attributes that no training picture shows; None: an ordinary one"""
    data: Mapping[str, Any]
    """The entry's line: ``pose`` and ``look`` are read from it when they are drawn"""

    def pose(self, build: Build) -> BodyPose:
        """The body's pose, fitted to a person."""
        return fit_pose(self.data["pose"], build)

    @property
    def gloved(self) -> bool:
        return self.data["look"]["outfit"]["gloves"] is not None

    @property
    def outfit(self) -> Outfit:
        """Clothes and colours; needs ``bpy``."""
        from ...scene.wardrobe import Cloth, Outfit

        outfit = _tuples(self.data["look"]["outfit"])
        return Outfit(**outfit | {kind: Cloth(**outfit[kind]) for kind in ("shirt", "trousers")})

    @property
    def lights(self) -> Lights:
        """Needs ``bpy``."""
        from ...scene.studio import Lights

        return Lights(**_tuples(self.data["look"]["lights"]))

    @property
    def other_lights(self) -> Lights:
        """Another light that the prompt allows: from where it says, or from anywhere; needs ``bpy``."""
        rng = np.random.default_rng((self.seed, 1))
        return make_lights(named_light(self.prompt) or str(rng.choice(CLASSES["light"])), rng)

    def backdrop(self, size: int) -> np.ndarray:
        """What is behind the person, (size, size, 3) uint8 sRGB."""
        backdrop = self.data["look"]["backdrop"]
        return draw_backdrop(
            backdrop["kind"], _tuples(backdrop["colour"]), size, np.random.default_rng(backdrop["stream"])
        )

    @property
    def colours(self) -> dict[str, RGB]:
        """The materials' own colours by role, sRGB 0..255; a patterned cloth's main colour."""
        look = self.data["look"]
        own = {
            role: value["colour"] if isinstance(value, dict) else value
            for role, value in look["outfit"].items()
            if isinstance(value, (dict, list))
        }
        return {
            role: (round(255 * red), round(255 * green), round(255 * blue))
            for role, (red, green, blue) in {**own, "background": look["backdrop"]["colour"]}.items()
        }


@dataclass(frozen=True)
class Benchmark:
    """The whole list."""

    version: int
    palettes: Mapping[str, Mapping[str, RGB]]
    """Role -> name -> sRGB of the material: the names that a colour can be found under"""
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
                Entry(d["id"], d["seed"], d["prompt"], d["named"], CameraRecipe(**_tuples(d["camera"])), d["unseen"], d)
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
