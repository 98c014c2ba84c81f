# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators, settings, preferences and the session's worker: thin, over ``handdiff_addon``."""

from . import (
    animate,
    command,
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
)

PARTS = (preferences, settings, session, overrides, gestures, passes, pose, generate, animate, results, sample, command)
