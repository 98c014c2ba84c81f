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


@dataclass(frozen=True)
class Moment:
    """Where everything was in one frame, and what its camera saw."""

    camera: Camera
    depth: np.ndarray
    """(H, W) metres, inf where nothing"""
    surfaces: dict[tuple[str, int], tuple[np.ndarray, np.ndarray]]
    """Vertices (N, 3) in metres and triangles (M, 3), by name and number among surfaces of that name"""


class Motion:
    """Remembers moments for as long as later frames ask for them, and tells the motion since then."""

    def __init__(self, sources: Mapping[int, Sequence[int]]) -> None:
        """``sources``: each frame, in the order in which they are painted, and those since which its motion is wanted,
        in their order."""
        self._sources = sources
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
            source: motion_since(moment, seen)
            for source in self._sources.get(frame, ())
            if (moment := self._moments.get(source)) is not None and moment.camera.name == seen.camera.name
        }
        self._moments[frame] = moment_of(seen)
        here = self._place.get(frame, -1)
        self._moments = {kept: moment for kept, moment in self._moments.items() if self._last.get(kept, -1) > here}
        return flows


def moment_of(seen: Seen) -> Moment:
    return Moment(seen.camera, seen.raster.depth, _surfaces(seen))


def motion_since(moment: Moment, seen: Seen) -> Flow:
    """The motion from an earlier (or later) moment to what is seen now.

    A surface whose mesh has other faces by now was not seen then.  What shows no surface stays where it is, far away.
    """
    before = np.full((len(seen.vertices), 3), np.nan, np.float32)
    end = 0
    for name, (vertices, triangles) in _surfaces(seen).items():
        begin, end = end, end + len(vertices)
        then = moment.surfaces.get(name)
        if then is not None and len(then[0]) == len(vertices) and np.array_equal(then[1], triangles):
            before[begin:end] = then[0]
    raster = seen.raster
    points = raster.interpolate(before[seen.triangles]).astype(np.float64)
    empty = raster.triangle < 0
    points[empty] = static_points(np.where(empty, FAR, np.inf), seen.camera)[empty]
    return backward_flow(points, moment.camera, moment.depth)


def _surfaces(seen: Seen) -> dict[tuple[str, int], tuple[np.ndarray, np.ndarray]]:
    count: defaultdict[str, int] = defaultdict(int)
    surfaces = {}
    for surface in seen.surfaces:
        surfaces[surface.name, count[surface.name]] = surface.vertices.astype(np.float32), surface.triangles
        count[surface.name] += 1
    return surfaces
