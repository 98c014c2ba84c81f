# SPDX-License-Identifier: GPL-3.0-or-later
"""The passes of one frame: what the scene's people look like to the models.

All is computed from the evaluated scene in numpy: no render, no display, no colour management, and nothing in the
scene changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import bpy
import numpy as np

from ..conditioning.camera import Camera
from ..conditioning.frame import Conditioning, PersonMasks, PersonPose, Visibility
from ..conditioning.masks import BODY, NOTHING, classify_keypoints, triangle_mask
from ..conditioning.raster import Raster, rasterise
from ..conditioning.skeleton import draw_skeleton
from ..errors import SceneError
from ..request import MAX_PEOPLE, SIDES, Side, SkeletonSettings, check_size
from ..rig.keypoints import BODY as BODY_NAMES
from ..rig.keypoints import BODY_INDEX, HAND, PersonKeypoints
from .cameras import read_camera, scene_camera
from .render import render_picture
from .rigs import find_humanoids, match_seen, read_person
from .surfaces import HAND_PART, Surface, hidden_meshes, read_surfaces

# Depth of a joint under its skin in metres, for an adult with an upper arm of ARM metres.
_ARM = 0.26
_BODY_RADII = {
    "nose": 0.03, "neck": 0.12, "shoulder": 0.11, "elbow": 0.09, "wrist": 0.06, "hip": 0.18, "knee": 0.10,
    "ankle": 0.08, "eye": 0.035, "ear": 0.05,
}  # fmt: skip
_FINGER_RADIUS = 0.02
_HAND_RADII = {"wrist": _BODY_RADII["wrist"], "thumb_1": 0.03}


def depsgraph_of(scene: bpy.types.Scene) -> bpy.types.Depsgraph:
    """The scene as evaluated at its current frame."""
    if scene == bpy.context.scene:
        return bpy.context.evaluated_depsgraph_get()
    layer = scene.view_layers[0]
    layer.update()
    return layer.depsgraph


@contextmanager
def at_frame(scene: bpy.types.Scene, frame: int | None) -> Iterator[None]:
    """Evaluate at another frame for a while; at the current one, or None, nothing is touched.

    The current frame and the active camera, which markers may switch, come back.  As whenever the frame changes in
    Blender, values set on animated properties without a key fall back to their animation.
    """
    if frame is None or frame == scene.frame_current:
        yield
        return
    current, subframe, camera = scene.frame_current, scene.frame_subframe, scene.camera
    scene.frame_set(frame)
    try:
        yield
    finally:
        scene.frame_set(current, subframe=subframe)
        scene.camera = camera


def render_passes(
    scene: bpy.types.Scene,
    *,
    armatures: Sequence[str] = (),
    camera: str = "",
    frame: int | None = None,
    size: tuple[int, int] | None = None,
    skeleton: SkeletonSettings | None = None,
    max_people: int = MAX_PEOPLE,
    with_picture: bool = False,
) -> Conditioning:
    """Render the passes of one frame.

    Args:
        scene: the scene; neither its settings nor its selection change.
        armatures: names of the armatures; empty: every humanoid in view.
        camera: name of the camera; empty: the one that renders the frame.
        frame: frame number; None: the current frame as it stands, with poses not keyed yet.
        size: width and height in pixels, multiples of 8; None: the render size.
        skeleton: what the skeleton picture shows, and how; None: the defaults.
        max_people: the nearest so many are taken.
        with_picture: also render the frame itself with the scene's own engine, as painting the person alone needs.

    Raises:
        SceneError: no camera, no humanoid armature, nobody in view.
        UsageError: a size that 8 does not divide.
    """
    if size is not None:
        check_size(*size)
    with at_frame(scene, frame):
        humanoids = find_humanoids(scene, armatures)
        camera_object = scene_camera(scene, camera)
        depsgraph = depsgraph_of(scene)
        view = read_camera(scene, depsgraph, camera_object, size)
        people = [read_person(armature, depsgraph) for armature in humanoids]
        surfaces = read_surfaces(scene, depsgraph, humanoids)
        warnings = [
            f'"{name}" is hidden in the viewport, so its pose is not known and it is left out: unhide it.'
            for name in hidden_meshes(scene, depsgraph, humanoids)
        ]
        has_fingers = [{s: match_seen(armature, depsgraph).has_hand(s) for s in SIDES} for armature in humanoids]
        settings = skeleton or SkeletonSettings()
        conditioning = _conditioning(
            view, scene.frame_current, people, has_fingers, surfaces, settings, max_people, warnings
        )
        if with_picture:
            conditioning.picture = render_picture(scene, camera_object, (view.width, view.height))
    return conditioning


def _conditioning(
    camera: Camera,
    frame: int,
    people: list[PersonKeypoints],
    has_fingers: list[dict[Side, bool]],
    surfaces: list[Surface],
    skeleton: SkeletonSettings,
    max_people: int,
    warnings: list[str],
) -> Conditioning:
    raster, part, person = _draw(surfaces, camera)
    poses = [_pose(points, index, camera, raster, part, person) for index, points in enumerate(people)]
    has_mesh = [any(surface.person == index for surface in surfaces) for index in range(len(people))]
    masks = [triangle_mask(raster, person == index) for index in range(len(people))]
    in_view = [
        index for index, pose in enumerate(poses) if (masks[index].any() if has_mesh[index] else _joints_in_frame(pose))
    ]
    if not in_view:
        raise SceneError(_why_nobody(people[0].name, poses[0], camera.name))
    depths = [np.nanmedian(camera.project(people[index].body)[1]) for index in range(len(people))]
    order = sorted(in_view, key=lambda index: depths[index])[:max_people]
    hand_masks = [
        {side: triangle_mask(raster, (person == index) & (part == HAND_PART[side])) for side in SIDES}
        for index in order
    ]
    for index, hands in zip(order, hand_masks):
        if not has_mesh[index]:
            name = people[index].name
            warnings.append(f'The armature "{name}" moves no mesh that renders, so the masks are empty: bind one.')
        else:
            warnings += [
                warning
                for side in SIDES
                if (warning := _hand_warning(side, poses[index], has_fingers[index][side], bool(hands[side].any())))
            ]
    shown = [poses[index] for index in order]
    return Conditioning(
        camera=camera,
        frame=frame,
        people=shown,
        masks=[PersonMasks(masks[index], hands) for index, hands in zip(order, hand_masks)],
        keypoints=[people[index] for index in order],
        skeleton=draw_skeleton(shown, camera.width, camera.height, skeleton),
        metric_depth=raster.depth,
        warnings=warnings,
    )


def _draw(surfaces: Sequence[Surface], camera: Camera) -> tuple[Raster, np.ndarray, np.ndarray]:
    """The raster of all surfaces, and each triangle's part and person."""
    offsets = np.cumsum([0, *(len(surface.vertices) for surface in surfaces)])
    vertices = [surface.vertices for surface in surfaces]
    triangles = [surface.triangles + offset for surface, offset in zip(surfaces, offsets, strict=False)]
    parts = [surface.part for surface in surfaces]
    people = [np.full(len(surface.triangles), surface.person, dtype=np.int32) for surface in surfaces]
    raster = rasterise(
        np.concatenate([np.empty((0, 3)), *vertices]),
        np.concatenate([np.empty((0, 3), dtype=np.int64), *triangles]),
        camera,
    )
    empty = np.empty(0, dtype=np.int8)
    return raster, np.concatenate([empty, *parts]), np.concatenate([empty.astype(np.int32), *people])


def _pose(
    points: PersonKeypoints, index: int, camera: Camera, raster: Raster, part: np.ndarray, person: np.ndarray
) -> PersonPose:
    """One person's keypoints in the picture."""
    joint = BODY_INDEX
    scale = np.linalg.norm(points.body[joint["left_elbow"]] - points.body[joint["left_shoulder"]]) / _ARM

    def seen(
        positions: np.ndarray, radii: Sequence[float], parts: Sequence[int]
    ) -> tuple[np.ndarray, list[Visibility]]:
        pixels, depths = camera.project(positions)
        words = classify_keypoints(
            pixels, depths, np.array(radii) * scale, np.array(parts), index, raster, part, person, near=camera.near
        )
        pixels[[word == "behind" for word in words]] = np.nan
        return pixels, words

    body, body_words = seen(
        points.body,
        [_BODY_RADII[name.split("_")[-1]] for name in BODY_NAMES],
        [NOTHING if name.endswith("wrist") else BODY for name in BODY_NAMES],
    )
    hands, hand_words = {}, {}
    for side in SIDES:
        # The wrist and the thumb's base lie on the border between forearm and hand.
        hands[side], hand_words[side] = seen(
            points.hands[side],
            [_HAND_RADII.get(name, _FINGER_RADIUS) for name in HAND],
            [NOTHING if name in {"wrist", "thumb_1"} else HAND_PART[side] for name in HAND],
        )
    return PersonPose(points.name, body, body_words, hands, hand_words)


def _joints_in_frame(pose: PersonPose) -> bool:
    return any(word in {"visible", "occluded"} for word in pose.body_visibility)


def _why_nobody(name: str, pose: PersonPose, camera: str) -> str:
    if _joints_in_frame(pose):
        return f'Other objects hide "{name}" from the camera "{camera}": move them, the camera or the person.'
    if "outside" in pose.body_visibility:
        return f'"{name}" is out of the frame of the camera "{camera}": aim the camera at the person.'
    return f'"{name}" is behind the camera "{camera}": turn the camera to the person.'


def _hand_warning(side: Side, pose: PersonPose, has_fingers: bool, seen: bool) -> str:
    """Why a hand cannot be painted by the hand stage, empty where it can."""
    if not has_fingers:
        return f'"{pose.name}" has no {side} hand with five jointed fingers, so that hand is painted with the body.'
    if seen:
        return ""
    inside = any(word in {"visible", "occluded"} for word in pose.hand_visibility[side])
    where = "hidden from the camera" if inside else "out of the frame"
    return f'The {side} hand of "{pose.name}" is {where}, so it gets no hand stage.'
