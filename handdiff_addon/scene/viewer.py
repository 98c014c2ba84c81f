# SPDX-License-Identifier: GPL-3.0-or-later
"""A GLB file as one HTML page that shows it offline, in any browser with WebGL 2."""

from __future__ import annotations

import base64
import html
from pathlib import Path

from ..files import write_bytes

_PAGE = Path(__file__).with_name("viewer.html")


def write_viewer(path: Path, glb: bytes, title: str) -> None:
    """Write the page, with the model inside it; nothing is fetched when it opens.

    It shows still meshes with one picture or colour each, as ``export_glb`` writes them; of a rigged file, the rest
    pose.

    Raises:
        OutputError: where the file cannot be written.
    """
    page = _PAGE.read_text(encoding="utf-8")
    filled = page.replace("$TITLE", html.escape(title)).replace("$MODEL", base64.b64encode(glb).decode("ascii"))
    write_bytes(Path(path), filled.encode("utf-8"))
