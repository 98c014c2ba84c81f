# SPDX-License-Identifier: GPL-3.0-or-later
"""MikuMikuDance: Japanese names, with the side before them or as mmd_tools writes it (``腕.L``), and its English.

``親指０``, the thumb's metacarpal, is missing from many models; ``親指１`` is the next bone all the same.  Blender's
own names do not matter where mmd_tools keeps the Japanese ones beside them.
"""

from __future__ import annotations

from .family import Family, both_sides, phalanges, tips
from .mixamo import HEAD

_FINGERS = {"middle": "中指", "ring": "薬指", "little": "小指"}
_THUMB = {"thumb": "親指"}

_JAPANESE = both_sides(
    {
        "hips": "センター|下半身",
        "spine": "上半身",
        "chest": "上半身2",
        "neck": "首",
        "head": "頭",
        "clavicle": "{side}肩",
        "upper_arm": "{side}腕",
        "forearm": "{side}ひじ|{side}肘",
        "hand": "{side}手首",
        "thigh": "{side}足",
        "shin": "{side}ひざ|{side}膝",
        "foot": "{side}足首",
        "toe": "{side}つま先|{side}足先EX",
        "eye": "{side}目",
        **phalanges("{side}{finger}{joint}", _THUMB, ("０", "１", "２")),
        **phalanges("{side}{finger}{joint}", _FINGERS, ("１", "２", "３")),
        **phalanges("{side}人指{joint}|{side}人差指{joint}", {"index": ""}, ("１", "２", "３")),
        **tips("{side}{finger}先", _THUMB | _FINGERS | {"index": "人指"}),
    },
    {"left": "左", "right": "右"},
)

_ENGLISH_FINGERS = {"index": "IndexFinger", "middle": "MiddleFinger", "ring": "RingFinger", "little": "LittleFinger"}
_ENGLISH_THUMB = {"thumb": "Thumb"}

ENGLISH_LIMBS = {
    "clavicle": "Shoulder.{side}",
    "upper_arm": "Arm.{side}",
    "forearm": "Elbow.{side}",
    "hand": "Wrist.{side}",
    "thigh": "Leg.{side}",
    "shin": "Knee.{side}",
    "foot": "Ankle.{side}",
    "eye": "Eye.{side}",
    **phalanges("{finger}{joint}.{side}", _ENGLISH_THUMB, ("0", "1", "2")),
    **phalanges("{finger}{joint}.{side}", _ENGLISH_FINGERS),
    **tips("{finger}Tip.{side}", _ENGLISH_THUMB | _ENGLISH_FINGERS),
}
ENGLISH_SIDES = {"left": "L", "right": "R"}

_ENGLISH = both_sides(
    {
        "hips": "Center|LowerBody",
        "spine": "UpperBody",
        "chest": "UpperBody2",
        "neck": "Neck",
        "head": "Head",
        "toe": "ToeTip.{side}|LegTipEX.{side}",
        **ENGLISH_LIMBS,
    },
    ENGLISH_SIDES,
)

FAMILY = Family(
    name="mmd",
    label="MikuMikuDance",
    bones={name: (*spelt, *_ENGLISH[name]) for name, spelt in _JAPANESE.items()},
    head=HEAD,
)
