# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's models in Blender: pointed at, listed, chosen, downloaded only where Blender may go online."""

from __future__ import annotations

import json
from pathlib import Path

from handdiff_addon.places import user_folder

CODE = """
ops = bpy.ops.handdiff
folder = FOLDER
report(nowhere=refusal(lambda: ops.add_model_folder(directory=folder + "/absent")))
ops.add_model_folder(directory=folder)
from importlib import import_module
models = import_module(KEY + ".operators.models")
def told(found):
    return [[model.name, model.architecture.title, model.usable] for model in found]
report(places=[[str(place.folder), told(place.found)] for place in models.places])
single = next(m for m in models.places[1].found if m.name == "sd15.safetensors")
ops.use_model(path=str(single.path))
preferences = bpy.context.preferences.addons[KEY].preferences
settings = bpy.context.scene.handdiff
settings.controlnets = "openpose=pose@0.7, depth=other"
settings.hand_model, settings.reference, settings.reference_scale = folder + "/hands", folder + "/look.png", 0.35
own = import_module(KEY + ".operators.scene_request")
request = own.to_request(settings)
report(hand_model=request.hand_model, reference=request.reference)
from dataclasses import replace
own.from_request(settings, replace(request, reference="plus=" + request.reference))
report(again=own.to_request(settings).reference)
report(model=request.model, controlnets=[[c.model, c.roles, c.scale] for c in request.controlnets])
report(glance=import_module(KEY + ".operators.generate").model_problem(bpy.context))
settings.model = folder + "/gone.safetensors"
report(gone=import_module(KEY + ".operators.generate").model_problem(bpy.context))
report(offline=refusal(lambda: ops.download_model(model="openpose-sd15", folder=folder)), names=names(folder))
ops.remove_model_folder(folder=folder)
report(left=[str(place.folder) for place in models.places])
report(torch="torch" in sys.modules)
"""


def test_models_are_pointed_at_listed_and_chosen(blender, stock: Path) -> None:
    environment = {"HANDDIFF_HOME": str(user_folder()), "HF_HUB_CACHE": str(user_folder() / "hub")}
    told, _ = blender(CODE.replace("FOLDER", repr(str(stock))), environment)
    assert "There is no folder" in told["nowhere"]
    (cache, nothing), (folder, found) = told["places"]
    assert (cache, nothing, folder) == ("None", [], str(stock))
    assert ["sdxl", "SDXL checkpoint, fp32", True] in found
    assert told["model"] == str(stock / "sd15.safetensors")
    assert told["controlnets"] == [["pose", ["openpose"], 0.7], ["other", ["depth"], 1.0]]
    assert (told["hand_model"], told["reference"]) == (str(stock / "hands"), f"{stock / 'look.png'}@0.35")
    assert told["again"] == "plus=" + told["reference"]
    assert told["glance"] == "" and "no model" in told["gone"]
    assert "online" in told["offline"] and not any(name.endswith(".part") for name in told["names"])
    assert told["left"] == ["None"] and told["torch"] is False
    assert json.loads((user_folder() / "model_folders.json").read_text()) == []
