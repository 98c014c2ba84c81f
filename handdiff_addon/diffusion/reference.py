# SPDX-License-Identifier: GPL-3.0-or-later
"""A reference picture, seen once while the model is loaded, through diffusers' own IP-Adapter layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from PIL import Image
from transformers import CLIPVisionModelWithProjection

from ..errors import ModelError
from ..models.architecture import below
from ..models.parts import PartSource, Place
from ..models.reference import ATTENTION, PATCHES, PROJECTED, PROJECTION, ReferencePlan
from .sampling import Guidance
from .stock_parts import build, read_tensors

# What CLIP was trained with: mean and deviation of its pictures' red, green and blue.
_MEAN = np.array((0.48145466, 0.4578275, 0.40821073), np.float32)
_DEVIATION = np.array((0.26862954, 0.26130258, 0.27577711), np.float32)
_HEADS = 16
"""Of all CLIP image encoders that adapters use (L, H and bigG)"""


@dataclass(frozen=True)
class Reference:
    """What the U-Net's adapter layers see, (1, 1, ...) each."""

    seen: torch.Tensor
    nothing: torch.Tensor
    """In the evaluation with the negative prompt"""

    def embeds(self, guidance: Guidance) -> list[torch.Tensor]:
        """``image_embeds`` of the U-Net for all evaluations of a batch."""
        rows = len(guidance.text)
        without = rows // guidance.copies if guidance.guided else 0
        return [torch.cat([self.nothing] * without + [self.seen] * (rows - without))]


def load_reference(
    plan: ReferencePlan, unet: UNet2DConditionModel, device: torch.device, dtype: torch.dtype
) -> Reference:
    """Give a U-Net the adapter's layers, and encode the picture; the encoder is not kept.

    Raises:
        ModelError: where a part is damaged.
    """
    places = {
        name: Place(plan.encoder.files[name], name, info.shape)
        for name, info in plan.encoder.tensors.items()
        if (name.startswith("vision_model.") and not name.endswith("position_ids")) or name == PROJECTED
    }
    part = PartSource(places, plan.encoder.config)
    config = _encoder_config(part)
    encoder = build(
        CLIPVisionModelWithProjection, config, part, device, dtype, f"The image encoder {plan.encoder.path}"
    )
    with Image.open(plan.picture) as opened:
        pixels = prepare(opened.convert("RGB"), config["image_size"]).to(device, dtype)
    with torch.inference_mode():
        if plan.by_patches:
            seen, nothing = (
                encoder(picture, output_hidden_states=True).hidden_states[-2]
                for picture in (pixels, torch.zeros_like(pixels))
            )
        else:
            seen = encoder(pixels).image_embeds
            nothing = torch.zeros_like(seen)
    _add_layers(plan, unet, device, dtype)
    return Reference(seen[None], nothing[None])


def prepare(picture: Image.Image, side: int) -> torch.Tensor:
    """A picture as CLIP sees it: its middle square, (1, 3, side, side) float32."""
    width, height = picture.size
    scale = side / min(width, height)
    resized = picture.resize(
        (max(side, round(width * scale)), max(side, round(height * scale))), Image.Resampling.BICUBIC
    )
    left, top = (resized.width - side) // 2, (resized.height - side) // 2
    pixels = np.asarray(resized.crop((left, top, left + side, top + side)), np.float32) / 255.0
    return torch.from_numpy((pixels - _MEAN) / _DEVIATION).permute(2, 0, 1)[None]


def _encoder_config(part: PartSource) -> dict[str, Any]:
    """From the folder, or from the shapes."""
    shapes = part.shapes
    width, _, patch, _ = shapes[PATCHES]
    cells = shapes["vision_model.embeddings.position_embedding.weight"][0] - 1
    told = {
        "hidden_size": width,
        "patch_size": patch,
        "image_size": round(cells**0.5) * patch,
        "num_hidden_layers": len([name for name in shapes if name.endswith(".layer_norm1.weight")]),
        "intermediate_size": shapes["vision_model.encoder.layers.0.mlp.fc1.weight"][0],
        "projection_dim": shapes[PROJECTED][0],
    }
    own = part.config or {}
    kept = {name: own[name] for name in ("num_attention_heads", "hidden_act", "layer_norm_eps") if name in own}
    return {"num_attention_heads": _HEADS, "hidden_act": "gelu" if width > 1024 else "quick_gelu"} | kept | told


def _add_layers(plan: ReferencePlan, unet: Any, device: torch.device, dtype: torch.dtype) -> None:
    adapter = plan.adapter
    places = {name: Place(adapter.files[name], name, info.shape) for name, info in adapter.tensors.items()}
    tensors = read_tensors(places, device, dtype)
    try:
        layers = {"image_proj": below(tensors, PROJECTION), "ip_adapter": below(tensors, ATTENTION)}
        unet._load_ip_adapter_weights(layers, low_cpu_mem_usage=False)
    except (KeyError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"The IP-Adapter {adapter.path} is damaged ({reason}): copy or download it again.") from error
    unet.eval().requires_grad_(False)
    for processor in unet.attn_processors.values():
        if hasattr(processor, "scale"):
            processor.scale = [plan.scale]
