# SPDX-License-Identifier: GPL-3.0-or-later
"""Directions and rotations as plain arrays: vectors (3,), rotations (3, 3) that multiply columns from the left."""

from __future__ import annotations

import numpy as np


def unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.linalg.norm(vector)), 1e-9)


def across(vector: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """The unit part of ``vector`` at right angles to the unit ``axis``."""
    return unit(vector - axis * float(vector @ axis))


def rotation(axis: np.ndarray, angle: float) -> np.ndarray:
    """(3, 3) right-handed rotation about a unit axis, radians (Rodrigues' formula)."""
    x, y, z = axis
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.eye(3) + np.sin(angle) * cross + (1.0 - np.cos(angle)) * (cross @ cross)


def swing(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(3, 3) smallest rotation that takes one direction to another."""
    source, target = unit(source), unit(target)
    axis = np.cross(source, target)
    sine, cosine = float(np.linalg.norm(axis)), float(source @ target)
    if sine < 1e-9:
        if cosine > 0:
            return np.eye(3)
        axis = np.cross(source, np.eye(3)[int(np.argmin(np.abs(source)))])
    return rotation(unit(axis), float(np.arctan2(sine, cosine)))


def limit(direction: np.ndarray, centre: np.ndarray, most: float) -> np.ndarray:
    """``direction``, bent to at most ``most`` radians away from ``centre``."""
    direction, centre = unit(direction), unit(centre)
    angle = float(np.arccos(np.clip(direction @ centre, -1.0, 1.0)))
    if angle <= most:
        return direction
    return rotation(unit(np.cross(centre, direction)), most) @ centre


def twist_about(matrix: np.ndarray, axis: np.ndarray) -> float:
    """Angle of the part of a rotation that turns about ``axis``, -pi to pi (swing-twist decomposition)."""
    vector = np.array([matrix[2, 1] - matrix[1, 2], matrix[0, 2] - matrix[2, 0], matrix[1, 0] - matrix[0, 1]])
    trace = float(np.trace(matrix))
    if trace > -0.99:  # the quaternion (1 + trace, vector) up to scale
        angle = 2.0 * float(np.arctan2(vector @ axis, 1.0 + trace))
        return float((angle + np.pi) % (2 * np.pi) - np.pi)
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    return float(np.pi * np.sign(vectors[:, int(np.argmax(values))] @ axis))
