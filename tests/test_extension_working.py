# SPDX-License-Identifier: GPL-3.0-or-later
"""Working with the extension: runs that queue and stop, history, presets, prompts over time, menus and shortcuts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

WINDOW = """
import gc, threading, time
session = sys.modules[KEY + ".operators.session"]
session.wait = lambda: None  # as with a window: generate returns at once
def finish():
    while session.runs:
        session.drain(), time.sleep(0.005)
        time.sleep(0.005)
"""
"""Code that makes operators behave as with a window, where the test works the events off."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.tiny_embedded import build_tiny_model

    return build_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


def test_a_run_outlives_its_scene_and_stops_when_asked(blender, model: Path) -> None:
    """The window's way: events arrive by the timer while objects are deleted and files closed."""
    reports, _ = blender(f"""
{WINDOW}
settings = sample_scene()
settings.model = {str(model)!r}
def painting(stage="loading"):
    bpy.ops.handdiff.generate()
    while session.runs[0].stage != stage:
        session.drain(), time.sleep(0.005)
painting()
bpy.data.objects.remove(bpy.context.object)
bpy.ops.wm.read_homefile(use_empty=True)
finish()
report(message=session.message, files=names("handdiff/scene/0001"), failed=session.failed)
bpy.ops.wm.open_mainfile(filepath=str(Path("scene.blend").absolute()))
settings = bpy.context.scene.handdiff
settings.model, settings.steps = {str(model)!r}, 500
painting("hands")
bpy.ops.handdiff.cancel()
finish()
report(cancelled=session.message, quiet=not session.failed, kept=names("handdiff/scene"))
bpy.ops.handdiff.generate()
bpy.data.objects.remove(next(o for o in bpy.context.scene.objects if o.type == "MESH"))
finish()
report(deleted=session.message)
bpy.ops.wm.open_mainfile(filepath=str(Path("scene.blend").absolute()))
bpy.ops.handdiff.generate()
bpy.ops.wm.read_homefile(use_empty=True)
finish()
report(closed=session.message)
bpy.ops.wm.open_mainfile(filepath=str(Path("scene.blend").absolute()))
bpy.context.scene.handdiff.model, bpy.context.scene.handdiff.steps = {str(model)!r}, 500
painting("body")
before = time.monotonic()
bpy.ops.preferences.addon_disable(module=KEY)
report(disable=time.monotonic() - before, left=[n for n in dir(bpy.types) if n.upper().startswith("HANDDIFF")])
""")
    assert not reports["failed"] and "saved in" in reports["message"]
    assert {"image.png", "report.json"} <= set(reports["files"])
    assert "cancelled" in reports["cancelled"] and reports["quiet"]
    assert reports["kept"] == ["0001"], "a cancelled run left something behind"
    assert "scene changed" in reports["deleted"] and "scene changed" in reports["closed"]
    assert reports["disable"] < 6 and reports["left"] == []


def test_several_requests_queue_and_can_be_taken_out(blender, model: Path) -> None:
    reports, _ = blender(f"""
{WINDOW}
settings = sample_scene()
settings.model = {str(model)!r}
bpy.ops.handdiff.generate(seed=1, prompt="first")
bpy.ops.handdiff.generate(seed=2)
bpy.ops.handdiff.generate(seed=3)
numbers = [run.number for run in session.runs]
while session.runs[1].stage != "waiting":
    session.drain(), time.sleep(0.005)
report(stages=[run.stage for run in session.runs], texts=[run.text for run in session.runs])
bpy.ops.handdiff.cancel(run_number=numbers[1])
finish()
from bl_ext.user_default.handdiff.operators import history
report(made=[[e.request.seed, e.request.prompt] for e in history.entries()], folders=names("handdiff/scene"))
bpy.ops.handdiff.generate()
bpy.ops.handdiff.generate()
bpy.ops.handdiff.cancel()
finish()
report(after=names("handdiff/scene"), scene=settings.seed, prompt=settings.prompt,
       nothing=refusal(bpy.ops.handdiff.cancel))
""")
    assert "waiting" in reports["stages"] and "Waiting" in reports["texts"]
    assert [seed for seed, _ in reports["made"]] == [3, 1]
    assert reports["made"][1][1] == "first" and reports["made"][0][1] != "first"
    assert reports["folders"] == reports["after"] == ["0001", "0002"]
    assert reports["scene"] == 0 and reports["prompt"] != "first", "keywords changed the scene's own settings"
    assert "Nothing is being painted" in reports["nothing"]


def test_the_picture_is_whole_on_disk_before_blender_hears_of_it(blender, model: Path, tmp_path: Path) -> None:
    reports, _ = blender(f"""
{WINDOW}
settings = sample_scene()
settings.model, settings.mark = {str(model)!r}, True
previews, at_end = [], []
live = sys.modules[KEY + ".operators.live"]
show = live.show
def watch(preview):
    previews.append(list(preview.size))
    show(preview)
    assert len(live.icons()) == len(preview.tiles) > 0
    assert all(tuple(live._icons[name].image_size) == preview.size for name in live._names())
live.show = watch
end = session._end
def ended(run, text, **more):
    at_end.append(names("handdiff/scene/0001"))
    end(run, text, **more)
session._end = ended
texts, threads = set(), []
def watched(module, name):
    function = getattr(module, name)
    def work(*arguments):
        threads.append([name, threading.current_thread().name])
        return function(*arguments)
    setattr(module, name, work)
from bl_ext.user_default.handdiff.handdiff_addon.scene import passes
watched(passes, "rasterise")
watched(sys.modules[KEY + ".operators.generate"], "load_engine")
bpy.ops.handdiff.generate()
while session.runs:
    session.drain(), time.sleep(0.005)
    texts |= {{(run.stage, run.step, run.fraction) for run in session.runs}}
report(previews=previews, at_end=at_end, stages=sorted({{stage for stage, _, _ in texts}}),
       fractions=sorted({{fraction for _, _, fraction in texts}}), images=[i.name for i in bpy.data.images],
       icons=live.icons(), threads=threads, collecting=gc.isenabled())
from PIL import Image
shapes = [(512, 256), (512, 288), (300, 300), (200, 400)]
report(tiles=[[len(made.tiles), *made.size] for made in (live.ready(Image.new("RGB", size)) for size in shapes)])
""")
    assert reports["threads"] == [["rasterise", "handdiff-passes"], ["load_engine", "handdiff-painter"]]
    assert reports["collecting"], "the garbage collector was left off"
    assert {"image.png", "report.json"} <= set(reports["at_end"][0])
    assert len(reports["previews"]) == 4 and max(max(size) for size in reports["previews"]) <= 256
    assert {"passes", "body"} <= set(reports["stages"])
    assert reports["fractions"] == sorted(reports["fractions"]) and reports["fractions"][0] >= 0
    assert reports["fractions"][-1] <= 1
    assert reports["images"] == [] and reports["icons"] == [], "the preview stays in the file"
    assert reports["tiles"] == [[2, 256, 256], [1, 256, 144], [1, 256, 256], [1, 128, 256]]
    info = Image.open(tmp_path / "work" / "handdiff" / "scene" / "0001" / "image.png").info
    assert json.loads(info["handdiff"])["request"]["mark"] and "Steps: 2" in info["parameters"]


def test_history_restores_compares_deletes_and_is_found_again(blender, model: Path) -> None:
    reports, _ = blender(f"""
settings = sample_scene()
settings.model = {str(model)!r}
bpy.ops.wm.read_homefile(use_empty=True)
scene = bpy.ops.wm.open_mainfile(filepath=str(Path("scene.blend").absolute()))
settings = bpy.context.scene.handdiff
settings.model = {str(model)!r}
report(none=refusal(bpy.ops.handdiff.restore_settings))
settings.prompt, settings.seed, settings.start, settings.end = "a red coat", 11, 0.3, 0.35
settings.style, settings.look = "xinsir", "ink"
bpy.ops.handdiff.generate()
settings.prompt, settings.seed, settings.start, settings.end = "a blue coat", 22, 0.6, 0.9
settings.style, settings.look = "classic", ""
bpy.ops.handdiff.generate()
from bl_ext.user_default.handdiff.operators import history
from bl_ext.user_default.handdiff.operators.results import shown_picture
seeds = lambda: [e.request.seed for e in history.entries()]
state = bpy.context.window_manager.handdiff_history
report(seeds=seeds())
state.filter = "RED coat"
report(found=[e.request.seed for e in history.shown(bpy.context)])
state.filter = ""
old = str(history.entries()[1].folder)
bpy.ops.handdiff.choose_picture(folder=old)
report(in_hand=history.current().request.seed, shown=shown_picture("image").parent.name)
bpy.ops.ed.undo_push()
bpy.ops.handdiff.restore_settings("EXEC_DEFAULT", True)
report(restored=[settings.prompt, settings.look, settings.seed, round(settings.start, 4), round(settings.end, 4),
                 settings.style])
bpy.ops.handdiff.compare_with(folder=old)
bpy.ops.handdiff.choose_picture(folder=str(history.entries()[0].folder))
report(compared=sorted(bpy.ops.handdiff.open_comparison()), side=list(bpy.data.images["HandDiff comparison"].size))
settings.prompt = "another"
report(again=sorted(bpy.ops.handdiff.same_new_seed(folder=old)), prompts=[e.request.prompt for e in history.entries()],
       new=history.entries()[0].request.seed not in (11, 22))
bpy.ops.handdiff.restore_from_file(filepath=str(Path(old) / "image.png"))
report(from_file=settings.seed)
Path("foreign.png").write_bytes(b"no picture")
report(foreign=refusal(lambda: bpy.ops.handdiff.restore_from_file(filepath=str(Path("foreign.png").absolute()))))
report(strange=refusal(lambda: bpy.ops.handdiff.delete_picture(folder=str(Path("handdiff").absolute()))))
(Path(old) / "mine.txt").write_text("my notes")
bpy.ops.handdiff.delete_picture(folder=old)
report(left=seeds()[1:], notes=names(old))
bpy.ops.wm.save_as_mainfile(filepath=str(Path("renamed.blend").absolute()))
report(renamed=len(seeds()))
bpy.ops.handdiff.generate()
bpy.ops.wm.read_homefile(use_empty=True)
report(other=seeds())
bpy.ops.wm.open_mainfile(filepath=str(Path("renamed.blend").absolute()))
report(reopened=len(seeds()), image=sorted(bpy.ops.handdiff.open_image()))
""")
    assert "no picture" in reports["none"]
    assert reports["seeds"] == [22, 11] and reports["found"] == [11]
    assert reports["in_hand"] == 11 and reports["shown"] == "0001"
    assert reports["restored"] == ["a red coat, ink", "", 11, 0.3, 0.35, "xinsir"]
    assert reports["compared"] == ["FINISHED"] and reports["side"][0] > 2 * reports["side"][1]
    assert reports["again"] == ["FINISHED"] and reports["prompts"][0] == "a red coat, ink" and reports["new"]
    assert reports["from_file"] == 11
    assert "foreign.png cannot be read" in reports["foreign"] and "has no picture in" in reports["strange"]
    assert reports["left"] == [22] and reports["notes"] == ["mine.txt"], "what is not HandDiff's was deleted"
    assert reports["renamed"] == 2, "a new name for the file hides its pictures"
    assert reports["other"] == [] and reports["reopened"] == 3 and reports["image"] == ["FINISHED"]


def test_unsaved_pictures_and_presets_outlive_the_session_and_the_extension(blender, model: Path) -> None:
    code = f"""
bpy.ops.handdiff.add_sample_human()
camera = bpy.data.objects.new("Eye", bpy.data.cameras.new("Eye"))
camera.location, camera.rotation_euler = (0, -3, 1.1), (1.5708, 0, 0)
bpy.context.scene.collection.objects.link(camera)
bpy.context.scene.camera = camera
bpy.context.scene.render.resolution_x = bpy.context.scene.render.resolution_y = 128
settings = bpy.context.scene.handdiff
settings.steps = settings.hand_steps = 2
settings.model = {str(model)!r}
from bl_ext.user_default.handdiff.operators import history, preferences
report(before=len(history.entries()), chosen=history.current() is not None)
"""
    reports, _ = blender(f"""{code}
bpy.ops.handdiff.generate()
bpy.ops.wm.save_as_mainfile(filepath=str(Path("saved.blend").absolute()))
report(saved=len(history.entries()))
old = Path(bpy.utils.extension_path_user(KEY, path="results", create=True))
preferences.results_folder().parent.mkdir(exist_ok=True)
session = history.entries()[0].folder.parent
session.rename(old / session.name)  # where earlier versions kept them
from bl_ext.user_default.handdiff.operators import presets
bpy.ops.handdiff.save_preset(kind="style", preset="Mine")
presets.folder().rename(Path(bpy.utils.extension_path_user(KEY)) / "presets")  # and these
report(session=session.name)
""")
    assert reports["before"] == 0 and reports["saved"] == 1, "saving the file hides its pictures"
    session = reports["session"]
    reports, _ = blender(f"""{code}
user = Path(bpy.utils.extension_path_user(KEY))
from bl_ext.user_default.handdiff.operators import presets
report(moved=[history.entries()[0].folder.parent.name, (user / "results").exists()])
report(preset=[presets.find("style", "Mine") is not None, (user / "presets").exists()])
image = history.entries()[0].image
bpy.ops.wm.open_mainfile(filepath=str(Path("saved.blend").absolute()))
report(remembered=len(history.entries()))
bpy.ops.extensions.package_uninstall(repo_index=[r.module for r in bpy.context.preferences.extensions.repos].index(
    "user_default"), pkg_id="handdiff")
report(uninstalled=KEY not in bpy.context.preferences.addons, user=user.exists(), image=image.exists(),
       kept=(presets.folder() / "style" / "Mine.json").exists())
""")
    assert reports["before"] == 1, "the next session has lost them"
    assert reports["moved"] == [session, False] and reports["remembered"] == 1
    assert reports["preset"] == [True, False] and reports["kept"], "presets went with the extension"
    assert reports["uninstalled"] and not reports["user"] and reports["image"], "pictures went with the extension"


PRESETS = """
from bl_ext.user_default.handdiff.operators import presets
settings = bpy.context.scene.handdiff
fine = presets.find("quality", "Fine")
report(changes=presets.changes(bpy.context, fine))
bpy.ops.handdiff.apply_preset(kind="quality", preset="Fine")
report(steps=[settings.steps, settings.hand_steps, settings.best_of], none=presets.changes(bpy.context, fine))
bpy.ops.handdiff.apply_preset(kind="blending", preset="Hands Held Fast")
report(span=[round(settings.start, 4), settings.end, settings.mask_source])
bpy.ops.handdiff.apply_preset(kind="style", preset="Watercolour")
report(look=settings.look)
settings.look = "my own look"
bpy.ops.handdiff.save_preset(kind="style", preset="Mine")
bpy.ops.handdiff.apply_preset(kind="style", preset="Plain")
bpy.ops.handdiff.apply_preset(kind="style", preset="Mine")
report(mine=settings.look)
report(unknown=refusal(lambda: bpy.ops.handdiff.apply_preset(kind="style", preset="Nowhere")),
       wicked=refusal(lambda: bpy.ops.handdiff.save_preset(kind="style", preset="../../evil")))
bpy.ops.handdiff.delete_preset(kind="style", preset="Mine")
report(gone=presets.find("style", "Mine") is None,
       built_in=refusal(lambda: bpy.ops.handdiff.delete_preset(kind="style", preset="Plain")))
"""
OVER_TIME = """
bpy.ops.wm.read_homefile(use_empty=True)
from bl_ext.user_default.handdiff.operators.scene_request import to_request
scene = bpy.context.scene
settings = scene.handdiff
settings.prompt, settings.look = "standing", "ink"
def at(*frames):
    made = []
    for frame in frames:
        scene.frame_set(frame)
        request = to_request(settings)
        made.append([request.prompt, request.seed, request.expansion.end])
    return made
settings.seed, settings.end = 5, 0.5
for path, end in (("seed", 25), ("end", 0.9)):
    settings.keyframe_insert(path, frame=1)
    setattr(settings, path, end)
    settings.keyframe_insert(path, frame=21)
report(keyed=at(1, 21))
text = bpy.data.texts.new("prompts")
text.write("# my film\\n10: walking\\n  slowly\\n20: running\\n")
settings.prompt_from, settings.prompt_text = "TEXT", text
report(text=[made[0] for made in at(9, 10, 20)])
scene.timeline_markers.new("prompt: waving", frame=15)
scene.timeline_markers.new("something else", frame=17)
settings.prompt_from = "MARKERS"
report(markers=[made[0] for made in at(14, 15, 18)])
settings.prompt_from = "TEXT"
text.clear(); text.write("walking")
bpy.ops.handdiff.add_sample_human()
camera = bpy.data.objects.new("Eye", bpy.data.cameras.new("Eye"))
scene.collection.objects.link(camera)
scene.camera = camera
report(broken=refusal(bpy.ops.handdiff.generate))
"""
MENUS = """
operators = {name: getattr(bpy.ops.handdiff, name).get_rna_type() for name in dir(bpy.ops.handdiff)}
report(untold=[name for name, rna in operators.items() if len(rna.description) < 15], count=len(operators))
settings = bpy.context.scene.handdiff.bl_rna.properties
report(unexplained=[p.identifier for p in settings if not p.is_hidden and not p.description
                    and p.identifier not in ("name", "rna_type")])
from bl_ext.user_default.handdiff.panels import menus
listed = {operator.bl_idname for group in menus.GROUPS for operator in group}
report(missing=[name for name in ("generate", "cancel", "render_passes", "apply_texture", "apply_layer", "export_glb",
                "open_image", "restore_settings", "delete_picture") if "handdiff." + name not in listed])
report(read=bpy.context.preferences.addons[KEY].preferences.responsible_use_read,
       done=sorted(bpy.ops.handdiff.responsible_use()),
       after=bpy.context.preferences.addons[KEY].preferences.responsible_use_read)
def ours():
    groups = [group for name in dir(bpy.app.handlers) if isinstance(group := getattr(bpy.app.handlers, name), list)]
    return [handler.__name__ for group in groups for handler in group if "handdiff" in handler.__module__]
report(handlers=ours())
bpy.ops.preferences.addon_disable(module=KEY)
report(left=ours(),
       state=hasattr(bpy.types.WindowManager, "handdiff_history"))
"""


@pytest.fixture(scope="module")
def told(blender_once) -> tuple[dict, str]:
    """What three pieces of code say in one Blender."""
    return blender_once(PRESETS + OVER_TIME + MENUS)


def test_presets_show_what_they_change_and_are_saved(told) -> None:
    reports, _ = told
    assert reports["changes"] == [
        "Body Steps: as the model likes → 20",
        "Hand Steps: as the model likes → 20",
        "Best Of: 1 → 4",
    ]
    assert reports["steps"] == [20, 20, 4] and reports["none"] == []
    assert reports["span"] == [0.7, 1.0, "auto"]
    assert "watercolour" in reports["look"] and reports["mine"] == "my own look"
    assert "Watercolour" in reports["unknown"] and "cannot name a preset" in reports["wicked"]
    assert reports["gone"] and "you saved" in reports["built_in"]


def test_prompts_and_settings_change_over_time(told) -> None:
    reports, _ = told
    assert reports["keyed"] == [["standing, ink", 5, 0.5], ["standing, ink", 25, 0.9]]
    assert reports["text"] == ["standing, ink", "walking slowly, ink", "running, ink"]
    assert reports["markers"] == ["standing, ink", "waving, ink", "waving, ink"]
    assert 'write it as "1: walking"' in reports["broken"]


def test_every_operator_is_told_of_and_every_menu_draws(told) -> None:
    reports, output = told
    assert reports["count"] > 20 and reports["untold"] == reports["unexplained"] == reports["missing"] == []
    assert not reports["read"] and reports["done"] == ["FINISHED"] and reports["after"]
    assert len(reports["handlers"]) >= 5 and reports["left"] == [] and not reports["state"]
    assert "Traceback" not in output
