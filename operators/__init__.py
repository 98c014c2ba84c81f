# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators, settings, preferences and the session's worker: thin, over ``handdiff_addon``."""

from . import (
    command,
    generate,
    gestures,
    models,
    overrides,
    passes,
    pose,
    preferences,
    results,
    sample,
    session,
    settings,
)

PARTS = (preferences, models, settings, session, overrides, gestures, passes, pose, generate, results, sample, command)
