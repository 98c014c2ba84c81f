# SPDX-License-Identifier: GPL-3.0-or-later
"""The skeleton has the colours, widths and order that pose ControlNets were trained on, from the published tables."""

from __future__ import annotations

import numpy as np
import pytest

from handdiff_addon.conditioning.frame import PersonPose
from handdiff_addon.conditioning.skeleton import draw_skeleton, xinsir_ratio
from handdiff_addon.request import SkeletonSettings

# Joint colours, and pairs with drawn colours, as published; index = COCO-18 point.
JOINTS = [
    "255,0,0", "255,85,0", "255,170,0", "255,255,0", "170,255,0", "85,255,0", "0,255,0", "0,255,85", "0,255,170",
    "0,255,255", "0,170,255", "0,85,255", "0,0,255", "85,0,255", "170,0,255", "255,0,255", "255,0,170", "255,0,85",
]  # fmt: skip
LIMBS = """1-2:153,0,0 1-5:153,51,0 2-3:153,102,0 3-4:153,153,0 5-6:102,153,0 6-7:51,153,0 1-8:0,153,0 8-9:0,153,51
9-10:0,153,102 1-11:0,153,153 11-12:0,102,153 12-13:0,51,153 1-0:0,0,153 0-14:51,0,153 14-16:102,0,153 0-15:153,0,153
15-17:153,0,102"""
HAND = """0-1:255,0,0 1-2:255,77,0 2-3:255,153,0 3-4:255,229,0 0-5:204,255,0 5-6:128,255,0 6-7:51,255,0 7-8:0,255,25
0-9:0,255,102 9-10:0,255,179 10-11:0,255,255 11-12:0,178,255 0-13:0,102,255 13-14:0,25,255 14-15:51,0,255
15-16:128,0,255 0-17:204,0,255 17-18:255,0,230 18-19:255,0,153 19-20:255,0,77"""


def rgb(text: str) -> np.ndarray:
    return np.array([int(value) for value in text.split(",")])


def edges(table: str) -> list[tuple[int, int, np.ndarray]]:
    rows = [row.split(":") for row in table.split()]
    return [(*map(int, pair.split("-")), rgb(colour)) for pair, colour in rows]


def person(body=None, left=None, right=None, hidden=()) -> PersonPose:
    body = np.full((18, 2), np.nan) if body is None else np.asarray(body, dtype=float)
    hands = {"left": left, "right": right}
    hands = {s: np.full((21, 2), np.nan) if h is None else np.asarray(h, dtype=float) for s, h in hands.items()}

    def words(points):
        there = ["occluded" if index in hidden else "visible" for index in range(len(points))]
        return ["absent" if np.isnan(point).any() else word for point, word in zip(points, there)]

    return PersonPose("a", body, words(body), hands, {s: words(h) for s, h in hands.items()})


def ring(count: int, size: int = 512, radius: float = 200.0) -> np.ndarray:
    """Points on a circle: no three on a line, so each limb's middle is seen where few limbs cross."""
    angle = np.arange(count) * 2 * np.pi / count
    return size / 2 + radius * np.stack([np.sin(angle), -np.cos(angle)], axis=1)


def only(*indices: int, count: int = 18, at=None) -> np.ndarray:
    points = np.full((count, 2), np.nan)
    points[list(indices)] = (ring(count) if at is None else at)[list(indices)] if at is None else at
    return points


@pytest.mark.parametrize("joint", range(18))
def test_joints_are_discs_of_nine_pixels_in_their_colour(joint):
    picture = draw_skeleton([person(only(joint, at=[[100.7, 60.2]]))], 512, 512)
    rows, columns = np.nonzero(picture.any(axis=2))
    assert len(rows) == 49
    assert (columns.min(), columns.max(), rows.min(), rows.max()) == (96, 104, 56, 64)
    np.testing.assert_array_equal(picture[60, 100], rgb(JOINTS[joint]))


@pytest.mark.parametrize(("a", "b", "colour"), edges(LIMBS))
def test_limbs(a, b, colour):
    """Each of the 17 pairs, alone: its colour, its width of 9 pixels in the middle, its tips."""
    picture = draw_skeleton([person(only(a, b, at=[[100.5, 60.5], [100.5, 200.5]]))], 512, 512)
    np.testing.assert_array_equal(picture[130, 96:105], np.tile(colour, (9, 1)))
    assert not picture[130, [95, 105]].any()
    assert picture[:, 100].any(axis=1).sum() == 200 - 60 + 9
    assert not picture[:, :95].any()


def test_a_limb_between_pixels_is_as_wide():
    picture = draw_skeleton([person(only(2, 3, at=[[100, 60], [101, 200]]))], 512, 512)
    assert picture[130].any(axis=1).sum() == 9


def test_shoulder_to_ear_and_every_other_pair_stay_undrawn():
    drawn = {frozenset(edge[:2]) for edge in edges(LIMBS)}
    for a in range(18):
        for b in range(a):
            picture = draw_skeleton([person(only(a, b, at=[[100, 60], [100, 200]]))], 256, 256)
            assert picture[130, 100].any() == (frozenset((a, b)) in drawn), (a, b)


def test_later_limbs_cover_earlier_ones_and_joints_cover_limbs():
    body = np.full((18, 2), np.nan)
    body[[1, 2, 5]] = [[60, 100], [160, 100], [160, 100]]  # both shoulders at one place
    picture = draw_skeleton([person(body)], 512, 512)
    np.testing.assert_array_equal(picture[100, 110], [153, 51, 0])
    np.testing.assert_array_equal(picture[100, 160], rgb(JOINTS[5]))


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize(("a", "b", "colour"), edges(HAND))
def test_hand_edges(side, a, b, colour):
    """All 20 edges on both hands: colour of the wheel to within rounding, three pixels wide, blue joints."""
    points = only(a, b, count=21, at=[[100.5, 60.5], [100.5, 120.5]])
    picture = draw_skeleton([person(**{side: points})], 512, 512).astype(int)
    assert np.abs(picture[90, 99:102] - colour).max() <= 1
    assert not picture[90, [98, 102]].any()
    for row in (60, 120):
        np.testing.assert_array_equal(picture[row, 96:105], np.tile([0, 0, 255], (9, 1)))


def test_absent_joints_drop_their_limbs_only():
    body = ring(18)
    whole = draw_skeleton([person(body)], 512, 512)
    body[3] = np.nan
    lacking = draw_skeleton([person(body)], 512, 512)
    for colour, expected in ((JOINTS[3], 0), ("153,102,0", 0), ("153,153,0", 0), (JOINTS[4], 49)):
        assert (lacking == rgb(colour)).all(axis=2).sum() == expected
        assert (whole == rgb(colour)).all(axis=2).any()


def test_limbs_to_joints_outside_are_clipped_at_the_frame():
    body = only(2, 3, at=[[100, 100], [100, -700]])
    picture = draw_skeleton([person(body)], 512, 512)
    column = picture[:, 100]
    np.testing.assert_array_equal(column[:90], np.tile([153, 102, 0], (90, 1)))
    far = draw_skeleton([person(only(2, 3, at=[[-9e5, 100], [9e5, 100]]))], 512, 512)
    assert far[100].any(axis=1).all()


def test_occluded_joints_are_optional():
    pose = person(ring(18), hidden={4})
    assert (draw_skeleton([pose], 512, 512) == rgb(JOINTS[4])).all(axis=2).any()
    without = draw_skeleton([pose], 512, 512, SkeletonSettings(occluded=False))
    assert not (without == rgb(JOINTS[4])).all(axis=2).any()
    assert not (without == rgb("153,153,0")).all(axis=2).any()


def test_nearer_people_lie_over_farther_ones():
    near, far = person(only(0, at=[[50, 50]])), person(only(1, at=[[50, 50]]))
    np.testing.assert_array_equal(draw_skeleton([near, far], 100, 100)[50, 50], rgb(JOINTS[0]))
    np.testing.assert_array_equal(draw_skeleton([far, near], 100, 100)[50, 50], rgb(JOINTS[1]))


@pytest.mark.parametrize(("width", "height", "across"), [(512, 512, 9), (1024, 2048, 17), (256, 300, 5), (768, 512, 9)])
def test_classic_strokes_follow_the_short_side(width, height, across):
    picture = draw_skeleton([person(only(1, 2, at=[[100.5, 20.5], [100.5, 220.5]]))], width, height)
    assert picture[120].any(axis=1).sum() == across


@pytest.mark.parametrize(
    ("longest", "ratio"),
    [(499, 1), (500, 2), (999, 2), (1000, 3), (1999, 3), (2000, 4), (3000, 5), (4000, 6), (5000, 7), (9000, 7)],
)
def test_xinsir_ratio(longest, ratio):
    assert xinsir_ratio(longest, 64) == xinsir_ratio(64, longest) == ratio


def test_xinsir_thickens_limbs_and_body_joints_not_hands():
    body = only(1, 2, at=[[100.5, 20.5], [100.5, 320.5]])
    hand = only(0, count=21, at=[[400.5, 400.5]])
    picture = draw_skeleton([person(body, left=hand)], 1024, 1024, SkeletonSettings("xinsir"))
    assert picture[170].any(axis=1).sum() == 25
    assert (picture[320] == rgb(JOINTS[2])).all(axis=1).sum() == 25
    assert picture[400].any(axis=1).sum() == 9


def test_everybody_absent_is_black():
    assert not draw_skeleton([person()], 64, 48).any()
    assert draw_skeleton([], 64, 48).shape == (48, 64, 3)
