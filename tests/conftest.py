# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures that several rooms' tests share."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]


# How long an example takes says nothing on a busy machine.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

_exit_status = 0


def pytest_sessionfinish(exitstatus: int) -> None:
    global _exit_status
    _exit_status = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave at once: Blender's module waits for ever at the interpreter's end where a test still refers to it."""
    if "bpy" in sys.modules:
        config.get_terminal_writer().flush()
        sys.stdout.flush()
        os._exit(_exit_status)


@pytest.fixture(scope="session")
def humans() -> Path:
    """Folder of the rigged people beside the checkout; the test skips where it is absent."""
    folder = ROOT.parent / "shared" / "humans"
    if not folder.is_dir():
        pytest.skip("the rigged people are not beside this checkout")
    return folder


@pytest.fixture
def empty_scene() -> Iterator[object]:
    """A fresh, empty Blender scene."""
    import bpy

    bpy.ops.wm.read_factory_settings(use_empty=True)
    yield bpy.context.scene


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees or changes what the user has: HandDiff's own folder and the Hugging Face cache are empty ones."""
    monkeypatch.setenv("HANDDIFF_HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path_factory.mktemp("hub")))


@pytest.fixture(scope="session")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of tiny stock models, built once: ``sd15``, ``sdxl``, ``sd15_inpaint`` as diffusers folders,
    ``sd15.safetensors``, ``sdxl.safetensors``, and ControlNets ``cn_sd15``, ``cn_sdxl``, ``union6``, ``union8``."""
    from tests import stock_models as tiny

    root = tmp_path_factory.mktemp("stock")
    for family in ("sd15", "sdxl"):
        tiny.build_folder(root / family, family)
        tiny.write_single(root / family, family, root / f"{family}.safetensors")
        tiny.build_controlnet(root / f"cn_{family}", family)
    tiny.build_folder(root / "sd15_inpaint", "sd15", in_channels=9)
    tiny.build_controlnet(root / "union6", "sdxl", types=6)
    tiny.build_controlnet(root / "union8", "sdxl", types=8)
    tiny.write_open_clip(root / "packages")
    return root


@pytest.fixture
def open_clip(stock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package with CLIP's vocabulary, as far as the tiny models know it."""
    monkeypatch.syspath_prepend(stock / "packages")
