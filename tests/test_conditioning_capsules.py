# SPDX-License-Identifier: GPL-3.0-or-later
"""Capsules hold what lies near their axes, and their meshes are closed and of their size."""

from __future__ import annotations

import numpy as np
import pytest

from handdiff_addon.conditioning.capsules import Capsules, body_capsules, hand_capsules, size_of
from handdiff_addon.rig.keypoints import BODY, BODY_INDEX, PersonKeypoints

CAPSULES = Capsules(np.array([[0.0, 0, 0], [1, 0, 0]]), np.array([[1.0, 0, 0], [1, 0, 0]]), np.array([0.2, 0.5]))


@pytest.mark.parametrize(
    ("point", "inside"),
    [
        ((0.5, 0.19, 0), True), ((0.5, 0, -0.21), False), ((-0.19, 0, 0), True), ((-0.15, 0.15, 0), False),
        ((1.4, 0, 0.2), True), ((1.2, 0.47, 0), False), ((9, 9, 9), False),
    ],
)  # fmt: skip
def test_inside(point: tuple[float, ...], inside: bool) -> None:
    assert CAPSULES.contain(np.array([point], dtype=float))[0] == inside


def test_offsets_are_from_the_axis_in_radii() -> None:
    nearest, offset = CAPSULES.offsets(np.array([[0.5, 0.1, 0.0], [1.0, 0.0, 1.0]]))
    assert nearest.tolist() == [0, 1]
    np.testing.assert_allclose(offset, [[0, 0.5, 0], [0, 0, 2]])


def test_the_mesh_is_closed_outward_and_as_large_as_the_capsule() -> None:
    one = Capsules(np.array([[0.3, -0.2, 0.5]]), np.array([[1.0, 0.4, 0.1]]), np.array([0.25]))
    vertices, normals, triangles = one.mesh()
    corners = vertices[triangles]
    np.testing.assert_allclose(np.linalg.norm(one.offsets(vertices)[1], axis=1), 1.0, atol=1e-9)
    np.testing.assert_allclose(normals, one.offsets(vertices)[1], atol=1e-9)
    volume = np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6
    length = np.linalg.norm(one.ends[0] - one.starts[0])
    exact = np.pi * 0.25**2 * length + 4 / 3 * np.pi * 0.25**3
    assert 0.93 * exact < volume < exact, "outward and inscribed"


def person(scale: float) -> PersonKeypoints:
    places = {
        "nose": (0, -0.1, 1.6), "neck": (0, 0, 1.4), "eye": (0.03, -0.08, 1.63), "ear": (0.08, 0, 1.6),
        "shoulder": (0.17, 0, 1.4), "elbow": (0.43, 0, 1.4), "wrist": (0.68, 0, 1.4),
        "hip": (0.1, 0, 0.9), "knee": (0.1, 0, 0.5), "ankle": (0.1, 0, 0.1),
    }  # fmt: skip
    found = PersonKeypoints("Somebody", np.zeros((18, 3)))
    for index, name in enumerate(BODY):
        side, _, joint = name.rpartition("_")
        found.body[index] = np.array(places[joint]) * ((-1 if side == "right" else 1), 1, 1) * scale
    return found


@pytest.mark.parametrize("scale", [0.01, 1.0, 100.0])
def test_hands_scale_with_the_person_and_reach_beyond_the_wrist(scale: float) -> None:
    somebody = person(scale)
    assert size_of(somebody) == pytest.approx(scale)
    mitten = hand_capsules(somebody, "left")
    wrist = somebody.body[BODY_INDEX["left_wrist"]]
    along = np.array([0.1, 0, 0]) * scale
    assert mitten.contain(np.stack([wrist, wrist + along, wrist - along, -wrist]))[:4].tolist() == [
        True,
        True,
        False,
        False,
    ]
    # Two fingers, the rest is missing
    somebody.hands["left"][[0, 5, 6, 7, 8]] = [wrist + k * 0.3 * along for k in range(5)]
    somebody.hands["left"][[9, 10]] = wrist + (0, 0.02 * scale, 0) + np.array([[0.3], [0.6]]) * along
    fingers = hand_capsules(somebody, "left")
    assert len(fingers.radii) == 4 + 2 + 1
    assert fingers.contain(somebody.hands["left"][[0, 5, 8, 9, 10]]).all()


def test_a_body_without_a_head_has_the_rest() -> None:
    somebody = person(1.0)
    whole = len(body_capsules(somebody).radii)
    somebody.body[[BODY_INDEX["left_ear"], BODY_INDEX["left_ankle"]]] = np.nan
    assert len(body_capsules(somebody).radii) == whole - 3
    assert np.isfinite(body_capsules(somebody).mesh()[0]).all()
