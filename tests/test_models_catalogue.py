# SPDX-License-Identifier: GPL-3.0-or-later
"""Model folders: whole ones are told by their bytes, damaged ones are refused by the file that is to blame."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save, save_file

from handdiff_addon.errors import ModelError
from handdiff_addon.models.catalogue import check_model, find_model, is_own
from handdiff_addon.models.safetensors_header import read_header

WEIGHTS = {
    "unet/diffusion_pytorch_model.safetensors": {"a": np.ones((3, 4), np.float16), "b": np.ones(5, np.float32)},
    "controlnet/diffusion_pytorch_model.safetensors": {"c": np.ones((2, 2), np.float16)},
    "text_encoder/model.safetensors": {"d": np.ones(7, np.float16)},
    "patch_autoencoder/patch_autoencoder.safetensors": {"e": np.ones(6, np.float16)},
    "hands/unet/diffusion_pytorch_model.safetensors": {"f": np.ones(8, np.float16)},
    "hands/patch_autoencoder/patch_autoencoder.safetensors": {"g": np.ones(9, np.float16)},
    "hands/mask_head/mask_head.safetensors": {"h": np.ones(10, np.float16)},
}
SHARED = {"text_encoder": ["transformers", "CLIPTextModel"], "tokenizer": ["transformers", "CLIPTokenizer"]}
BODY = {"unet": ["diffusers", "UNet2DConditionModel"], "scheduler": ["diffusers", "EulerDiscreteScheduler"]}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A whole model folder in the embedded model's layout."""
    root = tmp_path / "model"
    for name, tensors in WEIGHTS.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(tensors, path)
        (path.parent / "config.json").write_text("{}")
    control = {"controlnet": ["diffusers", "ControlNetModel"], "vae": [None, None]}
    for folder, index in (
        ("", {"_class_name": "X", **BODY, **SHARED, **control}),
        ("hands", {"_class_name": "Y", **BODY, **SHARED}),
    ):
        (root / folder / "scheduler").mkdir()
        (root / folder / "scheduler" / "scheduler_config.json").write_text("{}")
        (root / folder / "model_index.json").write_text(json.dumps(index))
    (root / "tokenizer").mkdir()
    (root / "tokenizer" / "tokenizer_config.json").write_text("{}")
    (root / "tokenizer" / "vocab.json").write_text("{}")
    (root / "tokenizer" / "merges.txt").write_text("#version: 0.2\n")
    return root


def test_a_whole_model_is_identified_by_the_bytes_of_its_weights(model: Path) -> None:
    identity = check_model(model)
    assert {file.path for file in identity.files} == set(WEIGHTS)
    assert identity.parameters == sum(a.size for tensors in WEIGHTS.values() for a in tensors.values())
    for file in identity.files:
        assert file.sha256 == hashlib.sha256((model / file.path).read_bytes()).hexdigest()
        assert identity.report()["sha256"][file.path] == file.sha256
    assert "hands/mask_head" in identity.parts and "hands/text_encoder" not in identity.parts


def test_an_embedded_model_that_is_there_is_whole() -> None:
    try:
        folder = find_model("")
    except ModelError:
        pytest.skip("no embedded model in this checkout")
    assert check_model(folder).name == "embedded"


FILES = [
    *WEIGHTS,
    "model_index.json",
    "unet/config.json",
    "scheduler/scheduler_config.json",
    "tokenizer/tokenizer_config.json",
    "tokenizer/vocab.json",
    "tokenizer/merges.txt",
    "hands/model_index.json",
    "hands/scheduler/scheduler_config.json",
    "hands/mask_head/config.json",
]


@pytest.mark.parametrize("name", FILES)
def test_each_missing_file_is_named(model: Path, name: str) -> None:
    (model / name).unlink()
    with pytest.raises(ModelError) as refusal:
        check_model(model)
    assert Path(name).name.split(".")[0] in str(refusal.value) and str(model) in str(refusal.value)


PARTS = ["unet", "scheduler", "text_encoder", "tokenizer", "controlnet", "patch_autoencoder", "hands/unet"]


@pytest.mark.parametrize("part", PARTS)
def test_each_missing_part_is_refused(model: Path, part: str) -> None:
    shutil.rmtree(model / part)
    with pytest.raises(ModelError):
        check_model(model)


def test_a_model_without_a_hand_generator_is_whole(model: Path) -> None:
    shutil.rmtree(model / "hands")
    assert not any(part.startswith("hands") for part in check_model(model).parts)


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3])


def _lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"xyz")


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _garbage(path: Path) -> None:
    path.write_bytes(b"\x00not a safetensors file\xff" * 40)


def _pointer(path: Path) -> None:
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 100\n")


def _pickle(path: Path) -> None:
    path.unlink()
    path.with_suffix(".bin").write_bytes(b"\x80\x04.")


def _link_out(path: Path) -> None:
    target = path.parents[2] / "elsewhere.safetensors"
    path.rename(target)
    path.symlink_to(target)


@pytest.mark.parametrize("damage", [_truncate, _lengthen, _empty, _garbage, _pointer, _pickle, _link_out])
def test_damaged_weights_are_named_with_a_remedy(model: Path, damage: Callable[[Path], None]) -> None:
    damage(model / "unet" / "diffusion_pytorch_model.safetensors")
    with pytest.raises(ModelError) as refusal:
        check_model(model)
    message = str(refusal.value)
    assert "diffusion_pytorch_model" in message and ":" in message and "\n" not in message


@pytest.mark.parametrize("text", ["", "{", "[]", "\x00", "[" * 100_000])
def test_a_damaged_configuration_is_named(model: Path, text: str) -> None:
    (model / "unet" / "config.json").write_text(text)
    with pytest.raises(ModelError, match=r"unet/config\.json is damaged"):
        check_model(model)


def test_a_missing_shard_is_named(model: Path) -> None:
    index = {"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}
    (model / "unet" / "diffusion_pytorch_model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelError, match=r"one\.safetensors"):
        check_model(model)


def test_a_shard_outside_of_its_part_is_refused(model: Path) -> None:
    """What is loaded from there would lack in the model's identity."""
    shutil.copy(model / "unet" / "diffusion_pytorch_model.safetensors", model.parent / "outside.safetensors")
    index = {"weight_map": {"a": "../../outside.safetensors"}}
    (model / "unet" / "diffusion_pytorch_model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelError, match="outside its folder"):
        check_model(model)


def test_the_links_of_a_download_cache_are_followed(model: Path, tmp_path: Path) -> None:
    snapshot = tmp_path / "models--x" / "snapshots" / "0123"
    blobs = tmp_path / "models--x" / "blobs"
    blobs.mkdir(parents=True)
    shutil.copytree(model, snapshot)
    weights = snapshot / "unet" / "diffusion_pytorch_model.safetensors"
    weights.rename(blobs / "abc")
    weights.symlink_to("../../../blobs/abc")
    assert check_model(snapshot).parameters == check_model(model).parameters


def test_names_that_are_no_model_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model folder"):
        find_model(str(tmp_path / "absent"))
    with pytest.raises(ModelError, match=r"no model_index\.json"):
        find_model(str(tmp_path))


DTYPES = [np.float16, np.float32, np.float64, np.int8, np.uint8, np.int64, np.bool_]
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=11)
TENSORS = st.dictionaries(
    NAMES,
    st.tuples(st.sampled_from(DTYPES), st.lists(st.integers(0, 4), max_size=4)),
    max_size=5,
)


@given(TENSORS)
def test_headers_of_the_format_s_own_writer_are_read(tmp_path_factory: pytest.TempPathFactory, tensors: dict) -> None:
    arrays = {name: np.zeros(shape, dtype) for name, (dtype, shape) in tensors.items()}
    path = tmp_path_factory.mktemp("header") / "x.safetensors"
    path.write_bytes(save(arrays, metadata={"format": "np"}))
    header = read_header(path)
    assert {name: info.shape for name, info in header.tensors.items()} == {n: a.shape for n, a in arrays.items()}
    assert header.parameters == sum(a.size for a in arrays.values())
    assert header.metadata == {"format": "np"}


WHOLE = save({"weight": np.arange(6, dtype=np.float32).reshape(2, 3), "bias": np.zeros(3, np.float16)})


@settings(max_examples=300)
@given(st.data())
def test_a_changed_file_is_refused_or_read(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Any cut, flipped byte or inserted rubbish ends in a ModelError or a header that fits the file."""
    raw = bytearray(WHOLE)
    match data.draw(st.sampled_from(["cut", "flip", "insert", "rubbish"])):
        case "cut":
            del raw[data.draw(st.integers(0, len(raw) - 1)) :]
        case "flip":
            raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
        case "insert":
            at = data.draw(st.integers(0, len(raw)))
            raw[at:at] = data.draw(st.binary(min_size=1, max_size=20))
        case "rubbish":
            raw = bytearray(data.draw(st.binary(max_size=200)))
    path = tmp_path_factory.mktemp("changed") / "x.safetensors"
    path.write_bytes(raw)
    try:
        header = read_header(path)
    except ModelError as error:
        assert str(path) in str(error) and "\n" not in str(error)
    else:
        assert header.parameters < 2**40


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["__metadata__", "dtype", "shape", "data_offsets", "w"]), inner, max_size=4
            )
        ),
    )
)
def test_any_json_as_header_is_refused_or_read(tmp_path_factory: pytest.TempPathFactory, header: object) -> None:
    raw = json.dumps(header).encode()
    path = tmp_path_factory.mktemp("json") / "x.safetensors"
    path.write_bytes(len(raw).to_bytes(8, "little") + raw)
    try:
        assert read_header(path).parameters == 0
    except ModelError as error:
        assert str(path) in str(error)


def test_a_folder_that_keeps_a_stock_refiner_is_not_our_own(tmp_path: Path) -> None:
    """SDXL's base and refiner lie side by side on many disks."""
    for part in ("refiner", "unet"):
        (tmp_path / part).mkdir()
    assert not is_own(str(tmp_path))
    (tmp_path / "colour_sketch").mkdir()
    assert is_own(str(tmp_path))
