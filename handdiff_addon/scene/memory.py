# SPDX-License-Identifier: GPL-3.0-or-later
"""What is remembered of a textured object, so that all of it can be taken back: custom properties of the object.

Blender saves none that a library override has beyond its original's, so for one of these our materials hold them, too.
"""

from __future__ import annotations

import bpy

SLOTS = "handdiff_materials"
"""The slots as the artist had them, {"0": {"link": .., "material": ..}, ..}.  Blender keeps materials named there with
the file, used or not."""
CHOSEN = "handdiff_uv_map"
"""The UV map that the texture lies on."""
SPREAD = "handdiff_copies"
"""The offsets (u, v) that the object's modifiers got, by each one's ``persistent_uid``."""
OURS = "handdiff"
"""Marks materials, images and meshes' slots as made here."""
_MEMORY = "handdiff_memory"
"""Of a material: all of these of the library override that shows it."""


def is_ours(block: bpy.types.ID | None) -> bool:
    """Whether a material or an image was made here."""
    return block is not None and bool(block.get(OURS))


def is_textured(owner: bpy.types.Object) -> bool:
    """Whether there is something to take back."""
    return SLOTS in owner or _memory(owner) is not None


def save(owner: bpy.types.Object) -> None:
    """Let what is remembered of a library override outlive the session; its materials are on it already."""
    if owner.override_library is None:
        return
    for slot in owner.material_slots:
        if is_ours(slot.material):
            slot.material[_MEMORY] = {name: owner[name] for name in (SLOTS, CHOSEN, SPREAD) if name in owner}


def recall(owner: bpy.types.Object) -> None:
    """Give a library override back what is remembered of it."""
    memory = _memory(owner)
    if SLOTS not in owner and memory is not None:
        for name, value in memory.items():
            owner[name] = value


def _memory(owner: bpy.types.Object) -> dict | None:
    materials = (slot.material for slot in owner.material_slots)
    return next((material[_MEMORY] for material in materials if material and _MEMORY in material), None)
