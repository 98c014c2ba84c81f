# SPDX-License-Identifier: GPL-3.0-or-later
"""What a generated PNG says of itself: its request, in other tools' words and in ours, and that a machine made it.

Three text chunks: ``parameters`` in the layout of the AUTOMATIC1111 web interface, which it, ComfyUI (which rebuilds a
graph from it) and picture sites read; ``handdiff``, the request as JSON; and XMP with the IPTC digital source type.
ComfyUI's own ``prompt`` chunk is left out: it holds a node graph, and there is none.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

from .. import __version__
from ..errors import UsageError
from ..files import open_picture
from ..request import GenerationRequest, Paint

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.PngImagePlugin import PngInfo

    from ..request import GenerationResult

CHUNK = "handdiff"
"""Keyword of our own text chunk."""

_SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
SOURCE_TYPE: dict[Paint, str] = {
    "everything": _SOURCE_TYPES + "trainedAlgorithmicMedia",
    "person": _SOURCE_TYPES + "compositeWithTrainedAlgorithmicMedia",
}
"""IPTC's digital source type: a picture that a model painted as a whole, and one with a render's own pixels in it."""

MARK = "AI generated"


def png_info(request: GenerationRequest, result: GenerationResult) -> PngInfo:
    """The text chunks of a generated picture, as ``save_image`` takes them."""
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("parameters", _clean(parameters(request, result)))  # iTXt where Latin-1 does not do
    info.add_itxt(CHUNK, json.dumps({"version": __version__, "request": request.to_dict()}))
    info.add_itxt("XML:com.adobe.xmp", xmp(SOURCE_TYPE[request.paint]))
    return info


def parameters(request: GenerationRequest, result: GenerationResult) -> str:
    """The request as the AUTOMATIC1111 web interface writes it: prompt, negative prompt, and one line of settings."""
    lines = [request.prompt]
    if request.negative_prompt:
        lines.append(f"Negative prompt: {request.negative_prompt}")
    width, height = result.painted_size
    settings = {
        "Steps": result.settings["steps"],
        "Sampler": result.settings["sampler"],
        "CFG scale": f"{result.settings['guidance_scale']:g}",
        "Seed": request.seed,
        "Size": f"{width}x{height}",
        "Model hash": _short_hash(result.model),
        "Model": result.model.get("name", ""),
        "Hand steps": result.settings["hand_steps"] if request.two_stages else "",
        "Control scale": f"{request.control_scale:g}",
        "Version": f"HandDiff {__version__}",
    }
    lines.append(", ".join(f"{name}: {_quoted(str(value))}" for name, value in settings.items() if value != ""))
    return "\n".join(lines)


def xmp(source_type: str) -> str:
    """An XMP packet that carries an IPTC digital source type, an address of :data:`SOURCE_TYPE`."""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
        'xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
        f"Iptc4xmpExt:DigitalSourceType={quoteattr(source_type)} "
        f"xmp:CreatorTool={quoteattr(f'HandDiff {__version__}')}/>"
        '</rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
    )


def request_from_png(path: Path) -> GenerationRequest:
    """The request that a picture of ours carries.

    Raises:
        UsageError: where the file cannot be read, or carries none.
    """
    try:
        with open_picture(path) as image:
            text = image.info.get(CHUNK)
            if text is None:  # chunks may stand behind the pixels, where another program wrote the file anew
                image.load()
                text = image.info.get(CHUNK)
        data = None if text is None else json.loads(text)
    except (OSError, ValueError, SyntaxError) as error:  # Pillow raises SyntaxError for broken PNGs
        raise UsageError(f"The picture {path} cannot be read ({error}): choose a PNG that HandDiff wrote.") from error
    if not isinstance(data, dict) or "request" not in data:
        raise UsageError(
            f"The picture {path} carries no HandDiff request: choose a PNG that HandDiff wrote and nobody saved anew."
        )
    return GenerationRequest.from_dict(data["request"])


def read_request(path: Path) -> GenerationRequest:
    """A saved request: in a PNG of ours, a ``report.json`` or a settings file.

    Raises:
        UsageError: where there is none.
    """
    return request_from_png(path) if path.suffix.lower() == ".png" else GenerationRequest.read(path)


def mark_box(size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Where the mark lies in a picture of a size (width, height): left, top, right, bottom in pixels."""
    (left, top, right, bottom), pad, _ = _mark(size)
    width, height = right - left + 2 * pad, bottom - top + 2 * pad
    return max(0, size[0] - width), max(0, size[1] - height), size[0], size[1]


def marked(image: Image) -> Image:
    """The picture with a small visible mark at its lower right, in white on a dark ground."""
    from PIL import Image as Images
    from PIL import ImageDraw

    box = mark_box(image.size)
    (left, top, _, _), pad, font = _mark(image.size)
    ground = Images.new("RGB", image.size)
    shade = Images.new("L", image.size)
    shade.paste(150, box)
    picture = Images.composite(ground, image, shade)
    ImageDraw.Draw(picture).text((box[0] + pad - left, box[1] + pad - top), MARK, font=font, fill="white")
    return picture


def _mark(size: tuple[int, int]) -> tuple[tuple[int, ...], int, Any]:
    """The box of the mark's letters, the room around them, and their font."""
    from PIL import ImageFont

    pixels = max(10, round(min(size) / 32))
    font = ImageFont.load_default(pixels)
    return tuple(round(edge) for edge in font.getbbox(MARK)), pixels // 3, font


def _short_hash(model: dict[str, Any]) -> str:
    """The first ten digits of the U-Net's sha256, as that web interface names a checkpoint."""
    hashes = model.get("sha256") or {}
    return next((str(value)[:10] for name, value in sorted(hashes.items()) if name.startswith("unet/")), "")


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False) if re.search(r'[,:\n"]', value) else value


def _clean(text: str) -> str:
    """Text that a chunk can hold: no lone surrogates, no NUL."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", " ")
