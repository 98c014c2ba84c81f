# SPDX-License-Identifier: GPL-3.0-or-later
"""The panels of the HandDiff tab, in the order of work."""

from __future__ import annotations

import bpy

from ..handdiff_addon.errors import SceneError
from ..operators import passes, people, session
from ..operators.engine_box import draw_missing
from ..operators.generate import HANDDIFF_OT_cancel, HANDDIFF_OT_generate, HANDDIFF_OT_new_seed
from ..operators.passes import HANDDIFF_OT_render_passes
from ..operators.preferences import engine_problem, preferences, results_folder
from ..operators.results import (
    HANDDIFF_OT_apply_layer,
    HANDDIFF_OT_apply_texture,
    HANDDIFF_OT_export_glb,
    HANDDIFF_OT_open_folder,
    HANDDIFF_OT_open_image,
    HANDDIFF_OT_remove_layer,
    HANDDIFF_OT_restore_materials,
    latest_picture,
    shown_picture,
)
from ..operators.sample import HANDDIFF_OT_add_sample_human
from ..operators.text import wrapped
from . import overlay, recognition
from .thumbnails import icon


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
            layout.operator(HANDDIFF_OT_add_sample_human.bl_idname, text="Add Sample Human", icon="ARMATURE_DATA")
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
            layout.progress(factor=done / wanted, text=f"{done} of {wanted} frames, Esc stops")
        else:
            layout.operator(HANDDIFF_OT_render_passes.bl_idname, icon="RENDERLAYERS")


class HANDDIFF_PT_prompt(HandDiffPanel, bpy.types.Panel):
    bl_label = "Prompt"
    bl_idname = "HANDDIFF_PT_prompt"

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.handdiff
        layout = self.layout
        column = layout.column(align=True)
        column.prop(settings, "prompt", text="", icon="GREASEPENCIL", placeholder="What to paint")
        column.prop(settings, "negative_prompt", text="", icon="REMOVE", placeholder="What to keep out")
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        row = column.row(align=True)
        row.prop(settings, "seed")
        row.operator(HANDDIFF_OT_new_seed.bl_idname, text="", icon="FILE_REFRESH")


class HANDDIFF_PT_sampling(HandDiffPanel, bpy.types.Panel):
    bl_label = "Model and Steps"
    bl_idname = "HANDDIFF_PT_sampling"
    bl_parent_id = "HANDDIFF_PT_prompt"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.handdiff
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "model", placeholder=preferences().model_folder or "Embedded")
        steps = layout.column(align=True)
        steps.prop(settings, "hand_steps", text="Steps  Hands")
        steps.prop(settings, "steps", text="Body")
        strengths = layout.column(align=True)
        strengths.prop(settings, "guidance_scale")
        strengths.prop(settings, "control_scale")


class HANDDIFF_PT_blending(HandDiffPanel, bpy.types.Panel):
    bl_label = "Blending"
    bl_idname = "HANDDIFF_PT_blending"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.handdiff
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "paint")
        layout.column(heading="Stages").prop(settings, "two_stages")
        column = layout.column()
        column.active = settings.two_stages
        column.prop(settings, "best_of")
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


class HANDDIFF_PT_generate(HandDiffPanel, bpy.types.Panel):
    bl_label = "Generate"
    bl_idname = "HANDDIFF_PT_generate"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        run = session.run
        if run is not None:
            row = layout.row(align=True)
            row.scale_y = 1.5
            row.progress(factor=run.fraction, text=run.text)
            row.operator(HANDDIFF_OT_cancel.bl_idname, text="", icon="X")
        else:
            row = layout.row()
            row.scale_y = 1.5
            row.operator(HANDDIFF_OT_generate.bl_idname, icon="RENDER_STILL")
            draw_missing(layout, context)
            problem = engine_problem() or people.scene_problem(context)
            if not problem and (problem := HANDDIFF_OT_generate.problem(context)):
                wrapped(layout, context, problem, icon="INFO")
        if session.message:
            wrapped(layout, context, session.message, icon="ERROR" if session.failed else "INFO", alert=session.failed)


class HANDDIFF_PT_result(HandDiffPanel, bpy.types.Panel):
    bl_label = "Result"
    bl_idname = "HANDDIFF_PT_result"

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.handdiff
        layout = self.layout
        picture = shown_picture(settings.picture)
        if picture or latest_picture():
            layout.row().prop(settings, "picture", expand=True)
            if picture:
                scale = context.region.width / context.preferences.system.ui_scale / 24
                layout.template_icon(icon(picture), scale=max(6.0, scale))
            else:
                layout.label(text="The latest run has no such picture", icon="INFO")
        if session.latest is not None and session.latest.folder == results_folder():
            for warning in session.latest.warnings:
                wrapped(layout, context, warning, icon="ERROR")
        row = layout.row(align=True)
        row.operator(HANDDIFF_OT_open_image.bl_idname, icon="IMAGE_DATA")
        row.operator(HANDDIFF_OT_open_folder.bl_idname, icon="FILE_FOLDER")
        column = layout.column(align=True)
        for apply, remove, text, symbol in (
            (HANDDIFF_OT_apply_texture, HANDDIFF_OT_restore_materials, "Apply as Texture", "TEXTURE"),
            (HANDDIFF_OT_apply_layer, HANDDIFF_OT_remove_layer, "Add as Layer", "NODE_COMPOSITING"),
        ):
            row = column.row(align=True)
            row.operator(apply.bl_idname, text=text, icon=symbol)
            row.operator(remove.bl_idname, text="", icon="LOOP_BACK")
        layout.operator(HANDDIFF_OT_export_glb.bl_idname, icon="EXPORT")


CLASSES = (
    HANDDIFF_PT_pose,
    HANDDIFF_PT_passes,
    HANDDIFF_PT_prompt,
    HANDDIFF_PT_sampling,
    HANDDIFF_PT_blending,
    HANDDIFF_PT_generate,
    HANDDIFF_PT_result,
)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
