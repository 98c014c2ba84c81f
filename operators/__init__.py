# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators, settings, preferences and the session's worker: thin, over ``handdiff_addon``."""

import importlib.util

from . import (
    animate,
    command,
    diagnostics,
    generate,
    gestures,
    history,
    models,
    outputs,
    overrides,
    passes,
    pose,
    preferences,
    presets,
    results,
    sample,
    session,
    settings,
    translations,
)  # fmt: skip

PARTS = (
    translations, diagnostics, preferences, models, settings, outputs, session, overrides, gestures, passes, pose,
    generate, animate, history, presets, results, sample, command,
)  # fmt: skip

# The edition for extensions.blender.org has no set-up of the engine: that platform bars installing packages.
if importlib.util.find_spec(f"{__package__}.engine") is not None:
    from . import engine

    PARTS = (*PARTS, engine)
