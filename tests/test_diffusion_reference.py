# SPDX-License-Identifier: GPL-3.0-or-later
"""Reference pictures by tiny IP-Adapters in the published layout, held against diffusers' own pipeline."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionControlNetPipeline
from PIL import Image
from safetensors.torch import save_file
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from handdiff_addon import cli
from handdiff_addon.diffusion.pipeline import TwoStagePipeline
from handdiff_addon.diffusion.reference import prepare
from handdiff_addon.errors import ModelError, UsageError
from handdiff_addon.models.folders import remember
from handdiff_addon.models.reference import ReferenceChoice
from handdiff_addon.models.sums import weight_sums
from handdiff_addon.request import ControlNetChoice, GenerationRequest
from handdiff_addon.runs import check_models
from tests.stock_models import load_stock
from tests.test_diffusion_stock import SIZE, at_painted_size, hint, make_conditioning, theirs

HIDDEN, PROJECTED = 32, 24


def build_encoder(folder: Path) -> Path:
    torch.manual_seed(5)
    config = CLIPVisionConfig(
        hidden_size=HIDDEN, intermediate_size=48, num_hidden_layers=3, num_attention_heads=16, image_size=28,
        patch_size=14, projection_dim=PROJECTED, hidden_act="gelu",
    )  # fmt: skip
    CLIPVisionModelWithProjection(config).save_pretrained(folder)
    return folder


def build_adapter(path: Path, base: Path, plus: bool = False) -> Path:
    """An adapter for a base: layers of the U-Net's attentions to text, numbered by twos as published."""
    unet = load_stock(str(base)).unet
    generator = torch.Generator().manual_seed(9)

    def some(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator) * 0.3

    cross = unet.config.cross_attention_dim
    tensors = {}
    for number, name in enumerate(unet.attn_processors):
        if name.endswith("attn2.processor"):
            width = unet.get_submodule(name.removesuffix(".processor")).to_k.weight.shape[0]
            tensors |= {f"ip_adapter.{number}.to_{letter}_ip.weight": some(width, cross) for letter in "kv"}
    if plus:
        inner, heads = 64, 64
        tensors |= {
            "image_proj.latents": some(1, 4, inner),
            "image_proj.proj_in.weight": some(inner, HIDDEN),
            "image_proj.proj_in.bias": some(inner),
            "image_proj.proj_out.weight": some(cross, inner),
            "image_proj.proj_out.bias": some(cross),
            "image_proj.norm_out.weight": some(cross),
            "image_proj.norm_out.bias": some(cross),
        }
        for layer in range(4):
            start = f"image_proj.layers.{layer}"
            tensors |= {f"{start}.0.norm{n}.{kind}": some(inner) for n in (1, 2) for kind in ("weight", "bias")}
            tensors |= {
                f"{start}.0.to_q.weight": some(heads, inner),
                f"{start}.0.to_kv.weight": some(2 * heads, inner),
                f"{start}.0.to_out.weight": some(inner, heads),
                f"{start}.1.0.weight": some(inner),
                f"{start}.1.0.bias": some(inner),
                f"{start}.1.1.weight": some(4 * inner, inner),
                f"{start}.1.3.weight": some(inner, 4 * inner),
            }
    else:
        tensors |= {
            "image_proj.proj.weight": some(4 * cross, PROJECTED),
            "image_proj.proj.bias": some(4 * cross),
            "image_proj.norm.weight": some(cross),
            "image_proj.norm.bias": some(cross),
        }
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path)
    return path


@pytest.fixture(scope="module")
def adapters(stock: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As published: ``models/`` with the adapters of SD 1.5 and their encoder, ``sdxl_models/`` that share it."""
    root = tmp_path_factory.mktemp("ip")
    build_adapter(root / "models" / "ip-adapter_sd15.safetensors", stock / "sd15")
    build_adapter(root / "plus" / "ip-adapter-plus_sd15.safetensors", stock / "sd15", plus=True)
    build_adapter(root / "sdxl_models" / "ip-adapter_sdxl_vit-h.safetensors", stock / "sdxl")
    build_encoder(root / "models" / "image_encoder")
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (40, 60, 3), np.uint8)).save(root / "look.png")
    Image.fromarray(rng.integers(0, 256, (40, 60, 3), np.uint8)).save(root / "other.png")
    return root


def request_of(stock: Path, reference: str, family: str = "sd15", **changes: Any) -> GenerationRequest:
    request = GenerationRequest(
        "a person in a red shirt",
        "fog",
        seed=3,
        steps=2,
        size=(SIZE, SIZE),
        guidance_scale=4.0,
        model=str(stock / family),
        controlnets=(ControlNetChoice(str(stock / f"cn_{family}"), ("openpose",)),),
        reference=reference,
    )
    return dataclasses.replace(request, **changes)


def named(adapters: Path, adapter: str, picture: str = "look.png") -> str:
    return f"{adapters / adapter}={adapters / picture}@0.8"


SD15, PLUS = "models/ip-adapter_sd15.safetensors", "plus/ip-adapter-plus_sd15.safetensors"
SDXL = "sdxl_models/ip-adapter_sdxl_vit-h.safetensors"


@pytest.mark.parametrize("adapter", [SD15, PLUS])
def test_a_reference_counts_as_in_diffusers_own_pipeline(stock: Path, adapters: Path, adapter: str) -> None:
    request = request_of(stock, named(adapters, adapter), two_stages=False)
    ours = at_painted_size(TwoStagePipeline.for_request(request, "cpu").painter.model, request)

    plain = load_stock(request.model, request.controlnets)
    encoder = CLIPVisionModelWithProjection.from_pretrained(adapters / "models" / "image_encoder").eval()
    picture = Image.open(adapters / "look.png").convert("RGB")

    class Pipeline(StableDiffusionControlNetPipeline):
        def __call__(self, *arguments: Any, **options: Any) -> Any:
            self.register_modules(image_encoder=encoder)
            self.unet._load_ip_adapter_weights(layers, low_cpu_mem_usage=False)
            self.set_ip_adapter_scale(0.8)
            return super().__call__(*arguments, **options)

    from safetensors.torch import load_file

    tensors = load_file(adapters / adapter)
    layers = {
        part: {name.removeprefix(f"{part}."): t for name, t in tensors.items() if name.startswith(f"{part}.")}
        for part in ("image_proj", "ip_adapter")
    }
    inputs = {"image": hint("openpose", request), "ip_adapter_image": prepare(picture, 28)}
    expected = theirs(Pipeline, plain, request, **inputs)
    assert np.abs(ours.astype(int) - expected).max() <= 1
    without = at_painted_size(load_stock(request.model, request.controlnets), request)
    assert np.abs(ours.astype(int) - without).mean() > 1


def test_a_picture_is_seen_as_clips_own_processor_sees_it() -> None:
    processing = pytest.importorskip("transformers.models.clip.image_processing_pil_clip")
    processor = processing.CLIPImageProcessorPil(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28})
    rng = np.random.default_rng(1)
    smooth = Image.fromarray(rng.integers(0, 256, (6, 9, 3), np.uint8)).resize((90, 60), Image.Resampling.BICUBIC)
    theirs = torch.as_tensor(np.stack(processor(smooth, return_tensors="np")["pixel_values"]))
    assert (prepare(smooth, 28) - theirs).abs().max() < 0.02


@pytest.mark.parametrize("family,adapter", [("sd15", SD15), ("sdxl", SDXL)])
def test_both_stages_take_the_reference_and_another_picture_gives_another(
    stock: Path, adapters: Path, family: str, adapter: str
) -> None:
    request = request_of(stock, named(adapters, adapter), family)
    check_models(request)
    results = []
    for picture in ("look.png", "other.png"):
        own = dataclasses.replace(request, reference=named(adapters, adapter, picture))
        assert own.weights != request.weights or picture == "look.png"
        result = TwoStagePipeline.for_request(own, "cpu").generate(own, make_conditioning())
        results.append((np.asarray(result.hands), np.asarray(result.image), result.model["reference"]))
        assert weight_sums(own)["reference"] == result.model["reference"]["sha256"]
    for first, second in zip(*results):
        assert not np.array_equal(first, second)
    assert GenerationRequest.from_dict(request.to_dict()) == request


def test_the_adapter_is_found_in_the_model_folders_where_one_fits(stock: Path, adapters: Path, tmp_path: Path) -> None:
    picture = str(adapters / "look.png")
    with pytest.raises(ModelError, match=r"no model folder holds one.*h94/IP-Adapter"):
        check_models(request_of(stock, picture))
    shutil.copytree(adapters / "models", tmp_path / "comfy" / "models")
    remember(tmp_path / "comfy")
    check_models(request_of(stock, picture))
    check_models(request_of(stock, f"{picture}@0.3"))
    with pytest.raises(ModelError, match="reference needs an IP-Adapter for SDXL"):
        check_models(request_of(stock, picture, "sdxl"))
    remember(adapters / "plus")
    with pytest.raises(ModelError, match="several IP-Adapters"):
        check_models(request_of(stock, picture))


def test_an_encoder_that_is_not_at_hand_is_named(stock: Path, adapters: Path, tmp_path: Path) -> None:
    alone = shutil.copy(adapters / SD15, tmp_path / "ip.safetensors")
    reference = f"{alone}={adapters / 'look.png'}"
    with pytest.raises(ModelError, match=r"CLIP image encoder with embeddings of 24 numbers.*image_encoder"):
        check_models(request_of(stock, reference))
    # One file in a model folder, as ComfyUI keeps them, serves as well, and its layers are told by its shapes.
    clip = tmp_path / "comfy" / "models" / "clip_vision"
    clip.mkdir(parents=True)
    shutil.copy(adapters / "models" / "image_encoder" / "model.safetensors", clip / "clip_vision_h.safetensors")
    remember(tmp_path / "comfy")
    request = request_of(stock, reference, two_stages=False)
    found = TwoStagePipeline.for_request(request, "cpu").painter.model.reference
    beside = load_stock(request.model, reference=named(adapters, SD15)).reference
    assert torch.allclose(found.seen, beside.seen, atol=0.05)  # bar the activation, which shapes do not tell


def test_what_cannot_be_is_refused_in_a_sentence(
    stock: Path, adapters: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UsageError, match="cannot be read as a picture"):
        check_models(request_of(stock, f"{adapters / SD15}={stock / 'sd15.safetensors'}"))
    with pytest.raises(UsageError, match="give a number from -10 to 10"):
        check_models(request_of(stock, f"{adapters / 'look.png'}@99"))
    with pytest.raises(ModelError, match=r"does not fit the model .*sdxl: choose one for SDXL"):
        check_models(request_of(stock, named(adapters, SD15), "sdxl"))
    with pytest.raises(ModelError, match="is no IP-Adapter but"):
        check_models(request_of(stock, f"{stock / 'cn_sd15'}={adapters / 'look.png'}"))
    with pytest.raises(UsageError, match="a reference picture is given: name a base model"):
        check_models(GenerationRequest("a man", reference="x.png"))
    from safetensors.torch import load_file

    tensors = load_file(adapters / SD15)
    faces = {name.replace("image_proj.proj.", "image_proj.proj.0."): t for name, t in tensors.items()}
    save_file(faces, tmp_path / "faceid.safetensors")
    with pytest.raises(ModelError, match="of a kind that HandDiff does not use"):
        check_models(request_of(stock, f"{tmp_path / 'faceid.safetensors'}={adapters / 'look.png'}"))
    del tensors["image_proj.norm.bias"]
    shutil.copytree(adapters / "models", tmp_path / "models")
    save_file(tensors, tmp_path / "models" / "cut.safetensors")
    with pytest.raises(ModelError, match=r"IP-Adapter .* is damaged"):
        load_stock(str(stock / "sd15"), reference=f"{tmp_path / 'models' / 'cut.safetensors'}={adapters / 'look.png'}")
    command = ["generate", str(tmp_path / "absent.blend"), "-o", str(tmp_path / "out"), "-p", "a man"]
    code = cli.main([*command, "--model", str(stock / "sd15"), "--reference", str(adapters / "look.png")])
    error = capfd.readouterr().err.strip()
    assert code == 4 and len(error.splitlines()) == 1 and "IP-Adapter" in error


def test_names_with_the_signs_of_a_reference_are_told_by_what_is_there(tmp_path: Path) -> None:
    home = tmp_path / "size=64"
    home.mkdir()
    for name in ("look@v2.png", "ip.safetensors"):
        (home / name).touch()
    picture, adapter = f"{home}/look@v2.png", f"{home}/ip.safetensors"
    assert ReferenceChoice.parse(picture) == ReferenceChoice(picture)
    assert ReferenceChoice.parse(f"{adapter}={picture}@0.8") == ReferenceChoice(picture, adapter, 0.8)
    assert ReferenceChoice.parse(f"plus={picture}") == ReferenceChoice(picture, "plus")
    assert ReferenceChoice.parse("plus=absent.png@2") == ReferenceChoice("absent.png", "plus", 2.0)
