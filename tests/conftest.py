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
