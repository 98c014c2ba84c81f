# SPDX-License-Identifier: GPL-3.0-or-later
"""The copies that Mirror and Array modifiers make of a mesh, moved on to UDIM tiles of their own by the offsets that
these modifiers have for it.

Blender moves every UV map of a copy by the offset: a Mirror modifier once for each of its axes, so that the copies over
two axes meet; an Array modifier by one tile per copy at most, and not its caps.
"""

from __future__ import annotations

from collections.abc import Callable

import bpy
import numpy as np

from .memory import SPREAD
from .texels import BakeMesh

_MOST = 16  # tiles of one mesh: each takes the memory of a texture


def spread_copies(owner: bpy.types.Object, read: Callable[[], BakeMesh | None]) -> None:
    """Give each Mirror and Array modifier an offset of whole tiles with which its copies lie on free tiles.

    Modifiers with offsets of the artist's own stay as they are, and those whose copies find no room: more than 16 tiles
    in all.  ``gather_copies`` takes the offsets back.

    Args:
        owner: an editable mesh object.
        read: evaluates the mesh, with the UV map that is to have room.
    """
    copiers = [modifier for modifier in owner.modifiers if modifier.type in ("ARRAY", "MIRROR")]
    # An array reaches the next tile alone, so it comes first.
    for modifier in sorted(copiers, key=lambda modifier: modifier.type):
        before = _tiles(read())
        if _moved(modifier) or not len(before):
            continue
        columns, rows = before.max(axis=0) + 1
        # Where UVs are mirrored, too, those of several tiles change places.
        for offset in ((columns, 0), (2 * columns - 1, 0), (0, rows), (0, 2 * rows - 1)):
            modifier.offset_u, modifier.offset_v = offset
            taken = (modifier.offset_u, modifier.offset_v) == offset
            if taken and 2 * len(before) <= len(_tiles(read())) <= _MOST:
                if SPREAD not in owner:
                    owner[SPREAD] = {}
                owner[SPREAD][str(modifier.persistent_uid)] = [float(shift) for shift in offset]
                break
        else:
            modifier.offset_u = modifier.offset_v = 0.0


def gather_copies(owner: bpy.types.Object) -> None:
    """Take back the offsets of ``spread_copies``; those that were changed since stay."""
    ours = owner.get(SPREAD, {})
    for modifier in owner.modifiers:
        offset = ours.get(str(modifier.persistent_uid))
        if offset is not None and [modifier.offset_u, modifier.offset_v] == list(offset):
            modifier.offset_u = modifier.offset_v = 0.0
    if SPREAD in owner:
        del owner[SPREAD]


def _moved(modifier: bpy.types.Modifier) -> bool:
    """Whether a modifier's copies are moved already, over whole tiles or parts of one."""
    shifts = [modifier.offset_u, modifier.offset_v]
    if modifier.type == "MIRROR":
        shifts += [modifier.use_mirror_u * modifier.mirror_offset_u, modifier.use_mirror_v * modifier.mirror_offset_v]
    return any(shifts)


def _tiles(mesh: BakeMesh | None) -> np.ndarray:
    """(T, 2) column and row of each tile that a mesh lies on; none where some have no number in UDIM."""
    if mesh is None:
        return np.zeros((0, 2), dtype=np.int64)
    tiles = np.unique(np.floor(mesh.uv.mean(axis=1)), axis=0).astype(np.int64)
    return tiles if (tiles >= 0).all() and (tiles <= (9, 99)).all() else tiles[:0]
