# SPDX-License-Identifier: GPL-3.0-or-later
"""Semantic segmentation in the colours of ADE20K, which ControlNet's seg models were trained on."""

from __future__ import annotations

import numpy as np

PERSON = (150, 5, 61)
"""ADE20K's class 12, person"""


def segmentation_picture(person_mask: np.ndarray) -> np.ndarray:
    """People in ADE20K's colour for a person; all else is black, ADE20K's "unlabelled", since a scene does not say
    what its objects are.

    Args:
        person_mask: bool (H, W)

    Returns:
        (H, W, 3) uint8 RGB
    """
    picture = np.zeros((*person_mask.shape, 3), dtype=np.uint8)
    picture[person_mask] = PERSON
    return picture
