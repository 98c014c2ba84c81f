# SPDX-License-Identifier: GPL-3.0-or-later
"""Colours as people see them: CIELAB, CIEDE2000, the nearest name, and skin tones in three groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..conditioning.srgb import to_linear, to_srgb

# IEC 61966-2-1: linear sRGB to CIE XYZ, and its white, D65.
_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.119192, 0.9503041]]
)
_WHITE = _TO_XYZ.sum(axis=1)

TONES = ("light", "medium", "dark")
"""Skin-tone groups, by the individual typology angle of the skin's own colour: over 41, 10 to 41, under 10 degrees."""


def to_lab(rgb: np.ndarray | Sequence[float]) -> np.ndarray:
    """sRGB (..., 3) in 0..255 as CIELAB (D65; CIE 15:2004)."""
    linear = to_linear(np.asarray(rgb) / 255.0)
    ratio = linear @ _TO_XYZ.T / _WHITE
    x, y, z = np.moveaxis(np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio * (29 / 6) ** 2 / 3 + 4 / 29), -1, 0)
    return np.stack([116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)], axis=-1)


def ciede2000(first: np.ndarray | Sequence[float], second: np.ndarray | Sequence[float]) -> np.ndarray:
    """The CIEDE2000 difference of CIELAB colours (..., 3); about 1 can just be seen.

    Sharma, Wu, Dalal: "The CIEDE2000 color-difference formula: implementation notes, supplementary test data, and
    mathematical observations", Color Research and Application 30 (2005); equation numbers are theirs.
    """
    l1, a1, b1 = np.moveaxis(np.asarray(first, dtype=np.float64), -1, 0)
    l2, a2, b2 = np.moveaxis(np.asarray(second, dtype=np.float64), -1, 0)
    mean_chroma = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    stretch = 1 + 0.5 * (1 - _saturated(mean_chroma))  # 4, 5
    a1, a2 = a1 * stretch, a2 * stretch
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = (np.degrees(np.arctan2(b, a)) % 360.0 for a, b in ((a1, b1), (a2, b2)))  # 7
    grey = c1 * c2 == 0

    step = h2 - h1  # 10
    step = np.where(step > 180, step - 360, np.where(step < -180, step + 360, step))
    delta_l, delta_c = l2 - l1, c2 - c1
    delta_h = np.where(grey, 0.0, 2 * np.sqrt(c1 * c2) * np.sin(np.radians(step) / 2))  # 11

    lightness, c = (l1 + l2) / 2, (c1 + c2) / 2
    total = h1 + h2
    h = np.where(np.abs(h1 - h2) <= 180, total / 2, np.where(total < 360, total / 2 + 180, total / 2 - 180))  # 14
    h = np.where(grey, total, h)
    t = (
        1
        - 0.17 * np.cos(np.radians(h - 30))
        + 0.24 * np.cos(np.radians(2 * h))
        + 0.32 * np.cos(np.radians(3 * h + 6))
        - 0.20 * np.cos(np.radians(4 * h - 63))
    )  # 15
    weight_l = 1 + 0.015 * (lightness - 50) ** 2 / np.sqrt(20 + (lightness - 50) ** 2)
    weight_c, weight_h = 1 + 0.045 * c, 1 + 0.015 * c * t
    turn = -np.sin(np.radians(60 * np.exp(-(((h - 275) / 25) ** 2)))) * 2 * _saturated(c)  # 16, 17, 21
    parts = delta_l / weight_l, delta_c / weight_c, delta_h / weight_h
    return np.sqrt(parts[0] ** 2 + parts[1] ** 2 + parts[2] ** 2 + turn * parts[1] * parts[2])  # 22


def _saturated(chroma: np.ndarray) -> np.ndarray:
    return np.sqrt(chroma**7 / (chroma**7 + 25.0**7))


def light(rgb: np.ndarray | Sequence[float]) -> float:
    """Linear light of an sRGB colour (3,) in 0..255, relative to white."""
    return float(to_linear(np.asarray(rgb) / 255.0).mean())


def dim(rgb: np.ndarray | Sequence[float], share: float) -> np.ndarray:
    """sRGB (..., 3) in 0..255 with a share (0 to 1) of its light."""
    return 255.0 * to_srgb(share * to_linear(np.asarray(rgb) / 255.0))


def nearest_name(rgb: np.ndarray | Sequence[float], palette: Mapping[str, Sequence[float]], share: float = 1.0) -> str:
    """The palette's name that lies nearest in CIELAB (Euclidean); all colours sRGB 0..255.

    ``share`` is the light that falls on what is looked at: the palette is dimmed by as much.
    """
    names = list(palette)
    seen = dim(np.array(list(palette.values())), share)
    distances = np.linalg.norm(to_lab(seen) - to_lab(rgb), axis=1)
    return names[int(np.argmin(distances))]


def skin_tone(rgb: np.ndarray | Sequence[float]) -> str:
    """One of :data:`TONES` for a skin's own colour, sRGB 0..255.

    The individual typology angle, atan((L - 50) / b), and its usual borders (Chardon et al. 1991, Del Bino et al.
    2006): very light and light; intermediate and tan; brown and dark.
    """
    lightness, _, yellow = to_lab(rgb)
    angle = np.degrees(np.arctan2(lightness - 50.0, yellow))
    return TONES[0] if angle > 41 else TONES[1] if angle > 10 else TONES[2]
