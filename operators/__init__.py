# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators, settings, preferences and the session's worker: thin, over ``handdiff_addon``."""

from . import (
    command,
    diagnostics,
    engine,
    generate,
    gestures,
    overrides,
    passes,
    pose,
    preferences,
    results,
    sample,
    session,
    settings,
    translations,
)  # fmt: skip

PARTS = (
    translations, diagnostics, preferences, settings, session, engine, overrides, gestures, passes, pose, generate,
    results, sample, command,
)  # fmt: skip
