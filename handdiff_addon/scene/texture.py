# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures from one or many cameras on the person's meshes, as textures."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np
from PIL import Image

from ..conditioning.camera import Camera
from ..conditioning.shots import Shot, View, look, sample, surface_label
from ..errors import SceneError, UsageError
from ..request import Look
from .baking import Bake, MeshCanvas
from .copies import gather_copies, spread_copies
from .memory import SLOTS
from .meshes import UV_MAP, choose_uv_map, make_uv_map, person_objects, read_mesh
from .passes import at_frame, at_once, check_people, depsgraph_of
from .rigs import find_humanoids
from .sequence import find_scene
from .surfaces import read_surfaces
from .texels import FIRST_TILE, BakeMesh, tile_corner, triangle_tiles, uv_problem
from .textured import base_colour, drop_unused, new_texture, original_material, show_texture

_KEPT = 0.5  # trust from which a texel counts as painted, for a further view


@dataclass(frozen=True)
class Painted:
    """What a camera sees of a person that other views have painted."""

    picture: np.ndarray
    """(H, W, 3) uint8 sRGB, the person with its textures so far; grey elsewhere"""
    weight: np.ndarray
    """(H, W) float32 in 0..1: how much of each pixel comes from pictures; 0 where it is filled, or not the person"""
    person: np.ndarray
    """(H, W) bool, all of the person that can take a picture"""

    @property
    def kept(self) -> np.ndarray:
        """(H, W) bool, what a further view has to keep; the person's other pixels are to be painted."""
        return self.weight >= _KEPT


PaintedView = tuple[np.ndarray, Sequence[Shot]]
"""A view's picture (H, W, 3) uint8 sRGB, and close-ups of parts of it"""
Paint = Callable[[Camera, Painted], Callable[[], PaintedView]]
"""Looks at the scene through a camera, given what is painted there already; what it gives paints the view, and needs no
Blender."""


class Projection:
    """The people of one frame, taking one picture after the other.

    Until ``show`` puts the textures on, nothing of the scene changes but for meshes whose UV map cannot hold a texture:
    their modifiers' copies get tiles of their own, or they get a second UV map.
    """

    def __init__(
        self,
        scene: bpy.types.Scene,
        armatures: Iterable[str] = (),
        frame: int | None = None,
        *,
        uv_map: str = "",
        size: int = 1024,
    ) -> None:
        """
        Args:
            scene: posed.
            armatures: names; by default every humanoid of the scene.
            frame: evaluated at this frame; by default as the scene stands.
            uv_map: name of the UV map to use, where a mesh has it; empty: the active one.  Copies that Mirror and Array
                modifiers lay over each other are moved on to UDIM tiles of their own.  A mesh whose map is missing,
                overlapping or mirrored even so gets a second one named "HandDiff", which is used instead.
            size: of each texture, or tile of it, in pixels.

        Raises:
            UsageError: where no mesh has a UV map of the name given.
        """
        self._scene, self.frame, self.armatures = scene.name, frame, tuple(armatures)
        self.warnings: list[str] = []
        self.canvases: dict[str, MeshCanvas] = {}
        self._base: dict[str, np.ndarray] = {}
        self._uv_maps: dict[str, str] = {}
        with at_frame(scene, frame):
            people = find_humanoids(scene, self.armatures)
            self.warnings += check_people(scene, depsgraph_of(scene), people)
            owners = person_objects(read_surfaces(depsgraph_of(scene), people))
            if uv_map and not any(uv_map in owner.data.uv_layers for owner in owners):
                names = sorted({layer.name for owner in owners for layer in owner.data.uv_layers})
                known = f"choose one of {', '.join(names)}" if names else "leave the choice out to have one made"
                raise UsageError(f'No mesh of the person has a UV map named "{uv_map}": {known}.')
            for label, owner in enumerate(owners):
                mesh = self._usable(owner, label, uv_map)
                if mesh is not None:
                    self.canvases[owner.name] = MeshCanvas(mesh, size)
                    materials = [original_material(owner, i) for i in range(len(owner.material_slots))] or [None]
                    self._base[owner.name] = np.array([base_colour(material) for material in materials])

    @property
    def scene(self) -> bpy.types.Scene:
        """By its name, since steps may be undone and objects deleted between two pictures.

        Raises:
            SceneError: where it has gone, or one of the meshes has.
        """
        scene = find_scene(self._scene)
        for name in self.canvases:
            if _local(scene, name) is None:
                raise SceneError(f'"{name}" has gone while its texture was painted: bring it back and start again.')
        return scene

    def add(self, shot: Shot) -> View:
        """Project a picture; texels that other pictures show, too, get the mean, weighed by how well each sees them."""
        view = self._look(shot)
        for canvas in self.canvases.values():
            canvas.add(view)
        return view

    def bakes(self) -> dict[str, Bake]:
        """The textures so far by the object's name, of those objects of which a picture shows something."""
        bakes = {name: canvas.finish(self._base[name]) for name, canvas in self.canvases.items()}
        return {name: bake for name, bake in bakes.items() if bake.weight.any()}

    def painted(self, camera: Camera) -> Painted:
        """What a camera sees of the textures so far: for a view not added yet, where its picture has to start from."""
        bakes = self.bakes()
        view = self._look(Shot(camera, np.zeros((1, 1, 3), np.uint8)))
        person = view.label >= 0
        picture = np.full((*person.shape, 3), 127.0, dtype=np.float32)
        weight = np.zeros(person.shape, dtype=np.float32)
        for name, bake in bakes.items():
            mesh, (start, step) = self.canvases[name].mesh, self._place[name]
            own = person & (view.label >> 16 == mesh.label)
            triangle, corners = view.triangle[own] - start, view.barycentric[own][:, ::step]
            picture[own], weight[own] = look_up(bake, mesh, triangle, corners)
        # Pixels of the frame, each of the finer ones that the view has.
        finer = (camera.height, person.shape[0] // camera.height, camera.width, person.shape[1] // camera.width)
        picture = picture.reshape(*finer, 3).mean(axis=(1, 3))
        least, whole = weight.reshape(finer).min(axis=(1, 3)), person.reshape(finer).all(axis=(1, 3))
        return Painted(np.rint(picture).astype(np.uint8), least, whole)

    def show(self, look: Look = "base_colour", folder: Path | None = None) -> dict[str, bpy.types.Image]:
        """Put the textures on, in materials beside the artist's own; ``restore_materials`` brings those back.

        The materials sit in the object's own slots; the mesh's slots stay as they are.  Showing again replaces the
        texture, never the memory of the originals.

        Args:
            look: what the texture drives.
            folder: where PNG files go; None packs the textures into the .blend.

        Returns:
            The texture of each textured object by the object's name.

        Raises:
            SceneError: where no picture lands on any mesh.
            OutputError: where the folder cannot be written.
        """
        scene, bakes = self.scene, self.bakes()
        if not bakes:
            self.undo()
            raise SceneError(
                "The picture lands on no mesh that can take a texture: keep the person's meshes in the camera's view,"
                " local to this file and with at most seven UV maps."
            )
        textures = {}
        for name, bake in bakes.items():
            pictures = {tile: Image.fromarray(t) for tile, t in zip(bake.tiles, bake.textures, strict=True)}
            textures[name] = new_texture(name, pictures, folder)
        for name, texture in textures.items():
            owner = _local(scene, name)
            assert owner is not None  # the scene was looked through above
            choose_uv_map(owner, self._uv_maps[name])
            show_texture(owner, texture, look)
        self.undo(but=textures)
        drop_unused()
        return textures

    def undo(self, but: Iterable[str] = ()) -> None:
        """Take back what meshes got for textures that are not shown: second UV maps, and tiles for copies."""
        scene = bpy.data.scenes.get((self._scene, None))
        for name in set(self._uv_maps) - set(but):
            owner = None if scene is None else _local(scene, name)
            if owner is not None:
                self._clean(owner)

    def _clean(self, owner: bpy.types.Object) -> None:
        if SLOTS not in owner:
            choose_uv_map(owner, "")
            gather_copies(owner)

    def _usable(self, owner: bpy.types.Object, label: int, uv_map: str) -> BakeMesh | None:
        """The mesh on a UV map that can hold its texture, made where it has none; None where that cannot be."""
        if not owner.is_editable:
            self.warnings.append(f"'{owner.name}' got no texture: it is linked from another file; make it local.")
            return None
        wanted = uv_map if uv_map in owner.data.uv_layers else ""
        mesh = read_mesh(owner, depsgraph_of(self.scene), label, wanted)
        if mesh is None:
            return None
        self._uv_maps[owner.name] = wanted or getattr(owner.data.uv_layers.active, "name", "")
        problem, none = uv_problem(mesh), bool(np.isnan(mesh.uv).any())
        if not problem:
            return mesh
        spread = None if none else self._spread(owner, label, wanted)
        if spread is not None:
            return spread
        if not make_uv_map(self.scene, owner):
            self._clean(owner)
            if none:
                self.warnings.append(
                    f"'{owner.name}' got no texture: {problem} and cannot get one; make its mesh local, with at most"
                    " seven UV maps."
                )
                return None
            self.warnings.append(
                f"'{owner.name}': {problem}, and a second one cannot be made, so places that share texels share"
                " colours; make its mesh local, with at most seven UV maps."
            )
            return mesh
        spread = self._spread(owner, label, UV_MAP)
        if spread is not None:
            if not none:
                self.warnings.append(
                    f"'{owner.name}': {problem}, so its texture lies on a second UV map, \"{UV_MAP}\"."
                )
            self._uv_maps[owner.name] = UV_MAP
            return spread
        self._clean(owner)
        if none:
            self.warnings.append(
                f"'{owner.name}' got no texture: its modifiers keep no UV map; apply them, or unwrap after them."
            )
            return None
        self.warnings.append(
            f"'{owner.name}': {problem}, and its modifiers copy any UV map, so places that share texels share"
            " colours; apply the modifier that mirrors or repeats the mesh."
        )
        return mesh

    def _spread(self, owner: bpy.types.Object, label: int, uv_map: str) -> BakeMesh | None:
        """The mesh with its modifiers' copies on tiles of their own; None where its UV map cannot hold a texture."""

        def read() -> BakeMesh | None:
            return read_mesh(owner, depsgraph_of(self.scene), label, uv_map)

        mesh = read()
        if mesh is None or np.isnan(mesh.uv).any():
            return None
        spread_copies(owner, read)
        mesh = read()
        return None if mesh is None or uv_problem(mesh) else mesh

    def _look(self, shot: Shot) -> View:
        """See the scene as a shot's camera does; only our canvases take its picture."""
        with at_frame(self.scene, self.frame):
            people = find_humanoids(self.scene, self.armatures)
            check_people(self.scene, depsgraph_of(self.scene), people)
            surfaces = read_surfaces(depsgraph_of(self.scene), people, camera=shot.camera, uv=True)
            owners = [surface.skin.original if surface.skin is not None else None for surface in surfaces]
        offsets = np.cumsum([0, *(len(surface.vertices) for surface in surfaces)])
        starts = np.cumsum([0, *(len(surface.triangles) for surface in surfaces)])
        labels: list[np.ndarray] = []
        # Where each canvas's triangles begin, and whether their corners run on or (in a mirrored object) back.
        self._place: dict[str, tuple[int, int]] = {}
        for surface, owner, start in zip(surfaces, owners, starts, strict=False):
            # Hair, instances of a mesh and linked ones of its name stand in the way; the mesh itself takes the picture.
            canvas = None if owner is None or owner.library is not None else self.canvases.get(owner.name)
            if canvas is None or len(surface.triangles) != len(canvas.mesh.triangles):
                labels.append(np.full(len(surface.triangles), -1, dtype=np.int64))
                continue
            self._place[surface.name] = int(start), -1 if surface.mirrored else 1
            labels.append(surface_label(canvas.mesh.label, np.asarray(surface.material)))
        return look(
            shot,
            np.concatenate([surface.vertices for surface in surfaces]),
            np.concatenate([surface.triangles + offset for surface, offset in zip(surfaces, offsets, strict=False)]),
            np.concatenate(labels),
        )


def _local(scene: bpy.types.Scene, name: str) -> bpy.types.Object | None:
    """A scene's object of this file; linked ones may have the same name."""
    return next((thing for thing in scene.objects if thing.name == name and thing.library is None), None)


def look_up(bake: Bake, mesh: BakeMesh, triangle: np.ndarray, barycentric: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A bake's colour (N, 3) in 0..255 and weight (N,) at points on triangles (N,) with barycentric weights (N, 3)."""
    uv = np.einsum("nk,nkc->nc", barycentric, mesh.uv[triangle])
    tiles = triangle_tiles(mesh.uv)[triangle]
    colour, weight = np.zeros((len(triangle), 3)), np.zeros(len(triangle))
    for index, tile in enumerate(bake.tiles):
        own = (tiles == tile) | (bake.tiles == (FIRST_TILE,))
        at = (uv[own] - tile_corner(tile)) % 1.0
        size = bake.textures.shape[1]
        pixels = np.stack([at[:, 0], 1.0 - at[:, 1]], axis=1) * size
        colour[own] = sample(bake.textures[index], pixels)
        weight[own] = sample(bake.weight[index][..., None], pixels)[:, 0]
    return colour, weight


def view_steps(
    projection: Projection, cameras: Sequence[Camera], paint: Paint
) -> Generator[Callable[[], PaintedView], PaintedView, list[Shot]]:
    """Paint a person view by view, each starting from what earlier views left there; in turns.

    Each callable that this gives needs no Blender, so that another thread can run it; its result is sent back in.

    Args:
        projection: takes the pictures.
        cameras: each one's view paints what is not covered yet.
        paint: makes the pictures; what is to be kept is laid back over those of the camera's size.

    Returns:
        The views as they were projected, without their close-ups.
    """
    shots = []
    for camera in cameras:
        before = projection.painted(camera)
        picture, closeups = yield paint(camera, before)
        if picture.shape == before.picture.shape:
            picture = np.where(before.kept[..., None], before.picture, picture)
        shots.append(Shot(camera, picture, before.person))
        for shot in (shots[-1], *closeups):
            projection.add(shot)
    return shots


def paint_views(projection: Projection, cameras: Sequence[Camera], paint: Paint) -> list[Shot]:
    """:func:`view_steps` at once."""
    return at_once(view_steps(projection, cameras, paint))
