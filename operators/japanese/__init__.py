# SPDX-License-Identifier: GPL-3.0-or-later
"""Japanese, by the English that it stands for.  ``{}`` is a value; the Japanese names values by number."""

from __future__ import annotations

from .animation import ANIMATION
from .engine import ENGINE
from .models import MODELS
from .outputs import OUTPUTS
from .panels import PANELS
from .persons import PERSONS
from .refusals import REFUSALS
from .reports import REPORTS
from .settings import SETTINGS
from .work import WORK

JAPANESE: dict[str, str] = {
    **PANELS,
    **SETTINGS,
    **WORK,
    **ANIMATION,
    **ENGINE,
    **MODELS,
    **OUTPUTS,
    **PERSONS,
    **REPORTS,
    **REFUSALS,
}
