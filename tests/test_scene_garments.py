# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sample human wears is told from its materials, and said where the prompt leaves it open."""

from __future__ import annotations

import dataclasses

import bpy
import numpy as np
import pytest

from handdiff_addon.diffusion.frame import at_size
from handdiff_addon.request import GenerationRequest
from handdiff_addon.rig.keypoints import BODY_INDEX
from handdiff_addon.scene.passes import render_passes
from handdiff_addon.scene.sample_human import create_sample_human, create_sample_scene


def told(scene: bpy.types.Scene) -> str:
    conditioning = render_passes(scene, size=(384, 384))
    return at_size(conditioning, GenerationRequest("a person"), (320, 320)).sleeves(0)


@pytest.mark.parametrize(
    ("upto", "sleeves"), [(1.0, "long sleeves"), (0.7, "rolled-up sleeves"), (0.4, "short sleeves")]
)
def test_sleeves_end_where_their_material_does(empty_scene: bpy.types.Scene, upto: float, sleeves: str) -> None:
    """``upto`` is where along the arm, 0 at the shoulder and 1 at the wrist."""
    rig = create_sample_scene(empty_scene)
    mesh = rig.children[0].data
    names = [material.name for material in mesh.materials]
    slots = np.empty(len(mesh.polygons), np.int32)
    centres = np.empty((len(mesh.polygons), 3))
    mesh.polygons.foreach_get("material_index", slots)
    mesh.polygons.foreach_get("center", centres.reshape(-1))
    for side, sign in (("Left", 1.0), ("Right", -1.0)):
        shoulder, wrist = (np.array(rig.data.bones[f"{side}{bone}"].head_local) for bone in ("Arm", "Hand"))
        along = (centres - shoulder) @ (wrist - shoulder) / ((wrist - shoulder) @ (wrist - shoulder))
        slots[(slots == names.index("Top")) & (along > upto) & (sign * centres[:, 0] > 0.0)] = names.index("Skin")
    mesh.polygons.foreach_set("material_index", slots)
    assert told(empty_scene) == sleeves


def test_the_painted_shirt_ends_where_the_meshs_does(empty_scene: bpy.types.Scene) -> None:
    """The sample human's reaches over the hips, lower than shirts do on the people that the model learned from."""
    pytest.importorskip("torch")
    from handdiff_addon.diffusion.pipeline import TwoStagePipeline

    create_sample_scene(empty_scene)
    conditioning = render_passes(empty_scene, size=(512, 512), with_normals=True)
    request = GenerationRequest("a person in a red shirt and blue trousers", steps=2, hand_steps=2)
    red, _, blue = np.asarray(TwoStagePipeline.for_request(request).generate(request, conditioning).image).T.astype(int)
    chest, lap = (conditioning.materials[row, 256] for row in (300, 420))
    rows = np.flatnonzero(conditioning.materials[:, 256] == chest)
    assert conditioning.materials[rows[-1] + 1, 256] == lap
    assert (red - blue)[256, rows[-1] - 30 : rows[-1] - 4].min() > 60
    assert (blue - red)[256, rows[-1] + 5 : rows[-1] + 15].min() > 20


def one_material(scene: bpy.types.Scene) -> None:
    mesh = create_sample_scene(scene).children[0].data
    for slot in range(len(mesh.materials)):
        mesh.materials[slot] = mesh.materials[0]


def test_a_character_of_one_material_tells_nothing(empty_scene: bpy.types.Scene) -> None:
    one_material(empty_scene)
    assert told(empty_scene) == ""


def test_a_character_of_one_material_is_painted_with_one_hem(empty_scene: bpy.types.Scene) -> None:
    """Not with the mean of all hems, which goes from red to blue over many pixels."""
    pytest.importorskip("torch")
    from handdiff_addon.diffusion.pipeline import TwoStagePipeline

    one_material(empty_scene)
    conditioning = render_passes(empty_scene, size=(512, 512), with_normals=True)
    words = "a person in a red shirt with short sleeves and blue trousers, pale skin, white background"
    request = GenerationRequest(words, steps=2, hand_steps=2)
    red, _, blue = np.asarray(TwoStagePipeline.for_request(request).generate(request, conditioning).image).T.astype(int)
    across = (red - blue)[256, 250:]
    assert np.flatnonzero(across < -20)[0] - np.flatnonzero(across > 40)[-1] <= 2


def test_hair_of_one_material_is_told_by_its_edge(empty_scene: bpy.types.Scene) -> None:
    """The sample human's stands out from the skin; its materials say which pixels are hair, before they become one."""
    rig = create_sample_scene(empty_scene)

    def hair() -> np.ndarray:
        conditioning = render_passes(empty_scene, size=(768, 768), with_normals=True)
        frame = at_size(conditioning, GenerationRequest("a person"), (768, 768))
        nose = round(conditioning.people[0].body[BODY_INDEX["nose"], 1])
        found = frame.kinds([""]) == 4
        return found[: (np.flatnonzero(found.any(1))[0] + nose) // 2]  # not the brows

    told = hair()
    for slot in rig.children[0].material_slots:
        slot.material = rig.children[0].material_slots[0].material
    by_edge = hair()
    assert told.sum() > 400 and (told & by_edge).sum() / (told | by_edge).sum() > 0.85


def test_what_stands_in_the_way_has_a_material_of_its_own(empty_scene: bpy.types.Scene) -> None:
    create_sample_scene(empty_scene)
    bpy.ops.mesh.primitive_cube_add(location=(0.0, -0.6, 1.2), size=0.2)
    conditioning = render_passes(empty_scene, size=(384, 384))
    materials, nothing = conditioning.materials, ~np.isfinite(conditioning.metric_depth)
    assert (materials[nothing] == -1).all() and (materials[~nothing] >= 0).all()
    person = set(np.unique(materials[conditioning.person_mask]))
    assert set(np.unique(materials[~nothing & ~conditioning.person_mask])) - person


def test_each_person_has_the_sleeves_of_their_own_words(empty_scene: bpy.types.Scene) -> None:
    """On characters of one material."""
    pytest.importorskip("torch")
    from handdiff_addon.diffusion.pipeline import TwoStagePipeline

    one_material(empty_scene)
    first = empty_scene.objects["SampleRig"]
    first.location.x = -0.45
    second = create_sample_human(empty_scene)
    second.location.x = 0.6
    for slot in second.children[0].material_slots:
        slot.material = first.children[0].material_slots[0].material
    empty_scene.camera.location.y -= 0.8
    conditioning = render_passes(empty_scene, size=(512, 512), with_normals=True)
    words = {first.name: "short sleeves", second.name: "long sleeves"}
    request = GenerationRequest("blue shirt, white trousers, pale skin, grey background", seed=3, steps=2, hand_steps=2)
    request = dataclasses.replace(request, person_prompts=words)
    image = np.asarray(TwoStagePipeline.for_request(request).generate(request, conditioning).image).astype(int)
    people = {pose.name: pose for pose in conditioning.people}
    for name, side, bare in ((first.name, "left", True), (second.name, "right", False)):
        elbow, wrist = (people[name].body[BODY_INDEX[f"{side}_{joint}"]] for joint in ("elbow", "wrist"))
        x, y = (0.4 * elbow + 0.6 * wrist).round().astype(int)
        red, _, blue = image[y - 1 : y + 2, x - 1 : x + 2].mean((0, 1))
        assert (red > blue) == bare, name


def test_shirt_hair_and_bare_limbs_are_surfaces_of_one_colour(empty_scene: bpy.types.Scene) -> None:
    """In the order of :meth:`Frame.surfaces`; the sample human has long sleeves."""
    create_sample_scene(empty_scene)
    conditioning = render_passes(empty_scene, size=(384, 384))
    frame = at_size(conditioning, GenerationRequest("a person"), (384, 384))
    (shirt, trousers, limbs, hair), sure = zip(*frame.surfaces([""]), strict=True)
    assert all((own == tells).all() for own, tells in zip((shirt, trousers, limbs), sure[:3], strict=True))
    rim = hair & ~sure[3]
    assert 0 < rim.sum() < 0.6 * hair.sum(), "hair at the hairline may be painted as skin"
    assert np.argwhere(rim)[:, 0].mean() > np.argwhere(sure[3])[:, 0].mean() and not (sure[3] & ~hair).any()
    materials = conditioning.materials
    for surface in (shirt, trousers, hair):
        assert surface.sum() > 500 and len(np.unique(materials[surface])) == 1
    assert limbs.sum() < 150 and not (shirt & trousers).any(), "but for the wrists"
    face = frame.skin(0, [""])
    row, column = np.argwhere(face).mean(0)
    nose_x, nose_y = conditioning.people[0].body[BODY_INDEX["nose"]]
    assert abs(column - nose_x) < 8 and abs(row - nose_y) < 16, "the face is what is left of the skin"
    assert not (face & frame.hands(0)).any()


def test_a_painted_shirt_is_of_one_colour(empty_scene: bpy.types.Scene) -> None:
    """From its shadows to its highlights its colours lie on a line; they are 0.03 off it as the networks paint them."""
    pytest.importorskip("torch")
    from handdiff_addon.diffusion.pipeline import TwoStagePipeline

    create_sample_scene(empty_scene)
    conditioning = render_passes(empty_scene, size=(512, 512), with_normals=True)
    request = GenerationRequest("a person in a blue shirt and white trousers, lit from the left", steps=2, hand_steps=2)
    painted = np.asarray(TwoStagePipeline.for_request(request).generate(request, conditioning).image) / 255.0
    shirt = at_size(conditioning, request, (512, 512)).surfaces([""])[0][0]
    inner = shirt & np.roll(shirt, 6, 0) & np.roll(shirt, -6, 0) & np.roll(shirt, 6, 1) & np.roll(shirt, -6, 1)
    linear = painted[inner] ** 2.2
    known = np.stack([np.ones(len(linear)), linear @ (0.2126, 0.7152, 0.0722)], 1)
    off = linear - known @ np.linalg.lstsq(known, linear, rcond=None)[0]
    assert inner.sum() > 5000
    assert np.sqrt((off**2).mean()) < 0.01 * linear.max(1).mean()
