# SPDX-License-Identifier: GPL-3.0-or-later
"""The bytes of a weight file: their sha256, and whether every number is one; without torch."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from ..errors import ModelError
from .safetensors_header import read_header

PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
CHUNK = 1 << 24
"""Bytes read at a time; a multiple of every element's size"""

_EXPONENTS = {
    "F16": (np.uint16, 0x7C00),
    "BF16": (np.uint16, 0x7F80),
    "F32": (np.uint32, 0x7F80_0000),
    "F64": (np.uint64, 0x7FF0_0000_0000_0000),
}
"""Types with infinities: a number whose exponent has all bits set is infinite or none"""
_FLOATS = {"F16": np.float16, "F32": np.float32, "F64": np.float64}


def is_safetensors(path: Path) -> bool:
    """Whether a name ends as those of weights do, in capitals too."""
    return path.suffix.lower() == ".safetensors"


def refuse_pickle(path: Path) -> None:
    """Refuse a pickle by its name's ending, and a safetensors file that is one inside.

    Raises:
        ModelError
    """
    if path.suffix.lower() in PICKLES:
        raise ModelError(
            f"{path} is a pickle, which can run code when read: look for the model's .safetensors file, or convert it "
            "with torch.load(weights_only=True) and safetensors.torch.save_file."
        )
    if not is_safetensors(path):
        raise ModelError(f"{path} is no .safetensors file: HandDiff reads weights in this format only.")


def digest(path: Path, *, finite: bool = False) -> str:
    """The file's sha256 in hexadecimal digits; reads it once, about 1 GB a second.

    Args:
        finite: also refuse a tensor that holds infinities or NaN.

    Raises:
        ModelError: where the file cannot be read, or a number is none.
    """
    regions = _regions(path) if finite else []
    sha = hashlib.sha256()
    try:
        with path.open("rb") as file:
            if regions:
                sha.update(file.read(regions[0][1]))
            for name, begin, end, dtype in regions:
                exponent = _EXPONENTS.get(dtype)
                while begin < end:
                    chunk = file.read(min(CHUNK, end - begin))
                    if not chunk:
                        break
                    sha.update(chunk)
                    begin += len(chunk)
                    if exponent:
                        numbers = np.frombuffer(chunk, exponent[0])
                        if ((numbers & exponent[0](exponent[1])) == exponent[0](exponent[1])).any():
                            raise ModelError(
                                f"The weights {path} hold numbers that are none (NaN or infinite, in {name}): "
                                "they can only paint black; copy or download this file again, or choose another."
                            )
            while chunk := file.read(CHUNK):
                sha.update(chunk)
    except OSError as error:
        raise ModelError(
            f"The weights {path} cannot be read ({error.strerror}): copy or download this file."
        ) from error
    return sha.hexdigest()


def read_half(path: Path, name: str) -> np.ndarray:
    """One tensor of a file, flat, rounded to float16: equal for a file and for its half-precision variant.

    Raises:
        ModelError: where the file cannot be read, lacks the tensor, or holds it in a type without fractions.
    """
    place = next((region for region in _regions(path) if region[0] == name), None)
    if place is None or place[3] not in _EXPONENTS:
        raise ModelError(f"The weights {path} hold no {name} in floating point: copy or download this file again.")
    _, begin, end, dtype = place
    with path.open("rb") as file:
        file.seek(begin)
        data = file.read(end - begin)
    with np.errstate(over="ignore"):
        if dtype == "BF16":
            return (np.frombuffer(data, np.uint16).astype(np.uint32) << 16).view(np.float32).astype(np.float16)
        return np.frombuffer(data, _FLOATS[dtype]).astype(np.float16)


def _regions(path: Path) -> list[tuple[str, int, int, str]]:
    """Name, first byte, end and type of every tensor, in the order of the file; the header is checked before."""
    header = read_header(path)
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        entries = json.loads(file.read(length))
    places = {name: entry["data_offsets"] for name, entry in entries.items() if name != "__metadata__"}
    start = 8 + length
    return sorted(
        ((name, start + begin, start + end, header.tensors[name].dtype) for name, (begin, end) in places.items()),
        key=lambda region: region[1:3],
    )
