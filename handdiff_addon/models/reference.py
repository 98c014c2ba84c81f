# SPDX-License-Identifier: GPL-3.0-or-later
"""A reference picture for a stock model: its IP-Adapter and the image encoder that this one needs, found; no torch."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import ModelError, UsageError
from ..files import open_picture, there
from ..request import check_weight, name_and_weight
from .architecture import FAMILIES, below
from .bases import BaseSource
from .folders import walk
from .sources import Weights, locate, read_weights
from .weights import is_safetensors

PROJECTION, ATTENTION = "image_proj.", "ip_adapter."
PATCHES, PROJECTED = "vision_model.embeddings.patch_embedding.weight", "visual_projection.weight"
ENCODER = "image_encoder"


@dataclass(frozen=True)
class ReferenceChoice:
    """A picture whose look a stock model takes over, by an IP-Adapter."""

    picture: str
    adapter: str = ""
    """Path, Hugging Face id that is downloaded already, or name of a file in the model folders; empty: the only one
    there that fits"""
    scale: float = 0.6

    def __post_init__(self) -> None:
        check_weight("reference", self.picture, self.scale)

    @classmethod
    def parse(cls, text: str) -> ReferenceChoice:
        """Read ``[ADAPTER=]PICTURE[@SCALE]``, as users write it; of several ``=``, the picture that is there tells
        which one it is.

        Raises:
            UsageError
        """
        name, scale = name_and_weight(text, cls.scale)
        places = [match.start() for match in re.finditer("=", name)]
        splits = [("", name), *((name[:place].strip(), name[place + 1 :]) for place in places)]
        adapter, picture = next((split for split in splits if there(split[1])), splits[min(1, len(places))])
        return cls(picture, adapter, scale)


@dataclass(frozen=True)
class ReferencePlan:
    """What a reference picture is seen by."""

    picture: Path
    adapter: Weights
    encoder: Weights
    by_patches: bool
    """An adapter of the Plus kind, which sees the encoder's last states but one, not its embedding"""
    scale: float

    @property
    def sha256(self) -> str:
        """Of the picture."""
        return hashlib.sha256(self.picture.read_bytes()).hexdigest()


def plan_reference(written: str, base: BaseSource, folders: Sequence[Path] = ()) -> ReferencePlan:
    """Find all that a reference picture needs.

    Args:
        written: as :meth:`ReferenceChoice.parse` reads it.
        base: the model that is painted with.
        folders: where adapters and encoders are looked for.

    Raises:
        UsageError: where the picture cannot be read.
        ModelError: where the adapter or its encoder is not at hand, or does not fit.
    """
    choice = ReferenceChoice.parse(written)
    picture = there(choice.picture) or Path(choice.picture)
    try:
        with open_picture(picture) as opened:
            opened.verify()
    except (OSError, SyntaxError, ValueError) as error:
        raise UsageError(
            f"The reference {picture} cannot be read as a picture ({error}): give a PNG or JPEG."
        ) from error
    adapter = read_weights(locate(choice.adapter, folders)) if choice.adapter else _only_adapter(base, folders)
    if adapter.architecture.kind != "ip_adapter":
        raise ModelError(f"{adapter.path} is no IP-Adapter but: {adapter.architecture.title}; give one.")
    if not _fits(adapter, base):
        raise ModelError(
            f"The IP-Adapter {adapter.path} does not fit the model {base.path}: choose one for "
            f"{FAMILIES[base.architecture.family]}."
        )
    projection = below(adapter.tensors, PROJECTION)
    if any("lora" in name for name in adapter.tensors) or not {"proj.weight", "latents"} & set(projection):
        raise ModelError(
            f"The IP-Adapter {adapter.path} is of a kind that HandDiff does not use (faces by another network): "
            "choose an ordinary one, or one of the Plus kind."
        )
    by_patches = "latents" in projection
    width = projection["proj_in.weight" if by_patches else "proj.weight"].shape[-1]
    return ReferencePlan(picture, adapter, _encoder(adapter, width, by_patches, folders), by_patches, choice.scale)


def _fits(adapter: Weights, base: BaseSource) -> bool:
    """Whether an adapter has a layer for each of the U-Net's attentions to text."""
    theirs = sorted(info.shape for name, info in adapter.tensors.items() if name.endswith("to_k_ip.weight"))
    return theirs == sorted(s for name, s in base.parts["unet"].shapes.items() if name.endswith("attn2.to_k.weight"))


def _only_adapter(base: BaseSource, folders: Sequence[Path]) -> Weights:
    found = [
        weights for weights in _readable(folders) if weights.architecture.kind == "ip_adapter" and _fits(weights, base)
    ]
    if not found:
        raise ModelError(
            f"A reference needs an IP-Adapter for {FAMILIES[base.architecture.family]}, and no model folder holds "
            "one: import the folder of one (such as h94/IP-Adapter), or name it, as in --reference ADAPTER=PICTURE."
        )
    if len(found) > 1:
        raise ModelError(
            f"There are several IP-Adapters for this model ({found[0].path}, {found[1].path}): name one, as in "
            "--reference ADAPTER=PICTURE."
        )
    return found[0]


def _encoder(adapter: Weights, width: int, by_patches: bool, folders: Sequence[Path]) -> Weights:
    """The image encoder of an adapter: beside it as published, else in the model folders."""
    name = PATCHES if by_patches else PROJECTED
    home = adapter.paths[0].parent
    beside = [home / ENCODER, *(home.parent / part / ENCODER for part in ("models", "sdxl_models"))]
    candidates = (read_weights(folder) for folder in beside if folder.is_dir())
    for weights in (*candidates, *_readable(folders)):
        shapes = {key: info.shape for key, info in weights.tensors.items()}
        if {PATCHES, PROJECTED} <= set(shapes) and shapes[name][0] == width:
            return weights
    what = "states" if by_patches else "embeddings"
    raise ModelError(
        f"The IP-Adapter {adapter.path} needs a CLIP image encoder with {what} of {width} numbers, and none is there: "
        f"put the folder {ENCODER} that is published with it beside it, or import the folder that holds the encoder."
    )


def _readable(folders: Sequence[Path]) -> Iterator[Weights]:
    """Every file of weights below the folders that can be read."""
    for folder in folders:
        for _, files in walk(folder):
            for file in files:
                if is_safetensors(file):
                    try:
                        yield read_weights(file)
                    except ModelError:
                        continue
