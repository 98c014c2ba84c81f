# SPDX-License-Identifier: GPL-3.0-or-later
"""Japanese: every text has it, values end up in it, and its lines break where Japanese lines may."""

from __future__ import annotations

import importlib.util
import re
import string
import sys
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handdiff_addon.conditioning.skeleton import LIMBS
from handdiff_addon.models import devices, pip_process
from handdiff_addon.rig.gestures import GESTURES
from handdiff_addon.rig.keypoints import KEYPOINTS
from handdiff_addon.rig.overrides import label

from .interface_texts import texts

ROOT = Path(__file__).resolve().parents[1]


def load(name: str) -> ModuleType:
    """A module of ``operators`` that needs no Blender, which the package as a whole does."""
    path = ROOT / "operators" / name
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    spec = importlib.util.spec_from_file_location(
        f"handdiff_{name}", path, submodule_search_locations=[str(path.parent)]
    )
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


JAPANESE: dict[str, str] = load("japanese").JAPANESE
PHRASES = load("phrases").Phrases(JAPANESE)
wrap = load("wrapping").wrap


def japanese(text: str) -> str:
    return PHRASES.translate(text, lambda english: JAPANESE.get(english, english))


def test_every_text_of_the_interface_has_japanese() -> None:
    missing = {text: place for text, place in texts(ROOT).items() if text not in JAPANESE}
    assert not missing, "\n".join(f"{place}: {text!r}" for text, place in missing.items())


def test_every_text_in_the_data_has_japanese() -> None:
    named = [text for gesture in GESTURES.values() for text in (gesture.label, gesture.description)]
    named += [build.label for build in devices.builds("linux", "x86_64")] + [devices.MPS.label]
    named += [sentence for _, sentence in pip_process.KNOWN]
    missing = [text for text in named if text not in JAPANESE]
    missing += [name for name in map(label, KEYPOINTS) if not re.search("[぀-ヿ一-鿿]", japanese(name))]
    assert not missing


def test_nothing_translated_is_unread() -> None:
    """The reading of the sources must not go blind: it knows texts of each kind."""
    read = texts(ROOT)
    for text in (
        "Generate",  # a label
        "Stop painting, or take a picture out of the queue; earlier pictures stay",  # a docstring: a tooltip
        "What the hand stage may cost",  # a property's description
        "Hands Mask",  # a choice
        "{} of {} points",  # a value within
        "Nothing is being painted.",  # why an operator is off
        "There is no model folder {}: give the path of a folder with a model_index.json.",  # a refusal of the library
        "No hand is in view, so the picture is painted without the hand stage.",  # a warning
    ):
        assert text in read, text
    assert len(read) > 300 and LIMBS


def test_translations_name_the_values_that_there_are() -> None:
    for english, other in JAPANESE.items():
        values = {name for _, name, _, _ in string.Formatter().parse(other) if name is not None}
        count = english.count("{}")
        assert values <= {str(number) for number in range(count)}, f"{english!r}: {other!r}"
        assert other.strip(), english
        if english.endswith(".") and not english.endswith("..."):
            assert other.endswith(("。", "}")), other


@pytest.mark.parametrize(
    ("english", "other"),
    [
        ("Generate", "生成"),
        ("20 of 21 points", "20/21 点"),
        ("Missing: 左耳、鼻 and 3 more", "見つからない: 左耳、鼻、ほか 3 点"),
        ("Left ring finger", "左の薬指"),
        ("Right index last joint (DIP)", "右の人差し指の第1関節（DIP）"),
        ("Face 12, jaw", "顔 12、あご"),
        (
            'The armature "Camera" cannot be used. "Camera" is in Edit Mode, so its pose is not known: leave Edit Mode '
            "first.",
            "アーマチュア「Camera」は使えません。「Camera」は編集モードのため、ポーズがわかりません。"
            "先に編集モードを終了してください。",
        ),
        (
            "The weights unet.safetensors are damaged (its header is not JSON): copy or download this file again.",
            "重み unet.safetensors が破損しています（ヘッダーが JSON ではない）。"
            "このファイルをコピーまたはダウンロードし直してください。",
        ),
        ("Nobody has ever said this.", "Nobody has ever said this."),
    ],
)
def test_values_within(english: str, other: str) -> None:
    assert japanese(english) == other


@given(st.text(), st.text())
def test_any_value_is_kept_as_it_is(scene: str, names: str) -> None:
    text = japanese(f'The scene holds no armature named "{scene}": choose one of {names}.')
    assert text.startswith("シーンに「")
    if " " not in scene + names and '"' not in scene + names:
        assert text == f"シーンに「{scene}」という名前のアーマチュアはありません。{names} から選んでください。"


def lines(text: str, room: int) -> list[str]:
    """Japanese letters count double, as they are drawn."""
    return wrap(text, lambda line: sum(2 if ord(letter) > 0x2FFF else 1 for letter in line) <= room)


def test_english_breaks_between_words() -> None:
    assert lines("a picture is being painted", 12) == ["a picture is", "being", "painted"]
    assert lines("incomprehensibilities are whole", 8) == ["incomprehensibilities", "are", "whole"]
    assert lines("", 8) == [""]


def test_japanese_breaks_between_letters_but_not_before_punctuation() -> None:
    assert lines("手を描画中です。待ってください。", 14) == ["手を描画中で", "す。待ってくだ", "さい。"]
    assert lines("設定（プリファレンス）", 6) == ["設定", "（プリ", "ファレ", "ンス）"]
    assert lines("Blender を再起動", 10) == ["Blender を", "再起動"]


@given(st.text(alphabet="ab 手描。（」、ー", max_size=60), st.integers(2, 30))
def test_wrapping_loses_nothing(text: str, room: int) -> None:
    broken = lines(text, room)
    assert "".join("".join(broken).split()) == "".join(text.split())
    if not re.search(r"\s[。、」ー]", text):
        assert not any(line[:1] in "。、」ー" for line in broken[1:])
