# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture wall of an evaluation."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PIL import Image

from .contact_sheet import contact_sheet
from .draws import PICTURES, SINGLE_STAGE, TWO_STAGES
from .truth import read_picture

if TYPE_CHECKING:
    from .evaluate import Run

ENTRIES = 12


def picture_wall(run: Run, methods: Sequence[str]) -> bytes:
    """Entries spread over the list as a JPEG file: condition, what was painted, render; two entries a row.

    Args:
        run: with its pictures drawn.
        methods: that were drawn.
    """
    step = max(1, len(run.entries) // ENTRIES)
    painted = [name for name in (SINGLE_STAGE, TWO_STAGES, PICTURES) if name in methods]
    cells = []
    for entry in run.entries[::step][:ENTRIES]:
        folder = run.truth_folder(entry)
        files = {
            "condition": folder / "skeleton.png",
            **{name.replace("_", " "): run.picture(name, entry) for name in painted},
            "render": folder / "render.png",
        }
        cells += [(label, entry.id, Image.fromarray(read_picture(file))) for label, file in files.items()]
    buffer = io.BytesIO()
    contact_sheet(cells, columns=2 * (2 + len(painted)), cell=224).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()
