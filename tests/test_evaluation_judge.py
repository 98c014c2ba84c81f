# SPDX-License-Identifier: GPL-3.0-or-later
"""The judge on renders whose truth the rig knows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from handdiff_addon.errors import ModelError
from handdiff_addon.evaluation.benchmark.entries import read_benchmark
from handdiff_addon.evaluation.colour import skin_tone
from handdiff_addon.evaluation.features import NETWORKS, Features
from handdiff_addon.evaluation.judge import Judge, hand_windows
from handdiff_addon.evaluation.metrics import torso
from handdiff_addon.evaluation.score import score_picture
from handdiff_addon.evaluation.truth import (
    SAMPLE_HUMAN,
    Truth,
    enlarged,
    has_truth,
    human_name,
    pose_entry,
    read_truth,
    studio_of,
    write_truth,
)
from handdiff_addon.request import SIDES

pytest.importorskip("mediapipe")
ENTRIES = [
    entry
    for entry in read_benchmark().entries
    if entry.camera.framing == "upper body"
    and entry.data["pose"]["kind"] == "both raised"
    and not entry.gloved
    and skin_tone(entry.colours["skin"]) != "dark"  # of which the judge sees less in the shade
][:4]


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge()


@pytest.fixture(scope="module")
def truths(tmp_path_factory: pytest.TempPathFactory) -> list[Truth]:
    """Renders of the sample human, read back from their folders."""
    root: Path = tmp_path_factory.mktemp("truth")
    studio = studio_of(None, 256)
    for entry in ENTRIES:
        assert not has_truth(root / entry.id)
        write_truth(root / entry.id, studio, entry, human_name(None), pose_entry(studio, entry))
    return [read_truth(root / entry.id) for entry in ENTRIES]


def test_a_truth_folder_holds_what_the_rig_knows(truths: list[Truth]) -> None:
    for truth in truths:
        assert truth.human == SAMPLE_HUMAN
        assert truth.picture.shape == (256, 256, 3)
        assert truth.hands and truth.hands_mask.any()
        assert np.array_equal(truth.person_mask, ~truth.regions["background"])
        assert (truth.regions["skin"] & truth.hands_mask).sum() > 0.9 * truth.hands_mask.sum()
        assert truth.regions["shirt"].sum() > 500


def test_it_finds_body_and_hands_where_the_rig_has_them(judge: Judge, truths: list[Truth]) -> None:
    palettes = read_benchmark().palettes
    scores = [score_picture(judge, t, e, palettes, t.picture, t.hands_mask) for t, e in zip(truths, ENTRIES)]
    hands = [hand for score in scores for hand in score["hands"].values() if not hand["small"]]
    assert len(hands) >= 3
    assert np.mean([hand["found"] for hand in hands]) > 0.7
    assert np.mean([hand["pck"] for hand in hands]) > 0.6
    assert np.mean([hand["swapped"] for hand in hands if hand["found"]]) < 0.5  # sides are the person's own
    assert sum(score["body"]["hits"] for score in scores) > 0.85 * sum(score["body"]["counted"] for score in scores)
    assert all(score["mask_iou"] == 1.0 and score["seam"] > 1.0 for score in scores)
    assert all(score["colours"].get("shirt", True) and score["colours"].get("background", True) for score in scores)


def test_larger_pictures_are_judged_as_those_of_its_size(judge: Judge, truths: list[Truth]) -> None:
    palettes, figures = read_benchmark().palettes, []
    for times in (1, 2):
        wide = [enlarged(truth, times) for truth in truths]
        assert wide[0].picture.shape == (256 * times, 256 * times, 3)
        scores = [score_picture(judge, t, e, palettes, t.picture, t.hands_mask) for t, e in zip(wide, ENTRIES)]
        assert all(score["mask_iou"] == 1.0 for score in scores)
        hands = [hand["pck"] for score in scores for hand in score["hands"].values() if not hand["small"]]
        figures.append((np.mean(hands), sum(score["body"]["hits"] for score in scores)))
    assert figures[1] == pytest.approx(figures[0], abs=0.1, rel=0.1)


def test_a_mirror_image_swaps_the_sides(judge: Judge, truths: list[Truth]) -> None:
    wrists, hands = [], []
    for truth in truths:
        windows = hand_windows(truth.hands)
        mirrored = {side: (256 - box[2], box[1], 256 - box[0], box[3]) for side, box in windows.items()}
        before = judge.look(truth.picture, windows)
        after = judge.look(truth.picture[:, ::-1], mirrored)
        assert before.body is not None and after.body is not None
        back = np.stack([256 - after.body[:, 0], after.body[:, 1]], axis=1)
        for mine, other in ((4, 7), (7, 4)):  # the person's own right wrist is now a left one
            wrists.append(np.linalg.norm(back[other] - before.body[mine]) < 0.2 * torso(truth.pose.body))
        for hand in before.hands:
            for twin in after.hands:
                points = np.stack([256 - twin.points[:, 0], twin.points[:, 1]], axis=1)
                if np.linalg.norm(points - hand.points, axis=1).mean() < 5:
                    hands.append(hand.side != twin.side)
    assert np.mean(wrists) > 0.6
    assert hands and np.mean(hands) > 0.7


def test_equal_pictures_get_equal_answers_in_any_order(judge: Judge, truths: list[Truth]) -> None:
    def look(truth: Truth) -> list[np.ndarray]:
        seen = judge.look(truth.picture, hand_windows(truth.hands))
        return [seen.body if seen.body is not None else np.zeros(0), *(hand.points for hand in seen.hands)]

    forwards = [look(truth) for truth in truths]
    backwards = [look(truth) for truth in reversed(truths)][::-1]
    for one, other in zip(forwards, backwards):
        assert len(one) == len(other)
        assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(one, other))


def test_it_sees_nobody_in_an_empty_picture(judge: Judge) -> None:
    seen = judge.look(np.full((256, 256, 3), 128, np.uint8), {"left": (0, 0, 100, 100)})
    assert seen.body is None and seen.hands == [] and seen.whole == []


def test_windows_are_squares_around_the_hands() -> None:
    hand = np.random.default_rng(0).uniform((40, 60), (70, 80), (21, 2))
    hand[0], hand[1] = (40, 60), (70, 80)
    windows = hand_windows({"right": hand})
    assert windows == {"right": (10, 25, 100, 115)}  # three times 30, around (55, 70)
    assert list(hand_windows(dict.fromkeys(SIDES, hand))) == list(SIDES)


@pytest.mark.parametrize("kind", list(NETWORKS))
def test_features_tell_pictures_apart_and_stay_the_same(kind: str, truths: list[Truth]) -> None:
    pictures = [truth.picture for truth in truths]
    with Features(kind) as features:
        first, again = features.read(pictures), features.read(pictures[::-1])[::-1]
        assert features.read([]).shape == (0, NETWORKS[kind][2])
    assert first.shape == (len(pictures), NETWORKS[kind][2])
    assert np.array_equal(first, again)
    noisy = np.clip(pictures[0].astype(int) + np.random.default_rng(0).integers(-2, 3, pictures[0].shape), 0, 255)
    with Features(kind) as features:
        near = features.read([noisy.astype(np.uint8)])[0]
    assert np.linalg.norm(near - first[0]) < 0.5 * np.linalg.norm(first[1] - first[0])


def test_without_mediapipe_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "mediapipe", None)
    with pytest.raises(ModelError, match=r"pip install mediapipe==0\.10\.21"):
        Judge()
