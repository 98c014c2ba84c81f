"""Textures on bodies of which modifiers copy a part: each copy keeps its own colours, and the modifiers come back."""

from dataclasses import replace

import bpy
import numpy as np
import pytest
from mathutils import Matrix
from PIL import Image

from handdiff_addon.conditioning.raster import rasterise
from handdiff_addon.conditioning.shots import sample
from handdiff_addon.scene.copies import gather_copies, spread_copies
from handdiff_addon.scene.meshes import read_mesh
from handdiff_addon.scene.passes import render_passes
from handdiff_addon.scene.sample_human import create_sample_scene
from handdiff_addon.scene.texels import tile_corner, triangle_tiles, uv_problem
from handdiff_addon.scene.texture import Projection
from handdiff_addon.scene.textured import restore_materials, texture_of, texture_pictures
from tests.texturing import apply_texture

SIZE = 192
COLOURS = np.array([(230, 30, 30), (30, 30, 230), (30, 200, 30), (220, 200, 30)])


@pytest.fixture(scope="module")
def half(tmp_path_factory):
    """The sample human's left half with a Mirror modifier ahead of its armature, as artists model; saved and posed."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    create_sample_scene(bpy.context.scene)
    owner = bpy.data.objects["SampleHuman"]
    bpy.context.view_layer.objects.active = owner
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_all(action="SELECT")
    bpy.ops.mesh.bisect(plane_co=(0, 0, 0), plane_no=(1, 0, 0), clear_inner=True)
    bpy.ops.object.mode_set(mode="OBJECT")
    mirror = owner.modifiers.new("Mirror", "MIRROR")
    mirror.use_clip = mirror.use_mirror_merge = mirror.use_mirror_vertex_groups = True
    owner.modifiers.move(len(owner.modifiers) - 1, 0)
    path = str(tmp_path_factory.mktemp("half") / "half.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    return path, render_passes(bpy.context.scene, size=(SIZE, SIZE))


@pytest.fixture
def person(half):
    path, conditioning = half
    bpy.ops.wm.open_mainfile(filepath=path)
    return bpy.context.scene, bpy.data.objects["SampleHuman"], replace(conditioning, warnings=[])


def evaluated(owner):
    return read_mesh(owner, bpy.context.evaluated_depsgraph_get())


def copy_of(mesh, copies: int) -> np.ndarray:
    """(M,) which copy a triangle belongs to: they follow each other."""
    return np.arange(len(mesh.triangles)) * copies // len(mesh.triangles)


def painted(owner, conditioning, copies: int) -> Image.Image:
    """What the camera sees when each copy has one colour."""
    mesh = evaluated(owner)
    raster = rasterise(mesh.vertices, mesh.triangles, conditioning.camera)
    picture = np.full((SIZE, SIZE, 3), 127, dtype=np.uint8)
    shown = raster.triangle >= 0
    picture[shown] = COLOURS[copy_of(mesh, copies)[raster.triangle[shown]]]
    return Image.fromarray(picture)


def right_colours(owner, conditioning, copies: int) -> list[float]:
    """Of each copy, the share of its triangles in view whose texels have its colour."""
    mesh = evaluated(owner)
    number, colours = triangle_tiles(mesh.uv), np.zeros((len(mesh.triangles), 3))
    for tile, picture in texture_pictures(texture_of(owner)).items():
        at = mesh.uv[number == tile].mean(axis=1) - tile_corner(tile)
        texels = np.asarray(picture).astype(float)
        colours[number == tile] = sample(texels, np.stack([at[:, 0], 1 - at[:, 1]], axis=1) * len(texels))
    right = np.abs(colours[:, None] - COLOURS).sum(axis=2).argmin(axis=1) == copy_of(mesh, copies)
    raster = rasterise(mesh.vertices, mesh.triangles, conditioning.camera)
    pixels = np.bincount(raster.triangle[raster.triangle >= 0], minlength=len(right))
    return [float(right[(copy_of(mesh, copies) == copy) & (pixels > 1)].mean()) for copy in range(copies)]


def offsets(owner) -> dict[str, tuple[float, float]]:
    return {m.name: (m.offset_u, m.offset_v) for m in owner.modifiers if m.type in ("MIRROR", "ARRAY")}


def materials(owner) -> list[str]:
    return [slot.material.name for slot in owner.material_slots]


def test_mirrored_halves_keep_their_own_colours_when_posed_anew_and_reopened(person, tmp_path):
    scene, owner, conditioning = person
    before = materials(owner)
    picture = painted(owner, conditioning, 2)
    assert "overlapping" in uv_problem(evaluated(owner))
    apply_texture(scene, conditioning, picture, size=256)
    assert not [warning for warning in conditioning.warnings if owner.name in warning]
    assert [layer.name for layer in owner.data.uv_layers] == ["UVMap"]  # the artist's own map has room
    assert sorted(texture_pictures(texture_of(owner))) == [1001, 1002]
    assert min(right_colours(owner, conditioning, 2)) > 0.97

    armature = owner.find_armature()
    arms = [bone for bone in armature.pose.bones if "arm" in bone.name.lower()]
    for bone in arms:
        bone.matrix_basis = Matrix.Rotation(0.3, 4, "Z") @ bone.matrix_basis
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    owner = bpy.data.objects["SampleHuman"]
    assert offsets(owner) == {"Mirror": (1.0, 0.0)}
    assert min(right_colours(owner, conditioning, 2)) > 0.95
    assert restore_materials(bpy.context.scene) == 1
    assert offsets(owner) == {"Mirror": (0.0, 0.0)}
    assert materials(owner) == before
    assert not [key for key in dict(owner) if key.startswith("handdiff")]


def test_an_array_of_mirrored_bodies_takes_a_tile_for_each_half(person):
    scene, owner, conditioning = person
    twin = owner.modifiers.new("Twin", "ARRAY")
    twin.use_relative_offset, twin.use_constant_offset = False, True
    twin.constant_offset_displace = (-0.2, 0.3, 0.0)
    owner.modifiers.move(len(owner.modifiers) - 1, 1)
    picture = painted(owner, conditioning, 4)
    apply_texture(scene, conditioning, picture, np.ones((SIZE, SIZE), dtype=bool), size=256)
    assert not [warning for warning in conditioning.warnings if owner.name in warning]
    assert len(texture_pictures(texture_of(owner))) == 4
    assert min(right_colours(owner, conditioning, 4)) > 0.8  # of the twin's left half few triangles show
    restore_materials(scene)
    assert set(offsets(owner).values()) == {(0.0, 0.0)}


def square(*kinds: str, count: int = 3):
    """A square with modifiers; its islands end before the tile does."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.mesh.primitive_grid_add(x_subdivisions=4, y_subdivisions=4, location=(0, 0, 0))
    owner = bpy.context.object
    owner.data.transform(Matrix.Translation((2, 0, 0)))
    for corner in owner.data.uv_layers.active.uv:
        corner.vector = (0.1 + 0.8 * corner.vector.x, 0.1 + 0.8 * corner.vector.y)
    for kind in kinds:
        modifier = owner.modifiers.new(kind, kind)
        if kind == "ARRAY":
            modifier.count = count
            modifier.relative_offset_displace = (0.0, 1.5, 0.0)
    return owner


@pytest.mark.parametrize("kinds", [("MIRROR", "ARRAY"), ("ARRAY", "MIRROR")])
@pytest.mark.parametrize("flip", ["", "use_mirror_u", "use_mirror_udim"])
def test_copies_of_copies_never_meet(kinds, flip):
    owner = square(*kinds)
    owner.modifiers["MIRROR"].use_mirror_u = bool(flip)
    owner.modifiers["MIRROR"].use_mirror_udim = flip == "use_mirror_udim"
    spread_copies(owner, lambda: evaluated(owner))
    assert uv_problem(evaluated(owner)) == ""
    assert len(set(triangle_tiles(evaluated(owner).uv))) == 6
    gather_copies(owner)
    assert set(offsets(owner).values()) == {(0.0, 0.0)}


def test_more_copies_than_there_is_room_for_stay_where_they_are():
    owner = square("ARRAY", count=20)
    spread_copies(owner, lambda: evaluated(owner))
    assert offsets(owner) == {"ARRAY": (0.0, 0.0)}
    assert not owner.keys()


def test_overlapping_hands_in_a_mirrored_half_get_the_second_map_with_a_tile_for_each_half(person):
    scene, owner, conditioning = person
    layer = owner.data.uv_layers.active.uv
    values = np.empty(len(layer) * 2, dtype=np.float32)
    layer.foreach_get("vector", values)
    values = values.reshape(-1, 2) % 0.5  # everything four times over
    layer.foreach_set("vector", values.ravel())
    owner.data.update_tag()
    picture = painted(owner, conditioning, 2)
    apply_texture(scene, conditioning, picture, size=256)
    assert {layer.name for layer in owner.data.uv_layers} == {"UVMap", "HandDiff"}
    assert any("second UV map" in warning for warning in conditioning.warnings)
    assert sorted(texture_pictures(texture_of(owner))) == [1001, 1002]
    assert min(right_colours(owner, conditioning, 2)) > 0.97
    restore_materials(scene)
    assert [layer.name for layer in owner.data.uv_layers] == ["UVMap"]
    assert offsets(owner) == {"Mirror": (0.0, 0.0)}


def test_an_artists_own_offsets_are_kept(person):
    scene, owner, conditioning = person
    owner.modifiers["Mirror"].offset_v = 1.0
    apply_texture(scene, conditioning, painted(owner, conditioning, 2), size=64)
    assert sorted(texture_pictures(texture_of(owner))) == [1001, 1011]
    assert offsets(owner) == {"Mirror": (0.0, 1.0)}
    restore_materials(scene)
    assert offsets(owner) == {"Mirror": (0.0, 1.0)}


def test_offsets_of_a_part_of_a_tile_are_kept():
    owner = square("MIRROR")
    owner.modifiers["MIRROR"].offset_u = 0.25
    spread_copies(owner, lambda: evaluated(owner))
    gather_copies(owner)
    assert offsets(owner) == {"MIRROR": (0.25, 0.0)}


def test_an_offset_changed_since_stays():
    owner = square("MIRROR", "ARRAY")
    spread_copies(owner, lambda: evaluated(owner))
    owner.modifiers["MIRROR"].offset_u = 7.0
    gather_copies(owner)
    assert offsets(owner) == {"MIRROR": (7.0, 0.0), "ARRAY": (0.0, 0.0)}


def test_a_projection_that_is_dropped_leaves_the_modifiers_as_they_were(person):
    scene, owner, _ = person
    projection = Projection(scene, size=64)
    assert offsets(owner) == {"Mirror": (1.0, 0.0)}
    projection.undo()
    assert offsets(owner) == {"Mirror": (0.0, 0.0)}
    assert not [key for key in dict(owner) if key.startswith("handdiff")]


def test_a_texture_over_a_texture_remembers_the_first_state_and_survives_being_dropped(person):
    scene, owner, conditioning = person
    picture = painted(owner, conditioning, 2)
    for _ in range(2):
        apply_texture(scene, conditioning, picture, size=64)
    Projection(scene, size=64).undo()  # the texture that is shown keeps its tiles
    assert offsets(owner) == {"Mirror": (1.0, 0.0)}
    owner.modifiers["Mirror"].name = "Sides"
    restore_materials(scene)
    assert offsets(owner) == {"Sides": (0.0, 0.0)}


def test_copies_over_two_axes_are_told_and_nothing_changes(person):
    scene, owner, conditioning = person
    owner.modifiers["Mirror"].use_axis = (True, False, True)
    apply_texture(scene, conditioning, painted(owner, conditioning, 1), size=64)
    assert any("apply the modifier" in warning for warning in conditioning.warnings)
    assert offsets(owner) == {"Mirror": (0.0, 0.0)}
    assert [layer.name for layer in owner.data.uv_layers] == ["UVMap"]
