# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches that are cut on a device show what examples drawn one at a time show."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from handdiff_addon.conditioning.heatmaps import hand_heatmaps
from handdiff_addon.conditioning.hint import hand_hint
from handdiff_addon.conditioning.skeleton import draw_skeleton
from handdiff_addon.diffusion.text import TextEmbedding
from handdiff_addon.training.dataset import list_samples, load
from handdiff_addon.training.examples import canvas_example, hand_examples, mirror_pose
from handdiff_addon.training.losses import pixel_weights
from handdiff_addon.training.resident import CanvasPool, HandPool, heatmaps
from handdiff_addon.training.stacked import canvas_bytes, canvases_of, hand_bytes, hands_of, read_stacked
from tests.test_training_tasks import write_samples

CANVAS = 128


def embed(texts):
    """Each text as its length, and whether it names the left."""
    numbers = torch.tensor([[len(text), text.count("left")] for text in texts], dtype=torch.float32)
    return TextEmbedding(numbers[:, None, :], numbers)


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    refs = list_samples(write_samples(tmp_path_factory.mktemp("data"), 3))
    return [load(ref) for ref in refs]


@pytest.fixture(scope="module")
def canvases(samples):
    return [example for sample in samples for example in canvas_example(sample, CANVAS)]


@pytest.fixture(scope="module")
def pool(canvases):
    rng = np.random.default_rng(0)
    return CanvasPool([canvas_bytes(example, rng) for example in canvases], embed, "cpu")


def pictures(batch) -> np.ndarray:
    return ((batch.pictures + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()


def drawings(pool, side, shrink=1, rounds=12):
    for seed in range(rounds):
        yield pool.draw(4, side, shrink, torch.Generator().manual_seed(seed))


def test_whole_canvases_are_the_examples_or_their_mirror_images(pool, canvases):
    """Half of the batches are not zoomed into: their pictures are the examples' bytes, and so are their skeletons."""
    seen = {False: 0, True: 0}
    for batch in drawings(pool, CANVAS):
        for picture, hint, person in zip(pictures(batch), batch.hints, batch.person, strict=True):
            for example in canvases:
                for mirrored in (False, True):
                    shown = example.picture[:, ::-1] if mirrored else example.picture
                    if not np.array_equal(picture, shown) or not hint[:3].any():
                        continue
                    pose = mirror_pose(example.pose, CANVAS) if mirrored else example.pose
                    skeleton = (hint[:3] * 255).round().byte().permute(1, 2, 0).numpy()
                    assert np.array_equal(skeleton, draw_skeleton([pose], CANVAS, CANVAS))
                    parts = example.parts[:, ::-1] if mirrored else example.parts
                    assert np.array_equal(person[0].numpy() > 0, parts > 0)
                    seen[mirrored] += 1
    assert min(seen.values()) >= 3


def test_hands_are_given_half_of_the_time_inside_their_mask_alone(pool):
    given_hands, hints = [], 0
    for batch in drawings(pool, CANVAS, rounds=40):
        for hint, picture in zip(batch.hints, batch.pictures, strict=True):
            hints += 1
            given_hands.append(bool(hint[7].any()))
            assert not hint[4:7, hint[7] == 0].any()
            assert torch.equal(hint[4:7] * hint[7], hint[4:7])
            assert torch.allclose(hint[4:7], (picture + 1) / 2 * hint[7], atol=1e-6)
    assert 0.35 < np.mean(given_hands) < 0.6 and hints == 160


def test_windows_lie_within_the_canvas_and_show_the_person(pool):
    for batch in drawings(pool, CANVAS // 4):
        assert batch.pictures.shape == (4, 3, CANVAS // 4, CANVAS // 4)
        assert all(person.any() for person in batch.person)


def test_a_mirrored_picture_has_a_mirrored_caption(canvases):
    """Of pictures that are not zoomed into: the mirror image comes with a wording that was mirrored, or with none."""
    held = canvas_bytes(canvases[0], np.random.default_rng(0))
    plain, mirrored = set(held.texts.plain), set(held.texts.mirrored)

    def told(texts):
        sides = torch.tensor([[float(text in plain - mirrored) + 2.0 * (text in mirrored - plain)] for text in texts])
        return TextEmbedding(sides[:, None], sides)

    seen = set()
    for batch in drawings(CanvasPool([held], told, "cpu"), CANVAS):
        for picture, side in zip(pictures(batch), batch.text.pooled[:, 0].tolist(), strict=True):
            if np.array_equal(picture, canvases[0].picture):
                assert side != 2.0
                seen.add((False, side))
            elif np.array_equal(picture, canvases[0].picture[:, ::-1]):
                assert side != 1.0
                seen.add((True, side))
    assert {(False, 1.0), (True, 2.0)} <= seen


@given(st.integers(0, 1000), st.integers(0, 41))
@settings(max_examples=30, deadline=None)
def test_heatmaps_of_a_batch_are_those_of_one_crop(seed, missing):
    """Points may be absent, or lie outside."""
    points = np.random.default_rng(seed).uniform(-40, 168, (2, 21, 2))
    points.reshape(-1, 2)[:missing] = np.nan
    expected = hand_heatmaps({"left": points[0], "right": points[1]}, 128, 32)
    result = heatmaps(torch.from_numpy(points.astype(np.float32))[None], 128, 32)[0].numpy()
    np.testing.assert_allclose(result, expected, atol=1e-4)


def test_turned_hands_keep_picture_normals_mask_and_keypoints_together(samples):
    """A bright stripe runs up the region, a keypoint lies at its lower end, and the surface leans along it: turned and
    mirrored, the three still agree."""
    (example, *_) = hand_examples(samples[0], 64)
    size = example.picture.shape[0]
    x, top, bottom = size // 2, int(size * 0.3), int(size * 0.6)
    side = next(s for s in ("left", "right") if (example.parts == (2 if s == "left" else 3)).any())
    hands = {s: np.full((21, 2), np.nan) for s in ("left", "right")}
    hands[side][0] = x, bottom
    picture = np.zeros((size, size, 3), np.uint8)
    picture[top:bottom, x - 1 : x + 1] = 255
    normals = np.broadcast_to(np.array([128, 250, 128], np.uint8), (size, size, 3)).copy()  # green: to the top
    parts = np.full((size, size), 2, np.uint8)
    striped = dataclasses.replace(example, picture=picture, normals=normals, parts=parts, hands=hands)
    pool = HandPool([hand_bytes(striped, np.random.default_rng(0))], embed, "cpu")
    angles = []
    for seed in range(8):
        batch = pool.draw(8, 64, 16, torch.Generator().manual_seed(seed))
        for drawn, hint, mask in zip(batch.pictures, batch.hints, batch.masks, strict=True):
            assert mask.all()
            pixels = torch.nn.functional.pixel_shuffle(hint[None, 11:], 4)[0]
            if not hint[10].any() or not pixels.any():
                continue  # the hint, or its normals, are left out at times
            rows, columns = (drawn[0] > 0).nonzero(as_tuple=True)
            lower, upper = rows > rows.float().quantile(0.85), rows < rows.float().quantile(0.15)
            end = torch.stack([columns[lower].float().mean(), rows.max().float()]) / 4
            peak = (hint[10] == hint[10].max()).nonzero()[0].flip(0) + 0.5
            assert torch.linalg.vector_norm(end - peak) < 1.2
            along = np.arctan2(
                float(columns[upper].float().mean() - columns[lower].float().mean()),
                float(rows[lower].float().mean() - rows[upper].float().mean()),
            )
            red, green = (pixels[:2, 16:48, 16:48].mean((1, 2)) - 0.5).tolist()
            leans = np.arctan2(-red, green)  # red is the picture's left
            assert abs(np.degrees(along - leans)) < 4
            angles.append(np.degrees(along))
    assert len(angles) > 30 and 5 < np.std(angles) < 15


def test_a_batchs_normals_have_the_layout_of_one_hint():
    normals = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    one = hand_hint(np.zeros((11, 16, 16), np.float32), normals)[11:]
    batch = torch.nn.functional.pixel_unshuffle(torch.from_numpy(normals).permute(2, 0, 1)[None] / 255.0, 4)
    np.testing.assert_allclose(batch[0].numpy(), one, atol=1e-6)


def test_a_data_set_is_read_by_several_processes_in_order(tmp_path):
    """The held-out sample is left out; who reads which does not matter."""
    data = write_samples(tmp_path / "data", 6)
    held = read_stacked(data, canvases_of, CANVAS, 3)
    assert len(held) == 5
    expected = [
        canvas_bytes(canvas_example(load(r), CANVAS)[0], np.random.default_rng((3, r.index)))
        for r in list_samples(data, "train")
    ]
    for one, other in zip(held, expected, strict=True):
        assert one.texts == other.texts
        assert all(np.array_equal(one.stacks[shrink], other.stacks[shrink]) for shrink in one.stacks)
    assert len(read_stacked(data, hands_of, 64, 3)) == 10


def test_head_and_hands_count_most_and_the_backdrop_least():
    """Places as the body map colours them on its template: crown, chest, right fingertips, left palm, thigh."""
    place = torch.tensor([[0.5, 1.0, 0.7], [0.5, 0.75, 0.9], [0.02, 0.8, 0.5], [0.93, 0.8, 0.5], [0.52, 0.4, 0.5]])
    body_map = torch.zeros(1, 3, 1, 6)
    body_map[0, :, 0, :5] = place.T
    person = torch.tensor([[[[1.0, 1.0, 1.0, 1.0, 1.0, 0.0]]]])
    crown, chest, tips, palm, thigh, wall = pixel_weights(person, body_map).flatten().tolist()
    assert crown == tips == palm > chest == thigh > wall
    without = pixel_weights(person, torch.zeros_like(body_map)).flatten().tolist()
    assert without == [chest] * 5 + [wall]
