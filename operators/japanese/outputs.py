# SPDX-License-Identifier: GPL-3.0-or-later
"""Texture, render layer and preview; steady animations."""

from __future__ import annotations

OUTPUTS: dict[str, str] = {
    # Texture
    "Texture": "テクスチャ",
    "Size": "サイズ",
    "Side of each texture, or of each UDIM tile of it": "各テクスチャ（UDIM の場合は各タイル）の一辺",
    "UV Map": "UV マップ",
    '"{}" has gone while its texture was painted: bring it back and start again.': (
        "テクスチャの作成中に「{0}」がなくなりました。元に戻して、もう一度始めてください。"
    ),
    "UV map that textures lie on. Empty: each mesh's active one, or a new one where that cannot hold a texture": (
        "テクスチャを置く UV マップ。空の場合は各メッシュのアクティブな UV マップ、使えなければ新しいもの"
    ),
    "Active, or a new one": "アクティブ、または新規",
    "Shading": "陰影",
    "What the texture drives": "テクスチャの使い方",
    "Lit": "照明あり",
    "The texture is the base colour of a matt material: the scene's lights shade it": (
        "テクスチャをつやのないマテリアルのベースカラーにします。シーンの光で陰影が付きます"
    ),
    "Unlit": "照明なし",
    "The texture shines by itself: the picture has its light in it already": (
        "テクスチャ自体が発光します。画像にはすでに光が描かれています"
    ),
    "As Files": "ファイルとして",
    "Keep textures as PNG files beside the picture, rather than packed into the .blend": (
        "テクスチャを .blend にパックせず、画像の隣に PNG ファイルとして置きます"
    ),
    "Hands in Detail": "手を細部まで",
    "Project the hands from the close-ups in which they were painted, which have more pixels there": (
        "手は、描かれたときの拡大画像から投影します。その部分の画素が多くなります"
    ),
    "Further Views": "追加の視点",
    "Paint so many further views around the person, each where earlier ones left gaps. 0: what this picture shows, and "
    "the rest filled from its surroundings": (
        "人物のまわりからさらにこの数だけ描き、前の視点で空いた部分を埋めます。0 の場合はこの画像に写る部分だけを使い、残りは周囲から補います"
    ),
    "{} of {} views": "{0} / {1} 視点",
    "Cancel Views": "視点をキャンセル",
    "Stop painting further views; the materials stay as they are": (
        "追加の視点を描くのを止めます。マテリアルは変わりません"
    ),
    "Further views are being painted: wait for them, or cancel them.": (
        "追加の視点を描画中です。終わるのを待つか、キャンセルしてください。"
    ),
    "No further views are being painted.": "描画中の追加の視点はありません。",
    "Stopped: the materials are as they were": "中止しました。マテリアルは元のままです",
    "The picture's camera cannot be read from {}: generate the picture again.": (
        "画像のカメラを {0} から読み込めません。画像をもう一度生成してください。"
    ),
    "The person no longer stands as in this picture, so the texture lies askew: put the pose and the place back, or "
    "generate another picture.": (
        "人物の位置かポーズがこの画像と違うため、テクスチャがずれます。"
        "位置とポーズを元に戻すか、新しい画像を生成してください。"
    ),
    # Render layer
    "Render Layer": "レンダーレイヤー",
    "Layer": "レイヤー",
    "What to lay over or under the render": "レンダリングの上または下に置くもの",
    "The picture in hand, over every frame": "いまの画像。すべてのフレームに置きます",
    "The painted animation, as an image sequence": "描いたアニメーション（連番画像）",
    "Place": "位置",
    "Where the picture lies": "画像を置く位置",
    "Over": "上",
    "The picture hides the render where the mask is white": "マスクが白い部分で画像がレンダリングを覆います",
    "Under": "下",
    "The render hides the picture; it needs a transparent film": (
        "レンダリングが画像を覆います。透過フィルムが必要です"
    ),
    "Mask": "マスク",
    "Where the picture shows": "画像を見せる部分",
    "Person": "人物",
    "Where the camera sees the person": "カメラに人物が見える部分",
    "Where the camera sees the hands": "カメラに手が見える部分",
    "Feather": "ぼかし",
    "Softness of the mask's edge, in pixels for each 512 of the picture's longer side": (
        "マスクの縁のぼかし。画像の長辺 512 ピクセルあたりのピクセル数"
    ),
    "Match Colours": "色を合わせる",
    "Take the picture back through the scene's view transform, exposure and gamma, so that it looks in the render as it "
    "looks in its file": (
        "シーンのビュー変換、露出、ガンマを逆にたどり、レンダリングの中でも画像をファイルと同じ見た目にします"
    ),
    "Lay the picture over or under the render where a mask says, in the compositor; render to see it": (
        "コンポジターで、マスクの示す部分だけ画像をレンダリングの上または下に置きます。レンダリングすると見えます"
    ),
    "The picture lies under the render of this scene": "画像はこのシーンのレンダリングの下に置かれました",
    "A layer needs every frame, and this animation leaves some out: set the step to 1.": (
        "レイヤーには全フレームが必要ですが、このアニメーションには抜けがあります。ステップを 1 にしてください。"
    ),
    "Of an animation only the person's masks are kept: choose the mask Person.": (
        "アニメーションには人物のマスクしか保存されません。マスクに「人物」を選んでください。"
    ),
    "The picture {} cannot be read ({}): paint it again.": (
        "画像 {0} を読み込めません（{1}）。もう一度描いてください。"
    ),
    "The mask {} cannot be read ({}): generate the picture again.": (
        "マスク {0} を読み込めません（{1}）。画像をもう一度生成してください。"
    ),
    # Preview
    "AR/VR Preview": "AR/VR プレビュー",
    "Form": "形式",
    "What of pose and rig the GLB keeps": "GLB に残すポーズとリグ",
    "Posed": "ポーズ",
    "A still mesh in the pose of this frame": "このフレームのポーズの静止メッシュ",
    "At Rest": "レスト",
    "A still mesh in the rest pose": "レストポーズの静止メッシュ",
    "Rigged": "リグ付き",
    "With bones and skin, posed as it stands": "ボーンとスキン付き。いまのポーズのまま",
    "Animated": "アニメーション",
    "With bones, skin and the active actions": "ボーンとスキン、アクティブなアクション付き",
    "For": "用途",
    "Limits that meshes and textures are made smaller for": "メッシュとテクスチャを小さくする上限",
    "No Limits": "制限なし",
    "Meshes and textures as they are": "メッシュとテクスチャをそのまま使います",
    "Web Page": "ウェブページ",
    "At most 100,000 triangles, textures of 2048 pixels, 5 MB": (
        "三角形 100,000 個、テクスチャ 2048 ピクセル、5 MB まで"
    ),
    "Headset": "ヘッドセット",
    "At most 30,000 triangles, textures of 1024 pixels, 2.5 MB": (
        "三角形 30,000 個、テクスチャ 1024 ピクセル、2.5 MB まで"
    ),
    "Also": "追加",
    "Also write preview.html, which shows the model in any browser, offline": (
        "preview.html も書き出します。どのブラウザーでもオフラインでモデルを表示できます"
    ),
    "Turntable": "ターンテーブル",
    "Also write turntable.gif, one turn around the person": "人物を一周する turntable.gif も書き出します",
    "Save the textured person as preview.glb beside the picture, for AR, VR and web pages": (
        "テクスチャ付きの人物を、AR・VR・ウェブページ用に画像の隣へ preview.glb として保存します"
    ),
    # Steady animations
    "Steady Pictures": "安定した画像",
    "Paint each frame from earlier ones, carried along with the motion of the scene, so that the animation flickers "
    "less. Keyframes are painted first: bake simulations before": (
        "各フレームを、シーンの動きに沿って運んだ前のフレームから描き、アニメーションのちらつきを減らします。"
        "キーフレームを先に描くため、シミュレーションは事前にベイクしてください"
    ),
    "The frame in {}, from which others are painted, cannot be read ({}): delete it, and run the same command again.": (
        "他のフレームの元になる {0} のフレームを読み込めません（{1}）。削除して、同じコマンドをもう一度実行してください。"
    ),
}
