# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders, and whole files only: written beside, then renamed, so that a reader never meets half a file."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import OutputError

if TYPE_CHECKING:
    from PIL.Image import Image


def there(name: str | Path) -> Path | None:
    """The file or folder that a user's path (with ``~`` for the home folder) names; None where it can name none."""
    try:
        path = Path(name).expanduser()
        return path if path.exists() else None
    except (OSError, RuntimeError):  # too long for a name; the home of nobody
        return None


def write_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` as a whole, replacing what stood there.

    Raises:
        OutputError: where the folder, the rights or the disk do not allow it; ``path`` is then as it was.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        beside.write_bytes(data)
        os.replace(beside, path)
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written ({error.strerror}): choose a folder that you may write to, with space left."
        ) from error
    finally:  # neither an error nor an interrupt leaves half a file
        with contextlib.suppress(OSError):
            beside.unlink()


def file_sha256(path: Path) -> str:
    """A file's sha256 in hexadecimal digits; reads it once, about 1 GB a second."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def open_picture(path: Path) -> Image:
    """Open a picture file that somebody else may have made.

    Raises:
        OSError: where it is none, or so large that Pillow takes it for an attack.
    """
    from PIL import Image as Images

    try:
        return Images.open(path)
    except Images.DecompressionBombError as error:
        raise OSError(str(error)) from error


def make_folder(path: Path) -> Path:
    """Make a folder, and those above it, where it is not there yet; and give it.

    Raises:
        OutputError: where it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"The folder {path} cannot be made ({error.strerror}): choose a folder that you may write to."
        ) from error
    return path


def png(image: Image, info: Any = None) -> bytes:
    """A Pillow image as PNG; ``info`` is a ``PIL.PngImagePlugin.PngInfo`` with text chunks."""
    buffer = io.BytesIO()
    # Rows that PNG has filtered hardly repeat: looking for runs alone takes a quarter of the time, and few more bytes.
    image.save(buffer, "PNG", pnginfo=info, compress_type=zlib.Z_RLE)
    return buffer.getvalue()


def save_image(image: Image, path: Path, info: Any = None) -> None:
    """Save a Pillow image as PNG; ``info`` as :func:`png` takes it."""
    write_bytes(path, png(image, info))


def write_json(path: Path, data: Any) -> None:
    """Write JSON-ready data, indented."""
    write_bytes(path, (json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode("utf-8"))
