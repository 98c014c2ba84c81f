# SPDX-License-Identifier: GPL-3.0-or-later
"""Keypoints, hands and gestures by name."""

from __future__ import annotations

_SIDES = {"Left": "左", "Right": "右"}
_BODY = {
    "shoulder": "肩",
    "elbow": "肘",
    "wrist": "手首",
    "hip": "股関節",
    "knee": "膝",
    "ankle": "足首",
    "eye": "目",
    "ear": "耳",
}
_FINGERS = {"index": "人差し指", "middle": "中指", "ring": "薬指", "little": "小指"}
_JOINTS = {
    "knuckle (MCP)": "の付け根（MCP）",
    "middle joint (PIP)": "の第2関節（PIP）",
    "last joint (DIP)": "の第1関節（DIP）",
    "tip": "の先",
}
_THUMB = {
    "base (CMC)": "の根元（CMC）",
    "knuckle (MCP)": "の付け根（MCP）",
    "joint (IP)": "の関節（IP）",
    "tip": "の先",
}
_FACE = {
    "jaw": "あご",
    "right brow": "右眉",
    "left brow": "左眉",
    "bridge of the nose": "鼻筋",
    "base of the nose": "鼻の下",
    "right eyelids": "右まぶた",
    "left eyelids": "左まぶた",
    "outer lips": "唇の外側",
    "inner lips": "唇の内側",
    "right pupil": "右の瞳",
    "left pupil": "左の瞳",
}


def _keypoints() -> dict[str, str]:
    names = {"Nose": "鼻", "Neck": "首"}
    for side, kana in _SIDES.items():
        names |= {f"{side} {part}": f"{kana}{other}" for part, other in _BODY.items()}
        names |= {f"{side} thumb {part}": f"{kana}の親指{other}" for part, other in _THUMB.items()}
        names |= {f"{side} hand": f"{kana}手", f"{side} thumb": f"{kana}の親指"}
        for finger, other in _FINGERS.items():
            names[f"{side} {finger} finger"] = f"{kana}の{other}"
            names |= {f"{side} {finger} {part}": f"{kana}の{other}{rest}" for part, rest in _JOINTS.items()}
    faces = {f"Face {{}}, {part}": f"顔 {{0}}、{other}" for part, other in _FACE.items()}
    return names | faces


PERSONS: dict[str, str] = {
    **_keypoints(),
    "Hand": "手",
    "Left": "左",
    "Right": "右",
    "Both": "両方",
    "The person's left hand": "人物から見て左の手",
    "The person's right hand": "人物から見て右の手",
    "Both hands": "両手",
    "Which hands a gesture poses": "ジェスチャーを付ける手",
    # Gestures
    "Call": "電話",
    "Thumb and little finger out, as a telephone": "親指と小指を伸ばした、電話のしぐさ",
    "Dislike": "よくない",
    "Thumb down": "親指を下に",
    "Fist": "グー",
    "Closed, thumb over the fingers": "握りこぶし。親指は指の上",
    "Four": "4",
    "Four fingers, thumb in": "4 本指を立て、親指は内側",
    "Like": "いいね",
    "Thumb up": "親指を上に",
    "Mute": "静かに",
    "Index finger upright, to be held to the lips": "人差し指を立てて口に当てるしぐさ",
    "OK": "OK",
    "Thumb and index finger make a ring": "親指と人差し指で輪を作る",
    "One": "1",
    "Index finger up": "人差し指を立てる",
    "Palm": "パー",
    "Open hand, fingers spread": "指を広げた手のひら",
    "Peace": "ピース",
    "Index and middle finger spread": "人差し指と中指を開いて立てる",
    "Peace, Back": "ピース（甲側）",
    "Peace, seen from the back of the hand": "手の甲側から見たピース",
    "Rock": "ロック",
    "Index and little finger up, thumb over the others": "人差し指と小指を立て、親指でほかの指を押さえる",
    "Stop": "ストップ",
    "Open hand, fingers together": "指をそろえた手のひら",
    "Stop, Back": "ストップ（甲側）",
    "Stop, seen from the back of the hand": "手の甲側から見たストップ",
    "Three": "3",
    "Index, middle and ring finger up, the thumb holds the little finger": (
        "人差し指、中指、薬指を立て、親指で小指を押さえる"
    ),
    "Three 2": "3（親指）",
    "Thumb, index and middle finger out": "親指、人差し指、中指を伸ばす",
    "Two Up": "2",
    "Index and middle finger up, together": "人差し指と中指をそろえて立てる",
    "Two, Back": "2（甲側）",
    "Two up, seen from the back of the hand": "手の甲側から見た 2",
}
