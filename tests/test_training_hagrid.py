# SPDX-License-Identifier: GPL-3.0-or-later
"""HaGRID's annotations, as its authors publish them, become crops of hands with the right side and no mask."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from handdiff_addon.errors import UsageError
from handdiff_addon.training.hagrid import HagridHands, read_hagrid

BOX = [0.1, 0.1, 0.2, 0.2]


def hand(x: float, y: float, index_to_the_right: bool = True) -> list[list[float]]:
    """Keypoints of a hand with its fingers up, its wrist at (x, y): thumb, index ... little from one side on."""
    points = np.zeros((21, 2))
    for finger in range(5):
        across = (2 - finger) * 0.02 * (1 if index_to_the_right else -1)
        points[1 + 4 * finger : 5 + 4 * finger] = [(across, -0.06 - 0.03 * joint) for joint in range(4)]
    return np.add(points, (x, y)).round(6).tolist()


def entry(labels: list[str], hands: list[Any], **more: Any) -> dict[str, Any]:
    return {"bboxes": [BOX] * len(labels), "labels": labels, "hand_landmarks": hands, "user_id": "u", **more}


def write(folder: Path, entries: dict[str, Any], annotations: str = "annotations/train/palm.json") -> Path:
    (folder / annotations).parent.mkdir(parents=True, exist_ok=True)
    (folder / annotations).write_text(json.dumps(entries))
    (folder / "hagrid" / "palm").mkdir(parents=True, exist_ok=True)
    for name in entries:
        picture = np.zeros((300, 400, 3), np.uint8)
        picture[..., 0] = np.arange(400) // 2
        Image.fromarray(picture).save(folder / "hagrid" / "palm" / f"{name}.jpg")
    return folder


def test_sides_are_told_by_palm_and_back(tmp_path: Path) -> None:
    """A right palm has the index finger to the picture's right, the back of a right hand to its left."""
    cases = {
        "right_palm": (["palm"], [hand(0.3, 0.6)], {"right": "palm"}),
        "left_palm": (["stop"], [hand(0.7, 0.6, False)], {"left": "stop"}),
        "right_back": (["stop_inverted"], [hand(0.3, 0.6, False)], {"right": "stop_inverted"}),
        "both": (["palm", "palm"], [hand(0.3, 0.6), hand(0.7, 0.6, False)], {"right": "palm", "left": "palm"}),
        "free": (["no_gesture", "one"], [hand(0.7, 0.9), hand(0.3, 0.6)], {"left": "no_gesture", "right": "one"}),
    }
    write(tmp_path, {name: entry(labels, hands) for name, (labels, hands, _) in cases.items()})
    found = {photograph.path.stem: photograph.labels for photograph in read_hagrid(tmp_path)}
    assert found == {name: labels for name, (_, _, labels) in cases.items()}


def test_what_is_not_known_for_sure_is_passed_over(tmp_path: Path) -> None:
    entries = {
        "good": entry(["palm"], [hand(0.3, 0.6)]),
        "either_way": entry(["fist"], [hand(0.3, 0.6)]),
        "free_alone": entry(["no_gesture"], [hand(0.3, 0.6)]),
        "two_right": entry(["palm", "palm"], [hand(0.3, 0.6), hand(0.7, 0.6)]),
        "unseen": entry(["palm", "no_gesture"], [hand(0.3, 0.6), []]),
        "version_1": {"bboxes": [BOX], "labels": ["palm"], "leading_hand": "left", "user_id": "u"},
        "damaged": entry(["palm"], [[["a", 0.1]] * 21]),
    }
    write(tmp_path, entries)
    (tmp_path / "hagrid" / "palm" / "two_right.jpg").touch()
    write(tmp_path, {"for_testing": entry(["palm"], [hand(0.3, 0.6)])}, "annotations/test/palm.json")
    assert [photograph.path.stem for photograph in read_hagrid(tmp_path)] == ["good"]


def test_crops_hold_the_hand_where_its_heatmaps_are_and_no_mask(tmp_path: Path) -> None:
    write(tmp_path, {"a": entry(["palm", "palm"], [hand(0.3, 0.6), hand(0.7, 0.6, False)])})
    source = HagridHands(tmp_path, 64, 8)
    rng = np.random.default_rng(0)
    texts, sides = [], set()
    for _ in range(40):
        drawn = source.draw(rng)
        assert drawn.picture.shape == (64, 64, 3) and drawn.heatmaps.shape == (11, 8, 8) and drawn.mask is None
        texts.append(drawn.text)
        if drawn.heatmaps.any():
            right, left = drawn.heatmaps[:5].max() > 0.5, drawn.heatmaps[5:10].max() > 0.5
            assert right != left  # they lie apart, so that each crop is of one
            sides.add("right" if right else "left")
    assert sides == {"left", "right"}
    assert any("palm" in text or "open" in text or "flat" in text for text in texts), texts


@pytest.mark.train
def test_photographs_teach_the_picture_and_rigs_the_mask_as_well(stock: Path, tmp_path: Path) -> None:
    from handdiff_addon.models.stock_plan import plan_base
    from handdiff_addon.training.base import train_base_hands
    from tests.test_training_tasks import write_samples

    data = write_samples(tmp_path / "data", 4)
    hagrid = write(tmp_path / "hagrid", {"a": entry(["palm"], [hand(0.3, 0.6)])})
    (tmp_path / "hands").mkdir()
    plan = plan_base(str(stock / "sd15"))
    train_base_hands(plan, tmp_path / "hands", tmp_path / "run", data, 0.03, batch=2, crop=64, hagrid=hagrid)
    assert (tmp_path / "hands" / "hand_generator.safetensors").is_file()


def test_a_folder_without_such_photographs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no photograph of HaGRID"):
        read_hagrid(tmp_path)
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(UsageError, match="cannot be read"):
        read_hagrid(tmp_path)
