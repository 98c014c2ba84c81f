# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders of other programs are pointed at, remembered and listed; nothing is copied, nothing outside is touched."""

from __future__ import annotations

import codecs
import shutil
from pathlib import Path

import pytest

from handdiff_addon import cli
from handdiff_addon.models.discovery import human_size, models_in, models_in_cache
from handdiff_addon.models.folders import forget, remember, remembered
from handdiff_addon.models.known import KNOWN, UNION_MODES
from handdiff_addon.models.sources import locate, source_name
from handdiff_addon.places import user_folder
from tests import stock_models as tiny


def place(stock: Path, root: Path, **files: str) -> Path:
    """A program's folder with files of the tiny models: path in it, to name in ``stock``; ``__`` stands for a slash."""
    for target, source in files.items():
        path = root / target.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        if (stock / source).is_dir():
            shutil.copytree(stock / source, path)
        else:
            shutil.copy(stock / source, path.with_suffix(".safetensors"))
    return root


BASE, CN = "sd15.safetensors", f"cn_sd15/{tiny.WEIGHTS}"


@pytest.mark.parametrize(
    ("program", "files"),
    [
        ("ComfyUI", {"models__checkpoints__a": BASE, "models__controlnet__b": CN}),
        ("A1111", {"models__Stable-diffusion__a": BASE, "extensions__sd-webui-controlnet__models__b": CN}),
        ("Forge", {"models__Stable-diffusion__a": BASE, "models__ControlNet__b": CN}),
        ("portable Forge", {"webui__models__Stable-diffusion__a": BASE, "webui__models__ControlNet__b": CN}),
        ("Krita AI Diffusion", {"server__ComfyUI__models__checkpoints__a": BASE,
                                "server__ComfyUI__models__controlnet__b": CN}),
        ("a folder of files", {"a": BASE, "deep__down__b": CN}),
    ],
)  # fmt: skip
def test_the_usual_places(stock: Path, tmp_path: Path, program: str, files: dict[str, str]) -> None:
    root = place(stock, tmp_path, **files)
    (root / "venv" / "lib").mkdir(parents=True)
    shutil.copy(stock / "sd15.safetensors", root / "venv" / "lib" / "not_a_model_of_mine.safetensors")
    found = {model.name: model.architecture for model in models_in(root)}
    assert {name: (a.kind, a.family) for name, a in found.items()} == {
        "a.safetensors": ("checkpoint", "sd15"),
        "b.safetensors": ("controlnet", "sd15"),
    }


def test_what_is_downloaded_into_a_program_s_folder_is_seen(stock: Path, tmp_path: Path) -> None:
    root = place(stock, tmp_path, models__checkpoints__a=BASE, b=CN)
    (root / "output").mkdir()
    shutil.copy(stock / BASE, root / "output" / "c.safetensors")
    assert {model.name for model in models_in(root)} == {"a.safetensors", "b.safetensors"}


def test_endings_in_capitals_and_marked_files_of_windows_are_read(stock: Path, tmp_path: Path) -> None:
    shutil.copy(stock / BASE, tmp_path / "UPPER.SAFETENSORS")
    folder = Path(shutil.copytree(stock / "sd15", tmp_path / "marked"))
    index = folder / "model_index.json"
    index.write_bytes(codecs.BOM_UTF8 + index.read_bytes())
    assert {model.name: model.usable for model in models_in(tmp_path)} == {"UPPER.SAFETENSORS": True, "marked": True}
    assert locate("UPPER", [tmp_path]) == locate("UPPER.SAFETENSORS", [tmp_path]) == tmp_path / "UPPER.SAFETENSORS"
    assert source_name(tmp_path / "UPPER.SAFETENSORS") == "UPPER"


def test_what_lies_around_is_told_apart(stock: Path, tmp_path: Path) -> None:
    root = place(stock, tmp_path / "models", folder="sdxl", union="union8")
    (root / "broken.safetensors").write_bytes(b"\x07" * 99)
    (root / "old.ckpt").write_bytes(b"\x80" * 100_000)
    (root / "tiny.pt").write_bytes(b"\x80")
    (root / "notes.txt").write_text("mine")
    assert str(root) not in next(model.problem for model in models_in(root) if model.name == "broken.safetensors")
    (root / "out.safetensors").symlink_to(stock / "sd15.safetensors")
    found = {model.name: model for model in models_in(root)}
    assert set(found) == {"folder", "union", "broken.safetensors", "old.ckpt"}
    assert found["folder"].usable and found["folder"].architecture.title == "SDXL checkpoint, fp32"
    assert found["union"].architecture.control_types == 8
    assert "damaged" in found["broken.safetensors"].problem and "pickle" in found["old.ckpt"].problem
    assert not found["old.ckpt"].usable
    assert found["folder"].bytes == sum(file.stat().st_size for file in (root / "folder").rglob("*.safetensors"))


def test_the_hugging_face_cache(stock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    snapshots = {
        "models--someone--tiny/snapshots/1": "sd15",
        "models--someone--pose/snapshots/2": "cn_sd15",
        "datasets--someone--data/snapshots/3": "cn_sd15",
    }
    for entry, source in snapshots.items():
        shutil.copytree(stock / source, tmp_path / entry)
    (tmp_path / "models--someone--file" / "snapshots" / "4").mkdir(parents=True)
    shutil.copy(stock / "sdxl.safetensors", tmp_path / "models--someone--file" / "snapshots" / "4" / "x.safetensors")
    (tmp_path / "models--someone--text" / "snapshots" / "5").mkdir(parents=True)
    assert {(model.name, model.architecture.kind) for model in models_in_cache()} == {
        ("someone/tiny", "checkpoint"),
        ("someone/pose", "controlnet"),
        ("someone/file/x.safetensors", "checkpoint"),
    }


def test_folders_are_remembered_once_and_forgotten(tmp_path: Path) -> None:
    assert remembered() == []
    for name in ("a", "b", "a"):
        remember(tmp_path / name)
    assert remembered() == [tmp_path / "a", tmp_path / "b"]
    forget(tmp_path / "a")
    assert remembered() == [tmp_path / "b"]
    (user_folder() / "model_folders.json").write_text("{")
    assert remembered() == []
    remember(tmp_path / "c")
    assert remembered() == [tmp_path / "c"]


def said(capfd: pytest.CaptureFixture, *arguments: str) -> tuple[int, str]:
    code = cli.main(["models", *arguments])
    captured = capfd.readouterr()
    return code, captured.out + captured.err


def test_import_remembers_and_list_shows(stock: Path, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    root = place(stock, tmp_path / "comfy", models__checkpoints__a="sd15.safetensors")
    assert said(capfd, "list")[0] == 0 and "a.safetensors" not in said(capfd, "list")[1]
    code, text = said(capfd, "import", str(root))
    assert code == 0 and "a.safetensors" in text and "Stable Diffusion 1.5 checkpoint" in text
    assert not any(user_folder().rglob("*.safetensors"))
    code, text = said(capfd, "list")
    assert code == 0 and str(root) in text and "a.safetensors" in text
    for bad in (tmp_path / "absent", stock / "packages"):
        code, text = said(capfd, "import", str(bad))
        assert code == 4 and "folder" in text.splitlines()[-1]


def test_check_says_what_a_model_is_and_whether_it_loads(
    stock: Path, open_clip: None, capfd: pytest.CaptureFixture
) -> None:
    for name, words in (
        ("sd15.safetensors", ["Stable Diffusion 1.5 checkpoint", "sha256", "loads"]),
        ("sdxl", ["SDXL checkpoint", "unet/diffusion_pytorch_model.safetensors", "loads"]),
        ("union6", ["SDXL union ControlNet, 6 types"]),
    ):
        code, text = said(capfd, "check", str(stock / name))
        assert code == 0 and all(word in text for word in words), text
    remember(stock)
    assert said(capfd, "check", "cn_sdxl")[0] == 0
    code, text = said(capfd, "check", str(stock / "nothing.safetensors"))
    assert code == 4 and len(text.strip().splitlines()) == 1


def test_check_refuses_what_does_not_load(stock: Path, open_clip: None, tmp_path: Path, capfd) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(stock / "sd15.safetensors")
    del tensors["first_stage_model.decoder.conv_out.bias"]
    save_file(tensors, tmp_path / "x.safetensors")
    code, text = said(capfd, "check", str(tmp_path / "x.safetensors"))
    assert code == 4 and "decoder.conv_out.bias" in text.splitlines()[-1]


def test_sizes_for_people() -> None:
    sizes = [0, 999, 1500, 134_621_556, 999_600_000, 4_265_146_304, 69_000_000_000]
    assert [human_size(size) for size in sizes] == ["0 B", "999 B", "2 kB", "135 MB", "1.0 GB", "4.3 GB", "69 GB"]


def test_the_catalogue_is_sound() -> None:
    names = [model.name for model in KNOWN]
    assert len(set(names)) == len(names)
    for model in KNOWN:
        assert model.licence and model.family in ("sd15", "sdxl") and model.bytes > 10_000_000
        assert len(model.files) == 1 and model.files[0].path.endswith(".safetensors")
        assert all(len(f.sha256) in (0, 64) and set(f.sha256) <= set("0123456789abcdef") for f in model.files)
        assert set(model.roles) <= set(UNION_MODES) | {"hand_depth"}
    digests = [file.sha256 for model in KNOWN for file in model.files if file.sha256]
    assert len(set(digests)) == len(digests)
