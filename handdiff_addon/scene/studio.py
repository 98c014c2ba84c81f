# SPDX-License-Identifier: GPL-3.0-or-later
"""A photo studio for training pictures: one rigged person before a plain backdrop, dressed, posed, lit and rendered."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix, Vector
from PIL import Image, ImageFilter

from ..conditioning.camera import Camera
from ..conditioning.frame import Conditioning
from ..conditioning.raster import rasterise
from ..rig.bones import Bone
from .compat import use_denoiser, use_nodes
from .interrupts import interrupts_wait
from .owners import owners
from .passes import render_passes
from .rigs import match_armature, rest_bones
from .wardrobe import Wardrobe

_MARGIN = 4
"""Pixels around the person that are rendered, too."""
_SOFT = 2
"""Pixels around the person in which the render counts, for soft edges"""


@dataclass(frozen=True)
class Lights:
    """Two lights and an ambient one, as irradiance in units of a fully lit white surface."""

    key: tuple[float, float]
    """Azimuth (0: from the camera, positive: from the picture's right) and elevation of the key light, radians"""
    key_strength: float
    fill: tuple[float, float]
    fill_strength: float
    ambient: float
    softness: float
    """Angular diameter of the lights, radians"""


class Studio:
    """The open scene with one person, ready to be photographed again and again.

    Works for rigs whose bones are posed directly (no control rig), standing on the ground and facing -y.
    """

    def __init__(
        self,
        armature: bpy.types.Object,
        size: int = 512,
        samples: int = 8,
        own_looks: bool = False,
    ) -> None:
        self.scene = bpy.context.scene
        self.armature = armature
        self.size = size
        self.own_looks = own_looks
        self.match = match_armature(armature)
        self._canonical = {bone: name for name, bone in self.match.bones.items()}
        self._prepare_render(size, samples)
        if own_looks:
            self._clear_set()
        self.wardrobe = Wardrobe(self.scene, armature, self.match, self.rest, own_looks)
        self._prepare_world()
        self._backdrop = np.zeros((size, size, 3), dtype=np.uint8)
        self.camera = _add(self.scene, "Camera", bpy.data.cameras.new("Camera"))
        self.scene.camera = self.camera
        self._lights = [_add(self.scene, name, bpy.data.lights.new(name, "SUN")) for name in ("Key", "Fill")]

    @property
    def rest(self) -> dict[str, Bone]:
        """Canonical bones at rest, in armature space."""
        rest = rest_bones(self.armature)
        return {name: rest[bone] for name, bone in self.match.bones.items()}

    def posed(self) -> dict[str, Bone]:
        """Canonical bones of the pose, in world space."""
        bpy.context.view_layer.update()
        world = np.array(self.armature.matrix_world, dtype=np.float64)
        bones = self.armature.pose.bones
        return {
            name: Bone(
                bone,
                bones[bone].parent.name if bones[bone].parent else None,
                world[:3, :3] @ np.array(bones[bone].head) + world[:3, 3],
                world[:3, :3] @ np.array(bones[bone].tail) + world[:3, 3],
                world @ np.array(bones[bone].matrix),
            )
            for name, bone in self.match.bones.items()
        }

    def pose(self, rotations: Mapping[str, np.ndarray]) -> None:
        """Apply rotations from the rest pose.

        Args:
            rotations: canonical bone -> (3, 3) in armature space, parents included; bones without one follow theirs.
        """
        turned: dict[str, np.ndarray] = {}
        for bone in self.armature.data.bones:  # parents come first
            before = turned[bone.parent.name] if bone.parent else np.eye(3)
            after = rotations.get(self._canonical.get(bone.name, ""), before)
            turned[bone.name] = after
            rest = np.array(bone.matrix_local)[:3, :3]
            pose_bone = self.armature.pose.bones[bone.name]
            pose_bone.rotation_mode = "QUATERNION"
            pose_bone.rotation_quaternion = Matrix(rest.T @ before.T @ after @ rest).to_quaternion()
            pose_bone.location = (0.0, 0.0, 0.0)
            pose_bone.scale = (1.0, 1.0, 1.0)

    def aim(self, position: np.ndarray, target: np.ndarray, roll: float, lens: float) -> None:
        """Put the camera at ``position`` looking at ``target`` (metres), rolled (radians), focal length in mm."""
        looking = Vector(target - position).to_track_quat("-Z", "Y") @ Matrix.Rotation(roll, 3, "Z").to_quaternion()
        self.camera.rotation_mode = "QUATERNION"
        self.camera.location = Vector(position)
        self.camera.rotation_quaternion = looking
        self.camera.data.lens = lens

    def light(self, lights: Lights) -> None:
        """Set the lights, which turn with the camera: aim first."""
        self.scene.world.node_tree.nodes["Ambient"].inputs[1].default_value = lights.ambient
        self.scene.view_layers[0].update()
        facing = self.camera.rotation_quaternion @ Vector((0.0, 0.0, 1.0))
        camera_azimuth = float(np.arctan2(facing.x, -facing.y))
        sources = ((lights.key, lights.key_strength), (lights.fill, lights.fill_strength))
        for light, ((azimuth, elevation), strength) in zip(self._lights, sources, strict=True):
            azimuth += camera_azimuth
            towards = Vector(
                (np.sin(azimuth) * np.cos(elevation), -np.cos(azimuth) * np.cos(elevation), np.sin(elevation))
            )
            light.rotation_mode = "QUATERNION"
            light.rotation_quaternion = towards.to_track_quat("Z", "Y")
            light.data.energy = float(np.pi * strength)
            light.data.angle = lights.softness

    def hang(self, backdrop: np.ndarray) -> None:
        """Set what is seen behind the person: (size, size, 3) uint8 sRGB."""
        self._backdrop = backdrop
        image = bpy.data.images.new("Backdrop", self.size, self.size)
        pixels = np.ones((self.size, self.size, 4), dtype=np.float32)
        pixels[..., :3] = backdrop[::-1] / 255.0
        image.pixels.foreach_set(pixels.ravel())
        # Cycles keeps an image that it knows, so that each backdrop is one of its own while the last is still there.
        node = self.scene.world.node_tree.nodes["Backdrop"]
        before, node.image = node.image, image
        if before is not None:
            bpy.data.images.remove(before)

    def photograph(self, person: np.ndarray) -> np.ndarray:
        """Render with Cycles: (size, size, 3) uint8 sRGB.

        Args:
            person: (size, size) bool, where the person is; the backdrop needs no rendering.
        """
        height, width = person.shape
        rows, columns = np.flatnonzero(person.any(axis=1)), np.flatnonzero(person.any(axis=0))
        top, bottom = max(rows[0] - _MARGIN, 0), min(rows[-1] + 1 + _MARGIN, height)
        left, right = max(columns[0] - _MARGIN, 0), min(columns[-1] + 1 + _MARGIN, width)
        render = self.scene.render
        # A quarter pixel more, since Blender rounds down.
        render.border_min_x, render.border_max_x = (left + 0.25) / width, (right + 0.25) / width
        render.border_min_y, render.border_max_y = (height - bottom + 0.25) / height, (height - top + 0.25) / height
        picture = self._backdrop.copy()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "picture.png"
            render.filepath = str(path)
            with interrupts_wait():
                bpy.ops.render.render(write_still=True)
            with Image.open(path) as file:
                rendered = np.array(file.convert("RGB"))
        soft = Image.fromarray(person.astype(np.uint8)).filter(ImageFilter.MaxFilter(2 * _SOFT + 1))
        near = np.array(soft, dtype=bool)[top:bottom, left:right]
        picture[top:bottom, left:right][near] = rendered[near]
        return picture

    def truth(self) -> Conditioning:
        """Masks, depth, normals and keypoints of what the camera sees."""
        return render_passes(self.scene, armatures=(self.armature.name,), with_normals=True)

    def roles(self, camera: Camera) -> np.ndarray:
        """What the camera sees at each pixel, (H, W) int8: an index into :data:`~.wardrobe.ROLES`, -1 for the backdrop.

        Args:
            camera: the one of :meth:`truth`, perhaps with a smaller picture.
        """
        depsgraph = bpy.context.evaluated_depsgraph_get()
        vertices, triangles, roles, count = [], [], [], 0
        for mesh_object in self.scene.objects:
            if mesh_object.type != "MESH" or mesh_object.hide_render:
                continue
            evaluated = mesh_object.evaluated_get(depsgraph)
            mesh = evaluated.to_mesh()
            mesh.calc_loop_triangles()
            points = np.empty(3 * len(mesh.vertices), dtype=np.float32)
            corners = np.empty(3 * len(mesh.loop_triangles), dtype=np.int32)
            slots = np.empty(len(mesh.loop_triangles), dtype=np.int32)
            mesh.vertices.foreach_get("co", points)
            mesh.loop_triangles.foreach_get("vertices", corners)
            mesh.loop_triangles.foreach_get("material_index", slots)
            evaluated.to_mesh_clear()
            world = np.array(mesh_object.matrix_world, dtype=np.float64)
            vertices.append(points.reshape(-1, 3) @ world[:3, :3].T + world[:3, 3])
            triangles.append(corners.reshape(-1, 3) + count)
            roles.append(self.wardrobe.roles(mesh_object)[slots])
            count += len(vertices[-1])
        raster = rasterise(np.concatenate(vertices), np.concatenate(triangles), camera)
        seen = np.concatenate([*roles, [-1]]).astype(np.int8)
        return seen[raster.triangle]

    def _prepare_render(self, size: int, samples: int) -> None:
        render, cycles, view = self.scene.render, self.scene.cycles, self.scene.view_settings
        render.engine = "CYCLES"
        render.resolution_x = render.resolution_y = size
        render.resolution_percentage = 100
        render.pixel_aspect_x = render.pixel_aspect_y = 1.0
        render.threads_mode, render.threads = "FIXED", 1
        render.use_persistent_data = True
        render.film_transparent = False
        render.use_border = render.use_crop_to_border = True
        render.dither_intensity = 0.0
        render.image_settings.file_format = "PNG"
        render.image_settings.color_mode = "RGB"
        render.image_settings.compression = 0
        cycles.device = "CPU"
        cycles.samples = samples
        cycles.use_adaptive_sampling = False
        cycles.max_bounces = cycles.diffuse_bounces = 1
        cycles.glossy_bounces = cycles.transmission_bounces = cycles.volume_bounces = 0
        cycles.caustics_reflective = cycles.caustics_refractive = False
        cycles.use_denoising = use_denoiser(cycles)
        cycles.denoising_quality = "FAST"
        cycles.denoising_prefilter = "NONE"
        cycles.denoising_input_passes = "RGB"
        # Colours come out as they are named, not as film would show them.
        view.view_transform, view.look, view.exposure, view.gamma = "Standard", "None", 0.0, 1.0

    def _clear_set(self) -> None:
        """Leave lamps and everything that is not the person's out of the pictures."""
        for thing in self.scene.objects:
            if thing.type == "LIGHT" or (thing != self.armature and not owners(thing, [self.armature])):
                thing.hide_render = True

    def _prepare_world(self) -> None:
        """A backdrop that only the camera sees, and even light from all around."""
        world = bpy.data.worlds.new("Studio")
        self.scene.world = world
        use_nodes(world)
        world.cycles.sampling_method = "NONE"  # an even sky is found well enough by the rays that leave the surface
        tree = world.node_tree
        tree.nodes.clear()
        ambient, backdrop = tree.nodes.new("ShaderNodeBackground"), tree.nodes.new("ShaderNodeBackground")
        ambient.name = "Ambient"
        ambient.inputs[0].default_value = (1.0, 1.0, 1.0, 1.0)
        place, picture = tree.nodes.new("ShaderNodeTexCoord"), tree.nodes.new("ShaderNodeTexImage")
        picture.name, picture.extension = "Backdrop", "EXTEND"
        rays, mix = tree.nodes.new("ShaderNodeLightPath"), tree.nodes.new("ShaderNodeMixShader")
        for source, target in (
            (place.outputs["Window"], picture.inputs[0]),
            (picture.outputs[0], backdrop.inputs[0]),
            (rays.outputs["Is Camera Ray"], mix.inputs[0]),
            (ambient.outputs[0], mix.inputs[1]),
            (backdrop.outputs[0], mix.inputs[2]),
            (mix.outputs[0], tree.nodes.new("ShaderNodeOutputWorld").inputs[0]),
        ):
            tree.links.new(source, target)


def _add(scene: bpy.types.Scene, name: str, data: bpy.types.ID) -> bpy.types.Object:
    thing = bpy.data.objects.new(name, data)
    scene.collection.objects.link(thing)
    return thing
