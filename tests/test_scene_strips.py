# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures in the video sequencer and as a movie, in the colours of their files."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest
from PIL import Image

from handdiff_addon.errors import OutputError, SceneError
from handdiff_addon.scene import compat
from handdiff_addon.scene.strips import add_strip, write_movie


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Three pictures, 64 x 48: a colour above, and a white bar that moves below."""
    folder = tmp_path / "image"
    folder.mkdir()
    return [draw(folder / f"{number:04d}.png", number, (64, 48)) for number in (8, 10, 12)]


def draw(path: Path, number: int, size: tuple[int, int]) -> Path:
    picture = np.zeros((size[1], size[0], 3), np.uint8)
    picture[: size[1] // 2] = (200, 100, 5 * number)
    picture[size[1] // 2 :, : 4 * number] = 255
    Image.fromarray(picture).save(path)
    return path


def rendered(scene: bpy.types.Scene, frames: range, folder: Path, size: tuple[int, int]) -> list[np.ndarray]:
    scene.render.resolution_x, scene.render.resolution_y = size
    scene.render.resolution_percentage = 100
    scene.render.image_settings.file_format = "PNG"
    scene.render.filepath = str(folder / "shown_")
    scene.view_settings.view_transform = "Standard"
    scene.frame_start, scene.frame_end = frames.start, frames.stop - 1
    bpy.ops.render.render(animation=True, scene=scene.name)
    return [np.asarray(Image.open(folder / f"shown_{n:04d}.png").convert("RGB")).astype(int) for n in frames]


def test_a_strip_shows_each_picture_for_its_frames(empty_scene, pictures: list[Path], tmp_path: Path) -> None:
    scene = empty_scene
    scene.view_settings.view_transform = "AgX"
    assert "Standard" in add_strip(scene, pictures, 8, hold=2)[0]
    scene.view_settings.view_transform = "Standard"
    assert add_strip(scene, pictures, 8, hold=2) == []
    low, high = sorted(scene.sequence_editor.strips, key=lambda strip: strip.channel)
    assert (low.channel, high.channel) == (1, 2)
    assert (high.frame_final_start, high.frame_final_end) == (8, 14)
    for shown, picture in zip(rendered(scene, range(8, 14), tmp_path, (64, 48)), (0, 0, 1, 1, 2, 2), strict=True):
        assert np.abs(shown - np.asarray(Image.open(pictures[picture])).astype(int)).max() <= 1


def test_a_strip_moves_with_its_saved_file(empty_scene, pictures: list[Path], tmp_path: Path) -> None:
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    add_strip(bpy.context.scene, pictures, 1)
    assert [strip.directory for strip in bpy.context.scene.sequence_editor.strips] == ["//image/"]
    for shown, picture in zip(rendered(bpy.context.scene, range(1, 4), tmp_path, (64, 48)), pictures, strict=True):
        assert np.abs(shown - np.asarray(Image.open(picture)).astype(int)).max() <= 1


@pytest.mark.parametrize("size", [(64, 48), (65, 49)], ids=["even", "odd"])
def test_a_movie_has_the_colours_of_its_pictures(empty_scene, tmp_path: Path, size: tuple[int, int]) -> None:
    pictures = [draw(tmp_path / f"{number:04d}.png", number, size) for number in (1, 2, 3)]
    before = [scene.name for scene in bpy.data.scenes]
    path = tmp_path / "movie.mp4"
    path.write_bytes(b"earlier")
    write_movie(path, pictures, (30, 1.001), hold=2)
    assert [scene.name for scene in bpy.data.scenes] == before
    assert {p.name for p in tmp_path.iterdir()} == {"movie.mp4", *(picture.name for picture in pictures)}
    clip = bpy.data.movieclips.load(str(path))
    assert clip.frame_duration == 6 and clip.fps == pytest.approx(29.97, abs=0.01)
    assert tuple(clip.size) == (64, 48)
    scene = bpy.data.scenes.new("decoded")
    scene.render.fps, scene.render.fps_base = 30, 1.001
    scene.sequence_editor_create().strips.new_movie("movie", str(path), channel=1, frame_start=1)
    for shown, picture in zip(rendered(scene, range(1, 7), tmp_path, (64, 48)), (0, 0, 1, 1, 2, 2), strict=True):
        wanted = np.asarray(Image.open(pictures[picture])).astype(int)[-48:, :64]
        assert np.abs(shown - wanted).mean() < 4
        shift = (shown - wanted)[4:16, 4:60].mean(axis=(0, 1))
        assert np.abs(shift).max() <= 2, "the colours shift"


def test_what_is_missing_is_said(empty_scene, pictures: list[Path], tmp_path: Path) -> None:
    pictures[1].unlink()
    for work in (
        lambda: add_strip(empty_scene, pictures, 1),
        lambda: write_movie(tmp_path / "movie.mp4", pictures, (24, 1.0)),
    ):
        with pytest.raises(SceneError, match=r"0010\.png is not there: run the batch again"):
            work()
    assert not len(empty_scene.sequence_editor.strips if empty_scene.sequence_editor else ())
    assert not (tmp_path / "movie.mp4").exists()
    with pytest.raises(SceneError, match="no pictures"):
        add_strip(empty_scene, [], 1)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="cannot be encoded"):
        write_movie(tmp_path / "file" / "movie.mp4", pictures[:1], (24, 1.0))
    assert len(bpy.data.scenes) == 1


def test_both_versions_are_known() -> None:
    render = bpy.data.scenes.new("movie").render
    compat.movie_output(render)
    assert render.image_settings.file_format == "FFMPEG"
