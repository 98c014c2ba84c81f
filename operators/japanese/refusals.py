# SPDX-License-Identifier: GPL-3.0-or-later
"""What the library refuses and warns of."""

from __future__ import annotations

REFUSALS: dict[str, str] = {
    # The engine
    "The environment {} is of Python {}: this Blender runs Python {}, so name an environment of that version.": (
        "環境 {0} は Python {1} 用です。この Blender の Python は {2} なので、同じバージョンの環境を指定してください。"
    ),
    "The engine folder {} does not exist: choose another in HandDiff's preferences.": (
        "エンジンのフォルダー {0} がありません。HandDiff のプリファレンスで別のフォルダーを選んでください。"
    ),
    "The engine folder {} holds no {}: choose the site-packages folder where torch and diffusers are installed.": (
        "エンジンのフォルダー {0} に {1} がありません。"
        "torch と diffusers がインストールされた site-packages フォルダーを選んでください。"
    ),
    "The torch in {} is built for another Python ({}): this Blender runs Python {}, so install torch for that version.": (
        "{0} の torch は別の Python 用です（{1}）。この Blender の Python は {2} なので、"
        "同じバージョン用の torch をインストールしてください。"
    ),
    "This Blender has no {}: set the engine up in HandDiff's preferences, or name a folder there that holds torch and "
    "diffusers.": (
        "この Blender に {0} がありません。HandDiff のプリファレンスでエンジンをセットアップするか、"
        "torch と diffusers のあるフォルダーを指定してください。"
    ),
    "torch and no diffusers": "torch と diffusers",
    "The {} in {} is {}, and HandDiff needs {} or later: update it, or set the engine up in HandDiff's preferences.": (
        "{1} の {0} は {2} ですが、HandDiff には {3} 以降が必要です。更新するか、"
        "HandDiff のプリファレンスでエンジンをセットアップしてください。"
    ),
    "Another add-on has loaded its own {} {}, and HandDiff needs {} or later: disable that add-on, restart Blender and "
    "generate again.": (
        "別のアドオンが {0} {1} を読み込んでいますが、HandDiff には {2} 以降が必要です。"
        "そのアドオンを無効にして Blender を再起動し、もう一度生成してください。"
    ),
    "{} in {} cannot be imported ({}): install torch and diffusers anew, for Python {}, and restart Blender.": (
        "{1} の {0} を読み込めません（{2}）。Python {3} 用の torch と diffusers をインストールし直し、"
        "Blender を再起動してください。"
    ),
    "the engine folder {}": "エンジンのフォルダー {0}",
    "This Blender comes without a Python program to install with: use Blender's own download, or name a folder that "
    "holds torch and diffusers.": (
        "この Blender にはインストールに使う Python がありません。Blender 公式の配布版を使うか、"
        "torch と diffusers のあるフォルダーを指定してください。"
    ),
    "The engine was installed and does not work here ({}): try another device, or report it with the diagnostics.": (
        "エンジンはインストールできましたが、ここでは動作しません（{0}）。"
        "別のデバイスを試すか、診断情報を添えて報告してください。"
    ),
    "The engine needs {} GB while it is installed and {} GB are free on the disk of {}: make room, or name a folder "
    "elsewhere that holds torch and diffusers.": (
        "エンジンのインストールには {0} GB 必要ですが、{2} のディスクの空きは {1} GB です。空きを増やすか、"
        "torch と diffusers のある別の場所のフォルダーを指定してください。"
    ),
    "The folder {} lies too deep for Windows: allow long paths in Windows (LongPathsEnabled), or name a folder with a "
    "short path that holds torch and diffusers.": (
        "フォルダー {0} は Windows にはパスが長すぎます。Windows で長いパスを有効にする（LongPathsEnabled）か、"
        "torch と diffusers のある、パスの短いフォルダーを指定してください。"
    ),
    "The engine cannot be installed in {} ({}): make room, or check that you may write there.": (
        "エンジンを {0} にインストールできません（{1}）。空きを増やすか、書き込めるかどうかを確認してください。"
    ),
    "The engine in {} cannot be removed ({}): restart Blender, so that nothing uses it, and try again before you "
    "generate.": (
        "{0} のエンジンを削除できません（{1}）。使用中にならないよう Blender を再起動し、"
        "生成する前にもう一度試してください。"
    ),
    "Another Blender is installing the engine right now: wait until it has ended.": (
        "別の Blender がエンジンをインストール中です。終わるまで待ってください。"
    ),
    "Blender's Python has no pip to install with: use Blender's own download (a distribution's Blender needs its "
    "python3-pip package), or name a folder that holds torch and diffusers.": (
        "Blender の Python にインストール用の pip がありません。Blender 公式の配布版を使う"
        "（ディストリビューション版の Blender には python3-pip パッケージが必要です）か、"
        "torch と diffusers のあるフォルダーを指定してください。"
    ),
    "The set-up was stopped: what was fetched is kept, and it goes on from there.": (
        "セットアップを中止しました。取得したものは残り、次回は続きから始まります。"
    ),
    "The disk is full: make room, then resume.": "ディスクに空きがありません。空きを増やしてから再開してください。",
    "The package index cannot be trusted (its certificate is not known here): a proxy or virus scanner may stand "
    "between; ask who runs your network, then resume.": (
        "パッケージの配布元を信頼できません（証明書を確認できません）。プロキシやウイルス対策ソフトが"
        "間に入っている可能性があります。ネットワークの管理者に確認してから再開してください。"
    ),
    "The package index cannot be reached: check the network, a firewall or a proxy, then resume.": (
        "パッケージの配布元に接続できません。ネットワーク、ファイアウォール、プロキシを確認してから再開してください。"
    ),
    "A package arrived damaged or is not what the index promised: resume to fetch it anew.": (
        "パッケージが破損しているか、配布元の情報と一致しません。再開すると取得し直します。"
    ),
    "The packages are not offered for this Blender's Python or this device: try another device, or name a folder that "
    "holds torch and diffusers.": (
        "この Blender の Python またはこのデバイス用のパッケージが提供されていません。別のデバイスを試すか、"
        "torch と diffusers のあるフォルダーを指定してください。"
    ),
    "A file may not be written: check who owns the folder.": (
        "ファイルに書き込めません。フォルダーの所有者を確認してください。"
    ),
    "pip could not install the engine ({}): look at the log, then resume.": (
        "pip でエンジンをインストールできませんでした（{0}）。ログを確認してから再開してください。"
    ),
    "The engine cannot be loaded ({}): set a folder with torch and diffusers in the preferences.": (
        "エンジンを読み込めません（{0}）。プリファレンスで torch と diffusers のあるフォルダーを指定してください。"
    ),
    "The device ran out of memory: close other programs, or generate at a smaller render size.": (
        "デバイスのメモリーが足りません。ほかのプログラムを閉じるか、レンダリングサイズを小さくして生成してください。"
    ),
    "HandDiff met a fault of its own ({}): please report it with what Blender's console says.": (
        "HandDiff 自体の不具合が起きました（{0}）。Blender のコンソールの内容を添えて報告してください。"
    ),
    # Rigs
    "No humanoid was found in the armature's bones: rename them to a known convention, such as Mixamo's, Rigify's or "
    "Unreal's, or assign the keypoints by hand in the panel.": (
        "アーマチュアのボーンから人型を認識できません。Mixamo、Rigify、Unreal などの命名規則に合わせて改名するか、"
        "パネルでキーポイントを手動で割り当ててください。"
    ),
    "The {} hand has too few finger bones to be posed: use a rig with jointed fingers.": (
        "手（{0}）の指のボーンが少なすぎて、ポーズを付けられません。関節のある指を持つリグを使ってください。"
    ),
    'The hands of "{}" have no fingers to pose: use a rig with jointed fingers.': (
        "「{0}」の手にポーズを付けられる指がありません。関節のある指を持つリグを使ってください。"
    ),
    'The bone "{}" of "{}" does not follow when it is posed: a constraint or driver holds it; mute that, or pose the '
    "rig that it follows.": (
        "「{1}」のボーン「{0}」はポーズを付けても動きません。コンストレイントかドライバーに固定されています。"
        "それをミュートするか、追従先のリグにポーズを付けてください。"
    ),
    '"{}" comes from another file and cannot be posed here: make a library override of it (Object > Library Override > '
    "Make).": (
        "「{0}」は別のファイルのもので、ここではポーズを付けられません。ライブラリオーバーライドを作成してください"
        "（オブジェクト > ライブラリオーバーライド > 作成）。"
    ),
    '"{}" is in Edit Mode: leave it (Tab) to pose the fingers.': (
        "「{0}」は編集モードです。指にポーズを付けるには終了してください（Tab）。"
    ),
    '"{}" shows its rest position: switch to Pose Position in the armature\'s properties.': (
        "「{0}」はレスト位置を表示しています。アーマチュアのプロパティで「ポーズ位置」に切り替えてください。"
    ),
    '"{}" is switched off in this view layer: enable it in the Outliner to pose it.': (
        "「{0}」はこのビューレイヤーで無効です。ポーズを付けるにはアウトライナーで有効にしてください。"
    ),
    'The scene "{}" holds no armature: add a rigged human or the HandDiff sample human.': (
        "シーン「{0}」にアーマチュアがありません。リグ付きの人物か HandDiff のサンプル人物を追加してください。"
    ),
    '"{}" is an instance of a linked collection with an armature, which cannot be painted: use Object > Library Override '
    "> Make on it.": (
        "「{0}」は、アーマチュアを含むリンクされたコレクションのインスタンスなので描けません。"
        "オブジェクト > ライブラリオーバーライド > 作成 を実行してください。"
    ),
    '"{}" is an instance of a collection with an armature, which cannot be painted: use Object > Apply > Make Instances '
    "Real on it.": (
        "「{0}」は、アーマチュアを含むコレクションのインスタンスなので描けません。"
        "オブジェクト > 適用 > インスタンスを実体化 を実行してください。"
    ),
    'The scene holds no armature named "{}": choose one of {}.': (
        "シーンに「{0}」という名前のアーマチュアはありません。{1} から選んでください。"
    ),
    'The armature "{}" cannot be used. {}': "アーマチュア「{0}」は使えません。{1}",
    '"{}" is in Edit Mode, so its pose is not known: leave Edit Mode first.': (
        "「{0}」は編集モードのため、ポーズがわかりません。先に編集モードを終了してください。"
    ),
    '"{}" is hidden in the viewport, so its pose is not known: unhide it.': (
        "「{0}」はビューポートで非表示のため、ポーズがわかりません。表示してください。"
    ),
    '"{}" is scaled to nothing or beyond measure, or stands nowhere: give it, and what it hangs from, a plain location, '
    "rotation and scale.": (
        "「{0}」のスケールが 0 か極端に大きい、または位置が不正です。"
        "自身と親に、通常の位置、回転、スケールを設定してください。"
    ),
    'The bones of "{}" are scaled to nothing or stand nowhere: clear their pose.': (
        "「{0}」のボーンのスケールが 0、または位置が不正です。ポーズをクリアしてください。"
    ),
    'The armature "{}" is hidden from renders: show it (the camera in the Outliner).': (
        "アーマチュア「{0}」はレンダリングで非表示です。表示してください（アウトライナーのカメラアイコン）。"
    ),
    'The armature "{}" is only in collections that are excluded from the view layer or hidden from renders: include '
    "one.": (
        "アーマチュア「{0}」は、ビューレイヤーから除外されたかレンダリングで非表示のコレクションにしかありません。"
        "いずれかを含めてください。"
    ),
    'The armature "{}" moves no mesh that renders, so a plain figure stands in for it in masks and depth: bind one.': (
        "アーマチュア「{0}」が動かすメッシュがレンダリングされないため、マスクと深度では簡単な人形で代用します。"
        "メッシュをバインドしてください。"
    ),
    # Keypoints by hand
    'There is no object "keypoints" in this JSON: {}.': "この JSON にオブジェクト「keypoints」がありません: {0}",
    "The keypoints have schema version {}, this HandDiff reads {}: export them anew.": (
        "キーポイントのスキーマバージョンは {0} ですが、この HandDiff が読めるのは {1} です。"
        "エクスポートし直してください。"
    ),
    "There is no keypoint {}: remove it, or name one such as left_index_tip.": (
        "キーポイント {0} はありません。取り除くか、left_index_tip のような名前にしてください。"
    ),
    'The keypoint {} is {}: give a "bone" and an "end", head or tail.': (
        "キーポイント {0} が {1} になっています。「bone」と「end」（head か tail）を指定してください。"
    ),
    "The keypoint {} is at the bone {}, which the armature does not have: choose another bone or reset the keypoint.": (
        "キーポイント {0} のボーン {1} がアーマチュアにありません。別のボーンを選ぶか、"
        "キーポイントをリセットしてください。"
    ),
    "The keypoints are no valid JSON ({}): {}.": "キーポイントが正しい JSON ではありません（{0}）: {1}",
    'The keypoints put by hand on "{}" cannot be used. {}': "「{0}」に手動で置いたキーポイントは使えません。{1}",
    '"{}" comes from the library {}, so keypoints set here would not be saved: set them in that file, or make the '
    "armature local (Object > Relations > Make Local).": (
        "「{0}」はライブラリ {1} のものなので、ここで設定したキーポイントは保存されません。元のファイルで設定するか、"
        "アーマチュアをローカル化してください（オブジェクト > 関係 > ローカル化）。"
    ),
    "{} cannot be read ({}): choose a file that HandDiff exported.": (
        "{0} を読み込めません（{1}）。HandDiff がエクスポートしたファイルを選んでください。"
    ),
    "{} is no text: choose a file that HandDiff exported.": (
        "{0} はテキストではありません。HandDiff がエクスポートしたファイルを選んでください。"
    ),
    "{} cannot be imported. {}": "{0} をインポートできません。{1}",
    # Scene and camera
    'The scene "{}" has no active camera: {}.': "シーン「{0}」にアクティブなカメラがありません。{1}。",
    'The scene holds no camera named "{}": {}.': "シーンに「{0}」という名前のカメラはありません。{1}。",
    "add one": "追加してください",
    "add a camera": "カメラを追加してください",
    "choose one of {}": "{0} から選んでください",
    'The camera "{}" is panoramic: make it perspective or orthographic.': (
        "カメラ「{0}」はパノラマです。透視投影か平行投影にしてください。"
    ),
    'The camera "{}" is scaled to nothing or stands nowhere: give it, and what it hangs from, a location, rotation and '
    "scale that are numbers, and no scale of 0.": (
        "カメラ「{0}」のスケールが 0、または位置が不正です。自身と親に、正しい位置、回転、0 でないスケールを"
        "設定してください。"
    ),
    'The camera "{}" is inside "{}": move it out, or raise its clip start.': (
        "カメラ「{0}」が「{1}」の内側にあります。外へ動かすか、クリップの開始を大きくしてください。"
    ),
    "Other objects hide {} from {}: move them, the camera or the person.": (
        "ほかのオブジェクトが {1} から {0} を隠しています。それらかカメラ、または人物を動かしてください。"
    ),
    '"{}" is in Edit Mode, where it does not follow its rig: leave Edit Mode first.': (
        "「{0}」は編集モードのため、リグに追従しません。先に編集モードを終了してください。"
    ),
    '"{}" is hidden in the viewport, so its pose is not known and it is left out: unhide it.': (
        "「{0}」はビューポートで非表示のため、ポーズがわからず除外されます。表示してください。"
    ),
    'The {} hand of "{}" is {}, so it gets no hand stage.': ("「{1}」の手（{0}）は {2} のため、手の段階を行いません。"),
    "There is no file {}: give the path of a .blend file.": (
        "ファイル {0} がありません。.blend ファイルのパスを指定してください。"
    ),
    "{} cannot be opened ({}): save it anew from Blender.": "{0} を開けません（{1}）。Blender で保存し直してください。",
    "Blender cannot render this frame ({}): render it once by hand, or paint everything.": (
        "Blender でこのフレームをレンダリングできません（{0}）。一度手動でレンダリングするか、"
        "「描く範囲」を「すべて」にしてください。"
    ),
    "None of the {} frames can be used: {}": "{0} フレームのどれも使えません: {1}",
    "The view transform '{}' cannot be undone, so the layer's colours shift: choose Standard or AgX in Render "
    "Properties > Color Management and apply the layer again.": (
        "ビュー変換「{0}」は逆変換できないため、レイヤーの色がずれます。レンダープロパティ > カラーマネージメント で"
        "「標準」か「AgX」を選び、レイヤーを適用し直してください。"
    ),
    "The scene's look, curves or white balance also change the layer's colours: switch them off in Render Properties > "
    "Color Management to see the picture as it is in its file.": (
        "シーンのルック、カーブ、ホワイトバランスがレイヤーの色も変えています。ファイルどおりの画像を見るには、"
        "レンダープロパティ > カラーマネージメント でオフにしてください。"
    ),
    "The picture lands on no mesh that can take a texture: give the person's meshes a UV map (Edit Mode, UV > Smart UV "
    "Project) and keep them in the camera's view.": (
        "画像を投影できるメッシュがありません。人物のメッシュに UV マップを作り"
        "（編集モード、UV > スマートUV投影）、カメラに映るようにしてください。"
    ),
    "'{}' got no texture: it has no UV map or is linked from another file; unwrap it or make it local.": (
        "「{0}」にテクスチャを付けられませんでした。UV マップがないか、別のファイルからリンクされています。"
        "UV 展開するか、ローカル化してください。"
    ),
    "The person has no mesh to export: bind a mesh to the armature, or choose another armature.": (
        "エクスポートする人物のメッシュがありません。アーマチュアにメッシュをバインドするか、"
        "別のアーマチュアを選んでください。"
    ),
    "{} cannot be written: {}.": "{0} に書き込めません: {1}",
    # Painting
    "No person is in the picture: point the camera at a humanoid armature.": (
        "画像に人物が入っていません。カメラを人型のアーマチュアに向けてください。"
    ),
    "Painting the person alone needs the rendered frame: render it, or paint everything.": (
        "人物だけを描くにはレンダリングしたフレームが必要です。レンダリングするか、「描く範囲」を「すべて」にしてください。"
    ),
    "The generation was cancelled; nothing was written.": "生成をキャンセルしました。何も書き込んでいません。",
    "No hand is in view, so the picture is painted without the hand stage.": (
        "手が見えていないため、手の段階なしで描きます。"
    ),
    "The {} hand{} is {} px at the painted size, under {}: move the camera closer or paint larger for better fingers.": (
        "手（{0}{1}）が描画サイズで {2} px しかなく、{3} px を下回ります。指をきれいに描くには、"
        "カメラを近づけるか、大きく描いてください。"
    ),
    "The model folder {} holds no hand generator: name one with --hand-model, or use --single-stage.": (
        "モデルのフォルダー {0} に手の生成器がありません。--hand-model で指定するか、--single-stage を使ってください。"
    ),
    "The model in {} cannot be loaded ({}): install it again or choose another.": (
        "{0} のモデルを読み込めません（{1}）。インストールし直すか、別のモデルを選んでください。"
    ),
    "In the model {}, {} is {}, where {} is needed: its parts are of different models.": (
        "モデル {0} の {1} は {2} ですが、{3} が必要です。別々のモデルの部品が混ざっています。"
    ),
    "The {} in {} cannot be loaded ({}): install the model again.": (
        "{1} の {0} を読み込めません（{2}）。モデルをインストールし直してください。"
    ),
    # Models
    "This HandDiff comes without its embedded model: install a release, or name a model folder.": (
        "この HandDiff には内蔵モデルがありません。リリース版をインストールするか、モデルのフォルダーを指定してください。"
    ),
    "There is no model folder {}: give the path of a folder with a model_index.json.": (
        "モデルのフォルダー {0} がありません。model_index.json のあるフォルダーのパスを指定してください。"
    ),
    "The folder {} has no model_index.json: give a model folder in diffusers' layout.": (
        "フォルダー {0} に model_index.json がありません。diffusers 形式のモデルのフォルダーを指定してください。"
    ),
    "{} has neither vae nor patch_autoencoder: copy or download the model again.": (
        "{0} に vae も patch_autoencoder もありません。モデルをコピーまたはダウンロードし直してください。"
    ),
    "The weights {} are missing: copy or download this file.": (
        "重み {0} がありません。このファイルをコピーまたはダウンロードしてください。"
    ),
    "{} is damaged (it is no table): copy or download this file again.": (
        "{0} が破損しています（表になっていません）。このファイルをコピーまたはダウンロードし直してください。"
    ),
    "{} is a link out of the model folder: put the file itself there.": (
        "{0} はモデルのフォルダーの外へのリンクです。ファイルそのものを置いてください。"
    ),
    "{} lists no {}: give a model folder in diffusers' layout.": (
        "{0} に {1} の記載がありません。diffusers 形式のモデルのフォルダーを指定してください。"
    ),
    "The vocabulary {} is missing: copy or download this file.": (
        "語彙ファイル {0} がありません。このファイルをコピーまたはダウンロードしてください。"
    ),
    "{} lists no weights: copy or download this file again.": (
        "{0} に重みの記載がありません。このファイルをコピーまたはダウンロードし直してください。"
    ),
    "{} is a pickle, which can run code when read: convert it to safetensors.": (
        "{0} は pickle 形式で、読み込むとコードが実行されるおそれがあります。safetensors に変換してください。"
    ),
    "{} is missing: copy or download this file.": (
        "{0} がありません。このファイルをコピーまたはダウンロードしてください。"
    ),
    "{} is damaged ({}): copy or download this file again.": (
        "{0} が破損しています（{1}）。このファイルをコピーまたはダウンロードし直してください。"
    ),
    "The weights {} are damaged ({}): copy or download this file again.": (
        "重み {0} が破損しています（{1}）。このファイルをコピーまたはダウンロードし直してください。"
    ),
    "The weights {} cannot be read ({}): copy or download this file again.": (
        "重み {0} を読み込めません（{1}）。このファイルをコピーまたはダウンロードし直してください。"
    ),
    "its header is not a table of tensors": "ヘッダーがテンソルの表ではない",
    "its header is not JSON": "ヘッダーが JSON ではない",
    "its metadata is not text": "メタデータがテキストではない",
    "its header names something twice": "ヘッダーに同じ名前が 2 度ある",
    "it is cut short or no safetensors file": "途中で切れているか、safetensors ファイルではない",
    "it holds {} bytes of data where {} are announced": "データが {0} バイトで、記載の {1} バイトと異なる",
    "tensor {} is not described": "テンソル {0} の記述がない",
    "tensor {} is of an unknown type": "テンソル {0} の型が不明",
    "tensor {} has no proper shape and place": "テンソル {0} の形と位置が不正",
    "tensor {} does not fill its place": "テンソル {0} の大きさが位置と合わない",
    "tensor {} leaves a gap or overlaps": "テンソル {0} に隙間か重なりがある",
    # Pose files
    "it holds {}, which JSON does not have": "JSON にない {0} を含む",
    "it names {} twice": "{0} が 2 度ある",
    'This pose holds no list "people": give OpenPose JSON, one object per file.': (
        "このポーズにリスト「people」がありません。1 ファイルに 1 オブジェクトの OpenPose JSON を指定してください。"
    ),
    "This pose has schema version {}, this HandDiff reads {}: save it anew.": (
        "このポーズのスキーマバージョンは {0} ですが、この HandDiff が読めるのは {1} です。保存し直してください。"
    ),
    "This pose's side key handdiff does not fit its people: {}.": (
        "このポーズの付加キー handdiff が people と合いません: {0}"
    ),
    "This pose's frame is no whole number: {}.": "このポーズの frame が整数ではありません: {0}",
    "This pose's armature is named by something else than text: {}.": (
        "このポーズのアーマチュア名がテキストではありません: {0}"
    ),
    "This pose's people[{}] has none of {}: give OpenPose JSON.": (
        "このポーズの people[{0}] に {1} がどれもありません。OpenPose JSON を指定してください。"
    ),
    "This pose's {} is no JSON object: give OpenPose JSON.": (
        "このポーズの {0} が JSON オブジェクトではありません。OpenPose JSON を指定してください。"
    ),
    "This pose has no {} from 1 to {}: add the picture's size in pixels, or give the size.": (
        "このポーズに 1 から {1} の {0} がありません。画像のサイズをピクセルで加えるか、サイズを指定してください。"
    ),
    "This pose's {} has {} where {} triplets x, y, c belong: export it anew.": (
        "このポーズの {0} は {1} ですが、x, y, c の組が {2} 個必要です。エクスポートし直してください。"
    ),
    "This pose's {} holds something else than finite numbers: export it anew.": (
        "このポーズの {0} に有限の数でないものがあります。エクスポートし直してください。"
    ),
    "The pose file {} cannot be read ({}): give OpenPose JSON.": (
        "ポーズファイル {0} を読み込めません（{1}）。OpenPose JSON を指定してください。"
    ),
    "The pose file {} is no valid JSON ({}): give OpenPose JSON.": (
        "ポーズファイル {0} は正しい JSON ではありません（{1}）。OpenPose JSON を指定してください。"
    ),
    "This pose file holds {} frames: give one frame per file.": (
        "このポーズファイルには {0} フレームあります。1 ファイルに 1 フレームにしてください。"
    ),
    "This pose's not_drawn holds something else than index, x, y: {}.": (
        "このポーズの not_drawn に index, x, y 以外のものがあります: {0}"
    ),
    "This pose's visibility is not one of {} per point: {}.": (
        "このポーズの visibility が点ごとに {0} のいずれかではありません: {1}"
    ),
    "This pose's visibility contradicts its points: {}.": "このポーズの visibility が点と矛盾しています: {0}",
    "This pose's camera has no 4 x 4 {} matrix: {}.": "このポーズの camera に 4 x 4 の {0} 行列がありません: {1}",
    "{} holds nobody: choose a pose with a person.": "{0} には人物がいません。人物のいるポーズを選んでください。",
    "{} is no picture": "{0} は画像ではありません",
    # Previews
    "Shape keys of {} do not move in the file, since modifiers come after them: apply these, or leave out limits that "
    "merge triangles.": (
        "{0} のシェイプキーは、後にモディファイアーがあるためファイルの中では動きません。"
        "モディファイアーを適用するか、三角形を減らす制限を外してください。"
    ),
    # Folders and settings
    "The folder {} cannot be made ({}): choose a folder that you may write to.": (
        "フォルダー {0} を作成できません（{1}）。書き込めるフォルダーを選んでください。"
    ),
    "The folder {} cannot be written ({}): choose a folder that you may write to, with space left.": (
        "フォルダー {0} に書き込めません（{1}）。空きがあり、書き込めるフォルダーを選んでください。"
    ),
    "{} cannot be written ({}): choose a folder that you may write to, with space left.": (
        "{0} に書き込めません（{1}）。空きがあり、書き込めるフォルダーを選んでください。"
    ),
    "The earlier results in {} cannot be moved aside ({}): close them or choose another folder.": (
        "{0} の以前の結果を移動できません（{1}）。開いているものを閉じるか、別のフォルダーを選んでください。"
    ),
    "The size {} x {} does not divide by 8: use {} x {}.": (
        "サイズ {0} x {1} は 8 で割り切れません。{2} x {3} にしてください。"
    ),
    "The size {} x {} is out of range: use 64 to 8192 pixels a side.": (
        "サイズ {0} x {1} は範囲外です。一辺を 64 から 8192 ピクセルにしてください。"
    ),
    "The expansion runs from {} to {}: give 0 <= start <= end <= 1, parts of the denoising.": (
        "拡張が {0} から {1} になっています。0 <= 開始 <= 終わり <= 1 にしてください。"
    ),
    "style is {}: choose one of {}.": "style が {0} です。{1} から選んでください。",
    "The seed is {}: give a whole number from 0 to 2^63 - 1.": (
        "シードが {0} です。0 から 2^63 - 1 の整数にしてください。"
    ),
    "These settings are no JSON object: give settings that HandDiff saved.": (
        "この設定は JSON オブジェクトではありません。HandDiff が保存した設定を指定してください。"
    ),
    "The guidance is {}: give 0 to 100, where 1 is off.": (
        "ガイダンスが {0} です。0 から 100 の数にしてください。1 で無効になります。"
    ),
    "The VAE of {} has no scaling_factor in its config.json: copy or download it again.": (
        "{0} の VAE の config.json に scaling_factor がありません。もう一度コピーまたはダウンロードしてください。"
    ),
    "The scheduler's configuration of {} makes no scheduler ({}): copy or download it again.": (
        "{0} のスケジューラー設定からスケジューラーを作れません（{1}）。もう一度コピーまたはダウンロードしてください。"
    ),
    "prediction_type {}": "prediction_type {0}",
    "These settings have schema version {}, this HandDiff reads {}: save them anew.": (
        "この設定のスキーマバージョンは {0} ですが、この HandDiff が読めるのは {1} です。保存し直してください。"
    ),
    "These settings name {}, which HandDiff does not know: remove it.": (
        "この設定にある {0} を HandDiff は知りません。取り除いてください。"
    ),
    "The expansion's {} is {}: give a whole number from 0 to 64.": (
        "拡張の {0} が {1} です。0 から 64 の整数にしてください。"
    ),
    "{} is {}: choose one of {}.": "{0} が {1} です。{2} から選んでください。",
    "{} is {}: give a whole number from {} to {}.": "{0} が {1} です。{2} から {3} の整数にしてください。",
    "{} is {}: give a number from {} to {}.": "{0} が {1} です。{2} から {3} の数にしてください。",
    "These settings cannot be read ({}): save them anew from the panel or a report.": (
        "この設定を読み込めません（{0}）。パネルかレポートから保存し直してください。"
    ),
    "The settings file {} cannot be read ({}): give a JSON file that HandDiff saved.": (
        "設定ファイル {0} を読み込めません（{1}）。HandDiff が保存した JSON ファイルを指定してください。"
    ),
    "{} carries no frame number: name the sequence's files like 0001.png.": (
        "{0} にフレーム番号がありません。連番のファイルは 0001.png のように名付けてください。"
    ),
    "{} is numbered below 0, where Blender plays no sequence: begin at frame 0 or later, or number the files from "
    "0001.png on.": (
        "{0} の番号は 0 より小さく、Blender はこのような連番を再生できません。フレーム 0 以降から始めるか、"
        "ファイルに 0001.png から番号を付けてください。"
    ),
    "The render has no transparent film, so it hides the layer under it: switch on Transparent in Render Properties > Film.": (
        "レンダーのフィルムが透過でないため、下のレイヤーが隠れます。レンダープロパティ > フィルムで「透過」をオンにしてください。"
    ),
    "The sequence lacks {}: make that frame, or name a shorter range.": (
        "連番に {0} がありません。そのフレームを作るか、範囲を短くしてください。"
    ),
    "The picture {} cannot be read: choose another, or make it again.": (
        "画像 {0} を読み込めません。別の画像を選ぶか、作り直してください。"
    ),
    "The person has no mesh to look at: bind a mesh to the armature, or choose another armature.": (
        "この人物には見えるメッシュがありません。メッシュをアーマチュアに関連付けるか、別のアーマチュアを選んでください。"
    ),
    "The picture lands on no mesh that can take a texture: keep the person's meshes in the camera's view, local to this file and with at most seven UV maps.": (
        "画像を受け取れるメッシュがありません。人物のメッシュをカメラに収め、このファイル内のデータにし、UV マップを 7 つ以下にしてください。"
    ),
    'No mesh of the person has a UV map named "{}": {}.': (
        "「{0}」という UV マップを持つメッシュがこの人物にありません。{1}。"
    ),
    "'{}' got no texture: it is linked from another file; make it local.": (
        "「{0}」にテクスチャを付けられません。別のファイルからリンクされています。ローカル化してください。"
    ),
    "'{}': {}, and a second one cannot be made, so places that share texels share colours; make its mesh local, with at most seven UV maps.": (
        "「{0}」：{1}。2 つ目の UV マップを作れないため、テクセルを共有する場所は同じ色になります。メッシュをローカル化し、UV マップを 7 つ以下にしてください。"
    ),
    "'{}': {}, and its modifiers copy any UV map, so places that share texels share colours; apply the modifier that mirrors or repeats the mesh.": (
        "「{0}」：{1}。モディファイアーがどの UV マップも複製するため、テクセルを共有する場所は同じ色になります。メッシュを反転または反復するモディファイアーを適用してください。"
    ),
    "'{}': {}, so its texture lies on a second UV map, \"{}\".": (
        "「{0}」：{1}。そのためテクスチャは 2 つ目の UV マップ「{2}」に置かれます。"
    ),
    "'{}' got no texture: {} and cannot get one; make its mesh local, with at most seven UV maps.": (
        "「{0}」にテクスチャを付けられません。{1}。UV マップを新しく作ることもできません。メッシュをローカル化し、UV マップを 7 つ以下にしてください。"
    ),
    "'{}' got no texture: its modifiers keep no UV map; apply them, or unwrap after them.": (
        "「{0}」にテクスチャを付けられません。モディファイアーが UV マップを残しません。適用するか、その後で展開してください。"
    ),
}
