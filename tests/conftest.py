# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures that several rooms' tests share."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType

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


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees or changes what the user has: HandDiff's own folder and the Hugging Face cache are empty ones."""
    monkeypatch.setenv("HANDDIFF_HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path_factory.mktemp("hub")))


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    """Runs the command in this process: exit code, standard output, standard error."""
    from handdiff_addon import cli

    monkeypatch.delenv("HANDDIFF_DEBUG", raising=False)

    def run(*arguments: object) -> tuple[int, str, str]:
        capfd.readouterr()
        code = cli.main([str(argument) for argument in arguments])
        return code, *capfd.readouterr()

    return run


@pytest.fixture(scope="session")
def rigify(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Blender's metarig and the rig generated from it."""
    from tests.builders import write_rigify

    path = tmp_path_factory.mktemp("rigify") / "rigify.blend"
    write_rigify(path, generate=True)
    return path


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


@pytest.fixture
def empty_scene() -> Iterator[object]:
    """A fresh, empty Blender scene."""
    import bpy

    bpy.ops.wm.read_factory_settings(use_empty=True)
    yield bpy.context.scene


INSTALL = """
import bpy, json, sys
from pathlib import Path
warnings = []
bpy.ops.wm.read_factory_settings(use_empty=True)
bpy.ops.preferences.addon_enable(module="bl_pkg")
import addon_utils
bpy.ops.extensions.package_install_files(repo="user_default", filepath=sys.argv[-1], enable_on_install=True)
KEY = "bl_ext.user_default.handdiff"
assert KEY in bpy.context.preferences.addons, "not enabled"
assert hasattr(bpy.types.Scene, "handdiff")
import os
# inside Blender itself no engine is on the module path
bpy.context.preferences.addons[KEY].preferences.engine_folder = os.environ.get("HANDDIFF_BLENDER_ENGINE", "")
def report(**data):
    print("REPORT " + json.dumps(data))
def refusal(operator):
    try:
        operator()
    except RuntimeError as error:
        return str(error)
    return ""
def threads_of(module, name):
    # names of the threads that call a function, from now on
    import threading
    function, threads = getattr(module, name), []
    def work(*arguments, **more):
        threads.append(threading.current_thread().name)
        return function(*arguments, **more)
    setattr(module, name, work)
    return threads
def names(folder):
    return sorted(p.name for p in Path(folder).iterdir()) if Path(folder).is_dir() else []
def sample_scene():
    bpy.ops.handdiff.add_sample_human()
    camera = bpy.data.objects.new("Eye", bpy.data.cameras.new("Eye"))
    camera.location, camera.rotation_euler = (0, -3, 1.1), (1.5708, 0, 0)
    bpy.context.scene.collection.objects.link(camera)
    bpy.context.scene.camera = camera
    bpy.context.scene.render.resolution_x = bpy.context.scene.render.resolution_y = 128
    settings = bpy.context.scene.handdiff
    settings.steps = settings.hand_steps = 2
    bpy.ops.wm.save_as_mainfile(filepath=str(Path("scene.blend").absolute()))
    return settings
"""


@pytest.fixture(scope="session")
def builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_extension", ROOT / "tools" / "build_extension.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def package(builder: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip for this machine; building validates it with Blender's own validator."""
    platforms = {"linux": "linux-x64", "win32": "windows-x64", "darwin": "macos-arm64"}
    try:
        return builder.build([platforms[sys.platform]], tmp_path_factory.mktemp("dist"))[0]
    except builder.BuildError as error:
        if "cannot be fetched" in str(error):
            pytest.skip(str(error))
        raise


Run = Callable[..., tuple[dict, str]]
"""Runs code in a fresh Blender with the extension installed; gives its reports and its whole output."""


@pytest.fixture
def blender(package: Path, tmp_path: Path) -> Run:
    """Runs code in a profile of the test's own."""
    return _blender(package, tmp_path)


@pytest.fixture(scope="module")
def blender_once(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs code in a profile that a module's tests share, with user folders of its own."""
    folder = tmp_path_factory.mktemp("shared")
    return partial(_blender(package, folder), environment={"HANDDIFF_HOME": str(folder), "HF_HUB_CACHE": str(folder)})


def _blender(package: Path, tmp_path: Path) -> Run:
    def run(code: str, environment: dict[str, str] | None = None) -> tuple[dict, str]:
        env = {**os.environ, "BLENDER_USER_RESOURCES": str(tmp_path / "profile"), **(environment or {})}
        env.pop("PYTHONPATH", None)
        script = tmp_path / "script.py"
        script.write_text(INSTALL + code, encoding="utf-8")
        python = [sys.executable, str(script)]
        if "bpy" in sys.modules and (binary := sys.modules["bpy"].app.binary_path):  # the tests run in Blender itself
            python = [binary, "-b", "--factory-startup", "--python-exit-code", "1", "--python", str(script), "--"]
        (tmp_path / "work").mkdir(exist_ok=True)
        done = subprocess.run(
            [*python, str(package)],
            cwd=tmp_path / "work", env=env, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        output = done.stdout + done.stderr
        assert done.returncode == 0, output
        reports: dict = {}
        for line in done.stdout.splitlines():
            if line.startswith("REPORT "):
                reports.update(json.loads(line.removeprefix("REPORT ")))
        return reports, output

    return run
