# SPDX-License-Identifier: GPL-3.0-or-later
"""Rigs to keypoints: humanoid keypoint tables, one data module per rig family, name matching."""
