# SPDX-License-Identifier: GPL-3.0-or-later
"""Models and their parts: the list in the preferences, downloads, and what cannot be loaded or painted with."""

from __future__ import annotations

MODELS: dict[str, str] = {
    # Settings
    "Model folder, or a checkpoint of the SD 1.5 or SDXL family in one .safetensors file. Empty: the preferences' "
    "default, else the model that comes with HandDiff": (
        "モデルのフォルダー、または SD 1.5・SDXL 系のチェックポイント（.safetensors ファイル 1 個）。"
        "空の場合はプリファレンスの既定、それもなければ HandDiff 付属のモデル"
    ),
    "Model folder or .safetensors file for scenes that name none. Leave empty for the model that comes with HandDiff": (
        "モデルの指定がないシーンで使うモデルのフォルダーまたは .safetensors ファイル。"
        "空の場合は HandDiff 付属のモデルを使います"
    ),
    "ControlNets": "ControlNet",
    "For a stock model: ROLE=NAME@SCALE, separated by commas, as in openpose=control_openpose@0.9. ROLE is openpose, "
    "depth, hand_depth, normal or inpaint; where HandDiff knows the file, NAME is enough": (
        "一般のモデル用: 役割=名前@強さ をコンマで区切ります（例: openpose=control_openpose@0.9）。"
        "役割は openpose、depth、hand_depth、normal、inpaint のいずれか。HandDiff が知っているファイルなら名前だけで足ります"
    ),
    "openpose=NAME, depth=NAME": "openpose=名前, depth=名前",
    "Autoencoder in place of a stock model's own. Empty: the model's own": (
        "一般のモデルに付属するものの代わりに使うオートエンコーダー。空の場合はモデル付属のもの"
    ),
    "The model's own": "モデル付属",
    "Hand Model": "手のモデル",
    "Hand generator trained for this model, a folder. Empty: the model's own, or the model itself": (
        "このモデル用に学習した手の生成モデルのフォルダー。空の場合はモデル付属のもの、なければモデル自身が手を描きます"
    ),
    "None: the model itself": "なし（モデル自身）",
    "Reference": "参照画像",
    "Picture whose look a stock model takes over by an IP-Adapter from the model folders. "
    "To name the adapter, write ADAPTER=PICTURE": (
        "一般のモデルが、モデルフォルダーの IP-Adapter で見た目を引き継ぐ画像。アダプターを指定するには「アダプター=画像」と書きます"
    ),
    "Weight": "重み",
    "Picture whose look to take": "見た目を引き継ぐ画像",
    "How much of the reference picture's look is taken over": "参照画像の見た目をどれだけ引き継ぐか",
    "Strength": "強さ",
    "Below 1, painting begins from the rendered frame, and the less, the closer it stays": (
        "1 未満ではレンダリングしたフレームから描き始め、小さいほど元に近くなります"
    ),
    "Upscale": "拡大",
    "Paint the picture over once more at the render's size; for stock models": (
        "レンダリングサイズで画像をもう一度描き直します。一般のモデル用"
    ),
    "Fast": "高速",
    "What the hand stage may cost": "手の段階にかける時間",
    "As many steps for the hands as for the body, in crops as large as the canvas": (
        "手にも体と同じステップ数を使い、キャンバスと同じ大きさで描きます"
    ),
    "Half the steps for the hands, and with a stock model smaller crops": (
        "手のステップ数を半分にし、一般のモデルでは小さめに描きます"
    ),
    "Denoising steps of the body stage: more are slower and finer; 0: as many as the model likes": (
        "体の段階のノイズ除去ステップ数。多いほど遅く、細かくなります。0 の場合はモデルに合わせます"
    ),
    "Denoising steps of the hand stage; 0: as many as Fast or Quality, below, makes of the body's": (
        "手の段階のノイズ除去ステップ数。0 の場合は下の「高速」「品質」に従い、体のステップ数から決めます"
    ),
    "0: as the model likes": "0 はモデルに合わせます",
    "How strictly the picture follows the prompt; 1 is off, 0: as the model likes": (
        "プロンプトにどれだけ忠実に描くか。1 でオフ、0 の場合はモデルに合わせます"
    ),
    "Free GPU": "GPU を解放",
    "Drop the loaded model, so that its memory serves Blender; the next picture loads it again": (
        "読み込んだモデルを破棄し、メモリーを Blender に空けます。次の画像で再び読み込まれます"
    ),
    "No model is loaded.": "読み込まれたモデルはありません。",
    # The list
    "Models": "モデル",
    "No models": "モデルなし",
    "Kind": "種類",
    "Licence": "ライセンス",
    "From": "入手元",
    "Use": "使用",
    "In Use": "使用中",
    "Use Model": "モデルを使用",
    "Paint with this model in scenes that name none": "モデルの指定がないシーンを、このモデルで描きます",
    "List Models": "モデルを一覧",
    "Look through the model folders and the Hugging Face cache": (
        "モデルのフォルダーと Hugging Face のキャッシュを調べます"
    ),
    "Hugging Face cache": "Hugging Face のキャッシュ",
    "Looking through the folders": "フォルダーを調査中",
    "Refresh to list the models of your folders and of the Hugging Face cache.": (
        "更新すると、フォルダーと Hugging Face のキャッシュにあるモデルを一覧します。"
    ),
    "The models are being listed: wait for it.": "モデルを一覧中です。お待ちください。",
    "The list of models": "モデルの一覧",
    "Add Folder": "フォルダーを追加",
    "Add Model Folder": "モデルのフォルダーを追加",
    "Point at a folder of models: of ComfyUI, A1111, Forge, Krita AI Diffusion, or any with .safetensors files": (
        "モデルのフォルダーを指定します。ComfyUI、A1111、Forge、Krita AI Diffusion のもの、"
        "または .safetensors ファイルのあるフォルダー"
    ),
    "Remove Model Folder": "モデルのフォルダーを外す",
    "Take a folder from the list; its files stay": "フォルダーを一覧から外します。ファイルは残ります",
    "There is no folder {}: choose another.": "フォルダー {0} がありません。別のフォルダーを選んでください。",
    "and {} more": "ほか {0} 個",
    # Downloads
    "Download": "ダウンロード",
    "Download Model": "モデルをダウンロード",
    "Download a model into a folder of yours; asks first": (
        "モデルを指定のフォルダーにダウンロードします。実行前に確認します"
    ),
    "Into Folder": "保存先フォルダー",
    "Folder that gets the model": "モデルを保存するフォルダー",
    "About {}": "約 {0}",
    "About {}, licence {}, from huggingface.co/{}": "約 {0}、ライセンス {1}、huggingface.co/{2} から",
    "The download": "ダウンロード",
    "Downloaded to {}": "{0} にダウンロードしました",
    "Stop Download": "ダウンロードを中止",
    "Stop the download; what was fetched is kept, and it can go on later": (
        "ダウンロードを中止します。取得したものは残り、後で続きから再開できます"
    ),
    "No model is being downloaded.": "ダウンロード中のモデルはありません。",
    "A model is being downloaded: wait for it, or stop it.": (
        "モデルをダウンロード中です。完了を待つか、中止してください。"
    ),
    "A download needs a folder: choose one.": "ダウンロードには保存先が必要です。フォルダーを選んでください。",
    "copy the model here by hand": "モデルを手動でここにコピーしてください",
    "Online access is off: allow it in Blender's preferences (System, Network), or download {} elsewhere and point "
    "HandDiff at its folder.": (
        "オンラインアクセスがオフです。Blender のプリファレンス（システム、ネットワーク）で許可するか、"
        "{0} を別の方法でダウンロードして、そのフォルダーを HandDiff に指定してください。"
    ),
    "The catalogue has no model {}: choose one of the list.": (
        "カタログにモデル {0} はありません。一覧から選んでください。"
    ),
    "The download was stopped at {}: run it again, it goes on there.": (
        "ダウンロードを {0} で中止しました。もう一度実行すると続きから始まります。"
    ),
    "What came from {} was altered on the way: download it again.": (
        "{0} から受け取ったデータが途中で変わっています。ダウンロードし直してください。"
    ),
    "it ended at {} of {}": "{1} のうち {0} で途切れた",
    "{} cannot be fetched ({}): look at the connection and run it again, it goes on.": (
        "{0} を取得できません（{1}）。接続を確認してもう一度実行すると、続きから始まります。"
    ),
    "{} cannot be had (the server says {}): look whether the model still exists there.": (
        "{0} を取得できません（サーバーの応答: {1}）。モデルがまだそこにあるか確認してください。"
    ),
    "{} cannot be made ({}): set HANDDIFF_HOME to another folder.": (
        "{0} を作成できません（{1}）。HANDDIFF_HOME に別のフォルダーを設定してください。"
    ),
    "{} does not tell its size: download the file by hand and point HandDiff at its folder.": (
        "{0} のサイズがわかりません。手動でダウンロードし、そのフォルダーを HandDiff に指定してください。"
    ),
    "{} has no space for {}: make space or choose another folder.": (
        "{0} に {1} の空きがありません。空きを増やすか、別のフォルダーを選んでください。"
    ),
    "{} is not fetched over a connection that cannot be listened to: use an https address.": (
        "{0} は安全でない接続です。https のアドレスを使ってください。"
    ),
    "{} is not the file that the catalogue knows (its sha256 is another): look at the model's page, and download it by "
    "hand if you trust it.": (
        "{0} はカタログのファイルと異なります（sha256 が違います）。モデルのページを確認し、"
        "信頼できる場合は手動でダウンロードしてください。"
    ),
    "{} holds no snapshot: the download was not finished, start it again.": (
        "{0} にスナップショットがありません。ダウンロードが完了していないので、やり直してください。"
    ),
    # Finding models
    "A {} is named by nothing: give its path or its name.": "{0} の名前が空です。パスか名前を指定してください。",
    "There is no model {}.": "モデル {0} はありません。",
    "There is no model {}: give the path of a .safetensors file or a model folder, or a Hugging Face id that is "
    "downloaded already ( handdiff models list  shows what is there).": (
        "モデル {0} がありません。.safetensors ファイルかモデルのフォルダーのパス、またはダウンロード済みの Hugging Face の"
        " ID を指定してください（handdiff models list で一覧できます）。"
    ),
    "There are several models named {} ({}, {}): give the path of one.": (
        "{0} という名前のモデルが複数あります（{1}、{2}）。ひとつのパスを指定してください。"
    ),
    "The folder {} holds no weights (.safetensors): copy or download the model again.": (
        "フォルダー {0} に重み（.safetensors）がありません。モデルをコピーまたはダウンロードし直してください。"
    ),
    "The folder {} holds several files of weights ({}): give the path of one.": (
        "フォルダー {0} に重みのファイルが複数あります（{1}）。ひとつのパスを指定してください。"
    ),
    "{} comes without its {}: give a whole checkpoint or model folder.": (
        "{0} に {1} がありません。完全なチェックポイントかモデルのフォルダーを指定してください。"
    ),
    "{} comes without its VAE: name one with --vae, or give a whole checkpoint or model folder.": (
        "{0} に VAE がありません。--vae で指定するか、完全なチェックポイントかモデルのフォルダーを指定してください。"
    ),
    "{} is a link out of the model's folder: put the file itself there.": (
        "{0} はモデルのフォルダーの外へのリンクです。ファイルそのものを置いてください。"
    ),
    "{} names weights outside its folder ({}): do not use this model.": (
        "{0} がフォルダーの外の重み（{1}）を指しています。このモデルは使わないでください。"
    ),
    "{} is a pickle, which can run code when read: look for the model's .safetensors file, or convert it with "
    "torch.load(weights_only=True) and safetensors.torch.save_file.": (
        "{0} は pickle 形式で、読み込むとコードが実行されるおそれがあります。モデルの .safetensors ファイルを探すか、"
        "torch.load(weights_only=True) と safetensors.torch.save_file で変換してください。"
    ),
    "{} is no .safetensors file: HandDiff reads weights in this format only.": (
        "{0} は .safetensors ファイルではありません。HandDiff が読める重みはこの形式だけです。"
    ),
    "{} has the value {}": "{0} の値が {1}",
    "{} asks for code that comes with the model ({}: {}): HandDiff runs no such code, choose another model.": (
        "{0} はモデル付属のコードを必要とします（{1}: {2}）。HandDiff はそうしたコードを実行しません。"
        "別のモデルを選んでください。"
    ),
    "{} asks for code of its own for {} ({}): HandDiff runs no code that comes with a model, choose another.": (
        "{0} は {1} に独自のコードを必要とします（{2}）。HandDiff はモデル付属のコードを実行しません。"
        "別のモデルを選んでください。"
    ),
    "{} is of a quantised model, which HandDiff does not read: take its full or fp16 weights.": (
        "{0} は量子化されたモデルで、HandDiff では読めません。通常または fp16 の重みを使ってください。"
    ),
    "{} is no base model that HandDiff paints with ({}): give one of {}.": (
        "{0} は HandDiff で使えるベースモデルではありません（{1}）。{2} のいずれかを指定してください。"
    ),
    "{} is no ControlNet but: {}; give one, or put it where it belongs.": (
        "{0} は ControlNet ではなく、{1} です。ControlNet を指定するか、正しい場所に指定してください。"
    ),
    "{} is no LoRA but: {}; put it where it belongs.": "{0} は LoRA ではなく、{1} です。正しい場所に指定してください。",
    "{} is a {}, which HandDiff cannot add: give an ordinary LoRA.": (
        "{0} は {1} で、HandDiff では使えません。通常の LoRA を指定してください。"
    ),
    "{} is no VAE of {} but: {}; choose another.": "{0} は {1} の VAE ではなく、{2} です。別のものを選んでください。",
    "The VAE {} is for {} and the model {} is {}: choose a pair of one family.": (
        "VAE {0} は {1} 用で、モデル {2} は {3} です。同じ系統の組み合わせを選んでください。"
    ),
    # Hand generators and ControlNets that were trained for a stock model
    "{} is {}: train on an ordinary model of this family.": "{0} は {1} です。同じ系統の通常のモデルで学習してください。",
    "The U-Net lacks the tensor {}: copy or download the model again.": (
        "U-Net にテンソル {0} がありません。モデルをコピーまたはダウンロードし直してください。"
    ),
    "The weights {} hold no {} in floating point: copy or download this file again.": (
        "重み {0} に浮動小数点の {1} がありません。このファイルをコピーまたはダウンロードし直してください。"
    ),
    "The hand generator {} is of the embedded kind and the model {} is not: leave out --hand-model, or train one for it "
    "with  handdiff train hands --base.": (
        "手の生成モデル {0} は内蔵モデル用で、モデル {1} はそうではありません。--hand-model を外すか、"
        "handdiff train hands --base でこのモデル用に学習してください。"
    ),
    "{} is no hand generator for a stock model: give the folder that  handdiff train hands --base  made.": (
        "{0} は一般のモデル用の手の生成モデルではありません。handdiff train hands --base で作ったフォルダーを"
        "指定してください。"
    ),
    "{} is not a hand generator's ({}): copy it again, or train it anew.": (
        "{0} は手の生成モデルのものではありません（{1}）。コピーし直すか、学習し直してください。"
    ),
    "The hand generator {} is for {} and the model {} is {}: choose a pair of one family.": (
        "手の生成モデル {0} は {1} 用で、モデル {2} は {3} です。同じ系統の組み合わせを選んでください。"
    ),
    "The hand generator {} was trained on {}, whose tensor {} has another shape in {}: name that model with --model.": (
        "手の生成モデル {0} は {1} で学習したもので、そのテンソル {2} は {3} では別の形です。"
        "学習に使ったモデルを --model で指定してください。"
    ),
    "The hand generator {} was trained on {} and the model is {}: name that model with --model, or train one for this.": (
        "手の生成モデル {0} は {1} で学習したもので、モデルは {2} です。学習に使ったモデルを --model で指定するか、"
        "このモデル用に学習してください。"
    ),
    "The hand generator {} is for a stock model: name the model it was trained on with --model.": (
        "手の生成モデル {0} は一般のモデル用です。学習に使ったモデルを --model で指定してください。"
    ),
    "The mask head of {} is damaged ({}): copy it again, or train it anew.": (
        "{0} のマスク出力部が破損しています（{1}）。コピーし直すか、学習し直してください。"
    ),
    "The ControlNet {} takes outpaint and not {}: name it without a role.": (
        "ControlNet {0} が受け取るのは outpaint で、{1} ではありません。役割を付けずに指定してください。"
    ),
    "The ControlNet {} takes one picture and not outpaint: name it for a role such as openpose.": (
        "ControlNet {0} が受け取るのは画像 1 枚で、outpaint ではありません。openpose などの役割を付けて指定してください。"
    ),
    "The ControlNet {} takes a hint of {} channels, which HandDiff cannot draw.": (
        "ControlNet {0} は {1} チャンネルの入力を必要としますが、HandDiff では作れません。"
    ),
    "Nothing shows the base model the hands: name a hand generator with --hand-model or a ControlNet for openpose with "
    "--controlnet, or use --single-stage.": (
        "ベースモデルに手を示すものがありません。--hand-model で手の生成モデルを指定するか、--controlnet で openpose の "
        "ControlNet を指定するか、--single-stage を使ってください。"
    ),
    # Reference pictures
    "The reference {} cannot be read as a picture ({}): give a PNG or JPEG.": (
        "参照画像 {0} を画像として読み込めません（{1}）。PNG または JPEG を指定してください。"
    ),
    "{} is no IP-Adapter but: {}; give one.": "{0} は IP-Adapter ではなく、{1} です。IP-Adapter を指定してください。",
    "The IP-Adapter {} does not fit the model {}: choose one for {}.": (
        "IP-Adapter {0} はモデル {1} に合いません。{2} 用のものを選んでください。"
    ),
    "The IP-Adapter {} is of a kind that HandDiff does not use (faces by another network): choose an ordinary one, or one "
    "of the Plus kind.": (
        "IP-Adapter {0} は HandDiff で使えない種類です（別のネットワークで顔を見るもの）。通常のものか Plus のものを"
        "選んでください。"
    ),
    "A reference needs an IP-Adapter for {}, and no model folder holds one: import the folder of one (such as "
    "h94/IP-Adapter), or name it, as in --reference ADAPTER=PICTURE.": (
        "参照画像には {0} 用の IP-Adapter が必要ですが、モデルのフォルダーにありません。そのフォルダー"
        "（h94/IP-Adapter など）を登録するか、--reference ADAPTER=PICTURE のように指定してください。"
    ),
    "There are several IP-Adapters for this model ({}, {}): name one, as in --reference ADAPTER=PICTURE.": (
        "このモデル用の IP-Adapter が複数あります（{0}、{1}）。--reference ADAPTER=PICTURE のように 1 つを"
        "指定してください。"
    ),
    "The IP-Adapter {} needs a CLIP image encoder with {} of {} numbers, and none is there: put the folder {} that is "
    "published with it beside it, or import the folder that holds the encoder.": (
        "IP-Adapter {0} には CLIP の画像エンコーダー（{1}、{2} 個の数）が必要ですが、見つかりません。一緒に公開されている"
        "フォルダー {3} をその横に置くか、エンコーダーのあるフォルダーを登録してください。"
    ),
    "The IP-Adapter {} is damaged ({}): copy or download it again.": (
        "IP-Adapter {0} が破損しています（{1}）。コピーまたはダウンロードし直してください。"
    ),
    # What does not fit together
    "The embedded model and its like take no part of another, and {} is given: name a base model with --model, or leave "
    "it out.": (
        "内蔵モデルとその仲間にはほかの部品を組み合わせられませんが、{0} が指定されています。--model でベースモデルを"
        "指定するか、取り除いてください。"
    ),
    "A ControlNet takes no {}: choose from {}.": "ControlNet は {0} を受け付けません。{1} から選んでください。",
    "The ControlNet {} does not tell what it is to be shown: name it, as in --controlnet openpose={}.": (
        "ControlNet {0} の入力の種類がわかりません。--controlnet openpose={1} のように指定してください。"
    ),
    "The ControlNet {} is for {} and the model {} is {}: choose a pair of one family.": (
        "ControlNet {0} は {1} 用ですが、モデル {2} は {3} です。同じ系統の組み合わせを選んでください。"
    ),
    "The ControlNet {} is {} channels wide where the model {} has {}: choose one that was made for this model.": (
        "ControlNet {0} は {1} チャンネルですが、モデル {2} は {3} です。このモデル用のものを選んでください。"
    ),
    "The ControlNet {} takes one thing and not {}: name one of them.": (
        "ControlNet {0} が受け付けるのは 1 種類で、{1} は使えません。どれかひとつを指定してください。"
    ),
    "The union ControlNet {} takes no {}: it takes {}.": (
        "Union ControlNet {0} は {1} を受け付けません。受け付けるのは {2} です。"
    ),
    "The base model has no ControlNet that shows it the pose: name one for openpose or depth with --controlnet.": (
        "ベースモデルにポーズを見せる ControlNet がありません。--controlnet で openpose か depth 用のものを指定してください。"
    ),
    "A hand generator cannot be used with this base model yet: leave out --hand-model.": (
        "このベースモデルでは手の生成器をまだ使えません。--hand-model を外してください。"
    ),
    "The LoRA {} has no layer in common with the model: choose one of the model's family.": (
        "LoRA {0} はモデルと共通の層がありません。モデルと同じ系統のものを選んでください。"
    ),
    "The LoRA {} does not fit the model at {}: choose one that was trained on its family.": (
        "LoRA {0} はモデルの {1} に合いません。同じ系統で学習されたものを選んでください。"
    ),
    "The LoRA {} is damaged (its factors at {} do not fit): copy it again.": (
        "LoRA {0} が破損しています（{1} の係数が合いません）。コピーし直してください。"
    ),
    "The LoRA {} is for {} and the model {} is {}: choose a pair of one family.": (
        "LoRA {0} は {1} 用ですが、モデル {2} は {3} です。同じ系統の組み合わせを選んでください。"
    ),
    "The prompt gives the LoRA {} the weight {}: give a number.": (
        "プロンプトで LoRA {0} の重みが {1} になっています。数を指定してください。"
    ),
    "The prompt has a LoRA that cannot be read: write <lora:NAME:0.8>.": (
        "プロンプトに読み取れない LoRA があります。<lora:名前:0.8> のように書いてください。"
    ),
    "The negative prompt names a LoRA, which does nothing there: name it in the prompt, where a weight below 0 turns it "
    "round.": (
        "ネガティブプロンプトの LoRA は効果がありません。プロンプトに書いてください。0 未満の重みで逆に働きます。"
    ),
    "The {} {} has the weight {}: give a number from -10 to 10.": (
        "{0} {1} の重みが {2} です。-10 から 10 の数を指定してください。"
    ),
    "The model {} wants EDM's noise, which HandDiff does not paint with: choose another.": (
        "モデル {0} は EDM のノイズを必要とし、HandDiff では描けません。別のモデルを選んでください。"
    ),
    "The U-Net of {} takes {} channels: give an ordinary model (4) or an inpainting variant (9).": (
        "{0} の U-Net は {1} チャンネルです。通常のモデル（4）かインペイント版（9）を指定してください。"
    ),
    "{} has text encoders that are not its U-Net's: its parts are of different models.": (
        "{0} のテキストエンコーダーが U-Net と合いません。別々のモデルの部品が混ざっています。"
    ),
    "{} has the tensor {} in the shape {} where {} is needed: its parts are of different models.": (
        "{0} のテンソル {1} の形が {2} ですが、{3} が必要です。別々のモデルの部品が混ざっています。"
    ),
    "The model {} has {} words and its vocabulary {}: its parts are of different models.": (
        "モデル {0} の語数は {1}、語彙は {2} です。別々のモデルの部品が混ざっています。"
    ),
    "{} has a configuration that makes no network ({}): choose another.": (
        "{0} の設定からネットワークを作れません（{1}）。別のモデルを選んでください。"
    ),
    "The model's scheduler {} cannot be used here: choose another, such as UniPCMultistepScheduler.": (
        "モデルのスケジューラー {0} はここでは使えません。UniPCMultistepScheduler などを選んでください。"
    ),
    # Damaged files
    "The weights {} cannot be read ({}): copy or download this file.": (
        "重み {0} を読み込めません（{1}）。このファイルをコピーまたはダウンロードしてください。"
    ),
    "The weights {} hold numbers that are none (NaN or infinite, in {}): they can only paint black; copy or download "
    "this file again, or choose another.": (
        "重み {0} に数でない値（{1} に NaN または無限大）があり、真っ黒な画像にしかなりません。"
        "コピーまたはダウンロードし直すか、別のものを選んでください。"
    ),
    "{} holds a tensor that such a model does not have ({}): choose another.": (
        "{0} に、この種類のモデルにはないテンソルがあります（{1}）。別のモデルを選んでください。"
    ),
    "{} lacks a tensor or has one of a wrong shape ({}): copy or download it again.": (
        "{0} のテンソルが足りないか、形が違います（{1}）。コピーまたはダウンロードし直してください。"
    ),
    "{} lacks the tensor {}: copy or download it again.": (
        "{0} にテンソル {1} がありません。コピーまたはダウンロードし直してください。"
    ),
    "The vocabulary in {} cannot be read ({}): copy or download it again.": (
        "{0} の語彙を読み込めません（{1}）。コピーまたはダウンロードし直してください。"
    ),
    "The vocabulary {} is missing (vocab.json, merges.txt): copy or download it.": (
        "語彙 {0} がありません（vocab.json、merges.txt）。コピーまたはダウンロードしてください。"
    ),
    "A checkpoint in one file needs CLIP's vocabulary, which the package open_clip_torch brings: install it with  pip "
    "install --no-deps open_clip_torch  or give the model as a diffusers folder.": (
        "1 ファイルのチェックポイントには、パッケージ open_clip_torch に含まれる CLIP の語彙が必要です。"
        "pip install --no-deps open_clip_torch でインストールするか、diffusers 形式のフォルダーを指定してください。"
    ),
    "{} is damaged ({}): install open_clip_torch again.": (
        "{0} が破損しています（{1}）。open_clip_torch をインストールし直してください。"
    ),
    # Painting
    'Nobody in the picture is named "{}", so the words for them were not used.': (
        "画像に「{0}」という名前の人物がいないため、その人物への指定は使いませんでした。"
    ),
    "The model has no words for {} and paints without: say it with clothes, colours, hair, skin and light, or choose a"
    " larger model.": (
        "このモデルは {0} という言葉を知らないため、それ抜きで描きました。"
        "服・色・髪・肌・光の言葉で言い換えるか、より大きなモデルを選んでください。"
    ),
    "The prompts of single persons are no texts by name: give armature names and prompts.": (
        "人物ごとのプロンプトが名前と文の組になっていません。アーマチュア名とプロンプトを指定してください。"
    ),
    "What to keep out counts only with a guidance above 1: raise it, or leave it out.": (
        "「描かないもの」が効くのはガイダンスが 1 より大きいときだけです。ガイダンスを上げるか、空にしてください。"
    ),
    "Painting the person alone, or with a strength under 1, needs the rendered frame: render it first.": (
        "人物だけを描く場合と強さが 1 未満の場合は、レンダリングしたフレームが必要です。先にレンダリングしてください。"
    ),
    "The strength is {}: give more than 0 and at most 1.": "強さが {0} です。0 より大きく 1 以下にしてください。",
    "This model paints at its own size only: leave out --upscale, or choose a stock model.": (
        "このモデルは決まったサイズでしか描けません。--upscale を外すか、一般のモデルを選んでください。"
    ),
    "The frame is no larger than the painted picture, so there was nothing to upscale.": (
        "フレームが描いた画像より大きくないため、拡大は行いませんでした。"
    ),
    "The picture is not upscaled: {}": "画像を拡大しませんでした: {0}",
    "This model predicts no masks to choose by, so the hands are painted once only.": (
        "このモデルは選択に使うマスクを予測しないため、手を 1 回だけ描きます。"
    ),
    "{} steps are too many for the model's scheduler {}: give {} at most.": (
        "{0} ステップはモデルのスケジューラー {1} には多すぎます。{2} 以下にしてください。"
    ),
    "The model gave no numbers: give its LoRAs and ControlNets less weight, or choose another model.": (
        "モデルの結果が数になりません。LoRA や ControlNet の重みを下げるか、別のモデルを選んでください。"
    ),
    "The model gave no numbers in {}: use --dtype float32, or Precision in the add-on's preferences.": (
        "モデルの結果が {0} では数になりません。--dtype float32、またはアドオンのプリファレンスの「精度」を使ってください。"
    ),
    "{} is no number type: choose auto, {}.": "{0} は数値型ではありません。auto、{1} から選んでください。",
    "torch has no device {} here: choose auto or cpu.": (
        "torch にデバイス {0} がありません。auto または cpu を選んでください。"
    ),
    "The {} device has too little memory for this model, even sparing it: paint smaller with --size, or use another "
    "device.": (
        "デバイス {0} のメモリーは、節約してもこのモデルには足りません。--size で小さく描くか、"
        "別のデバイスを使ってください。"
    ),
    "The {} device ran out of memory, so {}.": "デバイス {0} のメモリーが足りないため、{1}。",
}
