# SPDX-License-Identifier: GPL-3.0-or-later
"""File > Export and File > Import of OpenPose poses."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy_extras.io_utils import ExportHelper, ImportHelper

from ..handdiff_addon.errors import UsageError
from ..handdiff_addon.files import write_json
from . import passes, people
from .base import Refusing
from .scene_request import to_skeleton

MENU_TEXT = "OpenPose Pose (.json)"


class HANDDIFF_OT_export_pose(Refusing, bpy.types.Operator, ExportHelper):
    """Save the people's body, hands and face of this frame, as the camera sees them, as OpenPose JSON"""

    bl_idname = "handdiff.export_pose"
    bl_label = "Export OpenPose"

    filename_ext = ".json"
    filter_glob: bpy.props.StringProperty(default="*.json", options={"HIDDEN"})  # type: ignore[valid-type]

    @classmethod
    def problem(cls, context: bpy.types.Context) -> str:
        return people.scene_problem(context)

    def run(self, context: bpy.types.Context) -> None:
        from ..handdiff_addon.conditioning.openpose import to_openpose

        frame = passes.render(context)
        skeleton = to_skeleton(context.scene.handdiff)
        write_json(Path(self.filepath), to_openpose(frame.people, frame.camera, frame.frame, skeleton))
        self.tell("INFO", f"Saved {self.filepath}")


class HANDDIFF_OT_import_pose(Refusing, bpy.types.Operator, ImportHelper):
    """Draw the skeleton of an OpenPose JSON file as the image HandDiff skeleton; nothing else in the file changes"""

    bl_idname = "handdiff.import_pose"
    bl_label = "Import OpenPose"
    bl_options = {"UNDO"}

    filename_ext = ".json"
    filter_glob: bpy.props.StringProperty(default="*.json", options={"HIDDEN"})  # type: ignore[valid-type]

    def run(self, context: bpy.types.Context) -> None:
        from ..handdiff_addon.conditioning.openpose import read_pose
        from ..handdiff_addon.conditioning.skeleton import draw_skeleton
        from ..handdiff_addon.scene.cameras import render_size
        from ..handdiff_addon.scene.images import keep_image

        pose = read_pose(Path(self.filepath), render_size(context.scene))
        if not pose.people:
            raise UsageError(f"{self.filepath} holds nobody: choose a pose with a person.")
        skeleton = to_skeleton(context.scene.handdiff)
        image = keep_image("skeleton", draw_skeleton(pose.people, pose.width, pose.height, skeleton))
        for area in context.screen.areas if context.screen else ():
            if area.type == "IMAGE_EDITOR":
                area.spaces.active.image = image
        who = "1 person" if len(pose.people) == 1 else f"{len(pose.people)} people"
        self.tell("INFO", f'{who}, {pose.width} x {pose.height} pixels, in the image "{image.name}"')


def _draw_export(self: bpy.types.Menu, _context: bpy.types.Context) -> None:
    self.layout.operator(HANDDIFF_OT_export_pose.bl_idname, text=MENU_TEXT)


def _draw_import(self: bpy.types.Menu, _context: bpy.types.Context) -> None:
    self.layout.operator(HANDDIFF_OT_import_pose.bl_idname, text=MENU_TEXT)


def register() -> None:
    bpy.utils.register_class(HANDDIFF_OT_export_pose)
    bpy.utils.register_class(HANDDIFF_OT_import_pose)
    bpy.types.TOPBAR_MT_file_export.append(_draw_export)
    bpy.types.TOPBAR_MT_file_import.append(_draw_import)


def unregister() -> None:
    bpy.types.TOPBAR_MT_file_import.remove(_draw_import)
    bpy.types.TOPBAR_MT_file_export.remove(_draw_export)
    bpy.utils.unregister_class(HANDDIFF_OT_import_pose)
    bpy.utils.unregister_class(HANDDIFF_OT_export_pose)
