# SPDX-License-Identifier: GPL-3.0-or-later
"""LoRAs in every naming change the same weights by the same numbers; distilled ones say how they are sampled."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest
import torch
from diffusers.loaders import StableDiffusionXLLoraLoaderMixin
from safetensors.torch import save_file

from handdiff_addon.diffusion import stock_loading
from handdiff_addon.diffusion.stock import StockModel
from handdiff_addon.models import known
from handdiff_addon.models.original_names import original_unet_modules
from handdiff_addon.request import ControlNetChoice, LoraChoice
from tests.stock_models import load_stock, refusal

RANK, ALPHA = 4, 2.0
UNET = [
    "down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q",
    "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k",
    "mid_block.attentions.0.transformer_blocks.0.attn2.to_out.0",
    "up_blocks.1.attentions.2.transformer_blocks.0.ff.net.0.proj",
    "up_blocks.1.attentions.2.proj_in",
]
CONVOLUTIONS = [
    "down_blocks.1.resnets.1.conv1",
    "down_blocks.0.downsamplers.0.conv",
    "up_blocks.0.resnets.2.conv_shortcut",
]
TEXT = ["encoder.layers.1.self_attn.q_proj", "encoder.layers.0.mlp.fc1"]


@cache
def plain_model(folder: Path) -> StockModel:
    """Without a LoRA; loaded once, and not to be changed."""
    return load_stock(str(folder))


def modules_of(model: StockModel) -> dict[str, torch.nn.Module]:
    """Modules by diffusers' names with their part in front."""
    found = {f"unet.{name}": module for name, module in model.unet.named_modules()}
    for suffix, encoder in zip(("", "_2"), model.text_encoders):
        for name, module in encoder.named_modules():
            found[f"text_encoder{suffix}.text_model.{name.removeprefix('text_model.')}"] = module
    return found


def factors(model: StockModel, names: list[str]) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Random factors for layers, in the shapes that trainers save."""
    generator = torch.Generator().manual_seed(5)
    result = {}
    for name in names:
        shape = modules_of(model)[name].weight.shape
        down, up = (RANK, *shape[1:]), (shape[0], RANK, *[1] * (len(shape) - 2))
        result[name] = (torch.randn(down, generator=generator) * 0.1, torch.randn(up, generator=generator) * 0.1)
    return result


def layer_names(model: StockModel, convolutions: bool = True) -> list[str]:
    names = [f"unet.{name}" for name in [*UNET, *(CONVOLUTIONS if convolutions else [])]]
    for suffix, _ in zip(("", "_2"), model.text_encoders):
        names += [f"text_encoder{suffix}.text_model.{name}" for name in TEXT]
    return names


def kohya(name: str, family: str, model: StockModel, original: bool) -> str:
    part, _, module = name.partition(".")
    if part != "unet":
        return (
            "lora_te_" if family == "sd15" else {"text_encoder": "lora_te1_", "text_encoder_2": "lora_te2_"}[part]
        ) + (module.replace(".", "_"))
    if original:
        modules = [n for n, m in model.unet.named_modules() if hasattr(m, "weight")]
        levels = len(model.unet.config.block_out_channels)
        old = {new: old for old, new in original_unet_modules(modules, levels, 2).items()}
        module = old[module]
    return f"lora_unet_{module.replace('.', '_')}"


def write(path: Path, form: str, model: StockModel, layers: dict) -> Path:
    tensors, metadata = {}, {"format": "pt"}
    for name, (down, up) in layers.items():
        alpha = torch.tensor(ALPHA)
        match form:
            case "kohya" | "kohya original":
                start = kohya(name, model.family, model, form == "kohya original")
                tensors |= {f"{start}.lora_down.weight": down, f"{start}.lora_up.weight": up, f"{start}.alpha": alpha}
            case "peft":
                tensors |= {f"{name}.lora_A.weight": down, f"{name}.lora_B.weight": up}
                table = {f"{part}.lora_alpha": ALPHA for part in ("unet", "text_encoder", "text_encoder_2")}
                metadata["lora_adapter_metadata"] = json.dumps(table | {"unet.r": RANK})
            case "diffusers":
                word = "lora" if name.startswith("unet") else "lora_linear_layer"
                tensors |= {f"{name}.{word}.down.weight": down, f"{name}.{word}.up.weight": up}
            case "first":
                assert ".to_" in name
                owner, _, last = name.removesuffix(".0").rpartition(".")
                start = f"{owner}.processor.{last}_lora"
                tensors |= {f"{start}.down.weight": down, f"{start}.up.weight": up}
    save_file(tensors, path, metadata)
    return path


FORMS = [("kohya", ALPHA), ("kohya original", ALPHA), ("peft", ALPHA), ("diffusers", RANK), ("first", RANK)]


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
@pytest.mark.parametrize(("form", "alpha"), FORMS)
def test_every_naming_adds_the_same(stock: Path, tmp_path: Path, family: str, form: str, alpha: float) -> None:
    plain = plain_model(stock / family)
    names = layer_names(plain, convolutions=form != "first")
    if form == "first":
        names = [name for name in names if ".to_" in name]
    layers = factors(plain, names)
    path = write(tmp_path / "style.safetensors", form, plain, layers)
    model = load_stock(str(stock / family), loras=[LoraChoice(str(path), 0.5)])
    before, after = modules_of(plain), modules_of(model)
    for name, module in before.items():
        weight = getattr(module, "weight", None)
        if weight is None:
            continue
        wanted = weight
        if name in layers:
            down, up = layers[name]
            wanted = weight + 0.5 * alpha / RANK * (up.flatten(1) @ down.flatten(1)).reshape(weight.shape)
            assert not torch.allclose(weight, wanted, atol=1e-4)
        assert torch.allclose(after[name].weight, wanted, atol=1e-6), name
    report = model.identity["loras"][0]
    assert (report["layers"], report["unused"], report["weight"]) == (len(names), 0, 0.5)


def test_original_layer_names_are_those_of_the_reference_converter(stock: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    plain = plain_model(stock / "sdxl")
    layers = factors(plain, layer_names(plain))
    path = write(tmp_path / "style.safetensors", "kohya original", plain, layers)
    names, _ = StableDiffusionXLLoraLoaderMixin.lora_state_dict(load_file(path), unet_config=plain.unet.config)
    for name, (down, _) in layers.items():
        if ".attn" in name or "resnets" in name or "downsamplers" in name or ".ff." in name or "proj_in" in name:
            start = name.replace(".attn1.", ".attn1.processor.").replace(".attn2.", ".attn2.processor.")
            start = start.removesuffix(".0") if "to_out" in start else start
            hits = [tensor for key, tensor in names.items() if key.startswith(start) and ".down." in key]
            assert len(hits) == 1 and torch.equal(hits[0], down), name


def test_loras_add_up_and_zero_changes_nothing(stock: Path, tmp_path: Path) -> None:
    plain = plain_model(stock / "sd15")
    path = str(write(tmp_path / "a.safetensors", "kohya", plain, factors(plain, layer_names(plain))))
    twice = load_stock(str(stock / "sd15"), loras=[LoraChoice(path, 0.5), LoraChoice(path, 0.25)])
    once = load_stock(str(stock / "sd15"), loras=[LoraChoice(path, 0.75)])
    none = load_stock(str(stock / "sd15"), loras=[LoraChoice(path, 0.0)])
    for name in UNET:
        get = [model.unet.get_submodule(name).weight for model in (plain, none, once, twice)]
        assert torch.equal(get[0], get[1]) and torch.allclose(get[2], get[3], atol=1e-6)


def test_a_convolution_of_three_factors(stock: Path, tmp_path: Path) -> None:
    plain = plain_model(stock / "sd15")
    weight = plain.unet.get_submodule(CONVOLUTIONS[0]).weight
    start = kohya(f"unet.{CONVOLUTIONS[0]}", "sd15", plain, False)
    down, mid, up = (
        torch.randn(4, weight.shape[1], 1, 1),
        torch.randn(4, 4, 3, 3),
        torch.randn(weight.shape[0], 4, 1, 1),
    )
    tensors = {"lora_down": down, "lora_mid": mid, "lora_up": up}
    save_file({f"{start}.{name}.weight": tensor for name, tensor in tensors.items()}, tmp_path / "c.safetensors")
    model = load_stock(str(stock / "sd15"), loras=[LoraChoice(str(tmp_path / "c.safetensors"))])
    picture = torch.randn(1, weight.shape[1], 5, 5)
    conv = torch.nn.functional.conv2d
    change = conv(conv(conv(picture, down), mid, padding=1), up)
    wanted = conv(picture, weight, padding=1) + change
    got = conv(picture, model.unet.get_submodule(CONVOLUTIONS[0]).weight, padding=1)
    assert torch.allclose(got, wanted, atol=1e-3)


def test_loras_that_do_not_fit_are_refused(stock: Path, tmp_path: Path) -> None:
    plain = plain_model(stock / "sdxl")
    path = write(tmp_path / "xl.safetensors", "kohya", plain, factors(plain, layer_names(plain)))
    message = refusal(str(stock / "sd15"), loras=[LoraChoice(str(path))])
    assert "SDXL" in message and "Stable Diffusion 1.5" in message and "xl.safetensors" in message
    layer = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q"
    save_file({f"{layer}.lora_down.weight": torch.ones(4, 9), f"{layer}.lora_up.weight": torch.ones(9, 4)}, path)
    assert "does not fit" in refusal(str(stock / "sd15"), loras=[LoraChoice(str(path))])
    save_file({f"{layer}.lora_down.weight": torch.ones(4, 64), f"{layer}.lora_up.weight": torch.ones(64, 3)}, path)
    assert "damaged" in refusal(str(stock / "sd15"), loras=[LoraChoice(str(path))])
    save_file({"lora_unet_nowhere.lora_down.weight": torch.ones(4, 9)}, path)
    assert "no layer in common" in refusal(str(stock / "sd15"), loras=[LoraChoice(str(path))])
    save_file({f"{layer}.hada_w1_a": torch.ones(4, 4), f"{layer}.lora_down.weight": torch.ones(4, 4)}, path)
    assert "LyCORIS" in refusal(str(stock / "sd15"), loras=[LoraChoice(str(path))])
    save_file({f"{layer}.dora_scale": torch.ones(4, 4), f"{layer}.lora_down.weight": torch.ones(4, 4)}, path)
    assert "DoRA" in refusal(str(stock / "sd15"), loras=[LoraChoice(str(path))])
    assert "no LoRA" in refusal(str(stock / "sd15"), loras=[LoraChoice(str(stock / "cn_sd15"))])


def test_bare_names_are_looked_up_in_the_folders(stock: Path, tmp_path: Path) -> None:
    plain = plain_model(stock / "sd15")
    (tmp_path / "loras" / "styles").mkdir(parents=True)
    path = write(tmp_path / "loras" / "styles" / "ink.safetensors", "kohya", plain, factors(plain, layer_names(plain)))
    for name in ("ink", "ink.safetensors"):
        model = load_stock(str(stock / "sd15"), loras=[LoraChoice(name)], folders=[tmp_path / "loras"])
        assert model.identity["loras"][0]["name"] == "ink"
    assert "no model pen" in refusal(str(stock / "sd15"), loras=[LoraChoice("pen")], folders=[tmp_path])
    (tmp_path / "ink.safetensors").write_bytes(path.read_bytes())
    assert "several" in refusal(str(stock / "sd15"), loras=[LoraChoice("ink")], folders=[tmp_path])


@pytest.mark.parametrize(
    ("name", "scheduler", "steps", "guidance", "spacing"),
    [
        ("lcm-sd15", "LCMScheduler", 6, 1.5, "leading"),
        ("hyper-sd15-8steps-cfg", "DDIMScheduler", 8, 5.0, "trailing"),
        ("hyper-sd15-4steps", "DDIMScheduler", 4, 1.0, "trailing"),
        ("hyper-sd15-1step", "TCDScheduler", 1, 1.0, "leading"),
        ("lightning-sdxl-4steps", "EulerDiscreteScheduler", 4, 1.0, "trailing"),
    ],
)
def test_distilled_sets_are_told_by_their_bytes(
    stock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    name: str, scheduler: str, steps: int, guidance: float, spacing: str,
) -> None:  # fmt: skip
    """The real files are too large for a test: the catalogue's sha256 is given out for the tiny file's."""
    wanted = known.known_model(name)
    family = wanted.family
    plain = plain_model(stock / family)
    path = write(tmp_path / "any name.safetensors", "kohya", plain, factors(plain, layer_names(plain)))
    assert load_stock(str(stock / family), loras=[LoraChoice(str(path))]).few_steps is None
    own = stock_loading.checked
    given = {path: wanted.files[0].sha256}
    monkeypatch.setattr(stock_loading, "checked", lambda p: given.get(p) or own(p))
    model = load_stock(str(stock / family), loras=[LoraChoice(str(path))])
    assert (type(model.scheduler).__name__, model.few_steps, model.guidance_scale) == (scheduler, steps, guidance)
    assert model.scheduler.config.timestep_spacing == spacing
    assert model.scheduler.config.beta_end == 0.012
    model.scheduler.set_timesteps(steps)
    assert len(model.scheduler.timesteps) == steps


def test_a_catalogued_file_is_told_by_its_place_in_the_cache_where_no_sha256_is_published(
    stock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    plain = plain_model(stock / "sdxl")
    snapshot = tmp_path / "models--ByteDance--SDXL-Lightning" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    for steps in (8, 4):
        write(
            snapshot / f"sdxl_lightning_{steps}step_lora.safetensors",
            "kohya",
            plain,
            factors(plain, layer_names(plain)),
        )
    name = "ByteDance/SDXL-Lightning/sdxl_lightning_{}step_lora.safetensors"
    assert load_stock(str(stock / "sdxl"), loras=[LoraChoice(name.format(8))]).few_steps == 8
    # The four-step file has a published sha256, which this is not.
    assert load_stock(str(stock / "sdxl"), loras=[LoraChoice(name.format(4))]).few_steps is None


def test_a_catalogued_controlnet_needs_no_role(stock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    shutil.copytree(stock / "cn_sd15", tmp_path / "models--gxkok--control_sd15_depth_hand" / "snapshots" / "abc")
    model = load_stock(str(stock / "sd15"), [ControlNetChoice("gxkok/control_sd15_depth_hand")])
    assert model.controls[0].roles == ("hand_depth",)


def test_consistency_models_are_told_by_their_input(stock: Path, open_clip: None, tmp_path: Path) -> None:
    from tests import stock_models as tiny

    extra = {"model.diffusion_model.time_embed.cond_proj.weight": torch.randn(32, 16)}
    path = tiny.write_single(stock / "sd15", "sd15", tmp_path / "lcm.safetensors", **extra)
    model = load_stock(str(path))
    assert (type(model.scheduler).__name__, model.few_steps) == ("LCMScheduler", 6)
    assert model.unet.config.time_cond_proj_dim == 16
