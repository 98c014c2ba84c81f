# SPDX-License-Identifier: GPL-3.0-or-later
"""Bones told from structure: skeletons of many makes under random names, in any place; beasts and things refused."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from pathlib import Path

import bpy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handdiff_addon.rig.bones import PARENTS, Bone
from handdiff_addon.rig.keypoints import FINGERS
from handdiff_addon.rig.matching import RigMatch, match_rig
from handdiff_addon.rig.topology import map_fingers, map_structure
from handdiff_addon.scene.files import open_blend
from handdiff_addon.scene.rigs import match_armature, rest_bones
from handdiff_addon.scene.sample_human import create_sample_human
from tests.builders import bone_table, fresh_blender, keypoints, turn_bone

SIDES = ("left", "right")
FLIP = np.array((-1.0, 1.0, 1.0))


def v(*numbers: float) -> np.ndarray:
    return np.array(numbers, dtype=float)


class Figure:
    """A skeleton under construction: bones by name, of which the left ones are mirrored as they are added.

    Names that are canonical are what the skeleton must be told to be; all others are bones that must not be taken.
    """

    def __init__(self) -> None:
        self.ends: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        self.parents: dict[str, str | None] = {}
        self.controls: set[str] = set()

    def add(self, name: str, parent: str | None, head: Iterable[float], tail: Iterable[float]) -> None:
        """Add a bone, and where its name begins with ``left``, its mirror image."""
        head, tail = np.array(head, dtype=float), np.array(tail, dtype=float)
        self.ends[name], self.parents[name] = (head, tail), parent
        if name.startswith("left"):
            other = name.replace("left", "right", 1)
            self.ends[other] = head * FLIP, tail * FLIP
            self.parents[other] = parent.replace("left", "right", 1) if parent else None

    def chain(self, name: str, parent: str | None, points: Iterable[Iterable[float]]) -> None:
        """Add bones from point to point, each the child of the one before."""
        for k, (head, tail) in enumerate(pairwise(np.array(list(points), dtype=float))):
            self.add(f"{name}{k}", f"{name}{k - 1}" if k else parent, head, tail)

    def head(self, name: str) -> np.ndarray:
        return self.ends[name][0]

    def tail(self, name: str) -> np.ndarray:
        return self.ends[name][1]

    def drop(self, *names: str) -> None:
        """Take bones out; their children go to their parents."""
        for name in names:
            for bone, parent in self.parents.items():
                if parent == name:
                    self.parents[bone] = self.parents[name]
            del self.ends[name], self.parents[name]

    def put_between(self, name: str, bone: str, share: float) -> None:
        """Split a bone: a second half begins a share of the way along it and takes over its children."""
        for side in SIDES if bone.startswith("left") else ("",):
            own, extra = (text.replace("left", side, 1) if side else text for text in (bone, name))
            start, end = self.ends[own]
            middle = start + share * (end - start)
            for child, parent in self.parents.items():
                if parent == own:
                    self.parents[child] = extra
            self.ends[own], self.ends[extra], self.parents[extra] = (start, middle), (middle, end), own

    def put_above(self, name: str, bone: str) -> None:
        """A helper at a bone's head, between the bone and its parent."""
        for side in SIDES:
            own, extra = bone.replace("left", side, 1), name.replace("left", side, 1)
            self.ends[extra], self.parents[extra] = (self.head(own), self.head(own) + v(0, 0, 0.03)), self.parents[own]
            self.parents[own] = extra

    def move(self, change: Callable[[np.ndarray], np.ndarray], bones: Iterable[str] | None = None) -> None:
        for name in bones if bones is not None else list(self.ends):
            head, tail = self.ends[name]
            self.ends[name] = change(head), change(tail)

    def below(self, bone: str) -> list[str]:
        found = [bone]
        for above in found:
            found += [name for name, parent in self.parents.items() if parent == above]
        return found

    def lower_arms(self, degrees: float) -> None:
        """Turn the arms about the shoulders, down from the T-pose."""
        for side, sign in (("left", 1), ("right", -1)):
            a = np.radians(degrees) * sign
            turn = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
            centre = self.head(f"{side}_upper_arm")

            def swing(point: np.ndarray, turn: np.ndarray = turn, centre: np.ndarray = centre) -> np.ndarray:
                return centre + turn @ (point - centre)

            self.move(swing, self.below(f"{side}_upper_arm"))

    def rest(self) -> dict[str, Bone]:
        bones = {}
        for name, (head, tail) in self.ends.items():
            matrix = np.eye(4)
            matrix[:3, 3] = head
            bones[name] = Bone(name, self.parents[name], head, tail, matrix, name not in self.controls)
        return bones


def human() -> Figure:
    """The canonical human in T-pose, facing -Y."""
    figure = Figure()
    for name, (head, tail) in bone_table().items():
        figure.ends[name], figure.parents[name] = (head, tail), PARENTS[name]
    return figure


def renamed(rest: Mapping[str, Bone], seed: int) -> tuple[dict[str, Bone], dict[str, str]]:
    """Bones in random order under names that say nothing; and what each was called."""
    dice = random.Random(seed)
    order = list(rest.values())
    dice.shuffle(order)
    numbers = dice.sample(range(len(order)), len(order))
    names = {bone.name: f"Bone.{number:03d}" for bone, number in zip(order, numbers)}
    bones = {
        names[bone.name]: Bone(
            names[bone.name],
            names[bone.parent] if bone.parent else None,
            bone.head,
            bone.tail,
            bone.matrix,
            bone.deform,
        )
        for bone in order
    }
    return bones, {new: old for old, new in names.items()}


def told(rest: Mapping[str, Bone], seed: int = 0) -> dict[str, str]:
    """What the structure of a skeleton tells when its names do not."""
    bones, old = renamed(rest, seed)
    return {name: old[bone] for name, bone in map_structure(bones).items()}


LOOSE = {"hips", "spine", "chest", "neck", "nose", *(f"{side}_{part}" for side in SIDES for part in ("toe", "ear"))}
"""No keypoint hangs on these, or a template is as good"""


def check(figure: Figure, absent: Iterable[str] = (), seed: int = 0, slack: float = 1e-6) -> None:
    """The head, all limbs and all fingers are told, and nothing else is in their place; a copy at its place may be."""
    found = told(figure.rest(), seed)
    wanted = {name for name in PARENTS if name in figure.ends and name not in {*absent, *LOOSE}}
    assert {name for name in found if name not in LOOSE} == wanted
    wrong = {
        name: found[name] for name in wanted if np.linalg.norm(figure.head(found[name]) - figure.head(name)) > slack
    }
    assert not wrong
    assert len(set(found.values())) == len(found)


# --- people -----------------------------------------------------------------------------------------------------------


def biped() -> Figure:
    """3ds Max Biped: clavicles on the neck, thighs on the spine, a bone of its own at every end."""
    figure = human()
    figure.add("bip", None, (0, 0, 0.95), (0, 0.1, 0.95))
    figure.parents["hips"] = "bip"
    for side in SIDES:
        figure.parents[f"{side}_thigh"] = "spine"
        figure.parents[f"{side}_clavicle"] = "neck"
    figure.add("head_nub", "head", figure.tail("head"), figure.tail("head") + v(0, 0, 0.05))
    figure.add("left_toe_nub", "left_toe", figure.tail("left_toe"), figure.tail("left_toe") + v(0, -0.03, 0))
    nubs(figure)
    return figure


def nubs(figure: Figure) -> None:
    for finger in FINGERS:
        last = f"left_{finger}_3"
        figure.add(f"left_{finger}_tip", last, figure.tail(last), 2 * figure.tail(last) - figure.head(last))


def unreal_5() -> Figure:
    """Metacarpals, twist bones beside the limbs, and IK bones under a root on the floor."""
    figure = human()
    figure.add("root", None, (0, 0, 0), (0, 0.1, 0))
    figure.parents["hips"] = "root"
    figure.put_between("spine_02", "spine", 0.5)
    figure.put_between("chest_02", "chest", 0.3)
    figure.put_between("neck_02", "neck", 0.5)
    for finger in FINGERS[1:]:
        knuckle = figure.head(f"left_{finger}_1")
        start = figure.head("left_hand") + 0.3 * (knuckle - figure.head("left_hand"))
        figure.add(f"left_{finger}_metacarpal", "left_hand", start, knuckle)
        for side in SIDES:
            figure.parents[f"{side}_{finger}_1"] = f"{side}_{finger}_metacarpal"
    for bone in ("upper_arm", "forearm", "thigh", "shin"):
        start, end = figure.ends[f"left_{bone}"]
        for k in (1, 2):
            place = start + k / 3 * (end - start)
            figure.add(f"left_{bone}_twist_{k}", f"left_{bone}", place, place + 0.1 * (end - start))
    figure.add("ik_foot_root", "root", (0, 0, 0), (0, 0.1, 0))
    figure.add("left_ik_foot", "ik_foot_root", figure.head("left_foot"), figure.tail("left_foot"))
    figure.add("ik_hand_root", "root", (0, 0, 0), (0, 0.1, 0))
    figure.add("ik_hand_gun", "ik_hand_root", figure.head("right_hand"), figure.tail("right_hand"))
    figure.add("left_ik_hand", "ik_hand_gun", figure.head("left_hand"), figure.tail("left_hand"))
    figure.lower_arms(50)
    return figure


def daz() -> Figure:
    """Bend and twist halves of every limb, shared carpals, toes, a jaw and a tongue."""
    figure = human()
    figure.put_between("pelvis", "hips", 0.2)
    figure.parents["spine"] = "hips"
    for bone in ("upper_arm", "forearm", "thigh"):
        figure.put_between(f"left_{bone}_twist", f"left_{bone}", 0.5)
    for k, finger in enumerate(FINGERS[1:]):
        hand = figure.head("left_hand")
        figure.add(
            f"left_carpal_{k}", "left_hand", hand + v(0.015, 0.008 * (k - 1.5), 0), figure.head(f"left_{finger}_1")
        )
        for side in SIDES:
            figure.parents[f"{side}_{finger}_1"] = f"{side}_carpal_{k}"
    figure.put_between("left_metatarsals", "left_foot", 0.5)
    for k in range(5):
        start = figure.tail("left_toe") + v((k - 2) * 0.015, 0, 0)
        figure.chain(f"left_small_toe_{k}_", "left_toe", (start, start - v(0, 0.02, 0), start - v(0, 0.035, 0)))
    for k in range(3):
        figure.add(f"left_neck_muscle_{k}", "neck", (0.03, 0.01 * k, 1.42), (0.1, 0.01 * k, 1.4))
    figure.add("jaw", "head", (0, -0.03, 1.52), (0, -0.09, 1.49))
    figure.chain("tongue", "jaw", ((0, -0.05, 1.53), (0, -0.07, 1.53), (0, -0.09, 1.525)))
    figure.add("left_eye", "head", (0.03, -0.09, 1.6), (0.03, -0.12, 1.6))
    figure.add("left_pectoral", "chest", (0.08, -0.05, 1.3), (0.09, -0.14, 1.28))
    figure.lower_arms(10)
    return figure


def makehuman() -> Figure:
    """Two bones a segment, of unlike lengths, a second clavicle and connecting bones at the pelvis."""
    figure = human()
    figure.put_between("left_shoulder_2", "left_clavicle", 0.45)
    for bone, share in (("upper_arm", 0.3), ("forearm", 0.5), ("thigh", 0.2), ("shin", 0.5)):
        figure.put_between(f"left_{bone}_02", f"left_{bone}", share)
    figure.add("left_pelvis", "hips", (0, 0, 0.95), figure.head("left_thigh"))
    for side in SIDES:
        figure.parents[f"{side}_thigh"] = f"{side}_pelvis"
    figure.lower_arms(45)
    return figure


def mmd() -> Figure:
    """Helpers at the shoulders, twists in the arms, doubled legs, IK at the feet, long hair, a skirt, short thumbs."""
    figure = human()
    nubs(figure)
    figure.drop("left_thumb_1", "right_thumb_1")
    figure.put_above("left_shoulder_p", "left_clavicle")
    figure.put_above("left_shoulder_c", "left_upper_arm")
    figure.put_between("left_arm_twist", "left_upper_arm", 0.6)
    figure.put_between("left_wrist_twist", "left_forearm", 0.6)
    figure.put_above("left_waist_cancel", "left_thigh")
    above = "left_waist_cancel"
    for bone in ("thigh", "shin", "foot", "toe"):
        figure.add(f"left_{bone}_d", above, *figure.ends[f"left_{bone}"])
        above = f"left_{bone}_d"
    figure.add("left_leg_ik", None, figure.head("left_foot"), figure.head("left_foot") + v(0, 0.1, 0))
    figure.add("left_toe_ik", "left_leg_ik", figure.head("left_toe"), figure.head("left_toe") - v(0, 0, 0.05))
    figure.chain("left_tail", "head", ((0.12 + 0.03 * k, 0.1, 1.65 - 0.15 * k) for k in range(8)))
    for n in range(6):
        x, y = 0.16 * np.cos(np.pi * (n / 5 - 0.5)) + 1e-3, 0.16 * np.sin(np.pi * (n / 5 - 0.5))
        figure.chain(f"left_skirt_{n}_", "hips", ((x * (1 + k / 5), y * (1 + k / 5), 0.95 - 0.1 * k) for k in range(6)))
    figure.add("left_eye", "head", (0.03, -0.09, 1.6), (0.03, -0.19, 1.6))
    figure.lower_arms(35)
    return figure


def vroid() -> Figure:
    """Hair of many strands and a skirt, eyes without a telling tail."""
    figure = human()
    for n in range(9):
        a = np.pi * n / 8
        x, y = 0.09 * np.sin(a) + 1e-3, -0.09 * np.cos(a)
        figure.chain(f"left_hair_{n}_", "head", ((x * (1 + k / 9), y * (1 + k / 9), 1.68 - 0.08 * k) for k in range(5)))
    figure.chain("hair_back", "head", ((0, 0.1 + 0.01 * k, 1.66 - 0.1 * k) for k in range(6)))
    figure.add("left_eye", "head", (0.025, -0.05, 1.58), (0.025, -0.05, 1.62))
    figure.chain("left_skirt", "left_thigh", ((0.18, 0, 0.8), (0.2, 0, 0.6), (0.22, 0, 0.45)))
    return figure


def dressed() -> Figure:
    """A sword in one hand, wings, a tail, a cape and wide sleeves."""
    figure = human()
    figure.lower_arms(40)
    hand = figure.tail("right_hand")
    figure.chain("sword", "right_hand", (hand, hand + v(0, -0.5, 0), hand + v(0, -1.0, 0)))
    for k in range(4):
        start = np.array((0.35 + 0.2 * k, 0.3, 1.5 + 0.1 * k))
        figure.chain(
            f"left_feather_{k}_",
            f"left_wing{min(k, 2)}" if k else "chest",
            (start, start - v(0, 0, 0.3), start - v(0, 0, 0.5)),
        )
        if not k:
            figure.chain("left_wing", "chest", ((0.06, 0.1, 1.35), (0.35, 0.3, 1.5), (0.7, 0.35, 1.7), (1.1, 0.3, 1.6)))
    figure.chain("tail", "hips", ((0, 0.1 + 0.12 * k, 0.95 - 0.05 * k) for k in range(7)))
    figure.chain("cape", "chest", ((0, 0.12 + 0.01 * k, 1.4 - 0.2 * k) for k in range(6)))
    elbow, wrist = figure.head("left_forearm"), figure.head("left_hand")
    for k in range(4):
        place = elbow + (0.3 + 0.2 * k) * (wrist - elbow)
        figure.chain(f"left_sleeve_{k}_", "left_forearm", (place, place - v(0, 0, 0.1), place - v(0, 0, 0.2)))
    return figure


def metahuman() -> Figure:
    """Hundreds of bones in the face below one of their own."""
    figure = human()
    figure.add("face_root", "head", (0, -0.03, 1.54), (0, -0.06, 1.54))
    for k in range(120):
        place = v(0.01 + 0.005 * (k % 12), -0.1 + 0.03 * (k % 12 / 12) ** 2, 1.5 + 0.015 * (k // 12))
        figure.add(f"left_face_{k}", "face_root", place, place + v(0.005, 0, 0.005))
    figure.add("left_eye", "face_root", (0.031, -0.085, 1.6), (0.031, -0.11, 1.6))
    figure.lower_arms(45)
    return figure


def without_clavicles() -> Figure:
    figure = human()
    figure.drop("left_clavicle", "right_clavicle")
    return figure


def without_feet_and_neck() -> Figure:
    figure = human()
    figure.drop("left_toe", "right_toe", "left_foot", "right_foot", "neck")
    return figure


def child_drawn_large_headed() -> Figure:
    """Short legs and arms, a head as large as the trunk, with a bone at its crown."""
    figure = human()
    figure.ends["head"] = figure.head("head"), figure.head("head") + v(0, 0, 0.5)
    figure.add("crown", "head", figure.tail("head"), figure.tail("head") + v(0, 0, 0.1))
    for side in SIDES:
        hip = figure.head(f"{side}_thigh").copy()
        figure.move(lambda point, hip=hip: hip + (point - hip) * v(1, 1, 0.55), figure.below(f"{side}_thigh"))
    return figure


FIGURES = (
    human, biped, unreal_5, daz, makehuman, mmd, vroid, dressed, metahuman, without_clavicles, without_feet_and_neck,
    child_drawn_large_headed,
)  # fmt: skip


@pytest.mark.parametrize("figure", FIGURES)
def test_people_of_many_makes_are_told(figure: Callable[[], Figure]) -> None:
    for seed in range(3):
        check(figure(), seed=seed)


@pytest.mark.parametrize("degrees", [-20, 30, 60, 80])
def test_arms_may_be_raised_or_hang(degrees: float) -> None:
    figure = human()
    figure.lower_arms(degrees)
    check(figure)


@pytest.mark.parametrize("figure", FIGURES)
@pytest.mark.parametrize("scale", [0.01, 1.0, 100.0])
def test_a_body_may_lie_in_any_place_at_any_scale(figure: Callable[[], Figure], scale: float) -> None:
    dice = np.random.default_rng(int(scale * 100))
    turn, _ = np.linalg.qr(dice.normal(size=(3, 3)))
    turn *= np.sign(np.linalg.det(turn))
    moved = figure()
    moved.move(lambda point: scale * (turn @ point + v(3, -2, 1)))
    check(moved)


@pytest.mark.parametrize("figure", FIGURES)
def test_sides_are_the_persons_own(figure: Callable[[], Figure]) -> None:
    mirrored = figure()
    mirrored.move(lambda point: point * FLIP)
    found = told(mirrored.rest())
    for part in ("hand", "foot", "thigh", "index_2"):
        for side, other in (SIDES, SIDES[::-1]):
            if f"{side}_{part}" in mirrored.ends:
                wanted = mirrored.head(f"{other}_{part}")
                np.testing.assert_allclose(mirrored.head(found[f"{side}_{part}"]), wanted)


def test_skin_tells_a_limb_from_its_controls() -> None:
    figure = human()
    for limb, root in ((("thigh", "shin", "foot", "toe"), "hips"), (("upper_arm", "forearm", "hand"), "left_clavicle")):
        for kind in ("ik", "fk"):
            above = root
            for bone in limb:
                figure.add(f"left_{bone}_{kind}", above, *figure.ends[f"left_{bone}"])
                above = f"left_{bone}_{kind}"
                figure.controls |= {above, above.replace("left", "right")}
    found = told(figure.rest())
    assert {name: bone for name, bone in found.items() if name not in LOOSE} == {
        name: name for name in figure.ends if name in PARENTS and name not in LOOSE
    }


@pytest.mark.parametrize("figure", [figure for figure in FIGURES if figure not in (without_feet_and_neck, metahuman)])
def test_tails_are_not_needed(figure: Callable[[], Figure]) -> None:
    # FBX and glTF importers guess them.
    dice = np.random.default_rng(0)
    guessed = figure()
    for name, (head, _) in guessed.ends.items():
        guessed.ends[name] = head, head + 0.05 * dice.normal(size=3)
    check(guessed)


@pytest.mark.parametrize("figure", FIGURES)
def test_halves_need_not_be_quite_alike(figure: Callable[[], Figure]) -> None:
    dice = np.random.default_rng(0)
    uneven = figure()
    for name, ends in uneven.ends.items():
        shift = 0.002 * dice.normal(size=3)
        uneven.ends[name] = ends[0] + shift, ends[1] + shift
    check(uneven, slack=0.02)


# --- hands ------------------------------------------------------------------------------------------------------------


def fingers(*kept: str, joints: int = 3) -> Figure:
    """A human whose hands have those fingers only, with so many joints."""
    figure = human()
    for side in SIDES:
        for finger in FINGERS:
            figure.drop(*(f"{side}_{finger}_{k}" for k in (3, 2, 1) if finger not in kept or k > joints))
    return figure


@pytest.mark.parametrize("joints", [2, 3])
@pytest.mark.parametrize("kept", [FINGERS, FINGERS[:4], FINGERS[:3], FINGERS[:2], FINGERS[1:]])
def test_hands_with_fewer_fingers_and_joints(kept: tuple[str, ...], joints: int) -> None:
    check(fingers(*kept, joints=joints))


@pytest.mark.parametrize("joints", [0, 1])
def test_fingers_of_one_bone_are_no_fingers(joints: int) -> None:
    figure = fingers(*FINGERS, joints=joints)
    check(figure, absent=[name for name in PARENTS if set(name.split("_")) & set(FINGERS)])


def test_one_hand_may_lack_what_the_other_has() -> None:
    figure = human()
    figure.drop(*(f"left_little_{k}" for k in (3, 2, 1)), *(f"right_thumb_{k}" for k in (3, 2, 1)))
    check(figure)
    figure = human()
    figure.drop(*(name for name in figure.below("right_hand")[::-1]))
    check(figure)


def test_fingers_below_a_hand_that_names_tell() -> None:
    for figure in (human(), unreal_5(), daz(), mmd(), biped()):
        for side in SIDES:
            bones, old = renamed(figure.rest(), 1)
            hand = next(new for new, name in old.items() if name == f"{side}_hand")
            found = {name: old[bone] for name, bone in map_fingers(bones, hand, side).items()}
            own = [name for name in PARENTS if name in figure.ends and name.startswith(side)]
            assert found == {name: name for name in own if set(name.split("_")) & set(FINGERS)}


def test_what_hangs_from_a_hand_without_fingers_is_none() -> None:
    figure = fingers(joints=0)
    hand = figure.tail("left_hand")
    figure.chain("left_sword", "left_hand", (hand, hand + v(0, -0.5, 0), hand + v(0, -1, 0)))
    assert map_fingers(figure.rest(), "left_hand", "left") == {}


# --- what is no human -------------------------------------------------------------------------------------------------


def dog() -> Figure:
    figure = Figure()
    figure.chain(
        "spine", None, ((0, 0.4, 0.8), (0, 0.2, 0.8), (0, 0, 0.78), (0, -0.3, 0.8), (0, -0.45, 0.95), (0, -0.65, 1))
    )
    figure.chain("tail", "spine0", ((0, 0.45, 0.8), (0, 0.6, 0.75), (0, 0.8, 0.75)))
    figure.chain(
        "left_hind",
        "spine0",
        ((0.12, 0.35, 0.75), (0.12, 0.27, 0.47), (0.12, 0.45, 0.25), (0.12, 0.4, 0.04), (0.12, 0.3, 0)),
    )
    figure.chain(
        "left_front",
        "spine3",
        ((0.1, -0.3, 0.8), (0.12, -0.32, 0.7), (0.12, -0.22, 0.44), (0.12, -0.22, 0.1), (0.12, -0.3, 0)),
    )
    return figure


def sitting_dog() -> Figure:
    """The front goes up, the legs stay on the ground: the hind legs are folded."""
    figure = Figure()
    figure.chain(
        "spine", None, ((0, 0.3, 0.15), (0, 0.2, 0.3), (0, 0.1, 0.5), (0, 0, 0.7), (0, -0.1, 0.85), (0, -0.3, 0.9))
    )
    figure.chain(
        "left_hind",
        "spine0",
        ((0.1, 0.28, 0.18), (0.15, -0.02, 0.22), (0.15, 0.2, 0.05), (0.15, 0.0, 0.0), (0.15, -0.05, 0)),
    )
    figure.chain("left_front", "spine3", ((0.1, 0, 0.6), (0.1, -0.02, 0.3), (0.1, -0.02, 0.05), (0.1, -0.1, 0)))
    return figure


def dragon() -> Figure:
    figure = dog()
    figure.chain("left_wing", "spine3", ((0.1, -0.25, 0.9), (0.5, -0.1, 1.2), (1.0, -0.1, 1.1), (1.5, 0.1, 0.9)))
    return figure


def chair() -> Figure:
    figure = Figure()
    figure.add("seat", None, (0, 0, 0.45), (0, 0, 0.5))
    figure.chain("back", "seat", ((0, 0.2, 0.5), (0, 0.22, 0.8), (0, 0.24, 1.1)))
    figure.add("left_front", "seat", (0.2, -0.2, 0.45), (0.2, -0.2, 0))
    figure.add("left_rear", "seat", (0.2, 0.2, 0.45), (0.2, 0.2, 0))
    figure.chain("left_arm", "back0", ((0.2, 0.2, 0.7), (0.22, 0, 0.7), (0.22, -0.2, 0.7)))
    return figure


def spider() -> Figure:
    figure = Figure()
    figure.chain("body", None, ((0, 0.3, 0.3), (0, 0, 0.3), (0, -0.2, 0.3)))
    for k in range(4):
        y = 0.15 - 0.1 * k
        figure.chain(f"left_leg_{k}_", "body1", ((0.1, y, 0.3), (0.4, 2 * y, 0.6), (0.7, 3 * y, 0.3), (0.9, 4 * y, 0)))
    return figure


def rope() -> Figure:
    figure = Figure()
    figure.chain("link", None, ((0, 0, 0.1 * k) for k in range(40)))
    return figure


def hand_alone() -> Figure:
    whole, figure = human(), Figure()
    for name in whole.below("left_forearm"):
        figure.ends[name], figure.parents[name] = whole.ends[name], whole.parents[name]
    figure.parents["left_forearm"] = None
    return figure


def two_hands() -> Figure:
    """A pair of hands for virtual reality, with forearms and no body."""
    whole, figure = human(), Figure()
    for side in SIDES:
        for name in whole.below(f"{side}_upper_arm"):
            figure.ends[name], figure.parents[name] = whole.ends[name], whole.parents[name]
        figure.parents[f"{side}_upper_arm"] = None
    return figure


def legs_alone() -> Figure:
    figure = human()
    figure.drop(*(name for side in SIDES for name in figure.below(f"{side}_clavicle")[::-1]))
    return figure


def headless() -> Figure:
    figure = human()
    figure.drop("head", "neck")
    return figure


@pytest.mark.parametrize(
    "figure",
    [Figure, dog, sitting_dog, dragon, chair, spider, rope, hand_alone, two_hands, legs_alone, headless],
)
def test_what_is_no_human_is_none(figure: Callable[[], Figure]) -> None:
    assert map_structure(figure().rest()) == {}


# --- anything ---------------------------------------------------------------------------------------------------------


@st.composite
def skeletons(draw: st.DrawFn) -> dict[str, Bone]:
    """Trees of any shape on a coarse grid, so that bones coincide, have no length, and mirror one another."""
    count = draw(st.integers(0, 40))
    place = st.tuples(*[st.integers(-3, 3)] * 3)
    bones: dict[str, Bone] = {}
    for k in range(count):
        above = draw(st.integers(-1, k - 1))
        head, tail = (np.array(draw(place), dtype=float) for _ in range(2))
        bones[f"b{k}"] = Bone(f"b{k}", f"b{above}" if above >= 0 else None, head, tail, np.eye(4))
        if draw(st.booleans()):
            mirrored = f"b{above}m" if f"b{above}m" in bones else bones[f"b{k}"].parent
            bones[f"b{k}m"] = Bone(f"b{k}m", mirrored, head * FLIP, tail * FLIP, np.eye(4))
    return bones


def check_valid(found: Mapping[str, str], bones: Mapping[str, Bone]) -> None:
    assert set(found) <= set(PARENTS) and set(found.values()) <= set(bones)
    assert len(set(found.values())) == len(found)


@given(skeletons())
@settings(max_examples=150)
def test_any_skeleton_gives_a_valid_map_or_none(bones: dict[str, Bone]) -> None:
    check_valid(map_structure(bones), bones)
    for hand in list(bones)[:2]:
        check_valid(map_fingers(bones, hand, "left"), bones)


@given(st.lists(st.sampled_from(sorted(PARENTS)), max_size=30, unique=True), st.integers(0, 2**32 - 1))
@settings(max_examples=80)
def test_a_human_that_lacks_bones_gives_a_valid_map_or_none(dropped: list[str], seed: int) -> None:
    dice = np.random.default_rng(seed)
    figure = (unreal_5, daz, mmd, dressed, vroid)[seed % 5]()
    figure.drop(*(name for name in dropped if name in figure.ends))
    for name in dice.choice(sorted(figure.ends), size=5):
        figure.ends[name] = tuple(end + dice.normal(size=3) * dice.choice([0, 0.01, 0.3]) for end in figure.ends[name])
    bones = figure.rest()
    check_valid(map_structure(bones), bones)


# --- rigs at hand -----------------------------------------------------------------------------------------------------


def posed_bones(armature: bpy.types.Object) -> dict[str, Bone]:
    """Every bone as it is posed, in armature space."""
    bpy.context.view_layer.update()
    bones = armature.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones
    return {
        bone.name: Bone(bone.name, None, np.array(bone.head), np.array(bone.tail), np.array(bone.matrix))
        for bone in bones
    }


def check_kept(armature: bpy.types.Object, pose: Callable[[], None]) -> None:
    """At rest and posed, nearly all keypoints are within 2 % of the body's height of where names put them when the
    bones have random names."""
    rest = rest_bones(armature)
    height = np.ptp([bone.head[2] for bone in rest.values()])
    by_name = match_rig(rest)
    pose()
    posed = posed_bones(armature)
    by_structure = RigMatch("unnamed", told(rest, seed=1))

    def points(match: RigMatch, bones: Mapping[str, Bone]) -> tuple[np.ndarray, np.ndarray]:
        person = keypoints(match, bones, rest)
        return person.body, np.concatenate([person.hands[side] for side in SIDES])

    for bones in (rest, posed):
        for wanted, found in zip(points(by_name, bones), points(by_structure, bones)):  # body, then hands
            off = np.linalg.norm(found - wanted, axis=1) / height
            assert (off < 0.02).mean() >= 0.95
    moved = np.linalg.norm(points(by_name, posed)[0] - points(by_name, rest)[0], axis=1)
    assert moved.max() > 0.1 * height


def bend(armature: bpy.types.Object) -> Callable[[], None]:
    """A pose with a raised arm, a bent knee, a turned head and a bent finger."""
    bones = match_armature(armature).bones

    def pose() -> None:
        for name, axis, degrees in (
            ("left_upper_arm", "Y", -70), ("right_forearm", "X", 50), ("right_shin", "X", 40), ("head", "Z", 30),
            ("left_index_2", "Y", 40), ("right_thumb_2", "X", 20),
        ):  # fmt: skip
            turn_bone(armature, bones[name], axis, degrees)

    return pose


@pytest.mark.parametrize("letter", "abcde")
def test_the_rigged_people_without_names(humans: Path, letter: str) -> None:
    scene = open_blend(next(humans.glob(f"human_{letter}_*.blend")))
    check_kept(scene.objects["Rig"], bend(scene.objects["Rig"]))


def test_the_sample_human_without_names(empty_scene: bpy.types.Scene) -> None:
    armature = create_sample_human(empty_scene)
    check_kept(armature, bend(armature))


def test_rigify_metarig_without_names(rigify: Path) -> None:
    scene = open_blend(rigify)
    check_kept(scene.objects["metarig"], bend(scene.objects["metarig"]))


@pytest.mark.parametrize("controls", ["ik", "fk"])
def test_rigify_generated_without_names(rigify: Path, controls: str) -> None:
    scene = open_blend(rigify)
    rig = scene.objects["rig"]
    bones = rig.pose.bones

    def pose() -> None:
        for side in "LR":
            for limb in ("upper_arm", "thigh"):
                bones[f"{limb}_parent.{side}"]["IK_FK"] = float(controls == "fk")
            bones[f"f_index.01_master.{side}"].scale.y = 0.6
        if controls == "ik":
            bones["hand_ik.L"].location = (0.1, 0.3, 0.1)
            bones["foot_ik.R"].location = (0, 0.1, 0.3)
        for name in ("upper_arm_fk.L", "thigh_fk.R", "chest", "head"):
            bones[name].rotation_mode = "XYZ"
            bones[name].rotation_euler = (0.5, 0.1, 0.3)

    check_kept(rig, pose)


_BEASTS = """
import os, sys, traceback
try:
    import bpy
    import addon_utils
    bpy.ops.wm.read_factory_settings(use_empty=True)
    addon_utils.enable("rigify", default_set=True)
    for beast in ("basic_quadruped", "horse", "cat", "wolf", "bird", "shark"):
        getattr(bpy.ops.object, f"armature_{beast}_metarig_add")()
    bpy.ops.wm.save_as_mainfile(filepath=sys.argv[1])
    code = 0
except BaseException:
    traceback.print_exc()
    code = 1
sys.stdout.flush()
os._exit(code)
"""


def test_rigify_beasts_are_none(tmp_path: Path) -> None:
    path = tmp_path / "beasts.blend"
    fresh_blender(_BEASTS, path)
    beasts = [thing for thing in open_blend(path).objects if thing.type == "ARMATURE"]
    assert len(beasts) == 6
    for beast in beasts:
        assert told(rest_bones(beast)) == {}
