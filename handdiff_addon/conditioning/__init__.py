# SPDX-License-Identifier: GPL-3.0-or-later
"""What the models see of one frame: skeleton, heatmaps, masks, depth, crops.  numpy and Pillow only."""
