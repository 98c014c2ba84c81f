# SPDX-License-Identifier: GPL-3.0-or-later
"""What the embedded model's two networks see of a pose, stacked into channels."""

from __future__ import annotations

import numpy as np

from .heatmaps import CHANNELS

SKELETON, PERSON, HANDS, HANDS_MASK, NORMALS, BODY_MAP = (
    slice(0, 3), slice(3, 4), slice(4, 7), slice(7, 8), slice(8, 11), slice(11, 14),
)  # fmt: skip
"""Channels of :func:`outpaint_hint`"""
HINT_CHANNELS: int = BODY_MAP.stop


def hand_hint_channels(patch: int) -> int:
    """Channels of :func:`hand_hint` with latent cells of so many pixels."""
    return CHANNELS + 3 * patch**2


def person_normals(normals: np.ndarray, person_mask: np.ndarray) -> np.ndarray:
    """The colours of normals (H, W, 3) uint8 with all but the people as flat as a wall, as in the training pictures."""
    return np.where(person_mask[..., None], normals, np.array((128, 128, 255), np.uint8))


def outpaint_hint(
    skeleton: np.ndarray,
    person_mask: np.ndarray,
    normals: np.ndarray | None,
    hands: np.ndarray | None,
    hands_mask: np.ndarray | None,
    body_map: np.ndarray | None,
) -> np.ndarray:
    """Stack the ControlNet's hint: skeleton, person mask, the hands that stage 1 painted, surface normals, body map.

    Args:
        skeleton: (H, W, 3) uint8 RGB.
        person_mask: (H, W) bool.
        normals: (H, W, 3) uint8 from :func:`person_normals`; None where a pose has no surface.
        hands: (H, W, 3) uint8 RGB picture that holds the given hands; None where no hands are given.
        hands_mask: (H, W) bool, where they are.
        body_map: (H, W, 3) uint8 from :func:`.body_map.body_map`; None where nobody's keypoints are known in space.

    Returns:
        (14, H, W) float32 in 0..1: skeleton RGB, person mask, hands RGB (0 outside their mask), hands' mask, normals
        RGB and body map RGB (0 where there are none).
    """
    hint = np.zeros((HINT_CHANNELS, *person_mask.shape), dtype=np.float32)
    hint[SKELETON] = skeleton.transpose(2, 0, 1) / np.float32(255.0)
    hint[PERSON] = person_mask
    if hands is not None and hands_mask is not None:
        hint[HANDS] = hands.transpose(2, 0, 1) / np.float32(255.0) * hands_mask
        hint[HANDS_MASK] = hands_mask
    if normals is not None:
        hint[NORMALS] = normals.transpose(2, 0, 1) / np.float32(255.0)
    if body_map is not None:
        hint[BODY_MAP] = body_map.transpose(2, 0, 1) / np.float32(255.0)
    return hint


def hand_hint(heatmaps: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Stack what the hand generator sees beside its latents.

    Args:
        heatmaps: (11, h, w) float32 in 0..1 at the latents' size.
        normals: (S, S, 3) uint8 of the crop, from :func:`person_normals`, S a multiple of h; black for none.

    Returns:
        (11 + 3 p^2, h, w) float32 in 0..1, p = S / h: heatmaps, then the normals' pixels of each cell.
    """
    cells = heatmaps.shape[1]
    patch = normals.shape[0] // cells
    pixels = normals.reshape(cells, patch, cells, patch, 3).transpose(4, 1, 3, 0, 2).reshape(-1, cells, cells)
    return np.concatenate([heatmaps, pixels / np.float32(255.0)])
