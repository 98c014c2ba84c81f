# SPDX-License-Identifier: GPL-3.0-or-later
"""Edges between clothes, and between clothes and bare skin, where the frame's passes have them.

Networks that paint latent cells of several pixels leave hems and cuffs notched, though where they are is known exactly.
"""

from __future__ import annotations

import torch
from torch.nn import functional

from .neighbours import blurred, grown

_AROUND = 3
"""Pixels of the canvas beside an edge that may have been painted as the other kind, and are not looked at"""
_KNOWN = 1e-3


def settle_edges(picture: torch.Tensor, kinds: torch.Tensor, scale: float = 1.0) -> torch.Tensor:
    """Carry the colours of each kind on up to its edge with another.

    Args:
        picture: (1, 3, H, W).
        kinds: (1, 1, H, W) int, a number for each kind of cloth, and for skin; 0 for all whose edges are not known.
        scale: pixels of the picture for one of the canvas.

    Returns:
        the picture; pixels at an edge have a share of both kinds.
    """
    coarse = [round(side / (_AROUND * scale)) for side in picture.shape[2:]]
    change = torch.zeros_like(picture)
    for kind in kinds.unique():
        own = (kinds == kind).to(picture.dtype)
        other = grown(((kinds != kind) & (kinds != 0)).to(picture.dtype), round(_AROUND * scale))
        if kind == 0 or not (own * other).any():
            continue
        sure = own * (1.0 - other)
        both = functional.interpolate(torch.cat([picture * sure, sure], 1), coarse, mode="area")
        both = functional.interpolate(blurred(both, 1), picture.shape[2:], mode="bilinear")
        carried = (both[:, 3:] > _KNOWN) & (sure == 0)
        colours = both[:, :3] / both[:, 3:].clamp(min=_KNOWN)
        change += blurred(own, 1) * torch.where(carried, colours - picture, 0.0)
    return torch.where(kinds != 0, picture + change, picture)
