# SPDX-License-Identifier: GPL-3.0-or-later
"""Clothes, hair and bare limbs of one colour, and hands of the same skin, shaded by their surface.

Small networks paint cloth in blotches: its colour drifts along a sleeve, it gets darker where nothing shades it; and
hands come out of another tone than arms and face.  Under distant lights a matte surface of one colour is that colour
times a smooth function of its normal (Ramamoorthi and Hanrahan 2001), which the passes know.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional

from .neighbours import blurred, grown

_BLOTCH, _KEPT = 24, 0.4
"""Pixels of the canvas from which on brightness that the normals do not tell is taken for a blotch, and how much of it
is kept: it may be a cast shadow.  What is finer, such as a fold or a crease, is kept"""
_RIM, _BESIDE = 2, 6
"""Pixels of the canvas at an outline that have a share of what lies behind, and beside something else of a person that
may have been painted as the mean of both: latent cells are 4 wide"""
_ODD = 0.15
"""By how much (as a logarithm) what lies there may be lighter or darker than both its shading and what is around"""
_LEAST, _MOST = 150, 30000
"""Pixels that tell how a surface is shaded, at least and at most"""
_ALIKE, _LIGHTER = 0.25, 0.7
"""Up to which difference of their colours' logarithms a hand is taken for skin (at twice as much it is not: it wears a
glove), and by how much it may be made lighter or darker"""
_PLAIN = (0.15, 0.12)
"""Up to which usual distance from its shading (as a logarithm), and from its line of colours (as a share), a surface is
of one colour; at twice as much it is not: a pattern that a model has learned stays.  Of the first, painted plain cloth
had up to 0.13 on 18 pictures, and patterns in renders mostly 0.16 to 1.2"""
_DIM = 0.05
"""Linear light that colours have at least where they are compared"""
_GAMMA = 2.2
_DARK = 0.004
"""Of linear light: below, ratios say nothing"""
_BLACK = 1e-6
"""Linear light of pixels that have none, where something is divided by it"""
_ROUNDS = 4
_LUMINANCE = (0.2126, 0.7152, 0.0722)


def even_surfaces(
    picture: torch.Tensor,
    normals: torch.Tensor,
    people: torch.Tensor,
    surfaces: Sequence[tuple[torch.Tensor, torch.Tensor]],
    scale: float = 1.0,
) -> torch.Tensor:
    """Give each surface one colour, lighter and darker as it is turned to the light.

    Args:
        picture: (1, 3, H, W) in -1..1.
        normals: (1, 3, H, W) in 0..1, as colours.
        people: (H, W) bool.
        surfaces: (H, W) bool each, which do not overlap, and what of each tells its colour.
        scale: pixels of the picture for one of the canvas.

    Returns:
        the picture; what is of no surface is as it was, and so is what has a pattern.
    """
    evened = picture.clone()
    for own, sure in surfaces:
        inner = _inner(own, max(1, round(_RIM * scale)))
        # What lies beside something else of a person may have been painted as that in part.
        beside = grown((people & ~own)[None].float(), round(_BESIDE * scale))[0] > 0
        tells = inner & sure & ~beside
        if tells.sum() < _LEAST:
            continue
        if (change := _to_one_colour(picture, normals, inner, sure, tells, scale)) is not None:
            soft = blurred((own & people).to(picture)[None], 1) * people
            evened += torch.where(inner, change, _carried(change, inner, _RIM * scale) * soft)
    return evened


def _to_one_colour(
    picture: torch.Tensor,
    normals: torch.Tensor,
    own: torch.Tensor,
    sure: torch.Tensor,
    tells: torch.Tensor,
    scale: float,
) -> torch.Tensor | None:
    """What to add to the pixels (H, W) bool of one surface, (1, 3, H, W); None where it has a pattern.

    Of ``sure`` pixels those that do not tell its colour keep a fold or a shadow; all others are guessed.
    """
    colours, tell = _linear(picture[0, :, own]), tells[own]
    bright = _luminance(colours)
    turned = _harmonics(normals[0, :, own])
    shade = _fit(turned[:, tell], bright[:, tell]) @ turned
    shade = shade.clamp(min=0.25 * float(bright[:, tell].median()))
    shade = shade.clamp(shade[:, tell].min(), shade[:, tell].max())  # beyond what tells it, a fit is none
    # The colours of one surface lie on a line, from its shadows to its highlights.
    line = _fit(_with_one(bright[:, tell]), colours[:, tell])
    off = (colours - line @ _with_one(bright)).abs().mean(0) / (colours.amax(0) + _DIM)
    besides = ((bright + _DARK) / (shade + _DARK)).log()
    apart = max(float(each[..., tell].median()) / most for each, most in zip((besides.abs(), off), _PLAIN))
    if apart >= 2.0:
        return None
    shown = torch.zeros_like(picture[:, :2])
    shown[0, :, tells] = torch.cat([besides, (bright + _DARK).log()])[:, tell]
    blotches, about = _carried(shown, tells, _BLOTCH / 3 * scale)[0, :, own].split(1)
    about = about - (shade + _DARK).log()
    least, most = torch.minimum(blotches, about) - _ODD, torch.maximum(blotches, about) + _ODD
    besides = torch.where(tell, besides, torch.where(sure[own], besides.clamp(least, most), blotches))
    shaded = (shade + _DARK) * (besides + (_KEPT - 1.0) * blotches).exp() - _DARK
    change = torch.zeros_like(picture)
    change[0, :, own] = min(2.0 - apart, 1.0) * (_encoded(line @ _with_one(shaded)) - picture[0, :, own])
    return change


def match_hands(
    picture: torch.Tensor, normals: torch.Tensor, hands: torch.Tensor, skin: torch.Tensor, scale: float = 1.0
) -> torch.Tensor:
    """Give hands the tone of the other skin that is seen, as far as they show skin.

    Args:
        picture, normals, scale: as :func:`even_surfaces` takes them.
        hands: (H, W) bool.
        skin: (H, W) bool, face and bare limbs.

    Returns:
        the picture; all but the hands is as it was.
    """
    rim = max(1, round(_RIM * scale))
    own, like = (_some(_inner(mask, rim)) for mask in (hands, skin))
    if len(own) < _LEAST or len(like) < _LEAST:
        return picture
    seen = picture[0].flatten(1)
    colours, wanted = _linear(seen[:, own]), _linear(seen[:, like])
    bright, light = (_luminance(each).clamp(min=_BLACK) for each in (colours, wanted))
    both = torch.cat([own, like])
    turned, count = _harmonics(normals[0].flatten(1)[:, both]), len(own)
    gain = torch.ones((), device=picture.device)
    for _ in range(2 * _ROUNDS):  # In turns: the light that falls on both, and by how much the hands are to be lighter.
        shade = (_fit(turned, torch.cat([bright * gain, light], 1)) @ turned).clamp(min=_DARK)
        gain = (light[0] / shade[0, count:]).median() / (bright[0] / shade[0, :count]).median()
    hue = _hue(wanted, light) - _hue(colours, bright)
    alike = (2.0 - hue.abs().max() / _ALIKE).clamp(0.0, 1.0)
    change = alike * (gain.log().clamp(-_LIGHTER, _LIGHTER) + hue)
    share = blurred(hands.to(picture)[None], rim // 2)
    matched = _encoded(_linear(picture[0]) * (share * change[:, None, None]).exp())
    return torch.where(hands, matched, picture[0])[None]


def _carried(values: torch.Tensor, known: torch.Tensor, around: float) -> torch.Tensor:
    """What (1, C, H, W) are on average about each pixel where (H, W) bool says that they are known, 0 elsewhere."""
    size = values.shape[2:]
    coarse = [max(1, round(side / around)) for side in size]
    both = functional.interpolate(torch.cat([values, known.to(values)[None, None]], 1), coarse, mode="area")
    both = functional.interpolate(blurred(both, 1), size, mode="bilinear")
    return both[:, :-1] / both[:, -1:].clamp(min=1e-3)


def _inner(mask: torch.Tensor, rim: int) -> torch.Tensor:
    """Of (H, W) bool what is more than so many pixels from the rest."""
    return grown((~mask)[None].float(), rim)[0] == 0


def _some(mask: torch.Tensor) -> torch.Tensor:
    """Places of the pixels of (H, W) bool, or of evenly spread ones where they are many."""
    places = mask.flatten().nonzero()[:, 0]
    return places[:: 1 + len(places) // _MOST]


def _fit(known: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """Weights (V, K) that make values (V, N) of what is known (K, N); what fits badly counts little (Cauchy's)."""
    every = 1 + known.shape[1] // _MOST
    known, values = known[:, ::every], values[:, ::every]
    slight = 1e-6 * known.shape[1] * torch.eye(len(known), device=known.device)
    weights = torch.ones_like(values[:1])
    for _ in range(_ROUNDS):
        weighted = known * weights
        fitted = torch.linalg.solve(weighted @ known.T + slight, weighted @ values.T).T
        miss = (values - fitted @ known).abs().mean(0, keepdim=True)
        weights = 1.0 / (1.0 + (miss / (2.0 * miss.median() + 1e-4)) ** 2)
    return fitted


def _harmonics(normals: torch.Tensor) -> torch.Tensor:
    """Spherical harmonics up to the second order (9, N), without their factors, of normals (3, N) as colours."""
    normals = 2.0 * normals - 1.0
    x, y, z = normals / normals.norm(dim=0).clamp(min=1e-3)
    return torch.stack([torch.ones_like(x), x, y, z, x * y, y * z, x * z, x * x - y * y, 3.0 * z * z - 1.0])


def _with_one(values: torch.Tensor) -> torch.Tensor:
    """(1, N) as (2, N), ones before them."""
    return torch.cat([torch.ones_like(values), values])


def _hue(colours: torch.Tensor, bright: torch.Tensor) -> torch.Tensor:
    """(3,) logarithms of the usual colour of (3, N) at a brightness of 1."""
    return ((colours.median(1).values + _DARK) / (bright.median() + _DARK)).log()


def _luminance(colours: torch.Tensor) -> torch.Tensor:
    """Of linear colours (3, N), as (1, N)."""
    return torch.tensor([_LUMINANCE], device=colours.device) @ colours


def _linear(pixels: torch.Tensor) -> torch.Tensor:
    """Pixels in -1..1 as linear light in 0..1, nearly enough."""
    return (0.5 + 0.5 * pixels).clamp(0.0, 1.0) ** _GAMMA


def _encoded(linear: torch.Tensor) -> torch.Tensor:
    return 2.0 * linear.clamp(_BLACK, 1.0) ** (1.0 / _GAMMA) - 1.0
