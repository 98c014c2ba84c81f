# SPDX-License-Identifier: GPL-3.0-or-later
"""The CMU motion-capture skeleton, as its BVH files and MakeHuman's CMU rig have it: Mixamo's names on the body.

A hand is a thumb bone and one bone for all fingers, which give no keypoints.
"""

from __future__ import annotations

from .family import Family, both_sides
from .makehuman import HEAD
from .mixamo import BODY, SIDES

_OWN = {"spine": "LowerBack", "chest": "Spine1|Spine"}

FAMILY = Family(
    name="cmu",
    label="CMU motion capture",
    bones=both_sides({name: theirs for name, theirs in (BODY | _OWN).items() if name != "eye"}, SIDES),
    head=HEAD,
    marks=("LHipJoint", "RHipJoint", "LowerBack", "LThumb", "RThumb", "LeftFingerBase", "RightFingerBase"),
)
