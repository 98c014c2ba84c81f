# SPDX-License-Identifier: GPL-3.0-or-later
"""A linear autoencoder over square patches: the principal components of the training pictures, whitened.

Encoder and decoder are one matrix each, so encoding and decoding cost next to nothing and each latent cell depends on
its own pixels alone, which keeps the latent fusion of mask expansion exact.  It is fitted in closed form.
"""

from __future__ import annotations

import torch
from torch.nn import functional

from .part import Part


class PatchAutoencoder(Part):
    """Pictures (B, 3, H, W) in -1..1 to latents (B, C, H / patch_size, W / patch_size) of unit variance, and back."""

    part_name = "patch_autoencoder"

    def __init__(self, patch_size: int, latent_channels: int) -> None:
        super().__init__(patch_size=patch_size, latent_channels=latent_channels)
        self.patch_size = patch_size
        self.latent_channels = latent_channels
        pixels = 3 * patch_size**2
        self.register_buffer("mean", torch.zeros(pixels))
        self.register_buffer("components", torch.zeros(latent_channels, pixels))
        self.register_buffer("deviation", torch.ones(latent_channels))
        self.mean: torch.Tensor
        self.components: torch.Tensor
        self.deviation: torch.Tensor

    def fit(self, pictures: torch.Tensor) -> None:
        """Set the components from training pictures (N, 3, H, W) in -1..1."""
        patches = functional.pixel_unshuffle(pictures.double(), self.patch_size).permute(0, 2, 3, 1).flatten(0, 2)
        mean = patches.mean(0)
        variances, vectors = torch.linalg.eigh((patches - mean).T @ (patches - mean) / (len(patches) - 1))
        largest = torch.arange(len(variances) - 1, len(variances) - 1 - self.latent_channels, -1)
        self.mean.copy_(mean)
        self.components.copy_(vectors[:, largest].T)
        self.deviation.copy_(variances[largest].clamp_min(1e-8).sqrt())

    def encode(self, pictures: torch.Tensor) -> torch.Tensor:
        """Latents of pictures (B, 3, H, W) in -1..1; H and W are multiples of the patch size."""
        patches = functional.pixel_unshuffle(pictures, self.patch_size) - self.mean[:, None, None]
        return functional.conv2d(patches, (self.components / self.deviation[:, None])[:, :, None, None])

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """Pictures of latents, clamped to -1..1."""
        patches = functional.conv2d(latents, (self.components * self.deviation[:, None]).T[:, :, None, None])
        return functional.pixel_shuffle(patches + self.mean[:, None, None], self.patch_size).clamp(-1.0, 1.0)
