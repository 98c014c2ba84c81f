# SPDX-License-Identifier: GPL-3.0-or-later
"""A request goes to JSON and back whole, and refuses what makes no sense."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handdiff_addon.errors import UsageError
from handdiff_addon.request import ControlNetChoice, ExpansionSettings, GenerationRequest, LoraChoice, split_loras


def test_a_request_comes_back_from_json_as_it_was():
    request = GenerationRequest(
        "a man",
        seed=2**62,
        size=(512, 768),
        paint="everything",
        expansion=ExpansionSettings(0.1, 0.7, 3, 2, 0, False, False),
    )
    assert GenerationRequest.from_dict(json.loads(json.dumps(request.to_dict()))) == request


def test_the_request_inside_a_report_can_be_read(tmp_path):
    request = GenerationRequest("a woman", steps=7)
    path = tmp_path / "report.json"
    path.write_text(json.dumps({"schema_version": 1, "request": request.to_dict()}))
    assert GenerationRequest.read(path) == request


@pytest.mark.parametrize(
    "change",
    [
        {"steps": 0},
        {"steps": 501},
        {"steps": "many"},
        {"size": [500, 512]},
        {"size": [8, 8]},
        {"size": [512]},
        {"mask_source": "guess"},
        {"seed": -1},
        {"seed": 2**63},
        {"colour": "red"},
        {"schema_version": 99},
        {"expansion": {"start": 2}},
        {"expansion": {"speed": 1}},
        {"expansion": 3},
        {"best_of": 0},
        {"preset": "slow"},
        {"strength": 0},
        {"strength": 1.5},
        {"guidance_scale": -1},
        {"guidance_scale": "much"},
        {"person_prompts": ["a hat"]},
        {"person_prompts": {"Rig": 3}},
        {"prompt": None},
        {"steps": 8.5},
        {"seed": 1.5},
        {"seed": True},
        {"two_stages": "no"},
        {"control_scale": "x"},
        {"auto_mask_iou": None},
        {"model": 5},
        {"size": [512.0, 512]},
        {"size": 512},
        {"skeleton": {"face": 1}},
        {"skeleton": {"style": ["classic"]}},
        {"expansion": {"cells": 1.5}},
        {"loras": [{"model": 3}]},
        {"loras": [{"name": "ink"}]},
        {"controlnets": {"model": "pose"}},
        {"controlnets": [{"model": "pose", "roles": "depth"}]},
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_in_one_sentence(change):
    with pytest.raises(UsageError) as refusal:
        GenerationRequest.from_dict({**GenerationRequest("a man").to_dict(), **change})
    assert "\n" not in str(refusal.value)


def test_a_refusal_names_the_setting_of_the_wrong_kind():
    with pytest.raises(UsageError, match=r"\(cells has the value 1\.5\): save them anew"):
        GenerationRequest.from_dict({"prompt": "a man", "expansion": {"cells": 1.5}})


@pytest.mark.parametrize("content", ["", "[1]", "{", '{"request": 3}'])
def test_a_settings_file_of_another_kind_is_refused(tmp_path, content):
    path = tmp_path / "settings.json"
    path.write_text(content)
    with pytest.raises(UsageError):
        GenerationRequest.read(path)


@pytest.mark.parametrize(
    ("prompt", "text", "loras"),
    [
        ("a man", "a man", []),
        ("a  man", "a  man", []),
        ("a <lora:ink:0.8> man", "a man", [("ink", 0.8)]),
        ("<lora:ink> a man<lora:old film v2:-0.5>", "a man", [("ink", 1.0), ("old film v2", -0.5)]),
        ("a man <lora:ink:0.7:0.2>", "a man", [("ink", 0.7)]),
        ("a <LORA:ink:0.5> man", "a man", [("ink", 0.5)]),
        ("a <b> c lora:ink", "a <b> c lora:ink", []),
    ],
)
def test_loras_of_the_prompt(prompt: str, text: str, loras: list[tuple[str, float]]) -> None:
    request = GenerationRequest(prompt, loras=(LoraChoice("own", 0.3),))
    assert request.text == text
    assert [(lora.model, lora.weight) for lora in request.all_loras] == [("own", 0.3), *loras]


def test_loras_of_the_persons_prompts_count_once() -> None:
    persons = {"A": "old <lora:ink:0.5>", "B": "<lora:film> young", "C": "tall"}
    request = GenerationRequest("two men <lora:ink:0.5>", person_prompts=persons)
    assert request.all_loras == (LoraChoice("ink", 0.5), LoraChoice("film"))
    assert [request.words_for(name) for name in "ABCD"] == ["old", "young", "tall", ""]


@pytest.mark.parametrize("typo", ["<lora:ink:0.5", "<lora::0.5>", "<lora:>", "<lora ink>", "<lora", "<Lora:ink:x>"])
def test_a_lora_that_cannot_be_read_is_refused_and_not_painted(typo: str) -> None:
    for words in ({"prompt": f"a man {typo}"}, {"prompt": "a man", "person_prompts": {"A": f"old {typo}"}}):
        with pytest.raises(UsageError, match=r"LoRA .*: "):
            _ = GenerationRequest(**words).all_loras
    with pytest.raises(UsageError, match="negative prompt"):
        _ = GenerationRequest("a man", negative_prompt=f"fog {typo}").all_loras


@given(st.text(max_size=60) | st.text("<lora:>A ink0.5", max_size=30))
def test_any_prompt_is_split_or_refused(prompt: str) -> None:
    try:
        text, loras = split_loras(prompt)
    except UsageError:
        assert "<lora" in prompt.lower()
    else:
        assert loras or text == prompt


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("x/y", ControlNetChoice("x/y")),
        ("openpose=x/y@0.5", ControlNetChoice("x/y", ("openpose",), 0.5)),
        (" depth + normal = a b ", ControlNetChoice("a b", ("depth", "normal"))),
        ("hand_depth=/home/me@work/cn.safetensors", ControlNetChoice("/home/me@work/cn.safetensors", ("hand_depth",))),
        (r"C:\models\me@work\cn.safetensors@1.5", ControlNetChoice(r"C:\models\me@work\cn.safetensors", (), 1.5)),
        ("pose@v2.safetensors", ControlNetChoice("pose@v2.safetensors")),
        ("depth=pose@v2@0.5", ControlNetChoice("pose@v2", ("depth",), 0.5)),
        ("/models/sd=1.5/cn", ControlNetChoice("/models/sd=1.5/cn")),
        ("openpose=/models/sd=1.5/cn@2", ControlNetChoice("/models/sd=1.5/cn", ("openpose",), 2.0)),
    ],
)
def test_controlnets_as_users_write_them(text: str, choice: ControlNetChoice) -> None:
    assert ControlNetChoice.parse(text) == choice
    assert ControlNetChoice.parse(choice.written) == choice


@pytest.mark.parametrize("text", ["pose=x", "openpose=", "@0.5", "openpose=x@nan", "openpose=x@99", "=x"])
def test_controlnets_that_make_no_sense(text: str) -> None:
    with pytest.raises(UsageError) as refusal:
        ControlNetChoice.parse(text)
    assert ":" in str(refusal.value) and "\n" not in str(refusal.value)


def test_choices_survive_saving() -> None:
    request = GenerationRequest(
        "a man",
        model="some/model",
        controlnets=(ControlNetChoice("a", ("openpose", "depth"), 0.5), ControlNetChoice("b")),
        loras=(LoraChoice("c", -1.0),),
        vae="d",
    )
    assert GenerationRequest.from_dict(json.loads(json.dumps(request.to_dict()))) == request
    for broken in ({"controlnets": [{"name": "a"}]}, {"controlnets": ["a"]}, {"loras": [{"model": ""}]}, {"loras": 3}):
        with pytest.raises(UsageError):
            GenerationRequest.from_dict({"prompt": "x", **broken})
