# SPDX-License-Identifier: GPL-3.0-or-later
"""Fingers, told from the chains that hang from a hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..request import Side
from .bones import Bone
from .keypoints import FINGERS
from .topology_tree import Tree, unit

METACARPAL = 0.5
"""A chain of four bones or more that begins nearer to the wrist than this, in its own lengths, begins with a
metacarpal: fingers begin about their own length from the wrist, metacarpals a quarter of theirs."""
SHORT_METACARPAL = 0.38
"""The same for a chain of three bones, which is left with two."""
THUMB = 0.8
"""How far a chain must stand out, see :func:`_divergence`, to be the thumb."""
THUMB_KNUCKLE = 0.58
"""A thumb that begins farther from the wrist than this, in the distance of the other knuckles, lacks its metacarpal."""
ALIKE = 2.6
"""No finger is longer or shorter than the usual one by more than this factor."""


@dataclass(frozen=True)
class Chain:
    """A finger: one bone a joint, base to tip."""

    bones: list[int]
    points: np.ndarray
    """(n, 3) heads"""

    @property
    def direction(self) -> np.ndarray:
        return unit(self.points[-1] - self.points[0])

    def length(self, start: int = 0) -> float:
        """Along the heads, from a joint on."""
        return float(np.linalg.norm(np.diff(self.points[start:], axis=0), axis=1).sum())

    def knuckle(self, wrist: np.ndarray) -> int:
        """Which joint is the knuckle: the first, or the second where a metacarpal is before it."""
        begins = float(np.linalg.norm(self.points[0] - wrist))
        limit = METACARPAL if len(self.bones) >= 4 else SHORT_METACARPAL
        return int(len(self.bones) >= 3 and begins < limit * self.length())


def map_fingers(rest: Mapping[str, Bone], hand: str, side: Side) -> dict[str, str]:
    """Fingers that hang from a known hand bone, told from structure and rest positions.

    Args:
        rest: every bone by its name, at rest, in armature space.
        hand: the hand bone's name.
        side: whose hand it is; the person's own.

    Returns:
        canonical name to bone name, such as ``left_index_2``.  Fingers that the hand has not are absent, and so is the
        third bone of a finger of two.  Empty where nothing looks like fingers.
    """
    tree = Tree(rest)
    return name_fingers(tree, tree.names.index(hand), side)


def name_fingers(tree: Tree, hand: int, side: Side) -> dict[str, str]:
    """:func:`map_fingers` on a tree."""
    wrist = tree.head[hand]
    thumb, fingers = order_fingers(wrist, finger_chains(tree, hand))
    named: dict[str, str] = {}
    for finger, chain in zip(FINGERS, (thumb, *fingers)):
        if chain is not None:
            is_thumb = chain is thumb
            joints = ["1", "2", "3", "tip"][is_thumb and _lacks_metacarpal(chain, fingers, wrist) :]
            bones = chain.bones[0 if is_thumb else chain.knuckle(wrist) :]
            named |= {f"{side}_{finger}_{joint}": tree.names[bone] for joint, bone in zip(joints, bones)}
    return named


def finger_chains(tree: Tree, hand: int) -> list[Chain]:
    """Chains of two joints or more below a hand, about as long as one another; five at most."""
    bones = tree.below([hand])
    if len(bones) == 1:  # in a rig of layers the fingers may hang from a copy of the hand
        bones = tree.below([hand, *tree.at(tree.head[hand])])
    wrist = tree.head[hand]
    chains = [_chain(tree, path) for path in _Joints(tree, bones).fingers()]
    while chains:
        lengths = np.log([chain.length(chain.knuckle(wrist)) for chain in chains])
        off = np.abs(lengths - np.median(lengths))
        worst = int(off.argmax())
        if len(chains) <= len(FINGERS) and off[worst] <= np.log(ALIKE):
            break
        del chains[worst]
    return chains


def order_fingers(wrist: np.ndarray, chains: Sequence[Chain]) -> tuple[Chain | None, list[Chain]]:
    """The thumb, where there is one, and the others along the palm's width, from the thumb's side.

    One chain alone is no hand.  Without a thumb the shortest finger is the little one's side.
    """
    if len(chains) < 2:
        return None, []
    stands_out = [_divergence(k, chains, wrist) for k in range(len(chains))]
    best = int(np.argmax(stands_out))
    thumb = chains[best] if stands_out[best] >= THUMB else None
    others = [chain for k, chain in enumerate(chains) if thumb is None or k != best]
    bases = np.array([chain.points[chain.knuckle(wrist)] for chain in others])
    centre = bases.mean(axis=0)
    # The palm's width runs from one end of the row of knuckles to the other.
    apart = np.linalg.norm(bases[:, None] - bases[None], axis=2)
    a, b = np.unravel_index(int(apart.argmax()), apart.shape)
    across = bases[b] - bases[a]
    if thumb is not None:
        inwards = across @ (centre - thumb.points.mean(axis=0))
    else:
        inwards = others[a].length() - others[b].length()
    places = bases @ (across if inwards >= 0 else -across)
    return thumb, [others[k] for k in np.argsort(places, kind="stable")][: len(FINGERS) - 1]


def _divergence(k: int, chains: Sequence[Chain], wrist: np.ndarray) -> float:
    """How much a chain is a thumb among the others: it turns away from them, and begins and ends nearer the wrist."""
    others = [chain for n, chain in enumerate(chains) if n != k]
    mean = unit(np.sum([chain.direction for chain in others], axis=0))
    angle = float(np.arccos(np.clip(chains[k].direction @ mean, -1, 1)))

    ends = np.array([(chain.points[chain.knuckle(wrist)], chain.points[-1]) for chain in (chains[k], *others)])
    away = np.linalg.norm(ends - wrist, axis=2)  # (chains, base and end)
    return angle + float(np.sum(1 - away[0] / np.maximum(away[1:].mean(axis=0), 1e-9)))


def _lacks_metacarpal(thumb: Chain, fingers: Sequence[Chain], wrist: np.ndarray) -> bool:
    knuckles = [np.linalg.norm(finger.points[finger.knuckle(wrist)] - wrist) for finger in fingers]
    return bool(np.linalg.norm(thumb.points[0] - wrist) > THUMB_KNUCKLE * np.mean(knuckles))


class _Joints:
    """The joints below a hand as a tree: heads that lie together are one joint, however many bones begin there."""

    def __init__(self, tree: Tree, bones: list[int]) -> None:
        self.tree = tree
        self.bones: list[list[int]] = []
        points = np.empty((len(bones), 3))
        joint: dict[int, int] = {}
        above: list[set[int]] = []
        for bone in bones:  # parents first; the hand's own joint is 0
            near = np.linalg.norm(points[: len(self.bones)] - tree.head[bone], axis=1) <= tree.same
            if near.any():
                joint[bone] = int(near.argmax())
            else:
                joint[bone] = len(self.bones)
                points[len(self.bones)] = tree.head[bone]
                self.bones.append([])
                above.append(set())
            self.bones[joint[bone]].append(bone)
            parent = joint.get(tree.parent[bone], 0)
            if parent != joint[bone]:
                above[joint[bone]].add(parent)
        self.points = points[: len(self.bones)]
        self.children: list[list[int]] = [[] for _ in self.bones]
        parents = [-1] * len(self.bones)
        for k in range(1, len(self.bones)):
            # Of copies that hang from different joints, that which hangs from the nearest knows the palm best.
            for parent in sorted(above[k], key=lambda p: (float(np.linalg.norm(self.points[p] - self.points[k])), p)):
                up = parent
                while up not in (-1, k):
                    up = parents[up]
                if up == -1:
                    parents[k] = parent
                    self.children[parent].append(k)
                    break

    def fingers(self) -> list[list[list[int]]]:
        """Chains of two joints or more, each a list of the bones at its joints; forks of such chains are palm."""
        order = [0]
        for k in order:  # grows as it goes
            order += self.children[k]
        chains: dict[int, list[list[list[int]]]] = {}
        for k in reversed(order[1:]):
            below = [chain for child in self.children[k] for chain in chains.pop(child)]
            long = [chain for chain in below if len(chain) > 1]
            if len(long) > 1:
                chains[k] = self._forked(self.bones[k], long)
            elif below:
                # One joint by itself beside a chain, or beside others, is a helper; a tip is the farthest.
                chains[k] = [[self.bones[k], *max(long or below, key=lambda chain: self._apart(k, chain))]]
            else:
                chains[k] = [[self.bones[k]]]
        return [chain for child in self.children[0] for chain in chains[child] if len(chain) > 1]

    def _forked(self, palm: list[int], chains: list[list[list[int]]]) -> list[list[list[int]]]:
        """Chains that leave one joint, each with those of the joint's bones that lead to it alone."""
        leads = [{up for bone in chain[0] for up in self.tree.path_up(bone)} & set(palm) for chain in chains]
        own = [lead - set().union(*leads[:n], *leads[n + 1 :]) for n, lead in enumerate(leads)]
        return [[sorted(mine), *chain] if mine else chain for mine, chain in zip(own, chains)]

    def _apart(self, joint: int, chain: list[list[int]]) -> float:
        return float(np.linalg.norm(self.tree.head[chain[0][0]] - self.points[joint]))


def _chain(tree: Tree, path: list[list[int]]) -> Chain:
    """One bone for each joint of a finger, all of one copy of it.

    Copies differ in how many helpers lie between their bones, and controls alone may have a tip: a copy's worth is its
    joints less its helpers, then whether it deforms.
    """
    best: tuple[tuple[int, int, int], list[int]] | None = None
    for n in range(len(path), 1, -1):
        for last in path[n - 1]:
            bones, helpers = [last], 0
            for up in tree.path_up(last)[1:]:
                if len(bones) == n:
                    break
                if up in path[n - 1 - len(bones)]:
                    bones.append(up)
                else:
                    helpers += 1
            joints = len(bones) if len(bones) == n else 0
            worth = (joints - helpers, len(bones), int(tree.deform[bones].sum()))
            if best is None or worth > best[0]:
                best = worth, bones[::-1]
    assert best is not None  # a path has two joints or more
    return Chain(best[1], tree.head[best[1]])
