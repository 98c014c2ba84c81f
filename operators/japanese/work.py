# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue, the history, presets, and painting people responsibly."""

from __future__ import annotations

WORK: dict[str, str] = {
    # Generating
    "Paint this frame: the hands first, then the body around them. While a picture is painted, another one queues": (
        "このフレームを描きます。最初に手を描き、そのまわりに体を描きます。描画中は次の画像がキューに入ります"
    ),
    "What to paint. Empty: the scene's own prompt": "描くもの。空の場合はシーンのプロンプト",
    "Noise to begin with. -1: the scene's own seed": "最初のノイズ。-1 の場合はシーンのシード",
    "Generate Picture": "画像を生成",
    "Queue Another": "キューに追加",
    "Cancel All": "すべてキャンセル",
    "Cancel Generation": "生成をキャンセル",
    "Stop painting, or take a picture out of the queue; earlier pictures stay": (
        "描画を止めるか、画像をキューから外します。以前の画像は残ります"
    ),
    "Run": "実行",
    "Number of the run to stop. 0: all that wait or go on": "止める実行の番号。0 の場合は待機中と実行中のすべて",
    "Waiting": "待機中",
    "Waiting: {}": "待機中: {0}",
    "Looking at the pose": "ポーズを確認中",
    "Rendering the frame": "フレームをレンダリング中",
    "Loading the model": "モデルを読み込み中",
    "Upscaling": "拡大中",
    "Done in {}": "{0} で完了しました",
    "The scene changed while its passes were made: generate again.": (
        "パスの作成中にシーンが変わりました。もう一度生成してください。"
    ),
    "Blender is rendering already: wait for that, or stop it, and generate again.": (
        "Blender がレンダリング中です。終わるのを待つか中止して、もう一度生成してください。"
    ),
    "The render of the frame was stopped; nothing was painted.": (
        "フレームのレンダリングが中止されたため、何も描いていません。"
    ),
    "This run has no such picture": "この実行にその画像はありません",
    "Save the posed, textured person as preview.glb beside the picture": (
        "ポーズとテクスチャの付いた人物を、画像の隣に preview.glb として保存します"
    ),
    # Prompts
    "Look": "見た目",
    "Look, such as a medium or the light": "見た目（画材や光など）",
    "What follows every prompt, such as a medium or the light; style presets set it": (
        "すべてのプロンプトの後に付くもの（画材や光など）。スタイルのプリセットで設定されます"
    ),
    "Prompt From": "プロンプトの元",
    "Where the prompt of each frame comes from": "フレームごとのプロンプトをどこから取るか",
    "This Field": "この欄",
    "One prompt for all frames": "全フレームに同じプロンプト",
    "Text": "テキスト",
    'A text of lines such as "24: a person waving", each from that frame on': (
        "「24: a person waving」のような行のテキスト。各行はそのフレームから有効です"
    ),
    'Lines such as "24: a person waving"; before the first frame named, the field above holds': (
        "「24: a person waving」のような行。最初に書かれたフレームより前では上の欄が使われます"
    ),
    "Markers": "マーカー",
    'Timeline markers named such as "prompt: a person waving", each from there on': (
        "「prompt: a person waving」のような名前のタイムラインマーカー。それぞれその位置から有効です"
    ),
    "At frame {}: {}": "フレーム {0}: {1}",
    "Origin": "出所",
    "Mark Picture": "画像に表示",
    'Write "AI generated" into the corner of the saved picture. Its file says so inside in any case': (
        "保存する画像の隅に「AI generated」と書き込みます。ファイルの内部には常に記録されます"
    ),
    # Presets
    "Style Presets": "スタイルのプリセット",
    "Quality Presets": "品質のプリセット",
    "Blending Presets": "なじませのプリセット",
    "Style": "スタイル",
    "Quality": "品質",
    "How the picture looks: what follows the prompt, what to keep out, guidance": (
        "画像の見た目。プロンプトに続く語、描かないもの、ガイダンス"
    ),
    "Steps and tries: time against finish": "ステップ数と試行回数。時間と仕上がりの兼ね合い",
    "How the hands are held while the body is painted around them": "体を描く間の手の固定のしかた",
    "Apply Preset": "プリセットを適用",
    "Apply": "適用",
    "Set some settings at once; what would change is shown first": (
        "いくつかの設定をまとめて変えます。変わる内容は先に表示されます"
    ),
    "Would change:": "変わる設定:",
    "Changes nothing": "何も変わりません",
    "as the model likes": "モデルに合わせる",
    "on": "オン",
    "off": "オフ",
    "nothing": "なし",
    "Save Preset": "プリセットを保存",
    "Save as Preset...": "プリセットとして保存...",
    "Keep the present settings of this kind under a name, for every file": (
        "この種類の現在の設定に名前を付けて、どのファイルでも使えるように保存します"
    ),
    "Name": "名前",
    "The preset's name": "プリセットの名前",
    "Save": "保存",
    "Delete Preset": "プリセットを削除",
    "Delete a preset of your own": "自分のプリセットを削除します",
    "Delete": "削除",
    "Delete {}": "{0} を削除",
    "Delete {}?": "{0} を削除しますか？",
    'There is no {} preset "{}": choose one of {}.': ("{0} のプリセット「{1}」はありません。{2} から選んでください。"),
    # History
    "History": "履歴",
    "Folder": "フォルダー",
    "The picture's folder. Empty: the one in hand": "画像のフォルダー。空の場合は選択中の画像",
    "Folder of the left picture. Empty: the one compared with": "左の画像のフォルダー。空の場合は比較相手の画像",
    "Folder of the right picture. Empty: the one in hand": "右の画像のフォルダー。空の場合は選択中の画像",
    "Choose Picture": "画像を選択",
    "Take this picture in hand: what Result and History do is done with it": (
        "この画像を選択します。「結果」と「履歴」の操作はこの画像に対して行われます"
    ),
    "Filter": "フィルター",
    "Prompt, seed or model": "プロンプト、シード、モデル",
    "Show pictures whose prompt, seed, model or number have all of these words": (
        "プロンプト、シード、モデル、番号にこれらの語をすべて含む画像を表示します"
    ),
    "No picture has all of these words": "これらの語をすべて含む画像はありません",
    "No picture of this file yet": "このファイルの画像はまだありません",
    "No prompt": "プロンプトなし",
    "Turn Page": "ページをめくる",
    "Show newer or older pictures": "新しい、または古い画像を表示します",
    "{} of {}": "{0}/{1}",
    "Seed {}": "シード {0}",
    "{}, seed {}": "{0}、シード {1}",
    "Restore These Settings": "この設定を復元",
    "Set the scene's settings as this picture was painted with": "シーンの設定を、この画像を描いたときのものにします",
    "Same but New Seed": "シードだけ変えて生成",
    "Paint once more with this picture's settings and another seed, the scene as it is now": (
        "この画像の設定と別のシードで、今のシーンをもう一度描きます"
    ),
    "Settings from Picture": "画像から設定を読み込む",
    "Settings from Picture...": "画像から設定を読み込む...",
    "Set the scene's settings from a PNG that HandDiff wrote, or from saved settings (JSON)": (
        "HandDiff が書き出した PNG または保存された設定（JSON）から、シーンの設定を読み込みます"
    ),
    "Compare": "比較",
    "Keep this picture beside the next one that you choose, with what differs in their settings": (
        "この画像を、次に選ぶ画像と並べ、設定の違いを表示します"
    ),
    "Choose another picture to compare this one with": "この画像と比べる別の画像を選んでください",
    "Two pictures are needed to compare: generate another one.": (
        "比較には 2 枚の画像が必要です。もう 1 枚生成してください。"
    ),
    "Two pictures are needed: press Compare on one of them, then choose the other.": (
        "2 枚の画像が必要です。一方で「比較」を押し、もう一方を選んでください。"
    ),
    "Open Side by Side": "並べて開く",
    "Open the two pictures side by side in an image editor": "2 枚の画像を画像エディターに並べて開きます",
    "The same settings": "同じ設定です",
    "Delete Picture": "画像を削除",
    "Delete Picture?": "画像を削除しますか？",
    "Delete this picture and all files of its run from the disk. This cannot be undone": (
        "この画像と、その実行のすべてのファイルをディスクから削除します。元に戻せません"
    ),
    "Its files are deleted from the disk for good.": "ファイルはディスクから完全に削除されます。",
    "The history has no picture in {}: choose one in the History panel.": (
        "履歴に {0} の画像はありません。「履歴」パネルで選んでください。"
    ),
    "A picture cannot be read ({}): choose another.": "画像を読み込めません（{0}）。別の画像を選んでください。",
    "The picture {} cannot be read ({}): choose a PNG that HandDiff wrote.": (
        "画像 {0} を読み込めません（{1}）。HandDiff が書き出した PNG を選んでください。"
    ),
    "The picture {} carries no HandDiff request: choose a PNG that HandDiff wrote and nobody saved anew.": (
        "画像 {0} に HandDiff の設定が含まれていません。HandDiff が書き出したままの PNG を選んでください。"
    ),
    "The seed {} is larger than Blender holds, so the scene keeps its own.": (
        "シード {0} は Blender で扱える範囲を超えるため、シーンのシードをそのまま使います。"
    ),
    "The settings are those of {} already": "設定はすでに {0} のものです",
    "{} cannot be deleted ({}): close the programs that use it.": (
        "{0} を削除できません（{1}）。使用中のプログラムを閉じてください。"
    ),
    # Responsible use
    "Painting People Responsibly": "責任ある人物の描画",
    "What to think of before you paint people, and what HandDiff does about it": (
        "人物を描く前に考えること、そして HandDiff が行っていること"
    ),
    "Ask the people whose likeness you use, and say that a picture was made by AI.": (
        "肖像を使う相手の同意を得て、AI で作った画像であることを明示してください。"
    ),
    "Consent and likeness": "同意と肖像",
    "Paint a real person only with their consent, and within it.": (
        "実在の人物は、本人の同意がある場合に限り、その範囲で描いてください。"
    ),
    "Make no intimate picture of a real person, and none of a child.": (
        "実在の人物の性的な画像、および子どもの性的な画像を作らないでください。"
    ),
    "Privacy": "プライバシー",
    "All is computed on this machine; nothing is sent anywhere.": (
        "すべてこのコンピューター上で計算され、どこにも送信されません。"
    ),
    "Each PNG carries its prompt: look before you share it.": (
        "PNG にはプロンプトが含まれます。共有する前に確認してください。"
    ),
    "Every PNG says inside that a machine made it (IPTC digital source type).": (
        "すべての PNG に、機械が生成したことが記録されます（IPTC デジタルソースタイプ）。"
    ),
    "Mark Picture, in the Prompt panel, says so visibly as well.": (
        "「プロンプト」パネルの「画像に表示」をオンにすると、画像の上にも表示されます。"
    ),
    "More, and Do Not Show Again": "詳細を見て、以後表示しない",
    "Do Not Show Again": "以後表示しない",
    "Take the reminder off the panel": "注意書きをパネルから消します",
    "Understood": "了解",
    "Other": "その他",
    "Error: ": "エラー: ",
}
