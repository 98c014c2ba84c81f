# SPDX-License-Identifier: GPL-3.0-or-later
"""Prompts to embeddings, once for both stages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class TextEmbedding:
    """``tokens`` (B, L, D) for cross-attention and ``pooled`` (B, P) for the time embedding."""

    tokens: torch.Tensor
    pooled: torch.Tensor

    def repeat_each(self, count: int) -> TextEmbedding:
        """Each row ``count`` times, in order."""
        return TextEmbedding(self.tokens.repeat_interleave(count, 0), self.pooled.repeat_interleave(count, 0))


def encode_text(tokenizer: Any, text_encoder: Any, prompts: list[str]) -> TextEmbedding:
    """Embed prompts with a CLIP text model with projection; longer prompts are cut at the tokenizer's length."""
    ids = tokenizer(
        prompts, padding="max_length", truncation=True, max_length=tokenizer.model_max_length, return_tensors="pt"
    )
    output = text_encoder(ids.input_ids.to(text_encoder.device))
    return TextEmbedding(output.last_hidden_state, output.text_embeds)


def condition(text: TextEmbedding, width: int, height: int) -> dict[str, Any]:
    """The U-Net's and ControlNet's keyword arguments for this text, in SDXL's form (pooled text and size ids)."""
    ids = torch.tensor([height, width, 0, 0, height, width], dtype=text.pooled.dtype, device=text.pooled.device)
    return {
        "encoder_hidden_states": text.tokens,
        "added_cond_kwargs": {"text_embeds": text.pooled, "time_ids": ids.expand(len(text.pooled), -1)},
    }
