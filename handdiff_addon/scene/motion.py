# SPDX-License-Identifier: GPL-3.0-or-later
"""Where everything was in earlier frames, so that their pictures can be carried along exactly."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..conditioning.camera import Camera
from ..conditioning.flow import FAR, Flow, backward_flow, static_points
from .seen import Seen

RIM = 64
"""Part of the picture's longer side within which a painted outline is taken to lie of the true one"""


@dataclass(frozen=True)
class Moment:
    """Where everything was in one frame, and what its camera saw."""

    camera: Camera
    depth: np.ndarray
    """(H, W) metres, inf where nothing"""
    surfaces: dict[tuple[str, int], np.ndarray]
    """Vertices (N, 3) in metres, by name and number among surfaces of that name"""


class Motion:
    """Remembers moments for as long as later frames ask for them, and tells the motion since then."""

    def __init__(self, sources: Mapping[int, Sequence[int]], *, outlines: bool = False) -> None:
        """
        Args:
            sources: each frame, in the order in which they are painted, and those since which its motion is wanted, in
                their order.
            outlines: what lay beside an outline then counts as seen.
        """
        self._sources = sources
        self._outlines = outlines
        self._moments: dict[int, Moment | None] = {}
        self._place = {frame: place for place, frame in enumerate(sources)}
        self._last = {source: self._place[frame] for frame, wanted in sources.items() for source in wanted}

    def missing(self, frame: int) -> list[int]:
        """Frames since which a frame's motion is wanted and that were not looked at: they were painted earlier."""
        return [source for source in self._sources.get(frame, ()) if source not in self._moments]

    def skip(self, frame: int) -> None:
        """Take a frame in that shows nobody."""
        self._moments[frame] = None

    def follow(self, frame: int, seen: Seen) -> dict[int, Flow]:
        """Take a frame in, and tell its motion since earlier ones; those seen by another camera are passed over."""
        flows = {
            source: motion_since(moment, seen, self._outlines)
            for source in self._sources.get(frame, ())
            if (moment := self._moments.get(source)) is not None and moment.camera.name == seen.camera.name
        }
        self._moments[frame] = moment_of(seen)
        here = self._place.get(frame, -1)
        self._moments = {kept: moment for kept, moment in self._moments.items() if self._last.get(kept, -1) > here}
        return flows


def moment_of(seen: Seen) -> Moment:
    return Moment(seen.camera, seen.raster.depth, _surfaces(seen))


def motion_since(moment: Moment, seen: Seen, outlines: bool = False) -> Flow:
    """The motion from an earlier (or later) moment to what is seen now.

    A surface that has another number of vertices by now was not seen then; which way quads are parted into triangles
    changes as they bend, and does not matter.  What shows no surface stays where it is, far away.  What lay beside an
    outline and does no longer counts as seen only with ``outlines``.
    """
    before = np.full((len(seen.vertices), 3), np.nan, np.float32)
    end = 0
    for name, vertices in _surfaces(seen).items():
        begin, end = end, end + len(vertices)
        then = moment.surfaces.get(name)
        if then is not None and len(then) == len(vertices):
            before[begin:end] = then
    raster = seen.raster
    points = raster.interpolate(before[seen.triangles]).astype(np.float64)
    empty = raster.triangle < 0
    points[empty] = static_points(np.where(empty, FAR, np.inf), seen.camera)[empty]
    if outlines:
        return backward_flow(points, moment.camera, moment.depth)
    return backward_flow(points, moment.camera, moment.depth, raster.depth, max(1, max(raster.depth.shape) // RIM))


def _surfaces(seen: Seen) -> dict[tuple[str, int], np.ndarray]:
    count: defaultdict[str, int] = defaultdict(int)
    surfaces = {}
    for surface in seen.surfaces:
        surfaces[surface.name, count[surface.name]] = surface.vertices.astype(np.float32)
        count[surface.name] += 1
    return surfaces
