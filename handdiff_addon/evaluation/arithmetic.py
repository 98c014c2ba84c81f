# SPDX-License-Identifier: GPL-3.0-or-later
"""How much arithmetic each way of painting takes at full size, counted on networks without weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from ..diffusion.text import TextEmbedding, condition
from .random_models import FULL, random_stock_model

if TYPE_CHECKING:
    from ..diffusion.stock import Family, StockModel

META = torch.device("meta")


def count(family: Family, size: int, steps: int) -> dict[str, float]:
    """Multiply-adds of a picture with two hands and guidance, by way, as multiples of the baseline's.

    The baseline encodes the picture and the masked picture, denoises the canvas, and decodes it.  The two stages encode
    the canvas with the hands once, and besides denoise and decode two crops.  Text and the hints' embedding are small
    and left out on both sides, though the hints are embedded once here and in each step there.

    Args:
        family, size, steps: of the model, of the square canvas in pixels, and of the denoising.
    """
    model = random_stock_model(family, FULL, META, torch.float32)
    canvas, crop = _evaluation(model, size, 2), _evaluation(model, size // 2, 4)
    large = _evaluation(model, size, 4)
    encode, decode, decode_crop = (*_autoencoder(model, size), _autoencoder(model, size // 2)[1])
    one_stage = steps * canvas + encode + decode
    baseline = one_stage + encode
    return {
        "one stage": one_stage / baseline,
        "fast": (one_stage + max(min(steps, 4), steps // 2) * crop + 2 * decode_crop) / baseline,
        "quality": (one_stage + steps * large + 2 * decode) / baseline,
    }


def _evaluation(model: StockModel, side: int, rows: int) -> float:
    """One evaluation of ControlNet and U-Net for so many latents."""
    width = int(model.unet.config.cross_attention_dim)
    pooled = None
    if model.family == "sdxl":
        pooled = torch.empty(rows, model.text_encoders[-1].config.projection_dim, device=META)
    arguments = condition(TextEmbedding(torch.empty(rows, 77, width, device=META), pooled), side, side)
    latents, step = torch.empty(rows, 4, side // 8, side // 8, device=META), torch.zeros((), device=META)
    hint = torch.empty(rows, 3, side, side, device=META)
    control = model.controls[0].model
    embedding = _counted(lambda: control.controlnet_cond_embedding(hint))

    def evaluate() -> None:
        down, middle = control(latents, step, controlnet_cond=hint, return_dict=False, **arguments)
        residuals = {"down_block_additional_residuals": down, "mid_block_additional_residual": middle}
        model.unet(latents, step, return_dict=False, **residuals, **arguments)

    return _counted(evaluate) - embedding


def _autoencoder(model: StockModel, side: int) -> tuple[float, float]:
    """Encoding and decoding of one picture."""
    picture = torch.empty(1, 3, side, side, device=META)
    latents = torch.empty(1, 4, side // 8, side // 8, device=META)
    return _counted(lambda: model.vae.encoder(picture)), _counted(lambda: model.vae.decoder(latents))


def _counted(work: Any) -> float:
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops() / 2.0
