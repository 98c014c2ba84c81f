# SPDX-License-Identifier: GPL-3.0-or-later
"""Animations: batches of frames, strips, movies and farms."""

from __future__ import annotations

ANIMATION: dict[str, str] = {
    "Animation": "アニメーション",
    "Frame Start": "開始フレーム",
    "Step": "ステップ",
    "{} of {} frames": "{1} フレーム中 {0}",
    "Paint Animation": "アニメーションを描画",
    "Paint the scene's frame range, one frame after the other; started again, it goes on with what is missing": (
        "シーンのフレーム範囲を 1 フレームずつ描きます。もう一度始めると、足りないフレームから続けます"
    ),
    "Start Over": "最初からやり直す",
    "Begin anew with the settings of now; the earlier frames are moved to a folder beside": (
        "今の設定で最初から始めます。以前のフレームは隣のフォルダーに移されます"
    ),
    "Cancel Animation": "アニメーションをキャンセル",
    "Stop painting the animation; finished frames stay, and it can go on later": (
        "アニメーションの描画を止めます。できたフレームは残り、後で続けられます"
    ),
    "Add as Strip": "ストリップとして追加",
    "Add the painted frames to the video sequencer, as one strip; a render then shows the sequencer": (
        "描いたフレームを 1 本のストリップとしてビデオシーケンサーに追加します。以後のレンダリングはシーケンサーを表示します"
    ),
    "Write Movie": "動画を書き出す",
    "Encode the painted frames as animation.mp4, beside them": (
        "描いたフレームを、その隣に animation.mp4 としてエンコードします"
    ),
    "The animation was stopped.": "アニメーションは停止されました。",
    "An animation is being painted: wait for it, or cancel it.": (
        "アニメーションを描画中です。終わるのを待つか、キャンセルしてください。"
    ),
    "No animation is being painted.": "描画中のアニメーションはありません。",
    "There is no painted animation of this file yet: paint one.": (
        "このファイルの描いたアニメーションはまだありません。描画してください。"
    ),
    "The strip is in the video sequencer of this scene": "ストリップはこのシーンのビデオシーケンサーにあります",
    'The scene "{}" has gone while its passes were made: bring it back and start again.': (
        "パスの作成中にシーン「{0}」がなくなりました。元に戻して、もう一度始めてください。"
    ),
    "Stopped: the finished frames are in {}, and it can go on": (
        "停止しました。できたフレームは {0} にあり、続きから再開できます"
    ),
    "The animation is painted, in {}": "アニメーションを描き終えました: {0}",
    "This Blender was built without FFmpeg, so it cannot encode movies: use the image sequence.": (
        "この Blender は FFmpeg なしで作られていて、動画をエンコードできません。連番画像を使ってください。"
    ),
    "There are no pictures to show: paint some frames first.": (
        "表示する画像がありません。先にフレームを描いてください。"
    ),
    "The picture {} is not there{}: run the batch again, it paints what is missing.": (
        "画像 {0} がありません{1}。もう一度実行すると、足りないものが描かれます。"
    ),
    "{} cannot be encoded ({}): make space or choose another folder; the pictures are whole.": (
        "{0} をエンコードできません（{1}）。空きを作るか、別のフォルダーを選んでください。画像は無事です。"
    ),
    "The batch in {} was made with another {}: take the same again, choose another folder, or start over (--restart).": (
        "{0} のバッチは別の {1} で作られています。同じものを使うか、別のフォルダーを選ぶか、"
        "最初からやり直してください（--restart）。"
    ),
    "{} cannot be read ({}): choose another folder, or start over (--restart).": (
        "{0} を読み込めません（{1}）。別のフォルダーを選ぶか、最初からやり直してください（--restart）。"
    ),
    "None of the {} frames shows anybody: {}": "{0} フレームのどれにも人物が写っていません: {1}",
    "The folder {} was moved or deleted while its frames were painted: the frames in it are whole, so run the same "
    "command again with its new place.": (
        "フレームの描画中にフォルダー {0} が移動または削除されました。中のフレームは無事なので、"
        "新しい場所でもう一度実行してください。"
    ),
    "The folder {} cannot be written ({}): choose a folder that you may write to.": (
        "フォルダー {0} に書き込めません（{1}）。書き込めるフォルダーを選んでください。"
    ),
    "Another run is writing into {}: wait until it has ended, or choose another folder.": (
        "別の実行が {0} に書き込んでいます。終わるのを待つか、別のフォルダーを選んでください。"
    ),
    # The farm
    "The batch was stopped.": "バッチは停止されました。",
    "Frame {} failed on {} workers ({}): look into their logs, and run the same command again.": (
        "フレーム {0} は {1} 個のワーカーで失敗しました（{2}）。ログを確認して、もう一度実行してください。"
    ),
    "The model on the worker {} is another one: put the same files there, under the same path.": (
        "ワーカー {0} のモデルは別のものです。同じファイルを同じパスに置いてください。"
    ),
    "A worker cannot load the model ({}): install handdiff[engine] there.": (
        "ワーカーがモデルを読み込めません（{0}）。そこに handdiff[engine] をインストールしてください。"
    ),
    "Ray does not start on this machine ({}): try again when it is less busy, or leave out --ray.": (
        "このマシンで Ray を起動できません（{0}）。空いているときにやり直すか、--ray を外してください。"
    ),
    "No Ray cluster can be used at {} ({}): start one with  ray start --head  and give its address, or use "
    "--ray local.": (
        "{0} で Ray クラスターを使えません（{1}）。ray start --head で起動してそのアドレスを指定するか、"
        "--ray local を使ってください。"
    ),
}
