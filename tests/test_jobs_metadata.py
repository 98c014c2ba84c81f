# SPDX-License-Identifier: GPL-3.0-or-later
"""What a picture says of itself comes back whole, and other tools can read it."""

from __future__ import annotations

import json
import re
import struct
import zlib
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from handdiff_addon.errors import UsageError
from handdiff_addon.files import save_image
from handdiff_addon.jobs.metadata import marked, png_info, read_request, request_from_png
from handdiff_addon.request import ExpansionSettings, GenerationRequest, GenerationResult, SkeletonSettings

PART = st.floats(0, 1)
TEXT = st.text(st.characters(), max_size=80)
REQUESTS = st.builds(
    GenerationRequest,
    prompt=TEXT,
    negative_prompt=TEXT,
    seed=st.integers(0, 2**63 - 1),
    steps=st.integers(1, 500),
    guidance_scale=st.floats(1, 30),
    size=st.none() | st.tuples(st.sampled_from([64, 512]), st.sampled_from([64, 1024])),
    paint=st.sampled_from(["everything", "person"]),
    skeleton=st.builds(SkeletonSettings, style=st.sampled_from(["classic", "xinsir"]), face=st.booleans()),
    expansion=st.tuples(PART, PART).map(lambda span: ExpansionSettings(min(span), max(span))),
    model=TEXT,
    mark=st.booleans(),
)


def result(model: dict | None = None, steps: int = 8) -> GenerationResult:
    return GenerationResult(
        image=Image.new("RGB", (64, 48), "red"),
        hands=None,
        hands_predicted_mask=None,
        painted_size=(512, 384),
        settings={"steps": steps, "hand_steps": 8, "guidance_scale": 3.5, "sampler": "DDIM"},
        model=model or {"name": "embedded", "sha256": {"controlnet/a": "c" * 64, "unet/b.safetensors": "0123456789ab"}},
        hand_reports=[],
        seconds={},
        peak_memory_bytes=0,
        warnings=[],
    )


def saved(request: GenerationRequest, path: Path, **more) -> Path:
    save_image(result(**more).image, path, png_info(request, result(**more)))
    return path


def infotext(text: str) -> tuple[str, str, dict[str, str]]:
    """Prompt, negative prompt and settings, as the AUTOMATIC1111 web interface documents its layout."""
    *lines, last = text.split("\n")
    settings = dict(re.findall(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)', last))
    prompt, _, negative = "\n".join(lines).partition("\nNegative prompt: ")
    return prompt, negative, {name: json.loads(v) if v.startswith('"') else v for name, v in settings.items()}


@given(REQUESTS)
def test_any_request_comes_back_from_its_picture(tmp_path_factory, request_: GenerationRequest) -> None:
    assert request_from_png(saved(request_, tmp_path_factory.mktemp("png") / "image.png")) == request_


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=60), st.integers(1, 99)
)
def test_other_tools_read_prompt_and_settings(tmp_path_factory, prompt: str, steps: int) -> None:
    request = GenerationRequest(prompt, "fog", seed=7, steps=steps, guidance_scale=3.5)
    model = {"name": 'a, "b": c', "sha256": {}}
    path = saved(request, tmp_path_factory.mktemp("png") / "image.png", model=model, steps=steps)
    read_prompt, negative, settings = infotext(Image.open(path).info["parameters"])
    assert (read_prompt, negative) == (prompt, "fog")
    assert settings["Steps"] == str(steps) and settings["Seed"] == "7" and settings["CFG scale"] == "3.5"
    assert settings["Size"] == "512x384" and settings["Model"] == 'a, "b": c' and settings["Sampler"] == "DDIM"


def test_model_hash_is_the_first_digits_of_the_unet(tmp_path: Path) -> None:
    text = Image.open(saved(GenerationRequest("p"), tmp_path / "a.png")).info["parameters"]
    assert infotext(text)[2]["Model hash"] == "0123456789"


def test_latin_text_is_plain_text_for_readers_that_know_no_other(tmp_path: Path) -> None:
    def kinds(path: Path) -> list[bytes]:
        data, at, found = path.read_bytes(), 8, []
        while at < len(data):
            length, kind = struct.unpack(">I4s", data[at : at + 8])
            if data[at + 8 :].startswith(b"parameters\0"):
                found.append(kind)
            at += length + 12
        return found

    assert kinds(saved(GenerationRequest("café"), tmp_path / "a.png")) == [b"tEXt"]
    assert kinds(saved(GenerationRequest("人"), tmp_path / "b.png")) == [b"iTXt"]
    assert "prompt" not in Image.open(tmp_path / "a.png").info, "ComfyUI takes that chunk for a node graph"


@pytest.mark.parametrize(
    ("paint", "kind"), [("everything", "trainedAlgorithmicMedia"), ("person", "compositeWithTrainedAlgorithmicMedia")]
)
def test_the_file_says_that_a_machine_made_it(tmp_path: Path, paint, kind: str) -> None:
    path = saved(GenerationRequest("p", paint=paint), tmp_path / "a.png")
    packet = Image.open(path).info["XML:com.adobe.xmp"]
    tree = ElementTree.fromstring(re.sub(r"<\?xpacket.*?\?>", "", packet))
    own = tree.find(".//{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description")
    assert own is not None
    source = own.get("{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType")
    assert source == f"http://cv.iptc.org/newscodes/digitalsourcetype/{kind}"


def test_the_visible_mark_lies_in_the_corner_alone() -> None:
    picture = Image.new("RGB", (640, 480), (200, 60, 60))
    with_mark = marked(picture)
    box = Image.frombytes("L", (640, 480), bytes(
        255 if a != b else 0 for a, b in zip(picture.convert("L").tobytes(), with_mark.convert("L").tobytes())
    )).getbbox()  # fmt: skip
    assert box is not None and box[2:] == (640, 480)
    assert 40 < box[2] - box[0] < 320 and 8 < box[3] - box[1] < 60
    assert marked(Image.new("RGB", (64, 64))).size == (64, 64)


def test_pictures_without_a_request_are_refused(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "plain.png")
    (tmp_path / "text.png").write_text("no picture")
    whole = saved(GenerationRequest("p"), tmp_path / "whole.png").read_bytes()
    broken = whole.replace(b'"request"', b'"requesx"')
    at = broken.index(b"iTXthanddiff")
    length = struct.unpack(">I", broken[at - 4 : at])[0]
    check = struct.pack(">I", zlib.crc32(broken[at : at + 4 + length]))
    (tmp_path / "odd.png").write_bytes(broken[: at + 4 + length] + check + broken[at + 8 + length :])
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 3])
    for name, words in (
        ("plain", "carries no HandDiff request"), ("text", "cannot be read"), ("odd", "carries no HandDiff request"),
        ("cut", r"cannot be read|carries no"), ("missing", "cannot be read"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=words):
            request_from_png(tmp_path / f"{name}.png")


def test_settings_are_read_from_pictures_and_from_json(tmp_path: Path) -> None:
    request = GenerationRequest("p", seed=3)
    (tmp_path / "settings.json").write_text(json.dumps(request.to_dict()))
    assert read_request(saved(request, tmp_path / "a.PNG")) == read_request(tmp_path / "settings.json") == request
