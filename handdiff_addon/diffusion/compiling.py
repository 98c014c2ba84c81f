# SPDX-License-Identifier: GPL-3.0-or-later
"""``torch.compile`` for the networks of a model, where the user asks for it and the machine can."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from diffusers.models.attention import BasicTransformerBlock

from ..errors import first_line
from .devices import is_out_of_memory


class Compiled:
    """Compiles the transformer blocks of networks at their first use, as diffusers advises for its own models.

    They repeat, so that few have to be compiled, and they take most of the time.  Where that fails (no C++ compiler, a
    device that torch compiles nothing for), all go on uncompiled.
    """

    def __init__(self, networks: Sequence[torch.nn.Module]) -> None:
        self._blocks: dict[torch.nn.Module, Callable[..., Any]] = {}
        self._warning = ""
        for network in networks:
            for block in network.modules():
                if isinstance(block, BasicTransformerBlock):
                    self._blocks[block] = block.forward
                    block.forward = self._guarded(block)

    def take_warning(self) -> str:
        """What went wrong, told once; empty where all is well."""
        warning, self._warning = self._warning, ""
        return warning

    def _guarded(self, block: torch.nn.Module) -> Callable[..., Any]:
        compiled = torch.compile(block.forward)

        def forward(*inputs: Any, **named: Any) -> Any:
            try:
                return compiled(*inputs, **named)
            except Exception as error:  # whatever a compiler, a driver or a missing tool raises
                if is_out_of_memory(error):
                    raise
                self._give_up(error)
            return block.forward(*inputs, **named)

        return forward

    def _give_up(self, error: Exception) -> None:
        for block, plain in self._blocks.items():
            block.forward = plain
        self._warning = f"torch.compile does not work here ({first_line(error)}), so the model was used uncompiled."
