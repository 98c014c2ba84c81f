# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators, settings, preferences and the session's worker: thin, over ``handdiff_addon``."""

from . import command, generate, gestures, passes, preferences, results, sample, session, settings

PARTS = (preferences, settings, session, passes, gestures, generate, results, sample, command)
