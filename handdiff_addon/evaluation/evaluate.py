# SPDX-License-Identifier: GPL-3.0-or-later
"""``handdiff evaluate``: draw the benchmark's entries by every method, let the judge score them, write the page.

Run again, it goes on where it stopped.  The folder holds ``run.json`` (what is compared), ``truth/ID/`` per entry (see
:mod:`.truth`), ``METHOD/ID.png``, ``ID_hands_mask.png`` and ``ID.json`` (facts and scores, written last), and the page.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from ..errors import UsageError
from ..files import file_sha256, make_folder, open_picture, save_image, write_json
from ..jobs.store import RunFolder
from ..models.catalogue import check_model, find_model
from ..request import SIDES
from .benchmark.entries import Benchmark, Entry, read_benchmark
from .draws import PICTURES, RELIT, RENDER, Method, draw, measure_extra_steps, measure_memory, methods
from .judge import Judge, require_judge
from .score import SCORE_VERSION, score_picture
from .truth import (
    Truth,
    choose_human,
    enlarged,
    has_truth,
    human_files,
    human_name,
    pose_entry,
    read_picture,
    read_truth,
    studio_of,
    write_truth,
)

if TYPE_CHECKING:
    from ..conditioning.frame import Conditioning
    from ..diffusion.pipeline import TwoStagePipeline
    from ..scene.studio import Studio

ABLATION_ENTRIES = 50
"""The first so many entries serve the ablations"""

Report = Callable[[str, int, int], None]


@dataclass
class Run:
    """One evaluation, in its folder."""

    folder: Path
    benchmark: Benchmark
    entries: tuple[Entry, ...]
    humans: list[Path | None]
    model: str
    size: int
    """Side of the pictures: the model's canvas"""
    pictures: Path | None = None
    """A folder of pictures made elsewhere, which are scored instead of the model"""
    settings: dict[str, Any] = field(default_factory=dict)
    """``run.json``"""

    def truth_folder(self, entry: Entry) -> Path:
        return self.folder / "truth" / entry.id

    def path(self, method: str, entry: Entry, ending: str) -> Path:
        return self.folder / method / f"{entry.id}{ending}"

    def picture(self, method: str, entry: Entry) -> Path:
        if method in (RENDER, RELIT):
            return self.truth_folder(entry) / f"{method}.png"
        if method == PICTURES and self.pictures is not None:
            return self.pictures / f"{entry.id}.png"
        return self.path(method, entry, ".png")

    def hands_mask(self, method: str, entry: Entry) -> Path:
        """Where the method says that the hands are; it may say nothing."""
        if method in (RENDER, RELIT):
            return self.truth_folder(entry) / "hands_mask.png"
        return self.picture(method, entry).with_name(f"{entry.id}_hands_mask.png")

    @cached_property
    def pipeline(self) -> TwoStagePipeline:
        """The loaded model."""
        from ..diffusion.pipeline import TwoStagePipeline

        return TwoStagePipeline.load(self.model)

    @cached_property
    def eight_bit_pipeline(self) -> TwoStagePipeline:
        """The model, its weights rounded to eight bits."""
        from ..diffusion.eight_bit import round_to_eight_bits
        from ..diffusion.pipeline import TwoStagePipeline

        pipeline = TwoStagePipeline.load(self.model)
        round_to_eight_bits(pipeline.painter.denoisers)
        return pipeline

    @cached_property
    def unrefined_pipeline(self) -> TwoStagePipeline:
        """The model without its refiner."""
        from ..diffusion.embedded_painter import EmbeddedPainter
        from ..diffusion.pipeline import TwoStagePipeline

        pipeline = TwoStagePipeline.load(self.model)
        if isinstance(pipeline.painter, EmbeddedPainter):
            pipeline.painter.checkpoint.refiner = None
        return pipeline

    @property
    def methods(self) -> tuple[Method, ...]:
        """Those that the model paints."""
        return methods(self.settings["extra_steps"]) if "extra_steps" in self.settings else ()

    def entries_of(self, method: Method) -> tuple[Entry, ...]:
        few = method.ablation and not method.all_entries
        return self.entries[:ABLATION_ENTRIES] if few else self.entries


def evaluate(
    folder: Path,
    report: Report,
    *,
    humans: Path | None = None,
    model: str = "",
    count: int | None = None,
    pictures: Path | None = None,
    conditions: bool = False,
) -> Path:
    """Run an evaluation, or what is missing of it.

    Args:
        folder: of the results.
        report: told of the progress.
        humans: folder of rigged ``.blend`` files; None: the sample human.
        model: model folder; empty: the embedded model.
        count: the first so many entries; None: all.
        pictures: score the pictures ``ID.png`` (and masks ``ID_hands_mask.png``) of this folder, and no model.
        conditions: stop when the truth of every entry is drawn: what others paint from.

    Returns:
        the page, or with ``conditions`` the folder of the truths.

    Raises:
        OutputError, UsageError, ModelError, SceneError: before long work.
    """
    run = prepare(folder, humans, model, count, pictures)
    if not conditions:
        require_judge()
    _settle(run)
    truth_only = conditions or pictures is not None
    if not truth_only and "extra_steps" not in run.settings:
        report("measuring", 0, 0)
        _measure_costs(run)
    _draw_all(run, report, truth_only)
    if conditions:
        return run.folder / "truth"
    _score_all(run, report)
    from .page import write_page

    report("page", 0, 0)
    return write_page(run)


def prepare(folder: Path, humans: Path | None, model: str, count: int | None, pictures: Path | None) -> Run:
    """Check what is asked for; nothing is drawn yet.

    Raises:
        OutputError, UsageError, ModelError
    """
    folder = RunFolder(folder).folder
    benchmark = read_benchmark()
    if count is not None and not 1 <= count <= len(benchmark.entries):
        raise UsageError(f"The benchmark cannot give {count} entries: ask for 1 to {len(benchmark.entries)}.")
    files = human_files(humans)
    if not files:
        raise UsageError(f"{humans} holds no rigged human: name a folder of .blend files, or leave --humans out.")
    entries = benchmark.entries[:count]
    if pictures is not None:
        entries = _handed_in(pictures, benchmark, entries)
    return Run(make_folder(folder), benchmark, entries, files, model, canvas_of(model), pictures)


def _handed_in(pictures: Path, benchmark: Benchmark, entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """The entries that a folder has pictures of."""
    ids = [path.stem for path in sorted(pictures.glob("*.png")) if not path.stem.endswith("_hands_mask")]
    if unknown := [name for name in ids if name not in benchmark.ids]:
        raise UsageError(f"{pictures / unknown[0]}.png is none of the benchmark's entries: name it such as 0042.png.")
    chosen = tuple(entry for entry in entries if entry.id in ids)
    for entry in chosen:
        _check_square(pictures / f"{entry.id}.png")
    if not chosen:
        raise UsageError(
            f"{pictures} holds no picture to score: paint what  handdiff evaluate --conditions  draws, as 0000.png."
        )
    return chosen


def _check_square(path: Path) -> None:
    try:
        with open_picture(path) as picture:
            width, height = picture.size
    except OSError as error:
        raise UsageError(f"{path} cannot be read as a picture ({error}): save it anew as PNG.") from error
    if width != height:
        raise UsageError(f"{path} is {width} x {height}: the benchmark's pictures are square, of any size.")


def canvas_of(model: str) -> int:
    """Side of the square that a model paints, in pixels.

    Raises:
        ModelError: where the model is not there or not whole.
    """
    path = check_model(find_model(model)).path

    def setting(part: str, name: str, otherwise: int) -> int:
        config = path / part / "config.json"
        return int(json.loads(config.read_text(encoding="utf-8"))[name]) if config.is_file() else otherwise

    return setting("unet", "sample_size", 64) * setting("patch_autoencoder", "patch_size", 8)


# --- what is compared -------------------------------------------------------------------------------------------------


def _settle(run: Run) -> None:
    """Read ``run.json``, or begin it.

    Raises:
        UsageError: where the folder holds an evaluation of something else.
    """
    path = run.folder / "run.json"
    fixed = {
        "benchmark": run.benchmark.version,
        "list_sha256": run.benchmark.sha256,
        "humans": {human_name(file): "" if file is None else file_sha256(file) for file in run.humans},
        "size": run.size,
        "model": check_model(find_model(run.model)).report(),
    }
    if path.is_file():
        run.settings = json.loads(path.read_text(encoding="utf-8"))
        if changed := [name for name, value in fixed.items() if run.settings.get(name) != value]:
            raise UsageError(
                f"{run.folder} holds an evaluation with another {changed[0]}: choose another folder with -o."
            )
    else:
        run.settings = fixed
        write_json(path, fixed)


# --- drawing ----------------------------------------------------------------------------------------------------------


def _measure_costs(run: Run) -> None:
    """Find out once what the hand stage costs, in steps and in memory, on the first entry that shows both hands."""
    for entry in run.entries:
        conditioning = pose_entry(studio_of(choose_human(run.humans, entry), run.size), entry)
        if len(conditioning.usable_hands()) == len(SIDES):
            break
    run.settings["extra_steps"] = measure_extra_steps(run.pipeline, entry, conditioning, run.model)
    run.settings["memory"] = measure_memory(entry, conditioning, run.model)
    write_json(run.folder / "run.json", run.settings)


def _draw_all(run: Run, report: Report, truth_only: bool) -> None:
    """Draw what is missing, one human after the other, and the larger frames once those of the canvas's size, which
    have the truth, are done."""
    wanted = () if truth_only else run.methods
    sizes = sorted({1, *(method.times for method in wanted)})
    done = 0
    for human, times in itertools.product(run.humans, sizes):
        studio: Studio | None = None
        for entry in run.entries:
            if choose_human(run.humans, entry) != human:
                continue
            report("truth" if truth_only else "drawing", done, len(run.entries) * len(sizes))
            done += 1
            folder = run.truth_folder(entry)
            missing = [method for method in wanted if method.times == times and _is_missing(run, method, entry)]
            if has_truth(folder) and not missing:
                continue
            studio = studio or studio_of(human, times * run.size)
            conditioning = pose_entry(studio, entry)
            if not has_truth(folder):
                write_truth(folder, studio, entry, human_name(human), conditioning)
            for method in missing:
                _draw(run, method, entry, conditioning, read_truth(folder))


def _is_missing(run: Run, method: Method, entry: Entry) -> bool:
    return entry in run.entries_of(method) and not run.path(method.name, entry, ".json").is_file()


def _draw(run: Run, method: Method, entry: Entry, conditioning: Conditioning, truth: Truth) -> None:
    if method.eight_bit:
        pipeline = run.eight_bit_pipeline
    else:
        pipeline = run.pipeline if method.refined else run.unrefined_pipeline
    drawn = draw(pipeline, method, entry, conditioning, truth, run.model)
    make_folder(run.folder / method.name)
    save_image(Image.fromarray(drawn.picture), run.path(method.name, entry, ".png"))
    if drawn.hands_mask is not None:
        mask = Image.fromarray(drawn.hands_mask.astype(np.uint8) * 255)
        save_image(mask, run.path(method.name, entry, "_hands_mask.png"))
    facts = {"entry": entry.id, "method": method.name, "seed": entry.seed, **drawn.facts}
    write_json(run.path(method.name, entry, ".json"), facts)


# --- scoring ----------------------------------------------------------------------------------------------------------


def _score_all(run: Run, report: Report) -> None:
    """Score what has no scores yet, or older ones."""
    jobs = [(method, entry, 1) for method in (RENDER, RELIT) for entry in run.entries]
    if run.pictures is not None:
        jobs += [(PICTURES, entry, 1) for entry in run.entries]
    else:
        jobs += [(method.name, entry, method.times) for method in run.methods for entry in run.entries_of(method)]
    judge: Judge | None = None
    for done, (method, entry, times) in enumerate(jobs):
        report("judging", done, len(jobs))
        picture, mask = run.picture(method, entry), run.hands_mask(method, entry)
        path = run.path(method, entry, ".json")
        data = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"entry": entry.id, "method": method}
        content = file_sha256(picture)
        if data.get("score_version") == SCORE_VERSION and data.get("picture_sha256") == content:
            continue
        judge = judge or Judge()
        size = times * run.size
        scores = score_picture(
            judge,
            enlarged(read_truth(run.truth_folder(entry)), times),
            entry,
            run.benchmark.palettes,
            read_picture(picture, size=size),
            read_picture(mask, "L", size) >= 128 if mask.is_file() else None,
        )
        if times > 1:
            scores["seam"] = None  # a gradient for each pixel, of which a boundary has more then
        make_folder(path.parent)
        write_json(path, {**data, "score_version": SCORE_VERSION, "picture_sha256": content, "scores": scores})
