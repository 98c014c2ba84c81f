# SPDX-License-Identifier: GPL-3.0-or-later
"""Which surfaces are a person's, and which triangles a hand's."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np
import pytest

from handdiff_addon.conditioning.masks import BODY, LEFT_HAND, NOTHING, RIGHT_HAND
from handdiff_addon.conditioning.raster import rasterise
from handdiff_addon.scene.cameras import read_camera
from handdiff_addon.scene.hand_parts import person_of, triangle_parts
from handdiff_addon.scene.passes import depsgraph_of
from handdiff_addon.scene.rigs import match_seen, read_person
from handdiff_addon.scene.surfaces import Surface, read_surfaces, rendered_meshes
from tests.builders import add_armature, add_box, add_camera, add_human, skin, turn_bone


def surfaces(scene: bpy.types.Scene, *armatures: bpy.types.Object, uv: bool = False) -> dict[str, Surface]:
    return {surface.name: surface for surface in read_surfaces(depsgraph_of(scene), armatures, uv=uv)}


@dataclass
class Told:
    """A surface and what each of its triangles is."""

    surface: Surface
    part: np.ndarray
    person: np.ndarray

    @property
    def centres(self) -> np.ndarray:
        return self.surface.vertices[self.surface.triangles].mean(axis=1)


def told(scene: bpy.types.Scene, *armatures: bpy.types.Object) -> dict[str, Told]:
    depsgraph = depsgraph_of(scene)
    read = read_surfaces(depsgraph, armatures)
    people = [person_of(one, *match_seen(one, depsgraph)) for one in armatures]
    part, person, _ = triangle_parts(read, people, np.ones(sum(len(surface.triangles) for surface in read), dtype=bool))
    ends = np.cumsum([len(surface.triangles) for surface in read])[:-1]
    parts = zip(read, np.split(part, ends), np.split(person, ends), strict=True)
    return {surface.name: Told(surface, *split) for surface, *split in parts}


def test_hands_by_weight_on_the_evaluated_mesh(empty_scene: bpy.types.Scene) -> None:
    armature = add_human()
    skin = told(empty_scene, armature)["Rig skin"]
    centres = skin.centres
    assert (skin.person == 0).all()
    np.testing.assert_array_equal(np.bincount(skin.part), [0, len(skin.part) - 2 * 16 * 12, 16 * 12, 16 * 12])
    assert centres[skin.part == LEFT_HAND, 0].min() > 0.66 and centres[skin.part == RIGHT_HAND, 0].max() < -0.66
    assert np.abs(centres[skin.part == BODY, 0]).max() < 0.72

    bpy.data.objects["Rig skin"].modifiers.new("Finer", "SUBSURF").levels = 1
    finer = told(empty_scene, armature)["Rig skin"]
    assert len(finer.part) == 4 * len(skin.part)
    for part in (BODY, LEFT_HAND, RIGHT_HAND):
        assert (finer.part == part).sum() == 4 * (skin.part == part).sum()


def test_the_pose_moves_the_surface(empty_scene: bpy.types.Scene) -> None:
    armature = add_human("unreal")
    turn_bone(armature, "upperarm_l", "Y", -90)
    armature.location.x = 5
    bpy.context.view_layer.update()
    skin = told(empty_scene, armature)["Rig skin"]
    np.testing.assert_allclose(skin.centres[skin.part == LEFT_HAND].mean(axis=0), [5.17, -0.005, 2.0], atol=0.06)


def test_a_tie_of_weights_goes_to_the_larger_share(empty_scene: bpy.types.Scene) -> None:
    armature = add_human()
    skin = bpy.data.objects["Rig skin"]
    forearm, hand = skin.vertex_groups["LeftForeArm"], skin.vertex_groups["LeftHand"]
    group = forearm.index
    of_forearm = [v.index for v in skin.data.vertices if v.groups[0].group == group]
    before = (told(empty_scene, armature)["Rig skin"].part == LEFT_HAND).sum()
    # Groups that belong to no bone do not count.
    skin.vertex_groups.new(name="cloth").add(list(range(len(skin.data.vertices))), 1.0, "REPLACE")
    hand.add(of_forearm, 0.9, "REPLACE")
    bpy.context.view_layer.update()
    assert (told(empty_scene, armature)["Rig skin"].part == LEFT_HAND).sum() == before
    hand.add(of_forearm, 1.0, "REPLACE")
    forearm.add(of_forearm, 0.9, "REPLACE")
    bpy.context.view_layer.update()
    assert (told(empty_scene, armature)["Rig skin"].part == LEFT_HAND).sum() == before + 12


def test_clothes_and_hats_belong_to_whom_they_hang_from(empty_scene: bpy.types.Scene) -> None:
    armature, other = add_human(), add_human("unreal", name="Other")
    skin = bpy.data.objects["Rig skin"]
    names = ("Hat", "Feather", "Coat", "Wrap", "Mask", "Wall", "Badge")
    made = {name: add_box((0, 0, 3), (0.1, 0.1, 0.1), name) for name in names}
    made["Hat"].parent = armature
    made["Feather"].parent = made["Hat"]
    made["Coat"].modifiers.new("Follow", "SURFACE_DEFORM").target = skin
    made["Wrap"].modifiers.new("Follow", "SHRINKWRAP").target = made["Coat"]
    made["Mask"].parent, made["Mask"].parent_type, made["Mask"].parent_bone = other, "BONE", "head"
    follow = made["Badge"].constraints.new("CHILD_OF")
    follow.target, follow.subtarget = other, "spine_03"
    found = told(empty_scene, armature, other)
    for name, person in {"Hat": 0, "Feather": 0, "Coat": 0, "Wrap": 0, "Mask": 1, "Badge": 1, "Other skin": 1}.items():
        assert (found[name].person == person).all(), name
        assert name == "Other skin" or (found[name].part == BODY).all(), name
    assert (found["Wall"].person == -1).all() and (found["Wall"].part == NOTHING).all()


def place(thing: bpy.types.Object, armature: bpy.types.Object, bone: str) -> None:
    """Parent a thing that stands where it should to a bone."""
    bpy.context.view_layer.update()
    world = thing.matrix_world.copy()
    thing.parent, thing.parent_type, thing.parent_bone = armature, "BONE", bone
    bpy.context.view_layer.update()
    thing.matrix_world = world


def tube(name: str, start: tuple, end: tuple, radius: float) -> bpy.types.Object:
    """An open tube around a line along x or z."""
    start, end = np.array(start, dtype=float), np.array(end, dtype=float)
    across = [axis for axis in np.eye(3) if abs(axis @ (end - start)) < 1e-9]
    turns = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    ring = radius * (np.cos(turns)[:, None] * across[0] + np.sin(turns)[:, None] * across[1])
    steps = np.linspace(0, 1, 9)[:, None, None]
    points = (start + steps * (end - start) + ring).reshape(-1, 3)
    faces = [
        (12 * k + i, 12 * k + (i + 1) % 12, 12 * k + 12 + (i + 1) % 12, 12 * k + 12 + i)
        for k in range(8)
        for i in range(12)
    ]
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(points.tolist(), [], faces)
    thing = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(thing)
    return thing


def test_a_hand_has_what_it_wears_and_not_what_it_holds(empty_scene: bpy.types.Scene) -> None:
    armature = add_human()
    # The left hand lies along +x at height 1.4, palm down; its ring finger at y = 0.025 from x = 0.78 on.
    made = {
        "Ring": tube("Ring", (0.79, 0.025, 1.4), (0.795, 0.025, 1.4), 0.011),
        "Gauntlet": add_box((0.78, 0.0, 1.4), (0.1, 0.06, 0.03), "Gauntlet"),
        "Sword": tube("Sword", (0.8, 0.0, 1.2), (0.8, 0.0, 2.4), 0.015),
        "Phone": add_box((0.8, 0.0, 1.36), (0.08, 0.04, 0.005), "Phone"),
        "Staff": add_box((0.8, 0.0, 1.37), (0.015, 0.9, 0.015), "Staff"),
    }
    bones = {
        "Ring": "LeftHandRing1",
        "Gauntlet": "LeftHand",
        "Sword": "LeftHand",
        "Phone": "LeftHand",
        "Staff": "LeftHand",
    }
    for name, thing in made.items():
        place(thing, armature, bones[name])
    found = told(empty_scene, armature)
    parts = {name: set(found[name].part.tolist()) for name in made}
    assert parts == {
        "Ring": {LEFT_HAND}, "Gauntlet": {LEFT_HAND}, "Sword": {NOTHING}, "Phone": {NOTHING}, "Staff": {NOTHING}
    }  # fmt: skip
    assert all((found[name].person == 0).all() for name in made)


def bind(thing: bpy.types.Object, armature: bpy.types.Object, bone: str) -> None:
    thing.vertex_groups.new(name=bone).add(list(range(len(thing.data.vertices))), 1.0, "REPLACE")
    thing.modifiers.new("Armature", "ARMATURE").object = armature


def test_skinned_gloves_and_swords_are_told_apart_too(empty_scene: bpy.types.Scene) -> None:
    armature = add_human()
    bind(add_box((0.78, 0.0, 1.4), (0.1, 0.06, 0.03), "Glove"), armature, "LeftHand")
    bind(tube("Sword", (0.8, 0.0, 1.2), (0.8, 0.0, 2.4), 0.015), armature, "LeftHand")
    found = told(empty_scene, armature)
    assert (found["Glove"].part == LEFT_HAND).all() and (found["Sword"].part == NOTHING).all()


def test_a_weapon_that_is_one_mesh_with_the_body(empty_scene: bpy.types.Scene) -> None:
    armature = add_armature()
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    weapon = armature.data.edit_bones.new("Weapon")
    weapon.head, weapon.tail = (0.8, -0.04, 1.35), (0.8, -1.0, 1.35)
    weapon.parent = armature.data.edit_bones["LeftHand"]
    bpy.ops.object.mode_set(mode="OBJECT")
    skin(armature, {bone.name: 0.02 for bone in armature.data.bones})
    found = told(empty_scene, armature)["Skin"]
    blade = found.centres[:, 1] < -0.2
    assert (found.part[blade & (found.centres[:, 0] > 0.7)] == NOTHING).all()
    assert (found.part == LEFT_HAND).sum() >= 16 * 12


def test_meshes_bound_in_a_circle_end(empty_scene: bpy.types.Scene) -> None:
    armature = add_armature()
    one, two = add_box((0, 0, 3), (0.1, 0.1, 0.1), "One"), add_box((0, 0, 3), (0.1, 0.1, 0.1), "Two")
    one.modifiers.new("Follow", "SURFACE_DEFORM").target = two
    two.modifiers.new("Follow", "SURFACE_DEFORM").target = one
    assert surfaces(empty_scene, armature)["One"].person == -1


def test_only_what_renders_is_read(empty_scene: bpy.types.Scene) -> None:
    armature = add_human()
    hidden = add_box((0, -1, 1), (1, 0.1, 1), "Hidden")
    hidden.hide_render = True
    collection = bpy.data.collections.new("Backstage")
    empty_scene.collection.children.link(collection)
    backstage = add_box((0, -1, 1), (1, 0.1, 1), "Backstage")
    empty_scene.collection.objects.unlink(backstage)
    collection.objects.link(backstage)
    collection.hide_render = True
    shadow = add_box((0, -1, 1), (1, 0.1, 1), "Shadow")
    shadow.visible_camera = False
    bpy.context.view_layer.update()
    assert set(surfaces(empty_scene, armature)) == {"Rig skin"}
    hidden.parent = backstage.parent = armature
    assert [mesh.name for mesh in rendered_meshes(empty_scene, depsgraph_of(empty_scene), [armature])] == ["Rig skin"]


def test_instances_and_curves_stand_in_the_way(empty_scene: bpy.types.Scene) -> None:
    armature = add_human()
    library = bpy.data.collections.new("Library")
    box = add_box((0, 0, 0), (0.1, 0.1, 0.1), "Brick")
    empty_scene.collection.objects.unlink(box)
    library.objects.link(box)
    wall = bpy.data.objects.new("Wall", None)
    wall.instance_type, wall.instance_collection, wall.location = "COLLECTION", library, (0, -2, 0)
    empty_scene.collection.objects.link(wall)
    text = bpy.data.curves.new("Text", "FONT")
    text.body = "A"
    empty_scene.collection.objects.link(bpy.data.objects.new("Text", text))
    found = surfaces(empty_scene, armature)
    np.testing.assert_allclose(found["Brick"].vertices.mean(axis=0), [0, -2, 0], atol=1e-6)
    assert found["Brick"].person == -1 and len(found["Text"].triangles) > 0


def test_a_mirrored_person_has_its_hands_swapped(empty_scene: bpy.types.Scene) -> None:
    armature = add_human()
    armature.scale.x = -1
    bpy.context.view_layer.update()
    skin = told(empty_scene, armature)["Rig skin"]
    # Facing -Y, the person's left is at +X, mirrored or not.
    assert skin.centres[skin.part == LEFT_HAND, 0].min() > 0.5


def test_uv_corners_and_materials(empty_scene: bpy.types.Scene) -> None:
    armature = add_human()
    box = add_box((0, 0, 3), (0.1, 0.1, 0.1))
    assert surfaces(empty_scene, armature, uv=True)["Box"].uv is None
    layer = box.data.uv_layers.new()
    for index, corner in enumerate(layer.uv):
        corner.vector = (index / 100, box.data.loops[index].vertex_index / 10)
    box.data.polygons[3].material_index = 1
    box.data.materials.append(None)
    box.data.materials.append(None)
    bpy.context.view_layer.update()
    read = surfaces(empty_scene, armature, uv=True)["Box"]
    assert read.uv is not None and read.material is not None
    np.testing.assert_allclose(read.uv[..., 1], read.triangles / 10, atol=1e-6)
    assert (read.material == 1).sum() == 2
    assert surfaces(empty_scene, armature)["Box"].uv is None


@pytest.mark.parametrize("file", ["human_a_mixamo", "human_d_game_engine"])
def test_hands_of_the_rigged_people_start_at_the_wrists(humans, file: str) -> None:
    from handdiff_addon.scene.files import open_blend
    from handdiff_addon.scene.rigs import find_humanoids

    scene = open_blend(humans / f"{file}.blend")
    armature = find_humanoids(scene)[0]
    skin = told(scene, armature)["Human"]
    points = read_person(armature, depsgraph_of(scene)).hands
    centres = skin.centres
    for side, part in (("left", LEFT_HAND), ("right", RIGHT_HAND)):
        wrist, knuckle, tip = points[side][[0, 9, 12]]
        reach = np.linalg.norm(tip - wrist)
        along = (centres[skin.part == part] - wrist) @ (tip - wrist) / reach
        assert -0.35 * reach < along.min() < 0.1 * reach and along.max() > 0.95 * reach
        assert np.linalg.norm(centres[skin.part == part] - knuckle, axis=1).max() < reach


@pytest.mark.parametrize("carried", ["object", "groups without weights", "mesh deform"])
def test_hands_of_a_body_without_weights_lie_around_the_hands_bones(
    empty_scene: bpy.types.Scene, humans, carried: str
) -> None:
    from handdiff_addon.scene.files import open_blend
    from handdiff_addon.scene.rigs import find_humanoids

    scene = open_blend(humans / "human_b_mixamo.blend")
    armature = find_humanoids(scene)[0]
    body = scene.objects["Human"]
    weighted = told(scene, armature)["Human"].part
    if carried == "groups without weights":
        for group in body.vertex_groups:
            group.remove(list(range(len(body.data.vertices))))
    else:
        body.vertex_groups.clear()
    if carried != "groups without weights":
        body.modifiers.clear()
        body.parent = armature if carried == "object" else None
    if carried == "mesh deform":
        cage = add_box((0, 0, 1), (2, 1, 2), "Cage")
        cage.parent = armature
        cage.hide_render = True
        body.modifiers.new("Deform", "MESH_DEFORM").object = cage
    bpy.context.view_layer.update()
    found = told(scene, armature)["Human"].part
    for part in (LEFT_HAND, RIGHT_HAND):
        both, either = ((found == part) & (weighted == part)).sum(), ((found == part) | (weighted == part)).sum()
        assert both / either > 0.93 and ((weighted == part) & (found != part)).sum() < 0.02 * either


def test_a_hat_near_a_hand_stays_a_hat_where_the_body_has_weights(empty_scene: bpy.types.Scene) -> None:
    armature = add_human()
    add_box((0.8, 0, 1.4), (0.05, 0.05, 0.02), "Hat").parent = armature
    assert (told(empty_scene, armature)["Hat"].part == BODY).all()


def test_one_mesh_of_two_people_is_told_by_its_weights(empty_scene: bpy.types.Scene) -> None:
    armature, other = add_human(), add_human("unreal", name="Other")
    other.location.x = 3
    bpy.context.view_layer.update()
    for thing in bpy.context.view_layer.objects:
        thing.select_set(thing.type == "MESH")
    bpy.context.view_layer.objects.active = bpy.data.objects["Rig skin"]
    bpy.data.objects["Other skin"].data.transform(other.matrix_world)
    bpy.ops.object.join()
    joined = bpy.data.objects["Rig skin"]
    joined.modifiers.new("Other", "ARMATURE").object = other
    other.location.x = 3
    bpy.context.view_layer.update()
    found = told(empty_scene, armature, other)["Rig skin"]
    assert [owner.person for owner in found.surface.owners] == [0, 1]
    np.testing.assert_array_equal(found.person == 1, np.arange(len(found.person)) >= len(found.person) // 2)
    for person in (0, 1):
        counts = np.bincount(found.part[found.person == person], minlength=4)
        assert counts[LEFT_HAND] == counts[RIGHT_HAND] == 16 * 12


def test_two_people_share_one_mesh(empty_scene: bpy.types.Scene) -> None:
    armature = add_human()
    twin = bpy.data.objects.new("Twin", armature.data)
    skin_twin = bpy.data.objects["Rig skin"].copy()
    for thing in (twin, skin_twin):
        empty_scene.collection.objects.link(thing)
    skin_twin.name, skin_twin.parent = "Twin skin", twin
    skin_twin.modifiers["Armature"].object = twin
    twin.location.x = 2
    turn_bone(twin, "LeftArm", "Y", -90)
    found = told(empty_scene, armature, twin)
    assert (found["Rig skin"].person == 0).all() and (found["Twin skin"].person == 1).all()
    raised = found["Twin skin"].centres[found["Twin skin"].part == LEFT_HAND]
    assert raised[:, 2].min() > 1.8 and raised[:, 0].min() > 2


def add_hair(points: list, radius: float | None, name: str = "Hair") -> bpy.types.Object:
    curves = bpy.data.hair_curves.new(name)
    curves.add_curves([len(strand) for strand in points])
    flat = np.concatenate(points).astype(np.float32)
    curves.attributes["position"].data.foreach_set("vector", flat.ravel())
    if radius is not None:
        curves.attributes.new("radius", "FLOAT", "POINT").data.foreach_set("value", [radius] * len(flat))
    thing = bpy.data.objects.new(name, curves)
    bpy.context.scene.collection.objects.link(thing)
    return thing


def test_hair_curves_are_as_wide_as_they_render(empty_scene: bpy.types.Scene) -> None:
    """A strand of 2 cm through an orthographic camera that sees 10 cm across 100 pixels, and one finer than a pixel."""
    armature = add_human()
    body = bpy.data.objects["Rig skin"]
    camera_object = add_camera((0, -4, 3), (0, 0, 3), (100, 100))
    camera_object.data.type, camera_object.data.ortho_scale = "ORTHO", 0.1
    hair = add_hair([[(-0.02, 0, 2.9), (-0.02, 0, 3.1)], [(0.03, 0, 2.9), (0.03, 0, 3.0), (0.03, 0, 3.1)]], 0.01)
    hair.data.attributes["radius"].data.foreach_set("value", [0.01, 0.01, 1e-6, 1e-6, 1e-6])
    hair.data.surface = body
    bpy.context.view_layer.update()
    depsgraph = depsgraph_of(empty_scene)
    camera = read_camera(empty_scene, depsgraph, camera_object)
    assert "Hair" not in {surface.name for surface in read_surfaces(depsgraph, [armature])}
    found = {s.name: s for s in read_surfaces(depsgraph, [armature], camera=camera)}["Hair"]
    assert found.person == 0
    row = rasterise(found.vertices, found.triangles, camera).triangle[50] >= 0
    np.testing.assert_array_equal(np.flatnonzero(row[:60]), np.arange(20, 40))
    assert row[60:].sum() == 1 and row[79:81].any()


def test_particle_hair(empty_scene: bpy.types.Scene) -> None:
    armature = add_human()
    box = add_box((0, 0, 3), (0.2, 0.2, 0.2), "Wig")
    box.parent = armature
    box.modifiers.new("Hair", "PARTICLE_SYSTEM")
    settings = box.particle_systems[0].settings
    settings.type, settings.count, settings.hair_length = "HAIR", 50, 0.3
    camera_object = add_camera((0, -4, 3), (0, 0, 3))
    bpy.context.view_layer.update()
    depsgraph = depsgraph_of(empty_scene)
    camera = read_camera(empty_scene, depsgraph, camera_object)
    found = [s for s in read_surfaces(depsgraph, [armature], camera=camera) if s.name == "Wig"]
    assert [surface.person for surface in found] == [0, 0]
    reach = np.abs(found[1].vertices - (0, 0, 3)).max()
    assert 0.4 < reach < 0.6


def material(name: str, build) -> bpy.types.Material:
    made = bpy.data.materials.new(name)
    made.use_nodes = True
    nodes, links = made.node_tree.nodes, made.node_tree.links
    shader = build(nodes, links)
    if shader is not None:
        links.new(shader.outputs[0], nodes["Material Output"].inputs["Surface"])
    return made


def principled(**values: float):
    def build(nodes, links):
        for name, value in values.items():
            nodes["Principled BSDF"].inputs[name.replace("_", " ")].default_value = value

    return build


def mix(factor: float):
    def build(nodes, links):
        made = nodes.new("ShaderNodeMixShader")
        made.inputs[0].default_value = factor
        links.new(nodes.new("ShaderNodeBsdfTransparent").outputs[0], made.inputs[1])
        links.new(nodes.new("ShaderNodeBsdfDiffuse").outputs[0], made.inputs[2])
        return made

    return build


@pytest.mark.parametrize(
    ("build", "clear"),
    [
        (principled(), False),
        (principled(Alpha=0.1), True),
        (principled(Alpha=0.9), False),
        (principled(Transmission_Weight=1.0), True),
        (lambda nodes, links: nodes.new("ShaderNodeBsdfGlass"), True),
        (lambda nodes, links: nodes.new("ShaderNodeEmission"), False),
        (mix(0.2), True),
        (mix(0.8), False),
    ],
)
def test_the_camera_sees_through_glass(empty_scene: bpy.types.Scene, build, clear: bool) -> None:
    add_box((0, 0, 0), (1, 1, 1), "Pane").data.materials.append(material("Glass", build))
    solid = add_box((0, 0, 0), (1, 1, 1), "Half")
    solid.data.materials.append(None)
    solid.data.materials.append(bpy.data.materials["Glass"])
    solid.data.polygons[2].material_index = 1
    bpy.context.view_layer.update()
    found = surfaces(empty_scene)
    assert ("Pane" not in found) == clear
    assert len(found["Half"].triangles) == (10 if clear else 12)


def test_instances_share_one_reading_and_stand_apart(empty_scene: bpy.types.Scene) -> None:
    armature = add_human()
    library = bpy.data.collections.new("Library")
    box = add_box((0, 0, 0), (0.1, 0.1, 0.1), "Brick")
    empty_scene.collection.objects.unlink(box)
    library.objects.link(box)
    for x in (1.0, 2.0, 3.0):
        wall = bpy.data.objects.new("Wall", None)
        wall.instance_type, wall.instance_collection, wall.location = "COLLECTION", library, (x, -2, 0)
        empty_scene.collection.objects.link(wall)
        wall.parent = armature if x == 3.0 else None
    bpy.context.view_layer.update()
    found = [s for s in read_surfaces(depsgraph_of(empty_scene), [armature]) if s.name == "Brick"]
    assert sorted(round(float(s.vertices[:, 0].mean()), 3) for s in found) == [1, 2, 3]
    assert sorted(surface.person for surface in found) == [-1, -1, 0]


def test_of_an_instanced_collection_only_what_renders_is_there(empty_scene: bpy.types.Scene) -> None:
    """A library's colliders lie in a collection of their own that does not render; so in a library within a library."""
    library, inner, colliders = (bpy.data.collections.new(name) for name in ("Library", "Inner", "Colliders"))
    for name, collections in (("Brick", [inner]), ("Cage", [colliders]), ("Both", [inner, colliders])):
        box = add_box((0, 0, 0), (0.1, 0.1, 0.1), name)
        empty_scene.collection.objects.unlink(box)
        for collection in collections:
            collection.objects.link(box)
    inner.children.link(colliders)
    for name, shown, into in (("Nested", inner, library), ("Wall", library, empty_scene.collection)):
        empty = bpy.data.objects.new(name, None)
        empty.instance_type, empty.instance_collection = "COLLECTION", shown
        into.objects.link(empty)
    bpy.context.view_layer.update()
    assert set(surfaces(empty_scene)) == {"Brick", "Cage", "Both"}
    colliders.hide_render = True
    bpy.context.view_layer.update()
    assert set(surfaces(empty_scene)) == {"Brick", "Both"}


def test_empty_meshes_and_meshes_without_faces_are_nothing(empty_scene: bpy.types.Scene) -> None:
    armature = add_human()
    for name, points, edges in (("Empty", [], []), ("Wire", [(0, 0, 0), (1, 0, 0)], [(0, 1)])):
        mesh = bpy.data.meshes.new(name)
        mesh.from_pydata(points, edges, [])
        thing = bpy.data.objects.new(name, mesh)
        empty_scene.collection.objects.link(thing)
        thing.parent = armature
        bind(thing, armature, "LeftHand")
    bpy.context.view_layer.update()
    assert set(surfaces(empty_scene, armature)) == {"Rig skin"}


def test_instances_of_geometry_nodes_belong_to_whom_they_grow_on(empty_scene: bpy.types.Scene) -> None:
    armature = add_human()
    plate = add_box((0, 0, 3), (0.1, 0.1, 0.1), "Plate")
    plate.parent = armature
    tree = bpy.data.node_groups.new("Studs", "GeometryNodeTree")
    for direction in ("INPUT", "OUTPUT"):
        tree.interface.new_socket("Geometry", in_out=direction, socket_type="NodeSocketGeometry")
    kinds = ("NodeGroupInput", "GeometryNodeInstanceOnPoints", "GeometryNodeMeshCube", "GeometryNodeJoinGeometry")
    source, studs, cube, join, target = (tree.nodes.new(kind) for kind in (*kinds, "NodeGroupOutput"))
    cube.inputs["Size"].default_value = (0.02, 0.02, 0.02)
    for start, end in (
        (source.outputs[0], studs.inputs["Points"]), (cube.outputs[0], studs.inputs["Instance"]),
        (studs.outputs[0], join.inputs[0]), (source.outputs[0], join.inputs[0]), (join.outputs[0], target.inputs[0]),
    ):  # fmt: skip
        tree.links.new(start, end)
    plate.modifiers.new("Studs", "NODES").node_group = tree
    bpy.context.view_layer.update()
    found = [s for s in read_surfaces(depsgraph_of(empty_scene), [armature]) if s.name != "Rig skin"]
    assert len(found) == 1 + 8 and all(surface.person == 0 for surface in found)
    sizes = sorted(float(np.ptp(surface.vertices[:, 0])) for surface in found)
    np.testing.assert_allclose(sizes, [0.02] * 8 + [0.2], atol=1e-6)
    corners = {tuple(np.round(s.vertices.mean(axis=0), 3)) for s in found if np.ptp(s.vertices[:, 0]) < 0.1}
    assert corners == {(x, y, z) for x in (-0.1, 0.1) for y in (-0.1, 0.1) for z in (2.9, 3.1)}
