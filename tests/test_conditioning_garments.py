# SPDX-License-Identifier: GPL-3.0-or-later
"""What is worn is told by the materials that arms, legs and head share with hands, face and chest."""

from __future__ import annotations

import numpy as np
import pytest

from handdiff_addon.conditioning.garments import (
    Sleeves,
    named_sleeves,
    sleeves_of,
    told_kinds,
    usual_kinds,
    worn_places,
)

SKIN, SHIRT, GLOVE, ELSE, TROUSERS, HAIR = range(6)
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


HAND, FRONT, CROWN, CHEST = (10, 200, 128), (128, 230, 200), (128, 252, 128), (128, 165, 200)
CHEEK = (127, 228, 190)
"""Where the skin of pictures is learned"""
BELLY, LAP, KNEE, SHIN = (128, 140, 190), (128, 115, 130), (130, 70, 128), (130, 40, 128)


def moved(*seen: tuple[tuple[int, int, int], int]) -> list[tuple[int, ...]]:
    """Where strips of 40 pixels, each of one place and one material, go to as far as that is told; the first is a
    hand."""
    body_map = np.repeat(np.array([place for place, _ in seen], np.uint8)[:, None], 40, axis=1)
    materials = np.repeat(np.array([material for _, material in seen], np.int32)[:, None], 40, axis=1)
    hands = np.zeros(materials.shape, bool)
    hands[0] = True
    before = body_map.copy()
    kinds = told_kinds(body_map, np.ones_like(hands), hands, materials)
    places = body_map if kinds is None else worn_places(body_map, kinds)
    assert np.array_equal(body_map, before) and (places == places[:, :1]).all()
    return [tuple(map(int, place)) for place in places[:, 0]]


def test_a_shirt_ends_where_its_material_does() -> None:
    """Where body maps have the hem, at a green of about 140, nothing is left."""
    places = moved((HAND, SKIN), (FRONT, SKIN), (CHEST, SHIRT), (BELLY, SHIRT), (LAP, SHIRT), (SHIN, TROUSERS))
    assert places == [HAND, FRONT, CHEST, (128, 150, 190), (128, 150, 130), SHIN]
    places = moved((HAND, SKIN), (FRONT, SKIN), (CHEST, SHIRT), (BELLY, TROUSERS), (LAP, TROUSERS))
    assert places == [HAND, FRONT, CHEST, (128, 112, 180), (128, 112, 130)]


def test_a_dress_is_one_but_an_overall_may_be_shirt_and_trousers() -> None:
    dress = moved((HAND, SKIN), (FRONT, SKIN), (CHEST, SHIRT), (BELLY, SHIRT), (KNEE, SHIRT), (SHIN, SKIN))
    assert dress[3:] == [(128, 150, 190), (130, 150, 128), CHEEK]
    overall = moved((HAND, SKIN), (FRONT, SKIN), (CHEST, SHIRT), (BELLY, SHIRT), (KNEE, SHIRT), (SHIN, SHIRT))
    assert overall[2:] == [CHEST, (128, 112, 180), KNEE, SHIN]


def test_bare_arms_and_legs_are_skin_and_sleeves_are_the_shirts() -> None:
    places = moved((HAND, SKIN), (FRONT, SKIN), (CHEST, SHIRT), (STRIPS["upper"], SKIN), (LAP, TROUSERS), (SHIN, SKIN))
    assert places[3] == places[5] == CHEEK
    places = moved((HAND, SKIN), (FRONT, SKIN), (CHEST, SHIRT), (STRIPS["lower"], SHIRT), (LAP, TROUSERS))
    assert places[3] == (99, 185, 128)


def test_hair_is_hair_wherever_it_hangs_and_a_hood_is_the_shirts() -> None:
    """The hair covers less of the chest than the shirt does; on the crown it stays in its place."""
    long = moved((HAND, SKIN), (FRONT, SKIN), (CROWN, HAIR), (CHEST, HAIR), (CHEST, SHIRT), (BELLY, SHIRT))
    assert long[2] == CROWN and long[4] == CHEST
    assert long[3][1] > 250
    hood = moved((HAND, SKIN), (FRONT, SKIN), (CROWN, SHIRT), (CHEST, SHIRT), (LAP, TROUSERS))
    assert hood[2] == (128, 185, 128)


def test_a_bald_head_is_bare() -> None:
    (_, face, crown, *_) = moved((HAND, SKIN), (FRONT, SKIN), (CROWN, SKIN), (CHEST, SHIRT), (LAP, TROUSERS))
    assert face == FRONT
    assert crown[1] < 240 and crown[2] >= 170


def test_one_material_with_a_texture_moves_nothing() -> None:
    one = (HAND, SKIN), (FRONT, SKIN), (CROWN, SKIN), (CHEST, SKIN), (BELLY, SKIN), (SHIN, SKIN)
    assert moved(*one) == [place for place, _ in one]
    body = (HAND, SKIN), (FRONT, SKIN), (CROWN, HAIR), (CHEST, SKIN), (BELLY, SKIN), (SHIN, TROUSERS)
    assert moved(*body) == [place for place, _ in body]


def test_what_is_no_garment_stays() -> None:
    belt = moved((HAND, SKIN), (FRONT, SKIN), (CHEST, SHIRT), (BELLY, ELSE), (LAP, TROUSERS), (SHIN, TROUSERS))
    assert belt[3] == BELLY


OFF = np.nan


def cut(sleeves: Sleeves, *places: tuple[tuple[int, int, int], float]) -> list[tuple[int, ...]]:
    """Where places go to with the usual cut, each with its reach along an arm; the first is a hand."""
    body_map = np.array([[place for place, _ in places]], np.uint8)
    reach = np.array([[reach for _, reach in places]], np.float32)
    hands = np.zeros((1, len(places)), bool)
    hands[0, 0] = True
    kinds = usual_kinds(body_map, np.ones_like(hands), hands, reach, sleeves)
    assert (np.sum(kinds, axis=0) <= 1).all(), "each pixel is of one kind"
    return [tuple(map(int, place)) for place in worn_places(body_map, kinds)[0]]


@pytest.mark.parametrize(
    ("sleeves", "bare"), [("long sleeves", 0), ("rolled-up sleeves", 1), ("short sleeves", 2), ("", 2)]
)
def test_the_usual_sleeves_end_where_they_are_said_to(sleeves: Sleeves, bare: int) -> None:
    """What lies beside a forearm and is none, such as the trunk behind it, is clothed however much it looks like one
    on the body map."""
    hand, beside = ((245, 199, 128), OFF), ((215, 199, 128), OFF)
    arm = [((215, 199, 128), 1.6), ((190, 199, 128), 1.1), ((165, 199, 128), 0.4)]
    places = cut(sleeves, hand, *arm, beside, ((150, 199, 128), OFF))
    assert places[0] == hand[0]
    assert [place == CHEEK for place in places[1:]] == [True] * bare + [False] * (5 - bare)
    assert all(99 <= red <= 155 and 150 <= green <= 185 for red, green, _ in places[1 + bare :])


def test_an_arm_before_the_face_or_the_legs_is_an_arm() -> None:
    face, lap = (128, 230, 220), (128, 100, 200)
    sleeve, forearm, *still = cut("short sleeves", ((245, 199, 128), OFF), (face, 0.3), (lap, 1.5), (face, OFF))[1:]
    assert 150 <= sleeve[1] <= 185 and forearm == CHEEK and still == [face]


def test_the_usual_shirt_ends_at_once_and_heads_stay() -> None:
    """Nothing is left of the band in which some wear shirts and some trousers, and would get the mean of both."""
    hand = ((245, 199, 128), OFF)
    band = [(128, green, 200) for green in range(120, 160)]
    greens = np.array([place[1] for place in cut("long sleeves", hand, *((place, OFF) for place in band))[1:]])
    assert ((greens <= 112) | (greens >= 150)).all() and (np.diff(greens) >= 0).all()
    assert greens[0] <= 112 and greens[-1] >= 150
    still = (128, 221, 140), (128, 212, 200), FRONT, CROWN
    collar, *others = cut("short sleeves", hand, *((place, OFF) for place in ((128, 215, 140), *still)))[1:]
    assert collar == (128, 185, 140) and others == list(still)


def test_sleeves_are_read_from_words() -> None:
    assert named_sleeves("a person in a red shirt with rolled-up sleeves, short hair") == "rolled-up sleeves"
    assert named_sleeves("long sleeves, a red shirt with short sleeves") == "long sleeves"
    assert named_sleeves("long hair and a sleeveless top") == ""
