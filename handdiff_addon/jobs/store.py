# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder that a run writes into: whole files only, and an earlier run is put aside, never mixed or lost."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import OutputError, first_line
from ..files import make_folder, save_image, write_json
from ..request import PASSES
from .lock import locked, not_locked

if TYPE_CHECKING:
    from ..request import GenerationRequest, GenerationResult

RUN_FILES = (
    *(f"{name}{suffix}" for name in PASSES for suffix in (".png", ".json", "")),
    "hands.png", "hand_[0-9]*.png", "hands_predicted_mask.png", "image.png", "report.json", "contact_sheet.png",
    "textured.blend", "layered.blend", "preview.glb", "preview.html", "turntable.gif",
    "view_*.png", "texture*.png", "textures",
    "batch.json", "manifest.jsonl", "frames", "image", "animation.mp4", "strip.blend",
)  # fmt: skip
"""Names (and patterns) of what runs write at the top of their folder; anything else there is the user's and stays.

A pass is a file, or where a range of frames was rendered, a folder with one file per frame."""


class RunFolder:
    """The output folder of one run; a context manager, inside of which no other run may write there from the first
    write on.

    Making one only checks that the folder can be written, so a run that is refused or cancelled before it has anything
    to write leaves earlier results as they were, and no folder where there was none.  The first write (or
    :meth:`start`) makes the folder, and moves an earlier run's files to ``previous/N/``.
    """

    def __init__(self, path: Path | str):
        """
        Raises:
            OutputError: where the folder cannot be made or written, or another run is writing into it.
        """
        self._started = False
        self._inside = False
        self._resources = contextlib.ExitStack()
        try:
            self.folder = Path(path).expanduser()
            there = next((place for place in (self.folder, *self.folder.parents) if place.exists()), self.folder)
            with not_locked(there), tempfile.TemporaryFile(dir=there):
                pass
        except (OSError, RuntimeError) as error:  # the latter: "~" of nobody
            raise OutputError(
                f"The folder {path} cannot be written ({getattr(error, 'strerror', None) or first_line(error)}): "
                "choose a folder that you may write to, with space left."
            ) from error

    def __enter__(self) -> RunFolder:
        self._inside = True
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._resources.close()

    def earlier(self) -> list[Path]:
        """Files and folders of an earlier run that lie here."""
        return sorted(p for p in self.folder.iterdir() if any(fnmatch(p.name, pattern) for pattern in RUN_FILES))

    def start(self, *, alone: bool = False) -> Path:
        """Put an earlier run aside (once), and give the folder to write into.

        Args:
            alone: whoever calls holds the folder's lock.

        Raises:
            OutputError: where the earlier run cannot be moved; it is then whole, in one of the two places.  Or where
                another run is writing into the folder.
        """
        if self._started:
            return self.folder
        make_folder(self.folder)
        with contextlib.ExitStack() as until_moved:
            if self._inside:
                self._resources.enter_context(locked(self.folder))
            elif not alone:
                until_moved.enter_context(not_locked(self.folder))
            try:
                if earlier := self.earlier():
                    self._set_aside(earlier)
            except OSError as error:
                raise OutputError(
                    f"The earlier results in {self.folder} cannot be moved aside ({error.strerror}): "
                    "close them or choose another folder."
                ) from error
        self._started = True
        return self.folder

    def _set_aside(self, earlier: list[Path]) -> None:
        previous = self.folder / "previous"
        previous.mkdir(exist_ok=True)
        numbers = [int(p.name) for p in previous.iterdir() if p.name.isdigit()]
        target = previous / str(max(numbers, default=0) + 1)
        beside = Path(tempfile.mkdtemp(prefix=".moving-", dir=previous))
        moved: list[str] = []
        try:
            for path in earlier:
                os.replace(path, beside / path.name)
                moved.append(path.name)
            beside.chmod(0o755)
            os.replace(beside, target)
        except OSError:
            for name in moved:
                os.replace(beside / name, self.folder / name)
            shutil.rmtree(beside, ignore_errors=True)
            raise

    def path(self, name: str) -> Path:
        """Where a file of this run lies; for writers of their own, such as Blender's."""
        return self.start() / name

    def save_image(self, name: str, image: Any, info: Any = None) -> None:
        """Save a ``PIL.Image`` as PNG, ``info`` its text chunks."""
        save_image(image, self.path(name), info)

    def save_json(self, name: str, data: Any) -> None:
        """Save JSON-ready data."""
        write_json(self.path(name), data)

    def save_result(self, request: GenerationRequest, result: GenerationResult, **extra: Any) -> None:
        """Save a generation: ``image.png`` first, so that a disk that fills up costs the least; ``hands.png``, its mask
        and each crop where there are hands; and ``report.json`` last.

        ``extra`` is JSON-ready data that joins the report.  Generated pictures carry their request and origin as PNG
        text; the finished one is marked visibly where the request says so.
        """
        from .metadata import marked, png_info

        info = png_info(request, result)
        self.save_image("image.png", marked(result.image) if request.mark else result.image, info)
        if result.hands is not None:
            self.save_image("hands.png", result.hands, info)
        for number, crop in enumerate(result.crops, 1):
            self.save_image(f"hand_{number}.png", crop.image, info)
        if result.hands_predicted_mask is not None:
            self.save_image("hands_predicted_mask.png", result.hands_predicted_mask)
        self.save_json("report.json", {**result.report(request), **extra})
