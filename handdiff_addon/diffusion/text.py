# SPDX-License-Identifier: GPL-3.0-or-later
"""Prompts to embeddings, once for both stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

NEGATIVE, PROMPT = 0, 1
"""Rows of a request's text; the rows of single persons follow."""


@dataclass(frozen=True)
class TextEmbedding:
    """``tokens`` (B, L, D) for cross-attention and, where the model takes it, ``pooled`` (B, P) beside the timestep."""

    tokens: torch.Tensor
    pooled: torch.Tensor | None

    def __len__(self) -> int:
        return len(self.tokens)

    def take(self, rows: Sequence[int]) -> TextEmbedding:
        """These rows, in this order."""
        chosen = list(rows)
        return TextEmbedding(self.tokens[chosen], None if self.pooled is None else self.pooled[chosen])


def encode_text(tokenizer: Any, text_encoder: Any, prompts: Sequence[str]) -> TextEmbedding:
    """Embed prompts with one CLIP text model with projection; longer prompts are cut at the tokenizer's length.

    Where the model's vocabulary is larger than the tokenizer's, the further words are questions, such as for the
    shirt's colour.  They are put behind each prompt, and the states over them, the answers, are the tokens for
    cross-attention: a network finds each answer in its place however the prompt is worded.
    """
    ids = tokenizer(
        list(prompts), padding="max_length", truncation=True, max_length=tokenizer.model_max_length, return_tensors="pt"
    )
    questions = torch.arange(len(tokenizer), text_encoder.config.vocab_size).expand(len(prompts), -1)
    output = text_encoder(torch.cat([ids.input_ids, questions], dim=1).to(text_encoder.device))
    return TextEmbedding(output.last_hidden_state[:, -questions.shape[1] :], output.text_embeds)


def encode_stock_text(
    tokenizers: Sequence[Any], encoders: Sequence[Any], prompts: Sequence[str], zeros_for_empty: bool = True
) -> TextEmbedding:
    """Embed prompts as Stable Diffusion (one encoder) or SDXL (two) takes them.

    A prompt of more than 75 tokens goes through the encoder in several chunks, whose embeddings follow each other; all
    prompts get as many chunks as the longest.  SDXL takes each encoder's last layer but one, side by side, the second
    one's pooled embedding of the first chunk, and, with ``zeros_for_empty``, zeros for an empty negative prompt.
    """
    two = len(encoders) > 1
    chunks = [[_chunks(tokenizer, prompt) for prompt in prompts] for tokenizer in tokenizers]
    most = max(len(own) for of_tokenizer in chunks for own in of_tokenizer)
    sides, pooled = [], None
    for tokenizer, encoder, of_tokenizer in zip(tokenizers, encoders, chunks, strict=True):
        ids = torch.tensor([_fill(tokenizer, own, most) for own in of_tokenizer])  # (B, most, 77)
        output = encoder(ids.flatten(0, 1).to(encoder.device), output_hidden_states=two)
        states = output.hidden_states[-2] if two else output.last_hidden_state
        sides.append(states.reshape(len(prompts), most * ids.shape[2], -1))
        if two:
            embedded = getattr(output, "text_embeds", None)
            pooled = None if embedded is None else embedded.reshape(len(prompts), most, -1)[:, 0]
    tokens = torch.cat(sides, dim=-1)
    if two and zeros_for_empty and not prompts[NEGATIVE].strip():
        tokens[NEGATIVE] = 0.0
        if pooled is not None:
            pooled = pooled.clone()
            pooled[NEGATIVE] = 0.0
    return TextEmbedding(tokens, pooled)


def _chunks(tokenizer: Any, prompt: str) -> list[list[int]]:
    """A prompt's tokens without marks, in runs that fit the encoder; at least one, which may be empty."""
    ids = tokenizer(prompt, add_special_tokens=False, truncation=False, verbose=False)["input_ids"]
    length = tokenizer.model_max_length - 2
    return [ids[start : start + length] for start in range(0, len(ids), length)] or [[]]


def _fill(tokenizer: Any, chunks: list[list[int]], count: int) -> list[list[int]]:
    """So many chunks, each with its marks of beginning and end, padded to the encoder's length."""
    filled = []
    for chunk in chunks + [[]] * (count - len(chunks)):
        marked = [tokenizer.bos_token_id, *chunk, tokenizer.eos_token_id]
        filled.append(marked + [tokenizer.pad_token_id] * (tokenizer.model_max_length - len(marked)))
    return filled


def condition(
    text: TextEmbedding, width: int, height: int, original: tuple[int, int] | None = None, dtype: Any = None
) -> dict[str, Any]:
    """The U-Net's and ControlNet's keyword arguments for this text; pooled text goes with SDXL's size ids.

    Args:
        text: the rows of the batch.
        width, height: of the picture that is painted, in pixels.
        original: width and height that the picture is said to have had; None: its own.
        dtype: of the embeddings; None: as they are.
    """
    tokens = text.tokens if dtype is None else text.tokens.to(dtype)
    if text.pooled is None:
        return {"encoder_hidden_states": tokens}
    pooled = text.pooled if dtype is None else text.pooled.to(dtype)
    said = original or (width, height)
    ids = torch.tensor([said[1], said[0], 0, 0, height, width], dtype=pooled.dtype, device=pooled.device)
    return {
        "encoder_hidden_states": tokens,
        "added_cond_kwargs": {"text_embeds": pooled, "time_ids": ids.expand(len(pooled), -1)},
    }
