# SPDX-License-Identifier: GPL-3.0-or-later
"""The HandDiff tab in the sidebars, and the menus.  Panels only draw."""

from . import animation, gestures, menus, overlay, overrides, presets, sidebar, thumbnails, work

PARTS = (thumbnails, presets, overlay, sidebar, work, animation, gestures, overrides, menus)
