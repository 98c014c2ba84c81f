# SPDX-License-Identifier: GPL-3.0-or-later
"""Canonical bone names: spellings that are one, spellings that are not, and any text at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handdiff_addon.rig.naming import canonical

WORDS = st.lists(
    st.sampled_from(["upper", "Arm", "hand", "Index", "thumb", "Shldr", "bend", "人指", "ひじ"]), min_size=1, max_size=3
)
SEPARATORS = st.sampled_from(["_", " ", "-", ".", ":", "|", ""])


@pytest.mark.parametrize(
    "spellings",
    [
        ["LeftHandIndex1", "Left_Hand_Index_1", "left hand index 1", "LEFT_HAND_INDEX_1", "lefthandindex1",
         "Hand.Index.01.L", "HandIndex1_L",
         "lHandIndex1", "L_Hand-Index１", "ＬｅｆｔＨａｎｄＩｎｄｅｘ１", "左HandIndex1"],
        ["lShldrBend", "Left Shldr Bend", "shldr_bend.l", "L-ShldrBend"],
        ["左人指１", "人指１.L", "人指1_L", "左人指1"],
        ["ｾﾝﾀｰ", "センター"],
        ["upper_arm.R", "UpperArm_R", "rightUpperArm", "RightUpperArm", "R UpperArm", "Upper Arm Right"],
        ["Bip001 L Finger01", "bip001_l_finger01", "Bip001LFinger01"],
        ["finger2-1.L", "finger2_1_L", "LeftFinger2-1"],
    ],
)  # fmt: skip
def test_spellings_of_one_bone_are_one(spellings: list[str]) -> None:
    assert len({canonical(name) for name in spellings}) == 1, {name: canonical(name) for name in spellings}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("LeftHand", "RightHand"),
        ("Finger01", "Finger1"),  # a Biped's second thumb bone and first index bone
        ("finger1-1", "finger11"),
        ("hand.L", "hand"),
        ("DEF-hand.L", "ORG-hand.L"),
        ("左手首", "右手首"),
        ("arm.l", "arm_stretch.l"),
    ],
)
def test_different_bones_stay_different(one: str, other: str) -> None:
    assert canonical(one) != canonical(other)


@pytest.mark.parametrize(
    ("name", "side"),
    [
        ("LeftArm", "left"), ("arm.l", "left"), ("arm_L", "left"), ("l_arm", "left"), ("lArm", "left"),
        ("CC_Base_L_Hand", "left"), ("LThumb", "left"), ("左腕", "left"), ("腕.L", "left"), ("J_Bip_R_Hand", "right"),
        ("upper_arm.R.001", "right"), ("REar", "right"), ("右足", "right"), ("mixamorig:RightHand", "right"),
        ("Head", ""), ("lowerarm", ""), ("rib", ""), ("spine", ""), ("LeftRight", ""), ("eyes_l_r", ""), ("root.x", ""),
    ],
)  # fmt: skip
def test_sides(name: str, side: str) -> None:
    assert canonical(name).side == side


@given(st.text())
def test_any_text_has_a_canonical_form_which_is_its_own(name: str) -> None:
    form = canonical(name)
    assert canonical(str(form)) == form
    assert form.side in ("left", "right", "") and form.rest == form.rest.lower()


@given(
    st.lists(st.sampled_from(["l", "r", "le", "ft", "left", "ri", "ght", "Right", "0", "01", "_", "-", "Hand", "左"]))
)
def test_side_words_in_any_order_have_a_canonical_form_which_is_its_own(parts: list[str]) -> None:
    form = canonical("".join(parts))
    assert canonical(str(form)) == form


@given(WORDS, SEPARATORS, st.integers(1, 4), st.sampled_from([("left", "L", "左"), ("right", "R", "右")]))
def test_the_side_may_stand_anywhere(words: list[str], gap: str, number: int, side: tuple[str, str, str]) -> None:
    word, letter, japanese = side
    name = gap.join(word.capitalize() for word in words) + str(number)
    forms = {canonical(f"{word.capitalize()}{gap}{name}"), canonical(f"{name}.{letter}"), canonical(japanese + name)}
    assert len(forms) == 1 and forms.pop().side == word
