# SPDX-License-Identifier: GPL-3.0-or-later
"""Trainings on tiny stock models, for a moment: what they write paints by the flags that artists know."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from handdiff_addon import cli
from handdiff_addon.diffusion.pipeline import TwoStagePipeline
from handdiff_addon.errors import ModelError, UsageError
from handdiff_addon.models.architecture import identify
from handdiff_addon.models.bases import base_source
from handdiff_addon.models.catalogue import embedded_model
from handdiff_addon.models.hand_models import fingerprint
from handdiff_addon.models.safetensors_header import read_header
from handdiff_addon.models.stock_plan import plan_base
from handdiff_addon.models.sums import weight_sums
from handdiff_addon.request import ControlNetChoice, GenerationRequest, LoraChoice
from handdiff_addon.runs import check_models
from tests import stock_models as tiny
from tests.stock_models import load_stock
from tests.test_diffusion_stock import make_conditioning
from tests.test_training_tasks import write_samples

SIDE = 64


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_samples(tmp_path_factory.mktemp("data"), 4)


def train_hands(base: Path, out: Path, data: Path, minutes: float = 0.02) -> Path:
    from handdiff_addon.training.base import train_base_hands

    out.mkdir(exist_ok=True)
    run = out.with_name(f"{out.name}.run")
    train_base_hands(plan_base(str(base)), out, run, data, minutes, batch=2, crop=SIDE)
    return out


@pytest.fixture(scope="module")
def hands(stock: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hand generator of the tiny SD 1.5, trained for a moment."""
    return train_hands(stock / "sd15", tmp_path_factory.mktemp("trained") / "hands", data)


def request_of(stock: Path, hands: Path | None = None, family: str = "sd15", **changes: object) -> GenerationRequest:
    request = GenerationRequest(
        "a person in a red shirt",
        seed=3,
        steps=2,
        size=(SIDE, SIDE),
        model=str(stock / family),
        hand_model=str(hands) if hands else "",
        controlnets=(ControlNetChoice(str(stock / f"cn_{family}"), ("openpose",)),),
    )
    return dataclasses.replace(request, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_a_base_is_the_same_in_every_layout_and_precision(stock: Path, tmp_path: Path, family: str) -> None:
    prints = {
        fingerprint(base_source(path).parts["unet"])
        for path in (
            stock / family,
            stock / f"{family}.safetensors",
            tiny.fp16_variant(stock / family, tmp_path / "fp16"),
            *([tiny.sharded(stock / family, tmp_path / "sharded")] if family == "sd15" else []),
        )
    }
    assert len(prints) == 1
    assert fingerprint(base_source(stock / "sd15_inpaint").parts["unet"]) not in prints


@pytest.mark.train
@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_a_trained_hand_generator_paints_hands_and_masks(
    stock: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], family: str
) -> None:
    """From training to the picture; run again, the training goes on; what it writes is small."""
    for _ in range(2):
        trained = train_hands(stock / family, tmp_path / "hands", data)
    assert "going on from step" in capsys.readouterr().out
    whole = sum(file.stat().st_size for file in (stock / family / "unet").glob("*.safetensors")) / 2
    assert (trained / "hand_generator.safetensors").stat().st_size < 0.6 * whole  # the tiny ones are mostly attention
    shown = identify(read_header(trained / "hand_generator.safetensors").tensors)
    assert shown.kind == "hand_generator"

    request = request_of(stock, trained, family)
    check_models(request)
    pipeline = TwoStagePipeline.for_request(request, "cpu")
    assert pipeline.painter.predicts_masks
    result = pipeline.generate(dataclasses.replace(request, best_of=2), make_conditioning())
    assert [hand.side for hand in result.hand_reports] == ["left", "right"]
    assert all(hand.iou is not None and hand.mask_source == "predicted" for hand in result.hand_reports)
    assert result.hands_predicted_mask is not None and result.settings["crop"] == SIDE
    assert "hand_generator.safetensors" in result.model["hand_model"]["sha256"]
    assert any("hand_generator" in name for name in weight_sums(request))
    moved = make_conditioning()
    moved.people[0].hands["left"] += 15.0  # inside the same mask's crop or not, the heatmaps change
    assert not np.array_equal(np.asarray(pipeline.generate(request, moved).hands), np.asarray(result.hands))


@pytest.mark.train
def test_an_untrained_hand_generator_is_its_base_and_shares_its_memory(
    stock: Path, data: Path, hands: Path, tmp_path: Path
) -> None:
    untrained = train_hands(stock / "sd15", tmp_path / "hands", data, minutes=0.0)
    model = load_stock(str(stock / "sd15"), hand_model=str(untrained))
    assert model.hands
    latents, heatmaps = torch.randn(2, 4, 8, 8), torch.rand(2, 11, 8, 8)
    text = torch.randn(2, 77, 32)
    seen = model.hands.unet(torch.cat([latents, heatmaps], 1), 500, encoder_hidden_states=text).sample
    assert torch.equal(seen, model.unet(latents, 500, encoder_hidden_states=text).sample)

    model = load_stock(str(stock / "sd15"), hand_model=str(hands))
    pipeline = TwoStagePipeline(load_stock(str(stock / "sd15"), request_of(stock).controlnets, hand_model=str(hands)))
    model = pipeline.painter.model  # after all that the painter does to it
    changed = {name.removeprefix("unet.") for name in load_file(hands / "hand_generator.safetensors")}
    own = dict(model.unet.named_parameters())
    for name, parameter in model.hands.unet.named_parameters():
        assert (parameter.data_ptr() == own[name].data_ptr()) == (name not in changed), name
    assert 0.2 < len(changed) / len(own) < 0.8
    moved = model.hands.unet.conv_in.weight[:, 4:].abs().max()
    assert moved > 0  # the heatmaps got a say


@pytest.mark.train
def test_a_lora_counts_for_the_hands_as_well(stock: Path, hands: Path, tmp_path: Path) -> None:
    """Where training changed a layer, both changes add up."""
    layer = "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_q"
    lora = tmp_path / "lora.safetensors"
    factors = {"lora_A": torch.randn(2, 32), "lora_B": torch.randn(32, 2)}
    save_file({f"unet.{layer}.{name}.weight": tensor for name, tensor in factors.items()}, lora)
    plain, with_lora = (
        load_stock(str(stock / "sd15"), loras=loras, hand_model=str(hands)) for loras in ([], [LoraChoice(str(lora))])
    )
    assert plain.hands and with_lora.hands
    change = factors["lora_B"] @ factors["lora_A"]
    for module in ("hands.unet", "unet"):
        before, after = (
            model.hands.unet if module == "hands.unet" else model.unet  # type: ignore[union-attr]
            for model in (plain, with_lora)
        )
        difference = after.get_submodule(layer).weight - before.get_submodule(layer).weight
        assert torch.allclose(difference, change, atol=1e-4)


@pytest.mark.train
def test_another_base_is_refused_by_name_before_torch_is_asked(stock: Path, hands: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"is for Stable Diffusion 1.5 and the model .*sdxl is SDXL"):
        check_models(request_of(stock, hands, "sdxl"))
    with pytest.raises(ModelError, match=r"was trained on sd15, whose tensor conv_in.weight has another shape"):
        check_models(request_of(stock, hands, model=str(stock / "sd15_inpaint")))
    other = shutil.copytree(stock / "sd15", tmp_path / "other")
    tensors = load_file(other / "unet" / tiny.WEIGHTS)
    tensors["conv_out.weight"] *= 1.01
    save_file(tensors, other / "unet" / tiny.WEIGHTS)
    with pytest.raises(ModelError, match=r"was trained on sd15 and the model is other: name that model"):
        check_models(request_of(stock, hands, model=str(other)))
    check_models(request_of(stock, hands, model=str(tiny.fp16_variant(stock / "sd15", tmp_path / "fp16"))))


@pytest.mark.train
def test_what_is_no_hand_generator_is_refused(stock: Path, hands: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no hand generator for a stock model"):
        check_models(request_of(stock, stock / "cn_sd15"))
    with pytest.raises(ModelError, match=r"name the model it was trained on with --model"):
        check_models(GenerationRequest("a man", hand_model=str(hands)))
    with pytest.raises(ModelError, match="is no ControlNet but: hand generator"):
        check_models(request_of(stock, controlnets=(ControlNetChoice(str(hands), ("openpose",)),)))
    broken = shutil.copytree(hands, tmp_path / "broken")
    config = json.loads((hands / "config.json").read_text())
    for change in ({"base": None}, {"crop": "x"}, {"heatmaps": 4}, {"mask_head": 3}):
        (broken / "config.json").write_text(json.dumps(config | change))
        with pytest.raises(ModelError, match="not a hand generator's"):
            check_models(request_of(stock, broken))
    for change in ({"scale": 2}, {"channels": 5}, {"nonsense": 1}):
        (broken / "config.json").write_text(json.dumps(config | {"mask_head": config["mask_head"] | change}))
        with pytest.raises(ModelError, match=r"mask head of .* is damaged"):
            load_stock(str(stock / "sd15"), hand_model=str(broken))
    (broken / "hand_generator.safetensors").write_bytes(b"cut")
    with pytest.raises(ModelError, match="damaged"):
        check_models(request_of(stock, broken))
    try:
        own = embedded_model() / "hands"
    except ModelError:
        return
    with pytest.raises(ModelError, match="of the embedded kind"):
        check_models(request_of(stock, own))


@pytest.mark.train
@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_a_trained_controlnet_is_taken_without_a_role(stock: Path, data: Path, tmp_path: Path, family: str) -> None:
    from handdiff_addon.training.base import train_base_outpaint

    (tmp_path / "outpaint").mkdir()
    plan = plan_base(str(stock / family))
    for _ in range(2):
        train_base_outpaint(plan, tmp_path / "outpaint", tmp_path / "run", data, 0.02, batch=2, canvas=SIDE)
    weights = next((tmp_path / "outpaint").glob("*.safetensors"))
    tensors = load_file(weights)
    assert any(tensor.abs().max() > 0 for name, tensor in tensors.items() if name.startswith("controlnet_mid"))
    # A moment's training steers by next to nothing, so that its say is made louder.
    save_file({n: t * 1000 if n.startswith("controlnet_") else t for n, t in tensors.items()}, weights)
    choice = ControlNetChoice(str(tmp_path / "outpaint"))
    request = request_of(stock, family=family, controlnets=(choice,), two_stages=False)
    check_models(request)
    pipeline = TwoStagePipeline.for_request(request, "cpu")
    assert pipeline.painter.model.controls[0].roles == ("outpaint",)
    plain = np.asarray(pipeline.generate(request, make_conditioning()).image)
    other = make_conditioning()
    other.people[0].body[:] += 20.0  # another skeleton
    assert not np.array_equal(np.asarray(pipeline.generate(request, other).image), plain)
    with pytest.raises(ModelError, match=r"shows the base model the hands: name a hand generator with --hand-model"):
        pipeline.generate(dataclasses.replace(request, two_stages=True), make_conditioning())
    with pytest.raises(ModelError, match="takes outpaint and not depth: name it without a role"):
        check_models(dataclasses.replace(request, controlnets=(ControlNetChoice(choice.model, ("depth",)),)))
    picture = (ControlNetChoice(str(stock / f"cn_{family}"), ("outpaint",)),)
    with pytest.raises(ModelError, match="takes one picture and not outpaint"):
        check_models(dataclasses.replace(request, controlnets=picture))
    both = (choice, *request_of(stock, family=family).controlnets)
    large = dataclasses.replace(request, controlnets=both, two_stages=True, upscale=True)
    result = TwoStagePipeline.for_request(large, "cpu").generate(large, make_conditioning())
    assert "upscaling" in result.seconds  # by tiles of the hint


@pytest.mark.train
def test_a_run_goes_on_with_its_own_base_alone(stock: Path, hands: Path, data: Path, tmp_path: Path) -> None:
    shutil.copytree(hands.with_name("hands.run"), tmp_path / "hands.run")
    with pytest.raises(UsageError, match="trains something else"):
        train_hands(stock / "sdxl", tmp_path / "hands", data)


def test_the_masks_loss_tells_right_from_wrong() -> None:
    from handdiff_addon.training.losses import mask_loss

    truth = torch.zeros(2, 8, 8)
    truth[:, 2:6, 2:6] = 1.0
    right, wrong = (truth * 2 - 1) * 8, (1 - truth * 2) * 8
    assert mask_loss(right, truth) < 0.001 < 0.2 < mask_loss(wrong, truth)


@pytest.mark.train
def test_what_is_frozen_is_neither_kept_nor_written(hands: Path) -> None:
    for file in (hands.with_name("hands.run") / "state.safetensors", hands / "hand_generator.safetensors"):
        names = read_header(file).tensors
        assert any("attn2" in name for name in names)
        assert not any("ff.net" in name or "mid_block.resnets" in name for name in names)


def test_trainings_on_a_base_that_cannot_be_are_refused(
    stock: Path, data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def refused(*more: object) -> str:
        command = ["train", "hands", "-o", str(tmp_path / "run"), "--model", str(tmp_path / "model")]
        code = cli.main([*command, "--data", str(data), "--minutes", "1", *map(str, more)])
        error = capfd.readouterr().err.strip()
        assert code in (2, 4) and len(error.splitlines()) == 1, error
        return error

    assert "train on an ordinary model" in refused("--base", stock / "sd15_inpaint")
    assert "no base model that HandDiff paints with" in refused("--base", stock / "cn_sd15" / tiny.WEIGHTS)
    assert "There is no model absent" in refused("--base", "absent")
    assert "Both --start and --base" in refused("--base", stock / "sd15", "--start")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model_index.json").write_text("{}")
    assert "name a new folder" in refused("--base", stock / "sd15")
