# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks of a stock model built from their tensors: no random weights first, every tensor read once."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from ..errors import ModelError, first_line
from ..models.parts import PartSource, Place


def build(
    network: type[torch.nn.Module],
    config: dict[str, Any],
    part: PartSource,
    device: torch.device,
    dtype: torch.dtype,
    what: str,
) -> Any:
    """A network of a class of diffusers or transformers with a part's weights, ready for inference.

    Args:
        network: the class.
        config: its configuration.
        part: where its tensors lie.
        what: how refusals name it.

    Raises:
        ModelError: where the tensors are not the network's: one lacks, one is too many, one has another shape.
    """
    with torch.device("meta"):
        try:
            model = _empty(network, config)
        except Exception as error:  # each library checks its configurations in its own way
            raise ModelError(
                f"{what} has a configuration that makes no network ({first_line(error)}): choose another."
            ) from error
    wanted = model.state_dict()
    prefix = "text_model."  # which transformers took away from CLIPTextModel in version 5.6
    strip = any(name.startswith(prefix) for name in part.places) and not any(name.startswith(prefix) for name in wanted)
    places = {name.removeprefix(prefix) if strip else name: place for name, place in part.places.items()}
    if not hasattr(model, "text_projection"):
        places.pop("text_projection.weight", None)  # SD 1.5 has no use for CLIP's
    _refuse_other_tensors(wanted, places, what)
    model.load_state_dict(read_tensors(places, device, dtype), assign=True)
    for name, buffer in model.named_buffers():
        if buffer.is_meta:  # positions, which are counted and not stored
            owner = model.get_submodule(name.rpartition(".")[0])
            counted = torch.arange(buffer.shape[-1], device=device).expand(buffer.shape)
            owner.register_buffer(name.rpartition(".")[2], counted, persistent=False)
    return model.eval().requires_grad_(False)


def _empty(network: Any, config: dict[str, Any]) -> Any:
    if hasattr(network, "from_config"):  # diffusers
        known = inspect.signature(network.__init__).parameters  # it would tell the user of every other key
        return network.from_config({key: value for key, value in config.items() if key in known})
    return network(network.config_class(**config))


def _refuse_other_tensors(wanted: dict[str, torch.Tensor], places: dict[str, Place], what: str) -> None:
    if missing := next((name for name in wanted if name not in places), None):
        raise ModelError(f"{what} lacks the tensor {missing}: copy or download it again.")
    if extra := next((name for name in places if name not in wanted), None):
        raise ModelError(f"{what} holds a tensor that such a model does not have ({extra}): choose another.")
    for name, tensor in wanted.items():
        if tuple(tensor.shape) != places[name].shape:
            raise ModelError(
                f"{what} has the tensor {name} in the shape {_shape(places[name].shape)} where "
                f"{_shape(tensor.shape)} is needed: its parts are of different models."
            )


def read_tensors(places: dict[str, Place], device: torch.device, dtype: torch.dtype | None) -> dict[str, torch.Tensor]:
    """Tensors by name from wherever they lie; numbers are cast to ``dtype``, None keeps them.

    Raises:
        ModelError: where a file cannot be read.
    """
    tensors = {}
    with ExitStack() as stack:
        files: dict[Path, Any] = {}
        for name, place in places.items():
            try:
                if place.file not in files:
                    files[place.file] = stack.enter_context(safe_open(place.file, "pt"))
                tensor = files[place.file].get_tensor(place.name)
            except (OSError, SafetensorError) as error:
                raise ModelError(
                    f"The weights {place.file} cannot be read ({error}): copy or download this file again."
                ) from error
            if place.rows:
                tensor = tensor[slice(*place.rows)]
            tensor = (tensor.T if place.transpose else tensor).reshape(place.shape)
            tensors[name] = tensor.to(device, dtype or tensor.dtype, copy=True).contiguous()
    return tensors


def _shape(shape: Iterable[int]) -> str:
    return " x ".join(map(str, shape)) or "a number"
