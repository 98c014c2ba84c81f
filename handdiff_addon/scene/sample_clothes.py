# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample human's clothes as implicit shapes and ribs, at rest, in metres.  Even in x where both sides are meant."""

from __future__ import annotations

import numpy as np

from . import sample_shapes as shapes
from .sample_skeleton import ANKLE, ELBOW, HIP, SHOULDER, WRIST, hand_frame


def torso_field(p: np.ndarray) -> np.ndarray:
    """Shirt around the trunk, without sleeves; even in x."""
    return shapes.loft(
        p,
        (0, 0, 0),
        (0, 0, 1),
        (1, 0, 0),
        [
            (0.866, 0.012, 0.172, 0.106, 0.122),
            (0.878, 0.012, 0.187, 0.121, 0.138),
            (0.900, 0.012, 0.190, 0.123, 0.140),
            (0.930, 0.012, 0.187, 0.120, 0.134),
            (0.980, 0.010, 0.176, 0.113, 0.117),
            (1.040, 0.008, 0.158, 0.105, 0.101),
            (1.110, 0.008, 0.148, 0.101, 0.094),
            (1.190, 0.010, 0.153, 0.108, 0.100),
            (1.270, 0.014, 0.167, 0.119, 0.110),
            (1.330, 0.018, 0.176, 0.119, 0.114),
            (1.380, 0.022, 0.177, 0.104, 0.106),
            (1.415, 0.026, 0.166, 0.086, 0.090),
            (1.438, 0.028, 0.138, 0.076, 0.077),
            (1.460, 0.029, 0.094, 0.062, 0.066),
            (1.478, 0.028, 0.062, 0.050, 0.058),
            (1.490, 0.027, 0.048, 0.042, 0.050),
        ],
        2.4,
    )


def sleeve_field(p: np.ndarray) -> np.ndarray:
    """Left sleeve, from the shoulder to the wrist."""
    upper, lower = float(np.linalg.norm(ELBOW - SHOULDER)), float(np.linalg.norm(WRIST - ELBOW))
    arm = shapes.loft(
        p,
        SHOULDER,
        ELBOW - SHOULDER,
        (0, -1, 0),
        [
            (-0.040, 0.004, 0.045, 0.036, 0.044),
            (0.000, 0.004, 0.058, 0.050, 0.054),
            (0.060, 0.002, 0.060, 0.055, 0.056),
            (0.140, 0.000, 0.055, 0.050, 0.051),
            (upper - 0.06, 0.000, 0.048, 0.045, 0.045),
            (upper, 0.000, 0.045, 0.043, 0.043),
            (upper + 0.03, 0.000, 0.043, 0.040, 0.040),
        ],
    )
    forearm = shapes.loft(
        p,
        ELBOW,
        WRIST - ELBOW,
        (0, -1, 0),
        [
            (-0.030, 0.000, 0.040, 0.040, 0.040),
            (0.000, 0.000, 0.045, 0.043, 0.043),
            (0.060, 0.000, 0.048, 0.045, 0.045),
            (0.140, 0.000, 0.043, 0.039, 0.039),
            (lower - 0.050, 0.000, 0.0385, 0.0320, 0.0320),
            (lower - 0.026, 0.000, 0.0385, 0.0315, 0.0315),
            (lower - 0.014, 0.000, 0.0300, 0.0230, 0.0230),
        ],
    )
    return shapes.union(arm, forearm, 0.02)


def top_field(p: np.ndarray) -> np.ndarray:
    """The whole shirt; even in x."""
    q = shapes.fold(p)
    torso = torso_field(q)
    # the chest's two halves, faintly
    chest = shapes.ellipsoid(q, (0.075, -0.078, 1.318), (0.078, 0.034, 0.060))
    torso = shapes.union(torso, chest, 0.06)
    return shapes.union(torso, sleeve_field(q), 0.055)


def collar_mesh() -> tuple[np.ndarray, np.ndarray]:
    """The neckline's rib, a closed loop that falls to the front."""
    turn = np.arange(40) * 2 * np.pi / 40 + np.pi / 40
    outward = np.stack([np.cos(turn), np.sin(turn), np.full(40, 0.25)], axis=1)
    path = np.stack([0.0575 * np.cos(turn), 0.0235 + 0.0575 * np.sin(turn), 1.4800 + 0.012 * np.sin(turn)], axis=1)
    return shapes.swept(path, outward, np.full((40, 2), (0.0065, 0.0125)), closed=True)


def cuff_mesh() -> tuple[np.ndarray, np.ndarray]:
    """The left sleeve's rib at the wrist."""
    frame, origin = hand_frame()
    turn = np.arange(24) * 2 * np.pi / 24
    outward = np.cos(turn)[:, None] * frame[:, 1] + np.sin(turn)[:, None] * frame[:, 2]
    path = origin - 0.022 * frame[:, 0] + outward * np.hypot(0.0355 * np.cos(turn), 0.0290 * np.sin(turn))[:, None]
    return shapes.swept(path, outward, np.full((24, 2), (0.0055, 0.0125)), closed=True, sides=8)


def trousers_field(p: np.ndarray) -> np.ndarray:
    """Trousers; even in x."""
    q = shapes.fold(p)
    hips = shapes.loft(
        q,
        (0, 0, 0),
        (0, 0, 1),
        (1, 0, 0),
        [
            (0.815, 0.012, 0.100, 0.070, 0.080),
            (0.850, 0.012, 0.150, 0.095, 0.112),
            (0.900, 0.012, 0.170, 0.102, 0.116),
            (0.960, 0.010, 0.166, 0.101, 0.106),
            (1.010, 0.008, 0.152, 0.095, 0.092),
        ],
        2.4,
    )
    leg = shapes.loft(
        q,
        ANKLE - (0, 0, 0.02),
        HIP - ANKLE,
        (1, 0, 0),
        [
            (0.015, 0.008, 0.054, 0.058, 0.060),
            (0.120, 0.006, 0.055, 0.056, 0.064),
            (0.270, 0.006, 0.062, 0.060, 0.072),
            (0.400, -0.004, 0.063, 0.064, 0.062),
            (0.470, -0.004, 0.067, 0.068, 0.064),
            (0.620, 0.000, 0.079, 0.082, 0.078),
            (0.760, 0.004, 0.086, 0.090, 0.090),
            (0.860, 0.006, 0.080, 0.084, 0.090),
        ],
    )
    # keeps the legs apart below the crotch
    gap = 0.006 - q[:, 0]
    return shapes.union(hips, np.maximum(leg, gap), 0.03)


def shoe_field(p: np.ndarray) -> np.ndarray:
    """Left shoe with a welt around its sole."""
    q = p - (0.112, 0.0, 0.0)
    sole = shapes.loft(
        q,
        (0, 0, 0.045),
        (0, -1, 0),
        (1, 0, 0),
        [
            (-0.085, 0.0, 0.018, 0.040, 0.015),
            (-0.070, 0.0, 0.034, 0.045, 0.034),
            (-0.020, 0.0, 0.037, 0.045, 0.048),
            (0.050, 0.0, 0.041, 0.045, 0.032),
            (0.105, 0.0, 0.049, 0.045, 0.018),
            (0.150, 0.0, 0.045, 0.045, 0.004),
            (0.185, 0.0, 0.022, 0.040, -0.012 + 0.020),
        ],
        2.5,
    )
    welt = np.maximum(sole - 0.0035, q[:, 2] - 0.016)
    ankle = shapes.tube(q, np.array([(-0.006, 0.024, 0.125), (-0.004, 0.020, 0.070)]), [0.044, 0.040])
    shoe = shapes.union(sole, np.maximum(ankle, q[:, 2] - 0.13), 0.03)
    return np.maximum(shapes.union(shoe, welt, 0.002), 0.002 - q[:, 2])
