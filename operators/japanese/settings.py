# SPDX-License-Identifier: GPL-3.0-or-later
"""The scene's settings: names, tooltips and choices."""

from __future__ import annotations

SETTINGS: dict[str, str] = {
    "Armature": "アーマチュア",
    "The person to paint. Empty: every humanoid armature in the scene": (
        "描く人物。空の場合はシーン内のすべての人型アーマチュア"
    ),
    "Camera": "カメラ",
    "The camera to paint through. Empty: the scene's own, as timeline markers bind it": (
        "描くときのカメラ。空の場合はシーンのカメラ（タイムラインマーカーの割り当てに従います）"
    ),
    "Skeleton": "スケルトン",
    "How the skeleton is drawn for the model": "モデルに見せるスケルトンの描き方",
    "Classic": "クラシック",
    "Thin limbs, as ControlNets for OpenPose usually learn": "細い手足。OpenPose 用 ControlNet の標準的な学習データと同じ",
    "Xinsir": "Xinsir",
    "Limbs that thicken with the picture, as the xinsir ControlNets learn": (
        "画像が大きいほど太くなる手足。xinsir の ControlNet の学習データと同じ"
    ),
    "MediaPipe Hands": "MediaPipe の手",
    "Hands alone, in MediaPipe's colours": "手だけを MediaPipe の色で描きます",
    "Occluded Joints": "隠れた関節",
    "Draw body joints that something hides, as ControlNets see them in training": (
        "何かに隠れた体の関節も描きます。ControlNet は学習時にそうした関節も見ています"
    ),
    "Hidden Hands": "隠れた手",
    "Draw hands of which nothing is seen, too": "まったく見えない手も描きます",
    "Face": "顔",
    "Draw the face's points, where the rig has them": "リグに顔の点があれば描きます",
    "People": "人数",
    "How many people at most; the nearest are taken": "描く人数の上限。カメラに近い人物から選びます",
    "Which passes to render": "レンダリングするパス",
    "Body, hands and face as pose ControlNets know them": "ポーズ用 ControlNet の形式による体、手、顔",
    "Hands Mask": "両手のマスク",
    "What the camera sees of all hands": "カメラに見えるすべての手",
    "Left Hand": "左手",
    "What the camera sees of left hands": "カメラに見える左手",
    "Right Hand": "右手",
    "What the camera sees of right hands": "カメラに見える右手",
    "Person Mask": "人物のマスク",
    "What the camera sees of the people": "カメラに見える人物",
    "Depth": "深度",
    "Relative depth of the people, near is white": "人物の相対的な深度。近いほど白",
    "Metric Depth": "実寸の深度",
    "Depth in millimetres, 16 bit": "ミリメートル単位の深度、16 ビット",
    "Hand Depth": "手の深度",
    "Depth of each hand by itself, for hand refining ControlNets": "手ごとの深度。手を補正する ControlNet 用",
    "Normal": "法線",
    "Surface normals in the colours of normalbae": "normalbae の色による面の法線",
    "Segmentation": "セグメンテーション",
    "People in the colours of ADE20K": "ADE20K の色による人物",
    "Keypoints as OpenPose JSON": "OpenPose JSON 形式のキーポイント",
    "OpenXR Hands": "OpenXR の手",
    "The hands' joints with orientations as JSON, for AR and VR": "手の関節と向きの JSON。AR・VR 用",
    "All Frames": "全フレーム",
    "Render the scene's frame range, as an image sequence for each pass": (
        "シーンのフレーム範囲を、パスごとの連番画像としてレンダリングします"
    ),
    "As Blender Images": "Blender の画像にもする",
    "Also keep this frame's passes as images in the file, where nodes and the image editor find them": (
        "このフレームのパスを画像としてファイル内にも保存し、ノードや画像エディターで使えるようにします"
    ),
    "What to paint: the person, the clothes, the background": "描くもの。人物、服、背景など",
    "Negative": "ネガティブ",
    "What to keep out of the picture": "画像に入れたくないもの",
    "Seed": "シード",
    "The same seed and settings give the same picture": "シードと設定が同じなら、同じ画像になります",
    "Body Steps": "体のステップ",
    "Denoising steps of the body stage: more are slower and finer": (
        "体の段階のノイズ除去ステップ数。多いほど遅く、細かくなります"
    ),
    "Hand Steps": "手のステップ",
    "Denoising steps of the hand stage": "手の段階のノイズ除去ステップ数",
    "Guidance": "ガイダンス",
    "How strictly the picture follows the prompt; 1 is off": "プロンプトにどれだけ忠実に描くか。1 でオフ",
    "Pose Strength": "ポーズの強さ",
    "How strictly the body follows the skeleton": "体がスケルトンにどれだけ忠実に従うか",
    "Model": "モデル",
    "Model folder. Empty: the preferences' default, else the model that comes with HandDiff": (
        "モデルのフォルダー。空の場合はプリファレンスの既定、それもなければ HandDiff 付属のモデル"
    ),
    "Hands First": "手を先に描く",
    "Paint the hands in a stage of their own, then the body around them. Off: everything in one go": (
        "手を独立した段階で先に描き、そのまわりに体を描きます。オフの場合はすべてを一度に描きます"
    ),
    "Best Of": "試行回数",
    "Paint the hands this many times and keep the ones that fit the rig best": (
        "この回数だけ手を描き、リグに最もよく合うものを残します"
    ),
    "Hand Mask": "手のマスク",
    "Which mask tells hand from body when the body is painted around the hands": (
        "手のまわりに体を描くとき、手と体を分けるマスク"
    ),
    "Predicted": "予測",
    "The mask that the hand model predicts with its picture": "手のモデルが画像とともに予測するマスク",
    "Rendered": "レンダリング",
    "The mask that the camera sees of the rig": "カメラから見たリグのマスク",
    "Auto": "自動",
    "Predicted, unless it strays too far from the rendered one": (
        "予測マスク。ただしレンダリングしたマスクから離れすぎた場合は後者"
    ),
    "Least Overlap": "最小の重なり",
    "Overlap (IoU) with the rendered mask under which Auto takes the rendered one": (
        "レンダリングしたマスクとの重なり（IoU）がこれを下回ると、「自動」はレンダリングしたマスクを使います"
    ),
    "Paint": "描く範囲",
    "What the body stage may paint": "体の段階で描いてよい範囲",
    "Everything": "すべて",
    "Person and background; the prompt names both": "人物と背景。プロンプトには両方を書きます",
    "Person Only": "人物のみ",
    "Pixels outside the person stay as they are": "人物の外のピクセルはそのまま残します",
    "Expansion Start": "拡張の開始",
    "Part of the steps after which the body starts to grow into the hands' rim": (
        "全ステップのうち、体が手の縁へ広がり始める位置"
    ),
    "Part of the steps after which nothing is held and the model is free": (
        "全ステップのうち、固定がすべて解けてモデルが自由に描き始める位置"
    ),
    "Expansions": "拡張回数",
    "How many times the painted region grows between start and end": "開始から終わりまでに、描く範囲を広げる回数",
    "Cells": "セル",
    "By how many latent cells it grows each time": "1 回ごとに広げる潜在空間のセル数",
    "Rim": "縁",
    "By how many latent cells the held region is larger than the hand mask at first": (
        "最初に固定する範囲を、手のマスクより何セル（潜在空間）大きくするか"
    ),
    "Renoise Hands": "手にノイズを付加",
    "Noise the held hands to the level of each step, as the body around them is": (
        "固定した手にも、まわりの体と同じように各ステップのノイズを加えます"
    ),
    "Final Paste": "最後に貼り付け",
    "Lay the core of the hands over the finished picture, with a soft edge": (
        "完成した画像に、手の中心部をぼかした縁で重ねます"
    ),
    "Picture": "画像",
    "Which picture of the latest run to look at": "最新の実行のうち、表示する画像",
    "The finished picture": "完成した画像",
    "The hands of the first stage": "最初の段階で描いた手",
    "The skeleton that the model saw": "モデルに見せたスケルトン",
    "Depth, near is white": "深度。近いほど白",
}
