# SPDX-License-Identifier: GPL-3.0-or-later
"""How results go back into the scene and out of it: the settings of texture, render layer and preview."""

from __future__ import annotations

from collections.abc import Iterator

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty


def _uv_maps(_settings: object, context: bpy.types.Context, text: str) -> Iterator[str]:
    """Names of the UV maps of meshes in the scene, to choose from."""
    maps = {layer.name for thing in context.scene.objects if thing.type == "MESH" for layer in thing.data.uv_layers}
    return (name for name in sorted(maps) if text.casefold() in name.casefold())


class HandDiffOutputs(bpy.types.PropertyGroup):
    """What becomes of a picture of this scene."""

    texture_size: IntProperty(  # type: ignore[valid-type]
        name="Size",
        default=1024,
        min=16,
        max=16384,
        subtype="PIXEL",
        description="Side of each texture, or of each UDIM tile of it",
    )
    uv_map: StringProperty(  # type: ignore[valid-type]
        name="UV Map",
        search=_uv_maps,
        description="UV map that textures lie on. Empty: each mesh's active one, or a new one where that cannot hold a "
        "texture",
    )
    look: EnumProperty(  # type: ignore[valid-type]
        name="Shading",
        items=(
            ("base_colour", "Lit", "The texture is the base colour of a matt material: the scene's lights shade it"),
            ("unlit", "Unlit", "The texture shines by itself: the picture has its light in it already"),
        ),
        description="What the texture drives",
    )
    texture_files: BoolProperty(  # type: ignore[valid-type]
        name="As Files",
        description="Keep textures as PNG files beside the picture, rather than packed into the .blend",
    )
    closeups: BoolProperty(  # type: ignore[valid-type]
        name="Hands in Detail",
        default=True,
        description="Project the hands from the close-ups in which they were painted, which have more pixels there",
    )
    views: IntProperty(  # type: ignore[valid-type]
        name="Further Views",
        default=0,
        min=0,
        soft_max=10,
        max=64,
        description="Paint so many further views around the person, each where earlier ones left gaps. 0: what this "
        "picture shows, and the rest filled from its surroundings",
    )
    layer_place: EnumProperty(  # type: ignore[valid-type]
        name="Place",
        items=(
            ("over", "Over", "The picture hides the render where the mask is white"),
            ("under", "Under", "The render hides the picture; it needs a transparent film"),
        ),
        description="Where the picture lies",
    )
    layer_mask: EnumProperty(  # type: ignore[valid-type]
        name="Mask",
        items=(
            ("person_mask", "Person", "Where the camera sees the person"),
            ("hands_mask", "Hands", "Where the camera sees the hands"),
        ),
        description="Where the picture shows",
    )
    layer_feather: FloatProperty(  # type: ignore[valid-type]
        name="Feather",
        default=3.0,
        min=0.0,
        soft_max=50.0,
        description="Softness of the mask's edge, in pixels for each 512 of the picture's longer side",
    )
    layer_match: BoolProperty(  # type: ignore[valid-type]
        name="Match Colours",
        default=True,
        description="Take the picture back through the scene's view transform, exposure and gamma, so that it looks in "
        "the render as it looks in its file",
    )
    layer_from: EnumProperty(  # type: ignore[valid-type]
        name="Layer",
        items=(
            ("picture", "Picture", "The picture in hand, over every frame"),
            ("animation", "Animation", "The painted animation, as an image sequence"),
        ),
        description="What to lay over or under the render",
    )
    form: EnumProperty(  # type: ignore[valid-type]
        name="Form",
        items=(
            ("posed", "Posed", "A still mesh in the pose of this frame"),
            ("rest", "At Rest", "A still mesh in the rest pose"),
            ("rigged", "Rigged", "With bones and skin, posed as it stands"),
            ("animated", "Animated", "With bones, skin and the active actions"),
        ),
        description="What of pose and rig the GLB keeps",
    )
    preset: EnumProperty(  # type: ignore[valid-type]
        name="For",
        items=(
            ("none", "No Limits", "Meshes and textures as they are"),
            ("web", "Web Page", "At most 100,000 triangles, textures of 2048 pixels, 5 MB"),
            ("headset", "Headset", "At most 30,000 triangles, textures of 1024 pixels, 2.5 MB"),
        ),
        description="Limits that meshes and textures are made smaller for",
    )
    page: BoolProperty(  # type: ignore[valid-type]
        name="Web Page",
        description="Also write preview.html, which shows the model in any browser, offline",
    )
    turntable: BoolProperty(  # type: ignore[valid-type]
        name="Turntable",
        description="Also write turntable.gif, one turn around the person",
    )


def outputs(context: bpy.types.Context) -> HandDiffOutputs:
    """The scene's settings of its outputs."""
    return context.scene.handdiff_outputs


def register() -> None:
    bpy.utils.register_class(HandDiffOutputs)
    bpy.types.Scene.handdiff_outputs = PointerProperty(type=HandDiffOutputs)


def unregister() -> None:
    del bpy.types.Scene.handdiff_outputs
    bpy.utils.unregister_class(HandDiffOutputs)
