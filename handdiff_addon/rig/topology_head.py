# SPDX-License-Identifier: GPL-3.0-or-later
"""Head, neck and trunk, and the face's bones, told from where they stand in a body whose limbs are known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .topology_tree import Halves, Tree

HEAD_HEIGHTS = 1.06, 2.5
"""Where a head may begin, hips at 0 and shoulders at 1."""
BOWED = 0.5
"""How far in front of the shoulders a head may begin, in trunks: beasts carry theirs farther out."""
CROWN = 0.28
"""A last bone that begins this far above the one before, in trunks, is the crown and that one the head."""
RISE = 0.03
"""How far above the joint before, in trunks, the neck's next joint begins."""
FACE_RISE = 0.02
"""How far above its head a bone of the face begins, in trunks."""
JAW_HEIGHT = 1.2
"""Hips at 0 and shoulders at 1: what hangs from a joint above this may be a jaw."""

EYES = (0.04, 0.4), (0.04, 0.8), (-0.05, 0.9)
"""Where an eye may be, from the head bone's head in lengths of the upper arm: aside, forward, up."""
MAY_BE_EYES = 4
"""Where more joints than these have bones that look ahead, tails are guessed and tell nothing."""
NOSE_FROM_EYES = np.array((1.5, -1.3))
"""The nose's tip from the eyes: forward and up, in half eye distances."""
EAR_FROM_EYES = np.array((2.3, -2.2, -0.7))
"""The ear from between the eyes: aside, forward, up; between people's and Rigify's."""
NOSE_NEAR = 0.4
EAR_NEAR = 1.3
"""How far from there they may be, in half eye distances."""
EAR_SIZE = 1.8
"""How far an ear's bones may reach, in half eye distances; a cheek's or a strand of hair's reach farther."""


@dataclass(frozen=True)
class Frame:
    """The body's own axes: hips in the middle of the hip line, up to the middle of the shoulder line."""

    hips: np.ndarray
    up: np.ndarray
    forward: np.ndarray
    """Unit; before the front is known, or its opposite"""
    trunk: float
    """Hip line to shoulder line"""
    upper_arm: float

    def height(self, points: np.ndarray) -> np.ndarray:
        """Hips at 0, shoulders at 1."""
        return (points - self.hips) @ self.up / self.trunk

    def ahead(self, points: np.ndarray) -> np.ndarray:
        """In front of the line from hips to shoulders, in trunks."""
        return (points - self.hips) @ self.forward / self.trunk


def find_head(halves: Halves, frame: Frame, limbs: set[int]) -> int | None:
    """The head bone: of the middle, above the shoulders, where the face hangs or the neck's chain ends.

    Args:
        halves: the skeleton.
        frame: the body's axes.
        limbs: roots of the pairs that are arms and legs.
    """
    tree = halves.tree
    low, high = HEAD_HEIGHTS

    def above_shoulders(bone: int) -> bool:
        head = tree.head[bone]
        return bool(low <= frame.height(head) <= high and abs(frame.ahead(head)) <= BOWED)

    upper = [bone for bone in halves.middle if above_shoulders(bone)]
    if not upper:
        return None
    joint = {bone: min(tree.at(tree.head[bone])) for bone in upper}
    # The face's pairs rise from the head; a few may hang from a jaw, and muscles from the neck, but do not rise.
    height = frame.height(tree.head)
    faces = Counter(
        joint[tree.parent[a]]
        for a, _ in halves.pairs
        if a not in limbs and tree.parent[a] in joint and height[a] > height[tree.parent[a]] + FACE_RISE
    )
    if faces:
        most = max(faces.values())
        place = min((k for k, votes in faces.items() if votes == most), key=lambda k: height[k])
    else:
        place = _end_of_neck(tree, frame, joint)

    def best(place: int) -> int:
        return min((bone for bone in upper if joint[bone] == place), key=lambda bone: _badness(tree, frame, bone))

    head = best(place)
    # Some rigs gather the face's bones below one of their own inside the head.
    above = joint.get(tree.parent[head], place)
    return best(above) if not _upright(tree, frame, head) and _upright(tree, frame, best(above)) else head


def _end_of_neck(tree: Tree, frame: Frame, joint: Mapping[int, int]) -> int:
    """The joint where the chain of the middle that goes up from the shoulders forks or ends.

    Args:
        tree: the skeleton.
        frame: the body's axes.
        joint: bones of the middle above the shoulders, and of each a bone that stands for its joint.
    """
    height = {own: float(frame.height(tree.head[own])) for own in joint.values()}
    above: dict[int, set[int]] = {own: set() for own in height}
    for bone, own in joint.items():
        above[own].add(joint.get(tree.parent[bone], own))
    # Controls skip joints of the chain that deforms: of what a joint hangs from, the nearest is next to it.  What does
    # not rise hangs from the neck, such as a tie; so high that it may be the head, a jaw tells as well.
    below: dict[int, list[int]] = {own: [] for own in height}
    for own, parents in above.items():
        lower = [parent for parent in parents - {own} if height[parent] < height[own]]
        if lower:
            nearest = max(lower, key=lambda parent: height[parent])
            if height[own] > height[nearest] + RISE or height[nearest] > JAW_HEIGHT:
                below[nearest].append(own)
    starts = set(height) - {own for joints in below.values() for own in joints}
    paths = []
    for start in starts:
        path = [start]
        while len(below[path[-1]]) == 1:
            path += below[path[-1]]
        paths.append(path)
    path = max(paths, key=lambda path: (len(path), height[path[0]]))
    if len(path) > 1 and not below[path[-1]] and height[path[-1]] - height[path[-2]] > CROWN:
        path.pop()
    return path[-1]


def _badness(tree: Tree, frame: Frame, bone: int) -> tuple[bool, bool, bool, float]:
    """How little a bone of the head's joint looks like the head: tail not up or too short, no skin that it moves, a
    helper between it and the neck, little that hangs from it."""
    return (
        not _upright(tree, frame, bone),
        not tree.deform[bone],
        bool(tree.step[bone] <= tree.same),
        -float(tree.weight[bone]),
    )


def _upright(tree: Tree, frame: Frame, bone: int) -> bool:
    """Whether a bone is as long as a head and points up."""
    along = tree.tail[bone] - tree.head[bone]
    length = float(np.linalg.norm(along))
    return bool(0.4 <= length / frame.upper_arm <= 1.5 and along @ frame.up >= 0.7 * length)


def name_trunk(tree: Tree, frame: Frame, head: int, chest: int) -> dict[str, int]:
    """Head, neck, chest, spine and hips: the head and its ancestors, told by height.

    Args:
        tree: the skeleton.
        frame: the body's axes.
        head: the head bone.
        chest: the bone that the arms hang from, -1 for none.
    """
    up = [group[-1] for group in tree.joints(tree.path_up(head)[::-1])]
    heights = [float(frame.height(tree.head[bone])) for bone in up]
    named = {"head": head}
    spine = [bone for bone, height in zip(up[:-1], heights) if height <= 0.92 and abs(height) < 1]
    neck = [bone for bone, height in zip(up[:-1], heights) if height > 0.92]
    if chest in neck[:1] and len(neck) > 1:
        neck, spine = neck[1:], [*spine, chest]
    if neck:
        named["neck"] = neck[0]
    if spine:
        hips = min(range(len(spine)), key=lambda k: abs(float(frame.height(tree.head[spine[k]]))))
        for name, bone in zip(("hips", "spine"), spine[hips : hips + 2]):
            named[name] = bone
        if len(spine) > hips + 2:
            named["chest"] = spine[-1]
    return named


def find_eyes(halves: Halves, frame: Frame, head: int) -> tuple[int, int] | None:
    """The pair of bones that are the eyes, that on the mirror plane's positive side first; None where it is unclear.

    Hair is chains; lids, brows and cheeks lie about the eyes, but among them only an eye looks straight ahead.
    """
    tree = halves.tree
    inside = set(tree.below(tree.at(tree.head[head])))
    tops = [pair for pair in halves.pairs if pair[0] in inside]
    from_head = tree.head - tree.head[head]
    places = np.stack([np.abs(halves.mirror.side(tree.head)), from_head @ frame.forward, from_head @ frame.up], axis=1)
    low, high = np.array(EYES).T * frame.upper_arm
    where_eyes_are = np.all((places >= low) & (places <= high), axis=1)
    looks_ahead = (tree.tail - tree.head) @ frame.forward >= 0.97 * np.linalg.norm(tree.tail - tree.head, axis=1)

    def groups(pairs: list[tuple[int, int]], reach: float) -> dict[tuple[int, ...], list[tuple[int, int]]]:
        """Pairs that may be eyes by the joint they begin at."""
        found: dict[tuple[int, ...], list[tuple[int, int]]] = {}
        for a, b in pairs:
            if where_eyes_are[a] and tree.reach[a] <= reach * places[a, 0]:
                found.setdefault(tuple(tree.at(tree.head[a])), []).append((a, b))
        return found

    found = groups(tops, 1)
    if len(found) != 1:
        nested = [below for pair in tops for below in halves.below_pair(*pair)]
        found = groups([pair for pair in (*tops, *nested) if looks_ahead[pair[0]]], 2)
    if not 1 <= len(found) <= MAY_BE_EYES:
        return None
    # Lids turn about the eye's centre as well, so most bones begin there.
    return max(found[max(found, key=len)], key=lambda pair: looks_ahead[pair[0]])


def name_face(halves: Halves, frame: Frame, head: int, eyes: tuple[int, int]) -> dict[str, int]:
    """The nose's and the ears' bones where they stand about where the eyes tell; ears as ``ear`` on the mirror plane's
    positive side and ``other_ear``."""
    tree = halves.tree
    half = abs(float(halves.mirror.side(tree.head[eyes[0]])))
    between = halves.mirror.flat(tree.head[eyes[0]])
    joint = tree.at(tree.head[head])
    axes = np.stack([frame.forward, frame.up])
    named: dict[str, int] = {}

    def off(bone: int, wanted: np.ndarray) -> float:
        place = [abs(float(halves.mirror.side(tree.head[bone]))), *(axes @ (tree.head[bone] - between))]
        return float(np.linalg.norm(np.array(place) / half - wanted))

    inside = set(tree.below(joint)) - set(joint)
    noses = [(off(bone, np.array([0.0, *NOSE_FROM_EYES])), bone) for bone in halves.middle if bone in inside]
    if noses and min(noses)[0] <= NOSE_NEAR:
        named["nose"] = min(noses)[1]

    def small(bone: int) -> bool:
        return bool(np.linalg.norm(tree.head[tree.below([bone])] - tree.head[bone], axis=1).max() <= EAR_SIZE * half)

    ears = [(off(a, EAR_FROM_EYES), a, b) for a, b in halves.pairs if a in inside and small(a)]
    if ears and min(ears)[0] <= EAR_NEAR:
        named["ear"], named["other_ear"] = min(ears)[1:]
    return named
