# SPDX-License-Identifier: GPL-3.0-or-later
"""The runs behind ``handdiff texture``, ``layer`` and ``preview``: pictures that are there already, on a scene."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import SceneError, UsageError
from .files import make_folder, open_picture
from .jobs.store import RunFolder
from .request import PASSES
from .runs import Report, SceneChoice, TextureChoice, open_scene

if TYPE_CHECKING:
    from PIL import Image

    from .scene.glb import Form


def run_texture(
    blend: Path,
    output: Path,
    views: Sequence[tuple[str, Path]],
    choice: SceneChoice,
    texture: TextureChoice,
    report: Report,
) -> tuple[Path, list[str]]:
    """Project pictures through cameras of the scene on to its people, and write ``textured.blend``.

    Args:
        views: a camera's name (empty: the one that renders) and its picture, each.

    Returns:
        the folder, and the warnings.

    Raises:
        OutputError, SceneError, UsageError: before anything is written.
    """
    with RunFolder(output) as folder:
        report("texture", 0, 0)
        scene = open_scene(blend, choice.frame)
        import numpy as np

        from .conditioning.shots import Shot
        from .scene.cameras import read_camera, scene_camera
        from .scene.glb import save_copy
        from .scene.passes import depsgraph_of
        from .scene.texture import Projection

        projection = Projection(scene, choice.armatures, uv_map=texture.uv_map, size=texture.size)
        for number, (name, path) in enumerate(views):
            report("texture", number, len(views))
            picture = np.asarray(_picture(path))
            camera = scene_camera(scene, name)
            size = picture.shape[1], picture.shape[0]
            projection.add(Shot(read_camera(scene, depsgraph_of(scene), camera, size), picture))
        folder.start()
        projection.show(texture.look, make_folder(folder.path("textures")) if texture.files else None)
        save_copy(scene, folder.path("textured.blend"))
        return folder.folder, projection.warnings


def run_layer(
    blend: Path,
    output: Path,
    picture: Path,
    mask: Path,
    report: Report,
    *,
    frames: tuple[int, int] | None = None,
    under: bool = False,
    feather: float | None = None,
    match: bool = True,
    exr: Path | None = None,
) -> tuple[Path, list[str]]:
    """Lay a picture or a sequence over or under a scene's render, and write ``layered.blend``.

    Args:
        picture, mask: files; of a sequence (``frames`` given) its first.
        exr: a folder of passes, as ``handdiff passes`` writes them, that go into a multilayer EXR with each render.

    Returns:
        the folder, and the warnings.

    Raises:
        OutputError, SceneError, UsageError: before anything is written.
    """
    with RunFolder(output) as folder:
        report("layer", 0, 0)
        scene = open_scene(blend, None)
        from .scene.glb import save_copy
        from .scene.layer import add_exr, apply_layer

        passes = _passes(exr, frames) if exr is not None else {}
        warnings = apply_layer(scene, picture, mask, feather, frames=frames, under=under, match=match)
        if passes:
            add_exr(scene, folder.folder.resolve() / "exr", {"HandDiff": picture, **passes}, frames)
        folder.start()
        save_copy(scene, folder.path("layered.blend"))
        return folder.folder, warnings


def run_preview(
    blend: Path, output: Path, choice: SceneChoice, form: Form, preset: str, report: Report
) -> tuple[Path, list[str]]:
    """Write ``preview.glb``, ``preview.html`` and ``turntable.gif`` of a scene's people, as they are textured there.

    Args:
        form: see ``scene.glb.Form``.
        preset: one of ``scene.glb.PRESETS``, or empty for no limits.

    Returns:
        the folder, and the warnings.

    Raises:
        OutputError, SceneError: before anything is written.
    """
    with RunFolder(output) as folder:
        scene = open_scene(blend, choice.frame)
        return folder.folder, write_preview(folder.path, scene, choice.armatures, form, preset, blend.stem, report)


def write_preview(
    path: Callable[[str], Path],
    scene: Any,
    armatures: Sequence[str],
    form: Form,
    preset: str,
    title: str,
    report: Report = lambda stage, step, steps: None,
    *,
    page: bool = True,
    turntable: bool = True,
) -> list[str]:
    """Write ``preview.glb``, and where wanted ``preview.html`` with that title and ``turntable.gif``.

    Args:
        path: where a file of that name goes.
        scene, armatures: what to show.
        form, preset: see :func:`run_preview`.

    Returns:
        the warnings.

    Raises:
        OutputError, SceneError: before anything is written.
    """
    from .scene.glb import PRESETS, export_glb
    from .scene.model import read_parts
    from .scene.turntable import write_turntable
    from .scene.viewer import write_viewer

    limits = PRESETS.get(preset)
    report("preview", 0, 3)
    parts = read_parts(scene, armatures, rest=form == "rest", triangles=limits.triangles if limits else None)
    warnings = export_glb(path("preview.glb"), scene, armatures, form=form, limits=limits)
    if page:
        report("preview", 1, 3)
        shown = path("preview.glb")
        if form in ("rigged", "animated"):  # the page shows still meshes
            shown = path(".still.glb")
            warnings += export_glb(shown, scene, armatures, limits=limits or PRESETS["web"])
        write_viewer(path("preview.html"), shown.read_bytes(), title)
        if shown.name != "preview.glb":
            shown.unlink()
    if turntable:
        report("preview", 2, 3)
        write_turntable(path("turntable.gif"), parts)
    return list(dict.fromkeys(warnings))


def _picture(path: Path) -> Image.Image:
    try:
        return open_picture(path).convert("RGB")
    except OSError as error:
        raise SceneError(f"The picture {path} cannot be read: choose another, or make it again.") from error


def _passes(folder: Path, frames: tuple[int, int] | None) -> Mapping[str, Path]:
    """The picture passes of a folder, each its file or the first of its sequence."""
    from .conditioning.pass_files import frame_number

    found: dict[str, Path] = {}
    for name in PASSES:
        path = folder / f"{name}.png" if frames is None else folder / name / f"{frame_number(frames[0])}.png"
        if path.is_file():
            found[name] = path
    if not found:
        wanted = "handdiff passes" if frames is None else "handdiff passes --frames"
        raise UsageError(f"{folder} holds no passes of that frame: make them with  {wanted}.")
    return found
