# SPDX-License-Identifier: GPL-3.0-or-later
"""The first minutes with the extension: enabling, the engine's set-up, what it recognises, diagnostics, leaving."""

from __future__ import annotations

import venv
from pathlib import Path

import pytest

from .test_models_installer import index


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return index(tmp_path_factory.mktemp("index"))
