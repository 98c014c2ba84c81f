# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rig family an armature belongs to, and which of its bones is which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ..errors import SceneError
from ..request import Side
from .bones import PARENTS, REQUIRED, Bone, other_side
from .families import FAMILIES
from .families.family import Family
from .keypoints import FINGERS
from .overrides import Overrides, overridden_hand
from .topology import map_structure

Parents = Mapping[str, "str | None"]


@dataclass(frozen=True)
class RigMatch:
    """An armature's bones by canonical name."""

    family: str
    bones: dict[str, str]
    """Canonical name to bone name; only bones that the armature has"""
    score: float
    """Matched and correctly ordered bones, as a share of those that the family names"""
    overrides: Overrides = field(default_factory=dict)
    """Keypoints that the user put elsewhere"""

    def mirrored(self) -> RigMatch:
        """The match for an armature that a negative scale mirrors: what was modelled as its left is then its right."""
        bones = {other_side(name): bone for name, bone in self.bones.items()}
        overrides = {other_side(name): place for name, place in self.overrides.items()}
        return RigMatch(self.family, bones, self.score, overrides)


def match_rig(rest: Mapping[str, Bone], aliases: Mapping[str, str] | None = None) -> RigMatch:
    """Find the family that names an armature's bones best, by bones matched and correctly ordered; failing that, what
    the skeleton's structure tells.

    Args:
        rest: every bone by its name, at rest, in armature space.
        aliases: bone name to the name that another add-on gives it, such as VRM's humanoid bones; they win.

    Raises:
        SceneError: where neither finds a humanoid.
    """
    parents = {name: bone.parent for name, bone in rest.items()}
    found = [match for family in FAMILIES.values() for match in _matches(family, parents)]
    if not found and (bones := map_structure(rest)):
        return RigMatch("unnamed", bones, len(bones) / len(PARENTS))
    if not found:
        raise SceneError(
            "No humanoid was found in the armature's bone names: use a rig with "
            + ", ".join(family.label for family in FAMILIES.values() if family.bones)
            + " bone names."
        )
    return max(found, key=lambda match: match.score)


def hand_bones(match: RigMatch, parents: Parents, side: Side) -> set[str]:
    """Names of all bones that move the hand's skin: hand, fingers, their tips and the bones of the palm.

    What hangs from the hand without leading to a finger, such as a weapon, is left out; a hand without fingers takes
    all that hangs from it.
    """
    if f"{side}_hand" not in match.bones:
        return overridden_hand(match.overrides, side) & set(parents)
    layers = FAMILIES[match.family].layers
    hand = _plain(match.bones[f"{side}_hand"], layers)
    mapped = {_plain(bone, layers) for name, bone in match.bones.items() if _is_hand(name, side)}
    fingers = mapped - {hand}
    palm = {hand}
    for finger in fingers or {hand}:
        bone = next(name for name in parents if _plain(name, layers) == finger)
        chain = [_plain(above, layers) for above in _ancestors(bone, parents)]
        if hand in chain:
            palm |= set(chain[: chain.index(hand)])
    within = fingers or {hand}
    return overridden_hand(match.overrides, side) & set(parents) | {
        name
        for name in parents
        if _plain(name, layers) in palm | fingers
        or any(_plain(above, layers) in within for above in _ancestors(name, parents))
    }


def _is_hand(name: str, side: Side) -> bool:
    own, _, part = name.partition("_")
    return own == side and (part == "hand" or part.split("_")[0] in FINGERS)


def _matches(family: Family, parents: Parents) -> Iterator[RigMatch]:
    if not family.bones:
        return
    for prefix in _prefixes(family, parents) if family.any_prefix else ("",):
        bones = {}
        for canonical, names in family.bones.items():
            for name in names:
                if prefix + name in parents:
                    bones[canonical] = prefix + name
                    break
        bones = {name: bone for name, bone in bones.items() if _ordered(name, bones, parents, family.layers)}
        if all(name in bones for name in REQUIRED):
            # Tips are optional in every family, so that a rig without them is no worse a match.
            named = [name for name in family.bones if not name.endswith("_tip")]
            yield RigMatch(family.name, bones, sum(name in bones for name in named) / len(named))


def _prefixes(family: Family, parents: Parents) -> set[str]:
    anchor = family.bones["head"][0]
    return {name[: -len(anchor)] for name in parents if name.endswith(anchor)}


def _ordered(name: str, bones: Mapping[str, str], parents: Parents, layers: tuple[str, ...]) -> bool:
    """Whether a bone hangs, at any remove, from the nearest canonical bone above it that the armature has."""
    above = PARENTS[name]
    while above is not None and above not in bones:
        above = PARENTS[above]
    if above is None:
        return True
    wanted = _plain(bones[above], layers)
    return any(_plain(bone, layers) == wanted for bone in _ancestors(bones[name], parents))


def _ancestors(bone: str, parents: Parents) -> Iterator[str]:
    parent = parents.get(bone)
    while parent is not None:
        yield parent
        parent = parents.get(parent)


def _plain(bone: str, layers: tuple[str, ...]) -> str:
    for layer in layers:
        if bone.startswith(layer):
            return bone[len(layer) :]
    return bone
