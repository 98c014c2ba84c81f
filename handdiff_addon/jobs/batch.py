# SPDX-License-Identifier: GPL-3.0-or-later
"""A batch: many frames painted into one folder, by one or more workers, which goes on where it stopped.

::

    batch.json       what the pictures depend on; other settings are refused, never mixed
    manifest.jsonl   one line per finished frame, written once its files are whole
    frames/0001/     what ``handdiff generate`` writes of a frame
    image/0001.png   the pictures once more, as an image sequence; black where a frame shows nobody
    person_mask/0001.png

Neither Blender nor torch is known here: frames come from an iterator, and a callable paints.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from ..conditioning.flow import Flow, carry
from ..conditioning.frame import Held
from ..conditioning.pass_files import frame_number, spans, write_passes
from ..errors import HandDiffError, OutputError, SceneError, UsageError
from ..files import make_folder, save_image, write_bytes, write_json
from .lock import LOCK_FILE, locked
from .manifest import Entry, Status, append, read_manifest
from .metadata import mark_box
from .store import RunFolder

if TYPE_CHECKING:
    from ..conditioning.frame import Conditioning
    from ..request import GenerationRequest, GenerationResult

SCHEMA_VERSION = 1
SEQUENCES = ("image", "person_mask")
"""Folders that hold one picture per frame."""

WORDS = ("prompt", "negative_prompt", "person_prompts")
"""Of a request: frames painted to other words begin anew"""

Waiting = set[Future]
"""What is being done elsewhere: nothing is to be done here until one of them is."""
Frame = tuple["GenerationRequest", "Conditioning"]
"""A frame's settings, and what the models see of it"""
Paint = Callable[["GenerationRequest", "Conditioning"], "GenerationResult"]


class BatchFolder:
    """The folder of a batch; a context manager, inside of which no other run may write there.

    A run that saves no frame leaves neither a lock nor a folder that was not there before.
    """

    def __init__(self, path: Path | str):
        """
        Raises:
            OutputError: where the folder cannot be made or written.
        """
        self._run = RunFolder(path)
        self.folder = self._run.folder
        self.saved = 0
        """Frames written by this run"""
        self._settings: dict[str, Any] = {}
        self._goes_on = False
        self._resources = contextlib.ExitStack()

    def __enter__(self) -> BatchFolder:
        places = (self.folder / LOCK_FILE, self.folder, *self.folder.parents)
        self._resources.callback(self._tidy, [place for place in places if not place.exists()])
        self._resources.enter_context(locked(make_folder(self.folder)))
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._resources.close()

    @property
    def manifest(self) -> Path:
        return self.folder / "manifest.jsonl"

    def begin(self, settings: dict[str, Any], *, restart: bool = False) -> None:
        """Say what the pictures depend on; the batch that lies here goes on where it was made with the same.

        Nothing is written yet: the first frame moves what else lies here to ``previous/N/``.

        Args:
            settings: JSON-ready data.
            restart: begin anew, whatever lies here.

        Raises:
            UsageError: where the batch that lies here has other settings.
            OutputError: where its settings cannot be read.
        """
        self._settings = {"schema_version": SCHEMA_VERSION, **json.loads(json.dumps(settings))}
        self._goes_on = False
        path = self.folder / "batch.json"
        if restart or not path.is_file():
            return
        try:
            earlier = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise OutputError(
                f"{path} cannot be read ({error}): choose another folder, or start over (--restart)."
            ) from error
        if changed := changed_settings(earlier, self._settings):
            raise UsageError(
                f"The batch in {self.folder} was made with another {', '.join(changed)}: take the same again, "
                "choose another folder, or start over (--restart)."
            )
        self._goes_on = True

    def finished(self) -> dict[int, Entry]:
        """Frames that need no painting any more: they are in the manifest, and their files are still there."""
        if not self._goes_on:
            return {}
        return {frame: entry for frame, entry in read_manifest(self.manifest).items() if self._is_whole(entry)}

    def save(self, request: GenerationRequest, conditioning: Conditioning, result: GenerationResult) -> None:
        """Write a painted frame, its files first.

        Raises:
            OutputError: where they cannot be written; finished frames are as they were.
        """
        frames, number = self._started() / "frames", frame_number(conditioning.frame)
        beside = frames / f".{number}.part"
        try:
            shutil.rmtree(beside, ignore_errors=True)
            beside.mkdir()
            part = RunFolder(beside)
            write_passes(conditioning, part.start(), skeleton=request.skeleton)
            part.save_result(request, result, scene=_scene_of(conditioning))
            shutil.rmtree(frames / number, ignore_errors=True)
            os.replace(beside, frames / number)
        except OSError as error:
            raise OutputError(
                f"{frames / number} cannot be written ({error.strerror}): choose a folder that you may write to, "
                "with space left."
            ) from error
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        for name in SEQUENCES:
            data = (frames / number / f"{name}.png").read_bytes()
            write_bytes(self.folder / name / f"{number}.png", data)
        seconds = round(sum(result.seconds.values()), 3)
        digest = hashlib.sha256((frames / number / "image.png").read_bytes()).hexdigest()
        self._note(conditioning, "painted", result.warnings, seconds, digest)

    def held(self, request: GenerationRequest, conditioning: Conditioning) -> Held | None:
        """What earlier pictures show of a frame: those of the frames that it names, where they were painted to the same
        words, as they lie in the folder.

        Raises:
            OutputError: where one cannot be read.
        """
        earlier = []
        for frame, flow in conditioning.earlier.items():
            folder = self.folder / "frames" / frame_number(frame)
            if not (folder / "report.json").is_file():
                continue
            try:
                then = json.loads((folder / "report.json").read_text(encoding="utf-8"))["request"]
                picture = np.asarray(Image.open(folder / "image.png").convert("RGB"))
            except (OSError, ValueError, KeyError) as error:
                raise OutputError(
                    f"The frame in {folder}, from which others are painted, cannot be read ({error}): delete it, and"
                    " run the same command again."
                ) from error
            if picture.shape[:2] == flow.seen.shape and all(then.get(name) == getattr(request, name) for name in WORDS):
                earlier.append((picture, _unmarked(flow) if then["mark"] else flow))
        if not earlier:
            return None
        picture, known = carry(earlier)
        return Held(picture, known, earlier[0][1])

    def save_empty(self, conditioning: Conditioning) -> None:
        """Write a frame that shows nobody: black pictures, and a line that says why.

        Raises:
            OutputError: where they cannot be written; finished frames are as they were.
        """
        folder, number = self._started(), frame_number(conditioning.frame)
        for name, picture in zip(SEQUENCES, (conditioning.skeleton, conditioning.person_mask)):
            save_image(Image.fromarray(picture), folder / name / f"{number}.png")
        self._note(conditioning, "empty", conditioning.warnings)

    def warnings(self, frames: Sequence[int]) -> list[str]:
        """What finished frames lack, each sentence once with its frames.

        Raises:
            SceneError: where all of these frames are finished and none shows anybody.
        """
        entries = self.finished()
        found: dict[tuple[str, str], list[int]] = {}
        for place, frame in enumerate(frames):
            for warning in entries[frame].warnings if frame in entries else ():
                found.setdefault((entries[frame].status, warning), []).append(place)
        states = {entries[frame].status if frame in entries else "" for frame in frames}
        if states == {"empty"}:
            raise SceneError(f"None of the {len(frames)} frames shows anybody: {next(iter(found))[1]}")
        return [
            f"In {spans(places, frames)} nobody is painted: {warning}"
            if status == "empty"
            else f"In {spans(places, frames)}: {warning}"
            for (status, warning), places in found.items()
        ]

    def _tidy(self, made: Sequence[Path]) -> None:
        """Take back the lock and the folders, the innermost first, that were made for a run that saved nothing."""
        if self.saved:
            return
        with contextlib.suppress(OSError):  # up to the first that holds something
            for place in made:
                place.rmdir() if place.is_dir() else place.unlink()

    def _started(self) -> Path:
        """The folder, with its settings in it, and with an earlier run put aside where this batch is a new one."""
        if self._goes_on and not (self.folder / "batch.json").is_file():
            raise OutputError(
                f"The folder {self.folder} was moved or deleted while its frames were painted: the frames in it are"
                " whole, so run the same command again with its new place."
            )
        try:
            folder = self.folder if self._goes_on else self._run.start(alone=True)
            for name in ("frames", *SEQUENCES):
                (folder / name).mkdir(exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"The folder {self.folder} cannot be written ({error.strerror}): choose a folder that you may write to."
            ) from error
        if not self._goes_on:
            write_json(folder / "batch.json", self._settings)
            self._goes_on = True
        return folder

    def _note(self, conditioning: Conditioning, status: Status, warnings: Sequence[str], *painted: Any) -> None:
        append(self.manifest, Entry(conditioning.frame, status, conditioning.camera.name, tuple(warnings), *painted))
        self.saved += 1

    def _is_whole(self, entry: Entry) -> bool:
        number = frame_number(entry.frame)
        needed = [f"{name}/{number}.png" for name in SEQUENCES]
        if entry.status == "painted":
            needed.append(f"frames/{number}/report.json")
        return all((self.folder / name).is_file() for name in needed)


def until(future: Future) -> Generator[Waiting, None, Any]:
    """Wait for a future and give its result."""
    while not future.done():
        yield {future}
    return future.result()


def paint_frames(
    batch: BatchFolder,
    frames: Iterable[Frame | Waiting],
    paint: Paint,
    *,
    workers: int = 1,
    stop: threading.Event | None = None,
) -> Generator[Waiting, None, None]:
    """Paint frames and save each as soon as it is done.

    A frame is asked for while the one before it is being painted, and no sooner, so at most ``workers + 2`` are in
    memory: those, one that is ready and one that is being saved.  Where a frame or its painting fails, those that are
    being painted are finished and saved before the error goes on.  A frame that names earlier ones is painted once
    those are saved, from their pictures.

    Args:
        batch: where to; it has begun.  A thread of its own saves there.
        frames: asked for in the thread that drives this generator; may also give what the next frame waits for.
        paint: paints a frame; called in threads of its own.
        workers: how many frames are painted at once.
        stop: set when the generator is closed before its end; ``paint`` should then raise soon.

    Yields:
        what must be waited for, empty where there is more to do at once.

    Raises:
        HandDiffError: what ``frames`` and ``paint`` raise, and where a frame cannot be saved.
    """
    flying: dict[Future, Frame] = {}

    def land(limit: int) -> Generator[Waiting, None, dict[Future, Frame]]:
        """Where as many as ``limit`` are being painted, wait for some of them and take those out."""
        while len(flying) >= limit:
            yield set(flying)
            if done := {future: flying.pop(future) for future in list(flying) if future.done()}:
                return done
        return {}

    def work(request: GenerationRequest, conditioning: Conditioning) -> GenerationResult:
        """Paint on a thread, from the pictures of earlier frames where these are named."""
        if conditioning.earlier:
            held = batch.held(request, conditioning)
            conditioning = dataclasses.replace(conditioning, earlier={}, held=held)
        return paint(request, conditioning)

    def save(done: dict[Future, Frame]) -> Generator[Waiting, None, None]:
        """Save those that were painted, then raise the error of the first that was not."""
        failed = [future for future in done if future.exception() is not None]
        painted = [(frame, future.result()) for future, frame in done.items() if future not in failed]
        for saving in [saver.submit(batch.save, *frame, result) for frame, result in painted]:
            yield from until(saving)
        if failed:
            failed[0].result()

    def land_all() -> Generator[Waiting, None, None]:
        while flying:
            yield from save((yield from land(1)))

    with ThreadPoolExecutor(1, "handdiff-saver") as saver, ThreadPoolExecutor(workers, "handdiff-painter") as painters:
        try:
            for given in frames:
                if isinstance(given, set):
                    yield given
                    continue
                request, conditioning = given
                if not conditioning.people:
                    yield from until(saver.submit(batch.save_empty, conditioning))
                    continue
                while any(frame.frame in conditioning.earlier for _, frame in flying.values()):
                    yield from save((yield from land(1)))
                done = yield from land(workers)
                if any(frame.frame in conditioning.earlier for _, frame in done.values()):
                    yield from save(done)
                    done = {}
                flying[painters.submit(work, request, conditioning)] = request, conditioning
                yield from save(done)
                yield set()
            yield from land_all()
        except Exception:
            with contextlib.suppress(HandDiffError):
                yield from land_all()
            raise
        except BaseException:  # interrupted, or closed: what is done by now is kept
            for future, frame in flying.items():
                if future.done() and future.exception() is None:
                    saver.submit(batch.save, *frame, future.result())
            raise
        finally:
            if stop is not None:
                stop.set()
            for future in flying:
                future.cancel()


def picture_paths(folder: Path, frames: Sequence[int]) -> list[Path]:
    """Where the pictures of a batch's frames lie, in order."""
    return [folder / "image" / f"{frame_number(frame)}.png" for frame in frames]


def changed_settings(earlier: Any, now: dict[str, Any]) -> list[str]:
    """Names of the settings that differ, the innermost ones."""
    if not isinstance(earlier, dict):
        return sorted(now)
    names: list[str] = []
    for name in sorted({*earlier, *now}):
        before, after = earlier.get(name), now.get(name)
        if isinstance(after, dict) and name != "sha256":
            names += changed_settings(before, after) if before != after else []
        elif before != after:
            names.append("weights of the model" if name == "sha256" else name.replace("_", " "))
    return list(dict.fromkeys(names))


def _unmarked(flow: Flow) -> Flow:
    """The motion since a marked picture: what lies under the mark is not known."""
    left, top, right, bottom = mark_box((flow.seen.shape[1], flow.seen.shape[0]))
    x, y = flow.source[..., 0], flow.source[..., 1]
    under = (x > left - 1) & (x < right + 1) & (y > top - 1) & (y < bottom + 1)
    return Flow(flow.source, flow.seen & ~under)


def _scene_of(conditioning: Conditioning) -> dict[str, Any]:
    return {
        "frame": conditioning.frame,
        "camera": conditioning.camera.name,
        "armatures": [person.name for person in conditioning.people],
    }
