# SPDX-License-Identifier: GPL-3.0-or-later
"""Which part of whom each triangle is: by vertex weights where a mesh has them, by capsules around the hand's
keypoints where it has none.

What a hand wears, such as a glove or a ring, is the hand's; what it holds, such as a sword, is nobody's part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import bpy
import numpy as np

from ..conditioning.capsules import arm_capsules, body_capsules, hand_capsules
from ..conditioning.masks import BODY, HAND_PART, NOTHING
from ..request import SIDES, Side
from ..rig.keypoints import PersonKeypoints
from ..rig.matching import RigMatch, arm_bones, hand_bones
from .owners import Owner
from .surfaces import Surface

_ARM = 4
"""An arm, until all is told: then it is the body's"""
_SAMPLE = 2000  # points on an object that tell whether a hand wears it


@dataclass(frozen=True)
class Person:
    """A posed person whose hands are to be told apart from the rest."""

    points: PersonKeypoints
    bones: frozenset[str]
    """All of the armature's"""
    hands: dict[Side, frozenset[str]]
    """Bones that move the skin of each hand"""
    held: dict[Side, frozenset[str]]
    """Bones that hang from each hand and are not part of it, such as a weapon's"""
    arms: frozenset[str]
    """Bones that move the skin of both arms"""

    def part_of(self, bone: str) -> tuple[int, Side | None]:
        """The part that a bone moves, and by which hand it is carried."""
        for side in SIDES:
            if bone in self.hands[side]:
                return HAND_PART[side], side
            if bone in self.held[side]:
                return NOTHING, side
        return _ARM if bone in self.arms else BODY, None


def person_of(armature: bpy.types.Object, match: RigMatch, points: PersonKeypoints) -> Person:
    """A person from its armature, which bone is which, and the keypoints of its pose."""
    parents = {bone.name: bone.parent.name if bone.parent else None for bone in armature.data.bones}
    hands = {side: frozenset(hand_bones(match, parents, side)) for side in SIDES}
    held = {side: frozenset(_hanging(parents, hands[side])) for side in SIDES}
    arms = frozenset().union(*(arm_bones(match, parents, side) for side in SIDES))
    return Person(points, frozenset(parents), hands, held, arms)


def triangle_parts(
    surfaces: Sequence[Surface], people: Sequence[Person], seen: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Part and person of each triangle, surface after surface, and whether it is an arm's.

    Args:
        surfaces: of the people and all else.
        people: in the order of ``Owner.person``.
        seen: bool (M,), triangles that matter; the others are told as body, or nothing, without a closer look.

    Returns:
        part (M,) int8 as in ``conditioning.masks``; person (M,) int32, -1 for things; arm bool (M,).  A thing that a
        person holds is that person's, and no part; arms are the body's.
    """
    part = np.zeros(len(seen), dtype=np.int8)
    person = np.full(len(seen), -1, dtype=np.int32)
    owned, skins = [], []
    end = 0
    for surface in surfaces:
        own = slice(end, end + len(surface.triangles))
        end = own.stop
        if not surface.owners:
            continue
        owner = surface.owners[0]
        person[own], part[own] = owner.person, BODY if surface.part is None else surface.part
        owned.append((surface, own))
        carrier, side = people[owner.person].part_of(owner.bone)
        if carrier == _ARM:
            part[own] = _ARM
        elif side is not None:
            part[own] = _worn_or_held(surface, people[owner.person], side)
        elif surface.skin is not None:
            if not owner.bone:
                skins.append((surface, surface.skin, own))
            _by_weight(surface, surface.skin, people, np.flatnonzero(seen[own]), part[own], person[own])
    for index, each in enumerate(people):
        _by_capsules(index, each, [skin for skin in skins if skin[0].person == index], seen, part, person)
        if not (part[person == index] == _ARM).any():
            for surface, own in owned:
                chosen = np.flatnonzero(seen[own] & (person[own] == index) & (part[own] == BODY))
                _arms_by_capsules(surface, each, chosen, part[own])
    arm = part == _ARM
    part[arm] = BODY
    return part, person, arm


def _by_weight(
    surface: Surface,
    skin: bpy.types.Object,
    people: Sequence[Person],
    chosen: np.ndarray,
    part: np.ndarray,
    person: np.ndarray,
) -> None:
    """Tell some triangles of a mesh by the bones that more than half of their vertices' weight is on.

    Args:
        chosen: (C,) which triangles.
        part, person: (M,) what is known of the mesh's triangles, changed in place.
    """
    columns, of_group = _columns(skin, surface.owners, people)
    several = len({wearer for wearer, _, _ in columns}) > 1
    if not len(chosen) or not (several or any(moved != BODY for _, moved, _ in columns)):
        return
    corners = surface.triangles[chosen]
    used = np.zeros(len(surface.vertices), dtype=bool)
    used[corners] = True
    share = _shares(skin, np.flatnonzero(used), of_group, len(columns))
    share = share[(np.cumsum(used) - 1)[corners]].mean(axis=1)
    wearers = np.array([wearer for wearer, _, _ in columns])
    totals = np.stack([share[:, wearers == index].sum(axis=1) for index in range(len(people))], axis=1)
    known = totals.any(axis=1)
    person[chosen[known]] = totals[known].argmax(axis=1)
    for column, (wearer, moved, side) in enumerate(columns):
        own = chosen[share[:, column] > 0.5 * totals.sum(axis=1)]
        if moved == BODY or not len(own):
            continue
        if side is None:
            part[own] = moved
            continue
        if len(own) == len(chosen) and _is_sole(skin, column, of_group):
            moved = _worn_or_held(surface, people[wearer], side)
        elif moved == NOTHING:
            # A helper bone's skin lies around the hand, a weapon that is one mesh with the body does not.
            inside = hand_capsules(people[wearer].points, side).contain(_centres(surface, own))
            part[own[inside]] = HAND_PART[side]
            own = own[~inside]
        part[own] = moved


def _by_capsules(
    index: int,
    person: Person,
    skins: Sequence[tuple[Surface, bpy.types.Object, slice]],
    seen: np.ndarray,
    part: np.ndarray,
    owner: np.ndarray,
) -> None:
    """Tell the hands of a person none of whose meshes has weights on them; ``part`` (M,) is changed in place."""
    for side in SIDES:
        if (part[owner == index] == HAND_PART[side]).any():
            continue
        capsules = hand_capsules(person.points, side)
        found = []
        for surface, _, own in skins:
            chosen = np.flatnonzero(seen[own] & np.isin(part[own], (BODY, _ARM)))
            found.append(own.start + chosen[capsules.contain(_centres(surface, chosen))])
        if any(map(len, found)) and not any(_has_weights(skin, person.hands[side]) for _, skin, _ in skins):
            part[np.concatenate(found)] = HAND_PART[side]


def _arms_by_capsules(surface: Surface, person: Person, chosen: np.ndarray, part: np.ndarray) -> None:
    """Tell the arms among some triangles (C,) of a surface; its ``part`` (M,) is changed in place."""
    arms = arm_capsules(person.points)
    if len(chosen) and len(arms.radii):
        to_arms, to_all = (
            np.linalg.norm(capsules.offsets(_centres(surface, chosen))[1], axis=1)
            for capsules in (arms, body_capsules(person.points))
        )
        part[chosen[to_arms <= to_all]] = _ARM


def _columns(
    skin: bpy.types.Object, owned: Sequence[Owner], people: Sequence[Person]
) -> tuple[list[tuple[int, int, Side | None]], dict[int, int]]:
    """The (person, part, carrying side) that a mesh's vertex groups are bound to, and each such group's place there."""
    columns: list[tuple[int, int, Side | None]] = []
    of_group = {}
    for group in skin.vertex_groups:
        for owner in owned:
            if group.name in people[owner.person].bones:
                column = (owner.person, *people[owner.person].part_of(group.name))
                if column not in columns:
                    columns.append(column)
                of_group[group.index] = columns.index(column)
                break
    return columns, of_group


def _shares(skin: bpy.types.Object, vertices: np.ndarray, of_group: dict[int, int], columns: int) -> np.ndarray:
    """How much of each vertex's bone weight lies on each column, (V, columns) in 0..1."""
    lookup = np.full(len(skin.vertex_groups), -1)
    lookup[list(of_group)] = list(of_group.values())
    share = np.zeros((len(vertices), columns))
    mesh = skin.to_mesh()
    try:
        # Blender offers no bulk access to vertex groups: weights are asked only for vertices of several columns.
        groups = [mesh.vertices[index].groups for index in vertices.tolist()]
        flat = np.array([(place, entry.group) for place, of in enumerate(groups) for entry in of]).reshape(-1, 2)
        vertex, column = flat[:, 0].astype(np.int64), lookup[flat[:, 1].astype(np.int64)]
        share[vertex[column >= 0], column[column >= 0]] = 1.0
        for place in np.flatnonzero(share.sum(axis=1) > 1).tolist():
            share[place] = 0.0
            for entry in groups[place]:
                if lookup[entry.group] >= 0:
                    share[place, lookup[entry.group]] += entry.weight
    finally:
        skin.to_mesh_clear()
    return share / np.maximum(share.sum(axis=1, keepdims=True), 1e-9)


def _is_sole(skin: bpy.types.Object, column: int, of_group: dict[int, int]) -> bool:
    """Whether all of a mesh hangs on one column."""
    return not _any_weight(skin, {group for group, of in of_group.items() if of != column})


def _has_weights(skin: bpy.types.Object, bones: frozenset[str]) -> bool:
    """Whether a mesh is bound to any of some bones."""
    return _any_weight(skin, {group.index for group in skin.vertex_groups if group.name in bones})


def _any_weight(skin: bpy.types.Object, groups: set[int]) -> bool:
    if not groups:
        return False
    mesh = skin.to_mesh()
    try:
        return any(entry.group in groups and entry.weight > 0 for vertex in mesh.vertices for entry in vertex.groups)
    finally:
        skin.to_mesh_clear()


def _worn_or_held(surface: Surface, person: Person, side: Side) -> int:
    """The part of a thing that one hand carries as a whole: the hand's where it lies close around it, else none."""
    points, area = _scattered(surface.vertices[surface.triangles])
    nearest, offset = hand_capsules(person.points, side).offsets(points)
    distance = np.linalg.norm(offset, axis=1)
    if area[distance < 1.2].sum() > 0.8:
        return HAND_PART[side]
    # A glove or ring goes around the bones, so that directions to it cancel; a thing in the palm lies to one side.
    direction = offset / np.maximum(distance, 1e-9)[:, None] * area[:, None]
    lopsided = sum(np.linalg.norm(direction[nearest == capsule].sum(axis=0)) for capsule in np.unique(nearest))
    return HAND_PART[side] if area[distance < 3.5].sum() > 0.5 and lopsided < 0.65 else NOTHING


def _scattered(corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points (N, 3) all over some triangles (M, 3, 3), and the share of the area that each stands for."""
    corners = corners[:: len(corners) // _SAMPLE + 1]
    each = -(-_SAMPLE // len(corners))
    # An even scatter over the unit square (the R2 sequence), folded into the triangle
    u, v = ((np.arange(each)[:, None] + 0.5) * (0.7548776662, 0.5698402910) % 1.0).T
    u, v = np.where(u + v > 1, 1 - u, u), np.where(u + v > 1, 1 - v, v)
    points = np.stack([1 - u - v, u, v], axis=1) @ corners
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    return points.reshape(-1, 3), np.repeat(area / max(area.sum(), 1e-18) / each, each)


def _centres(surface: Surface, chosen: np.ndarray) -> np.ndarray:
    return surface.vertices[surface.triangles[chosen]].mean(axis=1)


def _hanging(parents: dict[str, str | None], bones: frozenset[str]) -> set[str]:
    """What hangs, at any remove, from some bones and is none of them."""
    found: set[str] = set()
    for name, parent in parents.items():
        chain = [name]
        while parent is not None and parent not in bones:
            chain.append(parent)
            parent = parents[parent]
        if parent is not None:
            found.update(link for link in chain if link not in bones)
    return found
