# SPDX-License-Identifier: GPL-3.0-or-later
"""Rigs whose names say nothing: their bones are told from the skeleton's structure."""

from __future__ import annotations

from .family import Family
from .mixamo import HEAD

FAMILY = Family(name="unnamed", label="Unnamed bones", bones={}, head=HEAD)
