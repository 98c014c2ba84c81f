# SPDX-License-Identifier: GPL-3.0-or-later
"""The surfaces that make up the sample human, as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import sample_hand
from . import sample_shapes as shapes
from .sample_clothes import collar_mesh, cuff_mesh, shoe_field, top_field, trousers_field
from .sample_head import brow_mesh, ear_field, eyeball_mesh, hair_field, head_field
from .sample_skeleton import hand_frame, other_side
from .sample_skin import head_weights, rigid, shoe_weights, top_weights, trousers_weights


@dataclass(frozen=True)
class Part:
    """One closed surface of the human with one material and skin weights by bone."""

    name: str
    material: str
    vertices: np.ndarray
    quads: np.ndarray
    weights: dict[str, np.ndarray]


def _mirror(part: Part) -> Part:
    weights = {other_side(name): weight for name, weight in part.weights.items()}
    return Part(
        other_side(part.name), part.material, part.vertices * (-1.0, 1.0, 1.0), part.quads[:, ::-1].copy(), weights
    )


def _without(mesh: tuple[np.ndarray, np.ndarray], hidden: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mesh without faces whose every corner is hidden (N,) bool, and without the vertices that leaves over."""
    vertices, quads = mesh
    kept = quads[~hidden[quads].all(axis=1)]
    used, index = np.unique(kept, return_inverse=True)
    return vertices[used], index.reshape(-1, 4)


def parts() -> list[Part]:
    """Every surface of the human.  What hair or clothes always cover is left out."""
    result = []
    head = shapes.polygonise(
        head_field,
        shapes.mirrored(shapes.graded(0.0020, 0.11, (0.0, 0.048, 0.0040), (0.048, 1.0, 0.007))),
        shapes.graded(-0.135, 0.135, (-1.0, -0.062, 0.0042), (-0.062, 1.0, 0.0095)),
        shapes.graded(1.385, 1.775, (0, 1.515, 0.013), (1.515, 1.56, 0.005), (1.56, 1.67, 0.0037), (1.67, 2, 0.010)),
    )
    covered = (hair_field(head[0]) < -0.006) | (top_field(head[0]) < -0.02)
    head = _without(head, covered)
    result.append(Part("Head", "Skin", *head, head_weights(head[0])))

    hair = shapes.polygonise(
        hair_field,
        shapes.mirrored(np.arange(0.0050, 0.12, 0.010)),
        np.arange(-0.14, 0.15, 0.010),
        np.arange(1.54, 1.80, 0.010),
    )
    hair = _without(hair, head_field(hair[0]) < -0.004)
    result.append(Part("Hair", "Hair", *hair, rigid("Head", hair[0])))

    brow = brow_mesh()
    left = [Part("LeftBrow", "Hair", *brow, rigid("Head", brow[0]))]

    ear = shapes.polygonise(
        ear_field, np.arange(0.055, 0.10, 0.004), np.arange(-0.02, 0.06, 0.004), np.arange(1.585, 1.67, 0.004)
    )
    ear = _without(ear, head_field(ear[0]) < -0.002)
    left.append(Part("LeftEar", "Skin", *ear, rigid("Head", ear[0])))

    vertices, quads, iris = eyeball_mesh()
    for name, material, chosen in (("LeftEye", "Eyes", ~iris), ("LeftIris", "Iris", iris)):
        eye = _without((vertices, quads[chosen]), np.zeros(len(vertices), dtype=bool))
        left.append(Part(name, material, *eye, rigid("LeftEye", eye[0])))

    cloth = 0.019
    top = shapes.polygonise(
        top_field,
        shapes.mirrored(np.arange(cloth / 2, 0.64, cloth)),
        np.arange(-0.16, 0.19, cloth),
        shapes.graded(0.85, 1.53, (0, 0.892, 0.006), (0.892, 1.42, cloth), (1.42, 2, 0.011)),
    )
    top = _without(top, (trousers_field(top[0]) < -0.01) | (head_field(top[0]) < -0.01))
    result.append(Part("Top", "Top", *top, top_weights(top[0])))
    collar = collar_mesh()
    result.append(Part("Collar", "Top", *collar, top_weights(collar[0])))
    cuff = cuff_mesh()
    left.append(Part("LeftCuff", "Top", *cuff, rigid("LeftForeArm", cuff[0])))

    trousers = shapes.polygonise(
        trousers_field,
        shapes.mirrored(np.arange(0.0030, 0.22, 0.019)),
        np.arange(-0.13, 0.17, 0.019),
        np.arange(0.05, 1.06, 0.023),
    )
    trousers = _without(trousers, top_field(trousers[0]) < -0.012)
    result.append(Part("Bottom", "Bottom", *trousers, trousers_weights(trousers[0])))

    shoe = shapes.polygonise(
        shoe_field,
        np.arange(0.04, 0.19, 0.013),
        np.arange(-0.22, 0.12, 0.013),
        shapes.graded(-0.01, 0.17, (-1, 0.03, 0.007), (0.03, 1, 0.016)),
    )
    left.append(Part("LeftShoe", "Shoes", *shoe, shoe_weights(shoe[0])))

    local, quads = sample_hand.hand_mesh()
    frame, origin = hand_frame()
    weights = {f"Left{name}": weight for name, weight in sample_hand.hand_weights(local).items()}
    left.append(Part("LeftHand", "Skin", origin + local @ frame.T, quads, weights))

    for part in left:
        result += [part, _mirror(part)]
    return result
