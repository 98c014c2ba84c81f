# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators, settings, preferences and the session's worker: thin, over ``handdiff_addon``."""

from . import (
    command,
    generate,
    gestures,
    history,
    models,
    overrides,
    passes,
    pose,
    preferences,
    presets,
    results,
    sample,
    session,
    settings,
)  # fmt: skip

PARTS = (
    preferences, models, settings, session, overrides, gestures, passes, pose, generate, history, presets, results,
    sample, command,
)  # fmt: skip
