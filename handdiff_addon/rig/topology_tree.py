# SPDX-License-Identifier: GPL-3.0-or-later
"""A rest skeleton as arrays: hierarchy, longest chains, and the plane that mirrors its left side to its right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from .bones import Bone

COINCIDENT = 5e-4
"""Heads nearer than this share of the skeleton's size are one joint."""
MIRROR_TOLERANCE = 0.03
"""How far from its mirrored place a bone may lie, in sizes of the skeleton."""
MIDDLE_TOLERANCE = 0.008
"""How far from the mirror plane a bone of the middle may lie, in sizes of the skeleton."""
LIMB = 0.2
"""The least reach, in sizes of the skeleton, of chains that tell the mirror plane."""


def unit(vector: np.ndarray) -> np.ndarray:
    """A vector (3,) at length one; a vector of no length stays."""
    length = float(np.linalg.norm(vector))
    return vector / length if length > 0 else vector


class Tree:
    """The bones of a rest skeleton by number, parents before children.

    Numbers follow the bones' places, so that nothing depends on names or on the mapping's order as long as no two
    bones lie at the same place.
    """

    def __init__(self, rest: Mapping[str, Bone]) -> None:
        def place(name: str) -> tuple[float, ...]:
            return (*rest[name].head.tolist(), *rest[name].tail.tolist())

        below: dict[str | None, list[str]] = {}
        for name, bone in rest.items():
            below.setdefault(bone.parent if bone.parent in rest else None, []).append(name)
        self.names: list[str] = []
        self.parent: list[int] = []
        waiting = [(-1, name) for name in sorted(below.get(None, ()), key=lambda name: (place(name), name))]
        for above, name in waiting:  # grows as it goes
            number = len(self.names)
            self.names.append(name)
            self.parent.append(above)
            waiting += [(number, child) for child in sorted(below.get(name, ()), key=lambda n: (place(n), n))]
        count = len(self.names)
        self.head = np.array([rest[name].head for name in self.names], dtype=float).reshape(count, 3)
        self.tail = np.array([rest[name].tail for name in self.names], dtype=float).reshape(count, 3)
        self.deform = np.array([rest[name].deform for name in self.names], dtype=bool)
        self.children: list[list[int]] = [[] for _ in range(count)]
        self.roots: list[int] = []
        for i, above in enumerate(self.parent):
            (self.children[above] if above >= 0 else self.roots).append(i)
        # The size is that of most of the skeleton: a target or a root far away does not count.
        distance = np.linalg.norm(self.head - np.median(self.head, axis=0), axis=1) if count else np.zeros(1)
        self.size = float(np.quantile(distance, 0.95))
        self.same = COINCIDENT * self.size
        self._measure()

    def _measure(self) -> None:
        count = len(self.names)
        above = [parent if parent >= 0 else i for i, parent in enumerate(self.parent)]
        self.step = np.linalg.norm(self.head - self.head[above], axis=1)
        """(n,) from the parent's head"""
        self.reach = np.zeros(count)
        """(n,) length of the longest chain of heads below a bone"""
        self.longest = [-1] * count
        """The child that the longest chain leads through"""
        self.weight = np.ones(count)
        """(n,) number of bones in the subtree"""
        self.outline = np.stack([self.head, self.tail, self.tail], axis=1)
        """(n, 3, 3) three points that tell a chain's course: the head and the two next joints; a tail ends a chain"""
        rank = [(0, 0, 0)] * count
        for i in range(count - 1, -1, -1):
            for child in self.children[i]:
                self.weight[i] += self.weight[child]
                helper = self.step[child] <= self.same
                deform, helpers, joints = rank[child]
                ranked = (deform + int(self.deform[child]), helpers - helper, joints + 1 - helper)
                gain = self.step[child] + self.reach[child] - self.reach[i]
                # Of copies of one chain, that which deforms, has the fewest bones of no length, and the most joints.
                if self.longest[i] < 0 or gain > self.same or (gain > -self.same and ranked > rank[i]):
                    self.reach[i] += gain
                    self.longest[i], rank[i] = child, ranked
            if (below := self.longest[i]) >= 0:
                self.outline[i, 1:] = (
                    self.outline[below, :2] if self.step[below] > self.same else self.outline[below, 1:]
                )

    def path_down(self, bone: int) -> list[int]:
        """A bone and the longest chain below it."""
        path = [bone]
        while self.longest[path[-1]] >= 0:
            path.append(self.longest[path[-1]])
        return path

    def path_up(self, bone: int, top: int = -1) -> list[int]:
        """A bone and its ancestors, up to ``top`` or the root."""
        path = [bone]
        while path[-1] != top and self.parent[path[-1]] >= 0:
            path.append(self.parent[path[-1]])
        return path

    def below(self, bones: Iterable[int]) -> list[int]:
        """Bones and all that hang from them, parents first."""
        found = list(dict.fromkeys(bones))
        seen = set(found)
        for bone in found:
            new = [child for child in self.children[bone] if child not in seen]
            seen.update(new)
            found += new
        return found

    def at(self, point: np.ndarray) -> list[int]:
        """Bones whose heads lie at a point."""
        return np.flatnonzero(np.linalg.norm(self.head - point, axis=1) <= self.same).tolist()

    def joints(self, path: list[int]) -> list[tuple[int, ...]]:
        """A path's bones, grouped by joint: consecutive bones with one head."""
        groups: list[tuple[int, ...]] = []
        for bone in path:
            if groups and np.linalg.norm(self.head[bone] - self.head[groups[-1][0]]) <= self.same:
                groups[-1] = (*groups[-1], bone)
            else:
                groups.append((bone,))
        return groups


@dataclass(frozen=True)
class Mirror:
    """The plane between a skeleton's halves: the points ``x`` with ``normal @ x == offset``."""

    normal: np.ndarray
    offset: float

    def side(self, points: np.ndarray) -> np.ndarray:
        """Signed distances (...) of points (..., 3)."""
        return points @ self.normal - self.offset

    def reflect(self, points: np.ndarray) -> np.ndarray:
        """Points (..., 3) mirrored."""
        return points - 2 * self.side(points)[..., None] * self.normal

    def flat(self, point: np.ndarray) -> np.ndarray:
        """The nearest point of the plane."""
        return point - self.side(point) * self.normal


def find_mirror(tree: Tree) -> Mirror | None:
    """The plane that mirrors most of the long chains to siblings of theirs; None where there are no such chains."""
    pairs = []
    for siblings in (tree.roots, *tree.children):
        long = [bone for bone in siblings if tree.reach[bone] >= LIMB * tree.size]
        for n, a in enumerate(long):
            pairs += [(a, b) for b in long[n + 1 :] if abs(tree.reach[a] - tree.reach[b]) <= 0.2 * tree.reach[a]]
    if not pairs or tree.size == 0:
        return None
    first, second = (tree.outline[[pair[k] for pair in pairs]] for k in (0, 1))
    weight = np.array([min(tree.reach[a], tree.reach[b]) for a, b in pairs])
    apart = np.linalg.norm(first - second, axis=2)
    best, mirror = 0.0, None
    for k, widest in enumerate(apart.argmax(axis=1)):
        if apart[k, widest] <= MIDDLE_TOLERANCE * tree.size:
            continue
        normal = unit(first[k, widest] - second[k, widest])
        guess = Mirror(normal, float(normal @ (first[k, widest] + second[k, widest]) / 2))
        off = np.linalg.norm(guess.reflect(first) - second, axis=2).max(axis=1)
        agree = (off <= MIRROR_TOLERANCE * tree.size) & (apart.max(axis=1) > MIDDLE_TOLERANCE * tree.size)
        total = float(weight[agree].sum())
        if total > best * (1 + 1e-9):
            across = (first[agree] - second[agree]).reshape(-1, 3)
            across *= np.sign(across @ normal)[:, None]
            normal = unit(across.sum(axis=0))
            centre = ((first[agree] + second[agree]) / 2).reshape(-1, 3)
            best, mirror = total, Mirror(normal, float(np.median(centre @ normal)))
    return mirror


@dataclass(frozen=True)
class Halves:
    """A skeleton told into a middle and pairs of subtrees that mirror each other."""

    tree: Tree
    mirror: Mirror
    pairs: list[tuple[int, int]]
    """Roots of mirrored subtrees, that on the plane's positive side first; none is inside another"""
    middle: list[int]
    """Bones on the plane that are in no pair's subtree, parents first"""

    def below_pair(self, ours: int, theirs: int) -> list[tuple[int, int]]:
        """Mirrored bones below a pair, at any depth."""
        found: list[tuple[int, int]] = []
        waiting = [(ours, theirs)]
        for a, b in waiting:  # grows as it goes
            paired = _match(self.tree, self.mirror, self.tree.children[a], self.tree.children[b])
            found += paired
            waiting += paired
        return found

    def mate(self, path: list[int], other: int) -> list[int]:
        """The path below ``other`` that mirrors ``path``; as long as there are bones to mirror it."""
        mates = [other]
        for bone in path[1:]:
            choice = self.tree.children[mates[-1]]
            if not choice:
                break
            costs, off = _costs(self.tree, self.mirror, [bone], choice)
            k = int(costs.argmin())
            if off[0, k] > 2 * MIRROR_TOLERANCE * self.tree.size:
                break
            mates.append(choice[k])
        return mates


def halve(tree: Tree, mirror: Mirror) -> Halves:
    """Pair the subtrees that a plane mirrors, from the roots down."""
    slack = MIDDLE_TOLERANCE * tree.size
    side = mirror.side(tree.head)
    low, high = side.copy(), side.copy()
    for i in range(len(tree.names) - 1, -1, -1):
        for child in tree.children[i]:
            low[i], high[i] = min(low[i], low[child]), max(high[i], high[child])
    left = (low > -slack) & (high > slack)
    right = (high < slack) & (low < -slack)
    pairs: list[tuple[int, int]] = []
    middle: list[int] = []
    waiting = [tree.roots]
    for siblings in waiting:  # grows as it goes
        ours, theirs = [b for b in siblings if left[b]], [b for b in siblings if right[b]]
        paired = _match(tree, mirror, ours, theirs)
        pairs += paired
        taken = {bone for pair in paired for bone in pair}
        for bone in siblings:
            if bone not in taken and abs(side[bone]) <= slack:
                middle.append(bone)
                waiting.append(tree.children[bone])
    return Halves(tree, mirror, pairs, middle)


def _match(tree: Tree, mirror: Mirror, ours: list[int], theirs: list[int]) -> list[tuple[int, int]]:
    """Pair bones with those that stand where they are mirrored to, the best fitting first."""
    if not ours or not theirs:
        return []
    costs, off = _costs(tree, mirror, ours, theirs)
    rows, columns = np.nonzero(off <= MIRROR_TOLERANCE * tree.size)
    pairs: list[tuple[int, int]] = []
    taken: set[int] = set()
    for k in np.argsort(costs[rows, columns], kind="stable"):
        a, b = ours[rows[k]], theirs[columns[k]]
        if a not in taken and b not in taken:
            pairs.append((a, b))
            taken |= {a, b}
    return pairs


def _costs(tree: Tree, mirror: Mirror, ours: list[int], theirs: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """How badly bones stand where others are mirrored to, in sizes of the skeleton, and how far from there their heads
    are; both (ours, theirs)."""
    wanted = mirror.reflect(tree.outline[ours])
    stands = tree.outline[theirs]
    off = np.linalg.norm(wanted[:, None] - stands[None], axis=3)
    # Where only one side holds something, a hand still goes with the other hand.
    off[:, :, 1:] = np.minimum(off[:, :, 1:], MIRROR_TOLERANCE * tree.size)
    unlike = np.abs(np.log(tree.weight[ours][:, None] / tree.weight[theirs][None]))
    return off @ np.array((1.0, 0.3, 0.3)) / tree.size + 0.01 * unlike, off[:, :, 0]
