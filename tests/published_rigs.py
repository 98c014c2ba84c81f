# SPDX-License-Identifier: GPL-3.0-or-later
"""Rigs with the names and the order that their makers publish, on one plausible human.

The names are spelt here once more, apart from the families' own tables, with the bones that stand between and beside
the joints.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from handdiff_addon.request import SIDES
from handdiff_addon.rig.keypoints import FINGERS
from tests.builders import bone_table, nearest_parent

TRUNK = ("hips", "spine", "chest", "neck", "head")
LIMBS = ("clavicle", "upper_arm", "forearm", "hand", "thigh", "shin", "foot", "toe")
FACE = {
    "nose": ((0, -0.09, 1.56), (0, -0.12, 1.55)),
    "left_eye": ((0.03, -0.07, 1.58), (0.03, -0.09, 1.58)),
    "left_ear": ((0.075, 0, 1.56), (0.08, 0, 1.6)),
}


@dataclass
class Rig:
    """One rig: names of the left side and the middle, in the order of ``TRUNK``, ``LIMBS`` and the fingers' joints."""

    family: str
    trunk: list[str]
    limbs: list[str]
    fingers: list[list[str]]
    """Thumb to little finger; base to tip, with a fourth name where the rig has tips; empty names are absent"""
    sides: tuple[str, str | Callable[[re.Match[str]], str]]
    """What the left names have on the left, and what stands there on the right"""
    face: dict[str, str] = field(default_factory=dict)
    between: dict[str, str] = field(default_factory=dict)
    """Bone to the one that stands between it and the bone that it would hang from"""
    beside: dict[str, str] = field(default_factory=dict)
    """Further bones and what they hang from"""
    hand_too: list[str] = field(default_factory=list)
    """Of these, the ones that belong to the left hand"""

    def other(self, name: str) -> str:
        return re.sub(*self.sides, name)

    def expected(self) -> dict[str, str]:
        """Canonical bone to bone."""
        joints = {
            f"{finger}_{joint}": name
            for finger, names in zip(FINGERS, self.fingers, strict=True)
            for joint, name in zip((1, 2, 3, "tip"), names, strict=False)
        }
        left = dict(zip(LIMBS, self.limbs, strict=True)) | joints
        names = dict(zip(TRUNK, self.trunk, strict=True)) | self.face
        names |= {f"left_{name}": bone for name, bone in left.items()}
        names |= {f"right_{name[5:]}": self.other(bone) for name, bone in names.items() if name.startswith("left_")}
        return {name: bone for name, bone in names.items() if bone}

    def bones(self) -> dict[str, tuple[np.ndarray, np.ndarray, str | None]]:
        """Heads, tails and parents of all bones."""
        names = self.expected()
        table = bone_table()
        for name, ends in FACE.items():
            table[name] = tuple(np.array(end) for end in ends)
            if name.startswith("left_"):
                table[f"right_{name[5:]}"] = tuple(np.array(end) * (-1, 1, 1) for end in ends)
        for side in SIDES:
            for finger in FINGERS:
                head, tail = table[f"{side}_{finger}_3"]
                table[f"{side}_{finger}_tip"] = tail, 2 * tail - head
        bones = {}
        for name, bone in names.items():
            parent = nearest_parent(name, names)
            bones[bone] = (*table[name], names[parent] if parent else None)
        both = lambda table: table | {self.other(one): self.other(two) for one, two in table.items()}  # noqa: E731
        for bone, new in both(self.between).items():
            head, tail, parent = bones[bone]
            above = bones[parent][0] if parent else head - 0.05
            if new not in bones:
                bones[new] = above + 0.3 * (head - above), head, parent
            bones[bone] = head, tail, new
        for new, parent in both(self.beside).items():
            head, tail, _ = bones[parent]
            bones[new] = head, tail + 0.01, parent
        return bones


def words(text: str) -> list[str]:
    return text.split()


def numbered(pattern: str, fingers: str, joints: str = "1 2 3") -> list[list[str]]:
    return [
        [pattern.replace("*", finger).replace("#", joint) for joint in joints.split()] for finger in fingers.split()
    ]


LEFT_RIGHT = ("Left", "Right")
DOT = (r"\.L\b", ".R")
NAMED = "Thumb Index Middle Ring Pinky"
RIGIFY_FINGERS = numbered("*.0#.L", "thumb f_index f_middle f_ring f_pinky")
RIGIFY_LIMBS = words("shoulder.L upper_arm.L forearm.L hand.L thigh.L shin.L foot.L toe.L")
MIXAMO_LIMBS = words("LeftShoulder LeftArm LeftForeArm LeftHand LeftUpLeg LeftLeg LeftFoot LeftToeBase")
UNREAL_LIMBS = words("clavicle_l upperarm_l lowerarm_l hand_l thigh_l calf_l foot_l ball_l")
VRM_LIMBS = words("Shoulder UpperArm LowerArm Hand UpperLeg LowerLeg Foot Toes")
VRM_FINGERS = numbered("left*#", "Thumb Index Middle Ring Little", "Proximal Intermediate Distal")
CC_LIMBS = [f"CC_Base_L_{word}" for word in words("Clavicle Upperarm Forearm Hand Thigh Calf Foot ToeBase")]
CC_TRUNK = words("CC_Base_Hip CC_Base_Waist CC_Base_Spine02 CC_Base_NeckTwist01 CC_Base_Head")
BIPED_FINGERS = [[f"L Finger{n}", f"L Finger{n}1", f"L Finger{n}2", f"L Finger{n}Nub"] for n in range(5)]
MMD_FINGERS = [["左親指０", "左親指１", "左親指２"], *numbered("左*#", "人指 中指 薬指 小指", "１ ２ ３")]
MMD_ENGLISH = words("Shoulder.L Arm.L Elbow.L Wrist.L Leg.L Knee.L Ankle.L")
MMD_ENGLISH_FINGERS = [
    *numbered("*#.L", "Thumb", "0 1 2"),
    *numbered("*#.L", "IndexFinger MiddleFinger RingFinger LittleFinger"),
]


def dotted(names: list[list[str]]) -> list[list[str]]:
    """As mmd_tools writes Japanese names."""
    return [[f"{name[1:]}.L" for name in finger] for finger in names]


RIGS: dict[str, Rig] = {
    "Rigify metarig": Rig(
        "rigify_metarig",
        words("spine spine.001 spine.003 spine.004 spine.006"),
        RIGIFY_LIMBS,
        RIGIFY_FINGERS,
        DOT,
        {"left_eye": "eye.L", "left_ear": "ear.L", "nose": "nose.001"},
        {
            "spine.003": "spine.002", "spine.006": "spine.005", "nose.001": "nose", "nose": "face",
            "f_index.01.L": "palm.01.L", "f_middle.01.L": "palm.02.L", "f_ring.01.L": "palm.03.L",
            "f_pinky.01.L": "palm.04.L",
        },
        {"pelvis.L": "spine", "breast.L": "spine.003", "heel.02.L": "foot.L", "ear.L.001": "ear.L"},
        ["palm.01.L", "palm.02.L", "palm.03.L", "palm.04.L"],
    ),
    "Rigify generated": Rig(
        "rigify_generated",
        words("DEF-spine DEF-spine.001 DEF-spine.003 DEF-spine.004 DEF-spine.006"),
        [f"DEF-{name}" for name in RIGIFY_LIMBS],
        [[f"DEF-{name}" for name in finger] for finger in RIGIFY_FINGERS],
        DOT,
        {"left_eye": "ORG-eye.L", "left_ear": "DEF-ear.L", "nose": "DEF-nose.001"},
        {
            "DEF-forearm.L": "DEF-upper_arm.L.001", "DEF-hand.L": "DEF-forearm.L.001", "DEF-shin.L": "DEF-thigh.L.001",
            "DEF-foot.L": "DEF-shin.L.001", "DEF-f_index.01.L": "ORG-palm.01.L", "DEF-f_ring.01.L": "ORG-palm.03.L",
        },
        {
            "ORG-hand.L": "DEF-forearm.L", "hand_ik.L": "DEF-spine", "upper_arm_fk.L": "DEF-shoulder.L",
            "forearm_fk.L": "upper_arm_fk.L", "hand_fk.L": "forearm_fk.L", "f_index.01.L": "hand_fk.L",
            "f_index.02.L": "f_index.01.L", "f_index.03.L": "f_index.02.L", "head": "DEF-spine.004",
            "neck": "DEF-spine.003", "shoulder.L": "DEF-spine.003", "MCH-hand.L": "ORG-hand.L",
            "DEF-palm.01.L": "ORG-palm.01.L", "thigh_ik_target.L": "DEF-spine",
        },
        ["ORG-palm.01.L", "ORG-palm.03.L", "DEF-palm.01.L", "ORG-hand.L", "MCH-hand.L"],
    ),
    "Human Generator": Rig(
        "human_generator",
        words("spine spine.001 spine.003 neck head"),
        RIGIFY_LIMBS,
        RIGIFY_FINGERS,
        DOT,
        {"left_eye": "eyeball.L"},
        {"spine.003": "spine.002", "f_index.01.L": "palm.01.L", "f_pinky.01.L": "palm.04.L"},
        {"jaw": "head", "breast.L": "spine.003", "heel.02.L": "foot.L", "eyeball_lookat.L": "head"},
        ["palm.01.L", "palm.04.L"],
    ),
    "Mixamo": Rig(
        "mixamo",
        [f"mixamorig:{name}" for name in words("Hips Spine Spine2 Neck Head")],
        [f"mixamorig:{name}" for name in MIXAMO_LIMBS],
        numbered("mixamorig:LeftHand*#", NAMED, "1 2 3 4"),
        LEFT_RIGHT,
        {},
        {"mixamorig:Spine2": "mixamorig:Spine1"},
        {"mixamorig:HeadTop_End": "mixamorig:Head", "mixamorig:LeftToe_End": "mixamorig:LeftToeBase"},
    ),
    "Ready Player Me": Rig(
        "mixamo",
        words("Hips Spine Spine2 Neck Head"),
        MIXAMO_LIMBS,
        numbered("LeftHand*#", NAMED, "1 2 3 4"),
        LEFT_RIGHT,
        {"left_eye": "LeftEye"},
        {"Spine2": "Spine1"},
        {"HeadTop_End": "Head", "LeftToe_End": "LeftToeBase"},
    ),
    "VRM 1": Rig(
        "vrm1",
        words("hips spine upperChest neck head"),
        [f"left{word}" for word in VRM_LIMBS],
        [["leftThumbMetacarpal", "leftThumbProximal", "leftThumbDistal"], *VRM_FINGERS[1:]],
        ("left", "right"),
        {"left_eye": "leftEye"},
        {"upperChest": "chest"},
        {"jaw": "head", "hair_1": "head"},
    ),
    "VRM 0": Rig(
        "vrm0",
        words("hips spine upperChest neck head"),
        [f"left{word}" for word in VRM_LIMBS],
        VRM_FINGERS,
        ("left", "right"),
        {"left_eye": "leftEye"},
        {"upperChest": "chest"},
        {"jaw": "head"},
    ),
    "Unity humanoid": Rig(
        "vrm0",
        words("Hips Spine UpperChest Neck Head"),
        [f"Left{word}" for word in VRM_LIMBS],
        [[f"L{name[1:]}" for name in finger] for finger in VRM_FINGERS],
        LEFT_RIGHT,
        {"left_eye": "LeftEye"},
        {"UpperChest": "Chest"},
        {"Jaw": "Head"},
    ),
    "VRM add-on's own": Rig(
        "vrm1",
        words("hips spine upper_chest neck head"),
        words("shoulder.L upper_arm.L lower_arm.L hand.L upper_leg.L lower_leg.L foot.L toes.L"),
        [
            words("thumb_metacarpal.L thumb_proximal.L thumb_distal.L"),
            *numbered("*_#.L", "index middle ring little", "proximal intermediate distal"),
        ],
        DOT,
        {"left_eye": "eye.L"},
        {"upper_chest": "chest"},
    ),
    "VRoid": Rig(
        "vroid",
        words("J_Bip_C_Hips J_Bip_C_Spine J_Bip_C_UpperChest J_Bip_C_Neck J_Bip_C_Head"),
        [f"J_Bip_L_{word}" for word in [*VRM_LIMBS[:-1], "ToeBase"]],
        numbered("J_Bip_L_*#", "Thumb Index Middle Ring Little"),
        ("_L_", "_R_"),
        {"left_eye": "J_Adj_L_FaceEye"},
        {"J_Bip_C_UpperChest": "J_Bip_C_Chest"},
        {"J_Sec_L_Bust1": "J_Bip_C_UpperChest", "J_Sec_Hair1_01": "J_Bip_C_Head"},
    ),
    "VRoid, symmetrised": Rig(
        "vroid",
        words("Hips Spine UpperChest Neck Head"),
        [f"{word}_L" for word in [*VRM_LIMBS[:-1], "ToeBase"]],
        numbered("*#_L", "Thumb Index Middle Ring Little"),
        (r"_L\b", "_R"),
        {"left_eye": "FaceEye_L"},
        {"UpperChest": "Chest"},
        {"Bust1_L": "UpperChest", "Hair1_01": "Head"},
    ),
    "Unreal 4": Rig(
        "unreal",
        words("pelvis spine_01 spine_03 neck_01 head"),
        UNREAL_LIMBS,
        numbered("*_0#_l", "thumb index middle ring pinky"),
        (r"_l\b", "_r"),
        {},
        {"pelvis": "root", "spine_03": "spine_02"},
        {
            "upperarm_twist_01_l": "upperarm_l", "lowerarm_twist_01_l": "lowerarm_l", "calf_twist_01_l": "calf_l",
            "ik_foot_root": "root", "ik_foot_l": "ik_foot_root", "ik_hand_l": "root",
        },
    ),
    "Unreal 5": Rig(
        "unreal",
        words("pelvis spine_01 spine_05 neck_01 head"),
        UNREAL_LIMBS,
        numbered("*_0#_l", "thumb index middle ring pinky"),
        (r"_l\b", "_r"),
        {},
        {
            "pelvis": "root", "spine_05": "spine_04", "head": "neck_02", "index_01_l": "index_metacarpal_l",
            "middle_01_l": "middle_metacarpal_l", "ring_01_l": "ring_metacarpal_l", "pinky_01_l": "pinky_metacarpal_l",
        },
        {"upperarm_twist_02_l": "upperarm_l", "lowerarm_correctiveRoot_l": "lowerarm_l", "hand_twist_l": "hand_l"},
        ["index_metacarpal_l", "middle_metacarpal_l", "ring_metacarpal_l", "pinky_metacarpal_l", "hand_twist_l"],
    ),
    "MakeHuman default": Rig(
        "makehuman",
        words("root spine05 spine01 neck01 head"),
        words("clavicle.L upperarm01.L lowerarm01.L wrist.L upperleg01.L lowerleg01.L foot.L toe1-1.L"),
        numbered("finger*-#.L", "1 2 3 4 5"),
        DOT,
        {"left_eye": "eye.L"},
        {
            "spine01": "spine02", "head": "neck02", "upperarm01.L": "shoulder01.L", "lowerarm01.L": "upperarm02.L",
            "wrist.L": "lowerarm02.L", "lowerleg01.L": "upperleg02.L", "foot.L": "lowerleg02.L",
            "upperleg01.L": "pelvis.L", "eye.L": "special05.L", "finger2-1.L": "metacarpal1.L",
            "finger3-1.L": "metacarpal2.L", "finger4-1.L": "metacarpal3.L", "finger5-1.L": "metacarpal4.L",
        },
        {"jaw": "head", "oculi02.L": "head", "breast.L": "spine01", "toe2-1.L": "foot.L", "toe1-2.L": "toe1-1.L"},
        [f"metacarpal{n}.L" for n in (1, 2, 3, 4)],
    ),
    "SMPL-X": Rig(
        "smpl",
        words("pelvis spine1 spine3 neck head"),
        [f"left_{joint}" for joint in words("collar shoulder elbow wrist hip knee ankle foot")],
        numbered("left_*#", "thumb index middle ring pinky"),
        ("left", "right"),
        {"left_eye": "left_eye_smplhf"},
        {"spine3": "spine2"},
        {"jaw": "head"},
    ),
    "Auto-Rig Pro": Rig(
        "auto_rig_pro",
        words("root.x spine_01.x spine_03.x neck.x head.x"),
        words("shoulder.l arm.l forearm.l hand.l thigh.l leg.l foot.l toes_01.l"),
        [[f"{finger}1.l", f"c_{finger}2.l", f"c_{finger}3.l"] for finger in words("thumb index middle ring pinky")],
        (r"\.l\b", ".r"),
        {"left_eye": "c_eye.l"},
        {
            "root.x": "c_root_master.x", "spine_03.x": "spine_02.x", "arm.l": "c_shoulder.l", "thigh.l": "c_root.x",
            "index1.l": "c_index1_base.l", "middle1.l": "c_middle1_base.l", "ring1.l": "c_ring1_base.l",
            "pinky1.l": "c_pinky1_base.l", "c_index2.l": "c_index1.l",
        },
        {
            "arm_stretch.l": "arm.l", "c_arm_twist_offset.l": "shoulder.l", "forearm_stretch.l": "forearm.l",
            "forearm_twist.l": "forearm.l", "leg_stretch.l": "leg.l", "c_hand_ik.l": "c_root_master.x",
            "c_hand_fk.l": "forearm.l", "c_arms_pole.l": "c_root_master.x", "arm_fk.l": "shoulder.l",
        },
        [f"c_{finger}1_base.l" for finger in ("index", "middle", "ring", "pinky")] + ["c_index1.l"],
    ),
    "Auto-Rig Pro, exported": Rig(
        "auto_rig_pro",
        words("root.x spine_01.x spine_02.x neck.x head.x"),
        words("shoulder.l c_arm_twist_offset.l forearm_stretch.l hand.l thigh_twist.l leg_stretch.l foot.l toes_01.l"),
        numbered("c_*#.l", "thumb index middle ring pinky"),
        (r"\.l\b", ".r"),
        {},
        {
            "forearm_stretch.l": "arm_stretch.l", "hand.l": "forearm_twist.l", "leg_stretch.l": "thigh_stretch.l",
            "foot.l": "leg_twist.l",
        },
    ),
    "Daz Genesis 8": Rig(
        "daz",
        words("hip abdomenLower chestUpper neckLower head"),
        words("lCollar lShldrBend lForearmBend lHand lThighBend lShin lFoot lToe"),
        numbered("l*#", "Thumb Index Mid Ring Pinky"),
        (r"\bl(?=[A-Z])", "r"),
        {"left_eye": "lEye", "left_ear": "lEar"},
        {
            "lThighBend": "pelvis", "chestUpper": "chestLower", "head": "neckUpper", "lForearmBend": "lShldrTwist",
            "lHand": "lForearmTwist", "lShin": "lThighTwist", "lToe": "lMetatarsals", "lIndex1": "lCarpal1",
            "lMid1": "lCarpal2", "lRing1": "lCarpal3", "lPinky1": "lCarpal4",
        },
        {"lowerJaw": "head", "lPectoral": "chestLower", "lBigToe": "lToe", "lEyelidUpper": "head"},
        ["lCarpal1", "lCarpal2", "lCarpal3", "lCarpal4"],
    ),
    "Daz Genesis 2": Rig(
        "daz",
        words("hip abdomen chest neck head"),
        words("lCollar lShldr lForeArm lHand lThigh lShin lFoot lToe"),
        numbered("l*#", "Thumb Index Mid Ring Pinky"),
        (r"\bl(?=[A-Z])", "r"),
        {"left_eye": "lEye"},
        {"lThigh": "pelvis", "chest": "abdomen2", "lIndex1": "lCarpal1", "lRing1": "lCarpal2"},
        {"lBigToe": "lToe"},
        ["lCarpal1", "lCarpal2"],
    ),
    "Daz Genesis 9": Rig(
        "daz_9",
        words("hip spine1 spine4 neck1 head"),
        words("l_shoulder l_upperarm l_forearm l_hand l_thigh l_shin l_foot l_toes"),
        numbered("l_*#", "thumb index mid ring pinky"),
        (r"\bl_", "r_"),
        {"left_eye": "l_eye", "left_ear": "l_ear"},
        {
            "l_thigh": "pelvis", "head": "neck2", "l_index1": "l_indexmetacarpal", "l_mid1": "l_midmetacarpal",
            "l_ring1": "l_ringmetacarpal", "l_pinky1": "l_pinkymetacarpal",
        },
        {"l_upperarmtwist1": "l_upperarm", "l_forearmtwist1": "l_forearm", "l_bigtoe1": "l_toes", "lowerjaw": "head"},
        ["l_indexmetacarpal", "l_midmetacarpal", "l_ringmetacarpal", "l_pinkymetacarpal"],
    ),
    "Character Creator": Rig(
        "character_creator",
        CC_TRUNK,
        CC_LIMBS,
        numbered("CC_Base_L_*#", "Thumb Index Mid Ring Pinky"),
        ("_L_", "_R_"),
        {"left_eye": "CC_Base_L_Eye"},
        {
            "CC_Base_Spine02": "CC_Base_Spine01", "CC_Base_L_Thigh": "CC_Base_Pelvis",
            "CC_Base_Head": "CC_Base_NeckTwist02",
        },
        {
            "CC_Base_L_ForearmTwist01": "CC_Base_L_Forearm", "CC_Base_L_UpperarmTwist01": "CC_Base_L_Upperarm",
            "CC_Base_FacialBone": "CC_Base_Head", "CC_Base_L_BigToe1": "CC_Base_L_ToeBase",
        },
    ),
    "Character Creator, numbered": Rig(
        "character_creator",
        CC_TRUNK,
        CC_LIMBS,
        numbered("CC_Base_L_Finger*#", "0 1 2 3 4", "0 1 2"),
        ("_L_", "_R_"),
        {"left_eye": "CC_Base_L_Eye"},
        {"CC_Base_Spine02": "CC_Base_Spine01"},
    ),
    "Biped": Rig(
        "biped",
        [f"Bip001 {word}" for word in words("Pelvis Spine Spine2 Neck Head")],
        [f"Bip001 L {word}" for word in words("Clavicle UpperArm Forearm Hand Thigh Calf Foot Toe0")],
        [[f"Bip001 {name}" for name in finger] for finger in BIPED_FINGERS],
        (" L ", " R "),
        {},
        {"Bip001 Pelvis": "Bip001", "Bip001 Spine2": "Bip001 Spine1"},
        {"Bip001 HeadNub": "Bip001 Head", "Bip001 L ForeTwist": "Bip001 L Forearm"},
    ),
    "Rocketbox": Rig(
        "biped",
        [f"Bip01 {word}" for word in words("Pelvis Spine Spine2 Neck Head")],
        [f"Bip01 L {word}" for word in words("Clavicle UpperArm Forearm Hand Thigh Calf Foot Toe0")],
        [[f"Bip01 {name}" for name in finger[:3]] for finger in BIPED_FINGERS],
        (r" L(?=[ E])", " R"),
        {"left_eye": "Bip01 LEye"},
        {"Bip01 Pelvis": "Bip01", "Bip01 Spine2": "Bip01 Spine1"},
        {"Bip01 MJaw": "Bip01 Head"},
    ),
    "Source": Rig(
        "biped",
        [f"ValveBiped.Bip01_{word}" for word in words("Pelvis Spine Spine2 Neck1 Head1")],
        [f"ValveBiped.Bip01_L_{word}" for word in words("Clavicle UpperArm Forearm Hand Thigh Calf Foot Toe0")],
        [[f"ValveBiped.Bip01_{name.replace(' ', '_')}" for name in finger[:3]] for finger in BIPED_FINGERS],
        ("_L_", "_R_"),
        {},
        {"ValveBiped.Bip01_Spine2": "ValveBiped.Bip01_Spine1"},
        {"ValveBiped.Anim_Attachment_LH": "ValveBiped.Bip01_L_Hand"},
    ),
    "MikuMikuDance": Rig(
        "mmd",
        words("センター 上半身 上半身2 首 頭"),
        words("左肩 左腕 左ひじ 左手首 左足 左ひざ 左足首 左つま先"),
        MMD_FINGERS,
        ("左", "右"),
        {"left_eye": "左目"},
        {"センター": "全ての親", "左ひじ": "左腕捩", "左手首": "左手捩", "左足": "下半身"},
        {"両目": "頭", "左足ＩＫ": "全ての親", "左肩P": "上半身2", "左足D": "下半身"},
    ),
    "MikuMikuDance by mmd_tools": Rig(
        "mmd",
        words("センター 上半身 上半身2 首 頭"),
        [f"{name}.L" for name in words("肩 腕 ひじ 手首 足 ひざ 足首 足先EX")],
        dotted(MMD_FINGERS),
        DOT,
        {"left_eye": "目.L"},
        {"ひじ.L": "腕捩.L", "足.L": "下半身"},
        {"足ＩＫ.L": "センター"},
    ),
    "MikuMikuDance, translated, no thumb metacarpal": Rig(
        "mmd",
        words("Center UpperBody UpperBody2 Neck Head"),
        [*MMD_ENGLISH, "ToeTip.L"],
        [["", *MMD_ENGLISH_FINGERS[0][1:]], *MMD_ENGLISH_FINGERS[1:]],
        DOT,
        {"left_eye": "Eye.L"},
        {"Elbow.L": "ArmTwist.L", "Leg.L": "LowerBody"},
        {"Eyes": "Head", "LegIK.L": "Center"},
    ),
    "CATS": Rig(
        "cats",
        words("Hips Spine Chest Neck Head"),
        [f"Left {word}" for word in words("shoulder arm elbow wrist leg knee ankle toe")],
        [[name.replace(".", "_") for name in finger] for finger in MMD_ENGLISH_FINGERS],
        (r"Left|_L\b", lambda found: "Right" if found[0] == "Left" else "_R"),
        {"left_eye": "Eye_L"},
    ),
    "Rokoko Newton": Rig(
        "rokoko",
        words("Hips Spine1 Spine4 Neck Head"),
        words("LeftShoulder LeftArm LeftForeArm LeftHand LeftThigh LeftShin LeftFoot LeftToe"),
        [
            words("LeftFinger1Metacarpal LeftFinger1Proximal LeftFinger1Distal LeftFinger1Tip"),
            *numbered("LeftFinger*#", "2 3 4 5", "Proximal Medial Distal Tip"),
        ],
        LEFT_RIGHT,
        {},
        {"Spine4": "Spine3", "LeftFinger2Proximal": "LeftFinger2Metacarpal"},
        {},
        ["LeftFinger2Metacarpal"],
    ),
    "CMU": Rig(
        "cmu",
        words("Hips LowerBack Spine1 Neck Head"),
        MIXAMO_LIMBS,
        [[], [], [], [], []],
        (r"Left|\bL(?=[HT])", lambda found: "Right" if found[0] == "Left" else "R"),
        {},
        {"Spine1": "Spine", "Head": "Neck1", "LeftUpLeg": "LHipJoint"},
        {"LThumb": "LeftHand", "LeftFingerBase": "LeftHand", "LeftHandIndex1": "LeftFingerBase"},
        ["LThumb", "LeftFingerBase", "LeftHandIndex1"],
    ),
}  # fmt: skip
