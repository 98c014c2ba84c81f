# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of an evaluation: tables in Markdown, and a wall of pictures beside it."""

from __future__ import annotations

import hashlib
import json
import math
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..files import write_bytes, write_json
from ..training.dataset import HELD_OUT_HUMANS
from . import judge
from .distances import distances_from_renders
from .draws import AUTOENCODER, AUTOENCODER_HANDS, PICTURES, RELIT, RENDER, SINGLE_STAGE, TWO_STAGES
from .features import NETWORKS
from .figures import (
    FIGURES,
    GROUP_FIGURES,
    GROUP_SPREAD,
    Results,
    angle_tallies,
    bars,
    group_rows,
    role_tally,
    tally,
    tone_groups,
)
from .statistics import Estimate, estimate, estimate_ratio
from .truth import SAMPLE_HUMAN, Truth, read_truth
from .wall import picture_wall

if TYPE_CHECKING:
    from .evaluate import Run

Table = tuple[Sequence[str], Sequence[Sequence[str]]]
"""Heads and rows"""


def write_page(run: Run) -> Path:
    """Write ``results.md``, ``figures.json`` and ``wall.jpg`` into the run's folder; returns the page.

    Raises:
        OutputError: where they cannot be written.
    """
    shown = [PICTURES] if run.pictures is not None else [method.name for method in run.methods]
    data = {
        name: {
            entry.id: json.loads(path.read_text(encoding="utf-8"))
            for entry in run.entries
            if (path := run.path(name, entry, ".json")).is_file()
        }
        for name in [RENDER, RELIT, *shown]
    }
    results: Results = {name: {i: entry["scores"] for i, entry in found.items()} for name, found in data.items()}
    truths = {entry.id: read_truth(run.truth_folder(entry)) for entry in run.entries}
    distances = distances_from_renders(run, {name: list(results[name]) for name in [RELIT, *shown]}, truths)
    text = "\n".join(_sections(run, data, results, truths, distances))
    write_json(run.folder / "figures.json", _raw_figures(results, distances))
    write_bytes(run.folder / "wall.jpg", picture_wall(run, shown))
    page = run.folder / "results.md"
    write_bytes(page, text.encode("utf-8"))
    return page


# --- the page's parts -------------------------------------------------------------------------------------------------


def _sections(
    run: Run,
    data: dict[str, dict[str, Any]],
    results: Results,
    truths: dict[str, Truth],
    distances: dict[str, dict[str, tuple[float, float]]],
) -> Iterable[str]:
    ids = list(results[RENDER])
    labels = {
        RENDER: "renders",
        RELIT: "relit renders",
        PICTURES: "pictures",
        **{method.name: method.label for method in run.methods},
    }
    yield "# Results\n"
    yield from _what(run)
    if run.pictures is not None:
        names = [RENDER, RELIT, PICTURES]
        yield _RELIT_NOTE
        yield _table(headline_table(results, names, labels, ids))
        yield _kernel_note(len(ids))
        yield _table(distance_table(distances, labels, [RELIT, PICTURES]))
        yield "![The pictures](wall.jpg)\n"
        return
    ablations = [method.name for method in run.methods if method.ablation]
    first = [i for i in ids if all(i in results[name] for name in ablations)]
    names = [RENDER, RELIT, *(method.name for method in run.methods if not method.ablation)]

    yield "## Against the bars\n"
    yield "The two stages, with 95 % bootstrap intervals over pictures.\n"
    yield _table(bar_table(results, ids, first))
    yield "## Figures\n"
    yield _RELIT_NOTE
    yield "".join(f"- **{method.label}**: {method.note}\n" for method in run.methods if not method.ablation)
    yield _table(headline_table(results, names, labels, ids))
    yield "## By group\n"
    yield (
        "Two stages relative to the renders of the same group (the mask: absolute), and the distance from all entries; "
        f"more than {GROUP_SPREAD:.2f} (!) misses the bar.\n"
    )
    groups = tone_groups({i: truth.tone for i, truth in truths.items()})
    held_out = [i for i, truth in truths.items() if truth.human.startswith(HELD_OUT_HUMANS)]
    groups["the held-out older person"] = held_out
    groups["words never seen together"] = [entry.id for entry in run.entries if entry.unseen is not None]
    yield _table(group_table(results, groups, ids, relative=True))
    yield "The same by themselves: the judge reads the renders of some groups better than those of others.\n"
    yield _table(group_table(results, groups, ids, relative=False))
    if not held_out:
        yield "The held-out person is not among the humans drawn.\n"
    yield "## Ablations\n"
    yield f"On the first {len(first)} entries.\n"
    yield "".join(f"- **{method.label}**: {method.note}\n" for method in run.methods if method.ablation)
    yield _table(headline_table(results, [RENDER, SINGLE_STAGE, TWO_STAGES, *ablations], labels, first, sideways=True))
    yield "## Distance from the renders\n"
    yield _kernel_note(len(ids))
    yield _table(distance_table(distances, labels, list(distances)))
    yield "## What it costs\n"
    yield _table(cost_table(data, results, labels, run.settings["memory"]))
    yield (
        "Seconds are medians of both stages together on the machine at hand; peak memory is that of a fresh process "
        "which loads the model and paints one picture. A picture is usable where the judge finds every visible hand.\n"
    )
    yield "## Pictures\n"
    yield "Condition, single stage, two stages, render.\n"
    yield "![Picture wall](wall.jpg)\n"


def _what(run: Run) -> Iterable[str]:
    names = list(run.settings["humans"])
    command = f"handdiff evaluate -o DIR --count {len(run.entries)}"
    if names != [SAMPLE_HUMAN]:
        command += " --humans HUMANS"
    if run.model:
        command += " --model MODEL"
    if run.pictures is not None:
        command += " --pictures PICTURES"
    model = run.settings["model"]
    whom = "the bundled sample human alone" if names == [SAMPLE_HUMAN] else ", ".join(names)
    yield f"    {command}\n"
    rows = [
        ("benchmark", f"version {run.benchmark.version}, sha256 `{run.benchmark.sha256}`"),
        ("entries", f"{len(run.entries)} ({run.entries[0].id} to {run.entries[-1].id}), seeds as the list has them"),
        ("people", whom),
        ("size", f"{run.size} x {run.size} pixels"),
        ("judge", f"{judge.NAME}; hands in windows of three times their box"),
    ]
    if run.pictures is None:
        steps = run.settings["extra_steps"]
        rows.append(("model", f"{model['name']}, {model['parameters']:,} parameters, sha256 `{model_hash(model)}`"))
        rows.append(("hand stage's cost, in steps of the body stage", str(steps)))
    yield _table((("", ""), rows))


def model_hash(model: dict[str, Any]) -> str:
    """One sha256 for a model: of its weight files' names and sha256, in order."""
    lines = [f"{digest}  {name}\n" for name, digest in sorted(model["sha256"].items())]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


# --- tables -----------------------------------------------------------------------------------------------------------


def bar_table(results: Results, ids: Sequence[str], first: Sequence[str]) -> Table:
    rows = []
    for bar in bars(results, ids, first):
        verdict = "nothing to tell" if bar.passed is None else "yes" if bar.passed else f"no, by {bar.short:.2f}"
        rows.append((bar.label, bar.must, _with_interval(bar.reached), str(bar.reached.count), verdict))
    return ("figure", "must be", "is", "pictures", "reached"), rows


def headline_table(
    results: Results, names: Sequence[str], labels: dict[str, str], ids: Sequence[str], sideways: bool = False
) -> Table:
    """Every figure of every method, a figure a row; ``sideways``: a method a row, the main figures only."""
    main = ("found", "pck", "angles", "body", "seam", "wrist_step", "mask_iou", "swapped")
    columns = {
        label: [_with_interval(estimate(tally(results, name, figure, ids))) for name in names]
        for figure, (label, _) in FIGURES.items()
        if not sideways or figure in main
    }
    if sideways:
        return ("", *columns), [
            (labels[name], *(cells[row] for cells in columns.values())) for row, name in enumerate(names)
        ]
    compared = [name for name in names if name not in (AUTOENCODER, AUTOENCODER_HANDS)]
    angles = angle_tallies(results, compared, ids)
    columns["finger joint angle error of the hands that all but the autoencoders find, degrees"] = [
        _with_interval(estimate(angles[name])) if name in angles else "" for name in names
    ]
    for role in ("skin", "hair", "shirt", "trousers", "gloves", "background"):
        columns[f"named colours found: {role}"] = [
            _with_interval(estimate(role_tally(results, name, role, ids))) for name in names
        ]
    return ("", *(labels[name] for name in names)), [(label, *cells) for label, cells in columns.items()]


def group_table(results: Results, groups: dict[str, list[str]], ids: Sequence[str], relative: bool) -> Table:
    rows = [
        (
            name,
            str(len(groups[name])),
            *(
                "-"
                if math.isnan(apart)
                else f"{value.value:.2f} ({apart:+.2f}{' !' if abs(apart) > GROUP_SPREAD else ''})"
                for value, apart in figures.values()
            ),
        )
        for name, figures in group_rows(results, groups, ids, relative).items()
    ]
    return ("", "pictures", *(FIGURES[figure][0] for figure in GROUP_FIGURES)), rows


def distance_table(
    distances: dict[str, dict[str, tuple[float, float]]], labels: dict[str, str], names: Sequence[str]
) -> Table:
    rows = []
    for name in names:
        cells = [
            f"{mean:.4f} ± {spread:.4f}" if math.isfinite(mean) else "-" for mean, spread in distances[name].values()
        ]
        rows.append((labels[name], *cells))
    return ("", "KID of pictures", "KID of hand crops"), rows


_RELIT_NOTE = (
    "- **relit renders**: the same renders in another light that the prompt allows, since it seldom says all of the "
    "light: what the judge makes of pictures that are right\n"
)


def _kernel_note(count: int) -> str:
    (pictures, *_), (hands, *_) = NETWORKS.values()
    return (
        "KID: polynomial kernel of degree 3 on features of equal length, unbiased for pairs, mean and standard "
        f"deviation of 100 subsets of at most {min(100, count)}, against the renders of the same entries. Features "
        f"come from inside MediaPipe's wheel and compare with no other KID: `{Path(pictures).name}`, last trunk layer "
        f"averaged (192 numbers), for pictures; `{Path(hands).name}`, pooled layer (1,152 numbers), for hand crops.\n"
    )


def cost_table(
    data: dict[str, dict[str, Any]], results: Results, labels: dict[str, str], memory: dict[str, int]
) -> Table:
    rows = []
    for name, draws in data.items():
        seconds = [sum(draw["seconds"].values()) for draw in draws.values() if draw.get("seconds")]
        if not seconds:
            continue
        each = statistics.median(seconds)
        usable = estimate(tally(results, name, "usable", list(results[name]))).value
        peak = f"{memory[name] / 2**20:,.0f} MiB" if name in memory else ""
        per_usable = f"{each / usable:.2f}" if usable > 0 else "-"
        rows.append((labels[name], f"{each:.2f}", peak, f"{usable:.2f}", per_usable))
    return ("", "seconds a picture", "peak memory", "usable", "seconds a usable picture"), rows


def _with_interval(value: Estimate) -> str:
    if not math.isfinite(value.value):
        return "-"
    return f"{value.value:.2f} [{value.low:.2f}, {value.high:.2f}]"


def _table(table: Table) -> str:
    heads, rows = table
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _raw_figures(results: Results, distances: dict[str, dict[str, tuple[float, float]]]) -> dict[str, Any]:
    """Every figure of every method for other programs: value, interval, pictures."""

    def values(name: str, figure: str) -> dict[str, Any]:
        ids = list(results[name])
        mine = tally(results, name, figure, ids)
        relative = estimate_ratio(mine, tally(results, RENDER, figure, ids))
        return {key: _finite(value) for key, value in vars(estimate(mine)).items()} | {
            "relative_to_renders": _finite(relative.value)
        }

    return {
        name: {
            **{figure: values(name, figure) for figure in FIGURES},
            **{f"kid_{kind}": _finite(mean) for kind, (mean, _) in distances.get(name, {}).items()},
        }
        for name in results
    }


def _finite(value: float) -> float | None:
    return round(value, 5) if math.isfinite(value) else None
