# SPDX-License-Identifier: GPL-3.0-or-later
"""Sleeves are told by which materials the forearms share with hands, face and chest."""

from __future__ import annotations

import numpy as np
import pytest

from handdiff_addon.conditioning.sleeves import Sleeves, sleeves_of

SKIN, SHIRT, GLOVE, ELSE = range(4)
STRIPS = {"hand": (10, 200, 128), "lower": (44, 200, 128), "upper": (64, 200, 128), "chest": (128, 160, 200)}
FACE = (128, 240, 230)


def tell(
    hand: int, lower: int, upper: int, chest: int, face: int | None = None, shown: list[int] | None = None
) -> Sleeves:
    """Of a person seen as strips of 40 pixels, each of one place and one material, all of them or those ``shown``."""
    places = [*STRIPS.values(), *([FACE] if face is not None else [])]
    numbers = [hand, lower, upper, chest, *([face] if face is not None else [])]
    body_map = np.repeat(np.array(places, np.uint8)[:, None], 40, axis=1)
    materials = np.repeat(np.array(numbers, np.int32)[:, None], 40, axis=1)
    hands = np.zeros(materials.shape, bool)
    hands[0] = True
    seen = np.isin(np.arange(len(places)), range(len(places)) if shown is None else shown)
    return sleeves_of(body_map, np.repeat(seen[:, None], 40, axis=1), hands, materials)


@pytest.mark.parametrize("face", [None, SKIN])
def test_cloth_on_the_forearm_tells_how_long_a_sleeve_is(face: int | None) -> None:
    assert tell(SKIN, SHIRT, SHIRT, SHIRT, face) == "long sleeves"
    assert tell(SKIN, SKIN, SHIRT, SHIRT, face) == "rolled-up sleeves"
    assert tell(SKIN, SKIN, SKIN, SHIRT, face) == "short sleeves"
    assert tell(SKIN, ELSE, ELSE, SHIRT, face) == "long sleeves"  # of another material than the shirt's body


def test_gloves_are_no_skin_where_the_face_is_seen() -> None:
    assert tell(GLOVE, SKIN, SKIN, SHIRT, SKIN) == "short sleeves"
    assert tell(GLOVE, SHIRT, SHIRT, SHIRT, SKIN) == "long sleeves"


def test_one_material_for_all_tells_nothing() -> None:
    assert tell(SKIN, SKIN, SKIN, SKIN, SKIN) == ""


def test_what_is_not_seen_tells_nothing() -> None:
    nobody = np.zeros((8, 8), bool)
    assert sleeves_of(np.zeros((8, 8, 3), np.uint8), nobody, nobody, np.full((8, 8), -1, np.int32)) == ""


def test_a_part_of_the_forearm_is_enough() -> None:
    """As in a close-up of the hands, or where the other arm hides it."""
    assert tell(SKIN, SHIRT, SHIRT, SHIRT, shown=[0, 1]) == "long sleeves"
    assert tell(SKIN, SKIN, SHIRT, SHIRT, shown=[0, 1]) == "short sleeves"
    assert tell(SKIN, SHIRT, SHIRT, SHIRT, shown=[0, 2, 3]) == "long sleeves"
    assert tell(SKIN, SKIN, SKIN, SHIRT, shown=[0, 2, 3]) == "short sleeves"
    assert tell(SKIN, SHIRT, SHIRT, SHIRT, shown=[0, 3]) == ""


def test_the_left_arm_tells_as_the_right_one_does() -> None:
    body_map = np.repeat(np.array([(245, 200, 128), (211, 200, 128), (191, 200, 128)], np.uint8)[:, None], 40, axis=1)
    materials = np.repeat(np.array([SKIN, SKIN, SHIRT], np.int32)[:, None], 40, axis=1)
    hands = np.zeros(materials.shape, bool)
    hands[0] = True
    assert sleeves_of(body_map, np.ones_like(hands), hands, materials) == "rolled-up sleeves"
