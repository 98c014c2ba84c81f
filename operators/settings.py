# SPDX-License-Identifier: GPL-3.0-or-later
"""The scene's settings."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

from ..handdiff_addon.models.reference import ReferenceChoice
from ..handdiff_addon.request import DEFAULT_PASSES, MAX_PEOPLE, MAX_STEPS, GenerationRequest

SEEDS = 2**31
"""Seeds that a whole number of Blender's can hold"""

_DEFAULT = GenerationRequest(prompt="")
_EXPANSION = _DEFAULT.expansion


def _is_armature(_settings: object, item: bpy.types.Object) -> bool:
    return item.type == "ARMATURE" and item.name in bpy.context.scene.objects


def _is_camera(_settings: object, item: bpy.types.Object) -> bool:
    return item.type == "CAMERA" and item.name in bpy.context.scene.objects


def _start_changed(self: HandDiffSettings, _context: bpy.types.Context) -> None:
    if self.end < self.start:
        self.end = self.start


def _end_changed(self: HandDiffSettings, _context: bpy.types.Context) -> None:
    if self.start > self.end:
        self.start = self.end


class HandDiffSettings(bpy.types.PropertyGroup):
    """What a generation of this scene depends on; mirrors ``GenerationRequest``."""

    armature: PointerProperty(  # type: ignore[valid-type]
        name="Armature",
        type=bpy.types.Object,
        poll=_is_armature,
        description="The person to paint. Empty: every humanoid armature in the scene",
    )
    camera: PointerProperty(  # type: ignore[valid-type]
        name="Camera",
        type=bpy.types.Object,
        poll=_is_camera,
        description="The camera to paint through. Empty: the scene's own, as timeline markers bind it",
    )
    style: EnumProperty(  # type: ignore[valid-type]
        name="Skeleton",
        default=_DEFAULT.skeleton.style,
        description="How the skeleton is drawn for the model",
        items=(
            ("classic", "Classic", "Thin limbs, as ControlNets for OpenPose usually learn"),
            ("xinsir", "Xinsir", "Limbs that thicken with the picture, as the xinsir ControlNets learn"),
            ("mediapipe-hands", "MediaPipe Hands", "Hands alone, in MediaPipe's colours"),
        ),
    )
    occluded: BoolProperty(  # type: ignore[valid-type]
        name="Occluded Joints",
        default=_DEFAULT.skeleton.occluded,
        description="Draw body joints that something hides, as ControlNets see them in training",
    )
    hidden_hands: BoolProperty(  # type: ignore[valid-type]
        name="Hidden Hands",
        default=_DEFAULT.skeleton.hidden_hands,
        description="Draw hands of which nothing is seen, too",
    )
    face: BoolProperty(  # type: ignore[valid-type]
        name="Face",
        default=_DEFAULT.skeleton.face,
        description="Draw the face's points, where the rig has them",
    )
    max_people: IntProperty(  # type: ignore[valid-type]
        name="People",
        default=MAX_PEOPLE,
        min=1,
        soft_max=16,
        description="How many people at most; the nearest are taken",
    )
    passes: EnumProperty(  # type: ignore[valid-type]
        name="Passes",
        options={"ENUM_FLAG"},
        default=set(DEFAULT_PASSES),
        description="Which passes to render",
        items=(
            ("skeleton", "Skeleton", "Body, hands and face as pose ControlNets know them"),
            ("hands_mask", "Hands Mask", "What the camera sees of all hands"),
            ("left_hand_mask", "Left Hand", "What the camera sees of left hands"),
            ("right_hand_mask", "Right Hand", "What the camera sees of right hands"),
            ("person_mask", "Person Mask", "What the camera sees of the people"),
            ("depth", "Depth", "Relative depth of the people, near is white"),
            ("metric_depth", "Metric Depth", "Depth in millimetres, 16 bit"),
            ("hand_depth", "Hand Depth", "Depth of each hand by itself, for hand refining ControlNets"),
            ("normal", "Normal", "Surface normals in the colours of normalbae"),
            ("segmentation", "Segmentation", "People in the colours of ADE20K"),
            ("pose", "Pose", "Keypoints as OpenPose JSON"),
            ("hands_openxr", "OpenXR Hands", "The hands' joints with orientations as JSON, for AR and VR"),
        ),
    )
    frame_range: BoolProperty(  # type: ignore[valid-type]
        name="All Frames",
        options=set(),
        description="Render the scene's frame range, as an image sequence for each pass",
    )
    images: BoolProperty(  # type: ignore[valid-type]
        name="As Blender Images",
        options=set(),
        description="Also keep this frame's passes as images in the file, where nodes and the image editor find them",
    )
    prompt: StringProperty(  # type: ignore[valid-type]
        name="Prompt",
        default="a person in a red shirt, blue background",
        description="What to paint: the person, the clothes, the background",
    )
    prompt_from: EnumProperty(  # type: ignore[valid-type]
        name="Prompt From",
        options=set(),
        description="Where the prompt of each frame comes from",
        items=(
            ("FIELD", "This Field", "One prompt for all frames"),
            ("TEXT", "Text", 'A text of lines such as "24: a person waving", each from that frame on'),
            ("MARKERS", "Markers", 'Timeline markers named such as "prompt: a person waving", each from there on'),
        ),
    )
    prompt_text: PointerProperty(  # type: ignore[valid-type]
        name="Text",
        type=bpy.types.Text,
        description='Lines such as "24: a person waving"; before the first frame named, the field above holds',
    )
    look: StringProperty(  # type: ignore[valid-type]
        name="Look",
        description="What follows every prompt, such as a medium or the light; style presets set it",
    )
    mark: BoolProperty(  # type: ignore[valid-type]
        name="Mark Picture",
        options=set(),
        description='Write "AI generated" into the corner of the saved picture. Its file says so inside in any case',
    )
    homes: StringProperty(options={"HIDDEN"})  # type: ignore[valid-type]
    negative_prompt: StringProperty(  # type: ignore[valid-type]
        name="Negative",
        description="What to keep out of the picture",
    )
    seed: IntProperty(  # type: ignore[valid-type]
        name="Seed",
        default=_DEFAULT.seed,
        min=0,
        description="The same seed and settings give the same picture",
    )
    steps: IntProperty(  # type: ignore[valid-type]
        name="Body Steps",
        default=0,
        min=0,
        max=MAX_STEPS,
        soft_max=100,
        description="Denoising steps of the body stage: more are slower and finer; 0: as many as the model likes",
    )
    hand_steps: IntProperty(  # type: ignore[valid-type]
        name="Hand Steps",
        default=0,
        min=0,
        max=MAX_STEPS,
        soft_max=100,
        description="Denoising steps of the hand stage; 0: as many as Fast or Quality, below, makes of the body's",
    )
    guidance_scale: FloatProperty(  # type: ignore[valid-type]
        name="Guidance",
        default=0.0,
        min=0.0,
        max=30.0,
        soft_max=12.0,
        description="How strictly the picture follows the prompt; 1 is off, 0: as the model likes",
    )
    preset: EnumProperty(  # type: ignore[valid-type]
        name="Hands",
        default=_DEFAULT.preset,
        items=(
            ("fast", "Fast", "Half the steps for the hands, and with a stock model smaller crops"),
            ("quality", "Quality", "As many steps for the hands as for the body, in crops as large as the canvas"),
        ),
        description="What the hand stage may cost",
    )
    strength: FloatProperty(  # type: ignore[valid-type]
        name="Strength",
        default=_DEFAULT.strength,
        min=0.05,
        max=1.0,
        description="Below 1, painting begins from the rendered frame, and the less, the closer it stays",
    )
    upscale: BoolProperty(  # type: ignore[valid-type]
        name="Upscale",
        default=_DEFAULT.upscale,
        description="Paint the picture over once more at the render's size; for stock models",
    )
    control_scale: FloatProperty(  # type: ignore[valid-type]
        name="Pose Strength",
        default=_DEFAULT.control_scale,
        min=0.0,
        max=4.0,
        soft_max=2.0,
        description="How strictly the body follows the skeleton",
    )
    model: StringProperty(  # type: ignore[valid-type]
        name="Model",
        subtype="FILE_PATH",
        description="Model folder, or a checkpoint of the SD 1.5 or SDXL family in one .safetensors file. "
        "Empty: the preferences' default, else the model that comes with HandDiff",
    )
    controlnets: StringProperty(  # type: ignore[valid-type]
        name="ControlNets",
        description="For a stock model: ROLE=NAME@SCALE, separated by commas, as in openpose=control_openpose@0.9. "
        "ROLE is openpose, depth, hand_depth, normal or inpaint; where HandDiff knows the file, NAME is enough",
    )
    vae: StringProperty(  # type: ignore[valid-type]
        name="VAE",
        subtype="FILE_PATH",
        description="Autoencoder in place of a stock model's own. Empty: the model's own",
    )
    hand_model: StringProperty(  # type: ignore[valid-type]
        name="Hand Model",
        subtype="FILE_PATH",
        description="Hand generator trained for this model, a folder. Empty: the model's own, or the model itself",
    )
    reference: StringProperty(  # type: ignore[valid-type]
        name="Reference",
        subtype="FILE_PATH",
        description="Picture whose look a stock model takes over by an IP-Adapter from the model folders. "
        "To name the adapter, write ADAPTER=PICTURE",
    )
    reference_scale: FloatProperty(  # type: ignore[valid-type]
        name="Weight",
        default=ReferenceChoice.scale,
        min=0.0,
        max=2.0,
        soft_max=1.0,
        description="How much of the reference picture's look is taken over",
    )
    two_stages: BoolProperty(  # type: ignore[valid-type]
        name="Hands First",
        default=_DEFAULT.two_stages,
        description="Paint the hands in a stage of their own, then the body around them. Off: everything in one go",
    )
    best_of: IntProperty(  # type: ignore[valid-type]
        name="Best Of",
        default=_DEFAULT.best_of,
        min=1,
        max=64,
        soft_max=8,
        description="Paint the hands this many times and keep the ones that fit the rig best",
    )
    mask_source: EnumProperty(  # type: ignore[valid-type]
        name="Hand Mask",
        default=_DEFAULT.mask_source,
        description="Which mask tells hand from body when the body is painted around the hands",
        items=(
            ("predicted", "Predicted", "The mask that the hand model predicts with its picture"),
            ("rendered", "Rendered", "The mask that the camera sees of the rig"),
            ("auto", "Auto", "Predicted, unless it strays too far from the rendered one"),
        ),
    )
    auto_mask_iou: FloatProperty(  # type: ignore[valid-type]
        name="Least Overlap",
        default=_DEFAULT.auto_mask_iou,
        min=0.0,
        max=1.0,
        description="Overlap (IoU) with the rendered mask under which Auto takes the rendered one",
    )
    paint: EnumProperty(  # type: ignore[valid-type]
        name="Paint",
        default=_DEFAULT.paint,
        description="What the body stage may paint",
        items=(
            ("everything", "Everything", "Person and background; the prompt names both"),
            ("person", "Person Only", "Pixels outside the person stay as they are"),
        ),
    )
    start: FloatProperty(  # type: ignore[valid-type]
        name="Expansion Start",
        default=_EXPANSION.start,
        min=0.0,
        max=1.0,
        update=_start_changed,
        description="Part of the steps after which the body starts to grow into the hands' rim",
    )
    end: FloatProperty(  # type: ignore[valid-type]
        name="End",
        default=_EXPANSION.end,
        min=0.0,
        max=1.0,
        update=_end_changed,
        description="Part of the steps after which nothing is held and the model is free",
    )
    expansions: IntProperty(  # type: ignore[valid-type]
        name="Expansions",
        default=_EXPANSION.expansions,
        min=0,
        max=64,
        soft_max=8,
        description="How many times the painted region grows between start and end",
    )
    cells: IntProperty(  # type: ignore[valid-type]
        name="Cells",
        default=_EXPANSION.cells,
        min=0,
        max=64,
        soft_max=8,
        description="By how many latent cells it grows each time",
    )
    rim: IntProperty(  # type: ignore[valid-type]
        name="Rim",
        default=_EXPANSION.rim,
        min=0,
        max=64,
        soft_max=8,
        description="By how many latent cells the held region is larger than the hand mask at first",
    )
    renoise: BoolProperty(  # type: ignore[valid-type]
        name="Renoise Hands",
        default=_EXPANSION.renoise,
        description="Noise the held hands to the level of each step, as the body around them is",
    )
    final_paste: BoolProperty(  # type: ignore[valid-type]
        name="Final Paste",
        default=_EXPANSION.final_paste,
        description="Lay the core of the hands over the finished picture, with a soft edge",
    )
    steady: BoolProperty(  # type: ignore[valid-type]
        name="Steady Pictures",
        options=set(),
        description="Paint each frame from earlier ones, carried along with the motion of the scene, so that the "
        "animation flickers less. Keyframes are painted first: bake simulations before",
    )
    picture: EnumProperty(  # type: ignore[valid-type]
        name="Picture",
        options=set(),
        default="image",
        description="Which picture of the latest run to look at",
        items=(
            ("image", "Picture", "The finished picture"),
            ("hands", "Hands", "The hands of the first stage"),
            ("skeleton", "Skeleton", "The skeleton that the model saw"),
            ("depth", "Depth", "Depth, near is white"),
        ),
    )


def register() -> None:
    bpy.utils.register_class(HandDiffSettings)
    bpy.types.Scene.handdiff = PointerProperty(type=HandDiffSettings)


def unregister() -> None:
    del bpy.types.Scene.handdiff
    bpy.utils.unregister_class(HandDiffSettings)
