# SPDX-License-Identifier: GPL-3.0-or-later
"""Model parts of our own: a ``config.json`` and a safetensors file beside it.

diffusers cannot import classes from inside a Blender extension, so what is ours loads by itself.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from ..errors import ModelError
from ..files import write_bytes, write_json


class Part(torch.nn.Module):
    """A module that is built from its ``config`` and saved as ``config.json`` and ``<part_name>.safetensors``."""

    part_name: ClassVar[str]

    def __init__(self, **config: Any) -> None:
        super().__init__()
        self.config = config

    def save_pretrained(self, directory: Path) -> None:
        """Write config and weights; floating-point weights in half precision."""
        directory.mkdir(parents=True, exist_ok=True)
        weights = {
            name: tensor.detach().to("cpu", torch.float16 if tensor.is_floating_point() else None).contiguous()
            for name, tensor in self.state_dict().items()
        }
        write_bytes(directory / f"{self.part_name}.safetensors", save(weights))
        write_json(directory / "config.json", {"part": self.part_name, **self.config})

    @classmethod
    def from_pretrained(cls, directory: Path) -> Self:
        """Load in float32.

        Raises:
            ModelError: where a file is missing, corrupt or of another part.
        """
        try:
            config = json.loads((directory / "config.json").read_text(encoding="utf-8"))
            if config.pop("part") != cls.part_name:
                raise KeyError(cls.part_name)
            part = cls(**config)
            weights = load_file(directory / f"{cls.part_name}.safetensors")
            part.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
            name = cls.part_name.replace("_", " ")
            raise ModelError(
                f"The {name} in {directory} cannot be loaded ({error}): install the model again."
            ) from error
        return part
