# SPDX-License-Identifier: GPL-3.0-or-later
"""The HandDiff tab in the 3D view's sidebar.  Panels only draw."""

from . import animation, gestures, overrides, sidebar, thumbnails

PARTS = (thumbnails, sidebar, animation, gestures, overrides)
