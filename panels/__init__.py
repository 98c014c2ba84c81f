# SPDX-License-Identifier: GPL-3.0-or-later
"""The HandDiff tab in the sidebars, and the menus.  Panels only draw."""

from . import gestures, menus, overrides, presets, sidebar, thumbnails, work

PARTS = (thumbnails, presets, sidebar, work, gestures, overrides, menus)
