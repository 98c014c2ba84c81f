# SPDX-License-Identifier: GPL-3.0-or-later
"""``handdiff evaluate`` from end to end, on two entries, the sample human and a tiny model of random weights."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from handdiff_addon import cli
from handdiff_addon.errors import UsageError
from handdiff_addon.evaluation.draws import methods
from handdiff_addon.evaluation.evaluate import canvas_of, evaluate, prepare

Told = list[tuple[str, int, int]]


def keep(told: Told):
    return lambda *event: told.append(event)


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch")
    from tests.tiny_embedded import TINY, build_tiny_model

    return build_tiny_model(tmp_path_factory.mktemp("model") / "tiny", replace(TINY, canvas=208, crop=64))


@pytest.fixture(scope="module")
def conditions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The conditions of two entries, at the embedded model's canvas."""
    folder = tmp_path_factory.mktemp("conditions")
    assert evaluate(folder, keep([]), count=2, conditions=True) == folder / "truth"
    return folder


def stamps(folder: Path) -> dict[str, int]:
    return {p.relative_to(folder).as_posix(): p.stat().st_mtime_ns for p in folder.rglob("*.png")}


@pytest.mark.slow
def test_a_model_is_drawn_judged_and_reported_and_a_second_run_goes_on(tiny_model: Path, tmp_path: Path) -> None:
    pytest.importorskip("mediapipe")
    out = tmp_path / "out"
    page = evaluate(out, keep([]), model=str(tiny_model), count=2)
    text = page.read_text(encoding="utf-8")
    for words in ("two stages", "hard paste", "KID", "light skin", "peak memory", "wall.jpg", "sample human"):
        assert words in text
    settings = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert settings["extra_steps"] >= 1 and min(settings["memory"].values()) > 50_000_000
    drawn = methods(settings["extra_steps"])
    for method in drawn:
        for name in ("0000", "0001"):
            data = json.loads((out / method.name / f"{name}.json").read_text(encoding="utf-8"))
            assert set(data["scores"]["body"]) == {"hits", "counted"}
            with Image.open(out / method.name / f"{name}.png") as picture:
                assert picture.size == (method.times * canvas_of(str(tiny_model)),) * 2
    figures = json.loads((out / "figures.json").read_text(encoding="utf-8"))
    assert set(figures) == {"render", "relit", *(method.name for method in drawn)}
    assert figures["render"]["pck"]["relative_to_renders"] == 1.0

    before = stamps(out)
    lost = out / "two_stages" / "0001.json"
    lost.unlink()
    evaluate(out, keep([]), model=str(tiny_model), count=2)
    after = stamps(out)
    assert lost.is_file()
    assert {name for name in after if after[name] != before[name]} == {
        "two_stages/0001.png",
        "two_stages/0001_hands_mask.png",
    }
    with pytest.raises(UsageError, match="another size"):
        evaluate(out, keep([]), count=2)


@pytest.mark.slow
def test_pictures_made_elsewhere_are_scored_like_any_other(conditions: Path, tmp_path: Path) -> None:
    pytest.importorskip("mediapipe")
    handed_in = tmp_path / "pictures"
    handed_in.mkdir()
    for name in ("0000", "0001"):  # the renders themselves, larger, with the true mask
        for source, target in (("render", name), ("hands_mask", f"{name}_hands_mask")):
            with Image.open(conditions / "truth" / name / f"{source}.png") as picture:
                picture.resize((512, 512), Image.Resampling.NEAREST).save(handed_in / f"{target}.png")
    page = evaluate(conditions, keep([]), count=2, pictures=handed_in)
    text = page.read_text(encoding="utf-8")
    assert "pictures" in text and "two stages" not in text
    figures = json.loads((conditions / "figures.json").read_text(encoding="utf-8"))
    assert figures["pictures"]["pck"]["value"] == pytest.approx(figures["render"]["pck"]["value"], abs=0.05)
    assert figures["pictures"]["mask_iou"]["value"] > 0.99
    assert abs(figures["pictures"]["kid_pictures"] or 0.0) < 0.01

    # Another picture under the same name is scored anew.
    Image.fromarray(np.full((256, 256, 3), 127, np.uint8)).save(handed_in / "0000.png")
    Image.fromarray(np.full((256, 256, 3), 127, np.uint8)).save(handed_in / "0001.png")
    evaluate(conditions, keep([]), count=2, pictures=handed_in)
    figures = json.loads((conditions / "figures.json").read_text(encoding="utf-8"))
    assert figures["pictures"]["pck"]["value"] == figures["pictures"]["body"]["value"] == 0.0


def test_conditions_are_what_others_paint_from(conditions: Path) -> None:
    folder = conditions / "truth" / "0001"
    names = {path.name for path in folder.iterdir()}
    assert {
        "skeleton.png",
        "pose.json",
        "left_hand_mask.png",
        "right_hand_mask.png",
        "prompt.txt",
        "render.png",
        "relit.png",
    } <= names
    render, relit, person = (
        np.array(Image.open(folder / f"{name}.png").convert(mode))
        for name, mode in (("render", "RGB"), ("relit", "RGB"), ("person_mask", "L"))
    )
    far = person == 0
    assert np.abs(render[far].astype(int) - relit[far]).mean() < 2.0  # the backdrop is lit by itself
    assert np.abs(render[person == 255].astype(int) - relit[person == 255]).mean() > 5.0
    assert (folder / "prompt.txt").read_text(encoding="utf-8").strip()
    assert not (conditions / "results.md").exists() or (conditions / "pictures").exists()


# --- refusals ---------------------------------------------------------------------------------------------------------


def picture(path: Path, size: tuple[int, int] = (64, 64)) -> None:
    Image.new("RGB", size).save(path)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([], "holds no picture to score"),
        (["0000_hands_mask.png"], "holds no picture to score"),
        (["9999.png"], "none of the benchmark's entries"),
        (["0000.png", "hand.png"], "hand.png"),
    ],
)
def test_folders_of_other_pictures_are_refused(tmp_path: Path, files: list[str], words: str) -> None:
    handed_in = tmp_path / "pictures"
    handed_in.mkdir()
    for name in files:
        picture(handed_in / name)
    with pytest.raises(UsageError, match=words):
        prepare(tmp_path / "out", None, "", None, handed_in)


def test_pictures_that_are_not_square_or_not_pictures_are_refused(tmp_path: Path) -> None:
    picture(tmp_path / "0003.png", (64, 80))
    with pytest.raises(UsageError, match="64 x 80"):
        prepare(tmp_path / "out", None, "", None, tmp_path)
    (tmp_path / "0003.png").write_bytes(b"no picture")
    with pytest.raises(UsageError, match=r"0003\.png cannot be read"):
        prepare(tmp_path / "out", None, "", None, tmp_path)


def test_only_the_entries_handed_in_are_scored(tmp_path: Path) -> None:
    for name in ("0003", "0007", "0150"):
        picture(tmp_path / f"{name}.png")
    run = prepare(tmp_path / "out", None, "", 100, tmp_path)
    assert [entry.id for entry in run.entries] == ["0003", "0007"]


@pytest.mark.parametrize("count", [0, -3, 201])
def test_a_count_that_the_list_cannot_give_is_refused(tmp_path: Path, count: int) -> None:
    with pytest.raises(UsageError, match="1 to 200"):
        prepare(tmp_path, None, "", count, None)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--model", "nowhere"], 4, "no model nowhere"),
        (["--humans", "."], 2, "holds no rigged human"),
        (["--count", "1000"], 2, "1 to 200"),
        (["--pictures", "nowhere"], 2, "holds no picture"),
    ],
)
def test_the_command_refuses_in_one_sentence(
    arguments: list[str], code: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["evaluate", "-o", str(tmp_path / "out"), *arguments]) == code
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 1 and words in lines[0] and lines[0].endswith(".")
    assert not (tmp_path / "out" / "run.json").exists()


def test_the_command_names_the_package_that_the_judge_needs(tmp_path: Path, monkeypatch, capfd) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "mediapipe", None)
    assert cli.main(["evaluate", "-o", str(tmp_path / "out"), "--count", "1"]) == 4
    assert "pip install mediapipe==0.10.21" in capfd.readouterr().err
    assert not (tmp_path / "out" / "truth").exists()
