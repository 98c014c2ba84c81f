# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of one run side by side, labelled, on the grey of Blender's own editors."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

BACKGROUND = (29, 29, 29)
TEXT = (230, 230, 230)
FAINT = (145, 145, 145)


def contact_sheet(
    pictures: Sequence[tuple[str, str, Image.Image]], title: str = "", columns: int = 3, cell: int = 400
) -> Image.Image:
    """Lay pictures out in rows.

    Args:
        pictures: label, one line of explanation, picture (any size and mode); in reading order, at least one.
        title: a line above them, such as the prompt; broken where it is too long.
        columns: pictures in a row.
        cell: longer side of a picture on the sheet, in pixels.

    Returns:
        the sheet, RGB.
    """
    gap, unit = cell // 16, cell // 20
    label_font, small_font = ImageFont.load_default(unit), ImageFont.load_default(unit * 0.72)
    shown = [_fit(picture, cell) for _, _, picture in pictures]
    cell_width, cell_height = max(p.width for p in shown), max(p.height for p in shown)
    columns = min(columns, len(shown))
    caption_height = int(unit * 2.6)
    width = gap + columns * (cell_width + gap)
    title_lines = _break(title, label_font, width - 2 * gap) if title else []
    top = gap + len(title_lines) * int(unit * 1.4) + (gap // 2 if title_lines else 0)
    rows = -(-len(shown) // columns)
    sheet = Image.new("RGB", (width, top + rows * (cell_height + caption_height + gap // 2) + gap // 2), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    for number, line in enumerate(title_lines):
        draw.text((gap, gap // 2 + number * unit * 1.4), line, TEXT, label_font)
    for index, ((label, explanation, _), picture) in enumerate(zip(pictures, shown)):
        row, column = divmod(index, columns)
        x, y = gap + column * (cell_width + gap), top + row * (cell_height + caption_height + gap // 2)
        sheet.paste(picture, (x + (cell_width - picture.width) // 2, y + cell_height - picture.height))
        draw.text((x, y + cell_height + unit * 0.35), label, TEXT, label_font)
        draw.text((x, y + cell_height + unit * 1.6), explanation, FAINT, small_font)
    return sheet


def _fit(picture: Image.Image, side: int) -> Image.Image:
    """The picture as RGB with its longer side at ``side``; small ones grow without blur, so that pixels show."""
    scale = side / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    if picture.mode in ("RGBA", "LA"):
        opaque = Image.new("RGBA", picture.size, (*BACKGROUND, 255))
        opaque.alpha_composite(picture.convert("RGBA"))
        picture = opaque
    resample = Image.Resampling.NEAREST if scale >= 2 else Image.Resampling.LANCZOS
    return picture.convert("RGB").resize(size, resample)


def _break(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: float) -> list[str]:
    """Lines of whole words that fit ``width`` pixels; three at most, the last one cut with an ellipsis."""
    lines: list[str] = []
    for word in text.split():
        if lines and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines if len(lines) <= 3 else [*lines[:2], f"{lines[2]} ..."]
