# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs that take a scene: the flags of each, and the run that they go to."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from . import cli_flags as flags
from .animate_runs import TARGETS as ANIMATE_TARGETS
from .animate_runs import Farm, run_animate
from .composite_runs import run_layer, run_preview, run_texture
from .console import Console
from .errors import UsageError
from .pass_runs import run_passes, run_pose, run_sequence
from .request import DEFAULT_PASSES, PASSES
from .runs import DEMO_PROMPT, TARGETS, run_demo, run_generate


def add_verbs(verbs: Any) -> None:
    _add_demo(verbs)
    _add_passes(verbs)
    _add_generate(verbs)
    _add_texture(verbs)
    _add_layer(verbs)
    _add_preview(verbs)
    _add_animate(verbs)


def _add_demo(verbs: Any) -> None:
    verb = flags.add_verb(verbs, "demo", _demo, "the main job on the bundled sample human, every output")
    flags.add_output(verb)
    flags.add_request_flags(verb)
    verb.add_argument("-p", "--prompt", help=f"what to paint (default: {DEMO_PROMPT})")


def _demo(arguments: argparse.Namespace, console: Console) -> None:
    if arguments.prompt is None and arguments.settings is None:
        arguments.prompt = DEMO_PROMPT
    _finish(
        console,
        *run_demo(arguments.output, flags.request_of(arguments), console.progress, *_compute(arguments)),
    )


def _add_passes(verbs: Any) -> None:
    verb = flags.add_verb(verbs, "passes", _passes, "skeleton, hand masks, depth and keypoints of one frame or of many")
    flags.add_scene_flags(verb, "SCENE.blend|POSE.json")
    flags.add_output(verb)
    verb.add_argument(
        "--frames", type=flags.frames, metavar="A-B[:STEP]", help="an image sequence for each pass, over these frames"
    )
    verb.add_argument(
        "--passes",
        type=flags.passes,
        metavar="LIST",
        help=f"all, or comma-separated from {', '.join(PASSES)} (default: {','.join(DEFAULT_PASSES)})",
    )
    flags.add_skeleton_flags(verb)


def _passes(arguments: argparse.Namespace, console: Console) -> None:
    size, skeleton = flags.size_of(arguments), flags.skeleton_of(arguments)
    scene, output, passes = arguments.scene, arguments.output, arguments.passes or DEFAULT_PASSES
    if scene.suffix.lower() == ".json":
        _refuse_scene_flags(arguments)
        _finish(console, *run_pose(scene, output, size, arguments.people, arguments.passes, skeleton))
        return
    choice = flags.choice_of(arguments, size)
    if arguments.frames is None:
        _finish(console, *run_passes(scene, output, choice, passes, skeleton, console.progress))
        return
    if arguments.frame is not None:
        raise UsageError("Both --frame and --frames are given: give one of them.")
    _finish(console, *run_sequence(scene, output, choice, arguments.frames, passes, skeleton, console.progress))


def _refuse_scene_flags(arguments: argparse.Namespace) -> None:
    for flag, value in (
        ("--camera", arguments.camera),
        ("--armature", arguments.armature),
        ("--frame", arguments.frame),
        ("--frames", arguments.frames),
    ):
        if value not in ("", [], None):
            raise UsageError(f"{flag} needs a scene, and {arguments.scene} is a pose: leave it out.")


def _add_generate(verbs: Any) -> None:
    verb = flags.add_verb(
        verbs, "generate", _generate, "paint one frame: passes, both stages, the composites asked for"
    )
    flags.add_scene_flags(verb)
    flags.add_output(verb)
    flags.add_request_flags(verb)
    verb.add_argument("-p", "--prompt", help="what to paint; needed unless --settings brings one")
    verb.add_argument(
        "--to",
        type=flags.targets,
        default=("image",),
        metavar="LIST",
        help=f"comma-separated from {', '.join(TARGETS)}",
    )
    flags.add_texture_flags(verb)
    verb.add_argument(
        "--views",
        type=flags.count,
        default=0,
        metavar="N",
        help="for the texture, paint N further views around the person where earlier ones left gaps",
    )


def _generate(arguments: argparse.Namespace, console: Console) -> None:
    request, choice, texture = flags.request_of(arguments), flags.choice_of(arguments), flags.texture_of(arguments)
    scene, output, told = arguments.scene, arguments.output, console.progress
    compute = _compute(arguments)
    _finish(console, *run_generate(scene, output, request, choice, arguments.to, told, *compute, texture=texture))


def _add_texture(verbs: Any) -> None:
    verb = flags.add_verb(verbs, "texture", _texture, "project pictures of one or many cameras on to the people")
    flags.add_person_flags(verb)
    flags.add_output(verb)
    flags.add_texture_flags(verb)
    verb.add_argument(
        "--view",
        type=flags.view,
        action="append",
        required=True,
        metavar="[CAMERA=]PICTURE",
        help="a picture and its camera, repeatable (default: the camera that renders the frame)",
    )


def _texture(arguments: argparse.Namespace, console: Console) -> None:
    choice, texture = flags.person_of(arguments), flags.texture_of(arguments)
    _finish(console, *run_texture(arguments.scene, arguments.output, arguments.view, choice, texture, console.progress))


def _add_layer(verbs: Any) -> None:
    verb = flags.add_verb(verbs, "layer", _layer, "lay a picture or a sequence over the render, in the compositor")
    verb.add_argument("scene", type=Path, metavar="SCENE.blend")
    flags.add_output(verb)
    verb.add_argument("--picture", type=Path, required=True, metavar="FILE", help="of a sequence the first")
    verb.add_argument("--mask", type=Path, required=True, metavar="FILE", help="white where it shows; likewise")
    verb.add_argument("--frames", type=flags.span, metavar="A-B", help="frames of the sequence")
    verb.add_argument("--under", action="store_true", help="under the render, which needs a transparent film")
    verb.add_argument("--feather", type=float, metavar="PX", help="softness of the mask's edge")
    verb.add_argument(
        "--no-match", dest="match", action="store_false", help="let the view transform change the picture's colours"
    )
    verb.add_argument(
        "--exr", type=Path, metavar="PASSES", help="a folder of passes: each render writes a multilayer EXR of them"
    )


def _layer(arguments: argparse.Namespace, console: Console) -> None:
    options = {name: getattr(arguments, name) for name in ("frames", "under", "feather", "match", "exr")}
    files = arguments.scene, arguments.output, arguments.picture, arguments.mask
    _finish(console, *run_layer(*files, console.progress, **options))


def _add_preview(verbs: Any) -> None:
    verb = flags.add_verb(verbs, "preview", _preview, "a GLB, a page that shows it offline, and a turntable")
    flags.add_person_flags(verb)
    flags.add_output(verb)
    verb.add_argument("--form", choices=("posed", "rest", "rigged", "animated"), default="posed")
    verb.add_argument("--for", dest="preset", choices=("web", "headset"), default="", help="limits to keep within")


def _preview(arguments: argparse.Namespace, console: Console) -> None:
    scene, output, choice = arguments.scene, arguments.output, flags.person_of(arguments)
    _finish(console, *run_preview(scene, output, choice, arguments.form, arguments.preset, console.progress))


def _add_animate(verbs: Any) -> None:
    verb = flags.add_verb(verbs, "animate", _animate, "paint a range of frames; run again, it goes on")
    flags.add_scene_flags(verb)
    flags.add_output(verb)
    flags.add_request_flags(verb)
    verb.add_argument("-p", "--prompt", help="what to paint; needed unless --settings brings one")
    verb.add_argument(
        "--frames", type=flags.frames, metavar="A-B[:STEP]", help="which frames (default: the scene's own range)"
    )
    verb.add_argument(
        "--to",
        type=flags.animate_targets,
        default=(),
        metavar="LIST",
        help=f"beside the image sequence, comma-separated from {', '.join(ANIMATE_TARGETS)}",
    )
    verb.add_argument(
        "--steady", action="store_true", help="paint each frame from earlier ones, carried along with the motion"
    )
    verb.add_argument("--restart", action="store_true", help="put the batch that lies there aside and begin anew")
    verb.add_argument("--ray", metavar="ADDRESS", help="paint on a Ray cluster; local: on one of this machine's own")
    verb.add_argument(
        "--workers", type=flags.count, metavar="N", help="with --ray: models loaded at once (default: one per GPU)"
    )


def _animate(arguments: argparse.Namespace, console: Console) -> None:
    if arguments.frame is not None:
        raise UsageError("--frame is for one picture: say which frames to paint with --frames A-B.")
    if arguments.workers is not None and arguments.ray is None:
        raise UsageError("--workers needs --ray: without it, one frame is painted after the other.")
    farm = None if arguments.ray is None else Farm(arguments.ray, arguments.workers)
    folder, warnings = run_animate(
        arguments.scene,
        arguments.output,
        flags.request_of(arguments),
        flags.choice_of(arguments),
        arguments.frames,
        arguments.to,
        console.progress,
        steady=arguments.steady,
        restart=arguments.restart,
        farm=farm,
        device=arguments.device,
        dtype=arguments.dtype,
        compile=arguments.compile,
    )
    _finish(console, folder, warnings)


def _compute(arguments: argparse.Namespace) -> tuple[str, str, bool]:
    return arguments.device, arguments.dtype, arguments.compile


def _finish(console: Console, folder: Path, warnings: list[str]) -> None:
    console.end_stage()
    for warning in warnings:
        console.complain(f"Warning: {warning}")
    console.say(str(folder))
