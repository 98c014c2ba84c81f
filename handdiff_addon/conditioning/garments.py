# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person wears, told by the materials that the camera sees, or else by what is usual.

Where a shirt ends, and whether arms and legs are bare, a picture had better take from the mesh that it is painted on
to, whatever the prompt names.  A material is told by where it is common: on hands and face, the chest, the legs, the
crown of the head.  Where all is one material, clothes have the usual cut, with the sleeves that the prompt names.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from .head import Head, usual_hair

Sleeves = Literal["long sleeves", "rolled-up sleeves", "short sleeves", ""]
"""As a caption says it; empty where it cannot be told"""

# Places as the body map colours them: red from the right fingertips to the left ones, green from the soles to the
# crown, blue from the back to the front of head and trunk.
_LOWER, _UPPER = (41, 48), (57, 70)
"""Bands across both forearms, as steps of red from the fingertips on: the wrist is at about 37, the elbow at 76.  Cloth
in both is a long sleeve, in the second alone a rolled-up one"""
_MIDDLE, _CHEST, _LEGS = (105, 150), (160, 192), (20, 122)
"""Red of trunk and legs, and green of either"""
_HEAD, _FOREHEAD, _CROWN, _FACE = 222, 246, 250, 170
"""Least green of the head, of what may be hair and of what is; least blue of the face"""
_SHARE, _LEAST = 0.2, 12

# Places that show, in every picture that the model learned from, the same kind of thing.
_BARE = (127, 228, 190)
"""A cheek"""
_HAIRY = (127, 252, 150)
_BARE_HEAD = 238, 170
"""Most green and least blue of skin on the head"""
_SHIRT, _SHOULDERS, _TROUSERS = (150, 185), (99, 155), (112, 180)
"""Green and red of the shirt, most green and blue of the trousers"""

# The usual cut: where half of the pixels change of the four people besides the sample human that the model
# learned from.
_HEM = 142
"""Least green of the shirt"""
_NECK, _CHIN = 220, (205, 176)
"""Least green of what no collar covers, and of the chin with its least blue"""
_CUFF: dict[Sleeves, float] = {"short sleeves": 0.7, "rolled-up sleeves": 1.35, "long sleeves": np.inf, "": 0.7}
"""Where along the arm sleeves end, 1 at the elbow and 2 at the wrist; short where nothing is said of them"""


class _Worn(NamedTuple):
    """Numbers of the materials of each kind."""

    skin: np.ndarray
    top: np.ndarray
    """All that the chest shows, but skin and hair"""
    bottom: np.ndarray
    hair: np.ndarray
    bare_legs: bool


class Kinds(NamedTuple):
    """What the pixels of one person show, (H, W) bool each."""

    skin: np.ndarray
    top: np.ndarray
    bottom: np.ndarray
    hair: np.ndarray


def named_sleeves(words: str) -> Sleeves:
    """The sleeves that a prompt or a caption names first: a person's own words stand before everybody's."""
    return min((sleeves for sleeves in _CUFF if sleeves and sleeves in words), key=words.index, default="")


def sleeves_of(body_map: np.ndarray, person: np.ndarray, hands: np.ndarray, materials: np.ndarray) -> Sleeves:
    """Tell the sleeves of one person.

    Bare is what has a material of the hands or the face; where the chest has no other, all may be one material with a
    texture, and nothing can be told.

    Args:
        body_map: (H, W, 3) uint8, as :func:`.body_map.body_map` gives it.
        person: (H, W) bool, what is seen of the person.
        hands: (H, W) bool, what is seen of both hands.
        materials: (H, W) int, what material each pixel shows, by any number.
    """
    body = person & ~hands
    worn, chest = _worn(body_map, body, hands, materials), _chest(body_map, body, materials)
    if not len(worn.skin) or (len(chest) and np.isin(chest, worn.skin).all()):
        return ""
    reach = np.minimum(body_map[..., 0], 255 - body_map[..., 0])
    lower, upper = (
        bool(np.isin(band, worn.skin).mean() < 0.5) if len(band) >= _LEAST else None
        for band in (materials[body & (reach >= first) & (reach < last)] for first, last in (_LOWER, _UPPER))
    )
    if lower or (upper and lower is None):
        return "long sleeves"
    if upper:
        return "rolled-up sleeves"
    return "" if lower is None and upper is None else "short sleeves"


def told_kinds(body_map: np.ndarray, person: np.ndarray, hands: np.ndarray, materials: np.ndarray) -> Kinds | None:
    """Tell by the materials what each pixel of one person shows; arguments are those of :func:`sleeves_of`.

    Where chest and legs are one, the place alone tells where trousers begin.

    Returns:
        the kinds, without the hands; None where the chest shows no other material than hands and face: all may be one
        with a texture then.
    """
    body = person & ~hands
    worn = _worn(body_map, body, hands, materials)
    if not len(worn.top):
        return None
    skin, top, bottom, hair = (body & np.isin(materials, kind) for kind in worn[:4])
    if not len(worn.bottom) and not worn.bare_legs:
        high = body_map[..., 1] >= _HEM
        top, bottom = top & high, top & ~high
    return Kinds(skin, top, bottom, hair)


def usual_kinds(
    body_map: np.ndarray,
    person: np.ndarray,
    hands: np.ndarray,
    reach: np.ndarray,
    sleeves: Sleeves,
    head: Head | None = None,
) -> Kinds:
    """Tell by the place alone, as the people wear it that the model learned from: by itself it paints the mean of all
    hems and sleeves.

    Args:
        body_map, person, hands: as :func:`sleeves_of` takes them.
        reach: (H, W) how far along an arm each pixel lies, as :func:`.body_map.arm_reach` gives it.
        head: what head and neck show; without it, they stay unknown.
    """
    _, green, blue = body_map.transpose(2, 0, 1)
    arms = ~np.isnan(reach)
    body = person & ~hands
    if head is None:
        unknown = ~arms & ((green >= _NECK) | ((green >= _CHIN[0]) & (blue >= _CHIN[1])))
        head = Head(np.zeros_like(body), np.zeros_like(body), np.zeros_like(body))
        body &= ~unknown
    bare = body & (head.skin | (reach >= _CUFF[sleeves]))
    cloth, high = body & ~bare & ~head.hair, arms | (green >= _HEM)
    return Kinds(bare, cloth & high, cloth & ~high, head.hair)


def face_of(body_map: np.ndarray, body: np.ndarray) -> np.ndarray:
    """(H, W) bool, of a body without arms and hands the face below the hairline."""
    green, blue = body_map[..., 1], body_map[..., 2]
    return body & (green >= _HEAD) & (green < _FOREHEAD) & (blue >= _FACE)


def legs_of(body_map: np.ndarray) -> np.ndarray:
    """(H, W) bool, of a body without arms and hands what lies below the usual hem."""
    return body_map[..., 1] < _HEM


def worn_places(body_map: np.ndarray, kinds: Kinds) -> np.ndarray:
    """Move what is seen of one person to where its kind would be seen on the people that the model learned from.

    A shirt's tail over the thighs goes to the belly, bare legs go to the face, a hood to the shoulders, and hair that
    hangs below the usual hairline to the crown, so that each gets its colour.

    Returns:
        the body map (H, W, 3) uint8; what is of no known kind stays where it is.
    """
    skin, top, bottom, hair = kinds
    places = body_map.copy()
    red, green, blue = places[..., 0], places[..., 1], places[..., 2]
    head = skin & (green >= _HEAD)
    green[head], blue[head] = np.minimum(green[head], _BARE_HEAD[0]), np.maximum(blue[head], _BARE_HEAD[1])
    places[skin & ~head] = _BARE
    green[top], red[top] = np.clip(green[top], *_SHIRT), np.clip(red[top], *_SHOULDERS)
    green[bottom], blue[bottom] = np.minimum(green[bottom], _TROUSERS[0]), np.minimum(blue[bottom], _TROUSERS[1])
    places[hair & ~usual_hair(body_map)] = _HAIRY
    return places


def _worn(body_map: np.ndarray, body: np.ndarray, hands: np.ndarray, materials: np.ndarray) -> _Worn:
    green = body_map[..., 1]
    skin = np.union1d(_common(materials[hands]), _common(materials[face_of(body_map, body)]))
    hair = np.setdiff1d(_common(materials[body & (green >= _CROWN)]), skin)
    chest, legs = _chest(body_map, body, materials), _common(materials[_middle(body_map, body, _LEGS)])
    hair = np.setdiff1d(hair, chest[:1])  # a hood is the shirt's; hair that hangs on the chest is not
    top = np.setdiff1d(chest, np.union1d(skin, hair))
    bottom = np.setdiff1d(legs, np.concatenate([skin, hair, top]))
    return _Worn(skin, top, bottom, hair, bool(np.isin(legs, skin).any()))


def _chest(body_map: np.ndarray, body: np.ndarray, materials: np.ndarray) -> np.ndarray:
    return _common(materials[_middle(body_map, body, _CHEST)])


def _middle(body_map: np.ndarray, body: np.ndarray, band: tuple[int, int]) -> np.ndarray:
    red, green = body_map[..., 0], body_map[..., 1]
    return body & (red >= _MIDDLE[0]) & (red < _MIDDLE[1]) & (green >= band[0]) & (green < band[1])


def _common(materials: np.ndarray) -> np.ndarray:
    """The materials of a good share of these pixels, the commonest first; none where there are hardly any."""
    if len(materials) < _LEAST:
        return np.empty(0, materials.dtype)
    kinds, counts = np.unique(materials, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return kinds[order][counts[order] >= _SHARE * len(materials)]
