# SPDX-License-Identifier: GPL-3.0-or-later
"""The passes of one frame: what the scene's people look like to the models.

All is computed from the evaluated scene in numpy: no render, no display, no colour management, and nothing in the
scene changes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, TypeVar

import bpy
import numpy as np

from ..conditioning.camera import Camera
from ..conditioning.frame import Conditioning, PersonMasks, PersonPose
from ..conditioning.masks import HAND_PART
from ..conditioning.raster import rasterise
from ..conditioning.skeleton import draw_skeleton
from ..conditioning.visibility import see_person
from ..errors import SceneError
from ..request import MAX_PEOPLE, SIDES, Side, SkeletonSettings, check_size
from ..rig.keypoints import PersonKeypoints
from .cameras import read_camera, scene_camera
from .figure import figure
from .hand_parts import Person, person_of
from .motion import Motion
from .render import FrameRender
from .rigs import check_pose, find_humanoids, match_seen
from .seen import Seen, identify, look, merged
from .surfaces import Surface, read_surfaces, rendered_meshes


def depsgraph_of(scene: bpy.types.Scene) -> bpy.types.Depsgraph:
    """The scene as evaluated at its current frame."""
    if scene == bpy.context.scene:
        return bpy.context.evaluated_depsgraph_get()
    layer = scene.view_layers[0]
    layer.update()
    return layer.depsgraph


@contextmanager
def at_frame(scene: bpy.types.Scene, frame: int | None) -> Iterator[None]:
    """Evaluate at another frame for a while; at the current one, not between it and the next, or None, nothing is
    touched.

    The current frame and the active camera, which markers may switch, come back.  As whenever the frame changes in
    Blender, values set on animated properties without a key fall back to their animation.
    """
    if frame is None or (frame == scene.frame_current and not scene.frame_subframe):
        yield
        return
    current, subframe, camera = scene.frame_current, scene.frame_subframe, scene.camera
    scene.frame_set(frame)
    try:
        yield
    finally:
        scene.frame_set(current, subframe=subframe)
        scene.camera = camera


T = TypeVar("T")


def at_once(steps: Generator[Callable[[], Any], Any, T]) -> T:
    """Work turns off here, one after the other."""
    turn = partial(steps.send, None)
    while True:
        try:
            work = turn()
        except StopIteration as end:
            return end.value
        try:
            turn = partial(steps.send, work())
        except Exception as error:
            turn = partial(steps.throw, error)


Steps = Generator[Callable[[], Any], Any, Conditioning]
"""Work in turns: what runs inside the generator needs Blender, and each callable that it gives needs none, so that
another thread can run it meanwhile; its result is sent back in, or what it raises thrown."""


class SceneChanged(SceneError):
    """The scene changed between two turns."""


def render_passes(scene: bpy.types.Scene, **options: Any) -> Conditioning:
    """Render the passes of one frame at once; takes and raises what :func:`pass_steps` does."""
    return at_once(pass_steps(scene, **options))


def pass_steps(
    scene: bpy.types.Scene,
    *,
    frame: int | None = None,
    armatures: Sequence[str] = (),
    camera: str = "",
    size: tuple[int, int] | None = None,
    skeleton: SkeletonSettings | None = None,
    max_people: int = MAX_PEOPLE,
    with_normals: bool = False,
    with_picture: bool = False,
    motion: Motion | None = None,
    meanwhile: bool = False,
) -> Steps:
    """Render the passes of one frame in turns, so that Blender's window goes on meanwhile.

    The poses are those of the first turn; later ones ask the meshes for their weights alone.  Between two turns the
    scene stands at its own frame.

    Args:
        scene: the scene; neither its settings nor its selection change.
        frame: frame number; None: the current frame as it stands, with poses not keyed yet.
        armatures: names of the armatures; empty: every humanoid in view.
        camera: name of the camera; empty: the one that renders the frame.
        size: width and height in pixels, multiples of 8; None: the render size.
        skeleton: what the skeleton picture shows, and how; None: the defaults.
        max_people: the nearest so many are taken.
        with_normals: also fill ``Conditioning.normals``.
        with_picture: also render the frame itself with the scene's own engine, as painting the person alone needs.
        motion: takes the frame in and fills ``Conditioning.earlier``.
        meanwhile: render it between the turns, for which Blender's own loop has to run in between.

    Raises:
        SceneError: no camera, no humanoid armature, nobody in view; what Blender cannot render.
        SceneChanged: meshes change or go between two turns.
        Cancelled: the render was stopped.
        UsageError: a size that 8 does not divide.
    """
    if size is not None:
        check_size(*size)
    with ExitStack() as ended:
        render = None
        with at_frame(scene, frame):
            humanoids = find_humanoids(scene, armatures)
            camera_object = scene_camera(scene, camera)
            depsgraph = depsgraph_of(scene)
            view = read_camera(scene, depsgraph, camera_object, size)
            warnings = check_people(scene, depsgraph, humanoids)
            people = [_read_person(armature, depsgraph, view) for armature in humanoids]
            surfaces = read_surfaces(depsgraph, humanoids, camera=view, normals=with_normals)
            if with_picture:
                pixels = (view.width, view.height)
                render = ended.enter_context(FrameRender(scene, camera_object, pixels, meanwhile=meanwhile))
            number, layer = scene.frame_current, scene.name
        skins = _let_go(surfaces)
        del scene, depsgraph, humanoids, camera_object  # any of it may be gone at the next turn

        warnings += _check_vertices(surfaces)
        warnings += _add_figures(surfaces, people)
        vertices, triangles = merged(surfaces)
        raster = yield lambda: rasterise(vertices, triangles, view)

        def look_again() -> Seen:
            try:
                _find_again(layer, skins)
                return identify(surfaces, people, view, vertices, triangles, raster)
            finally:
                _let_go(surfaces)

        try:
            seen = look_again()
        except SceneChanged:
            if frame is None or layer not in bpy.data.scenes:
                raise
            with at_frame(bpy.data.scenes[layer], frame):  # meshes whose vertices are there at that frame alone
                seen = look_again()
        if render is not None:
            while meanwhile and render.going:
                yield lambda: time.sleep(0.05)
            render.check()

        def conclude() -> Conditioning:
            made = _conditioning(view, number, people, seen, skeleton or SkeletonSettings(), max_people, warnings)
            made.materials = seen.materials()
            made.normals = seen.normals() if with_normals else None
            made.picture = render.picture() if render is not None else None
            made.earlier = motion.follow(number, seen) if motion is not None else {}
            return made

        return (yield conclude)


def people_seen(
    scene: bpy.types.Scene, camera: Camera, *, frame: int | None = None, armatures: Sequence[str] = ()
) -> np.ndarray:
    """Where a camera, which need not be one of the scene, sees people: bool (H, W).

    Args:
        scene: the scene.
        camera: the camera.
        frame: frame number; None: as the scene stands.
        armatures: names; those that are hidden or no longer there count as not seen.

    Raises:
        SceneError: no humanoid armature; an armature or mesh in Edit Mode.
    """
    with at_frame(scene, frame):
        depsgraph = depsgraph_of(scene)
        try:
            humanoids = find_humanoids(scene, [name for name in armatures if name in scene.objects])
        except SceneError:  # one is hidden
            humanoids = find_humanoids(scene)
        check_people(scene, depsgraph, humanoids)
        people = [_read_person(armature, depsgraph, camera) for armature in humanoids]
        surfaces = read_surfaces(depsgraph, humanoids, camera=camera)
        _add_figures(surfaces, people)
        seen = look(surfaces, people, camera)
    masks = [seen.mask(index) for index, person in enumerate(people) if person.points.name in armatures]
    return np.logical_or.reduce([np.zeros((camera.height, camera.width), bool), *masks])


Skins = list[tuple[Surface, tuple[str, str | None]]]


def _let_go(surfaces: Sequence[Surface]) -> Skins:
    """Take the objects off surfaces, and give people's by their names: names outlive objects, pointers do not."""
    skins = []
    for surface in surfaces:
        if surface.skin is not None and surface.owners:
            library = surface.skin.original.library
            skins.append((surface, (surface.skin.name, library.filepath if library else None)))
        surface.skin = None
    return skins


def _find_again(scene: str, skins: Skins) -> None:
    """Put the objects back on surfaces.

    Raises:
        SceneChanged: where one is gone or has other vertices by now.
    """
    changed = SceneChanged("The scene changed while its passes were made: generate again.")
    if skins and scene not in bpy.data.scenes:
        raise changed
    depsgraph = depsgraph_of(bpy.data.scenes[scene]) if skins else None
    for surface, key in skins:
        item = bpy.data.objects.get(key)
        skin = item.evaluated_get(depsgraph) if item is not None and item.mode != "EDIT" else None
        if skin is None or skin.type != "MESH" or len(skin.data.vertices) != len(surface.vertices):
            raise changed
        surface.skin = skin


def _conditioning(
    camera: Camera,
    frame: int,
    people: list[Person],
    seen: Seen,
    skeleton: SkeletonSettings,
    max_people: int,
    warnings: list[str],
) -> Conditioning:
    points = [person.points for person in people]
    poses = [see_person(points[i], i, camera, seen.raster, seen.part, seen.person) for i in range(len(people))]
    masks = [seen.mask(index) for index in range(len(people))]
    in_view = [index for index, mask in enumerate(masks) if mask.any()]
    if not in_view:
        raise SceneError(_why_nobody(poses[0], points[0], camera))
    for index in in_view:
        if masks[index].mean() > 0.5 and seen.from_within(index):
            raise SceneError(
                f'The camera "{camera.name}" is inside "{points[index].name}": move it out, or raise its clip start.'
            )
    depths = [np.nanmedian(camera.project(person.body)[1]) for person in points]
    order = sorted(in_view, key=lambda index: depths[index])[:max_people]
    hand_masks = [{side: seen.mask(index, HAND_PART[side]) for side in SIDES} for index in order]
    for index, hands in zip(order, hand_masks):
        for side in SIDES:
            has_fingers = np.isfinite(points[index].hands[side]).all(axis=1).sum() >= 5
            warnings.append(_hand_warning(side, poses[index], bool(has_fingers), bool(hands[side].any())))
    shown = [poses[index] for index in order]
    return Conditioning(
        camera=camera,
        frame=frame,
        people=shown,
        masks=[PersonMasks(masks[index], hands, seen.arms(index)) for index, hands in zip(order, hand_masks)],
        keypoints=[points[index] for index in order],
        skeleton=draw_skeleton(shown, camera.width, camera.height, skeleton),
        metric_depth=seen.raster.depth,
        warnings=[warning for warning in warnings if warning],
    )


def _read_person(armature: bpy.types.Object, depsgraph: bpy.types.Depsgraph, camera: Camera) -> Person:
    """A person as the camera sees it: one whose negative scale mirrors the picture swaps left and right."""
    match, points = match_seen(armature, depsgraph)
    if camera.mirrored:
        match, points = match.mirrored(), points.mirrored()
    return person_of(armature, match, points)


def check_people(
    scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph, humanoids: Sequence[bpy.types.Object]
) -> list[str]:
    """Warnings of the people's meshes whose pose is not known.

    Raises:
        SceneError: where the user edits one, so that it does not follow its rig, or the rig's pose is not known.
    """
    warnings = []
    for armature in humanoids:
        check_pose(armature, depsgraph)
    for mesh in rendered_meshes(scene, depsgraph, humanoids):
        if mesh.mode == "EDIT":
            raise SceneError(f'"{mesh.name}" is in Edit Mode, where it does not follow its rig: leave Edit Mode first.')
        if not mesh.visible_get(view_layer=depsgraph.view_layer):
            warnings.append(
                f'"{mesh.name}" is hidden in the viewport, so its pose is not known and it is left out: unhide it.'
            )
    return warnings


def _add_figures(surfaces: list[Surface], people: Sequence[Person]) -> list[str]:
    """Give people without a mesh one; the warnings of that."""
    warnings = []
    for index, person in enumerate(people):
        if not any(surface.person == index for surface in surfaces):
            surfaces.append(figure(person.points, index))
            warnings.append(
                f'The armature "{person.points.name}" moves no mesh that renders, so a plain figure stands in for'
                " it in masks and depth: bind one."
            )
    return warnings


def _check_vertices(surfaces: Sequence[Surface]) -> list[str]:
    """Warnings of surfaces that have no place in space."""
    broken = [surface.name for surface in surfaces if not np.isfinite(surface.vertices.sum())]
    return [
        f'"{name}" has vertices that are nowhere (not finite), and the faces there are left out:'
        " check its scale, modifiers and shape keys."
        for name in dict.fromkeys(broken)
    ]


def _why_nobody(pose: PersonPose, points: PersonKeypoints, camera: Camera) -> str:
    name, eye = f'"{pose.name}"', f'the camera "{camera.name}"'
    if np.nanmin(camera.project(points.body)[1]) > camera.far:
        return f"{name} is farther away than {eye} sees: raise the camera's clip end."
    if any(word in {"visible", "occluded"} for word in pose.body_visibility):
        return f"Other objects hide {name} from {eye}: move them, the camera or the person."
    if "outside" in pose.body_visibility:
        return f"{name} is out of the frame of {eye}: aim the camera at the person."
    return f"{name} is behind {eye}: turn the camera to the person."


def _hand_warning(side: Side, pose: PersonPose, has_fingers: bool, seen: bool) -> str:
    """Why a hand cannot be painted by the hand stage, empty where it can."""
    if not has_fingers:
        return f'"{pose.name}" has no {side} hand with five jointed fingers, so that hand is painted with the body.'
    if seen:
        return ""
    inside = any(word in {"visible", "occluded"} for word in pose.hand_visibility[side])
    where = "hidden from the camera" if inside else "out of the frame"
    return f'The {side} hand of "{pose.name}" is {where}, so it gets no hand stage.'
