# SPDX-License-Identifier: GPL-3.0-or-later
"""Stock models of every layout load by one path and paint alike; what cannot be used is refused by name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from diffusers import UNet2DConditionModel
from diffusers.loaders import single_file_utils as reference
from safetensors.torch import load_file, save_file

from handdiff_addon.diffusion.stock import StockModel
from handdiff_addon.errors import ModelError
from handdiff_addon.models.known import ORIGIN_SUFFIX, known_model
from handdiff_addon.models.weights import digest
from handdiff_addon.request import ControlNetChoice
from tests import stock_models as tiny
from tests.stock_models import load_stock, refusal


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(3))


@torch.inference_mode()
def predicted(model: StockModel) -> torch.Tensor:
    """The U-Net's answer to a prompt, through every part that comes before it."""
    tokens = []
    pooled = None
    for tokenizer, encoder in zip(model.tokenizers, model.text_encoders):
        ids = tokenizer(["a hand"], padding="max_length", truncation=True, max_length=77, return_tensors="pt").input_ids
        output = encoder(ids)
        tokens.append(output.last_hidden_state)
        pooled = getattr(output, "text_embeds", None)
    added = {"text_embeds": pooled, "time_ids": torch.ones(1, 6)} if pooled is not None else None
    latents = noise(1, model.unet.config.in_channels, 8, 8).to(model.dtype)
    return model.unet(latents, 500, torch.cat(tokens, -1), added_cond_kwargs=added).sample


@torch.inference_mode()
def decoded(model: StockModel) -> torch.Tensor:
    latents = model.vae.encode(noise(1, 3, 32, 32).to(model.dtype)).latent_dist.mean
    return model.vae.decode(latents).sample


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_folder_and_single_file_answer_alike(stock: Path, open_clip: None, family: str) -> None:
    folder, single = load_stock(str(stock / family)), load_stock(str(stock / f"{family}.safetensors"))
    assert folder.family == single.family == family
    assert torch.equal(predicted(folder), predicted(single))
    assert torch.equal(decoded(folder), decoded(single))
    assert predicted(folder).std() > 0.01
    assert folder.vae.config.scaling_factor == single.vae.config.scaling_factor
    assert folder.identity["parameters"] == single.identity["parameters"] > 100_000
    for model in (folder, single):
        assert not any(module.training for module in (model.unet, model.vae, *model.text_encoders))
        assert not any(p.requires_grad or p.is_meta for p in model.unet.parameters())


@pytest.mark.parametrize(("told", "zeros"), [({}, True), ({"force_zeros_for_empty_prompt": False}, False)])
def test_an_empty_negative_prompt_of_sdxl_is_as_the_model_says(
    stock: Path, tmp_path: Path, told: dict[str, bool], zeros: bool
) -> None:
    from handdiff_addon.diffusion.stock_painter import StockPainter

    folder = shutil.copytree(stock / "sdxl", tmp_path / "model")
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps(index | told))
    painter = StockPainter(load_stock(str(folder), [ControlNetChoice(str(stock / "cn_sdxl"), ("openpose",))]))
    text = painter.encode_text(["", "a man"])
    assert text.pooled is not None
    assert (not text.tokens[0].any(), not text.pooled[0].any()) == (zeros, zeros)
    assert text.tokens[1].any() and text.pooled[1].any()


def test_folder_answers_as_the_library_s_own_loading(stock: Path) -> None:
    ours = load_stock(str(stock / "sd15"))
    theirs = UNet2DConditionModel.from_pretrained(stock / "sd15" / "unet", low_cpu_mem_usage=False).eval()
    latents, text = noise(1, 4, 8, 8), noise(1, 77, 32)
    with torch.inference_mode():
        assert torch.allclose(ours.unet(latents, 10, text).sample, theirs(latents, 10, text).sample, atol=1e-5)


@pytest.mark.parametrize("layout", [tiny.sharded, tiny.fp16_variant])
def test_sharded_and_half_precision_folders(stock: Path, tmp_path: Path, layout: Callable[[Path, Path], Path]) -> None:
    model = load_stock(str(layout(stock / "sd15", tmp_path / "model")))
    close = torch.isclose(predicted(model), predicted(load_stock(str(stock / "sd15"))), atol=0.05)
    assert close.all() and model.unet.dtype == torch.float32


def test_half_precision_takes_the_half_files(stock: Path, tmp_path: Path) -> None:
    folder = tiny.fp16_variant(stock / "sd15", tmp_path / "model")
    shutil.copytree(stock / "sd15", folder, dirs_exist_ok=True)
    assert all("fp16" in name for name in load_stock(str(folder), dtype=torch.float16).identity["sha256"])
    assert not any("fp16" in name for name in load_stock(str(folder)).identity["sha256"])


def test_inpainting_variant_has_nine_channels(stock: Path, open_clip: None, tmp_path: Path) -> None:
    folder = load_stock(str(stock / "sd15_inpaint"))
    single = load_stock(str(tiny.write_single(stock / "sd15_inpaint", "sd15", tmp_path / "x.safetensors")))
    assert folder.unet.config.in_channels == 9
    assert torch.equal(predicted(folder), predicted(single))
    assert "inpainting" in single.identity["architecture"]


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_original_names_are_those_of_the_reference_converter(stock: Path, family: str) -> None:
    """The fixtures' names are not just the inverse of ours: diffusers' own converter reads them."""
    file = load_file(stock / f"{family}.safetensors")
    unet = reference.convert_ldm_unet_checkpoint(file, dict(UNet2DConditionModel(**tiny.UNETS[family]).config))
    wanted = tiny.tensors_of(stock / family / "unet")
    assert unet.keys() == wanted.keys()
    assert all(torch.equal(unet[name], tensor) for name, tensor in wanted.items())
    blocks = {"down_block_types": [None] * 4, "up_block_types": [None] * 4}
    vae = reference.convert_ldm_vae_checkpoint(file, blocks)
    wanted = tiny.tensors_of(stock / family / "vae")
    assert vae.keys() == wanted.keys()
    assert all(torch.equal(vae[name], tensor) for name, tensor in wanted.items())


@torch.inference_mode()
def residual(model: StockModel, number: int = 0) -> torch.Tensor:
    control = model.controls[number]
    width = model.unet.config.cross_attention_dim
    added = {"text_embeds": noise(1, 32), "time_ids": torch.ones(1, 6)} if model.family == "sdxl" else None
    hint = noise(1, 3, 64, 64).abs()
    arguments = {"added_cond_kwargs": added, "return_dict": False}
    if control.modes:
        mode = next(iter(control.modes.values()))
        types = torch.nn.functional.one_hot(torch.tensor([mode]), control.model.config.num_control_type).float()
        arguments |= {"control_type": types, "control_type_idx": [mode], "controlnet_cond": [hint]}
        return control.model(noise(1, 4, 8, 8), 5, noise(1, 77, width), conditioning_scale=[1.0], **arguments)[1]
    return control.model(noise(1, 4, 8, 8), 5, noise(1, 77, width), hint, **arguments)[1]


@pytest.mark.parametrize("prefix", ["", "control_model."])
def test_controlnet_as_folder_and_in_the_original_layout(stock: Path, tmp_path: Path, prefix: str) -> None:
    tensors = tiny.original_unet(tiny.tensors_of(stock / "cn_sd15"), "sd15")
    save_file({prefix + name: tensor for name, tensor in tensors.items()}, tmp_path / "cn.safetensors")
    read = reference.convert_controlnet_checkpoint({prefix + n: t for n, t in tensors.items()}, {"layers_per_block": 2})
    assert read.keys() == tiny.tensors_of(stock / "cn_sd15").keys()
    choices = [ControlNetChoice(str(stock / "cn_sd15"), ("openpose",), 0.7)]
    choices.append(ControlNetChoice(str(tmp_path / "cn.safetensors"), ("depth",)))
    model = load_stock(str(stock / "sd15"), choices)
    assert [(control.roles, control.scale, control.modes) for control in model.controls] == [
        (("openpose",), 0.7, {}),
        (("depth",), 1.0, {}),
    ]
    assert torch.equal(residual(model, 0), residual(model, 1)) and residual(model).std() > 0


def test_union_models_know_their_modes(stock: Path, tmp_path: Path) -> None:
    shutil.copy(stock / "union8" / tiny.WEIGHTS, tmp_path / "union.safetensors")  # no configuration beside it
    choices = [
        ControlNetChoice(str(stock / "union6")),
        ControlNetChoice(str(stock / "union8"), ("openpose", "inpaint")),
        ControlNetChoice(str(tmp_path / "union.safetensors"), ("openpose", "inpaint")),
    ]
    model = load_stock(str(stock / "sdxl"), choices)
    assert [control.modes for control in model.controls] == [
        {"openpose": 0, "depth": 1, "normal": 4},
        {"openpose": 0, "inpaint": 7},
        {"openpose": 0, "inpaint": 7},
    ]
    assert torch.equal(residual(model, 1), residual(model, 2))
    with pytest.raises(ModelError, match="takes no inpaint"):
        load_stock(str(stock / "sdxl"), [ControlNetChoice(str(stock / "union6"), ("inpaint",))])


def test_sdxl_controlnet_alone_in_one_file(stock: Path, tmp_path: Path) -> None:
    shutil.copy(stock / "cn_sdxl" / tiny.WEIGHTS, tmp_path / "cn.safetensors")
    choices = [ControlNetChoice(str(path), ("openpose",)) for path in (stock / "cn_sdxl", tmp_path / "cn.safetensors")]
    model = load_stock(str(stock / "sdxl"), choices)
    assert torch.equal(residual(model, 0), residual(model, 1))


def test_other_vae_takes_the_place_of_the_model_s_own(stock: Path, tmp_path: Path) -> None:
    tensors = {name: tensor * 1.5 for name, tensor in tiny.tensors_of(stock / "sd15" / "vae").items()}
    save_file(tiny.original_vae(tensors), tmp_path / "vae.safetensors")
    own, other = load_stock(str(stock / "sd15")), load_stock(str(stock / "sd15"), vae=str(tmp_path / "vae.safetensors"))
    assert torch.equal(other.vae.encoder.conv_in.weight, own.vae.encoder.conv_in.weight * 1.5)
    assert torch.equal(predicted(own), predicted(other))
    assert other.identity["vae"]["name"] == "vae" and other.vae.config.scaling_factor == 0.18215
    of_folder = load_stock(str(stock / "sd15"), vae=str(stock / "sd15_inpaint"))
    assert of_folder.identity["vae"]["sha256"]


def test_a_model_without_a_vae_takes_another(stock: Path, open_clip: None, tmp_path: Path) -> None:
    tensors = {n: t for n, t in load_file(stock / "sd15.safetensors").items() if not n.startswith("first_stage")}
    save_file(tensors, tmp_path / "bare.safetensors")
    folder = Path(shutil.copytree(stock / "sd15", tmp_path / "bare"))
    shutil.rmtree(folder / "vae")
    whole = load_stock(str(stock / "sd15"))
    for bare in (tmp_path / "bare.safetensors", folder):
        assert "--vae" in refusal(str(bare))
        assert torch.equal(decoded(load_stock(str(bare), vae=str(stock / "sd15"))), decoded(whole))
    (folder / "text_encoder" / "model.safetensors").unlink()
    assert "text_encoder" in refusal(str(folder), vae=str(stock / "sd15"))


def test_a_vae_of_the_other_family_is_refused_by_name(stock: Path, tmp_path: Path) -> None:
    for name in ("sdxl.safetensors", "sdxl", "sdxl/vae"):
        message = refusal(str(stock / "sd15"), vae=str(stock / name))
        assert f"{stock / name}" in message and "SDXL" in message and "Stable Diffusion 1.5" in message
    # a file of a VAE alone does not tell its family, unless the catalogue knows where it is from
    file = Path(shutil.copy(stock / "sdxl" / "vae" / tiny.WEIGHTS, tmp_path / "vae.safetensors"))
    load_stock(str(stock / "sd15"), vae=str(file), device="meta")
    model = known_model("vae-sdxl")
    note = {"repository": model.repository, "path": model.files[0].path, "sha256": digest(file)}
    file.with_name(file.name + ORIGIN_SUFFIX).write_text(json.dumps(note))
    assert "SDXL" in refusal(str(stock / "sd15"), vae=str(file))


def test_v_prediction_is_told_by_its_mark(stock: Path, open_clip: None, tmp_path: Path) -> None:
    marks = {"v_pred": torch.tensor([]), "ztsnr": torch.tensor([])}
    path = tiny.write_single(stock / "sdxl", "sdxl", tmp_path / "v.safetensors", **marks)
    scheduler = load_stock(str(path)).scheduler
    assert scheduler.config.prediction_type == "v_prediction" and scheduler.config.rescale_betas_zero_snr
    assert load_stock(str(stock / "sdxl")).scheduler.config.prediction_type == "epsilon"


# ---------------------------------------------------------------------------------------------------- refusals


def copied(stock: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(stock / "sd15", tmp_path / "model"))


def test_pickles_are_refused_with_a_way_out(stock: Path, tmp_path: Path) -> None:
    for name in ("model.ckpt", "model.pt", "model.bin"):
        (tmp_path / name).write_bytes(b"\x80\x04.")
        message = refusal(str(tmp_path / name))
        assert name in message and "pickle" in message and "safetensors.torch.save_file" in message
    folder = copied(stock, tmp_path)
    weights = folder / "unet" / tiny.WEIGHTS
    weights.rename(weights.with_suffix(".bin"))
    assert "pickle" in refusal(str(folder))


def test_damaged_files_are_named(stock: Path, open_clip: None, tmp_path: Path) -> None:
    path = tmp_path / "cut.safetensors"
    path.write_bytes((stock / "sd15.safetensors").read_bytes()[:-40])
    assert "cut.safetensors" in refusal(str(path))
    tensors = load_file(stock / "sd15.safetensors")
    del tensors["model.diffusion_model.middle_block.1.proj_in.weight"]
    save_file(tensors, path)
    assert "mid_block.attentions.0.proj_in.weight" in refusal(str(path))
    tensors = load_file(stock / "sd15.safetensors")
    tensors["model.diffusion_model.out.2.weight"] = torch.zeros(4, 16, 3, 3)
    save_file(tensors, path)
    assert "conv_out.weight" in refusal(str(path))
    tensors["model.diffusion_model.fuser.weight"] = torch.zeros(4)
    tensors["model.diffusion_model.out.2.weight"] = torch.zeros(4, 32, 3, 3)
    save_file(tensors, path)
    assert "fuser.weight" in refusal(str(path))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_numbers_that_are_none_are_refused(stock: Path, tmp_path: Path, dtype: torch.dtype, value: float) -> None:
    folder = copied(stock, tmp_path)
    weights = folder / "vae" / tiny.WEIGHTS
    tensors = {name: tensor.to(dtype) for name, tensor in load_file(weights).items()}
    save_file(tensors, weights, {"format": "pt"})
    load_stock(str(folder))
    tensors["decoder.conv_out.bias"][1] = value
    save_file(tensors, weights, {"format": "pt"})
    message = refusal(str(folder))
    assert "NaN" in message and "decoder.conv_out.bias" in message and "vae" in message


def test_a_link_out_of_the_folder_is_refused(stock: Path, tmp_path: Path) -> None:
    folder = copied(stock, tmp_path)
    for name in (f"unet/{tiny.WEIGHTS}", "tokenizer/vocab.json"):
        file = folder / name
        outside = file.rename(tmp_path / file.name)
        file.symlink_to(outside)
        assert "is a link out of" in refusal(str(folder)) and str(file) in refusal(str(folder))
        file.unlink()
        outside.rename(file)
    inside = folder / "unet" / tiny.WEIGHTS
    inside.symlink_to(inside.rename(folder / "elsewhere.safetensors"))
    load_stock(str(folder))


def test_an_index_that_names_files_elsewhere_is_refused(stock: Path, tmp_path: Path) -> None:
    folder = tiny.sharded(stock / "sd15", tmp_path / "model")
    index = next((folder / "unet").glob("*.index.json"))
    table = json.loads(index.read_text())
    table["weight_map"]["conv_in.weight"] = "../../outside.safetensors"
    index.write_text(json.dumps(table))
    assert "outside its folder" in refusal(str(folder))


def edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("model_index.json", {"unet": ["pipeline_mine", "MyUNet"]}),
        ("model_index.json", {"_class_name": ["pipeline", "Mine"]}),
        ("model_index.json", {"custom_pipeline": "x/y"}),
        ("unet/config.json", {"auto_map": {"AutoModel": "unet.Mine"}}),
        ("text_encoder/config.json", {"auto_map": {"AutoModel": "text.Mine"}}),
        ("tokenizer/tokenizer_config.json", {"auto_map": {"AutoTokenizer": ["tok.Mine", None]}}),
        ("vae/config.json", {"trust_remote_code": True}),
    ],
)
def test_code_that_comes_with_a_model_is_refused(stock: Path, tmp_path: Path, name: str, changes: dict) -> None:
    folder = copied(stock, tmp_path)
    edit(folder / name, **changes)
    message = refusal(str(folder))
    assert "code" in message and str(folder / name) in message


def test_a_controlnet_of_the_other_family_is_refused_by_name(stock: Path) -> None:
    for base, other, names in (("sd15", "cn_sdxl", ("SDXL", "Stable Diffusion 1.5")), ("sdxl", "cn_sd15", ("SDXL",))):
        message = refusal(str(stock / base), [ControlNetChoice(str(stock / other), ("openpose",))])
        assert other in message and all(name in message for name in names)
    assert "union8" in refusal(str(stock / "sd15"), [ControlNetChoice(str(stock / "union8"))])


def test_a_controlnet_has_to_be_told_its_role(stock: Path) -> None:
    assert "openpose=" in refusal(str(stock / "sd15"), [ControlNetChoice(str(stock / "cn_sd15"))])
    assert "depth and normal" in refusal(
        str(stock / "sd15"), [ControlNetChoice(str(stock / "cn_sd15"), ("depth", "normal"))]
    )


def test_models_in_the_wrong_place_are_refused(stock: Path, tmp_path: Path) -> None:
    assert "ControlNet" in refusal(str(stock / "cn_sd15" / tiny.WEIGHTS))
    assert "no ControlNet" in refusal(str(stock / "sd15"), [ControlNetChoice(str(stock / "sd15.safetensors"))])
    assert "no VAE" in refusal(str(stock / "sd15"), vae=str(stock / "cn_sd15"))
    assert "no model" in refusal(str(tmp_path / "absent.safetensors"))
    tensors = {n: t for n, t in load_file(stock / "sd15.safetensors").items() if not n.startswith("first_stage")}
    save_file(tensors, tmp_path / "bare.safetensors")
    assert "--vae" in refusal(str(tmp_path / "bare.safetensors"))
    tensors = {n: t for n, t in load_file(stock / "sd15.safetensors").items() if n.startswith("model.diffusion")}
    tensors["model.diffusion_model.input_blocks.0.0.weight"] = torch.zeros(32, 8, 3, 3)
    save_file(tensors, tmp_path / "eight.safetensors")
    assert "8 channels" in refusal(str(tmp_path / "eight.safetensors"))


def test_a_missing_scheduler_is_refused_and_not_guessed(stock: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(stock / "sd15", tmp_path / "model"))
    (folder / "scheduler" / "scheduler_config.json").unlink()
    assert "scheduler_config.json is missing" in refusal(str(folder))


def test_parts_of_different_models_are_refused(stock: Path, tmp_path: Path) -> None:
    folder = copied(stock, tmp_path)
    shutil.rmtree(folder / "text_encoder")
    shutil.copytree(stock / "sdxl" / "text_encoder_2", folder / "text_encoder")
    assert "different models" in refusal(str(folder))


def test_one_file_without_the_vocabulary_names_the_package(stock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "open_clip" else found(name))
    assert "open_clip_torch" in refusal(str(stock / "sd15.safetensors"))


def test_a_downloaded_model_is_found_by_its_id(stock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    entry = tmp_path / "models--someone--tiny"
    snapshot = entry / "snapshots" / "0123abc"
    shutil.copytree(stock / "sd15", snapshot)
    (entry / "blobs").mkdir()
    for number, file in enumerate([*snapshot.rglob("*.safetensors"), snapshot / "tokenizer" / "vocab.json"]):
        blob = file.rename(entry / "blobs" / f"b{number}")
        file.symlink_to(Path(*[".."] * (len(file.relative_to(entry).parts) - 1)) / blob.relative_to(entry))
    (entry / "refs").mkdir()
    (entry / "refs" / "main").write_text("0123abc")
    by_id, by_entry = load_stock("someone/tiny"), load_stock(str(entry))
    assert by_id.identity == by_entry.identity and by_id.identity["name"] == "someone/tiny"
    assert torch.equal(predicted(by_id), predicted(load_stock(str(stock / "sd15"))))
    alone = load_stock("someone/tiny", vae="someone/tiny/vae/" + tiny.WEIGHTS)
    assert alone.identity["vae"]["name"].startswith("someone/tiny")
    assert "someone/other" in refusal("someone/other")
