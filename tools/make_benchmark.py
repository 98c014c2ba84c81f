# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the frozen benchmark list.  For maintainers: a list that has been published is never written again.

The random numbers come from streams of four words, [2403, 10731, 1, index + 1]; the data set's are [seed, 2, index], so
no entry is ever drawn in training.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from handdiff_addon.evaluation.benchmark.camera import CameraRecipe
from handdiff_addon.evaluation.benchmark.entries import LIST
from handdiff_addon.request import SIDES
from handdiff_addon.training.captions import PALETTES, Attributes, caption
from handdiff_addon.training.dataset import sample_look
from handdiff_addon.training.poses import sample_pose

VERSION = 1
COUNT = 200
ROLES = ("skin", "shirt", "trousers", "background", "hair")
SKIN_LIGHT = 0.73
"""The studio's light on skin: linear light of its median colour over that of its material; the median of 60 renders of
the training stream.  Skin tones differ in little else than lightness, so they are told apart as they look."""
FRAMINGS = {"upper body": 0.60, "close-up": 0.16, "full body": 0.12, "hands": 0.12}


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the frozen benchmark list.")
    parser.add_argument("output", type=Path, nargs="?", default=LIST)
    output = parser.parse_args().output
    palettes = {role: {name: list(rgb) for name, rgb in PALETTES[role].items()} for role in ROLES}
    palettes["skin"] = {name: _lit(rgb, SKIN_LIGHT) for name, rgb in PALETTES["skin"].items()}
    lines = [{"benchmark": "handdiff", "version": VERSION, "palettes": palettes}, *map(make_entry, range(COUNT))]
    output.write_text("".join(json.dumps(_rounded(line)) + "\n" for line in lines), encoding="utf-8")
    print(f"{COUNT} entries in {output}")


def make_entry(index: int) -> dict[str, Any]:
    rng = np.random.default_rng([2403, 10731, VERSION, index + 1])
    pose = sample_pose(rng)
    names, look = sample_look(rng)
    camera = sample_camera(rng)
    attributes = Attributes(
        **names,
        framing="close-up" if camera.framing == "hands" else camera.framing,
        **{f"{side}_place": pose.arms[side].place for side in SIDES},
        **{f"{side}_shape": pose.hands[side].name for side in SIDES},
    )
    prompt, mentioned = caption(attributes, rng)
    return {
        "id": f"{index:04d}",
        "seed": int(rng.integers(2**31)),
        "prompt": prompt,
        "named": {role: names[role] for role in ROLES if role in mentioned},
        "pose": dataclasses.asdict(pose),
        "camera": dataclasses.asdict(camera),
        "look": dataclasses.asdict(look),
    }


def sample_camera(rng: np.random.Generator) -> CameraRecipe:
    return CameraRecipe(
        framing=str(rng.choice(list(FRAMINGS), p=list(FRAMINGS.values()))),  # type: ignore[arg-type]
        azimuth=float(np.clip(rng.normal(0.0, 0.25), -0.6, 0.6)),
        elevation=float(np.clip(rng.normal(0.03, 0.12), -0.3, 0.5)),
        roll=float(rng.normal(0.0, 0.02)),
        lens=float(rng.uniform(32.0, 85.0)),
        margin=float(rng.uniform(1.02, 1.18)),
        shift=(float(rng.uniform(-0.5, 0.5)), float(rng.uniform(-0.5, 0.5))),
    )


def _lit(rgb: tuple[int, int, int], share: float) -> list[int]:
    """An sRGB colour with a share of its light."""
    values = np.array(rgb) / 255.0
    light = share * np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    seen = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return [round(value) for value in (255 * seen).tolist()]


def _rounded(value: Any) -> Any:
    """Numbers to five decimals, so that the list reads the same everywhere."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(item) for item in value]
    return round(value, 5) if isinstance(value, float) else value


if __name__ == "__main__":
    main()
