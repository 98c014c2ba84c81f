# SPDX-License-Identifier: GPL-3.0-or-later
"""The trainings of the embedded model: text, autoencoders, hands, outpaint.  Each writes its parts into a model folder.

Text and autoencoders come first (minutes); hands and outpaint may then run in either order or at once.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch.nn import functional
from transformers import CLIPTextModelWithProjection, CLIPTokenizer

from ..diffusion.mask_head import last_features
from ..diffusion.patch_autoencoder import PatchAutoencoder
from ..diffusion.text import condition, encode_text
from ..errors import ModelError
from .captions import CLASSES, Attributes, attribute_targets, caption
from .dataset import list_samples, load
from .examples import Examples, canvas_example, draw_canvas, draw_hand, hand_examples
from .initialise import (
    EMBEDDED,
    Sizes,
    make_controlnet,
    make_hand_unet,
    make_scheduler,
    make_text_encoder,
    make_tokenizer,
    make_unet,
    scale_hand_hint,
    scale_hint_embedding,
    write_index,
)
from .loop import Budget, Losses, Trainer, save_fp16

REFRESH_STEPS = 150
_TO_SCALE_BY = 16
"""Examples that the networks' inputs are scaled by"""


def train_text(
    model: Path, run: Path, minutes: float, *, seed: int = 0, sizes: Sizes = EMBEDDED, device: str = "cpu"
) -> None:
    """Learn the tokenizer from random captions, and the text encoder by telling from a caption what it names.

    One classifier per attribute on the pooled embedding, class 0 for "not named"; the classifiers are thrown away.
    """
    rng = np.random.default_rng(seed)
    tokenizer = make_tokenizer([caption(_random_attributes(rng), rng)[0] for _ in range(3000)], model / "tokenizer")
    torch.manual_seed(seed)
    encoder = make_text_encoder(tokenizer, sizes.text_width)
    heads = torch.nn.ModuleDict(
        {name: torch.nn.Linear(sizes.text_width, len(values) + 1) for name, values in CLASSES.items()}
    )
    trainer = Trainer({"encoder": encoder, "heads": heads}, run, Budget(minutes, learning_rate=1e-3), device, seed)

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
        pooled = encode_text(tokenizer, encoder, texts).pooled
        told = [
            functional.cross_entropy(
                heads[name](pooled), torch.tensor([target[name] for target in targets], device=device)
            )
            for name in CLASSES
        ]
        return {"text": torch.stack(told).mean()}

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
        batch = to_tensor(np.stack([image[:side, :side] for image in images]))
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
    """Train stage 2's U-Net and ControlNet together; the hands are given in the hint half of the time.

    Two steps of three see windows of half the canvas' side around some point of the person, twice as many for half the
    cost: what a cell shows is mostly decided nearby, and backdrops teach little.  ``start`` is a model folder whose
    weights are begun with.
    """
    torch.manual_seed(seed)
    unet = make_unet(
        sizes.canvas_blocks,
        sizes.canvas_channels,
        sizes.canvas_channels,
        sizes.canvas // sizes.canvas_patch,
        sizes.text_width,
    )
    controlnet = make_controlnet(unet, sizes)
    if start is not None:
        _begin_with(unet, start / "unet")
        _begin_with(controlnet, start / "controlnet")
    for module in (unet, controlnet):
        module.to(memory_format=torch.channels_last)
    tokenizer, text_encoder, autoencoder = _frozen(model, model, device)
    examples = Examples(data, lambda sample: canvas_example(sample, sizes.canvas))
    if start is None:
        rng = np.random.default_rng(seed)
        hints = [draw_canvas(example, sizes.canvas, rng)[1] for example in examples.draw(_TO_SCALE_BY, rng)]
        scale_hint_embedding(controlnet, torch.from_numpy(np.stack(hints)))
    trainer = Trainer({"unet": unet, "controlnet": controlnet}, run, Budget(minutes), device, seed)
    noise = _Noise(autoencoder, device)

    def losses(generator: torch.Generator, step: int) -> Losses:
        rng = np.random.default_rng((seed, step))
        if step % REFRESH_STEPS == REFRESH_STEPS - 1:
            examples.refresh()
        side, count = (sizes.canvas, batch) if step % 3 == 0 else (sizes.canvas // 2, 2 * batch)
        drawn = (draw_canvas(example, side, rng) for example in examples.draw(count, rng))
        pictures, hints, texts = zip(*drawn, strict=True)
        noisy, timesteps, target = noise(to_tensor(np.stack(pictures)).to(device), generator)
        with torch.no_grad():
            arguments = condition(encode_text(tokenizer, text_encoder, list(texts)), sizes.canvas, sizes.canvas)
        down, middle = controlnet(
            noisy,
            timesteps,
            controlnet_cond=torch.from_numpy(np.stack(hints)).to(device),
            return_dict=False,
            **arguments,
        )
        predicted = unet(
            noisy,
            timesteps,
            down_block_additional_residuals=down,
            mid_block_additional_residual=middle,
            return_dict=False,
            **arguments,
        )[0]
        return {"noise": noise.loss(predicted, target)}

    def save() -> None:
        save_fp16(unet, model / "unet")
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

    The mask's loss (cross-entropy and Dice, weight 0.1) counts in full at little noise and not at all at pure noise,
    where no mask can be seen; the paper's own form and weight are not known.  ``start`` is a model folder whose weights
    are begun with.
    """
    torch.manual_seed(seed)
    unet, mask_head = make_hand_unet(sizes)
    if start is not None:
        _begin_with(unet, start / "hands" / "unet")
        _begin_with(mask_head, start / "hands" / "mask_head")
    unet.to(memory_format=torch.channels_last)
    tokenizer, text_encoder, autoencoder = _frozen(model, model / "hands", device)
    examples = Examples(data, lambda sample: hand_examples(sample, sizes.crop))
    cells = sizes.crop // sizes.crop_patch
    if start is None:
        rng = np.random.default_rng(seed)
        hints = [draw_hand(example, sizes.crop, cells, rng)[1] for example in examples.draw(_TO_SCALE_BY, rng)]
        scale_hand_hint(unet, torch.from_numpy(np.stack(hints)))
    trainer = Trainer({"unet": unet, "mask_head": mask_head}, run, Budget(minutes), device, seed)
    noise = _Noise(autoencoder, device)

    def losses(generator: torch.Generator, step: int) -> Losses:
        rng = np.random.default_rng((seed, step))
        if step % REFRESH_STEPS == REFRESH_STEPS - 1:
            examples.refresh()
        drawn = (draw_hand(example, sizes.crop, cells, rng) for example in examples.draw(batch, rng))
        pictures, hints, masks, texts = zip(*drawn, strict=True)
        noisy, timesteps, target = noise(to_tensor(np.stack(pictures)).to(device), generator)
        with torch.no_grad():
            arguments = condition(encode_text(tokenizer, text_encoder, list(texts)), sizes.crop, sizes.crop)
        inputs = torch.cat([noisy, torch.from_numpy(np.stack(hints)).to(device)], dim=1)
        with last_features(unet) as features:
            predicted = unet(inputs, timesteps, return_dict=False, **arguments)[0]
        logits = mask_head(features[0])[:, 0].float()
        truth = torch.from_numpy(np.stack(masks)).to(device, torch.float32)
        weight = 1.0 - timesteps.float() / noise.steps
        entropy = (
            functional.binary_cross_entropy_with_logits(logits, truth, reduction="none").mean((1, 2)) * weight
        ).mean()
        chance = logits.sigmoid()
        dice = 1.0 - (2.0 * (chance * truth).sum((1, 2)) + 1.0) / (chance.sum((1, 2)) + truth.sum((1, 2)) + 1.0)
        return {"noise": noise.loss(predicted, target), "mask": 0.1 * (entropy + (dice * weight).mean())}

    def save() -> None:
        save_fp16(unet, model / "hands" / "unet")
        mask_head.save_pretrained(model / "hands" / "mask_head")
        make_scheduler().save_pretrained(model / "hands" / "scheduler")
        write_index(model)

    trainer.run(losses, save)


def to_tensor(pictures: np.ndarray) -> torch.Tensor:
    """Pictures (N, H, W, 3) uint8 as (N, 3, H, W) float32 in -1..1."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1.0


class _Noise:
    """Draws timesteps and noise, and weighs the error of each latent component.

    Whitened components all have unit variance, yet the first carry the picture: each counts by its deviation, half-way
    between equal weights and the error in pixels.
    """

    def __init__(self, autoencoder: PatchAutoencoder, device: str) -> None:
        self.autoencoder = autoencoder
        self.device = device
        self.scheduler = make_scheduler()
        self.steps = int(self.scheduler.config.num_train_timesteps)
        self.weight = (autoencoder.deviation / autoencoder.deviation.mean())[None, :, None, None]

    def __call__(
        self, pictures: torch.Tensor, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Noisy latents, their timesteps (spread over the batch) and the clean latents to predict."""
        latents = self.autoencoder.encode(pictures)
        noise = torch.randn(latents.shape, generator=generator).to(self.device)
        count = len(latents)
        even = (torch.arange(count) + torch.rand(count, generator=generator)) / count
        # Steps are drawn in proportion to their noise: colours and pose are decided early, and short runs live on them.
        timesteps = (even.sqrt() * self.steps).long().clamp(max=self.steps - 1).to(self.device)
        return self.scheduler.add_noise(latents, noise, timesteps), timesteps, latents

    def loss(self, predicted: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return ((predicted.float() - target).square() * self.weight).mean()


def _begin_with(module: torch.nn.Module, folder: Path) -> None:
    """Load weights of the same shapes from a part's folder.

    Raises:
        ModelError: where they are of another architecture.
    """
    try:
        weights = load_file(next(folder.glob("*.safetensors")))
        module.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
    except (StopIteration, RuntimeError, SafetensorError) as error:
        raise ModelError(
            f"The weights in {folder} are not of the embedded model's architecture: start from one that is."
        ) from error


def _frozen(
    model: Path, folder: Path, device: str
) -> tuple[CLIPTokenizer, CLIPTextModelWithProjection, PatchAutoencoder]:
    tokenizer = CLIPTokenizer.from_pretrained(model / "tokenizer", local_files_only=True)
    text_encoder = CLIPTextModelWithProjection.from_pretrained(
        model / "text_encoder", local_files_only=True, dtype=torch.float32
    )
    autoencoder = PatchAutoencoder.from_pretrained(folder / "patch_autoencoder")
    return tokenizer, text_encoder.to(device).eval().requires_grad_(False), autoencoder.to(device)


def _random_attributes(rng: np.random.Generator) -> Attributes:
    return Attributes(**{name: values[int(rng.integers(len(values)))] for name, values in CLASSES.items()})
