# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenPose's 70 face points on Rigify's face, and which point is across from which."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest

from handdiff_addon.rig.face import face_places
from handdiff_addon.rig.keypoints import BODY_INDEX, FACE_ACROSS, PersonKeypoints
from handdiff_addon.scene.files import open_blend
from handdiff_addon.scene.passes import depsgraph_of
from handdiff_addon.scene.rigs import read_person
from tests.builders import turn_bone, write_rigify

# The layout as OpenPose publishes it: 68 points of iBUG's and two pupils, right and left being the person's.
JAW, RIGHT_BROW, LEFT_BROW = range(17), range(17, 22), range(22, 27)
BRIDGE, BASE = range(27, 31), range(31, 36)
RIGHT_EYE, LEFT_EYE, OUTER_LIPS, INNER_LIPS = range(36, 42), range(42, 48), range(48, 60), range(60, 68)


@pytest.fixture(scope="module")
def metarig(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("metarig") / "metarig.blend"
    write_rigify(path, generate=False)
    return path


def read(path: Path) -> PersonKeypoints:
    scene = open_blend(path)
    return read_person(scene.objects["metarig"], depsgraph_of(scene))


def test_a_face_across_is_a_face_across() -> None:
    across = np.array(FACE_ACROSS)
    assert (across[across] == np.arange(70)).all()
    assert [i for i in range(70) if across[i] == i] == [8, 27, 28, 29, 30, 33, 51, 57, 62, 66]


def test_the_metarig_has_a_whole_face_that_is_symmetric(metarig: Path) -> None:
    face = read(metarig).face
    assert np.isfinite(face).all()
    np.testing.assert_allclose(face[list(FACE_ACROSS)], face * (-1, 1, 1), atol=2e-3)


def test_the_parts_of_a_face_lie_as_published(metarig: Path) -> None:
    person = read(metarig)
    x, y, z = person.face.T  # x to the person's left, y to its back, z up
    # The jaw runs from the person's right ear to its left one by way of the chin, its lowest point.
    assert (np.diff(x[JAW]) > 0).all() and z[JAW].argmin() == 8 and (np.diff(z[:9]) < 0).all()
    for end, ear in ((0, "right_ear"), (16, "left_ear")):
        assert np.linalg.norm(person.face[end] - person.body[BODY_INDEX[ear]]) < 0.05
    # Brows from the right one's outer end to the left one's, above the eyes.
    assert (np.diff(x[17:27]) > 0).all() and z[17:27].min() > z[36:48].max()
    assert z[RIGHT_BROW].argmax() == 2 and z[LEFT_BROW].argmax() == 2
    # The nose from between the eyes down to its tip, which is the body's nose; its base from right to left.
    assert (np.diff(z[BRIDGE]) < 0).all() and (np.diff(x[BASE]) > 0).all() and y[30] == y.min()
    np.testing.assert_allclose(person.face[30], person.body[BODY_INDEX["nose"]], atol=1e-6)
    # Eyes: right from the outer corner over the upper lid to the inner corner and back, left from the inner corner.
    for eye, lid in ((RIGHT_EYE, z[RIGHT_EYE]), (LEFT_EYE, z[LEFT_EYE])):
        assert x[eye].argmin() == 0 and x[eye].argmax() == 3
        assert lid[1] > lid[5] and lid[2] > lid[4] and x[eye][1] < x[eye][2] and x[eye][4] > x[eye][5]
    for pupil, eye, lids in ((68, "right_eye", RIGHT_EYE), (69, "left_eye", LEFT_EYE)):
        np.testing.assert_allclose(person.face[pupil], person.body[BODY_INDEX[eye]], atol=1e-6)
        assert x[lids].min() < x[pupil] < x[lids].max() and z[lids].min() < z[pupil] < z[lids].max()
    # Lips clockwise as seen from the front, from the right corner over the upper lip; the inner ones within the outer.
    for lips, left in ((OUTER_LIPS, 6), (INNER_LIPS, 4)):
        assert x[lips].argmin() == 0 and x[lips].argmax() == left
        assert (np.diff(x[lips][: left + 1]) > 0).all() and (np.diff(x[lips][left:]) < 0).all()
        assert (z[lips][1:left] >= z[lips][:left:-1] - 1e-6).all()
    assert x[48] < x[60] and x[64] < x[54] and z[57] < z[66] <= z[62] + 1e-6 < z[51]
    assert z[33] > z[51] > z[57] > z[8]


def test_a_face_goes_where_the_head_goes(metarig: Path) -> None:
    before = read(metarig)
    rig = bpy.context.scene.objects["metarig"]
    turn_bone(rig, "spine.006", "Z", 90)
    after = read_person(rig, depsgraph_of(bpy.context.scene))
    head = np.array(rig.pose.bones["spine.006"].head)
    turn = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]])
    np.testing.assert_allclose(after.face, (before.face - head) @ turn.T + head, atol=1e-5)


def test_a_mirrored_face_keeps_its_order(metarig: Path) -> None:
    before = read(metarig)
    rig = bpy.context.scene.objects["metarig"]
    rig.scale.x = -1
    bpy.context.view_layer.update()
    after = read_person(rig, depsgraph_of(bpy.context.scene))
    np.testing.assert_allclose(after.face, before.face, atol=2e-3)


def test_a_face_of_which_half_is_left_is_half_a_face(metarig: Path) -> None:
    scene = open_blend(metarig)
    bones = {bone.name for bone in scene.objects["metarig"].data.bones}
    assert len(face_places(bones)) == 70
    lidless = {name for name in bones if not name.startswith("lid.")}
    assert set(range(70)) - set(face_places(lidless)) == set(range(36, 48))
    assert face_places({"Head", "LeftEye"}) == {}
