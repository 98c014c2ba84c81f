# SPDX-License-Identifier: GPL-3.0-or-later
"""The data set: rendered, resumed, read back, and true to its labels."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from handdiff_addon.errors import OutputError, UsageError
from handdiff_addon.palettes import PALETTES
from handdiff_addon.request import SIDES
from handdiff_addon.training import dataset
from handdiff_addon.training.captions import caption
from handdiff_addon.training.dataset import choose_human, generate_dataset, human_files, list_samples, load
from handdiff_addon.training.looks import held_out

SIZE = 128
COUNT = 6


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small data set of the sample human."""
    folder = tmp_path_factory.mktemp("data")
    assert generate_dataset(folder, sample_human=True, count=COUNT, size=SIZE, samples=2) == COUNT
    return folder


def test_samples_are_whole(made: Path) -> None:
    refs = list_samples(made)
    assert [ref.index for ref in refs] == list(range(COUNT))
    for ref in refs:
        sample = load(ref)
        assert sample.picture.shape == (SIZE, SIZE, 3) and sample.parts.shape == (SIZE, SIZE)
        assert sample.body.shape == (18, 2) and all(sample.hands[side].shape == (21, 2) for side in SIDES)
        person = sample.parts > 0
        assert sample.parts.max() <= 3 and 0.03 < person.mean() < 0.97
        assert (sample.normals[~person] == (128, 128, 255)).all()
        # Unit vectors, up to rounding, that face the camera except where shading is smoothed over an edge.
        assert not sample.body_map[~person].any()
        assert sample.body_map[person].any(axis=1).all()
        normals = sample.normals[person] / 127.5 - 1.0
        assert np.abs(np.linalg.norm(normals, axis=1) - 1.0).max() < 0.02 and (normals[:, 2] > -0.02).mean() > 0.95


def test_the_backdrop_has_the_named_colour(made: Path) -> None:
    for ref in list_samples(made):
        sample = load(ref)
        if sample.attributes.background is None or sample.attributes.backdrop == "floor":
            continue
        backdrop = np.median(sample.picture[sample.parts == 0], axis=0)
        nearest = min(PALETTES["background"].items(), key=lambda item: np.linalg.norm(backdrop - item[1]))[0]
        assert nearest == sample.attributes.background


def test_the_shirt_has_the_named_colour(made: Path) -> None:
    for ref in list_samples(made):
        sample = load(ref)
        neck, hips = sample.body[1], (sample.body[8] + sample.body[11]) / 2
        column, row = (0.5 * neck + 0.5 * hips).astype(int)
        if not (3 <= column < SIZE - 3 and 3 <= row < SIZE - 3) or sample.parts[row, column] != 1:
            continue
        if sample.attributes.shirt is None or sample.attributes.shirt_pattern != "plain":
            continue
        seen = np.median(sample.picture[row - 3 : row + 3, column - 3 : column + 3].reshape(-1, 3), axis=0) / 255.0
        named = np.array(PALETTES["shirt"][sample.attributes.shirt]) / 255.0
        # Light changes how bright a colour is, less so its hue.
        assert np.linalg.norm(seen / seen.sum() - named / named.sum()) < 0.16 or max(seen.max(), named.max()) < 0.25


def test_keypoints_lie_on_what_they_name(made: Path) -> None:
    hits = []
    for ref in list_samples(made):
        sample = load(ref)
        for side in SIDES:
            mask = sample.hand_masks[side]
            for (x, y), word in zip(sample.hands[side][2:], sample.hand_visibility[side][2:], strict=True):
                if word == "visible":
                    hits.append(mask[max(int(y) - 1, 0) : int(y) + 2, max(int(x) - 1, 0) : int(x) + 2].any())
    assert len(hits) > 15 and np.mean(hits) > 0.95


def test_a_second_run_goes_on_where_the_first_stopped(made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    shutil.copytree(made, folder)
    listing = folder / "worker_0" / "index.jsonl"
    lines = listing.read_text(encoding="utf-8").splitlines()
    listing.write_text("\n".join(lines[:-1]) + "\n" + lines[-1][:9], encoding="utf-8")  # killed while writing
    (folder / "worker_0" / "000005.jpg").unlink()
    before = (folder / "worker_0" / "000000.jpg").stat().st_mtime_ns
    assert [ref.index for ref in list_samples(folder)] == [0, 1, 2, 3, 4]
    assert generate_dataset(folder, sample_human=True, count=COUNT, size=SIZE, samples=2) == 1
    assert [ref.index for ref in list_samples(folder)] == list(range(COUNT))
    assert (folder / "worker_0" / "000000.jpg").stat().st_mtime_ns == before
    assert generate_dataset(folder, sample_human=True, count=COUNT, size=SIZE, samples=2) == 0
    # What a sample shows depends on its index alone.
    again, first = load(list_samples(folder)[5]), load(list_samples(made)[5])
    assert again.attributes == first.attributes and np.array_equal(again.parts, first.parts)
    assert np.abs(again.picture.astype(int) - first.picture).mean() < 1.0


def test_two_workers_share_the_indices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset, "BLOCK", 1)
    for number in range(2):
        made = generate_dataset(tmp_path, sample_human=True, count=2, size=64, samples=1, worker=(number, 2), minutes=5)
        assert made == 1
    assert {(ref.index, ref.folder.name) for ref in list_samples(tmp_path)} == {(0, "worker_0"), (1, "worker_1")}


def test_time_that_is_up_stops_the_run(tmp_path: Path) -> None:
    assert generate_dataset(tmp_path, sample_human=True, count=5, minutes=0.0) == 0


def test_every_fiftieth_sample_is_held_out(tmp_path: Path) -> None:
    folder = tmp_path / "worker_0"
    folder.mkdir()
    rows = [{"index": i, "human": "x", "split": "held_out" if i == 49 else "train"} for i in (48, 49, 50)]
    (folder / "index.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert [ref.index for ref in list_samples(tmp_path, "held_out")] == [49]
    assert [ref.index for ref in list_samples(tmp_path, "train")] == [48, 50]


def test_held_out_humans_are_never_trained_on(tmp_path: Path) -> None:
    for letter in "abcde":
        (tmp_path / f"human_{letter}_rig.blend").touch()
    files = human_files(tmp_path)
    assert [path.stem[6] for path in files] == list("abcd")
    chosen = [choose_human(files, block * dataset.BLOCK, 0, True) for block in range(100)]
    assert chosen.count(None) == 20
    assert min(chosen.count(path) for path in files) >= 15


def test_shared_humans_render(humans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset, "BLOCK", 1)
    assert generate_dataset(tmp_path, humans, count=4, size=64, samples=1) == 4
    refs = list_samples(tmp_path)
    assert len({ref.human for ref in refs}) == 4
    for ref in refs:
        assert {1} <= set(np.unique(load(ref).parts)) <= {0, 1, 2, 3}


def test_held_out_samples_show_what_training_never_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every other held-out sample shows a held-out combination, the others none."""
    monkeypatch.setattr(dataset, "HELD_OUT_EVERY", 2)
    generate_dataset(tmp_path, sample_human=True, count=8, size=64, samples=1)
    combined = []
    for ref in list_samples(tmp_path):
        names = json.loads(ref.path(".json").read_text(encoding="utf-8"))["names"]
        assert ref.split == ("held_out" if ref.index % 2 else "train")
        if held_out(names):
            combined.append(ref.index)
    assert combined == [3, 7]


def test_captions_name_only_what_the_picture_shows(made: Path) -> None:
    """No trousers where no trousers are in view, no face where the head is cut off, no gloves without a hand."""
    rng = np.random.default_rng(0)
    for ref in list_samples(made):
        sample = load(ref)
        names = json.loads(ref.path(".json").read_text(encoding="utf-8"))["names"]
        text = " | ".join(caption(sample.attributes, rng)[0] for _ in range(60))
        feet, knees, hips = (sample.body[list(points)] for points in ((10, 13), (9, 12), (8, 11)))
        if not _inside(np.concatenate([feet, knees, hips])).any():
            assert "shoes" not in text and "full body" not in text
        if not _inside(sample.body[[0, 14, 15, 16, 17]]).any():
            assert sample.attributes.age is None and "old" not in text.split() and "young" not in text
        if not any(mask.any() for mask in sample.hand_masks.values()):
            assert "gloves" not in text and "fist" not in text
        for name, value in sample.attributes.to_dict().items():
            if name in names and value is not None:
                assert value == names[name]


def _inside(points: np.ndarray) -> np.ndarray:
    return ((points >= 0) & (points < SIZE)).all(axis=1)


def test_a_data_set_of_other_attributes_is_to_be_made_anew(made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    shutil.copytree(made, folder)
    path = folder / "worker_0" / "000000.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    del data["attributes"]["gloves"]
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(UsageError, match=r"another version of HandDiff.*make the data set anew"):
        load(list_samples(folder)[0])


@pytest.mark.parametrize("worker", [(2, 2), (-1, 1)])
def test_a_worker_that_does_not_exist_is_refused(tmp_path: Path, worker: tuple[int, int]) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        generate_dataset(tmp_path, sample_human=True, worker=worker)


def test_refusals_are_one_sentence(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(UsageError, match="holds no rigged human"):
        generate_dataset(tmp_path / "out", empty, count=1)
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(OutputError, match="choose a folder"):
        generate_dataset(tmp_path / "file", sample_human=True, count=1)


def test_a_broken_sample_is_named(made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    shutil.copytree(made, folder)
    (folder / "worker_0" / "000001.json").write_text("{", encoding="utf-8")
    with pytest.raises(UsageError, match=r"000001\.json cannot be read"):
        load(list_samples(folder)[1])


def test_an_artists_own_character_keeps_its_looks(tmp_path: Path) -> None:
    """Only backdrop and light vary; what else stands in the file is left out, and nobody names the clothes."""
    import bpy

    from handdiff_addon.scene.files import new_scene
    from handdiff_addon.scene.sample_human import create_sample_human

    scene = new_scene()
    create_sample_human(scene)
    green = bpy.data.materials.new("Slime")
    green.use_nodes = True
    green.node_tree.nodes["Principled BSDF"].inputs["Base Color"].default_value = (0.0, 0.5, 0.0, 1.0)
    for thing in scene.objects:
        for slot in thing.material_slots:
            slot.material = green
    bpy.ops.mesh.primitive_cube_add(size=1.0, location=(0.0, -0.6, 1.0))  # in the way, and red
    lamp = bpy.data.objects.new("Lamp", bpy.data.lights.new("Lamp", "SUN"))
    lamp.data.energy = 1000.0
    scene.collection.objects.link(lamp)
    file = tmp_path / "my character.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(file))

    assert generate_dataset(tmp_path / "data", characters=[file], count=3, size=SIZE, samples=2) == 3
    for ref in list_samples(tmp_path / "data"):
        sample = load(ref)
        assert ref.human == "my character"
        inside = sample.picture[sample.parts > 0].astype(int)
        assert (inside[:, 1] > inside[:, [0, 2]].max(axis=1) + 20).mean() > 0.9
        assert inside.mean() < 200  # the file's own sun would have burnt it white
        named = sample.attributes.to_dict()
        assert named["light"] and not any(named[word] for word in ("shirt", "skin", "hair", "gloves", "age"))
