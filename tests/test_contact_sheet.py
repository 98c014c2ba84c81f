# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import numpy as np
from PIL import Image

from handdiff_addon.evaluation.contact_sheet import BACKGROUND, contact_sheet

RED, GREEN = (200, 20, 30), (10, 180, 40)


def _where(sheet: Image.Image, colour: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """Bounding box of a colour: left, top, right, bottom."""
    ys, xs = np.nonzero((np.asarray(sheet) == colour).all(axis=2))
    return int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1


def test_pictures_stand_side_by_side_at_one_size_with_a_label_below() -> None:
    small, large = Image.new("RGB", (64, 64), RED), Image.new("RGB", (512, 512), GREEN)
    pictures = [("One", "first", small), ("Two", "second", large)]
    sheet = contact_sheet(pictures, cell=200)
    red, green = _where(sheet, RED), _where(sheet, GREEN)
    assert red[2] - red[0] == red[3] - red[1] == green[2] - green[0] == 200
    assert red[1] == green[1] and red[2] < green[0]
    below = np.asarray(sheet)[red[3] :, red[0] : red[2]]
    assert (below != BACKGROUND).any()


def test_rows_break_and_nothing_overlaps_or_leaves_the_sheet() -> None:
    colours = [(i * 40, 100, 200 - i * 30) for i in range(5)]
    pictures = [(f"Picture {i}", "", Image.new("RGB", (160, 90), colour)) for i, colour in enumerate(colours)]
    sheet = contact_sheet(pictures, columns=2, cell=160)
    boxes = [_where(sheet, colour) for colour in colours]
    assert all((right - left, bottom - top) == (160, 90) for left, top, right, bottom in boxes)
    assert boxes[0][1] == boxes[1][1] < boxes[2][1] < boxes[4][1]


def test_masks_and_grey_pictures_are_shown_as_they_are() -> None:
    mask = np.zeros((50, 50), bool)
    mask[:, :25] = True
    sheet = contact_sheet([("Mask", "", Image.fromarray(mask)), ("Depth", "", Image.new("L", (50, 50), 77))], cell=100)
    left, top, right, bottom = _where(sheet, (0, 0, 0))
    assert right - left == 50 and bottom - top == 100
    assert _where(sheet, (77, 77, 77))[0] > right


def test_a_long_title_is_broken_and_grows_the_sheet() -> None:
    pictures = [("One", "", Image.new("RGB", (64, 64), RED))]
    plain = contact_sheet(pictures, cell=200)
    titled = contact_sheet(pictures, "a person in a red shirt " * 30, cell=200)
    assert titled.width == plain.width and titled.height > plain.height
    assert _where(titled, RED)[1] > _where(plain, RED)[1]
