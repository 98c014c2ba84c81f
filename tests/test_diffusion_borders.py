# SPDX-License-Identifier: GPL-3.0-or-later
"""The canvas's networks paint no frame."""

from __future__ import annotations

from pathlib import Path

import torch

from handdiff_addon.diffusion.borders import continue_at_borders
from handdiff_addon.diffusion.checkpoint import load_checkpoint
from handdiff_addon.diffusion.text import condition, encode_text
from tests.tiny_embedded import TINY, build_tiny_model


def test_what_is_flat_stays_flat_up_to_the_border() -> None:
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.SiLU(), torch.nn.Conv2d(8, 3, 1))
    flat = torch.full((1, 3, 16, 16), 0.7)
    assert network(flat).std((2, 3)).max() > 1e-3
    continue_at_borders(network)
    assert network(flat).std((2, 3)).max() < 1e-5


def test_a_loaded_model_paints_a_flat_canvas_without_a_frame(tmp_path: Path) -> None:
    model = load_checkpoint(str(build_tiny_model(tmp_path / "tiny", TINY)), "", torch.device("cpu"))
    cells = model.canvas // model.autoencoder.patch_size
    latents = torch.full((1, model.autoencoder.latent_channels, cells, cells), 0.3)
    text = condition(encode_text(model.tokenizer, model.text_encoder, ["a person"]), model.canvas, model.canvas)
    painted = model.unet(latents, torch.tensor(999), return_dict=False, **text)[0]
    assert painted.std((2, 3)).max() < 1e-4 * painted.abs().max()
