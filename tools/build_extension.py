# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the extension's zips, one for each platform, with Blender's own extension builder.

    python tools/build_extension.py [--platform linux-x64 ...] [--output dist] [--without-setup]

Fetches the wheels of what Blender lacks (Pillow, trimesh) for every Python that a supported Blender runs, stages the
extension in ``build/extension/`` with a manifest that lists them, builds, and validates each zip.

``--without-setup`` makes the edition that extensions.blender.org would take: passes and composites, and generating with
an engine that is there already; it installs nothing and asks for no network.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("__init__.py", "LICENSE", "handdiff_addon", "operators", "panels")
PYTHONS = ("3.11", "3.13", "3.14")
"""Blender 4.5 and 5.0 run 3.11, 5.1 and later 3.13; Linux distributions build with their own, 3.14 at present."""
PLATFORMS = {
    "windows-x64": ("win_amd64",),
    "macos-arm64": ("macosx_11_0_arm64",),
    "macos-x64": ("macosx_10_10_x86_64", "macosx_10_13_x86_64", "macosx_10_15_x86_64"),
    "linux-x64": ("manylinux_2_28_x86_64",),
}
SETUP = (
    "handdiff_addon/models/installer.py",
    "handdiff_addon/models/pip_process.py",
    "handdiff_addon/models/engine_state.py",
    "operators/engine.py",
)
"""What installs the engine."""
COMPILED = ("pillow==13.0.0",)
PURE = ("trimesh==5.2.0",)


class BuildError(Exception):
    """One sentence with the remedy."""


def fetch_wheels(platforms: list[str], folder: Path = ROOT / "wheels") -> list[Path]:
    """Fetch what is missing of the wheels for these platforms, and give all of them.

    Raises:
        BuildError: where the package index cannot be reached or has no such wheel.
    """
    folder.mkdir(exist_ok=True)
    wheels = {_fetch(requirement, folder, "py3-none", ("any",), []) for requirement in PURE}
    for platform in platforms:
        for python in PYTHONS:
            tag = "cp" + python.replace(".", "")
            options = ["--implementation", "cp", "--python-version", python]
            for name in PLATFORMS[platform]:
                options += ["--platform", name]
            wheels |= {_fetch(r, folder, f"{tag}-{tag}", PLATFORMS[platform], options) for r in COMPILED}
    return sorted(wheels)


def _fetch(requirement: str, folder: Path, python_tag: str, names: tuple[str, ...], options: list[str]) -> Path:
    name, version = requirement.split("==")

    def present() -> list[Path]:
        return [p for p in folder.glob(f"{name}-{version}-{python_tag}-*.whl") if any(n in p.name for n in names)]

    if not present():
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", *options]
        done = subprocess.run([*command, "-d", str(folder), requirement], capture_output=True, text=True)
        if done.returncode or not present():
            errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
            reason = errors[-1] if errors else "no such file"
            raise BuildError(
                f"The wheel of {requirement} for {python_tag} {names[0]} cannot be fetched ({reason}): "
                "check that pip reaches a package index, then build again."
            )
    return present()[0]


def stage(
    wheels: list[Path], platforms: list[str], folder: Path = ROOT / "build" / "extension", *, setup: bool = True
) -> Path:
    """Copy the extension to ``folder``, with the wheels beside it and in its manifest, with the set-up or without."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        elif source.exists():
            shutil.copy2(source, folder / part)
    for name in () if setup else SETUP:
        (folder / name).unlink()
    (folder / "wheels").mkdir()
    for wheel in wheels:
        _link_or_copy(wheel, folder / "wheels" / wheel.name)
    lines = (ROOT / "blender_manifest.toml").read_text(encoding="utf-8").splitlines()
    if not setup:
        lines = [line for line in lines if not line.startswith("network =")]
    first_table = next(i for i, line in enumerate(lines) if line.startswith("["))
    lists = ["platforms = [" + ", ".join(f'"{p}"' for p in platforms) + "]", "wheels = ["]
    lists += [f'  "./wheels/{wheel.name}",' for wheel in wheels] + ["]", ""]
    text = "\n".join(lines[:first_table] + lists + lines[first_table:]) + "\n"
    (folder / "blender_manifest.toml").write_text(text, encoding="utf-8")
    return folder


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def builder() -> list[str]:
    """The command that runs Blender's extension builder: a Blender's, else the stand-alone one of the ``bpy`` wheel.

    Raises:
        BuildError: where there is neither.
    """
    if blender := shutil.which("blender"):
        return [blender, "--command", "extension"]
    spec = importlib.util.find_spec("bpy")
    if spec is not None and spec.origin:
        for script in sorted(Path(spec.origin).parent.glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py")):
            return [sys.executable, str(script)]
    raise BuildError("There is no Blender to build with: put blender on the path, or install the bpy package.")


def build(platforms: list[str], output: Path, *, setup: bool = True) -> list[Path]:
    """Build and validate one zip per platform in ``output``, with the engine's set-up or without.

    Raises:
        BuildError: where a wheel cannot be fetched, there is no Blender, or the build or the validation fails.
    """
    source = stage(fetch_wheels(platforms), platforms, setup=setup)
    output.mkdir(parents=True, exist_ok=True)
    _run([*builder(), "build", "--split-platforms", "--source-dir", str(source), "--output-dir", str(output)])
    version = tomllib.loads((source / "blender_manifest.toml").read_text(encoding="utf-8"))["version"]
    zips = [output / f"handdiff-{version}-{platform.replace('-', '_')}.zip" for platform in platforms]
    for path in zips:
        _run([*builder(), "validate", str(path)])
    return zips


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise BuildError(f"Blender's extension builder refuses: {(done.stdout + done.stderr).strip()}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--platform", action="append", choices=list(PLATFORMS), help="default: all")
    parser.add_argument("--output", type=Path, default=ROOT / "dist", help="folder of the zips (default: dist)")
    parser.add_argument("--without-setup", action="store_true", help="leave out what installs the engine")
    args = parser.parse_args()
    try:
        zips = build(args.platform or list(PLATFORMS), args.output, setup=not args.without_setup)
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    for path in zips:
        print(f"{path}  {path.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
