# SPDX-License-Identifier: GPL-3.0-or-later
"""Clothes, gloves, skin and hair of a rigged person as plain materials that can be coloured anew for each picture.

Which skin a glove covers, where a sleeve ends and how a pattern runs over the cloth is measured at rest, once, and kept
in mesh attributes, so that it stays in its place in every pose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import bpy
import numpy as np

from ..conditioning.srgb import to_linear
from ..rig.bones import Bone
from ..rig.matching import RigMatch
from .complexion import bare_skin, complexion
from .fitting import Fitting, limbs_of
from .node_tree import NodeTree

RGB = tuple[float, float, float]

ROLES = ("skin", "hair", "shirt", "trousers", "shoes", "eyes")
"""What a surface is"""
PATTERNS = ("plain", "stripes", "checks", "dots")

_WORDS = {
    "shirt": ("top", "shirt", "sweater", "jacket"),
    "trousers": ("bottom", "trousers", "pants", "jeans"),
    "shoes": ("shoe", "boot"),
    "hair": ("hair", "brow"),
    "eyes": ("eye", "sclera", "iris", "pupil"),
    "skin": ("skin", "body", "face", "hand", "lip", "nail"),
}
"""What a material colours, by words in its name"""
_GLOSS = {"skin": 0.04, "hair": 0.04, "shoes": 0.04, "eyes": 0.06}

_CUFF = 0.035
"""How far a glove reaches up the forearm from the wrist, metres"""
_NOWHERE = 1e6
_UNDER = 0.06
"""How far the arms' skin goes on under the sleeves, in their length"""


@dataclass(frozen=True)
class Cloth:
    """How a cloth is coloured; sRGB 0..1."""

    colour: RGB
    pattern: str = "plain"
    """One of :data:`PATTERNS`"""
    second: RGB = (1.0, 1.0, 1.0)
    """Of the stripes, lines or dots, which cover less than half"""
    repeat: float = 0.08
    """Metres from one stripe, line or dot to the next"""


@dataclass(frozen=True)
class Outfit:
    """Everything that is worn, and the person's own colours; sRGB 0..1."""

    shirt: Cloth
    trousers: Cloth
    shoes: RGB
    hair: RGB
    skin: RGB
    gloves: RGB | None = None
    """None: bare hands"""
    sleeves: float = 0.95
    """Where they end: 0 at the shoulder, 1 at the wrist; those without arms inside stay as they are"""


class Wardrobe:
    """One person's meshes, made ready to be dressed again and again.

    Args:
        scene: its meshes; all belong to the person.
        match: the armature's bones.
        rest: canonical bones at rest, in armature space.
        armature: the person.
        own_looks: leave the meshes and their materials as the artist made them; there is nothing to dress then.
    """

    def __init__(
        self,
        scene: bpy.types.Scene,
        armature: bpy.types.Object,
        match: RigMatch,
        rest: Mapping[str, Bone],
        own_looks: bool = False,
    ) -> None:
        self._rest = rest
        self._own_looks = own_looks
        self._limbs = limbs_of(armature, match)
        self._materials: list[tuple[bpy.types.Material, str]] = []
        self._sleeves: list[bpy.types.Modifier] = []
        self._arms: list[bpy.types.Modifier] = []
        self._trunks: list[np.ndarray] = []
        to_armature = armature.matrix_world.inverted()
        for mesh_object in scene.objects:
            if mesh_object.type == "MESH" and not mesh_object.hide_render and (mesh_object.material_slots or own_looks):
                self._prepare(mesh_object, np.array(to_armature @ mesh_object.matrix_world))

    @property
    def can_shorten_sleeves(self) -> bool:
        """Whether there are arms under the sleeves."""
        return bool(self._sleeves)

    @property
    def trunk(self) -> np.ndarray:
        """(N, 3) points of everything but the arms, at rest, in armature space."""
        return np.concatenate(self._trunks)

    def dress(self, outfit: Outfit) -> None:
        """Colour everything, and cut the sleeves to their length."""
        cloths = {"shirt": outfit.shirt, "trousers": outfit.trousers}
        colours = {"shoes": outfit.shoes, "hair": outfit.hair, "skin": outfit.skin}
        for material, role in self._materials:
            nodes = material.node_tree.nodes
            if role in cloths:
                for name, cloth in cloths.items():
                    _set_cloth(nodes, name, cloth)
            elif role in colours:
                nodes["Base"].outputs[0].default_value = (*to_linear(colours[role]), 1.0)
            if role == "skin":
                nodes["Glove"].outputs[0].default_value = (*to_linear(outfit.gloves or outfit.skin), 1.0)
                nodes["Cuff"].inputs[1].default_value = -_CUFF if outfit.gloves else _NOWHERE
                nodes["Brows"].outputs[0].default_value = (*(0.6 * part for part in to_linear(outfit.hair)), 1.0)
        for sleeve, arm in zip(self._sleeves, self._arms, strict=True):
            sleeve.threshold = 1.0 - outfit.sleeves
            arm.threshold = max(0.0, outfit.sleeves - _UNDER)

    def roles(self, mesh_object: bpy.types.Object) -> np.ndarray:
        """Index into :data:`ROLES` of each material slot, the skin's where it has none."""
        return np.array([ROLES.index(_role(slot.material)) for slot in mesh_object.material_slots] or [0])

    # --- preparation --------------------------------------------------------------------------------------------------

    def _prepare(self, mesh_object: bpy.types.Object, to_armature: np.ndarray) -> None:
        mesh = mesh_object.data
        roles = [_role(slot.material) for slot in mesh_object.material_slots]
        body = Fitting(mesh_object, to_armature, self._limbs, self._rest, roles)
        self._trunks.append(body.points[body.arms() < 0.5])
        if self._own_looks:
            return
        body.lower_feet_into_shoes()
        hem = body.sew_waist()
        _attribute(mesh, "hem", "FLOAT", "POINT", hem)
        _attribute(mesh, "glove", "FLOAT", "POINT", body.beyond_wrist())
        _attribute(mesh, "cloth", "FLOAT_VECTOR", "CORNER", body.cloth())
        if "skin" in roles:
            for name, values in complexion(body).items():
                _attribute(mesh, name, "FLOAT_VECTOR" if values.ndim > 1 else "FLOAT", "POINT", values)
        words = " ".join(slot.material.name.lower() for slot in mesh_object.material_slots if slot.material)
        paint_eyes = "eyes" in roles and not ("iris" in words or "pupil" in words)
        if paint_eyes:
            _attribute(mesh, "eye", "FLOAT_VECTOR", "POINT", body.eyes())
        for slot, role in zip(mesh_object.material_slots, roles, strict=True):
            if role != "eyes":
                slot.material = _material(mesh_object.name, role)
                self._materials.append((slot.material, role))
            elif paint_eyes:
                slot.material = _eye_material(mesh_object.name)
        if body.has_arms_inside():
            self._sleeves.append(_cut(mesh_object, "HandDiff sleeve", 1.0 - body.along_sleeve()))
            self._arms.append(_cut(mesh_object, "HandDiff skin", body.bare()))


def _cut(mesh_object: bpy.types.Object, name: str, weights: np.ndarray) -> bpy.types.Modifier:
    """A modifier, first of all, that keeps what has more weight than its threshold, cutting through faces."""
    group = mesh_object.vertex_groups.new(name=name)
    for vertex, weight in enumerate(weights):
        group.add((vertex,), float(weight), "REPLACE")
    cut = mesh_object.modifiers.new(name, "MASK")
    cut.vertex_group = group.name
    cut.use_smooth = True
    mesh_object.modifiers.move(len(mesh_object.modifiers) - 1, 0)
    return mesh_object.modifiers[0]


def _attribute(mesh: bpy.types.Mesh, name: str, kind: str, domain: str, values: np.ndarray) -> None:
    attribute = mesh.attributes.new(name, kind, domain)
    attribute.data.foreach_set("vector" if kind == "FLOAT_VECTOR" else "value", values.astype(np.float32).ravel())


# --- materials --------------------------------------------------------------------------------------------------------


def _role(material: bpy.types.Material | None) -> str:
    """What a material colours, by its name."""
    words = material.name.lower() if material else ""
    return next((role for role, keys in _WORDS.items() if any(key in words for key in keys)), "skin")


def _material(owner: str, role: str) -> bpy.types.Material:
    tree = NodeTree(f"{owner} {role}")
    if role in ("shirt", "trousers"):
        place = tree.node("SeparateXYZ")
        tree.put(place.inputs[0], tree.attribute("cloth").outputs["Vector"])
        above = tree.math("GREATER_THAN", tree.attribute("hem").outputs["Fac"], 0.0)
        colour = tree.mix(above, _cloth(tree, "trousers", place), _cloth(tree, "shirt", place))
    elif role == "skin":
        beyond = tree.math("GREATER_THAN", tree.attribute("glove").outputs["Fac"], _NOWHERE, name="Cuff")
        colour = tree.mix(beyond, bare_skin(tree, tree.colour("Base")), tree.colour("Glove"))
    else:
        colour = tree.colour("Base")
    return tree.finish(colour, _GLOSS.get(role, 0.0))


def _eye_material(owner: str) -> bpy.types.Material:
    tree = NodeTree(f"{owner} eyes")
    length = tree.node("VectorMath", operation="LENGTH")
    tree.put(length.inputs[0], tree.attribute("eye").outputs["Vector"])
    distance = length.outputs["Value"]
    eye = tree.mix(tree.math("LESS_THAN", distance, 0.46), (0.80, 0.80, 0.80, 1.0), (0.06, 0.03, 0.015, 1.0))
    return tree.finish(tree.mix(tree.math("LESS_THAN", distance, 0.2), eye, (0.0, 0.0, 0.0, 1.0)), _GLOSS["eyes"])


def _cloth(tree: NodeTree, name: str, place: bpy.types.Node) -> bpy.types.NodeSocket:
    """Colour of a patterned cloth; :func:`_set_cloth` sets it."""
    repeat = tree.node("Value", f"{name} repeat").outputs[0]
    around, along = (
        tree.math("PINGPONG", tree.math("DIVIDE", place.outputs[axis], repeat), 0.5) for axis in range(2)
    )  # 0 in the middle of a line, 0.5 half-way to the next
    lines = tree.math("LESS_THAN", along, 0.2)
    checks = tree.math("MAXIMUM", tree.math("LESS_THAN", around, 0.10), tree.math("LESS_THAN", along, 0.10))
    square = tree.math("ADD", tree.math("MULTIPLY", around, around), tree.math("MULTIPLY", along, along))
    dots = tree.math("LESS_THAN", square, 0.28**2)
    share: object = 0.0
    for pattern, mask in zip(PATTERNS[1:], (lines, checks, dots), strict=True):
        share = tree.math("ADD", share, tree.math("MULTIPLY", mask, 0.0, name=f"{name} {pattern}"))
    return tree.mix(share, tree.colour(f"{name} base"), tree.colour(f"{name} second"))


def _set_cloth(nodes: bpy.types.Nodes, name: str, cloth: Cloth) -> None:
    nodes[f"{name} base"].outputs[0].default_value = (*to_linear(cloth.colour), 1.0)
    nodes[f"{name} second"].outputs[0].default_value = (*to_linear(cloth.second), 1.0)
    nodes[f"{name} repeat"].outputs[0].default_value = cloth.repeat
    for pattern in PATTERNS[1:]:
        nodes[f"{name} {pattern}"].inputs[1].default_value = float(cloth.pattern == pattern)
