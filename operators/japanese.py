# SPDX-License-Identifier: GPL-3.0-or-later
"""Japanese, by the English that it stands for.  ``{}`` is a value; the Japanese names values by number."""

from __future__ import annotations

JAPANESE: dict[str, str] = {}
