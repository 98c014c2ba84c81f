# SPDX-License-Identifier: GPL-3.0-or-later
"""Which bone is which, told from a skeleton's structure, rest positions and symmetry alone.

The plane that mirrors the skeleton gives pairs of subtrees and a middle.  Two of the pairs are the legs and the arms:
of all choices, that whose segments, widths and lengths are the most human, with legs that point away from the arms
along the trunk (which a beast's do not).  The head is the joint of the middle above the arms that carries the face.
Toes, face, thumbs, knees and elbows tell the front, and with it the person's left.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..request import SIDES
from .bones import Bone
from .topology_hands import finger_chains, map_fingers, name_fingers, order_fingers
from .topology_head import Frame, find_eyes, find_head, name_face, name_trunk
from .topology_tree import LIMB, Halves, Mirror, Tree, find_mirror, halve

__all__ = ["map_fingers", "map_structure"]

LONGEST_PATH = 24
"""Joints of a chain that are looked at for a limb's; people's have no more, ropes and hair may."""
HUMAN = 1.1
"""The least score of legs and arms together: people's without fingers have 1.4 and more, with fingers 2.3."""
DRAWN = 3.2
"""By what factor a drawn person's limbs may be longer or shorter than a person's."""
DOWNWARDS = 0.85
"""The least cosine between the legs and the way from shoulders to hips: a beast's legs stand across its trunk."""


@dataclass(frozen=True)
class Kind:
    """What a pair of limbs is like in people."""

    names: tuple[str, str, str]
    ratio: float
    """First segment to second, logarithm"""
    width: float
    """Half the distance between both first joints, in lengths of the limb"""
    length: float
    """First joint to third, in lengths of the trunk, hip line to shoulder line"""
    stretched: float
    """How far the third joint is from the first at least at rest, in lengths of the limb"""


LEG = Kind(("thigh", "shin", "foot"), 0.03, 0.12, 1.75, 0.85)
ARM = Kind(("upper_arm", "forearm", "hand"), 0.07, 0.34, 1.05, 0.6)


@dataclass(frozen=True)
class Limb:
    """One choice of the bones of both legs or both arms."""

    kind: Kind
    roots: tuple[int, int]
    """Of the subtrees, that on the mirror plane's positive side first"""
    bones: tuple[list[int], list[int]]
    """Of the three joints; two where the third is a tail or, on one side, missing"""
    joints: np.ndarray
    """(3, 3) hip, knee, ankle, or shoulder, elbow, wrist, of one side"""
    score: float
    """How human it is by itself"""

    @property
    def length(self) -> float:
        return float(np.linalg.norm(np.diff(self.joints, axis=0), axis=1).sum())


@dataclass(frozen=True)
class Body:
    """A humanoid found in a skeleton."""

    leg: Limb
    arm: Limb
    frame: Frame
    head: int


def map_structure(rest: Mapping[str, Bone]) -> dict[str, str]:
    """Canonical bones of a humanoid skeleton whose names say nothing.

    Args:
        rest: every bone by its name, at rest, in armature space (any unit, any axis up, facing anywhere).

    Returns:
        canonical name to bone name, each bone once; left and right are the person's own.  Empty where the skeleton is
        no humanoid's.
    """
    tree = Tree({name: bone for name, bone in rest.items() if np.isfinite([bone.head, bone.tail]).all()})
    mirror = find_mirror(tree)
    if mirror is None:
        return {}
    halves = halve(tree, mirror)
    body = _find_body(halves)
    return {} if body is None else _name(halves, _facing(halves, body))


def _find_body(halves: Halves) -> Body | None:
    """The most human choice of legs, arms and a head."""
    legs, arms = (list(_limbs(halves, kind)) for kind in (LEG, ARM))
    longest = max((leg.length for leg in legs), default=0.0)
    choices = []
    for leg in legs:
        for arm in arms:
            if leg.roots == arm.roots:
                continue
            frame = _frame(halves.mirror, leg, arm)
            down = leg.joints[2] - leg.joints[0]
            if frame is None or -down @ frame.up < DOWNWARDS * np.linalg.norm(down):
                continue
            unlike = np.abs([np.log(limb.length / frame.trunk / limb.kind.length) for limb in (leg, arm)])
            score = leg.score + arm.score - 0.3 * float(unlike.sum())
            if score >= HUMAN and unlike.max() <= np.log(DRAWN):
                choices.append((score + leg.length / longest, leg, arm, frame))
    for _, leg, arm, frame in sorted(choices, key=lambda choice: -choice[0]):
        head = find_head(halves, frame, {leg.roots[0], arm.roots[0]})
        if head is not None:
            return Body(leg, arm, frame, head)
    return None


def _frame(mirror: Mirror, leg: Limb, arm: Limb) -> Frame | None:
    hips, shoulders = (mirror.flat(limb.joints[0]) for limb in (leg, arm))
    trunk = float(np.linalg.norm(shoulders - hips))
    if trunk < 0.1 * leg.length:
        return None
    up = (shoulders - hips) / trunk
    upper_arm = float(np.linalg.norm(arm.joints[1] - arm.joints[0]))
    return Frame(hips, up, np.cross(mirror.normal, up), trunk, upper_arm)


def _limbs(halves: Halves, kind: Kind) -> Iterator[Limb]:
    """The best limb of a kind in every pair of subtrees that reaches far enough, and for arms, at every hand."""
    tree = halves.tree
    for roots in halves.pairs:
        # A hand may be missing on one side: the richer side tells.
        side = int(tree.weight[roots[1]] > tree.weight[roots[0]])
        root = roots[side]
        if tree.reach[root] < LIMB * tree.size:
            continue
        paths = [(tree.path_down(root), 0.0)]
        if kind is ARM:
            hands = [(hand, _hand_score(tree, hand)) for hand in _find_hands(tree, root)]
            paths += [(tree.path_up(hand, root)[::-1], score) for hand, score in hands if score > 0]
        for path, bonus in paths:
            limb = _best_joints(halves, kind, path, roots, side, ends=bonus > 0)
            if limb is not None:
                yield replace(limb, score=limb.score + bonus)


def _find_hands(tree: Tree, bone: int) -> Iterator[int]:
    """Bones below which three chains or more part ways, on the way to where the most chains end."""
    ends = _ends(tree, bone)
    while len(ends[bone]) >= 3:
        best = max(tree.children[bone], key=lambda child: len(ends[child]))
        if len(ends[best]) <= 0.6 * len(ends[bone]):
            yield bone
        bone = best


def _ends(tree: Tree, top: int) -> dict[int, set[tuple[int, ...]]]:
    """The places where chains end below each bone; copies of a chain end at one place."""
    bones = tree.below([top])
    ends: dict[int, set[tuple[int, ...]]] = {bone: set() for bone in bones}
    for bone in reversed(bones):
        if not tree.children[bone]:
            ends[bone].add(tuple(np.round(tree.head[bone] / (4 * tree.same)).astype(int).tolist()))
        if bone != top:
            ends[tree.parent[bone]] |= ends[bone]
    return ends


def _hand_score(tree: Tree, hand: int) -> float:
    thumb, fingers = order_fingers(tree.head[hand], finger_chains(tree, hand))
    return 0.15 * len(fingers) + 0.2 * (thumb is not None)


def _best_joints(
    halves: Halves, kind: Kind, path: list[int], roots: tuple[int, int], side: int, *, ends: bool
) -> Limb | None:
    """The three joints of a path that make the most human limb.

    Both segments should be straight, about as long as each other and most of the path, begin as far from the middle as
    people's do, and a leg should turn at the ankle.  So clavicles, split and twisted segments fall out.

    Args:
        halves: the skeleton.
        kind: leg or arm.
        path: bones from a pair's root on.
        roots: the pair.
        side: which of them the path begins with.
        ends: whether the path's end is the third joint.
    """
    tree = halves.tree
    groups = tree.joints(path)[:LONGEST_PATH]
    bones = [group[-1] for group in groups]
    points = np.array([*tree.head[bones], tree.tail[bones[-1]]])
    count = len(points)
    if count < 3 or len(groups) < 2:
        return None
    apart = np.linalg.norm(points[:, None] - points[None], axis=2) + 1e-9 * tree.size
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    i, j, k = np.array([(i, j, k) for k in range(2, count) for j in range(1, k) for i in range(j)]).T
    upper, lower = apart[i, j], apart[j, k]
    bent = (along[j] - along[i]) / upper + (along[k] - along[j]) / lower - 2
    width = np.abs(halves.mirror.side(points[i])) + 0.01 * tree.size
    whole = max(along[count - 2], 1e-9 * tree.size)
    score = (
        np.minimum((upper + lower) / whole, 1)
        - np.abs(np.log(upper / lower) - kind.ratio)
        - 4 * bent
        - 0.35 * np.log(width / (upper + lower) / kind.width) ** 2
        - 0.1 * (k == count - 1)
    )
    # Shoulders and hips are where a path turns; where it runs straight on, a segment is split.
    into, out = points[i] - points[np.maximum(i - 1, 0)], points[j] - points[i]
    straight = np.sum(into * out, axis=1) / np.maximum(np.linalg.norm(into, axis=1) * upper, 1e-12 * tree.size**2)
    score += 0.15 * (1 - np.abs(straight)) * (i > 0)
    if kind is LEG:
        onwards = points[np.minimum(k + 1, count - 1)] - points[k]
        shin = points[k] - points[j]
        turned = np.sum(onwards * shin, axis=1) < 0.87 * lower * np.linalg.norm(onwards, axis=1)
        score += 0.2 * turned
    score[(apart[i, k] < kind.stretched * (upper + lower)) | (ends & (k != count - 2))] = -np.inf
    best = int(score.argmax())
    if score[best] == -np.inf:
        return None
    i, j, k = (int(index[best]) for index in (i, j, k))
    chosen = [bones[n] for n in (i, j, k) if n < len(bones)]
    # Of copies of a limb, that which deforms and has the fewest bones of no length.
    spare = 0.02 * sum(len(group) - 1 for group in groups[i : k + 1]) + 0.05 * int((~tree.deform[chosen]).sum())
    mates = dict(zip(path, halves.mate(path, roots[1 - side])))
    others = [mates[bone] for bone in chosen if bone in mates]
    if len(others) < 2:
        return None
    both = (chosen, others) if side == 0 else (others, chosen)
    return Limb(kind, roots, both, points[[i, j, k]], float(score[best]) - spare)


def _facing(halves: Halves, body: Body) -> Body:
    """The body with its front told: by toes, face, thumbs, knees and elbows."""
    tree, frame = halves.tree, body.frame
    # Where nothing tells, people face Blender's front, -Y.
    votes = -0.01 * float(frame.forward[1])

    def vote(point: np.ndarray, origin: np.ndarray, weight: float, clear: float) -> float:
        """How far in front of ``origin`` a point is, all the weight from ``clear`` on."""
        return weight * float(np.clip((point - origin) @ frame.forward / clear, -1, 1))

    leg, arm = body.leg, body.arm
    for foot in leg.bones[0][2:]:
        below = tree.below([foot])
        ends = np.concatenate([tree.head[below], tree.tail[[bone for bone in below if not tree.children[bone]]]])
        ahead = (ends - tree.head[foot]) @ frame.forward
        # Toes are farther in front than the heel is behind.
        votes += 3 * float(np.clip((max(ahead.max(), 0) + min(ahead.min(), 0)) / (0.08 * leg.length), -1, 1))
    face = tree.below(tree.at(tree.head[body.head]))
    votes += vote(tree.head[face].mean(axis=0), tree.head[body.head], 1.5, 0.1 * frame.trunk)
    for limb, weight in ((leg, 1), (arm, -1)):
        first, bend, last = limb.joints
        share = np.linalg.norm(bend - first) / limb.length
        votes += vote(bend, first + share * (last - first), weight, 0.03 * limb.length)
    for hand in (bones[2] for bones in arm.bones if len(bones) == 3):
        thumb, fingers = order_fingers(tree.head[hand], finger_chains(tree, hand))
        if thumb is not None:
            middle = np.mean([finger.points[0] for finger in fingers], axis=0)
            votes += vote(thumb.points.mean(axis=0), middle, 1, 0.05 * arm.length)
    return body if votes >= 0 else replace(body, frame=replace(frame, forward=-frame.forward))


def _name(halves: Halves, body: Body) -> dict[str, str]:
    tree, frame, limbs = halves.tree, body.frame, (body.leg, body.arm)
    # The person's left is up x forward; what is first lies on the plane's positive side.
    sides = SIDES if np.cross(frame.up, frame.forward) @ halves.mirror.normal > 0 else SIDES[::-1]
    bones: dict[str, int] = name_trunk(tree, frame, body.head, tree.parent[body.arm.roots[0]])
    for limb in limbs:
        for side, root, chosen in zip(sides, limb.roots, limb.bones):
            bones |= {f"{side}_{name}": bone for name, bone in zip(limb.kind.names, chosen)}
            if limb is body.arm and root != chosen[0]:
                bones[f"{side}_clavicle"] = root
            if limb is body.leg and len(chosen) == 3 and (toe := _toe(tree, frame, chosen[2])) is not None:
                bones[f"{side}_toe"] = toe
    eyes = find_eyes(halves, frame, body.head)
    if eyes is not None:
        bones |= {f"{side}_eye": bone for side, bone in zip(sides, eyes)}
        names = {"nose": "nose", "ear": f"{sides[0]}_ear", "other_ear": f"{sides[1]}_ear"}
        bones |= {names[part]: bone for part, bone in name_face(halves, frame, body.head, eyes).items()}
    named = {name: tree.names[bone] for name, bone in bones.items()}
    for side in SIDES:
        if f"{side}_hand" in bones:
            fingers = name_fingers(tree, bones[f"{side}_hand"], side)
            if not set(fingers.values()) & set(named.values()):
                named |= fingers
    return named


def _toe(tree: Tree, frame: Frame, foot: int) -> int | None:
    """The bone of the foot's next joint that lies the farthest in front."""
    ahead = {
        bone: float((tree.head[bone] - tree.head[foot]) @ frame.forward)
        for bone in tree.below([foot])
        if tree.parent[bone] == foot or tree.step[bone] <= tree.same
    }
    best = max(ahead, key=lambda bone: ahead[bone], default=None)
    return best if best is not None and ahead[best] > tree.same else None
