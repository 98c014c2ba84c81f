# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface in Japanese, by Blender's translation system; English is what the code says."""

from __future__ import annotations

import bpy

from .japanese import JAPANESE
from .phrases import Phrases

LANGUAGES = {"ja_JP": JAPANESE}
_CONTEXTS = ("*", "Operator")
"""Blender looks the labels of operators up in a context of their own."""

_phrases = Phrases(JAPANESE)


def translated(text: str) -> str:
    """A text of the interface in its language, values in it left as they are."""
    return text if _english() else _phrases.translate(text, bpy.app.translations.pgettext_iface)


def translated_report(text: str) -> str:
    """As :func:`translated`, for what is reported: Blender has a switch of its own for it."""
    return text if _english() else _phrases.translate(text, bpy.app.translations.pgettext_rpt)


def _english() -> bool:
    return bpy.app.translations.locale not in LANGUAGES


def register() -> None:
    tables = {
        language: {(context, text): other for text, other in table.items() for context in _CONTEXTS}
        for language, table in LANGUAGES.items()
    }
    bpy.app.translations.register(__package__, tables)


def unregister() -> None:
    bpy.app.translations.unregister(__package__)
