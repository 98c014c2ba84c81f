# SPDX-License-Identifier: GPL-3.0-or-later
"""The embedded ControlNet's hint: skeleton, person mask, and the hands that stage 1 painted."""

from __future__ import annotations

import numpy as np

HINT_CHANNELS = 8


def outpaint_hint(
    skeleton: np.ndarray, person_mask: np.ndarray, hands: np.ndarray | None, hands_mask: np.ndarray | None
) -> np.ndarray:
    """Stack a hint.

    Args:
        skeleton: (H, W, 3) uint8 RGB.
        person_mask: (H, W) bool.
        hands: (H, W, 3) uint8 RGB picture that holds the given hands; None where no hands are given.
        hands_mask: (H, W) bool, where they are.

    Returns:
        (8, H, W) float32 in 0..1: skeleton RGB, person mask, hands RGB (0 outside their mask), hands' mask.
    """
    hint = np.zeros((HINT_CHANNELS, *person_mask.shape), dtype=np.float32)
    hint[:3] = skeleton.transpose(2, 0, 1) / np.float32(255.0)
    hint[3] = person_mask
    if hands is not None and hands_mask is not None:
        hint[4:7] = hands.transpose(2, 0, 1) / np.float32(255.0) * hands_mask
        hint[7] = hands_mask
    return hint
