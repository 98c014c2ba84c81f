# SPDX-License-Identifier: GPL-3.0-or-later
"""A mesh measured at rest: which limb each vertex belongs to, and where waist, sleeves, gloves, eyes and cloth lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import bpy
import numpy as np

from ..request import SIDES
from ..rig.bones import Bone
from ..rig.matching import RigMatch, hand_bones

_RADII = {"trunk": 0.15, "arm": 0.055, "leg": 0.085}
"""Of the cylinders around which a pattern runs, metres"""
_WAIST = 0.14
"""Where shirts end that are tucked in, from the hips up to the shoulders; 0.13 to 0.16 on the test people"""


def limbs_of(armature: bpy.types.Object, match: RigMatch) -> dict[str, str]:
    """Bone -> ``trunk``, ``head``, or with its side ``arm`` (to the elbow), ``forearm``, ``hand``, ``leg``."""
    parents = {bone.name: bone.parent.name if bone.parent else None for bone in armature.data.bones}
    named = {"hips": "trunk", "head": "head"}
    for side in SIDES:
        named |= {f"{side}_clavicle": "trunk", f"{side}_thigh": f"{side}_leg", f"{side}_upper_arm": f"{side}_arm"}
        named |= {f"{side}_forearm": f"{side}_forearm"}
    known = {match.bones[name]: limb for name, limb in named.items() if name in match.bones}
    for side in SIDES:
        known |= dict.fromkeys(hand_bones(match, parents, side), f"{side}_hand")
    limbs: dict[str, str] = {}
    for bone in parents:  # parents come first
        limbs[bone] = known.get(bone, limbs.get(parents[bone] or "", "trunk"))
    return limbs


@dataclass
class Fitting:
    """A mesh at rest, in armature space, and which limb each vertex belongs to."""

    mesh_object: bpy.types.Object
    to_armature: np.ndarray
    limbs: Mapping[str, str]
    rest: Mapping[str, Bone]
    roles: Sequence[str]
    points: np.ndarray = field(init=False)
    """(N, 3) metres"""
    shares: dict[str, np.ndarray] = field(init=False)
    """Limb -> (N,) share of each vertex's bone weight"""
    slots: np.ndarray = field(init=False)
    """(faces,) material slots"""
    corners: np.ndarray = field(init=False)
    """(corners,) vertices, face by face"""
    faces: np.ndarray = field(init=False)
    """(corners,) faces"""

    def __post_init__(self) -> None:
        mesh = self.mesh_object.data
        count = len(mesh.vertices)
        points = np.empty(3 * count, dtype=np.float32)
        mesh.vertices.foreach_get("co", points)
        self.points = points.reshape(-1, 3) @ self.to_armature[:3, :3].T + self.to_armature[:3, 3]
        groups = [self.limbs.get(group.name, "") for group in self.mesh_object.vertex_groups]
        names = sorted(set(self.limbs.values()))
        self.shares = {name: np.zeros(count) for name in names}
        for vertex in mesh.vertices:
            for weight in vertex.groups:
                if groups[weight.group]:
                    self.shares[groups[weight.group]][vertex.index] += weight.weight
        total = np.maximum(sum(self.shares.values()), 1e-9)
        self.shares = {name: share / total for name, share in self.shares.items()}
        self.slots = np.empty(len(mesh.polygons), dtype=np.int32)
        mesh.polygons.foreach_get("material_index", self.slots)
        totals, self.corners = np.empty(len(mesh.polygons), dtype=np.int32), np.empty(len(mesh.loops), dtype=np.int32)
        mesh.polygons.foreach_get("loop_total", totals)
        mesh.loops.foreach_get("vertex_index", self.corners)
        self.faces = np.repeat(np.arange(len(totals)), totals)

    def vertices_of(self, role: str) -> np.ndarray:
        """(N,) bool: in a face of that role."""
        slots = [slot for slot, own in enumerate(self.roles) if own == role]
        result = np.zeros(len(self.points), dtype=bool)
        result[self.corners[np.isin(self.slots, slots)[self.faces]]] = True
        return result

    def arms(self) -> np.ndarray:
        """(N,) share of each vertex's weight on the arms."""
        return np.asarray(sum(self.shares[f"{side}_{part}"] for side in SIDES for part in ("arm", "forearm", "hand")))

    def centres(self) -> np.ndarray:
        """(faces, 3)"""
        counts = np.bincount(self.faces, minlength=len(self.slots))
        sums = [np.bincount(self.faces, self.points[self.corners, axis], len(self.slots)) for axis in range(3)]
        return np.stack(sums, axis=1) / np.maximum(counts, 1)[:, None]

    def lower_feet_into_shoes(self) -> None:
        """Trousers that cover the feet, as leggings do, become shoes there."""
        if not {"trousers", "shoes"} <= set(self.roles):
            return
        ankle = min(self.rest[f"{side}_foot"].head[2] for side in SIDES)
        feet = (self.slots == self.roles.index("trousers")) & (self.centres()[:, 2] < ankle)
        self._change_slots(np.where(feet, self.roles.index("shoes"), self.slots))

    def sew_waist(self) -> np.ndarray:
        """(N,) metres above the waistline on trunk and legs; far above on the rest of the shirt, far below elsewhere.

        Where shirt and trousers are one cloth, its faces would end in steps.  A shirt that hangs over the trousers
        ends where one that is tucked in does, since no caption tells how long it is.
        """
        shirt, trousers = self.vertices_of("shirt"), self.vertices_of("trousers")
        hem = np.where(shirt, 1.0, -1.0)
        if not (shirt.any() and trousers.any()):
            return hem
        seam = shirt & trousers
        if seam.sum() < 8:
            hips, shoulder = self.rest["hips"].head[2], self.rest["left_upper_arm"].head[2]
            waist = hips + _WAIST * (shoulder - hips)
        else:
            waist = float(np.median(self.points[seam, 2]))
        middle = self.shares["trunk"] + self.shares["left_leg"] + self.shares["right_leg"] > 0.5
        hem = np.where(middle & (shirt | trousers), self.points[:, 2] - waist, hem)
        cloth = np.isin(self.slots, [self.roles.index("shirt"), self.roles.index("trousers")])
        above = np.bincount(self.faces, hem[self.corners], len(self.slots)) > 0
        self._change_slots(
            np.where(cloth, np.where(above, self.roles.index("shirt"), self.roles.index("trousers")), self.slots)
        )
        return hem

    def _change_slots(self, slots: np.ndarray) -> None:
        self.slots = slots.astype(np.int32)
        self.mesh_object.data.polygons.foreach_set("material_index", self.slots)

    def beyond_wrist(self) -> np.ndarray:
        """(N,) metres beyond the wrist along the forearm, on skin of forearms and hands; elsewhere far before it."""
        result = np.full(len(self.points), -1.0)
        for side in SIDES:
            if f"{side}_hand" not in self.rest:
                continue
            wrist, elbow = self.rest[f"{side}_hand"].head, self.rest[f"{side}_forearm"].head
            along = (self.points - wrist) @ ((wrist - elbow) / np.linalg.norm(wrist - elbow))
            own = self.shares[f"{side}_forearm"] + self.shares[f"{side}_hand"] > 0.5
            result[own] = along[own]
        return result

    def along_arm(self) -> np.ndarray:
        """(N,) on the arms from 0 at the shoulder to just under 1 at the wrist and beyond, elsewhere 0."""
        result = np.zeros(len(self.points))
        for side in SIDES:
            shoulder, wrist = self.rest[f"{side}_upper_arm"].head, self.rest[f"{side}_hand"].head
            arm = wrist - shoulder
            own = self.shares[f"{side}_arm"] + self.shares[f"{side}_forearm"] + self.shares[f"{side}_hand"] > 0.4
            result[own] = np.clip((self.points[own] - shoulder) @ arm / (arm @ arm), 0.0, 0.99)
        return result

    def along_sleeve(self) -> np.ndarray:
        """(N,) on the sleeves as :meth:`along_arm`, elsewhere 0."""
        return np.where(self.vertices_of("shirt"), self.along_arm(), 0.0)

    def bare(self) -> np.ndarray:
        """(N,) on skin: of the arms as :meth:`along_arm`, 0 where clothes always hide it; elsewhere 1."""
        limbs = self.arms() + sum(self.shares[f"{side}_leg"] for side in SIDES)
        shoulders = min(self.rest[f"{side}_upper_arm"].head[2] for side in SIDES)
        hidden = (limbs > 0.4) | ((self.shares["trunk"] > 0.5) & (self.points[:, 2] < shoulders))
        return np.where(self.vertices_of("skin") & hidden, self.along_arm(), 1.0)

    def has_arms_inside(self) -> bool:
        """Whether skin goes on under the sleeves."""
        if not {"shirt", "skin"} <= set(self.roles):
            return False
        return all((self.vertices_of("skin") & (self.shares[f"{side}_arm"] > 0.9)).sum() > 50 for side in SIDES)

    def eyes(self) -> np.ndarray:
        """(N, 3) place on the eyeball as seen from the front: across and up in units of its radius; elsewhere 0."""
        result = np.zeros((len(self.points), 3))
        eyes = self.vertices_of("eyes")
        for own in (eyes & (self.points[:, 0] > 0), eyes & (self.points[:, 0] < 0)):
            if own.any():
                low, high = self.points[own].min(axis=0), self.points[own].max(axis=0)
                result[own] = (self.points[own] - (low + high) / 2) / (high - low).max() * 2
        result[:, 1] = 0.0
        return result

    def cloth(self) -> np.ndarray:
        """(corners, 3) metres around and along the limb that each face clothes; seams run down the back."""
        result = np.zeros((len(self.corners), 3))
        front = np.array([0.0, -1.0, 0.0])
        centres = self.centres()
        counts = np.maximum(np.bincount(self.faces, minlength=len(self.slots)), 1)
        per_face = {
            name: np.bincount(self.faces, share[self.corners], len(self.slots)) / counts
            for name, share in self.shares.items()
        }
        regions = {"trunk": (per_face["trunk"] + per_face["head"], "hips", "neck", _RADII["trunk"])}
        trousers = np.isin(self.slots, [i for i, role in enumerate(self.roles) if role == "trousers"])
        for side, sign in zip(SIDES, (1.0, -1.0), strict=True):
            arm = per_face[f"{side}_arm"] + per_face[f"{side}_forearm"] + per_face[f"{side}_hand"]
            regions[f"{side}_arm"] = (arm, f"{side}_upper_arm", f"{side}_hand", _RADII["arm"])
            leg = 2.0 * (trousers & (sign * centres[:, 0] > 0))
            regions[f"{side}_leg"] = (leg, f"{side}_thigh", f"{side}_foot", _RADII["leg"])
        strongest = np.stack([region[0] for region in regions.values()]).argmax(axis=0)
        for number, (_, first, last, radius) in enumerate(regions.values()):
            own = (strongest == number)[self.faces]
            origin = self.rest[first].head
            axis = self.rest[last].head - origin
            axis = axis / np.linalg.norm(axis)
            ahead = front - axis * (front @ axis)
            ahead /= np.linalg.norm(ahead)
            sideways = np.cross(axis, ahead)
            offset = self.points[self.corners[own]] - origin
            middle = centres[self.faces[own]] - origin
            turn = np.arctan2(middle @ sideways, middle @ ahead)
            beside = np.arctan2(offset @ sideways, offset @ ahead) - turn
            turn = turn + (beside + np.pi) % (2 * np.pi) - np.pi
            result[own, 0], result[own, 1] = radius * turn, offset @ axis
        return result
