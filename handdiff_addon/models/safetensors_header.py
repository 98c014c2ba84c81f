# SPDX-License-Identifier: GPL-3.0-or-later
"""What a safetensors file holds, read from its header by hand: no torch, no tensor data, no code from the file.

Layout: 8 bytes, little endian, the header's length N; N bytes of JSON, tensor name to ``{"dtype", "shape",
"data_offsets"}`` plus an optional ``"__metadata__"`` of strings; then the data, without a gap
(https://github.com/huggingface/safetensors#format).
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ModelError

MAX_HEADER_BYTES = 100_000_000
"""The format's own limit."""

BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
    "U16": 16, "I16": 16, "F16": 16, "BF16": 16,
    "U32": 32, "I32": 32, "F32": 32,
    "U64": 64, "I64": 64, "F64": 64, "C64": 64,
    "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
}  # fmt: skip
"""Size of one element by the format's name of its type."""


@dataclass(frozen=True)
class TensorInfo:
    """One tensor of the file."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def elements(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True)
class SafetensorsHeader:
    """A file's tensors by name, and its free text."""

    tensors: dict[str, TensorInfo]
    metadata: dict[str, str]

    @property
    def parameters(self) -> int:
        """Number of elements over all tensors."""
        return sum(tensor.elements for tensor in self.tensors.values())


class _Malformed(Exception):
    """Why the header cannot be what it says; completes the sentence "<file> is damaged (...)"."""


def read_header(path: Path) -> SafetensorsHeader:
    """Read and check the header of ``path``, the length of the data included.

    Raises:
        ModelError: where the file is missing, cut short, too long, or its header is not one.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if size < 8 or length > min(size - 8, MAX_HEADER_BYTES):
                raise _Malformed("it is cut short or no safetensors file")
            raw = file.read(length)
        return _parse(raw, size - 8 - length)
    except _Malformed as error:
        raise ModelError(f"The weights {path} are damaged ({error}): copy or download this file again.") from error
    except OSError as error:
        reason = error.strerror
        raise ModelError(f"The weights {path} cannot be read ({reason}): copy or download this file again.") from error


def _parse(raw: bytes, data_bytes: int) -> SafetensorsHeader:
    try:
        header = json.loads(raw.decode("utf-8"), object_pairs_hook=_no_duplicates)
    except (ValueError, RecursionError) as error:
        raise _Malformed("its header is not JSON") from error
    if not isinstance(header, dict):
        raise _Malformed("its header is not a table of tensors")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise _Malformed("its metadata is not text")
    entries = {name: _entry(name, entry) for name, entry in header.items()}
    end = 0
    for name, (_, begin, stop) in sorted(entries.items(), key=lambda item: item[1][1:]):
        if begin != end:
            raise _Malformed(f"tensor {name} leaves a gap or overlaps")
        end = stop
    if end != data_bytes:
        raise _Malformed(f"it holds {data_bytes} bytes of data where {end} are announced")
    return SafetensorsHeader({name: info for name, (info, _, _) in entries.items()}, metadata)


def _entry(name: str, entry: Any) -> tuple[TensorInfo, int, int]:
    """One tensor's line: what it is, where its data begin and end."""
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise _Malformed(f"tensor {name} is not described")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in BITS:
        raise _Malformed(f"tensor {name} is of an unknown type")
    if not _counts(shape) or not _counts(offsets) or len(offsets) != 2:
        raise _Malformed(f"tensor {name} has no proper shape and place")
    info = TensorInfo(dtype, tuple(shape))
    if (offsets[1] - offsets[0]) * 8 != info.elements * BITS[dtype]:
        raise _Malformed(f"tensor {name} does not fill its place")
    return info, offsets[0], offsets[1]


def _counts(values: Any) -> bool:
    """Whether ``values`` is a list of whole numbers from 0 up."""
    return isinstance(values, list) and all(type(value) is int and value >= 0 for value in values)


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise _Malformed("its header names something twice")
    return table
