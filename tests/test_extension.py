# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension as an artist meets it: the built zip, installed into a Blender profile, enabled, used, disabled."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]


def test_zip_holds_what_runs_and_nothing_else(package: Path) -> None:
    with zipfile.ZipFile(package) as archive:
        names = archive.namelist()
        manifest = tomllib.loads(archive.read("blender_manifest.toml").decode())
    tops = {name.split("/")[0] for name in names}
    assert tops == {
        "__init__.py", "blender_manifest.toml", "LICENSE", "handdiff_addon", "operators", "panels", "wheels",
    }  # fmt: skip
    assert not [n for n in names if "__pycache__" in n or n.endswith(".pyc") or "/." in n or "test" in Path(n).name]
    for python in ("cp311", "cp313", "cp314"):
        assert [n for n in names if n.startswith("wheels/pillow") and python in n]
    assert sorted(n for n in names if n.startswith("wheels/")) == sorted(w[2:] for w in manifest["wheels"])
    weights = sorted((ROOT / "handdiff_addon" / "models" / "embedded").rglob("*.safetensors"))
    assert {w.relative_to(ROOT).as_posix() for w in weights} <= set(names), "embedded weights are left out"


def test_committed_manifest_is_valid(builder: ModuleType) -> None:
    done = subprocess.run([*builder.builder(), "validate", str(ROOT)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_versions_agree() -> None:
    from handdiff_addon import __version__

    assert tomllib.loads((ROOT / "blender_manifest.toml").read_text())["version"] == __version__


def test_no_index_is_one_sentence(tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'tools')!r})\n"
        "from pathlib import Path; import build_extension as b\n"
        "try:\n    b.fetch_wheels(['linux-x64'], Path(sys.argv[1]))\nexcept b.BuildError as e:\n    print(e)"
    )
    env = {**os.environ, "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
    env.pop("PIP_FIND_LINKS", None)
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], env=env, capture_output=True, text=True, check=True
    )
    assert "cannot be fetched" in done.stdout and "check that pip reaches a package index" in done.stdout
    assert done.stdout.count("\n") == 1


def test_enables_without_a_warning_and_disables_cleanly(blender) -> None:
    reports, output = blender("""
menu = len(bpy.types.VIEW3D_MT_armature_add.draw._draw_funcs)
bpy.ops.preferences.addon_disable(module=KEY)
left = [n for n in dir(bpy.types) if n.upper().startswith("HANDDIFF")]
report(left=left, scene=hasattr(bpy.types.Scene, "handdiff"), operators=dir(bpy.ops.handdiff),
       menu=menu - len(bpy.types.VIEW3D_MT_armature_add.draw._draw_funcs),
       timers=bpy.app.timers.is_registered(sys.modules[KEY + ".operators.session"]._tick))
bpy.ops.preferences.addon_enable(module=KEY)
bpy.ops.preferences.addon_disable(module=KEY)
bpy.ops.preferences.addon_enable(module=KEY)
report(again=hasattr(bpy.types.Scene, "handdiff"), torch="torch" in sys.modules,
       policy=[str(w) for w in addon_utils._extensions_warnings_get().get(KEY, ())])
""")
    assert reports["left"] == [] and reports["operators"] == [] and not reports["scene"] and reports["menu"] == 1
    assert not reports["timers"]
    assert reports["again"]
    assert not reports["torch"], "torch is imported before anybody asked for a picture"
    assert reports["policy"] == []
    # What Blender itself says of the machine's disks is none of ours.
    said = "".join(line for line in output.splitlines(True) if "system.path" not in line)
    for word in ("Traceback", "Warning", "WARN", "Error"):
        assert word not in said


def test_passes_of_the_sample_human(blender) -> None:
    reports, _ = blender("""
report(empty=refusal(bpy.ops.handdiff.render_passes))
bpy.ops.handdiff.add_sample_human()
report(added=bpy.context.object.type, camera=refusal(bpy.ops.handdiff.render_passes))
camera = bpy.data.objects.new("Eye", bpy.data.cameras.new("Eye"))
camera.location, camera.rotation_euler = (0, -4, 1), (1.5708, 0, 0)
bpy.context.scene.collection.objects.link(camera)
bpy.context.scene.camera = camera
bpy.context.scene.render.resolution_x = bpy.context.scene.render.resolution_y = 128
unsaved = bpy.ops.handdiff.render_passes()
import os
user = next((Path(os.environ["HANDDIFF_HOME"]) / "pictures").iterdir())
bpy.ops.wm.save_as_mainfile(filepath=str(Path("my scene.blend").absolute()))
saved = bpy.ops.handdiff.render_passes()
again = bpy.ops.handdiff.render_passes()
beside = Path("handdiff/my scene/passes")
names = lambda folder: sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []
report(unsaved=names(user / "passes"), saved=names(beside), earlier=names(beside / "previous" / "1"))
bpy.context.scene.handdiff.camera = camera
bpy.context.scene.handdiff.armature = bpy.context.object
report(named=sorted(bpy.ops.handdiff.render_passes()))
bpy.data.objects.remove(bpy.context.object)
report(deleted=refusal(bpy.ops.handdiff.render_passes))
""")
    assert "no armature" in reports["empty"] and "Sample Human" in reports["empty"]
    assert reports["added"] == "ARMATURE"
    assert "camera" in reports["camera"]
    expected = {"skeleton.png", "hands_mask.png", "left_hand_mask.png", "right_hand_mask.png", "depth.png", "pose.json"}
    assert expected <= set(reports["unsaved"])
    assert expected <= set(reports["saved"]) and expected <= set(reports["earlier"])
    assert reports["named"] == ["FINISHED"]
    assert "armature" in reports["deleted"]


def test_passes_as_images_as_sequences_and_pose_files(blender) -> None:
    reports, output = blender("""
bpy.ops.handdiff.add_sample_human()
human = bpy.context.object
camera = bpy.data.objects.new("Eye", bpy.data.cameras.new("Eye"))
camera.location, camera.rotation_euler = (0, -4, 1), (1.5708, 0, 0)
scene = bpy.context.scene
scene.collection.objects.link(camera)
scene.camera = camera
scene.render.resolution_x, scene.render.resolution_y = 96, 128
for frame, x in ((1, 0.0), (2, 90.0), (3, 0.2), (4, 0.3)):
    human.location.x = x
    human.keyframe_insert("location", frame=frame)
scene.frame_set(4)
scene.frame_start, scene.frame_end = 1, 3
bpy.ops.wm.save_as_mainfile(filepath=str(Path("scene.blend").absolute()))
settings = scene.handdiff
images = lambda: {i.name: [*i.size, i.colorspace_settings.name, bool(i.packed_file)] for i in bpy.data.images}
settings.passes = set()
report(none=refusal(bpy.ops.handdiff.render_passes))
settings.passes = {"skeleton", "person_mask", "pose"}
from bl_ext.user_default.handdiff.handdiff_addon.scene import passes
rastered = threads_of(passes, "rasterise")
bpy.ops.handdiff.render_passes()
report(without=images())
settings.images = True
bpy.ops.handdiff.render_passes()
bpy.ops.handdiff.render_passes()
report(images=images(), files=sorted(p.name for p in Path("handdiff/scene/passes").iterdir()))
settings.frame_range = True
before = [(o.name, list(o.location)) for o in scene.objects], human.select_get(), bpy.context.object == human
bpy.ops.handdiff.render_passes()
after = [(o.name, list(o.location)) for o in scene.objects], human.select_get(), bpy.context.object == human
folder = Path("handdiff/scene/passes")
sequence = sorted(p.relative_to(folder).as_posix() for p in folder.glob("*/*.*"))
report(sequence=[p for p in sequence if "previous" not in p], frame=scene.frame_current, same=before == after)
report(rastered=rastered)
scene.frame_start = scene.frame_end = 2
report(nobody=refusal(bpy.ops.handdiff.render_passes))
exported = Path("pose.json").absolute()
bpy.ops.handdiff.export_pose(filepath=str(exported))
report(exported=[len(json.loads(exported.read_text())["people"]), json.loads(exported.read_text())["canvas_width"]])
objects = len(bpy.data.objects)
foreign = Path("keypoints.json").absolute()
foreign.write_text(json.dumps({"people": [{"pose_keypoints_2d": [9.0, 20.0, 0.5] * 25}]}))
bpy.ops.handdiff.import_pose(filepath=str(foreign))
report(imported=images()["HandDiff skeleton"], objects=len(bpy.data.objects) - objects)
foreign.write_text("[1, 2")
report(broken=refusal(lambda: bpy.ops.handdiff.import_pose(filepath=str(foreign))), kept=len(images()))
menus = [bpy.types.TOPBAR_MT_file_import, bpy.types.TOPBAR_MT_file_export, bpy.types.TOPBAR_MT_render]
entries = [len(menu.draw._draw_funcs) for menu in menus]
bpy.ops.preferences.addon_disable(module=KEY)
report(menus=[before - len(menu.draw._draw_funcs) for before, menu in zip(entries, menus)])
""")
    assert "No pass is chosen" in reports["none"]
    assert reports["without"] == {}, "images were made that nobody asked for"
    assert reports["images"] == {
        "HandDiff skeleton": [96, 128, "sRGB", True],
        "HandDiff person_mask": [96, 128, "Non-Color", True],
    }
    assert {"skeleton.png", "person_mask.png", "pose.json", "previous"} == set(reports["files"])
    assert reports["sequence"] == [
        f"{name}/000{frame}.{ending}"
        for name, ending in (("person_mask", "png"), ("pose", "json"), ("skeleton", "png"))
        for frame in (1, 2, 3)
    ]
    assert reports["rastered"] == ["handdiff-passes"] * 6, "the window waits"
    assert "frame 2 are empty" in output
    assert reports["frame"] == 4 and reports["same"]
    assert "None of the 1 frames" in reports["nobody"]
    assert reports["exported"] == [1, 96]
    assert reports["imported"] == [96, 128, "sRGB", True] and reports["objects"] == 0
    assert "keypoints.json" in reports["broken"] and reports["kept"] == 2
    assert reports["menus"] == [1, 1, 1]


def test_gestures_by_the_operator_and_their_pictures(blender) -> None:
    reports, _ = blender("""
report(nobody=refusal(lambda: bpy.ops.handdiff.apply_gesture(gesture="fist")))
bpy.ops.handdiff.add_sample_human()
rig = bpy.context.object
turned = lambda: sorted(b.name for b in rig.pose.bones if b.matrix_basis.to_quaternion().angle > 0.5)
bpy.ops.handdiff.apply_gesture(gesture="fist", side="left")
report(turned=turned(), keys=rig.animation_data is not None)
bpy.context.scene.tool_settings.use_keyframe_insert_auto = True
bpy.context.scene.handdiff.armature, bpy.context.view_layer.objects.active = rig, None
bpy.ops.handdiff.apply_gesture(gesture="palm")
report(open=turned(), keyed=rig.animation_data is not None)
rig.data.pose_position = "REST"
report(resting=refusal(lambda: bpy.ops.handdiff.apply_gesture(gesture="fist")))
from bl_ext.user_default.handdiff.panels.gestures import PICTURES
from bl_ext.user_default.handdiff.handdiff_addon.rig.gestures import GESTURES
report(missing=[name for name in GESTURES if not (PICTURES / f"{name}.png").is_file()])
""")
    assert "no armature" in reports["nobody"]
    assert "LeftHandIndex2" in reports["turned"] and all("LeftHand" in name for name in reports["turned"])
    assert not reports["keys"] and reports["keyed"]
    assert not [name for name in reports["open"] if "Index" in name]
    assert "rest position" in reports["resting"]
    assert reports["missing"] == []


def test_generate_says_what_is_missing(blender, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    reports, _ = blender(f"""
preferences = bpy.context.preferences.addons[KEY].preferences
there, preferences.engine_folder = preferences.engine_folder, {str(tmp_path / "no engine")!r}
report(nobody=refusal(bpy.ops.handdiff.generate))
bpy.ops.handdiff.add_sample_human()
camera = bpy.data.objects.new("Eye", bpy.data.cameras.new("Eye"))
bpy.context.scene.collection.objects.link(camera)
bpy.context.scene.camera = camera
report(engine=refusal(bpy.ops.handdiff.generate))
preferences.engine_folder = there
bpy.context.scene.handdiff.model = {str(tmp_path / "model")!r}
report(model=refusal(bpy.ops.handdiff.generate), cancel=refusal(bpy.ops.handdiff.cancel),
       free=refusal(bpy.ops.handdiff.free_memory),
       texture=refusal(bpy.ops.handdiff.apply_texture), layer=refusal(bpy.ops.handdiff.apply_layer),
       restore=refusal(bpy.ops.handdiff.restore_materials), remove=refusal(bpy.ops.handdiff.remove_layer))
""")
    assert "no armature" in reports["nobody"]
    assert "no engine does not exist" in reports["engine"]
    assert "model_index.json" in reports["model"]
    assert "Nothing is being painted" in reports["cancel"]
    assert "No model is loaded" in reports["free"]
    assert "no picture" in reports["texture"] and "no picture" in reports["layer"]
    assert "No object" in reports["restore"] and "no HandDiff layer" in reports["remove"]
    for sentence in reports.values():
        assert "Traceback" not in sentence


def test_generate_and_composite(blender, tmp_path: Path) -> None:
    from tests.tiny_embedded import build_tiny_model

    model, damaged = build_tiny_model(tmp_path / "model"), build_tiny_model(tmp_path / "damaged")
    weights = next((damaged / "unet").glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-100])
    reports, _ = blender(f"""
settings = sample_scene()
settings.model = {str(damaged)!r}
report(damaged=refusal(bpy.ops.handdiff.generate), nothing=names("handdiff/scene"))
settings.model = {str(model)!r}
settings.seed = 7
preferences = bpy.context.preferences.addons[KEY].preferences
preferences.device = "cuda:99"
report(nowhere=refusal(bpy.ops.handdiff.generate), still_nothing=names("handdiff/scene"))
preferences.device, preferences.dtype, preferences.compile = "cpu", "float32", True
report(first=sorted(bpy.ops.handdiff.generate()), files=names("handdiff/scene/0001"))
report(freed=sorted(bpy.ops.handdiff.free_memory()), free_again=refusal(bpy.ops.handdiff.free_memory))
report(texture=sorted(bpy.ops.handdiff.apply_texture()), layer=sorted(bpy.ops.handdiff.apply_layer()),
       glb=sorted(bpy.ops.handdiff.export_glb()), image=sorted(bpy.ops.handdiff.open_image()))
human = next(o for o in bpy.context.scene.objects if o.type == "MESH")
materials = lambda: [slot.material.name for slot in human.material_slots]
before = materials()
report(restored=sorted(bpy.ops.handdiff.restore_materials()), changed=before != materials(),
       removed=sorted(bpy.ops.handdiff.remove_layer()))
report(second=sorted(bpy.ops.handdiff.generate()), all=names("handdiff/scene/0002"))
report(earlier=names("handdiff/scene/0001"))
settings.start, settings.end = 0.9, 0.3
report(span=[settings.start, settings.end])
bpy.ops.wm.read_homefile(use_empty=True)
bpy.ops.wm.open_mainfile(filepath=str(Path("scene.blend").absolute()))
report(reopened=sorted(bpy.ops.handdiff.apply_texture()))
""")
    assert reports["freed"] == ["FINISHED"] and "No model is loaded" in reports["free_again"]
    assert weights.name in reports["damaged"] and "\n" not in reports["damaged"].strip()
    assert reports["nothing"] == reports["still_nothing"] == [], "a refused run wrote something"
    assert "no device 'cuda:99'" in reports["nowhere"] and "choose auto or cpu" in reports["nowhere"]
    done = ["FINISHED"]
    assert reports["first"] == reports["second"] == done
    for name in ("texture", "layer", "glb", "image", "restored", "removed", "reopened"):
        assert reports[name] == done, name
    assert {"image.png", "hands.png", "report.json", "skeleton.png", "pose.json"} <= set(reports["files"])
    assert "preview.glb" not in reports["all"] and "preview.glb" in reports["earlier"], "a GLB is with another picture"
    assert reports["changed"], "restoring the materials changed nothing"
    assert reports["span"][0] <= reports["span"][1]
    report = json.loads((tmp_path / "work" / "handdiff" / "scene" / "0001" / "report.json").read_text())
    assert report["request"]["seed"] == 7 and report["scene"]["camera"] == "Eye"


def test_textures_of_many_views_layers_and_previews_follow_their_settings(blender, tmp_path: Path) -> None:
    from tests.tiny_embedded import build_tiny_model

    model = build_tiny_model(tmp_path / "model")
    reports, _ = blender(f"""
settings = sample_scene()
settings.model, settings.steps, settings.hand_steps = {str(model)!r}, 1, 1
bpy.ops.handdiff.generate()
scene, out = bpy.context.scene, bpy.context.scene.handdiff_outputs
out.views, out.look, out.texture_files, out.texture_size = 2, "unlit", True, 64
report(texture=sorted(bpy.ops.handdiff.apply_texture()), textures=names("handdiff/scene/0001/textures"))
human = next(o for o in scene.objects if o.type == "MESH")
sockets = {{link.to_socket.name for slot in human.material_slots for link in slot.material.node_tree.links}}
report(unlit="Emission Color" in sockets, idle=refusal(bpy.ops.handdiff.cancel_views))
out.uv_map, out.views = "Nowhere", 0
report(missing=refusal(bpy.ops.handdiff.apply_texture))
out.layer_from = "animation"
report(nothing=refusal(bpy.ops.handdiff.apply_layer))
scene.frame_end = 2
settings.steady = True
report(animated=sorted(bpy.ops.handdiff.animate()))
report(sequence=sorted(bpy.ops.handdiff.apply_layer()))
settings.steady = False
report(changed=refusal(bpy.ops.handdiff.animate))
out.layer_from, out.layer_mask, out.layer_feather = "picture", "hands_mask", 8.0
report(layer=sorted(bpy.ops.handdiff.apply_layer()))
group = next(group for group in bpy.data.node_groups if group.name == "HandDiff")
tree = next(t for t in (getattr(scene, "compositing_node_group", None), getattr(scene, "node_tree", None)) if t)
report(feather=[n.inputs["Feather"].default_value for n in tree.nodes if getattr(n, "node_tree", None) == group])
out.form, out.preset, out.page, out.turntable = "rigged", "headset", True, True
report(preview=sorted(bpy.ops.handdiff.export_glb()), files=names("handdiff/scene/0001"))
sys.stdout.flush()
__import__("os")._exit(0)  # Blender's glTF exporter can keep an interpreter from ending
""")
    for name in ("texture", "animated", "sequence", "layer", "preview"):
        assert reports[name] == ["FINISHED"], name
    assert len(reports["textures"]) == 1 and reports["unlit"] and reports["feather"] == [2.0]
    assert "No further views" in reports["idle"] and "Nowhere" in reports["missing"]
    assert "no painted animation" in reports["nothing"] and "another steady" in reports["changed"]
    assert {"preview.glb", "preview.html", "turntable.gif", "hand_1.png"} <= set(reports["files"])


def test_keypoints_by_hand(blender) -> None:
    reports, output = blender("""
bpy.context.preferences.edit.use_global_undo = True
report(nobody=refusal(bpy.ops.handdiff.set_keypoint))
bpy.ops.handdiff.add_sample_human()
rig = lambda: next(o for o in bpy.context.scene.objects if o.type == "ARMATURE")
kept = lambda: json.loads(rig().get("handdiff_keypoints", '{"keypoints": {}}'))["keypoints"]
state = bpy.context.window_manager.handdiff_keypoint
bpy.ops.handdiff.choose_keypoint(keypoint="left_index_tip")
bone, tail = state.bone, rig().data.bones[state.bone].tail_local.copy()
report(shown=[bone.split(":")[-1], state.end], noname=refusal(bpy.ops.handdiff.set_keypoint))
set_to = bpy.ops.handdiff.set_keypoint
report(gone=refusal(lambda: set_to(keypoint="nose", bone="Snout", end="tail")), nothing=kept())
bpy.ops.ed.undo_push()
set_to("EXEC_DEFAULT", True, keypoint="nose", bone=bone, end="head")
done = kept()
bpy.ops.ed.undo()
report(done=done, undone=kept())
set_to = bpy.ops.handdiff.set_keypoint
set_to(keypoint="left_index_tip", bone=bone, end="head")
set_to(keypoint="nose", bone=bone, end="tail")
report(two=kept(), bone=bone)
bpy.ops.handdiff.export_keypoints(filepath=str(Path("kept.json").absolute()))
bpy.ops.handdiff.reset_keypoint(keypoint="nose")
report(one=sorted(kept()), again=refusal(lambda: bpy.ops.handdiff.reset_keypoint(keypoint="nose")))
bpy.ops.handdiff.reset_keypoints()
report(none=kept(), property="handdiff_keypoints" in rig())
bpy.ops.handdiff.import_keypoints(filepath=str(Path("kept.json").absolute()))
report(imported=sorted(kept()))
Path("wrong.json").write_text("[]")
report(wrong=refusal(lambda: bpy.ops.handdiff.import_keypoints(filepath=str(Path("wrong.json").absolute()))),
       still=sorted(kept()))
bpy.context.view_layer.objects.active = rig()
bpy.ops.object.mode_set(mode="POSE")
rig().data.bones.active = rig().data.bones[bone]
set_to(keypoint="right_wrist", end="tail")
report(active=kept()["right_wrist"], panel=hasattr(bpy.types, "HANDDIFF_PT_keypoints"))
bpy.ops.wm.save_as_mainfile(filepath=str(Path("kept.blend").absolute()))
bpy.ops.wm.read_homefile(use_empty=True)
bpy.ops.wm.open_mainfile(filepath=str(Path("kept.blend").absolute()))
report(reloaded=sorted(kept()))
""")
    assert "select one" in reports["nobody"] and "No bone was named" in reports["noname"]
    assert reports["shown"] == ["LeftHandIndex3", "tail"]
    assert 'no bone "Snout"' in reports["gone"] and reports["nothing"] == {}
    assert "nose" in reports["done"] and reports["undone"] == {}
    assert reports["two"]["left_index_tip"] == {"bone": reports["bone"], "end": "head"}
    assert reports["two"]["nose"] == {"bone": reports["bone"], "end": "tail"}
    assert reports["one"] == ["left_index_tip"] and "nothing to reset" in reports["again"]
    assert reports["none"] == {} and not reports["property"]
    assert reports["imported"] == reports["still"] == ["left_index_tip", "nose"]
    assert "wrong.json cannot be imported" in reports["wrong"] and "Traceback" not in output
    assert reports["active"] == {"bone": reports["bone"], "end": "tail"} and reports["panel"]
    assert reports["reloaded"] == ["left_index_tip", "nose", "right_wrist"]
