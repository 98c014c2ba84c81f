# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample human's head, face and hair, at rest, in metres; even in x where both sides are meant."""

from __future__ import annotations

import numpy as np

from . import sample_shapes as shapes
from .sample_skeleton import EYE, EYE_RADIUS


def _skull(q: np.ndarray) -> np.ndarray:
    """The head without its features."""
    face = shapes.loft(
        q,
        (0, 0, 0),
        (0, 0, 1),
        (1, 0, 0),
        [
            (1.523, -0.052, 0.014, 0.020, 0.020),
            (1.528, -0.050, 0.023, 0.035, 0.034),
            (1.538, -0.038, 0.034, 0.052, 0.056),
            (1.555, -0.018, 0.0455, 0.073, 0.080),
            (1.580, -0.005, 0.0555, 0.086, 0.086),
            (1.610, 0.000, 0.0630, 0.089, 0.090),
            (1.640, 0.002, 0.0680, 0.089, 0.090),
            (1.665, 0.003, 0.0690, 0.091, 0.086),
            (1.685, 0.003, 0.0600, 0.080, 0.076),
            (1.705, 0.003, 0.0400, 0.060, 0.060),
        ],
        2.25,
    )
    cranium = shapes.ellipsoid(q, (0.0, 0.008, 1.660), (0.0755, 0.098, 0.0915))
    return shapes.union(face, cranium, 0.02)


def head_field(p: np.ndarray) -> np.ndarray:
    """Head and neck with eye sockets, lids, nose and mouth, without ears; even in x."""
    q = shapes.fold(p)
    head = _skull(q)
    neck = shapes.loft(
        q,
        (0, 0.030, 1.40),
        (0, -0.12, 1),
        (1, 0, 0),
        [(0.0, 0, 0.054, 0.056, 0.054), (0.10, 0, 0.0505, 0.052, 0.053), (0.20, 0, 0.049, 0.050, 0.060)],
    )
    head = shapes.union(head, neck, 0.018)
    # sockets, then lids around the eyeballs with an almond opening
    socket = shapes.ellipsoid(q, (0.0305, -0.104, 1.639), (0.020, 0.019, 0.013))
    head = shapes.cut(head, socket, 0.014)
    ridge = np.array([(0.010, -0.0890, 1.658), (0.030, -0.0865, 1.662), (0.047, -0.0735, 1.657)])
    brow = shapes.tube(q, ridge, [0.005, 0.005, 0.004])
    cheek = shapes.ellipsoid(q, (0.041, -0.060, 1.609), (0.020, 0.024, 0.019))
    head = shapes.union(shapes.union(head, brow, 0.014), cheek, 0.02)
    lid = shapes.ellipsoid(q, tuple(EYE), (EYE_RADIUS + 0.0024,) * 3)
    head = shapes.union(head, lid, 0.006)
    opening = shapes.ellipsoid(q, (EYE[0] + 0.0002, -0.090, EYE[2] - 0.0003), (0.0134, 0.02, 0.0049))
    head = shapes.cut(head, opening, 0.0015)
    # nose
    spine = np.array([(0, -0.0850, 1.652), (0, -0.0950, 1.628), (0, -0.1060, 1.6065)])
    bridge = shapes.tube(q, spine, [0.0066, 0.0070, 0.0092], 0.006)
    wing = shapes.ellipsoid(q, (0.0108, -0.0955, 1.6030), (0.0072, 0.0105, 0.0068))
    nostril = shapes.ellipsoid(q, (0.0065, -0.1020, 1.5965), (0.0036, 0.0055, 0.0040))
    nose = shapes.cut(shapes.union(bridge, wing, 0.007), nostril, 0.003)
    head = shapes.union(head, nose, 0.008)
    # lips and the line between them
    x = q[:, 0]
    bend = 0.0135 * (x / 0.026) ** 2
    r = np.stack([x, q[:, 1] - bend, q[:, 2]], axis=1)
    upper = shapes.ellipsoid(r, (0.0, -0.0895, 1.5775), (0.0245, 0.0080, 0.0052))
    lower = shapes.ellipsoid(r, (0.0, -0.0885, 1.5675), (0.0215, 0.0090, 0.0062))
    head = shapes.union(shapes.union(head, upper, 0.003), lower, 0.003)
    line = shapes.ellipsoid(r, (0.0, -0.0985, 1.5732), (0.0265, 0.0090, 0.0013))
    head = shapes.cut(head, line, 0.0015)
    chin = shapes.ellipsoid(q, (0.0, -0.0790, 1.5410), (0.0160, 0.0140, 0.0130))
    return shapes.union(head, chin, 0.014)


def ear_field(p: np.ndarray) -> np.ndarray:
    """The left ear, a tilted dish."""
    turn = np.radians(28.0)
    e = p - (0.0700, 0.014, 1.6260)
    out = e[:, 0] * np.cos(turn) - e[:, 1] * np.sin(turn)
    back = e[:, 0] * np.sin(turn) + e[:, 1] * np.cos(turn) - 0.22 * e[:, 2]
    r = np.stack([out, back, e[:, 2]], axis=1)
    ear = shapes.ellipsoid(r, (0.003, 0.008, 0.002), (0.0085, 0.0175, 0.0290))
    lobe = shapes.ellipsoid(r, (0.003, 0.002, -0.021), (0.0065, 0.0095, 0.0110))
    dish = shapes.ellipsoid(r, (0.0125, 0.006, 0.003), (0.0090, 0.0110, 0.0200))
    return shapes.cut(shapes.union(ear, lobe, 0.008), dish, 0.004)


def hair_field(p: np.ndarray) -> np.ndarray:
    """A cap of short hair; even in x."""
    q = shapes.fold(p)
    x, y, z = q.T
    # the hairline falls from the forehead to the temples, over the ears, to the nape
    line = np.interp(
        y,
        [-0.100, -0.072, -0.045, -0.030, -0.014, -0.002, 0.030, 0.055, 0.105],
        [1.703, 1.700, 1.672, 1.640, 1.636, 1.660, 1.655, 1.600, 1.572],
    )
    line = line - 0.004 * shapes.smoothstep(x, 0.0, 0.05)
    volume = shapes.union(shapes.ellipsoid(q, (0.0, 0.009, 1.664), (0.0830, 0.1065, 0.0995)), _skull(q) - 0.007, 0.015)
    volume = volume + 0.0045 * (1.0 - shapes.smoothstep(z - line, 0.0, 0.045))
    return -shapes.union(-volume, -(line - z) * 0.8, 0.006)


def brow_mesh() -> tuple[np.ndarray, np.ndarray]:
    """The left eyebrow, a flat arch on the face."""
    x = np.linspace(0.0120, 0.0470, 12)
    z = np.interp(x, [0.0120, 0.0230, 0.0350, 0.0470], [1.6590, 1.6620, 1.6625, 1.6575])
    path = np.stack([x, [_front(a, b) for a, b in zip(x, z, strict=True)], z], axis=1)
    height = np.interp(x, [0.0120, 0.0160, 0.0300, 0.0470], [0.0014, 0.0030, 0.0029, 0.0004])
    return shapes.swept(path, np.tile((0.0, 0.0, 1.0), (12, 1)), np.stack([height, 0.45 * height], axis=1), sides=8)


def _front(x: float, z: float) -> float:
    """The y at which the face's surface lies, seen from the front."""
    y = np.linspace(-0.12, -0.03, 181)
    values = head_field(np.stack([np.full_like(y, x), y, np.full_like(y, z)], axis=1))
    return float(y[np.argmax(values < 0.0)])


def eyeball_mesh() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices, quads and (M,) whether a quad is iris: a sphere of rings about the viewing direction."""
    around = 24
    polar = np.radians([8, 31, 45, 65, 90, 120, 150, 172])
    turn = np.arange(around) * 2 * np.pi / around
    circle = np.stack([np.cos(turn), np.zeros(around), np.sin(turn)], axis=1)
    rings = np.sin(polar)[:, None, None] * circle - np.cos(polar)[:, None, None] * (0.0, 1.0, 0.0)
    vertices = rings.reshape(-1, 3)
    quads: list[tuple[int, ...]] = []
    iris = []
    for ring in range(len(polar) - 1):
        for k in range(around):
            a, b = ring * around + k, ring * around + (k + 1) % around
            quads.append((a, a + around, b + around, b))
            iris.append(ring < 1)
    for base, order in ((0, 1), ((len(polar) - 1) * around, -1)):
        # close each pole with a strip of quads
        for k in range(around // 2 - 1):
            strip = (base + k, base + k + 1, base + around - 2 - k, base + around - 1 - k)
            quads.append(strip[::order])
            iris.append(base == 0)
    return EYE + vertices * EYE_RADIUS, np.array(quads), np.array(iris)
