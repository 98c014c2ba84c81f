# SPDX-License-Identifier: GPL-3.0-or-later
"""Rendering the frame itself, for painting the person alone."""

from __future__ import annotations

import signal

import numpy as np
import pytest


def test_the_frame_is_rendered_as_the_file_of_the_render_and_settings_stay(empty_scene):
    import bpy

    from handdiff_addon.scene.render import FrameRender

    scene = empty_scene
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(camera)
    scene.camera = camera
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising = 1, False
    scene.view_settings.view_transform = "Standard"
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 640, 480, 25
    scene.render.use_stamp, scene.render.stamp_font_size = True, 12
    scene.world = bpy.data.worlds.new("World")
    scene.world.use_nodes = True
    scene.world.node_tree.nodes["Background"].inputs["Color"].default_value = (1.0, 0.0, 0.0, 1.0)
    before = (
        scene.render.use_stamp,
        scene.render.filepath,
        scene.render.resolution_x,
        scene.render.resolution_percentage,
        len(bpy.data.scenes),
    )

    with FrameRender(scene, camera, (32, 24)) as render:
        picture = render.picture()

    assert picture.shape == (24, 32, 3) and picture.dtype == np.uint8
    assert np.abs(picture.astype(int) - (255, 0, 0)).max() <= 2
    assert before == (
        scene.render.use_stamp,
        scene.render.filepath,
        scene.render.resolution_x,
        scene.render.resolution_percentage,
        len(bpy.data.scenes),
    )


def test_a_render_that_was_stopped_is_no_picture(empty_scene):
    """Blender leaves half a picture where an undone step or another file ends the render: its copy is gone then."""
    import bpy

    from handdiff_addon.errors import Cancelled
    from handdiff_addon.scene.render import FrameRender, remove_leftovers

    scene = empty_scene
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(camera)
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising = 1, False
    with FrameRender(scene, camera, (16, 16)) as render:
        render.check()
        remove_leftovers()
        with pytest.raises(Cancelled, match="stopped"):
            render.check()
    assert list(bpy.data.scenes) == [scene]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_in_the_middle_of_a_render_is_heeded(empty_scene, number):
    """Blender drops what is raised in the Python that a render calls: Ctrl-C while a data set renders was lost."""
    import bpy

    from handdiff_addon.scene.render import FrameRender

    scene = empty_scene
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(camera)
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising = 1, False
    before = signal.signal(number, signal.default_int_handler)

    def interrupt(*_):
        signal.raise_signal(number)

    bpy.app.handlers.render_pre.append(interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            FrameRender(scene, camera, (16, 16))
        assert signal.getsignal(number) is signal.default_int_handler
    finally:
        bpy.app.handlers.render_pre.remove(interrupt)
        # Blender itself may have set one, which Python does not see and cannot put back.
        signal.signal(number, signal.SIG_DFL if before is None else before)
    assert [other.name for other in bpy.data.scenes] == [scene.name]
