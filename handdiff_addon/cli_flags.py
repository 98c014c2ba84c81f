# SPDX-License-Identifier: GPL-3.0-or-later
"""The flags that several verbs share, and what they make: requests, choices of a scene, settings of the skeleton."""

from __future__ import annotations

import argparse
import dataclasses
import re
from pathlib import Path
from typing import Any, NoReturn, get_args

from .animate_runs import TARGETS as ANIMATE_TARGETS
from .errors import UsageError
from .jobs.metadata import read_request
from .request import (
    MAX_PEOPLE,
    PASSES,
    ControlNetChoice,
    ControlRole,
    GenerationRequest,
    Look,
    LoraChoice,
    MaskSource,
    Paint,
    Pass,
    Preset,
    SkeletonSettings,
    SkeletonStyle,
    check_size,
)
from .runs import TARGETS, SceneChoice, TextureChoice

DTYPES = ("auto", "float32", "float16", "bfloat16")
LAST_FRAME = 1_048_574
"""Blender's last frame; its first is the same below zero."""


class Parser(argparse.ArgumentParser):
    """argparse with refusals of one sentence, raised."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message[:1].upper()}{message[1:]}: see  {self.prog} --help.")


def add_verb(verbs: Any, name: str, run: Any, help_text: str) -> argparse.ArgumentParser:
    """A verb, or what it is done to; parsed, ``run`` of the namespace takes that and the console."""
    description = f"{help_text[0].upper()}{help_text[1:]}."
    verb = verbs.add_parser(name, help=help_text, description=description, allow_abbrev=False)
    verb.set_defaults(run=run)
    return verb


def add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="folder of the results")


def add_budget(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--minutes", type=_minutes, metavar="M", help="stop after this time")
    parser.add_argument("--seed", type=_seed, default=0, metavar="N")


def add_person_flags(parser: argparse.ArgumentParser, scene: str = "SCENE.blend") -> None:
    """A scene, and who and when of it."""
    parser.add_argument("scene", type=Path, metavar=scene)
    parser.add_argument(
        "--armature", action="append", default=[], metavar="NAME", help="armature, repeatable (default: every humanoid)"
    )
    parser.add_argument("--frame", type=_frame, metavar="N", help="frame (default: the file's current one)")


def add_scene_flags(parser: argparse.ArgumentParser, scene: str = "SCENE.blend") -> None:
    """Flags of :class:`SceneChoice`."""
    add_person_flags(parser, scene)
    parser.add_argument("--camera", default="", metavar="NAME", help="camera (default: the one that renders the frame)")
    parser.add_argument("--people", type=count, default=MAX_PEOPLE, metavar="N", help="the nearest N people at most")
    parser.add_argument("--size", type=int, nargs=2, metavar=("W", "H"), help="size in pixels, multiples of 8")


def add_skeleton_flags(parser: argparse.ArgumentParser) -> None:
    """Flags of :class:`SkeletonSettings`; left out, ``--settings`` or the default holds."""
    parser.add_argument("--style", choices=get_args(SkeletonStyle), help="how the skeleton is drawn")
    parser.add_argument(
        "--hide-occluded", dest="occluded", action="store_false", default=None, help="no body joints that are hidden"
    )
    parser.add_argument("--hidden-hands", action="store_true", default=None, help="also hands of which nothing is seen")
    parser.add_argument("--no-face", dest="face", action="store_false", default=None, help="no points of the face")


def add_texture_flags(parser: argparse.ArgumentParser) -> None:
    """Flags of :class:`TextureChoice`."""
    parser.add_argument(
        "--texture-size", type=_texture_size, default=1024, metavar="PX", help="side of each texture (default: 1024)"
    )
    parser.add_argument("--uv-map", default="", metavar="NAME", help="UV map (default: the active one, or a new one)")
    parser.add_argument("--look", choices=get_args(Look), default="base_colour", help="what the texture drives")
    parser.add_argument("--texture-files", action="store_true", help="PNG files rather than packed into the .blend")


def texture_of(arguments: argparse.Namespace) -> TextureChoice:
    return TextureChoice(
        arguments.texture_size,
        arguments.uv_map,
        arguments.look,
        arguments.texture_files,
        getattr(arguments, "views", 0),
    )


def add_request_flags(parser: argparse.ArgumentParser) -> None:
    """Flags that set fields of :class:`GenerationRequest`; left out, ``--settings`` or the default holds."""
    parser.add_argument("--settings", type=Path, metavar="FILE", help="a saved request, a report.json or a PNG of ours")
    parser.add_argument("--negative", dest="negative_prompt", metavar="T", help="what not to paint")
    parser.add_argument("--seed", type=int, metavar="N")
    parser.add_argument("--steps", type=int, metavar="N", help="denoising steps (default: what the model likes)")
    parser.add_argument(
        "--preset", choices=get_args(Preset), help="fast: half the steps and smaller crops for the hands"
    )
    parser.add_argument("--strength", type=float, metavar="S", help="below 1: begin from the rendered frame")
    parser.add_argument(
        "--person-prompt",
        action="append",
        type=_person_prompt,
        metavar="ARMATURE=T",
        help="more words for one person, repeatable",
    )
    parser.add_argument("--upscale", action="store_true", default=None, help="paint once more at the frame's size")
    parser.add_argument(
        "--model",
        metavar="NAME",
        help="model folder, .safetensors file or Hugging Face id (default: the embedded model)",
    )
    parser.add_argument(
        "--controlnet",
        action="append",
        type=ControlNetChoice.parse,
        metavar="[ROLE=]NAME[@SCALE]",
        help=f"ControlNet for a stock model, repeatable; ROLE from {', '.join(get_args(ControlRole))}",
    )
    parser.add_argument(
        "--lora",
        action="append",
        type=LoraChoice.parse,
        metavar="NAME[@WEIGHT]",
        help="LoRA for a stock model, repeatable",
    )
    parser.add_argument("--vae", metavar="NAME", help="autoencoder in place of a stock model's own")
    parser.add_argument(
        "--reference", metavar="[ADAPTER=]PICTURE[@SCALE]", help="picture whose look a stock model takes, by IP-Adapter"
    )
    parser.add_argument("--hand-model", metavar="DIR", help="hand generator's folder (default: the one in the model)")
    parser.add_argument("--best-of", type=int, metavar="N", help="tries of stage 1, of which the best is kept")
    parser.add_argument("--mask-source", choices=get_args(MaskSource), help="which hand mask drives stage 2")
    parser.add_argument("--paint", choices=get_args(Paint), help="what stage 2 may paint")
    parser.add_argument(
        "--device", default="auto", metavar="NAME", help="torch device (default: a GPU where there is one)"
    )
    parser.add_argument(
        "--dtype", choices=DTYPES, default="auto", help="numbers of a stock model (default: what suits the device)"
    )
    parser.add_argument("--compile", action="store_true", help="torch.compile: slower first picture, faster later ones")
    parser.add_argument("--single-stage", dest="two_stages", action="store_false", default=None, help="no hand stage")
    parser.add_argument("--mark", action="store_true", default=None, help='write "AI generated" into the corner')
    add_skeleton_flags(parser)


_REQUEST_FLAGS = (
    "prompt", "negative_prompt", "seed", "steps", "model", "hand_model", "best_of", "mask_source", "paint",
    "two_stages", "preset", "strength", "upscale", "vae", "mark", "reference",
)  # fmt: skip


def request_of(arguments: argparse.Namespace) -> GenerationRequest:
    """The saved request, if one is given, with the flags laid over it."""
    given = {name: value for name in _REQUEST_FLAGS if (value := getattr(arguments, name, None)) is not None}
    if "steps" in given:
        given["hand_steps"] = None
    if prompts := getattr(arguments, "person_prompt", None):
        given["person_prompts"] = dict(prompts)
    for flag, name in (("controlnet", "controlnets"), ("lora", "loras")):
        if choices := getattr(arguments, flag, None):
            given[name] = tuple(choices)
    if size := getattr(arguments, "size", None):
        given["size"] = tuple(size)
    saved = read_request(arguments.settings) if arguments.settings else None
    if saved:
        return dataclasses.replace(saved, **given, skeleton=skeleton_of(arguments, saved.skeleton))
    if "prompt" not in given:
        raise UsageError("No prompt is given: say what to paint with -p, or bring a saved request with --settings.")
    return GenerationRequest(**given, skeleton=skeleton_of(arguments))


def skeleton_of(arguments: argparse.Namespace, saved: SkeletonSettings | None = None) -> SkeletonSettings:
    """The saved settings of the skeleton, or the defaults, with the flags laid over them."""
    names = [field.name for field in dataclasses.fields(SkeletonSettings)]
    given = {name: value for name in names if (value := getattr(arguments, name)) is not None}
    return dataclasses.replace(saved or SkeletonSettings(), **given)


def choice_of(arguments: argparse.Namespace, size: tuple[int, int] | None = None) -> SceneChoice:
    return SceneChoice(arguments.camera, tuple(arguments.armature), arguments.frame, size, arguments.people)


def person_of(arguments: argparse.Namespace) -> SceneChoice:
    """The choice of :func:`add_person_flags`."""
    return SceneChoice(armatures=tuple(arguments.armature), frame=arguments.frame)


def size_of(arguments: argparse.Namespace) -> tuple[int, int] | None:
    """The passes' size, checked."""
    if not arguments.size:
        return None
    check_size(*arguments.size)
    return arguments.size[0], arguments.size[1]


def worker(text: str) -> tuple[int, int]:
    number, _, workers = text.partition("/")
    if not (number.isdecimal() and workers.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is no share of the work: give I/N such as 0/2")
    return int(number), int(workers)


def targets(text: str) -> tuple[str, ...]:
    return _chosen(text, TARGETS)


def animate_targets(text: str) -> tuple[str, ...]:
    return _chosen(text, ANIMATE_TARGETS)


def _chosen(text: str, names: tuple[str, ...]) -> tuple[str, ...]:
    words = tuple(word.strip() for word in text.split(",") if word.strip())
    if unknown := [word for word in words if word not in names]:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(names)}")
    return words


def passes(text: str) -> tuple[Pass, ...]:
    words = PASSES if text == "all" else _chosen(text, PASSES)
    if not words:
        raise argparse.ArgumentTypeError(f"no pass is named: give all, or some of {', '.join(PASSES)}")
    return tuple(name for name in PASSES if name in words)


def _minutes(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    if not 0 < minutes < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: give minutes such as 30")
    return minutes


def _seed(text: str) -> int:
    if not (text.isdecimal() and len(text) <= 19 and int(text) < 2**63):
        raise argparse.ArgumentTypeError(f"{text!r} is no seed: give a whole number from 0 to 2^63 - 1")
    return int(text)


def _person_prompt(text: str) -> tuple[str, str]:
    name, equals, prompt = text.partition("=")
    if not (name.strip() and equals and prompt.strip()):
        raise argparse.ArgumentTypeError(f"{text!r} is no prompt for a person: give ARMATURE=WORDS")
    return name.strip(), prompt.strip()


def count(text: str) -> int:
    if not (text.isdecimal() and 0 < len(text) <= 6 and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no number: give 1 or more")
    return int(text)


def view(text: str) -> tuple[str, Path]:
    """A camera's name, which may hold an equals sign where the picture's path holds none, and a picture."""
    camera, _, picture = text.rpartition("=")
    if not picture:
        raise argparse.ArgumentTypeError(f"{text!r} names no picture: give CAMERA=PICTURE.png")
    return camera, Path(picture)


def span(text: str) -> tuple[int, int]:
    found = frames(text)
    if found.step != 1:
        raise argparse.ArgumentTypeError(f"{text!r} leaves frames out: give A-B such as 1-250")
    return found[0], found[-1]


def _texture_size(text: str) -> int:
    if not (text.isdecimal() and len(text) <= 5 and 16 <= int(text) <= 16384):
        raise argparse.ArgumentTypeError(f"{text!r} is no size of a texture: give pixels from 16 to 16384")
    return int(text)


def _frame(text: str) -> int:
    if not re.fullmatch(r"-?\d{1,7}", text) or abs(int(text)) > LAST_FRAME:
        raise argparse.ArgumentTypeError(f"{text!r} is no frame: give a whole number up to {LAST_FRAME}")
    return int(text)


def frames(text: str) -> range:
    parts = re.fullmatch(r"(-?\d{1,7})-(-?\d{1,7})(?::(\d{1,7}))?", text)
    if not parts:
        raise argparse.ArgumentTypeError(f"{text!r} is no range of frames: give A-B or A-B:STEP such as 1-250")
    first, last, step = _frame(parts[1]), _frame(parts[2]), int(parts[3] or 1)
    if first > last or step < 1:
        raise argparse.ArgumentTypeError(f"{text!r} holds no frame: give the first frame, the last, and a step from 1")
    return range(first, last + 1, step)
