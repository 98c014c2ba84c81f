# SPDX-License-Identifier: GPL-3.0-or-later
"""A request goes to JSON and back whole, and refuses what makes no sense."""

from __future__ import annotations

import json

import pytest

from handdiff_addon.errors import UsageError
from handdiff_addon.request import ExpansionSettings, GenerationRequest


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
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_in_one_sentence(change):
    with pytest.raises(UsageError) as refusal:
        GenerationRequest.from_dict({**GenerationRequest("a man").to_dict(), **change})
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("content", ["", "[1]", "{", '{"request": 3}'])
def test_a_settings_file_of_another_kind_is_refused(tmp_path, content):
    path = tmp_path / "settings.json"
    path.write_text(content)
    with pytest.raises(UsageError):
        GenerationRequest.read(path)
