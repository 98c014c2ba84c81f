# SPDX-License-Identifier: GPL-3.0-or-later
"""What tells skin from plastic: nails, lips, eyebrows and a flush, measured at rest and drawn by the skin's material.

A mesh is coarser than a lip or a nail, so what is kept for each vertex is its place on the finger or the face, which is
straight in between; the shapes are drawn in these places.
"""

from __future__ import annotations

from collections.abc import Mapping

import bpy
import numpy as np

from ..request import SIDES, Side
from ..rig.bones import Bone
from ..rig.fingers import fingertips
from ..rig.keypoints import FINGERS
from .fitting import Fitting
from .node_tree import NodeTree

_ELSEWHERE = 9.0
"""In every coordinate, where there is no such place"""
_FLUSH = (1.0, 0.80, 0.74)
"""What a full flush leaves of the skin's colour, linear"""
_KNUCKLE, _CHEEK, _NOSE = 0.009, 0.55, 0.42
"""Deviations of a flush: metres; and half distances between the eyes"""


def complexion(body: Fitting) -> dict[str, np.ndarray]:
    """What :func:`bare_skin` draws by, for each vertex of a mesh: ``nail``, ``lips`` and ``brows``, (N, 3) places on
    the nearest fingertip and the face, and ``flush``, (N,) 0..1."""
    lips, face = _face_places(body)
    return {"nail": _nail_places(body), "lips": lips, "brows": face, "flush": _flush(body, face)}


def _nail_places(body: Fitting) -> np.ndarray:
    """(N, 3) places on the fingers: along from the last joint, across, and off its bone to the back; in lengths of the
    last phalanx, :data:`_ELSEWHERE` where no finger is."""
    result = np.full((len(body.points), 3), _ELSEWHERE)
    nearest = np.full(len(body.points), 0.9)
    for side in SIDES:
        own = body.vertices_of("skin") & (body.shares[f"{side}_hand"] > 0.5)
        for joint, tip, pulp in fingertips(body.rest, side).values() if own.any() else ():
            length = float(np.linalg.norm(tip - joint))
            along = (tip - joint) / length
            axes = np.stack([along, np.cross(along, pulp), -pulp])
            places = (body.points - joint) @ axes.T / length
            off = np.linalg.norm(places - np.clip(places[:, :1], -0.8, 1.0) * (1.0, 0.0, 0.0), axis=1)
            closer = own & (off < nearest)
            result[closer], nearest[closer] = places[closer], off[closer]
    return result


def _face_places(body: Fitting) -> tuple[np.ndarray, np.ndarray]:
    """(N, 3) places on the lips: across from their middle in half their width, and up from the line between them in the
    height of the lip; and (N, 3) places on the face: across and up from between the eyes, and ahead of them, in half
    the distance between them.  :data:`_ELSEWHERE` beside the face, and all over a mesh without eyes.
    """
    lips, face = np.full((2, len(body.points), 3), _ELSEWHERE)
    eyes = body.vertices_of("eyes")
    pair = [body.points[own] for own in (eyes & (body.points[:, 0] > 0), eyes & (body.points[:, 0] < 0))]
    if not all(len(points) for points in pair):
        return lips, face
    left, right = ((points.min(axis=0) + points.max(axis=0)) / 2 for points in pair)
    places = (body.points - (left + right) / 2) / (np.linalg.norm(left - right) / 2)
    places = places[:, [0, 2, 1]] * (1.0, 1.0, -1.0)
    front = body.vertices_of("skin") & (body.shares["head"] > 0.5) & (places[:, 2] > -0.8)
    face[front] = places[front]
    edges = np.empty(2 * len(body.mesh_object.data.edges), dtype=np.int32)
    body.mesh_object.data.edges.foreach_get("vertices", edges)
    middle = front & (np.abs(places[:, 0]) < 0.15) & (places[:, 2] > 0.0)
    if (found := _lip_heights(places[edges.reshape(-1, 2)][middle[edges.reshape(-1, 2)].all(axis=1)])) is not None:
        line, upper, lower = found
        height = np.where(places[:, 1] > line, upper, lower)
        on_lips = np.stack([places[:, 0] / 0.86, (places[:, 1] - line) / height, np.zeros_like(height)], axis=1)
        lips[front] = on_lips[front]
    return lips, face


def _lip_heights(edges: np.ndarray) -> tuple[float, float, float] | None:
    """Where the line between the lips lies, and how high upper and lower lip are, by the edges (N, 2, 3) in the middle
    of a face, in places; None where no lips stand out.

    Down from the tip of the nose a profile goes in under it, out to the upper lip, in between the lips and out to the
    lower one.
    """
    heights = np.arange(-0.7, -3.2, -0.02)
    (begin, first), (end, last) = (edges[:, k, 1:].T for k in range(2))
    share = (heights[:, None] - begin) / np.where(np.abs(end - begin) > 1e-6, end - begin, 1e-6)
    crossed = (share >= 0.0) & (share <= 1.0)
    reach = np.where(crossed, first + share * (last - first), 0.0).max(axis=1, initial=0.0)  # open lips have a gap
    turns, start = list[int](), int(np.argmax(np.where(heights > -1.75, reach, 0.0)))
    for falling in (True, False, True, False):
        sign = -1.0 if falling else 1.0
        extreme = start
        for k in range(start, len(heights)):
            if sign * reach[k] > sign * reach[extreme]:
                extreme = k
            elif sign * (reach[extreme] - reach[k]) > 0.025:
                break
        else:
            return None
        start = extreme
        turns.append(extreme)
    _, upper, line, lower = heights[turns]
    return float(line), 1.3 * float(upper - line), 1.75 * float(line - lower)


def _flush(body: Fitting, face: np.ndarray) -> np.ndarray:
    """(N,) 0..1: knuckles, cheeks and the tip of the nose, where blood shows.

    Args:
        body: the mesh.
        face: of :func:`_face_places`.
    """
    result = np.zeros(len(body.points))
    for side in SIDES:
        own = body.shares[f"{side}_hand"] > 0.5
        for knuckle in _knuckles(body.rest, side) if own.any() else ():
            distance = np.linalg.norm(body.points - knuckle, axis=1)
            result = np.maximum(result, own * np.exp(-0.5 * (distance / _KNUCKLE) ** 2))
    cheek = np.hypot(np.abs(face[:, 0]) - 1.25, face[:, 1] + 1.15)
    nose = np.hypot(face[:, 0], face[:, 1] + 1.2)
    for distance, spread in ((cheek, _CHEEK), (nose, _NOSE)):
        result = np.maximum(result, 0.7 * np.exp(-0.5 * (distance / spread) ** 2))
    return result


def _knuckles(rest: Mapping[str, Bone], side: Side) -> list[np.ndarray]:
    names = [f"{side}_{finger}_{k}" for finger in FINGERS for k in (1, 2, 3) if (finger, k) != ("thumb", 1)]
    return [rest[name].head for name in names if name in rest]


def bare_skin(tree: NodeTree, base: bpy.types.NodeSocket) -> bpy.types.NodeSocket:
    """The skin's colour with all of it, from the attributes of :func:`complexion`.

    Args:
        tree: of the skin's material; its node ``Brows`` gets the eyebrows' colour.
        base: the skin's own.
    """
    colour = tree.mix(tree.attribute("flush").outputs["Fac"], base, tree.tint(base, _FLUSH))
    lip = tree.mix(0.06, tree.tint(base, (0.92, 0.55, 0.55)), (0.45, 0.10, 0.10, 1.0))
    colour = tree.mix(_on_lips(tree), colour, lip)
    colour = tree.mix(_on_nails(tree), colour, tree.mix(0.32, base, (0.72, 0.44, 0.38, 1.0)))
    return tree.mix(tree.math("MULTIPLY", _on_brows(tree), 0.85), colour, tree.colour("Brows"))


def _on_lips(tree: NodeTree) -> bpy.types.NodeSocket:
    across, up, _ = tree.parts("lips")
    height = tree.math("SUBTRACT", 1.0, tree.math("MULTIPLY", across, across))
    return tree.soft_step(tree.math("SUBTRACT", height, tree.math("ABSOLUTE", up)), 0.18)


def _on_nails(tree: NodeTree) -> bpy.types.NodeSocket:
    along, across, back = tree.parts("nail")
    along = tree.math("DIVIDE", tree.math("SUBTRACT", along, 0.70), 0.26)
    across = tree.math("DIVIDE", across, 0.25)
    off = tree.math("ADD", tree.math("MULTIPLY", along, along), tree.math("MULTIPLY", across, across))
    inside = tree.soft_step(tree.math("SUBTRACT", 1.0, off), 0.2)
    return tree.math("MULTIPLY", inside, tree.math("GREATER_THAN", back, 0.02))


def _on_brows(tree: NodeTree) -> bpy.types.NodeSocket:
    across, up, _ = tree.parts("brows")
    outward = tree.math("SUBTRACT", tree.math("ABSOLUTE", across), 1.0)
    square = tree.math("MULTIPLY", outward, outward)
    arch = tree.math("SUBTRACT", 0.75, tree.math("MULTIPLY", square, 0.28))
    thick = tree.math("SUBTRACT", 0.15, tree.math("MULTIPLY", square, 0.31))
    return tree.soft_step(tree.math("SUBTRACT", thick, tree.math("ABSOLUTE", tree.math("SUBTRACT", up, arch))), 0.07)
