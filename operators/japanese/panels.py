# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels and tooltips of panels, menus and operators."""

from __future__ import annotations

PANELS: dict[str, str] = {
    # Operators
    "HandDiff Sample Human": "HandDiff サンプル人物",
    "Add a rigged person with five jointed fingers on each hand, to try HandDiff on": (
        "両手に関節のある5本の指を持つリグ付きの人物を追加します。HandDiff をすぐに試せます"
    ),
    "Generate": "生成",
    "Paint this frame: the hands first, then the body around them": (
        "このフレームを描きます。最初に手を描き、そのまわりに体を描きます"
    ),
    "Cancel": "キャンセル",
    "Stop painting; earlier results stay": "描画を止めます。それまでの結果は残ります",
    "New Seed": "新しいシード",
    "Take another seed, for another picture from the same settings": (
        "シードを変えて、同じ設定から別の画像を作れるようにします"
    ),
    "Apply Gesture": "ジェスチャーを適用",
    "Pose the fingers of a hand; wrist and arm stay as they are": "手の指にポーズを付けます。手首と腕はそのままです",
    "{}. Wrist and arm stay as they are": "{0}。手首と腕はそのままです",
    "Choose Keypoint": "キーポイントを選択",
    "Choose the keypoint to look at": "表示するキーポイントを選びます",
    "Set Keypoint": "キーポイントを設定",
    "Put the keypoint at this end of the bone, or of the active pose bone where none is named": (
        "キーポイントをボーンのこの端に置きます。ボーンの指定がなければアクティブなポーズボーンを使います"
    ),
    "Reset Keypoint": "キーポイントをリセット",
    "Read the keypoint from the rig's own bone again": "キーポイントを再びリグ本来のボーンから読み取ります",
    "Reset All Keypoints": "すべてのキーポイントをリセット",
    "Read all keypoints from the rig's own bones again": "すべてのキーポイントを再びリグ本来のボーンから読み取ります",
    "Import Keypoints": "キーポイントをインポート",
    "Put keypoints where a file has them, in place of all that were put by hand before": (
        "手動で置いたキーポイントをすべて、ファイルの内容で置き換えます"
    ),
    "Export Keypoints": "キーポイントをエクスポート",
    "Save the keypoints that were put by hand as JSON": "手動で置いたキーポイントを JSON で保存します",
    "Render Passes": "パスをレンダリング",
    "Render skeleton, masks, depth and pose of this frame or of all frames, without painting": (
        "このフレームまたは全フレームのスケルトン、マスク、深度、ポーズをレンダリングします。描画は行いません"
    ),
    "Export OpenPose": "OpenPose をエクスポート",
    "Save the people's body, hands and face of this frame, as the camera sees them, as OpenPose JSON": (
        "このフレームの人物の体、手、顔を、カメラから見たまま OpenPose JSON で保存します"
    ),
    "Import OpenPose": "OpenPose をインポート",
    "Draw the skeleton of an OpenPose JSON file as the image HandDiff skeleton; nothing else in the file changes": (
        "OpenPose JSON ファイルのスケルトンを画像「HandDiff skeleton」に描きます。ほかのデータは変わりません"
    ),
    "OpenPose Pose (.json)": "OpenPose ポーズ (.json)",
    "Open Image": "画像を開く",
    "Open the picture in an image editor": "画像を画像エディターで開きます",
    "Open Folder": "フォルダーを開く",
    "Show the folder of the results in the file browser of the system": (
        "結果のフォルダーをシステムのファイルブラウザーで表示します"
    ),
    "Apply as Texture": "テクスチャとして適用",
    "Project the picture through its camera on to the person, as a texture; the materials can be restored": (
        "画像をそのカメラから人物に投影し、テクスチャにします。マテリアルは元に戻せます"
    ),
    "Restore Materials": "マテリアルを元に戻す",
    "Bring the materials back that the texture stands in for": "テクスチャで置き換えられたマテリアルを元に戻します",
    "Add as Layer": "レイヤーとして追加",
    "Lay the picture over the render where the person is, in the compositor; render to see it": (
        "コンポジターで、人物のところに画像をレンダリングの上から重ねます。レンダリングすると見えます"
    ),
    "Remove Layer": "レイヤーを削除",
    "Take the picture's layer out of the compositor again": "画像のレイヤーをコンポジターから取り除きます",
    "Export GLB": "GLB をエクスポート",
    "This model knows no styles, stock models do": "このモデルはスタイルを知りません（一般のモデルは知っています）",
    "Camera and Lights": "カメラとライト",
    "Pose the person at the origin, with lights and a camera that frames it at 512 x 512, and look through it": (
        "人物を原点にポーズ付きで置き、ライトと、人物を 512 x 512 に収めるカメラを加え、そのカメラから見ます"
    ),
    "Save the posed, textured person as preview.glb in the results": (
        "ポーズとテクスチャの付いた人物を、結果のフォルダーに preview.glb として保存します"
    ),
    # Panels
    "Pose": "ポーズ",
    "Passes": "パス",
    "Gestures": "ジェスチャー",
    "Gesture": "ジェスチャー",
    "Keypoints": "キーポイント",
    "Keypoint": "キーポイント",
    "Prompt": "プロンプト",
    "Model and Steps": "モデルとステップ",
    "Blending": "なじませ",
    "Result": "結果",
    "Add Sample Human": "サンプル人物を追加",
    "All {} people": "{0} 人全員",
    "Show": "表示",
    "Write": "書き出し",
    "What to paint": "描くもの",
    "What to keep out": "描かないもの",
    "Embedded": "内蔵モデル",
    "Steps  Hands": "ステップ  手",
    "Renoise": "ノイズ付加",
    "Stages": "段階",
    "Hands": "手",
    "Body": "体",
    "Preferences": "プリファレンス",
    "The latest run has no such picture": "最新の実行にこの画像はありません",
    "{} of {} frames, Esc stops": "{0}/{1} フレーム、Esc で中止",
    "{} of {} points": "{0}/{1} 点",
    "Missing: {}": "見つからない: {0}",
    "Missing: {} and {} more": "見つからない: {0}、ほか {1} 点",
    ", ": "、",
    "Show in Viewport": "ビューポートに表示",
    "Draw the keypoints that were recognised over the selected rig": (
        "認識されたキーポイントを、選択したリグに重ねて描きます"
    ),
    "Select an armature to put its keypoints at bones by hand.": (
        "アーマチュアを選択すると、キーポイントを手動でボーンに置けます。"
    ),
    "{} (by hand)": "{0}（手動）",
    "{}, head": "{0}、ヘッド",
    "{}, tail": "{0}、テール",
    "No bone of its own": "専用のボーンなし",
    "Bone": "ボーン",
    "The bone to put the keypoint at": "キーポイントを置くボーン",
    "End": "終わり",
    "Which end of the bone": "ボーンのどちらの端か",
    "Head": "ヘッド",
    "Where the bone begins": "ボーンの始まり",
    "Tail": "テール",
    "Where the bone ends": "ボーンの終わり",
    "Set": "設定",
    "Set to Active Bone": "アクティブボーンに設定",
    "Reset": "リセット",
    "Reset All ({})": "すべてリセット ({0})",
    "Import": "インポート",
    "Export": "エクスポート",
    # What goes on
    "Loading": "読み込み中",
    "Painting hands": "手を描画中",
    "Painting body": "体を描画中",
    "Finishing": "仕上げ中",
    "Stopping": "停止中",
    "Generating": "生成",
    "HandDiff Passes": "HandDiff パス",
    "HandDiff Passes as Images": "HandDiff パスを画像に",
}
