# SPDX-License-Identifier: GPL-3.0-or-later
"""Collar, face and hair of heads that have one material."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from handdiff_addon.conditioning.head import divide_head

HEIGHT, WIDTH = 132, 60
COLLAR, HAIRLINE = 219, 241
"""Where half of the people have either at a blue of 128"""


def head(*ridges: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Body map, body and normals of a head seen from the side, two rows for each step of green from 190 at the bottom
    to 255 at the top; at each of these steps of green the surface turns away by half a right angle."""
    green = np.linspace(190, 255, HEIGHT)[::-1]
    body_map = np.zeros((HEIGHT, WIDTH + 20, 3), np.uint8)
    body_map[..., 1], body_map[..., 2] = green[:, None].round(), 128
    body = np.zeros((HEIGHT, WIDTH + 20), bool)
    body[:, 10:-10] = True
    turned = np.cumsum(np.isin(np.arange(HEIGHT), [np.argmin(abs(green - ridge)) for ridge in ridges]))
    angle = 0.25 * np.pi * (turned % 2)
    normals = np.zeros((HEIGHT, WIDTH + 20, 3), np.float32)
    normals[..., 1], normals[..., 2] = -np.sin(angle)[:, None], np.cos(angle)[:, None]
    return body_map, body, normals


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("ridges", [(), (213, 246), (224, 236), (COLLAR, HAIRLINE)])
def test_edges_lie_where_the_surface_turns_or_else_where_they_usually_do(ridges: tuple[int, ...], size: int) -> None:
    body_map, body, normals = (array.repeat(size, 0).repeat(size, 1) for array in head(*ridges))
    divided = divide_head(body_map, body, normals)
    collar, hairline = ridges or (COLLAR, HAIRLINE)
    column = 10 * size + WIDTH * size // 2
    greens = [body_map[mask[:, column], column, 1] for mask in divided]
    skin, cloth, hair = ((int(found.min()), int(found.max())) for found in greens)
    near = 1 if ridges else 2
    assert cloth[0] == 190 and abs(cloth[1] - collar) <= near and abs(skin[0] - collar) <= near
    assert abs(skin[1] - hairline) <= near and abs(hair[0] - hairline) <= near and hair[1] == 255


def test_the_teeth_of_a_mesh_are_rounded_off() -> None:
    body_map, body, normals = head(COLLAR)
    normals[:, ::4] = np.roll(normals[:, ::4], -3, 0)
    normals[-3:, ::4] = normals[-4, 0]
    heights = divide_head(body_map, body, normals).collar[:, 15:-15].sum(0)
    assert abs(np.diff(heights)).max() <= 1


@settings(max_examples=50, deadline=None)
@given(
    arrays.arrays(np.uint8, (9, 7, 3), elements=st.integers(150, 255)),
    arrays.arrays(bool, (9, 7)),
    arrays.arrays(np.float32, (9, 7, 3), elements=st.floats(-1, 1, width=32)),
)
def test_each_pixel_of_a_head_is_of_one_kind(body_map: np.ndarray, body: np.ndarray, normals: np.ndarray) -> None:
    divided = divide_head(body_map, body, normals)
    assert (np.sum(divided, axis=0) == (body & (body_map[..., 1] >= 185))).all()
