# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the frozen benchmark list.  For maintainers: a list that has been published is never written again.

The random numbers come from streams of five words, [2403, 10731, version, index + 1, try + 1]; the data set's are
[seed, 2, index], so no entry is ever drawn in training.  Poses are drawn for the sample human and kept free of its
measures; what the prompt may name is what a picture of it shows.  Figure and age are left out: they are the drawn
person's.  An entry shows at least one hand, half of it or more.
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

from handdiff_addon.evaluation.benchmark.camera import CameraRecipe, place_camera
from handdiff_addon.evaluation.benchmark.entries import LIST
from handdiff_addon.evaluation.benchmark.poses import fit_pose, free_pose
from handdiff_addon.evaluation.metrics import hand_box
from handdiff_addon.evaluation.truth import SMALL_HAND, judged_hands
from handdiff_addon.palettes import PALETTES
from handdiff_addon.request import SIDES
from handdiff_addon.training.body_poses import clash, sample_pose
from handdiff_addon.training.build import Build
from handdiff_addon.training.captions import caption
from handdiff_addon.training.dataset import open_studio
from handdiff_addon.training.describing import describe
from handdiff_addon.training.looks import (
    HELD_OUT_COMBINATIONS,
    held_out,
    jitter,
    make_lights,
    make_outfit,
    sample_names,
)
from handdiff_addon.training.poses import solve

VERSION = 1
COUNT = 200
UNSEEN_EVERY = 5
"""Every so many entries show a combination of attributes that training never does"""
SIZE = 256
ROLES = ("skin", "hair", "shirt", "trousers", "gloves", "background")
FRAMINGS = {"upper body": 0.60, "close-up": 0.14, "full body": 0.12, "hands": 0.14}


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the frozen benchmark list.")
    parser.add_argument("output", type=Path, nargs="?", default=LIST)
    output = parser.parse_args().output
    palettes = {role: {name: list(rgb) for name, rgb in PALETTES[role].items()} for role in ROLES}
    studio = open_studio(None, SIZE, 1)
    build = Build.measure(studio.rest, studio.wardrobe.trunk)
    lines: list[Any] = [{"benchmark": "handdiff", "version": VERSION, "palettes": palettes}]
    for index in range(COUNT):
        tries = (make_entry(index, number, studio, build) for number in range(100))
        lines.append(next(entry for entry in tries if entry is not None))
    output.write_text("".join(json.dumps(rounded(line)) + "\n" for line in lines), encoding="utf-8")
    print(f"{COUNT} entries in {output}")


def make_entry(index: int, number: int, studio: Any, build: Build) -> dict[str, Any] | None:
    """An entry, or None where the try shows no hand."""
    rng = np.random.default_rng([2403, 10731, VERSION, index + 1, number + 1])
    combination = index // UNSEEN_EVERY % len(HELD_OUT_COMBINATIONS) if index % UNSEEN_EVERY == 0 else None
    names = sample_names(rng, "", short_sleeves=True, combination=combination)
    if names["backdrop"] == "floor":  # its line depends on the person drawn
        names["backdrop"] = "plain"
    pose = free_pose(sample_pose(rng, build), build)
    fitted = fit_pose(rounded(pose), build)
    if clash(fitted.arms, fitted.hands, build) > 0.03:
        return None
    camera, outfit = sample_camera(rng), make_outfit(names, rng)
    backdrop = {
        "kind": names["backdrop"],
        "colour": jitter(rng, PALETTES["background"][str(names["background"])], 0.012),
        "stream": [2403, 10731, VERSION, index + 1, 0, 1],
    }
    lights = make_lights(str(names["light"]), rng)

    studio.pose(solve(fitted, build))
    studio.wardrobe.dress(outfit)
    place = place_camera(camera, studio.posed())
    studio.aim(place.position, place.target, camera.roll, camera.lens)
    truth = studio.truth()
    hands = judged_hands(truth.people[0], {side: truth.hand_mask(side) for side in SIDES})
    if not any(hand_box(points) >= SMALL_HAND for points in hands.values()):
        return None
    attributes = dataclasses.replace(
        describe(names, fitted, camera.framing, truth, shares(studio, truth), studio.posed()), figure=None, age=None
    )
    prompt, mentioned = caption(attributes, rng)
    unseen = held_out({name: getattr(attributes, name) for name in mentioned})
    if combination is not None and not unseen:
        return None
    return {
        "id": f"{index:04d}",
        "seed": int(rng.integers(2**31)),
        "prompt": prompt,
        "named": {role: names[role] for role in ROLES if role in mentioned and names[role] != "bare"},
        "unseen": unseen[0] if unseen else None,
        "pose": pose,
        "camera": dataclasses.asdict(camera),
        "look": {"outfit": dataclasses.asdict(outfit), "backdrop": backdrop, "lights": dataclasses.asdict(lights)},
    }


def sample_camera(rng: np.random.Generator) -> CameraRecipe:
    return CameraRecipe(
        framing=str(rng.choice(list(FRAMINGS), p=list(FRAMINGS.values()))),  # type: ignore[arg-type]
        azimuth=float(np.clip(rng.normal(0.0, 0.28), -0.7, 0.7)),
        elevation=float(np.clip(rng.normal(0.04, 0.14), -0.3, 0.5)),
        roll=float(rng.normal(0.0, 0.02)),
        lens=float(rng.uniform(32.0, 85.0)),
        margin=float(rng.uniform(1.02, 1.18)),
        shift=(float(rng.uniform(-0.5, 0.5)), float(rng.uniform(-0.5, 0.5))),
    )


def shares(studio: Any, truth: Any) -> dict[str, float]:
    """Share of the picture that shows each role of a surface, or the backdrop."""
    from handdiff_addon.scene.wardrobe import ROLES as SURFACES

    roles = studio.roles(truth.camera)
    counts = np.bincount(roles.ravel() + 1, minlength=len(SURFACES) + 1) / roles.size
    return dict(zip(("backdrop", *SURFACES), counts.tolist()))


def rounded(value: Any) -> Any:
    """Numbers to five decimals, so that the list reads the same everywhere."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(item) for item in value]
    return round(value, 5) if isinstance(value, float) else value


if __name__ == "__main__":
    main()
