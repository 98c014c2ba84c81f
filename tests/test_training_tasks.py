# SPDX-License-Identifier: GPL-3.0-or-later
"""Every training for a moment, on drawn samples: what it writes is a model folder that generates."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file

from handdiff_addon.errors import ModelError
from handdiff_addon.training.captions import CLASSES, Attributes
from handdiff_addon.training.dataset import list_samples, load
from handdiff_addon.training.examples import canvas_example, draw_canvas, draw_hand, hand_examples, mirror_caption

SIZE = 128


def write_samples(root: Path, count: int) -> Path:
    """Samples in the data set's own format: a coloured figure with two square hands."""
    rng = np.random.default_rng(0)
    folder = root / "worker_0"
    folder.mkdir(parents=True)
    lines = []
    for index in range(count):
        parts = np.zeros((SIZE, SIZE), np.uint8)
        parts[20:, 40:90] = 1
        parts[30:60, 92:122] = 2
        parts[40:70, 6:36] = 3
        picture = rng.integers(0, 255, (4, 3))[parts].astype(np.uint8)
        hands = {"left": rng.uniform((92, 30), (122, 60), (21, 2)), "right": rng.uniform((6, 40), (36, 70), (21, 2))}
        data = {
            "caption": "a person",
            "mentioned": [],
            "attributes": {name: values[index % len(values)] for name, values in CLASSES.items()},
            "body": rng.uniform(20, 100, (18, 2)).tolist(),
            "body_visibility": ["visible"] * 18,
            "hands": {side: points.tolist() for side, points in hands.items()},
            "hand_visibility": {side: ["visible"] * 21 for side in hands},
            "camera": {"view": np.eye(4).tolist(), "projection": np.eye(4).tolist()},
        }
        Image.fromarray(picture).save(folder / f"{index:06d}.jpg", quality=95)
        Image.fromarray(parts).save(folder / f"{index:06d}.png")
        Image.fromarray(rng.integers(0, 255, (SIZE, SIZE, 3), np.uint8)).save(folder / f"{index:06d}_normal.png")
        Image.fromarray(rng.integers(0, 255, (SIZE, SIZE, 3), np.uint8)).save(folder / f"{index:06d}_body.png")
        (folder / f"{index:06d}.json").write_text(json.dumps(data))
        split = "held_out" if index == count - 1 else "train"
        lines.append(json.dumps({"index": index, "human": "drawn", "split": split}))
    (folder / "index.jsonl").write_text("\n".join(lines) + "\n")
    return root


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return write_samples(tmp_path_factory.mktemp("data"), 8)


@pytest.fixture
def sample(data):
    return load(list_samples(data)[0])


def test_a_mirrored_canvas_swaps_the_sides_of_skeleton_and_caption(sample):
    """The mirror image of a picture has its person's left hand where the right one was."""
    assert mirror_caption("left hand raised, right arm down") == "right hand raised, left arm down"
    example = canvas_example(sample, 64)[0]
    drawn = {}
    for seed in range(20):
        picture, hint, *_ = draw_canvas(example, example.picture.shape[0], np.random.default_rng(seed))
        if hint[:3].any():
            drawn[np.array_equal(picture, example.picture)] = (hint[:3].transpose(1, 2, 0) * 255).astype(int)
    plain, mirrored = drawn[True], drawn[False]
    assert np.abs(plain - mirrored).sum() > 0
    # A limb's colour names its side, so the flipped drawing must not equal the mirrored one.
    assert np.abs(plain[:, ::-1] - mirrored).sum() > 0


def test_hands_are_given_about_half_of_the_time_and_only_inside_their_mask(sample):
    example = canvas_example(sample, 64)[0]
    rng = np.random.default_rng(0)
    given = []
    for _ in range(200):
        _, hint, *_ = draw_canvas(example, 64, rng)
        given.append(hint[7].any())
        assert not hint[4:7, hint[7] == 0].any()
    assert 0.35 < np.mean(given) < 0.6


def test_some_canvases_and_hands_are_known_by_their_keypoints_alone(sample):
    """As the paper has them; the body map that weighs the loss is there all the same."""
    canvas, rng = canvas_example(sample, 64)[0], np.random.default_rng(0)
    alone = []
    for _ in range(120):
        _, hint, _, body_map, _ = draw_canvas(canvas, 64, rng)
        alone.append(hint[:3].any() and not hint[8:].any())
        assert body_map.any()
    assert 0.08 < np.mean(alone) < 0.33
    hand = hand_examples(sample, 64)[0]
    crops = [draw_hand(hand, 64, 16, rng)[1] for _ in range(120)]
    assert 0.2 < np.mean([hint[:11].any() and not hint[11:].any() for hint in crops]) < 0.5


def test_a_hand_example_keeps_keypoints_mask_and_picture_together(sample):
    """The brightest cells of the heatmaps lie where the hand's mask is, mirrored or not."""
    rng = np.random.default_rng(0)
    examples = hand_examples(sample, 64)
    assert len(examples) == 2
    for example in examples:
        for _ in range(10):
            picture, hint, mask, _ = draw_hand(example, 64, 16, rng)
            assert picture.shape == (64, 64, 3) and mask.shape == (64, 64)
            inside = mask.reshape(16, 4, 16, 4).any((1, 3))
            peaks = hint[:11].max(0) > 0.8
            if peaks.any():
                assert (inside & peaks).sum() / peaks.sum() > 0.6


@pytest.mark.train
def test_trainings_run_resume_and_write_a_model_that_generates(data, tmp_path, capsys):
    from handdiff_addon.diffusion.patch_autoencoder import PatchAutoencoder
    from handdiff_addon.diffusion.pipeline import TwoStagePipeline
    from handdiff_addon.training import tasks
    from handdiff_addon.training.sketch import train_sketch
    from tests.test_diffusion_pipeline import REQUEST, make_conditioning
    from tests.tiny_embedded import TINY

    sizes = dataclasses.replace(TINY, canvas=64, crop=64)
    model = tmp_path / "model"
    tasks.train_text(model, tmp_path / "text", 0.02, sizes=sizes)
    figures = tasks.train_autoencoders(model, data, sizes=sizes)
    assert set(figures) == {"canvas", "crop"}
    for train, run in (
        (train_sketch, "sketch"),
        (tasks.train_hands, "hands"),
        (tasks.train_outpaint, "outpaint"),
    ):
        for _ in range(2):
            train(model, tmp_path / run, data, 0.03, sizes=sizes, batch=2)
        state = json.loads((tmp_path / run / "state.json").read_text())
        assert state["step"] >= 2
        assert "going on from step" in capsys.readouterr().out
    result = TwoStagePipeline.load(str(model), device="cpu").generate(REQUEST, make_conditioning())
    assert len(result.hand_reports) == 2

    # A training may begin with this model's weights: after no step at all, they are what it saves.
    other = tmp_path / "other"
    shutil.copytree(model, other)
    for train, run, part in (
        (train_sketch, "sketch 2", "colour_sketch"),
        (tasks.train_hands, "hands 2", "hands/unet"),
        (tasks.train_outpaint, "outpaint 2", "controlnet"),
        (tasks.train_outpaint, "outpaint 4", "colour_sketch"),
    ):
        shutil.rmtree(other / part)
        train(other, tmp_path / run, data, 0.0, sizes=sizes, batch=2, start=model)
        name = next((model / part).glob("*.safetensors")).name
        kept, begun = (load_file(folder / part / name) for folder in (model, other))
        assert all((kept[key] == begun[key]).all() for key in kept)
        assert str(tmp_path) not in (other / part / "config.json").read_text()
    PatchAutoencoder(4, 5).save_pretrained(other / "hands" / "patch_autoencoder")
    with pytest.raises(ModelError, match="architecture"):
        tasks.train_hands(other, tmp_path / "hands 3", data, 0.0, sizes=sizes, start=model)
    next((other / "unet").glob("*.safetensors")).write_bytes(b"cut")
    with pytest.raises(ModelError, match="whole model"):
        tasks.train_outpaint(tmp_path / "new", tmp_path / "outpaint 3", data, 0.0, sizes=sizes, start=other)


@pytest.mark.train
def test_a_short_training_learns(tmp_path):
    """The loop lowers a loss, its averages follow, and a second run goes on from the first."""
    import torch

    from handdiff_addon.training.loop import Budget, Trainer

    torch.manual_seed(0)
    target = torch.randn(64, 8)
    network = torch.nn.Linear(4, 8)
    trainer = Trainer({"network": network}, tmp_path, Budget(0.02, learning_rate=0.05, warmup_steps=1))

    def losses(generator: torch.Generator, step: int) -> dict[str, torch.Tensor]:
        return {"error": (network(torch.ones(64, 4)) - target).square().mean()}

    before = float(losses(torch.Generator(), 0)["error"].detach())
    trainer.run(losses)
    with trainer.averaged():
        after = float(losses(torch.Generator(), 0)["error"].detach())
    best = float((target - target.mean(0)).square().mean())
    assert after < best + 0.3 * (before - best)
    again = Trainer({"network": torch.nn.Linear(4, 8)}, tmp_path, Budget(0.01))
    assert again.step == trainer.step > 5
    parts = {"network": torch.nn.Linear(4, 8), "sketch": torch.nn.Linear(2, 2)}
    with pytest.raises(ModelError, match="lacks parts that are trained today"):
        Trainer(parts, tmp_path, Budget(0.01))


def test_steps_without_finite_gradients_are_left_out_and_end_a_run_that_has_no_others(tmp_path):
    import torch

    from handdiff_addon.training.loop import Budget, Trainer

    torch.manual_seed(0)
    network = torch.nn.Linear(4, 1)
    target = torch.ones(4, 1)
    seen: list[int] = []

    def losses(_generator, step):
        seen.append(step)
        spoilt = float("nan") if step % 3 == 1 else 1.0
        return {"distance": (network(torch.eye(4)) - target).square().mean() * spoilt}

    trainer = Trainer({"network": network}, tmp_path / "run", Budget(0.01, learning_rate=0.05, warmup_steps=1))
    before = float(losses(None, 0)["distance"].detach())
    trainer.run(losses)
    assert seen[-1] > 10 and trainer.step == seen[-1] + 1
    for values in (trainer.parameters, trainer.averages):
        assert all(bool(tensor.isfinite().all()) for tensor in values.values())
    assert float(losses(None, 0)["distance"].detach()) < 0.5 * before

    saved = (tmp_path / "run" / "state.safetensors").read_bytes()
    with pytest.raises(ModelError, match="no finite numbers"):
        trainer.run(lambda generator, step: {"distance": losses(generator, 1)["distance"]})
    assert (tmp_path / "run" / "state.safetensors").read_bytes() == saved


def test_a_mentioned_attribute_has_a_class_of_its_own_and_others_none():
    from handdiff_addon.training.captions import attribute_targets

    attributes = Attributes(**{name: values[0] for name, values in CLASSES.items()})
    targets = attribute_targets(attributes, {"shirt"})
    assert targets["shirt"] == 1 and {value for name, value in targets.items() if name != "shirt"} == {0}


def test_the_sketch_learns_from_cells_as_it_sees_them_when_it_paints():
    """Of a canvas every second row and column is kept: guessed from these, colours are those of the whole canvas, and
    what they are held against is the picture's colour in the same place."""
    import torch

    from handdiff_addon.conditioning.hint import BODY_MAP, HANDS, HANDS_MASK, HINT_CHANNELS, PERSON
    from handdiff_addon.diffusion.colour_sketch import ColourSketch, SeenCells
    from handdiff_addon.diffusion.text import TextEmbedding
    from handdiff_addon.training.resident import CanvasBatch
    from handdiff_addon.training.sketch import _examples

    torch.manual_seed(0)
    sketch, answers = ColourSketch(8, 3, 4), torch.randn(2, 3, 8)
    hints = torch.zeros(2, HINT_CHANNELS, 64, 32)
    hints[:, PERSON, :, 8:] = 1.0
    places = torch.nn.functional.interpolate(torch.rand(2, 3, 16, 8), scale_factor=4.0)
    hints[:, BODY_MAP] = places * hints[:, PERSON]
    hints[0, HANDS, :8], hints[0, HANDS_MASK, :8] = 0.3, 1.0
    pictures = torch.rand(2, 3, 16, 8)
    drawn = CanvasBatch(
        torch.nn.functional.interpolate(pictures, scale_factor=4.0),
        hints,
        hints[:, PERSON],
        hints[:, BODY_MAP],
        TextEmbedding(answers, answers[:, 0]),
    )
    kept = _examples(sketch, drawn, torch.Generator().manual_seed(1))
    corners = [(top, left) for top in (0, 1) for left in (0, 1)]
    with torch.no_grad():
        whole, _ = sketch(hints, answers)
        for one, guessed, picture in zip(kept, whole, pictures):
            some, _ = sketch.guess(SeenCells(one.cells[None], one.hands[None]), one.answers[None])
            (place,) = [
                p for p in corners if torch.allclose(one.pictures.T, picture[:, p[0] :: 2, p[1] :: 2].flatten(1))
            ]
            torch.testing.assert_close(some[0].T, guessed[:, place[0] :: 2, place[1] :: 2].flatten(1))


def test_a_small_part_of_the_body_counts_for_more_than_a_large_one():
    import torch

    from handdiff_addon.training.losses import place_weights

    body_map = torch.full((1, 3, 10, 10), 0.5)
    body_map[:, 1, 0, 0] = 0.97  # one cell of hair
    person = torch.ones(1, 1, 10, 10)
    person[:, :, 9] = body_map[:, :, 9] = 0.0
    weights = place_weights(person, body_map)[0, 0]
    assert weights[0, 0] > 8 * weights[5, 5]  # the root of 89 cells against one
    assert weights[9, 0] < weights[0, 0]
    assert abs(float(weights.mean()) - 1.0) < 1e-6


def test_the_sketch_does_better_with_the_colour_of_most_places_than_with_their_mean():
    import torch

    from handdiff_addon.training.losses import sketch_loss

    pictures = torch.full((1, 3, 8, 8), -1.0)
    pictures[:, :, :, :2] = 1.0  # white dots cover a quarter of a black shirt
    losses = [
        float(sketch_loss(torch.full((1, 3, 4, 4), grey), pictures, torch.ones(1, 1, 4, 4))) for grey in (0, 0.25)
    ]
    assert losses[0] < 0.8 * losses[1]
