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
from PIL import Image

from ..conditioning.frame import Conditioning
from ..rig.bones import Bone
from .passes import render_passes
from .rigs import match_armature

RGB = tuple[float, float, float]

_MARGIN = 4
"""Pixels around the person that are rendered, too, for soft edges."""

_ROLES = {
    "shirt": ("top", "shirt", "sweater", "jacket"),
    "trousers": ("bottom", "trousers", "pants", "jeans"),
    "shoes": ("shoe", "boot"),
    "hair": ("hair", "brow"),
    "eyes": ("eye", "sclera", "iris", "pupil"),
    "skin": ("skin", "body", "face", "hand", "lip", "nail"),
}
"""What a material colours, by words in its name; eyes keep their own material."""


@dataclass(frozen=True)
class Look:
    """Colours as sRGB 0..1; lights as irradiance in units of a fully lit white surface."""

    colours: Mapping[str, RGB]
    """shirt, trousers, shoes, hair, skin"""
    background: RGB
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

    def __init__(self, armature: bpy.types.Object, size: int = 512, samples: int = 8, threads: int = 1) -> None:
        self.scene = bpy.context.scene
        self.armature = armature
        self.match = match_armature(armature)
        self._canonical = {bone: name for name, bone in self.match.bones.items()}
        self._prepare_render(size, samples, threads)
        self._materials = self._prepare_materials()
        self._prepare_world()
        self._backdrop: RGB = (0.0, 0.0, 0.0)
        self.camera = _add(self.scene, "Camera", bpy.data.cameras.new("Camera"))
        self.scene.camera = self.camera
        self._lights = [_add(self.scene, name, bpy.data.lights.new(name, "SUN")) for name in ("Key", "Fill")]

    @property
    def rest(self) -> dict[str, Bone]:
        """Canonical bones at rest, in armature space."""
        bones = self.armature.data.bones
        return {
            name: Bone(
                bone,
                bones[bone].parent.name if bones[bone].parent else None,
                np.array(bones[bone].head_local),
                np.array(bones[bone].tail_local),
                np.array(bones[bone].matrix_local),
            )
            for name, bone in self.match.bones.items()
        }

    def posed(self) -> dict[str, Bone]:
        """Canonical bones of the pose, in world space."""
        bpy.context.view_layer.update()
        world = np.array(self.armature.matrix_world)
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

    def dress(self, look: Look) -> None:
        """Set colours and lights; lights turn with the camera, so aim first."""
        for material, role in self._materials:
            node = material.node_tree.nodes["Colour"]
            node.inputs[0].default_value = (*_linear(look.colours[role]), 1.0)
        self._backdrop = look.background
        nodes = self.scene.world.node_tree.nodes
        nodes["Backdrop"].inputs[0].default_value = (*_linear(look.background), 1.0)
        nodes["Ambient"].inputs[1].default_value = look.ambient
        self.scene.view_layers[0].update()
        facing = self.camera.rotation_quaternion @ Vector((0.0, 0.0, 1.0))
        camera_azimuth = float(np.arctan2(facing.x, -facing.y))
        sources = ((look.key, look.key_strength), (look.fill, look.fill_strength))
        for light, ((azimuth, elevation), strength) in zip(self._lights, sources, strict=True):
            azimuth += camera_azimuth
            towards = Vector(
                (np.sin(azimuth) * np.cos(elevation), -np.cos(azimuth) * np.cos(elevation), np.sin(elevation))
            )
            light.rotation_mode = "QUATERNION"
            light.rotation_quaternion = towards.to_track_quat("Z", "Y")
            light.data.energy = float(np.pi * strength)
            light.data.angle = look.softness

    def photograph(self, person: np.ndarray) -> np.ndarray:
        """Render with Cycles: (size, size, 3) uint8 sRGB.

        Args:
            person: (size, size) bool, where the person is; beyond, the even backdrop needs no rendering.
        """
        height, width = person.shape
        rows, columns = np.flatnonzero(person.any(axis=1)), np.flatnonzero(person.any(axis=0))
        top, bottom = max(rows[0] - _MARGIN, 0), min(rows[-1] + 1 + _MARGIN, height)
        left, right = max(columns[0] - _MARGIN, 0), min(columns[-1] + 1 + _MARGIN, width)
        render = self.scene.render
        # A quarter pixel more, since Blender rounds down.
        render.border_min_x, render.border_max_x = (left + 0.25) / width, (right + 0.25) / width
        render.border_min_y, render.border_max_y = (height - bottom + 0.25) / height, (height - top + 0.25) / height
        picture = np.empty((height, width, 3), dtype=np.uint8)
        picture[:] = np.round(np.array(self._backdrop) * 255)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "picture.png"
            render.filepath = str(path)
            bpy.ops.render.render(write_still=True)
            with Image.open(path) as rendered:
                picture[top:bottom, left:right] = np.array(rendered.convert("RGB"))
        return picture

    def truth(self) -> Conditioning:
        """Masks, depth and keypoints of what the camera sees."""
        return render_passes(self.scene, armatures=(self.armature.name,))

    def _prepare_render(self, size: int, samples: int, threads: int) -> None:
        render, cycles, view = self.scene.render, self.scene.cycles, self.scene.view_settings
        render.engine = "CYCLES"
        render.resolution_x = render.resolution_y = size
        render.resolution_percentage = 100
        render.pixel_aspect_x = render.pixel_aspect_y = 1.0
        render.threads_mode, render.threads = "FIXED", threads
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
        cycles.use_denoising = True
        cycles.denoiser = "OPENIMAGEDENOISE"
        cycles.denoising_quality = "FAST"
        cycles.denoising_prefilter = "NONE"
        cycles.denoising_input_passes = "RGB_ALBEDO"
        # Colours come out as they are named, not as film would show them.
        view.view_transform, view.look, view.exposure, view.gamma = "Standard", "None", 0.0, 1.0

    def _prepare_materials(self) -> list[tuple[bpy.types.Material, str]]:
        """Replace materials by matt ones of one colour; returns each with its role."""
        result = []
        for mesh_object in self.scene.objects:
            if mesh_object.type != "MESH":
                continue
            roles = [_role(slot.material.name if slot.material else "") for slot in mesh_object.material_slots]
            for slot, role in zip(mesh_object.material_slots, roles, strict=True):
                if role != "eyes":
                    gloss = 0.04 if role in {"skin", "hair", "shoes"} else 0.0
                    slot.material = _matt(f"{mesh_object.name} {role}", gloss)
                    result.append((slot.material, role))
            if "trousers" in roles and "shoes" in roles:
                self._shoe_feet(mesh_object, roles)
        return result

    def _shoe_feet(self, mesh_object: bpy.types.Object, roles: list[str]) -> None:
        """Trousers that cover the feet, as leggings do, take the shoes' colour there."""
        ankle = min(self.rest[f"{side}_foot"].head[2] for side in ("left", "right"))
        trousers, shoes = roles.index("trousers"), roles.index("shoes")
        for polygon in mesh_object.data.polygons:
            if polygon.material_index == trousers and (mesh_object.matrix_world @ polygon.center).z < ankle:
                polygon.material_index = shoes

    def _prepare_world(self) -> None:
        """A backdrop that the camera sees evenly, whatever the light."""
        world = bpy.data.worlds.new("Studio")
        self.scene.world = world
        world.use_nodes = True
        world.cycles.sampling_method = "NONE"  # an even sky is found well enough by the rays that leave the surface
        tree = world.node_tree
        tree.nodes.clear()
        output = tree.nodes.new("ShaderNodeOutputWorld")
        mix = tree.nodes.new("ShaderNodeMixShader")
        rays = tree.nodes.new("ShaderNodeLightPath")
        for name in ("Ambient", "Backdrop"):
            node = tree.nodes.new("ShaderNodeBackground")
            node.name = name
            node.inputs[0].default_value = (1.0, 1.0, 1.0, 1.0)
            tree.links.new(node.outputs[0], mix.inputs[1 if name == "Ambient" else 2])
        tree.links.new(rays.outputs["Is Camera Ray"], mix.inputs[0])
        tree.links.new(mix.outputs[0], output.inputs[0])


def _add(scene: bpy.types.Scene, name: str, data: bpy.types.ID) -> bpy.types.Object:
    thing = bpy.data.objects.new(name, data)
    scene.collection.objects.link(thing)
    return thing


def _role(name: str) -> str:
    words = name.lower()
    return next((role for role, keys in _ROLES.items() if any(key in words for key in keys)), "skin")


def _matt(name: str, gloss: float) -> bpy.types.Material:
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    colour = tree.nodes.new("ShaderNodeBsdfDiffuse")
    colour.name = "Colour"
    if gloss:
        mix = tree.nodes.new("ShaderNodeMixShader")
        shine = tree.nodes.new("ShaderNodeBsdfGlossy")
        shine.inputs["Roughness"].default_value = 0.45
        mix.inputs[0].default_value = gloss
        tree.links.new(colour.outputs[0], mix.inputs[1])
        tree.links.new(shine.outputs[0], mix.inputs[2])
        tree.links.new(mix.outputs[0], output.inputs[0])
    else:
        tree.links.new(colour.outputs[0], output.inputs[0])
    return material


def _linear(colour: RGB) -> RGB:
    """sRGB to linear light (IEC 61966-2-1)."""
    values = np.asarray(colour, dtype=np.float64)
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return float(linear[0]), float(linear[1]), float(linear[2])
