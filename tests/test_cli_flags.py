# SPDX-License-Identifier: GPL-3.0-or-later
"""Flags make settings, and are laid over saved ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from handdiff_addon import cli, cli_flags
from handdiff_addon.errors import UsageError
from handdiff_addon.request import (
    DEFAULT_PASSES,
    MAX_PEOPLE,
    PASSES,
    ControlNetChoice,
    GenerationRequest,
    LoraChoice,
    SkeletonSettings,
)

PASSES_OF = ("passes", "x.blend", "-o", "DIR")
GENERATE = ("generate", "x.blend", "-o", "DIR")


def parsed(*arguments: str):
    return cli._parser().parse_args(arguments)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ((), SkeletonSettings()),
        (("--style", "mediapipe-hands"), SkeletonSettings("mediapipe-hands")),
        (("--hide-occluded",), SkeletonSettings(occluded=False)),
        (("--hidden-hands", "--no-face"), SkeletonSettings(hidden_hands=True, face=False)),
    ],
)
def test_the_skeleton(flags: tuple[str, ...], expected: SkeletonSettings) -> None:
    assert cli_flags.skeleton_of(parsed(*PASSES_OF, *flags)) == expected
    assert cli_flags.request_of(parsed(*GENERATE, "-p", "a man", *flags)).skeleton == expected


def test_flags_are_laid_over_saved_settings(tmp_path: Path) -> None:
    saved = GenerationRequest("a man", steps=5, skeleton=SkeletonSettings("xinsir", face=False))
    path = tmp_path / "settings.json"
    path.write_text(json.dumps(saved.to_dict()))
    read = cli_flags.request_of(parsed(*GENERATE, "--settings", str(path)))
    assert read == saved
    read = cli_flags.request_of(parsed(*GENERATE, "--settings", str(path), "--hidden-hands", "--seed", "3"))
    assert read.skeleton == SkeletonSettings("xinsir", face=False, hidden_hands=True)
    assert (read.prompt, read.steps, read.seed) == ("a man", 5, 3)


@pytest.mark.parametrize(
    ("text", "frames"),
    [("1-3", [1, 2, 3]), ("1-9:4", [1, 5, 9]), ("7-7", [7]), ("-3--1", [-3, -2, -1]), ("-1-1", [-1, 0, 1])],
)
def test_ranges_of_frames(text: str, frames: list[int]) -> None:
    assert list(parsed(*PASSES_OF, f"--frames={text}").frames) == frames


def test_the_list_of_passes() -> None:
    assert parsed(*PASSES_OF, "--passes", "all").passes == PASSES
    assert parsed(*PASSES_OF, "--passes", "pose, depth,pose").passes == ("depth", "pose")
    assert set(DEFAULT_PASSES) < set(PASSES)


@pytest.mark.parametrize("verb", [PASSES_OF, (*GENERATE, "-p", "a man")])
def test_people(verb: tuple[str, ...]) -> None:
    assert cli_flags.choice_of(parsed(*verb)).max_people == MAX_PEOPLE
    assert cli_flags.choice_of(parsed(*verb, "--people", "3")).max_people == 3


def test_parts_of_a_stock_model(tmp_path: Path) -> None:
    flags = ("--controlnet", "openpose+depth=x/y@0.5", "--controlnet", "z", "--lora", "ink@0.8", "--vae", "v")
    request = cli_flags.request_of(parsed(*GENERATE, "-p", "a man <lora:film>", "--model", "m", *flags))
    assert request.controlnets == (ControlNetChoice("x/y", ("openpose", "depth"), 0.5), ControlNetChoice("z"))
    assert request.all_loras == (LoraChoice("ink", 0.8), LoraChoice("film"))
    assert (request.model, request.vae, request.text) == ("m", "v", "a man")
    path = tmp_path / "settings.json"
    path.write_text(json.dumps(request.to_dict()))
    read = cli_flags.request_of(parsed(*GENERATE, "--settings", str(path), "--lora", "other"))
    assert (read.loras, read.controlnets) == ((LoraChoice("other"),), request.controlnets)
    with pytest.raises(UsageError, match="takes no 'pose'"):
        parsed(*GENERATE, "-p", "a man", "--controlnet", "pose=x")


def test_what_the_hand_stage_may_cost_and_where_it_begins() -> None:
    flags = ("--steps", "6", "--preset", "fast", "--strength", "0.5", "--upscale")
    words = ("--person-prompt", "Ann=a red = hat", "--person-prompt", "Bob=a coat")
    request = cli_flags.request_of(parsed(*GENERATE, "-p", "two people", *flags, *words))
    assert (request.steps, request.hand_steps, request.preset) == (6, None, "fast")
    assert (request.strength, request.upscale, request.needs_picture) == (0.5, True, True)
    assert request.person_prompts == {"Ann": "a red = hat", "Bob": "a coat"}
    with pytest.raises(UsageError, match="ARMATURE"):
        parsed(*GENERATE, "-p", "x", "--person-prompt", "a coat")
