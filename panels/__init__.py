# SPDX-License-Identifier: GPL-3.0-or-later
"""The HandDiff tab in the sidebars, and the menus.  Panels only draw."""

from . import animation, gestures, menus, outputs, overlay, overrides, presets, sidebar, thumbnails, work

PARTS = (thumbnails, presets, overlay, sidebar, work, outputs, animation, gestures, overrides, menus)
