# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rig family an armature belongs to, and which of its bones is which."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from itertools import pairwise

import numpy as np

from ..errors import SceneError
from ..request import SIDES, Side
from .bones import PARENTS, REQUIRED, Bone, other_side
from .families import FAMILIES
from .families.family import Family
from .keypoints import FINGERS
from .naming import CanonicalName, canonical
from .overrides import Overrides, overridden_hand
from .topology import map_fingers, map_structure

Parents = Mapping[str, "str | None"]

_TRUNK = {"hips", "spine", "chest", "neck", "head"}
_FACE = {"nose", *(f"{side}_{part}" for side in SIDES for part in ("eye", "ear"))}

_PALM = re.compile("palm|carpal|twist|(?<!cont)roll|corrective|helper")
"""Words of bones at a hand that belong to it without leading to a finger"""


@dataclass(frozen=True)
class RigMatch:
    """An armature's bones by canonical name."""

    family: str
    bones: dict[str, str]
    """Canonical name to bone name; only bones that the armature has.  Shared: not to be changed."""
    overrides: Overrides = field(default_factory=dict)
    """Keypoints that the user put elsewhere"""

    def mirrored(self) -> RigMatch:
        """The match for an armature that a negative scale mirrors: what was modelled as its left is then its right."""
        bones = {other_side(name): bone for name, bone in self.bones.items()}
        overrides = {other_side(name): place for name, place in self.overrides.items()}
        return replace(self, bones=bones, overrides=overrides)


def match_rig(rest: Mapping[str, Bone], aliases: Mapping[str, str] | None = None) -> RigMatch:
    """Find the family that names an armature's bones best, by bones matched and correctly ordered; failing that, what
    the skeleton's structure tells.

    A bone is in order where the first matched bone that it hangs from, at whatever remove, is one that it may hang
    from.  Names match in any spelling (see :func:`..naming.canonical`) and under any common prefix; where two bones
    differ in spelling alone, the one spelt as the family spells it is taken.  An answer is kept and given again for
    the same bones.

    Args:
        rest: every bone by its name, at rest, in armature space.
        aliases: bone name to the name that another add-on gives it, such as VRM's humanoid bones; they win.

    Raises:
        SceneError: where neither finds a humanoid.
    """
    match = _match(
        _Skeleton(
            tuple((name, bone.parent) for name, bone in rest.items()),
            tuple((bone, alias) for bone, alias in (aliases or {}).items() if bone in rest),
            b"".join(bone.head.tobytes() + bone.tail.tobytes() + bytes([bone.deform]) for bone in rest.values()),
            rest,
        )
    )
    if match is None:
        raise SceneError(
            "No humanoid was found in the armature's bones: rename them to a known convention, such as Mixamo's, "
            "Rigify's or Unreal's, or assign the keypoints by hand in the panel."
        )
    return match


def hand_bones(match: RigMatch, parents: Parents, side: Side) -> set[str]:
    """Names of all bones that move the hand's skin: hand, fingers, their tips and the bones of the palm.

    What hangs from the hand without leading to a finger, such as a weapon, is left out, but for metacarpals and twist
    bones; a hand without fingers takes all that hangs from it.
    """
    reassigned = overridden_hand(match.overrides, side) & set(parents)
    if f"{side}_hand" not in match.bones:
        return reassigned
    layers = _layers(FAMILIES[match.family])
    plain = {name: _plain(name, layers) for name in parents}
    hand = plain[match.bones[f"{side}_hand"]]
    mapped = [bone for name, bone in match.bones.items() if _is_finger(name, side)]
    palm = {hand}
    for bone in mapped:
        chain = [plain[above] for above in _ancestors(bone, parents) if above in plain]
        if hand in chain:
            palm |= set(chain[: chain.index(hand)])
    whole = {plain[bone] for bone in mapped} or {hand}  # with all that hangs from them
    children: dict[str, list[str]] = {}
    for name, parent in parents.items():
        if parent in plain:
            children.setdefault(parent, []).append(name)
            if plain[parent] in palm and plain[name] not in palm and _PALM.search(canonical(name).rest):
                whole.add(plain[name])
    found = {name for name in parents if plain[name] in palm}
    rest = [name for name in parents if plain[name] in whole]
    while rest:
        name = rest.pop()
        found.add(name)
        rest += children.get(name, ())
    return found | reassigned


def arm_bones(match: RigMatch, parents: Parents, side: Side) -> set[str]:
    """Names of all bones that move the arm's skin: upper arm and forearm with all that hangs from them, but the hand
    with what hangs from that."""
    layers = _layers(FAMILIES[match.family])
    plain = {name: _plain(name, layers) for name in parents}
    arm, hand = (
        {plain[match.bones[name]] for part in parts if (name := f"{side}_{part}") in match.bones}
        for parts in (("upper_arm", "forearm"), ("hand",))
    )
    found = set()
    for name in parents:
        chain = [plain[link] for link in (name, *_ancestors(name, parents)) if link in plain]
        nearest = next((link for link in chain if link in arm or link in hand), "")
        if nearest in arm:
            found.add(name)
    return found


@dataclass(frozen=True)
class _Skeleton:
    """All that a match depends on, in a form by which a rig is known again."""

    parents: tuple[tuple[str, str | None], ...]
    aliases: tuple[tuple[str, str], ...]
    places: bytes
    rest: Mapping[str, Bone] = field(compare=False)


@lru_cache(maxsize=32)
def _match(skeleton: _Skeleton) -> RigMatch | None:
    parents, rest = dict(skeleton.parents), skeleton.rest
    tables = [dict(skeleton.aliases), {}] if skeleton.aliases else [{}]
    found = [best for aliases in tables if (best := _best(_Names(parents, aliases), rest))]
    if not found:
        bones = map_structure(rest)
        return RigMatch("unnamed", bones) if bones else None
    family, bones = found[0].family, found[0].bones
    if len(found) > 1:  # what the other add-on leaves out, the names may tell
        used = set(bones.values())
        more = {name: bone for name, bone in found[1].bones.items() if name not in bones and bone not in used}
        bones = _in_order(bones | more, parents, _layers(family))
    for side in SIDES:
        # A family that knows of no fingers, such as CMU's, has none to be found.
        named, known = (any(_is_finger(name, side) for name in table) for table in (bones, family.bones))
        if f"{side}_hand" in bones and known and not named:
            bones = bones | map_fingers(rest, bones[f"{side}_hand"], side)
    return RigMatch(family.name, bones)


class _Names:
    """An armature's bones by their names, as they are spelt and in canonical form."""

    def __init__(self, parents: Parents, aliases: Mapping[str, str]) -> None:
        self.parents = parents
        self.spelt: dict[str, str] = {}
        self.canonical: dict[tuple[str, str], str] = {}
        self.names: dict[str, str] = {}
        for bone in (*aliases, *(bone for bone in parents if bone not in aliases)):
            name = aliases.get(bone, bone)
            self.names[bone] = name
            self.spelt.setdefault(name, bone)
            self.canonical.setdefault(canonical(name), bone)

    def find(self, spelt: str, form: CanonicalName, prefix: str) -> str | None:
        """The bone of that name, or of that name in another spelling."""
        if not prefix and spelt in self.spelt:
            return self.spelt[spelt]
        return self.canonical.get((form.side, prefix + form.rest))

    def prefixes(self, form: CanonicalName) -> Iterator[str]:
        """What stands before that name, in canonical form."""
        for side, rest in self.canonical:
            if side == form.side and rest.endswith(form.rest):
                yield rest.removesuffix(form.rest)


@dataclass(frozen=True)
class _Candidate:
    family: Family
    bones: dict[str, str]
    rank: tuple[float, ...]


def _best(names: _Names, rest: Mapping[str, Bone]) -> _Candidate | None:
    found = [match for family in FAMILIES.values() if family.bones for match in _candidates(family, names)]
    if not found:
        return None
    best = max(found, key=lambda match: match.rank)
    return replace(best, bones=_without_metacarpals(best.bones, rest)) if best.family.metacarpal_first else best


def _candidates(family: Family, names: _Names) -> Iterator[_Candidate]:
    forms = _forms(family.name)
    for prefix in dict.fromkeys(prefix for _, form in forms["head"] for prefix in names.prefixes(form)):
        bones: dict[str, str] = {}
        for canonical_bone, spellings in forms.items():
            found = (names.find(spelt, form, prefix) for spelt, form in spellings)
            if bone := next(filter(None, found), None):
                bones[canonical_bone] = bone
            elif canonical_bone in REQUIRED:
                break
        bones = _in_order(bones, names.parents, _layers(family))
        if not all(name in bones for name in REQUIRED):
            continue
        marks = sum(names.find(mark, canonical(mark), prefix) is not None for mark in family.marks)
        # Tips are optional in every family, so that a rig without them is no worse a match.
        named = [name for name in family.bones if not name.endswith("_tip")]
        share = sum(name in bones for name in named) / len(named)
        spelt_so = sum(names.names[bone].endswith(family.bones[name]) for name, bone in bones.items())
        yield _Candidate(family, bones, (len(bones) + marks, share, spelt_so, -len(prefix)))


@cache
def _forms(family: str) -> dict[str, list[tuple[str, CanonicalName]]]:
    """A family's names and their canonical forms, those that a humanoid must have first."""
    bones = FAMILIES[family].bones
    order = sorted(bones, key=lambda name: name not in REQUIRED)
    return {name: [(spelt, canonical(spelt)) for spelt in bones[name]] for name in order}


def _in_order(bones: Mapping[str, str], parents: Parents, layers: tuple[str, ...]) -> dict[str, str]:
    """The bones that hang from where they should."""
    plain = {bone: _plain(bone, layers) for bone in bones.values()}
    roles: dict[object, set[str]] = {}
    for name, bone in bones.items():
        roles.setdefault(plain[bone], set()).add(name)

    def in_order(name: str, bone: str) -> bool:
        if not any(above in bones for above in _ABOVE[name]):
            return True
        for above in _ancestors(bone, parents):
            met = _plain(above, layers)
            if met in roles and met != plain[bone]:
                return not roles[met].isdisjoint(_MAY_HANG_FROM[name])
        return False

    return {name: bone for name, bone in bones.items() if in_order(name, bone)}


def _without_metacarpals(bones: Mapping[str, str], rest: Mapping[str, Bone]) -> dict[str, str]:
    """Fingers of four bones from the knuckle on, where the first lies in the palm."""
    bones = dict(bones)
    for side in SIDES:
        for finger in FINGERS[1:]:
            chain = [f"{side}_{finger}_{joint}" for joint in (1, 2, 3, "tip")]
            if not all(name in bones for name in (f"{side}_hand", *chain)):
                continue
            wrist, first, second = (rest[bones[name]].head for name in (f"{side}_hand", *chain[:2]))
            # A knuckle lies at about 0.7 of the way from the wrist to the next joint, a metacarpal's base at 0.3.
            if np.linalg.norm(first - wrist) < 0.5 * np.linalg.norm(second - wrist):
                for name, after in pairwise(chain):
                    bones[name] = bones[after]
                del bones[chain[-1]]
    return bones


def _is_finger(name: str, side: Side) -> bool:
    own, _, part = name.partition("_")
    return own == side and part.split("_")[0] in FINGERS


def _ancestors(bone: str, parents: Parents) -> Iterator[str]:
    parent = parents.get(bone)
    while parent is not None:
        yield parent
        parent = parents.get(parent)


_ABOVE = {name: frozenset(_ancestors(name, PARENTS)) for name in PARENTS}
_MAY_HANG_FROM = {
    name: above if name in _TRUNK else above | _TRUNK | (_FACE if name in _FACE else set())
    for name, above in _ABOVE.items()
}
"""A limb may start anywhere on the trunk, as a Biped's thighs hang from its spine, and one part of the face may hang
from another."""


def _layers(family: Family) -> tuple[str, ...]:
    return tuple(canonical(layer).rest for layer in family.layers)


def _plain(bone: str, layers: tuple[str, ...]) -> object:
    """What a bone and its copies in other layers have in common."""
    if not layers:
        return bone
    side, rest = canonical(bone)
    layer = next((layer for layer in layers if rest.startswith(layer)), "")
    return side, rest[len(layer) :]
