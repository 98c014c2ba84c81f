# SPDX-License-Identifier: GPL-3.0-or-later
"""What operators report, and why they cannot run."""

from __future__ import annotations

REPORTS: dict[str, str] = {
    "A picture is being painted: wait for it, or cancel it.": "描画中です。完了を待つか、キャンセルしてください。",
    "Nothing is being painted.": "何も描画していません。",
    "{} was cancelled.": "{0}を中止しました。",
    "Generating was cancelled.": "生成をキャンセルしました。",
    "Done in {} s": "{0} 秒で完了しました",
    "Done in {} s, saved in {}": "{0} 秒で完了し、{1} に保存しました",
    ", saved in {}": "、{0} に保存しました",
    "Saved {}": "{0} を保存しました",
    "There is no armature: add a rigged character, or use Add > Armature > HandDiff Sample Human.": (
        "アーマチュアがありません。リグ付きのキャラクターを追加するか、"
        "追加 > アーマチュア > HandDiff サンプル人物 を使ってください。"
    ),
    "There is no armature to pose: select one, or choose it under Pose.": (
        "ポーズを付けるアーマチュアがありません。選択するか、「ポーズ」で指定してください。"
    ),
    "There is no one armature to set keypoints of: select one.": (
        "キーポイントを設定するアーマチュアを特定できません。ひとつ選択してください。"
    ),
    'No bone was named: choose one of "{}", or make one active in Pose Mode.': (
        "ボーンの指定がありません。「{0}」のボーンを選ぶか、ポーズモードでボーンをアクティブにしてください。"
    ),
    '"{}" has no bone "{}": choose another.': "「{0}」にボーン「{1}」はありません。別のボーンを選んでください。",
    "{} was not put by hand: there is nothing to reset.": "{0} は手動で置かれていないため、リセットするものがありません。",
    "Keypoints put by hand: {}": "手動で置いたキーポイント: {0}",
    "Keypoints saved in {}": "キーポイントを {0} に保存しました",
    "No pass is chosen: choose at least one in the Passes panel.": (
        "パスが選ばれていません。「パス」パネルでひとつ以上選んでください。"
    ),
    "Passes are being rendered: wait, or press Esc.": "パスをレンダリング中です。待つか、Esc を押してください。",
    "Rendering passes: Esc stops": "パスをレンダリング中: Esc で中止",
    "Stopped: the frames made so far are in {}": "中止しました。完成したフレームは {0} にあります",
    "Passes saved in {}{}": "パスを {0} に保存しました{1}",
    ", {} of them as images as well": "（うち {0} 個は画像としても保持）",
    "Passes of {} frames saved in {}": "{0} フレームのパスを {1} に保存しました",
    '{}, {} x {} pixels, in the image "{}"': "{0}、{1} x {2} ピクセル、画像「{3}」",
    "1 person": "1 人",
    "{} people": "{0} 人",
    "There is no picture of this file yet: generate one.": "このファイルの画像はまだありません。生成してください。",
    "There is no such picture of this file yet: generate one.": (
        "このファイルにこの種類の画像はまだありません。生成してください。"
    ),
    "There are no results of this file yet: generate a picture.": (
        "このファイルの結果はまだありません。画像を生成してください。"
    ),
    "The picture {} cannot be read ({}): generate it again.": (
        "画像 {0} を読み込めません（{1}）。もう一度生成してください。"
    ),
    "The person mask {} cannot be read ({}): generate the picture again.": (
        "人物のマスク {0} を読み込めません（{1}）。画像をもう一度生成してください。"
    ),
    "Textured {} object{}": "{0} 個のオブジェクトにテクスチャを付けました",
    "The picture lies over the render of this scene": "画像をこのシーンのレンダリングに重ねました",
    "No object here carries a HandDiff texture.": "HandDiff のテクスチャを持つオブジェクトはありません。",
    "There is no HandDiff layer in this scene's compositor.": (
        "このシーンのコンポジターに HandDiff のレイヤーはありません。"
    ),
    "Results lie beside the .blend, in {}, which cannot be written: save the .blend where you may write, with space left.": (
        "結果は .blend の隣の {0} に置かれますが、書き込めません。空きがあり、書き込める場所に .blend を保存してください。"
    ),
    "Results of unsaved files lie in {}, which cannot be written: choose another folder for Results in HandDiff's "
    "preferences, or save the file.": (
        "未保存のファイルの結果は {0} に置かれますが、書き込めません。"
        "HandDiff のプリファレンスで「結果」に別のフォルダーを選ぶか、ファイルを保存してください。"
    ),
    "The folder {} cannot be made ({}): save the file where you may write.": (
        "フォルダー {0} を作成できません（{1}）。書き込める場所にファイルを保存してください。"
    ),
    "Objects can be added in Object Mode only: leave this mode first.": (
        "オブジェクトを追加できるのはオブジェクトモードだけです。先に今のモードを終了してください。"
    ),
}
