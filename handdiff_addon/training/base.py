# SPDX-License-Identifier: GPL-3.0-or-later
"""The trainings on a stock base: its U-Net into a hand generator, and a ControlNet that paints the body around hands.

The base stays as it is: a part of the network is trained, about 110 of 860 million parameters for the hands of SD 1.5,
the rest is frozen, in bfloat16 on CUDA, and activations are computed twice rather than kept.  By count, not measured,
that asks for some 4 GB on the card for SD 1.5, and what the activations need.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import ControlNetModel, DDPMScheduler
from safetensors.torch import save
from torch.nn import functional

from ..conditioning.hint import HINT_CHANNELS
from ..diffusion.mask_head import last_features
from ..diffusion.sampling import from_pictures
from ..diffusion.stock import StockModel
from ..diffusion.stock_hands import hand_unet, make_mask_head, save_hands
from ..diffusion.stock_loading import load_plan
from ..diffusion.text import condition, encode_stock_text
from ..errors import UsageError
from ..files import write_bytes, write_json
from ..models.hand_models import fingerprint
from ..models.sources import source_name
from ..models.stock_plan import StockPlan
from .batches import Batches, CropSource, RigCanvases, RigHands
from .hagrid import HagridHands
from .loop import Budget, Losses, Trainer
from .losses import mask_loss

CROP = 512
"""Side of the hand generator's crops in pixels, for either family"""
HANDS_RATE, OUTPAINT_RATE = 5e-5, 2e-5
"""Learning rates: ours, not the paper's, and not tuned"""

_LEARNED = re.compile(
    r"(conv_in|conv_norm_out|conv_out|controlnet_\w+)\.|down_blocks\.0\.resnets\.|.*\.transformer_blocks\.0\.attn[12]\."
)
"""What is trained: the way in and out, the finest level's convolutions, and the first transformer layer's attention
everywhere, which in SD 1.5 is the only one and in SDXL the first of up to ten"""


def train_base_hands(
    plan: StockPlan,
    model: Path,
    run: Path,
    data: Path,
    minutes: float,
    *,
    seed: int = 0,
    device: str = "cpu",
    batch: int = 4,
    crop: int = CROP,
    hagrid: Path | None = None,
) -> None:
    """Fine-tune a base's U-Net into a generator of hands and their masks, as ``--hand-model`` takes it.

    Args:
        plan: of :func:`~handdiff_addon.models.stock_plan.plan_base`.
        model: folder that gets the differences to the base.
        run: folder of the run's state, from which it goes on.
        data: a data set of ``handdiff dataset``.
        minutes: how long to train.
        crop: side of the crops in pixels.
        hagrid: a folder of HaGRID, whose photographs are then half of what is drawn.

    Raises:
        UsageError: where a data set is empty, or the run is one of another base.
    """
    base = {
        "family": str(plan.base.architecture.family),
        "name": source_name(plan.base.path),
        "fingerprint": fingerprint(plan.base.parts["unet"]),
    }
    _same_run(run, {**base, "task": "hands", "crop": crop})
    stock = _load(plan, device, seed)
    unet = hand_unet(stock.unet, {})
    before = {name: p.detach().float().cpu().clone() for name, p in _learned(unet).items()}
    _make_ready(unet, stock.dtype)
    mask_head = make_mask_head(unet, stock.cell)
    sources: list[CropSource] = [RigHands(data, crop, crop // stock.cell)]
    if hagrid is not None:
        sources.append(HagridHands(hagrid, crop, crop // stock.cell))
    batches = Batches(lambda rng: sources[rng.integers(len(sources))].draw(rng), batch, seed)
    trainer = Trainer({"unet": unet, "mask_head": mask_head}, run, Budget(minutes, HANDS_RATE), device, seed)
    noise = _Noise(stock)

    def losses(generator: torch.Generator, step: int) -> Losses:
        drawn = batches(step)
        noisy, timesteps, target = noise(np.stack([item.picture for item in drawn]), generator)
        heatmaps = torch.from_numpy(np.stack([item.heatmaps for item in drawn])).to(device)
        with last_features(unet) as features:
            predicted = unet(
                torch.cat([noisy, heatmaps], dim=1),
                timesteps,
                return_dict=False,
                **_text(stock, [item.text for item in drawn], crop),
            )[0]
        parts = {"noise": functional.mse_loss(predicted.float(), target)}
        known = [index for index, item in enumerate(drawn) if item.mask is not None]
        if known:
            truth = torch.from_numpy(np.stack([item.mask for item in drawn if item.mask is not None])).to(device)
            parts["mask"] = mask_loss(mask_head(features[0][known])[:, 0].float(), truth.float())
        return parts

    def write() -> None:
        differences = {name: p.detach().float().cpu() - before[name] for name, p in _learned(unet).items()}
        save_hands(model, differences, mask_head, base, crop)

    trainer.run(losses, write)


def train_base_outpaint(
    plan: StockPlan,
    model: Path,
    run: Path,
    data: Path,
    minutes: float,
    *,
    seed: int = 0,
    device: str = "cpu",
    batch: int = 4,
    canvas: int | None = None,
) -> None:
    """Train the method's adapted ControlNet on a base: a folder in diffusers' layout, as ``--controlnet`` takes it.

    It has the shape of every ControlNet of the base's family, but that its hint has the channels of
    :func:`~handdiff_addon.conditioning.hint.outpaint_hint`; the hands are given in it half of the time.

    Args:
        canvas: side of the pictures in pixels (default: the base's own); the rest as :func:`train_base_hands` has it.

    Raises:
        UsageError: where the data set is empty, or the run is one of another base.
    """
    stock = _load(plan, device, seed)
    side = canvas or stock.canvas
    told = {"family": stock.family, "fingerprint": fingerprint(plan.base.parts["unet"])}
    _same_run(run, {**told, "task": "outpaint", "canvas": side})
    controlnet = ControlNetModel.from_unet(stock.unet, conditioning_channels=HINT_CHANNELS)
    _make_ready(controlnet, stock.dtype)
    _make_ready(stock.unet, stock.dtype, learn=False)
    batches = Batches(RigCanvases(data, side).draw, batch, seed)
    trainer = Trainer({"controlnet": controlnet}, run, Budget(minutes, OUTPAINT_RATE), device, seed)
    noise = _Noise(stock)

    def losses(generator: torch.Generator, step: int) -> Losses:
        drawn = batches(step)
        noisy, timesteps, target = noise(np.stack([item.picture for item in drawn]), generator)
        arguments = _text(stock, [item.text for item in drawn], side)
        hints = torch.from_numpy(np.stack([item.hint for item in drawn])).to(device)
        down, middle = controlnet(noisy, timesteps, controlnet_cond=hints, return_dict=False, **arguments)
        predicted = stock.unet(
            noisy,
            timesteps,
            down_block_additional_residuals=down,
            mid_block_additional_residual=middle,
            return_dict=False,
            **arguments,
        )[0]
        return {"noise": functional.mse_loss(predicted.float(), target)}

    def write() -> None:
        halves = {name: t.detach().to("cpu", torch.float16).contiguous() for name, t in controlnet.state_dict().items()}
        controlnet.save_config(model)
        write_bytes(model / "diffusion_pytorch_model.safetensors", save(halves, {"format": "pt"}))

    trainer.run(losses, write)


class _Noise:
    """Draws timesteps and noise, with the base's own schedule."""

    def __init__(self, stock: StockModel) -> None:
        self._stock = stock
        self._scheduler = DDPMScheduler.from_config(stock.scheduler.config)

    @torch.no_grad()
    def __call__(
        self, pictures: np.ndarray, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Noisy latents of pictures (N, H, W, 3) uint8, their timesteps, and what is to be predicted."""
        device, scheduler = self._stock.device, self._scheduler
        latents = self._stock.encode(from_pictures(pictures, device))
        noise = torch.randn(latents.shape, generator=generator, device=generator.device).to(device)
        count, steps = len(latents), int(scheduler.config.num_train_timesteps)
        jitter = torch.rand(count, generator=generator, device=generator.device).cpu()
        timesteps = (torch.arange(count) + jitter) / count * steps
        timesteps = timesteps.long().clamp(max=steps - 1).to(device)
        noisy = scheduler.add_noise(latents, noise, timesteps)
        kind = scheduler.config.prediction_type
        if kind == "v_prediction":
            return noisy, timesteps, scheduler.get_velocity(latents, noise, timesteps)
        return noisy, timesteps, latents if kind == "sample" else noise


def _load(plan: StockPlan, device: str, seed: int) -> StockModel:
    torch.manual_seed(seed)
    return load_plan(plan, torch.device(device), torch.bfloat16 if device.startswith("cuda") else torch.float32)


def _learned(network: torch.nn.Module) -> dict[str, torch.nn.Parameter]:
    last = f"up_blocks.{len(getattr(network, 'up_blocks', ())) - 1}.resnets."
    return {n: p for n, p in network.named_parameters() if _LEARNED.match(n) or n.startswith(last)}


def _make_ready(network: Any, dtype: torch.dtype, *, learn: bool = True) -> None:
    """Open what is trained, in float32 as are the norms; the rest is frozen, in ``dtype``."""
    network.requires_grad_(False)
    for parameter in network.parameters():
        parameter.data = parameter.data.to(dtype)
    network.enable_gradient_checkpointing()
    for parameter in _learned(network).values() if learn else ():
        parameter.data = parameter.data.float().clone()
        parameter.requires_grad_(True)
    for module in network.modules():
        if isinstance(module, (torch.nn.GroupNorm, torch.nn.LayerNorm)):
            module.float()


@torch.no_grad()
def _text(stock: StockModel, texts: list[str], side: int) -> dict[str, Any]:
    """The networks' text arguments, as the painter makes them for pictures of this side."""
    encoded = encode_stock_text(stock.tokenizers, stock.text_encoders, ["", *texts], stock.zeros_for_empty)
    rows = encoded.take([index if text else 0 for index, text in enumerate(texts, 1)])
    whole = max(side, stock.canvas)
    return condition(rows, side, side, (whole, whole))


def _same_run(run: Path, told: dict[str, Any]) -> None:
    """
    Raises:
        UsageError: where the run's folder holds one with another base, task or size.
    """
    path = run / "base.json"
    if path.is_file() and json.loads(path.read_text(encoding="utf-8")) != told:
        raise UsageError(f"The run in {run} trains something else: choose another folder with -o.")
    run.mkdir(parents=True, exist_ok=True)
    write_json(path, told)
