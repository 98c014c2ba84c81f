# SPDX-License-Identifier: GPL-3.0-or-later
"""The first minutes with the extension: enabling, the engine's set-up, what it recognises, diagnostics, leaving."""

from __future__ import annotations

import getpass
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

from .test_models_installer import index
from .test_translations import JAPANESE

STATE = """
import logging, os, threading, time
def state():
    handlers = {n: len(getattr(bpy.app.handlers, n)) for n in dir(bpy.app.handlers)
                if isinstance(getattr(bpy.app.handlers, n), list)}
    properties = {t: sorted(getattr(bpy.types, t).bl_rna.properties.keys())
                  for t in ("Scene", "Object", "WindowManager", "Armature", "Bone", "PoseBone", "Material", "Image")}
    menus = {n: len(getattr(getattr(bpy.types, n).draw, "_draw_funcs", ())) for n in dir(bpy.types) if "_MT_" in n}
    keymaps = sorted(f"{k.name}:{i.idname}" for k in bpy.context.window_manager.keyconfigs.addon.keymaps
                     for i in k.keymap_items)
    return dict(handlers=handlers, properties=properties, menus=menus, keymaps=keymaps,
                types=[n for n in dir(bpy.types) if n.upper().startswith("HANDDIFF")], operators=dir(bpy.ops.handdiff),
                threads=sorted(t.name for t in threading.enumerate()), path=[p for p in sys.path if "handdiff" in p],
                loggers=len(logging.getLogger("handdiff").handlers))
def timers():
    return [n for n in ("operators.session", "operators.engine")
            if bpy.app.timers.is_registered(sys.modules[f"{KEY}.{n}"]._tick)]
def disable():
    addon_utils.disable(KEY, default_set=False, refresh_handled=True)  # wheels stay unpacked, which takes its time
def enable():
    addon_utils.enable(KEY, default_set=False, refresh_handled=True)
def module(name):
    return sys.modules[f"{KEY}.{name}"]
"""


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return index(tmp_path_factory.mktemp("index"))


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python with pip and nothing else, for Blender's own."""
    pytest.importorskip("ensurepip")
    home = tmp_path_factory.mktemp("python")
    venv.create(home, with_pip=True, symlinks=True)
    return str(home / "bin" / "python")


def test_leaves_nothing_behind(blender) -> None:
    reports, output = blender(f"""
{STATE}
report(heavy=[n for n in ("torch", "diffusers", "transformers", "trimesh") if n in sys.modules])
disable()
before = state()
times = []
for _ in range(3):
    started = time.perf_counter()
    enable()
    times.append(time.perf_counter() - started)
    session, engine = module("operators.session"), module("operators.engine")
    bpy.app.timers.register(session._tick, first_interval=99)
    bpy.app.timers.register(engine._tick, first_interval=99)
    engine._worker.submit("Wait", lambda job: None)
    report(during=state()["types"])
    disable()
after = state()
report(before=before, after=after, timers=timers(), overlay=module("panels.overlay")._handle is None)
enable()
bpy.ops.script.reload()
report(again=sorted(dir(bpy.ops.handdiff)), reloaded=[len(bpy.app.handlers.depsgraph_update_post),
       len(bpy.types.VIEW3D_MT_armature_add.draw._draw_funcs)])
disable()
report(reloaded_after=state(), policy=[str(w) for w in addon_utils._extensions_warnings_get().get(KEY, ())])
bpy.ops.extensions.package_uninstall(repo_index=next(
    i for i, r in enumerate(bpy.context.preferences.extensions.repos) if r.module == "user_default"), pkg_id="handdiff")
base = Path(bpy.utils.user_resource("EXTENSIONS"))
report(files=[str(p) for p in base.rglob("*handdiff*")], milliseconds=[round(1000 * t, 1) for t in times])
sys.stdout.flush()
os._exit(0)  # Blender's module waits for ever at the end while the modules above refer to it
""")
    assert reports["heavy"] == []
    assert "HANDDIFF_OT_install_engine" in reports["during"]
    assert reports["before"] == reports["after"]
    assert reports["timers"] == [] and reports["overlay"]
    assert "generate" in reports["again"]
    assert reports["reloaded_after"] == reports["before"]
    assert reports["policy"] == [] and reports["files"] == []
    assert "Traceback" not in output
    print("enabling again takes", reports["milliseconds"], "ms")


def test_set_up_by_the_operator(blender, wheels: Path, python: str, tmp_path: Path) -> None:
    reports, output = blender(f"""
{STATE}
sys.executable = {python!r}
install, engine = bpy.ops.handdiff.install_engine, module("operators.engine")
preferences = module("operators.preferences")
devices = module("handdiff_addon.models.devices")
import dataclasses
devices.CPU = dataclasses.replace(devices.CPU, download=0.001, installed=0.001)
report(offline=refusal(lambda: install(build="cpu")), access=bpy.app.online_access,
       nofolder=refusal(lambda: install(build="cpu", wheels="/nowhere")),
       noremove=refusal(bpy.ops.handdiff.remove_engine), nostop=refusal(bpy.ops.handdiff.stop_engine_setup))
report(installed=sorted(install(build="cpu", wheels={str(wheels)!r})), state=engine.state().kind,
       message=engine.message, folder=preferences.engine_folder(), lines=len(engine.lines()))
engine.Job.report = lambda job, progress, tell=engine.Job.report: (
    tell(job, progress), progress.number == 2 and job.cancel())
report(stopped=sorted(install(build="cpu", wheels={str(wheels)!r})), told=engine.message, failed=engine.failed)
engine.forget()
report(half=dataclasses.asdict(engine.state()))
bpy.ops.handdiff.remove_engine()
engine.forget()
report(discarded=engine.state().kind)
sys.path.insert(0, preferences.engine_folder())
import torch
report(torch=torch.__version__, inuse=refusal(bpy.ops.handdiff.remove_engine))
sys.modules.pop("torch")
bpy.ops.handdiff.remove_engine()
user = Path(bpy.utils.extension_path_user(KEY))
report(removed=engine.state().kind, left=sorted(p.name for p in user.iterdir()) if user.is_dir() else [])
""")
    assert "Allow Online Access" in reports["offline"] and not reports["access"]
    assert "does not exist" in reports["nofolder"]
    assert "no engine that HandDiff installed" in reports["noremove"]
    assert "No engine is being installed" in reports["nostop"]
    assert reports["installed"] == ["FINISHED"] and reports["state"] == "ready"
    assert "is installed" in reports["message"] and reports["lines"] > 5
    folder = Path(reports["folder"])
    assert folder.name == "engine" and ".user" in folder.parts and folder.is_relative_to(tmp_path / "profile")
    assert "goes on from there" in reports["told"] and not reports["failed"]
    half = reports["half"]
    assert (half["kind"], half["fetched"], half["wanted"], half["wheels"]) == ("interrupted", 1, 9, str(wheels))
    assert reports["discarded"] == "ready", "stopping a repair took the engine that worked"
    assert reports["torch"] == "2.13.0" and "in use" in reports["inuse"]
    assert reports["removed"] == "none" and reports["left"] == []
    assert "Traceback" not in output


def test_what_is_recognised_follows_the_pose(blender) -> None:
    reports, _ = blender(f"""
{STATE}
overlay, recognition = module("panels.overlay"), module("panels.recognition")
report(nobody=len(overlay.selected(bpy.context)))
bpy.ops.handdiff.add_sample_human()
rig = bpy.context.object
look = lambda: overlay.seen(rig, bpy.context)
first = look()
report(counts=[first.recognition.body, first.recognition.hands], missing=first.recognition.missing,
       same=look() is first, lines=list(first.wireframe.lines.shape),
       selected=[o.name for o in overlay.selected(bpy.context)])
rig.location.x = 5
bpy.context.view_layer.update()
moved = look()
report(moved=float(moved.wireframe.joints[:, 0].mean() - first.wireframe.joints[:, 0].mean()))
mesh = next(o for o in rig.children_recursive if o.type == "MESH")
rig.select_set(False)
mesh.select_set(True)
bpy.context.view_layer.objects.active = mesh
report(by_mesh=[o.name for o in overlay.selected(bpy.context)])
bpy.context.view_layer.objects.active = rig
bpy.ops.object.mode_set(mode="EDIT")
for bone in list(rig.data.edit_bones):
    if "LeftHandRing" in bone.name or "LeftHandPinky4" in bone.name:
        rig.data.edit_bones.remove(bone)
overlay._changed()
report(edit=look().problem)
bpy.ops.object.mode_set(mode="OBJECT")
overlay._changed()
report(less=look().recognition.missing, left=look().recognition.hands["left"])
empty = bpy.data.objects.new("Empty", bpy.data.armatures.new("Empty"))
bpy.context.scene.collection.objects.link(empty)
report(nothing=overlay.seen(empty, bpy.context).problem)
bpy.ops.wm.read_homefile(use_empty=True)
report(kept=len(overlay._seen))
""")
    assert reports["nobody"] == 0
    assert reports["counts"] == [18, {"left": 21, "right": 21}] and reports["missing"] == []
    assert reports["same"], "the pose is read anew at every redraw"
    assert reports["lines"] == [2 * (17 + 40), 3]
    assert reports["moved"] == pytest.approx(5, abs=1e-3)
    assert reports["selected"] == reports["by_mesh"]
    assert "Edit Mode" in reports["edit"]
    assert "Left ring finger" in reports["less"] and reports["left"] <= 17
    assert "No humanoid" in reports["nothing"]
    assert reports["kept"] == 0


def test_diagnostics_name_nobody(blender, tmp_path: Path) -> None:
    home = tmp_path / "home" / "Jane Roe"
    home.mkdir(parents=True)
    reports, _ = blender(
        f"""
{STATE}
settings = bpy.context.scene.handdiff
settings.prompt, settings.steps, settings.model = "my secret neighbour", 7, {str(home)!r}
preferences = bpy.context.preferences.addons[KEY].preferences
preferences.engine_folder = {str(home / "engine folder")!r}
bpy.ops.handdiff.add_sample_human()
bpy.context.scene.camera = bpy.data.objects.new("Eye", bpy.data.cameras.new("Eye"))
refusal(bpy.ops.handdiff.render_passes)
try:
    raise ValueError("in " + {str(home / "x.py")!r})
except ValueError as error:
    module("handdiff_addon.jobs.worker").explain(error)
done = bpy.ops.handdiff.copy_diagnostics()
import numpy
report(done=sorted(done), text=module("operators.diagnostics").text(bpy.context),
       blender=bpy.app.version_string[:3], numpy=numpy.__version__)
""",
        {"HOME": str(home)},
    )
    text = reports["text"]
    assert reports["done"] == ["FINISHED"]
    for wanted in (
        "HandDiff: 0.",
        f"Blender: {reports['blender']}",
        f"numpy: {reports['numpy']}",
        "steps: 7",
        "ValueError",
        "does not exist",
        "Processor",
    ):
        assert wanted in text, text
    for private in (
        "Jane",
        "Roe",
        "neighbour",
        str(tmp_path),
        getpass.getuser() if getpass.getuser() != "root" else "@@",
    ):
        assert private not in text, text


def test_everything_registered_has_japanese(blender) -> None:
    reports, _ = blender("""
found = set()
for name in dir(bpy.types):
    if name.upper().startswith("HANDDIFF"):
        cls = getattr(bpy.types, name)
        rna = cls.bl_rna
        if issubclass(cls, (bpy.types.Operator, bpy.types.Panel, bpy.types.Menu)):
            found.add(getattr(cls, "bl_label", ""))
        if issubclass(cls, bpy.types.Operator):
            found.add(rna.description)
        for prop in rna.properties:
            if prop.identifier in ("name", "filepath", "check_existing", "filter_glob"):
                continue
            if prop.identifier in bpy.types.Operator.bl_rna.properties:
                continue
            if issubclass(cls, (bpy.types.Panel, bpy.types.Menu)) or prop.is_hidden:
                continue
            found |= {prop.name, prop.description}
            if prop.type == "ENUM":
                for item in prop.enum_items:
                    found |= {item.name, item.description}
for name in ("handdiff_overlay", "handdiff_gesture_side"):
    prop = bpy.types.WindowManager.bl_rna.properties[name]
    found |= {prop.name, prop.description}
report(found=sorted(found))
view = bpy.context.preferences.view
locales = list(bpy.app.translations.locales)
report(locales=locales)
if "ja_JP" in locales:
    view.language = "ja_JP"
    view.use_translate_interface = view.use_translate_tooltips = view.use_translate_reports = True
    tr = sys.modules[KEY + ".operators.translations"]
    report(label=tr.translated("20 of 21 points"), refused=refusal(bpy.ops.handdiff.cancel),
           operator=bpy.app.translations.pgettext_iface("Render Passes", "Operator"))
    bpy.ops.preferences.addon_disable(module=KEY)
    report(gone=bpy.app.translations.pgettext_iface("Render Passes", "Operator"))
    bpy.ops.preferences.addon_enable(module=KEY)
""")
    from .test_translations import japanese

    missing = [text for text in reports["found"] if text and text not in JAPANESE and japanese(text) == text]
    assert missing in ([], ["HandDiff"])
    if "ja_JP" not in reports["locales"]:
        pytest.skip("Blender's module on the package index is built without languages; all texts have Japanese")
    assert reports["label"] == "20/21 点" and reports["operator"] == "パスをレンダリング"
    assert "何も描画していません" in reports["refused"]
    assert reports["gone"] == "Render Passes"


def test_edition_without_a_set_up(blender, builder, package: Path, tmp_path: Path) -> None:
    """What the platform's rules allow works on its own; the installer is not in it."""
    edition = builder.build([package.stem.split("-", 2)[2].replace("_", "-")], tmp_path / "dist", setup=False)[0]
    with zipfile.ZipFile(edition) as archive:
        setup = {f"handdiff_addon/models/{name}.py" for name in ("installer", "pip_process", "engine_state")}
        assert not {"operators/engine.py", *setup} & set(archive.namelist())
        assert "network" not in tomllib.loads(archive.read("blender_manifest.toml").decode())["permissions"]
    reports, output = blender(f"""
bpy.ops.extensions.package_install_files(repo="user_default", filepath={str(edition)!r}, enable_on_install=True,
                                         overwrite=True)
bpy.context.preferences.addons[KEY].preferences.engine_folder = ""
settings = sample_scene()
report(passes=sorted(bpy.ops.handdiff.render_passes()), operators=dir(bpy.ops.handdiff),
       diagnostics=sys.modules[KEY + ".operators.diagnostics"].text(bpy.context))
""")
    assert reports["passes"] == ["FINISHED"]
    assert "install_engine" not in reports["operators"] and "copy_diagnostics" in reports["operators"]
    assert "Kind: none" in reports["diagnostics"] and "Traceback" not in output
