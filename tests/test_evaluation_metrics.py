# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of one picture, on hands, bodies and pictures whose figures are known."""

from __future__ import annotations

import numpy as np
import pytest

from handdiff_addon.evaluation.colour import dim
from handdiff_addon.evaluation.metrics import (
    assign_hands,
    body_hits,
    colours_found,
    hand_pck,
    is_covered,
    joint_angle_errors,
    light_of,
    mask_iou,
    seam,
    torso,
    wrist_step,
)
from handdiff_addon.palettes import PALETTES
from handdiff_addon.rig.keypoints import BODY_INDEX


def make_hand(x: float, y: float, size: float = 40.0) -> np.ndarray:
    """A flat hand with straight fingers pointing up, its box exactly ``size`` high: wrist at the bottom."""
    points = [(0.0, 1.0)]
    for finger in range(5):
        column = -0.3 + 0.15 * finger
        points += [(column, height) for height in (0.6, 0.4, 0.2, 0.0)]
    return np.array(points) * size + (x, y)


# --- hands ------------------------------------------------------------------------------------------------------------


def test_each_seen_hand_goes_to_the_rigs_hand_that_it_lies_on() -> None:
    truth = {"left": make_hand(100, 50), "right": make_hand(30, 50)}
    assert assign_hands(truth, [truth["right"] + 2, truth["left"] - 2]) == {"right": 0, "left": 1}
    assert assign_hands(truth, [truth["left"] + 1]) == {"left": 0}
    assert assign_hands(truth, []) == {}


def test_one_seen_hand_between_two_is_given_once_and_to_the_nearer() -> None:
    truth = {"left": make_hand(44, 50), "right": make_hand(30, 50)}
    assert assign_hands(truth, [make_hand(40, 50)]) == {"left": 0}


def test_the_assignment_finds_most_hands_before_least_distance() -> None:
    # The first seen hand is nearest to the left one, but only by taking the right one are both found.
    truth = {"left": make_hand(40, 50), "right": make_hand(30, 50)}
    seen = [make_hand(39, 50), make_hand(58, 50)]  # the second is 18 from the left hand, 28 from the right
    assert assign_hands(truth, seen) == {"right": 0, "left": 1}


def test_a_hand_further_off_than_half_its_box_is_not_found() -> None:
    truth = {"left": make_hand(50, 50)}
    assert assign_hands(truth, [truth["left"] + (19.9, 0)]) == {"left": 0}
    assert assign_hands(truth, [truth["left"] + (20.1, 0)]) == {}


def test_pck_counts_points_within_a_fifth_of_the_hands_box() -> None:
    truth = make_hand(50, 50)  # box 40: within 8 pixels
    seen = truth.copy()
    seen[:7, 0] += 8.5
    seen[7:, 0] += 7.5
    every = np.ones(21, bool)
    assert hand_pck(truth, seen, every) == pytest.approx(14 / 21)
    assert hand_pck(truth, seen, np.arange(21) >= 7) == 1.0
    assert hand_pck(truth, None, every) == 0.0


def test_joint_angles_are_the_bends_in_the_picture() -> None:
    truth = make_hand(50, 90)
    assert joint_angle_errors(truth, truth) == pytest.approx(np.zeros(15))
    assert joint_angle_errors(truth, truth * 3 + 7) == pytest.approx(np.zeros(15), abs=1e-9)
    bent = truth.copy()
    bent[8] = bent[7] + (8.0, 0.0)  # the index finger's last bone turns from up to the right: 90 degrees at that joint
    errors = joint_angle_errors(truth, bent).reshape(5, 3)
    assert errors[1, 2] == pytest.approx(90.0)
    assert np.delete(errors.ravel(), 5) == pytest.approx(np.zeros(14), abs=1e-9)
    mirrored = truth.copy()
    mirrored[8] = mirrored[7] + (-8.0, 0.0)  # bent to the other side, the difference is a half turn
    assert joint_angle_errors(bent, mirrored).reshape(5, 3)[1, 2] == pytest.approx(180.0)


def test_a_bone_that_points_at_the_camera_has_no_angle() -> None:
    truth = make_hand(50, 90)
    truth[12] = truth[11] + (0.5, 0.0)  # the middle finger's last bone
    errors = joint_angle_errors(truth, make_hand(50, 90)).reshape(5, 3)
    assert np.isnan(errors[2, 2]) and np.isfinite(np.delete(errors.ravel(), 8)).all()


# --- body -------------------------------------------------------------------------------------------------------------


def test_body_joints_within_a_tenth_of_the_torso_are_hits() -> None:
    truth = np.zeros((18, 2))
    truth[BODY_INDEX["right_shoulder"]], truth[BODY_INDEX["left_hip"]] = (0, 0), (60, 80)  # 100 pixels apart
    truth[BODY_INDEX["left_shoulder"]], truth[BODY_INDEX["right_hip"]] = (60, 0), (0, 79)  # a little less
    assert torso(truth) == pytest.approx(100.0)
    seen = truth.copy()
    seen[0] += (9.9, 0.0)
    seen[1] += (10.1, 0.0)
    seen[2] = np.nan
    counted = np.arange(18) < 4
    assert body_hits(truth, seen, counted).tolist() == [True, False, False, True]
    assert body_hits(truth, None, counted).tolist() == [False] * 4


# --- masks, colours, seams --------------------------------------------------------------------------------------------


def test_mask_iou() -> None:
    first, second = np.zeros((10, 10), bool), np.zeros((10, 10), bool)
    assert np.isnan(mask_iou(first, second))
    first[:, :6], second[:, 4:] = True, True
    assert mask_iou(first, second) == pytest.approx(2 / 10)


def test_colours_are_looked_for_in_their_own_region() -> None:
    palettes = {
        "shirt": {"red": (200, 36, 40), "blue": (42, 84, 190)},
        "trousers": {"red": (200, 36, 40), "blue": (42, 84, 190)},
    }
    picture = np.zeros((40, 40, 3), np.uint8)
    picture[:20], picture[20:] = (190, 40, 40), (50, 80, 180)
    shirt = np.zeros((40, 40), bool)
    shirt[:20] = True
    regions = {"shirt": shirt, "trousers": ~shirt}
    named = {"shirt": "red", "trousers": "red"}
    lights = {"shirt": 1.0, "trousers": 1.0}
    assert colours_found(picture, regions, named, palettes, lights) == {"shirt": True, "trousers": False}
    few = np.zeros((40, 40), bool)
    few[0, :20] = True
    assert colours_found(picture, {"shirt": few}, named, palettes, lights) == {}


def test_a_colour_in_the_shade_is_told_by_how_the_render_dims_its_own() -> None:
    tones = {"skin": {"fair": (234, 190, 162), "olive": (180, 138, 98)}}
    region = np.ones((20, 20), bool)
    shaded = np.full((20, 20, 3), dim(tones["skin"]["fair"], 0.55).round(), np.uint8)
    share = light_of(shaded, region, tones["skin"]["fair"])
    assert share == pytest.approx(0.55, abs=0.02)
    regions, named = {"skin": region}, {"skin": "fair"}
    assert colours_found(shaded, regions, named, tones, {"skin": share}) == {"skin": True}
    assert colours_found(shaded, regions, named, tones, {"skin": 1.0}) == {"skin": False}
    assert light_of(shaded, region, (20, 20, 20)) == 1.0  # gloss is no light
    assert light_of(shaded, ~region, (20, 20, 20)) == 1.0


@pytest.mark.parametrize("brightness", [0.5, 1.0, 2.0])
def test_a_picture_may_be_in_another_light_than_the_render(brightness: float) -> None:
    """What a person wears tells the light that their skin is in; a wrong colour stays wrong."""
    named = {"skin": "olive", "shirt": "blue", "trousers": "grey", "background": "teal"}
    lights = {"skin": 0.4, "shirt": 0.5, "trousers": 0.45, "background": 1.0}
    picture = np.zeros((40, 40, 3), np.uint8)
    regions = {}
    for index, role in enumerate(named):
        regions[role] = np.zeros((40, 40), bool)
        regions[role][10 * index : 10 * (index + 1)] = True
        share = lights[role] if role == "background" else brightness * lights[role]
        picture[regions[role]] = dim(PALETTES[role][named[role]], share).round()
    assert all(colours_found(picture, regions, named, PALETTES, lights).values())
    assert not colours_found(picture, regions, named | {"skin": "fair"}, PALETTES, lights)["skin"]
    assert not colours_found(picture, regions, named | {"skin": "brown"}, PALETTES, lights)["skin"]
    alone = {"skin": "olive"}
    assert colours_found(picture, regions, alone, PALETTES, lights)["skin"] == (brightness == 1.0)


def disc(centre: float, radius: float) -> np.ndarray:
    rows, columns = np.indices((64, 64))
    return np.hypot(rows + 0.5 - centre, columns + 0.5 - centre) <= radius


def test_a_seam_is_a_step_across_the_boundary_and_nothing_else() -> None:
    hand = disc(32, 14)
    flat = np.full((64, 64, 3), 128, np.uint8)
    assert seam(flat, hand, 2) == 0.0
    step = flat.copy()
    step[hand] = 168
    ramp = np.repeat(np.linspace(60, 200, 64).astype(np.uint8)[:, None, None], 64, axis=1).repeat(3, axis=2)
    rest = np.repeat(np.arange(64)[:, None], 64, axis=1) % 2  # stripes away from the boundary
    far = step.copy()
    far[~disc(32, 20)] += (20 * rest[~disc(32, 20)]).astype(np.uint8)[:, None]
    assert seam(step, hand, 2) > 1.5 * seam(ramp, hand, 2) > 0.0
    assert seam(far, hand, 2) == pytest.approx(seam(step, hand, 2))
    assert np.isnan(seam(flat, np.zeros((64, 64), bool), 2))


def test_a_seam_beside_the_boundary_adds_to_the_boundarys_own_edge() -> None:
    hand = disc(32, 14)
    clean = np.full((64, 64, 3), 80, np.uint8)
    clean[hand] = 160
    patched = clean.copy()
    patched[disc(32, 16) & ~hand] = 30  # a rim of another background around a pasted hand
    assert seam(patched, hand, 3) > 1.05 * seam(clean, hand, 3)


def test_the_step_at_the_wrist_is_the_difference_of_the_medians_near_it() -> None:
    picture = np.zeros((60, 60, 3), np.uint8)
    hand, forearm = np.zeros((60, 60), bool), np.zeros((60, 60), bool)
    hand[10:30, 20:40], forearm[30:55, 20:40] = True, True
    picture[hand], picture[forearm] = 255, 0
    wrist = np.array([30.0, 30.0])
    assert wrist_step(picture, hand, forearm, wrist, reach=8.0) == pytest.approx(100.0)  # white to black
    picture[hand] = picture[forearm] = (180, 138, 98)
    picture[:15] = 0  # fingertips are beyond the reach
    assert wrist_step(picture, hand, forearm, wrist, reach=8.0) == 0.0
    assert np.isnan(wrist_step(picture, hand, np.zeros_like(hand), wrist, reach=8.0))


def test_a_sleeve_where_the_render_has_a_bare_forearm_is_told_by_its_colour() -> None:
    picture = np.zeros((30, 30, 3), np.uint8)
    forearm, shirt, hand = (np.zeros((30, 30), bool) for _ in range(3))
    forearm[:10], shirt[10:20], hand[20:] = True, True, True
    picture[shirt], picture[hand] = (40, 80, 180), (210, 160, 120)
    picture[forearm] = (60, 90, 170)
    assert is_covered(picture, forearm, shirt, hand)
    picture[forearm] = (150, 110, 80)  # skin, if much darker than the hand: a step, and no sleeve
    assert not is_covered(picture, forearm, shirt, hand)
    assert not is_covered(picture, forearm, shirt, np.zeros_like(hand))
