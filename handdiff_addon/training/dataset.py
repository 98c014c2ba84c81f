# SPDX-License-Identifier: GPL-3.0-or-later
"""The training data set: renders of rigged humans with masks, keypoints and captions; made here, and read back.

A sample is ``000123.jpg`` (picture), ``000123.png`` (parts: 0 backdrop, 1 body, 2 left hand, 3 right hand, as far as
the camera sees them), ``000123_normal.png`` (normals as colours), ``000123_body.png`` (the body map) and
``000123.json`` (the rest) in its worker's folder; a line of ``index.jsonl`` makes it count.  What a sample shows
depends on the seed, its index and the list of humans alone.
"""

from __future__ import annotations

import dataclasses
import io
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PIL import Image

from ..conditioning.normals import normal_picture
from ..errors import OutputError, UsageError
from ..files import make_folder, png, write_bytes
from ..palettes import PALETTES
from ..request import SIDES, Side
from .backdrops import draw_backdrop
from .body_poses import sample_pose
from .build import Build
from .captions import Attributes, caption
from .describing import describe, floor_line
from .framing import Shot, sample_framing, sample_shot
from .looks import HELD_OUT_COMBINATIONS, jitter, make_lights, make_outfit, sample_names, surrounding_names
from .poses import BodyPose, solve

if TYPE_CHECKING:
    from ..conditioning.frame import Conditioning
    from ..scene.studio import Studio

Split = Literal["train", "held_out"]

BLOCK = 50
"""Samples in a row that show the same human."""
HELD_OUT_HUMANS = ("human_e",)
"""Humans, by the start of their file's name, that no training may see."""
HELD_OUT_EVERY = 50
SAMPLE_HUMAN = "sample_human"
SAMPLE_HUMAN_EVERY = 5

_ROLES_SIZE = 128
"""Side of the picture in which it is counted what can be seen, pixels"""
_SHOTS = 3
"""Tries for a close-up of hands"""
_CLOSE = 0.03
"""Share of such a picture that a hand covers at least"""


# --- reading ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SampleRef:
    """Where a sample lies, without its content."""

    index: int
    folder: Path
    human: str
    split: Split

    def path(self, ending: str) -> Path:
        return self.folder / f"{self.index:06d}{ending}"


@dataclass
class Sample:
    """One picture and all that is known of it.  Pixels have their origin at the top left, y down."""

    picture: np.ndarray
    """(H, W, 3) uint8 sRGB"""
    parts: np.ndarray
    """(H, W) uint8: 0 backdrop, 1 body, 2 left hand, 3 right hand"""
    normals: np.ndarray
    """(H, W, 3) uint8, the colours of :func:`~handdiff_addon.conditioning.normals.normal_picture`"""
    body_map: np.ndarray
    """(H, W, 3) uint8, from :func:`~handdiff_addon.conditioning.body_map.body_map`"""
    body: np.ndarray
    """(18, 2) pixels, NaN where absent"""
    body_visibility: list[str]
    """One :data:`~handdiff_addon.conditioning.frame.Visibility` per point"""
    hands: dict[Side, np.ndarray]
    """(21, 2) pixels per side"""
    hand_visibility: dict[Side, list[str]]
    attributes: Attributes

    @property
    def hand_masks(self) -> dict[Side, np.ndarray]:
        """bool (H, W) per side, as far as the camera sees the hand"""
        return {"left": self.parts == 2, "right": self.parts == 3}


def list_samples(root: Path, split: Split | None = None) -> list[SampleRef]:
    """The finished samples under ``root``, which another process may still be filling, by index.

    Args:
        root: the data set's folder.
        split: only these.
    """
    found = {}
    for listing in sorted(root.glob("*/index.jsonl")):
        for line in listing.read_text(encoding="utf-8").splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue  # a line that is being written, or was cut off
            found[entry["index"]] = SampleRef(entry["index"], listing.parent, entry["human"], entry["split"])
    return [found[index] for index in sorted(found) if split is None or found[index].split == split]


def load(ref: SampleRef) -> Sample:
    """Read one sample.

    Raises:
        UsageError: where its files are missing or broken.
    """
    try:
        data = json.loads(ref.path(".json").read_text(encoding="utf-8"))
        with Image.open(ref.path(".jpg")) as picture, Image.open(ref.path(".png")) as parts:
            arrays = np.array(picture.convert("RGB")), np.array(parts)
        with Image.open(ref.path("_normal.png")) as normals:
            normals_array = np.array(normals)
        with Image.open(ref.path("_body.png")) as places:
            body_map_array = np.array(places)
        return Sample(
            picture=arrays[0],
            parts=arrays[1],
            normals=normals_array,
            body_map=body_map_array,
            body=_points(data["body"]),
            body_visibility=data["body_visibility"],
            hands={side: _points(data["hands"][side]) for side in SIDES},
            hand_visibility=data["hand_visibility"],
            attributes=Attributes.from_dict(data["attributes"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"Sample {ref.path('.json')} cannot be read ({error}): make the data set anew.") from error


def _points(rows: Sequence[Sequence[float] | None]) -> np.ndarray:
    return np.array([(np.nan, np.nan) if row is None else row for row in rows], dtype=np.float64)


def _rows(points: np.ndarray) -> list[list[float] | None]:
    return [[round(float(x), 2), round(float(y), 2)] if np.isfinite(x) else None for x, y in points]


# --- making -----------------------------------------------------------------------------------------------------------


def generate_dataset(
    out: Path,
    humans: Path | None = None,
    *,
    count: int = 3000,
    minutes: float | None = None,
    worker: tuple[int, int] = (0, 1),
    sample_human: bool = False,
    characters: Sequence[Path] = (),
    seed: int = 0,
    size: int = 512,
    samples: int = 4,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Make the samples that are still missing, until the count or the time is reached; needs Blender's ``bpy``.

    Args:
        out: the data set's folder; what it holds already is kept and not made again.
        humans: a folder of rigged ``.blend`` files that stand on the ground and face -y; held-out humans are left out.
        count: samples in the whole data set.
        minutes: stop after the sample that runs when this time is up.
        worker: number of this process and how many share the work, each in its own folder.
        sample_human: use the bundled sample human, too: alone without ``humans``, else for a fifth of the samples.
        characters: ``.blend`` files of an artist's own characters, instead of all these; they keep their looks.
        seed: of the data set.
        size: of the square pictures, in pixels.
        samples: per pixel.
        progress: called after each sample with the number made now and the number that this worker has to make.

    Returns:
        the number of samples made now.

    Raises:
        UsageError: no human to render.
        SceneError: a file that cannot be used.
        OutputError: where the data set cannot be written.
    """
    files = list(characters) or (human_files(humans) if humans is not None else [])
    if humans is not None and not files:
        raise UsageError(f"{humans} holds no rigged human to train on: name a folder of .blend files.")
    if not files and not sample_human:
        raise UsageError("There is no human to render: name a folder of .blend files, or use the sample human.")
    number, workers = worker
    if not 0 <= number < workers:
        raise UsageError(f"Worker {number}/{workers} does not exist: count from 0 to {workers - 1}.")
    folder = make_folder(out / f"worker_{number}")
    done = {ref.index for ref in list_samples(out)}
    todo = [i for i in range(count) if (i // BLOCK) % workers == number and i not in done]
    deadline = time.monotonic() + 60 * minutes if minutes is not None else float("inf")
    studio: Studio | None = None
    build: Build | None = None
    open_human = ""
    for made, index in enumerate(todo):
        if time.monotonic() >= deadline:
            return made
        path = choose_human(files, index, seed, sample_human)
        human = path.stem if path is not None else SAMPLE_HUMAN
        if studio is None or build is None or human != open_human:
            studio, open_human = open_studio(path, size, samples, own_looks=bool(characters)), human
            build = Build.measure(studio.rest, studio.wardrobe.trunk)
        _make(folder, index, human, studio, build, seed)
        if progress is not None:
            progress(made + 1, len(todo))
    return len(todo)


def human_files(folder: Path) -> list[Path]:
    """The rigged ``.blend`` files of a folder that may be trained on, by name."""
    return sorted(path for path in folder.glob("*.blend") if not path.stem.startswith(HELD_OUT_HUMANS))


def choose_human(files: Sequence[Path], index: int, seed: int, sample_human: bool) -> Path | None:
    """The file that sample ``index`` shows; None is the sample human."""
    block = index // BLOCK
    if sample_human and (not files or block % SAMPLE_HUMAN_EVERY == SAMPLE_HUMAN_EVERY - 1):
        return None
    order = np.random.default_rng([seed, 1, block // len(files)]).permutation(len(files))
    return files[int(order[block % len(files)])]


def open_studio(path: Path | None, size: int, samples: int, own_looks: bool = False) -> Studio:
    """A studio with the human of a ``.blend`` file, or with the sample human.

    Raises:
        SceneError: where the file cannot be read or holds no humanoid.
    """
    from ..scene.files import new_scene, open_blend
    from ..scene.rigs import find_humanoids
    from ..scene.studio import Studio

    if path is None:
        from ..scene.sample_human import create_sample_human

        armature = create_sample_human(new_scene())
    else:
        armature = find_humanoids(open_blend(path))[0]
    return Studio(armature, size=size, samples=samples, own_looks=own_looks)


def _make(folder: Path, index: int, human: str, studio: Studio, build: Build, seed: int) -> None:
    rng = np.random.default_rng([seed, 2, index])
    split: Split = "held_out" if index % HELD_OUT_EVERY == HELD_OUT_EVERY - 1 else "train"
    combination = None
    if split == "held_out" and index // HELD_OUT_EVERY % 2:  # half of those held out show what is never trained
        combination = index // HELD_OUT_EVERY // 2 % len(HELD_OUT_COMBINATIONS)
    sleeves = studio.wardrobe.can_shorten_sleeves
    own = studio.own_looks
    names = surrounding_names(rng) if own else sample_names(rng, human, short_sleeves=sleeves, combination=combination)
    pose = sample_pose(rng, build)
    studio.pose(solve(pose, build))
    if not own:
        studio.wardrobe.dress(make_outfit(names, rng))
    shot, truth = _sample_view(rng, studio)
    line = floor_line(truth.camera, shot) if names["backdrop"] == "floor" else None
    if names["backdrop"] == "floor" and line is None:
        names["backdrop"] = "plain"
    colour = jitter(rng, PALETTES["background"][str(names["background"])], 0.012)
    studio.hang(draw_backdrop(str(names["backdrop"]), colour, studio.size, rng, line))
    studio.light(make_lights(str(names["light"]), rng))
    picture = studio.photograph(truth.person_mask)
    attributes = describe(names, pose, shot.framing, truth, _shares(studio, truth), studio.posed())
    _write(folder, index, human, split, picture, truth, names, attributes, pose, shot, rng)


def _shares(studio: Studio, truth: Conditioning) -> dict[str, float]:
    """Share of the picture that shows each role of a surface, or the backdrop."""
    from ..scene.wardrobe import ROLES

    roles = studio.roles(dataclasses.replace(truth.camera, width=_ROLES_SIZE, height=_ROLES_SIZE))
    counts = np.bincount(roles.ravel() + 1, minlength=len(ROLES) + 1) / roles.size
    return dict(zip(("backdrop", *ROLES), counts.tolist(), strict=True))


def _sample_view(rng: np.random.Generator, studio: Studio) -> tuple[Shot, Conditioning]:
    """Aim the camera; a close-up of hands has to show enough of them, else the person is shown."""
    bones = studio.posed()
    framing = sample_framing(rng)
    for _ in range(_SHOTS):
        shot = sample_shot(rng, bones, framing)
        studio.aim(shot.position, shot.target, shot.roll, shot.lens)
        truth = studio.truth()
        seen = max(float(truth.hand_mask(side).mean()) for side in SIDES)
        if framing != "hands" or seen > _CLOSE:
            return shot, truth
    shot = sample_shot(rng, bones, "upper body")
    studio.aim(shot.position, shot.target, shot.roll, shot.lens)
    return shot, studio.truth()


def _write(
    folder: Path,
    index: int,
    human: str,
    split: Split,
    picture: np.ndarray,
    truth: Conditioning,
    names: Mapping[str, str | None],
    attributes: Attributes,
    pose: BodyPose,
    shot: Shot,
    rng: np.random.Generator,
) -> None:
    text, mentioned = caption(attributes, rng)
    parts = truth.person_mask.astype(np.uint8)
    parts[truth.hand_mask("left")] = 2
    parts[truth.hand_mask("right")] = 3
    person = truth.people[0]
    data: Mapping[str, Any] = {
        "index": index,
        "human": human,
        "split": split,
        "size": list(picture.shape[:2]),
        "caption": text,
        "mentioned": sorted(mentioned),
        "names": dict(names),
        "attributes": attributes.to_dict(),
        "pose": pose.kind,
        "body": _rows(person.body),
        "body_visibility": person.body_visibility,
        "hands": {side: _rows(person.hands[side]) for side in SIDES},
        "hand_visibility": person.hand_visibility,
        "camera": {
            "view": truth.camera.view.tolist(),
            "projection": truth.camera.projection.tolist(),
            "lens": shot.lens,
        },
    }
    stem = f"{index:06d}"
    write_bytes(folder / f"{stem}.jpg", _jpeg(picture))
    write_bytes(folder / f"{stem}.png", png(Image.fromarray(parts)))
    assert truth.normals is not None
    write_bytes(folder / f"{stem}_normal.png", png(Image.fromarray(normal_picture(truth.normals))))
    write_bytes(folder / f"{stem}_body.png", png(Image.fromarray(truth.body_map)))
    write_bytes(folder / f"{stem}.json", json.dumps(data).encode("utf-8"))
    _append(folder / "index.jsonl", json.dumps({"index": index, "human": human, "split": split}))


def _append(listing: Path, line: str) -> None:
    """Add a line; what a killed run left of its last one is closed off first."""
    try:
        with listing.open("a+b") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                line = line if file.read(1) == b"\n" else f"\n{line}"
            file.write(f"{line}\n".encode())
    except OSError as error:
        raise OutputError(f"{listing} cannot be written ({error.strerror}): make space or give rights.") from error


def _jpeg(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=95, subsampling=0)
    return buffer.getvalue()
