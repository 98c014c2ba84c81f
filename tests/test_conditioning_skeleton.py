# SPDX-License-Identifier: GPL-3.0-or-later
"""The skeleton has the colours, widths and order that pose ControlNets were trained on, from the published tables."""

from __future__ import annotations

from itertools import pairwise

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


# MediaPipe's hand: colour of each point and line, tuples as published.
MEDIAPIPE_POINTS = """0,1,5,9,13,17:48,48,255 2,3,4:180,229,255 6,7,8:128,64,128 10,11,12:0,204,255 14,15,16:48,255,48
18,19,20:192,101,21"""
MEDIAPIPE_COLOURS = {
    int(point): tuple(map(int, colour.split(",")))
    for points, colour in (row.split(":") for row in MEDIAPIPE_POINTS.split())
    for point in points.split(",")
}
MEDIAPIPE_PALM = "0-1 0-5 9-13 13-17 5-9 0-17"
MEDIAPIPE_FINGERS = """1-2-3-4:180,229,255 5-6-7-8:128,64,128 9-10-11-12:0,204,255 13-14-15-16:48,255,48
17-18-19-20:192,101,21"""


def rgb(text: str) -> np.ndarray:
    return np.array([int(value) for value in text.split(",")])


def edges(table: str) -> list[tuple[int, int, np.ndarray]]:
    rows = [row.split(":") for row in table.split()]
    return [(*map(int, pair.split("-")), rgb(colour)) for pair, colour in rows]


def person(body=None, left=None, right=None, face=None, hidden=(), hidden_hands=(), hidden_face=False) -> PersonPose:
    body = np.full((18, 2), np.nan) if body is None else np.asarray(body, dtype=float)
    face = np.full((70, 2), np.nan) if face is None else np.asarray(face, dtype=float)
    hands = {"left": left, "right": right}
    hands = {s: np.full((21, 2), np.nan) if h is None else np.asarray(h, dtype=float) for s, h in hands.items()}

    def words(points, hidden):
        there = ["occluded" if index in hidden else "visible" for index in range(len(points))]
        return ["absent" if np.isnan(point).any() else word for point, word in zip(points, there)]

    return PersonPose(
        "a",
        body,
        words(body, hidden),
        hands,
        {s: words(h, range(21) if s in hidden_hands else ()) for s, h in hands.items()},
        face,
        words(face, range(70) if hidden_face else ()),
    )


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


def whole_person(seed: int, centre: tuple[float, float], size: float) -> PersonPose:
    """Body, both hands and a face, their points at random about a centre; some lie between pixels, some outside."""
    random = np.random.default_rng(seed)
    at = np.array(centre)
    body = at + random.uniform(-size, size, (18, 2))
    hands = [at + offset + random.uniform(-size, size, (21, 2)) / 3 for offset in ([-size, 0], [size, 0])]
    return person(body, *hands, at - [0, size] + random.uniform(-size, size, (70, 2)) / 4)


def golden(people, width, height, style) -> np.ndarray:
    """The picture by the published tables alone, pixel by pixel around each shape, in complex numbers.

    ``touch``: OpenCV, which drew the pictures learnt from, fills every pixel that an outline touches (see
    ``test_limbs_cover_what_opencv_covers``).
    """
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    pixels, canvas, touch = x + 1j * y, np.zeros((height, width, 3), np.uint8), 0.45
    short, longest = min(width, height) / 512, max(width, height)
    body_scale = fine_scale = short
    if style == "xinsir":
        ratios = ((500, 1), (1000, 2), (2000, 3), (3000, 4), (4000, 5), (5000, 6), (np.inf, 7))
        body_scale, fine_scale = next(ratio for limit, ratio in ratios if longest < limit), 1

    def whole(points):
        return np.floor(points[:, 0]) + 1j * np.floor(points[:, 1])

    def around(*points):
        low, high = (np.array([f(p.real for p in points), f(p.imag for p in points)]).astype(int) for f in (min, max))
        (left, top), (right, bottom) = np.clip([low - 40, high + 40], 0, None)
        return canvas[top:bottom, left:right], pixels[top:bottom, left:right]

    def disc(at, radius, colour):
        canvas, pixels = around(at)
        canvas[abs(pixels - at) <= radius] = colour

    def line(a, b, half, colour):
        canvas, pixels = around(a, b)
        share = np.clip(((pixels - a) / (b - a)).real, 0, 1)
        canvas[abs(pixels - a - share * (b - a)) <= half + touch] = colour

    def limb(a, b, half, colour):
        canvas, pixels = around(a, b)
        middle = np.floor((a + b).real / 2) + 1j * np.floor((a + b).imag / 2)
        turned = (pixels - middle) * abs(b - a) / (b - a)
        inside = (turned.real / (abs(b - a) / 2 + touch)) ** 2 + (turned.imag / (half + touch)) ** 2 <= 1
        canvas[inside] = colour

    for each in people[::-1]:
        hands = [whole(each.hands[side]) for side in ("left", "right")]
        if style == "mediapipe-hands":
            for hand in hands:
                for pair in MEDIAPIPE_PALM.split():
                    a, b = map(int, pair.split("-"))
                    line(hand[a], hand[b], 2 * fine_scale, (128, 128, 128))
                for row in MEDIAPIPE_FINGERS.split():
                    chain, colour = row.split(":")
                    joints = [int(joint) for joint in chain.split("-")]
                    for a, b in pairwise(joints):
                        line(hand[a], hand[b], fine_scale, rgb(colour))
                for point in range(21):
                    disc(hand[point], 6 * fine_scale, (224, 224, 224))
                    disc(hand[point], 5 * fine_scale, MEDIAPIPE_COLOURS[point])
            continue
        body = whole(each.body)
        for a, b, colour in edges(LIMBS):
            limb(body[a], body[b], 4 * body_scale, colour)
        for point, colour in zip(body, JOINTS):
            disc(point, 4 * body_scale, rgb(colour))
        for hand in hands:
            for a, b, colour in edges(HAND):
                line(hand[a], hand[b], fine_scale, colour)
            for point in hand:
                disc(point, 4 * fine_scale, (0, 0, 255))
        for point in whole(each.face):
            disc(point, 3 * fine_scale, (255, 255, 255))
    return canvas


@pytest.mark.parametrize(("width", "height"), [(512, 512), (1024, 1024), (384, 640)])
@pytest.mark.parametrize("style", ["classic", "xinsir", "mediapipe-hands"])
def test_golden_pictures_of_two_people(style, width, height):
    """Two people who overlap, the nearer first: every pixel as the tables say, hand colours to within rounding."""
    size = min(width, height) / 3
    people = [whole_person(1, (0.4 * width, 0.5 * height), size), whole_person(2, (0.6 * width, 0.45 * height), size)]
    drawn = draw_skeleton(people, width, height, SkeletonSettings(style)).astype(int)
    expected = golden(people, width, height, style)
    assert expected.any(axis=2).mean() > 0.03, "the picture tests nothing"
    wrong = (np.abs(drawn - expected) > 1).any(axis=2)
    assert not wrong.any(), np.argwhere(wrong)[:5]
    swapped = draw_skeleton(people[::-1], width, height, SkeletonSettings(style))
    assert (swapped != drawn).any()


# Pixels that OpenCV 5.0 fills in 24 directions, as measured, without the discs at both ends.
OPENCV_LIMBS = [("classic", 512, 50, 8106), ("classic", 512, 120, 20514), ("xinsir", 1024, 120, 51658)]
OPENCV_LINES = [("classic", (255, 0, 0), 3180), ("mediapipe-hands", (128, 128, 128), 4404)]


def directions(length: float) -> list[list[tuple[int, int]]]:
    angles = np.arange(24) * np.pi / 12
    return [[(150, 150), (150 + round(length * np.cos(a)), 150 + round(length * np.sin(a)))] for a in angles]


@pytest.mark.parametrize(("style", "size", "length", "pixels"), OPENCV_LIMBS)
def test_limbs_cover_what_opencv_covers(style, size, length, pixels):
    pictures = [
        draw_skeleton([person(only(3, 4, at=ends))], size, size, SkeletonSettings(style)) for ends in directions(length)
    ]
    assert sum((picture == [153, 153, 0]).all(axis=2).sum() for picture in pictures) == pytest.approx(pixels, rel=0.05)


@pytest.mark.parametrize(("style", "colour", "pixels"), OPENCV_LINES)
def test_lines_cover_what_opencv_covers(style, colour, pixels):
    """Thickness 2 of a hand's edge, thickness 3 of a MediaPipe palm's."""
    hands = [person(left=only(0, 1, count=21, at=ends)) for ends in directions(50)]
    pictures = [draw_skeleton([hand], 512, 512, SkeletonSettings(style)) for hand in hands]
    assert sum((picture == colour).all(axis=2).sum() for picture in pictures) == pytest.approx(pixels, rel=0.05)


@pytest.mark.parametrize("scale", [1, 2])
def test_face_points_are_white_dots_over_everything(scale):
    """All 70, radius 3 at 512, no lines between them."""
    at = np.array([(20.5 + 16 * (i % 10), 20.5 + 16 * (i // 10)) for i in range(70)]) * scale
    hand = np.tile(at[33], (21, 1))
    picture = draw_skeleton([person(left=hand, face=at)], 512 * scale, 512 * scale)
    white = (picture == 255).all(axis=2)
    assert white.sum() == 70 * {1: 29, 2: 113}[scale]
    for x, y in at.astype(int):
        assert white[y, x - 3 * scale : x + 3 * scale + 1].all() and not white[y, x + 3 * scale + 1]
    body_thick = draw_skeleton([person(face=at)], 512 * scale, 512 * scale, SkeletonSettings("xinsir"))
    assert (body_thick == 255).all(axis=2).sum() == 70 * 29
    assert not draw_skeleton([person(face=at)], 512, 512, SkeletonSettings(face=False)).any()
    assert not draw_skeleton([person(face=at)], 512, 512, SkeletonSettings("mediapipe-hands")).any()


def test_a_wholly_hidden_hand_is_drawn_on_demand_only():
    hand = ring(21)
    hidden = person(left=hand, hidden_hands=("left",))
    for style in ("classic", "xinsir", "mediapipe-hands"):
        assert not draw_skeleton([hidden], 512, 512, SkeletonSettings(style)).any()
        demanded = draw_skeleton([hidden], 512, 512, SkeletonSettings(style, hidden_hands=True))
        np.testing.assert_array_equal(demanded, draw_skeleton([person(left=hand)], 512, 512, SkeletonSettings(style)))


def test_a_hand_of_which_a_finger_is_seen_is_drawn_whole():
    hand = person(left=ring(21), hidden_hands=("left",))
    hand.hand_visibility["left"][8] = "visible"
    whole = draw_skeleton([person(left=ring(21))], 512, 512)
    for occluded in (True, False):
        np.testing.assert_array_equal(draw_skeleton([hand], 512, 512, SkeletonSettings(occluded=occluded)), whole)
    hand.hand_visibility["left"][0], hand.hand_visibility["left"][8] = "visible", "occluded"
    assert not draw_skeleton([hand], 512, 512).any(), "a wrist at the pocket's edge is the forearm's"


NOSE, RIGHT_EYE, LEFT_EYE, RIGHT_EAR, LEFT_EAR = 0, 14, 15, 16, 17


@pytest.mark.parametrize(
    ("hidden", "left_out"),
    [
        ({NOSE, RIGHT_EYE, LEFT_EYE}, {NOSE, RIGHT_EYE, LEFT_EYE}),  # seen from behind
        ({NOSE, RIGHT_EYE, LEFT_EYE, LEFT_EAR}, {NOSE, RIGHT_EYE, LEFT_EYE, LEFT_EAR}),  # from behind, aside
        ({LEFT_EYE, LEFT_EAR}, {LEFT_EAR}),  # in profile
        ({NOSE}, set()),  # a hand before the nose
        ({NOSE, RIGHT_EYE, LEFT_EYE, RIGHT_EAR, LEFT_EAR}, set()),  # a thing before the head
        ({4, 8}, set()),
    ],
)
def test_what_the_own_head_hides_is_left_out(hidden, left_out):
    """A head seen from behind must not be given a face."""
    picture = draw_skeleton([person(ring(18), hidden=hidden)], 512, 512)
    seen = {joint for joint in range(18) if (picture == rgb(JOINTS[joint])).all(axis=2).sum() == 49}
    assert seen == set(range(18)) - left_out


def test_a_face_is_drawn_while_some_of_it_is_seen():
    dots = ring(70, radius=100)
    half = person(ring(18), face=dots, hidden_face=True)
    half.face_visibility[:35] = ["visible"] * 35
    white = (255, 255, 255)
    assert (draw_skeleton([half], 512, 512) == white).all(axis=2).any()
    unseen = person(ring(18), face=dots, hidden_face=True)
    assert not (draw_skeleton([unseen], 512, 512) == white).all(axis=2).any()
    away = person(ring(18), face=dots, hidden={NOSE, RIGHT_EYE, LEFT_EYE})
    away.face_visibility[20:] = ["occluded"] * 50  # the jaw at the ears is seen past the neck
    assert not (draw_skeleton([away], 512, 512) == white).all(axis=2).any()


def test_everybody_absent_is_black():
    assert not draw_skeleton([person()], 64, 48).any()
    assert draw_skeleton([], 64, 48).shape == (48, 64, 3)
