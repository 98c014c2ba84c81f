# SPDX-License-Identifier: GPL-3.0-or-later
"""What the refiner learns from, and that it learns."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from handdiff_addon.conditioning.hint import BODY_MAP, HANDS, HANDS_MASK, HINT_CHANNELS, NORMALS, PERSON  # noqa: E402
from handdiff_addon.diffusion.checkpoint import load_checkpoint  # noqa: E402
from handdiff_addon.diffusion.refiner import Refiner  # noqa: E402
from handdiff_addon.errors import ModelError  # noqa: E402
from handdiff_addon.training.dataset import list_samples, load  # noqa: E402
from handdiff_addon.training.painted import Painted, paint_again  # noqa: E402
from handdiff_addon.training.refiner import draw_window, refiner_loss, train_refiner  # noqa: E402
from handdiff_addon.training_runs import run_train  # noqa: E402
from tests.test_training_tasks import write_samples  # noqa: E402
from tests.tiny_embedded import TINY, build_tiny_model  # noqa: E402


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_samples(tmp_path_factory.mktemp("data"), 3)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_model(tmp_path_factory.mktemp("model") / "tiny")


def a_canvas(size: int = 160) -> Painted:
    """A person of noise whose painted picture is the wanted one, darker, and whose hint repeats the wanted red."""
    rng = np.random.default_rng(0)
    wanted = rng.integers(60, 200, (size, size, 3)).astype(np.uint8)
    parts = np.zeros((size, size), np.uint8)
    parts[40:140, 50:120], parts[60:80, 20:40] = 1, 2
    hint = np.repeat(wanted[None, ..., 0], HINT_CHANNELS, axis=0)
    hint[PERSON] = np.where(parts > 0, 255, 0)
    return Painted(wanted - 40, wanted, hint, parts)


def test_windows_keep_picture_and_conditions_together() -> None:
    """Mirrored, recoloured, with conditions left out: what a pixel's hint says stays the pixel's own."""
    canvas, rng = a_canvas(), np.random.default_rng(1)
    mirrored = left_out = already_right = 0
    for _ in range(120):
        painted, wanted, hint = draw_window(canvas, rng)
        assert painted.shape == wanted.shape == (96, 96, 3) and hint.shape == (96, 96, HINT_CHANNELS)
        assert hint[..., PERSON].any(), "a window shows the person"
        ordered = [np.corrcoef(wanted[..., channel].ravel(), hint[..., 0].ravel())[0, 1] for channel in range(3)]
        assert max(ordered) > 0.99
        already_right += np.array_equal(painted, wanted)
        assert (painted.mean((0, 1)) <= wanted.mean((0, 1))).all()
        left_out += not hint[..., NORMALS].any()
        assert hint[..., HANDS_MASK].any() == hint[..., HANDS].any()
        if hint[..., BODY_MAP].any():
            red, green = hint[..., BODY_MAP.start], hint[..., BODY_MAP.start + 1]
            assert np.allclose(red, green) or np.allclose(red, 1.0 - green, atol=1e-6)
            mirrored += not np.allclose(red, green)
    assert 40 < mirrored < 80 and 0 < left_out < 25 and 5 < already_right < 35


def test_a_sample_painted_again_has_its_own_colours_to_reach(model: Path, data: Path) -> None:
    """What is wanted has the picture's details, and where they are taken away, what was painted."""
    checkpoint = load_checkpoint(str(model), "", torch.device("cpu"))
    sample = load(list_samples(data, "train")[0])
    canvas, *crops = paint_again(sample, checkpoint, np.random.default_rng(0))
    assert len(crops) == 2
    assert np.array_equal(canvas.painted, paint_again(sample, checkpoint, np.random.default_rng(0))[0].painted)
    for one, side in ((canvas, checkpoint.canvas), (crops[0], checkpoint.hands.crop)):
        assert one.painted.shape == one.wanted.shape == (side, side, 3)
        assert one.hint.shape == (HINT_CHANNELS, side, side) and set(np.unique(one.parts)) <= {0, 1, 2, 3}
        assert np.array_equal(one.hint[PERSON][0] > 0, one.parts > 0)
    assert canvas.hint[HANDS_MASK].any() and not crops[0].hint[HANDS_MASK].any()
    # Middle of the person, far from any outline: flat in the data set, whatever colour the networks gave it.
    inner = np.s_[150:200, 100:150]
    assert canvas.wanted[inner].std(axis=(0, 1)).max() < canvas.painted[inner].std(axis=(0, 1)).max() + 3
    assert np.abs(canvas.wanted[inner].mean((0, 1)) - canvas.painted[inner].mean((0, 1))).max() < 20


def test_the_loss_wants_steep_outlines() -> None:
    edge = torch.zeros((1, 3, 32, 32))
    edge[..., 16:] = 1.0
    person = torch.ones((1, 1, 32, 32))
    soft = torch.nn.functional.avg_pool2d(edge, (1, 5), 1, (0, 2), count_include_pad=False)
    darker = edge - float((edge - soft).abs().mean())
    exact, less_bright, blurred = (
        refiner_loss(picture, edge, person, torch.zeros_like(person)) for picture in (edge, darker, soft)
    )
    assert exact < less_bright < blurred


def test_what_is_in_one_of_three_places_is_shown_faintly_where_one_looks_and_firmly_elsewhere() -> None:
    person = torch.ones(1, 1, 32, 32)
    brows, hems = (torch.zeros(3, 3, 32, 32) for _ in range(2))
    for number in range(3):
        brows[number, :, 8 + 5 * number : 12 + 5 * number, 8:24] = -0.6
        hems[number, :, 14 + 2 * number :] = -0.6

    def loss(picture: torch.Tensor, places: torch.Tensor, looked_at: torch.Tensor) -> float:
        return float(refiner_loss(picture.expand_as(places), places, person.expand(3, -1, -1, -1), looked_at))

    skin, faint = torch.zeros(1, 3, 32, 32), brows.mean(0, keepdim=True)
    assert loss(faint, brows, torch.ones_like(person)) < loss(skin, brows, torch.ones_like(person))
    middle, soft = hems[1:2], hems.mean(0, keepdim=True)
    assert loss(middle, hems, torch.zeros_like(person)) < loss(soft, hems, torch.zeros_like(person))


@pytest.mark.train
def test_it_learns_what_is_a_level_of_the_body_map_high() -> None:
    """As a brow is: on a grey canvas, wherever on it that level is shown."""
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(0)

    def people(number: int) -> tuple[torch.Tensor, torch.Tensor]:
        levels = torch.randint(190, 206, (number, 1), generator=generator) - torch.arange(32) // 2
        hints = torch.zeros(number, HINT_CHANNELS, 32, 32)
        hints[:, PERSON], hints[:, BODY_MAP.start + 1] = 1.0, levels[..., None] / 255
        return hints, (levels == 190)[:, None, :, None].expand(number, 3, 32, 32)

    refiner = Refiner((8, 16, 16))
    optimiser = torch.optim.Adam(refiner.parameters(), lr=3e-3)
    for _ in range(300):
        hints, brows = people(8)
        loss = (refiner(torch.zeros(8, 3, 32, 32), hints) + 0.5 * brows.float()).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    hints, brows = people(64)
    with torch.no_grad():
        shown = refiner(torch.zeros(64, 3, 32, 32), hints) < -0.25
    assert shown[brows].float().mean() > 0.95 and shown[~brows].float().mean() < 0.01


@pytest.mark.train
def test_it_trains_goes_on_and_is_begun_with(model: Path, data: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    shutil.copytree(model, own)
    for _ in range(2):
        train_refiner(own, tmp_path / "run", data, 0.05, sizes=TINY, batch=2)
    state = json.loads((tmp_path / "run" / "state.json").read_text())
    assert state["step"] >= 2
    assert load_checkpoint(str(own), "", torch.device("cpu")).refiner is not None
    before = Refiner.from_pretrained(own / "refiner").state_dict()
    train_refiner(own, tmp_path / "again", data, 0.0, sizes=TINY, start=own)
    after = Refiner.from_pretrained(own / "refiner").state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_it_needs_a_whole_model_and_one_to_begin_with(model: Path, data: Path, tmp_path: Path) -> None:
    begin = {"seed": 0, "device": "cpu"}
    with pytest.raises(ModelError):
        run_train("refiner", tmp_path / "none", tmp_path / "run", data, 0.01, **begin)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="no refiner to begin with"):
        run_train("refiner", tmp_path / "new", tmp_path / "run", data, 0.01, start=str(model), **begin)  # type: ignore[arg-type]


def test_a_stopped_copy_of_the_model_to_begin_with_leaves_no_half_part(
    model: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(part: Path, target: Path) -> None:
        target.mkdir()
        (target / "config.json").write_text("{}")
        raise KeyboardInterrupt

    monkeypatch.setattr("shutil.copytree", stopped)
    new = tmp_path / "new"
    with pytest.raises(KeyboardInterrupt):
        run_train("outpaint", new, tmp_path / "run", data, 0.01, seed=0, device="cpu", start=str(model))
    assert [path for path in new.iterdir() if path.is_dir()] == []
