# SPDX-License-Identifier: GPL-3.0-or-later
"""CLIP's vocabulary, which one-file checkpoints lack: read from the package open_clip, without importing it."""

from __future__ import annotations

import gzip
import importlib.util
import zlib
from pathlib import Path

from ..errors import ModelError

FILE = "bpe_simple_vocab_16e6.txt.gz"
MERGES = 49152 - 256 - 2
"""Lines of the file that CLIP was trained with; it has more"""
START, END = "<|startoftext|>", "<|endoftext|>"


def clip_vocabulary() -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Token to id, and the merges of the byte-pair encoder in order.

    Raises:
        ModelError: where the package open_clip_torch is not installed, or its file is damaged.
    """
    spec = importlib.util.find_spec("open_clip")
    folders = [Path(folder) for folder in (spec.submodule_search_locations if spec else None) or ()]
    path = next((folder / FILE for folder in folders if (folder / FILE).is_file()), None)
    if path is None:
        raise ModelError(
            "A checkpoint in one file needs CLIP's vocabulary, which the package open_clip_torch brings: install it "
            "with  pip install --no-deps open_clip_torch  or give the model as a diffusers folder."
        )
    try:
        lines = gzip.decompress(path.read_bytes()).decode("utf-8").split("\n")
        merges = [_pair(line) for line in lines[1 : 1 + MERGES] if line]
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise ModelError(f"{path} is damaged ({error}): install open_clip_torch again.") from error
    symbols = list(_byte_symbols())
    tokens = [*symbols, *(f"{symbol}</w>" for symbol in symbols), *("".join(pair) for pair in merges), START, END]
    return {token: number for number, token in enumerate(tokens)}, merges


def _pair(line: str) -> tuple[str, str]:
    first, second = line.split()
    return first, second


def _byte_symbols() -> str:
    """A printable character for each of the 256 bytes, in the order of byte-level encoders (GPT-2, CLIP).

    Bytes that print stand for themselves and come first; the others follow as characters from 256 up.
    """
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    return "".join(map(chr, [*printable, *range(256, 512 - len(printable))]))
