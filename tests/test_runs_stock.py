# SPDX-License-Identifier: GPL-3.0-or-later
"""A request that names a stock model is checked before any long work, and loaded by the same door as our own kind."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from handdiff_addon import cli
from handdiff_addon.diffusion.checkpoint import Checkpoint, load_model
from handdiff_addon.diffusion.stock import StockModel
from handdiff_addon.errors import ModelError, UsageError
from handdiff_addon.models.catalogue import embedded_model, is_own
from handdiff_addon.models.folders import remember
from handdiff_addon.request import ControlNetChoice, GenerationRequest
from handdiff_addon.runs import check_models
from tests.stock_models import load_stock

CPU = torch.device("cpu")


def test_one_door_for_both_kinds(stock: Path) -> None:
    request = GenerationRequest("a man", model=str(stock / "sd15"), vae=str(stock / "sd15_inpaint" / "vae"))
    request = GenerationRequest.from_dict(
        request.to_dict() | {"controlnets": [{"model": str(stock / "cn_sd15"), "roles": ["openpose"]}]}
    )
    check_models(request)
    model = load_model(request, CPU, torch.float32)
    assert isinstance(model, StockModel) and model.canvas == 512
    assert model.controls[0].roles == ("openpose",) and model.identity["vae"]
    assert not is_own(str(stock / "sd15")) and not is_own(str(stock / "sd15.safetensors"))
    try:
        embedded_model()
    except ModelError:
        return
    assert isinstance(load_model(GenerationRequest("a man"), CPU, torch.float32), Checkpoint)


@pytest.mark.parametrize(
    "request_",
    [
        GenerationRequest("a man", controlnets=(ControlNetChoice("x"),)),
        GenerationRequest("a man <lora:ink>"),
        GenerationRequest("a man", vae="x"),
    ],
)
def test_the_embedded_model_takes_no_part_of_another(request_: GenerationRequest) -> None:
    with pytest.raises(UsageError, match="name a base model"):
        check_models(request_)
    with pytest.raises(UsageError):
        load_model(request_, CPU, torch.float32)


def test_wrong_pairs_are_refused_before_the_scene_is_opened(
    stock: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    command = ["generate", str(tmp_path / "absent.blend"), "-o", str(tmp_path / "out"), "-p", "a man"]
    command += ["--model", str(stock / "sd15")]
    code = cli.main([*command, "--controlnet", f"openpose={stock / 'cn_sdxl'}"])
    error = capfd.readouterr().err.strip()
    assert code == 4 and "SDXL" in error and "Stable Diffusion 1.5" in error and len(error.splitlines()) == 1
    assert not (tmp_path / "out").exists()
    code = cli.main([*command, "--controlnet", f"openpose={stock / 'cn_sd15'}"])
    assert code == 3 and "absent.blend" in capfd.readouterr().err  # the models are right, the scene is not there


@pytest.mark.parametrize("name", ["~nosuchuser/x", "x" * 300, "org/" + "x" * 300, "openpose=org/name/" + "x" * 300])
def test_names_that_no_file_can_have_are_not_there(
    stock: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    command = ["generate", str(tmp_path / "absent.blend"), "-o", str(tmp_path / "out"), "-p", "a man"]
    whole = ["--model", str(stock / "sd15"), "--controlnet", f"openpose={stock / 'cn_sd15'}"]
    flags = ("--controlnet", "--lora", "--vae", "--hand-model", "--reference")
    for words in (["--model", name], ["--hand-model", name], *([*whole, flag, name] for flag in flags)):
        code = cli.main([*command, *words])
        error = capfd.readouterr().err
        assert code == (2 if "--reference" in words else 4), error
        assert name.removeprefix("openpose=")[:40] in error and len(error.splitlines()) == 1


def test_the_benchmark_refuses_a_stock_model_before_anything_is_drawn(
    stock: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["evaluate", "-o", str(tmp_path / "out"), "--model", str(stock / "sd15")]) == 4
    error = capfd.readouterr().err.strip()
    assert "--pictures" in error and len(error.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_loras_in_the_prompt_are_found_in_remembered_folders(stock: Path, tmp_path: Path) -> None:
    layer = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q"
    factors = {f"{layer}.lora_down.weight": torch.ones(4, 64), f"{layer}.lora_up.weight": torch.ones(64, 4)}
    save_file(factors, tmp_path / "ink.safetensors")
    pose = ControlNetChoice.parse(f"openpose={stock / 'cn_sd15'}")
    request = GenerationRequest("a man <lora:ink:0.5>", model=str(stock / "sd15"), controlnets=(pose,))
    with pytest.raises(ModelError, match="no model ink"):
        check_models(request)
    remember(tmp_path)
    check_models(request)
    model = load_model(request, CPU, torch.float32)
    assert isinstance(model, StockModel)
    plain = load_stock(str(stock / "sd15"))
    name = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q"
    change = model.unet.get_submodule(name).weight - plain.unet.get_submodule(name).weight
    assert torch.allclose(change, torch.full((64, 64), 0.5 * 4.0), atol=1e-5)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_change_of_a_file_is_refused_in_a_sentence_or_loads(
    stock: Path, open_clip: None, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Tensors left out, renamed, or given another shape or type."""
    family = data.draw(st.sampled_from(["sd15", "sdxl"]))
    tensors = load_file(stock / f"{family}.safetensors")
    for _ in range(data.draw(st.integers(1, 3))):
        name = data.draw(st.sampled_from(sorted(tensors)))
        tensor = tensors.pop(name)
        match data.draw(st.sampled_from(["out", "rename", "shape", "type"])):
            case "rename":
                tensors[name.replace(".0.", ".9.", 1) + data.draw(st.sampled_from(["", "x"]))] = tensor
            case "shape":
                tensors[name] = torch.zeros(data.draw(st.lists(st.integers(0, 5), max_size=4)))
            case "type":
                kind = data.draw(st.sampled_from([torch.int64, torch.bool, torch.float16, torch.float8_e4m3fn]))
                tensors[name] = tensor.to(kind)
    path = tmp_path_factory.mktemp("changed") / "x.safetensors"
    save_file(tensors, path)
    try:
        load_stock(str(path), device="meta")
    except ModelError as error:
        assert str(path) in str(error) and "\n" not in str(error)


ODD = """{"num_attention_heads": "many", "hidden_act": 3, "attention_head_dim": [], "norm_num_groups": -1,
"beta_end": "x", "prediction_type": 7, "scaling_factor": null}"""


def test_lists_and_configurations_of_any_kind_are_refused_in_a_sentence(stock: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(stock / "sd15", tmp_path / "model"))
    names = ["model_index.json", "unet/config.json", "text_encoder/config.json", "vae/config.json"]
    for name in [*names, "tokenizer/vocab.json", "scheduler/scheduler_config.json"]:
        whole = (folder / name).read_text()
        for text in ("", "[]", "{}", '{"a": ', '{"block_out_channels": "wide", "layers_per_block": null}', ODD, "\x00"):
            (folder / name).write_text(text)
            try:
                load_stock(str(folder), device="meta")
            except ModelError as error:
                assert str(folder) in str(error) and "\n" not in str(error), (name, text)
        (folder / name).write_text(whole)
    load_stock(str(folder), device="meta")
