# SPDX-License-Identifier: GPL-3.0-or-later
"""Rokoko's Newton skeleton: Mixamo's names down to the wrists, and fingers by number.

Not confirmed on a file: the legs, and ``LeftFinger1`` as the thumb with its metacarpal first.
"""

from __future__ import annotations

from .family import Family, both_sides, phalanges, tips
from .mixamo import BODY, HEAD, SIDES

_FINGERS = {"index": "2", "middle": "3", "ring": "4", "little": "5"}
_THUMB = {"thumb": "1"}
_OWN = {
    "spine": "Spine1|Spine",
    "chest": "Spine4|Spine3",
    "thigh": "{side}Thigh",
    "shin": "{side}Shin",
    "toe": "{side}Toe",
    **phalanges("{side}Finger{finger}{joint}", _THUMB, ("Metacarpal", "Proximal", "Distal")),
    **phalanges("{side}Finger{finger}{joint}", _FINGERS, ("Proximal", "Medial", "Distal")),
    **tips("{side}Finger{finger}Tip", _THUMB | _FINGERS),
}

FAMILY = Family(
    name="rokoko",
    label="Rokoko Newton",
    bones=both_sides({name: theirs for name, theirs in (BODY | _OWN).items() if name != "eye"}, SIDES),
    head=HEAD,
)
