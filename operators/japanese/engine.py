# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's set-up, the preferences and the diagnostics."""

from __future__ import annotations

ENGINE: dict[str, str] = {
    "Engine": "エンジン",
    "Set Up Engine": "エンジンをセットアップ",
    "Install torch and diffusers, which generating needs, into HandDiff's own user folder; asks first": (
        "生成に必要な torch と diffusers を、HandDiff 専用のユーザーフォルダーにインストールします。実行前に確認します"
    ),
    "Resume Engine Set-Up": "エンジンのセットアップを再開",
    "Install": "インストール",
    "Resume": "再開",
    "Repair": "修復",
    "Remove": "削除",
    "Discard": "破棄",
    "Stop Set-Up": "セットアップを中止",
    "Stop the set-up; what was fetched is kept, and it can go on later": (
        "セットアップを中止します。取得したものは残り、後で続きから再開できます"
    ),
    "Remove Engine": "エンジンを削除",
    "Delete the engine that HandDiff installed, and what an interrupted set-up left; models and pictures stay": (
        "HandDiff がインストールしたエンジンと、中断したセットアップの残りを削除します。モデルと画像は残ります"
    ),
    "Copy Log": "ログをコピー",
    "Copy what pip said to the clipboard": "pip の出力をクリップボードにコピーします",
    "What pip says": "pip の出力",
    "Generating needs PyTorch and Diffusers. They are fetched from the Python Package Index and from PyTorch's own, "
    "and run on this machine; nothing of your scenes is sent.": (
        "生成には PyTorch と Diffusers が必要です。Python Package Index と PyTorch の配布元から取得し、"
        "このコンピューター上で動作します。シーンの内容はどこにも送信されません。"
    ),
    "Generating needs an engine: PyTorch and Diffusers. All else works without.": (
        "生成にはエンジン（PyTorch と Diffusers）が必要です。ほかの機能はエンジンなしで使えます。"
    ),
    "No engine yet: passes and composites work without, generating needs one.": (
        "エンジンはまだありません。パスとコンポジットはそのまま使えますが、生成にはエンジンが必要です。"
    ),
    "The engine is there; it loads with the first generation.": (
        "エンジンは準備できています。最初の生成時に読み込まれます。"
    ),
    "The engine is installed: it loads with the first generation.": (
        "エンジンをインストールしました。最初の生成時に読み込まれます。"
    ),
    "Installed: torch {} for {}": "インストール済み: torch {0}（{1}）",
    "A set-up for {} was interrupted with {} of {} packages fetched.": (
        "{0} 用のセットアップが、{2} 個中 {1} 個のパッケージを取得したところで中断しました。"
    ),
    "Device": "デバイス",
    "What the engine is to compute with": "エンジンが計算に使うデバイス",
    "NVIDIA (CUDA 13)": "NVIDIA (CUDA 13)",
    "NVIDIA (CUDA 12)": "NVIDIA (CUDA 12)",
    "AMD (ROCm)": "AMD (ROCm)",
    "Apple (Metal)": "Apple (Metal)",
    "Processor only": "CPU のみ",
    "Found": "検出",
    "Size": "サイズ",
    "About {} GB to fetch, {} GB on the disk": "ダウンロード約 {0} GB、ディスク上 {1} GB",
    "Packages": "パッケージ",
    "torch {}, {}": "torch {0}、{1}",
    "{}, Blender's own": "{0}（Blender 付属）",
    "From Folder": "フォルダーから",
    "Folder of wheels to install from without the network. Empty: fetch them": (
        "ネットワークを使わずにインストールするための wheel ファイルのフォルダー。空の場合はダウンロードします"
    ),
    "Goes into {}": "インストール先: {0}",
    "Looking up packages": "パッケージを確認中",
    "Fetching {} ({} of {}), {} MB": "{0} を取得中（{1}/{2}）、{3} MB",
    "Unpacking": "展開中",
    "Trying it out": "動作を確認中",
    "The set-up": "セットアップ",
    "Processor": "CPU",
    "This machine": "このコンピューター",
    "Apple graphics": "Apple のグラフィックス",
    "AMD graphics": "AMD のグラフィックス",
    "{}: driver too old": "{0}: ドライバーが古すぎます",
    "No graphics card that PyTorch can use was found: painting will be slow.": (
        "PyTorch で使えるグラフィックカードが見つかりません。描画は遅くなります。"
    ),
    "PyTorch is no longer made for this kind of machine: passes and composites still work.": (
        "PyTorch はこの種類のコンピューターに対応しなくなりました。パスとコンポジットは使えます。"
    ),
    "PyTorch no longer serves this graphics card, so the processor will paint.": (
        "PyTorch はこのグラフィックカードに対応しなくなったため、CPU で描きます。"
    ),
    "The graphics card's driver is too old for PyTorch: update it first, or install for the processor.": (
        "グラフィックカードのドライバーが PyTorch には古すぎます。先に更新するか、CPU 用をインストールしてください。"
    ),
    "Blender may not go online: tick Allow Online Access (Preferences > System > Network).": (
        "Blender のオンラインアクセスがオフです。「オンラインアクセスを許可」"
        "（プリファレンス > システム > ネットワーク）をオンにしてください。"
    ),
    "Blender was started offline: start it without --offline-mode, or {}.": (
        "Blender がオフラインで起動されています。--offline-mode を付けずに起動するか、{0}。"
    ),
    "install from a folder of wheels": "wheel ファイルのフォルダーからインストールしてください",
    "The engine is being installed: wait for it, or stop it.": (
        "エンジンをインストール中です。完了を待つか、中止してください。"
    ),
    "The engine is in use: restart Blender, and do this before you generate.": (
        "エンジンが使用中です。Blender を再起動し、生成する前に行ってください。"
    ),
    "No engine is being installed.": "インストール中のエンジンはありません。",
    "Nothing was installed in this session.": "このセッションでは何もインストールしていません。",
    "There is no engine that HandDiff installed.": "HandDiff がインストールしたエンジンはありません。",
    "The folder of wheels {} does not exist: choose another, or leave it empty.": (
        "wheel ファイルのフォルダー {0} がありません。別のフォルダーを選ぶか、空にしてください。"
    ),
    "The set-up was cancelled.": "セットアップを中止しました。",
    # Preferences
    "Engine Folder": "エンジンのフォルダー",
    "Folder or environment with torch and diffusers for this Blender's Python, to be used in place of the engine that "
    "HandDiff installs": (
        "この Blender の Python 用の torch と diffusers があるフォルダーまたは環境。"
        "HandDiff がインストールするエンジンの代わりに使います"
    ),
    "HandDiff's own": "HandDiff のエンジン",
    "Default Model": "既定のモデル",
    "Model folder or .safetensors file for scenes that name none. Leave empty for the model that comes with HandDiff": (
        "モデルの指定がないシーンで使うモデルのフォルダー、または .safetensors ファイル。空の場合は HandDiff 付属のモデルを使います"
    ),
    "The model that comes with HandDiff": "HandDiff 付属のモデル",
    "Results": "結果",
    "Where results of unsaved files are kept. Saved files keep theirs in a folder beside the .blend": (
        "未保存のファイルの結果を置く場所。保存済みのファイルでは .blend の隣のフォルダーに置きます"
    ),
    "HandDiff, in your Pictures folder": "ピクチャフォルダー内の HandDiff",
    "What paints, by torch's name: auto takes the GPU where there is one. cuda:1 is the second one, and cpu leaves all "
    "of them to Blender": (
        "描画に使うデバイスの torch での名前。auto は GPU があれば GPU を使います。"
        "cuda:1 は 2 枚目の GPU、cpu はすべての GPU を Blender に残します"
    ),
    "Precision": "精度",
    "Number type that stock models compute in": "既製モデルの計算に使う数値型",
    "Automatic": "自動",
    "Half where the device computes faster in it and rightly, else single": (
        "デバイスが半精度で速く正しく計算できる場合は半精度、それ以外は単精度"
    ),
    "Single": "単精度",
    "Twice the memory of half; for devices that paint black pictures in half": (
        "メモリーは半精度の 2 倍。半精度で画像が黒くなるデバイス向け"
    ),
    "Half": "半精度",
    "What most graphics cards are fastest in": "ほとんどのグラフィックカードで最も速い精度",
    "Brain Float": "bfloat16",
    "As large as half, coarser, with the range of single": "大きさは半精度と同じで粗く、範囲は単精度と同じ",
    "Compile": "コンパイル",
    "A model's first picture takes longer, later ones less (torch.compile). Pays for long animations; where the machine "
    "cannot, the picture's warnings say so": (
        "モデルの最初の画像は遅く、以後は速くなります (torch.compile)。長いアニメーションで有利です。"
        "このマシンで使えない場合は画像の警告に表示されます"
    ),
    # Diagnostics
    "Copy Diagnostics": "診断情報をコピー",
    "Copy versions, device, settings and the last errors for a report; user names, paths and prompts are left out": (
        "不具合の報告用に、バージョン、デバイス、設定、最近のエラーをコピーします。"
        "ユーザー名、パス、プロンプトは含みません"
    ),
    "The diagnostics are on the clipboard": "診断情報をクリップボードにコピーしました",
}
