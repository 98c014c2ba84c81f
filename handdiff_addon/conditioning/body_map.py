# SPDX-License-Identifier: GPL-3.0-or-later
"""The body map: for every pixel of a person, which place of the body it shows, as a colour.

The idea is DensePose's (Güler et al. 2018) and of normalised object coordinates (Wang et al. 2019); here the rig and
the depth say it exactly enough without any network: a pixel's place in the world is expressed along the limbs nearest
to it and carried over to a template that stands in T-pose.  Sleeves, collars, hair and faces then have the same colours
in every pose, whatever mesh, clothes or rig they come from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..request import SIDES, Side
from ..rig.keypoints import BODY_INDEX, FINGERS, PersonKeypoints
from .capsules import size_of

# Models were trained with the lengths and places below, so they are not those of ``capsules``, and changing them asks
# for another training.
_SHARPNESS = 6.0
"""How fast a limb's say falls with the distance from it in radii"""
_AT_ONCE = 65536
"""Pixels, so that memory is bounded"""
_FAR = 0.1
"""Change of the blue of limbs for each radius that a pixel is off the skin: shoes, skirts, hair"""


@dataclass(frozen=True)
class _Limb:
    """A stretch of the body as a capsule, with its place on the template."""

    start: np.ndarray
    end: np.ndarray
    radius: float
    template: tuple[tuple[float, float], tuple[float, float]]
    """(across, height) at both ends: across -1 at the right fingertips to 1 at the left, height 0 to 1"""
    frame: tuple[np.ndarray, np.ndarray] | None = None
    """Vectors in the world whose product with an offset from the axis says how far across, and to the front; only of
    parts whose front is known"""


def body_map(
    points: np.ndarray,
    people: Sequence[PersonKeypoints],
    bodies: Sequence[np.ndarray],
    hands: Sequence[Mapping[Side, np.ndarray]],
) -> np.ndarray:
    """Colour what is seen of people by its place on the body.

    Args:
        points: (H, W, 3) places in the world that the pixels show, metres, as :func:`.flow.static_points` gives them.
        people: their keypoints in world space.
        bodies: (H, W) bool per person, what is seen of them.
        hands: (H, W) bool per person and side, what is seen of their hands.

    Returns:
        (H, W, 3) uint8: red from the right fingertips (0) to the left ones (255), green from the soles (0) to the crown
        (255), blue from the back (0) to the front (255) of head and trunk and around 128 on limbs; black where nobody
        is.
    """
    picture = np.zeros(points.shape, dtype=np.uint8)
    for person, body, own in zip(people, bodies, hands, strict=True):
        rest = body.copy()
        for side in SIDES:
            _paint(picture, points, own[side] & body, _hand(person, side))
            rest &= ~own[side]
        _paint(picture, points, rest, _body(person))
    return picture


def arm_reach(points: np.ndarray, people: Sequence[PersonKeypoints], arms: Sequence[np.ndarray]) -> np.ndarray:
    """How far along an arm each pixel lies.

    Args:
        points, people: as :func:`body_map` takes them.
        arms: (H, W) bool per person, what is seen of both arms.

    Returns:
        (H, W) float32: 0 at the shoulder, 1 at the elbow, 2 at the wrist; NaN where no arm is.
    """
    reach = np.full(points.shape[:2], np.nan, np.float32)
    for person, own in zip(people, arms, strict=True):
        own = own & np.isfinite(points[..., 0])
        nearest = np.full(int(own.sum()), np.inf)
        found = np.full(len(nearest), np.nan, np.float32)
        for side in SIDES:
            joints = [person.body[BODY_INDEX[f"{side}_{name}"]] for name in ("shoulder", "elbow", "wrist")]
            for begin, (start, end) in enumerate(pairwise(joints)):
                axis = end - start
                along = np.clip((points[own] - start) @ axis / max(float(axis @ axis), 1e-12), 0.0, 1.0)
                distance = np.linalg.norm(points[own] - start - along[:, None] * axis, axis=1)
                closer = distance < nearest
                nearest[closer], found[closer] = distance[closer], begin + along[closer]
        reach[own] = found
    return reach


def _paint(picture: np.ndarray, points: np.ndarray, chosen: np.ndarray, limbs: Sequence[_Limb]) -> None:
    chosen = chosen & np.isfinite(points[..., 0])
    limbs = [limb for limb in limbs if np.isfinite([limb.start, limb.end]).all()]
    if not limbs or not chosen.any():
        return
    colours = [_colours(places, limbs) for places in np.array_split(points[chosen], chosen.sum() // _AT_ONCE + 1)]
    picture[chosen] = np.concatenate(colours)


def _colours(points: np.ndarray, limbs: Sequence[_Limb]) -> np.ndarray:
    """Of points (N, 3), (N, 3) uint8."""
    places = points.astype(np.float32)
    distance = np.empty((len(limbs), len(places)), np.float32)
    colours = np.empty((len(limbs), len(places), 3), np.float32)
    for index, limb in enumerate(limbs):
        axis = limb.end - limb.start
        relative = places - limb.start.astype(np.float32)
        along = np.clip(relative @ (axis / max(float(axis @ axis), 1e-12)).astype(np.float32), 0.0, 1.0)
        offset = (relative - along[:, None] * axis.astype(np.float32)) / np.float32(limb.radius)
        distance[index] = np.sqrt(np.einsum("nc,nc->n", offset, offset))
        (across, height), (across_end, height_end) = limb.template
        colours[index, :, 0] = across + along * (across_end - across)
        colours[index, :, 1] = height + along * (height_end - height)
        if limb.frame is None:
            colours[index, :, 2] = _FAR * (distance[index] - 1.0)
        else:
            lateral, front = (offset @ vector.astype(np.float32) for vector in limb.frame)
            colours[index, :, 0] += 0.1 * lateral
            colours[index, :, 2] = 0.5 * front
    say = np.exp(-_SHARPNESS * (distance - distance.min(axis=0)))
    colour = np.einsum("ln,lnc->nc", say / say.sum(axis=0), colours)
    colour[:, ::2] = 0.5 + 0.5 * colour[:, ::2]
    return np.rint(np.clip(colour, 0.0, 1.0) * 255.0).astype(np.uint8)


def _hand(person: PersonKeypoints, side: Side) -> list[_Limb]:
    """The fingers from the wrist on, fanned out in height on the template."""
    unit, sign = size_of(person), 1.0 if side == "left" else -1.0
    joints = person.hands[side]
    limbs = []
    for finger in range(len(FINGERS)):
        chain = [joints[0], *joints[1 + 4 * finger : 5 + 4 * finger]]
        fan = 0.06 * (2 - finger)
        places = [
            (sign * across, 0.78 + fan * spread)
            for across, spread in ((0.74, 0.5), (0.86, 1), (0.91, 1), (0.95, 1), (1, 1))
        ]
        radii = (0.028, 0.016, 0.016, 0.016)
        limbs += [
            _Limb(start, end, radius * unit, (place, place_end))
            for start, end, radius, place, place_end in zip(
                chain[:-1], chain[1:], radii, places[:-1], places[1:], strict=True
            )
        ]
    return limbs


def _body(person: PersonKeypoints) -> list[_Limb]:
    """Head, trunk and limbs; shoulders and hips are the trunk's."""
    unit = size_of(person)

    def joint(name: str) -> np.ndarray:
        return person.body[BODY_INDEX[name]]

    neck, hips = joint("neck"), (joint("left_hip") + joint("right_hip")) / 2
    up = _unit(neck - hips)
    across = _unit(joint("left_shoulder") - joint("right_shoulder"))
    trunk = across, _unit(np.cross(across, up))
    head = (joint("left_ear") + joint("right_ear")) / 2
    ears = _unit(joint("left_ear") - joint("right_ear"))
    face = joint("nose") - head
    face = _unit(face - (face @ ears) * ears)
    crown = np.cross(face, ears)
    skull = ears, face
    limbs = [
        _Limb(neck, head, 0.055 * unit, ((0.0, 0.8), (0.0, 0.9))),
        _Limb(head - 0.06 * unit * crown, head + 0.1 * unit * crown, 0.085 * unit, ((0.0, 0.86), (0.0, 1.0)), skull),
        _Limb(neck - 0.06 * unit * up, hips, 0.11 * unit, ((0.0, 0.78), (0.0, 0.5)), trunk),
    ]
    for side, sign in (("left", 1.0), ("right", -1.0)):
        shoulder = 0.8 * joint(f"{side}_shoulder") + 0.2 * neck
        limbs += [
            _Limb(
                shoulder - 0.06 * unit * up,
                joint(f"{side}_hip"),
                0.095 * unit,
                ((sign * 0.12, 0.75), (sign * 0.08, 0.5)),
                trunk,
            ),
            _Limb(neck, joint(f"{side}_shoulder"), 0.06 * unit, ((0.0, 0.8), (sign * 0.22, 0.78))),
            _Limb(
                joint(f"{side}_shoulder"),
                joint(f"{side}_elbow"),
                0.05 * unit,
                ((sign * 0.22, 0.78), (sign * 0.48, 0.78)),
            ),
            _Limb(
                joint(f"{side}_elbow"),
                joint(f"{side}_wrist"),
                0.035 * unit,
                ((sign * 0.48, 0.78), (sign * 0.74, 0.78)),
            ),
            _Limb(joint(f"{side}_hip"), joint(f"{side}_knee"), 0.08 * unit, ((sign * 0.1, 0.48), (sign * 0.1, 0.26))),
            _Limb(
                joint(f"{side}_knee"), joint(f"{side}_ankle"), 0.055 * unit, ((sign * 0.1, 0.26), (sign * 0.1, 0.04))
            ),
        ]
    return limbs


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.linalg.norm(vector)), 1e-9)
