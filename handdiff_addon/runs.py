# SPDX-License-Identifier: GPL-3.0-or-later
"""The runs behind the verbs: each joins the rooms once, from a ``.blend`` file to a folder of results.

What can be refused is refused first, and nothing is written before there is something to write: the output folder, the
model, the scene, and only then torch.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from .errors import ModelError
from .jobs.store import RunFolder
from .models.catalogue import check_model, find_model, is_own
from .models.hand_models import refuse_stock_hands
from .models.stock_plan import plan_request, refuse_stock_parts, refuse_unseen
from .request import MAX_PEOPLE, GenerationRequest, GenerationResult, Look

if TYPE_CHECKING:
    from .conditioning.frame import Conditioning
    from .scene.texture import Paint

Target = Literal["image", "texture", "layer", "glb"]
TARGETS: tuple[Target, ...] = get_args(Target)
Report = Callable[[str, int, int], None]
"""Called with a stage's name, the step and the number of steps (0: unknown)."""

DEMO_PROMPT = "a person in a red shirt with a green background"


@dataclass(frozen=True)
class SceneChoice:
    """What of a scene to use; empty: the file's own frame, its render camera, every humanoid armature in view."""

    camera: str = ""
    armatures: tuple[str, ...] = ()
    frame: int | None = None
    size: tuple[int, int] | None = None
    """Size of the passes in pixels; None: the render size."""
    max_people: int = MAX_PEOPLE
    """The nearest so many"""

    def options(self) -> dict[str, Any]:
        """What ``render_passes`` takes of it; the frame is set when the file is opened."""
        return {"camera": self.camera, "armatures": self.armatures, "size": self.size, "max_people": self.max_people}


@dataclass(frozen=True)
class TextureChoice:
    """How pictures become textures."""

    size: int = 1024
    """Side of each texture, or tile of it, in pixels"""
    uv_map: str = ""
    """Name; empty: the active one, or a new one where that cannot hold a texture"""
    look: Look = "base_colour"
    files: bool = False
    """Textures as PNG files in ``textures`` rather than packed into the .blend"""
    views: int = 0
    """So many further views around the person are painted, each where earlier ones left gaps"""


def run_generate(
    blend: Path,
    output: Path,
    request: GenerationRequest,
    choice: SceneChoice,
    targets: Sequence[Target],
    report: Report,
    device: str = "auto",
    dtype: str = "auto",
    compile: bool = False,
    texture: TextureChoice | None = None,
) -> tuple[Path, list[str]]:
    """The passes of one frame, both stages of diffusion, and the composites asked for.

    ``device`` and ``dtype`` are torch's names of where and in which numbers to compute; ``auto``: what suits;
    ``compile``: by ``torch.compile``.

    Returns:
        the folder, and the warnings.

    Raises:
        OutputError, ModelError, SceneError: in this order, before any long work and with earlier results untouched.
    """
    with RunFolder(output) as folder:
        check_models(request)
        scene = open_scene(blend, choice.frame)
        compute = (device, dtype, compile)
        return _generate(scene, folder, request, choice, targets, report, compute, texture or TextureChoice())


def run_demo(
    output: Path,
    request: GenerationRequest,
    report: Report,
    device: str = "auto",
    dtype: str = "auto",
    compile: bool = False,
) -> tuple[Path, list[str]]:
    """The main job on the bundled sample human, every output and a contact sheet; see :func:`run_generate`.

    Returns:
        the folder, and the warnings.
    """
    with RunFolder(output) as folder:
        check_models(request)
        need_blender()
        from .scene.files import new_scene
        from .scene.sample_human import create_sample_scene

        scene = new_scene()
        create_sample_scene(scene)
        return _generate(scene, folder, request, SceneChoice(), TARGETS, report, (device, dtype, compile))


def run_evaluate(output: Path, report: Report, **options: Any) -> Path:
    """Draw and score the benchmark, or what is missing of it; options are those of ``evaluate``.

    Returns:
        the results page, or the folder of the conditions where only those were asked for.
    """
    RunFolder(output)
    if not options["conditions"] and options["pictures"] is None:
        request = GenerationRequest("", model=options["model"])
        if not is_own(request.model):
            plan_request(request)
            raise ModelError(
                f"The benchmark paints with models of the embedded kind, and {request.model} is none: score "
                "pictures that it painted with --pictures."
            )
        check_models(request)
    need_blender()
    from .evaluation.evaluate import evaluate

    return evaluate(output, report, **options)


def check_models(request: GenerationRequest) -> None:
    """Refuse a request whose models are not there or not whole, and a Python without the engine; imports no torch.

    Raises:
        ModelError
    """
    if is_own(request.model):
        refuse_stock_parts(request)
        check_model(find_model(request.model))
        if request.hand_model:
            refuse_stock_hands(request.hand_model)
            check_model(find_model(request.hand_model))
    else:
        plan = plan_request(request)
        refuse_unseen(request, plan.roles, plan.hands is not None)
    need_engine()


def need_engine() -> None:
    """Refuse a Python without torch and the libraries above it.

    Raises:
        ModelError
    """
    for package in ("torch", "diffusers", "transformers"):
        need(package, "engine")


def need(package: str, extra: str) -> None:
    """Refuse a Python without a package; ``extra`` of HandDiff brings it.

    Raises:
        ModelError
    """
    if importlib.util.find_spec(package) is None:
        raise ModelError(f"Python has no {package}: install it with  pip install 'handdiff[{extra}]'.")


def need_blender() -> None:
    """Refuse a Python without Blender's module.

    Raises:
        ModelError
    """
    need("bpy", "blender")


def open_scene(blend: Path, frame: int | None) -> Any:
    """Open a .blend file and give its scene, at a frame or the file's own.

    Raises:
        ModelError: where Python has no bpy.
        SceneError: where the file cannot be opened.
    """
    need_blender()
    from .scene.files import open_blend

    scene = open_blend(blend)
    if frame is not None:  # so that the copies saved with the results open at that frame
        scene.frame_set(frame)
    return scene


def _generate(
    scene: Any,
    folder: RunFolder,
    request: GenerationRequest,
    choice: SceneChoice,
    targets: Sequence[Target],
    report: Report,
    compute: tuple[str, str, bool],
    texture: TextureChoice = TextureChoice(),
) -> tuple[Path, list[str]]:
    seconds: dict[str, float] = {}
    from .conditioning.pass_files import write_passes
    from .scene.passes import render_passes

    with _timed(seconds, "passes"):
        report("passes", 0, 0)
        conditioning = render_passes(
            scene,
            skeleton=request.skeleton,
            with_normals=True,
            with_picture=request.needs_picture,
            **choice.options(),
        )
    report("loading", 0, 0)
    with _timed(seconds, "loading"):
        from .diffusion.pipeline import TwoStagePipeline

        pipeline = TwoStagePipeline.for_request(request, *compute)
    result = pipeline.generate(request, conditioning, progress=lambda p: report(p.stage, p.step, p.steps))
    result.seconds = {**seconds, **result.seconds}

    folder.save_result(request, result)
    write_passes(conditioning, folder.start(), skeleton=request.skeleton)
    if texture.views and "texture" not in targets and "glb" not in targets:
        result.warnings.append("Further views are painted for textures only: add texture to --to.")
    from .texture_runs import view_painter

    options = {**choice.options(), "skeleton": request.skeleton}
    paint = view_painter(scene, request, options, pipeline.generate) if texture.views else None
    _composite(scene, folder, conditioning, result, choice, targets, report, texture, paint)
    report("sheet", 0, 0)
    folder.save_image("contact_sheet.png", _sheet(request, conditioning, result))
    folder.save_json("report.json", result.report(request))
    return folder.folder, result.warnings


def _composite(
    scene: Any,
    folder: RunFolder,
    conditioning: Conditioning,
    result: GenerationResult,
    choice: SceneChoice,
    targets: Sequence[Target],
    report: Report,
    texture: TextureChoice,
    paint: Paint | None,
) -> None:
    """Write ``textured.blend``, ``preview.glb`` and ``layered.blend`` where asked, each from the scene as opened."""
    from .scene.glb import export_glb, save_copy
    from .scene.layer import apply_layer
    from .scene.textured import restore_materials
    from .texture_runs import project

    before = len(conditioning.warnings)
    if "texture" in targets or "glb" in targets:
        with _timed(result.seconds, "texture"):
            report("texture", 0, 0)
            project(scene, folder, conditioning, result, choice, texture, paint)
            if "texture" in targets:
                save_copy(scene, folder.path("textured.blend"))
        if "glb" in targets:
            with _timed(result.seconds, "glb"):
                report("glb", 0, 0)
                export_glb(folder.path("preview.glb"), scene, choice.armatures)
        restore_materials(scene)
    if "layer" in targets:
        with _timed(result.seconds, "layer"):
            report("layer", 0, 0)
            result.warnings += apply_layer(scene, result.image, conditioning.person_mask)
            save_copy(scene, folder.path("layered.blend"))
    result.warnings = list(dict.fromkeys([*result.warnings, *conditioning.warnings[before:]]))


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    seconds[stage] = round(time.perf_counter() - began, 3)


def _sheet(request: GenerationRequest, conditioning: Conditioning, result: GenerationResult) -> Any:
    """The contact sheet of one run, as a ``PIL.Image``: what goes in, what comes out, in the order of the way."""
    from PIL import Image

    from .evaluation.contact_sheet import contact_sheet

    pictures = [
        ("Skeleton", "skeleton.png: body and hands, from the rig", Image.fromarray(conditioning.skeleton)),
        ("Hand mask", "hands_mask.png: what the camera sees of the hands", Image.fromarray(conditioning.hands_mask)),
        ("Depth", "depth.png: near is white", Image.fromarray(conditioning.depth)),
    ]
    if result.hands is not None:
        pictures.append(("Stage 1: hands", "hands.png: painted first", result.hands))
    if result.hands_predicted_mask is not None:
        pictures.append(("Stage 1: mask", "hands_predicted_mask.png: where it put them", result.hands_predicted_mask))
    pictures.append(("Stage 2: picture", "image.png: the body around the hands", result.image))
    return contact_sheet(pictures, request.prompt)
