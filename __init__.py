# SPDX-License-Identifier: GPL-3.0-or-later
"""HandDiff for Blender: paints pictures of posed characters, hands first, and lays them back over the scene."""

from . import operators, panels

PARTS = (*operators.PARTS, *panels.PARTS)
"""Modules in the order of registration; each has ``register`` and ``unregister``."""


def register() -> None:
    for part in PARTS:
        part.register()


def unregister() -> None:
    for part in reversed(PARTS):
        part.unregister()
