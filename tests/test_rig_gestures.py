# SPDX-License-Identifier: GPL-3.0-or-later
"""Gestures are what their names say, on hands of any proportions, rest pose, bone roll and side."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pytest

from handdiff_addon.errors import SceneError
from handdiff_addon.request import SIDES, Side
from handdiff_addon.rig.bones import PARENTS, Bone
from handdiff_addon.rig.fingers import hand_frame, solve_fingers
from handdiff_addon.rig.gestures import GESTURES, HandPose, blend
from handdiff_addon.rig.keypoints import FINGERS
from handdiff_addon.rig.rotations import rotation

HANDS = {
    # First joints in the hand's own coordinates and lengths of the bones, both in mm: two real rigs' proportions.
    "makehuman": (
        [(35, 23, 3), (98, 25, 4), (97, 0, 0), (91, -19, 0), (83, -36, 4)],
        [(30.9, 36.2, 28.0), (25.8, 23.1, 27.0), (33.8, 27.6, 27.0), (29.7, 24.8, 26.7), (21.3, 15.6, 19.9)],
    ),
    "rigify": (
        [(31, 22, 22), (111, 23, 4), (111, 0, 0), (108, -24, -1), (105, -49, 4)],
        [(41.7, 33.4, 20.8), (45.0, 28.2, 22.8), (49.5, 32.2, 22.7), (44.8, 31.8, 18.5), (27.9, 22.6, 15.0)],
    ),
}
SPREADS = (40.0, 6.0, 0.0, -8.0, -18.0)
"""Of the resting fingers to the thumb's side, degrees"""

STRAIGHT = {
    "call": {"little"}, "dislike": set(), "fist": set(), "four": {"index", "middle", "ring", "little"}, "like": set(),
    "mute": {"index"}, "ok": {"middle", "ring", "little"}, "one": {"index"},
    "palm": {"index", "middle", "ring", "little"}, "peace": {"index", "middle"}, "peace_inverted": {"index", "middle"},
    "rock": {"index", "little"}, "stop": {"index", "middle", "ring", "little"},
    "stop_inverted": {"index", "middle", "ring", "little"}, "three": {"index", "middle", "ring"},
    "three2": {"index", "middle"}, "two_up": {"index", "middle"}, "two_up_inverted": {"index", "middle"},
}  # fmt: skip
"""Fingers that HaGRID's gestures stretch"""
THUMB_OUT = {"call", "dislike", "like", "palm", "three2"}


def _rest(kind: str, side: Side = "left", bend: float = 8.0, seed: int = 0) -> dict[str, Bone]:
    """A hand at rest, each finger joint bent by ``bend`` degrees, turned and rolled at random."""
    rng = np.random.default_rng(seed)
    place = rotation(*_axis_angle(rng)), rng.normal(0.0, 0.5, 3)
    mirror = np.diag([-1.0, 1.0, 1.0]) if side == "right" else np.eye(3)
    along, thumb_side, palm = np.eye(3)
    points = {f"{side}_hand": np.array([0.0 * along, 0.09 * along])}
    for finger, base, lengths, spread in zip(FINGERS, *HANDS[kind], SPREADS, strict=True):
        turn = np.radians(spread)
        direction = np.cos(turn) * along + np.sin(turn) * thumb_side
        inwards = palm if finger != "thumb" else np.cross(direction, palm)
        joint = np.array(base) / 1000.0
        for k, length in enumerate(lengths):
            angle = np.radians(bend * (k + 1))
            tip = joint + length / 1000.0 * (np.cos(angle) * direction + np.sin(angle) * inwards)
            points[f"{side}_{finger}_{k + 1}"] = np.array([joint, tip])
            joint = tip
    bones = {}
    for name, ends in points.items():
        head, tail = ends @ place[0].T @ mirror + place[1]
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = rotation(*_axis_angle(rng)), head
        bones[name] = Bone(name, PARENTS[name], head, tail, matrix)
    return bones


def _axis_angle(rng: np.random.Generator) -> tuple[np.ndarray, float]:
    axis = rng.normal(size=3)
    return axis / np.linalg.norm(axis), float(rng.uniform(-3.0, 3.0))


def _posed(hand: HandPose, rest: Mapping[str, Bone], side: Side = "left") -> dict[str, np.ndarray]:
    """Joints and tip of every finger after forward kinematics, (n, 3) in the hand's own coordinates, metres."""
    rotations = solve_fingers(hand, rest, side)
    frame, wrist = hand_frame(rest, side), rest[f"{side}_hand"].head
    result = {}
    for finger in FINGERS:
        chain = [rest[name] for k in (1, 2, 3) if (name := f"{side}_{finger}_{k}") in rest]
        if chain:
            heads = [bone.head for bone in chain] + [chain[-1].tail]
            steps = [rotations[bone.name] @ (after - bone.head) for bone, after in zip(chain, heads[1:], strict=True)]
            result[finger] = (np.cumsum([heads[0], *steps], axis=0) - wrist) @ frame
    return result


def _reach(points: np.ndarray) -> float:
    """Distance from the first joint to the tip in lengths of the finger."""
    return float(np.linalg.norm(points[-1] - points[0]) / np.linalg.norm(np.diff(points, axis=0), axis=1).sum())


@pytest.fixture(params=HANDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


def test_the_eighteen_gestures_of_hagrid_are_there() -> None:
    assert set(GESTURES) == set(STRAIGHT) and len(GESTURES) == 18


@pytest.mark.parametrize("name", GESTURES)
def test_the_right_fingers_are_straight(kind: str, name: str) -> None:
    posed = _posed(GESTURES[name].hand, _rest(kind))
    for finger in FINGERS[1:]:
        if finger in STRAIGHT[name]:
            assert _reach(posed[finger]) > 0.97, finger
            assert posed[finger][-1][0] > posed[finger][0][0] + 0.05, f"{finger} points along the hand"
        elif (name, finger) != ("ok", "index"):
            assert _reach(posed[finger]) < 0.65, finger
    towards = posed["thumb"][-1] - posed["thumb"][-2]
    out = towards[1] / np.linalg.norm(towards)
    assert (out > 0.6) == (name in THUMB_OUT), f"the thumb goes {out:.2f} to its side"


@pytest.mark.parametrize("name", GESTURES)
def test_curled_fingers_stay_in_front_of_the_palm(kind: str, name: str) -> None:
    for finger, points in _posed(GESTURES[name].hand, _rest(kind)).items():
        if finger != "thumb":
            assert points[:, 2].min() > -0.004, f"{finger} goes behind the knuckles"
        if finger not in {"thumb", *STRAIGHT[name]}:
            assert points[-1][2] > 0.010, f"the tip of {finger} lies in the palm"
            assert points[1:, 2].max() > 0.015, finger


def test_the_ring_of_ok_is_closed(kind: str) -> None:
    for bend in (0.0, 20.0):
        posed = _posed(GESTURES["ok"].hand, _rest(kind, bend=bend))
        assert np.linalg.norm(posed["thumb"][-1] - posed["index"][-1]) < 0.010
        assert min(posed["thumb"][-1][2], posed["index"][-1][2]) > 0.03, "a ring, not a pinch at the palm"


@pytest.mark.parametrize(
    ("name", "finger", "bone"),
    [("fist", "middle", 1), ("one", "middle", 1), ("peace", "ring", 1), ("three", "little", 2)],
)
def test_the_thumb_lies_on_the_curled_fingers(kind: str, name: str, finger: str, bone: int) -> None:
    posed = _posed(GESTURES[name].hand, _rest(kind))
    start, end = posed[finger][bone : bone + 2]
    tip = posed["thumb"][-2] + 0.7 * (posed["thumb"][-1] - posed["thumb"][-2])
    nearest = start + np.clip((tip - start) @ (end - start) / ((end - start) @ (end - start)), 0.0, 1.0) * (end - start)
    assert 0.009 < np.linalg.norm(tip - nearest) < 0.019, "as far as two halves of a finger's thickness"
    assert tip[2] > nearest[2], "on the back of the finger, in front"


def test_the_thumb_of_four_lies_on_the_palm(kind: str) -> None:
    thumb = _posed(GESTURES["four"].hand, _rest(kind))["thumb"]
    assert thumb[-1][1] < 0.01 and 0.0 < thumb[-1][2] < 0.035


def test_spread_fingers_are_spread_and_joined_ones_touch(kind: str) -> None:
    def apart(name: str, first: str, second: str) -> float:
        """From the outer finger's middle to the line of the other."""
        posed = _posed(GESTURES[name].hand, _rest(kind))
        base, *_, tip = posed[second]
        line = (tip - base) / np.linalg.norm(tip - base)
        return float(np.linalg.norm(np.cross(posed[first][2] - base, line)))

    thick = 0.156 * (0.095 if kind == "makehuman" else 0.113)
    for name, pairs in {"stop": ["index middle", "ring middle", "little ring"], "two_up": ["index middle"]}.items():
        for pair in pairs:
            assert 0.7 * thick < apart(name, *pair.split()) < 1.3 * thick, (name, pair)
    assert apart("palm", "index", "middle") > 2.0 * thick < apart("peace", "index", "middle")


def test_hands_are_held_as_the_gestures_mean() -> None:
    """Thumb up, thumb down, and palm or back to the viewer, of a left hand in (outward, up, forward)."""
    for name, gesture in GESTURES.items():
        along, palm = np.array(gesture.fingers), np.array(gesture.palm)
        assert abs(along @ palm) < 0.15, name
        if name in ("like", "dislike"):
            thumb = np.cross(palm, along)
            assert thumb[1] * (1 if name == "like" else -1) > 0.95, name
        elif name != "mute":
            assert along[1] > 0.9 and palm[2] == (-1.0 if name.endswith("inverted") else 1.0), name
    posed = _posed(GESTURES["like"].hand, _rest("makehuman"))["thumb"]
    towards = (posed[-1] - posed[-2]) / np.linalg.norm(posed[-1] - posed[-2])
    assert towards[1] > 0.97, "at right angles to the hand"


@pytest.mark.parametrize("name", GESTURES)
def test_right_hands_mirror_left_ones(kind: str, name: str) -> None:
    left = solve_fingers(GESTURES[name].hand, _rest(kind, "left"), "left")
    right = solve_fingers(GESTURES[name].hand, _rest(kind, "right"), "right")
    mirror = np.diag([-1.0, 1.0, 1.0])
    for bone, turn in left.items():
        np.testing.assert_allclose(right[bone.replace("left", "right")], mirror @ turn @ mirror, atol=1e-6)


@pytest.mark.parametrize("name", GESTURES)
def test_rest_pose_and_roll_make_no_difference(kind: str, name: str) -> None:
    straight, bent = _rest(kind, bend=0.0, seed=1), _rest(kind, bend=25.0, seed=2)
    first, second = (_posed(GESTURES[name].hand, rest) for rest in (straight, bent))
    for finger, points in first.items():
        np.testing.assert_allclose(points, second[finger], atol=1e-5, err_msg=finger)


def test_bones_do_not_turn_about_themselves_with_the_rest_pose(kind: str) -> None:
    """A resting bend of a finger is undone by the same bend: nails stay on the back of the fingers."""
    straight, bent = _rest(kind, bend=0.0), _rest(kind, bend=25.0)
    first, second = (solve_fingers(GESTURES["fist"].hand, rest, "left") for rest in (straight, bent))
    for finger in FINGERS[1:]:
        ends = [straight[f"left_{finger}_1"], bent[f"left_{finger}_3"]]
        axis = np.cross(*(end.tail - end.head for end in ends))
        for k in (1, 2, 3):
            resting = rotation(axis / np.linalg.norm(axis), np.radians(25.0 * k))
            name = f"left_{finger}_{k}"
            np.testing.assert_allclose(second[name] @ resting, first[name], atol=1e-5)


def test_rotations_are_rotations(kind: str) -> None:
    for side in SIDES:
        for gesture in GESTURES.values():
            for turn in solve_fingers(gesture.hand, _rest(kind, side), side).values():
                np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-9)
                assert np.linalg.det(turn) > 0


def _without(rest: Mapping[str, Bone], gone: Collection[str]) -> dict[str, Bone]:
    return {name: bone for name, bone in rest.items() if not any(part in name for part in gone)}


@pytest.mark.parametrize("name", GESTURES)
@pytest.mark.parametrize(
    "gone",
    [
        ("ring", "little"), ("thumb",), ("thumb_1",), ("_3",), ("_2", "_3"), ("index",), ("middle",),
        ("index", "middle"), ("middle", "ring", "little"), ("index", "ring", "little_3", "thumb_3"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_partial_hands_are_posed_as_far_as_they_go(gone: tuple[str, ...], name: str) -> None:
    rest = _without(_rest("rigify"), gone)
    rotations = solve_fingers(GESTURES[name].hand, rest, "left")
    assert set(rotations) == set(rest) - {"left_hand"}
    for finger, points in _posed(GESTURES[name].hand, rest).items():
        if finger in STRAIGHT[name]:
            assert _reach(points) > 0.97, finger
        elif finger != "thumb" and len(points) > 2 and (name, finger) != ("ok", "index"):
            assert _reach(points) < 0.8, finger
        assert np.isfinite(points).all()


@pytest.mark.parametrize("gone", [FINGERS, FINGERS[:4], ("hand",)], ids=" ".join)
def test_a_hand_whose_palm_cannot_be_told_is_refused(gone: tuple[str, ...]) -> None:
    with pytest.raises(SceneError, match="left hand has too few finger bones"):
        solve_fingers(GESTURES["fist"].hand, _without(_rest("rigify"), gone), "left")


def test_invented_tails_and_tip_bones() -> None:
    """A last bone whose tail an importer invented is no guide to the finger; a tip bone is."""
    rest = _rest("makehuman")
    wrong = dict(rest)
    last = rest["left_index_3"]
    sideways = last.head + 0.03 * np.cross(last.tail - last.head, (0.3, -0.5, 0.8)) / 0.027
    wrong["left_index_3"] = Bone(last.name, last.parent, last.head, sideways, last.matrix)
    told = wrong | {"left_index_tip": Bone("left_index_tip", last.name, last.tail, sideways, last.matrix)}
    right, guessed, tipped = (solve_fingers(GESTURES["one"].hand, hand, "left") for hand in (rest, wrong, told))
    np.testing.assert_allclose(tipped["left_index_3"], right["left_index_3"], atol=1e-9)
    # The guess is as straight as the bone before, and cannot know of the 8 degrees by which the last one rests bent.
    angle = np.arccos((np.trace(guessed["left_index_3"].T @ right["left_index_3"]) - 1.0) / 2.0)
    assert np.degrees(angle) < 9.0


def test_bones_without_a_length_do_no_harm() -> None:
    rest = _rest("makehuman")
    for name in ("left_index_1", "left_index_3", "left_thumb_2"):
        bone = rest[name]
        after = name[:-1] + str(int(name[-1]) + 1)
        rest[name] = Bone(name, bone.parent, bone.head, bone.head, bone.matrix)
        if after in rest:
            rest[after] = Bone(after, name, bone.head, rest[after].tail, bone.matrix)
    for turn in solve_fingers(GESTURES["ok"].hand, rest, "left").values():
        np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-9)


def test_blending_goes_from_one_hand_to_the_other() -> None:
    fist, palm = GESTURES["fist"].hand, GESTURES["palm"].hand
    assert blend(fist, palm, 0.0) == fist and blend(fist, palm, 1.0) == palm
    reaches = [_reach(_posed(blend(fist, palm, share), _rest("rigify"))["middle"]) for share in (0.0, 0.3, 0.6, 1.0)]
    assert reaches == sorted(reaches) and reaches[0] < 0.65 and reaches[-1] > 0.97
