# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of colours that the embedded model knows, and what they look like."""

from __future__ import annotations

RGB = tuple[int, int, int]

_CLOTHES: dict[str, RGB] = {
    "red": (200, 36, 40), "green": (44, 140, 64), "blue": (42, 84, 190), "yellow": (236, 200, 48),
    "orange": (236, 124, 32), "purple": (122, 58, 160), "pink": (238, 140, 170), "white": (236, 236, 232),
    "black": (26, 26, 28), "grey": (128, 128, 130), "brown": (112, 70, 42), "teal": (30, 134, 134),
}  # fmt: skip

PALETTES: dict[str, dict[str, RGB]] = {
    "shirt": _CLOTHES,
    "trousers": _CLOTHES,
    "shoes": _CLOTHES,
    "gloves": _CLOTHES,
    "background": {
        "red": (190, 52, 50), "green": (70, 150, 84), "blue": (66, 110, 196), "yellow": (238, 212, 92),
        "orange": (238, 148, 70), "purple": (136, 84, 168), "pink": (240, 172, 190), "white": (245, 245, 243),
        "black": (18, 18, 20), "grey": (140, 140, 142), "brown": (128, 92, 64), "teal": (52, 142, 142),
    },
    "hair": {
        "black": (24, 20, 20), "brown": (84, 52, 32), "blond": (214, 174, 104), "red": (160, 66, 30),
        "grey": (140, 138, 136), "white": (228, 226, 222),
    },
    "skin": {
        "pale": (248, 218, 200), "fair": (234, 190, 162), "tan": (208, 158, 120), "olive": (180, 138, 98),
        "brown": (136, 90, 62), "dark": (84, 54, 40),
    },
}  # fmt: skip
"""Attribute -> name -> sRGB of the material, 8 bit: the one source of names and colours."""
