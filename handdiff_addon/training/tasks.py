# SPDX-License-Identifier: GPL-3.0-or-later
"""The trainings of the embedded model: text, autoencoders, sketch, hands, outpaint, each into a model folder.

Text and autoencoders come first (minutes), the sketch before outpaint; hands at any time after the first two.
"""

from __future__ import annotations

import copy
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import ControlNetModel, UNet2DConditionModel
from safetensors import SafetensorError
from torch.nn import functional
from transformers import CLIPTextModelWithProjection, CLIPTokenizer

from ..diffusion.borders import continue_at_borders
from ..diffusion.colour_sketch import ColourSketch
from ..diffusion.controlled import controlled
from ..diffusion.estimate import shown_latents, unknown
from ..diffusion.late_steps import LATE
from ..diffusion.mask_head import MaskHead, last_features
from ..diffusion.patch_autoencoder import PatchAutoencoder
from ..diffusion.sampling import from_pictures
from ..diffusion.text import condition, encode_text
from ..errors import ModelError
from .captions import CLASSES, Attributes, attribute_targets, caption
from .dataset import list_samples, load
from .examples import canvas_example, hand_examples
from .initialise import (
    EMBEDDED,
    Sizes,
    make_canvas_unet,
    make_controlnet,
    make_hand_unet,
    make_scheduler,
    make_sketch,
    make_text_encoder,
    make_tokenizer,
    scale_hand_hint,
    scale_hint_embedding,
    write_index,
)
from .loop import Budget, Losses, Trainer, save_fp16
from .losses import mask_loss, pixel_weights, sketch_loss
from .sources import canvas_source, hand_source

_AT_LITTLE_NOISE, _BETWEEN = 0.45, 0.10
"""Shares of the batch; the rest is pure noise"""
_VIEWS = ((1, 1, 0.25), (1, 4, 4.0), (2, 1, 1.0), (1, 2, 1.0), (1, 4, 4.0), (2, 1, 1.0), (1, 2, 1.0), (1, 4, 4.0))
"""What the steps of the outpainter's training see in turn: windows, so many to the canvas' side, shrunk by so much, and
how many for each of the batch"""
_TO_SCALE_BY = 16
"""Examples that the networks' inputs are scaled by"""


def train_text(
    model: Path, run: Path, minutes: float, *, seed: int = 0, sizes: Sizes = EMBEDDED, device: str = "cpu"
) -> None:
    """Learn the tokenizer from random captions, and the text encoder by telling from a caption what it names.

    One classifier per attribute on the pooled embedding and one on the answer to its question, class 0 for "not named";
    the classifiers are thrown away.
    """
    rng = np.random.default_rng(seed)
    tokenizer = make_tokenizer([caption(_random_attributes(rng), rng)[0] for _ in range(3000)], model / "tokenizer")
    torch.manual_seed(seed)
    encoder = make_text_encoder(tokenizer, sizes.text_width)
    heads = torch.nn.ModuleDict(
        {name: torch.nn.Linear(sizes.text_width, len(values) + 1) for name, values in CLASSES.items()}
    )
    answers = copy.deepcopy(heads)
    trainer = Trainer(
        {"encoder": encoder, "heads": heads, "answers": answers}, run, Budget(minutes, learning_rate=1e-3), device, seed
    )

    def losses(_generator: torch.Generator, step: int) -> Losses:
        rng = np.random.default_rng((seed, step))
        texts, targets = [], []
        for _ in range(64):
            attributes = _random_attributes(rng)
            text, named = caption(attributes, rng)
            if rng.random() < 0.05:
                text, named = "", frozenset()
            texts.append(text)
            targets.append(attribute_targets(attributes, named))
        embedded = encode_text(tokenizer, encoder, texts)
        truth = {name: torch.tensor([target[name] for target in targets], device=device) for name in CLASSES}
        pooled = [functional.cross_entropy(heads[name](embedded.pooled), truth[name]) for name in CLASSES]
        answered = [
            functional.cross_entropy(answers[name](embedded.tokens[:, index]), truth[name])
            for index, name in enumerate(CLASSES)
        ]
        return {"pooled": torch.stack(pooled).mean(), "answers": torch.stack(answered).mean()}

    trainer.run(losses, lambda: save_fp16(encoder, model / "text_encoder"))


def train_autoencoders(
    model: Path, data: Path, *, seed: int = 0, sizes: Sizes = EMBEDDED, samples: int = 300
) -> dict[str, float]:
    """Fit both patch autoencoders in closed form; returns their PSNR in dB on samples left out."""
    refs = list_samples(data, "train")
    rng = np.random.default_rng(seed)
    chosen = [load(refs[index]) for index in rng.permutation(len(refs))[:samples]]
    pictures = [example.picture for sample in chosen for example in canvas_example(sample, sizes.canvas)]
    crops = [example.picture for sample in chosen for example in hand_examples(sample, sizes.crop)]
    figures = {}
    for name, folder, patch, channels, images in (
        ("canvas", model, sizes.canvas_patch, sizes.canvas_channels, pictures),
        ("crop", model / "hands", sizes.crop_patch, sizes.crop_channels, crops),
    ):
        side = images[0].shape[0] // patch * patch
        batch = from_pictures(np.stack([image[:side, :side] for image in images]), torch.device("cpu"))
        autoencoder = PatchAutoencoder(patch, channels)
        kept = max(1, len(batch) // 10)
        autoencoder.fit(batch[kept:])
        autoencoder.save_pretrained(folder / "patch_autoencoder")
        error = (autoencoder.decode(autoencoder.encode(batch[:kept])) - batch[:kept]).square().mean() / 4.0
        figures[name] = float(-10.0 * error.log10())
    return figures


def train_outpaint(
    model: Path,
    run: Path,
    data: Path,
    minutes: float,
    *,
    seed: int = 0,
    sizes: Sizes = EMBEDDED,
    device: str = "cpu",
    batch: int = 8,
    start: Path | None = None,
) -> None:
    """Train stage 2's U-Net and ControlNet together, and the sketch beside them; the hands are given in the hint half
    of the time.

    Of eight steps one sees whole canvases, and two see them at half their size, four times as many for the same cost.
    Three see them at a quarter, sixteen times as many: which word colours which part is learned there.  Two see windows
    of half the canvas' side around some point of the person, since what a cell shows in detail is decided nearby and
    backdrops teach little.  ``batch`` counts the windows, and the whole canvases at half their size; ``start`` is a
    model folder whose weights are begun with.  Without one, the sketch begins as :func:`.sketch.train_sketch` left it,
    where it has run.
    """
    torch.manual_seed(seed)
    unet, controlnet, sketch = _outpaint_networks(model, sizes, start)
    tokenizer, text_encoder, autoencoder = frozen_parts(model, model, device)
    _check_fit(unet, autoencoder, model)
    canvases = canvas_source(data, sizes.canvas, partial(encode_text, tokenizer, text_encoder), device, seed)
    if start is None:
        generator = torch.Generator(device).manual_seed(seed)
        shown = canvases.draw(_TO_SCALE_BY, sizes.canvas, 1, generator)
        hints = shown.hints.cpu()
        scale_hint_embedding(controlnet, sketch.beside(hints, sketch(hints, shown.text.tokens.cpu())[0]))
    parts = {"unet": unet, "controlnet": controlnet, "sketch": sketch}
    trainer = Trainer(parts, run, Budget(minutes), device, seed)
    noise = _Noise(autoencoder, device)

    def losses(generator: torch.Generator, step: int) -> Losses:
        side, shrink, count = _VIEWS[step % len(_VIEWS)]
        shown = canvases.draw(max(1, int(count * batch)), sizes.canvas // side, shrink, generator)
        sketched, trust = sketch(shown.hints, shown.text.tokens)
        expected = sketch.latents(sketched.detach(), autoencoder)
        noisy, timesteps, target = noise(shown.pictures, generator, expected)
        weights = functional.avg_pool2d(pixel_weights(shown.person, shown.body_map), sizes.canvas_patch)
        # A window is part of a canvas, and told so.
        size = sizes.canvas // shrink
        arguments = condition(shown.text, size, size)
        hints = sketch.beside(shown.hints, sketched.detach())
        predicted = controlled(unet, controlnet, noisy, timesteps, hints, arguments)
        share = unknown(noise.scheduler, timesteps).to(device)
        settled = sketch.settle(predicted.float(), sketched.detach(), trust, share, autoencoder)
        return {
            "noise": noise.loss(settled, target, timesteps, weights),
            "sketch": sketch_loss(sketched, shown.pictures, weights),
        }

    def save() -> None:
        save_fp16(unet, model / "unet")
        sketch.save_pretrained(model / "colour_sketch")
        save_fp16(controlnet, model / "controlnet")
        make_scheduler().save_pretrained(model / "scheduler")
        write_index(model)

    trainer.run(losses, save)


def train_hands(
    model: Path,
    run: Path,
    data: Path,
    minutes: float,
    *,
    seed: int = 0,
    sizes: Sizes = EMBEDDED,
    device: str = "cpu",
    batch: int = 8,
    start: Path | None = None,
) -> None:
    """Train stage 1: one network for the hands' picture and their mask, by one multi-task loss.

    ``start`` is a model folder whose weights are begun with.
    """
    torch.manual_seed(seed)
    if start is None:
        unet, mask_head = make_hand_unet(sizes)
    else:
        unet = _begun(UNet2DConditionModel, start / "hands" / "unet")
        mask_head = MaskHead.from_pretrained(start / "hands" / "mask_head")
    unet.to(memory_format=torch.channels_last)
    tokenizer, text_encoder, autoencoder = frozen_parts(model, model / "hands", device)
    _check_fit(unet, autoencoder, model / "hands")
    hands = hand_source(data, sizes.crop, partial(encode_text, tokenizer, text_encoder), device, seed)
    cells = sizes.crop // sizes.crop_patch
    if start is None:
        generator = torch.Generator(device).manual_seed(seed)
        scale_hand_hint(unet, hands.draw(_TO_SCALE_BY, sizes.crop, cells, generator).hints.cpu())
    trainer = Trainer({"unet": unet, "mask_head": mask_head}, run, Budget(minutes), device, seed)
    noise = _Noise(autoencoder, device)

    def losses(generator: torch.Generator, _step: int) -> Losses:
        shown = hands.draw(batch, sizes.crop, cells, generator)
        noisy, timesteps, target = noise(shown.pictures, generator)
        arguments = condition(shown.text, sizes.crop, sizes.crop)
        inputs = torch.cat([noisy, shown.hints], dim=1)
        with last_features(unet) as features:
            predicted = unet(inputs, timesteps, return_dict=False, **arguments)[0]
        logits = mask_head(features[0])[:, 0].float()
        return {"noise": noise.loss(predicted, target, timesteps), "mask": mask_loss(logits, shown.masks)}

    def save() -> None:
        save_fp16(unet, model / "hands" / "unet")
        mask_head.save_pretrained(model / "hands" / "mask_head")
        make_scheduler().save_pretrained(model / "hands" / "scheduler")
        write_index(model)

    trainer.run(losses, save)


class _Noise:
    """Draws timesteps and noise, and weighs the error of each latent component.

    Whitened components all have unit variance, yet the first carry the picture.  At little noise each counts by the
    square root of its deviation, so that edges and shading are learned along with colours; at pure noise by its
    deviation to the power of 3/2, since colours are decided there, and what no condition tells would drown them.
    """

    def __init__(self, autoencoder: PatchAutoencoder, device: str) -> None:
        self.autoencoder = autoencoder
        self.device = device
        self.scheduler = make_scheduler()
        self.steps = int(self.scheduler.config.num_train_timesteps)

    def __call__(
        self, pictures: torch.Tensor, generator: torch.Generator, expected: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """What a network is shown of noisy latents, their timesteps (spread over the batch), and the clean latents."""
        latents = self.autoencoder.encode(pictures)
        noise = torch.randn(latents.shape, generator=generator, device=self.device)
        count = len(latents)
        jitter = torch.rand(count, generator=generator, device=self.device)
        even = (torch.arange(count, device=self.device) + jitter) / count
        # As much is learned of pure noise, where all comes from the conditions, as of the steps that follow it, where
        # little noise is left; what lies between is for pictures that are begun with.
        little = even / _AT_LITTLE_NOISE * LATE
        more = LATE + (even - _AT_LITTLE_NOISE) / _BETWEEN * (1.0 - LATE)
        share = torch.where(even < _AT_LITTLE_NOISE, little, more)
        timesteps = (share * self.steps).long().clamp(max=self.steps - 1)
        noisy = self.scheduler.add_noise(latents, noise, timesteps)
        return shown_latents(self.scheduler, noisy, timesteps, expected), timesteps, latents

    def loss(
        self,
        predicted: torch.Tensor,
        target: torch.Tensor,
        timesteps: torch.Tensor,
        of_cells: torch.Tensor | float = 1.0,
    ) -> torch.Tensor:
        """The squared error; ``of_cells`` (B, 1, h, w) says how much each cell counts."""
        weight = self.autoencoder.deviation ** (0.5 + timesteps[:, None] / self.steps)
        weight = weight / weight.mean(dim=1, keepdim=True)
        return ((predicted.float() - target).square() * weight[:, :, None, None] * of_cells).mean()


def _outpaint_networks(
    model: Path, sizes: Sizes, start: Path | None
) -> tuple[UNet2DConditionModel, ControlNetModel, ColourSketch]:
    """What :func:`train_outpaint` begins with.

    Raises:
        ModelError: where a part of ``start`` cannot be loaded.
    """
    if start is None:
        unet = make_canvas_unet(sizes)
        controlnet = make_controlnet(unet, sizes)
        trained = (model / "colour_sketch").is_dir()
        sketch = ColourSketch.from_pretrained(model / "colour_sketch") if trained else make_sketch(sizes)
    else:
        unet = _begun(UNet2DConditionModel, start / "unet")
        controlnet = _begun(ControlNetModel, start / "controlnet")
        sketch = ColourSketch.from_pretrained(start / "colour_sketch")
    for module in (unet, controlnet):
        module.to(memory_format=torch.channels_last)
        continue_at_borders(module)
    return unet, controlnet, sketch


def _begun(model_class: Any, folder: Path) -> Any:
    """A part of the model that is begun with, to be trained on.

    Raises:
        ModelError: where it cannot be loaded.
    """
    try:
        return model_class.from_pretrained(folder, local_files_only=True, use_safetensors=True, dtype=torch.float32)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise ModelError(
            f"The part {folder} to begin with cannot be loaded ({error}): start from a whole model."
        ) from error


def _check_fit(unet: UNet2DConditionModel, autoencoder: PatchAutoencoder, folder: Path) -> None:
    """
    Raises:
        ModelError: where the latents of a model folder are not those of the U-Net that is trained into it.
    """
    if unet.config.out_channels != autoencoder.latent_channels:
        raise ModelError(
            f"The autoencoder in {folder} has {autoencoder.latent_channels} channels where the network has "
            f"{unet.config.out_channels}: train into a new folder, or start from a model of this folder's architecture."
        )


def frozen_parts(
    model: Path, folder: Path, device: str
) -> tuple[CLIPTokenizer, CLIPTextModelWithProjection, PatchAutoencoder]:
    """Tokenizer and text encoder of a model folder, and the autoencoder of a folder within, as nobody trains them."""
    tokenizer = CLIPTokenizer.from_pretrained(model / "tokenizer", local_files_only=True)
    text_encoder = CLIPTextModelWithProjection.from_pretrained(
        model / "text_encoder", local_files_only=True, dtype=torch.float32
    )
    autoencoder = PatchAutoencoder.from_pretrained(folder / "patch_autoencoder")
    return tokenizer, text_encoder.to(device).eval().requires_grad_(False), autoencoder.to(device)


def _random_attributes(rng: np.random.Generator) -> Attributes:
    return Attributes(**{name: values[int(rng.integers(len(values)))] for name, values in CLASSES.items()})
