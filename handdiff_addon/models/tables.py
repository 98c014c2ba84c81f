# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON files of model folders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..errors import ModelError


def read_table(path: Path) -> dict[str, Any]:
    """A JSON file of a model folder.

    Raises:
        ModelError: where it is missing, damaged or no table.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))  # editors on Windows mark the encoding
    except FileNotFoundError as error:
        raise ModelError(f"{path} is missing: copy or download this file.") from error
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path} is damaged ({error}): copy or download this file again.") from error
    if not isinstance(data, dict):
        raise ModelError(f"{path} is damaged (it is no table): copy or download this file again.")
    return data
