# SPDX-License-Identifier: GPL-3.0-or-later
"""The panels of the HandDiff tab, in the order of work."""

from __future__ import annotations

import bpy

from ..handdiff_addon.errors import SceneError, UsageError
from ..operators import passes, people
from ..operators.generate import HANDDIFF_OT_free_memory, HANDDIFF_OT_new_seed
from ..operators.passes import HANDDIFF_OT_render_passes
from ..operators.preferences import preferences
from ..operators.sample import HANDDIFF_OT_add_sample_human
from ..operators.scene_request import frame_prompt, own_model
from ..operators.text import wrapped
from ..operators.translations import translated
from . import overlay, presets, recognition


class HandDiffPanel:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "HandDiff"


class HANDDIFF_PT_pose(HandDiffPanel, bpy.types.Panel):
    bl_label = "Pose"
    bl_idname = "HANDDIFF_PT_pose"

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.handdiff
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        found = people.people(context)
        layout.prop(settings, "armature", placeholder=_listed(found))
        try:
            camera = people.camera(context).name
        except SceneError:
            camera = ""
        layout.prop(settings, "camera", placeholder=camera)
        chosen = overlay.selected(context)
        problem = people.scene_problem(context)
        if problem and (found or not chosen):
            wrapped(layout, context, problem, icon="ERROR" if found else "INFO", alert=bool(found))
        if not found and context.mode == "OBJECT":
            button = layout.operator(
                HANDDIFF_OT_add_sample_human.bl_idname, text="Add Sample Human", icon="ARMATURE_DATA"
            )
            button.stage = not bpy.data.filepath or context.scene.camera is None
        for armature in (chosen or found)[:3]:
            recognition.draw(layout, context, armature)


def _listed(found: list[bpy.types.Object]) -> str:
    return found[0].name if len(found) == 1 else f"All {len(found)} people" if found else ""


class HANDDIFF_PT_passes(HandDiffPanel, bpy.types.Panel):
    bl_label = "Passes"
    bl_idname = "HANDDIFF_PT_passes"
    bl_parent_id = "HANDDIFF_PT_pose"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.handdiff
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "style")
        shown = layout.column(heading="Show")
        shown.prop(settings, "occluded")
        shown.prop(settings, "hidden_hands")
        shown.prop(settings, "face")
        layout.prop(settings, "max_people")
        chosen = layout.grid_flow(columns=2, align=True)
        chosen.use_property_split = False
        chosen.prop(settings, "passes")
        written = layout.column(heading="Write")
        written.prop(settings, "frame_range")
        row = written.row()
        row.active = not settings.frame_range
        row.prop(settings, "images")
        if passes.progress:
            done, wanted = passes.progress
            layout.progress(factor=done / wanted, text=translated(f"{done} of {wanted} frames, Esc stops"))
        else:
            layout.operator(HANDDIFF_OT_render_passes.bl_idname, icon="RENDERLAYERS")


class HANDDIFF_PT_prompt(HandDiffPanel, bpy.types.Panel):
    bl_label = "Prompt"
    bl_idname = "HANDDIFF_PT_prompt"

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        presets.draw(self.layout, context, "style")

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.handdiff
        layout = self.layout
        column = layout.column(align=True)
        column.prop(settings, "prompt", text="", icon="GREASEPENCIL", placeholder="What to paint")
        column.prop(settings, "look", text="", icon="BRUSH_DATA", placeholder="Look, such as a medium or the light")
        column.prop(settings, "negative_prompt", text="", icon="REMOVE", placeholder="What to keep out")
        column = layout.column()
        column.use_property_split = True
        row = column.row(align=True)
        row.prop(settings, "seed")
        row.operator(HANDDIFF_OT_new_seed.bl_idname, text="", icon="FILE_REFRESH")
        column.prop(settings, "prompt_from")
        if settings.prompt_from == "TEXT":
            column.prop(settings, "prompt_text")
        if settings.prompt_from != "FIELD":
            try:
                wrapped(layout, context, f"At frame {context.scene.frame_current}: {frame_prompt(settings)}")
            except UsageError as error:
                wrapped(layout, context, str(error), icon="ERROR", alert=True)
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(settings, "mark")


class HANDDIFF_PT_sampling(HandDiffPanel, bpy.types.Panel):
    bl_label = "Model and Steps"
    bl_idname = "HANDDIFF_PT_sampling"
    bl_parent_id = "HANDDIFF_PT_prompt"
    bl_options = {"DEFAULT_CLOSED"}

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        presets.draw(self.layout, context, "quality")

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.handdiff
        layout = self.layout
        layout.use_property_split = True
        models = layout.column()
        models.use_property_decorate = False
        model = preferences().model_folder
        models.prop(settings, "model", placeholder=model or "Embedded")
        stock = not own_model(settings)
        if stock:
            models.prop(settings, "controlnets", placeholder="openpose=NAME, depth=NAME")
            models.prop(settings, "vae", placeholder="The model's own")
        models.prop(settings, "hand_model", placeholder="None: the model itself" if stock else "The model's own")
        if stock:
            models.prop(settings, "reference", placeholder="Picture whose look to take")
            if settings.reference:
                models.prop(settings, "reference_scale", slider=True)
        steps = layout.column(align=True)
        steps.prop(settings, "hand_steps", text="Steps  Hands")
        steps.prop(settings, "steps", text="Body")
        layout.prop(settings, "best_of")
        hands = layout.row()
        hands.active = stock or not settings.hand_steps  # to a model of HandDiff's own it says the steps alone
        hands.prop(settings, "preset", expand=True)
        strengths = layout.column(align=True)
        strengths.prop(settings, "guidance_scale")
        strengths.prop(settings, "control_scale")
        strengths.prop(settings, "strength", slider=True)
        if not (settings.hand_steps and settings.steps and settings.guidance_scale):
            note = layout.row()
            note.alignment, note.active = "RIGHT", False
            note.label(text="0: as the model likes")
        if stock or settings.upscale:
            layout.prop(settings, "upscale")
        layout.operator(HANDDIFF_OT_free_memory.bl_idname, icon="TRASH")


class HANDDIFF_PT_blending(HandDiffPanel, bpy.types.Panel):
    bl_label = "Blending"
    bl_idname = "HANDDIFF_PT_blending"
    bl_options = {"DEFAULT_CLOSED"}

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        presets.draw(self.layout, context, "blending")

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.handdiff
        layout = self.layout
        layout.use_property_split = True
        layout.prop(settings, "paint")
        layout.column(heading="Stages").prop(settings, "two_stages")
        column = layout.column()
        column.active = settings.two_stages
        column.prop(settings, "mask_source")
        if settings.mask_source == "auto":
            column.prop(settings, "auto_mask_iou", slider=True)
        span = column.column(align=True)
        span.prop(settings, "start", slider=True)
        span.prop(settings, "end", slider=True)
        growth = column.column(align=True)
        growth.prop(settings, "rim")
        growth.prop(settings, "expansions")
        growth.prop(settings, "cells")
        switches = column.column(heading="Hands")
        switches.prop(settings, "renoise", text="Renoise")
        switches.prop(settings, "final_paste")


CLASSES = (
    HANDDIFF_PT_pose,
    HANDDIFF_PT_passes,
    HANDDIFF_PT_prompt,
    HANDDIFF_PT_sampling,
    HANDDIFF_PT_blending,
)

register, unregister = bpy.utils.register_classes_factory(CLASSES)
