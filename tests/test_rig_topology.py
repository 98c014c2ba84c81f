# SPDX-License-Identifier: GPL-3.0-or-later
"""Bones told from structure: skeletons of many makes under random names, in any place; beasts and things refused."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import bpy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handdiff_addon.rig.bones import PARENTS, Bone
from handdiff_addon.rig.keypoints import FINGERS
from handdiff_addon.rig.matching import RigMatch, match_rig
from handdiff_addon.rig.pose import keypoints
from handdiff_addon.rig.topology import map_fingers, map_structure
from handdiff_addon.scene.rigs import rest_bones
from handdiff_addon.scene.sample_human import create_sample_human
from tests.builders import bone_table, turn_bone, write_rigify

SIDES = ("left", "right")
FLIP = np.array((-1.0, 1.0, 1.0))


class Figure:
    """A skeleton under construction: bones by name, of which the left ones are mirrored as they are added.

    Names that are canonical are what the skeleton must be told to be; all others are bones that must not be taken.
    """

    def __init__(self) -> None:
        self.ends: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        self.parents: dict[str, str | None] = {}

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
        points = [np.array(point, dtype=float) for point in points]
        for k, (head, tail) in enumerate(zip(points, points[1:])):
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
            self.ends[extra], self.parents[extra] = (self.head(own), self.head(own) + (0, 0, 0.03)), self.parents[own]
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
            bones[name] = Bone(name, self.parents[name], head, tail, matrix)
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
            names[bone.name], names[bone.parent] if bone.parent else None, bone.head, bone.tail, bone.matrix
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


def check(figure: Figure, absent: Iterable[str] = (), seed: int = 0) -> None:
    """The head, all limbs and all fingers are told, and nothing else is in their place; a copy at its place may be."""
    found = told(figure.rest(), seed)
    wanted = {name for name in PARENTS if name in figure.ends and name not in {*absent, *LOOSE}}
    assert {name for name in found if name not in LOOSE} == wanted
    wrong = {name: found[name] for name in wanted if not np.allclose(figure.head(found[name]), figure.head(name))}
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
    figure.add("head_nub", "head", figure.tail("head"), figure.tail("head") + (0, 0, 0.05))
    figure.add("left_toe_nub", "left_toe", figure.tail("left_toe"), figure.tail("left_toe") + (0, -0.03, 0))
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
            f"left_carpal_{k}", "left_hand", hand + (0.015, 0.008 * (k - 1.5), 0), figure.head(f"left_{finger}_1")
        )
        for side in SIDES:
            figure.parents[f"{side}_{finger}_1"] = f"{side}_carpal_{k}"
    figure.put_between("left_metatarsals", "left_foot", 0.5)
    for k in range(5):
        start = figure.tail("left_toe") + ((k - 2) * 0.015, 0.0, 0.0)
        figure.chain(f"left_small_toe_{k}_", "left_toe", (start, start - (0, 0.02, 0), start - (0, 0.035, 0)))
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
    """Helpers at the shoulders, twists within the arms, doubled legs, IK at the feet, long hair, a skirt, short thumbs."""
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
    figure.add("left_leg_ik", None, figure.head("left_foot"), figure.head("left_foot") + (0, 0.1, 0))
    figure.add("left_toe_ik", "left_leg_ik", figure.head("left_toe"), figure.head("left_toe") - (0, 0, 0.05))
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
    figure.chain("sword", "right_hand", (hand, hand + (0, -0.5, 0), hand + (0, -1.0, 0)))
    for k in range(4):
        start = np.array((0.35 + 0.2 * k, 0.3, 1.5 + 0.1 * k))
        figure.chain(
            f"left_feather_{k}_",
            f"left_wing{min(k, 2)}" if k else "chest",
            (start, start - (0, 0, 0.3), start - (0, 0, 0.5)),
        )
        if not k:
            figure.chain("left_wing", "chest", ((0.06, 0.1, 1.35), (0.35, 0.3, 1.5), (0.7, 0.35, 1.7), (1.1, 0.3, 1.6)))
    figure.chain("tail", "hips", ((0, 0.1 + 0.12 * k, 0.95 - 0.05 * k) for k in range(7)))
    figure.chain("cape", "chest", ((0, 0.12 + 0.01 * k, 1.4 - 0.2 * k) for k in range(6)))
    elbow, wrist = figure.head("left_forearm"), figure.head("left_hand")
    for k in range(4):
        place = elbow + (0.3 + 0.2 * k) * (wrist - elbow)
        figure.chain(f"left_sleeve_{k}_", "left_forearm", (place, place - (0, 0, 0.1), place - (0, 0, 0.2)))
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
    figure.ends["head"] = figure.head("head"), figure.head("head") + (0, 0, 0.5)
    figure.add("crown", "head", figure.tail("head"), figure.tail("head") + (0, 0, 0.1))
    for side in SIDES:
        hip = figure.head(f"{side}_thigh").copy()
        figure.move(lambda point, hip=hip: hip + (point - hip) * (1, 1, 0.55), figure.below(f"{side}_thigh"))
    return figure


FIGURES = (
    human, biped, unreal_5, daz, makehuman, mmd, vroid, dressed, without_clavicles, without_feet_and_neck,
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
    moved.move(lambda point: scale * (turn @ point + (3, -2, 1)))
    check(moved)
