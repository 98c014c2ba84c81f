# SPDX-License-Identifier: GPL-3.0-or-later
"""The photo studio and its wardrobe: clothes, gloves and patterns where they belong, on whole people."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from handdiff_addon.conditioning.frame import PersonPose
from handdiff_addon.rig.fingers import hand_frame
from handdiff_addon.rig.rotations import rotation
from handdiff_addon.scene.studio import Lights, Studio
from handdiff_addon.scene.wardrobe import PATTERNS, ROLES, Cloth, Outfit
from handdiff_addon.training import captions
from handdiff_addon.training.dataset import open_studio

SIZE = 160
RED, GREEN, BLUE, WHITE = (0.9, 0.02, 0.02), (0.02, 0.8, 0.02), (0.02, 0.02, 0.9), (0.95, 0.95, 0.95)
SKIN, HAIR, SHOES = (0.9, 0.75, 0.6), (0.1, 0.08, 0.05), (0.3, 0.3, 0.3)
OUTFIT = Outfit(Cloth(GREEN), Cloth(BLUE), SHOES, HAIR, SKIN)
EVEN = Lights(key=(0.0, 0.3), key_strength=0.2, fill=(0.0, 0.0), fill_strength=0.0, ambient=0.7, softness=0.5)


@pytest.fixture(scope="module", params=["sample human", "human_a_mixamo", "human_c_game_engine"])
def studio(request: pytest.FixtureRequest) -> Studio:
    if request.param == "sample human":
        return open_studio(None, SIZE, 4)
    humans: Path = request.getfixturevalue("humans")
    return open_studio(humans / f"{request.param}.blend", SIZE, 4)


def _shoot(studio: Studio, outfit: Outfit, near: str = "") -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Picture, parts and roles of the person at rest, or of what is around one bone."""
    bones = studio.posed()
    if near:
        target, distance, lens = bones[near].head, 1.5, 150.0
    else:
        target, distance, lens = (bones["hips"].head + bones["neck"].head) / 2 - (0.0, 0.0, 0.15), 5.0, 75.0
    studio.aim(target + distance * np.array((0.0, -1.0, 0.05)), target, 0.0, lens)
    studio.wardrobe.dress(outfit)
    studio.hang(np.full((SIZE, SIZE, 3), 128, dtype=np.uint8))
    studio.light(EVEN)
    truth = studio.truth()
    parts = truth.person_mask.astype(np.uint8)
    parts[truth.hand_mask("left")], parts[truth.hand_mask("right")] = 2, 3
    return studio.photograph(truth.person_mask), parts, studio.roles(truth.camera)


def _inner(mask: np.ndarray, width: int = 1) -> np.ndarray:
    """The mask without its rim, where colours mix."""
    for _ in range(width):
        mask = mask & np.roll(mask, 1, 0) & np.roll(mask, -1, 0) & np.roll(mask, 1, 1) & np.roll(mask, -1, 1)
    return mask


def _is(picture: np.ndarray, colour: tuple[float, float, float]) -> np.ndarray:
    """Where a pure red, green or blue is seen, in light or shade, with a little shine."""
    own = int(np.argmax(colour))
    others = np.delete(picture.astype(float), own, axis=-1).max(axis=-1)
    return picture[..., own] > 1.6 * others + 10


def test_gloves_cover_the_hands_and_nothing_else(studio: Studio) -> None:
    for near in ("left_hand", "right_hand", ""):
        picture, parts, _ = _shoot(studio, dataclasses.replace(OUTFIT, gloves=RED), near)
        hands = parts >= 2
        assert hands.sum() > 30
        assert _is(picture, RED)[_inner(hands)].mean() > 0.99
        # A cuff reaches a little beyond the wrist.
        cuff = 0.35 * hands.sum() if near else 0.6 * hands.sum()
        assert (_is(picture, RED) & ~hands).sum() < cuff
    picture, parts, _ = _shoot(studio, dataclasses.replace(OUTFIT, gloves=RED))
    head = np.zeros_like(parts, dtype=bool)
    head[: SIZE // 5] = True
    assert not (_is(picture, RED) & head & (parts > 0)).any()


def test_bare_hands_have_the_colour_of_the_skin(studio: Studio) -> None:
    _shoot(studio, dataclasses.replace(OUTFIT, gloves=RED))
    picture, parts, _ = _shoot(studio, OUTFIT, "left_hand")
    assert not _is(picture, RED)[parts > 0].any()
    assert np.abs(np.median(picture[_inner(parts == 2)], axis=0) / 255 - SKIN).max() < 0.25


@pytest.mark.parametrize("pattern", PATTERNS[1:])
def test_a_pattern_is_on_its_cloth_alone_and_covers_less_than_half(studio: Studio, pattern: str) -> None:
    outfit = dataclasses.replace(OUTFIT, shirt=Cloth(RED, pattern, WHITE, 0.12))
    picture, _, roles = _shoot(studio, outfit)
    shirt = _inner(roles == ROLES.index("shirt"))
    trousers = _inner(roles == ROLES.index("trousers"), 2)
    base, bright = _is(picture, RED), picture.min(axis=2) > 130
    assert 0.12 < bright[shirt].mean() < 0.5 and 0.4 < base[shirt].mean() < 0.9
    assert base[trousers].mean() < 0.03 and bright[trousers].mean() < 0.02
    assert _is(picture, BLUE)[trousers].mean() > 0.95


def _close_up(studio: Studio, outfit: Outfit, target: np.ndarray, ahead: np.ndarray) -> tuple[np.ndarray, PersonPose]:
    """Picture and pose of 30 centimetres around a point, from 1.5 m ahead."""
    studio.aim(target + 1.5 * ahead, target, 0.0, 180.0)
    studio.wardrobe.dress(outfit)
    studio.hang(np.full((SIZE, SIZE, 3), 128, dtype=np.uint8))
    studio.light(EVEN)
    truth = studio.truth()
    return studio.photograph(truth.person_mask), truth.people[0]


def _at(picture: np.ndarray, point: np.ndarray, half: float) -> np.ndarray:
    """The pixels (N, 3) of a square around a point."""
    (left, top), (right, bottom) = (np.rint(point + sign * half).astype(int) for sign in (-1, 1))
    return picture[max(top, 0) : bottom + 1, max(left, 0) : right + 1].reshape(-1, 3).astype(float)


def test_a_face_has_red_lips_under_the_nose_and_brows_of_the_hair_s_colour(studio: Studio) -> None:
    head = studio.posed()["head"].head + np.array((0.0, 0.0, 0.06))
    picture, pose = _close_up(studio, dataclasses.replace(OUTFIT, hair=BLUE), head, np.array((0.0, -1.0, 0.0)))
    nose, right, left = (pose.body[k, :2] for k in (0, 14, 15))
    apart = float(np.linalg.norm(left - right))
    middle = (left + right) / 2
    # The eyes' keypoints are where the eyes are on a face; the mouth is about as far under them as they are apart.
    mouth = _at(picture, middle + np.array((0.0, 1.1 * apart)), 0.35 * apart)
    forehead = _at(picture, middle - np.array((0.0, 0.7 * apart)), 0.15 * apart)
    redness = (picture[..., 0] / np.maximum(picture[..., 1], 1.0)).reshape(-1)
    skin = np.median(forehead[:, 0] / forehead[:, 1])
    lips = mouth[:, 0] / mouth[:, 1] > 1.15 * skin
    assert 0.1 < lips.mean() < 0.7
    ys, xs = np.divmod(np.flatnonzero((redness > 1.15 * skin) & (picture.reshape(-1, 3)[:, 0] > 90)), SIZE)
    assert abs(np.median(xs) - nose[0]) < 0.2 * apart and np.median(ys) > nose[1]
    for eye in (left, right):
        above, under = (_at(picture, eye + np.array((0.0, down * apart)), 0.22 * apart) for down in (-0.33, 0.6))
        assert (above[:, 2] > above[:, 0]).mean() > 0.1
        assert not (under[:, 2] > under[:, 0]).any()


def test_nails_are_on_the_fingers_backs(studio: Studio) -> None:
    bones = studio.posed()
    frame = hand_frame(bones, "left")
    target, dark = bones["left_middle_1"].head + 0.03 * frame[:, 0], dataclasses.replace(OUTFIT, skin=(0.3, 0.15, 0.1))
    found = {}
    for name, sign in (("back", -1.0), ("palm", 1.0)):
        picture, pose = _close_up(studio, dark, target, sign * frame[:, 2])
        tips, joints = (pose.hands["left"][4 * np.arange(2, 6) - step] for step in (0, 1))
        skin = np.median(_at(picture, pose.hands["left"][9], 4), axis=0)
        found[name] = []
        for tip, joint in zip(tips, joints, strict=True):
            red, green, _ = _at(picture, tip + 0.3 * (joint - tip), 2).T
            found[name].append(bool(((green > 1.5 * skin[1]) & (red > 1.2 * green)).sum() > 4))
    assert found == {"back": [True] * 4, "palm": [False] * 4}


def test_a_pattern_of_the_trousers_leaves_the_shirt_plain(studio: Studio) -> None:
    outfit = dataclasses.replace(OUTFIT, trousers=Cloth(RED, "stripes", WHITE))
    picture, _, roles = _shoot(studio, outfit)
    assert _is(picture, GREEN)[_inner(roles == ROLES.index("shirt"), 2)].mean() > 0.95
    assert 0.2 < (picture.min(axis=2) > 130)[_inner(roles == ROLES.index("trousers"))].mean() < 0.55


def test_shirts_of_all_people_end_at_one_height(studio: Studio) -> None:
    """No caption tells how long a shirt is, so a word must not mean two things at one place of the body."""
    picture, parts, roles = _shoot(studio, dataclasses.replace(OUTFIT, trousers=Cloth(RED)))
    rest = studio.rest
    hips, shoulder = rest["hips"].head[2], rest["left_upper_arm"].head[2]
    heights = hips + (shoulder - hips) * np.array((0.0, 0.10, 0.19))
    points, _ = studio.truth().camera.project(np.array([(0.0, -0.1, height) for height in heights]))
    column = int(points[0, 0])
    below_hips, below, above = (int(row) for row in points[:, 1])
    assert parts[[below_hips, below, above], column].all()
    for row, colour, role in ((below_hips, RED, "trousers"), (below, RED, "trousers"), (above, GREEN, "shirt")):
        assert _is(picture, colour)[row, column], role
        assert roles[row, column] == ROLES.index(role)


def test_sleeves_end_where_they_should(studio: Studio) -> None:
    long = _shoot(studio, OUTFIT)[2]
    short = _shoot(studio, dataclasses.replace(OUTFIT, sleeves=0.4))[2]
    shirt, skin = ROLES.index("shirt"), ROLES.index("skin")
    if not studio.wardrobe.can_shorten_sleeves:
        assert np.array_equal(long, short)
        return
    arms = (long == shirt) & (short == skin)
    assert arms.sum() > 0.1 * (long == shirt).sum()
    assert not ((short == shirt) & (long != shirt)).sum() > 0.02 * arms.sum()
    bones = studio.posed()
    camera = studio.truth().camera
    for side in ("left", "right"):
        joints = [bones[f"{side}_{name}"].head for name in ("upper_arm", "hand")]
        ends = [joints[0] + share * (joints[1] - joints[0]) for share in (0.25, 0.6)]
        (upper, fore), _ = camera.project(np.array(ends))
        assert short[int(upper[1]), int(upper[0])] == shirt and short[int(fore[1]), int(fore[0])] == skin
        assert long[int(fore[1]), int(fore[0])] == shirt


def test_nothing_of_the_skin_shows_through_clothes_in_a_strong_bend(studio: Studio) -> None:
    turns = {f"{side}_forearm": rotation(np.array((1.0, 0.0, 0.0)), -2.2) for side in ("left", "right")}
    studio.pose(turns | {name.replace("forearm", "hand"): turn for name, turn in turns.items()})
    picture, _, roles = _shoot(studio, OUTFIT)
    middle = np.zeros_like(roles, dtype=bool)
    middle[SIZE // 2 :, SIZE // 3 : -SIZE // 3] = True
    assert not ((roles == ROLES.index("skin")) & middle).any()
    assert picture.shape == (SIZE, SIZE, 3)
    studio.pose({})


def test_the_backdrop_is_new_in_each_picture(studio: Studio) -> None:
    """Around the person, too, where the render counts."""
    _shoot(studio, OUTFIT)
    picture = None
    for shade in (255, 0):
        studio.hang(np.full((SIZE, SIZE, 3), shade, dtype=np.uint8))
        truth = studio.truth()
        picture = studio.photograph(truth.person_mask)
    assert picture is not None
    rim = ~truth.person_mask & ~_inner(~truth.person_mask)
    assert np.median(picture[rim]) < 60 and not picture[_inner(~truth.person_mask, 5)].any()


def test_every_pattern_that_captions_name_can_be_worn() -> None:
    assert captions.PATTERNS == PATTERNS
