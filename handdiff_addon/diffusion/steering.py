# SPDX-License-Identifier: GPL-3.0-or-later
"""ControlNets of a stock model: the pictures that each role shows, and the residuals that they add to the U-Net."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import torch
from diffusers import ControlNetUnionModel

from .frame import View
from .sampling import Guidance
from .stock import Control, Role

Residuals = tuple[Any, Any]


def hints_of(
    control: Control,
    roles: Sequence[Role],
    views: Sequence[View],
    pictures: np.ndarray | None,
    known: np.ndarray | None,
    outpaint: np.ndarray | None = None,
) -> dict[Role, np.ndarray]:
    """The hints (N, C, H, W) float32 of the roles that a ControlNet takes and the views can show; may be empty.

    Args:
        control: the ControlNet.
        roles: the ones wanted.
        views: N views of one size.
        pictures: (N, H, W, 3) uint8, what is given; the inpainting role needs it.
        known: (N, H, W) bool, the pixels of it that are not painted over.
        outpaint: (N, C, H, W) float32 from :func:`~.outpaint_stage.outpaint_hint_of`; the role of that name needs it.
    """
    hints: dict[Role, np.ndarray] = {}
    for role in control.roles:
        if role not in roles:
            continue
        if role == "outpaint":
            if outpaint is not None:
                hints[role] = outpaint[:, : control.model.config.conditioning_channels]
            continue
        if role == "inpaint":
            if pictures is not None and known is not None and known.any():
                # Black where a union model repaints, -1 where an inpainting ControlNet does.
                unknown = 0.0 if control.modes else -1.0
                shown = np.where(known[..., None], pictures / np.float32(255.0), np.float32(unknown))
                hints[role] = shown.transpose(0, 3, 1, 2)
            continue
        drawn = [getattr(view, role)() for view in views]
        if any(picture is None for picture in drawn):
            continue
        coloured = np.stack([np.broadcast_to(p[..., None], (*p.shape, 3)) if p.ndim == 2 else p for p in drawn])
        hints[role] = coloured.transpose(0, 3, 1, 2) / np.float32(255.0)
    return hints


class Steering:
    """One ControlNet at work on one batch; a context manager, since its hints are embedded once for all steps."""

    def __init__(
        self,
        control: Control,
        hints: dict[Role, np.ndarray],
        guidance: Guidance,
        scale: float,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self._model = control.model
        self._scale = control.scale * scale
        self._embedding = control.model.controlnet_cond_embedding
        images = [torch.from_numpy(np.ascontiguousarray(hint)).to(device, dtype) for hint in hints.values()]
        self._arguments: dict[str, Any]
        if isinstance(control.model, ControlNetUnionModel):
            modes = [control.modes[role] for role in hints]
            kinds = torch.zeros(1, control.model.config.num_control_type, device=device, dtype=dtype)
            kinds[0, modes] = 1.0
            rows = guidance.copies * len(images[0])
            self._arguments = {
                "controlnet_cond": [guidance.expand(self._embedding(image)) for image in images],
                "control_type": kinds.expand(rows, -1),
                "control_type_idx": modes,
            }
        else:
            (image,) = images
            if control.model.config.controlnet_conditioning_channel_order == "bgr":
                image = image.flip(1)
            self._arguments = {"controlnet_cond": guidance.expand(self._embedding(image))}

    def __enter__(self) -> Self:
        self._model.controlnet_cond_embedding = torch.nn.Identity()
        return self

    def __exit__(self, *_: object) -> None:
        self._model.controlnet_cond_embedding = self._embedding

    def add(
        self, down: Any, middle: Any, inputs: torch.Tensor, timestep: torch.Tensor, arguments: dict[str, Any]
    ) -> Residuals:
        """This ControlNet's residuals on top of those of the ones before it."""
        own_down, own_middle = self._model(
            inputs, timestep, conditioning_scale=self._scale, return_dict=False, **self._arguments, **arguments
        )
        if down is None:
            return own_down, own_middle
        return [a + b for a, b in zip(down, own_down, strict=True)], middle + own_middle
